"""The three worlds that a test of the clients runs in: blocking, asyncio and trio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio

from borzoi._client.async_client import AsyncClient
from borzoi._client.sync_client import Client
from borzoi._client.transport_base import MockTransport
from borzoi._messages.response import Response


class World:
    """Call a client in one of the worlds. What the test writes is the same in each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_async = name != "blocking"

    def client(self, handler: Callable[..., Any] | None = None, **settings: Any) -> Any:
        """Return the world's client, its requests answered by a function."""
        if handler is not None:
            settings["transport"] = MockTransport(handler)
        return (AsyncClient if self.is_async else Client)(**settings)

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of a client, and wait for what it returns."""
        if not self.is_async:
            return function(*args, **kwargs)
        if self.name == "asyncio":
            return asyncio.run(_awaited(function, *args, **kwargs))
        return trio.run(partial(_awaited, function, *args, **kwargs))

    def hook(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return an event hook that does what the function does."""
        if not self.is_async:
            return function

        async def hook(message: Any) -> None:
            function(message)

        return hook

    def stream(self, client: Any, *args: Any, **kwargs: Any) -> tuple[Response, bytes]:
        """Stream a response; return it, and what was read of it inside the block."""

        def blocking() -> tuple[Response, bytes]:
            with client.stream(*args, **kwargs) as response:
                return response, b"".join(response.iter_bytes())

        async def asynchronous() -> tuple[Response, bytes]:
            async with client.stream(*args, **kwargs) as response:
                return response, b"".join([chunk async for chunk in response.aiter_bytes()])

        streamed: tuple[Response, bytes] = self.run(asynchronous if self.is_async else blocking)
        return streamed

    def inside(self, client: Any, *args: Any, **kwargs: Any) -> Response:
        """Send a request inside the `with` block of the client."""

        def blocking() -> Any:
            with client as entered:
                return entered.request(*args, **kwargs)

        async def asynchronous() -> Any:
            async with client as entered:
                return await entered.request(*args, **kwargs)

        response: Response = self.run(asynchronous if self.is_async else blocking)
        return response

    def enter(self, client: Any) -> None:
        """Enter the client's `with` block."""
        self.run(client.__aenter__ if self.is_async else client.__enter__)

    def close(self, client: Any) -> None:
        """Close the client."""
        self.run(client.aclose if self.is_async else client.close)

    def read(self, response: Response) -> bytes:
        """Read the body of a response."""
        body: bytes = self.run(response.aread if self.is_async else response.read)
        return body


async def _awaited(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await function(*args, **kwargs)


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    """Each of the worlds in turn."""
    return World(request.param)
