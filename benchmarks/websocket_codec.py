"""Measure the WebSocket codec beside wsproto, and print ratios: how many times less CPU time ours takes.

    python -m benchmarks.websocket_codec

A round is what an echo costs the client without a network: one message encoded, and the same message decoded from the
frame of a server. Both codecs take turns on the same bytes; a figure is the median, over the rounds, of wsproto's time
divided by ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import wsproto
from wsproto.connection import Connection, ConnectionType

from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket import WebSocket

ROUNDS = 15
MAX_SIZE = 1 << 24

Echo = Callable[[], object]


def ours(message: str | bytes, frame: bytes, deflate: Deflate | None = None) -> Echo:
    """Return an echo with Borzoi's codec."""
    engine = WebSocket(MAX_SIZE, deflate)

    def echo() -> object:
        if isinstance(message, str):
            engine.send_text(message)
        else:
            engine.send_bytes(message)
        engine.receive(frame)
        return engine.next_event()

    return echo


def theirs(message: str | bytes, frame: bytes) -> Echo:
    """Return an echo with wsproto, which hands out long messages in parts that its users join."""
    connection = Connection(ConnectionType.CLIENT)
    kind = wsproto.events.TextMessage if isinstance(message, str) else wsproto.events.BytesMessage

    def echo() -> object:
        connection.send(kind(data=message))
        connection.receive_data(frame)
        return [event.data for event in connection.events()]

    return echo


def served(message: str | bytes) -> bytes:
    """Return the frame in which a server sends a message."""
    server = WebSocket(MAX_SIZE, server=True)
    return server.send_text(message) if isinstance(message, str) else server.send_bytes(message)


def seconds(echo: Echo, times: int) -> float:
    """Return the CPU time of so many echoes."""
    started = time.process_time()
    for _ in range(times):
        echo()
    return time.process_time() - started


def compare(message: str | bytes, times: int) -> tuple[float, float]:
    """Return the ratio, and our microseconds for one echo."""
    frame = served(message)
    mine, other = ours(message, frame), theirs(message, frame)
    rounds = [(seconds(mine, times), seconds(other, times)) for _ in range(ROUNDS)]
    return statistics.median(b / a for a, b in rounds), statistics.median(a for a, _ in rounds) / times * 1e6


def compressed_us(message: str, times: int) -> float:
    """Return our microseconds for one echo with permessage-deflate, context kept both ways."""
    server = WebSocket(MAX_SIZE, Deflate(Terms(), server=True), server=True)
    client = WebSocket(MAX_SIZE, Deflate(Terms()))
    frames = iter([server.send_text(message) for _ in range(times)])

    def echo() -> object:
        client.send_text(message)
        client.receive(next(frames))
        return client.next_event()

    return seconds(echo, times) / times * 1e6


def main() -> None:
    """Print one line for each kind of message."""
    rows: list[tuple[str, str | bytes, int]] = [
        ("text, 5 characters", "hello", 2000),
        ("text, 100 characters", "x" * 100, 2000),
        ("bytes, 100", b"\x00\xff" * 50, 2000),
        ("text, 1,000 characters", "x" * 1000, 1000),
        ("bytes, 64 KiB", bytes(65536), 20),
        ("bytes, 1 MiB", bytes(1 << 20), 4),
    ]
    print(f"{'message':24} {'wsproto / borzoi':>18} {'us an echo':>12}")
    for name, message, times in rows:
        ratio, mine = compare(message, times)
        print(f"{name:24} {ratio:>17.1f}x {mine:>12.1f}")
    compressed = compressed_us('{"name": "Laika"}, ' * 52, 1000)
    print(f"{'deflate, 1,000 of JSON':24} {'':>18} {compressed:>12.1f}")


if __name__ == "__main__":
    main()
