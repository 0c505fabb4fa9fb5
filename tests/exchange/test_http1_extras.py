"""What HTTP/1.1 has besides requests and responses: 100 (Continue), interim responses, trailers; in every world."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from borzoi import LocalProtocolError, Response
from borzoi._wire.http1 import Http1
from tests.exchange.http_peers import Reader, answer, assert_whole
from tests.wire.feeding import ask
from tests.worlds.peers import RawServer
from tests.worlds.world import World

EXPECTING = {"Expect": "100-continue"}


def pieces(world: World) -> Any:
    """Return a body in pieces, of the world's kind."""

    async def later() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two"):
            yield piece

    return later() if world.is_async else iter((b"one", b"two"))


def callback_of(world: World, told: list[tuple[int, str | None]]) -> Callable[[Response], Any]:
    """Return a function of the world's kind that notes interim responses."""

    def note(response: Response) -> None:
        told.append((response.status_code, response.headers.get("link")))

    async def later(response: Response) -> None:
        note(response)

    return later if world.is_async else note


def test_the_body_waits_for_its_leave(world: World) -> None:
    """With Expect: 100-continue the body is sent once the server asks for it, and the connection lives on."""
    before_leave: list[bytes] = []

    def serve(sock: socket.socket) -> None:
        reader = Reader(sock)
        reader.head()
        sock.setblocking(False)
        try:
            before_leave.append(sock.recv(100))
        except BlockingIOError:
            before_leave.append(b"")
        sock.setblocking(True)
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert sock.recv(100) == b"hello"
        sock.sendall(answer(b"thanks"))
        sock.recv(1)

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                response = await client.post(server.url, content=b"hello", headers=EXPECTING)
                assert response.text == "thanks"
                assert_whole(client, idle=1)

        world.run(check)
    assert before_leave == [b""]


def test_a_body_that_is_not_wanted_is_not_sent(world: World) -> None:
    """A final answer in place of 100 is the answer: no body follows, and the connection is not used again."""
    after: list[bytes] = []

    def serve(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        after.append(sock.recv(100))

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                response = await client.put(server.url, content=pieces(world), headers=EXPECTING)
                assert response.status_code == 417
                assert_whole(client, idle=0)

        world.run(check)
    assert after == [b""]


def test_interim_responses_are_told(world: World) -> None:
    """Each 1xx is told once and in order, with its headers, be it alone or together with the answer."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </%d>\r\n\r\n"

    def serve(sock: socket.socket) -> None:
        reader = Reader(sock)
        reader.head()
        sock.sendall(early % 1)
        seen.wait(5)
        sock.sendall(early % 2 + b"HTTP/1.1 102 Processing\r\n\r\n" + answer(b"done"))
        sock.recv(1)

    seen = threading.Event()
    told: list[tuple[int, str | None]] = []
    note = callback_of(world, told)

    def heard(response: Response) -> Any:
        seen.set()
        return note(response)

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                response = await client.get(server.url, extensions={"on_informational": heard})
                assert response.text == "done"

        world.run(check)
    assert told == [(103, "</1>"), (103, "</2>"), (102, None)]


def test_a_callback_of_the_other_world_is_refused(world: World) -> None:
    """A function of the wrong kind is a TypeError, and the connection is closed."""

    def plain(response: Response) -> None: ...

    async def later(response: Response) -> None: ...

    def serve(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"done"))
        sock.recv(1)

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                with pytest.raises(TypeError, match="Invalid callback"):
                    await client.get(server.url, extensions={"on_informational": plain if world.is_async else later})
                assert_whole(client, idle=0)

        world.run(check)


def test_trailers_of_a_response(world: World) -> None:
    """They are there once the body was read, and are no part of the headers."""

    def serve(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        begun.wait(5)
        sock.sendall(b"0\r\nDigest: abc\r\nX: 1\r\n\r\n")
        sock.recv(1)

    begun = threading.Event()
    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client, client.stream("GET", server.url) as response:
                assert not response.trailers
                begun.set()
                await response.aread()
                assert response.text == "ok"
                assert response.trailers.multi_items() == [("digest", "abc"), ("x", "1")]
                assert "digest" not in response.headers

        world.run(check)


@pytest.mark.parametrize("as_function", [False, True])
def test_trailers_of_a_request(world: World, as_function: bool) -> None:
    """They follow a body in chunks; a function is asked for them when the body has gone."""
    received: list[bytes] = []

    def serve(sock: socket.socket) -> None:
        data = b""
        while not data.endswith(b"abc\r\n\r\n"):
            data += sock.recv(1000)
        received.append(data.partition(b"\r\n\r\n")[2])
        sock.sendall(answer(b"ok"))
        sock.recv(1)

    trailers = {"Digest": "abc"}
    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                extensions = {"trailers": (lambda: trailers) if as_function else trailers}
                assert (await client.post(server.url, content=pieces(world), extensions=extensions)).text == "ok"
                assert_whole(client, idle=1)

        world.run(check)
    assert received == [b"3\r\none\r\n3\r\ntwo\r\n0\r\nDigest: abc\r\n\r\n"]


def test_trailers_need_chunks(world: World) -> None:
    """A body whose length is declared has no place for them."""

    def serve(sock: socket.socket) -> None:
        sock.recv(1000)

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                with pytest.raises(LocalProtocolError, match="Trailers follow a body in chunks"):
                    await client.post(server.url, content=b"abc", extensions={"trailers": {"Digest": "abc"}})
                assert_whole(client, idle=0)

        world.run(check)


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"Content-Length", b"1"), (b"Host", b"a"), (b"A b", b"c"), (b"A", b"b\r\nC: d"), (b"", b"b"), (b"A:", b"b")],
)
def test_what_may_not_stand_in_trailers(name: bytes, value: bytes) -> None:
    """Fields that frame or route a message, and malformed ones, are refused."""
    engine: Http1 = ask("POST", (b"Transfer-Encoding", b"chunked"))
    with pytest.raises(LocalProtocolError):
        engine.encode_end([(name, value)])
