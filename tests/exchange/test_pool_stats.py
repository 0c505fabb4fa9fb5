"""What `pool_stats()` tells, in every world: every count is moved by what it counts, and by nothing else."""

from __future__ import annotations

import contextlib
import pickle
import socket
import threading
from typing import Any

import pytest

import borzoi
from borzoi import Limits, OriginStats, PoolStats
from tests.exchange.http2_scripts import answering, http2_client
from tests.exchange.http_peers import Asked, answer, echo_target, gates, http, network_client, pool_of, transport_of
from tests.exchange.test_pool import Clock, busy, until, waiting
from tests.exchange.test_tls import Secured
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import http2_server
from tests.worlds.peers import RawServer, refusing_port
from tests.worlds.world import WORLDS, World

NEVER = {"client": 0, "error": 0, "expired": 0, "last": 0, "limit": 0, "server": 0}


def counts(stats: PoolStats) -> tuple[int, int, int]:
    """Return what is counted of connections: opened, failed, reused."""
    return stats.opened, stats.failed, stats.reused


def test_a_client_that_has_done_nothing(world: World) -> None:
    """Nothing was counted, and each reason is there with a zero."""

    async def body() -> None:
        async with world.client() as client:
            assert client.pool_stats() == PoolStats()
            assert client.pool_stats().closed == NEVER
            assert client.pool_stats().origins == {}

    world.run(body)


def test_connections_and_how_often_they_serve(world: World) -> None:
    """Connections are counted by origin, and requests that found one that had served before."""

    async def body() -> None:
        async with world.client() as client:
            for server in (one, two, one, one):
                await client.get(server.url)
            stats = client.pool_stats()
            assert counts(stats) == (2, 0, 2)
            rests = OriginStats(idle=1)
            assert stats.origins == {one.url: rests, two.url: rests}
            assert (stats.open, stats.idle, stats.busy, stats.connecting, stats.waiting) == (2, 2, 0, 0, 0)
        assert client.pool_stats().closed == {**NEVER, "client": 2}
        assert counts(client.pool_stats()) == (2, 0, 2)
        assert client.pool_stats().origins == {}

    with RawServer(http(echo_target)) as one, RawServer(http(echo_target)) as two:
        world.run(body)


def test_who_is_busy_and_who_waits(world: World) -> None:
    """A request under way holds its connection, and others are seen to wait for it."""
    with gates(1) as (go,):

        def slow(asked: Asked) -> bytes:
            server.until(go)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client, world.tasks() as tasks:
                tasks.start(client.get, server.url)
                await busy(world, client, 1)
                tasks.start(client.get, server.url)
                tasks.start(client.get, "http://other.example")
                await waiting(world, client, 2)
                await until(world, lambda: client.pool_stats().busy == 1)
                stats = client.pool_stats()
                assert stats.origins[server.url] == OriginStats(busy=1, waiting=1)
                assert stats.origins["http://other.example:80"] == OriginStats(waiting=1)
                assert (stats.open, stats.waiting) == (1, 2)
                await client.aclose()
                go.set()

        with RawServer(http(slow)) as server, contextlib.suppress(borzoi.TransportError):
            world.run(body)


def test_who_connects(world: World) -> None:
    """A connection that is being opened is told apart from those that are open, and one that failed is counted."""
    with gates(1) as (go,):

        def late(sock: socket.socket) -> None:
            server.until(go)

        async def body() -> None:
            async with world.client(verify=client_context(), timeout=20) as client:

                async def fail() -> None:
                    with pytest.raises(borzoi.ConnectError):
                        await client.get(f"https://{server.host}:{server.port}")

                async with world.tasks() as tasks:
                    tasks.start(fail)
                    await until(world, lambda: transport_has_pool(client) and client.pool_stats().connecting == 1)
                    origin = f"https://{server.host}:{server.port}"
                    assert client.pool_stats().origins == {origin: OriginStats(connecting=1)}
                    go.set()
                with refusing_port() as port, pytest.raises(borzoi.ConnectError):
                    await client.get(f"http://127.0.0.1:{port}")
                assert counts(client.pool_stats()) == (0, 2, 0)
                assert client.pool_stats().closed == NEVER

        with RawServer(late) as server:
            world.run(body)


def transport_has_pool(client: Any) -> bool:
    """Return whether the client has made its pool."""
    transport = transport_of(client)
    return not hasattr(transport, "_latest") or transport._latest is not None


def test_why_connections_were_closed(world: World) -> None:
    """Each way in which a connection ends counts under its own reason."""
    clock = Clock()

    def respond(asked: Asked) -> bytes | None:
        if asked.target == b"/last":
            return answer(b"bye", b"Connection: close")
        if asked.target == b"/broken":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[:-2]
        return None if asked.target == b"/end" else echo_target(asked)

    async def body() -> None:
        limits = Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=5)
        async with world.client(clock=clock, limits=limits, timeout=20) as client:

            def closed(reason: str) -> int:
                stats: PoolStats = client.pool_stats()
                assert sum(stats.closed.values()) + stats.open == stats.opened
                return stats.closed[reason]  # type: ignore[index]

            await client.get(f"{server.url}/last")
            assert closed("last") == 1
            with pytest.raises(borzoi.RemoteProtocolError):
                await client.post(f"{server.url}/end")
            assert closed("error") == 1
            async with client.stream("GET", f"{server.url}/{'unread' * 10}"):
                pass
            await client.get(server.url)
            clock.time += 5.1
            await client.get(server.url)
            assert closed("expired") == 1
            await client.get(other.url)
            assert closed("limit") == 1
            other.connections[0].shutdown(socket.SHUT_RDWR)
            # Elsewhere it is looked at when it is taken.
            if world.name not in ("blocking", "portable-trio"):
                await until(world, lambda: not pool_of(client)._shelf.idle())
            await client.get(other.url)
            assert closed("server") == 1
        assert closed("client") == 1
        assert client.pool_stats().closed == dict.fromkeys(NEVER, 1)

    with RawServer(http(respond)) as server, RawServer(http(echo_target)) as other:
        world.run(body)


def test_tls_handshakes_and_lookups(world: World) -> None:
    """Handshakes are counted, resumed ones besides; names that were looked up, and those that were remembered."""

    async def body() -> None:
        limits = Limits(max_keepalive_connections=0)
        settings = {"verify": client_context(), "limits": limits, "resolver": lambda host, port: [server.host]}
        async with network_client(world, **settings, client={"timeout": 20}) as client:
            for _ in range(3):
                await client.get(f"https://localhost:{server.port}")
            stats = client.pool_stats()
            assert (stats.tls_handshakes, stats.tls_resumed) == (3, 2)
            assert (stats.dns_lookups, stats.dns_cache_hits, stats.dns_shared) == (1, 2, 0)

    with RawServer(Secured(), tls=server_context()) as server:
        world.run(body)


def test_a_lookup_that_several_wait_for(world: World) -> None:
    """A name that is being looked up is asked for once, and who waits for the same answer is counted."""
    with gates(1) as (go,):

        def slow(host: str, port: int) -> list[str]:
            assert go.wait(20)
            return [server.host]

        async def body() -> None:
            async with network_client(world, resolver=slow, client={"timeout": 20}) as client:

                async def ask() -> None:
                    await client.get(f"http://localhost:{server.port}")

                async with world.tasks() as tasks:
                    for _ in range(3):
                        tasks.start(ask)
                    await until(world, lambda: client.pool_stats().dns_shared == 2)
                    go.set()
                stats = client.pool_stats()
                assert (stats.dns_lookups, stats.dns_shared) == (1, 2)

        with RawServer(http(echo_target)) as server:
            world.run(body)


def test_transports_are_added_up(world: World) -> None:
    """A client tells of all its transports, each once, and of those that have no pools nothing."""

    async def body() -> None:
        mounted = network_client(world)
        transport = transport_of(mounted)
        async with world.client(mounts={"all://localhost": transport, "all://ip6-localhost": transport}) as client:
            await client.get(server.url)
            await client.get(f"http://localhost:{server.port}")
            assert client.pool_stats().opened == 2
            assert transport.pool_stats().opened == 1
            assert sorted(client.pool_stats().origins) == [server.url, f"http://localhost:{server.port}"]
        async with world.client(transport=borzoi.MockTransport(lambda request: borzoi.Response(200))) as client:
            await client.get(server.url)
            assert client.pool_stats() == PoolStats()

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_shared_connections_are_counted_once(world: World) -> None:
    """One connection of HTTP/2 under many requests is one; each request after its first is one that reused it."""

    async def body() -> None:
        async with http2_client(world) as client:
            await world.gather(*(lambda: client.get(server.url) for _ in range(8)))
            stats = client.pool_stats()
            assert counts(stats) == (1, 0, 7)
            assert stats.origins == {server.url: OriginStats(idle=1)}

    with http2_server(answering(), tls=True) as server:
        world.run(body)


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_a_client_that_outlives_its_event_loop(name: str) -> None:
    """What was counted in a loop that is over stays counted, and a connection that was taken over is the same one."""
    world = WORLDS[name]
    client = borzoi.AsyncClient()

    async def body() -> None:
        await client.get(server.url)

    async def last() -> None:
        await client.get(server.url)
        stats = client.pool_stats()
        assert counts(stats) == (1, 0, 2)
        assert stats.origins == {server.url: OriginStats(idle=1)}
        await client.aclose()

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert client.pool_stats().idle == 1
        world.run(body)
        world.run(last)
    assert counts(client.pool_stats()) == (1, 0, 2)
    assert client.pool_stats().closed == {**NEVER, "client": 1}


def test_stats_from_another_thread() -> None:
    """They may be asked for from any thread while requests are sent, and always add up to something sound."""
    over = threading.Event()
    seen: list[PoolStats] = []

    def watch() -> None:
        while not over.is_set():
            seen.append(client.pool_stats())

    with RawServer(http(echo_target)) as server, borzoi.Client(limits=Limits(max_keepalive_connections=0)) as client:
        thread = threading.Thread(target=watch)
        thread.start()
        for _ in range(20):
            client.get(server.url)
        over.set()
        thread.join()
        assert client.pool_stats().opened == 20
    assert all(stats.open + sum(stats.closed.values()) == stats.opened for stats in seen)


def test_pictures_are_values() -> None:
    """They add up, compare, and pickle; they cannot be changed."""
    one = PoolStats({"http://a:80": OriginStats(idle=1)}, opened=1, closed={**NEVER, "last": 2})  # type: ignore[arg-type]
    two = PoolStats({"http://a:80": OriginStats(busy=2), "http://b:80": OriginStats(waiting=3)}, opened=4)
    both = one + two
    assert both.origins == {"http://a:80": OriginStats(idle=1, busy=2), "http://b:80": OriginStats(waiting=3)}
    assert (both.open, both.waiting, both.opened, both.closed["last"]) == (3, 3, 5, 2)
    assert pickle.loads(pickle.dumps(both)) == both
    with pytest.raises(AttributeError):
        both.opened = 7  # type: ignore[misc]
