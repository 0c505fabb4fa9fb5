"""The calls of one SDK: functions that are given a server, and return what the caller saw."""

from __future__ import annotations

import asyncio
import inspect
import json
import warnings
from collections.abc import Callable
from typing import Any

from tests.sdks.seen import Data, recorded, seen, without_address
from tests.sdks.server import Server, serving

Call = Callable[[Server], Any]

LIMIT = 0.2
"""Seconds that clients wait for an answer which does not come."""


class Calls:
    """Gather the calls of a module: `calls = Calls("openai")`, and `@calls` before each."""

    def __init__(self, *distributions: str, in_any_order: bool = False) -> None:
        self.distributions = distributions
        """What is installed for them, by the names of the package index."""
        self.in_any_order = in_any_order
        """Whether requests go at the same time, so that the order in which they come says nothing."""
        self._calls: dict[str, Call] = {}

    def __call__(self, call: Call) -> Call:
        self._calls[call.__name__] = call
        return call

    @property
    def names(self) -> list[str]:
        """The names of the calls, in their order."""
        return list(self._calls)

    def outcomes(self) -> dict[str, Data]:
        """Make all calls, each against a server of its own, and return what came of each."""
        return {name: _outcome(call, self.in_any_order) for name, call in self._calls.items()}


def _outcome(call: Call, in_any_order: bool) -> Data:
    with serving() as server, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        came = seen(_made(call, server))
        # Of sockets that an SDK leaves open the garbage collector tells when it likes.
        told = [each for each in heard if not issubclass(each.category, ResourceWarning)]
        said = [[each.category.__name__, seen(str(each.message))] for each in told]
        sent = recorded(server.requests)
        if in_any_order:
            sent.sort(key=json.dumps)
        found = {"seen": came, "recorded": sent, "warnings": said}
        return without_address(found, server.host)


def _made(call: Call, server: Server) -> object:
    try:
        made = call(server)
        return asyncio.run(made) if inspect.iscoroutine(made) else made
    except Exception as error:  # noqa: BLE001 - what is raised is what the caller sees
        return error


def raised(function: Callable[..., object], *arguments: Any, **options: Any) -> object:
    """Return what a function raises, or what it returns if it raises nothing."""
    try:
        return function(*arguments, **options)
    except Exception as error:  # noqa: BLE001 - what is raised is what the caller sees
        return error
