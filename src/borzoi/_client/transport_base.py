"""What sends one request: the seam between a client and everything below it.

A transport takes a request and returns its response, whose body may still be on its way. It follows no redirects, keeps
no cookies and authenticates nothing. Errors are those of the `RequestError` tree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, cast

from .._messages.request import Request
from .._messages.response import Response


class BaseTransport:
    """Send requests in blocking code: implement `handle_request()`, and `close()` where there is something to close."""

    def handle_request(self, request: Request) -> Response:
        """Send one request and return its response, with the body unread. Raises `RequestError`."""
        raise NotImplementedError("The 'handle_request' method must be implemented.")

    def close(self) -> None:
        """Release connections and whatever else is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


class AsyncBaseTransport:
    """Send requests in an event loop: implement `handle_async_request()`, and `aclose()` where needed."""

    async def handle_async_request(self, request: Request) -> Response:
        """Send one request and return its response, with the body unread. Raises `RequestError`."""
        raise NotImplementedError("The 'handle_async_request' method must be implemented.")

    async def aclose(self) -> None:
        """Release connections and whatever else is held."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class MockTransport(AsyncBaseTransport, BaseTransport):
    """Answer requests from a function, without a network.

        client = borzoi.Client(transport=borzoi.MockTransport(lambda request: borzoi.Response(200)))

    The function may be `async` where the client is.
    """

    def __init__(self, handler: Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]) -> None:
        self.handler = handler

    def handle_request(self, request: Request) -> Response:
        """Return what the handler answers."""
        request.read()
        answer = self.handler(request)

        if not isinstance(answer, Response):
            _discard(answer)
            if not hasattr(answer, "__await__"):
                raise TypeError(f"The handler returned {answer!r}, and not a Response.")
            raise TypeError("Cannot use an async handler in a sync Client")
        return answer

    async def handle_async_request(self, request: Request) -> Response:
        """Return what the handler answers, waiting for it where it is `async`."""
        await request.aread()
        answer = self.handler(request)
        if not isinstance(answer, Response) and hasattr(answer, "__await__"):
            answer = await answer
        if not isinstance(answer, Response):
            raise TypeError(f"The handler returned {answer!r}, and not a Response.")
        return answer


def _discard(answer: object) -> None:
    # A coroutine that nobody awaits warns when it is collected: the error that follows says it better.
    close = getattr(answer, "close", None)
    if callable(close):
        cast("Callable[[], None]", close)()
