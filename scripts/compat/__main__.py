"""The command: run the suites that are asked for, and print one table.

python -m scripts.compat                              all of them
python -m scripts.compat --only httpx --only hishel   some
python -m scripts.compat --only sdks                  SDKs, on their own library and on Borzoi
python -m scripts.compat --only httpx -- -x -k proxy  part of one: what follows goes to its pytest
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from scripts import compat_surface
from scripts.compat import sdks, seams
from scripts.compat.environment import folder
from scripts.compat.runner import Verdict, run_suite
from scripts.compat.suites import SUITES

NAMES = "names"
"""What the comparison of names is called on the command line."""

SEAMS = "seams"
"""What the libraries that patch httpx are called on the command line."""

SDKS = "sdks"
"""What the libraries that are built on httpx are called on the command line."""

COLUMNS = ("suite", "version", "collected", "passed", "failed on purpose", "failed")


def main(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status: 1 if anything failed that is not listed."""
    options = _parser().parse_args(arguments)
    chosen = options.only or [NAMES, SEAMS, SDKS, *(suite.name for suite in SUITES)]
    status = compat_surface.main(["--record"] if options.record else []) if NAMES in chosen else 0
    if SEAMS in chosen:
        status = max(status, seams.main(options.pytest))
    if SDKS in chosen:
        status = max(status, sdks.main(options.pytest))

    verdicts: list[Verdict] = []
    for suite in SUITES:
        if suite.name in chosen:
            verdicts.append(run_suite(suite, options.pytest))
            _tell(verdicts[-1])
    if verdicts:
        print()
        print(table(verdicts))
    return status if all(verdict.is_good for verdict in verdicts) else 1


def _parser() -> argparse.ArgumentParser:
    names = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(prog="python -m scripts.compat", description="Run the suites of others.")
    parser.add_argument("--only", action="append", choices=[NAMES, SEAMS, SDKS, *names], help="do this")
    parser.add_argument("--record", action="store_true", help="record which names are missing or different")
    parser.add_argument("pytest", nargs="*", help="after `--`: arguments for pytest in place of the whole suite")
    return parser


def _tell(verdict: Verdict) -> None:
    """Say what is wrong with a suite, if anything is."""
    suite = verdict.suite
    for test in verdict.failed:
        print(f"{suite.name}: failed: {test}")
    for test in verdict.needless:
        print(f"{suite.name}: passed, though it is listed: {test}")
    if verdict.is_whole and verdict.collected != suite.collected:
        print(f"{suite.name}: {verdict.collected} tests were run, not {suite.collected}")
    if not verdict.is_good:
        print(f"{suite.name}: what pytest said is in {folder(suite) / 'log.txt'}")


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the table of what became of the suites."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    for verdict in verdicts:
        counts = (verdict.collected, verdict.passed, len(verdict.on_purpose), len(verdict.failed))
        rows.append((verdict.suite.name, verdict.suite.version, *map(str, counts)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[2:], widths[2:], strict=True))
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
