"""WebSockets to an ASGI app in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import borzoi
from borzoi._client.asgi_transport import HIGH_WATER
from borzoi.websockets import (
    ASGIWebSocketTransport,
    BytesMessage,
    TextMessage,
    WebSocketDisconnect,
    WebSocketNetworkError,
    WebSocketUpgradeError,
)
from tests.worlds.websocket_peers import echo_app
from tests.worlds.world import World


@pytest.fixture(params=["asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    """Each kind of event loop."""
    from tests.worlds.world import WORLDS

    return WORLDS[request.param]


def run(world: World, app: Any, body: Callable[[Any], Awaitable[None]], **settings: Any) -> None:
    """Run a body with a client whose requests go to an app."""

    async def bounded() -> None:
        transport = ASGIWebSocketTransport(app, **settings)
        async with borzoi.AsyncClient(transport=transport) as client:
            await body(client)

    world.run(bounded)


def test_a_conversation(world: World) -> None:
    """Messages go to the app and come back, pings are answered, and an orderly close reaches the app."""

    async def body(client: Any) -> None:
        async with client.websocket("ws://app/chat?q=1", subprotocols=["chat", "other"]) as session:
            assert session.subprotocol == "chat"
            await session.send_text("hello")
            await session.send_bytes(b"\x00" * 100_000)
            assert await session.receive() == TextMessage("hello")
            with pytest.raises(WebSocketDisconnect, match="too big"):
                await session.receive()
        async with client.websocket("http://app/", max_message_size_bytes=1 << 20) as session:
            assert await (await session.ping()).wait()
            await session.send_bytes(b"\x00" * 300_000)
            assert await session.receive() == BytesMessage(b"\x00" * 300_000)
            with pytest.raises(TimeoutError):
                await session.receive(timeout=0.01)
            await session.send_text("close")
            with pytest.raises(WebSocketDisconnect, match="4001: as you wish"):
                await session.receive()

    run(world, echo_app, body)


def test_what_the_app_sees(world: World) -> None:
    """The scope is that of a WebSocket, and the close of the session comes with its code and reason."""
    scopes: list[Any] = []
    messages: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await receive()
        await send({"type": "websocket.accept", "headers": [(b"x-app", b"yes")]})
        while True:
            messages.append(await receive())
            if messages[-1]["type"] == "websocket.disconnect":
                with pytest.raises(OSError, match="closed"):
                    await send({"type": "websocket.send", "text": "too late"})
                return

    async def body(client: Any) -> None:
        async with client.websocket("wss://app/a%20b?q=1", headers={"X-One": "1"}, subprotocols=["x"]) as session:
            assert session.response.headers["x-app"] == "yes"
            await session.send_text("hi")
            await session.close(4000, "over")
        async with client.websocket("https://app/"):
            pass

    run(world, app, body, root_path="/root")
    scope = scopes[0]
    assert {name: scope[name] for name in ("type", "scheme", "path", "raw_path", "query_string", "root_path", "subprotocols")} == {
        "type": "websocket", "scheme": "wss", "path": "/a b", "raw_path": b"/a%20b", "query_string": b"q=1", "root_path": "/root",
        "subprotocols": ["x"],
    }  # fmt: skip
    assert (b"x-one", b"1") in scope["headers"]
    assert "method" not in scope
    assert scopes[1]["scheme"] == "wss"
    assert messages == [
        {"type": "websocket.receive", "text": "hi"},
        {"type": "websocket.disconnect", "code": 4000, "reason": "over"},
        {"type": "websocket.disconnect", "code": 1000, "reason": ""},
    ]


@pytest.mark.parametrize(
    ("answers", "code", "reason"),
    [
        ([{"type": "websocket.close", "code": 4003, "reason": "no"}], 4003, "no"),
        ([{"type": "websocket.close"}], 1000, ""),
        ([], 1006, "The app returned without an answer."),
    ],
)
def test_an_app_that_closes_instead_of_accepting(world: World, answers: list[Any], code: int, reason: str) -> None:
    """A close instead of an accept is a WebSocketDisconnect, as httpx2 has it; so is no answer."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for answer in answers:
            await send(answer)

    async def body(client: Any) -> None:
        with pytest.raises(WebSocketDisconnect) as caught:
            async with client.websocket("ws://app/"):
                pass
        assert (caught.value.code, caught.value.reason) == (code, reason)

    run(world, app, body)


def test_an_app_that_answers_with_a_response(world: World) -> None:
    """A denial response is what the WebSocketUpgradeError has."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert "websocket.http.response" in scope["extensions"]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": [(b"x-why", b"not you")]})
        await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"you"})

    async def body(client: Any) -> None:
        with pytest.raises(WebSocketUpgradeError) as caught:
            async with client.websocket("ws://app/"):
                pass
        assert caught.value.response.status_code == 403
        assert caught.value.response.headers["x-why"] == "not you"
        assert caught.value.response.content == b"not you"

    run(world, app, body)


def test_an_app_that_fails(world: World) -> None:
    """An app that raises closes the WebSocket with 1011 and says why, before or after it has accepted."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/after":
            await send({"type": "websocket.accept"})
        raise ZeroDivisionError("oops")

    async def body(client: Any) -> None:
        with pytest.raises(WebSocketDisconnect, match="1011: oops"):
            async with client.websocket("ws://app/before"):
                pass
        async with client.websocket("ws://app/after") as session:
            with pytest.raises(WebSocketDisconnect, match="1011: oops"):
                await session.receive()

    run(world, app, body)


def test_an_app_that_returns_or_says_nonsense(world: World) -> None:
    """An app that returns without closing has broken the connection; one that says what it may not has failed."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        if scope["path"] == "/nonsense":
            await send({"type": "http.response.start"})

    async def body(client: Any) -> None:
        async with client.websocket("ws://app/") as session:
            for call in (session.receive, lambda: session.send_text("x")):
                with pytest.raises(WebSocketNetworkError):
                    await call()
        async with client.websocket("ws://app/nonsense") as session:
            with pytest.raises(WebSocketDisconnect, match="after it had accepted"):
                await session.receive()

    run(world, app, body)


def test_an_app_that_does_not_answer(world: World) -> None:
    """An app that neither accepts nor refuses in time is a RuntimeError, and is cancelled."""
    ended: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            while True:
                await receive()
        finally:
            ended.append(True)

    async def body(client: Any) -> None:
        client._transport.grace = 0.05
        with pytest.raises(RuntimeError, match=r"Did you forget to call accept\(\)\?"):
            async with client.websocket("ws://app/"):
                pass

    run(world, app, body, initial_receive_timeout=0.05)
    assert ended == [True]


def test_an_app_that_is_ahead_waits(world: World) -> None:
    """An app that sends faster than the session receives waits in `send()`."""
    sent: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        for number in range(1000):
            await send({"type": "websocket.send", "bytes": bytes(1000)})
            sent.append(number)
        await receive()
        await receive()

    async def body(client: Any) -> None:
        async with client.websocket("ws://app/") as session:
            await session.receive_bytes()
            for _ in range(20):
                await world.sleep0()
            assert len(sent) < 3 * HIGH_WATER // 1000
            for _ in range(999):
                await session.receive_bytes()

    run(world, app, body)
    assert len(sent) == 1000


def test_closing_while_receiving(world: World) -> None:
    """Who receives when the session is closed elsewhere is told so, and an app that hangs is cancelled after a while."""
    cancelled: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            while True:
                await world.backend().sleep(60)
        finally:
            cancelled.append(True)

    async def body(client: Any) -> None:
        client._transport.grace = 0.05
        async with client.websocket("ws://app/") as session:

            async def receive() -> None:
                with pytest.raises(WebSocketDisconnect):
                    await session.receive()

            async def end() -> None:
                await world.sleep0()
                await session.stream.aclose()
                with pytest.raises(WebSocketNetworkError):
                    await session.send_text("x")

            async def broken() -> None:
                with pytest.raises(WebSocketNetworkError):
                    await session.receive()

            await world.gather(broken, end)
        async with client.websocket("ws://app/") as session:
            await world.gather(receive, session.close)

    run(world, app, body)
    assert cancelled == [True, True]


def test_ordinary_requests(world: World) -> None:
    """Other requests are answered as by ASGITransport."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def body(client: Any) -> None:
        assert (await client.get("http://app/")).status_code == 204

    run(world, app, body)
