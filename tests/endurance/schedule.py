"""Coroutines run in an order that chance decides, on a clock that moves when none of them can go on: the same for a seed.

Each step is one await of the memory back end. A task may be broken off at any of them.
"""

from __future__ import annotations

import random
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from borzoi._backends.memory import HandClock

Pause = tuple[float | None, Callable[[], bool] | None]


class BrokenOff(BaseException):
    """A task was cancelled, as event loops do it."""


@types.coroutine
def _pause(until: float | None, ready: Callable[[], bool] | None) -> Generator[Pause, bool, bool]:
    return (yield until, ready)


class Schedule(HandClock):
    """The clock of a back end whose waits end when chance says so."""

    async def wait(self, until: float | None, ready: Callable[[], bool] | None = None) -> bool:
        """Return True as soon as it is `ready`, or False when the clock shows `until`."""
        return await _pause(until, ready)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await _pause(self._now + seconds, None)

    async def turn(self) -> None:
        """Let others run."""
        await _pause(self._now, None)

    def run(self, coroutines: list[Coroutine[Any, Any, None]], chance: random.Random, break_off: float) -> None:
        """Run coroutines to their ends, breaking off one in so many steps. Raises what they raise, and RuntimeError where
        none could ever go on.
        """
        waiting: dict[Coroutine[Any, Any, None], Pause] = dict.fromkeys(coroutines, (0.0, None))
        while waiting:
            able = [coroutine for coroutine, pause in waiting.items() if self._is_over(pause)]
            if not able:
                self._move_on(list(waiting.values()))
                continue
            coroutine = chance.choice(able)
            pause = _step(coroutine, waiting[coroutine], chance.random() < break_off)
            if pause is None:
                del waiting[coroutine]
            else:
                waiting[coroutine] = pause

    def _is_over(self, pause: Pause) -> bool:
        until, ready = pause
        return (until is not None and until <= self._now) or (ready is not None and ready())

    def _move_on(self, pauses: list[Pause]) -> None:
        ends = [until for until, _ in pauses if until is not None and until != float("inf")]
        if not ends:
            raise RuntimeError(f"None of {len(pauses)} tasks can ever go on.")
        self._now = min(ends)


def _step(coroutine: Coroutine[Any, Any, None], pause: Pause, is_broken_off: bool) -> Pause | None:
    """Let a coroutine go on to its next await; return None where it has ended."""
    try:
        if is_broken_off and coroutine.cr_frame is not None and coroutine.cr_await is not None:  # type: ignore[attr-defined]
            return coroutine.throw(BrokenOff())  # type: ignore[return-value]
        begun = coroutine.cr_await is not None  # type: ignore[attr-defined]
        return coroutine.send((pause[1] is not None and pause[1]()) if begun else None)  # type: ignore[return-value]
    except (StopIteration, BrokenOff):
        return None
