"""Peers that speak HTTP/1.1 by script, and a look at a client's pool.

    with RawServer(http(lambda asked: answer(asked.target))) as server: ...

`http()` reads one request after the other and sends what the function returns for each; None closes the connection.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from borzoi import AsyncHTTPTransport, HTTPTransport
from tests.worlds.peers import Handler
from tests.worlds.world import World


class Asked:
    """A request as the peer received it. `turn` counts the requests of its connection from 1."""

    def __init__(self, head: bytes, turn: int) -> None:
        lines = head.split(b"\r\n")
        self.method, self.target, _ = lines[0].split(b" ")
        self.pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines[1:])]
        self.headers = dict(self.pairs)
        self.head = head
        self.body = b""
        self.turn = turn


class Reader:
    """Read requests from a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = b""
        self._turn = 0

    def _more(self) -> bool:
        data = self._sock.recv(65536)
        self._held += data
        return bool(data)

    def head(self) -> Asked | None:
        """Return the next request without its body; None when the client has closed."""
        while b"\r\n\r\n" not in self._held:
            if not self._more():
                return None
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        self._turn += 1
        return Asked(head, self._turn)

    def request(self) -> Asked | None:
        """Return the next request with its body; None when the client has closed."""
        asked = self.head()
        return None if asked is None else self.whole(asked)

    def whole(self, asked: Asked) -> Asked:
        """Return a request with its body, which follows its head."""
        if asked.headers.get(b"transfer-encoding") == b"chunked":
            asked.body = self._chunked()
        else:
            asked.body = self._exactly(int(asked.headers.get(b"content-length", b"0")))
        return asked

    def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            if not self._more():
                raise ConnectionAbortedError("the request was cut short")
        data, self._held = self._held[:size], self._held[size:]
        return data

    def _chunked(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._held:
                if not self._more():
                    raise ConnectionAbortedError("the request was cut short")
            line, _, self._held = self._held.partition(b"\r\n")
            chunk = self._exactly(int(line, 16) + 2)[:-2]
            if not chunk:
                return body
            body += chunk


def without_delay(sock: socket.socket) -> None:
    """Send small pieces at once, and not when those before were acknowledged."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def http(respond: Callable[[Asked], bytes | None]) -> Handler:
    """Return a handler that answers each request with what `respond` returns; None closes."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        reader = Reader(sock)
        while (asked := reader.request()) is not None:
            data = respond(asked)
            if data is None:
                return
            sock.sendall(data)

    return handler


def answer(body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a response with a Content-Length."""
    fields = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), fields, body)


def echo_target(asked: Asked) -> bytes:
    """Answer with the target of the request."""
    return answer(asked.target)


def chunked(*chunks: bytes) -> bytes:
    """Return a whole response in chunks."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b"")
    )


class Recorder:
    """Answer with the target, and remember each connection and what was asked over it."""

    def __init__(self, respond: Callable[[Asked], bytes | None] = echo_target) -> None:
        self._respond = respond
        self._lock = threading.Lock()
        self.connections: list[list[Asked]] = []

    def __call__(self, sock: socket.socket) -> None:
        asked_here: list[Asked] = []
        with self._lock:
            self.connections.append(asked_here)

        def respond(asked: Asked) -> bytes | None:
            asked_here.append(asked)
            return self._respond(asked)

        http(respond)(sock)

    @property
    def asked(self) -> list[Asked]:
        """All requests."""
        return [asked for connection in self.connections for asked in connection]


# The client's side.


def transport_of(client: Any) -> Any:
    """Return the network transport of a client of any world."""
    return getattr(client, "wrapped", client)._transport


def pool_of(client: Any) -> Any:
    """Return the pool that a client used last."""
    transport = transport_of(client)
    return transport._latest[1] if hasattr(transport, "_latest") else transport._sender


def assert_whole(client: Any, idle: int | None = None) -> None:
    """Fail unless nothing is leased and nobody waits in the pool of a client."""
    pool = pool_of(client)
    with pool.guard:
        pool._bury_orphans()
    assert pool._shelf.busy() == set()
    assert not pool._shelf.waiters
    if idle is not None:
        assert len(pool._shelf.idle()) == idle


def network_client(world: World, *, client: dict[str, Any] | None = None, **transport: Any) -> Any:
    """Return a client over a network transport made with these arguments. Called inside of a run."""
    if world.is_async:
        if world.name == "portable-trio":
            transport.setdefault("backend", world.backend())
        return world.client(transport=AsyncHTTPTransport(**transport), **(client or {}))
    return world.client(transport=HTTPTransport(**transport), **(client or {}))


@contextlib.contextmanager
def gates(count: int) -> Iterator[list[threading.Event]]:
    """Give events that a handler waits for, all of them set at the end."""
    events = [threading.Event() for _ in range(count)]
    try:
        yield events
    finally:
        for event in events:
            event.set()
