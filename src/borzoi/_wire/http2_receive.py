"""The receiving half of the HTTP/2 engine: bytes to frames, frames to what they change (RFC 9113, 6).

In: the bytes that arrived, however they are cut. What comes of them is in the streams. A frame is acted upon when it is
whole. The usual frames of a response take a short way; every other one is held against its layout first, then goes to
the method for its kind.
"""

from __future__ import annotations

from collections.abc import Callable

from .http1_head import ResponseHead
from .http2_frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HAS_PRIORITY,
    HEADER,
    HEADER_SIZE,
    HEADERS,
    MAX_FRAME,
    MAX_STREAM,
    MAX_WINDOW,
    PADDED,
    PING,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    Fault,
    check_layout,
    decode_code,
    decode_content,
    decode_goaway,
    decode_number,
    decode_settings,
    encode_frame,
    name_of_code,
    name_of_kind,
)
from .http2_settings import DEFAULT_LIMITS, HEADER_TABLE_SIZE, Http2Limits
from .http2_state import (
    EMPTY_DATA_COST,
    FRAME_COST,
    IGNORED_SHIFT,
    LATE_DATA_SHIFT,
    LATE_HEADERS_SHIFT,
    LATE_PIECE,
    SETTINGS_COST,
    TINY_DATA,
    TINY_DATA_COST,
    ConnectionState,
    GoAway,
)
from .http2_stream import AWAITS_BODY, AWAITS_HEAD, AWAITS_NOTHING, Stream

_TOO_LONG = (MAX_FRAME + 1) << 8
_NOT_USUAL = END_HEADERS | PADDED | HAS_PRIORITY

MAX_CONTINUATIONS = 64
"""CONTINUATION frames of one header block: a block that is allowed needs eight."""

SMALL = 4096
"""Pieces of a body below this size are joined, so that tiny ones take no more memory than their bytes."""

MAX_DEBUG = 256
"""Bytes of a GOAWAY's debug data that are kept."""


class HeaderFragments:
    """Collect a header block that comes in several frames."""

    __slots__ = ("block", "count", "ends", "stream")

    def __init__(self, stream: int, ends: int, fragment: bytes) -> None:
        self.stream = stream
        self.ends = ends
        self.block = bytearray(fragment)
        self.count = 0


class Receiver(ConnectionState):
    """Take in what the server sends."""

    def __init__(self, limits: Http2Limits = DEFAULT_LIMITS, first_stream: int = 1) -> None:
        super().__init__(limits, first_stream)
        self._held = bytearray()
        self._needed = HEADER_SIZE
        self._fragments: HeaderFragments | None = None
        self._pinged: bytes | None = None

    def receive(self, data: bytes) -> list[Stream]:
        """Take in what arrived; return the streams that have news. After `error` there are none."""
        if self.error is not None:
            return []

        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return []
            data = bytes(self._held)
            self._held.clear()

        try:
            place = self._receive_frames(data)
            if place < len(data):
                self._hold(data[place:])
        except Fault as fault:
            self._fail(fault)

        news = list(self._news.values())
        self._news.clear()
        return news

    def receive_eof(self) -> list[Stream]:
        """Take in that the server closed; return the streams that it has failed by that."""
        if self.error is None:
            self.error = "The server closed the connection."
            said = f" ({self.goaway})" if self.goaway is not None else ""
            for stream in list(self.streams.values()):
                self._end_stream(stream, _what_is_missing(stream) + said)
            self._end_all(self.error)

        news = list(self._news.values())
        self._news.clear()
        return news

    def _hold(self, data: bytes) -> None:
        self._held += data
        self._needed = HEADER_SIZE
        if len(data) >= HEADER_SIZE:
            self._needed += HEADER.unpack_from(data)[0] >> 8

    def _receive_frames(self, data: bytes) -> int:  # hot path: the usual frames are told apart without a call for each
        """Take in the frames that are whole; return where they end. Raises Fault."""
        unpack = HEADER.unpack_from
        streams = self.streams
        usual = self.settled and self._fragments is None
        place = 0
        size = len(data)
        while size - place >= HEADER_SIZE:
            word, flags, number = unpack(data, place)
            if word >= _TOO_LONG:
                self._refuse_length(data, place, word >> 8)

            start = place + HEADER_SIZE
            end = start + (word >> 8)
            if end > size:
                break

            place = end
            kind = word & 0xFF
            try:
                stream = streams.get(number)
                if stream is not None and usual:
                    if kind == DATA and flags <= END_STREAM and stream.awaits == AWAITS_BODY and end > start:
                        self._take_data(stream, data[start:end], flags)
                        continue
                    if kind == HEADERS and flags & _NOT_USUAL == END_HEADERS and stream.awaits == AWAITS_HEAD:
                        self._take_head(stream, data[start:end], flags & END_STREAM)
                        continue

                self._receive_frame(kind, flags, number & MAX_STREAM, data[start:end])
                usual = self._fragments is None
            except Fault as fault:
                if not fault.stream:
                    raise
                self._fail_stream(fault)
        return place

    def _refuse_length(self, data: bytes, place: int, length: int) -> None:
        if not self.settled and data.startswith(b"HTTP/", place):
            raise Fault(PROTOCOL_ERROR, "it answered in HTTP/1")
        # RFC 9113, 4.2.
        raise Fault(FRAME_SIZE_ERROR, f"a frame of {length} bytes came, where {MAX_FRAME} are the most")

    def _receive_frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        """Take in a frame the long way. Raises Fault."""
        check_layout(kind, flags, number, len(payload))

        # RFC 9113, 3.4.
        if not self.settled and (kind != SETTINGS or flags & ACK):
            raise Fault(PROTOCOL_ERROR, f"its first frame has to be SETTINGS, and is {name_of_kind(kind)}")

        # RFC 9113, 6.10: nothing may come between the parts of a header block.
        fragments = self._fragments
        if (fragments is None) == (kind == CONTINUATION) or (fragments is not None and fragments.stream != number):
            expected = "no CONTINUATION" if fragments is None else f"CONTINUATION on stream {fragments.stream}"
            raise Fault(PROTOCOL_ERROR, f"{name_of_kind(kind)} came on stream {number}, where {expected} may come")

        receive = _RECEIVERS.get(kind)
        if receive is None:
            # RFC 9113, 5.5: unknown kinds are ignored; so is PRIORITY (5.3.2).
            self._spend(FRAME_COST + (len(payload) >> IGNORED_SHIFT))
        else:
            receive(self, flags, number, payload)

    # --- responses

    def _receive_data(self, flags: int, number: int, payload: bytes) -> None:
        content = decode_content(DATA, flags, payload)
        if not content and not flags & END_STREAM:
            self._spend(EMPTY_DATA_COST)

        # RFC 9113, 6.9.1: padding counts, too, and nobody has to take it.
        padding = len(payload) - len(content)
        stream = self.streams.get(number)
        if stream is None:
            self._take_late_data(number, len(payload))
            return

        # RFC 9113, 5.1 and 8.1. The connection's window counts what is refused, too.
        if stream.awaits != AWAITS_BODY:
            self._take_credit(len(payload))
            if stream.awaits == AWAITS_NOTHING:
                raise Fault(STREAM_CLOSED, "DATA came after the end of the response", number)
            raise Fault(PROTOCOL_ERROR, "DATA came before the head of the response", number)

        if padding:
            self._take_credit(padding)
            stream.credit -= padding
            stream.taken += padding
        self._take_data(stream, content, flags & END_STREAM)

    def _take_late_data(self, number: int, size: int) -> None:
        self._check_late(DATA, number)
        self._take_credit(size)
        # What the server could send before it heard of a reset is no flood, unless it comes in small pieces.
        if LATE_PIECE <= size <= self._late:
            self._late -= size
        else:
            self._spend(FRAME_COST + (size >> LATE_DATA_SHIFT))

    def _take_credit(self, size: int) -> None:
        self._credit -= size
        if self._credit < self._low_credit:
            if self._credit < 0:
                raise Fault(FLOW_CONTROL_ERROR, "more DATA came than the connection's window admits")
            self._credit_connection()

    def _take_data(self, stream: Stream, content: bytes, ends: int) -> None:
        size = len(content)
        self._credit -= size
        if self._credit < self._low_credit:
            # Counted above: this only looks whether it is time for more, or past it.
            self._take_credit(0)

        stream.credit -= size
        if stream.credit < 0:
            raise Fault(FLOW_CONTROL_ERROR, "more DATA came than the stream's window admits", stream.id)

        # RFC 9113, 8.1.1.
        left = stream.left
        if left is not None:
            left = stream.left = left - size
            if left < 0 or (ends and left):
                raise Fault(PROTOCOL_ERROR, _wrong_length(left), stream.id)

        if size:
            self._untaken += size
            chunks = stream.chunks
            if chunks and size < SMALL and len(chunks[-1]) < SMALL:
                chunks[-1] += content
            else:
                chunks.append(content)
            if size < TINY_DATA and not ends:
                self._spend(TINY_DATA_COST)
        self._news[stream.id] = stream
        if ends:
            self._complete(stream)

    def _complete(self, stream: Stream) -> None:
        stream.complete = True
        stream.awaits = AWAITS_NOTHING
        if stream.to_send == 0:
            del self.streams[stream.id]

    def _receive_headers(self, flags: int, number: int, payload: bytes) -> None:
        fragment = decode_content(HEADERS, flags, payload)
        if flags & END_HEADERS:
            self._receive_block(number, fragment, flags & END_STREAM)
        else:
            self._fragments = HeaderFragments(number, flags & END_STREAM, fragment)

    def _receive_continuation(self, flags: int, number: int, payload: bytes) -> None:
        fragments = self._fragments
        assert fragments is not None  # _receive_frame() has looked.
        fragments.block += payload
        fragments.count += 1
        if fragments.count > MAX_CONTINUATIONS or len(fragments.block) > self._limits.heads.size:
            raise Fault(ENHANCE_YOUR_CALM, "a header block is too long, or in too many pieces")

        if flags & END_HEADERS:
            self._fragments = None
            self._receive_block(number, bytes(fragments.block), fragments.ends)

    def _receive_block(self, number: int, block: bytes, ends: int) -> None:
        stream = self.streams.get(number)
        if stream is None:
            self._check_late(HEADERS, number)
            self._spend(FRAME_COST + (len(block) >> LATE_HEADERS_SHIFT))
            self._reader.skip(block)
        elif stream.awaits == AWAITS_HEAD:
            self._take_head(stream, block, ends)
        elif stream.awaits == AWAITS_BODY:
            self._take_trailers(stream, block, ends)
        else:
            self._reader.skip(block)
            raise Fault(STREAM_CLOSED, "HEADERS came after the end of the response", number)

    def _take_head(self, stream: Stream, block: bytes, ends: int) -> None:
        # RFC 9113, 5.1: to the server the stream is idle until it has our head. It answers nothing that it was asked.
        if stream.id >= self._unsent:
            raise Fault(PROTOCOL_ERROR, f"HEADERS came on stream {stream.id}, which was never opened")

        head = self._reader.known.get(block) or self._reader.read(block, stream.id)
        if head.status < 200:
            self._take_interim(stream, head, ends)
            return

        stream.head = head
        stream.answered = True
        stream.awaits = AWAITS_BODY
        # RFC 9110, 6.4.1: these have no content, whatever length they tell.
        left = 0 if head.status == 204 or head.status == 304 else _content_length(stream, head)
        stream.left = left
        self._news[stream.id] = stream
        if ends:
            if left:
                raise Fault(PROTOCOL_ERROR, _wrong_length(left), stream.id)
            self._complete(stream)

    def _take_interim(self, stream: Stream, head: ResponseHead, ends: int) -> None:
        # RFC 9113, 8.1: an interim response is not the last; 8.6: there is no 101.
        if ends or head.status == 101:
            raise Fault(PROTOCOL_ERROR, f"the interim response {head.status} ends the exchange", stream.id)
        limit = self._limits.heads.informational
        if len(stream.informational) == limit:
            raise Fault(ENHANCE_YOUR_CALM, f"it sent more than {limit} interim responses (1xx)", stream.id)

        stream.informational.append(head)
        stream.answered = True
        self._news[stream.id] = stream

    def _take_trailers(self, stream: Stream, block: bytes, ends: int) -> None:
        # RFC 9113, 8.1 and 8.5.
        if not ends or stream.is_tunnel:
            self._reader.skip(block)
            raise Fault(PROTOCOL_ERROR, "HEADERS came in the middle of the body", stream.id)
        trailers = self._reader.read_trailers(block, stream.id)
        if stream.left:
            raise Fault(PROTOCOL_ERROR, _wrong_length(stream.left), stream.id)

        stream.trailers = trailers
        self._news[stream.id] = stream
        self._complete(stream)

    # --- the connection

    def _receive_reset(self, flags: int, number: int, payload: bytes) -> None:
        self._spend(FRAME_COST)
        stream = self.streams.get(number)
        if stream is None:
            self._check_late(RST_STREAM, number)
            return

        code = stream.reset_code = decode_code(payload)
        # RFC 9113, 8.7.
        stream.unprocessed = code == REFUSED_STREAM and not stream.answered
        self._end_stream(stream, f"The server reset the stream (RST_STREAM, {name_of_code(code)}).")

    def _receive_settings(self, flags: int, number: int, payload: bytes) -> None:
        settings = decode_settings(payload)
        self._spend(SETTINGS_COST + FRAME_COST * len(settings))
        if flags & ACK:
            return

        before = self._settings.initial_window
        for name, value in settings:
            self._settings.take(name, value)
            if name == HEADER_TABLE_SIZE:
                self._writer.encoder.resize(value)
        self._shift_windows(self._settings.initial_window - before)
        self.settled = True
        self._set_most()
        self._out.append(_SETTINGS_ACK)

    def _shift_windows(self, change: int) -> None:
        # RFC 9113, 6.9.2: open streams get more, or less, which may be less than nothing.
        for stream in self.streams.values():
            stream.window += change
            if stream.window > MAX_WINDOW:
                raise Fault(FLOW_CONTROL_ERROR, "a setting opened a stream's window too far")
        if change > 0 and self.window > 0:
            self._unblock()

    def _receive_push(self, flags: int, number: int, payload: bytes) -> None:
        # RFC 9113, 8.4: our SETTINGS, which came before any request, do not allow it.
        raise Fault(PROTOCOL_ERROR, "it pushed a response (PUSH_PROMISE), which we have refused")

    def _receive_ping(self, flags: int, number: int, payload: bytes) -> None:
        if flags & ACK and payload == self._pinged:
            self._pinged = None
            return

        self._spend(FRAME_COST)
        if not flags & ACK:
            self._out.append(encode_frame(PING, ACK, 0, payload))

    def _receive_goaway(self, flags: int, number: int, payload: bytes) -> None:
        self._spend(SETTINGS_COST)
        last, code, debug = decode_goaway(payload)
        # RFC 9113, 6.8: it may name fewer streams than before, and not more.
        if self.goaway is not None:
            last = min(last, self.goaway.last_stream)
        self.goaway = GoAway(last, code, debug[:MAX_DEBUG])
        self._set_most()
        for stream in [stream for stream in self.streams.values() if stream.id > last]:
            stream.unprocessed = not stream.answered
            self._end_stream(stream, f"The server did not act upon the request ({self.goaway}).")

    def _receive_window_update(self, flags: int, number: int, payload: bytes) -> None:
        self._spend(FRAME_COST)
        increment = decode_number(payload)
        if not number:
            was_shut = self.window <= 0
            self.window = _widened(self.window, increment, 0)
            if was_shut:
                self._unblock()
            return

        stream = self.streams.get(number)
        if stream is None:
            self._check_late(WINDOW_UPDATE, number)
            _widened(0, increment, 0)
            return

        stream.window = _widened(stream.window, increment, number)
        if stream.window > 0 and self.window > 0 and self._blocked.pop(number, None) is not None:
            self._news[number] = stream


_SETTINGS_ACK = encode_frame(SETTINGS, ACK, 0)

_RECEIVERS: dict[int, Callable[[Receiver, int, int, bytes], None]] = {
    DATA: Receiver._receive_data,
    HEADERS: Receiver._receive_headers,
    RST_STREAM: Receiver._receive_reset,
    SETTINGS: Receiver._receive_settings,
    PUSH_PROMISE: Receiver._receive_push,
    PING: Receiver._receive_ping,
    GOAWAY: Receiver._receive_goaway,
    WINDOW_UPDATE: Receiver._receive_window_update,
    CONTINUATION: Receiver._receive_continuation,
}


def _content_length(stream: Stream, head: ResponseHead) -> int | None:
    """Return how long the body has to be; None where nothing says it."""
    method = stream.method
    if method == "HEAD":
        return 0
    if method == "CONNECT" and head.status < 300:
        # RFC 9110, 9.3.6: what follows is no body.
        stream.is_tunnel = True
        return None
    return head.length if head.length >= 0 else None


def _wrong_length(left: int) -> str:
    if left < 0:
        return "the body is longer than its Content-Length"
    return f"the body is {left} bytes shorter than its Content-Length"


def _what_is_missing(stream: Stream) -> str:
    if stream.head is None:
        return "Server disconnected without sending a response."
    cut = "peer closed connection without sending complete message body"
    if stream.left is None:
        return f"{cut} (no END_STREAM)"
    return f"{cut} (received {stream.head.length - stream.left} bytes, expected {stream.head.length})"


def _widened(window: int, increment: int, stream: int) -> int:
    # RFC 9113, 6.9 and 6.9.1.
    if not increment:
        raise Fault(PROTOCOL_ERROR, "WINDOW_UPDATE opened a window by nothing", stream)
    if window + increment > MAX_WINDOW:
        raise Fault(FLOW_CONTROL_ERROR, "WINDOW_UPDATE opened a window too far", stream)
    return window + increment
