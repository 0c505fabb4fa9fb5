"""Limits as values."""

from __future__ import annotations

from typing import Any

import pytest

from borzoi import Limits


def test_limits_of_a_host() -> None:
    """The connections to one origin are limited where that is asked for, and the value shows it then."""
    assert Limits().max_connections_per_host is None
    limits = Limits(max_connections=10, max_connections_per_host=2)
    assert limits.max_connections_per_host == 2
    assert limits == Limits(max_connections=10, max_connections_per_host=2)
    assert limits != Limits(max_connections=10)
    assert len({limits, Limits(max_connections=10, max_connections_per_host=2), Limits(max_connections=10)}) == 2
    shown = "Limits(max_connections=10, max_keepalive_connections=None, keepalive_expiry=5.0"
    assert repr(limits) == f"{shown}, max_connections_per_host=2)"
    assert repr(Limits(max_connections=10)) == f"{shown})"


@pytest.mark.parametrize("limit", [0, -1])
@pytest.mark.parametrize("name", ["max_connections", "max_connections_per_host"])
def test_limits_that_make_no_sense(name: str, limit: Any) -> None:
    """A pool that could send nothing is refused."""
    with pytest.raises(ValueError, match=f"Invalid limit: {name}={limit}"):
        Limits(**{name: limit})


def test_limits_that_are_no_numbers() -> None:
    """What is no number is refused by its name."""
    with pytest.raises(TypeError, match=r"Invalid limit: max_connections='5'\. Give a number"):
        Limits(max_connections="5")  # type: ignore[arg-type]
