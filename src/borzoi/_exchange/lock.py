"""A lock that is held across awaits, in any world: first come, first served."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .._backends.base import TimedOut

if TYPE_CHECKING:
    from .._backends.base import Backend, Turn


class Lock:
    """Let one at a time through. Who is cancelled while waiting passes its turn on."""

    __slots__ = ("_backend", "_guard", "_held", "_turns")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._guard = backend.guard()
        self._held = False
        self._turns: deque[Turn] = deque()

    async def acquire(self, timeout: float | None = None) -> None:
        """Take the lock. Raises TimedOut."""
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = self._backend.turn()
            self._turns.append(turn)

        try:
            await turn.wait(timeout)
        except BaseException as error:
            with self._guard:
                was_given = turn not in self._turns
                if not was_given:
                    self._turns.remove(turn)
            if was_given:
                if isinstance(error, TimedOut):
                    # Given in the very moment in which the time was over.
                    return
                self.release()
            raise

    def acquire_now(self) -> bool:
        """Take the lock if it is free; return whether it was."""
        with self._guard:
            was_free, self._held = not self._held, True
        return was_free

    def release(self) -> None:
        """Hand the lock to the next in the queue, or leave it free."""
        with self._guard:
            if self._turns:
                self._turns.popleft().give(self)
            else:
                self._held = False
