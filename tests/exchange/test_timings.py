"""`extensions={"timings": True}`: when what happened to a request, in every world, on a clock that only the test moves."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Timings
from borzoi._backends.base import ConnectOptions
from borzoi._exchange.timing import TimingTrace
from tests.exchange.http2_scripts import answering, assert_settled, http2_client
from tests.exchange.http_peers import Asked, Reader, answer, assert_whole, echo_target, gates, http, network_client
from tests.exchange.test_pool import Clock, busy, waiting
from tests.exchange.test_tls import Secured
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import http2_server
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import World

ASKED = {"timings": True}
OPENING = ["resolved", "connected", "secured"]


def taken(timings: Timings | None) -> list[str]:
    """Return the steps that were taken, having seen that their times are in order."""
    assert timings is not None
    steps = {name: at for name, at in timings.as_dict().items() if at is not None}
    assert list(steps.values()) == sorted(steps.values())
    return list(steps)


class Ticking(Clock):
    """A clock that goes on by a second whenever it is looked at."""

    def now(self) -> float:
        """Return the time."""
        self.time += 1
        return self.time


def test_nobody_asked(world: World) -> None:
    """A request that does not ask has no times."""

    async def body() -> None:
        async with world.client() as client:
            for extensions in ({}, {"timings": False}):
                response = await client.get(server.url, extensions=extensions)
                assert response.timings is None
        assert borzoi.Response(200).timings is None

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_each_step_that_is_taken(world: World) -> None:
    """The first request is resolved, connected and secured; the next one, over the same connection, is not."""

    async def body() -> None:
        settings = {"verify": client_context(), "resolver": lambda host, port: [server.host], "clock": Ticking()}
        async with network_client(world, **settings, client={"timeout": 1000}) as client:
            url = f"https://localhost:{server.port}"
            first = await client.get(url, extensions=ASKED)
            assert taken(first.timings) == ["queued", *OPENING, "sent", "first_byte", "done"]
            again = await client.get(url, extensions=ASKED)
            assert taken(again.timings) == ["queued", "sent", "first_byte", "done"]
            assert_whole(client, idle=1)

    with RawServer(Secured(), tls=server_context()) as server:
        world.run(body)


@pytest.mark.parametrize("speaks", ["HTTP/2", "HTTP/1.1"])
def test_where_http2_is_offered(world: World, speaks: str) -> None:
    """Each step has its time over a shared connection, and over one of HTTP/1.1 that was found instead."""

    async def body() -> None:
        async with http2_client(world, client={"timeout": 20}) as client:
            first, again = [await client.get(server.url, extensions=ASKED) for _ in range(2)]
            assert (first.http_version, again.http_version) == (speaks, speaks)
            assert [step for step in taken(first.timings) if step != "resolved"] == [
                *("queued", "connected", "secured", "sent", "first_byte", "done")
            ]
            assert taken(again.timings) == ["queued", "sent", "first_byte", "done"]
            assert_settled(client, idle=1)

    if speaks == "HTTP/2":
        server: Any = http2_server(answering(), tls=True)
    else:
        server = RawServer(http(echo_target), tls=server_context())
    with server:
        world.run(body)


def test_an_address_is_not_resolved(world: World) -> None:
    """A number needs no look-up, and plain HTTP no handshake: they have no time."""

    async def body() -> None:
        async with world.client() as client:
            response = await client.get(server.url, extensions=ASKED)
            assert taken(response.timings) == ["queued", "connected", "sent", "first_byte", "done"]

    with RawServer(http(echo_target)) as server:
        world.run(body)


def hearing(world: World, heard: Callable[[str], None]) -> Any:
    """Return a function for `trace` that says which events it is told of."""

    async def trace(event: str, info: Any) -> None:
        heard(event)

    return trace if world.is_async else lambda event, info: heard(event)


def test_what_time_it_was(world: World) -> None:
    """Each time is that since the request began: the wait for a connection, the server's silence, the body's length."""
    clock = Clock()
    clock.time = 5000.0
    with gates(3) as (freed, sent, goes_on):

        def handler(sock: socket.socket) -> None:
            reader = Reader(sock)
            assert reader.request() is not None
            server.until(freed)
            sock.sendall(answer(b"one"))
            assert reader.request() is not None
            server.until(sent)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            server.until(goes_on)
            sock.sendall(b"cd")

        def heard(event: str) -> None:
            if event == "http11.receive_response_headers.started":
                clock.time += 2
                sent.set()

        async def stream(client: Any) -> dict[str, float]:
            told = hearing(world, heard)
            async with client.stream("GET", server.url, extensions={**ASKED, "trace": told}) as response:
                assert taken(response.timings) == ["queued", "sent", "first_byte"]
                clock.time += 4
                goes_on.set()
                assert await response.aread() == b"abcd"
                return {name: at for name, at in response.timings.as_dict().items() if at is not None}

        async def body() -> None:
            limits = Limits(max_connections=1)
            async with network_client(world, clock=clock, limits=limits, client={"timeout": 1000}) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, server.url)
                    await busy(world, client, 1)
                    second = tasks.start(stream, client)
                    await waiting(world, client, 1)
                    clock.time += 3
                    freed.set()
                assert second.result == {"queued": 3.0, "sent": 3.0, "first_byte": 5.0, "done": 9.0}

        with RawServer(handler) as server:
            world.run(body)


def test_the_first_byte_of_a_head_in_pieces(world: World) -> None:
    """The first bytes count, and not the end of the head."""
    clock = Clock()
    with gates(1) as (goes_on,):

        def handler(sock: socket.socket) -> None:
            assert Reader(sock).request() is not None
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n")
            server.until(goes_on)
            sock.sendall(b"Content-Length: 0\r\n\r\n")

        def hinted(response: Any) -> None:
            clock.time += 7
            goes_on.set()

        async def ahinted(response: Any) -> None:
            hinted(response)

        async def body() -> None:
            async with network_client(world, clock=clock, client={"timeout": 1000}) as client:
                callback = ahinted if world.is_async else hinted
                response = await client.get(server.url, extensions={**ASKED, "on_informational": callback})
                assert (response.timings.first_byte, response.timings.done) == (0, 7)

        with RawServer(handler) as server:
            world.run(body)


def test_each_response_of_redirects_has_its_own(world: World) -> None:
    """The responses that lead to the last one have their own times, each from the beginning of its own request."""

    def respond(asked: Asked) -> bytes:
        if asked.target == b"/end":
            return answer(b"end")
        return answer(b"go on", b"Location: /end", status=b"302 Found")

    async def body() -> None:
        async with world.client(follow_redirects=True) as client:
            response = await client.get(server.url, extensions=ASKED)
            (first,) = response.history
            assert taken(first.timings) == ["queued", "connected", "sent", "first_byte", "done"]
            assert taken(response.timings) == ["queued", "sent", "first_byte", "done"]
            assert first.timings is not response.timings

    with RawServer(http(respond)) as server:
        world.run(body)


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_through_proxies(world: World, kind: str) -> None:
    """The connection is that to the proxy; the handshake is the last one, that with the origin."""

    async def body() -> None:
        context = client_context()
        over = borzoi.Proxy(proxy.url, ssl_context=context if kind == "https" else None)
        async with world.client(proxy=over, verify=context, clock=Ticking(), timeout=1000) as client:
            response = await client.get(server.url, extensions=ASKED)
            assert taken(response.timings) == ["queued", "connected", "secured", "sent", "first_byte", "done"]

    with RawServer(Secured(), tls=server_context()) as server, proxying(kind, server) as proxy:
        world.run(body)


def test_a_request_that_is_sent_again(world: World) -> None:
    """Where a connection died under it, its times are those since it began, and of the connection that served it."""

    def respond(asked: Asked) -> bytes | None:
        return None if asked.turn > 1 else echo_target(asked)

    async def body() -> None:
        clock = Ticking()
        async with network_client(world, clock=clock, client={"timeout": 1000}) as client:
            await client.get(server.url)
            before = clock.time
            response = await client.get(server.url, extensions=ASKED)
            assert taken(response.timings) == ["queued", "connected", "sent", "first_byte", "done"]
            # Nothing but a few looks at the clock lies outside.
            assert clock.time - before - response.timings.done < 6

    with RawServer(http(respond)) as server:
        world.run(body)


def test_a_program_with_a_trace_of_its_own(world: World) -> None:
    """Its function is told of everything as without."""
    told: list[str] = []

    async def body() -> None:
        async with world.client() as client:
            response = await client.get(server.url, extensions={"trace": hearing(world, told.append), "timings": True})
            assert taken(response.timings) == ["queued", "connected", "sent", "first_byte", "done"]

    with RawServer(http(echo_target)) as server:
        world.run(body)
    assert told[:2] == ["connection.connect_tcp.started", "connection.connect_tcp.complete"]
    assert told[-1] == "http11.response_closed.complete"


def test_a_unix_socket(world: World, tmp_path: Any) -> None:
    """A connection to a path has its time as one to a port."""

    async def body() -> None:
        async with network_client(world, uds=path) as client:
            response = await client.get("http://localhost", extensions=ASKED)
            assert taken(response.timings) == ["queued", "connected", "sent", "first_byte", "done"]

    path = str(tmp_path / "s")
    with RawServer(http(echo_target), path=path):
        world.run(body)


def test_names_that_nobody_finds() -> None:
    """Where a dialer was given no names, there is nothing to watch."""
    options = ConnectOptions()
    assert TimingTrace(None, Clock().now, blocking=True).watch(options) is options


def test_what_they_look_like() -> None:
    """A representation shows the steps that were taken."""
    timings = Timings()
    assert repr(timings) == "<Timings of nothing yet>"
    timings.queued, timings.done = 0.5, 1.25
    assert repr(timings) == "<Timings queued=0.500000, done=1.250000>"
