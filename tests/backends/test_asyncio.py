"""Which back end a loop of asyncio gets, and what becomes of it."""

from __future__ import annotations

import asyncio

from borzoi._backends.asyncio import AsyncioReactor, backend_for
from borzoi._backends.portable_asyncio import PortableAsyncio
from tests.worlds.world import PortableAsyncioWorld


def test_a_loop_that_cannot_watch_gets_the_portable_one() -> None:
    """A loop without `add_reader` gets the portable back end, any other the reactor."""
    watching, blind = asyncio.new_event_loop(), PortableAsyncioWorld().new_loop()
    try:
        assert isinstance(backend_for(watching), AsyncioReactor)
        assert isinstance(backend_for(blind), PortableAsyncio)
    finally:
        watching.close()
        blind.close()


def test_closed_loops_are_forgotten() -> None:
    """A new loop's back end takes the place of those of closed loops, and of no others."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        old, kept = backend_for(first), backend_for(second)
        first.close()
        third = asyncio.new_event_loop()
        backend_for(third)
        assert old.has_ended()
        assert backend_for(first) is not old
        assert backend_for(second) is kept
        third.close()
    finally:
        second.close()
