"""Writing, in every world: all bytes, once, in order, at the pace of the peer."""

from __future__ import annotations

import hashlib
import socket
import threading
import time

import pytest

from borzoi._errors import WriteError, WriteTimeout

from .certificates import server_context
from .dialing import connected, read_exactly
from .peers import IN_TIME, RawServer, receive_exactly, reset, silent
from .world import World

SIZE = 64 << 20
PIECE = bytes(range(256)) * 4096
"""1 MiB."""
DATA = b"".join(number.to_bytes(4, "big") + PIECE[4:] for number in range(64))
DIGEST = hashlib.md5(DATA).digest()


@pytest.mark.parametrize("tls", [False, True])
def test_64_mib_arrive_whole(world: World, tls: bool) -> None:
    """64 MiB in one write arrive as they were."""

    def handler(sock: socket.socket) -> None:
        sock.sendall(hashlib.md5(receive_exactly(sock, SIZE)).digest())
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=tls) as stream:
                await stream.write(DATA, 10)
                return await read_exactly(stream, 16)

        assert world.run(body) == DIGEST


@pytest.mark.parametrize("tls", [False, True])
def test_both_directions_at_once(async_world: World, tls: bool) -> None:
    """While one task writes 16 MiB, another reads them back."""
    data = DATA[: 16 << 20]

    def handler(sock: socket.socket) -> None:
        left = len(data)
        while left:
            part = sock.recv(65536)
            sock.sendall(part)
            left -= len(part)
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            async with connected(async_world, server, tls=tls) as stream:

                async def write() -> None:
                    await stream.write(data, 10)

                async def read() -> bytes:
                    return await read_exactly(stream, len(data))

                return bytes((await async_world.gather(write, read))[1])

        assert async_world.run(body) == data


@pytest.mark.parametrize("tls", [False, True])
def test_a_peer_that_does_not_read_is_a_write_timeout(world: World, tls: bool) -> None:
    """A write that the peer never takes ends in a WriteTimeout that names the peer, in time."""
    over = threading.Event()

    with RawServer(
        lambda sock: server.until(over), tls=server_context() if tls else None, receive_buffer=65536
    ) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream:
                started = time.monotonic()
                with pytest.raises(WriteTimeout, match=rf"127\.0\.0\.1:{server.port} took no bytes within 0\.05 s"):
                    await stream.write(DATA, 0.05)
                assert 0.04 < time.monotonic() - started < IN_TIME

        try:
            world.run(body)
        finally:
            over.set()


@pytest.mark.parametrize("tls", [False, True])
def test_a_slow_peer_is_no_timeout(world: World, tls: bool) -> None:
    """The time-out is for the next bytes to be taken, not for the whole: a peer that takes its time gets all."""

    def handler(sock: socket.socket) -> None:
        for _ in range(16):
            threading.Event().wait(0.01)
            receive_exactly(sock, len(DATA) // 64)
        sock.sendall(b"!")
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None, receive_buffer=65536) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=tls) as stream:
                await stream.write(DATA[: len(DATA) // 4], 5)
                return bytes(await stream.read(5))

        assert world.run(body) == b"!"


@pytest.mark.parametrize("tls", [False, True])
def test_writing_to_a_peer_that_reset_is_a_write_error(world: World, tls: bool) -> None:
    """A write after the peer's reset is a WriteError that names the peer and the cause."""
    with RawServer(reset_after_one_byte, tls=server_context() if tls else None) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream:
                with pytest.raises(WriteError, match=rf"Writing to 127\.0\.0\.1:{server.port} failed: .+"):
                    await stream.write(DATA, 10)
                with pytest.raises(WriteError):
                    await stream.write(b"more", 10)

        world.run(body)


def reset_after_one_byte(sock: socket.socket) -> None:
    """Receive something, then reset."""
    sock.recv(1)
    reset(sock)


@pytest.mark.parametrize("tls", [False, True])
def test_closing_a_stream_fails_its_writer(world: World, tls: bool) -> None:
    """A writer that waits while the stream is closed fails at once with a WriteError."""
    over = threading.Event()
    full = threading.Event()

    def handler(sock: socket.socket) -> None:
        sock.recv(1)
        full.set()
        server.until(over)

    with RawServer(handler, tls=server_context() if tls else None, receive_buffer=65536) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream, world.tasks() as tasks:

                async def writer() -> None:
                    with pytest.raises(WriteError, match="closed here while it was in use"):
                        await stream.write(DATA, None)

                tasks.start(writer)
                await world.wait_for(full)
                stream.close()

        try:
            world.run(body)
        finally:
            over.set()


@pytest.mark.parametrize("tls", [False, True])
def test_writing_to_a_closed_stream_fails(world: World, tls: bool) -> None:
    """Writing after close() is a WriteError."""
    with RawServer(silent, tls=server_context() if tls else None) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream:
                stream.close()
                with pytest.raises(WriteError, match="closed here"):
                    await stream.write(b"late", None)

        world.run(body)


def test_others_get_their_turn_while_much_is_sent_over_tls(async_world: World) -> None:
    """While 64 MiB are encrypted and sent, however fast the peer takes them, another task keeps running."""

    def handler(sock: socket.socket) -> None:
        receive_exactly(sock, SIZE)
        silent(sock)

    with RawServer(handler, tls=server_context()) as server:

        async def body() -> int:
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await async_world.sleep0()

            async with async_world.tasks() as tasks:
                handle = tasks.start(other)
                async with connected(async_world, server, tls=True) as stream:
                    await stream.write(DATA, 10)
                handle.cancel()
            return turns

        assert async_world.run(body) > SIZE / (512 << 10)


def test_empty_writes_do_nothing(world: World) -> None:
    """Writing b"" sends nothing, plain and secured, and does not fail."""
    with RawServer(silent, tls=server_context()) as secured, RawServer(silent) as plain:

        async def body() -> None:
            async with connected(world, plain) as stream:
                await stream.write(b"", 1)
            async with connected(world, secured, tls=True) as stream:
                await stream.write(b"", 1)
                assert stream.is_idle()

        world.run(body)
