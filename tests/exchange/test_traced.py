"""`extensions["trace"]` of a whole request: httpcore's events over HTTP/1.1, in every world."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from borzoi import ReadError, RemoteProtocolError
from tests.exchange.http_peers import Reader, answer, assert_whole, http
from tests.exchange.test_trace import RECORDED
from tests.worlds.peers import RawServer
from tests.worlds.world import World

Keys = list[tuple[str, list[str]]]


def of_http(case: str) -> Keys:
    """Return what was recorded of HTTP/1.1, and not of opening the connection."""
    return [(name, keys) for name, keys in RECORDED[case] if name.startswith("http11.")]


class Told:
    """A program's trace function, plain or async."""

    def __init__(self, world: World) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.function = self._later if world.is_async else self._now

    def _now(self, name: str, info: dict[str, Any]) -> None:
        self.events.append((name, dict(info)))

    async def _later(self, name: str, info: dict[str, Any]) -> None:
        self._now(name, info)

    def recorded(self) -> Keys:
        """Return the events over HTTP/1.1 as they are recorded."""
        return [(name, list(info)) for name, info in self.events if name.startswith("http11.")]


@pytest.mark.parametrize(
    ("case", "method", "body"),
    [("http", "GET", b""), ("http with a body", "POST", b"x"), ("http", "POST", b"x" * 99999)],
)
def test_a_request(world: World, case: str, method: str, body: bytes) -> None:
    """The steps of a request are told in httpcore's order and with its keys, and the head as it was received."""
    told = Told(world)
    with RawServer(http(lambda request: answer(b"hello"))) as server:

        async def check() -> None:
            async with world.client() as client:
                response = await client.request(
                    method, server.url, content=body or None, extensions={"trace": told.function}
                )
                assert response.content == b"hello"
                assert_whole(client, idle=1)

        world.run(check)

    assert told.recorded() == of_http(case)
    received = dict(told.events)["http11.receive_response_headers.complete"]["return_value"]
    assert received[:3] == (b"HTTP/1.1", 200, b"OK")
    assert (b"Content-Length", b"5") in received[3]


def test_a_streamed_body(world: World) -> None:
    """The end of a body is told once, however many pieces it comes in."""
    told = Told(world)

    def serve(sock: socket.socket) -> None:
        Reader(sock).head()
        for piece in (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"ab", b"cd"):
            sock.sendall(piece)
        sock.recv(1)

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                response = await client.get(server.url, extensions={"trace": told.function})
                assert response.content == b"abcd"

        world.run(check)

    assert told.recorded() == of_http("http")


def test_a_body_cut_short(world: World) -> None:
    """A failure is told with its exception, and the end after it."""
    told = Told(world)

    def serve(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                with pytest.raises(RemoteProtocolError):
                    await client.get(server.url, extensions={"trace": told.function})
                assert_whole(client, idle=0)

        world.run(check)

    assert told.recorded() == of_http("a body cut short")


def test_no_answer(world: World) -> None:
    """A server that closes without a word fails the step of the head."""
    told = Told(world)

    def serve(sock: socket.socket) -> None:
        Reader(sock).head()

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                with pytest.raises((RemoteProtocolError, ReadError)):
                    await client.get(server.url, extensions={"trace": told.function})
                assert_whole(client, idle=0)

        world.run(check)

    assert told.recorded() == of_http("no answer")


def test_a_connection_that_died_is_replaced(world: World) -> None:
    """A traced request is repeated on a new connection as any other is, and its steps are told again."""
    told = Told(world)
    answered: list[int] = []

    def serve(sock: socket.socket) -> None:
        reader = Reader(sock)
        reader.head()
        answered.append(1)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if len(answered) == 1:
            reader.head()
        else:
            sock.recv(1)

    with RawServer(serve) as server:

        async def check() -> None:
            async with world.client() as client:
                await client.get(server.url)
                response = await client.get(server.url, extensions={"trace": told.function})
                assert response.text == "ok"

        world.run(check)

    names = [name for name, _ in told.recorded()]
    assert names.count("http11.send_request_headers.complete") == 2
    assert names[-1] == "http11.response_closed.complete"
