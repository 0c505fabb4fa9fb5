"""The frames of HTTP/2 (RFC 9113, 4 and 6): their layout, both ways, and what may be wrong with one by itself.

In: the fields of a frame, or its payload. Out: bytes, or the fields. A payload that breaks the layout raises a `Fault`,
which says whether the connection is lost by it or only the stream. What a frame means is not known here.

    +-----------------------------------------------+
    |                 length (24)                   |
    +---------------+---------------+---------------+
    |   kind (8)    |   flags (8)   |
    +-+-------------+---------------+-------------------------------+
    |R|                 stream identifier (31)                      |
    +-+-------------------------------------------------------------+
"""

from __future__ import annotations

from struct import Struct

HEADER = Struct(">LBL")
"""The header of a frame, in three numbers: `length << 8 | kind`, `flags`, `stream`."""

HEADER_SIZE = 9

DATA = 0
HEADERS = 1
PRIORITY = 2
RST_STREAM = 3
SETTINGS = 4
PUSH_PROMISE = 5
PING = 6
GOAWAY = 7
WINDOW_UPDATE = 8
CONTINUATION = 9

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

NO_ERROR = 0x0
PROTOCOL_ERROR = 0x1
INTERNAL_ERROR = 0x2
FLOW_CONTROL_ERROR = 0x3
SETTINGS_TIMEOUT = 0x4
STREAM_CLOSED = 0x5
FRAME_SIZE_ERROR = 0x6
REFUSED_STREAM = 0x7
CANCEL = 0x8
COMPRESSION_ERROR = 0x9
CONNECT_ERROR = 0xA
ENHANCE_YOUR_CALM = 0xB
INADEQUATE_SECURITY = 0xC
HTTP_1_1_REQUIRED = 0xD

_CODES = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
]

_KINDS = [
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client's connection begins with (RFC 9113, 3.4)."""

MAX_FRAME = 16384
"""Bytes in a payload: what either side may always send, and all that we let the peer send (RFC 9113, 4.2)."""

MAX_STREAM = 2**31 - 1
MAX_WINDOW = 2**31 - 1

DEFAULT_WINDOW = 65535

# RFC 9113, 6.4 to 6.9: payloads of one length only.
_SIZES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}


class Fault(Exception):
    """The peer broke a rule. `stream` is the only one harmed; 0 means the whole connection (RFC 9113, 5.4)."""

    def __init__(self, code: int, text: str, stream: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.stream = stream


def name_of_code(code: int) -> str:
    """Return the name of an error code, or its number where it has none."""
    return _CODES[code] if code < len(_CODES) else f"0x{code:x}"


def name_of_kind(kind: int) -> str:
    """Return the name of a kind of frame, or its number where it has none."""
    return _KINDS[kind] if kind < len(_KINDS) else f"a frame of the unknown kind {kind}"


# --- sending


def encode_frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return HEADER.pack(len(payload) << 8 | kind, flags, stream) + payload


def encode_headers(stream: int, block: bytes, end_stream: bool) -> bytes:
    """Return a header block in HEADERS and as many CONTINUATION frames as it needs."""
    flags = END_STREAM if end_stream else 0
    if len(block) <= MAX_FRAME:
        return HEADER.pack(len(block) << 8 | HEADERS, flags | END_HEADERS, stream) + block

    pieces = [block[place : place + MAX_FRAME] for place in range(0, len(block), MAX_FRAME)]
    frames = [encode_frame(HEADERS, flags, stream, pieces[0])]
    frames += [encode_frame(CONTINUATION, 0, stream, piece) for piece in pieces[1:-1]]
    return b"".join(frames) + encode_frame(CONTINUATION, END_HEADERS, stream, pieces[-1])


def encode_settings(settings: list[tuple[int, int]]) -> bytes:
    """Return a SETTINGS frame."""
    payload = b"".join([_encode_setting(name, value) for name, value in settings])
    return encode_frame(SETTINGS, 0, 0, payload)


def _encode_setting(name: int, value: int) -> bytes:
    return name.to_bytes(2, "big") + value.to_bytes(4, "big")


def encode_reset(stream: int, code: int) -> bytes:
    """Return a RST_STREAM frame."""
    return encode_frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def encode_window_update(stream: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame."""
    return encode_frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def encode_goaway(last_stream: int, code: int, debug: bytes = b"") -> bytes:
    """Return a GOAWAY frame."""
    return encode_frame(GOAWAY, 0, 0, last_stream.to_bytes(4, "big") + code.to_bytes(4, "big") + debug)


# --- receiving


def check_layout(kind: int, flags: int, stream: int, length: int) -> None:
    """Hold a frame's header against the rules for its kind. Raises Fault."""
    if kind in (SETTINGS, PING, GOAWAY):
        if stream:
            raise Fault(PROTOCOL_ERROR, f"{name_of_kind(kind)} is about the connection, and came on stream {stream}")
    elif kind <= CONTINUATION and kind != WINDOW_UPDATE and not stream:
        raise Fault(PROTOCOL_ERROR, f"{name_of_kind(kind)} is about a stream, and came on stream 0")

    size = _SIZES.get(kind, length)
    if length != size:
        raise Fault(FRAME_SIZE_ERROR, f"{name_of_kind(kind)} has {size} bytes, and one of {length} came")
    if kind == SETTINGS and (length % 6 or (flags & ACK and length)):
        raise Fault(FRAME_SIZE_ERROR, f"SETTINGS cannot have {length} bytes")
    if kind == GOAWAY and length < 8:
        raise Fault(FRAME_SIZE_ERROR, f"GOAWAY has 8 bytes at least, and one of {length} came")


def decode_content(kind: int, flags: int, payload: bytes) -> bytes:
    """Return a payload of DATA or HEADERS without its padding and its priority. Raises Fault."""
    start, end = 0, len(payload)
    if flags & PADDED:
        # RFC 9113, 6.1: the length of the padding comes first, the padding last.
        start = 1
        end -= payload[0] if payload else 1
    if kind == HEADERS and flags & HAS_PRIORITY:
        start += 5
    if end < start:
        code = PROTOCOL_ERROR if flags & PADDED else FRAME_SIZE_ERROR
        raise Fault(code, f"{name_of_kind(kind)} is padded with more bytes than it has, or has no room for its fields")
    return payload[start:end]


def decode_number(payload: bytes) -> int:
    """Return the 31 bits of a WINDOW_UPDATE; the bit before them is reserved."""
    return int.from_bytes(payload[:4], "big") & MAX_STREAM


def decode_code(payload: bytes) -> int:
    """Return the error code of a RST_STREAM."""
    return int.from_bytes(payload[:4], "big")


def decode_goaway(payload: bytes) -> tuple[int, int, bytes]:
    """Return the last stream, the error code and the debug data."""
    return decode_number(payload), int.from_bytes(payload[4:8], "big"), payload[8:]


def decode_settings(payload: bytes) -> list[tuple[int, int]]:
    """Return the settings, in order."""
    return [
        (int.from_bytes(payload[place : place + 2], "big"), int.from_bytes(payload[place + 2 : place + 6], "big"))
        for place in range(0, len(payload), 6)
    ]
