"""A clock that nobody waits for: it moves by itself to the next deadline when everything waits.

Whoever waits in a mocked world waits here, and names the moment at which it goes on. The earliest of them moves the
clock there, once a turn of the others has brought nothing: in an event loop a turn of the loop, with threads a moment
in which none of them did anything. So a stall of an hour takes no time, and what runs at once stays in the right order.
Sleeps of the program's own (`asyncio.sleep`) take their real time, and the clock stands still meanwhile; those through
`sleep()` do not.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from .._backends.memory import FOR_EVER
from .idling import Others, others_here


class Waiting:
    """One that waits: until a moment, or until it is ready."""

    __slots__ = ("ready", "until")

    def __init__(self, until: float | None, ready: Callable[[], bool] | None) -> None:
        self.until = until
        self.ready = ready

    def is_over(self, now: float) -> bool:
        """Return whether the wait is over at a moment."""
        return (self.ready is not None and self.ready()) or (self.until is not None and self.until <= now)


class Clock:
    """Tell a time that moves only when everything waits. Give it as `clock=`, or use a mock, which has one.

    clock = Clock()
    client = borzoi.Client(clock=clock)
    """

    def __init__(self) -> None:
        self._now: float = 0.0
        self._lock = threading.Lock()
        self._waiting: dict[Waiting, Others] = {}
        self.sleeps: list[float] = []
        """The seconds of each sleep: the pauses between retries, and the calls of `sleep()`."""
        self.activity = 0
        """Rises whenever somebody did something that may concern those who wait."""

    def now(self) -> float:
        """Return the time in seconds since the clock was made."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock by hand."""
        if seconds < 0:
            raise ValueError(f"The clock cannot go back: advance({seconds!r}).")
        with self._lock:
            self._now += seconds
            self.activity += 1

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Sleep in the clock's time. In an event loop the result must be awaited; in blocking code it has slept."""
        sleeping = self.sleep_here(seconds)
        if others_here(self).is_async:
            return sleeping

        from .._run_blocking import run_blocking

        run_blocking(sleeping)
        return DONE

    async def sleep_here(self, seconds: float, *, is_async: bool | None = None) -> None:
        """Sleep among the others of the task that awaits it, which need not be the one that made it."""
        self.sleeps.append(seconds)
        await self.wait_among(others_here(self, is_async=is_async), self._now + seconds)

    async def wait_among(self, others: Others, until: float | None, ready: Callable[[], bool] | None = None) -> bool:
        """Return True as soon as it is `ready`, or False when the clock shows `until`."""
        waiting = Waiting(None if until == FOR_EVER else until, ready)
        with self._lock:
            self._waiting[waiting] = others
            self.activity += 1
        others.enter()
        try:
            while not waiting.is_over(self._now):
                seen = self.activity
                if await others.are_idle() and not self._move(waiting, seen):
                    await others.turn()
        finally:
            others.leave()
            with self._lock:
                del self._waiting[waiting]
                self.activity += 1
        return ready is not None and ready()

    def _move(self, waiting: Waiting, seen: int) -> bool:
        """Move on to where this wait ends, if it is the first to end and nothing has happened since it looked."""
        with self._lock:
            if self.activity != seen or any(other.is_over(self._now) for other in self._waiting):
                return False
            ends = [other.until for other in self._waiting if other.until is not None]
            if waiting.until is not None and waiting.until == min(ends):
                self._now = waiting.until
                self.activity += 1
                return True
        if not ends:
            self._waiting[waiting].bear_no_end()
        return False


class _Done:
    """What has been done already, for who awaits it."""

    def __await__(self) -> Any:
        return iter(())


DONE = _Done()


class WorldClock:
    """The clock as a back end sees it, from one of its worlds. Satisfies the memory back end's `Clock`."""

    def __init__(self, clock: Clock, *, is_async: bool) -> None:
        self._clock = clock
        self._is_async = is_async
        self.now = clock.now
        self.advance = clock.advance

    def _others(self) -> Others:
        return others_here(self._clock, is_async=self._is_async)

    async def wait(self, until: float | None, ready: Callable[[], bool] | None = None) -> bool:
        """Return True as soon as it is `ready`, or False when the clock shows `until`."""
        return await self._clock.wait_among(self._others(), until, ready)

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and note that it did."""
        await self._clock.sleep_here(seconds, is_async=self._is_async)

    async def turn(self) -> None:
        """Let the others run. In blocking code they do so by themselves."""
        self._clock.activity += 1
        if self._is_async:
            await self._others().turn()
