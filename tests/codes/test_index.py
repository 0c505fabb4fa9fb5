"""The index of codes names tests that are there."""

from __future__ import annotations

import ast

import pytest

from tests.codes.index import CODES
from tests.faults.rows import ROWS
from tests.structure.source import TESTS


@pytest.mark.parametrize("code", CODES)
def test_what_is_named_is_there(code: str) -> None:
    """Each code has a test that exists, or a reason why it has none."""
    assert bool(CODES[code].tests) != bool(CODES[code].waits)
    for test in CODES[code].tests:
        if isinstance(test, int):
            assert test in ROWS
            continue
        path, _, name = test.partition("::")
        names = {getattr(node, "name", "") for node in ast.parse((TESTS / path).read_text(encoding="utf-8")).body}
        assert not name or name in names, test
