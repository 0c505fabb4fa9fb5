"""WebSockets to an ASGI app in this process, over the frames that would go to a server.

The app runs in a task beside its caller, as under `ASGITransport`. Between them is the server's side of the codec: what
the app sends becomes frames, and the frames of the session become the app's messages. An app that is `HIGH_WATER` bytes
ahead of the session waits in `send()`. Closing the session disconnects the app and waits until it has ended; after
`ASGITransport.grace` seconds it is cancelled.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._backends.base import TimedOut
from .._errors import ReadError, ReadTimeout, WebSocketDisconnect, WriteError
from .._messages.response import Response
from .._wire.websocket import WebSocket
from .._wire.websocket_frames import ABNORMAL, INTERNAL_ERROR, NO_STATUS, CloseConnection, Ping
from .._wire.websocket_handshake import accept_of
from .app_task import new_app_task
from .asgi_transport import HIGH_WATER, ASGIApp, ASGITransport, Message
from .worlds import Worlds

if TYPE_CHECKING:
    from .._backends.base import Turn
    from .._messages.request import Request


class ASGIWebSocketTransport(ASGITransport):
    """Send requests to an ASGI app as `ASGITransport` does, and open WebSockets to it.

        async with AsyncClient(transport=ASGIWebSocketTransport(app)) as client:
            async with client.websocket("ws://app/chat") as session: ...

    An app that has not accepted or refused a WebSocket after `initial_receive_timeout` seconds is a RuntimeError; one
    that closes it instead of accepting is a WebSocketDisconnect.
    """

    __module__ = "borzoi.websockets"

    def __init__(
        self,
        app: ASGIApp,
        raise_app_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = ("127.0.0.1", 123),
        initial_receive_timeout: float = 1.0,
    ) -> None:
        super().__init__(app, raise_app_exceptions, root_path, client)
        self.initial_receive_timeout = initial_receive_timeout

    async def handle_async_request(self, request: Request) -> Response:
        """Return the app's response: for a WebSocket that it accepts a 101, with the session's bytes."""
        is_websocket = request.headers.get("upgrade", "").lower() == "websocket"
        if not is_websocket and request.url.scheme not in ("ws", "wss"):
            return await super().handle_async_request(request)
        stream = ASGIWebSocketStream(self.app, self._websocket_scope(request), self.grace)
        return await stream.open(request, self.initial_receive_timeout)

    def _websocket_scope(self, request: Request) -> dict[str, Any]:
        scope = self._scope(request)
        del scope["method"]
        offered = request.headers.get("sec-websocket-protocol", "")
        return scope | {
            "type": "websocket",
            "scheme": {"http": "ws", "https": "wss"}.get(request.url.scheme, request.url.scheme),
            "subprotocols": [name.strip() for name in offered.split(",") if name.strip()],
            "extensions": {"websocket.http.response": {}},
        }


class ASGIWebSocketStream:
    """The bytes between a session and an app: a network stream for event loops."""

    is_in_process = True
    """Whether the other side needs no pings to be known to live."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any], grace: float) -> None:
        self.app = app
        self._scope = scope
        self._grace = grace
        self._engine = WebSocket(sys.maxsize, server=True)
        self._to_app: deque[Message] = deque(({"type": "websocket.connect"},))
        # What the app said before the WebSocket was open, and the frames since.
        self._answers: deque[Message] = deque()
        self._frames: deque[bytes] = deque()
        self._ahead = 0
        self._is_open = False
        self._ended = False
        self._closed = False
        self._waiting: Turn | None = None
        self._task = new_app_task()
        worlds = Worlds()
        self._backend = worlds.backend_of(worlds.current_loop())

    # What the app sees.

    async def _run(self) -> None:
        try:
            await self.app(self._scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - the session hears of it as of any server's failure
            self._end(INTERNAL_ERROR, str(error))
        finally:
            self._ended = True
            self._news()

    async def _receive(self) -> Message:
        await self._task.until(lambda: self._to_app)
        return self._to_app.popleft()

    async def _send(self, message: Message) -> None:
        if self._closed or self._engine.closing:
            # ASGI 2.4, "Disconnected client": send() raises a subclass of OSError.
            raise BrokenPipeError("The WebSocket has been closed.")

        kind = message["type"]
        if not self._is_open:
            self._answers.append(message)
            self._is_open = kind == "websocket.accept"
        elif kind == "websocket.send":
            text = message.get("text")
            engine = self._engine
            frame = engine.send_bytes(message["bytes"]) if text is None else engine.send_text(text)
            self._frames.append(frame)
            self._ahead += len(frame)
        elif kind == "websocket.close":
            self._end(message.get("code", 1000), message.get("reason"))
        else:
            raise RuntimeError(f"The app sent {kind!r} after it had accepted the WebSocket.")
        self._news()
        await self._task.until(lambda: self._ahead < HIGH_WATER or self._closed)

    def _end(self, code: int, reason: str | None) -> None:
        if not self._is_open:
            self._answers.append({"type": "websocket.close", "code": code, "reason": reason})
        elif not self._engine.closing:
            self._frames.append(frame := self._engine.close(code, reason))
            self._ahead += len(frame)

    # What the session sees.

    async def open(self, request: Request, timeout: float) -> Response:
        """Start the app, and return its answer to the handshake. Raises WebSocketDisconnect, RuntimeError."""
        self._task.start(self._run)
        try:
            await self._wait(lambda: self._answers, timeout)
            answer = self._next_answer({"code": ABNORMAL, "reason": "The app returned without an answer."})
            if answer.get("type") == "websocket.accept":
                return self._accepted(request, answer)
            if answer.get("type") == "websocket.http.response.start":
                return await self._denied(answer, timeout)
            raise WebSocketDisconnect(answer.get("code", 1000), answer.get("reason"))
        except TimedOut:
            await self.aclose()
            text = "WebSocket didn't accept the connection in time. Did you forget to call accept()?"
            raise RuntimeError(text) from None
        except BaseException:
            await self.aclose()
            raise

    def _next_answer(self, default: Message) -> Message:
        return self._answers.popleft() if self._answers else default

    def _accepted(self, request: Request, answer: Message) -> Response:
        headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", accept_of(request.headers.get("sec-websocket-key", "")).encode()),
            *((bytes(name), bytes(value)) for name, value in answer.get("headers") or ()),
        ]
        if answer.get("subprotocol") is not None:
            headers.append((b"sec-websocket-protocol", answer["subprotocol"].encode()))
        return Response(101, headers=headers, extensions={"network_stream": self})

    async def _denied(self, start: Message, timeout: float) -> Response:
        """Return the response with which the app refuses, whole (ASGI, "Websocket Denial Response")."""
        body: list[bytes] = []
        more = True
        while more:
            await self._wait(lambda: self._answers, timeout)
            piece = self._next_answer({})
            body.append(piece.get("body", b""))
            more = piece.get("more_body", False)
        await self.aclose()
        return Response(start["status"], headers=start.get("headers"), content=b"".join(body))

    async def _wait(self, ready: Callable[[], object], timeout: float | None) -> None:
        """Wait for the app, until it has ended at the latest. Raises TimedOut."""
        while not (ready() or self._ended or self._closed):
            turn = self._waiting = self._backend.turn()
            try:
                await turn.wait(timeout)
            finally:
                self._waiting = None

    def _news(self) -> None:
        turn, self._waiting = self._waiting, None
        if turn is not None:
            turn.give(self)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return at most `max_bytes`, b"" at the end. Raises ReadTimeout, ReadError."""
        try:
            await self._wait(lambda: self._frames, timeout)
        except TimedOut:
            raise ReadTimeout(f"No bytes from the app within {timeout or 0.0:.3g} s") from None
        if self._closed:
            raise ReadError("Reading from the app failed: the stream was closed here while it was in use")
        if not self._frames:
            return b""
        data = self._frames.popleft()
        self._ahead -= min(len(data), max_bytes)
        self._task.changed()
        if len(data) > max_bytes:
            self._frames.appendleft(data[max_bytes:])
        return data[:max_bytes]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take the frames of the session, and hand them to the app as messages. Raises WriteError."""
        if self._closed or self._ended:
            raise WriteError("Writing to the app failed: it has ended, or the stream was closed")
        self._engine.receive(buffer)
        while (event := self._engine.next_event()) is not None:
            if isinstance(event, (str, bytes)):
                self._to_app.append({"type": "websocket.receive", "text" if isinstance(event, str) else "bytes": event})
            elif isinstance(event, CloseConnection):
                self._to_app.append({"type": "websocket.disconnect", "code": event.code, "reason": event.reason})
            elif isinstance(event, Ping) and not self._engine.closing:
                self._engine.replies.append(self._engine.send_pong(event.payload))
        self._frames.extend(self._engine.replies)
        self._ahead += sum(map(len, self._engine.replies))
        self._engine.replies = []
        self._task.changed()
        self._news()

    async def aclose(self) -> None:
        """Disconnect the app, and wait until it has ended."""
        if not self._closed:
            self._closed = True
            if self._engine.closed is None:
                self._to_app.append({"type": "websocket.disconnect", "code": NO_STATUS, "reason": ""})
            self._task.changed()
            self._task.cancel(self._grace)
            self._news()
        await self._task.until(lambda: self._task.ended)
        self._task.take_error()
