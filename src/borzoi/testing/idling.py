"""Who else could run? The clock may move only when nobody does.

For a wait in an event loop those are the other tasks: one that is about to run, or that sleeps by the loop's own clock,
is busy. For a wait on a thread they are the threads that have waited on the same clock before: one that does not wait
now is given a moment.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import sniffio

from .._backends.memory import endless_wait

if TYPE_CHECKING:
    from .clock import Clock

MOMENT = 0.002
"""Real seconds that a thread is given to do something, and in which a sleeping task is looked at again."""

MANY_MOMENTS = 1000
"""Moments without any news after which a wait without an end has failed."""


class Others(Protocol):
    """What is beside one that waits."""

    is_async: bool

    def enter(self) -> None:
        """Begin to wait."""

    def leave(self) -> None:
        """Wait no more."""

    async def are_idle(self) -> bool:
        """Give the others a turn, and return whether none of them has anything to do."""
        ...

    async def turn(self) -> None:
        """Give the others a turn."""

    def bear_no_end(self) -> None:
        """Note that nothing will end the wait but the others. Raises RuntimeError where there are none."""


class OtherThreads:
    """The threads that have waited on one clock."""

    is_async = False
    _known: ClassVar[weakref.WeakKeyDictionary[Clock, dict[threading.Thread, int]]] = weakref.WeakKeyDictionary()

    def __init__(self, clock: Clock) -> None:
        self._threads = self._known.setdefault(clock, {})
        self._me = threading.current_thread()
        self._moments = 0

    def enter(self) -> None:
        """Count this thread among those that wait."""
        self._threads[self._me] = self._threads.get(self._me, 0) + 1

    def leave(self) -> None:
        """Count it among those that run."""
        self._threads[self._me] -= 1

    async def are_idle(self) -> bool:
        """Return whether all wait; who does not is given a moment."""
        if any(not waits and thread.is_alive() for thread, waits in list(self._threads.items())):
            await self.turn()
        return True

    async def turn(self) -> None:
        """Give the other threads a moment."""
        threading.Event().wait(MOMENT)

    def bear_no_end(self) -> None:
        """Bear it for some time if there are other threads."""
        self._moments += 1
        if self._moments > MANY_MOMENTS or threading.active_count() == 1:
            raise endless_wait()
        threading.Event().wait(MOMENT)


class OtherTasks:
    """The other tasks of a loop of asyncio."""

    is_async = True
    _waiting: ClassVar[weakref.WeakSet[asyncio.Task[Any]]] = weakref.WeakSet()

    def __init__(self) -> None:
        self._me = asyncio.current_task()
        self._moments = 0

    def enter(self) -> None:
        """Count this task among those that wait."""
        if self._me is not None:
            self._waiting.add(self._me)

    def leave(self) -> None:
        """Count it among those that run."""
        if self._me is not None:
            self._waiting.discard(self._me)

    async def are_idle(self) -> bool:
        """Return whether a turn of the loop has left no task with anything to do."""
        # One turn for what was ready, one for what that has made ready.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in asyncio.all_tasks():
            if task in self._waiting:
                continue
            if _sleeps(task):
                await asyncio.sleep(MOMENT)
                return False
            if _is_ready(task):
                return False
        return True

    async def turn(self) -> None:
        """Give the other tasks a turn."""
        await asyncio.sleep(0)

    def bear_no_end(self) -> None:
        """Bear it: something outside of the mock may end the wait."""


def _is_ready(task: asyncio.Task[Any]) -> bool:
    """Return whether the loop is about to run a task: it awaits nothing, or what it awaits is done."""
    awaited: Any = getattr(task, "_fut_waiter", task)
    return awaited is None or (awaited is not task and awaited.done())


def _sleeps(task: asyncio.Task[Any]) -> bool:
    """Return whether a task is in `asyncio.sleep()`."""
    inner: Any = task.get_coro()
    while (below := getattr(inner, "cr_await", None)) is not None and hasattr(below, "cr_code"):
        inner = below
    return getattr(inner, "cr_code", None) is asyncio.sleep.__code__ and inner.cr_frame.f_locals.get("delay", 0) > 0


class OtherTrioTasks:
    """The other tasks of a run of trio."""

    is_async = True

    def enter(self) -> None:
        """Do nothing: trio knows who waits."""

    def leave(self) -> None:
        """Do nothing."""

    async def are_idle(self) -> bool:
        """Return whether all tasks are blocked, and none sleeps."""
        import trio
        import trio.testing

        await trio.testing.wait_all_tasks_blocked()
        if _some_trio_task_sleeps():
            await trio.sleep(MOMENT)
            return False
        return True

    async def turn(self) -> None:
        """Give the other tasks a turn, and a cancellation its chance."""
        import trio

        await trio.lowlevel.checkpoint()

    def bear_no_end(self) -> None:
        """Bear it: something outside of the mock may end the wait."""


def _some_trio_task_sleeps() -> bool:
    """Return whether a task is in `trio.sleep()`, but for those that wait here."""
    return any(_is_in_trio_sleep(task) for task in _trio_tasks())


def _is_in_trio_sleep(task: Any) -> bool:
    import trio

    codes = {frame.f_code for frame, _ in task.iter_await_frames()}
    return trio.sleep_until.__code__ in codes and OtherTrioTasks.are_idle.__code__ not in codes


def _trio_tasks() -> Iterator[Any]:
    """Yield all tasks of the run."""
    import trio

    tasks: list[Any] = [trio.lowlevel.current_root_task()]
    while tasks:
        task = tasks.pop()
        tasks += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
        yield task


def others_here(clock: Clock, *, is_async: bool | None = None) -> Others:
    """Return those beside the current task or thread, in the world that runs it or that is named."""
    if is_async is not False:
        if sniffio.thread_local.name == "trio":
            return OtherTrioTasks()
        if is_async or asyncio._get_running_loop() is not None:
            return OtherTasks()
    return OtherThreads(clock)
