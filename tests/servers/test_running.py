"""Starting and ending servers: whatever happens, none is left behind."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from scripts import servers
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
    with servers.no_services(policy):
        assert os.access(policy, os.X_OK)
        assert "exit 101" in policy.read_text()
        with servers.no_services(policy):
            pass
        assert policy.exists()
    assert not policy.exists()


def test_what_fails_is_told() -> None:
    """A command that fails is told with what it said, one that is not there too, and one that succeeds with nothing."""
    environment = dict(os.environ)
    assert servers.run([sys.executable, "-c", "pass"], environment) == ""
    assert "no more" in servers.run([sys.executable, "-c", "raise SystemExit('no more')"], environment)
    assert "No such file" in servers.run(["/there/is/none"], environment)
    assert set(servers.commands([])) <= set(servers.DEBIAN)
