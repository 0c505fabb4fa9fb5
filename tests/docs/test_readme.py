"""The examples of the pages run, against the API that `borzoi demo --serve` serves.

The pages name it by the address that the command prints, http://127.0.0.1:8000. Here it listens on a free port, which takes
the place of that address in each example. A block of `text` right after an example is what the example prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from borzoi.cli.demo_routes import ANSWER
from borzoi.cli.demo_server import DemoServer
from tests.structure.source import ROOT

SERVED = "http://127.0.0.1:8000"
PAGES = [
    "README.md",
    "docs/progress.md",
    "docs/sse.md",
    "docs/environment.md",
    "docs/tls.md",
    "docs/guards.md",
    "docs/proxies.md",
    "docs/extensions.md",
]

EXAMPLE = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str, str | None]]:
    """Return the examples of the pages: where each is, its code, and what it prints if that is shown."""
    found: list[tuple[str, str, str | None]] = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for example in EXAMPLE.finditer(text):
            if "borzoi.testing" in example["code"]:
                # Tests run under pytest: test_testing.py has them.
                continue
            line = text.count("\n", 0, example.start()) + 2
            found.append((f"{page}:{line}", "\n" * (line - 1) + example["code"], example["output"]))
    return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a demo API."""
    with DemoServer() as server:
        yield server.url


@pytest.mark.parametrize(("place", "code", "output"), [pytest.param(*found, id=found[0]) for found in examples()])
def test_an_example_runs(
    place: str,
    code: str,
    output: str | None,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each example runs as it is and, where the page shows what it prints, prints that."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert SERVED in code

    exec(compile(code.replace(SERVED, url), place, "exec"), {"__name__": "example"})
    printed = capsys.readouterr().out
    if output is not None:
        assert printed == output
    assert printed or list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("place", "code"), [pytest.param(place, code, id=place) for place, code, _ in examples() if "completions" in code]
)
def test_the_streamed_answer_is_whole(
    place: str, code: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example that streams an answer prints all of it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    exec(compile(code.replace(SERVED, url), place, "exec"), {"__name__": "example"})

    assert capsys.readouterr().out == ANSWER


def test_the_address_is_that_of_the_command() -> None:
    """The examples use the address at which `borzoi demo --serve` listens unless told otherwise."""
    from borzoi.cli.main import parser

    assert f"http://127.0.0.1:{parser('demo').parse_args(['demo', '--serve']).port}" == SERVED
    assert len(examples()) >= 19
