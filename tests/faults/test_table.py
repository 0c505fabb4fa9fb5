"""Every row of the table of faults has its one right outcome, in threads, asyncio and trio, over each protocol."""

from __future__ import annotations

import pytest

from tests.worlds.world import WORLDS

from . import codings, connections, framing, living, messages, multiplexed, names, secured, streams  # noqa: F401
from .place import run
from .rows import ROWS
from .table import CASES, WAITING, Case

_HOW_OFTEN: dict[tuple[int, str, str, str], int] = {}
for _case in CASES:
    _HOW_OFTEN[_case.row, _case.what, _case.speech.name, _case.world] = 1


def test_the_table_is_whole() -> None:
    """Each row from 1 to 66 has a case, or a reason why it has none; no case is there twice."""
    rows = {case.row for case in CASES}

    assert rows | set(WAITING) == set(ROWS) == set(range(1, 67))
    assert not rows & set(WAITING)
    assert len(_HOW_OFTEN) == len(CASES)


@pytest.mark.parametrize("case", sorted(CASES, key=lambda case: case.row), ids=repr)
def test_fault(case: Case) -> None:
    """The outcome is the one of the table, and nothing is left behind."""
    run(WORLDS[case.world], case.body, case.speech)
