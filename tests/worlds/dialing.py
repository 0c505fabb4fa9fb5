"""Opening streams in a test body."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from borzoi._backends.base import ConnectOptions, TLSOptions

from .certificates import client_context
from .peers import RawServer
from .world import World

PLAIN = ConnectOptions()


async def connect(world: World, server: RawServer, *, tls: bool = False, timeout: float | None = 10.0) -> Any:
    """Return a stream to a server, secured by a context that trusts the tests' authority if `tls`."""
    stream = await world.backend().connect_tcp(server.host, server.port, timeout, PLAIN)
    return await secure(stream, timeout=timeout) if tls else stream


async def secure(
    stream: Any,
    *,
    context: ssl.SSLContext | None = None,
    name: str = "127.0.0.1",
    session: Any = None,
    timeout: float | None = 10.0,
) -> Any:
    """Return a stream secured by a context that trusts the tests' authority, unless another is given."""
    return await stream.start_tls(TLSOptions(context or client_context(), name, session), timeout)


@asynccontextmanager
async def connected(
    world: World, server: RawServer, *, tls: bool = False, timeout: float | None = 10.0
) -> AsyncIterator[Any]:
    """Open a stream to a server for the length of a block."""
    stream = await connect(world, server, tls=tls, timeout=timeout)
    try:
        yield stream
    finally:
        stream.close()
        # A transport of asyncio's closes its socket in the next turn.
        await world.sleep0()


async def settle(world: World) -> None:
    """Let the event loop hear of what has happened already."""
    for _ in range(6):
        await world.sleep0()


async def read_exactly(stream: Any, size: int, timeout: float | None = 10.0) -> bytes:
    """Read so many bytes."""
    parts: list[bytes] = []
    while size > 0:
        part = await stream.read(timeout)
        assert part, f"the stream ended {size} bytes early"
        parts.append(part)
        size -= len(part)
    assert size == 0, "more came than was asked for"
    return b"".join(parts)
