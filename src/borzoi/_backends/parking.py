"""Where tasks wait in the async worlds, and the one timer that ends the waits that take too long.

A wait is a waiter (a future, or its like under trio) and perhaps a deadline. One timer is armed for the earliest
deadline of all. When it fires, each waiter whose time has come fails with TimedOut. Typical waits end long before
their deadline and cost one look at the clock, one entry in a dict and one comparison; the timer is rarely moved.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from . import resolver
from .base import Address, TimedOut, Turn

if TYPE_CHECKING:
    from .resolver import Names

SCAN_SECONDS = 2e-6
"""Pause between scans, for each waiter: so that expiring them costs a few per cent of the time at most."""


class Waiter(Protocol):
    """What a task awaits until another wakes it."""

    def __await__(self) -> Generator[Any, Any, Any]: ...
    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: Any, /) -> None: ...


class Parking:
    """Keep the waiters of one event loop with their deadlines: what all back ends of such loops have in common."""

    timer_at: float
    """When the timer is armed for; infinity when it is not."""

    def __init__(self) -> None:
        self.deadlines: dict[Waiter, float] = {}
        self.timer_at = math.inf

    # What a loop supplies. An instance has some of its own, the functions of the loop: they are found faster where
    # the class has none.

    if TYPE_CHECKING:

        def now(self) -> float:
            """Return the loop's own time."""
            ...

        def new_waiter(self) -> Waiter:
            """Return a waiter for the current task."""
            ...

    def arm(self, when: float) -> None:
        """Set the timer, which calls `expire`, to `when`, replacing an earlier setting."""
        raise NotImplementedError

    async def checkpoint(self) -> None:
        """Let the other tasks run once."""
        raise NotImplementedError

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the loop; called from other threads, perhaps after the loop has ended."""
        raise NotImplementedError

    def has_ended(self) -> bool:
        """Return whether the loop is over."""
        raise NotImplementedError

    # Waits and their deadlines.

    def park(self, timeout: float | None) -> Waiter:
        """Return a waiter that fails with TimedOut after `timeout` seconds. Give it to `leave` at the end."""
        waiter = self.new_waiter()
        deadline = math.inf if timeout is None else self.now() + timeout
        self.deadlines[waiter] = deadline
        if deadline < self.timer_at:
            self.timer_at = deadline
            self.arm(deadline)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Forget a waiter. In a fork's child all are forgotten already."""
        self.deadlines.pop(waiter, None)

    def expire(self) -> None:
        """Fail the waiters whose time has come, and arm the timer for the next."""
        now = self.now()
        earliest = math.inf
        # Over a copy: collecting garbage may end a forgotten task right here, and it leaves its place as it ends.
        for waiter, deadline in list(self.deadlines.items()):
            if waiter.done():
                continue
            if deadline <= now:
                waiter.set_exception(TimedOut())
            elif deadline < earliest:
                earliest = deadline

        self.timer_at = math.inf
        if earliest < math.inf:
            self.timer_at = max(earliest, now + SCAN_SECONDS * len(self.deadlines))
            self.arm(self.timer_at)

    def fail_all(self, error: Callable[[], BaseException]) -> None:
        """Fail every wait, each with an error of its own: the loop's part of the work has ended."""
        for waiter in list(self.deadlines):
            if not waiter.done():
                waiter.set_exception(error())

    # The part of a back end's contract that needs no socket.

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock that is always free: one thread runs the loop.

        It is written in C, which `nullcontext` is not. The thread may take it again, since collecting garbage may end a
        forgotten task anywhere.
        """
        return threading.RLock()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return ParkedTurn(self)

    async def resolve(self, host: str, port: int, timeout: float | None, names: Names | None = None) -> list[Address]:
        """Return the addresses of `host`, looked up on a thread of the resolver."""
        return await resolver.resolve(self, host, port, timeout, names)

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        waiter = self.park(seconds)
        try:
            await waiter
        except TimedOut:
            pass
        finally:
            self.leave(waiter)


class ParkedTurn:
    """A place in the pool's queue, in an async world."""

    __slots__ = ("_parking", "_waiter", "value")

    def __init__(self, parking: Parking) -> None:
        self._parking = parking
        self._waiter: Waiter | None = None
        self.value: Any = None

    def give(self, value: object) -> None:
        """Hand over `value` and wake who waits."""
        self.value = value
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, timeout: float | None) -> None:
        """Return when a value was given. Raises TimedOut."""
        if self.value is not None:
            return
        waiter = self._waiter = self._parking.park(timeout)
        try:
            await waiter
        finally:
            self._parking.leave(waiter)
            self._waiter = None
