"""The options of a request: how they are read, and what is said of those that cannot be."""

from __future__ import annotations

import click
import pytest

import borzoi
from borzoi.cli.command import command
from borzoi.cli.words import COMMANDS

from .conftest import Run


def test_help_names_every_option_and_command(run: Run) -> None:
    """`--help` shows every option with its sentence, and every command word."""
    result = run("--help")

    assert result.exit_code == 0
    assert "A next generation HTTP client." in result.output
    names = [name for option in command.params if isinstance(option, click.Option) for name in option.opts]
    assert len(names) == 28
    assert [name for name in (*names, "--help", *COMMANDS) if name not in result.output] == []
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_version(run: Run) -> None:
    """`--version` may come with other options."""
    assert run("-v", "--version").output == f"borzoi {borzoi.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'URL'"),
        (["http://x", "--nope"], "--nope"),
        (["http://x", "--timeout", "abc"], "Invalid value for '--timeout'"),
        (["http://x", "-j", "{bad"], "Invalid value for '--json' / '-j': Not valid JSON"),
        (["http://x", "-j", "[" * 200_000], "Not valid JSON"),
        (["http://x", "-f", "a", "/nonexistent"], "'/nonexistent': No such file or directory"),
        (["http://x", "--auth", "a"], "Option '--auth' requires 2 arguments"),
        (["http://x", "http://y"], "There are more arguments than one URL and its options."),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str, run: Run) -> None:
    """Arguments that cannot be understood end the command with 2, and say what is wrong with them."""
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.output
