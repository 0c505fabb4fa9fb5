"""Limits for each host, in every world: they hold, nobody is overtaken, and nobody waits for a host that is not its own."""

from __future__ import annotations

import socket
import threading
from collections import Counter, defaultdict

import pytest

import borzoi
from borzoi import Limits, Timeout
from tests.exchange.http2_scripts import answering, http2_client
from tests.exchange.http_peers import Asked, answer, assert_whole, echo_target, gates, http, pool_of
from tests.exchange.test_pool import busy, until, waiting
from tests.worlds.certificates import server_context
from tests.worlds.http2_peer import http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import World


class Counting:
    """Answer with the target once a port has two connections, and remember how many it had at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._both: defaultdict[int, threading.Barrier] = defaultdict(lambda: threading.Barrier(2, timeout=20))
        self._now: Counter[int] = Counter()
        self.most: Counter[int] = Counter()

    def __call__(self, sock: socket.socket) -> None:
        port = sock.getsockname()[1]
        with self._lock:
            self._now[port] += 1
            self.most[port] = max(self.most[port], self._now[port])
            both = self._both[port]
        try:
            both.wait()
            http(echo_target)(sock)
        finally:
            with self._lock:
                self._now[port] -= 1


def test_the_limit_holds_under_load(world: World) -> None:
    """However many requests there are at once, no server sees more connections than its host may have."""
    counting = Counting()

    async def body() -> None:
        limits = Limits(max_connections=10, max_connections_per_host=2)
        async with world.client(limits=limits, timeout=20) as client:

            async def one(number: int) -> None:
                url = f"{servers[number % 3].url}/{number}"
                assert (await client.get(url)).text == f"/{number}"

            await world.gather(*(lambda number=number: one(number) for number in range(45)))
            assert_whole(client, idle=6)

    with RawServer(counting) as one, RawServer(counting) as two, RawServer(counting) as three:
        servers = [one, two, three]
        world.run(body)
        assert [len(server.connections) for server in servers] == [2, 2, 2]
    assert counting.most[one.port] == counting.most[two.port] == counting.most[three.port] == 2


def test_the_limit_of_all_holds_besides(world: World) -> None:
    """With fewer connections in all than the hosts may have together, both limits hold at each moment."""

    async def body() -> None:
        limits = Limits(max_connections=4, max_connections_per_host=2)
        async with world.client(limits=limits, timeout=20) as client:

            async def one(number: int) -> None:
                url = f"{servers[number % 3].url}/{number}"
                assert (await client.get(url)).text == f"/{number}"
                stats = client.pool_stats()
                assert stats.open + stats.connecting <= 4
                assert all(origin.open + origin.connecting <= 2 for origin in stats.origins.values())

            await world.gather(*(lambda number=number: one(number) for number in range(45)))
            assert_whole(client)

    with (
        RawServer(http(echo_target)) as one,
        RawServer(http(echo_target)) as two,
        RawServer(http(echo_target)) as three,
    ):
        servers = [one, two, three]
        world.run(body)


def test_without_the_limit_there_is_none(world: World) -> None:
    """Where it is not given, one host may have all connections of the pool."""
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            server.until(go)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=4), timeout=20) as client:
                async with world.tasks() as tasks:
                    for _ in range(4):
                        tasks.start(client.get, server.url)
                    await busy(world, client, 4)
                    await until(world, lambda: client.pool_stats().busy == 4)
                    go.set()

        with RawServer(http(slow)) as server:
            world.run(body)
            assert len(server.connections) == 4


def test_who_waits_for_one_host_does_not_hold_up_another(world: World) -> None:
    """While requests queue for a host that has as many as it may, those to another are sent at once."""
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            full.until(go)
            return echo_target(asked)

        async def body() -> None:
            limits = Limits(max_connections=10, max_connections_per_host=1)
            async with world.client(limits=limits, timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{full.url}/0")
                    await busy(world, client, 1)
                    for number in range(3):
                        tasks.start(client.get, f"{full.url}/{number}")
                    await waiting(world, client, 3)
                    for number in range(3):
                        assert (await client.get(f"{other.url}/{number}")).text == f"/{number}"
                    assert client.pool_stats().waiting == 3
                    go.set()
                assert_whole(client, idle=2)

        with RawServer(http(slow)) as full, RawServer(http(echo_target)) as other:
            world.run(body)
            assert (len(full.connections), len(other.connections)) == (1, 1)


def test_first_come_first_served(world: World) -> None:
    """Those who wait for a host get its connections in the order in which they came."""
    order: list[bytes] = []
    with gates(1) as (go,):

        def respond(asked: Asked) -> bytes:
            if asked.target == b"/first":
                server.until(go)
            order.append(asked.target)
            # Some are handed on, in the place of others one is opened.
            return answer(b"bye", b"Connection: close") if asked.target in (b"/2", b"/3", b"/6") else echo_target(asked)

        async def body() -> None:
            limits = Limits(max_connections=10, max_connections_per_host=1)
            async with world.client(limits=limits, timeout=20) as client:
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
    assert order == [b"/first", *(b"/%d" % number for number in range(10))]


def test_room_is_made_in_the_order_of_arrival(world: World) -> None:
    """In a full pool a connection that comes free is for the first of its own host or of one with room: the others wait."""
    order: list[bytes] = []
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            if asked.target == b"/first":
                one.until(go)
            order.append(asked.target)
            return echo_target(asked)

        async def body() -> None:
            limits = Limits(max_connections=1, max_connections_per_host=1)
            async with world.client(limits=limits, timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{one.url}/first")
                    await busy(world, client, 1)
                    for number, server in enumerate((two, one, two, one, one)):
                        tasks.start(client.get, f"{server.url}/{number}")
                        await waiting(world, client, number + 1)
                    go.set()
                assert_whole(client, idle=1)

        with RawServer(http(slow)) as one, RawServer(http(slow)) as two:
            world.run(body)
    assert order == [b"/first", b"/0", b"/1", b"/2", b"/3", b"/4"]


def test_an_idle_connection_of_another_host_makes_room(world: World) -> None:
    """One who waited for its host alone finds the pool full when its turn has come: an idle connection is closed for it."""
    with gates(1) as (go,):

        def last(asked: Asked) -> bytes:
            full.until(go)
            return answer(b"bye", b"Connection: close")

        async def body() -> None:
            limits = Limits(max_connections=2, max_connections_per_host=1)
            async with world.client(limits=limits, timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, full.url)
                    await busy(world, client, 1)
                    tasks.start(client.get, full.url)
                    await waiting(world, client, 1)
                    await client.get(other.url)
                    go.set()
                assert_whole(client, idle=1)
                assert client.pool_stats().closed["last"] == 2

        with RawServer(http(last)) as full, RawServer(http(echo_target)) as other:
            world.run(body)
            assert len(full.connections) == 2


def test_the_error_names_the_host_and_the_limit(world: World) -> None:
    """Who waits in vain for a host is told which limit it was, and how many others wait for it."""
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            server.until(go)
            return echo_target(asked)

        async def body() -> None:
            limits = Limits(max_connections=10, max_connections_per_host=1)
            async with world.client(limits=limits, timeout=Timeout(20, pool=0.01)) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, server.url)
                    await busy(world, client, 1)
                    with pytest.raises(borzoi.PoolTimeout) as caught:
                        await client.get(server.url)
                    go.set()
                assert_whole(client, idle=1)
            assert str(caught.value) == (
                f"No connection became free within 0.01 s: all 1 to 127.0.0.1:{server.port} are in use "
                "(limits=Limits(max_connections_per_host=...)), and 0 other requests wait for one"
            )

        with RawServer(http(slow)) as server:
            world.run(body)


def test_a_request_that_is_sent_again_finds_room(world: World) -> None:
    """Where a connection died under a request, it goes over a new one: an idle one of its host makes room for that."""

    def respond(asked: Asked) -> bytes | None:
        if asked.target == b"/dies" and asked.turn > 1:
            return None
        return echo_target(asked)

    async def body() -> None:
        limits = Limits(max_connections=10, max_connections_per_host=2)
        async with world.client(limits=limits, timeout=Timeout(20, pool=5)) as client:
            with gates(1) as (go,):
                hold.append(go)
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{server.url}/held")
                    await busy(world, client, 1)
                    await client.get(f"{server.url}/two")
                    go.set()
            assert len(pool_of(client)._shelf.idle()) == 2
            assert (await client.get(f"{server.url}/dies")).text == "/dies"
            assert_whole(client)

    hold: list[threading.Event] = []

    def holding(asked: Asked) -> bytes | None:
        if asked.target == b"/held":
            server.until(hold[0])
        return respond(asked)

    with RawServer(http(holding)) as server:
        world.run(body)
        assert len(server.connections) == 3


@pytest.mark.parametrize("alpn", [(), ("h2",)], ids=["http1", "http2"])
def test_where_http2_is_offered(world: World, alpn: tuple[str, ...]) -> None:
    """The limit holds in a pool that offers HTTP/2, whichever of the two its server speaks, and nobody is left waiting."""

    async def body() -> None:
        limits = Limits(max_connections=3, max_connections_per_host=2)
        async with http2_client(world, limits=limits, client={"timeout": 20}) as client:

            async def one(number: int) -> None:
                assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
                origin = client.pool_stats().origins[server.url]
                assert origin.open + origin.connecting <= 2

            await world.gather(*(lambda number=number: one(number) for number in range(20)))
            assert_whole(client, idle=1 if alpn else 2)

    if alpn:
        peer = http2_server(answering(), tls=True)
    else:
        peer = RawServer(http(echo_target), tls=server_context())
    with peer as server:
        world.run(body)


def test_who_gives_up_passes_its_turn_on(async_world: World) -> None:
    """One that is cancelled while it waits for a host, or in the moment in which it is served, takes nothing along."""
    world = async_world
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            if asked.target == b"/first":
                server.until(go)
            return echo_target(asked)

        async def body() -> None:
            limits = Limits(max_connections=10, max_connections_per_host=1)
            async with world.client(limits=limits, timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{server.url}/first")
                    await busy(world, client, 1)
                    gone = [tasks.start(client.get, f"{server.url}/{number}") for number in range(2)]
                    await waiting(world, client, 2)
                    stays = tasks.start(client.get, f"{server.url}/stays")
                    await waiting(world, client, 3)
                    gone[0].cancel()
                    await waiting(world, client, 2)
                    go.set()
                    await until(world, lambda: len(pool_of(client)._shelf.waiters) < 2)
                    gone[1].cancel()
                assert stays.result.text == "/stays"
                assert_whole(client, idle=1)

        with RawServer(http(slow)) as server:
            world.run(body)
