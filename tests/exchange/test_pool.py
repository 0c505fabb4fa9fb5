"""What the pool keeps, hands over, closes and gives up on, in every world."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Timeout
from tests.exchange.http_peers import (
    Asked,
    Reader,
    Recorder,
    answer,
    assert_whole,
    echo_target,
    gates,
    http,
    network_client,
    pool_of,
)
from tests.worlds.peers import RawServer
from tests.worlds.world import World


class Clock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        """Return the time."""
        return self.time


def test_a_connection_is_used_again(world: World) -> None:
    """Requests one after the other share one connection."""
    recorder = Recorder()

    async def body() -> None:
        async with world.client() as client:
            for number in range(5):
                assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
            assert_whole(client, idle=1)

    with RawServer(recorder) as server:
        world.run(body)
    assert [len(asked) for asked in recorder.connections] == [5]


def test_origins_do_not_share_connections(world: World) -> None:
    """A connection serves its own origin only, and each origin keeps its own."""

    async def body() -> None:
        async with world.client() as client:
            for server in (one, two, one, two):
                await client.get(server.url)
            assert_whole(client, idle=2)

    with RawServer(http(echo_target)) as one, RawServer(http(echo_target)) as two:
        world.run(body)
        assert (len(one.connections), len(two.connections)) == (1, 1)


def test_max_connections_holds_under_load(world: World) -> None:
    """However many requests there are at once, the server never sees more connections than allowed."""
    lock, now, most = threading.Lock(), [0], [0]

    def handler(sock: Any) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            http(echo_target)(sock)
        finally:
            with lock:
                now[0] -= 1

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=3), timeout=20) as client:

            async def one(number: int) -> None:
                assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

            await world.gather(*(lambda number=number: one(number) for number in range(40)))
            assert_whole(client, idle=3)

    with RawServer(handler) as server:
        world.run(body)
        assert len(server.connections) == 3
    assert most[0] <= 3


def test_first_come_first_served(world: World) -> None:
    """Those who wait for a connection get it in the order in which they came."""
    order: list[bytes] = []
    with gates(1) as (go,):

        def respond(asked: Asked) -> bytes:
            if asked.target == b"/first":
                server.until(go)
            order.append(asked.target)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{server.url}/first")
                    await busy(world, client, 1)
                    for number in range(10):
                        tasks.start(client.get, f"{server.url}/{number}")
                        await waiting(world, client, number + 1)
                    go.set()
                assert_whole(client, idle=1)

        with RawServer(http(respond)) as server:
            world.run(body)
            assert len(server.connections) == 1
    assert order == [b"/first", *(b"/%d" % number for number in range(10))]


async def until(world: World, condition: Any) -> None:
    """Give the others turns until a condition holds."""
    pause = threading.Event()
    while not condition():
        await world.sleep0()
        # Not a sleep that a test's outcome depends on: it lets the threads of peers run.
        pause.wait(0.0005)


async def busy(world: World, client: Any, count: int) -> None:
    """Wait until so many connections are leased."""
    await until(world, lambda: _latest(client) and len(pool_of(client)._shelf.busy()) == count)


async def waiting(world: World, client: Any, count: int) -> None:
    """Wait until so many requests wait for a connection."""
    await until(world, lambda: _latest(client) and len(pool_of(client)._shelf.waiters) == count)


def _latest(client: Any) -> bool:
    transport = getattr(client, "wrapped", client)._transport
    return not hasattr(transport, "_latest") or transport._latest is not None


def test_room_is_made_for_a_waiter_of_another_origin(world: World) -> None:
    """A connection that comes free is closed where the first in the queue goes elsewhere."""
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            server_one.until(go)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, server_one.url)
                    await busy(world, client, 1)
                    other = tasks.start(client.get, f"{server_two.url}/two")
                    await waiting(world, client, 1)
                    go.set()
                assert other.result.text == "/two"
                assert_whole(client, idle=1)

        with RawServer(http(slow)) as server_one, RawServer(http(echo_target)) as server_two:
            world.run(body)


def test_a_response_that_closes_makes_room_for_the_next(world: World) -> None:
    """With "Connection: close" each waiter gets a connection of its own, one after the other."""

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
            responses = await world.gather(*(lambda: client.get(server.url) for _ in range(5)))
            assert [response.text for response in responses] == ["bye"] * 5
            assert_whole(client, idle=0)

    with RawServer(http(lambda _: answer(b"bye", b"Connection: close"))) as server:
        world.run(body)
        assert len(server.connections) == 5


def test_the_oldest_idle_connection_makes_room(world: World) -> None:
    """Where all connections are idle at other origins, the one that was idle for longest is closed."""

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=2)) as client:
            for server in (one, two, three, two):
                await client.get(server.url)
            assert [connection.route.port for connection in pool_of(client)._shelf.idle()] == [three.port, two.port]

    with (
        RawServer(http(echo_target)) as one,
        RawServer(http(echo_target)) as two,
        RawServer(http(echo_target)) as three,
    ):
        world.run(body)
        assert [len(server.connections) for server in (one, two, three)] == [1, 1, 1]


def test_max_keepalive_bounds_what_is_kept(world: World) -> None:
    """Of many connections that become idle, only so many are kept, and the newest of them."""
    barrier = threading.Barrier(6)

    def respond(asked: Asked) -> bytes:
        barrier.wait(20)
        return echo_target(asked)

    async def body() -> None:
        async with world.client(limits=Limits(max_keepalive_connections=2)) as client:
            await world.gather(*(lambda: client.get(server.url) for _ in range(6)))
            assert_whole(client, idle=2)

    with RawServer(http(respond)) as server:
        world.run(body)
        assert len(server.connections) == 6


@pytest.mark.parametrize("limits", [Limits(max_keepalive_connections=0), Limits(keepalive_expiry=0)])
def test_nothing_is_kept_where_nothing_may_be(world: World, limits: Limits) -> None:
    """With no idle connections allowed, each request has a connection of its own."""

    async def body() -> None:
        async with world.client(limits=limits) as client:
            for _ in range(3):
                await client.get(server.url)
                assert_whole(client, idle=0)

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert len(server.connections) == 3


def test_idle_connections_expire(world: World) -> None:
    """A connection idle for `keepalive_expiry` seconds is not used again, whatever origin the next request is for."""
    clock = Clock()

    async def body() -> None:
        async with world.client(clock=clock, limits=Limits(keepalive_expiry=5)) as client:
            await client.get(one.url)
            clock.time += 4.9
            await client.get(one.url)
            clock.time += 4.9
            await client.get(two.url)
            assert_whole(client, idle=2)
            clock.time += 0.2
            await client.get(two.url)
            assert_whole(client, idle=1)
            clock.time += 5.1
            await client.get(two.url)
            assert_whole(client, idle=1)

    with RawServer(http(echo_target)) as one, RawServer(http(echo_target)) as two:
        world.run(body)
        assert (len(one.connections), len(two.connections)) == (1, 2)


def test_no_expiry_means_never(world: World) -> None:
    """With `keepalive_expiry=None` a connection is kept however long it is idle."""
    clock = Clock()

    async def body() -> None:
        async with world.client(clock=clock, limits=Limits(keepalive_expiry=None)) as client:
            for _ in range(3):
                await client.get(server.url)
                clock.time += 1e6

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_an_exhausted_pool_says_so_in_time(world: World) -> None:
    """PoolTimeout names the limit, the peer and the queue, carries the request, and leaves the pool whole."""
    with gates(1) as (go,):

        def respond(asked: Asked) -> bytes:
            server.until(go)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=0.05)) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{server.url}/first")
                    await busy(world, client, 1)
                    with pytest.raises(borzoi.PoolTimeout) as caught:
                        await client.get(f"{server.url}/second")
                    assert not pool_of(client)._shelf.waiters
                    go.set()
                assert caught.value.request.url.path == "/second"
                text = str(caught.value)
                assert "0.05 s" in text
                assert "all 1 of the pool" in text
                assert f"127.0.0.1:{server.port}" in text
                assert (await client.get(f"{server.url}/third")).text == "/third"
                assert_whole(client, idle=1)

        with RawServer(http(respond)) as server:
            world.run(body)


def test_a_forgotten_response_gives_its_connection_back(world: World) -> None:
    """A streamed response that was neither read nor closed warns when it is collected, and its room is used again."""

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=10)) as client:
            request = client.build_request("GET", server.url)
            response = await client.send(request, stream=True)
            with pytest.warns(ResourceWarning, match=f"127.0.0.1:{server.port} was neither read"):
                del response
            assert (await client.get(server.url)).text == "x" * 100_000
            assert_whole(client)

    with RawServer(http(lambda _: answer(b"x" * 100_000))) as server:
        world.run(body)
        assert len(server.connections) == 2


def test_a_waiter_gets_the_room_of_a_response_forgotten_meanwhile(async_world: World) -> None:
    """Who waits for the connection of a response that is collected then gets room, at the latest when its time is over."""
    world = async_world

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=0.2)) as client:
            held = [await client.send(client.build_request("GET", server.url), stream=True)]
            async with world.tasks() as tasks:
                second = tasks.start(client.get, server.url)
                await waiting(world, client, 1)
                with pytest.warns(ResourceWarning):
                    held.clear()
            assert second.result.status_code == 200
            assert_whole(client)

    with RawServer(http(lambda _: answer(b"x" * 100_000))) as server:
        world.run(body)


def test_an_idle_connection_that_ends_is_closed_at_once(reactor_world: World) -> None:
    """In the reactor the end of an idle connection is noticed without any further request, and its descriptor closed."""
    world = reactor_world
    with gates(1) as (go,):

        def handler(sock: Any) -> None:
            Reader(sock).request()
            sock.sendall(answer())
            server.until(go)

        async def body() -> None:
            async with world.client() as client:
                await client.get(server.url)
                assert_whole(client, idle=1)
                go.set()
                await until(world, lambda: not pool_of(client)._shelf.idle())
                assert_whole(client, idle=0)

        with RawServer(handler) as server:
            world.run(body)


@pytest.mark.parametrize("ending", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"])
def test_an_idle_connection_that_ends_or_speaks_is_not_used_again(world: World, ending: bytes) -> None:
    """Neither a connection that its server closed while it was idle is used again, nor one on which it spoke."""
    done = threading.Event()

    def handler(sock: Any) -> None:
        reader = Reader(sock)
        asked = reader.request()
        assert asked is not None
        sock.sendall(echo_target(asked))
        if len(server.connections) == 1:
            if ending:
                sock.sendall(ending)
                done.set()
                sock.recv(1)
            else:
                sock.shutdown(1)
                done.set()
                sock.recv(1)

    async def body() -> None:
        async with world.client() as client:
            assert (await client.get(f"{server.url}/1")).text == "/1"
            await world.wait_for(done)
            # POST: nothing that is sent again would hide a failure.
            assert (await client.post(f"{server.url}/2")).text == "/2"
            assert_whole(client)

    with RawServer(handler) as server:
        world.run(body)
        assert len(server.connections) == 2


def test_a_poisoned_connection_is_not_used_again(world: World) -> None:
    """Bytes after the end of a response are never taken for the response to the next request."""

    def respond(asked: Asked) -> bytes:
        return echo_target(asked) + answer(b"POISON")

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
            for number in range(4):
                assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
                assert_whole(client, idle=0)
            texts = await world.gather(*(lambda n=n: client.get(f"{server.url}/{n}") for n in range(4)))
            assert [response.text for response in texts] == ["/0", "/1", "/2", "/3"]

    with RawServer(http(respond)) as server:
        world.run(body)
        assert len(server.connections) == 8


def test_a_connection_that_died_in_the_hand_over_is_replaced(world: World) -> None:
    """A waiter that is handed a connection whose server has closed it meanwhile gets a new one, POST included."""
    with gates(2) as (go, closed):

        def handler(sock: Any) -> None:
            asked = Reader(sock).request()
            assert asked is not None
            if asked.target == b"/1":
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                server.until(go)
                sock.sendall(b"/1")
                sock.shutdown(socket.SHUT_WR)
                closed.set()
            else:
                sock.sendall(echo_target(asked))
            sock.recv(1)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
                async with world.tasks() as tasks:
                    async with client.stream("POST", f"{server.url}/1") as first:
                        second = tasks.start(client.post, f"{server.url}/2")
                        await waiting(world, client, 1)
                        go.set()
                        await world.wait_for(closed)
                        for _ in range(3):
                            await world.sleep0()
                        assert (await first.aread()) == b"/1"
                assert second.result.text == "/2"
                assert_whole(client)

        with RawServer(handler) as server:
            world.run(body)
            assert len(server.connections) == 2


def test_closing_the_client_closes_connections_in_use(world: World) -> None:
    """Closing a client ends what is under way in another task with an error, and leaves nothing open."""
    with gates(1) as (go,):

        def respond(asked: Asked) -> bytes:
            server.until(go)
            return echo_target(asked)

        async def body() -> None:
            client = network_client(world)

            async def ask() -> str:
                with pytest.raises(borzoi.NetworkError) as caught:
                    await client.get(server.url)
                return str(caught.value)

            async with world.tasks() as tasks:
                asking = tasks.start(ask)
                await until(world, lambda: len(server.connections) == 1 and _latest(client))
                await busy(world, client, 1)
                pool = pool_of(client)
                await until(
                    world, lambda: any(hasattr(holder, "engine") and holder.requests for holder in pool._shelf.busy())
                )
                await client.aclose()
            assert f"127.0.0.1:{server.port}" in asking.result
            assert pool._shelf.busy() == set()

        with RawServer(http(respond)) as server:
            world.run(body)
