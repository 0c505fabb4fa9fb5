"""`make mix-up ARGS="--sequences 100000"`: sequences of requests with hostile peers, to see whose response is whose.

Each is made of its number alone: `--first N --sequences 1` repeats one. They go on from where the last run ended.
"""

from __future__ import annotations

import argparse
import importlib
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from .record import record, recorded

MEASURE, PART = "mix-up", "sequences"
TARGET = 1_000_000
BATCH = 500
KEPT_EVERY = 40
"""Batches after which the count is written down."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them. Returns 1 where a request was given another's response."""
    parser = argparse.ArgumentParser(prog="make mix-up", description="Look whose response is whose.")
    parser.add_argument("--sequences", type=int, default=TARGET, help="how many")
    parser.add_argument("--first", type=int, help="the number of the first; by default what follows the last run's")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so many seconds")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS", "2")), help="how many at once")
    options = parser.parse_args(arguments)

    first = already() if options.first is None else options.first
    numbers = range(first, first + options.sequences)
    outcomes, wrong = run(numbers, options.jobs, options.seconds, keeps=options.first is None)
    done = outcomes.pop("sequences")
    print(f"{done:,} sequences from {first} on, {len(wrong)} wrong: {dict(sorted(outcomes.items()))}")
    for text in wrong:
        print(text)
    return 1 if wrong else 0


def already() -> int:
    """Return how many were run so far."""
    count: int = recorded().get(MEASURE, {}).get(PART, {}).get("count", 0)
    return count


def run(numbers: range, jobs: int, seconds: float, *, keeps: bool) -> tuple[Counter[str], list[str]]:
    """Run these; return what became of their requests, and what was wrong."""
    until = time.monotonic() + seconds
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    unwritten = 0
    with ProcessPoolExecutor(jobs) as workers:
        batches = [
            range(start, min(start + BATCH, numbers.stop)) for start in range(numbers.start, numbers.stop, BATCH)
        ]
        for place in range(0, len(batches), KEPT_EVERY):
            if time.monotonic() > until:
                break
            for found, texts in workers.map(batch, batches[place : place + KEPT_EVERY]):
                outcomes += found
                wrong += texts
            if keeps:
                record(MEASURE, PART, outcomes["sequences"] - unwritten, len(wrong))
                unwritten = outcomes["sequences"]
    return outcomes, wrong


def batch(numbers: range) -> tuple[Counter[str], list[str]]:
    """Run some, in a process of their own."""
    sequence: Any = importlib.import_module("tests.endurance.mixing").sequence
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for number in numbers:
        outcomes["sequences"] += 1
        try:
            outcomes += sequence(number)
        except AssertionError as error:
            wrong.append(str(error))
    return outcomes, wrong


if __name__ == "__main__":
    raise SystemExit(main())
