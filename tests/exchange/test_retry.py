"""The race of keep-alive: a server closes an idle connection while a request is on its way to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import borzoi
from borzoi import Limits
from tests.exchange.http_peers import Reader, answer, assert_whole, echo_target, gates, http
from tests.worlds.peers import RawServer, reset
from tests.worlds.world import World


def fin(sock: socket.socket) -> None:
    """Close with FIN."""


class Dying:
    """Answer the first request of each connection, and let it die under the second, unless it is on the last one."""

    def __init__(self, die: Callable[[socket.socket], object], connections: int) -> None:
        self._die = die
        self._dying = connections
        self._lock = threading.Lock()
        self.asked: list[tuple[int, bytes, bytes]] = []
        self.count = 0

    def __call__(self, sock: socket.socket) -> None:
        with self._lock:
            number, self.count = self.count, self.count + 1
        reader = Reader(sock)
        while (asked := reader.request()) is not None:
            self.asked.append((number, asked.target, asked.body))
            if asked.turn > 1 and number < self._dying:
                self._die(sock)
                return
            sock.sendall(answer(b"") if asked.method == b"HEAD" else echo_target(asked))


@pytest.mark.parametrize("die", [fin, reset])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_an_idempotent_request_is_sent_once_more(world: World, method: str, die: Callable[..., object]) -> None:
    """2: an idempotent request on a reused connection that dies before any byte is repeated on a new one, silently."""
    server_side = Dying(die, 1)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await client.get(f"{server.url}/1")
            content = {"content": b"body"} if method == "PUT" else {}
            assert (await client.request(method, f"{server.url}/2", **content)).status_code == 200
            assert_whole(client, idle=1)

    with RawServer(server_side) as server:
        world.run(body)
    sent = b"body" if method == "PUT" else b""
    assert server_side.asked == [(0, b"/1", b""), (0, b"/2", sent), (1, b"/2", sent)]


@pytest.mark.parametrize("die", [fin, reset])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_had_an_effect_is_not_repeated(world: World, method: str, die: Callable[..., object]) -> None:
    """2: POST and PATCH are never sent twice: the error is raised."""
    server_side = Dying(die, 1)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await client.get(f"{server.url}/1")
            with pytest.raises(
                (borzoi.RemoteProtocolError, borzoi.ReadError), match=f"127.0.0.1:{server.port}"
            ) as caught:
                await client.request(method, f"{server.url}/2", content=b"body")
            assert caught.value.request.method == method
            assert_whole(client, idle=0)

    with RawServer(server_side) as server:
        world.run(body)
    assert server_side.asked == [(0, b"/1", b""), (0, b"/2", b"body")]


def pieces() -> Iterator[bytes]:
    """Give a body that cannot be given twice."""
    yield b"bo"
    yield b"dy"


async def pieces_in_time() -> AsyncIterator[bytes]:
    """Give the same in an event loop."""
    yield b"bo"
    yield b"dy"


def test_a_body_that_is_used_up_is_not_repeated(world: World) -> None:
    """2: an idempotent request whose body is a generator is not sent twice."""
    server_side = Dying(fin, 1)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await client.get(f"{server.url}/1")
            with pytest.raises(borzoi.TransportError):
                await client.put(f"{server.url}/2", content=pieces_in_time() if world.is_async else pieces())
            assert_whole(client, idle=0)

    with RawServer(server_side) as server:
        world.run(body)
    assert len(server_side.asked) == 2


def test_a_request_is_repeated_once(world: World) -> None:
    """2: where the new connection dies, too, the error is raised."""

    def handler(sock: socket.socket) -> None:
        reader = Reader(sock)
        asked = reader.request()
        assert asked is not None
        if asked.target == b"/1":
            sock.sendall(answer())
            reader.request()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await client.get(f"{server.url}/1")
            with pytest.raises(borzoi.RemoteProtocolError, match="without sending a response"):
                await client.get(f"{server.url}/2")
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)
        assert len(server.connections) == 2


@pytest.mark.parametrize(
    "part", [b"H", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 103 Early\r\n\r\n", b"rubbish\r\n\r\n", b"\r\n"]
)
def test_a_response_that_has_begun_is_an_answer(world: World, part: bytes) -> None:
    """2: after a single byte of response, however wrong, nothing is repeated."""

    def handler(sock: socket.socket) -> None:
        reader = Reader(sock)
        asked = reader.request()
        assert asked is not None
        sock.sendall(answer())
        if reader.request():
            sock.sendall(part)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await client.get(f"{server.url}/1")
            with pytest.raises(borzoi.RemoteProtocolError):
                await client.get(f"{server.url}/2")
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_a_new_connection_that_dies_is_an_error(world: World) -> None:
    """1: nothing is repeated where the connection was new."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(borzoi.RemoteProtocolError):
                await client.get(server.url)

    with RawServer(lambda sock: Reader(sock).request()) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_the_second_try_is_never_on_a_used_connection(world: World) -> None:
    """A request that waits for room for its second try gets a new connection, though a used one comes free."""
    with gates(2) as (asked_second, go):

        def handler(sock: socket.socket) -> None:
            number = len(server.connections)
            reader = Reader(sock)
            while (asked := reader.request()) is not None:
                if asked.target == b"/hold":
                    server.until(go)
                if asked.target == b"/dies" and number == 1 and asked.turn == 2:
                    asked_second.set()
                    return
                seen.append((asked.target, asked.turn))
                sock.sendall(echo_target(asked))

        seen: list[tuple[bytes, int]] = []

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
                await client.get(f"{server.url}/warm")
                async with world.tasks() as tasks:
                    dies = tasks.start(client.get, f"{server.url}/dies")
                    await world.wait_for(asked_second)
                    holds = [tasks.start(client.get, f"{server.url}/hold") for _ in range(3)]
                    go.set()
                assert dies.result.text == "/dies"
                assert [hold.result.text for hold in holds] == ["/hold"] * 3
                assert_whole(client, idle=1)

        with RawServer(handler) as server:
            world.run(body)
    assert (b"/dies", 1) in seen


def test_no_request_is_lost_while_connections_die(world: World) -> None:
    """Over a server that closes each connection after two requests, without saying so, every GET succeeds."""

    def handler(sock: socket.socket) -> None:
        reader = Reader(sock)
        for _ in range(2):
            asked = reader.request()
            if asked is None:
                return
            sock.sendall(echo_target(asked))

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=4), timeout=20) as client:

            async def ask(number: int) -> Any:
                for turn in range(5):
                    assert (await client.get(f"{server.url}/{number}-{turn}")).text == f"/{number}-{turn}"

            await world.gather(*(lambda n=n: ask(n) for n in range(12)))
            assert_whole(client)

    with RawServer(handler) as server:
        world.run(body)


def test_responses_are_never_mixed_up(world: World) -> None:
    """62: sixteen threads, or two hundred tasks, on one client and few connections: each gets its own answers."""
    workers, turns = (200, 6) if world.is_async else (16, 60)

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=8), timeout=20) as client:

            async def ask(number: int) -> None:
                for turn in range(turns):
                    name = f"/{number}-{turn}"
                    if turn % 5 == 4:
                        async with client.stream("GET", server.url + name) as response:
                            if turn % 2:
                                assert (await response.aread()).decode() == name
                    else:
                        response = await client.request("GET" if turn % 2 else "POST", server.url + name)
                        assert response.text == name

            await world.gather(*(lambda n=n: ask(n) for n in range(workers)))
            assert_whole(client)

    with RawServer(http(echo_target)) as server:
        world.run(body)
