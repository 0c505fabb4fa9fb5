"""`client.websocket()`, the same for both clients. What it takes is loaded when it is first called."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._config import UNSET

if TYPE_CHECKING:
    from .._config import TimeoutTypes, Unset
    from .._policy.auth import AuthTypes
    from .._values.cookies import CookieTypes
    from .._values.headers import HeaderTypes
    from .._values.query import QueryParamTypes
    from .._values.url import URL
    from .websocket_session import AsyncWebSocketSession, WebSocketSession

ManagerT = TypeVar("ManagerT")

MAX_MESSAGE_SIZE = 65_536
"""Bytes of the longest message that is received unless the program allows more."""

QUEUE_SIZE = 512
"""Messages that wait to be received before the server has to wait."""

PING_INTERVAL = 20.0
"""Seconds between two pings."""

PING_TIMEOUT = 20.0
"""Seconds that the server has to answer a ping."""


class WebSocketMethods(Generic[ManagerT]):
    """Open WebSockets."""

    def websocket(
        self,
        url: URL | str,
        *,
        max_message_size_bytes: int = MAX_MESSAGE_SIZE,
        queue_size: int = QUEUE_SIZE,
        keepalive_ping_interval_seconds: float | None = PING_INTERVAL,
        keepalive_ping_timeout_seconds: float | None = PING_TIMEOUT,
        subprotocols: list[str] | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> ManagerT:
        """Open a WebSocket (RFC 6455) inside a `with` block, or an `async with` block, which closes it.

            with client.websocket("wss://example.org/chat") as session:
                session.send_text("hello")
                answer = session.receive_text()

        The other arguments are those of the handshake, a GET request; its write time-out holds for every message sent.
        Raises WebSocketUpgradeError where the server opens none, `RequestError` where it does not answer.
        """
        from .websocket_opening import opening

        settings = {
            "max_message_size_bytes": max_message_size_bytes,
            "queue_size": queue_size,
            "keepalive_ping_interval_seconds": keepalive_ping_interval_seconds,
            "keepalive_ping_timeout_seconds": keepalive_ping_timeout_seconds,
        }
        streaming = {
            "params": params,
            "headers": headers,
            "cookies": cookies,
            "auth": auth,
            "follow_redirects": follow_redirects,
            "timeout": timeout,
            "extensions": extensions,
        }
        manager: ManagerT = opening(self, url, subprotocols, settings, streaming)
        return manager


class BlockingWebSocketMethods(WebSocketMethods[AbstractContextManager["WebSocketSession"]]):
    """Open WebSockets in blocking code."""


class AsyncWebSocketMethods(WebSocketMethods[AbstractAsyncContextManager["AsyncWebSocketSession"]]):
    """Open WebSockets in an event loop."""
