"""The measure of growth tells linear work from quadratic work."""

from __future__ import annotations

from tests.growth import is_linear


def test_linear_work_is_linear() -> None:
    """A sum over a range is."""
    assert is_linear(lambda size: lambda: sum(range(size)), 100_000)


def test_quadratic_work_is_not() -> None:
    """A pass for each element is not."""
    assert not is_linear(lambda size: lambda: [sum(range(size)) for _ in range(size)], 400)
