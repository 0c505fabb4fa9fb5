"""The reactor on trio: a system task, the pump, waits for the one descriptor and for the one timer."""

from __future__ import annotations

import contextlib
import contextvars
import math
import weakref
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import outcome
import trio

from .._errors import ReadError
from .poller import AVAILABLE
from .reactor import Reactor

if TYPE_CHECKING:
    from .base import Backend


class TrioWaiter:
    """What a future is under asyncio: awaited once, by one task."""

    __slots__ = ("_outcome", "_task")

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None
        self._outcome: outcome.Outcome[Any] | None = None

    def done(self) -> bool:
        """Return whether somebody woke the task."""
        return self._outcome is not None

    def set_result(self, result: Any) -> None:
        """Wake the task with a result."""
        self._set(outcome.Value(result))

    def set_exception(self, exception: BaseException) -> None:
        """Wake the task with an exception."""
        self._set(outcome.Error(exception))

    def _set(self, result: outcome.Outcome[Any]) -> None:
        self._outcome = result
        if self._task is not None:
            trio.lowlevel.reschedule(self._task, result)
            self._task = None

    def _abort(self, _: Callable[[], None]) -> trio.lowlevel.Abort:
        self._task = None
        self._outcome = outcome.Value(None)
        return trio.lowlevel.Abort.SUCCEEDED

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._outcome is not None:
            return self._outcome.unwrap()
        self._task = trio.lowlevel.current_task()
        return (yield from trio.lowlevel.wait_task_rescheduled(self._abort).__await__())  # noqa: ASYNC105 - it is


class TrioRun:
    """The run of trio that a back end belongs to, as it is seen from outside."""

    always_waits = True
    """Connecting is a checkpoint here, as trio has it of what is async: a cancellation is not passed over."""

    def __init__(self) -> None:
        super().__init__()
        self._token = weakref.ref(trio.lowlevel.current_trio_token())

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the run, unless it has ended."""
        token = self._token()
        if token is None:
            return
        try:
            token.run_sync_soon(callback)
        except trio.RunFinishedError:
            # Nobody waits any more.
            return

    def has_ended(self) -> bool:
        """Return whether the run has ended."""
        token = self._token()
        if token is None:
            return True
        try:
            # There is no other way to ask.
            token.run_sync_soon(_nothing, idempotent=True)
        except trio.RunFinishedError:
            return True
        return False


def _nothing() -> None:
    """Do nothing."""


class TrioReactor(TrioRun, Reactor):
    """Watch the sockets of one run of trio."""

    def __init__(self) -> None:
        super().__init__()
        self.now = trio.current_time  # type: ignore[method-assign]
        self.new_waiter = TrioWaiter  # type: ignore[method-assign]
        self._descriptor: int | None = None
        self._pumping = False
        self._scope: trio.CancelScope | None = None

    def attach(self, descriptor: int) -> None:
        """Have the pump watch `descriptor`."""
        self._descriptor = descriptor
        self._stir()

    def detach(self, descriptor: int) -> None:
        """Have the pump stop watching: it ends if it has no timer either."""
        self._descriptor = None
        try:
            trio.lowlevel.notify_closing(descriptor)
        except RuntimeError:
            # Outside of the run, whose pump has ended with it.
            return

    def arm(self, when: float) -> None:
        """Set the pump's deadline."""
        if self._scope is not None:
            self._scope.deadline = when
        else:
            self._stir()

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Have the pump flush, as it does after each rest: there is nothing else to be called soon."""
        if self._scope is not None:
            self._scope.cancel()

    def _stir(self) -> None:
        """Make the pump look at what it is to wait for, starting it if there is none."""
        if self._scope is not None:
            self._scope.cancel()
        elif not self._pumping and self._token() is not None:
            self._pumping = True
            trio.lowlevel.spawn_system_task(self._pump, context=contextvars.Context())

    def leave(self, waiter: Any) -> None:
        """Forget a waiter. Where it was the last, and no socket is left, the pump has nothing to stay for."""
        super().leave(waiter)
        if self._descriptor is None and not self.deadlines and self._scope is not None:
            self._scope.cancel()

    async def _pump(self) -> None:
        try:
            # A timer may be left of waits that are over: it keeps nobody here.
            while self._descriptor is not None or self.deadlines:
                await self._rest()
                self.flush()
                self.ready()
                if self.timer_at <= self.now():
                    self.expire()
        except BaseException:
            # The run ends, and with it every wait: nobody else would wake them.
            self.fail_all(partial(ReadError, "The trio run that this connection belongs to has ended"))
            raise
        finally:
            self._scope = None
            self._pumping = False
            self.timer_at = math.inf

    async def _rest(self) -> None:
        """Wait until there is news, the timer is due, or somebody stirs."""
        with contextlib.suppress(trio.ClosedResourceError), trio.CancelScope() as scope:
            self._scope = scope
            scope.deadline = self.timer_at
            if self._descriptor is None:
                await trio.sleep_forever()
            else:
                await trio.lowlevel.wait_readable(self._descriptor)
        self._scope = None

    async def checkpoint(self) -> None:
        """Let the other tasks run once."""
        await trio.lowlevel.checkpoint()


_reactors: weakref.WeakKeyDictionary[trio.lowlevel.TrioToken, Backend] = weakref.WeakKeyDictionary()


def backend_for(token: trio.lowlevel.TrioToken) -> Backend:
    """Return the one back end of the current run of trio."""
    backend = _reactors.get(token)
    if backend is None:
        backend = _reactors[token] = _choose()
    return backend


def _choose() -> Backend:
    if AVAILABLE:  # pragma: no branch - Windows
        return TrioReactor()

    from .portable_trio import PortableTrio  # pragma: no cover - Windows

    return PortableTrio()  # pragma: no cover - Windows
