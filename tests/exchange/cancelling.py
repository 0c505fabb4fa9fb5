"""Cancel a coroutine at a chosen point at which it waits, in asyncio and in trio alike."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any


class CancelledAt:
    """Await a coroutine, and call `cancel` when it waits for the `number`-th time; `waits` counts how often it did."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], number: int, cancel: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._number = number
        self._cancel = cancel
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = lambda: self._coroutine.send(None)  # noqa: E731
        while True:
            try:
                trap = step()
            except StopIteration as done:
                return done.value
            self.waits += 1
            if self.waits == self._number:
                self._cancel()
            try:
                value = yield trap
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                step = _thrower(self._coroutine, error)
            else:
                step = _sender(self._coroutine, value)


def _thrower(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _sender(coroutine: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)
