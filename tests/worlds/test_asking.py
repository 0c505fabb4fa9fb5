"""Asking, in every world: what is sent arrives whole, and what comes back is returned, as by a write and a read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self

import pytest

from borzoi._backends.poller import READ
from borzoi._backends.reactor import GATHERED
from borzoi._backends.reactor_stream import SocketStream
from borzoi._errors import NetworkError, ReadError, ReadTimeout, WriteError

from .certificates import server_context
from .dialing import connected, settle
from .peers import RawServer, echo, receive_exactly, reset, silent
from .running import Handle
from .world import World

BIG = bytes(range(256)) * 4096 * 8
"""8 MiB."""


@pytest.mark.parametrize("tls", [False, True])
def test_questions_are_answered(world: World, tls: bool) -> None:
    """Each question gets its own answer, one after the other."""
    with RawServer(echo, tls=server_context() if tls else None) as server:

        async def body() -> list[bytes]:
            async with connected(world, server, tls=tls) as stream:
                return [await stream.ask(word, 5, 5) for word in (b"a", b"bc", b"d" * 1000)]

        assert world.run(body) == [b"a", b"bc", b"d" * 1000]


@pytest.mark.parametrize("tls", [False, True])
def test_a_question_that_is_not_taken_at_once(world: World, tls: bool) -> None:
    """8 MiB are sent whole, at the pace of the peer, before the answer is waited for."""

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"yes" if receive_exactly(sock, len(BIG)) == BIG else b"no")
        silent(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:

        async def body() -> bytes:
            async with connected(world, server, tls=tls) as stream:
                return bytes(await stream.ask(BIG, 10, 10))

        assert world.run(body) == b"yes"


def test_an_answer_that_never_comes(world: World) -> None:
    """It is a ReadTimeout, which names the peer and the time."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                with pytest.raises(ReadTimeout, match=rf"127\.0\.0\.1:{server.port} within 0\.02 s"):
                    await stream.ask(b"well?", 5, 0.02)

        world.run(body)


def test_a_peer_that_closes_instead(world: World) -> None:
    """Its end is an empty answer."""

    def handler(sock: socket.socket) -> None:
        sock.recv(1)

    with RawServer(handler) as server:

        async def body() -> bytes:
            async with connected(world, server) as stream:
                return bytes(await stream.ask(b"?", 5, 5))

        assert world.run(body) == b""


def test_a_peer_that_resets_instead(world: World) -> None:
    """It is a NetworkError that names the peer."""

    def handler(sock: socket.socket) -> None:
        sock.recv(1)
        reset(sock)

    with RawServer(handler) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                with pytest.raises(NetworkError, match=rf"127\.0\.0\.1:{server.port} failed: .*reset"):
                    await stream.ask(b"?", 5, 5)

        world.run(body)


def test_many_at_once(world: World) -> None:
    """Peers that answer all at the same moment, round after round, answer each its own question."""
    count, rounds = GATHERED * 2 + 3, 5
    meeting = threading.Barrier(count)

    def handler(sock: socket.socket) -> None:
        for _ in range(rounds):
            question = receive_exactly(sock, 4)
            meeting.wait(20)
            sock.sendall(question[::-1])

    with RawServer(handler) as server:

        async def one(number: int) -> None:
            async with connected(world, server) as stream:
                for turn in range(rounds):
                    question = b"%02d%02d" % (number, turn)
                    answer = await stream.ask(question, 10, 10)
                    assert answer == question[::-1]

        async def body() -> None:
            await world.gather(*[lambda number=number: one(number) for number in range(count)])

        world.run(body)


# What is sent together, in the worlds that do so. The other ends are moved by hand.


class Pairs:
    """Streams of the world's reactor that have nothing to read, and their other ends."""

    def __init__(self, world: World, *kinds: type[socket.socket]) -> None:
        self.world = world
        self.reactor = world.backend()
        self.streams: list[SocketStream] = []
        self.peers: list[socket.socket] = []
        for kind in kinds:
            opened, there = socket.socketpair()
            here = kind(fileno=opened.detach())
            here.setblocking(False)
            there.setblocking(False)
            here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            stream = SocketStream(self.reactor, here, "the peer")
            assert stream.is_idle()
            self.streams.append(stream)
            self.peers.append(there)

    async def __aenter__(self) -> Self:
        # The first news of a socket is that it can be written to. After it, several have come at once.
        await settle(self.world)
        self.reactor.gathers = True
        return self

    async def __aexit__(self, *_: object) -> None:
        for stream, peer in zip(self.streams, self.peers, strict=True):
            stream.close()
            peer.close()
        await settle(self.world)


class Refusing(socket.socket):
    """A socket that the system refuses to send on."""

    def send(self, data: Any, flags: int = 0) -> int:
        """Fail."""
        raise OSError(5, "Input/output error")


class Stumbling(socket.socket):
    """A socket with a fault of its own."""

    def send(self, data: Any, flags: int = 0) -> int:
        """Fail as nobody expects."""
        raise LookupError("no such thing")


class Deaf(socket.socket):
    """A socket that the system refuses to receive from, once bytes have come."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Fail."""
        super().recv(size, flags)
        raise OSError(5, "Input/output error")


def test_what_is_asked_in_one_turn_is_sent_together(reactor_world: World) -> None:
    """It goes out when all have asked, or as soon as enough have; each gets its own answer."""
    count = GATHERED + 2

    async def body() -> None:
        async with Pairs(reactor_world, *[socket.socket] * count) as pairs, reactor_world.tasks() as tasks:
            asked = [tasks.start(stream.ask, b"%d" % number, 5, 5) for number, stream in enumerate(pairs.streams)]
            await settle(reactor_world)
            assert [peer.recv(9) for peer in pairs.peers] == [b"%d" % number for number in range(count)]
            for number, peer in enumerate(pairs.peers):
                peer.send(b"answer %d" % number)
            assert [await result_of(reactor_world, handle) for handle in asked] == [
                b"answer %d" % number for number in range(count)
            ]
            assert pairs.reactor.gathers

    reactor_world.run(body)


def test_what_is_not_taken_when_sent_together_follows(reactor_world: World) -> None:
    """The asker sends the rest itself, and then waits for the answer."""
    question = bytes(range(256)) * 1024

    async def body() -> None:
        async with Pairs(reactor_world, socket.socket) as pairs, reactor_world.tasks() as tasks:
            asked = tasks.start(pairs.streams[0].ask, question, 5, 5)
            received = b""
            while len(received) < len(question):
                await settle(reactor_world)
                with suppress(BlockingIOError):
                    received += pairs.peers[0].recv(1 << 20)
            assert received == question
            pairs.peers[0].send(b"all of it")
            assert await result_of(reactor_world, asked) == b"all of it"

    reactor_world.run(body)


def test_a_peer_that_is_gone_when_all_is_sent_together(reactor_world: World) -> None:
    """It is a WriteError or the end for the one, and costs the others nothing."""

    async def body() -> None:
        async with Pairs(reactor_world, socket.socket, socket.socket) as pairs, reactor_world.tasks() as tasks:
            # Not told yet: the news of the end and the question cross each other.
            pairs.peers[0].close()
            failed = tasks.start(outcome_of, pairs.streams[0].ask, b"?", 5, 5)
            asked = tasks.start(pairs.streams[1].ask, b"?", 5, 5)
            await settle(reactor_world)
            assert pairs.peers[1].recv(9) == b"?"
            pairs.peers[1].send(b"!")
            assert await result_of(reactor_world, asked) == b"!"
            found = await result_of(reactor_world, failed)
            assert found == b"" or (isinstance(found, WriteError) and "Writing to the peer failed: " in str(found))

    reactor_world.run(body)


async def result_of(world: World, handle: Handle) -> Any:
    """Return what a task returned, giving it the turns that it needs."""
    while not handle.ended:
        await world.sleep0()
    return handle.result


async def outcome_of(ask: Callable[..., Awaitable[bytes]], *arguments: Any) -> bytes | NetworkError:
    """Return what is returned, or raised."""
    try:
        return await ask(*arguments)
    except NetworkError as error:
        return error


def test_failing_to_send_is_told_to_the_asker(reactor_world: World) -> None:
    """What the system says goes to the asker as a WriteError, with its cause; a fault of ours closes that stream only."""

    async def body() -> None:
        async with Pairs(reactor_world, Refusing, Stumbling, socket.socket) as pairs, reactor_world.tasks() as tasks:
            asked = [tasks.start(outcome_of, stream.ask, b"?", 5, 5) for stream in pairs.streams]
            await settle(reactor_world)
            pairs.peers[2].send(b"!")
            refused, stumbled, answered = [await result_of(reactor_world, handle) for handle in asked]
            assert isinstance(refused, WriteError)
            assert isinstance(refused.__cause__, OSError)
            assert str(refused) == "Writing to the peer failed: [Errno 5] Input/output error"
            assert isinstance(stumbled, ReadError)
            assert "no such thing" in str(stumbled)
            assert answered == b"!"

    reactor_world.run(body)


def test_failing_to_receive_is_told_to_the_asker(reactor_world: World) -> None:
    """What the system says goes to the asker as a ReadError, with its cause."""

    async def body() -> None:
        async with Pairs(reactor_world, Deaf) as pairs, reactor_world.tasks() as tasks:
            asked = tasks.start(outcome_of, pairs.streams[0].ask, b"?", 5, 5)
            await settle(reactor_world)
            pairs.peers[0].send(b"!")
            failed = await result_of(reactor_world, asked)
            assert isinstance(failed, ReadError)
            assert isinstance(failed.__cause__, OSError)

    reactor_world.run(body)


def test_closing_while_a_question_waits_to_be_sent(reactor_world: World) -> None:
    """Nothing is sent, and the asker is told that the connection was closed here."""

    async def body() -> None:
        async with Pairs(reactor_world, socket.socket) as pairs, reactor_world.tasks() as tasks:
            asked = tasks.start(outcome_of, pairs.streams[0].ask, b"?", 5, 5)
            tasks.start(close, pairs.streams[0])
            failed = await result_of(reactor_world, asked)
            assert isinstance(failed, NetworkError)
            assert "closed here" in str(failed)

    async def close(stream: SocketStream) -> None:
        stream.close()

    reactor_world.run(body)


def test_giving_up_before_the_question_is_sent(reactor_world: World) -> None:
    """Nothing is sent for one who was cancelled in the same turn."""

    async def body() -> None:
        async with Pairs(reactor_world, socket.socket) as pairs, reactor_world.tasks() as tasks:
            asked = tasks.start(pairs.streams[0].ask, b"?", 5, 5)
            await reactor_world.sleep0()
            asked.cancel()
            await settle(reactor_world)
            assert not pairs.reactor.deadlines
            received = b""
            with suppress(BlockingIOError):
                received = pairs.peers[0].recv(9)
            # All or nothing: the turn in which a task begins is the loop's own affair.
            assert received in (b"", b"?")

    reactor_world.run(body)


def test_news_without_bytes_wake_nobody(reactor_world: World) -> None:
    """Being told of bytes that are not there leaves the asker waiting for those that come."""

    async def body() -> None:
        async with Pairs(reactor_world, socket.socket) as pairs, reactor_world.tasks() as tasks:
            asked = tasks.start(pairs.streams[0].ask, b"?", 5, 5)
            await settle(reactor_world)
            pairs.streams[0].on_flags(READ)
            await settle(reactor_world)
            assert not asked.ended
            pairs.peers[0].send(b"!")
            assert await result_of(reactor_world, asked) == b"!"

    reactor_world.run(body)


def test_an_answer_and_the_end_at_once(reactor_world: World) -> None:
    """The answer is returned, and the end is found by the next read."""

    async def body() -> None:
        async with Pairs(reactor_world, socket.socket) as pairs, reactor_world.tasks() as tasks:
            asked = tasks.start(pairs.streams[0].ask, b"?", 5, 5)
            await settle(reactor_world)
            pairs.peers[0].recv(9)
            pairs.peers[0].send(b"!")
            pairs.peers[0].shutdown(socket.SHUT_RDWR)
            assert await result_of(reactor_world, asked) == b"!"
            assert not pairs.streams[0].is_idle()
            assert await pairs.streams[0].read(5) == b""

    reactor_world.run(body)
