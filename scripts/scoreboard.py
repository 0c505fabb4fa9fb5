"""`make scoreboard`: run what stands for reliability, and write SCOREBOARD.md and scoreboard.json.

    python -m scripts.scoreboard [--short | --corpora | --list]

The tables: the faults (tests/faults) by row, the codes (tests/codes/index.py) by code, the measures that take more than
that (tests/codes/measures.py), and the corpora by suite, with what differs on purpose and why. `--short` runs those in
tests/faults and tests/codes, and the corpora, in the blocking world, leaves the rest to the suite, and writes nothing;
`--corpora` runs the corpora alone, and prints their table; `--list` runs nothing, and says which tests are for which
code.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from .corpora import NOT_RUN, Corpus, corpora

ROOT = Path(__file__).resolve().parents[1]
ONE_WORLD = "not asyncio and not trio and not uvloop and not portable"
FAULT_TEST = "test_fault["


class Outcome(NamedTuple):
    """What became of one test."""

    module: str
    """Its file below tests, such as "codes/test_r.py"."""
    name: str
    """Its class, if it has one, and its name."""
    passed: bool


class Row(NamedTuple):
    """One line of a table."""

    key: str
    what: str
    passed: int
    failed: int
    note: str = ""

    @property
    def state(self) -> str:
        """What is said of it."""
        if self.failed:
            return "FAILS"
        if self.note:
            return "waits"
        return "holds" if self.passed else "not run"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests, and show what came of them. Returns the status of the process."""
    parser = argparse.ArgumentParser(prog="python -m scripts.scoreboard", description="The scoreboard of reliability.")
    parser.add_argument("--short", action="store_true", help="the blocking world alone; write nothing")
    parser.add_argument("--corpora", action="store_true", help="the corpora alone, with what differs and why")
    parser.add_argument("--list", action="store_true", help="say which tests stand for which code")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(listing()))
        return 0

    known = corpora()
    if options.corpora:
        return show_corpora(known)
    outcomes = run(files(known, short=options.short), short=options.short)
    tables = {"faults": fault_rows(outcomes), "codes": code_rows(outcomes, index())}
    tables |= {"measures": code_rows(outcomes, measures()), "corpora": corpus_rows(known, outcomes)}
    text = page(tables, known)
    if not options.short:
        (ROOT / "SCOREBOARD.md").write_text(text, encoding="utf-8")
        (ROOT / "scoreboard.json").write_text(as_json(tables), encoding="utf-8")
    wrong = ("FAILS",) if options.short else ("FAILS", "not run")
    failing = [row for rows in tables.values() for row in rows if row.state in wrong]
    print("\n".join(summary(tables)))
    for row in failing:
        print(f"{row.state}: {row.key} ({row.what}): {row.failed} of {row.passed + row.failed}")
    return 1 if failing else 0


def show_corpora(known: list[Corpus]) -> int:
    """Run the corpora, and print their table. Returns the status of the process."""
    rows = corpus_rows(known, run(corpus_files(known), short=False))
    print("\n".join(corpus_table(known, rows)))
    return 0 if all(row.state == "holds" for row in rows) else 1


# What there is to run.


def index() -> dict[str, Any]:
    """Return the codes."""
    codes: dict[str, Any] = importlib.import_module("tests.codes.index").CODES
    return codes


def measures() -> dict[str, Any]:
    """Return the measures."""
    found: dict[str, Any] = importlib.import_module("tests.codes.measures").MEASURES
    return found


def listing() -> Iterable[str]:
    """Yield each code with its tests."""
    for code, entry in index().items():
        tests = [f"row {test} of tests/faults" if isinstance(test, int) else f"tests/{test}" for test in entry.tests]
        yield f"{code:3} {entry.asks}: {', '.join(tests) or 'waits, as ' + entry.waits}"


def files(known: Iterable[Corpus], *, short: bool = False) -> list[str]:
    """Return the files to run."""
    entries = [*index().values(), *measures().values()]
    named = {test.partition("::")[0] for entry in entries for test in entry.tests if isinstance(test, str)}
    if short:
        named = {name for name in named if name.startswith("codes/")}
    return sorted({*corpus_files(known), *(f"tests/{name}" for name in named | {"faults/test_table.py"})})


def corpus_files(known: Iterable[Corpus]) -> list[str]:
    """Return the files of the corpora."""
    return sorted({f"tests/{corpus.test.partition('::')[0]}" for corpus in known})


def run(paths: list[str], *, short: bool) -> list[Outcome]:
    """Run files of tests. Raises RuntimeError where they did not run."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", os.environ.get("JOBS", "2"), f"--junitxml={report}"]
        command += [
            "-p",
            "no:cacheprovider",
            "--no-header",
            "--tb=short",
            *(["-k", ONE_WORLD] if short else []),
            *paths,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(f"The tests did not run:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        if done.returncode:
            print(done.stdout[-8000:])
        # It was written by the pytest that was run just now.
        return list(outcomes_of(ET.parse(report).getroot()))  # noqa: S314


def outcomes_of(report: ET.Element) -> Iterable[Outcome]:
    """Yield the outcome of each test of a report."""
    for case in report.iter("testcase"):
        parts = case.get("classname", "").removeprefix("tests.").split(".")
        classes = [part for part in parts if part.startswith("Test")]
        module = "/".join(parts[: len(parts) - len(classes)]) + ".py"
        failed = case.find("failure") is not None or case.find("error") is not None
        yield Outcome(module, "::".join([*classes, case.get("name", "")]), not failed)


# The tables.


def fault_rows(outcomes: list[Outcome]) -> list[Row]:
    """Return a line for each row of the table of faults."""
    rows: dict[int, tuple[str, str, str]] = importlib.import_module("tests.faults.rows").ROWS
    waiting: dict[int, str] = importlib.import_module("tests.faults.table").WAITING
    found: dict[int, Counter[bool]] = {number: Counter() for number in rows}
    for outcome in outcomes:
        if outcome.module == "faults/test_table.py" and outcome.name.startswith(FAULT_TEST):
            found[_row_of(outcome)][outcome.passed] += 1
    return [
        Row(str(number), f"{what}: {comes}", found[number][True], found[number][False], waiting.get(number, ""))
        for number, (what, comes, _) in rows.items()
    ]


def _row_of(outcome: Outcome) -> int:
    return int(outcome.name.removeprefix(FAULT_TEST).partition(":")[0])


def code_rows(outcomes: list[Outcome], entries: dict[str, Any]) -> list[Row]:
    """Return a line for each code or measure."""
    rows: list[Row] = []
    for code, entry in entries.items():
        counted = Counter(
            outcome.passed for outcome in outcomes if any(stands_for(outcome, test) for test in entry.tests)
        )
        rows.append(Row(code, entry.asks, counted[True], counted[False], entry.waits))
    return rows


def stands_for(outcome: Outcome, test: str | int) -> bool:
    """Tell whether an outcome is of a test, or of a row of the table of faults."""
    if isinstance(test, int):
        is_fault = outcome.module == "faults/test_table.py" and outcome.name.startswith(FAULT_TEST)
        return is_fault and _row_of(outcome) == test
    path, _, name = test.partition("::")
    return outcome.module == path and (not name or re.split(r"::|\[", outcome.name)[0] == name)


def corpus_rows(known: list[Corpus], outcomes: list[Outcome]) -> list[Row]:
    """Return a line for each corpus. Its cases count as failed where a test of it fails."""
    rows: list[Row] = []
    for corpus in known:
        counted = Counter(outcome.passed for outcome in outcomes if stands_for(outcome, corpus.test))
        differing = sum(corpus.differences.values())
        failed = counted[False] if counted[True] + counted[False] else corpus.cases
        rows.append(
            Row(
                corpus.name,
                f"{corpus.cases} cases, {differing} differ on purpose",
                corpus.cases - differing - failed,
                failed,
            )
        )
    return rows


# What is shown.


def compatibility() -> list[str]:
    """Return what is recorded of compatibility: the states of names, and what fails on purpose."""
    lines = (ROOT / "docs" / "names.md").read_text(encoding="utf-8").splitlines()
    states = [line for line in lines if re.match(r"\| (state|---|same|safer|different|missing) ", line + " ")][:6]
    folder = ROOT / "tests" / "compat" / "deliberate"
    for path in sorted(folder.glob("*.txt")):
        tests = [
            line for line in path.read_text(encoding="utf-8").splitlines() if "::" in line and not line.startswith("#")
        ]
        states.append(f"\n{len(tests)} tests of the suite of {path.stem} fail on purpose: `{path.relative_to(ROOT)}`.")
    return states


def corpus_table(known: list[Corpus], rows: list[Row]) -> Iterable[str]:
    """Yield a line for each corpus, below it one for each difference, and then what is not run."""
    yield f"{'suite':40} {'cases':>6} {'passed':>6} {'differ':>6} {'failed':>6}"
    for corpus, row in zip(known, rows, strict=True):
        differing = sum(corpus.differences.values())
        yield f"{corpus.name:40} {corpus.cases:6} {row.passed:6} {differing:6} {row.failed:6}"
        yield from (f"{'':47} {count:13}  {why}" for why, count in corpus.differences.items())
    yield from (f"not run: {name}: {why}" for name, why in NOT_RUN.items())


def summary(tables: dict[str, list[Row]]) -> Iterable[str]:
    """Yield a line for each table."""
    for name, rows in tables.items():
        states = Counter(row.state for row in rows)
        tests = sum(row.passed + row.failed for row in rows)
        told = ", ".join(
            f"{states[state]} {state}" for state in ("holds", "FAILS", "waits", "not run") if states[state]
        )
        yield f"{name}: {told} ({tests} checks)"


def page(tables: dict[str, list[Row]], known: list[Corpus]) -> str:
    """Return the page."""
    lines = [
        "# Scoreboard",
        "",
        "`make scoreboard` writes this page and `scoreboard.json`, from tests that it runs.",
        "",
    ]
    lines += [f"- {line}" for line in summary(tables)]
    headings = {"faults": "Faults", "codes": "Codes", "measures": "Measures", "corpora": "Corpora"}
    for name, rows in tables.items():
        lines += ["", f"## {headings[name]}", "", "| | | passed | failed | |", "|---|---|---|---|---|"]
        lines += [f"| {r.key} | {r.what} | {r.passed} | {r.failed} | {r.state}{_because(r)} |" for r in rows]
    lines += ["", "## What differs on purpose", ""]
    for corpus in known:
        lines += [f"- {corpus.name}, {count}: {why}" for why, count in corpus.differences.items()]
    lines += ["", "## What is not run", "", *(f"- {name}: {why}." for name, why in NOT_RUN.items())]
    lines += ["", "## Compatibility, as recorded", "", *compatibility()]
    return "\n".join(lines) + "\n"


def _because(row: Row) -> str:
    return f": {row.note}" if row.note else ""


def as_json(tables: dict[str, list[Row]]) -> str:
    """Return the figures for programs."""
    found = {name: [{**row._asdict(), "state": row.state} for row in rows] for name, rows in tables.items()}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
