"""Frames as a server sends them, built by hand, and an engine fed with them."""

from __future__ import annotations

from typing import Any

from borzoi._wire.permessage_deflate import Deflate
from borzoi._wire.websocket import WebSocket
from borzoi._wire.websocket_frames import Violation

MAX_SIZE = 65536


def frame(first: int, payload: bytes = b"", *, size: int | None = None, mask: bytes = b"") -> bytes:
    """Return a frame with this first byte; `size` lies about its length."""
    length = len(payload) if size is None else size
    flag = 0x80 if mask else 0
    if length < 126:
        head = bytes((first, flag | length))
    elif length < 65536:
        head = bytes((first, flag | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, flag | 127)) + length.to_bytes(8, "big")
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if mask else payload
    return head + mask + masked


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return frame(0x88, code.to_bytes(2, "big") + reason)


def unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """Read the frames of a client: the first byte and the payload of each. Fails unless each is masked."""
    found: list[tuple[int, bytes]] = []
    while data:
        first, second = data[0], data[1]
        assert second & 0x80, "a client's frame is masked"
        size, at = second & 0x7F, 2
        if size > 125:
            at = 4 if size == 126 else 10
            size = int.from_bytes(data[2:at], "big")
        mask, payload = data[at : at + 4], data[at + 4 : at + 4 + size]
        assert len(payload) == size
        found.append((first, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))))
        data = data[at + 4 + size :]
    return found


def events(engine: WebSocket, *pieces: bytes) -> list[Any]:
    """Feed an engine, and return all that it makes of that; a violation as its code and text."""
    found: list[Any] = []
    for piece in pieces:
        engine.receive(piece)
        try:
            while (event := engine.next_event()) is not None:
                found.append(event)
        except Violation as violation:
            return [*found, (violation.code, str(violation))]
    return found


def client(max_size: int = MAX_SIZE, deflate: Deflate | None = None) -> WebSocket:
    """Return the client's engine."""
    return WebSocket(max_size, deflate)


def splits(data: bytes) -> list[tuple[bytes, ...]]:
    """Return a stream of bytes whole, byte by byte, and cut in two at every place."""
    single = tuple(data[place : place + 1] for place in range(len(data)))
    return [(data,), single, *((data[:place], data[place:]) for place in range(1, len(data)))]
