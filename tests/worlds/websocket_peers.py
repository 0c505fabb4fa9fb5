"""WebSockets for the tests of all worlds: scripted peers, real servers, and one shape for both kinds of session.

with RawServer(accepting(lambda peer: peer.send("hello"))) as server: ...
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from websockets.sync.server import ServerConnection, serve

from borzoi._backends.memory import MemoryBackend
from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket import WebSocket
from borzoi._wire.websocket_handshake import accept_of

from .peers import Handler
from .world import World


class Peer:
    """The server's side of one WebSocket."""

    def __init__(self, sock: socket.socket, head: bytes, left: bytes = b"", deflate: Deflate | None = None) -> None:
        self.sock = sock
        self.head = head
        self.engine = WebSocket(1 << 30, deflate, server=True)
        self.engine.receive(left)

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        engine = self.engine
        self.raw(engine.send_text(message) if isinstance(message, str) else engine.send_bytes(message))

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def next(self) -> Any:
        """Return what comes next: a message, an event; None at the end of the connection."""
        while (event := self.engine.next_event()) is None:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.engine.receive(data)
        return event

    def goodbye(self) -> Any:
        """Answer the client's close frame, which has come, and wait for the end of the connection."""
        self.raw(b"".join(self.engine.replies))
        while self.sock.recv(65536):
            pass

    def echo(self) -> None:
        """Send every message back, answer the close."""
        while isinstance(message := self.next(), (str, bytes)):
            self.send(message)
        self.goodbye()


def head_of(sock: socket.socket) -> tuple[bytes, bytes]:
    """Receive the head of a request, and what came with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = sock.recv(65536)
        if not data:
            raise ConnectionAbortedError("the client has closed")
        received += data
    head, _, left = received.partition(b"\r\n\r\n")
    return head + b"\r\n", left


def field(head: bytes, name: str) -> str:
    """Return a field of a head, or an empty string."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name.lower().encode():
            return value.strip().decode()
    return ""


def switching(head: bytes, *fields: bytes) -> bytes:
    """Return the answer that opens a WebSocket."""
    accept = accept_of(field(head, "sec-websocket-key")).encode()
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept, *fields, b"", b""])


def accepting(then: Callable[[Peer], object], *fields: bytes, deflate: bool = False) -> Handler:
    """Return a handler that opens a WebSocket, and gives it to a function."""
    if deflate:
        fields = (*fields, b"Sec-WebSocket-Extensions: permessage-deflate")

    def handler(sock: socket.socket) -> None:
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head, left = head_of(sock)
        sock.sendall(switching(head, *fields))
        then(Peer(sock, head, left, Deflate(Terms(), server=True) if deflate else None))

    return handler


def scripted(answer: Callable[[bytes], list[Any]], opening: bytes = b"") -> MemoryBackend:
    """Return a back end whose peer opens a WebSocket, with `opening` behind its head, then answers bytes with events."""
    opened: list[bool] = []

    def respond(data: bytes) -> list[Any]:
        if not data:
            return []
        if not opened:
            opened.append(True)
            return [switching(data) + opening]
        return answer(data)

    return MemoryBackend(lambda host, port: respond)


# Real servers.


def echo_websocket(connection: ServerConnection) -> None:
    """Send every message back; "bye" closes, and "close" does so with a code of its own."""
    for message in connection:
        if message in ("bye", "close"):
            connection.close(*((1000, "") if message == "bye" else (4001, "as you wish")))
            return
        connection.send(message)


@contextlib.contextmanager
def websockets_server(tls: Any = None) -> Iterator[int]:
    """Run the threaded server of websockets; give its port."""

    def select(_: ServerConnection, offered: Sequence[Any]) -> Any:
        return "chat" if "chat" in offered else None

    with serve(echo_websocket, "127.0.0.1", 0, ssl=tls, select_subprotocol=select, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(20)


async def echo_app(scope: Any, receive: Any, send: Any) -> None:
    """Do the same as an ASGI app."""
    if scope["type"] == "lifespan":
        return
    message = await receive()
    subprotocol = "chat" if "chat" in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            return
        await send(
            {
                "type": "websocket.send",
                **{key: message[key] for key in ("text", "bytes") if message.get(key) is not None},
            }
        )


class QuietServer(uvicorn.Server):
    """A server that leaves the signals of the process alone, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield


@contextlib.contextmanager
def uvicorn_server(implementation: Any) -> Iterator[int]:
    """Run uvicorn over one of its WebSocket implementations; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            echo_app, ws=implementation, log_config=None, lifespan="off", timeout_graceful_shutdown=2
        )
        server = QuietServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.is_up.wait(20), "uvicorn did not start"
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "uvicorn did not end"


SERVERS: dict[str, Callable[[], Any]] = {
    "websockets": websockets_server,
    "uvicorn-websockets": lambda: uvicorn_server("websockets-sansio"),
    "uvicorn-wsproto": lambda: uvicorn_server("wsproto"),
}
"""Servers that others have written."""


# The client's side.

_METHODS = {"ping", "send", "receive", "close", "wait"} | {
    f"{verb}_{kind}" for verb in ("send", "receive") for kind in ("text", "bytes", "json")
}


class BlockingFacade:
    """A session, or a ping, of blocking code in the shape of that of event loops; `wrapped` is the real one."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.wrapped, name)
        if name not in _METHODS:
            return attribute

        async def method(*args: Any, **kwargs: Any) -> Any:
            result = attribute(*args, **kwargs)
            return BlockingFacade(result) if name == "ping" else result

        return method

    def __aiter__(self) -> BlockingFacade:
        return self

    async def __anext__(self) -> Any:
        for message in self.wrapped:
            return message
        raise StopAsyncIteration


@asynccontextmanager
async def websocket(world: World, client: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
    """Open a session over the client of any world."""
    if world.is_async:
        async with client.websocket(*args, **kwargs) as session:
            yield session
    else:
        with client.wrapped.websocket(*args, **kwargs) as session:
            yield BlockingFacade(session)
