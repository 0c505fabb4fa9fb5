"""`borzoi.Client` in the shape of `borzoi.AsyncClient`, so that one test body serves both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Self

_REQUESTS = {"request", "get", "options", "head", "post", "put", "patch", "delete", "send"}
_ITERATORS = {"aiter_bytes", "aiter_raw", "aiter_text", "aiter_lines"}


class _Iterator:
    """An iterator in the shape of an asynchronous one."""

    def __init__(self, over: Iterator[Any]) -> None:
        self._over = iter(over)

    def __aiter__(self) -> _Iterator:
        return self

    async def __anext__(self) -> Any:
        for item in self._over:
            return item
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the iterator, if it can be."""
        if hasattr(self._over, "close"):
            self._over.close()


class BlockingResponse:
    """A response of the blocking client; `wrapped` is the real one."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        if name in _ITERATORS:
            return lambda *args, **kwargs: _Iterator(getattr(self.wrapped, name[1:])(*args, **kwargs))
        return getattr(self.wrapped, name)

    def __repr__(self) -> str:
        return repr(self.wrapped)

    async def aread(self) -> bytes:
        """Read the body."""
        return bytes(self.wrapped.read())

    async def aclose(self) -> None:
        """Close the response."""
        self.wrapped.close()


class BlockingClient:
    """A blocking client; `wrapped` is the real one."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.wrapped, name)
        if name not in _REQUESTS:
            return attribute

        async def request(*args: Any, **kwargs: Any) -> BlockingResponse:
            return BlockingResponse(attribute(*args, **kwargs))

        return request

    async def __aenter__(self) -> Self:
        self.wrapped.__enter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.wrapped.__exit__(*exc)

    async def aclose(self) -> None:
        """Close the client."""
        self.wrapped.close()

    @asynccontextmanager
    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[BlockingResponse]:
        """Stream a response."""
        with self.wrapped.stream(*args, **kwargs) as response:
            yield BlockingResponse(response)
