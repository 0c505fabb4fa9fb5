"""The client's side of one HTTP/2 connection (RFC 9113), many exchanges at once, without I/O.

In: requests, and the bytes that arrived. Out: bytes to send, and `Stream` objects whose attributes fill up. There are
no events: `receive()` returns the streams that have news, each once. A fault of the server never raises: it ends one
stream, or all of them and the engine, and their `error` says what was wrong. A fault of the program is a
LocalProtocolError.

    open() -> send(), ... -> end()      while `room` > 0; then write data_to_send(), once for all streams of a turn
    receive() -> take() the chunks of those with news, until they are `complete` or have an `error`; reset() at any time

What is not taken is not let through again: a stream that nobody reads stops its server, and no other stream. Work and
memory are bounded: frames that bring nothing use up a budget (`Http2Limits.calm`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import LocalProtocolError
from .http1_head import CHUNKED
from .http2_frames import (
    CANCEL,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADER,
    HEADERS,
    MAX_FRAME,
    MAX_STREAM,
    NO_ERROR,
    PING,
    encode_frame,
    encode_goaway,
    encode_headers,
    encode_window_update,
)
from .http2_receive import Receiver
from .http2_state import REQUEST_EARNS, SENDING_EARNS, TAKING_EARNS
from .http2_stream import AWAITS_BODY, Stream

if TYPE_CHECKING:
    from .._values.headers import HeaderBlock
    from .hpack import Pairs

SEND_SIZE = 256 * 1024
"""Bytes of a body that one `send()` takes at most: what is queued is copied."""


class Http2(Receiver):
    """Speak HTTP/2 on one connection."""

    # --- requests

    def open(self, method: str, target: bytes, block: HeaderBlock, scheme: bytes = b"https") -> Stream:
        """Send the head of a request; return its stream, whose `to_send` says whether a body has to follow.

        The block is that of HTTP/1.1, with a Host and with Content-Length or Transfer-Encoding where there is a body.
        Raises LocalProtocolError where there is no room, and for a request that is malformed.
        """
        if self.most_streams <= len(self.streams):
            raise LocalProtocolError("No more streams can be opened on this HTTP/2 connection now.")

        settings = self._settings
        fields, framing = self._writer.write(method, scheme, target, block, settings.max_header_list)
        to_send = framing.length
        if method == "CONNECT":
            # RFC 9113, 8.5: what follows is no body, but what the program says to the other end.
            to_send = CHUNKED

        number = self._next
        self._next = number + 2
        stream = Stream(number, method, to_send, settings.initial_window, self._limits.stream_window)
        if framing.expects_continue:
            stream.expects_continue = True
        self.streams[number] = stream
        if len(fields) <= MAX_FRAME:
            # hot path: as `encode_headers()`.
            ends = END_STREAM if to_send == 0 else 0
            self._out += (HEADER.pack(len(fields) << 8 | HEADERS, ends | END_HEADERS, number), fields)
        else:
            self._out.append(encode_headers(number, fields, to_send == 0))
        if self._spent:
            self._earn(REQUEST_EARNS)
        if self._next > MAX_STREAM:
            self._set_most()
        return stream

    def send(self, stream: Stream, data: bytes) -> int:
        """Queue as much of a piece of the body as the windows admit, and return how many bytes that is.

        If it is less than all of it, call again once what is queued was sent; where that has shut a window, or it is
        nothing, once `receive()` has named the stream. Raises LocalProtocolError past the declared length.
        """
        to_send = stream.to_send
        if to_send >= 0 and len(data) > to_send:
            raise LocalProtocolError("Too much data for declared Content-Length")
        self._check_open(stream)

        window = min(stream.window, self.window)
        size = min(len(data), window, SEND_SIZE)
        if size <= 0:
            if data:
                self._blocked[stream.id] = stream
            return 0

        stream.window -= size
        self.window -= size
        self._earn(SENDING_EARNS)
        if to_send > 0:
            stream.to_send = to_send = to_send - size
        if to_send and window == size:
            self._blocked[stream.id] = stream
        self._queue_data(stream, data if size == len(data) else data[:size], END_STREAM if to_send == 0 else 0)
        return size

    def _queue_data(self, stream: Stream, data: bytes, ends: int) -> None:
        view = memoryview(data)
        for place in range(0, len(data), MAX_FRAME):
            piece = view[place : place + MAX_FRAME]
            flags = ends if place + MAX_FRAME >= len(data) else 0
            self._out.append(HEADER.pack(len(piece) << 8 | DATA, flags, stream.id))
            self._out.append(piece)
        if ends:
            self._sent(stream)

    def end(self, stream: Stream, trailers: Pairs | None = None) -> None:
        """End a request. Raises LocalProtocolError where its body is shorter than declared.

        Trailers need a body without a declared length: one that has it ends with its last byte.
        """
        if stream.to_send > 0:
            raise LocalProtocolError("Too little data for declared Content-Length")
        if stream.to_send == 0:
            if trailers:
                raise LocalProtocolError("Trailers follow a body whose length is not declared.")
            return

        self._check_open(stream)
        if trailers:
            self._out.append(encode_headers(stream.id, self._writer.write_trailers(trailers), end_stream=True))
        else:
            self._out.append(encode_frame(DATA, END_STREAM, stream.id))
        self._sent(stream)

    def _check_open(self, stream: Stream) -> None:
        if self.streams.get(stream.id) is not stream:
            raise LocalProtocolError("The stream is closed: nothing more of its request can be sent.")

    def _sent(self, stream: Stream) -> None:
        stream.to_send = 0
        self._blocked.pop(stream.id, None)
        if stream.complete:
            self._close_stream(stream)

    # --- responses

    def take(self, stream: Stream) -> list[bytes]:
        """Return the chunks that have arrived, and let the server send as much again."""
        chunks = stream.chunks
        if not chunks:
            return []

        stream.chunks = []
        size = len(chunks[0]) if len(chunks) == 1 else sum(map(len, chunks))
        self._untaken -= size
        if self._credit < self._low_credit:
            self._credit_connection()
        if stream.awaits == AWAITS_BODY:
            self._earn(TAKING_EARNS)
            self._widen(stream, size)
        return chunks

    def _widen(self, stream: Stream, size: int) -> None:
        """Let the server send more on a stream, in steps of half its window."""
        stream.taken += size
        window = stream.receive_window
        if stream.taken * 2 < window or (stream.left is not None and stream.left <= stream.credit):
            return

        # What is taken in small parts is taken as fast as it comes: then the window is what holds the server up.
        if size * 4 <= window:
            window = min(window * 2, self._limits.max_stream_window)
        increment = stream.taken + window - stream.receive_window
        stream.receive_window = window
        stream.credit += increment
        stream.taken = 0
        self._out.append(encode_window_update(stream.id, increment))

    def reset(self, stream: Stream, code: int = CANCEL) -> None:
        """Give a stream up: nothing more of it is sent or received. Does nothing to one that has ended."""
        self._discard_chunks(stream)
        if self.streams.get(stream.id) is stream:
            self._give_up(stream, code)
            if not stream.complete:
                stream.error = "The stream was reset by the client."

    # --- the connection

    def data_to_send(self) -> bytes:
        """Return what is to be sent now, and forget it."""
        out = self._out
        if not out:
            return b""
        self._out = []
        self._unsent = self._next
        return b"".join(out)

    @property
    def pinged(self) -> bool:
        """Whether a `ping()` was not answered yet."""
        return self._pinged is not None

    def ping(self, data: bytes = b"\x00" * 8) -> None:
        """Ask the server for a sign of life; `data` is eight bytes, which it sends back."""
        self._pinged = data
        self._out.append(encode_frame(PING, 0, 0, data))

    def close(self, code: int = NO_ERROR, debug: bytes = b"") -> None:
        """Say goodbye (GOAWAY), which is the last thing to send, and end all streams."""
        if self.error is None:
            self.error = "The connection was closed by the client."
            self._out.append(encode_goaway(0, code, debug))
            self._end_all(self.error)
