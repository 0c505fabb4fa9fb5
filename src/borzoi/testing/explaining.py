"""Saying why no route answers a request: the nearest routes, with what fits and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .received import Received
    from .router import Route

SHOWN = 3
"""Routes that are named."""

_WEIGHTS = {"method": 3, "url": 5}


def explain_unmatched(routes: Sequence[Route], received: Received) -> str:
    """Return the message of an `UnmatchedRequest`."""
    lines = [f"No route answers {received}"]
    if not routes:
        return f"{lines[0]}: the mock has no routes"

    nearest = sorted(((route, route.conditions.differences(received)) for route in routes), key=_distance)
    for route, differences in nearest[:SHOWN]:
        lines.append(f"  {route}")
        lines += [f"    {text}" for text in differences]
        fitting = [part for part in ("method", "url") if not any(text.startswith(f"{part}:") for text in differences)]
        if differences and fitting:
            lines.append(f"    fits: {', '.join(fitting)}")
        if not differences:
            lines.append(f"    fits, but it was called {len(route.calls)} times already, and may not be called again")
    if len(nearest) > SHOWN:
        lines.append(f"  ... and {len(nearest) - SHOWN} more routes")
    return "\n".join(lines)


def _distance(candidate: tuple[Route, list[str]]) -> int:
    return sum(_WEIGHTS.get(text.partition(":")[0], 1) for text in candidate[1])
