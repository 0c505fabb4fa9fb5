"""Run a suite, and hold its outcomes against the list of tests that fail on purpose."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.compat.environment import ROOT, folder, prepare, python
from scripts.compat.suites import Suite

DELIBERATE = ROOT / "tests" / "compat" / "deliberate"

LONGEST_TEST = 60
LONGEST_SUITE = 1200
"""Seconds."""


class Verdict(NamedTuple):
    """What became of a suite."""

    suite: Suite
    collected: int
    passed: int
    skipped: int
    on_purpose: tuple[str, ...]
    """Tests that fail, and are listed with the reason."""
    failed: tuple[str, ...]
    """Tests that fail, and are not."""
    needless: tuple[str, ...]
    """Tests that are listed, and do not fail."""
    is_whole: bool
    """Whether all of the suite was to be run."""

    @property
    def is_good(self) -> bool:
        """Whether all that was to be run was, and nothing failed but on purpose."""
        return not self.failed and (not self.is_whole or self.collected == self.suite.collected)


def read_deliberate(path: Path) -> dict[str, str]:
    """Read a list of tests that fail on purpose: a test on a line, its sentence on the next, which is indented."""
    if not path.exists():
        return {}
    reasons: dict[str, str] = {}
    test = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("    ") and test:
            reasons[test] = f"{reasons[test]} {line.strip()}".strip()
        elif line.strip() and not line.startswith("# "):
            test = line.strip()
            reasons[test] = ""
    if silent := [test for test, reason in reasons.items() if not reason]:
        raise SystemExit(f"{path.name} does not say why: {', '.join(silent)}")
    return reasons


def judge(suite: Suite, outcomes: dict[str, str], deliberate: dict[str, str], *, is_whole: bool = True) -> Verdict:
    """Sort what became of each test."""
    counts = Counter(outcomes.values())
    failing = [test for test, outcome in outcomes.items() if outcome == "failed"]
    return Verdict(
        suite=suite,
        collected=len(outcomes),
        passed=counts["passed"],
        skipped=counts["skipped"],
        on_purpose=tuple(test for test in failing if test in deliberate),
        failed=tuple(test for test in failing if test not in deliberate),
        needless=tuple(test for test in deliberate if outcomes.get(test) == "passed"),
        is_whole=is_whole,
    )


def run_suite(suite: Suite, arguments: Sequence[str] = ()) -> Verdict:
    """Run a suite with the alias installed. Arguments go to pytest, and choose what is run."""
    source = prepare(suite)
    outcomes = folder(suite) / "outcomes.json"
    outcomes.unlink(missing_ok=True)

    command = [str(python(suite)), "-m", "pytest", "-p", "borzoi.compat.pytest_plugin"]
    command += ["-p", "outcomes", "-p", "loopback_only"]
    command += [
        "-q",
        "--timeout",
        str(LONGEST_TEST),
        "--continue-on-collection-errors",
        "-p",
        "no:cacheprovider",
        *suite.options,
    ]
    command += arguments or suite.targets
    log = folder(suite) / "log.txt"
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(
            command,
            cwd=source,
            env=_environment(outcomes),
            stdin=subprocess.DEVNULL,
            stdout=None if arguments else output,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SUITE,
            check=False,
        )
    if not outcomes.exists():
        raise SystemExit(f"{suite.name}: pytest did not finish: {log.relative_to(ROOT)}")
    found = json.loads(outcomes.read_text(encoding="utf-8"))
    if strange := {name: origin for name, origin in found["origins"].items() if origin != "borzoi.compat"}:
        raise SystemExit(f"{suite.name}: the alias was not in effect: {strange}")
    return judge(suite, found["outcomes"], read_deliberate(DELIBERATE / f"{suite.name}.txt"), is_whole=not arguments)


def _environment(outcomes: Path) -> dict[str, str]:
    # The proxies of this machine are no part of a suite.
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    inherited.pop("VIRTUAL_ENV", None)
    plugins = str(Path(__file__).parent / "plugins")
    return {**inherited, "PYTHONPATH": plugins, "BORZOI_COMPAT_OUTCOMES": str(outcomes)}
