"""The alias, installed for one test, and the worlds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import borzoi.compat
from tests.worlds.fixture import *  # noqa: F403


@pytest.fixture
def alias() -> Iterator[None]:
    """Install the alias, and take it away again."""
    borzoi.compat.install()
    yield
    borzoi.compat.uninstall()
