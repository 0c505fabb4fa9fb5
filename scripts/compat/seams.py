"""Run the libraries that patch httpx against Borzoi: `python -m scripts.compat --only seams`.

Each has a module in `tests/seams/tools/`, which the ordinary suite does not collect, and an environment of its own
below `.cache/seams/`, where the library is installed from the package index.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from scripts.compat.environment import OURS, ROOT, run
from scripts.compat.runner import LONGEST_TEST

CACHE = ROOT / ".cache" / "seams"
TESTS = ROOT / "tests" / "seams" / "tools"

LONGEST_TOOL = 300
"""Seconds that the tests of one library may take."""


class Tool(NamedTuple):
    """A library that takes hold of clients."""

    name: str
    requirements: tuple[str, ...]

    @property
    def module(self) -> str:
        """The file with its tests."""
        return f"with_{self.name.replace('-', '_')}.py"


TOOLS = (
    Tool("pytest-httpx", ("pytest-httpx==0.36.2",)),
    Tool("respx", ("respx==0.23.1",)),
    Tool("vcrpy", ("vcrpy==9.4.2",)),
    Tool("opentelemetry", ("opentelemetry-instrumentation-httpx==0.66b2", "opentelemetry-sdk")),
    Tool("sentry", ("sentry-sdk==2.75.0",)),
)
"""Those that patch a class, replace a transport, or wrap `send`."""


def main(pytest: Sequence[str] = ()) -> int:
    """Run all of them, and return 1 if anything failed. Arguments go to pytest."""
    failed = [tool.name for tool in TOOLS if not passes(tool, pytest)]
    for name in failed:
        print(f"seams: failed with {name}")
    return 1 if failed else 0


def passes(tool: Tool, pytest: Sequence[str]) -> bool:
    """Run the tests of one library, and say whether they all passed."""
    python = CACHE / tool.name / "bin" / "python"
    _install(tool, str(python))
    print(f"seams: {' '.join(tool.requirements)}", flush=True)
    # Without the settings and fixtures of our own suite, which need its tools.
    command = [str(python), "-m", "pytest", "-q", "-c", str(TESTS / "pytest.ini"), "--rootdir", str(TESTS)]
    command += ["--noconftest", "-p", "no:cacheprovider", "-p", "borzoi.compat.pytest_plugin"]
    command += ["--timeout", str(LONGEST_TEST), *pytest, str(TESTS / tool.module)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=LONGEST_TOOL, check=False)
    return done.returncode == 0


def _install(tool: Tool, python: str) -> None:
    wanted = (*OURS, "pytest", "trio", *tool.requirements)
    marker = CACHE / tool.name / "requirements.txt"
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = "\n".join((sys.version, *wanted, project))
    if marker.exists() and marker.read_text(encoding="utf-8") == text:
        return
    run([sys.executable, "-m", "venv", "--clear", str(marker.parent)])
    run([python, "-m", "pip", "install", "--quiet", *wanted])
    marker.write_text(text, encoding="utf-8")
