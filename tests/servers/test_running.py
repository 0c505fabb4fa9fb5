"""Starting and ending servers: whatever happens, none is left behind."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from scripts.servers import installing
from scripts.servers.table import read_outcomes, render
from tests.servers.processes import free_port, running


def command(port: int) -> list[str]:
    """Return how to run a server that is always there."""
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]


def test_a_server_lives_as_long_as_the_block(tmp_path: Path) -> None:
    """A server listens inside of the block, on its own port, and nobody listens there after it."""
    with running(command, tmp_path) as port:
        socket.create_connection(("127.0.0.1", port), 5).close()
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


def test_a_server_that_does_not_start(tmp_path: Path) -> None:
    """One that ends at once is tried again, and then fails with what it said."""
    ports: list[int] = []

    def broken(port: int) -> list[str]:
        ports.append(port)
        return [sys.executable, "-c", "raise SystemExit('no licence')"]

    with pytest.raises(AssertionError, match="no licence"), running(broken, tmp_path):
        raise RuntimeError
    assert len(ports) == 3
    assert free_port() > 1023


def test_no_service_is_started_by_a_package(tmp_path: Path) -> None:
    """While packages are installed, what they ask says no; a policy that was there before stays as it is."""
    policy = tmp_path / "policy-rc.d"
    with installing.no_services(policy):
        assert os.access(policy, os.X_OK)
        assert "exit 101" in policy.read_text()
        with installing.no_services(policy):
            pass
        assert policy.exists()
    assert not policy.exists()


def test_what_fails_is_told() -> None:
    """A command that fails is told with the last it said, one that is not there too, and one that succeeds with nothing."""
    environment = dict(os.environ)
    assert installing.run([sys.executable, "-c", "pass"], environment) == ""
    assert installing.run([sys.executable, "-c", "raise SystemExit(3)"], environment).endswith(": no word")
    assert "no more" in installing.run([sys.executable, "-c", "raise SystemExit('no more')"], environment)
    assert "No such file" in installing.run(["/there/is/none"], environment)
    assert set(installing.commands()) <= set(installing.NAMES)


def test_the_table(tmp_path: Path) -> None:
    """Each server is a row, each failure counts in its cell, and a server that could not be had is a row that says so."""
    written = tmp_path / "outcomes"
    assert read_outcomes(written) == {}
    written.write_text(
        """["nginx", "http 1.1", "passed"]
["nginx", "http 1.1", "passed"]
["nginx", "https 2", "failed"]
["nginx", "https 2", "passed"]
"""
    )
    assert render(read_outcomes(written), {"h2o": "apt-get is not to be used here"}) == (
        "       http 1.1  http 2  https 1.1  https 2        trailers  refusals\n"
        "nginx  2 ok      -       -          1 of 2 FAILED  -         -\n"
        "h2o    not here: apt-get is not to be used here"
    )
