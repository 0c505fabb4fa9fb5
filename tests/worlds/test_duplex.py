"""Streams that are read and written at once, in every world: nothing waits but `wait_ready()`, and no byte is lost."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

import pytest

from borzoi._backends.base import TimedOut
from borzoi._errors import NetworkError

from .certificates import server_context
from .dialing import connected
from .peers import IN_TIME, RawServer, silent
from .world import World

SIZE = 4 << 20
DATA = b"".join(number.to_bytes(4, "big") for number in range(SIZE // 4))

BROKEN = (OSError, ValueError, NetworkError)


async def carry(stream: Any, data: bytes, expected: int) -> bytes:
    """Send `data`, and meanwhile receive as many bytes as are expected."""
    received: list[bytes] = []
    place = size = 0
    while place < len(data) or size < expected:
        if place < len(data):
            place += stream.send_now(data[place : place + 100_000])
        piece = stream.receive_now()
        while piece:
            received.append(piece)
            size += len(piece)
            piece = stream.receive_now()
        if size < expected or place < len(data):
            await stream.wait_ready(20, writing=place < len(data))
    return b"".join(received)


async def receive(stream: Any, timeout: float) -> bytes:
    """Return what arrives next."""
    while (data := stream.receive_now()) is None:
        await stream.wait_ready(timeout, writing=False)
    return bytes(data)


async def send_for_ever(stream: Any) -> None:
    """Send until nothing more is taken for a while."""
    for _ in range(10_000):
        stream.receive_now()
        if not stream.send_now(DATA[:65536]):
            await stream.wait_ready(0.05, writing=True)


def echo_at_once(sock: socket.socket) -> None:
    """Send everything back, reading nothing while that is not taken."""
    while data := sock.recv(65536):
        sock.sendall(data)


@pytest.mark.parametrize("tls", [False, True])
def test_4_mib_there_and_back(world: World, tls: bool) -> None:
    """A peer that stops reading while its own bytes are not taken gets and sends all: neither side waits for ever."""
    with RawServer(echo_at_once, tls=server_context() if tls else None, receive_buffer=65536) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=tls) as stream:
                return await carry(stream, DATA, SIZE)

        assert world.run(body) == DATA


@pytest.mark.parametrize("tls", [False, True])
def test_nothing_arrives(world: World, tls: bool) -> None:
    """A wait ends in time, for a peer that says nothing; nothing can be received then."""
    with RawServer(silent, tls=server_context() if tls else None) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream:
                assert stream.receive_now() is None
                started = time.monotonic()
                # TLS tells of tickets, which are nothing of the program's.
                with pytest.raises(TimedOut):
                    await receive(stream, 0.05)
                assert 0.04 < time.monotonic() - started < IN_TIME

        world.run(body)


@pytest.mark.parametrize("tls", [False, True])
def test_a_peer_that_takes_nothing(world: World, tls: bool) -> None:
    """When nothing more is taken, nothing more is sent, and waiting for room ends in time."""
    over = threading.Event()
    with RawServer(
        lambda sock: server.until(over), tls=server_context() if tls else None, receive_buffer=65536
    ) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream:
                with pytest.raises(TimedOut):
                    await send_for_ever(stream)

        try:
            world.run(body)
        finally:
            over.set()


@pytest.mark.parametrize("tls", [False, True])
def test_the_end(world: World, tls: bool) -> None:
    """The end of the stream is b"", after everything before it; under TLS, without a goodbye, it is an error."""

    def serve(sock: socket.socket) -> None:
        sock.sendall(b"last words")

    with RawServer(serve, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            received = b""
            async with connected(world, server, tls=tls) as stream:
                with contextlib.suppress(*BROKEN):
                    while (piece := stream.receive_now()) != b"":
                        received += piece or b""
                        if piece is None:
                            await stream.wait_ready(5, writing=False)
            return received

        assert world.run(body) == b"last words"


def test_a_closed_stream(world: World) -> None:
    """After closing, neither sending nor receiving works, and waiting does not hang."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                stream.close()
                with contextlib.suppress(TimedOut):
                    await stream.wait_ready(0.2, writing=True)
                with pytest.raises(BROKEN):
                    stream.send_now(b"x")
                with pytest.raises(BROKEN):
                    stream.receive_now()

        world.run(body)


def test_closing_ends_a_wait(world: World) -> None:
    """Who waits while another closes returns at once."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                started = time.monotonic()

                async def wait() -> None:
                    await stream.wait_ready(20, writing=False)

                async def close() -> None:
                    await world.backend().sleep(0.05)
                    stream.close()

                await world.gather(wait, close)
                assert time.monotonic() - started < IN_TIME

        world.run(body)


def test_breaking_off_a_wait_loses_nothing(async_world: World) -> None:
    """Bytes that arrive in the moment in which a wait is cancelled are there for the next."""
    gate = threading.Event()

    def serve(sock: socket.socket) -> None:
        server.until(gate)
        sock.sendall(b"hello")
        silent(sock)

    with RawServer(serve) as server:

        async def body() -> bytes:
            async with connected(async_world, server) as stream:
                async with async_world.move_on_after(0.05):
                    await stream.wait_ready(20, writing=False)
                gate.set()
                return await receive(stream, 10)

        assert async_world.run(body) == b"hello"
