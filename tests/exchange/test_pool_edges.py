"""Corners of the pool, most of them over a network in memory."""

from __future__ import annotations

from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, Limits, Timeout
from borzoi._backends.memory import MemoryBackend
from borzoi._policy.pooling import MAX_UNUSED_LANES
from tests.exchange.http_peers import answer, assert_whole, http, pool_of
from tests.exchange.test_pool import waiting
from tests.worlds.peers import RawServer
from tests.worlds.world import World

LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"


def answering(data: bytes) -> MemoryBackend:
    """Return a network where every request is answered so."""
    return MemoryBackend(lambda host, port: lambda sent: [data] if sent else [])


def client_of(backend: MemoryBackend, **settings: Any) -> borzoi.Client:
    """Return a blocking client over a network in memory."""
    return borzoi.Client(transport=HTTPTransport(backend=backend, **settings), timeout=Timeout(5))


def test_more_origins_than_are_remembered() -> None:
    """A client that visits very many origins keeps working, and remembers so many of them at most."""
    with client_of(answering(answer(b"ok", b"Connection: close"))) as client:
        for number in range(MAX_UNUSED_LANES + 5):
            assert client.get(f"http://host{number}/").text == "ok"
        assert len(pool_of(client)._shelf.by_origin) < MAX_UNUSED_LANES
        assert client.get(f"http://host{MAX_UNUSED_LANES + 1}/").text == "ok"
        assert_whole(client, idle=0)


def test_a_child_abandons_what_it_inherited() -> None:
    """After a fork, the books are empty, and streams are let go of without a word to their peers."""
    backend = answering(answer())
    with client_of(backend) as client:
        client.get("http://idle/")
        backend._peer = lambda host, port: lambda sent: [LARGE] if sent else []
        with client.stream("GET", "http://used/"):
            pool_of(client).abandon()
            assert [stream.closed for stream in backend.streams] == [True, True]
            assert_whole(client, idle=0)
        assert_whole(client, idle=0)


def test_a_response_that_ends_after_the_pool_was_closed() -> None:
    """A connection that is given back to a pool that was closed meanwhile is not kept."""
    whole = answer(b"1234567890")
    events: list[Any] = []
    backend = MemoryBackend(lambda host, port: lambda sent: events)
    with client_of(backend) as client:
        events[:] = [whole[:-5], whole[-5:]]
        with client.stream("GET", "http://host/") as response:
            pool_of(client).close()
            assert backend.streams[0].closed
            assert response.read() == b"1234567890"
        assert_whole(client, idle=0)


def test_closed_while_a_request_connects() -> None:
    """A request whose client is closed while it connects fails, and its connection is closed."""
    transports: list[HTTPTransport] = []

    def peer(host: str, port: int) -> Any:
        transports[0].close()
        return lambda sent: [answer()] if sent else []

    backend = MemoryBackend(peer)
    transports.append(HTTPTransport(backend=backend))
    with borzoi.Client(transport=transports[0]) as client:
        with pytest.raises(borzoi.ConnectError, match=r"closed while the request waited.*host:80"):
            client.get("http://host/")
        assert backend.streams[0].closed
        assert_whole(client, idle=0)


def test_closed_while_requests_wait(world: World) -> None:
    """Requests that wait for a connection when their client is closed fail at once, and open none."""

    async def body() -> None:
        client = world.client(limits=Limits(max_connections=1), timeout=20)

        async def ask() -> str:
            with pytest.raises(borzoi.ConnectError) as caught:
                await client.get(server.url)
            return str(caught.value)

        async with client.stream("GET", server.url):
            pool = pool_of(client)
            async with world.tasks() as tasks:
                asking = [tasks.start(ask) for _ in range(2)]
                await waiting(world, client, 2)
                await client.aclose()
            assert all("client was closed" in one.result for one in asking)
        assert pool._shelf.busy() == set()
        assert pool._shelf.idle() == []

    with RawServer(http(lambda _: answer(b"x" * 3_000_000))) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_the_total_is_over_before_a_connection_is_there() -> None:
    """Where connecting has used up the total time-out, reading does not begin."""

    def peer(host: str, port: int) -> Any:
        backend.advance(10)
        return lambda sent: [answer()] if sent else []

    backend = MemoryBackend(peer)
    with client_of(backend) as client:
        with pytest.raises(borzoi.ReadTimeout, match=r"host:80\): the total time-out of 3 s is over"):
            client.get("http://host/", timeout=Timeout(None, total=3))
        assert_whole(client, idle=0)
