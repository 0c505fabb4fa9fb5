"""Resources: what is done with a call, in the ways of blocking and of async code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from .client import AsyncClient, Client
from .operation import Call
from .paging import AsyncPages, Page
from .responses import Response, response_of
from .streams import AsyncDownload, AsyncEvents, Download, Events

T = TypeVar("T")
W = TypeVar("W")


def data_of(client: Client, call: Call[T]) -> T:
    """Send a call, and return the body of its response."""
    result: T = client.finish(call, client.send(call))
    return result


async def adata_of(client: Client | AsyncClient, call: Call[T]) -> T:
    """Send a call from async code, and return the body of its response."""
    result: T = client.finish(call, await client.asend(call))
    return result


def answer_to(client: Client, call: Call[T]) -> Response[T]:
    """Send a call, and return its response with the body."""
    response = client.send(call)
    return response_of(Resource(client), call, client.finish(call, response), response)


async def aanswer_to(client: Client | AsyncClient, call: Call[T]) -> Response[T]:
    """Send a call from async code, and return its response with the body."""
    response = await client.asend(call)
    return response_of(AsyncResource(client), call, client.finish(call, response), response)


class Accessor(Generic[W]):
    """Give the same resource in another way."""

    def __init__(self, make: Callable[[Any], W]) -> None:
        self._make = make

    def __get__(self, resource: Any, owner: type) -> W:
        return self._make(resource._client)


class _Blocking:
    def __init__(self, client: Client) -> None:
        self._client = client

    def events(self, call: Call[Any]) -> Events[Any]:
        """Return the items of a stream."""
        return Events(self._client, call)


class _Async:
    def __init__(self, client: Client | AsyncClient) -> None:
        self._client = client

    def events(self, call: Call[Any]) -> AsyncEvents[Any]:
        """Return the items of a stream."""
        return AsyncEvents(self._client, call)


class Resource(_Blocking):
    """Hold the operations of one resource, for blocking code."""

    def run(self, call: Call[T]) -> T:
        """Return the body."""
        return data_of(self._client, call)

    either = run

    def page(self, call: Call[Any]) -> Page[Any, Any]:
        """Return the first page."""
        return Page.of(self._client, call)


class AsyncResource(_Async):
    """Hold the operations of one resource, for async code."""

    def run(self, call: Call[T]) -> Awaitable[T]:
        """Return the body."""
        return adata_of(self._client, call)

    either = run

    def page(self, call: Call[Any]) -> AsyncPages[Any, Any]:
        """Return what is the first page when it is awaited."""
        return AsyncPages(self._client, call)


class ResponseResource(_Blocking):
    """Hold the operations of one resource, whose responses come with their bodies."""

    def run(self, call: Call[T]) -> Response[T]:
        """Return the response."""
        return answer_to(self._client, call)

    either = page = run


class AsyncResponseResource(_Async):
    """Hold the operations of one resource, whose responses come with their bodies, for async code."""

    def run(self, call: Call[T]) -> Awaitable[Response[T]]:
        """Return the response."""
        return aanswer_to(self._client, call)

    either = page = run


class StreamResource(_Blocking):
    """Hold the operations of one resource, whose bodies are read as they come."""

    def run(self, call: Call[Any]) -> Download:
        """Return what reads the body."""
        return Download(self._client, call)

    page = run
    either = _Blocking.events


class AsyncStreamResource(_Async):
    """Hold the operations of one resource, whose bodies are read as they come, for async code."""

    def run(self, call: Call[Any]) -> AsyncDownload:
        """Return what reads the body."""
        return AsyncDownload(self._client, call)

    page = run
    either = _Async.events
