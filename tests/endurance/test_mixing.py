"""Whose response is whose: some of the sequences of `make mix-up`, and what would be noticed."""

from __future__ import annotations

from collections import Counter

import pytest

from scripts.endurance import mixup
from tests.endurance.ledger import Ledger
from tests.endurance.mixing import sequence


@pytest.mark.parametrize("start", range(0, 1200, 200))
def test_no_response_is_mixed_up(start: int) -> None:
    """Whatever peers say, and whoever is broken off: each response is its request's own, and no POST is sent twice."""
    outcomes: Counter[str] = Counter()
    for seed in range(start, start + 200):
        outcomes += sequence(seed)

    assert outcomes["right"] > 400
    assert min(outcomes["failed"], outcomes["broken_off"]) > 20
    assert outcomes["excused"] < outcomes["right"] / 10


def test_a_seed_is_a_whole_sequence() -> None:
    """The same seed gives the same sequence."""
    assert [sequence(seed) for seed in range(20)] == [sequence(seed) for seed in range(20)]


def test_the_command_counts() -> None:
    """The command runs the sequences that it is told to, and says what came of them."""
    outcomes, wrong = mixup.run(range(3, 8), jobs=1, seconds=60, keeps=False)

    assert outcomes.pop("sequences") == 5
    assert outcomes == sum((sequence(seed) for seed in range(3, 8)), Counter())
    assert wrong == []


def test_what_is_wrong_is_noticed() -> None:
    """A response of another request, or one that was there before the request, is an error; one under way is not."""
    ledger = Ledger()
    ledger.asked.update({(0, "a"): 1.0, (0, "b"): 1.0, (1, "c"): 1.0, (1, "d"): 4.0})
    early, late = ledger.poison(0, 1.0), ledger.poison(1, 1.5)

    assert ledger.check("a", "a")
    with pytest.raises(AssertionError, match="a was given the response to b"):
        ledger.check("a", "b")
    with pytest.raises(AssertionError, match="there since"):
        ledger.check("a", early)
    assert not ledger.check("c", late)
    assert not ledger.check("d", "c")
