"""An open WebSocket as programs see it: one session for blocking code, one for event loops, with httpx2's methods.

Both are thin: what they do is written once, in `_exchange/websocket.py`. They add the names, the types of messages, and
JSON.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from .._errors import RemoteProtocolError, WebSocketDisconnect, WebSocketInvalidTypeReceived, WebSocketUpgradeError
from .._exchange.websocket import Channel, PingSent
from .._run_blocking import run_blocking
from .._wire.websocket import WebSocket
from .._wire.websocket_frames import BINARY, TEXT, BytesMessage, Message, TextMessage
from .websocket_client import MAX_MESSAGE_SIZE, PING_INTERVAL, PING_TIMEOUT, QUEUE_SIZE

if TYPE_CHECKING:
    from .._messages.response import Response
    from .._wire.permessage_deflate import Deflate

JSONMode: TypeAlias = Literal["text", "binary"]

_ORDERLY = (1000, 1001, 1005)
"""Codes of a close after which iteration ends instead of raising."""


class SessionBase:
    """Hold what the sessions of all worlds have in common."""

    _blocking: bool

    response: Response | None
    """The response to the handshake."""

    subprotocol: str | None
    """The subprotocol that the server chose."""

    def __init__(
        self,
        stream: Any,
        *,
        max_message_size_bytes: int = MAX_MESSAGE_SIZE,
        queue_size: int = QUEUE_SIZE,
        keepalive_ping_interval_seconds: float | None = PING_INTERVAL,
        keepalive_ping_timeout_seconds: float | None = PING_TIMEOUT,
        response: Response | None = None,
    ) -> None:
        self.stream = stream
        self.response = response
        self.subprotocol = None if response is None else response.headers.get("sec-websocket-protocol")
        self._max_size = max_message_size_bytes
        self._queue_size = queue_size
        # An app in this process is there or it is not: no ping tells more.
        is_in_process = getattr(stream, "is_in_process", False)
        self._ping_interval = None if is_in_process else keepalive_ping_interval_seconds
        self._ping_timeout = keepalive_ping_timeout_seconds
        self._opened: Channel | None = None
        self._engine: WebSocket | None = None

    @property
    def _channel(self) -> Channel:
        """The channel, made when it is first used: an event loop is needed for that."""
        if self._opened is None:
            from .websocket_wires import wire_over

            timeouts = {} if self.response is None else self._request_extensions(self.response).get("timeout") or {}
            write_timeout = timeouts.get("write")
            self._opened = Channel(
                self._codec,
                wire_over(self.stream, blocking=self._blocking, write_timeout=write_timeout),
                queue_size=self._queue_size,
                ping_interval=self._ping_interval,
                ping_timeout=self._ping_timeout,
                write_timeout=write_timeout,
                request=None if self.response is None else self.response._request,
            )
        return self._opened

    @staticmethod
    def _request_extensions(response: Response) -> dict[str, Any]:
        return {} if response._request is None else response._request.extensions

    @property
    def _codec(self) -> WebSocket:
        if self._engine is None:
            self._engine = WebSocket(self._max_size, self._agreed())
        return self._engine

    def _agreed(self) -> Deflate | None:
        """Return the compression that the handshake agreed upon. Raises WebSocketUpgradeError for one that failed."""
        response = self.response
        if response is None or response._request is None:
            return None
        answer = response.headers.get("sec-websocket-extensions")
        if answer is None:
            return None

        from .._wire.permessage_deflate import Deflate, agree

        try:
            terms = agree(response._request.headers.get("sec-websocket-extensions", ""), answer)
        except RemoteProtocolError as error:
            raise WebSocketUpgradeError(response, str(error)) from error
        return None if terms is None else Deflate(terms)

    async def _send(self, event: Any) -> None:
        """Send an event, ours or one of wsproto's, which has the same attributes."""
        engine, send = self._codec, self._channel.send
        if hasattr(event, "code"):
            await self._channel.close(event.code, event.reason)
        elif hasattr(event, "payload"):
            is_pong = any(kind.__name__ == "Pong" for kind in type(event).__mro__)
            await send(engine.send_pong if is_pong else engine.send_ping, bytes(event.payload))
        elif isinstance(event.data, str):
            await send(engine.send_message, TEXT, event.data.encode(), final=event.message_finished)
        else:
            await send(engine.send_message, BINARY, bytes(event.data), final=event.message_finished)

    async def _send_text(self, data: str) -> None:
        await self._channel.send(self._codec.send_text, data)

    async def _send_bytes(self, data: bytes) -> None:
        await self._channel.send(self._codec.send_bytes, data)

    async def _send_json(self, data: Any, mode: JSONMode) -> None:
        from json import dumps

        text = dumps(data)
        if _checked(mode) == "text":
            await self._send_text(text)
        else:
            await self._send_bytes(text.encode())

    async def _receive_text(self, timeout: float | None) -> str:
        message = await self._channel.receive(timeout)
        if isinstance(message, str):
            return message
        raise self._unwanted(BytesMessage(message))

    async def _receive_bytes(self, timeout: float | None) -> bytes:
        message = await self._channel.receive(timeout)
        if isinstance(message, bytes):
            return message
        raise self._unwanted(TextMessage(message))

    async def _receive_json(self, timeout: float | None, mode: JSONMode) -> Any:
        from json import loads

        is_text = _checked(mode) == "text"
        return loads(await self._receive_text(timeout) if is_text else await self._receive_bytes(timeout))

    def _unwanted(self, event: Message) -> WebSocketInvalidTypeReceived:
        error = WebSocketInvalidTypeReceived(event)
        error._request = None if self.response is None else self.response._request
        return error

    async def _next(self) -> str | bytes | None:
        """Return the next message; None after an orderly end."""
        try:
            return await self._channel.receive()
        except WebSocketDisconnect as error:
            if error.code in _ORDERLY:
                return None
            raise

    async def _close_interrupted(self, error: BaseException | None) -> None:
        """Prepare for closing because of an error: one that interrupts must not be held up."""
        if error is not None and not isinstance(error, Exception):
            self._channel.close_at_once()


def _checked(mode: JSONMode) -> JSONMode:
    if mode not in ("text", "binary"):
        raise ValueError(f"mode is 'text' or 'binary', and not {mode!r}.")
    return mode


def _event(message: str | bytes) -> Message:
    return TextMessage(message) if isinstance(message, str) else BytesMessage(message)


class SentPing:
    """A ping that was sent from blocking code."""

    __module__ = "borzoi.websockets"

    def __init__(self, channel: Channel, ping: PingSent) -> None:
        self._channel = channel
        self._ping = ping

    def is_set(self) -> bool:
        """Return whether the pong was seen."""
        return self._ping.is_answered

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the pong, reading if nobody else does; return whether it came in time."""
        return run_blocking(self._channel.wait_for(self._ping, timeout))


class AsyncSentPing:
    """A ping that was sent from an event loop."""

    __module__ = "borzoi.websockets"

    def __init__(self, channel: Channel, ping: PingSent) -> None:
        self._channel = channel
        self._ping = ping

    def is_set(self) -> bool:
        """Return whether the pong was seen."""
        return self._ping.is_answered

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for the pong, reading if nobody else does; return whether it came in time."""
        return await self._channel.wait_for(self._ping, timeout)


class WebSocketSession(SessionBase):
    """An open WebSocket, for blocking code. One thread may receive while others send.

        with client.websocket("wss://example.org/chat") as session:
            session.send_text("hello")
            for message in session: ...

    All methods raise WebSocketDisconnect once it is closed, WebSocketNetworkError where the connection broke.
    """

    __module__ = "borzoi.websockets"
    _blocking = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        run_blocking(self._close_interrupted(exc))
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | bytes:
        message = run_blocking(self._next())
        if message is None:
            raise StopIteration
        return message

    def ping(self, payload: bytes = b"") -> SentPing:
        """Send a ping, with a random payload unless one is given. What it returns waits for the pong."""
        return SentPing(self._channel, run_blocking(self._channel.ping(payload)))

    def send(self, event: Any) -> None:
        """Send a message, a part of one, or a control frame, as an event."""
        run_blocking(self._send(event))

    def send_text(self, data: str) -> None:
        """Send a message of text."""
        run_blocking(self._send_text(data))

    def send_bytes(self, data: bytes) -> None:
        """Send a message of bytes."""
        run_blocking(self._send_bytes(data))

    def send_json(self, data: Any, mode: JSONMode = "text") -> None:
        """Send a message of JSON, as text or as bytes."""
        run_blocking(self._send_json(data, mode))

    def receive(self, timeout: float | None = None) -> Message:
        """Return the next message as an event. Raises TimeoutError after `timeout` seconds."""
        return _event(run_blocking(self._channel.receive(timeout)))

    def receive_text(self, timeout: float | None = None) -> str:
        """Return the next message, which is text, or else raise WebSocketInvalidTypeReceived, which has it."""
        return run_blocking(self._receive_text(timeout))

    def receive_bytes(self, timeout: float | None = None) -> bytes:
        """Return the next message, which is bytes, or else raise WebSocketInvalidTypeReceived, which has it."""
        return run_blocking(self._receive_bytes(timeout))

    def receive_json(self, timeout: float | None = None, mode: JSONMode = "text") -> Any:
        """Return the next message, decoded from JSON. Raises ValueError where it is none."""
        return run_blocking(self._receive_json(timeout, mode))

    def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close it and the connection. The server has a moment to answer; what it still sends is dropped."""
        run_blocking(self._channel.close(code, reason))


class AsyncWebSocketSession(SessionBase):
    """An open WebSocket, in an event loop. One task may receive while others send.

        async with client.websocket("wss://example.org/chat") as session:
            await session.send_text("hello")
            async for message in session: ...

    All methods raise WebSocketDisconnect once it is closed, WebSocketNetworkError where the connection broke.
    """

    __module__ = "borzoi.websockets"
    _blocking = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._close_interrupted(exc)
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        message = await self._next()
        if message is None:
            raise StopAsyncIteration
        return message

    async def ping(self, payload: bytes = b"") -> AsyncSentPing:
        """Send a ping, with a random payload unless one is given. What it returns waits for the pong."""
        return AsyncSentPing(self._channel, await self._channel.ping(payload))

    async def send(self, event: Any) -> None:
        """Send a message, a part of one, or a control frame, as an event."""
        await self._send(event)

    async def send_text(self, data: str) -> None:
        """Send a message of text."""
        await self._send_text(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a message of bytes."""
        await self._send_bytes(data)

    async def send_json(self, data: Any, mode: JSONMode = "text") -> None:
        """Send a message of JSON, as text or as bytes."""
        await self._send_json(data, mode)

    async def receive(self, timeout: float | None = None) -> Message:
        """Return the next message as an event. Raises TimeoutError after `timeout` seconds."""
        return _event(await self._channel.receive(timeout))

    async def receive_text(self, timeout: float | None = None) -> str:
        """Return the next message, which is text, or else raise WebSocketInvalidTypeReceived, which has it."""
        return await self._receive_text(timeout)

    async def receive_bytes(self, timeout: float | None = None) -> bytes:
        """Return the next message, which is bytes, or else raise WebSocketInvalidTypeReceived, which has it."""
        return await self._receive_bytes(timeout)

    async def receive_json(self, timeout: float | None = None, mode: JSONMode = "text") -> Any:
        """Return the next message, decoded from JSON. Raises ValueError where it is none."""
        return await self._receive_json(timeout, mode)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close it and the connection. The server has a moment to answer; what it still sends is dropped."""
        await self._channel.close(code, reason)
