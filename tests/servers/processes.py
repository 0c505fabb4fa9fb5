"""Real servers on loopback, each in a process of its own that ends with the test, and on its own account after some minutes.

Which there are is in the environment variable BORZOI_SERVERS, which `scripts/servers/` sets: names and commands, as in
`nginx=/usr/sbin/nginx:squid=/usr/sbin/squid`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Generator
from pathlib import Path

LIFETIME = 240
"""Seconds after which a server ends, whatever became of who started it."""

START = 20.0
"""Seconds that a server may take until it listens."""

ATTEMPTS = 3
"""How often a server is started: another program may have taken the port that was free a moment ago."""

Command = Callable[[int], "list[str]"]
"""How to start a server on a port."""


def available() -> dict[str, str]:
    """Return the commands of the servers there are."""
    entries = os.environ.get("BORZOI_SERVERS", "").split(":")
    return dict(entry.split("=", 1) for entry in entries if entry)


@contextlib.contextmanager
def running(command: Command, directory: Path, **environment: str) -> Generator[int]:
    """Start a server with `command(port)`, give the port when it listens, and end it. Raises AssertionError with its log."""
    for attempt in range(1, ATTEMPTS + 1):
        port = free_port()
        log = directory / f"log-{port}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["timeout", "--kill-after=5", str(LIFETIME), *command(port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=directory,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        try:
            if not _listens(process, port):
                assert attempt < ATTEMPTS, log.read_text(errors="replace")
                continue
            yield port
            return
        finally:
            _end(process)


_given: set[int] = set()
"""Ports that were given out: servers start at the same time, and each listens on its own only after a while."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that nobody here was given."""
    while True:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until a server listens; return False if it ends or takes too long."""
    never = threading.Event()
    for _ in range(int(START / 0.05)):
        if process.poll() is not None:
            return False
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return True
        never.wait(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started: they are a process group of their own."""
    for kind, patience in ((signal.SIGTERM, 0.5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    # What the first of them left behind when it ended.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
