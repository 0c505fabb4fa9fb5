"""`make openapi-corpus ARGS=--types`: what type checkers print is counted for the documents that it is about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import openapi_documents, openapi_types
from scripts.openapi_types import Counts, Finding, batches, looked_at, of_mypy, of_pyright

MYPY = """pets/models/cat.py:3: error: Missing type arguments for generic type "dict"  [type-arg]
pets/models/cat.py:3: note: See the manual
users/api.py:1: error: Name "x" is not defined  [name-defined]
"""


def test_findings_of_mypy() -> None:
    """Each error belongs to the package that it stands in; notes are none."""
    assert [each.package for each in of_mypy(MYPY)] == ["pets", "users"]


def test_findings_of_pyright(tmp_path: Path) -> None:
    """Errors and warnings of a report belong to their packages, with file, line and rule; information is none."""
    place = {"range": {"start": {"line": 4}}, "rule": "reportX", "message": "wrong"}
    severities = ("error", "warning", "information")
    report = [{"file": str(tmp_path / f"{name}/a.py"), "severity": name, **place} for name in severities]
    found = list(of_pyright(json.dumps({"generalDiagnostics": report}), tmp_path))

    assert found == [
        Finding("error", "error/a.py:5: wrong (reportX)"),
        Finding("warning", "warning/a.py:5: wrong (reportX)"),
    ]
    assert list(of_pyright("No configuration file found.", tmp_path)) == []


def test_a_checker_that_breaks_off_has_found_nothing_clean(tmp_path: Path) -> None:
    """Where a checker ends without a finding and without success, all that it was to look at is not clean."""
    (found,) = looked_at("mypy", [tmp_path / "missing"], tmp_path)
    assert found.package == "missing"
    assert found.text.startswith("mypy ends with 2: ")


def test_small_packages_are_looked_at_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large packages are looked at alone, after the small ones."""
    monkeypatch.setattr(openapi_types, "LARGE", 10)
    for name, size in (("large", 30), ("a", 1), ("larger", 40), ("b", 9)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text("#" * size)
    found = [[each.name for each in batch] for batch in batches(sorted(tmp_path.iterdir()))]
    assert found == [["a", "b"], ["large"], ["larger"]]


def test_the_table_of_what_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says for how many documents each checker had nothing, by library, and names the others; a page keeps it."""
    counts = Counts(["msgspec", "pydantic"])
    for library in ("msgspec", "pydantic"):
        counts.add(library, "mypy", "a.json", [])
        counts.add(library, "pyright", "a.json", [Finding("a", "wrong")] if library == "pydantic" else [])
    lines = counts.lines()
    assert [each for each in lines if each.startswith(("| msgspec", "| pydantic"))] == [
        "| msgspec | 1/1 | 1/1 |",
        "| pydantic | 1/1 | 0/1 |",
    ]
    assert lines[-1] == "- a.json, pydantic, pyright: 1"

    monkeypatch.setattr(openapi_documents, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text("Text.\n<!-- types -->\nold\n<!-- end of types -->\nMore.\n")
    openapi_documents.written("types", lines)
    assert openapi_documents.read("types") == lines
    assert (tmp_path / "page.md").read_text().endswith("pyright: 1\n<!-- end of types -->\nMore.\n")
