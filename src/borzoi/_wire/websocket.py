"""One side of a WebSocket after its handshake (RFC 6455), without I/O: the client's, or for an app the server's.

In: what the program sends, and the bytes that arrived. Out: bytes to write, and what was received, one at a time: a
message is a `str` or `bytes`, whole; a ping, a pong and the end are events. Replies that the protocol demands (a pong,
the answer to a close) gather in `replies`, to be written before anything else. A fault of the peer is a `Violation`,
for which the close frame lies in `replies`; a fault of the program is a LocalProtocolError.

Work and memory are bounded: by `max_size` for each message, and by a number of frames that follows from it. Text is
decoded and compressed data is inflated as it comes, so that what is wrong is found at the first wrong byte.
"""

from __future__ import annotations

import codecs
import io
import os
from typing import TYPE_CHECKING

from .._errors import LocalProtocolError
from .permessage_deflate import SMALL, Deflate
from .websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    INVALID_DATA,
    MASKED,
    MAX_CONTROL,
    PING,
    PONG,
    RSV1,
    TEXT,
    TOO_BIG,
    CloseConnection,
    Ping,
    Pong,
    Violation,
    apply_mask,
    decode_close,
    encode_close,
    encode_frame,
)

if TYPE_CHECKING:
    from typing import TypeAlias

Received: TypeAlias = "str | bytes | Ping | Pong | CloseConnection"

WHOLE_TEXT = FIN | TEXT
WHOLE_BINARY = FIN | BINARY

MASKS = 1024
"""Random bytes drawn at once for masks: one system call for many frames."""

FRAMES = 16384
"""Frames that a message may have, besides one for each 256 bytes of its greatest size."""

_SHORT_TEXT = tuple(bytes((WHOLE_TEXT, MASKED | size)) for size in range(126))
_SHORT_BINARY = tuple(bytes((WHOLE_BINARY, MASKED | size)) for size in range(126))
_NAMES = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}


class WebSocket:
    """Speak the WebSocket protocol on one connection."""

    __slots__ = (
        "_at",
        "_compressed",
        "_data",
        "_decoder",
        "_deflate",
        "_failed",
        "_first",
        "_frames",
        "_in_frame",
        "_left",
        "_mask",
        "_masks",
        "_max_frames",
        "_max_size",
        "_next_mask",
        "_opcode",
        "_payload",
        "_rest",
        "_sending",
        "_sending_compressed",
        "_server",
        "_size",
        "closed",
        "closing",
        "replies",
    )

    closed: CloseConnection | None
    """What the peer said when it closed, or what it was told when it broke the protocol; None before."""

    closing: bool
    """Whether this side has said its last: its close frame is written, or is among the replies."""

    replies: list[bytes]
    """Frames that the protocol demands. To take them: `replies, engine.replies = engine.replies, []`."""

    def __init__(self, max_size: int, deflate: Deflate | None = None, *, server: bool = False) -> None:
        self._max_size = max_size
        self._max_frames = FRAMES + max_size // 256
        self._deflate = deflate
        self._server = server
        # What arrived and was not looked at, and where to look on.
        self._data = b""
        self._at = 0
        # The frame that is under way: its first byte and a bit above it (0 where there is none), its mask, and how much
        # of it is missing.
        self._in_frame = 0
        self._mask = b""
        self._left = 0
        self._payload: list[bytes] = []
        # The message that is under way: its opcode (0 where there is none), and what there is of it.
        self._opcode = 0
        self._compressed = False
        self._first: str | bytes | None = None
        self._rest: io.BytesIO | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._size = 0
        self._frames = 0
        # The message that the program has begun to send in parts.
        self._sending = 0
        self._sending_compressed = False
        self._masks = b""
        self._next_mask = 0
        self._failed: Violation | None = None
        self.closed = None
        self.closing = False
        self.replies = []

    # --- sending

    def send_text(self, text: str) -> bytes:
        """Return a message of text. Raises LocalProtocolError once closing, and for lone surrogates."""
        try:
            payload = text.encode()
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"The text cannot be sent as UTF-8: {error}") from None
        # hot path, as in `send_bytes()`: `send_message()`, without a call for each step.
        if len(payload) < 126 and self._deflate is None and not (self._server or self._sending or self.closing):
            return self._short_frame(_SHORT_TEXT, payload)
        return self.send_message(TEXT, payload)

    def send_bytes(self, data: bytes) -> bytes:
        """Return a message of bytes. Raises LocalProtocolError once the WebSocket is closing."""
        if len(data) < 126 and self._deflate is None and not (self._server or self._sending or self.closing):
            return self._short_frame(_SHORT_BINARY, data)
        return self.send_message(BINARY, data)

    def _short_frame(self, heads: tuple[bytes, ...], payload: bytes) -> bytes:
        size = len(payload)
        at = self._next_mask
        if at == len(self._masks):
            self._draw_masks()
            at = 0
        self._next_mask = at + 4
        mask = self._masks[at : at + 4]
        repeated = (mask * (size // 4 + 1))[:size]
        masked = int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")
        return heads[size] + mask + masked.to_bytes(size, "little")

    def send_message(self, opcode: int, payload: bytes, *, final: bool = True) -> bytes:
        """Return a message, or with `final=False` a part of one (5.4). Raises LocalProtocolError."""
        self._require_open()
        begun = self._sending
        if begun and begun != opcode:
            # 5.4: fragments of one message are not interleaved with those of another.
            raise LocalProtocolError(f"A message of {_NAMES[begun]} is under way: its last part is still to be sent.")
        if not begun:
            self._sending_compressed = self._deflate is not None and len(payload) >= SMALL

        first = CONTINUATION if begun else opcode
        if self._sending_compressed and self._deflate is not None:
            compressed = self._deflate.compress(payload, final=final)
            if compressed is None:
                self._sending_compressed = False
            else:
                payload = compressed
                # RFC 7692, 6: the bit is set on the first frame of a message.
                first = first if begun else first | RSV1
        self._sending = 0 if final else opcode
        return self._frame(first | FIN if final else first, payload)

    def send_ping(self, payload: bytes) -> bytes:
        """Return a ping (5.5.2). Raises LocalProtocolError."""
        return self._control(PING, payload)

    def send_pong(self, payload: bytes) -> bytes:
        """Return a pong (5.5.3). Raises LocalProtocolError."""
        return self._control(PONG, payload)

    def close(self, code: int, reason: str | None = None) -> bytes:
        """Return the close frame (5.5.1), after which nothing else is sent. Raises LocalProtocolError."""
        frame = self._control(CLOSE, encode_close(code, reason))
        self.closing = True
        return frame

    def _control(self, opcode: int, payload: bytes) -> bytes:
        self._require_open()
        if len(payload) > MAX_CONTROL:
            raise LocalProtocolError(f"A {_NAMES[opcode]} has at most {MAX_CONTROL} bytes.")
        return self._frame(FIN | opcode, payload)

    def _require_open(self) -> None:
        if self.closing:
            raise LocalProtocolError("The WebSocket is closed: nothing can be sent any more.")

    def _frame(self, first: int, payload: bytes) -> bytes:
        if self._server:
            return encode_frame(first, payload)
        # 5.3: each frame has a mask that nobody can foresee.
        at = self._next_mask
        if at == len(self._masks):
            self._draw_masks()
            at = 0
        self._next_mask = at + 4
        return encode_frame(first, payload, self._masks[at : at + 4])

    def _draw_masks(self) -> None:
        self._masks = os.urandom(MASKS)

    # --- receiving

    def receive(self, data: bytes) -> None:
        """Take in what arrived. `next_event()` tells what it means."""
        at = self._at
        self._data = data if at == len(self._data) else self._data[at:] + data
        self._at = 0

    def next_event(self) -> Received | None:
        """Return what was received next, None where more has to arrive. Raises Violation."""
        # hot path: a message in one frame, which is here as a whole and shorter than 64 KiB.
        data, at = self._data, self._at
        if not self._in_frame and not self._opcode and not self._server and at + 4 <= len(data) and self.closed is None:
            first, size = data[at], data[at + 1]
            at += 2
            if size == 126:
                size = data[at] << 8 | data[at + 1]
                at += 2
                if size < 126:
                    first = 0  # not written as it must be
            elif size > 126:
                first = 0  # longer, or masked
            end = at + size
            if end <= len(data) and size <= self._max_size and first in (WHOLE_TEXT, WHOLE_BINARY):
                payload = data[at:end]
                self._at = end
                if first == WHOLE_BINARY:
                    return payload
                try:
                    return payload.decode()
                except UnicodeDecodeError as error:
                    raise self._fail(_not_text(error)) from None

        if self._failed is not None:
            raise Violation(str(self._failed), self._failed.code)
        try:
            return self._next_event()
        except Violation as violation:
            raise self._fail(violation) from None

    def _next_event(self) -> Received | None:
        # 5.5.1: what comes after a close frame means nothing.
        while self.closed is None:
            if not self._in_frame and not self._begin_frame():
                return None
            event = self._take_control() if self._in_frame & 0x08 else self._take_data()
            if event is not None:
                return event
            if self._in_frame:
                return None
        return None

    def _fail(self, violation: Violation) -> Violation:
        """Tell the peer what it did (7.1.7), and stay failed."""
        self._failed = violation
        self._data, self._at = b"", 0
        self._first = self._rest = None
        self._payload = []
        code, reason = violation.code, str(violation)
        self.closed = CloseConnection(code, reason)
        if not self.closing:
            self.replies.append(self.close(code, reason))
        return violation

    def _begin_frame(self) -> bool:
        """Read the head of a frame (5.2), once it is here."""
        data, at = self._data, self._at
        here = len(data) - at
        if here < 2:
            return False
        first, second = data[at], data[at + 1]
        self._check_head(first, second)

        size, head = second & 0x7F, 2
        if size > MAX_CONTROL:
            head = 4 if size == 126 else 10
            if here < head:
                return False
            size = _long_size(data[at + 2 : at + head])
        if not first & 0x08:
            self._check_size(first, size)
        if self._server:
            if here < head + 4:
                return False
            self._mask = data[at + head : at + head + 4]
            head += 4

        self._in_frame, self._left, self._at = first | 0x100, size, at + head
        if not first & 0x08:
            self._begin_data(first)
        return True

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        # 5.2: bits that no extension has given a meaning are zero. RFC 7692, 6: on the first frame of a message.
        reserved = first & 0x70
        if reserved and (reserved != RSV1 or self._deflate is None or opcode not in (TEXT, BINARY)):
            raise Violation("A frame has reserved bits set, which nobody agreed upon.")
        if opcode not in _NAMES and opcode != CONTINUATION:
            raise Violation(f"A frame has the unknown opcode {opcode:#x}.")
        # 5.1: a server does not mask, a client does.
        if bool(second & MASKED) is not self._server:
            raise Violation("A frame is not masked, as a client's must be." if self._server else "A frame is masked.")
        if opcode & 0x08:
            if not first & FIN or second & 0x7F > MAX_CONTROL:
                raise Violation(f"A {_NAMES[opcode]} frame is fragmented, or has more than {MAX_CONTROL} bytes.")
        elif (opcode == CONTINUATION) is not bool(self._opcode):
            raise Violation("A message begins within another." if self._opcode else "No message is there to go on.")

    def _check_size(self, first: int, size: int) -> None:
        """Refuse, before any of it has come, what would be more than the program allows."""
        room = self._max_size - self._size
        compressed = self._compressed if self._opcode else first & RSV1
        if compressed:
            # What does not get smaller costs a few bytes for each block of deflate (RFC 1951, 3.2.4).
            room = self._max_size + self._max_size // 1024 + 64
        if size > room:
            raise Violation("Message too big", TOO_BIG)
        if self._frames >= self._max_frames:
            raise Violation(f"Message too big: it has more than {self._max_frames} frames", TOO_BIG)

    def _begin_data(self, first: int) -> None:
        self._frames += 1
        if self._opcode:
            return
        self._opcode = first & 0x0F
        self._compressed = bool(first & RSV1)
        if self._opcode == TEXT:
            self._decoder = codecs.getincrementaldecoder("utf-8")()

    def _next_part(self) -> bytes:
        """Return what is here of the frame."""
        data, at = self._data, self._at
        end = min(at + self._left, len(data))
        part = data if at == 0 and end == len(data) else data[at:end]
        self._at = end
        self._left -= len(part)
        if self._mask and part:
            mask = self._mask
            part = apply_mask(part, mask)
            turn = len(part) % 4
            self._mask = mask[turn:] + mask[:turn]
        return part

    def _take_control(self) -> Received | None:
        self._payload.append(self._next_part())
        if self._left:
            return None
        opcode, self._in_frame = self._in_frame & 0x0F, 0
        payload = b"".join(self._payload)
        self._payload = []
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)

        event = self.closed = decode_close(payload)
        if not self.closing:
            # 5.5.1: a close frame is answered with one, and its code is echoed.
            self.replies.append(self.close(event.code))
        return event

    def _take_data(self) -> Received | None:
        """Take what is here of a data frame; return the message if that is its end."""
        part = self._next_part()
        is_end = not self._left and bool(self._in_frame & FIN)
        if self._compressed and self._deflate is not None:
            room = self._max_size - self._size
            part = self._deflate.inflate(part, room)
            if is_end:
                part += self._deflate.finish(room - len(part))
        self._size += len(part)
        self._keep(part, is_end=is_end)
        if not self._left:
            self._in_frame = 0
        return self._end_message() if is_end else None

    def _keep(self, part: bytes, *, is_end: bool) -> None:
        if self._decoder is None:
            kept: str | bytes = part
        else:
            try:
                kept = self._decoder.decode(part, is_end)
            except UnicodeDecodeError as error:
                raise _not_text(error) from None
        if self._first is None:
            self._first = kept
        elif kept:
            if self._rest is None:
                self._rest = io.BytesIO()
                self._rest.write(_octets(self._first))
            self._rest.write(_octets(kept))

    def _end_message(self) -> str | bytes:
        message = self._first
        if self._rest is not None:
            # Not a StringIO, which takes some octets for each part, however short.
            message = self._rest.getvalue() if self._decoder is None else self._rest.getvalue().decode()
        assert message is not None  # `_keep()` was called for each part.
        self._opcode = self._size = self._frames = 0
        self._first = self._rest = self._decoder = None
        return message

    @property
    def is_idle(self) -> bool:
        """Whether all that arrived was looked at."""
        return self._at == len(self._data)


def _octets(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.encode()


def _long_size(digits: bytes) -> int:
    size = int.from_bytes(digits, "big")
    # 5.2: the length is written in as few bytes as it fits in, and its first bit is zero.
    if size >> 63 or size < (126 if len(digits) == 2 else 65536):
        raise Violation("The length of a frame is not written as it must be.")
    return size


def _not_text(error: UnicodeDecodeError) -> Violation:
    return Violation(f"The text is not UTF-8: {error.reason}.", INVALID_DATA)
