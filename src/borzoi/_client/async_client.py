"""The client for event loops: asyncio and trio. It may outlive the loop that it was first used in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._config import DEFAULT_MAX_EVENT_SIZE, UNSET
from . import pipeline
from .adapters import ASYNCHRONOUS, wrong_transport
from .async_verbs import AsyncVerbs
from .client_base import ClientState
from .settings import warn_of_request_cookies
from .websocket_client import AsyncWebSocketMethods

if TYPE_CHECKING:
    from .._config import TimeoutTypes, Unset
    from .._messages.content import RequestContent, RequestData
    from .._messages.multipart import RequestFiles
    from .._messages.request import Request
    from .._messages.response import Response
    from .._policy.auth import AuthTypes
    from .._policy.pool_stats import PoolStats
    from .._values.cookies import CookieTypes
    from .._values.headers import HeaderTypes
    from .._values.query import QueryParamTypes
    from .._values.url import URL, Origin
    from .sse import AsyncStreamedEvents
    from .transfers import ProgressCallback
    from .transports import AsyncHTTPTransport


class AsyncClient(AsyncWebSocketMethods, AsyncVerbs):
    """Send requests from an event loop, with connections, cookies and settings kept between them.

        async with borzoi.AsyncClient(base_url="https://example.org") as client:
            response = await client.get("/")

    The arguments are defaults for each request; those of one request win, or are merged with them.
    """

    _kind = ASYNCHRONOUS

    def _transport_type(self) -> type[AsyncHTTPTransport]:
        from .transports import AsyncHTTPTransport

        return AsyncHTTPTransport

    async def request(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Build a request, send it and read the body of its response.

        Raises `RequestError` where no response arrives, `InvalidURL` for a malformed URL. A response of any status is
        returned.

        `on_download` and `on_upload` are called with a `borzoi.Progress` while the bodies are under way; `progress`
        draws bars, labelled with the text given. docs/progress.md says what is reported when.
        """
        if cookies is not None:
            warn_of_request_cookies()

        request = self.build_request(
            method=method,
            url=url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            extensions=extensions,
        )
        if on_download is None and on_upload is None and progress is False:
            # What a program put in place of send() may take no more than httpx's arguments.
            return await self.send(request, auth=auth, follow_redirects=follow_redirects)
        return await self.send(
            request,
            auth=auth,
            follow_redirects=follow_redirects,
            on_download=on_download,
            on_upload=on_upload,
            progress=progress,
        )

    def stream(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> AsyncStreamedResponse:
        """Send a request and leave the body of its response unread, to be read inside the `async with` block.

            async with client.stream("GET", url) as response:
                async for chunk in response.aiter_bytes(): ...

        The response is closed at the end of the block.
        """
        building = {
            "method": method,
            "url": url,
            "content": content,
            "data": data,
            "files": files,
            "json": json,
            "params": params,
            "headers": headers,
            "cookies": cookies,
            "timeout": timeout,
            "extensions": extensions,
        }
        sending: dict[str, Any] = {"auth": auth, "follow_redirects": follow_redirects}
        if on_download is not None or on_upload is not None or progress is not False:
            sending |= {"on_download": on_download, "on_upload": on_upload, "progress": progress}
        return AsyncStreamedResponse(self, building, sending)

    def sse(
        self,
        url: URL | str,
        *,
        method: str = "GET",
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        reconnect: int = 0,
    ) -> AsyncStreamedEvents:
        """Send a request whose response is a stream of server-sent events, to be read inside the `async with` block.

            async with client.sse("/updates", reconnect=5) as source:
                async for event in source: ...

        Asking for the first event raises SSEError where the response is no such stream. `reconnect` is how many times
        in a row a connection may fail, or end without an event, and be made again. docs/sse.md tells more.
        """
        from .sse import AsyncStreamedEvents, Subscription

        streaming = {
            "content": content,
            "data": data,
            "files": files,
            "json": json,
            "params": params,
            "headers": headers,
            "cookies": cookies,
            "auth": auth,
            "follow_redirects": follow_redirects,
            "timeout": timeout,
            "extensions": extensions,
        }
        subscription = Subscription(self, method, url, streaming, max_event_size=max_event_size, reconnect=reconnect)
        return AsyncStreamedEvents(subscription)

    async def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a request as it is. With `stream=True` the body is left unread, and the response is to be closed."""
        if on_download is None and on_upload is None and progress is False:
            return await pipeline.send(self, request, stream, auth, follow_redirects)

        from .transfers import Watch, send_watched

        watch = Watch(on_download, on_upload, progress)
        return await send_watched(self, request, stream, auth, follow_redirects, watch)

    async def preconnect(
        self,
        url: URL | str | Origin,
        n: int = 1,
        *,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> int:
        """Open connections to the origin of a URL until `n` are idle; return how many were opened.

        They go through the proxy and TLS that requests would, count among the limits, and are closed like others when
        nothing was sent for as long as they may be idle. Fewer are opened where there is no room for more, and one at
        most where HTTP/2 is spoken. Raises `TransportError` as a request would.
        """
        from .pools import preconnect

        return await preconnect(self, url, n, timeout, extensions)

    def pool_stats(self) -> PoolStats:
        """Return what the connection pools of all transports have, and have done. docs/connections.md tells more."""
        from .pools import stats_of_client

        return stats_of_client(self)

    async def aclose(self) -> None:
        """Close the transports, all of them even if one fails. The client sends nothing after this."""
        if not self.is_closed:
            self._state = ClientState.CLOSED
            async with AsyncExitStack() as closing:
                for transport in reversed(self._transports()):
                    closing.push_async_callback(transport.aclose)

    async def __aenter__(self) -> Self:
        self._enter()
        for transport in self._transports():
            if not hasattr(transport, "__aenter__"):
                raise wrong_transport(transport, "__aenter__", "AsyncClient")
            await transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._state = ClientState.CLOSED
        async with AsyncExitStack() as closing:
            for transport in reversed(self._transports()):
                closing.push_async_callback(transport.__aexit__, exc_type, exc_value, traceback)


class AsyncStreamedResponse:
    """Send a request on entering, and close its response on leaving."""

    __slots__ = ("_building", "_client", "_response", "_sending")

    def __init__(self, client: AsyncClient, building: dict[str, Any], sending: dict[str, Any]) -> None:
        self._client = client
        self._building = building
        self._sending = sending

    async def __aenter__(self) -> Response:
        request = self._client.build_request(**self._building)
        self._response = await self._client.send(request=request, stream=True, **self._sending)
        return self._response

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._response.aclose()
