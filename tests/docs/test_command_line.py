"""The commands that the pages show run, against the API that `borzoi demo --serve` serves.

A line of a `console` block that begins with `$ borzoi http` is run as it is, but for the port. A block of `text` right after one line is
what that line prints.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from borzoi.cli.command import command
from borzoi.cli.demo_server import DemoServer
from tests.structure.source import ROOT

SERVED = "http://127.0.0.1:8000"
PAGES = ["README.md", "docs/command-line.md"]

BLOCK = re.compile(r"^```console\n(?P<lines>.*?)^```\n(?:```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def shown() -> list[tuple[str, str | None]]:
    """Return the commands of the pages: the arguments of each, and what it prints if that is shown."""
    found: list[tuple[str, str | None]] = []
    for page in PAGES:
        for block in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
            lines = [line for line in block["lines"].splitlines() if line.startswith("$ borzoi http")]
            found += [(line.removeprefix("$ borzoi "), block["output"]) for line in lines]
    return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a demo API."""
    with DemoServer() as server:
        yield server.url


@pytest.mark.parametrize(("line", "output"), shown())
def test_a_command_runs(
    line: str, output: str | None, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command runs as it is and succeeds and, where the page shows what it prints, prints that."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    result = CliRunner().invoke(command, shlex.split(line.replace(SERVED, url)))

    assert result.exit_code == 0, result.output
    assert result.output.startswith(("HTTP/1.1 200 OK", "POST ", "* Connecting"))
    if output is not None:
        assert [text.rstrip() for text in result.output.splitlines()] == output.splitlines()


def test_the_page_names_every_option() -> None:
    """The page has what `--help` has, and no more."""
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    rows = "".join(line.partition(" | ")[0] for line in page.splitlines() if line.startswith("| `-"))
    known = {name for option in command.params if isinstance(option, click.Option) for name in option.opts}

    assert set(re.findall(r"(?<!\S)`?(-[-\w]+)", rows)) == {*known, "--help"}
    assert len(shown()) >= 5
