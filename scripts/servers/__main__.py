"""Run tests/servers/ against real servers and proxies, installing those that are missing, and print one table.

    python -m scripts.servers [--short] [arguments for pytest]

Servers: nginx, nghttpd, h2o and caddy from Debian, hypercorn, uvicorn and granian from PyPI. Proxies: tinyproxy, squid,
Dante and microsocks from Debian, mitmproxy from PyPI, with `--short` only where it is installed already. One that
cannot be had is a row of the table that says so. All listen on loopback, and end with the tests.

`--short` runs each test in one world, by turns, instead of in all three.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .installing import ROOT, commands, install
from .table import read_outcomes, render


def main(arguments: Sequence[str]) -> int:
    """Install what is missing, run the tests, print the table, and return the tests' exit status."""
    short = "--short" in arguments
    absent = install(short=short)
    found = commands()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder, "outcomes.jsonl")
        status = _test(found, outcomes, [word for word in arguments if word != "--short"], short=short) if found else 0
        print()
        print(render(read_outcomes(outcomes), absent), flush=True)
    print(f"{time.monotonic() - started:.1f} s, without installing", flush=True)
    return status


def _test(found: dict[str, str], outcomes: Path, arguments: list[str], *, short: bool) -> int:
    environment = {
        **os.environ,
        "BORZOI_SERVERS": ":".join(f"{name}={path}" for name, path in found.items()),
        "BORZOI_SERVERS_SHORT": "1" if short else "",
        "BORZOI_SERVERS_OUTCOMES": str(outcomes),
    }
    tests = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "tests.servers.outcomes", "tests/servers", *arguments]
    return subprocess.run(tests, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
