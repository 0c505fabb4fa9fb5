"""Idle streams, in every world: whether they can still be used, and how their owner hears that they cannot."""

from __future__ import annotations

import socket
import threading

import pytest

from borzoi._errors import ReadError

from .certificates import server_context
from .dialing import PLAIN, connected, read_exactly, settle
from .peers import Handler, RawServer, echo, receive_exactly, reset, say_goodbye, silent
from .world import World


def _stray(sock: socket.socket) -> None:
    sock.sendall(b"nobody asked")


def _close(sock: socket.socket) -> None:
    sock.close()


@pytest.mark.parametrize("tls", [False, True])
def test_a_quiet_stream_is_idle(world: World, tls: bool) -> None:
    """A stream whose peer said nothing is idle, TLS session tickets included, and works afterwards."""
    with RawServer(echo, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=tls) as stream:
                await stream.write(b"a", 5)
                assert await stream.read(5) == b"a"
                for _ in range(3):
                    await settle(world)
                    assert stream.is_idle()
                    assert stream.get_extra_info("is_readable") is False
                await stream.write(b"hello", 5)
                return await read_exactly(stream, 5)

        assert world.run(body) == b"hello"


def test_tickets_that_nobody_has_read_leave_a_stream_idle(world: World) -> None:
    """A TLS 1.3 stream on which nothing was ever read is idle although tickets wait in its socket."""
    ticketed = threading.Event()

    def handler(sock: socket.socket) -> None:
        # The server's part of the handshake ends with the tickets.
        ticketed.set()
        echo(sock)

    with RawServer(handler, tls=server_context()) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=True) as stream:
                await world.wait_for(ticketed)
                await settle(world)
                assert stream.is_idle()
                await stream.write(b"hello", 5)
                return await read_exactly(stream, 5)

        assert world.run(body) == b"hello"


@pytest.mark.parametrize("what", [_stray, _close, reset, say_goodbye])
@pytest.mark.parametrize("tls", [False, True])
def test_a_stream_with_news_is_not_idle(world: World, tls: bool, what: Handler) -> None:
    """Stray bytes, an end, a reset or a close_notify make a stream useless, and its owner is told of it."""
    go, done = threading.Event(), threading.Event()

    def handler(sock: socket.socket) -> None:
        sock.sendall(receive_exactly(sock, 1))
        server.until(go)
        if tls or what is not say_goodbye:
            what(sock)
        else:
            sock.shutdown(socket.SHUT_WR)
        done.set()
        if sock.fileno() != -1:
            sock.settimeout(20)
            silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> list[str]:
            told: list[str] = []
            async with connected(world, server, tls=tls) as stream:
                await stream.write(b"!", 5)
                await read_exactly(stream, 1)
                assert stream.is_idle()
                stream.on_event = lambda: told.append("news")
                go.set()
                await world.wait_for(done)
                await settle(world)
                assert not stream.is_idle()
                assert stream.get_extra_info("is_readable") is True
                stream.on_event = None
            return told

        told = world.run(body)
        if world.name in ("asyncio", "uvloop", "trio", "portable-asyncio"):
            assert told


def test_the_owner_may_close_when_told(reactor_world: World) -> None:
    """An owner that closes the stream as it hears of its end does no harm to the others of the same batch."""
    go = threading.Event()
    closed = threading.Semaphore(0)

    def handler(sock: socket.socket) -> None:
        server.until(go)
        sock.close()
        closed.release()

    with RawServer(handler) as server:

        async def body() -> int:
            streams = []
            ended = 0

            async def open_one() -> None:
                streams.append(await reactor_world.backend().connect_tcp(server.host, server.port, 5, PLAIN))

            def owner(number: int) -> None:
                nonlocal ended
                ended += 1
                streams[number].close()
                streams[(number + 1) % len(streams)].close()

            for number in range(10):
                await open_one()
                streams[number].on_event = lambda number=number: owner(number)
            server.wait_for_connections(10)
            await settle(reactor_world)
            go.set()
            for _ in range(10):
                assert closed.acquire(timeout=10)
            await settle(reactor_world)
            assert not any(stream.is_idle() for stream in streams)
            return ended

        # Each that was told has closed its neighbour, which is then not told.
        assert 5 <= reactor_world.run(body) <= 10


def test_an_owner_that_fails_costs_the_others_nothing(reactor_world: World) -> None:
    """If one stream's owner raises when told, that stream fails with the cause, and the others hear their news."""
    go = threading.Event()
    sent = threading.Semaphore(0)

    def handler(sock: socket.socket) -> None:
        server.until(go)
        sock.sendall(b"hello")
        sent.release()
        silent(sock)

    with RawServer(handler) as server:

        async def body() -> None:
            streams = [await reactor_world.backend().connect_tcp(server.host, server.port, 5, PLAIN) for _ in range(6)]
            await settle(reactor_world)

            def fail() -> None:
                raise LookupError("the owner is confused")

            for stream in streams[::2]:
                stream.on_event = fail
            go.set()
            for _ in streams:
                assert sent.acquire(timeout=10)
            await settle(reactor_world)
            for stream in streams[1::2]:
                assert await stream.read(5) == b"hello"
                stream.close()
            for stream in streams[::2]:
                with pytest.raises(ReadError, match="failed: the owner is confused"):
                    await stream.read(5)

        reactor_world.run(body)


def test_news_for_a_reader_are_not_told_to_the_owner(reactor_world: World) -> None:
    """While somebody reads, the owner is not told."""
    with RawServer(echo) as server:

        async def body() -> list[str]:
            told: list[str] = []
            async with connected(reactor_world, server) as stream:
                await settle(reactor_world)
                stream.on_event = lambda: told.append("news")
                await stream.write(b"hello", 5)
                assert await stream.read(5) == b"hello"
            return told

        assert reactor_world.run(body) == []
