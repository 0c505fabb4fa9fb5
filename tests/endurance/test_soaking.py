"""A mixed load over several worlds: what each round leaves behind; `make soak` in short, and its rule."""

from __future__ import annotations

import pytest

from scripts.endurance.soak import growth, rounds
from tests.endurance.soaking import NAMES, Sample, Soak, serving


def test_nothing_is_left_of_a_mixed_load() -> None:
    """Whatever was done, failed or was given up: no task is left, and descriptors and threads are few."""
    with serving() as (places, forget):
        soak = Soak(places)
        first, second = soak.round(24), soak.round(24)
        forget()
        done = soak.close()

    assert [load.left_tasks for load in soak.loads] == [0] * len(NAMES)
    assert {
        "get",
        "post",
        "secure",
        "websocket",
        "events",
        "http2_get",
        "http2_post",
        "reset: ReadError",
    } <= done.keys()
    assert done.total() == 2 * 24 * len(NAMES)
    # A connection is one descriptor here and one at the server, which has a thread for it.
    assert second.descriptors - first.descriptors < 40
    assert second.threads - first.threads < 20


class Steady:
    """A load that leaves what it is told to."""

    def round(self, things: int) -> Sample:
        """Leave the same."""
        return Sample(things, 5, 2)


def test_rounds_are_counted() -> None:
    """However short, there are enough rounds for their medians."""
    assert len(rounds(Steady(), 0.0, 7)) == 16


@pytest.mark.parametrize(
    ("kib", "descriptors", "threads", "grows"),
    [
        (lambda place: 50_000, lambda place: 9, lambda place: 3, set()),
        (lambda place: 50_000 + place % 3 * 400, lambda place: 9 + place % 2, lambda place: 3, set()),
        (lambda place: 50_000 + 20 * place, lambda place: 9, lambda place: 3, set()),
        (lambda place: 50_000 + 200 * place, lambda place: 9, lambda place: 3, {"kib"}),
        (lambda place: 50_000, lambda place: 9 + place // 8, lambda place: 3 + place // 10, {"descriptors", "threads"}),
        (lambda place: 90_000 - place, lambda place: 90 - place, lambda place: 50 if place < 10 else 9, set()),
    ],
)  # fmt: skip
def test_what_grows(kib: object, descriptors: object, threads: object, grows: set[str]) -> None:
    """What varies does not grow; what is more at the end than it varied before does."""
    samples = [Sample(kib(place), descriptors(place), threads(place)) for place in range(40)]  # type: ignore[operator]

    assert set(growth(samples)) == grows
