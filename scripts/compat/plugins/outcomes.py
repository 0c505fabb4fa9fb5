"""A pytest plugin that writes down what became of each test. It runs in the environment of a suite, beside its pytest.

The file that `BORZOI_COMPAT_OUTCOMES` names maps each test to "passed", "failed" or "skipped", and each library that
the suite has imported to its origin. A module that cannot be collected counts as one failed test.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_outcomes: dict[str, str] = {}


def pytest_collectreport(report: Any) -> None:
    """Note a module that could not be collected."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"


def pytest_runtest_logreport(report: Any) -> None:
    """Note the outcome of a test: the worst of its set-up, its body and its tear-down."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"
    elif report.skipped or report.when == "call":
        _outcomes.setdefault(report.nodeid, report.outcome)


def pytest_sessionfinish() -> None:
    """Write the file."""
    imported = {name: sys.modules[name] for name in ("httpx", "httpx2", "httpcore", "httpcore2") if name in sys.modules}
    origins = {name: getattr(module.__spec__, "origin", None) for name, module in imported.items()}
    found = {"outcomes": _outcomes, "origins": origins}
    Path(os.environ["BORZOI_COMPAT_OUTCOMES"]).write_text(json.dumps(found), encoding="utf-8")
