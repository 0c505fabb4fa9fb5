"""The table of what came of the tests: a row for each server, and for each way to go through a proxy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from .installing import NAMES

COLUMNS = ("http 1.1", "http 2", "https 1.1", "https 2", "trailers", "refusals")
"""What was asked for: the scheme and version of the origin; what follows a body; what a proxy does not do."""

Outcomes: TypeAlias = "dict[str, dict[str, Counter[str]]]"
"""For each row and column how many tests had which outcome: passed, failed."""


def read_outcomes(path: Path) -> Outcomes:
    """Read what the tests have written, a line for each."""
    outcomes: Outcomes = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        row, column, outcome = json.loads(line)
        outcomes.setdefault(row, {}).setdefault(column, Counter())[outcome] += 1
    return outcomes


def render(outcomes: Outcomes, absent: Mapping[str, str]) -> str:
    """Return the table. `absent` has the servers that could not be had, each with the reason."""
    lines = [["", *COLUMNS]]
    lines += [[row, *(_cell(outcomes[row].get(column)) for column in COLUMNS)] for row in sorted(outcomes, key=_place)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS) + 1)]
    widths[0] = max(widths[0], *map(len, absent), 0)
    text = [_line(line, widths) for line in lines]
    text += [f"{name.ljust(widths[0])}  not here: {why}" for name, why in absent.items()]
    return "\n".join(text)


def _place(row: str) -> tuple[int, str]:
    return NAMES.index(row.split(maxsplit=1)[0]), row.partition(",")[0]


def _line(cells: Iterable[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(counts: Counter[str] | None) -> str:
    if counts is None:
        return "-"
    passed, failed = counts["passed"], counts["failed"]
    return f"{passed} ok" if not failed else f"{failed} of {passed + failed} FAILED"
