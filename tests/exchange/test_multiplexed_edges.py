"""HTTP/2 at its edges: sockets that take little, answers that come early or in pieces, and pools that are left behind."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import warnings
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import pytest

import borzoi
from borzoi import ConnectError, ConnectTimeout, Limits, ReadTimeout, RemoteProtocolError, Timeout, WriteTimeout
from borzoi._backends.memory import Event, MemoryBackend
from tests.exchange.http2_scripts import answering, assert_settled, echo, http2_client
from tests.exchange.http_peers import Recorder, assert_whole, gates, pool_of
from tests.exchange.test_multiplexed_sharing import connections, turns
from tests.exchange.test_traced import Told
from tests.wire.http2_scripting import SETTLED, data, frames, headers, settings, window
from tests.worlds.certificates import server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS, World

WIDE = settings((4, 2**24)) + settings(ack=True) + window(0, 2**24)
LARGE = b"x" * 4_000_000


class Slow:
    """Open every window, take nothing from the socket until the gate opens, and then answer each request."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate
        self.server: RawServer | None = None

    def __call__(self, sock: socket.socket) -> None:
        assert self.server is not None
        sock.sendall(WIDE)
        self.server.until(self._gate)
        held = bytearray()
        start = 24
        while more := sock.recv(65536):
            held += more
            while len(held) >= start + 9 and len(held) >= (
                end := start + 9 + int.from_bytes(held[start : start + 3], "big")
            ):
                kind, flags, stream = held[start + 3], held[start + 4], held[start + 8]
                del held[:end]
                start = 0
                if kind in (0, 1) and flags & 1:
                    sock.sendall(headers(stream) + data(stream, b"%d" % stream, end=True))


def test_a_socket_that_takes_little(world: World) -> None:
    """What the socket does not take waits, for the server and in order: an upload, and the requests behind it."""
    with gates(1) as (gate,):
        script = Slow(gate)
        with RawServer(script, receive_buffer=16384) as server:
            script.server = server

            async def body() -> None:
                async with http2_client(world, http1=False, client={"timeout": 20}) as client:

                    async def upload() -> None:
                        assert (await client.post(server.url, content=LARGE)).text == "1"

                    async def ask() -> None:
                        await pool_of_use(client, world)
                        assert (await client.get(server.url)).text in ("3", "5")

                    async def open_gate() -> None:
                        await pool_of_use(client, world)
                        await pool_of(client)._backend.sleep(0.02)
                        gate.set()

                    await world.gather(upload, ask, ask, open_gate)
                    assert_settled(client, idle=1)

            world.run(body)
            assert len(server.connections) == 1


async def pool_of_use(client: Any, world: World) -> None:
    """Wait until a connection has more to send than its socket takes."""
    async with contextlib.AsyncExitStack():
        backend = world.backend()
        for _ in range(5000):
            if is_blocked(client):
                return
            await backend.sleep(0.002)
        raise AssertionError("nothing is under way")


def is_blocked(client: Any) -> bool:
    """Return whether some connection has more to send than its socket takes."""
    transport = getattr(client, "wrapped", client)._transport
    if getattr(transport, "_latest", True) is None:
        return False
    return any(connection.is_blocked for lane in pool_of(client)._shelf.lanes() for connection in lane.shared)


def test_a_socket_that_takes_nothing_any_more(world: World) -> None:
    """It is a WriteTimeout of who sends and a time-out of who asks; a new connection is opened after them."""
    with gates(1) as (gate,):
        script = Slow(gate)
        with RawServer(script, receive_buffer=16384) as server:
            script.server = server

            async def body() -> None:
                async with http2_client(world, http1=False, client={"timeout": Timeout(20, write=0.1)}) as client:
                    with pytest.raises(WriteTimeout, match=r"took no bytes within 0\.1 s"):
                        await client.post(server.url, content=LARGE)
                    with pytest.raises(borzoi.TimeoutException):
                        await client.get(server.url, timeout=0.05)
                    gate.set()
                    assert (await client.get(server.url)).status_code == 200
                    assert_settled(client)

            world.run(body)


def test_a_connection_that_breaks_under_an_upload(world: World) -> None:
    """What cannot be written ends in an error of the tree, and the next request finds another connection."""

    def breaking(sock: socket.socket) -> None:
        sock.sendall(WIDE)
        sock.recv(100)
        # Closed with bytes unread, it resets the connection.

    with RawServer(breaking, receive_buffer=16384) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                for _ in range(2):
                    with pytest.raises(borzoi.TransportError) as caught:
                        await client.post(server.url, content=LARGE)
                    assert caught.value.request.method == "POST"
                assert_settled(client, idle=0)

        world.run(body)


def test_an_answer_that_begins_before_the_upload_ends(world: World) -> None:
    """Once the head of an answer is here, a window that stays shut is no error: the answer is what counts."""

    def script(peer: Http2Peer) -> None:
        peer.holding = True
        request = peer.head()
        peer.respond(request.stream, status=403, body=None)
        peer.until(lambda: request.reset_code is not None)
        answering()(peer)

    with http2_server(script) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                timeout = Timeout(5, write=0.3)
                async with client.stream("POST", server.url, content=LARGE, timeout=timeout) as response:
                    assert response.status_code == 403
                assert_settled(client, idle=1)

        world.run(body)


def test_an_answer_between_two_pieces(world: World) -> None:
    """A body that is sent piece by piece ends where the whole answer came in between."""
    answered = threading.Event()
    taken: list[int] = []

    def script(peer: Http2Peer) -> None:
        request = peer.head()
        peer.respond(request.stream, status=413)
        answered.set()
        peer.until_closed()

    def pieces() -> Any:
        yield b"first"
        assert answered.wait(10)
        for number in range(100):
            taken.append(number)
            yield b"x" * 10_000

    async def pieces_async() -> AsyncGenerator[bytes, None]:
        yield b"first"
        await world.wait_for(answered)
        for number in range(100):
            await world.backend().sleep(0.002)
            taken.append(number)
            yield b"x" * 10_000

    with http2_server(script) as server:

        async def body() -> None:
            async with http2_client(world, http1=False) as client:
                later = pieces_async()
                content = later if world.is_async else pieces()
                assert (await client.post(server.url, content=content)).status_code == 413
                if world.is_async:
                    await later.aclose()
                assert_settled(client, idle=1)

        world.run(body)
    assert len(taken) < 100


def test_a_body_that_is_announced_and_empty(world: World) -> None:
    """A request with Transfer-Encoding and no body ends with an empty DATA frame."""
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                response = await client.post(f"{server.url}/a", headers={"Transfer-Encoding": "chunked"})
                assert response.text == "/a"
                assert_settled(client, idle=1)

        world.run(body)


def test_nobody_says_100(world: World) -> None:
    """Where no 100 (Continue) comes in time the body is sent all the same."""
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                response = await client.post(
                    f"{server.url}/a", content=b"b", headers={"Expect": "100-continue"}, timeout=Timeout(5, read=0.1)
                )
                assert response.text == "/ab"
                assert_settled(client, idle=1)

        world.run(body)


def test_a_body_that_stops(world: World) -> None:
    """A body whose next bytes do not come is a ReadTimeout, of a request that is told of, too."""
    told = Told(world)

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.respond(request.stream, body=b"" if request.get(b":path") == b"/whole" else None)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                # A connection that has served is kept, whatever a busy machine takes to answer on it.
                await client.get(f"{server.url}/whole")
                for extensions in ({}, {"trace": told.function}):
                    with pytest.raises(ReadTimeout):
                        await client.get(server.url, timeout=Timeout(5, read=0.05), extensions=extensions)
                assert_settled(client, idle=1)

        world.run(body)
    assert [name for name, _ in told.events][-2:] == ["http2.response_closed.started", "http2.response_closed.complete"]


def test_a_traced_request_that_fails_and_one_that_is_read_twice(world: World) -> None:
    """The end is told of once, whether the answer failed or was read whole."""
    told = Told(world)

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") == b"/bad":
            peer.reset(request.stream, 2)
        else:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                with pytest.raises(RemoteProtocolError, match="INTERNAL_ERROR"):
                    await client.get(f"{server.url}/bad", extensions={"trace": told.function})
                async with client.stream("GET", f"{server.url}/a", extensions={"trace": told.function}) as response:
                    assert [piece async for piece in response.aiter_raw()] == [b"/a"]
                    assert await getattr(response, "wrapped", response).stream.next_chunk() is None
                assert_settled(client, idle=1)

        world.run(body)
    assert [name for name, _ in told.events].count("http2.response_closed.complete") == 2


def test_a_program_that_forgets_responses(world: World) -> None:
    """The next request gives back the place of a response that was forgotten."""

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") == b"/held":
            peer.respond(request.stream, body=None)
        else:
            echo(peer, request)

    with http2_server(answering(answer), settings={3: 1}) as server:

        async def body() -> None:
            async with http2_client(world, http1=False, limits=Limits(max_connections=1)) as client:
                for number in range(2):
                    request = client.build_request("GET", f"{server.url}/held")
                    with warnings.catch_warnings(record=True) as caught:
                        warnings.simplefilter("always")
                        await client.send(request, stream=True)
                        gc.collect()
                    assert any("neither read to its end nor closed" in str(warning.message) for warning in caught)
                    assert (await client.get(f"{server.url}/{number}")).text == f"/{number}"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 1


def test_who_waits_when_the_client_is_closed(async_world: World) -> None:
    """One who waits for a place is told that the client was closed."""
    world = async_world

    def answer(peer: Http2Peer, request: Request) -> None:
        peer.respond(request.stream, body=None)

    with http2_server(answering(answer), settings={3: 1}) as server:

        async def body() -> None:
            client = http2_client(world, http1=False, limits=Limits(max_connections=1))
            async with client, client.stream("GET", server.url):
                lane = connections(client)[0].lane

                async def ask() -> None:
                    with pytest.raises(ConnectError, match="was closed while the request waited"):
                        await client.get(server.url)

                async with world.tasks() as tasks:
                    tasks.start(ask)
                    await turns(world, lambda: len(lane.joiners) == 1)
                    await client.aclose()

        world.run(body)


def test_who_waits_for_one_that_connects(async_world: World) -> None:
    """Those who wait for a connection that is being opened wait for their own connect time-outs."""
    world = async_world
    with gates(1) as (never,), RawServer(lambda sock: server.until(never)) as server:

        async def body() -> None:
            async with http2_client(world) as client:

                async def ask(patience: float, what: str) -> None:
                    with pytest.raises(ConnectTimeout, match=what):
                        await client.get(f"https://127.0.0.1:{server.port}", timeout=Timeout(5, connect=patience))

                async with world.tasks() as tasks:
                    tasks.start(ask, 0.3, "Could not finish the TLS handshake")
                    await turns(world, lambda: transport_pool(client) and pool_of(client)._dialing)
                    tasks.start(ask, 0.05, "Could not connect to 127.0.0.1:.* within 0.05 s")
                assert_settled(client, idle=0)

        world.run(body)


def transport_pool(client: Any) -> Any:
    """Return what a client used last, None before its first use."""
    return client._transport._latest


def test_a_pool_that_is_left_behind() -> None:
    """What a fork's child does with its pool: nothing of it is used again, and a new one serves."""
    world = WORLDS["blocking"]

    def answer(peer: Http2Peer, request: Request) -> None:
        if request.get(b":path") == b"/held":
            peer.respond(request.stream, body=None)
        else:
            echo(peer, request)

    with http2_server(answering(answer), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                async with client.stream("GET", f"{server.url}/held") as response:
                    pool_of(client).abandon()
                    with pytest.raises(borzoi.ReadError, match="closed here"):
                        await response.aread()
                assert (await client.get(f"{server.url}/a")).text == "/a"
                assert_settled(client, idle=1)

        world.run(body)
        assert len(server.connections) == 2


def test_other_names_and_other_schemes(world: World) -> None:
    """A request with a server name of its own has a connection of its own, and http:// is spoken in HTTP/1.1."""
    recorder = Recorder()
    with http2_server(answering(), tls=True) as server, RawServer(recorder) as plain:

        async def body() -> None:
            async with http2_client(world) as client:
                url = server.url
                await client.get(url)
                assert (await client.get(url, extensions={"sni_hostname": "localhost"})).http_version == "HTTP/2"
                assert (await client.get(plain.url)).http_version == "HTTP/1.1"
                assert_settled(client, idle=3)

        world.run(body)
        assert len(server.connections) == 2


def test_http1_that_was_closed_meanwhile(world: World) -> None:
    """In a pool that offers HTTP/2, too, a request over a connection of HTTP/1.1 that dies under it is sent again."""
    asked: list[int] = []

    def respond(_: Any) -> bytes | None:
        asked.append(1)
        return None if len(asked) == 2 else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    with RawServer(Recorder(respond), tls=server_context(alpn=("http/1.1",))) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                for _ in range(2):
                    assert (await client.get(server.url)).status_code == 200
                assert_whole(client)

        world.run(body)
        assert len(server.connections) == 2


def test_the_network_stream_is_nobodys_alone() -> None:
    """What a response shows of its connection are facts, and who is at the other end."""
    world = WORLDS["asyncio"]
    with http2_server(answering(), tls=True) as server:

        async def body() -> None:
            async with http2_client(world) as client:
                shown = (await client.get(server.url)).extensions["network_stream"]
                assert repr(shown) == f"<SharedNetworkStream of 127.0.0.1:{server.port}>"
                assert not hasattr(shown, "read")

        world.run(body)


# A network that reads and writes by turns.


def test_a_script_whose_writes_fail() -> None:
    """A write that fails ends the connection with its error; the next request opens another."""
    world = WORLDS["blocking"]
    asked: list[bytes] = []

    def answer(sent: bytes) -> Iterable[Event]:
        asked.append(sent)
        if len(asked) == 3:
            raise borzoi.WriteError("Writing to the script failed: cut")
        for kind, _, stream, _ in frames(sent.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")):
            if kind == 1:
                yield (SETTLED if stream == 1 else b"") + headers(stream) + data(stream, b"sound", end=True)

    backend = MemoryBackend(lambda host, port: answer)

    async def body() -> None:
        async with http2_client(world, http1=False, backend=backend) as client:
            assert (await client.get("http://example.org/")).text == "sound"
            with pytest.raises(borzoi.WriteError, match="cut"):
                await client.post("http://example.org/")
            assert (await client.get("http://example.org/")).text == "sound"
            assert_settled(client, idle=1)

    world.run(body)
    assert len(backend.streams) == 2
