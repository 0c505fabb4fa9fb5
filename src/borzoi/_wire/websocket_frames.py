"""The frames of a WebSocket (RFC 6455, 5) as bytes, the close codes, and what a program sees of a frame.

Nothing here keeps state: that is `websocket`. A message is a `str` or `bytes`; the classes below are for programs that
look at events, and for what is no message.
"""

from __future__ import annotations

from typing import Any

from .._errors import LocalProtocolError, RemoteProtocolError

# 5.2: the opcodes.
CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

FIN = 0x80
RSV1 = 0x40
MASKED = 0x80

MAX_CONTROL = 125
"""Bytes in a control frame (5.5)."""

# 7.4.1: the close codes that are used here by name.
NORMAL = 1000
PROTOCOL_ERROR = 1002
NO_STATUS = 1005
ABNORMAL = 1006
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011

LOCAL_CODES = frozenset({NO_STATUS, ABNORMAL, 1015})
"""Codes that say something to the program and are never sent."""

LARGE = 4096
"""Bytes from which masking column by column is faster than as one number."""

_XOR = tuple(bytes(byte ^ key for byte in range(256)) for key in range(256))


class Violation(RemoteProtocolError):
    """The peer broke the protocol: `code` is what it is told (7.4.1)."""

    def __init__(self, message: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(message)
        self.code = code


class Event:
    """What was received, or is to be sent: a message, a part of one, or a control frame."""

    __module__ = "borzoi.websockets"
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __repr__(self) -> str:
        values = (f"{name}={value!r}" for name, value in zip(self._names(), self._values(), strict=True))
        return f"{type(self).__name__}({', '.join(values)})"

    __hash__ = None  # type: ignore[assignment]

    def _names(self) -> list[str]:
        return [name for kind in reversed(type(self).__mro__) for name in getattr(kind, "__slots__", ())]

    def _values(self) -> list[Any]:
        return [getattr(self, name) for name in self._names()]


class Message(Event):
    """A message of text or bytes; with `message_finished=False` one that goes on in the next."""

    __module__ = "borzoi.websockets"
    __slots__ = ("data", "frame_finished", "message_finished")

    data: Any

    def __init__(self, data: Any, frame_finished: bool = True, message_finished: bool = True) -> None:
        self.data = data
        self.frame_finished = frame_finished
        self.message_finished = message_finished


class TextMessage(Message):
    """A message of text."""

    __module__ = "borzoi.websockets"
    __slots__ = ()

    data: str


class BytesMessage(Message):
    """A message of bytes."""

    __module__ = "borzoi.websockets"
    __slots__ = ()

    data: bytes


class Pong(Event):
    """The answer to a ping, with the same payload."""

    __module__ = "borzoi.websockets"
    __slots__ = ("payload",)

    def __init__(self, payload: bytes = b"") -> None:
        self.payload = payload


class Ping(Event):
    """A question whether the peer is there."""

    __module__ = "borzoi.websockets"
    __slots__ = ("payload",)

    def __init__(self, payload: bytes = b"") -> None:
        self.payload = payload

    def response(self) -> Pong:
        """Return the pong that answers it."""
        return Pong(self.payload)


class CloseConnection(Event):
    """The beginning of the end, or the answer to it."""

    __module__ = "borzoi.websockets"
    __slots__ = ("code", "reason")

    def __init__(self, code: int, reason: str | None = None) -> None:
        self.code = code
        self.reason = reason

    def response(self) -> CloseConnection:
        """Return the frame that answers it."""
        return CloseConnection(self.code, self.reason)


def apply_mask(data: bytes, mask: bytes) -> bytes:
    """Mask or unmask `data` (5.3)."""
    size = len(data)
    if size < LARGE:
        # As two numbers: a dozen times faster than byte by byte.
        repeated = (mask * (size // 4 + 1))[:size]
        return (int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")

    masked = bytearray(size)
    for column, key in enumerate(mask):
        masked[column::4] = data[column::4].translate(_XOR[key])
    return bytes(masked)


def encode_frame(first: int, payload: bytes, mask: bytes = b"") -> bytes:
    """Return a frame, its first byte given; masked, where there is a mask (5.2)."""
    size = len(payload)
    flag = MASKED if mask else 0
    if size < 126:
        head = bytes((first, flag | size))
    elif size < 65536:
        head = bytes((first, flag | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, flag | 127)) + size.to_bytes(8, "big")
    return head + mask + apply_mask(payload, mask) if mask else head + payload


def encode_close(code: int, reason: str | None) -> bytes:
    """Return the payload of a close frame (5.5.1). A reason that is too long is cut between two characters.

    A code that says "none was received" goes out as no code, one of the other local codes as 1000. Raises
    LocalProtocolError for what is no code.
    """
    if code == NO_STATUS:
        return b""
    if code in LOCAL_CODES:
        code = NORMAL
    if not is_close_code(code):
        raise LocalProtocolError(f"{code} is no code that a WebSocket can be closed with.")
    text = (reason or "").encode("utf-8", "replace")
    if len(text) > MAX_CONTROL - 2:
        text = text[: MAX_CONTROL - 2].decode("utf-8", "ignore").encode()
    return code.to_bytes(2, "big") + text


def decode_close(payload: bytes) -> CloseConnection:
    """Return what a close frame says. Raises Violation."""
    if not payload:
        return CloseConnection(NO_STATUS, "")
    code = int.from_bytes(payload[:2], "big")
    # 7.4: a code is two bytes, and some must not be sent.
    if len(payload) == 1 or not is_close_code(code):
        raise Violation(f"The close frame has no valid code: {payload[:2].hex()}.")
    try:
        return CloseConnection(code, payload[2:].decode("utf-8"))
    except UnicodeDecodeError:
        raise Violation("The reason in the close frame is not UTF-8.", INVALID_DATA) from None


def is_close_code(code: int) -> bool:
    """Return whether a close frame may have this code: one of 7.4.1 or the registry, or one for programs (7.4.2)."""
    return (1000 <= code <= 1014 and code not in (1004, NO_STATUS, ABNORMAL)) or 3000 <= code <= 4999
