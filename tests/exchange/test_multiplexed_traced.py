"""`extensions["trace"]` of a request over HTTP/2: httpcore's events, in every world."""

from __future__ import annotations

import pytest

from borzoi import RemoteProtocolError
from tests.exchange.http2_scripts import answering, assert_settled, http2_client
from tests.exchange.http_peers import assert_whole, echo_target, http
from tests.exchange.test_trace import RECORDED
from tests.exchange.test_traced import Told
from tests.worlds.certificates import server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import World

CASE = "https, HTTP/2"


def names(told: Told) -> list[str]:
    """Return the names of what was told."""
    return [name for name, _ in told.events]


def test_a_request(world: World) -> None:
    """The steps of a request are told in httpcore's order and with its keys."""
    told = Told(world)
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                response = await client.get(f"{server.url}/a", extensions={"trace": told.function})
                assert response.text == "/a"
                assert_settled(client, idle=1)

        world.run(body)

    assert [[name, list(info)] for name, info in told.events] == [list(event) for event in RECORDED[CASE]]
    received = dict(told.events)["http2.receive_response_headers.complete"]["return_value"]
    assert received == (200, [])


def test_the_second_request(world: World) -> None:
    """What belongs to the connection is told once."""
    told = Told(world)
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                await client.get(server.url)
                await client.post(server.url, content=b"x", extensions={"trace": told.function})
                assert_settled(client, idle=1)

        world.run(body)

    of_connections = ("connection.", "http2.send_connection_init", "http2.receive_remote_settings")
    expected = [name for name, _ in RECORDED[CASE] if not name.startswith(of_connections)]
    assert names(told) == expected


def test_a_failure(world: World) -> None:
    """A failure is told with its exception, and the end after it."""
    told = Told(world)

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.respond(request.stream, body=None)
        peer.reset(request.stream, 2)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                with pytest.raises(RemoteProtocolError):
                    await client.get(server.url, extensions={"trace": told.function})
                assert_settled(client, idle=1)

        world.run(body)

    assert names(told)[-2:] == ["http2.response_closed.started", "http2.response_closed.complete"]
    failed = [info["exception"] for name, info in told.events if name.endswith(".failed")]
    assert [type(error) for error in failed] == [RemoteProtocolError]


def test_http1_is_chosen(world: World) -> None:
    """Where the server chooses HTTP/1.1 the steps are those of HTTP/1.1."""
    told = Told(world)
    with RawServer(http(echo_target), tls=server_context(alpn=("http/1.1",))) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                for _ in range(2):
                    response = await client.get(f"{server.url}/a", extensions={"trace": told.function})
                    assert response.text == "/a"
                assert_whole(client, idle=1)

        world.run(body)

    assert "http11.response_closed.complete" in names(told)
    assert not [name for name in names(told) if name.startswith("http2.")]
