"""Telling a program what happens to its request: `extensions={"trace": function}`, with the events of httpcore.

Each step of a request is `<name>.started` with what it was asked for, then `<name>.complete` with `return_value`, or
`<name>.failed` with `exception`. The function is plain in the blocking world and async in the others, and what it
raises ends the request. A request without the extension costs one look-up: `trace_of()` returns None, and a `Step` of
None does nothing.

    async with Step(trace, "connection.connect_tcp", {"host": host, "port": port}) as told:
        stream = told.return_value = await backend.connect_tcp(...)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .._backends.base import ConnectOptions


def trace_of(extensions: Mapping[str, Any], *, blocking: bool) -> Trace | None:
    """Return the trace that a request asks for, or None."""
    function = extensions.get("trace")
    return None if function is None else Trace(function, blocking=blocking)


class Trace:
    """Call the program's function, in the way of its world."""

    __slots__ = ("_blocking", "_function", "latest")

    def __init__(self, function: Callable[[str, dict[str, Any]], Any], *, blocking: bool) -> None:
        self._function = function
        self._blocking = blocking
        self.latest: dict[str, Any] = {}
        """What the last step was asked for: a retry shows it again."""

    def watch(self, options: ConnectOptions) -> ConnectOptions:
        """Return the options to connect with so that what is to be told of it is."""
        return options

    async def tell(self, event: str, info: dict[str, Any]) -> None:
        """Call the function, and await it outside of the blocking world. Raises TypeError for one of the other kind."""
        await call(self._function, event, info, blocking=self._blocking)


async def call(function: Callable[..., Any], *arguments: Any, blocking: bool) -> None:
    """Call what a program gave to be told of something: a plain function in the blocking world, an async one elsewhere.

    Raises TypeError for one of the other kind.
    """
    outcome = function(*arguments)
    is_awaitable = hasattr(outcome, "__await__")
    if blocking and is_awaitable:
        _discard(outcome)
        raise TypeError(f"Invalid callback {function!r}: Client needs a plain function, this one is async.")
    if not blocking and not is_awaitable:
        raise TypeError(f"Invalid callback {function!r}: AsyncClient needs an async function.")
    if is_awaitable:
        await outcome


class Step:
    """One step of a request, from `async with` to its end."""

    __slots__ = ("_info", "_name", "_trace", "return_value")

    def __init__(self, trace: Trace | None, name: str, info: dict[str, Any]) -> None:
        self._trace = trace
        self._name = name
        self._info = info
        self.return_value: Any = None
        """What the event of the end shows."""

    async def __aenter__(self) -> Self:
        if self._trace is not None:
            self._trace.latest = self._info
            await self._trace.tell(f"{self._name}.started", self._info)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A coroutine that is being closed can await nothing any more.
        if self._trace is None or isinstance(error, GeneratorExit):
            return
        if error is None:
            await self._trace.tell(f"{self._name}.complete", {"return_value": self.return_value})
        else:
            await self._trace.tell(f"{self._name}.failed", {"exception": error})


def _discard(outcome: Any) -> None:
    # A coroutine that nobody awaits warns when it is collected: the error that follows says it better.
    if hasattr(outcome, "close"):
        outcome.close()
