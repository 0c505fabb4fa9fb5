"""The index of codes names tests that are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.codes.index import CODES
from tests.codes.measures import MEASURES
from tests.faults.rows import ROWS
from tests.structure.source import ROOT, TESTS

EVERYTHING = {**CODES, **MEASURES}


@pytest.mark.parametrize("code", EVERYTHING)
def test_what_is_named_is_there(code: str) -> None:
    """Each code has a test that exists, or a reason why it has none; a measure may have a part of its tests."""
    assert EVERYTHING[code].tests or EVERYTHING[code].waits
    assert code in MEASURES or not (EVERYTHING[code].tests and EVERYTHING[code].waits)
    for test in EVERYTHING[code].tests:
        if isinstance(test, int):
            assert test in ROWS
            continue
        path, _, name = test.partition("::")
        names = {getattr(node, "name", "") for node in ast.parse((TESTS / path).read_text(encoding="utf-8")).body}
        assert not name or name in names, test


ROWS_OF_STRIDE = [
    line.split("|")[1:-1]
    for line in (ROOT / "docs" / "security.md").read_text("utf-8").partition("## STRIDE")[2].splitlines()
    if line.startswith("| ") and not line.startswith("| threat")
]
NAMED = re.compile(r"\b[A-Z]\d\b")


@pytest.mark.parametrize("row", ROWS_OF_STRIDE, ids=lambda row: row[0].strip()[:40])
def test_each_threat_has_its_codes(row: list[str]) -> None:
    """Each row of the threat model ends with codes that exist, and that have tests."""
    threat, measure, codes = (cell.strip() for cell in row)
    assert threat
    assert measure
    assert codes
    for code in codes.split():
        assert CODES[code].tests, code


def test_each_code_is_in_the_threat_model() -> None:
    """Codes that have tests stand for a threat; those that wait are among what is not covered; none is made up."""
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    model, _, uncovered = page.partition("## What is not covered")
    threats = {code for row in ROWS_OF_STRIDE for code in row[2].split()}
    assert {code for code, entry in CODES.items() if entry.tests} <= threats
    assert {code for code, entry in CODES.items() if entry.waits} == set(NAMED.findall(uncovered))
    assert set(NAMED.findall(model)) <= set(CODES)


@pytest.mark.parametrize("section", ["Reporting", "Supported versions", "Severity", "What counts", "What we hold to"])
def test_whoever_reports_is_told_how(section: str) -> None:
    """SECURITY.md has a private channel, the versions that are supported, and a scale of severity."""
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    body = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    assert len(body) > 200
    wanted = {"Reporting": "in private", "Supported versions": "| the latest release |", "Severity": "| critical |"}
    assert wanted.get(section, "") in body
