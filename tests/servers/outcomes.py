"""A plugin of pytest that writes what came of each test with a cell in the table of `scripts/servers`, a line for each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.servers.cells import cells_of

_outcomes: dict[str, list[str]] = {}
"""The cell of each test that has not ended, and what is known of its outcome."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note which cell a test belongs to: one of its parameters says so."""
    for cell in cells_of(item):
        _outcomes[item.nodeid] = [cell.row, cell.column, "passed"]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write the line of a test that has ended."""
    outcome = _outcomes.get(report.nodeid)
    if outcome is None:
        return
    if report.failed:
        outcome[2] = "failed"
    if report.when == "teardown":
        with Path(os.environ["BORZOI_SERVERS_OUTCOMES"]).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(_outcomes.pop(report.nodeid)) + "\n")
