"""Rows 1 to 4, 7, 23, 55 and 56: connections that were used before, that wait for leave, or that answer early."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from h2.events import PingAckReceived

import borzoi
from borzoi import Limits, Timeout
from borzoi._backends.memory import HandClock
from tests.exchange.http_peers import Reader, answer, gates, without_delay
from tests.wire.http2_scripting import ping
from tests.worlds.dialing import settle
from tests.worlds.http2_peer import Http2Peer, http2_server
from tests.worlds.peers import RawServer, reset, silent

from .place import HTTP1, Answer, Got, Place, error_of, require
from .table import BOTH, TWO, fault

REPEATABLE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
OTHERS = ("POST", "PATCH")
DIED = (borzoi.RemoteProtocolError, borzoi.ReadError, borzoi.WriteError)
"""What a connection that dies under a request may look like: it is the system's choice."""


def dying(end: Callable[[socket.socket], object], seen: list[str], times: int = 1) -> RawServer:
    """Return a server that ends each connection when it is asked for "/die", the first times that it is."""
    together = threading.Barrier(2)

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        reader = Reader(sock)
        while (asked := reader.request()) is not None:
            seen.append(asked.target.decode())
            if asked.target == b"/die" and seen.count("/die") <= times:
                end(sock)
                return
            if asked.target == b"/together":
                together.wait(20)
            content = answer() if asked.method != b"HEAD" else b"HTTP/1.1 200 OK\r\n\r\n"
            sock.sendall(content)

    return RawServer(handler)


def dying_http2(seen: list[str], times: int = 1) -> RawServer:
    """Return the same for HTTP/2."""

    def script(peer: Http2Peer) -> None:
        while True:
            request = peer.request()
            path = (request.get(b":path") or b"").decode()
            seen.append(path)
            if path == "/die" and seen.count("/die") <= times:
                peer._sock.shutdown(socket.SHUT_WR)
                peer.until_closed()
                return
            peer.respond(request.stream, body=b"" if request.get(b":method") == b"HEAD" else b"ok")

    return http2_server(script)


def nothing(sock: socket.socket) -> None:
    """Close, as every handler does at its end."""


async def _races(place: Place, end: Callable[[socket.socket], object]) -> None:
    for method in REPEATABLE + OTHERS:
        seen: list[str] = []
        server = dying(end, seen) if place.speech is HTTP1 else dying_http2(seen)
        with server:
            async with place.client() as client:
                await client.get(f"{server.url}/first")
                content: dict[str, Any] = {} if method in ("GET", "HEAD") else {"content": b"body"}
                if method in REPEATABLE:
                    response = await client.request(method, f"{server.url}/die", **content)
                    assert response.status_code == 200
                    place.assert_whole(client, idle=1)
                else:
                    error = await error_of(client.request(method, f"{server.url}/die", **content), *DIED)
                    require(error, type(error), "127.0.0.1", f"{server.url}/die")
                    place.assert_whole(client, idle=0)
        assert seen == ["/first", "/die", "/die"][: 3 if method in REPEATABLE else 2], method
        assert len(server.connections) == (2 if method in REPEATABLE else 1)


@fault(2, "closed under a request on a used connection", over=BOTH)
async def _(place: Place) -> None:
    await _races(place, nothing)


@fault(2, "reset under a request on a used connection")
async def _(place: Place) -> None:
    await _races(place, reset)


@fault(1, "closed on a new connection, always", over=TWO)
async def _(place: Place) -> None:
    for method, times in (("GET", 2), ("POST", 1)):
        seen: list[str] = []
        with dying_http2(seen, times=99) as server:
            async with place.client() as client:
                error = await error_of(client.request(method, f"{server.url}/die"), *DIED)
                require(error, borzoi.RemoteProtocolError, "without sending a response", f"{server.url}/die")
                place.assert_whole(client, idle=0)
        # The connection may be an old one to the server: over HTTP/2 what may be repeated is, and once.
        assert seen == ["/die"] * times
        assert len(server.connections) == times


@fault(2, "closed under a request on each used connection: sent once more, and no more than that")
async def _(place: Place) -> None:
    seen: list[str] = []
    with dying(nothing, seen, times=99) as server:
        async with place.client() as client:
            # Two idle connections: the second try is made on neither.
            await place.world.gather(*[lambda: client.get(f"{server.url}/together")] * 2)
            place.assert_whole(client, idle=2)
            error = await error_of(client.get(f"{server.url}/die"), *DIED)
            require(error, borzoi.RemoteProtocolError, "without sending a response", f"{server.url}/die")
            place.assert_whole(client, idle=1)
        assert len(server.connections) == 3
    assert seen == ["/together", "/together", "/die", "/die"]


@fault(2, "closed under a request on a used connection, and then on a new one", over=TWO)
async def _(place: Place) -> None:
    seen: list[str] = []
    with dying_http2(seen, times=99) as server:
        async with place.client() as client:
            await client.get(f"{server.url}/first")
            error = await error_of(client.get(f"{server.url}/die"), *DIED)
            require(error, borzoi.RemoteProtocolError, "without sending a response", f"{server.url}/die")
            place.assert_whole(client, idle=0)
        assert len(server.connections) == 2
    assert seen == ["/first", "/die", "/die"]


@fault(4, "closed in the head on a used connection: some of the answer has come, and nothing is sent again")
async def _(place: Place) -> None:
    for said in (b"H", b"HTTP/1.1 200 OK\r\nA: b", b"HTTP/1.1 103 Early Hints\r\n\r\n"):
        seen: list[str] = []
        with dying(lambda sock, said=said: sock.sendall(said), seen) as server:  # type: ignore[misc]
            async with place.client() as client:
                await client.get(f"{server.url}/first")
                text = "without sending a complete response head"
                await place.fails(client, f"{server.url}/die", borzoi.RemoteProtocolError, text)
                place.assert_whole(client, idle=0)
        assert seen == ["/first", "/die"]


@fault(2, "a body that cannot be sent again", over=BOTH)
async def _(place: Place) -> None:
    seen: list[str] = []

    def pieces() -> Any:
        yield b"once"

    async def apieces() -> Any:
        yield b"once"

    with dying(nothing, seen) if place.speech is HTTP1 else dying_http2(seen) as server:
        async with place.client() as client:
            await client.get(f"{server.url}/first")
            content = apieces() if place.world.is_async else pieces()
            error = await error_of(client.put(f"{server.url}/die", content=content), *DIED)
            require(error, type(error), "127.0.0.1", f"{server.url}/die")
            place.assert_whole(client, idle=0)
    assert seen == ["/first", "/die"]


@fault(3, "an idle connection that the server closed", over=BOTH)
async def _(place: Place) -> None:
    closed = threading.Event()
    again: list[int] = []

    def handler(sock: socket.socket) -> None:
        Reader(sock).request()
        sock.sendall(answer())
        end(sock)

    def script(peer: Http2Peer) -> None:
        request = peer.request()
        peer.respond(request.stream, body=b"ok")
        end(peer._sock)

    def end(sock: socket.socket) -> None:
        again.append(1)
        server.until(go)
        sock.shutdown(socket.SHUT_WR)
        closed.set()
        with contextlib.suppress(OSError):
            while sock.recv(65536):
                pass

    with gates(1) as (go,):
        server = RawServer(handler) if place.speech is HTTP1 else http2_server(script)
        with server:
            async with place.client() as client:
                for method in ("POST", "POST"):
                    response = await client.request(method, server.url)
                    assert response.text == "ok"
                    go.set()
                    await place.world.wait_for(closed)
                    await settle(place.world)
                    closed.clear()
                place.assert_whole(client)
            assert len(server.connections) == 2


@fault(7, "an idle connection of an unknown fate expires", over=BOTH)
async def _(place: Place) -> None:
    clock = HandClock()
    with place.server(lambda got: Answer()) as server:
        async with place.client(clock=clock, limits=Limits(keepalive_expiry=5)) as client:
            for _ in range(2):
                assert (await client.get(server.url)).text == "ok"
                clock.advance(5.1)
            assert len(server.connections) == 2


@fault(7, "nothing at all", over=TWO)
async def _(place: Place) -> None:
    def handler(sock: socket.socket) -> None:
        if len(server.connections) == 1:
            # Not even SETTINGS, by which the server would show that it is there.
            silent(sock)
            return
        with contextlib.suppress(EOFError):
            peer = Http2Peer(sock, {})
            peer.respond(peer.request().stream, body=b"ok")
            peer.until_closed()

    with RawServer(handler) as server:
        async with place.client(timeout=Timeout(20, read=0.1)) as client:
            await place.fails(client, f"{server.url}/a", borzoi.ReadTimeout, "0.1 s")
            place.assert_whole(client, idle=0)
            assert (await client.get(server.url, timeout=20)).text == "ok"
        assert len(server.connections) == 2


@fault(7, "nothing any more on a used connection", over=TWO)
async def _(place: Place) -> None:
    def script(peer: Http2Peer) -> None:
        while (request := peer.request()).get(b":path") != b"/silent":
            peer.respond(request.stream, body=b"ok")
        peer.until_closed()

    with http2_server(script) as server:
        async with place.client() as client:
            assert (await client.get(server.url)).text == "ok"
            url = f"{server.url}/silent"
            await place.fails(client, url, borzoi.ReadTimeout, "0.1 s", timeout=Timeout(20, read=0.1))
            place.assert_whole(client, idle=0)
            assert (await client.get(server.url)).text == "ok"
        assert len(server.connections) == 2


def speaking_up(go: threading.Event, spoke: threading.Event, words: bytes) -> RawServer:
    """Return a server that says something on its own after its first answer."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        reader = Reader(sock)
        assert reader.request() is not None
        sock.sendall(answer())
        if len(server.connections) == 1:
            server.until(go)
            sock.sendall(words)
            spoke.set()
        while reader.request() is not None:
            sock.sendall(answer(b"poisoned"))

    server = RawServer(handler)
    return server


@fault(23, "bytes on an idle connection")
async def _(place: Place) -> None:
    for words in (b"?", answer(b"EVIL"), b"HTTP/1.1 408 Request Timeout\r\n\r\n"):
        spoke = threading.Event()
        with gates(1) as (go,), speaking_up(go, spoke, words) as server:
            async with place.client() as client:
                assert (await client.get(server.url)).text == "ok"
                go.set()
                await place.world.wait_for(spoke)
                await settle(place.world)
                assert (await client.post(server.url)).text == "ok"
                place.assert_whole(client, idle=1)
            assert len(server.connections) == 2


@fault(23, "frames that must not be on an idle connection", over=TWO)
async def _(place: Place) -> None:
    spoke = threading.Event()

    def script(peer: Http2Peer) -> None:
        without_delay(peer._sock)
        while True:
            request = peer.request()
            peer.respond(request.stream, body=b"ok")
            if len(server.connections) == 1:
                server.until(go)
                peer.send_raw(b"\x00\x00\x01\x00\x01\x00\x00\x00\x63?")
                spoke.set()

    with gates(1) as (go,), http2_server(script) as server:
        async with place.client() as client:
            assert (await client.get(server.url)).text == "ok"
            go.set()
            await place.world.wait_for(spoke)
            await settle(place.world)
            assert (await client.get(server.url)).text == "ok"
            place.assert_whole(client, idle=1)
        assert len(server.connections) == 2


# 55: leave to send a body.

EXPECT = {"Expect": "100-continue"}


@fault(55, "leave that never comes", over=BOTH)
async def _(place: Place) -> None:
    def respond(got: Got) -> Answer:
        return Answer(body=got.body)

    with place.server(respond) as server:
        async with place.client(timeout=Timeout(20, read=0.5)) as client:
            # The wait is no longer than any read.
            response = await client.put(server.url, content=b"body", headers=EXPECT)
            assert response.text == "body"
            place.assert_whole(client, idle=1)


@fault(55, "another answer instead")
async def _(place: Place) -> None:
    for status in (b"413 Content Too Large", b"401 Unauthorized"):
        received: list[bytes] = []

        def handler(sock: socket.socket, status: bytes = status, received: list[bytes] = received) -> None:
            reader = Reader(sock)
            while reader.head() is not None:
                sock.sendall(answer(b"no", status=status))
                received.append(sock.recv(65536))

        with RawServer(handler) as server:
            async with place.client() as client:
                response = await client.put(server.url, content=b"body", headers=EXPECT)
                assert (response.status_code, response.text) == (int(status[:3]), "no")
                place.assert_whole(client, idle=0)
        assert b"".join(received) == b""


@fault(55, "another answer instead", over=TWO)
async def _(place: Place) -> None:
    bodies: list[bytearray] = []

    def script(peer: Http2Peer) -> None:
        for status in (413, 401):
            request = peer.head()
            peer.respond(request.stream, status=status, body=None)
            # Who answers this has seen the head, and that the body is not wanted.
            peer.send_raw(ping())
            peer.until(lambda: any(isinstance(event, PingAckReceived) for event in peer.events))
            peer.events.clear()
            peer.send_body(request.stream, b"no", end=True)
            peer.until(lambda request=request: request.reset_code is not None)  # type: ignore[misc]
            bodies.append(request.body)
        ok = peer.request()
        peer.respond(ok.stream, body=b"ok")
        peer.until_closed()

    with http2_server(script) as server:
        async with place.client() as client:
            for status in (413, 401):
                response = await client.put(server.url, content=b"body", headers=EXPECT)
                assert (response.status_code, response.text) == (status, "no")
                place.assert_whole(client, idle=1)
            assert (await client.get(server.url)).text == "ok"
        assert len(server.connections) == 1
    assert bodies == [b"", b""]


def once_only() -> Iterator[bytes]:
    """Yield a body that cannot be sent again."""
    yield b"body"


async def once_only_async() -> AsyncIterator[bytes]:
    """Yield the same in a task."""
    yield b"body"


async def assert_asks_no_more(place: Place, url: str, bodies: list[bytes]) -> None:
    """Hold the one rule of 417: the request comes again without asking, if that can be."""
    async with place.client(max_redirects=0) as client:
        response = await client.put(url, content=b"body", headers=EXPECT)
        assert (response.status_code, response.text, response.history) == (200, "body", [])
        assert "Expect" not in response.request.headers
        assert bodies == [b"", b"body"]

        source = once_only() if place.world.name == "blocking" else once_only_async()
        response = await client.put(url, content=source, headers=EXPECT)
        assert (response.status_code, response.text) == (417, "no")
        response = await client.put(url, headers={"Expect": "more"})
        assert response.status_code == 417
    assert bodies == [b"", b"body", b"", b""]


@fault(55, "a 417")
async def _(place: Place) -> None:
    bodies: list[bytes] = []

    def handler(sock: socket.socket) -> None:
        reader = Reader(sock)
        while (asked := reader.head()) is not None:
            if b"expect" in asked.headers:
                bodies.append(b"")
                sock.sendall(answer(b"no", status=b"417 Expectation Failed"))
            else:
                bodies.append(reader.whole(asked).body)
                sock.sendall(answer(bodies[-1]))

    with RawServer(handler) as server:
        await assert_asks_no_more(place, server.url, bodies)


@fault(55, "a 417", over=TWO)
async def _(place: Place) -> None:
    bodies: list[bytes] = []

    def script(peer: Http2Peer) -> None:
        while True:
            request = peer.head()
            if request.get(b"expect"):
                bodies.append(b"")
                peer.respond(request.stream, status=417, body=b"no")
            else:
                peer.until(lambda request=request: len(request.body) == 4)  # type: ignore[misc]
                bodies.append(bytes(request.body))
                peer.respond(request.stream, body=bodies[-1])

    with http2_server(script) as server:
        await assert_asks_no_more(place, server.url, bodies)


@fault(55, "an end instead", over=BOTH)
async def _(place: Place) -> None:
    def handler(sock: socket.socket) -> None:
        Reader(sock).head()

    def script(peer: Http2Peer) -> None:
        peer.head()
        peer._sock.shutdown(socket.SHUT_WR)
        peer.until_closed()

    # Over HTTP/2 it is asked for once more, since the method allows that.
    with RawServer(handler) if place.speech is HTTP1 else http2_server(script) as server:
        async with place.client() as client:
            await place.fails(
                client,
                f"{server.url}/a",
                borzoi.RemoteProtocolError,
                "without sending a response",
                method="PUT",
                content=b"body",
                headers=EXPECT,
            )
            place.assert_whole(client, idle=0)


# 56: an answer before the end of the body.


@fault(56, "413 while the body is sent, then a reset")
async def _(place: Place) -> None:
    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        Reader(sock).head()
        sock.sendall(answer(b"too large", status=b"413 Content Too Large"))
        reset(sock)

    with RawServer(handler, receive_buffer=65536) as server:
        async with place.client() as client:
            response = await client.post(server.url, content=b"x" * 20_000_000)
            assert (response.status_code, response.text) == (413, "too large")
            place.assert_whole(client, idle=0)


@fault(56, "413 while the body is sent, then silence")
async def _(place: Place) -> None:
    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        Reader(sock).head()
        sock.sendall(answer(b"too large", status=b"413 Content Too Large"))
        server.until(done)

    with gates(1) as (done,), RawServer(handler, receive_buffer=65536) as server:
        async with place.client(timeout=Timeout(20, write=0.1)) as client:
            response = await client.post(server.url, content=b"x" * 20_000_000)
            assert (response.status_code, response.text) == (413, "too large")
            place.assert_whole(client, idle=0)
        done.set()


@fault(56, "413 while the body is sent", over=TWO)
async def _(place: Place) -> None:
    def script(peer: Http2Peer) -> None:
        peer.holding = True
        while True:
            peer.respond(peer.head().stream, status=413, body=b"too large")

    with http2_server(script) as server:
        async with place.client() as client:
            for _ in range(2):
                response = await client.post(server.url, content=b"x" * 2_000_000)
                assert (response.status_code, response.text) == (413, "too large")
            place.assert_whole(client, idle=1)
        assert len(server.connections) == 1
