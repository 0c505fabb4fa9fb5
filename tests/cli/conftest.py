"""What tests of the command line share: a peer, and a run of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from borzoi.cli.command import command

from .answering import Answering

Run = Callable[..., Result]


@pytest.fixture
def peer() -> Iterator[Answering]:
    """A peer that answers."""
    with Answering() as running:
        yield running


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with some arguments, and without the proxies of this machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def run_command(*arguments: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(command, list(arguments), input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run_command
