"""`borzoi.alias_httpx()`, by which programs that were written for httpx2 have their dependencies follow."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

import borzoi
from borzoi.compat import uninstall


@pytest.fixture
def restored() -> Iterator[None]:
    """Undo the alias."""
    yield
    uninstall()


@pytest.mark.usefixtures("restored")
def test_httpx_is_borzoi_from_then_on() -> None:
    """After it, also after it was called twice, `import httpx` gives Borzoi."""
    borzoi.alias_httpx()
    borzoi.alias_httpx()

    assert importlib.import_module("httpx").Client is borzoi.Client
    assert importlib.import_module("httpx2").alias_httpx is borzoi.alias_httpx
