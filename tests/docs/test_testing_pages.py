"""The examples of the pages about the guard, cassettes and the server run as they stand, under pytest."""

from __future__ import annotations

import re

import pytest
import yaml

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
