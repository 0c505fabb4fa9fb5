"""The examples about tests run as they stand, under pytest or by themselves."""

from __future__ import annotations

import pytest

from tests.docs.test_readme import EXAMPLE
from tests.structure.source import ROOT

pytest_plugins = ["pytester"]


def _examples(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [example["code"] for example in EXAMPLE.finditer(text) if "borzoi.testing" in example["code"]]


def test_the_tests_of_the_pages_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test that the README and the page show passes; one of anyio's runs on asyncio and on trio."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tests = [code for page in ("README.md", "docs/testing.md") for code in _examples(page) if "def test_" in code]
    pytester.makepyfile(**{f"test_example_{number}": code for number, code in enumerate(tests)})
    plugins = ("-p", "borzoi.testing.plugin", "-p", "anyio.pytest_plugin")
    pytester.runpytest_subprocess(*plugins, "-W", "error").assert_outcomes(passed=5)


def test_the_block_of_the_page_runs() -> None:
    """The example without pytest runs as it is."""
    blocks = [code for code in _examples("docs/testing.md") if "def test_" not in code]
    assert len(blocks) == 1
    exec(compile(blocks[0], "docs/testing.md", "exec"), {})


def test_the_example_has_ten_lines() -> None:
    """The test that the README shows has ten lines, besides its imports."""
    (code,) = _examples("README.md")
    assert len(code[code.index("def test_") :].strip().splitlines()) <= 10
