"""The client for event loops: asyncio and trio. It may outlive the loop that it was first used in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._config import UNSET
from . import pipeline
from .adapters import ASYNCHRONOUS, wrong_transport
from .client_base import BaseClient, ClientState
from .settings import warn_of_request_cookies
from .transport_base import AsyncBaseTransport

if TYPE_CHECKING:
    from .._config import TimeoutTypes, Unset
    from .._messages.content import RequestContent, RequestData
    from .._messages.multipart import RequestFiles
    from .._messages.request import Request
    from .._messages.response import Response
    from .._policy.auth import AuthTypes
    from .._values.cookies import CookieTypes
    from .._values.headers import HeaderTypes
    from .._values.query import QueryParamTypes
    from .._values.url import URL
    from .transports import AsyncHTTPTransport


class AsyncClient(BaseClient[AsyncBaseTransport]):
    """Send requests from an event loop, with connections, cookies and settings kept between them.

        async with borzoi.AsyncClient(base_url="https://example.org") as client:
            response = await client.get("/")

    The arguments are defaults for each request; those of one request win, or are merged with them.
    """

    _face = ASYNCHRONOUS

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
    ) -> Response:
        """Build a request, send it and read the body of its response.

        Raises `RequestError` where no response arrives, `InvalidURL` for a malformed URL. A response of any status is
        returned.
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
        return await self.send(request, auth=auth, follow_redirects=follow_redirects)

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
        return AsyncStreamedResponse(self, building, {"auth": auth, "follow_redirects": follow_redirects})

    async def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
    ) -> Response:
        """Send a request as it is. With `stream=True` the body is left unread, and the response is to be closed."""
        return await pipeline.send(self, request, stream, auth, follow_redirects)

    async def get(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send a GET request: fetch what is at the URL."""
        return await self.request(
            "GET",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def options(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send an OPTIONS request: ask what may be done with the URL."""
        return await self.request(
            "OPTIONS",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def head(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send a HEAD request: fetch the headers of what is at the URL."""
        return await self.request(
            "HEAD",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def post(
        self,
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
    ) -> Response:
        """Send a POST request: have the body processed."""
        return await self.request(
            "POST",
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def put(
        self,
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
    ) -> Response:
        """Send a PUT request: have the body replace what is at the URL."""
        return await self.request(
            "PUT",
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def patch(
        self,
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
    ) -> Response:
        """Send a PATCH request: have the body change what is at the URL."""
        return await self.request(
            "PATCH",
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def delete(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send a DELETE request: have what is at the URL removed."""
        return await self.request(
            "DELETE",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    async def query(
        self,
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
    ) -> Response:
        """Send a QUERY request: have the body answered as a question, safe to repeat. RFC 10008."""
        return await self.request(
            "QUERY",
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

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
