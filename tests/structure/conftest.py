"""The trees of the source live no longer than the tests that look at them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.structure.source import forget


@pytest.fixture(autouse=True, scope="module")
def _no_tree_stays() -> Iterator[None]:
    """Drop the trees after the last test of a module."""
    yield
    forget()
