"""Which world is this: asyncio, trio, or trio as a guest of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import trio

from borzoi._backends.asyncio import AsyncioReactor
from borzoi._backends.trio import TrioReactor
from borzoi._client.worlds import Worlds


def look() -> tuple[Any, Any]:
    """Return the current loop and its back end."""
    worlds = Worlds()
    loop = worlds.current_loop()
    assert worlds.current_loop() is loop
    return loop, worlds.backend_of(loop)


def test_asyncio() -> None:
    """In asyncio the loop is the running one."""

    async def body() -> None:
        loop, backend = look()
        assert loop is asyncio.get_running_loop()
        assert isinstance(backend, AsyncioReactor)
        assert look()[1] is backend

    asyncio.run(body())


def test_trio() -> None:
    """In trio the loop is the token of the run."""

    async def body() -> None:
        loop, backend = look()
        assert loop is trio.lowlevel.current_trio_token()
        assert isinstance(backend, TrioReactor)
        assert look()[1] is backend

    trio.run(body)


def test_trio_as_a_guest() -> None:
    """Where trio runs inside of asyncio, a trio task is in trio, and its host is in asyncio."""

    async def guest() -> str:
        return type(look()[1]).__name__

    async def host() -> tuple[str, str]:
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def finished(outcome: Any) -> None:
            done.set_result(outcome.unwrap())

        schedule: Callable[..., Any] = asyncio.get_running_loop().call_soon_threadsafe
        trio.lowlevel.start_guest_run(guest, run_sync_soon_threadsafe=schedule, done_callback=finished)
        return await done, type(look()[1]).__name__

    assert asyncio.run(host()) == ("TrioReactor", "AsyncioReactor")


def test_outside_of_both() -> None:
    """Outside of any event loop there is none."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        Worlds().current_loop()
