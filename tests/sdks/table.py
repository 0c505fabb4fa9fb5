"""A plugin of pytest that ends the run with the table of SDKs: `pytest -p tests.sdks.table`.

The whole run fails if a difference is listed that no call shows any more.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sdks.calls import Calls
from tests.sdks.comparison import row, unused
from tests.sdks.differences import Difference

HEADINGS = ("SDK", "calls compared", "equal", "differ as listed in tests/sdks/differences.py")


def modules() -> Iterator[tuple[str, Calls]]:
    """Yield the modules that were run, and their calls."""
    for name, module in sorted(sys.modules.items()):
        calls = getattr(module, "calls", None)
        if name.rpartition(".")[2].startswith("with_") and isinstance(calls, Calls):
            yield name.rpartition(".")[2], calls


def needless() -> list[Difference]:
    """Return what is listed and not needed, once all modules were run."""
    ran = [module for module, _ in modules()]
    return unused(ran) if len(ran) == len(list(Path(__file__).parent.glob("with_*.py"))) else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a whole run that needs less than is listed."""
    if session.exitstatus == pytest.ExitCode.OK and needless():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table."""
    ran = dict(modules())
    rows = [HEADINGS, *(row(calls, module) for module, calls in ran.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminalreporter.write_line("")
    for cells in rows:
        terminalreporter.write_line("  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)))
    for entry in needless():
        terminalreporter.write_line(f"listed, and nothing differs so: {entry.name}: {entry.path}: {entry.ours}")
