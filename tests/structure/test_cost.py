"""What a plain GET costs, counted: neither more nor less than is written down, so that what is written stays true.

    python -m tests.structure.test_cost

writes down anew, for the Python that runs it, what `test_cost.json` says: the bounds are moved on purpose or not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import repeat

import pytest

from benchmarks.counting import Cost, Counter, count_blocking, least

from .source import ROOT

FILE = ROOT / "tests" / "structure" / "test_cost.json"

TOLERANCE = 0.03
"""How far from what is written down a figure may be."""

ELSEWHERE = 0.25
"""The same, on a Python of which nothing is written down: it is held to the figures of the nearest one."""

Costs = dict[str, dict[str, int]]


@cache
def counted() -> Costs:
    """Count in a process of its own: neither pytest, nor what measures coverage, nor the environment has a part in it."""
    kept = ("LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    command = [sys.executable, "-m", "benchmarks.counting"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    found: Costs = json.loads(done.stdout)
    return found


def written() -> dict[str, Costs]:
    """Read the bounds of each Python."""
    bounds: dict[str, Costs] = json.loads(FILE.read_text(encoding="utf-8"))
    return bounds


def number(version: str) -> int:
    """Return the second number of a version: 13 of 3.13."""
    return int(version.partition(".")[2])


def bounds_here() -> tuple[Costs, float]:
    """Return the bounds for this Python, and how far from them a figure may be."""
    bounds, here = written(), sys.version_info.minor
    nearest = min(bounds, key=lambda version: abs(number(version) - here))
    return bounds[nearest], TOLERANCE if number(nearest) == here else ELSEWHERE


def verdict(figure: int, bound: int, tolerance: float) -> str:
    """Say what is wrong with a figure; nothing where it is near enough to its bound."""
    if abs(figure - bound) <= bound * tolerance:
        return ""
    change = "more than" if figure > bound else "fewer than"
    return f"{figure}, {change} the {bound} written down, which `python -m tests.structure.test_cost` moves"


@pytest.mark.parametrize("what", ["calls", "allocations"])
@pytest.mark.parametrize("world", ["asyncio", "blocking"])
def test_a_plain_get_costs_what_is_written_down(world: str, what: str) -> None:
    """The calls and the allocations of a plain GET are within 3 % of their bounds, above and below."""
    bounds, tolerance = bounds_here()

    assert verdict(counted()[world][what], bounds[world][what], tolerance) == ""


@pytest.mark.parametrize(
    ("figure", "wrong"), [(100, ""), (103, ""), (97, ""), (104, "104, more than"), (96, "96, fewer than")]
)
def test_a_bound_binds_above_and_below(figure: int, wrong: str) -> None:
    """What is more than 3 % from its bound is wrong, and is told how the bound is moved."""
    found = verdict(figure, 100, TOLERANCE)

    assert found.startswith(wrong)
    assert bool(found) == bool(wrong)


def _work() -> None:
    sorted([])


def _kept(count: int) -> Callable[[], object]:
    return lambda: [object() for _ in repeat(None, count)]


def test_each_call_counts() -> None:
    """A call added to what is counted is one more: of a Python function, and of one in C."""
    before = count_blocking(lambda: None).calls

    assert count_blocking(lambda: len([])).calls == before + 1
    assert count_blocking(_work).calls == before + 1
    assert count_blocking(lambda: _work()).calls == before + 2


def test_each_allocation_counts() -> None:
    """An object added to what is made is one block more."""
    few, many = count_blocking(_kept(100)).allocations, count_blocking(_kept(300)).allocations

    assert many - few == 200


def test_the_least_counts() -> None:
    """Of several requests, the fewest calls and the fewest allocations count."""
    assert least([Cost(5, 9), Cost(4, 12), Cost(6, 8)]) == Cost(4, 8)


def test_nothing_is_counted_of_nothing() -> None:
    """Counting itself is not counted."""
    counter = Counter()

    counter.start()

    assert counter.stop().calls == 0


def main() -> None:
    """Write down what a plain GET costs on this Python."""
    bounds = written() if FILE.exists() else {}
    bounds[f"3.{sys.version_info.minor}"] = counted()
    in_order = dict(sorted(bounds.items(), key=lambda item: number(item[0])))
    FILE.write_text(json.dumps(in_order, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(counted()) + "\n")


if __name__ == "__main__":
    main()
