"""`make flakes ARGS="-n 5 tests/exchange"`: tests repeated, and those listed that do not pass each time.

Without paths it is the whole suite. What is written down is how often the whole suite ran without a flake.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from .record import ROOT, record

MEASURE, PART = "flakes", "suite"
TARGET = 100
"""Repeats of the suite."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Repeat them. Returns 1 where a test fails in any of the repeats."""
    parser = argparse.ArgumentParser(prog="make flakes", description="Repeat tests.")
    parser.add_argument("-n", type=int, default=5, help="how often")
    parser.add_argument("paths", nargs="*", help="what of the suite; all of it by default")
    options = parser.parse_args(arguments)

    runs: list[set[str]] = []
    for number in range(options.n):
        runs.append(failures(options.paths))
        print(f"{number + 1}: {len(runs[-1])} failed", flush=True)
        if not options.paths:
            record(MEASURE, PART, 1, len(runs[-1]))
    for line in listing(runs):
        print(line)
    return 1 if any(runs) else 0


def failures(paths: Sequence[str]) -> set[str]:
    """Run tests once; return those that failed. Raises RuntimeError where they did not run."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        jobs = os.environ.get("JOBS", "2")
        command = [sys.executable, "-m", "pytest", "-q", "-n", jobs, "-p", "no:cacheprovider", f"--junitxml={report}"]
        done = subprocess.run([*command, *paths], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(f"The tests did not run:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        # It was written by the pytest that was run just now.
        return set(failed(ET.parse(report).getroot()))  # noqa: S314


def failed(report: ET.Element) -> Iterable[str]:
    """Yield the names of the tests of a report that failed."""
    for case in report.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            yield f"{case.get('classname')}::{case.get('name')}"


def listing(runs: Sequence[set[str]]) -> Iterable[str]:
    """Yield a line for each test that failed, and what it is: one that always fails is no flake."""
    for name, count in sorted(Counter(name for run in runs for name in run).items()):
        yield f"{'fails' if count == len(runs) else 'flake'}: {name} ({count} of {len(runs)})"
    yield f"{len(runs)} repeats, {sum(not run for run in runs)} without a failure"


if __name__ == "__main__":
    raise SystemExit(main())
