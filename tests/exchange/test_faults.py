"""What a broken peer leads to, in every world: the right error, its text and request, and a pool that is whole."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import Timeout
from tests.exchange.http_peers import Asked, Reader, answer, assert_whole, chunked, echo_target, gates, http
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, reset, say_goodbye
from tests.worlds.world import World

OK = b"HTTP/1.1 200 OK\r\n"


def after_request(act: Callable[[socket.socket], object]) -> Callable[[socket.socket], object]:
    """Return a handler that reads one request, and then acts."""

    def handler(sock: socket.socket) -> None:
        Reader(sock).request()
        act(sock)

    return handler


def says_and_waits(data: bytes) -> Callable[[socket.socket], object]:
    """Return a handler that answers one request with `data`, and waits for the client to close."""

    def act(sock: socket.socket) -> None:
        sock.sendall(data)
        while sock.recv(65536):
            pass

    return after_request(act)


def says_and_closes(data: bytes) -> Callable[[socket.socket], object]:
    """Return a handler that answers one request with `data`, and closes."""
    return after_request(lambda sock: sock.sendall(data))


def fails(world: World, handler: Any, error: type[Exception], match: str, method: str = "GET", **settings: Any) -> None:
    """Check one request: its error, with the peer in its text and the request on it, and what is left of the pool."""

    async def body() -> None:
        async with world.client(**{"timeout": 20, **settings}) as client:
            with pytest.raises(error, match=match) as caught:
                await client.request(method, f"{server.url}/asked")
            assert type(caught.value) is error
            assert f"127.0.0.1:{server.port}" in str(caught.value)
            assert caught.value.request.url.path == "/asked"  # type: ignore[attr-defined]
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)
        server.wait_for_connections(1)  # a short time-out may be over before a busy server accepts
        assert len(server.connections) == 1


HEADS = {
    "1 close before any byte": (b"", "without sending a response"),
    "4 close in the status line": (b"HTTP/1.1 20", "without sending a complete response head"),
    "4 close in the headers": (OK + b"Content-Le", "without sending a complete response head"),
    "5 sized body cut": (OK + b"Content-Length: 10\r\n\r\n12345", "received 5 bytes, expected 10"),
    "5 sized body missing": (OK + b"Content-Length: 10\r\n\r\n", "received 0 bytes, expected 10"),
    "5 cut in a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "incomplete chunked read"),
    "5 cut between chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "incomplete chunked read"),
    "5 cut in the last chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", "incomplete chunked read"),
}


@pytest.mark.parametrize("row", HEADS)
def test_a_response_cut_short(world: World, row: str) -> None:
    """A response that ends before its end is a RemoteProtocolError, on a new connection never a second request."""
    data, match = HEADS[row]
    fails(world, says_and_closes(data), borzoi.RemoteProtocolError, match)


BROKEN = {
    "10 endless headers": OK + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 5000) for n in range(40)),
    "10 one endless header": OK + b"X: " + b"a" * 300_000,
    "10 endless status line": b"HTTP/1.1 200 " + b"a" * 300_000,
    "11 6000 small headers": OK + b"A: b\r\n" * 6000 + b"\r\n",
    "12 103 flood": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 200,
    "12 100 flood": b"HTTP/1.1 100 Continue\r\n\r\n" * 200,
    "13 unsolicited 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "14 endless chunk extension": OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 300_000,
    "14 endless trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 60_000,
    "15 differing lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab",
    "15 list": OK + b"Content-Length: 2, 3\r\n\r\nab",
    "15 plus": OK + b"Content-Length: +2\r\n\r\nab",
    "15 minus": OK + b"Content-Length: -2\r\n\r\nab",
    "15 underscore": OK + b"Content-Length: 1_0\r\n\r\n1234567890",
    "15 30 digits": OK + b"Content-Length: 100000000000000000000000000000\r\n\r\nab",
    "16 equal lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "17 length and chunked": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "17 chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "18 xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "18 chunked, identity": OK + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "19 chunk size -2": OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n",
    "19 chunk size 0x2": OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
    "19 chunk size 40 f": OK + b"Transfer-Encoding: chunked\r\n\r\n40 f\r\nab\r\n0\r\n\r\n",
    "19 bad CRLF": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n",
    "19 bare LF": OK + b"Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n",
    "20 bare LF head": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab\r\n\r\n",
    "20 obs-fold": OK + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nab",
    "20 HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
    "21 NUL": OK + b"A: b\x00c\r\nContent-Length: 2\r\n\r\nab",
    "21 bare CR": OK + b"A: b\rc\r\nContent-Length: 2\r\n\r\nab",
    "21 space before colon": OK + b"A : b\r\nContent-Length: 2\r\n\r\nab",
    "21 no colon": OK + b"Abc\r\nContent-Length: 2\r\n\r\nab",
    "21 empty name": OK + b": b\r\nContent-Length: 2\r\n\r\nab",
    "21 HTTP/0.9": b"<html>hello</html>\r\n\r\n",
}


@pytest.mark.parametrize("row", BROKEN)
def test_a_malformed_response(world: World, row: str) -> None:
    """What is not sound HTTP/1.1 is a RemoteProtocolError at once, and the connection is closed."""
    fails(world, says_and_waits(BROKEN[row]), borzoi.RemoteProtocolError, ".")


def test_bytes_that_came_before_the_cut_stay_valid(world: World) -> None:
    """5: what was yielded of a body stays good, the rest is an error."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with client.stream("GET", server.url) as response:
                chunks = response.aiter_bytes()
                assert await anext(chunks) == b"12345"
                with pytest.raises(borzoi.RemoteProtocolError, match="received 5 bytes, expected 10") as caught:
                    await anext(chunks)
            assert caught.value.request.method == "GET"
            assert_whole(client, idle=0)

    with RawServer(says_and_closes(OK + b"Content-Length: 10\r\n\r\n12345")) as server:
        world.run(body)


def test_a_reset_in_the_body(world: World) -> None:
    """6: RST in the middle of a body is a ReadError."""
    with gates(1) as (go,):

        def act(sock: socket.socket) -> None:
            sock.sendall(OK + b"Content-Length: 10\r\n\r\n12345")
            server.until(go)
            reset(sock)

        async def body() -> None:
            async with world.client(timeout=20) as client:
                async with client.stream("GET", server.url) as response:
                    chunks = response.aiter_bytes()
                    assert await anext(chunks) == b"12345"
                    go.set()
                    with pytest.raises(borzoi.ReadError, match=f"127.0.0.1:{server.port}.*eset") as caught:
                        await anext(chunks)
                assert caught.value.request.url == server.url
                assert_whole(client, idle=0)

        with RawServer(after_request(act)) as server:
            world.run(body)


def test_a_peer_that_falls_silent(world: World) -> None:
    """7: a peer that neither answers nor closes is a ReadTimeout."""
    fails(world, says_and_waits(b""), borzoi.ReadTimeout, "0.05 s", timeout=Timeout(20, read=0.05))
    fails(
        world,
        says_and_waits(OK + b"Content-Length: 9\r\n\r\na"),
        borzoi.ReadTimeout,
        ".",
        timeout=Timeout(20, read=0.05),
    )


def dribbling(head: bytes, stop: threading.Event) -> Callable[[socket.socket], object]:
    """Return a handler that sends a head, and then one byte after the other, some milliseconds apart, for ever."""

    def act(sock: socket.socket) -> None:
        sock.sendall(head)
        while not stop.wait(0.02):
            sock.sendall(b"a")

    return after_request(act)


@pytest.mark.parametrize("timeout", [Timeout(20, read=0.2), Timeout(20, total=0.2)])
def test_a_dribbled_head_has_an_end(world: World, timeout: Timeout) -> None:
    """8: a head that comes byte by byte is given up when one read's time is over, or the total."""
    with gates(1) as (stop,):
        fails(world, dribbling(OK + b"X: ", stop), borzoi.ReadTimeout, "0.2 s", timeout=timeout)


def test_a_dribbled_body_has_an_end(world: World) -> None:
    """9: a body that comes byte by byte is given up when the total time-out is over, which the error says."""
    with gates(1) as (stop,):
        handler = dribbling(OK + b"Content-Length: 1000000\r\n\r\n", stop)
        fails(world, handler, borzoi.ReadTimeout, "total time-out of 0.2 s", timeout=Timeout(20, total=0.2))


def test_a_slow_head_in_time_is_no_error(world: World) -> None:
    """A head that comes in pieces, interim responses among them, is received."""
    pieces = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"

    def act(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(pieces)):
            sock.sendall(pieces[index : index + 1])

    async def body() -> None:
        for timeout in (20, None):
            async with world.client(timeout=timeout) as client:
                assert (await client.get(server.url)).text == "ab"

    with RawServer(after_request(act)) as server:
        world.run(body)


@pytest.mark.parametrize(
    ("method", "status"), [("GET", b"204 No Content"), ("GET", b"304 Not Modified"), ("HEAD", b"200 OK")]
)
def test_a_body_where_none_may_be(world: World, method: str, status: bytes) -> None:
    """24: a body on 204, 304 or HEAD is nobody's: it is ignored and its connection closed."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            for _ in range(2):
                response = await client.request(method, server.url)
                assert response.content == b""
                assert_whole(client, idle=0)

    with RawServer(http(lambda _: answer(b"a body that must not be", status=status))) as server:
        world.run(body)
        assert len(server.connections) == 2


@pytest.mark.parametrize(
    ("method", "status"), [("GET", b"204 No Content"), ("GET", b"304 Not Modified"), ("HEAD", b"200 OK")]
)
def test_no_body_where_none_may_be(world: World, method: str, status: bytes) -> None:
    """A length on 204, 304 or HEAD announces nothing, and the connection is kept."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            for _ in range(2):
                assert (await client.request(method, server.url)).content == b""
            assert_whole(client, idle=1)

    with RawServer(http(lambda _: b"HTTP/1.1 " + status + b"\r\nContent-Length: 9\r\n\r\n")) as server:
        world.run(body)
        assert len(server.connections) == 1


WHOLE = {
    "sized": answer(b"hello"),
    "empty": answer(b""),
    "chunked": chunked(b"he", b"llo"),
    "until close": OK + b"\r\nhello",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "large": answer(b"x" * 3_000_000),
    "many chunks": chunked(*[b"y" * 100] * 3000),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_sound_responses(world: World, kind: str) -> None:
    """However the end of a body is told, it arrives whole, and the connection is kept where it can be."""
    closes = kind in ("until close", "HTTP/1.0")
    body_sent = {"empty": b"", "large": b"x" * 3_000_000, "many chunks": b"y" * 300_000}.get(kind, b"hello")

    async def body() -> None:
        async with world.client(timeout=20) as client:
            for _ in range(2):
                response = await client.get(server.url)
                assert response.content == body_sent
                assert response.http_version == ("HTTP/1.0" if kind == "HTTP/1.0" else "HTTP/1.1")
            assert_whole(client, idle=0 if closes else 1)

    handler = says_and_closes(WHOLE[kind]) if closes else http(lambda _: WHOLE[kind])
    with RawServer(handler) as server:
        world.run(body)
        assert len(server.connections) == (2 if closes else 1)


def test_a_body_that_is_closed_early(world: World) -> None:
    """A streamed response that is closed before its end has its connection closed."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with client.stream("GET", server.url) as response:
                assert response.status_code == 200
            assert_whole(client, idle=0)

    with RawServer(http(lambda _: answer(b"x" * 3_000_000))) as server:
        world.run(body)


def test_tls_cut_without_goodbye(world: World) -> None:
    """51: a body that ends with the connection ends with close_notify; without it, it was cut, and that is an error."""
    context = client_context()

    def cut(sock: socket.socket) -> None:
        sock.sendall(OK + b"\r\nhello")

    def ended(sock: socket.socket) -> None:
        sock.sendall(OK + b"\r\nhello")
        say_goodbye(sock)

    async def body() -> None:
        async with world.client(timeout=20, verify=context) as client:
            with pytest.raises(borzoi.ReadError, match=f"127.0.0.1:{cutting.port}"):
                await client.get(cutting.url)
            assert (await client.get(ending.url)).text == "hello"
            assert_whole(client, idle=0)

    with (
        RawServer(after_request(cut), tls=server_context()) as cutting,
        RawServer(after_request(ended), tls=server_context()) as ending,
    ):
        world.run(body)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"])
def test_tls_that_does_not_come_about(world: World, reply: bytes) -> None:
    """52: an end, another protocol or an alert instead of a handshake is a ConnectError that says what happened."""

    def handler(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(reply)

    async def body() -> None:
        async with world.client(timeout=20, verify=client_context()) as client:
            with pytest.raises(borzoi.ConnectError, match=f"127.0.0.1:{server.port}") as caught:
                await client.get(f"https://127.0.0.1:{server.port}")
            assert isinstance(caught.value.__cause__, (ssl.SSLError, OSError))
            assert caught.value.request.url.scheme == "https"
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)


CONTROL = {
    "header value": {"headers": {"X-A": "a\r\nb: c"}},
    "header name": {"headers": {"X-A\r\nb": "c"}},
    "target": {"extensions": {"target": b"/ HTTP/1.1\r\nX: y\r\n\r\n"}},
}


@pytest.mark.parametrize("case", CONTROL)
def test_line_breaks_never_reach_the_wire(world: World, case: str) -> None:
    """34: a line break in a header or target is a LocalProtocolError before a byte is sent."""
    received: list[bytes] = []

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(borzoi.LocalProtocolError):
                await client.get(server.url, **CONTROL[case])
            assert_whole(client, idle=0)

    with RawServer(lambda sock: received.append(sock.recv(65536))) as server:
        world.run(body)
    assert b"".join(received) == b""


def test_a_method_with_a_line_break_never_reaches_the_wire(world: World) -> None:
    """34: nor does one in the method."""
    received: list[bytes] = []

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises((borzoi.LocalProtocolError, ValueError)):
                await client.request("GET / HTTP/1.1\r\nX: y\r\n\r\nGET", server.url)

    with RawServer(lambda sock: received.append(sock.recv(65536))) as server:
        world.run(body)
    assert b"".join(received) == b""


def test_errors_of_several_tasks_are_their_own(world: World) -> None:
    """Each of several requests that fail at once gets an error of its own, with its own request."""

    async def body() -> None:
        async with world.client(timeout=20) as client:

            async def ask(number: int) -> borzoi.RemoteProtocolError:
                with pytest.raises(borzoi.RemoteProtocolError) as caught:
                    await client.get(f"{server.url}/{number}")
                return caught.value

            errors = await world.gather(*(lambda n=n: ask(n) for n in range(5)))
            assert [error.request.url.path for error in errors] == [f"/{n}" for n in range(5)]
            assert len({id(error) for error in errors}) == 5
            assert_whole(client, idle=0)

    with RawServer(says_and_closes(b"")) as server:
        world.run(body)


def test_a_response_after_an_error_is_sound(world: World) -> None:
    """After a fault the same client goes on with a new connection."""

    def respond(asked: Asked) -> bytes:
        return b"garbage\r\n\r\n" if asked.target == b"/bad" else echo_target(asked)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            for _ in range(3):
                assert (await client.get(f"{server.url}/good")).text == "/good"
                with pytest.raises(borzoi.RemoteProtocolError):
                    await client.get(f"{server.url}/bad")
            assert_whole(client, idle=0)

    with RawServer(http(respond)) as server:
        world.run(body)
        # A GET whose answer is garbage was answered: it is not sent again.
        assert len(server.connections) == 3
