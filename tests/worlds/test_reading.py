"""Reading, in every world: what arrives is returned, once, in order, and nothing else happens."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from borzoi._errors import ReadError

from .certificates import server_context
from .dialing import connected, read_exactly, settle
from .peers import RawServer, closing_after, echo, receive_exactly, reset, saying, silent
from .world import World

BIG = bytes(range(256)) * 4096 * 8
"""8 MiB."""


@pytest.mark.parametrize("tls", [False, True])
def test_what_arrives_is_returned(world: World, tls: bool) -> None:
    """Bytes are returned as they arrive, without waiting for more."""
    with RawServer(echo, tls=server_context() if tls else None) as server:

        async def body() -> list[bytes]:
            async with connected(world, server, tls=tls) as stream:
                answers = []
                for word in (b"a", b"bc", b"d" * 1000):
                    await stream.write(word, 5)
                    answers.append(await read_exactly(stream, len(word)))
                return answers

        assert world.run(body) == [b"a", b"bc", b"d" * 1000]


@pytest.mark.parametrize("tls", [False, True])
def test_bytes_that_came_before_the_read_are_returned(world: World, tls: bool) -> None:
    """A read whose bytes have long arrived returns them at once."""
    sent = threading.Event()

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"early")
        sent.set()
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=tls) as stream:
                await world.wait_for(sent)
                await settle(world)
                return bytes(await stream.read(5))

        assert world.run(body) == b"early"


def test_a_dribble_is_returned_byte_by_byte(world: World) -> None:
    """Each byte of a peer that sends one at a time is returned before the next is sent."""
    wanted = [threading.Event() for _ in range(20)]

    def handler(sock: socket.socket) -> None:
        for number, event in enumerate(wanted):
            server.until(event)
            sock.sendall(bytes([number]))
        silent(sock)

    with RawServer(handler) as server:

        async def body() -> bytes:
            got = b""
            async with connected(world, server) as stream:
                for event in wanted:
                    event.set()
                    got += await stream.read(5)
            return got

        assert world.run(body) == bytes(range(20))


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
def test_an_end_that_comes_with_the_last_bytes_is_told(world: World, size: int) -> None:
    """Bytes and the end of the stream that arrive together, even before the connection is watched, are both told."""
    with RawServer(closing_after(b"x" * size)) as server:

        async def body() -> None:
            for _ in range(5):
                async with connected(world, server) as stream:
                    await settle(world)
                    await read_exactly(stream, size)
                    assert await stream.read(5) == b""
                    assert await stream.read(5) == b""

        world.run(body)


def test_an_end_after_a_pause_is_told(world: World) -> None:
    """A reader that waits is woken by the end of the stream."""
    with RawServer(lambda sock: receive_exactly(sock, 1)) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                await stream.write(b"!", 5)
                assert await stream.read(5) == b""

        world.run(body)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_reset_is_a_read_error(world: World, waiting: bool) -> None:
    """A connection that the peer resets, before the read or during it, is a ReadError that names the peer and the cause."""
    go, done = threading.Event(), threading.Event()

    def handler(sock: socket.socket) -> None:
        server.until(go)
        reset(sock)
        done.set()

    with RawServer(handler) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                go.set()
                if not waiting:
                    await world.wait_for(done)
                    await settle(world)
                with pytest.raises(ReadError, match=rf"from 127\.0\.0\.1:{server.port} failed: .*reset"):
                    await stream.read(5)

        world.run(body)


def test_after_a_reset_facts_are_still_answered(world: World) -> None:
    """Asking a broken connection for its addresses is no error."""
    go = threading.Event()

    def handler(sock: socket.socket) -> None:
        server.until(go)
        reset(sock)

    with RawServer(handler) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                go.set()
                with pytest.raises(ReadError):
                    await stream.read(5)
                assert stream.get_extra_info("server_addr") in (None, ("127.0.0.1", server.port))
                assert not stream.is_idle()

        world.run(body)


@pytest.mark.parametrize("tls", [False, True])
def test_unread_bytes_do_not_spin(async_world: World, tls: bool) -> None:
    """While bytes wait that nobody reads, the event loop rests."""
    sent = threading.Event()

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"x" * 100_000)
        sent.set()
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> float:
            async with connected(async_world, server, tls=tls) as stream:
                await async_world.wait_for(sent)
                await settle(async_world)
                started = time.thread_time()
                await async_world.backend().sleep(0.1)
                busy = time.thread_time() - started
                await read_exactly(stream, 100_000)
                return busy

        assert async_world.run(body) < 0.05


def test_nothing_is_received_for_a_stream_that_nobody_reads(reactor_world: World) -> None:
    """The peer of an unread stream is held back by the system's buffers."""
    held_back = threading.Event()

    def handler(sock: socket.socket) -> None:
        sock.setblocking(False)
        try:
            while True:
                sock.send(BIG)
        except BlockingIOError:
            held_back.set()
        sock.settimeout(20)
        silent(sock)

    with RawServer(handler) as server:

        async def body() -> None:
            async with connected(reactor_world, server) as stream:
                await reactor_world.wait_for(held_back)
                await settle(reactor_world)
                assert len(stream.get_extra_info("socket").recv(10, socket.MSG_PEEK)) == 10

        reactor_world.run(body)


@pytest.mark.parametrize("tls", [False, True])
def test_others_get_their_turn_while_much_arrives(async_world: World, tls: bool) -> None:
    """While 64 MiB are read as fast as they come, another task runs at least once for each 512 KiB."""
    size = 64 << 20

    def handler(sock: socket.socket) -> None:
        for _ in range(size // len(BIG)):
            sock.sendall(BIG)
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> int:
            longest = since = 0
            turn = False

            async def other() -> None:
                nonlocal turn
                while True:
                    turn = True
                    await async_world.sleep0()

            async with async_world.tasks() as tasks:
                handle = tasks.start(other)
                async with connected(async_world, server, tls=tls) as stream:
                    left = size
                    while left:
                        data = await stream.read(10)
                        left -= len(data)
                        since = 0 if turn else since + len(data)
                        turn = False
                        longest = max(longest, since)
                handle.cancel()
            return longest

        assert async_world.run(body) <= 512 << 10


@pytest.mark.parametrize("tls", [False, True])
def test_a_cancelled_reader_loses_no_bytes(async_world: World, tls: bool) -> None:
    """A reader cancelled at any turn leaves every byte that it has not returned to the next reader."""
    size = 4 << 20
    data = BIG[:size]

    def handler(sock: socket.socket) -> None:
        sock.sendall(data)
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            got = bytearray()

            async def reader(stream: object) -> None:
                while len(got) < size:
                    got.extend(await stream.read(10))  # type: ignore[attr-defined]

            async with connected(async_world, server, tls=tls) as stream:
                turns = 0
                while len(got) < size:
                    async with async_world.tasks() as tasks:
                        handle = tasks.start(reader, stream)
                        for _ in range(1 + turns % 7):
                            await async_world.sleep0()
                        handle.cancel()
                    turns += 1
            return bytes(got)

        assert async_world.run(body) == data


def test_a_reader_cancelled_in_the_tick_of_its_bytes_loses_none(async_world: World) -> None:
    """A reader cancelled while it waits, just as bytes arrive, leaves them to the next reader."""
    go = [threading.Event() for _ in range(30)]
    done = [threading.Event() for _ in range(30)]

    def handler(sock: socket.socket) -> None:
        for number in range(30):
            server.until(go[number])
            sock.sendall(bytes([number]))
            done[number].set()
        silent(sock)

    with RawServer(handler) as server:

        async def body() -> bytes:
            got = b""

            async def reader(stream: object) -> None:
                nonlocal got
                got += await stream.read(10)  # type: ignore[attr-defined]

            async with connected(async_world, server) as stream:
                for number in range(30):
                    async with async_world.tasks() as tasks:
                        handle = tasks.start(reader, stream)
                        await settle(async_world)
                        go[number].set()
                        # Without a turn of the loop: the news and the cancellation meet in the next one.
                        assert done[number].wait(10)
                        for _ in range(number % 3):
                            await async_world.sleep0()
                        handle.cancel()
                    if len(got) == number:
                        got += await stream.read(10)
            return got

        assert async_world.run(body) == bytes(range(30))


@pytest.mark.parametrize("tls", [False, True])
def test_closing_a_stream_fails_its_reader(world: World, tls: bool) -> None:
    """A reader that waits while the stream is closed fails at once, and never sees an end of the stream."""
    reading = threading.Event()

    def handler(sock: socket.socket) -> None:
        receive_exactly(sock, 1)
        reading.set()
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream, world.tasks() as tasks:

                async def reader() -> None:
                    await stream.write(b"!", 5)
                    with pytest.raises(ReadError, match="closed here while it was in use"):
                        await stream.read(None)

                tasks.start(reader)
                await world.wait_for(reading)
                await settle(world)
                stream.close()

        world.run(body)


@pytest.mark.parametrize("tls", [False, True])
def test_reading_a_closed_stream_fails_at_once(world: World, tls: bool) -> None:
    """Reading after close() is a ReadError and does not wait."""
    with RawServer(echo, tls=server_context() if tls else None) as server:

        async def body() -> None:
            async with connected(world, server, tls=tls) as stream:
                await stream.write(b"!", 5)
                assert await stream.read(5) == b"!"
                await settle(world)
                stream.close()
                stream.close()
                with pytest.raises(ReadError, match="closed here"):
                    await stream.read(None)
                assert not stream.is_idle()

        world.run(body)


def test_two_peers_do_not_wait_for_each_other(world: World) -> None:
    """A stream whose peer is silent keeps no other from being read."""
    with RawServer(silent) as mute, RawServer(saying(b"hello")) as speaker:

        async def body() -> bytes:
            async with connected(world, mute) as stream, world.tasks() as tasks:

                async def reader() -> None:
                    with pytest.raises(ReadError):
                        await stream.read(None)

                tasks.start(reader)
                async with connected(world, speaker) as other:
                    heard = await other.read(5)
                stream.close()
            return bytes(heard)

        assert world.run(body) == b"hello"
