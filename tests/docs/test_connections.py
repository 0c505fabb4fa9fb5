"""The examples of docs/connections.md run as they are, but for the port, and print what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

import pytest

from borzoi.cli.demo_server import DemoServer
from tests.structure.source import ROOT

SERVED = "http://127.0.0.1:8000"
EXAMPLE = re.compile(r"^```python\n(?P<code>.*?)^```\n```text\n(?P<output>.*?)^```\n", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Return the examples of the page with what they print."""
    page = (ROOT / "docs/connections.md").read_text(encoding="utf-8")
    found = [(example["code"], example["output"]) for example in EXAMPLE.finditer(page)]
    assert len(found) == page.count("```python")
    return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a demo API."""
    with DemoServer() as server:
        yield server.url


@pytest.mark.parametrize(("code", "output"), examples())
def test_an_example_prints_what_the_page_says(
    code: str, output: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example runs in a module of its own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code.replace(SERVED, url), "docs/connections.md", "exec"), {"__name__": "example"})
    assert printed.getvalue().replace(url, SERVED) == output
