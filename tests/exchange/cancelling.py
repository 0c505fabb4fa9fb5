"""Cancel a coroutine at a chosen point at which it waits, in asyncio and in trio alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from tests.worlds.peers import LIMIT


class Watched:
    """Await a coroutine, and call `told` with how often it has waited each time that it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], told: Callable[[int], object]) -> None:
        self._coroutine = coroutine
        self._told = told
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = lambda: self._coroutine.send(None)  # noqa: E731
        while True:
            try:
                trap = step()
            except StopIteration as done:
                return done.value
            self.waits += 1
            self._told(self.waits)
            try:
                value = yield trap
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                step = _thrower(self._coroutine, error)
            else:
                step = _sender(self._coroutine, value)


class CancelledAt(Watched):
    """Await a coroutine, and call `cancel` when it waits for the `number`-th time; `waits` counts how often it did."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], number: int, cancel: Callable[[], object]) -> None:
        super().__init__(coroutine, lambda waits: cancel() if waits == number else None)


class Patience:
    """Have peers answer once they are waited for.

    Else a peer may have answered before the client looks, on two cores or where this thread stands still, and nothing
    waits. A peer calls `hold()` before it says what the client cannot go on without.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_asking = False
        self._waits = 0

    async def asked(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what a request comes to, whose waits peers wait for. Others are answered at once."""
        self._note(0, is_asking=True)
        try:
            return await Watched(coroutine, lambda waits: self._note(waits, is_asking=True))
        finally:
            self._note(0, is_asking=False)

    def _note(self, waits: int, *, is_asking: bool) -> None:
        with self._changed:
            self._is_asking = is_asking
            self._waits = waits
            self._changed.notify_all()

    def hold(self) -> None:
        """Return when the request has waited, in the thread of a peer."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._is_asking or self._waits > 0, LIMIT)


def _thrower(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _sender(coroutine: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)
