"""`request()` and `stream()` of httpcore: what its pools and connections have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self

from .httpcore_models import (
    URL,
    ByteOrStr,
    Content,
    Extensions,
    HeaderTypes,
    Origin,
    Request,
    Response,
    enforce_bytes,
    enforce_headers,
    enforce_url,
    include_request_headers,
)


def complete_request(
    method: ByteOrStr, url: URL | ByteOrStr, headers: HeaderTypes, content: Content, extensions: Extensions | None
) -> Request:
    """Return a request with the headers that it has to have."""
    url = enforce_url(url, name="url")
    pairs = include_request_headers(enforce_headers(headers, name="headers"), url=url, content=content)
    return Request(enforce_bytes(method, name="method"), url, headers=pairs, content=content, extensions=extensions)


class RequestInterface:
    """Send requests in blocking code: a subclass implements `handle_request()`."""

    def request(
        self,
        method: ByteOrStr,
        url: URL | ByteOrStr,
        *,
        headers: HeaderTypes = None,
        content: Content = None,
        extensions: Extensions | None = None,
    ) -> Response:
        """Send a request, and read its response."""
        with self.stream(method, url, headers=headers, content=content, extensions=extensions) as response:
            response.read()
        return response

    @contextmanager
    def stream(
        self,
        method: ByteOrStr,
        url: URL | ByteOrStr,
        *,
        headers: HeaderTypes = None,
        content: Content = None,
        extensions: Extensions | None = None,
    ) -> Generator[Response]:
        """Send a request, and close its response at the end of the block."""
        response = self.handle_request(complete_request(method, url, headers, content, extensions))
        try:
            yield response
        finally:
            response.close()

    def handle_request(self, request: Request) -> Response:
        """Send a request as it is."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


class AsyncRequestInterface:
    """Send requests in an event loop: a subclass implements `handle_async_request()`."""

    async def request(
        self,
        method: ByteOrStr,
        url: URL | ByteOrStr,
        *,
        headers: HeaderTypes = None,
        content: Content = None,
        extensions: Extensions | None = None,
    ) -> Response:
        """Send a request, and read its response."""
        async with self.stream(method, url, headers=headers, content=content, extensions=extensions) as response:
            await response.aread()
        return response

    @asynccontextmanager
    async def stream(
        self,
        method: ByteOrStr,
        url: URL | ByteOrStr,
        *,
        headers: HeaderTypes = None,
        content: Content = None,
        extensions: Extensions | None = None,
    ) -> AsyncGenerator[Response]:
        """Send a request, and close its response at the end of the block."""
        response = await self.handle_async_request(complete_request(method, url, headers, content, extensions))
        try:
            yield response
        finally:
            await response.aclose()

    async def handle_async_request(self, request: Request) -> Response:
        """Send a request as it is."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close what is open."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class ConnectionState:
    """Tell what a pool asks of its connections."""

    def info(self) -> str:
        """Return what is going on, for people."""
        raise NotImplementedError

    def can_handle_request(self, origin: Origin) -> bool:
        """Say whether it leads to the origin."""
        raise NotImplementedError

    def is_available(self) -> bool:
        """Say whether it takes a request now."""
        raise NotImplementedError

    def has_expired(self) -> bool:
        """Say whether it was idle for too long, or its peer has closed it."""
        raise NotImplementedError

    def is_idle(self) -> bool:
        """Say whether no request is under way."""
        raise NotImplementedError

    def is_closed(self) -> bool:
        """Say whether it will take no request any more."""
        raise NotImplementedError


class ConnectionInterface(ConnectionState, RequestInterface):
    """What a pool knows of its connections, in blocking code."""


class AsyncConnectionInterface(ConnectionState, AsyncRequestInterface):
    """What a pool knows of its connections, in an event loop."""


def settings_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments among the local variables of an `__init__`."""
    return {name: value for name, value in values.items() if name not in ("self", "__class__")}
