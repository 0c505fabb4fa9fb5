"""Doing several things at once in each world: threads, asyncio's tasks, trio's nursery, in one shape.

    async with world.tasks() as tasks:
        handle = tasks.start(body, 1, 2)
        handle.cancel()

The block ends when all tasks have ended. The first error cancels the others (threads are waited for) and is raised.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

import trio

from borzoi._run_blocking import run_blocking

Body = Callable[..., Awaitable[Any]]


class Handle:
    """One task: `result` when it has ended well, `cancelled` when it was cancelled."""

    def __init__(self) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self.cancelled = False
        self._cancel: Callable[[], object] | None = None

    def cancel(self) -> None:
        """Cancel the task. Not for threads."""
        assert self._cancel is not None, "a thread cannot be cancelled"
        self._cancel()


class Tasks:
    """`async with` over tasks."""

    def __init__(self) -> None:
        self.handles: list[Handle] = []

    def start(self, body: Body, *args: Any) -> Handle:
        """Start a task."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        raise NotImplementedError

    def _raise_first(self) -> None:
        for handle in self.handles:
            if handle.error is not None:
                raise handle.error


class ThreadTasks(Tasks):
    """Tasks that are threads."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit = limit
        self._threads: list[threading.Thread] = []

    def start(self, body: Body, *args: Any) -> Handle:
        """Start a thread."""
        handle = Handle()

        def work() -> None:
            try:
                handle.result = run_blocking(body(*args))  # type: ignore[arg-type]
            except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
                handle.error = error
            handle.ended = True

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)
        self.handles.append(handle)
        return handle

    async def __aexit__(self, *exc: object) -> None:
        for thread in self._threads:
            thread.join(self._limit)
        if exc[0] is None:
            self._raise_first()
            assert all(handle.ended for handle in self.handles), "a thread did not end"


class AsyncioTasks(Tasks):
    """Tasks of an asyncio loop."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, body: Body, *args: Any) -> Handle:
        """Start a task."""
        handle = Handle()
        task = asyncio.get_running_loop().create_task(self._work(handle, body, *args))
        handle._cancel = task.cancel
        self._tasks.append(task)
        self.handles.append(handle)
        return handle

    async def _work(self, handle: Handle, body: Body, *args: Any) -> None:
        try:
            handle.result = await body(*args)
        except asyncio.CancelledError:
            handle.cancelled = True
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
            handle.error = error
            for task in self._tasks:
                if task is not asyncio.current_task():
                    task.cancel()
        handle.ended = True

    async def __aexit__(self, *exc: object) -> None:
        if exc[0] is not None:
            for task in self._tasks:
                task.cancel()
        while pending := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(pending)
        if exc[0] is None:
            self._raise_first()


class TrioTasks(Tasks):
    """Tasks of a nursery."""

    def __init__(self) -> None:
        super().__init__()
        self._manager = trio.open_nursery()
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> Tasks:
        self._nursery = await self._manager.__aenter__()
        return self

    def start(self, body: Body, *args: Any) -> Handle:
        """Start a task."""
        assert self._nursery is not None
        handle, scope = Handle(), trio.CancelScope()
        handle._cancel = scope.cancel
        self.handles.append(handle)
        self._nursery.start_soon(self._work, handle, scope, body, *args)
        return handle

    async def _work(self, handle: Handle, scope: trio.CancelScope, body: Body, *args: Any) -> None:
        assert self._nursery is not None
        try:
            with scope:
                handle.result = await body(*args)
            handle.cancelled = scope.cancelled_caught
        except trio.Cancelled:
            handle.cancelled = True
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
            handle.error = error
            self._nursery.cancel_scope.cancel()
        finally:
            handle.ended = True

    async def __aexit__(self, *exc: object) -> None:
        assert self._nursery is not None
        if exc[0] is not None:
            self._nursery.cancel_scope.cancel()
        await self._manager.__aexit__(None, None, None)
        if exc[0] is None:
            self._raise_first()
