"""The examples of the pages about parts of `borzoi.testing` run as they stand, under pytest."""

from __future__ import annotations

import re

import pytest
import yaml

import borzoi
from borzoi.testing import mock
from tests.structure.source import ROOT

pytest_plugins = ["pytester"]

EXAMPLE = re.compile(r"^```(?P<kind>python|ini)\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL)


def _examples(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"python": [], "ini": []}
    for example in EXAMPLE.finditer((ROOT / "docs" / page).read_text(encoding="utf-8")):
        found[example["kind"]].append(example["code"])
    return found


def _run(pytester: pytest.Pytester, page: str) -> pytest.RunResult:
    examples = _examples(page)
    pytester.makeini(examples["ini"][0] if examples["ini"] else "[pytest]\n")
    modules = {f"test_example_{number}": code for number, code in enumerate(examples["python"])}
    pytester.makepyfile(**modules)
    # In a process of its own: the guard of this suite would be the first to refuse.
    return pytester.runpytest_subprocess("-p", "borzoi.testing.plugin", "-W", "error")


@pytest.fixture(autouse=True)
def _no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the runs the plugins that they do not need."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def test_guard(pytester: pytest.Pytester) -> None:
    """The tests of the page pass under its settings."""
    _run(pytester, "testing-guard.md").assert_outcomes(passed=2)


def test_cassettes(pytester: pytest.Pytester) -> None:
    """The tests of the page replay cassettes with what they ask for."""
    user = {
        "request": {"method": "GET", "url": "https://api.test/users/7", "headers": {}},
        "response": {"status": 200, "json": {"id": 7}},
    }
    users = {
        "request": {"method": "GET", "url": "https://api.test/users?page=2", "headers": {}},
        "response": {"status": 200},
    }
    folder = pytester.mkdir("cassettes")
    (folder / "test_example_0").mkdir()
    for name, one in (("test_example_0/test_user.yaml", user), ("users.yaml", users)):
        (folder / name).write_text(yaml.safe_dump({"borzoi": 1, "exchanges": [one]}))

    _run(pytester, "testing-cassettes.md").assert_outcomes(passed=2)


def test_server(pytester: pytest.Pytester) -> None:
    """The test of the page passes."""
    _run(pytester, "testing-server.md").assert_outcomes(passed=1)


def test_sweep(pytester: pytest.Pytester) -> None:
    """The test of the page passes; with a client that waits for ever it finds what the page shows."""
    page = (ROOT / "docs" / "testing-sweep.md").read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    (code,) = _examples("testing-sweep.md")["python"]
    pytester.makepyfile(test_waiting=code.replace('"https://api.test")', '"https://api.test", timeout=None)', 1))
    result = _run(pytester, "testing-sweep.md")

    result.assert_outcomes(passed=1, failed=1)
    assert shown in result.stdout.str()


DOCUMENT = """
openapi: 3.1.0
info: {title: API, version: "1"}
servers: [{url: "https://api.test"}]
paths:
  /users/{id}:
    get:
      operationId: getUser
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        "200":
          description: A user
          content:
            application/json:
              schema: {type: object, required: [name], properties: {name: {type: string}}}
              examples: {admin: {value: {name: Admin}}}
  /orders:
    get:
      responses:
        "200": {description: Orders}
        "429": {description: Too many}
"""


def test_contract(pytester: pytest.Pytester) -> None:
    """The test of the page passes, and so does the block without pytest, with a document that has what they name."""
    pytester.path.joinpath("openapi.yaml").write_text(DOCUMENT)
    # The block is a module, and runs when it is imported.
    _run(pytester, "testing-contract.md").assert_outcomes(passed=1)


@pytest.mark.parametrize("place", [0, 1])
def test_http2(place: int) -> None:
    """The examples of the page run, and what they show after a line is its value."""
    code = _examples("http2.md")["python"][place]
    shown = re.findall(r"^(\w.*?)  # (.*)$", code, re.MULTILINE)
    values: dict[str, object] = {}
    with mock(leaks=False) as m:
        m.get("https://www.example.org/").reply(200).optional()
        exec(compile(code, "docs/http2.md", "exec"), values)
        assert [repr(eval(line, values)) for line, _ in shown] == [text.replace('"', "'") for _, text in shown]
    assert isinstance(values["client"], borzoi.Client)
