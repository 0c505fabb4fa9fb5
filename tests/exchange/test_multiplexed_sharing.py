"""Several HTTP/2 connections to one origin: opened where all are full, within the limits, and left where they are useless."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import pytest

import borzoi
from borzoi import AsyncHTTPTransport, Limits, PoolTimeout, Timeout
from borzoi._backends.memory import HandClock
from tests.exchange.http2_scripts import answering, assert_settled, echo, http2_client
from tests.exchange.http_peers import gates, pool_of, transport_of
from tests.wire.http2_scripting import reset, settings
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS, World

REFUSED_STREAM = 7
MOST = {3: 3}


class Together:
    """Answer requests in batches of as many as a connection takes, once all of them have come to all connections."""

    def __init__(self, count: int, batch: int) -> None:
        self._lock = threading.Lock()
        self._left = count
        self._batch = batch
        self._all_came = threading.Event()

    def __call__(self, peer: Http2Peer) -> None:
        while True:
            requests = [peer.request() for _ in range(self._batch)]
            with self._lock:
                self._left -= self._batch
                if self._left == 0:
                    self._all_came.set()
            assert self._all_came.wait(10), "the requests are not under way at the same time"
            for request in requests:
                echo(peer, request)


def test_another_connection_where_all_are_full(world: World) -> None:
    """9 requests at once to a server that takes 3 a connection are under way together, over three connections."""
    script = Together(9, 3)
    with http2_server(script, tls=True, settings=MOST) as server:

        async def body() -> None:
            async with http2_client(world, client={"timeout": 20}) as client:

                async def ask(number: int) -> None:
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(9)))
                assert_settled(client, idle=3)

        world.run(body)
        assert len(server.connections) == 3


def test_no_more_connections_than_allowed(world: World) -> None:
    """With two connections of three streams each, 30 requests go in turns, over those two."""
    with http2_server(answering(), tls=True, settings=MOST) as server:

        async def body() -> None:
            limits = Limits(max_connections=2)
            async with http2_client(world, limits=limits, client={"timeout": 20}) as client:

                async def ask(number: int) -> None:
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(30)))
                assert_settled(client)

        world.run(body)
        assert len(server.connections) <= 2


def test_one_is_opened_for_many_that_wait(world: World) -> None:
    """With room for 20 streams on each, 40 requests need two connections, and no more are opened."""
    script = Together(40, 20)
    with http2_server(script, settings={3: 20}) as server:

        async def body() -> None:
            async with http2_client(world, http1=False, client={"timeout": 20}) as client:

                async def ask(number: int) -> None:
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(40)))
                assert_settled(client, idle=2)

        world.run(body)
        assert len(server.connections) == 2


def test_room_that_comes_free_elsewhere(async_world: World) -> None:
    """One who waits for a place opens another connection as soon as one to another origin may be closed."""
    world = async_world
    with gates(2) as (other, full):

        def hold(gate: threading.Event) -> Any:
            def answer(peer: Http2Peer, request: Request) -> None:
                if request.get(b":path") == b"/held":
                    server.until(gate)
                echo(peer, request)

            return answering(answer)

        with http2_server(hold(full), settings={3: 1}) as server, http2_server(hold(other)) as elsewhere:

            async def body() -> None:
                limits = Limits(max_connections=2)
                async with http2_client(world, http1=False, limits=limits, client={"timeout": 20}) as client:
                    async with world.tasks() as tasks:
                        tasks.start(client.get, f"{server.url}/held")
                        tasks.start(client.get, f"{elsewhere.url}/held")
                        await turns(world, lambda: [c.requests for c in connections(client)] == [1, 1])
                        waiting = tasks.start(client.get, f"{server.url}/waits")
                        await turns(world, lambda: any(lane.joiners for lane in pool_of(client)._shelf.lanes()))
                        other.set()
                        await turns(world, lambda: waiting.ended)
                        full.set()
                    assert waiting.result.text == "/waits"
                    assert_settled(client)

            world.run(body)
            assert len(server.connections) == 2


def connections(client: Any) -> list[Any]:
    """Return the shared connections of a client, none before its first use."""
    if transport_of(client)._latest is None:
        return []
    return [connection for lane in pool_of(client)._shelf.lanes() for connection in lane.shared]


async def turns(world: World, condition: Any) -> None:
    """Let the others run until something holds."""
    async with world.fail_after(20):
        while not condition():
            # A moment, in which threads run, too.
            await world.backend().sleep(0.001)


@pytest.mark.parametrize("given", ["a place", "room"])
def test_one_who_leaves_passes_on_what_was_given(async_world: World, given: str) -> None:
    """A joiner that is cancelled in the very turn in which it was given a place, or room to open one, passes it on."""
    world = async_world

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") == b"/held":
            peer.respond(request.stream, body=None)
        elif request.reset_code is None:
            echo(peer, request)

    with http2_server(answering(answer), settings={3: 1}) as server:

        async def body() -> None:
            limits = Limits(max_connections=limits_of(given))
            async with http2_client(world, http1=False, limits=limits, client={"timeout": 20}) as client:
                async with world.tasks() as tasks, client.stream("GET", f"{server.url}/held") as held:
                    pool = pool_of(client)
                    lane = connections(client)[0].lane
                    # Room for another is taken, until both wait.
                    pool._shelf.enter("taken", lane)
                    leaver = tasks.start(client.get, f"{server.url}/leaver")
                    await turns(world, lambda: len(lane.joiners) == 1)
                    other = tasks.start(client.get, f"{server.url}/other")
                    await turns(world, lambda: len(lane.joiners) == 2)
                    pool._shelf.strike("taken", lane)
                    if given == "room":
                        pool._call_waiters()
                    else:
                        await held.aclose()
                    assert len(lane.joiners) == 1
                    leaver.cancel()
                    await turns(world, lambda: other.ended)
                assert leaver.cancelled
                assert other.result.text == "/other"
                assert_settled(client, idle=limits_of(given))

        world.run(body)


def limits_of(given: str) -> int:
    """Return how many connections are used where a place, or room for another, was passed on."""
    return 1 if given == "a place" else 2


def test_one_that_cannot_be_opened_in_addition(world: World) -> None:
    """Where another connection is refused, the one who tried waits for a place as the others do."""
    accepted: list[socket.socket] = []

    def only_one(sock: socket.socket) -> None:
        accepted.append(sock)
        if len(accepted) == 1:
            with contextlib.suppress(EOFError), server_context(alpn=("h2",)).wrap_socket(sock, server_side=True) as tls:
                answering()(Http2Peer(tls, {3: 1}))

    with RawServer(only_one) as server:

        async def body() -> None:
            async with http2_client(world, client={"timeout": 20}) as client:
                url = f"https://127.0.0.1:{server.port}"
                await client.get(url)

                async def ask(number: int) -> None:
                    assert (await client.get(f"{url}/{number}")).text == f"/{number}"

                await world.gather(*(lambda n=n: ask(n) for n in range(3)))
                assert_settled(client, idle=1)

        world.run(body)


def test_a_server_that_takes_nothing(world: World) -> None:
    """No other connection is opened to a server that allows no streams: its requests wait, for as long as they may."""

    def refusing(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(settings((3, 0)) + settings(ack=True) + reset(1, REFUSED_STREAM))
        while sock.recv(65536):
            pass

    with RawServer(refusing) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                for _ in range(2):
                    with pytest.raises(PoolTimeout, match="carry as many requests"):
                        await client.get(server.url, timeout=Timeout(5, pool=0.05))
                assert_settled(client)

        world.run(body)
        assert len(server.connections) == 1


# Silence.


def silent_after(answered: int) -> Any:
    """Return a script that answers so many requests of its first connection, and nothing at all after them."""
    peers: list[Http2Peer] = []

    def script(peer: Http2Peer) -> None:
        peers.append(peer)
        if len(peers) > 1:
            answering()(peer)
        for _ in range(answered):
            echo(peer, peer.request())
        while peer._sock.recv(65536):
            pass

    return script


IMPATIENT = Limits(http2_ping_after=0.05, http2_ping_timeout=0.05, keepalive_expiry=None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_silent_connection_is_given_up(world: World, method: str) -> None:
    """Without an answer to PING all streams fail at once, long before their time-outs; GET is sent again elsewhere."""
    with http2_server(silent_after(0)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False, limits=IMPATIENT, client={"timeout": 20}) as client:

                async def ask() -> None:
                    if method == "GET":
                        assert (await client.get(f"{server.url}/a")).text == "/a"
                    else:
                        with pytest.raises(borzoi.ReadError, match=r"no answer to a PING within 0\.05 s"):
                            await client.post(server.url)

                await world.gather(ask, ask, ask)
                assert_settled(client)

        world.run(body)
        assert len(server.connections) == (2 if method == "GET" else 1)


def test_a_silent_idle_connection_is_not_used_again(world: World) -> None:
    """One that rested for long is probed with the next request, which goes elsewhere where nothing answers."""
    with http2_server(silent_after(1)) as server:

        async def body() -> None:
            async with http2_client(world, http1=False, limits=IMPATIENT, client={"timeout": 20}) as client:
                await client.get(server.url)
                await pool_of(client)._backend.sleep(0.06)
                for number in range(2):
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 2


def test_a_slow_answer_from_a_server_that_lives(world: World) -> None:
    """A server that answers PING may take its time over a response."""
    pings: list[int] = []

    def script(peer: Http2Peer) -> None:
        request = peer.request()
        peer.until(lambda: count_pings(peer) >= 3)
        pings.append(count_pings(peer))
        echo(peer, request)
        peer.until_closed()

    def count_pings(peer: Http2Peer) -> int:
        return sum(type(event).__name__ == "PingReceived" for event in peer.events)

    with http2_server(script) as server:

        async def body() -> None:
            limits = Limits(http2_ping_after=0.02, http2_ping_timeout=5)
            async with http2_client(world, http1=False, limits=limits) as client:
                assert (await client.post(f"{server.url}/slow")).text == "/slow"
                assert_settled(client, idle=1)

        world.run(body)
    assert pings == [3]


def test_no_probe_without_a_wait_for_it() -> None:
    """With http2_ping_after=None nothing is asked; and a time-out ends a request as ever."""
    world = WORLDS["asyncio"]
    asked: list[bytes] = []

    def script(peer: Http2Peer) -> None:
        peer.until_closed()
        asked.extend(type(event).__name__.encode() for event in peer.events)

    with http2_server(script) as server:

        async def body() -> None:
            limits = Limits(http2_ping_after=None)
            async with http2_client(world, http1=False, limits=limits) as client:
                with pytest.raises(borzoi.ReadTimeout):
                    await client.get(server.url, timeout=0.05)
                assert_settled(client)

        world.run(body)
    assert b"RequestReceived" in asked
    assert b"PingReceived" not in asked


def test_the_limits_of_silence() -> None:
    """Both are part of what limits are equal by, are shown where they are not the defaults, and are never negative."""
    usual, patient = Limits(), Limits(http2_ping_after=None, http2_ping_timeout=60)
    assert (usual.http2_ping_after, usual.http2_ping_timeout) == (30.0, 15.0)
    assert usual != patient
    assert len({usual, patient, Limits()}) == 2
    assert "ping" not in repr(usual)
    assert repr(patient).endswith("keepalive_expiry=5.0, http2_ping_after=None, http2_ping_timeout=60)")
    for name in ("http2_ping_after", "http2_ping_timeout"):
        with pytest.raises(ValueError, match=rf"Invalid limit: {name}=-1\."):
            Limits(**{name: -1})


# The life of a connection.


def test_an_idle_connection_expires(world: World) -> None:
    """One that was idle for longer than keepalive_expiry is closed with a GOAWAY, and another is opened."""
    ends: list[bool] = []
    clock = HandClock()

    def script(peer: Http2Peer) -> None:
        with contextlib.suppress(EOFError, OSError):
            answering()(peer)
        ends.append(any(type(event).__name__ == "ConnectionTerminated" for event in peer.events))

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            async with http2_client(world, clock=clock, limits=Limits(keepalive_expiry=5)) as client:
                await client.get(server.url)
                await client.get(server.url)
                assert len(server.connections) == 1
                clock.advance(5.1)
                await client.get(server.url)
                assert len(server.connections) == 2
                assert_settled(client, idle=1)

        world.run(body)
    assert ends == [True, True]


def test_closing_with_streams_open(world: World) -> None:
    """Closing the client ends every open stream with an error that says so, and leaves nothing open."""
    asked = [threading.Event() for _ in range(3)]

    def script(peer: Http2Peer) -> None:
        first = peer.request()
        peer.respond(first.stream, body=None)
        asked[0].set()
        for event in asked[1:]:
            peer.request()
            event.set()
        peer.until_closed()

    with http2_server(script, tls=True) as server:

        async def body() -> None:
            client = http2_client(world)
            async with client, client.stream("GET", server.url) as response:
                pool = pool_of(client)

                async def ask() -> None:
                    with pytest.raises(borzoi.TransportError, match="closed"):
                        await client.post(server.url)

                async def close() -> None:
                    for event in asked:
                        await world.wait_for(event)
                    await client.aclose()

                await world.gather(ask, ask, close)
                with pytest.raises(borzoi.TransportError, match="closed"):
                    await response.aread()
                assert not pool._shelf.open
                assert not pool.forgotten

        world.run(body)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("second", ["asyncio", "uvloop", "trio"])
@pytest.mark.parametrize("first", ["asyncio", "uvloop", "trio"])
def test_the_next_loop_takes_over(first: str, second: str, *, tls: bool) -> None:
    """An idle connection of a loop that has ended serves many in the loop that runs next; one in use is closed."""
    with http2_server(answering(), tls=tls) as server:
        transport = AsyncHTTPTransport(verify=client_context(), http2=True, http1=tls)
        client = borzoi.AsyncClient(transport=transport)

        async def ask(path: str) -> None:
            assert (await client.get(server.url + path)).text == path

        async def body(*, last: bool = False) -> None:
            await WORLDS[second if last else first].gather(*(lambda n=n: ask(f"/{n}") for n in range(5)))
            if last:
                assert_settled(client, idle=1)
                await client.aclose()

        WORLDS[first].run(body)
        WORLDS[second].run(lambda: body(last=True))
        assert len(server.connections) == 1


def test_what_was_in_use_when_its_loop_ended() -> None:
    """A response that is half read when its loop ends fails in the next, whose requests open a connection."""

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") == b"/held":
            peer.respond(request.stream, body=None)
        else:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:
        client = borzoi.AsyncClient(transport=AsyncHTTPTransport(verify=client_context(), http2=True))

        async def hold() -> Any:
            return await client.send(client.build_request("GET", f"{server.url}/held"), stream=True)

        async def ask(held: Any) -> None:
            assert (await client.get(f"{server.url}/next")).text == "/next"
            with pytest.raises(borzoi.TransportError, match="closed"):
                await held.aread()
            await client.aclose()

        held = WORLDS["asyncio"].run(hold)
        WORLDS["asyncio"].run(ask, held)


def test_loops_in_several_threads() -> None:
    """One client serves loops in several threads at once, each over a connection of its own."""
    with http2_server(answering(), tls=True) as server:
        client = borzoi.AsyncClient(transport=AsyncHTTPTransport(verify=client_context(), http2=True), timeout=20)
        errors: list[BaseException] = []

        async def many(world: World) -> None:
            async def ask(number: int) -> None:
                assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"

            await world.gather(*(lambda n=n: ask(n) for n in range(20)))

        def work(world: World) -> None:
            try:
                world.run(many, world)
            except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
                errors.append(error)

        threads = [threading.Thread(target=work, args=(WORLDS[name],)) for name in ("asyncio", "uvloop", "trio")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert errors == []
        WORLDS["asyncio"].run(client.aclose)
        assert len(server.connections) <= 3
