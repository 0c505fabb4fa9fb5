"""What programs give as `resolver=`, adapted to the one way in which names are found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from .._backends.resolver import CACHE_SECONDS, Names

if TYPE_CHECKING:
    from .._policy.guards import Guard
    from .settings import Clock

ResolverTypes: TypeAlias = "Callable[[str, int], Any] | Guard | Any"
"""What `resolver=` takes: a function, or an object with `resolve()`, from host and port to addresses; or a guard.

It returns addresses as text, or pairs of address and port, or None to leave the name to the system. `AsyncClient` takes
async ones, too. An attribute `ttl` says for how many seconds its answers are remembered.
"""


def names_for(resolver: Any, *, blocking: bool, clock: Clock | None) -> Names:
    """Return the names of a transport. Raises TypeError for a resolver that it cannot call."""
    guard = resolver if hasattr(resolver, "check") else None
    if guard is not None:
        resolver = guard.resolver
    seconds = float(getattr(resolver, "ttl", CACHE_SECONDS))

    ask = None if resolver is None else _function_of(resolver)
    is_async = ask is not None and _is_async(ask)
    if is_async and blocking:
        raise TypeError(f"Invalid resolver {resolver!r}: Client needs a plain function, this one is async.")
    now = time.monotonic if clock is None else clock.now
    return Names(ask, is_async=is_async, guard=guard, seconds=seconds, now=now)


def _function_of(resolver: Any) -> Callable[[str, int], Any]:
    found: Callable[[str, int], Any] = getattr(resolver, "resolve", resolver)
    if not callable(found):
        raise TypeError(
            f"Invalid resolver {resolver!r}. Give a function of host and port, or an object with resolve()."
        )
    return found


def _is_async(function: Callable[..., Any]) -> bool:
    from inspect import iscoroutinefunction

    # An object with an `async def __call__` is asked for the method of its class.
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
