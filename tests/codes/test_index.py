"""The index of codes names tests that are there."""

from __future__ import annotations

import ast

import pytest

from tests.codes.index import CODES
from tests.codes.measures import MEASURES
from tests.faults.rows import ROWS
from tests.structure.source import TESTS

EVERYTHING = {**CODES, **MEASURES}


@pytest.mark.parametrize("code", EVERYTHING)
def test_what_is_named_is_there(code: str) -> None:
    """Each code and measure has a test that exists, or a reason why it has none."""
    assert bool(EVERYTHING[code].tests) != bool(EVERYTHING[code].waits)
    for test in EVERYTHING[code].tests:
        if isinstance(test, int):
            assert test in ROWS
            continue
        path, _, name = test.partition("::")
        names = {getattr(node, "name", "") for node in ast.parse((TESTS / path).read_text(encoding="utf-8")).body}
        assert not name or name in names, test
