"""Server-sent events over real connections, in every world: as they come, after the connection broke, and given up."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from borzoi import RemoteProtocolError

from .facade import BlockingClient, _Iterator
from .peers import RawServer
from .world import World

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def receive(sock: socket.socket) -> bytes:
    """Return one request, whose body is in its last packet."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = sock.recv(65536)
        if not data:
            return b""
        request += data
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@asynccontextmanager
async def subscribed(client: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
    """Subscribe in either world."""
    if isinstance(client, BlockingClient):
        with client.wrapped.sse(*args, **kwargs) as source:
            yield _Iterator(iter(source))
    else:
        async with client.sse(*args, **kwargs) as source:
            yield source


def test_events_come_one_by_one(world: World) -> None:
    """An event is given when it is whole, and not when the next one comes; here the answer to a POST."""
    was_read = threading.Event()
    requests: list[bytes] = []

    def handler(sock: socket.socket) -> None:
        requests.append(receive(sock))
        sock.sendall(HEAD + chunk(b"data: 1\r\n\r"))
        server.until(was_read)
        sock.sendall(chunk(b"\ndata: 2\n\n") + b"0\r\n\r\n")

    async def body() -> list[str]:
        received: list[str] = []
        async with world.client() as client, subscribed(client, server.url, method="POST", json={"a": 1}) as source:
            async for event in source:
                received.append(event.data)
                was_read.set()
        return received

    with RawServer(handler) as server:
        assert world.run(body) == ["1", "2"]
    assert requests[0].startswith(b"POST / HTTP/1.1\r\n")
    assert requests[0].endswith(b'\r\n\r\n{"a":1}')


def test_connection_that_breaks(world: World) -> None:
    """A connection that is cut or ends is made again, and continues from the last event that was whole."""
    requests: list[bytes] = []
    bodies = [
        chunk(b"retry: 1\nid: 1\ndata: a\n\nid: 2\ndata: lo"),
        chunk(b"id: 2\ndata: b\n\n") + b"0\r\n\r\n",
        b"",
    ]

    def handler(sock: socket.socket) -> None:
        while request := receive(sock):
            requests.append(request)
            body = bodies[len(requests) - 1]
            sock.sendall(HEAD + body if body else b"HTTP/1.1 204 No Content\r\n\r\n")
            if not body.endswith(b"0\r\n\r\n"):
                return

    async def body() -> list[str]:
        async with world.client() as client, subscribed(client, server.url, reconnect=1) as source:
            return [event.data async for event in source]

    with RawServer(handler) as server:
        assert world.run(body) == ["a", "b"]
    ids = [[line for line in request.split(b"\r\n") if line.startswith(b"Last-Event-ID")] for request in requests]
    assert ids == [[], [b"Last-Event-ID: 1"], [b"Last-Event-ID: 2"]]


def test_broken_connection_is_an_error(world: World) -> None:
    """Unless reconnecting was asked for, a connection that is cut is an error."""

    def handler(sock: socket.socket) -> None:
        receive(sock)
        sock.sendall(HEAD + chunk(b"data: a\n\n"))

    async def body() -> None:
        async with world.client() as client, subscribed(client, server.url) as source:
            walk = aiter(source)
            assert (await anext(walk)).data == "a"
            with pytest.raises(RemoteProtocolError):
                await anext(walk)

    with RawServer(handler) as server:
        world.run(body)


def test_waiting_can_be_cancelled(async_world: World) -> None:
    """A task that waits, for an event or before it reconnects, is cancelled at once; its connection is closed."""

    def handler(sock: socket.socket) -> None:
        receive(sock)
        sock.sendall(HEAD + chunk(b"retry: 300000\ndata: a\n\n"))
        if len(server.connections) == 1:
            assert sock.recv(1) == b""

    async def body() -> None:
        async with async_world.client() as client:
            for _ in range(2):
                received: list[str] = []
                came = threading.Event()

                async def subscribe(received: list[str] = received, came: threading.Event = came) -> None:
                    async with client.sse(server.url, reconnect=1) as source:
                        async for event in source:
                            received.append(event.data)
                            came.set()

                async with async_world.tasks() as tasks:
                    subscribed = tasks.start(subscribe)
                    await async_world.wait_for(came)
                    await async_world.backend().sleep(0.02)
                    subscribed.cancel()
                assert subscribed.cancelled
                assert received == ["a"]

    with RawServer(handler) as server:
        async_world.run(body)
