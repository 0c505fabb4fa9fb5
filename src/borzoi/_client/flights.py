"""One piece of work, and all who wait for it: on threads, in event loops of asyncio, in runs of trio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._errors import TokenError
    from .._policy.oauth2 import Token


class Flight:
    """Stand for a token that somebody fetches. What came of it is there once waiting is over: none where it failed."""

    def __init__(self, *, blocking: bool) -> None:
        self.token: Token | None = None
        self.error: TokenError | None = None
        self._thread = threading.get_ident()
        self._is_blocking = blocking
        self._is_over = False
        self._wakers: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def can_be_joined(self, *, blocking: bool) -> bool:
        """Tell whether the caller may wait for it.

        Blocking code must not wait for what its own thread does, nor for a task: the loop of that may be the one that
        it holds up.
        """
        return not blocking or (self._is_blocking and self._thread != threading.get_ident())

    def end(self) -> None:
        """Wake all who wait."""
        with self._lock:
            self._is_over = True
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            # The loop of one who waited may have ended.
            with suppress(RuntimeError):
                wake()

    def _call_at_end(self, wake: Callable[[], object]) -> None:
        with self._lock:
            if not self._is_over:
                self._wakers.append(wake)
                return
        wake()

    def wait(self) -> None:
        """Wait on a thread."""
        event = threading.Event()
        self._call_at_end(event.set)
        event.wait()

    async def wait_in_loop(self) -> None:
        """Wait in an event loop of asyncio or a run of trio."""
        import sniffio

        if sniffio.current_async_library() == "trio":
            import trio

            event = trio.Event()
            token = trio.lowlevel.current_trio_token()
            self._call_at_end(lambda: token.run_sync_soon(event.set))
            await event.wait()
            return

        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._call_at_end(lambda: loop.call_soon_threadsafe(_settle, future))
        await future


def _settle(future: Any) -> None:
    if not future.done():
        future.set_result(None)
