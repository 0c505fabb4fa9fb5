"""Opening WebSockets: the handshake, and the clients that remember how to open many sessions alike.

The handshake is one `client.stream()`, so authentication, cookies, redirects, hooks and whatever a program overrides
apply to it as to any request. What answers with another status than 101, or does not prove that it speaks WebSocket, is
a WebSocketUpgradeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._config import UNSET
from .._errors import RemoteProtocolError, WebSocketUpgradeError
from .._run_blocking import run_blocking
from .._values.headers import Headers
from .._wire.websocket_handshake import check_answer, opening_fields
from .websocket_client import MAX_MESSAGE_SIZE, PING_INTERVAL, PING_TIMEOUT, QUEUE_SIZE
from .websocket_session import AsyncWebSocketSession, WebSocketSession

if TYPE_CHECKING:
    from .._config import TimeoutTypes, Unset
    from .._messages.response import Response
    from .._policy.auth import AuthTypes
    from .._values.cookies import CookieTypes
    from .._values.headers import HeaderTypes
    from .._values.query import QueryParamTypes
    from .._values.url import URL
    from .async_client import AsyncClient
    from .sync_client import Client

SessionT = TypeVar("SessionT", bound="WebSocketSession | AsyncWebSocketSession")
ManagerT = TypeVar("ManagerT")


def opening(
    client: Any, url: URL | str, subprotocols: list[str] | None, settings: dict[str, Any], streaming: dict[str, Any]
) -> Any:
    """Return what opens a session on entering, for either client."""
    if client._face.blocking:
        return BlockingOpening(client, WebSocketSession, url, subprotocols, settings, streaming)
    return AsyncOpening(client, AsyncWebSocketSession, url, subprotocols, settings, streaming)


class Opening(Generic[SessionT]):
    """Do the handshake on entering, and close session and connection on leaving, in any world."""

    _blocking: bool

    session_class: type[Any]
    """The class of the sessions unless the program has another."""

    def __init__(
        self,
        client: Any,
        session_class: type[SessionT],
        url: URL | str,
        subprotocols: list[str] | None,
        settings: dict[str, Any],
        streaming: dict[str, Any],
    ) -> None:
        self._client = client
        self._session_class = session_class
        self._url = url
        self._subprotocols = subprotocols
        self._settings = settings
        self._streaming = streaming
        self._entered: list[Any] = []

    async def _open(self) -> SessionT:
        fields = Headers(self._streaming["headers"]) | opening_fields(self._subprotocols)
        streamed = self._client.stream("GET", self._url, **{**self._streaming, "headers": fields})
        response = await self._enter(streamed)
        try:
            session: SessionT = await self._enter(self._session(response))
        except BaseException as error:
            await self._close(type(error), error, error.__traceback__)
            raise
        return session

    async def _enter(self, manager: Any) -> Any:
        entered = manager.__enter__() if self._blocking else await manager.__aenter__()
        self._entered.append(manager)
        return entered

    def _session(self, response: Response) -> SessionT:
        if response.status_code != 101:
            raise WebSocketUpgradeError(response)
        try:
            check_answer(response.request.headers, response.headers)
        except RemoteProtocolError as error:
            raise WebSocketUpgradeError(response, str(error)) from error
        return self._session_class(response.extensions["network_stream"], response=response, **self._settings)

    async def _close(self, *error: Any) -> None:
        """Leave what was entered, last in, first out, whatever happens on the way."""
        if not self._entered:
            return
        manager = self._entered.pop()
        try:
            if self._blocking:
                manager.__exit__(*error)
            else:
                await manager.__aexit__(*error)
        finally:
            await self._close(*error)


class BlockingOpening(Opening[SessionT]):
    """Open a session in blocking code."""

    _blocking = True
    session_class = WebSocketSession

    def __enter__(self) -> SessionT:
        return run_blocking(self._open())

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        run_blocking(self._close(exc_type, exc, tb))


class AsyncOpening(Opening[SessionT]):
    """Open a session in an event loop."""

    _blocking = False
    session_class = AsyncWebSocketSession

    async def __aenter__(self) -> SessionT:
        return await self._open()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._close(exc_type, exc, tb)


class ConnectorBase(Generic[SessionT, ManagerT]):
    """Remember the settings of sessions, and open them over one client."""

    _opening: type[Any]

    def __init__(
        self,
        client: Client | AsyncClient,
        *,
        max_message_size_bytes: int = MAX_MESSAGE_SIZE,
        queue_size: int = QUEUE_SIZE,
        keepalive_ping_interval_seconds: float | None = PING_INTERVAL,
        keepalive_ping_timeout_seconds: float | None = PING_TIMEOUT,
        session_class: type[SessionT] | None = None,
    ) -> None:
        self.client = client
        self.max_message_size_bytes = max_message_size_bytes
        self.queue_size = queue_size
        self.keepalive_ping_interval_seconds = keepalive_ping_interval_seconds
        self.keepalive_ping_timeout_seconds = keepalive_ping_timeout_seconds
        self.session_class: type[Any] = session_class or self._opening.session_class

    def connect(
        self,
        url: URL | str,
        *,
        subprotocols: list[str] | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> ManagerT:
        """Open a session inside a `with` or `async with` block, as the client's `websocket()` does."""
        settings = {
            "max_message_size_bytes": self.max_message_size_bytes,
            "queue_size": self.queue_size,
            "keepalive_ping_interval_seconds": self.keepalive_ping_interval_seconds,
            "keepalive_ping_timeout_seconds": self.keepalive_ping_timeout_seconds,
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
        manager: ManagerT = self._opening(self.client, self.session_class, url, subprotocols, settings, streaming)
        return manager


class WebSocketClient(ConnectorBase[WebSocketSession, AbstractContextManager[WebSocketSession]]):
    """Open WebSockets over a `Client`, each with the same settings, and with a session class of the program's."""

    __module__ = "borzoi.websockets"
    _opening = BlockingOpening


class AsyncWebSocketClient(ConnectorBase[AsyncWebSocketSession, AbstractAsyncContextManager[AsyncWebSocketSession]]):
    """Open WebSockets over an `AsyncClient`, each with the same settings, and with a session class of the program's."""

    __module__ = "borzoi.websockets"
    _opening = AsyncOpening
