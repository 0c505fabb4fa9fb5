"""What either side of an HTTP/2 connection lets the other do: our limits, and the server's SETTINGS (RFC 9113, 6.5)."""

from __future__ import annotations

from .http1_head import DEFAULT_HEAD_LIMITS, HeadLimits
from .http2_frames import (
    DEFAULT_WINDOW,
    FLOW_CONTROL_ERROR,
    MAX_FRAME,
    MAX_WINDOW,
    PROTOCOL_ERROR,
    Fault,
    encode_settings,
)

HEADER_TABLE_SIZE = 1
ENABLE_PUSH = 2
MAX_CONCURRENT_STREAMS = 3
INITIAL_WINDOW_SIZE = 4
MAX_FRAME_SIZE = 5
MAX_HEADER_LIST_SIZE = 6

ASSUMED_STREAMS = 100
"""Streams that are opened at once before the server has said how many it takes (RFC 9113, 6.5.2: at least so many)."""

UNLIMITED_STREAMS = 1000
"""Streams that are opened at once where the server names no limit."""


class Http2Limits:
    """Hold how much a peer may send; sizes in bytes.

    `stream_window` is what it may send of each response before any of it is taken. It doubles up to `max_stream_window`
    for a response that is taken as fast as it comes. `connection_window` is what may be under way for all of them, and
    `untaken` what may have arrived and wait: past that, no stream gets more.
    `calm` bounds the work that brings nothing: frames that are useless cost, and requests, and bodies that move, earn.
    """

    __slots__ = (
        "calm",
        "connection_window",
        "heads",
        "max_stream_window",
        "stream_window",
        "untaken",
    )

    def __init__(
        self,
        *,
        heads: HeadLimits = DEFAULT_HEAD_LIMITS,
        stream_window: int = 1024 * 1024,
        max_stream_window: int = 16 * 1024 * 1024,
        connection_window: int = 16 * 1024 * 1024,
        untaken: int = 32 * 1024 * 1024,
        calm: int = 50_000,
    ) -> None:
        # Smaller windows would need to hold for what the server sends before it knows of them (RFC 9113, 6.9.2).
        if not DEFAULT_WINDOW <= stream_window <= max_stream_window <= MAX_WINDOW:
            raise ValueError(f"stream_window and max_stream_window are from {DEFAULT_WINDOW} to {MAX_WINDOW} bytes")
        if not DEFAULT_WINDOW <= connection_window <= MAX_WINDOW:
            raise ValueError(f"connection_window is from {DEFAULT_WINDOW} to {MAX_WINDOW} bytes")
        self.heads = heads
        self.stream_window = stream_window
        self.max_stream_window = max_stream_window
        self.connection_window = connection_window
        self.untaken = untaken
        self.calm = calm

    def encode(self) -> bytes:
        """Return our SETTINGS frame."""
        return encode_settings(
            [
                (ENABLE_PUSH, 0),
                (INITIAL_WINDOW_SIZE, self.stream_window),
                (MAX_HEADER_LIST_SIZE, self.heads.size),
            ]
        )


DEFAULT_LIMITS = Http2Limits()
"""Windows of 1 MiB for a stream, growing to 16, and 16 MiB for the connection; heads as in HTTP/1.1."""


class PeerSettings:
    """Hold the server's settings, the defaults until it sends some."""

    __slots__ = ("initial_window", "max_header_list", "max_streams", "table_size")

    def __init__(self) -> None:
        self.table_size = 4096
        self.max_streams: int | None = None
        self.initial_window = DEFAULT_WINDOW
        self.max_header_list: int | None = None

    def take(self, name: int, value: int) -> None:
        """Take in one setting; an unknown one is ignored. Raises Fault for a value that is not allowed."""
        if name == HEADER_TABLE_SIZE:
            self.table_size = value
        elif name == MAX_CONCURRENT_STREAMS:
            self.max_streams = value
        elif name == MAX_HEADER_LIST_SIZE:
            self.max_header_list = value
        elif name == INITIAL_WINDOW_SIZE:
            _check(name, value, 0, MAX_WINDOW, FLOW_CONTROL_ERROR)
            self.initial_window = value
        elif name == MAX_FRAME_SIZE:
            # It is checked and not used: frames of the size that every peer takes are large enough.
            _check(name, value, MAX_FRAME, 2**24 - 1, PROTOCOL_ERROR)
        elif name == ENABLE_PUSH:
            # RFC 9113, 6.5.2: only a client may set it.
            _check(name, value, 0, 0, PROTOCOL_ERROR)


def _check(name: int, value: int, least: int, most: int, code: int) -> None:
    if not least <= value <= most:
        raise Fault(code, f"the setting {name} is from {least} to {most} here, and {value} came")
