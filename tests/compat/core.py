"""The blocking classes of the httpcore stand-in in the shape of the asynchronous ones, so that one test body serves both.

core = Core(world)
async with core.pool(max_connections=1) as pool:
    response = await pool.request("GET", url)
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from tests.worlds.world import World


class Shaped:
    """A blocking object; its methods in the shape of the asynchronous ones. `wrapped` is the real one."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    def __repr__(self) -> str:
        return repr(self.wrapped)

    async def __aenter__(self) -> Self:
        self.wrapped.__enter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.wrapped.__exit__(*exc)

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request."""
        return self.wrapped.request(*args, **kwargs)

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request as it is."""
        return self.wrapped.handle_request(request)

    @asynccontextmanager
    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Stream a response."""
        with self.wrapped.stream(*args, **kwargs) as response:
            yield Body(response)

    async def aclose(self) -> None:
        """Close it."""
        self.wrapped.close()


class Body:
    """A blocking response in the shape of an asynchronous one."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    async def aiter_stream(self) -> AsyncIterator[bytes]:
        """Iterate over the body."""
        for chunk in self._response.iter_stream():
            yield chunk

    async def aread(self) -> bytes:
        """Read the body."""
        return bytes(self._response.read())

    async def aclose(self) -> None:
        """Close the response."""
        self._response.close()


class Core:
    """The names of httpcore for one world."""

    def __init__(self, world: World) -> None:
        self.library = importlib.import_module("httpcore")
        self.blocking = world.name == "blocking"

    def kind(self, name: str) -> Any:
        """Return a class of this world."""
        return getattr(self.library, name if self.blocking else f"Async{name}")

    def shaped(self, one: Any) -> Any:
        """Return an object in the asynchronous shape."""
        return Shaped(one) if self.blocking else one

    def make(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Make an object of a class, in the asynchronous shape."""
        return self.shaped(self.kind(name)(*args, **kwargs))

    def pool(self, **settings: Any) -> Any:
        """Make a pool."""
        return self.make("ConnectionPool", **settings)

    def body(self, response: Any) -> Any:
        """Return a response in the asynchronous shape."""
        return Body(response) if self.blocking else response

    async def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function of this world, and wait for what it returns."""
        outcome = function(*args, **kwargs)
        return outcome if self.blocking else await outcome
