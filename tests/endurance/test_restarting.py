"""Servers that restart: nothing that may be sent again is lost, and nothing else is sent twice; `make restarts` in short."""

from __future__ import annotations

from collections import Counter

import pytest

from scripts.endurance import restarts
from tests.endurance.restarting import round_of
from tests.worlds.world import WORLDS


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("name", restarts.WORLDS)
@pytest.mark.usefixtures("nothing_leaks")
def test_nothing_is_lost_and_nothing_done_twice(name: str, http2: bool) -> None:
    """All idempotent requests succeed while the server restarts, no POST is received twice, each has its own answer."""
    found = round_of(WORLDS[name], http2=http2, requests=240, seed=4, every=30)

    assert found["safe"] == 192
    assert found["POST"] + found["POST failed"] == 48
    assert found["twice"] == 0
    assert min(found["abrupt restarts"], found["graceful restarts"]) > 0


@pytest.mark.parametrize(
    ("found", "findings"),
    [
        ({"safe": 9_999, "safe failed": 0, "POST failed": 9}, 0),
        ({"safe": 99_990, "safe failed": 9}, 0),
        ({"safe": 9_999, "safe failed": 1}, 1),
        ({"safe": 9_999, "twice": 2}, 2),
    ],
)
def test_what_counts_as_a_finding(found: dict[str, int], findings: int) -> None:
    """One request in ten thousand may be lost, and no POST may be done twice."""
    assert restarts.findings_of(Counter(found)) == findings
