"""The reactor on asyncio and on loops that keep its contract, such as uvloop."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from .parking import Parking
from .poller import AVAILABLE
from .reactor import Reactor

if TYPE_CHECKING:
    from .base import Backend


class AsyncioParking(Parking):
    """Wait in futures of one asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        # The loop's own methods, without a call of ours around them: each read uses both.
        self.now = loop.time  # type: ignore[method-assign]
        self.new_waiter = loop.create_future  # type: ignore[method-assign]
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, when: float) -> None:
        """Set the timer."""
        if self._timer is not None:
            self._timer.cancel()
        # In an empty context, or the caller's context variables would live as long as the timer.
        self._timer = contextvars.Context().run(self._loop.call_at, when, self.expire)

    async def checkpoint(self) -> None:
        """Let the other tasks run once."""
        await asyncio.sleep(0)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the loop, unless it has ended."""
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            # The loop was closed meanwhile: nobody waits any more.
            return

    def has_ended(self) -> bool:
        """Return whether the loop is closed."""
        return self._loop.is_closed()


class AsyncioReactor(AsyncioParking, Reactor):
    """Watch the sockets of one asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.call_soon = loop.call_soon  # type: ignore[method-assign]

    def attach(self, descriptor: int) -> None:
        """Have the loop call `ready` whenever `descriptor` is readable."""
        contextvars.Context().run(self._loop.add_reader, descriptor, self.ready)

    def detach(self, descriptor: int) -> None:
        """Undo `attach`."""
        if not self._loop.is_closed():
            self._loop.remove_reader(descriptor)


_backends: dict[asyncio.AbstractEventLoop, Backend] = {}


def _start_anew() -> None:  # pragma: no cover - in a fork's child, which is looked at from outside
    for backend in _backends.values():
        backend.abandon()
    _backends.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def backend_for(loop: asyncio.AbstractEventLoop) -> Backend:
    """Return the one back end of a loop: the reactor where the loop can watch a descriptor, else the portable one."""
    backend = _backends.get(loop)
    if backend is None:
        for ended in [other for other in list(_backends) if other.is_closed()]:
            _backends.pop(ended, None)
        backend = _backends[loop] = _choose(loop)
    return backend


def _choose(loop: asyncio.AbstractEventLoop) -> Backend:
    # ProactorEventLoop, the default of Windows, has no add_reader.
    if AVAILABLE and type(loop).add_reader is not asyncio.AbstractEventLoop.add_reader:
        return AsyncioReactor(loop)

    from .portable_asyncio import PortableAsyncio

    return PortableAsyncio(loop)
