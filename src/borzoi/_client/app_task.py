"""Run an app in a task beside its caller, in asyncio or trio, and let the two wait for each other.

`new_app_task()` picks the world. The task runs in a copy of the caller's context. Whatever the app raises is kept in
`error`, and never reaches the event loop. Starting and cancelling do not wait: who wants the end waits for it.

This is one of the two places that start a task (the other is trio's pump): an app needs a stack of its own.
"""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio


class Event(Protocol):
    """What asyncio and trio agree on."""

    def set(self) -> object:
        """Wake whoever waits."""

    async def wait(self) -> object:
        """Wait until it is set."""


class AppTask:
    """Hold what both worlds share: the end, the error, and waiting for news."""

    def __init__(self) -> None:
        self.ended = False
        self.error: BaseException | None = None
        self._news: Event | None = None

    async def until(self, ready: Callable[[], object]) -> None:
        """Wait until `ready()` is true; it is asked again after each `changed()`."""
        while not ready():
            if self._news is None:
                self._news = self._event()
            await self._news.wait()

    def changed(self) -> None:
        """Wake all who wait, so that they look again."""
        news, self._news = self._news, None
        if news is not None:
            news.set()

    def take_error(self) -> BaseException | None:
        """Return what the app raised, and let go of it: its traceback holds on to the app's frames."""
        error, self.error = self.error, None
        return error

    def start(self, run: Callable[[], Awaitable[None]]) -> None:
        """Start the app."""
        raise NotImplementedError

    def cancel(self, after: float = 0.0) -> None:
        """Cancel the app, now or `after` so many seconds."""
        raise NotImplementedError

    def cancel_from_anywhere(self) -> None:
        """Cancel the app from a finaliser: on any thread, and perhaps after the event loop is gone."""
        raise NotImplementedError

    def _event(self) -> Event:
        raise NotImplementedError

    def _end(self) -> None:
        self.ended = True
        self.changed()


class AsyncioAppTask(AppTask):
    """Run the app as a task of the running loop."""

    _task: asyncio.Task[None]
    _timer: asyncio.TimerHandle | None = None

    def start(self, run: Callable[[], Awaitable[None]]) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        # The context of the task is a copy of the caller's.
        self._task = self._loop.create_task(self._run(run))
        # A task that is cancelled before its first step runs no `finally`; this is called all the same.
        self._task.add_done_callback(self._done)

    async def _run(self, run: Callable[[], Awaitable[None]]) -> None:
        import asyncio

        try:
            await run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the caller's, who raises it again
            self.error = error

    def _done(self, _: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._end()

    def cancel(self, after: float = 0.0) -> None:
        if after:
            self._timer = self._loop.call_later(after, self._task.cancel)
        else:
            self._task.cancel()

    def cancel_from_anywhere(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._task.cancel)
        except RuntimeError:
            pass  # the loop was closed, and has cancelled its tasks before

    def _event(self) -> Event:
        import asyncio

        return asyncio.Event()


class TrioAppTask(AppTask):
    """Run the app as a system task, in a cancel scope of its own."""

    def start(self, run: Callable[[], Awaitable[None]]) -> None:
        import trio

        self._scope = trio.CancelScope()
        self._token = trio.lowlevel.current_trio_token()
        context = contextvars.copy_context()
        trio.lowlevel.spawn_system_task(self._run, run, name="borzoi.ASGITransport", context=context)

    async def _run(self, run: Callable[[], Awaitable[None]]) -> None:
        import trio

        try:
            with self._scope:
                await run()
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the caller's; out of a system task it would end the run
            self.error = error
        finally:
            self._end()

    def cancel(self, after: float = 0.0) -> None:
        import trio

        if after:
            self._scope.deadline = trio.current_time() + after
        else:
            self._scope.cancel()

    def cancel_from_anywhere(self) -> None:
        import trio

        try:
            self._token.run_sync_soon(self._scope.cancel)
        except trio.RunFinishedError:
            pass

    def _event(self) -> Event:
        import trio

        return trio.Event()


def new_app_task() -> AppTask:
    """Return a task for the world that is running. Raises sniffio.AsyncLibraryNotFoundError outside of both."""
    import sniffio

    worlds: dict[str, Callable[[], Any]] = {"asyncio": AsyncioAppTask, "trio": TrioAppTask}
    task: AppTask = worlds[sniffio.current_async_library()]()
    return task
