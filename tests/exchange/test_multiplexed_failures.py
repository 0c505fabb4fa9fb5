"""HTTP/2 when something goes wrong: each request ends well or with an error of the tree, and harms no other."""

from __future__ import annotations

import gc
import random
import socket
import threading
import warnings
from typing import Any

import pytest

import borzoi
from borzoi import (
    ConnectError,
    Limits,
    LocalProtocolError,
    PoolTimeout,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    Timeout,
    WriteError,
)
from borzoi._exchange.multiplexed import MOST_FRUITLESS, MOST_TRIES
from tests.exchange.http2_scripts import answering, assert_settled, echo, http2_client
from tests.exchange.http_peers import pool_of
from tests.wire.http2_scripting import data, frame, goaway, headers, settings
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer, closing_after, refusing_port
from tests.worlds.world import WORLDS, World

REFUSED_STREAM = 7


def test_300_cancelled_then_10(async_world: World) -> None:
    """After 300 requests cancelled at random points the next 10 succeed, and nothing is lost."""
    world = async_world
    chance = random.Random(4)

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.reset_code is None:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def several(first: int) -> None:
                    for number in range(first, first + 30):
                        async with world.move_on_after(chance.random() * 0.004):
                            response = await client.post(f"{server.url}/{number}", content=b"!" * number * 100)
                            assert response.content == b"/%d" % number + b"!" * number * 100

                await world.gather(*(lambda f=f: several(f) for f in range(0, 300, 30)))
                assert_settled(client)

                texts = await world.gather(*(lambda n=n: client.get(f"{server.url}/last{n}") for n in range(10)))
                assert [response.text for response in texts] == [f"/last{n}" for n in range(10)]
                assert_settled(client, idle=1)

        world.run(body)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_goaway_every_few_requests_loses_none(world: World, method: str) -> None:
    """A server that says GOAWAY after every third request gets the others again, over other connections."""
    counted = threading.Lock()
    acted: list[bytes] = []

    def script(peer: Http2Peer) -> None:
        requests = [peer.request() for _ in range(3)]
        peer.go_away(requests[-1].stream)
        for request in requests:
            with counted:
                acted.append(request.get(b":path") or b"")
            echo(peer, request)
        peer.until_closed()

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world, client={"timeout": 20}) as client:

                async def ask(number: int) -> None:
                    assert (await client.request(method, f"{server.url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(12)))
                assert_settled(client)

        world.run(body)
    assert sorted(acted) == sorted(b"/%d" % number for number in range(12))


def test_a_refused_stream_is_sent_again(world: World) -> None:
    """REFUSED_STREAM proves that nothing was done: a POST, too, is sent again, over another connection."""
    refused: list[int] = []

    def answer(peer: Http2Peer, request: Request) -> None:
        if not refused:
            refused.append(request.stream)
            peer.reset(request.stream, REFUSED_STREAM)
        else:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                assert (await client.post(f"{server.url}/a", content=b"b")).text == "/ab"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 2


def test_a_server_that_refuses_everything(world: World) -> None:
    """A request that is always refused ends in an error, after a bounded number of tries."""

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.reset(request.stream, REFUSED_STREAM)

    with http2_server(answering(answer)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                with pytest.raises(RemoteProtocolError, match="REFUSED_STREAM") as caught:
                    await client.get(server.url)
                assert caught.value.request.url == server.url
                assert_settled(client, idle=0)

        world.run(body)
        assert len(server.connections) == MOST_FRUITLESS


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_says_goodbye_to_everything(world: World, method: str) -> None:
    """A server that answers each request with GOAWAY, and acts upon none, is given up after a few connections."""

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.go_away(0)

    with http2_server(answering(answer)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                with pytest.raises(RemoteProtocolError, match="did not act upon the request") as caught:
                    await client.request(method, server.url)
                assert caught.value.request.url == server.url
                assert_settled(client, idle=0)

        world.run(body)
        assert len(server.connections) == MOST_FRUITLESS


@pytest.mark.parametrize("world", [WORLDS["blocking"], WORLDS["asyncio"]], ids=["blocking", "asyncio"])
def test_a_server_that_serves_one_at_a_time(world: World) -> None:
    """Who is refused while others are served is sent again more often than to a server that serves nobody, and not for ever."""
    count = MOST_TRIES + 2
    left = iter(range(count, 0, -1))
    outcomes: list[str] = []

    def script(peer: Http2Peer) -> None:
        first, *_ = [peer.request() for _ in range(next(left))]
        peer.go_away(first.stream)
        echo(peer, first)
        peer.until_closed()

    with http2_server(script) as server:

        async def body() -> None:
            async with http2_client(world, http1=False, client={"timeout": 20}) as client:

                async def ask(number: int) -> None:
                    try:
                        outcomes.append((await client.post(f"{server.url}/{number}")).text)
                    except RemoteProtocolError as error:
                        outcomes.append(str(error).partition(" (")[0])

                await world.gather(*(lambda n=n: ask(n) for n in range(count)))
                assert_settled(client)

        world.run(body)
        assert len(server.connections) == MOST_TRIES
    assert outcomes.count("The server did not act upon the request") == count - MOST_TRIES
    assert len(set(outcomes)) == MOST_TRIES + 1


def test_a_reset_harms_one(world: World) -> None:
    """A stream that is reset in the middle of its body fails alone."""

    def script(peer: Http2Peer) -> None:
        first, second = peer.request(), peer.request()
        bad, good = (first, second) if first.get(b":path") == b"/bad" else (second, first)
        peer.respond(bad.stream, body=None)
        peer.h2.send_data(bad.stream, b"part")
        peer.reset(bad.stream, 2)
        echo(peer, good)
        peer.until_closed()

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def bad() -> None:
                    with pytest.raises(RemoteProtocolError, match="INTERNAL_ERROR") as caught:
                        await client.get(f"{server.url}/bad")
                    assert caught.value.request.url.path == "/bad"

                async def good() -> None:
                    assert (await client.get(f"{server.url}/good")).text == "/good"

                await world.gather(bad, good)
                assert_settled(client, idle=1)

        world.run(body)


HOSTILE = {
    "push": (frame(5, 4, 1, bytes(4) + b"\x82"), "pushed a response"),
    "a frame that is too long": (b"\x01\x00\x00" + bytes(6), "a frame of 65536 bytes"),
    "data on no stream": (data(99, b"x"), "stream 99"),
    "settings flood": (settings() * 1000, "too many frames"),
    "upper case": (headers(1, (b"Upper", b"x"), end=True), "upper case"),
    "data after the length": (headers(1, (b"content-length", b"1")) + data(1, b"xx", end=True), "longer than its"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_frames(world: World, case: str) -> None:
    """A server that breaks a rule is named the rule in the error; another origin goes on unharmed."""
    frames, rule = HOSTILE[case]

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.send_raw(frames)
        peer.until_closed()

    with http2_server(answering(answer)) as hostile, http2_server(answering()) as sound:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                await client.get(sound.url)
                with pytest.raises(RemoteProtocolError, match=rule) as caught:
                    await client.get(hostile.url)
                assert caught.value.request.url == hostile.url
                assert (await client.get(f"{sound.url}/still")).text == "/still"
                assert_settled(client)

        world.run(body)
        assert len(sound.connections) == 1


def test_a_server_that_speaks_http1_unasked(world: World) -> None:
    """A server that was thought to speak HTTP/2 and does not is said to answer in HTTP/1."""
    from tests.worlds.peers import RawServer, saying

    with RawServer(saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                with pytest.raises(RemoteProtocolError, match="answered in HTTP/1"):
                    await client.get(server.url)
                assert_settled(client, idle=0)

        world.run(body)


@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("POST", 1)])
def test_a_connection_that_dies(world: World, method: str, connections: int) -> None:
    """What may have been acted upon is sent again once if its method allows that, and else fails."""
    seen: list[int] = []

    def script(peer: Http2Peer) -> None:
        request = peer.request()
        seen.append(request.stream)
        if len(seen) > 1:
            echo(peer, request)
            peer.until_closed()

    with http2_server(script) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                if method == "GET":
                    assert (await client.get(f"{server.url}/a")).text == "/a"
                else:
                    with pytest.raises(borzoi.TransportError):
                        await client.post(server.url)
                assert_settled(client)

        world.run(body)
        assert len(server.connections) == connections


def test_a_read_time_out_is_of_one_stream(world: World) -> None:
    """A stream whose answer does not come times out alone; the connection goes on."""
    silent_about = b"/never"

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") != silent_about:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def never() -> None:
                    with pytest.raises(ReadTimeout, match=r"within 0\.2 s") as caught:
                        await client.get(f"{server.url}/never", timeout=Timeout(5, read=0.2))
                    assert caught.value.request.url.path == "/never"

                async def others() -> None:
                    for number in range(5):
                        assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
                        await pool_of(client)._backend.sleep(0.06)

                await world.gather(never, others)
                assert_settled(client, idle=1)
                assert (await client.get(f"{server.url}/after")).text == "/after"

        world.run(body)
        assert len(server.connections) == 1


def test_a_connection_that_says_nothing_is_not_used_again(world: World) -> None:
    """After a time-out during which nothing came at all, the next request goes over another connection."""
    served: list[Http2Peer] = []

    def script(peer: Http2Peer) -> None:
        served.append(peer)
        if len(served) > 1:
            answering()(peer)
        peer.until_closed()

    with http2_server(script) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                await pool_of_first_use(client, server.url)
                assert (await client.get(f"{server.url}/next")).text == "/next"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 2


async def pool_of_first_use(client: Any, url: str) -> None:
    """Ask twice in vain: the server's SETTINGS are a sign of life for the first."""
    for _ in range(2):
        with pytest.raises(ReadTimeout):
            await client.get(url, timeout=Timeout(5, read=0.1))


def test_the_total_deadline(world: World) -> None:
    """The total time-out ends a request over HTTP/2, and is named."""
    with http2_server(lambda peer: peer.until_closed()) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                with pytest.raises(borzoi.TimeoutException, match="total time-out"):
                    await client.get(server.url, timeout=Timeout(5, total=0.2))
                assert_settled(client)

        world.run(body)


def test_shut_windows_are_a_write_timeout(world: World) -> None:
    """A server that never opens its window ends an upload in a WriteTimeout; the connection goes on."""

    def script(peer: Http2Peer) -> None:
        peer.holding = True
        answering()(peer)

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                with pytest.raises(borzoi.WriteTimeout, match="took no bytes"):
                    await client.post(server.url, content=b"x" * 200_000, timeout=Timeout(5, write=0.2))
                assert (await client.get(f"{server.url}/after")).text == "/after"
                assert_settled(client)

        world.run(body)


def test_an_early_answer_stops_the_upload(world: World) -> None:
    """A whole answer that comes before the body was taken is the answer, and the rest of the body stays here."""

    def script(peer: Http2Peer) -> None:
        peer.holding = True
        while True:
            request = peer.head()
            peer.respond(request.stream, status=413, body=b"too large")

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                for _ in range(2):
                    response = await client.post(server.url, content=b"x" * 2_000_000)
                    assert (response.status_code, response.text) == (413, "too large")
                assert_settled(client)

        world.run(body)


def test_no_streams_at_all(world: World) -> None:
    """A server that allows no stream any more leaves requests waiting for a place, until their PoolTimeout."""

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.send_raw(settings((3, 0)))
        echo(peer, request)

    with http2_server(answering(answer)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                await client.get(server.url)
                with pytest.raises(PoolTimeout, match="carry as many requests"):
                    await client.get(server.url, timeout=Timeout(5, pool=0.2))
                assert_settled(client)

        world.run(body)


def test_nobody_listens(world: World) -> None:
    """The failure of the one connection that all wait for is the failure of each, with its own request."""
    with refusing_port() as port:

        async def body() -> None:
            async with http2_client(world) as client:

                async def ask(number: int) -> None:
                    with pytest.raises(ConnectError) as caught:
                        await client.get(f"https://127.0.0.1:{port}/{number}")
                    assert caught.value.request.url.path == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(8)))
                assert_settled(client, idle=0)

        world.run(body)


def test_a_closed_response(world: World) -> None:
    """A response that is closed before its end resets its stream, and the connection goes on."""

    def script(peer: Http2Peer) -> None:
        request = peer.request()
        peer.respond(request.stream, body=None)
        peer.until(lambda: request.reset_code is not None)
        answering()(peer)

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                async with client.stream("GET", server.url) as response:
                    assert response.status_code == 200
                assert (await client.get(f"{server.url}/after")).text == "/after"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 1


def test_a_forgotten_response(world: World) -> None:
    """A response that the program forgets is warned about, and its place comes back."""

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.respond(request.stream, body=None)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                request = client.build_request("GET", server.url)
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    await client.send(request, stream=True)
                    gc.collect()
                assert any("neither read to its end nor closed" in str(warning.message) for warning in caught)
                assert_settled(client, idle=1)

        world.run(body)


def test_a_closed_client(world: World) -> None:
    """Closing the client says GOAWAY, and ends what is under way with an error."""
    asked = threading.Event()
    parted: list[bool] = []

    def script(peer: Http2Peer) -> None:
        peer.request()
        asked.set()
        peer.until_closed()
        parted.append(any(type(event).__name__ == "ConnectionTerminated" for event in peer.events))

    with http2_server(script) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:

                async def ask() -> None:
                    with pytest.raises(borzoi.TransportError):
                        await client.post(server.url)

                async def close() -> None:
                    await world.wait_for(asked)
                    await client.aclose()

                await world.gather(ask, close)

        world.run(body)
    assert parted == [True]


def test_what_came_while_it_was_idle(world: World) -> None:
    """A PING while the connection rests is answered, and after a GOAWAY another connection is taken."""
    said = threading.Event()

    def script(peer: Http2Peer) -> None:
        request = peer.request()
        echo(peer, request)
        if not said.is_set():
            peer.go_away(request.stream)
            said.set()
        answering()(peer)

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                await client.get(server.url)
                await world.wait_for(said)
                await pool_of(client)._backend.sleep(0.05)
                assert (await client.post(f"{server.url}/a")).text == "/a"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 2


def test_a_malformed_request(world: World) -> None:
    """A request that cannot be sent fails before anything of it is, and its place comes back."""
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                with pytest.raises(LocalProtocolError):
                    await client.get(server.url, extensions={"target": b"no path"})
                assert (await client.get(f"{server.url}/a")).text == "/a"
                assert_settled(client, idle=1)

        world.run(body)


def test_one_connection_for_two_origins(world: World) -> None:
    """With room for one connection in all, origins take turns, and idle ones make room."""
    with http2_server(answering(), tls=True) as one, http2_server(answering(), tls=True) as other:

        async def body() -> None:
            async with http2_client(world, limits=Limits(max_connections=1), client={"timeout": 20}) as client:

                async def ask(url: str, number: int) -> None:
                    assert (await client.get(f"{url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask((one, other)[n % 2].url, n) for n in range(20)))
                assert_settled(client, idle=1)

        world.run(body)


def test_goaway_with_a_reason(world: World) -> None:
    """What the server says as it goes is in the error of what it may have acted upon."""

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.send_raw(goaway(request.stream, 11, b"calm down"))
        peer._sock.shutdown(socket.SHUT_WR)
        peer.until_closed()

    with http2_server(answering(answer)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                with pytest.raises(RemoteProtocolError, match="calm down"):
                    await client.post(server.url)
                assert_settled(client, idle=0)

        world.run(body)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_that_closes_what_it_accepts_is_not_asked_for_ever(world: World, said: bytes) -> None:
    """It is an error for the request, after a connection or two, and not one connection after the other."""
    with RawServer(closing_after(said)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False, client={"timeout": 20}) as client:
                with pytest.raises((RemoteProtocolError, ReadError, WriteError)):
                    await client.get(f"{server.url}/")
                assert_settled(client, idle=0)

        world.run(body)
        assert 1 <= len(server.connections) <= 3
