"""What the markers of the plugin say. An argument that a marker does not take fails the test, and is named."""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn

import pytest


def marker_of(item: pytest.Item, name: str, takes: Collection[str], positions: int = 0) -> pytest.Mark | None:
    """Return the closest marker of a test, which has these arguments, the first `positions` of them by position."""
    marker = item.get_closest_marker(name)
    if marker is None:
        return None
    wrong = [repr(value) for value in marker.args[positions:]]
    wrong += [f"{key}=" for key in marker.kwargs if key not in takes]
    if wrong:
        refuse(name, f"{', '.join(wrong)} is not among what it takes: {', '.join(f'{key}=' for key in takes)}")
    return marker


def refuse(name: str, why: object) -> NoReturn:
    """Fail the test for what its marker says."""
    pytest.fail(f"@pytest.mark.{name}: {why}", pytrace=False)
