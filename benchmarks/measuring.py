"""Let the clients of a row take turns, round after round, each turn in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from .rows import FEWER_ROUNDS, Measured, Row
from .server import Server, pinned

ROOT = Path(__file__).parents[1]

PATIENCE = 30
"""Seconds that one turn may take."""

HURRY = 600
"""Seconds after which what has no target has one round, so that a whole run takes a quarter of an hour at most."""

APART = {"niquests": Path(sys.prefix + "-niquests") / "bin" / "python"}
"""Clients that have an environment of their own: niquests puts its own urllib3 in the place of everybody's."""

PEERS = ("pyreqwest", "wreq", "aiohttp", "pycurl", "urllib3", "requests", "niquests", "httpx2", "httpx")


class Failed(Exception):
    """A client did not do its job; the text says why."""


class Bench:
    """Measure rows against one server, the clients on one core."""

    def __init__(self, server: Server, core: int | None, before: str | None = None) -> None:
        self._server = server
        self._core = core
        self._before = before
        self._began = time.monotonic()

    def measure(self, row: Row, rounds: int) -> None:
        """Let the clients take turns, each round beginning with another one. Who fails once is left out."""
        clients = [*row.clients, "before"] if self._before else [*row.clients]
        fewer = FEWER_ROUNDS if time.monotonic() - self._began < HURRY else 1
        for number in range(rounds):
            first = number % len(clients)
            for client in clients[first:] + clients[:first]:
                if client not in row.failed and number < row.rounds(client, rounds, fewer):
                    self._take_turn(row, client)

    def _take_turn(self, row: Row, client: str) -> None:
        try:
            result = self._run(row, client)
        except Failed as reason:
            row.failed[client] = str(reason)
            print(f"    {client} failed: {reason}", file=sys.stderr)
        else:
            row.measured.setdefault(client, []).append(result)

    def _run(self, row: Row, client: str) -> Measured:
        python = APART.get(client, Path(sys.executable))
        if not python.exists():
            raise Failed("it is not installed")
        command = [str(python), "-m", *self._what(row, client)]
        # No proxy and no authority of this machine has a part in it; `before` is found ahead of what is installed.
        # Nor is a checkout compiled again each time that it is imported.
        left_out = ("_proxy", "_bundle", "ssl_cert_file", "ssl_cert_dir", "dontwritebytecode")
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith(left_out)}
        if client == "before":
            environment["PYTHONPATH"] = str(Path(self._before or "").resolve() / "src")
        try:
            done = subprocess.run(
                pinned(command, self._core) if row.pinned else command,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                cwd=ROOT,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"it did not end within {PATIENCE} s") from None
        if not done.stdout.strip():
            raise Failed((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:200])
        result: Measured = json.loads(done.stdout.splitlines()[-1])
        return result

    def _what(self, row: Row, client: str) -> list[str]:
        if row.kind == "start":
            return ["benchmarks.start", client]
        job = row.job(client, self._server.url(row.place, row.path), self._server.ca)
        return ["benchmarks.worker", json.dumps(asdict(job))]


def medians(row: Row, client: str, figure: Callable[[Measured], float | None]) -> float | None:
    """Return the median of a figure over the rounds; None where there is none."""
    found = [figure(result) for result in row.measured.get(client, [])]
    numbers = [number for number in found if number is not None]
    return statistics.median(numbers) if numbers else None


def ratio(row: Row, mine: str, theirs: str, key: str = "us") -> float | None:
    """Return the median, over the rounds, of one client's figure divided by the other's in the same round."""
    return paired(row.measured.get(mine, []), row.measured.get(theirs, []), key)


def paired(ours: list[Measured], others: list[Measured], key: str = "us") -> float | None:
    """Return the median of the quotients of two series."""
    quotients = [mine[key] / other[key] for mine, other in zip(ours, others, strict=False) if other[key]]
    return statistics.median(quotients) if quotients else None


def versions() -> dict[str, str]:
    """Return the version of each client that is installed."""
    script = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    found = {}
    for name in ("borzoi", "uvloop", "trio", *PEERS):
        python = APART.get(name, Path(sys.executable))
        if python.exists():
            done = subprocess.run([str(python), "-c", script, name], capture_output=True, text=True, check=False)
            found[name] = done.stdout.strip() or "not installed"
    return found


def machine() -> str:
    """Name the processor, the number of cores, and the Python."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
