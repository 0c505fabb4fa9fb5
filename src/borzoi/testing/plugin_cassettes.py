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
from typing import TYPE_CHECKING, Any

import pytest

from .plugin_markers import marker_of, refuse

if TYPE_CHECKING:
    from .cassette import Cassette

TAKES = ("path", "match", "unused", "max_age", "allow")
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


def _path_of(item: pytest.Item, given: str | os.PathLike[str] | None = None) -> Path:
    folder = item.path.parent / "cassettes"
    if given is not None:
        return folder / given
    # Two classes may have tests of one name.
    name = re.sub(r"[^\w.-]+", "-", ".".join(item.nodeid.split("::")[1:])).strip("-")
    return folder / item.path.stem / f"{name}.yaml"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the test between the beginning and the end of its cassette."""
    marker = marker_of(item, "http_cassette", TAKES, positions=1)
    if marker is None:
        return (yield)
    with _cassette(item, *marker.args, **marker.kwargs):
        return (yield)


def _cassette(item: pytest.Item, path: str | os.PathLike[str] | None = None, **settings: Any) -> Cassette:
    from .cassette import Cassette

    try:
        return Cassette(_path_of(item, path), str(item.config.getoption("--http")), **settings)
    except (TypeError, ValueError) as error:
        refuse("http_cassette", error)
