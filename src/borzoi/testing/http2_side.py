"""The server's side of one HTTP/2 connection (RFC 9113), without I/O and without a clock of its own.

In: the bytes that the client wrote, the events of replies, and the time. Out: whole requests, and what is to be sent
now. Each stream has a time of its own: one that pauses holds up no other. What the client's windows do not admit waits.

    receive(data, now)    calls `answer` for each request that has become whole
    reply(stream, events) what the answer is, at once or later
    due(), speak(now)     when there is something to say, and what: bytes, an OSError that breaks the connection, END
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from .._backends.memory import END, End, Wait
from .._wire import http2_frames as frames
from .._wire.hpack import Decoder, Encoder, HeaderListTooLarge, HpackError
from .._wire.http2_frames import HEADER, HEADER_SIZE, MAX_FRAME, MAX_STREAM, PREFACE, Fault
from .._wire.http2_settings import HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS
from .http2_events import EndlessHead, Finish, GoAway, HalfHead, Head, Raw, ResetStream

if TYPE_CHECKING:
    from .._values.headers import Pairs
    from .http2_events import Said

STREAMS = 100
"""Streams that the server takes at once."""

ENDLESS = 80
"""CONTINUATION frames of a header block that has no end: more than any client bears."""

Spoken: TypeAlias = "bytes | End | OSError"


class Asked:
    """A request, or what has come of it."""

    __slots__ = ("content", "number", "pairs", "pieces", "pseudo", "trailers")

    def __init__(self, number: int, pairs: Pairs) -> None:
        self.number = number
        self.pseudo = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs if name[:1] == b":"}
        self.pairs = [pair for pair in pairs if pair[0][:1] != b":"]
        self.pieces: list[bytes] = []
        self.content = b""
        self.trailers: Pairs = []

    @property
    def method(self) -> str:
        """The method."""
        return self.pseudo.get(":method", "")

    @property
    def expects(self) -> bool:
        """Whether the body is only sent when 100 (Continue) was said (RFC 9110, 10.1.1)."""
        return any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.pairs)


class Speaker:
    """What is still to be said on one stream, and from when on."""

    __slots__ = ("due", "events", "number", "window")

    def __init__(self, number: int, window: int) -> None:
        self.number = number
        self.window = window
        self.events: deque[Said] = deque()
        self.due = 0.0


class Http2Side:
    """Speak HTTP/2 as a server does. With `widens=False` the windows for what the client sends stay as they are."""

    def __init__(self, answer: Callable[[Asked], object], *, widens: bool = True) -> None:
        self._answer = answer
        self._widens = widens
        self._held = b""
        self._has_begun = False
        self._is_settled = False
        self._is_over = False
        self._now = 0.0
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._initial_window = frames.DEFAULT_WINDOW
        self._window = frames.DEFAULT_WINDOW
        self._asked: dict[int, Asked] = {}
        self._fragments: tuple[int, int, bytes] | None = None
        self._latest = 0
        self._speakers: dict[int, Speaker] = {}
        self._out: list[bytes] = [frames.encode_settings([(MAX_CONCURRENT_STREAMS, STREAMS)])]
        self.changes = 0
        """Rises with whatever may make something due earlier."""

    # --- receiving

    def receive(self, data: bytes, now: float) -> None:
        """Take in what the client has written."""
        self._now = now
        self.changes += 1
        data = self._held + data
        place = 0
        if not self._has_begun:
            if len(data) < len(PREFACE) and PREFACE.startswith(data):
                self._held = data
                return
            place = len(PREFACE)
        try:
            if not self._has_begun and not data.startswith(PREFACE):
                raise Fault(frames.PROTOCOL_ERROR, "the client does not begin as RFC 9113, 3.4, has it")
            self._has_begun = True
            place = self._receive_frames(data, place)
        except Fault as fault:
            self._fail(fault)
        except (HpackError, HeaderListTooLarge) as error:
            self._fail(Fault(frames.COMPRESSION_ERROR, str(error)))
        self._held = data[place:]

    def _fail(self, fault: Fault) -> None:
        self._out.append(frames.encode_goaway(self._latest, fault.code, fault.text.encode()))
        self._speakers.clear()
        self._is_over = True

    def _receive_frames(self, data: bytes, place: int) -> int:
        while len(data) - place >= HEADER_SIZE and not self._is_over:
            word, flags, number = HEADER.unpack_from(data, place)
            kind, number, start = word & 0xFF, number & MAX_STREAM, place + HEADER_SIZE
            if len(data) - start < word >> 8:
                break
            place = start + (word >> 8)
            frames.check_layout(kind, flags, number, word >> 8)
            receive = _RECEIVERS.get(kind)
            if receive is not None:
                receive(self, flags, number, data[start:place])
        return place

    def _receive_settings(self, flags: int, number: int, payload: bytes) -> None:
        held_up = self._held_up()
        if flags & frames.ACK:
            self._is_settled = True
            self._go_on(held_up)
            return
        for name, value in frames.decode_settings(payload):
            if name == HEADER_TABLE_SIZE:
                self._encoder.resize(value)
            elif name == INITIAL_WINDOW_SIZE:
                for speaker in self._speakers.values():
                    speaker.window += value - self._initial_window
                self._initial_window = value
        self._out.append(frames.encode_frame(frames.SETTINGS, frames.ACK, 0))

    def _receive_ping(self, flags: int, number: int, payload: bytes) -> None:
        if not flags & frames.ACK:
            self._out.append(frames.encode_frame(frames.PING, frames.ACK, 0, payload))

    def _receive_window_update(self, flags: int, number: int, payload: bytes) -> None:
        held_up = self._held_up()
        increment = frames.decode_number(payload)
        if number == 0:
            self._window += increment
        elif number in self._speakers:
            self._speakers[number].window += increment
        self._go_on(held_up)

    def _held_up(self) -> list[Speaker]:
        return [speaker for speaker in self._speakers.values() if speaker.events and not self._can_speak(speaker)]

    def _go_on(self, held_up: list[Speaker]) -> None:
        """Have what was held up be said from now on."""
        for speaker in held_up:
            speaker.due = max(speaker.due, self._now)

    def _receive_reset(self, flags: int, number: int, payload: bytes) -> None:
        self._speakers.pop(number, None)
        self._asked.pop(number, None)

    def _receive_headers(self, flags: int, number: int, payload: bytes) -> None:
        fragment = frames.decode_content(frames.HEADERS, flags, payload)
        self._receive_block(flags & frames.END_HEADERS, number, flags & frames.END_STREAM, fragment)

    def _receive_continuation(self, flags: int, number: int, payload: bytes) -> None:
        if self._fragments is None or self._fragments[0] != number:
            raise Fault(frames.PROTOCOL_ERROR, "CONTINUATION continues nothing")
        _, ends, block = self._fragments
        self._receive_block(flags & frames.END_HEADERS, number, ends, block + payload)

    def _receive_block(self, is_whole: int, number: int, ends: int, block: bytes) -> None:
        self._fragments = None if is_whole else (number, ends, block)
        if not is_whole:
            return
        pairs = self._decoder.decode(block)
        asked = self._asked.get(number)
        if asked is not None:
            asked.trailers = pairs
        else:
            asked = self._asked[number] = Asked(number, pairs)
            self._latest = max(self._latest, number)
            self._speakers[number] = Speaker(number, self._initial_window)
        if ends:
            self._ask(asked)
        elif asked.expects and not asked.trailers:
            self.reply(number, [Head([(b":status", b"100")], is_interim=True)])

    def _receive_data(self, flags: int, number: int, payload: bytes) -> None:
        if self._widens and payload:
            self._out.append(frames.encode_window_update(0, len(payload)))
        asked = self._asked.get(number)
        if asked is None:
            # What was under way when its stream was reset.
            return
        asked.pieces.append(frames.decode_content(frames.DATA, flags, payload))
        if flags & frames.END_STREAM:
            self._ask(asked)
        elif self._widens and payload:
            self._out.append(frames.encode_window_update(number, len(payload)))

    def _ask(self, asked: Asked) -> None:
        del self._asked[asked.number]
        asked.content = b"".join(asked.pieces)
        self._answer(asked)

    # --- speaking

    def reply(self, number: int, events: Iterable[Said], now: float | None = None) -> None:
        """Say something on a stream, from now on. Does nothing where the client has given the stream up."""
        speaker = self._speakers.get(number)
        if speaker is not None:
            speaker.due = max(speaker.due, self._now if now is None else now)
            speaker.events += events
            self.changes += 1

    def due(self) -> float | None:
        """Return when there is something to say; None where that is up to the client."""
        if self._out or self._is_over:
            return self._now
        return min((speaker.due for speaker in self._speakers.values() if self._can_speak(speaker)), default=None)

    def _can_speak(self, speaker: Speaker) -> bool:
        event = speaker.events[0] if speaker.events else None
        if isinstance(event, bytes):
            return speaker.window > 0 and self._window > 0
        # The connection ends when the client has heard of the server: what it says in between could meet a reset.
        return event is not None and (self._is_settled or not isinstance(event, (End, OSError)))

    def speak(self, now: float) -> list[Spoken]:
        """Return what is to be sent by now."""
        end: End | OSError | None = END if self._is_over else None
        while end is None and (speaker := self._next(now)) is not None:
            event = speaker.events.popleft()
            if isinstance(event, (End, OSError)):
                end = event
            elif isinstance(event, Wait):
                speaker.due += event.seconds
            else:
                self._say(speaker, event)
        data = b"".join(self._out)
        self._out.clear()
        said: list[Spoken] = [data] if data else []
        return said if end is None else [*said, end]

    def _next(self, now: float) -> Speaker | None:
        ready = [speaker for speaker in self._speakers.values() if speaker.due <= now and self._can_speak(speaker)]
        return min(ready, key=lambda speaker: (speaker.due, speaker.number), default=None)

    def _say(self, speaker: Speaker, event: Said) -> None:
        number = speaker.number
        if isinstance(event, bytes):
            self._say_data(speaker, event)
        elif isinstance(event, Head):
            ends = not event.is_interim and self._ends(speaker)
            self._out.append(frames.encode_headers(number, self._block(event.pairs), end_stream=ends))
        elif isinstance(event, Finish):
            self._finish(speaker, event)
        elif isinstance(event, ResetStream):
            self._out.append(frames.encode_reset(number, event.code))
            del self._speakers[number]
        elif isinstance(event, GoAway):
            last = self._latest if event.processed else max(0, number - 2)
            self._out.append(frames.encode_goaway(last, event.code))
        elif isinstance(event, Raw):
            self._out.append(event.data)
        elif isinstance(event, HalfHead):
            frame = frames.encode_headers(number, self._block(event.pairs), end_stream=False)
            self._out.append(frame[: len(frame) // 2])
        else:
            assert isinstance(event, EndlessHead)
            self._out += _endless(number)

    def _block(self, pairs: Pairs) -> bytes:
        return self._encoder.updates() + self._encoder.encode(pairs)

    def _say_data(self, speaker: Speaker, data: bytes) -> None:
        size = min(len(data), speaker.window, self._window, MAX_FRAME)
        speaker.window -= size
        self._window -= size
        if size < len(data):
            speaker.events.appendleft(data[size:])
        ends = self._ends(speaker)
        self._out.append(
            frames.encode_frame(frames.DATA, frames.END_STREAM if ends else 0, speaker.number, data[:size])
        )

    def _ends(self, speaker: Speaker) -> bool:
        """Return whether nothing but the end of the stream follows, which then goes with what is said now."""
        event = speaker.events[0] if speaker.events else None
        if not isinstance(event, Finish) or event.trailers:
            return False
        del self._speakers[speaker.number]
        return True

    def _finish(self, speaker: Speaker, event: Finish) -> None:
        del self._speakers[speaker.number]
        if event.trailers:
            block = self._block(event.trailers)
            self._out.append(frames.encode_headers(speaker.number, block, end_stream=True))
        else:
            self._out.append(frames.encode_frame(frames.DATA, frames.END_STREAM, speaker.number))


def _endless(number: int) -> list[bytes]:
    # RFC 7541, 6.2.2: literals without indexing, with names of their own.
    block = b"\x00\x08x-filler\x09and on it" * 100
    more = frames.encode_frame(frames.CONTINUATION, 0, number, block)
    return [frames.encode_frame(frames.HEADERS, 0, number, block), *[more] * ENDLESS]


_RECEIVERS: dict[int, Callable[[Http2Side, int, int, bytes], None]] = {
    frames.DATA: Http2Side._receive_data,
    frames.HEADERS: Http2Side._receive_headers,
    frames.RST_STREAM: Http2Side._receive_reset,
    frames.SETTINGS: Http2Side._receive_settings,
    frames.PING: Http2Side._receive_ping,
    frames.WINDOW_UPDATE: Http2Side._receive_window_update,
    frames.CONTINUATION: Http2Side._receive_continuation,
}
