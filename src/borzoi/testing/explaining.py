"""Saying why no route answers a request: the nearest routes, with what fits and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .received import Received
    from .router import Route

SHOWN = 3
"""Routes, or calls, that are named."""


def explain_unmatched(routes: Sequence[Route], received: Received) -> str:
    """Return the message of an `UnmatchedRequest`."""
    lines = [f"No route answers {received}"]
    if not routes:
        return f"{lines[0]}: the mock has no routes"

    found = [(route, route.conditions.differences(received)) for route in routes]
    nearest = sorted(found, key=lambda one: _distance(one[0], one[1], received))
    for route, differences in nearest[:SHOWN]:
        lines.append(f"  {route}")
        lines += [f"    {text}" for text in differences]
        fitting = [part for part in ("method", "url") if not _has(part, differences)]
        if differences and fitting:
            lines.append(f"    fits: {', '.join(fitting)}")
        if not differences:
            lines.append(f"    fits, but it {_spent(route)}")
    if len(nearest) > SHOWN:
        lines.append(f"  ... and {len(nearest) - SHOWN} more routes")
    return "\n".join(lines)


def _has(part: str, differences: list[str]) -> bool:
    return any(text.startswith(f"{part}:") for text in differences)


def _spent(route: Route) -> str:
    count = len(route.calls)
    called = "was called once" if count == 1 else f"was called {count} times"
    return f"{called} already, and may not be called again" if count else "may not be called"


def _distance(route: Route, differences: list[str], received: Received) -> tuple[float, int]:
    """Return how far a route is from a request: of method and URL, and then of all else."""
    from difflib import SequenceMatcher

    far = 3.0 if _has("method", differences) else 0.0
    if _has("url", differences):
        pattern = route.conditions.pattern
        alike = SequenceMatcher(None, pattern.text, str(received.url)).ratio()
        far += 3 + len(pattern.misfits(received)) - alike
    return far, len(differences)
