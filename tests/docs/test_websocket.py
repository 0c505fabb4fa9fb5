"""The examples of docs/websocket.md run, against a server that sends back what it gets.

The page names it by an address that is replaced here by that of a real one. A block of `text` after an example is what it prints.
"""

from __future__ import annotations

import pytest

from tests.docs.test_readme import EXAMPLE
from tests.structure.source import ROOT
from tests.worlds.websocket_peers import websockets_server

SERVED = "ws://127.0.0.1:8000"

EXAMPLES = [
    (example["code"], example["output"])
    for example in EXAMPLE.finditer((ROOT / "docs" / "websocket.md").read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("code", "output"), EXAMPLES, ids=[f"example {number}" for number in range(len(EXAMPLES))])
def test_an_example_runs(
    code: str, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example runs as it is, and prints what the page says."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with websockets_server() as port:
        exec(
            compile(code.replace(SERVED, f"ws://127.0.0.1:{port}"), "docs/websocket.md", "exec"),
            {"__name__": "example"},
        )

    assert output
    assert capsys.readouterr().out == output


def test_there_are_examples() -> None:
    """The page has the examples that its text speaks of."""
    assert len(EXAMPLES) == 4
