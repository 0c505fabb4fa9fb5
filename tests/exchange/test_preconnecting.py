"""Connections that are opened ahead of requests, in every world: how many, where to, and what becomes of them."""

from __future__ import annotations

import socket
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Timeout
from borzoi.testing import mock as mocking
from tests.exchange.http2_scripts import answering, assert_settled, http2_client
from tests.exchange.http_peers import Reader, Recorder, answer, assert_whole, echo_target, gates, http, pool_of
from tests.exchange.test_pool import Clock, busy, until
from tests.exchange.test_tls import Secured
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import http2_server
from tests.worlds.peers import RawServer, black_hole, refusing_port
from tests.worlds.proxies import proxying
from tests.worlds.world import World


async def preconnect(client: Any, *args: Any, **settings: Any) -> int:
    """Open connections ahead, with a client of any world."""
    opened = client.preconnect(*args, **settings)
    return opened if isinstance(opened, int) else await opened


def test_a_connection_is_there_for_the_request(world: World) -> None:
    """The request goes over the connection that was opened ahead, and opens none itself."""
    recorder = Recorder()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            assert await preconnect(client, server.url) == 1
            server.wait_for_connections(1)
            assert recorder.asked == []
            assert_whole(client, idle=1)
            assert (await client.get(f"{server.url}/here")).text == "/here"
            stats = client.pool_stats()
            assert (stats.opened, stats.reused) == (1, 0)

    with RawServer(recorder) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_as_many_as_are_missing(world: World) -> None:
    """Connections that rest already count: only what is missing is opened, and requests at once find all of them."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await client.get(server.url)
            assert await preconnect(client, server.url, 3) == 2
            assert await preconnect(client, f"{server.url}/any/path?at=all", 3) == 0
            assert await preconnect(client, borzoi.Origin(server.url), n=4) == 1
            assert await preconnect(client, borzoi.URL(server.url), 0) == 0
            assert_whole(client, idle=4)
            await world.gather(*(lambda: client.get(server.url) for _ in range(4)))
            assert client.pool_stats().opened == 4

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_relative_urls_and_refusals(world: World) -> None:
    """A relative URL is below `base_url`. A negative number, and a client that was closed, are refused."""

    async def body() -> None:
        client = world.client(base_url=server.url, timeout=20)
        async with client:
            assert await preconnect(client, "/below") == 1
            with pytest.raises(ValueError, match="Invalid number of connections: -1"):
                await preconnect(client, "/", -1)
        with pytest.raises(RuntimeError, match="closed"):
            await preconnect(client, "/")

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_limits_hold(world: World) -> None:
    """It stops at each of the limits, and closes nothing to make room."""

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=3), timeout=20) as client:
            await client.get(other.url)
            assert await preconnect(client, server.url, 5) == 2
            assert client.pool_stats().origins[other.url].idle == 1
        async with world.client(limits=Limits(max_connections_per_host=2), timeout=20) as client:
            assert await preconnect(client, server.url, 5) == 2
        async with world.client(limits=Limits(max_keepalive_connections=1), timeout=20) as client:
            assert await preconnect(client, server.url, 5) == 1
            assert await preconnect(client, other.url, 5) == 0
        for settings in ({"max_keepalive_connections": 0}, {"keepalive_expiry": 0}):
            async with world.client(limits=Limits(**settings), timeout=20) as client:
                assert await preconnect(client, server.url, 5) == 0

    with RawServer(http(echo_target)) as server, RawServer(http(echo_target)) as other:
        world.run(body)


def test_nobody_is_overtaken(world: World) -> None:
    """Where requests wait for room, there is none for connections that nobody has asked for."""
    with gates(1) as (go,):

        def slow(asked: Any) -> bytes:
            server.until(go)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, server.url)
                    await busy(world, client, 1)
                    assert await preconnect(client, server.url) == 0
                    go.set()
                assert_whole(client, idle=1)

        with RawServer(http(slow)) as server:
            world.run(body)


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_through_proxies_and_tls(world: World, kind: str) -> None:
    """The tunnel is open and secured before the request: the proxy is asked once, and the handshake done."""

    async def body() -> None:
        context = client_context()
        proxy_url = borzoi.Proxy(proxy.url, ssl_context=context if kind == "https" else None)
        async with world.client(proxy=proxy_url, verify=context, timeout=20) as client:
            assert await preconnect(client, server.url) == 1
            assert len(proxy.told) == 1
            assert client.pool_stats().tls_handshakes == 1
            assert (await client.get(f"{server.url}/here")).text == "/here"
            assert client.pool_stats().tls_handshakes == 1

    with RawServer(Secured(), tls=server_context()) as server, proxying(kind, server) as proxy:
        world.run(body)
    assert len(proxy.told) == 1


def test_errors_are_those_of_a_request(world: World) -> None:
    """What keeps a connection from being opened is raised as for a request, with that request, and leaves nothing behind."""

    async def body() -> None:
        async with world.client(timeout=20, verify=client_context()) as client:
            with refusing_port() as port, pytest.raises(borzoi.ConnectError) as refused:
                await preconnect(client, f"http://127.0.0.1:{port}/path")
            assert refused.value.request.url == f"http://127.0.0.1:{port}/path"
            with black_hole() as port:
                with pytest.raises(borzoi.ConnectTimeout, match=f"127.0.0.1:{port}"):
                    await preconnect(client, f"http://127.0.0.1:{port}", timeout=Timeout(20, connect=0.05))
                with pytest.raises(borzoi.ConnectTimeout, match=r"the total time-out of 0\.01 s is over"):
                    await preconnect(client, f"http://127.0.0.1:{port}", timeout=Timeout(None, total=0.01))
            with pytest.raises(borzoi.ConnectError, match="certificate"):
                await preconnect(client, f"https://127.0.0.1:{server.port}")
            with pytest.raises(borzoi.UnsupportedProtocol):
                await preconnect(client, "ftp://127.0.0.1")
            assert_whole(client, idle=0)
            assert client.pool_stats().failed == 5

    with RawServer(Secured(), tls=server_context("other.example")) as server:
        world.run(body)


def test_what_was_opened_before_an_error_stays(world: World) -> None:
    """Where the second connection fails, the first is there for requests."""
    asked: list[str] = []

    def trace(event: str, info: Any) -> Any:
        if event == "connection.connect_tcp.started":
            asked.append(event)
            if len(asked) == 2:
                raise borzoi.ConnectError("the program says so")

    async def atrace(event: str, info: Any) -> None:
        trace(event, info)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(borzoi.ConnectError, match="the program says so"):
                await preconnect(client, server.url, 2, extensions={"trace": atrace if world.is_async else trace})
            assert_whole(client, idle=1)

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_the_name_for_tls(world: World) -> None:
    """`sni_hostname` says for which requests a connection is, as it does for a request."""
    names: list[str | None] = []
    context = server_context("one.example")
    context.sni_callback = lambda sock, name, _: names.append(name)

    async def body() -> None:
        async with world.client(verify=client_context(), timeout=20) as client:
            assert await preconnect(client, server.url, extensions={"sni_hostname": "one.example"}) == 1
            await client.get(server.url, extensions={"sni_hostname": "one.example"})
            assert client.pool_stats().opened == 1

    with RawServer(Secured(), tls=context) as server:
        world.run(body)
    assert names == ["one.example"]


def test_they_expire_like_others(world: World) -> None:
    """A connection that nothing was sent over is closed when it has rested for as long as it may."""
    clock = Clock()

    async def body() -> None:
        async with world.client(clock=clock, limits=Limits(keepalive_expiry=5), timeout=20) as client:
            await preconnect(client, server.url)
            clock.time += 5.1
            assert await preconnect(client, server.url) == 1
            clock.time += 4.9
            assert await preconnect(client, server.url) == 0
            assert client.pool_stats().closed["expired"] == 1

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_one_that_the_server_closed_is_replaced(world: World) -> None:
    """A connection that rests here and was closed there does not count."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await preconnect(client, server.url)
            server.wait_for_connections(1)
            server.connections[0].shutdown(socket.SHUT_RDWR)
            if world.name not in ("blocking", "portable-trio"):
                await until(world, lambda: not pool_of(client)._shelf.idle())
            assert await preconnect(client, server.url) == 1
            assert_whole(client, idle=1)
            assert client.pool_stats().closed["server"] == 1

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_one_that_dies_under_its_first_request(world: World) -> None:
    """It may have been closed for its age, like any that has rested: the request is sent again over a new one."""

    def handler(sock: socket.socket) -> None:
        first = len(server.connections) == 1
        asked = Reader(sock).request()
        if asked is not None and not first:
            sock.sendall(answer(b"second"))

    async def body() -> None:
        async with world.client(timeout=20) as client:
            await preconnect(client, server.url)
            assert (await client.get(server.url)).text == "second"

    with RawServer(handler) as server:
        world.run(body)


def test_transports_without_connections(world: World) -> None:
    """A transport that has none to open opens none."""

    async def body() -> None:
        async with world.client(transport=borzoi.MockTransport(lambda request: borzoi.Response(200))) as client:
            assert await preconnect(client, "https://example.org", 3) == 0

    world.run(body)


def test_where_something_stands_in_for_the_network(world: World) -> None:
    """While a mock answers, no connection is opened behind its back."""

    async def body() -> None:
        with mocking() as mock:
            mock.get(server.url).reply(200)
            async with world.client() as client:
                assert await preconnect(client, server.url) == 0
                assert (await client.get(server.url)).status_code == 200
                assert client.pool_stats().opened == 0

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert not server.connections


# Where HTTP/2 is offered.


def test_http2_takes_one(world: World) -> None:
    """One connection of HTTP/2 serves all requests, so one is opened, however many were asked for."""

    async def body() -> None:
        async with http2_client(world) as client:
            assert await preconnect(client, server.url, 5) == 1
            assert await preconnect(client, server.url, 5) == 0
            assert_settled(client, idle=1)
            await world.gather(*(lambda: client.get(server.url) for _ in range(5)))
            assert client.pool_stats().opened == 1

    with http2_server(answering(), tls=True) as server:
        world.run(body)


def test_http2_and_requests_at_once(world: World) -> None:
    """Requests that start while the connection is being opened join it."""

    async def body() -> None:
        async with http2_client(world) as client:
            await world.gather(
                lambda: preconnect(client, server.url), *(lambda: client.get(server.url) for _ in range(5))
            )
            assert client.pool_stats().opened == 1
            assert_settled(client, idle=1)

    with http2_server(answering(), tls=True) as server:
        world.run(body)


def test_a_server_that_does_not_speak_http2(world: World) -> None:
    """Where the server turns out to speak HTTP/1.1, as many are opened as were asked for."""

    async def body() -> None:
        async with http2_client(world) as client:
            assert await preconnect(client, server.url, 3) == 3
            assert await preconnect(client, server.url, 4) == 1
            assert_whole(client, idle=4)
            assert (await client.get(f"{server.url}/here")).text == "/here"

    with RawServer(Secured(), tls=server_context()) as server:
        world.run(body)


def test_http2_without_room_or_server(world: World) -> None:
    """Without room nothing is opened; what keeps a connection from being opened is raised."""

    async def body() -> None:
        async with http2_client(world, limits=Limits(max_keepalive_connections=0)) as client:
            assert await preconnect(client, server.url) == 0
        async with http2_client(world) as client:
            with refusing_port() as port, pytest.raises(borzoi.ConnectError) as caught:
                await preconnect(client, f"https://127.0.0.1:{port}")
            assert caught.value.request.method == "HEAD"
            assert client.pool_stats().failed == 1

    with http2_server(answering(), tls=True) as server:
        world.run(body)
