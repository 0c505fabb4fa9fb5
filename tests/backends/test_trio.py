"""Waiters of trio, and what a back end knows of its run."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import trio

from borzoi._backends.portable_trio import PortableTrio
from borzoi._backends.trio import TrioReactor, TrioWaiter


def test_a_waiter_may_be_woken_before_it_is_awaited() -> None:
    """A result or an exception set early is what awaiting gives, at once."""

    async def body() -> None:
        early, failed = TrioWaiter(), TrioWaiter()
        early.set_result("early")
        failed.set_exception(LookupError("failed"))
        assert early.done()
        assert await early == "early"
        with pytest.raises(LookupError, match="failed"):
            await failed

    trio.run(body)


def test_a_waiter_wakes_its_task() -> None:
    """A task that awaits is woken with the result; one that was cancelled counts as woken."""

    async def body() -> None:
        woken, cancelled = TrioWaiter(), TrioWaiter()
        results: list[Any] = []

        async def wait() -> None:
            results.append(await woken)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.lowlevel.checkpoint()
            assert not woken.done()
            woken.set_result("news")
        with trio.move_on_after(0.01):
            await cancelled
        assert results == ["news"]
        assert cancelled.done()

    trio.run(body)


@pytest.mark.parametrize("kind", [TrioReactor, PortableTrio])
def test_a_run_that_is_over(kind: Any) -> None:
    """A back end knows that its run has ended, whether the token is still there or gone; calls into it are dropped."""
    tokens: list[Any] = []

    async def body() -> Any:
        tokens.append(trio.lowlevel.current_trio_token())
        backend = kind()
        assert not backend.has_ended()
        return backend

    called: list[str] = []
    backend = trio.run(body)
    assert backend.has_ended()
    backend.call_from_thread(lambda: called.append("late"))

    gone = weakref.ref(tokens.pop())
    gc.collect()
    assert gone() is None
    assert backend.has_ended()
    backend.call_from_thread(lambda: called.append("later"))
    assert called == []
