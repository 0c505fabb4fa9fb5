"""The command line: what there is, and what it says when something else is asked for."""

from __future__ import annotations

import argparse
import runpy
import subprocess
import sys

import pytest

import borzoi
from borzoi.cli import demo
from borzoi.cli.main import main, parser


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`borzoi --version` prints it and succeeds."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"borzoi {borzoi.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["get"], ["https://example.org"], ["demo", "--fast"], ["demo", "--port", "x"], ["--ver"]]
)
def test_anything_else_says_what_there_is(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is not there is refused with status 2, and what is there is named on standard error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("borzoi")
    assert "demo" in output.err


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    """`borzoi demo --help` names what it takes."""
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--help"])

    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert [option for option in ("--quick", "--serve", "--port") if option not in text] == []
    assert vars(parser().parse_args(["demo"])) == {"quick": False, "serve": False, "port": 8000, "run": demo.main}


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt ends the command with the status that shells know."""

    def interrupted(options: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "main", interrupted)
    assert main(["demo"]) == 130


def test_the_status_of_the_command_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command returns is what the process ends with."""
    monkeypatch.setattr(demo, "main", lambda options: 7)
    monkeypatch.setattr(sys, "argv", ["borzoi", "demo", "--quick"])

    with pytest.raises(SystemExit) as caught:
        runpy.run_module("borzoi", run_name="__main__")
    assert caught.value.code == 7


def test_the_package_runs() -> None:
    """`python -m borzoi` is the command line, and `borzoi.main` is its function."""
    done = subprocess.run([sys.executable, "-m", "borzoi", "--version"], check=True, capture_output=True, text=True)

    assert done.stdout == f"borzoi {borzoi.__version__}\n"
    assert borzoi.main is main
