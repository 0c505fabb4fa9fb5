"""Opening WebSockets: the handshake as one request among others, and the names and signatures of httpx2."""

from __future__ import annotations

import base64
import contextlib
import inspect
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import borzoi
import borzoi.websockets
from borzoi import AsyncClient, Client, Response
from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket import WebSocket
from borzoi._wire.websocket_handshake import accept_of
from borzoi.websockets import (
    AsyncWebSocketClient,
    AsyncWebSocketSession,
    HTTPXWSException,
    TextMessage,
    WebSocketClient,
    WebSocketDisconnect,
    WebSocketInvalidTypeReceived,
    WebSocketNetworkError,
    WebSocketSession,
    WebSocketUpgradeError,
)
from tests.worlds.peers import RawServer, closing_after
from tests.worlds.websocket_peers import Peer, accepting, field, head_of, switching

from .conftest import World


@asynccontextmanager
async def opened(world: World, opening: Any) -> AsyncIterator[Any]:
    """Enter what opens a session, in any world."""
    if world.is_async:
        async with opening as session:
            yield session
    else:
        with opening as session:
            yield session


async def answer(world: World, session: Any, text: str = "hello") -> str:
    """Return what comes back for a text."""
    if world.is_async:
        await session.send_text(text)
        return str(await session.receive_text(20))
    session.send_text(text)
    return str(session.receive_text(20))


def run(world: World, body: Any) -> None:
    """Run a body in a world."""
    if world.is_async:
        world.run(body)
        return
    from borzoi._run_blocking import run_blocking

    run_blocking(body())


def url_of(server: RawServer, path: str = "/") -> str:
    """Return the address of a server as the URL of a WebSocket."""
    return server.url.replace("http", "ws", 1) + path


class Asked:
    """A server that opens WebSockets after what `first` answers, and remembers what it was asked."""

    def __init__(self, *first: bytes, fields: tuple[bytes, ...] = ()) -> None:
        self.first = list(first)
        self.heads: list[bytes] = []
        self.fields = fields

    def __call__(self, sock: Any) -> None:
        while True:
            head, left = head_of(sock)
            self.heads.append(head)
            if not self.first:
                break
            sock.sendall(self.first.pop(0))
        sock.sendall(switching(head, *self.fields))
        Peer(sock, head, left).echo()


def test_the_request(world: World) -> None:
    """The handshake is a GET with the fields of RFC 6455, those given, the client's, its cookies and query."""
    asked = Asked()

    async def body() -> None:
        client = world.client(headers={"X-Client": "1"}, cookies={"a": "b"}, timeout=20)
        opening = client.websocket(
            url_of(server, "/chat"), params={"q": "1"}, headers={"Origin": "https://o.example", "Upgrade": "other"}
        )
        async with opened(world, opening) as session:
            assert await answer(world, session) == "hello"
            assert session.response.status_code == 101
            assert session.subprotocol is None
        await close(world, client)

    with RawServer(asked) as server:
        run(world, body)
    head = asked.heads[0]
    assert head.startswith(b"GET /chat?q=1 HTTP/1.1\r\n")
    assert {name: field(head, name) for name in ("upgrade", "connection", "sec-websocket-version", "x-client", "cookie")} == {
        "upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13", "x-client": "1", "cookie": "a=b",
    }  # fmt: skip
    assert field(head, "origin") == "https://o.example"
    assert field(head, "sec-websocket-protocol") == ""
    assert field(head, "sec-websocket-extensions") == ""
    assert len(base64.b64decode(field(head, "sec-websocket-key"))) == 16


async def close(world: World, client: Any) -> None:
    """Close a client."""
    if world.is_async:
        await client.aclose()
    else:
        client.close()


def test_authentication_cookies_and_redirects(world: World) -> None:
    """A challenge is answered, a cookie kept and a redirect followed before the WebSocket is open, over ws:// and http://."""
    asked = Asked(
        b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=r, nonce=n\r\nSet-Cookie: c=1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
    )

    async def body() -> None:
        client = world.client(timeout=20, follow_redirects=True)
        opening = client.websocket(url_of(server), auth=borzoi.DigestAuth("user", "secret"))
        async with opened(world, opening) as session:
            assert [response.status_code for response in session.response.history] == [401, 302]
            assert await answer(world, session) == "hello"
        async with opened(world, client.websocket(server.url)) as session:
            assert await answer(world, session) == "hello"
        await close(world, client)

    with RawServer(asked) as server:
        run(world, body)
    first, challenged, redirected, plain = asked.heads
    assert field(challenged, "authorization").startswith("Digest ")
    assert field(first, "authorization") == ""
    assert redirected.startswith(b"GET /there ")
    assert field(redirected, "cookie") == field(plain, "cookie") == "c=1"


@pytest.mark.parametrize(
    ("status", "target"), [(302, "ws"), (302, "http"), (307, "wss"), (302, "ftp")], ids=["ws", "http", "wss", "ftp"]
)
def test_redirects_between_schemes(world: World, status: int, target: str) -> None:
    """A redirect leads to http and to WebSockets, and nowhere else."""
    seen: list[str] = []

    def handler(request: borzoi.Request) -> Response:
        seen.append(str(request.url))
        if len(seen) == 1:
            return Response(status, headers={"Location": f"{target}://host/there"})
        return Response(404)

    async def body() -> None:
        client = world.client(handler, follow_redirects=True)
        expected = borzoi.UnsupportedProtocol if target == "ftp" else WebSocketUpgradeError
        with pytest.raises(expected):
            async with opened(world, client.websocket("ws://host/")):
                pass

    run(world, body)
    assert seen == ["ws://host/"] + ([] if target == "ftp" else [f"{target}://host/there"])


REFUSALS = {
    "403": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "answered 403 Forbidden"),
    "200": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answered 200 OK"),
    "no accept": (b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "read the request's key"),
    "other protocol": (b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "switched to 'h2c'"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_handshake(world: World, name: str) -> None:
    """Any other answer is a WebSocketUpgradeError with the response, and the connection is not left behind."""
    data, why = REFUSALS[name]

    def handler(sock: Any) -> None:
        head_of(sock)
        closing_after(data)(sock)
        sock.recv(1)

    async def body() -> None:
        client = world.client(timeout=20, limits=borzoi.Limits(max_connections=1))
        for _ in range(2):
            with pytest.raises(WebSocketUpgradeError, match=why) as caught:
                async with opened(world, client.websocket(url_of(server))):
                    pass
            assert caught.value.response.status_code == int(data[9:12])
            assert caught.value.request.url == url_of(server)
            assert caught.value.response.is_closed
        await close(world, client)

    with RawServer(handler) as server:
        run(world, body)


@pytest.mark.parametrize(
    ("extra", "headers", "why"),
    [
        (b"Sec-WebSocket-Extensions: permessage-deflate", {}, "were not offered"),
        (b"Sec-WebSocket-Protocol: other", {}, "not offered"),
        (
            b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",
            {"Sec-WebSocket-Extensions": "permessage-deflate"},
            "does not fit",
        ),
    ],
)
def test_what_was_not_offered(world: World, extra: bytes, headers: dict[str, str], why: str) -> None:
    """A server that chooses what was not offered opens no session."""

    async def body() -> None:
        client = world.client(timeout=20)
        with pytest.raises(WebSocketUpgradeError, match=why):
            async with opened(world, client.websocket(url_of(server), headers=headers, subprotocols=["chat"])):
                pass
        await close(world, client)

    with RawServer(accepting(lambda peer: peer.next(), extra)) as server:
        run(world, body)


def test_no_server(world: World) -> None:
    """A connection that cannot be made is the error that it is for any request; so is a time-out of the handshake."""

    async def body() -> None:
        client = world.client(timeout=borzoi.Timeout(20, read=0.1))
        with pytest.raises(borzoi.ReadTimeout):
            async with opened(world, client.websocket(url_of(server))):
                pass
        await close(world, client)

    with RawServer(lambda sock: (head_of(sock), sock.recv(1))) as server:
        run(world, body)


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_through_a_proxy(world: World, scheme: str) -> None:
    """ws:// goes through a tunnel of the proxy: what a proxy forwards, it need not upgrade. http:// is forwarded."""
    heads: list[bytes] = []

    def handler(sock: Any) -> None:
        head, _ = head_of(sock)
        heads.append(head)
        if head.startswith(b"CONNECT"):
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            head, _ = head_of(sock)
            heads.append(head)
        sock.sendall(switching(head))
        Peer(sock, head).echo()

    async def body() -> None:
        client = world.client(proxy=server.url, timeout=20)
        async with opened(world, client.websocket(f"{scheme}://host.example/chat")) as session:
            assert await answer(world, session) == "hello"
        await close(world, client)

    with RawServer(handler) as server:
        run(world, body)
    lines = [head.partition(b"\r\n")[0] for head in heads]
    if scheme == "ws":
        assert lines == [b"CONNECT host.example:80 HTTP/1.1", b"GET /chat HTTP/1.1"]
    else:
        assert lines == [b"GET http://host.example/chat HTTP/1.1"]


def test_clients_of_sessions(world: World) -> None:
    """A WebSocketClient opens sessions of the program's own class, with its settings; a session limits its messages."""

    class Chat(WebSocketSession):
        pass

    class AsyncChat(AsyncWebSocketSession):
        pass

    async def body() -> None:
        client = world.client(timeout=20)
        kind, session_class = (AsyncWebSocketClient, AsyncChat) if world.is_async else (WebSocketClient, Chat)
        connector: Any = kind(client, max_message_size_bytes=10, session_class=session_class)  # type: ignore[arg-type]
        async with opened(world, connector.connect(url_of(server))) as session:
            assert type(session) is session_class
            assert await answer(world, session, "1234567890") == "1234567890"
            with pytest.raises(WebSocketDisconnect, match="Message too big") as caught:
                await answer(world, session, "12345678901")
            assert caught.value.code == 1009
        default: Any = kind(client)
        assert default.session_class is (AsyncWebSocketSession if world.is_async else WebSocketSession)
        assert (default.max_message_size_bytes, default.queue_size) == (65536, 512)
        await close(world, client)

    with RawServer(Asked()) as server:
        run(world, body)


def test_the_module_s_function() -> None:
    """`borzoi.websocket()` opens a session over a client of its own."""
    with RawServer(Asked(fields=(b"Sec-WebSocket-Protocol: chat",))) as server:
        with borzoi.websocket(url_of(server), subprotocols=["chat"], timeout=20, cookies={"a": "b"}) as session:
            session.send_json({"a": 1})
            assert session.receive_json() == {"a": 1}
            assert session.subprotocol == "chat"


class Pipe:
    """A network stream of the program's, for blocking code, whose other side sends everything back."""

    def __init__(self) -> None:
        self.engine = WebSocket(1 << 20, server=True)
        self.frames: list[bytes] = []
        self.is_closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return a frame."""
        if not self.frames:
            raise borzoi.ReadTimeout("nothing more")
        return self.frames.pop(0)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Answer frames."""
        self.engine.receive(buffer)
        while (event := self.engine.next_event()) is not None:
            if isinstance(event, str):
                self.frames.append(self.engine.send_text(event))
        self.frames += self.engine.replies
        self.engine.replies = []

    def close(self) -> None:
        """Close."""
        self.is_closed = True


class AsyncPipe(Pipe):
    """The same for event loops."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # type: ignore[override]
        """Return a frame."""
        return Pipe.read(self, max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # type: ignore[override]
        """Answer frames."""
        Pipe.write(self, buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        self.is_closed = True


def test_a_stream_of_the_program_s(world: World) -> None:
    """A session works over any network stream, without a response, and with one that a mock transport gives."""

    def handler(request: borzoi.Request) -> Response:
        headers = {"Upgrade": "websocket", "Connection": "upgrade"}
        headers["Sec-WebSocket-Accept"] = accept_of(request.headers["Sec-WebSocket-Key"])
        return Response(101, headers=headers, extensions={"network_stream": pipes[-1]})

    pipes = [(AsyncPipe if world.is_async else Pipe)() for _ in range(3)]

    async def body() -> None:
        kind: Any = AsyncWebSocketSession if world.is_async else WebSocketSession
        async with opened(world, kind(pipes[0])) as session:
            assert session.response is None
            assert await answer(world, session) == "hello"
        async with opened(world, world.client(handler).websocket("ws://host/")) as session:
            assert await answer(world, session) == "hello"
        with contextlib.suppress(KeyboardInterrupt):
            async with opened(world, kind(pipes[1])) as session:
                raise KeyboardInterrupt

    run(world, body)
    assert [pipe.is_closed for pipe in pipes] == [True] * 3


def test_a_compressed_session_over_a_mock() -> None:
    """A session that is made by hand from a response agrees to what the response says, or fails."""
    request = borzoi.Request("GET", "ws://host/", headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    good = Response(101, headers={"Sec-WebSocket-Extensions": "permessage-deflate"}, request=request)
    bad = Response(101, headers={"Sec-WebSocket-Extensions": "x"}, request=request)
    pipe = Pipe()
    pipe.engine = WebSocket(1 << 20, Deflate(Terms(), server=True), server=True)
    session = WebSocketSession(pipe, response=good)
    session.send_text("x" * 100)
    assert session.stream is pipe
    with pytest.raises(WebSocketUpgradeError, match="not offered"):
        WebSocketSession(Pipe(), response=bad).send_text("x")


def test_errors() -> None:
    """The errors have httpx2's names and attributes, are `HTTPError`s, and pickle."""
    response = Response(403, request=borzoi.Request("GET", "ws://host/"))
    errors = [
        HTTPXWSException("why"),
        WebSocketUpgradeError(response),
        WebSocketDisconnect(),
        WebSocketDisconnect(1001, "bye"),
        WebSocketInvalidTypeReceived(TextMessage("x")),
        WebSocketNetworkError("broken"),
    ]
    for error in errors:
        assert isinstance(error, HTTPXWSException)
        assert isinstance(error, borzoi.HTTPError)
        assert type(error).__module__ == "borzoi.websockets"
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
    assert (errors[2].code, errors[2].reason) == (1000, "")  # type: ignore[attr-defined]
    assert (errors[3].code, errors[3].reason) == (1001, "bye")  # type: ignore[attr-defined]
    assert errors[1].request is response.request
    assert str(errors[4]) == "The message is str, which was not asked for."
    with pytest.raises(RuntimeError):
        errors[2].request  # noqa: B018


SETTINGS = {
    "max_message_size_bytes": 65_536,
    "queue_size": 512,
    "keepalive_ping_interval_seconds": 20.0,
    "keepalive_ping_timeout_seconds": 20.0,
}
UNSET = borzoi.USE_CLIENT_DEFAULT
HANDSHAKE = {
    "subprotocols": None, "params": None, "headers": None, "cookies": None, "auth": UNSET, "follow_redirects": UNSET,
    "timeout": UNSET, "extensions": None,
}  # fmt: skip
ONE_SHOT = {
    "params": None, "headers": None, "cookies": None, "auth": None, "proxy": None, "follow_redirects": False,
    "timeout": borzoi.Timeout(5.0), "verify": True, "trust_env": True, "subprotocols": None, **SETTINGS,
}  # fmt: skip
REQUIRED = inspect.Parameter.empty


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (Client.websocket, {"url": REQUIRED, **SETTINGS, **HANDSHAKE}),
        (AsyncClient.websocket, {"url": REQUIRED, **SETTINGS, **HANDSHAKE}),
        (borzoi.websocket, {"url": REQUIRED, **ONE_SHOT}),
        (WebSocketClient.connect, {"url": REQUIRED, **HANDSHAKE}),
        (AsyncWebSocketClient.connect, {"url": REQUIRED, **HANDSHAKE}),
        (WebSocketSession.__init__, {"stream": REQUIRED, **SETTINGS, "response": None}),
        (AsyncWebSocketSession.__init__, {"stream": REQUIRED, **SETTINGS, "response": None}),
        (WebSocketSession.receive, {"timeout": None}),
        (WebSocketSession.receive_json, {"timeout": None, "mode": "text"}),
        (AsyncWebSocketSession.send_json, {"data": REQUIRED, "mode": "text"}),
        (AsyncWebSocketSession.close, {"code": 1000, "reason": None}),
        (WebSocketSession.ping, {"payload": b""}),
    ],
)
def test_signatures(function: Any, parameters: dict[str, Any]) -> None:
    """Names, order and defaults of the parameters are those of httpx2 2.16."""
    found = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    found.pop("self", None)

    assert found == parameters
    assert list(found) == list(parameters)


def test_names() -> None:
    """`borzoi.websockets` has every name of `httpx2.websockets`, and each shows it as its module."""
    theirs = {
        "ASGIWebSocketTransport", "AsyncWebSocketClient", "AsyncWebSocketSession", "HTTPXWSException", "JSONMode",
        "WebSocketClient", "WebSocketDisconnect", "WebSocketInvalidTypeReceived", "WebSocketNetworkError", "WebSocketSession",
        "WebSocketUpgradeError",
    }  # fmt: skip
    assert theirs <= set(borzoi.websockets.__all__)
    assert sorted(borzoi.websockets.__all__, key=str.casefold) == borzoi.websockets.__all__
    for name in borzoi.websockets.__all__:
        value = getattr(borzoi.websockets, name)
        if inspect.isclass(value):
            assert value.__module__ == "borzoi.websockets"
            assert value.__doc__
