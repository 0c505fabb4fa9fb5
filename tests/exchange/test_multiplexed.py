"""Requests over HTTP/2 in every world: many at once over one connection, each with its own answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from borzoi import Limits, Timeout
from tests.exchange.http2_scripts import answering, assert_settled, echo, http2_client
from tests.exchange.http_peers import Recorder, assert_whole
from tests.worlds.certificates import server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS, World


@pytest.mark.parametrize("tls", [True, False])
def test_one_request(world: World, tls: bool) -> None:
    """A response says that it came over HTTP/2, and on which stream; the connection stays."""
    with http2_server(answering(), tls=tls) as server:

        async def body() -> None:
            async with http2_client(world, http1=tls) as client:
                response = await client.get(f"{server.url}/hello")
                assert (response.status_code, response.http_version, response.text) == (200, "HTTP/2", "/hello")
                assert response.extensions["http_version"] == b"HTTP/2"
                assert response.extensions["stream_id"] == 1
                assert (await client.post(server.url, content=b"more")).extensions["stream_id"] == 3
                assert response.extensions["network_stream"].get_extra_info("server_addr")[1] == server.port
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 1


def test_many_at_once_over_one_connection(world: World) -> None:
    """60 requests that start at once share the connection that the first opens; each has its own answer."""
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def ask(number: int) -> None:
                    response = await client.post(f"{server.url}/{number}", content=b"!" * number)
                    assert response.content == b"/%d" % number + b"!" * number

                await world.gather(*(lambda n=n: ask(n) for n in range(60)))
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 1


def test_answers_in_any_order(world: World) -> None:
    """Answers that come in another order than the requests reach those who asked."""

    def script(peer: Http2Peer) -> None:
        requests = [peer.request() for _ in range(10)]
        for request in reversed(requests):
            echo(peer, request)
        peer.until_closed()

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def ask(number: int) -> None:
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(10)))
                assert_settled(client, idle=1)

        world.run(body)


def test_no_more_than_the_server_allows(world: World) -> None:
    """With room for 3 streams on the only connection, 20 requests are made in turns over it."""
    most: list[int] = []

    def answer(peer: Http2Peer, request: Request) -> None:
        most.append(peer.h2.open_inbound_streams)
        echo(peer, request)

    with http2_server(answering(answer), tls=True, settings={3: 3}) as server:

        async def body() -> None:
            async with http2_client(world, limits=Limits(max_connections=1)) as client:
                await client.get(server.url)

                async def ask(number: int) -> None:
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(20)))
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 1
    assert max(most) <= 3


def test_a_server_without_http2(world: World) -> None:
    """A server that chooses HTTP/1.1 gets it, one request a connection, also for those that waited for the first."""
    recorder = Recorder()
    with RawServer(recorder, tls=server_context(alpn=("http/1.1",))) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def ask(number: int) -> None:
                    response = await client.get(f"{server.url}/{number}")
                    assert (response.http_version, response.text) == ("HTTP/1.1", f"/{number}")

                await world.gather(*(lambda n=n: ask(n) for n in range(8)))
                await ask(9)
                assert_whole(client)

        world.run(body)
        assert len(recorder.asked) == 9


def test_a_large_upload(world: World) -> None:
    """4 MiB go up at the pace of the server's windows, and arrive whole; so do pieces of a generator."""
    data = bytes(range(256)) * 4096 * 4

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.respond(request.stream, body=b"%d" % (request.body == data))

    async def pieces() -> Any:
        for place in range(0, len(data), 300_001):
            yield data[place : place + 300_001]

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                assert (await client.post(server.url, content=data)).text == "1"
                content = pieces() if world.is_async else (data[p : p + 99_999] for p in range(0, len(data), 99_999))
                assert (await client.post(server.url, content=content)).text == "1"
                assert_settled(client, idle=1)

        world.run(body)


def test_a_large_download(world: World) -> None:
    """16 MiB come down whole, while other requests go on."""
    data = bytes(range(256)) * 4096 * 16

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") == b"/large":
            peer.respond(request.stream, body=data)
        else:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def large() -> None:
                    assert (await client.get(f"{server.url}/large")).content == data

                async def small() -> None:
                    assert (await client.get(f"{server.url}/small")).text == "/small"

                await world.gather(large, small, small)
                assert_settled(client, idle=1)

        world.run(body)


def test_who_does_not_read_stops_no_other(world: World) -> None:
    """A body that nobody reads stops its own stream; others on the connection go on, and it is there later."""
    data = b"x" * (4 << 20)
    gate = threading.Event()

    def script(peer: Http2Peer) -> None:
        first = peer.request()
        peer.respond(first.stream, body=None)
        place = 0
        while place < len(data):
            size = min(peer.h2.local_flow_control_window(first.stream), 16384, len(data) - place)
            if size:
                peer.h2.send_data(first.stream, data[place : place + size], end_stream=place + size == len(data))
                peer.flush()
                place += size
                continue
            gate.set()
            while peer._whole:
                echo(peer, peer._whole.pop())
            peer.receive()
        peer.until_closed()

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world, client={"timeout": Timeout(10)}) as client:
                async with client.stream("GET", f"{server.url}/large") as response:
                    await world.wait_for(gate)
                    for number in range(5):
                        assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
                    assert len(await response.aread()) == len(data)
                assert_settled(client, idle=1)

        world.run(body)


def test_interim_responses_and_trailers(world: World) -> None:
    """Interim responses are told of, and trailers are there after the body; a request's own follow its body."""
    told: list[int] = []
    received: list[Any] = []

    def answer(peer: Http2Peer, request: Request) -> None:
        received.extend(request.trailers)
        peer.respond(request.stream, interim=[103], body=b"body", trailers=[(b"sum", b"7")])

    async def later(interim: Any) -> None:
        told.append(interim.status_code)

    def at_once(interim: Any) -> None:
        told.append(interim.status_code)

    async def pieces() -> Any:
        yield b"piece"

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                response = await client.post(
                    server.url,
                    content=pieces() if world.is_async else iter([b"piece"]),
                    extensions={"on_informational": later if world.is_async else at_once, "trailers": {"of": "mine"}},
                )
                assert response.text == "body"
                assert dict(response.trailers) == {"sum": "7"}
                assert_settled(client, idle=1)

        world.run(body)
    assert told == [103]
    assert received == [(b"of", b"mine")]


def test_expecting_100(world: World) -> None:
    """A body that is announced with Expect goes out when the server asks for it, and not after a final answer."""

    def script(peer: Http2Peer) -> None:
        first = peer.head()
        assert first.body == b""
        peer.h2.send_headers(first.stream, [(b":status", b"100")])
        peer.flush()
        peer.until(lambda: first.ended)
        echo(peer, first)
        second = peer.head()
        while second is first or second.ended:
            second = peer.head()
        peer.respond(second.stream, status=413)
        peer.until(lambda: second.reset_code is not None)
        assert second.body == b""
        peer.until_closed()

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                for status in (200, 413):
                    response = await client.post(server.url, content=b"x", headers={"Expect": "100-continue"})
                    assert response.status_code == status
                assert_settled(client, idle=1)

        world.run(body)


def test_a_client_outlives_its_loop() -> None:
    """An idle connection of a loop that was closed is taken over by the next loop."""
    from borzoi import AsyncHTTPTransport
    from tests.worlds.certificates import client_context

    with http2_server(answering(), tls=True) as server:
        transport = AsyncHTTPTransport(verify=client_context(), http2=True)
        numbers: list[int] = []

        async def body() -> None:
            import borzoi

            client = borzoi.AsyncClient(transport=transport)
            numbers.append((await client.get(server.url)).extensions["stream_id"])

        async def close() -> None:
            await body()
            await transport.aclose()

        WORLDS["asyncio"].run(body)
        WORLDS["trio"].run(close)
        assert numbers == [1, 3]
        assert len(server.connections) == 1
