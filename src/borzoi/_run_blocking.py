"""The whole story of the blocking world: drive a coroutine that never suspends.

The orchestration is written once, as `async def`. Over the blocking back end every await finishes at once, so one
`send(None)` carries a coroutine from its first line to its `return`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose awaits all finish at once, as the blocking back end's do."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result

    coroutine.close()
    raise RuntimeError("The blocking world suspended: an awaitable of an event loop was awaited without one.")
