"""The ways to call an operation, all made from one function that takes its arguments and returns a `Call`.

    def _get(user_id: UUID) -> Call[User]: ...

    class Users(Resource):
        get = blocking(_get)            # client.users.get(user_id) -> User
    class AsyncUsers(AsyncResource):
        get = asynchronous(_get)        # await client.users.get(user_id) -> User

The signature is written once; type checkers carry it to every way by its ParamSpec.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, ParamSpec, TypeVar

from ... import Headers
from ... import Response as HTTPResponse
from .client import AsyncClient, Client
from .operation import Call, StreamCall
from .streams import AsyncDownload, AsyncEvents, Download, Events

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class Response(Generic[T]):
    """Hold the body of a response in its declared type, and the response."""

    __slots__ = ("data", "http")

    def __init__(self, data: T, http: HTTPResponse) -> None:
        self.data = data
        self.http = http

    @property
    def status_code(self) -> int:
        """The status."""
        return self.http.status_code

    @property
    def headers(self) -> Headers:
        """The headers."""
        return self.http.headers


class Resource:
    """Hold the operations of one resource, for blocking code."""

    def __init__(self, client: Client) -> None:
        self._client = client


class AsyncResource:
    """Hold the operations of one resource, for async code."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client


def _data(client: Client, call: Call[T]) -> T:
    result: T = client.finish(call, client.send(call))
    return result


async def _adata(client: Client | AsyncClient, call: Call[T]) -> T:
    result: T = client.finish(call, await client.asend(call))
    return result


def _response(client: Client, call: Call[T]) -> Response[T]:
    response = client.send(call)
    return Response(client.finish(call, response), response)


async def _aresponse(client: Client | AsyncClient, call: Call[T]) -> Response[T]:
    response = await client.asend(call)
    return Response(client.finish(call, response), response)


class _Way(Generic[P, R]):
    """A method made of the function of an operation: `run` is what is done with its call."""

    __slots__ = ("_define", "_doc", "_run")

    def __init__(self, define: Callable[P, Call[Any]], run: Callable[[Any, Any], R]) -> None:
        self._define = define
        self._run = run
        self._doc = define.__doc__

    def __get__(self, resource: Any, owner: type) -> Callable[P, R]:
        client = None if resource is None else resource._client

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._run(client, self._define(*args, **kwargs))

        call.__doc__ = self._doc
        return call


def blocking(define: Callable[P, Call[T]]) -> _Way[P, T]:
    """Make a method that returns the body."""
    return _Way(define, _data)


def asynchronous(define: Callable[P, Call[T]]) -> _Way[P, Awaitable[T]]:
    """Make an async method that returns the body."""
    return _Way(define, _adata)


def blocking_response(define: Callable[P, Call[T]]) -> _Way[P, Response[T]]:
    """Make a method that returns the body and the response."""
    return _Way(define, _response)


def asynchronous_response(define: Callable[P, Call[T]]) -> _Way[P, Awaitable[Response[T]]]:
    """Make an async method that returns the body and the response."""
    return _Way(define, _aresponse)


def blocking_events(define: Callable[P, StreamCall[T]]) -> _Way[P, Events[T]]:
    """Make a method that returns the items of a stream as they come."""
    return _Way(define, Events)


def asynchronous_events(define: Callable[P, StreamCall[T]]) -> _Way[P, AsyncEvents[T]]:
    """Make an async method that returns the items of a stream as they come."""
    return _Way(define, AsyncEvents)


def blocking_download(define: Callable[P, Call[Any]]) -> _Way[P, Download]:
    """Make a method whose response is read piece by piece."""
    return _Way(define, Download)


def asynchronous_download(define: Callable[P, Call[Any]]) -> _Way[P, AsyncDownload]:
    """Make an async method whose response is read piece by piece."""
    return _Way(define, AsyncDownload)


class functions(Generic[P, T]):  # noqa: N801 -- a decorator
    """Make the functions style of an operation: `list_users.sync(client=client)` and its like."""

    def __init__(self, define: Callable[P, Call[T]]) -> None:
        self._define = define
        self.__doc__ = define.__doc__
        self.__name__ = define.__name__

    def _call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Any, Call[T]]:
        call = self._define(*args, **kwargs)
        return call.arguments.pop("client"), call

    def sync(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return the body of the response."""
        return _data(*self._call(*args, **kwargs))

    def sync_detailed(self, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation and return the body together with the response."""
        return _response(*self._call(*args, **kwargs))

    async def asyncio(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation from async code, under asyncio or trio, and return the body of the response."""
        return await _adata(*self._call(*args, **kwargs))

    async def asyncio_detailed(self, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Call the operation from async code and return the body together with the response."""
        return await _aresponse(*self._call(*args, **kwargs))
