"""Cassettes in pytest: the marker `http_cassette` and the option `--http=`.

    @pytest.mark.http_cassette                      # cassettes/<module>/<test>.yaml beside the test
    @pytest.mark.http_cassette("users.yaml", unused="fail", max_age="90d")

Nothing is imported before a test with the marker runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

MODES = ("replay", "record", "refresh", "verify", "live")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("borzoi")
    group.addoption("--http", choices=MODES, default="replay", help="what becomes of requests of tests with a cassette")


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker. A run for continuous integration does not record."""
    config.addinivalue_line(
        "markers",
        "http_cassette(path=None, *, match, unused, max_age, allow): replay the exchanges of the test from a file",
    )
    mode = config.getoption("--http")
    if mode in ("record", "refresh") and os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise pytest.UsageError(f"--http={mode} records, and continuous integration (the variable CI) never does")


def _path_of(item: pytest.Item, given: str | None) -> Path:
    folder = item.path.parent / "cassettes"
    if given is not None:
        return folder / given
    name = re.sub(r"[^\w.-]+", "-", item.name).strip("-")
    return folder / item.path.stem / f"{name}.yaml"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the test between the beginning and the end of its cassette."""
    marker = item.get_closest_marker("http_cassette")
    if marker is None:
        return (yield)
    from .cassette import Cassette

    path = _path_of(item, *(marker.args or (None,)))
    mode: str = str(item.config.getoption("--http"))
    with Cassette(path, mode, **marker.kwargs):
        return (yield)
