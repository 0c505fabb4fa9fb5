"""The command line: which word is a command, what needs the extra, and what is said where it is missing."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import borzoi
import borzoi.cli
from borzoi.cli import demo
from borzoi.cli.main import MISSING_EXTRA, main, parser

from .answering import Answering

WITHOUT_EXTRA = """
import sys
sys.modules.update(dict.fromkeys(["click", "rich", "rich.console", "pygments"]))
from borzoi.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def forget_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the modules of the command imported anew."""
    for name in ("command", "fetch", "help", "show", "transcript"):
        monkeypatch.delitem(sys.modules, f"borzoi.cli.{name}", raising=False)
        monkeypatch.delattr(borzoi.cli, name, raising=False)


def status_of(arguments: list[str]) -> int | str | None:
    """Return the exit status of a command line that ends the program."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`borzoi --version` prints it and succeeds."""
    assert status_of(["--version"]) == 0
    assert capsys.readouterr().out == f"borzoi {borzoi.__version__}\n"


@pytest.mark.parametrize("arguments", [["demo", "--fast"], ["demo", "--port", "x"], ["demo", "http://x"]])
def test_wrong_options_of_a_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What a command does not know is refused with status 2, and what it knows is named on standard error."""
    assert status_of(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("borzoi")
    assert "demo" in output.err


@pytest.mark.parametrize("arguments", [[], ["--ver"], ["http://x", "y"]])
def test_wrong_options_of_a_request(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is neither a command nor a request is refused with status 2."""
    assert status_of(arguments) == 2
    assert capsys.readouterr().err.startswith("Usage: borzoi [OPTIONS] URL")


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    """`borzoi demo --help` names what it takes."""
    assert status_of(["demo", "--help"]) == 0
    text = capsys.readouterr().out
    assert [option for option in ("--quick", "--serve", "--port") if option not in text] == []
    assert vars(parser("demo").parse_args(["demo"])) == {"quick": False, "serve": False, "port": 8000, "run": demo.main}


def test_only_the_command_that_runs_is_imported() -> None:
    """To generate a client costs no import of the demonstration, nor of asyncio."""
    program = (
        "import sys; from borzoi.cli.main import parser; parser('openapi');"
        "print([name for name in ('asyncio', 'borzoi.cli.demo') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_command_word_that_is_not_first_is_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    """A word is a command in the first place only."""
    assert status_of(["-v", "demo"]) == 1
    assert capsys.readouterr().out.startswith("UnsupportedProtocol: ")


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

    path = Path(borzoi.__file__).with_name("__main__.py")
    with pytest.raises(SystemExit) as caught:
        exec(compile(path.read_text(), path, "exec"), {"__name__": "__main__", "__package__": "borzoi"})
    assert caught.value.code == 7


def test_the_package_runs(peer: Answering) -> None:
    """`python -m borzoi` is the command line, and `borzoi.main` is its function."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "borzoi", f"{peer.url}/html"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].rstrip() == "HTTP/1.1 200 OK"
    assert done.stdout.splitlines()[-1].rstrip() == r"<p class='x'>\u0142\u0105ka</p>"
    assert borzoi.main is main


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("path", ["/html", "/json"])
def test_characters_that_a_terminal_lacks(
    encoding: str, path: str, peer: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the code page of a terminal has no place for is written as an escape, and is no error."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    paper = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(paper, encoding=encoding))
    assert status_of([peer.url + path]) == 0
    sys.stdout.flush()

    body = paper.getvalue().decode(encoding).split("chunked")[1]
    shown = {"/html": "łąka" if encoding == "utf-8" else r"\u0142\u0105ka", "/json": r"caf\u00e9"}
    assert shown[path] in body


def test_what_cannot_be_changed_is_left_alone(peer: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output may be anything that takes text, and standard error may be missing."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    paper = io.StringIO()
    monkeypatch.setattr(sys, "stdout", paper)
    monkeypatch.setattr(sys, "stderr", None)

    assert status_of([peer.url]) == 0
    assert "Hello, world!" in paper.getvalue()


@pytest.mark.parametrize("arguments", [["http://127.0.0.1:1/"], [], ["--help"]])
def test_without_the_extra(arguments: list[str]) -> None:
    """Without what the extra installs, one sentence says what to install, with exit status 1."""
    command = [sys.executable, "-c", WITHOUT_EXTRA, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{MISSING_EXTRA}\n")


@pytest.mark.parametrize("name", ["click", "rich", "pygments"])
def test_each_part_of_the_extra_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence is the same, whichever part is missing."""
    forget_the_command(monkeypatch)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, name, None)

    assert main(["http://127.0.0.1:1/"]) == 1
    assert capsys.readouterr().err == f"{MISSING_EXTRA}\n"


def test_commands_need_no_extra() -> None:
    """`borzoi --version` and `borzoi demo` run without it."""
    for arguments in (["--version"], ["demo", "--help"]):
        command = [sys.executable, "-c", WITHOUT_EXTRA, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.lower().startswith(("borzoi", "usage: borzoi demo"))


def test_other_failures_to_import_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is broken is not taken for what is not installed."""
    forget_the_command(monkeypatch)
    monkeypatch.setitem(sys.modules, "borzoi.cli.show", None)

    with pytest.raises(ImportError, match="show"):
        main(["http://127.0.0.1:1/"])
