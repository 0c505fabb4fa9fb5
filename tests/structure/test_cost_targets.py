"""The table of targets: its figures are medians of quotients of one round, and no row is forgotten."""

from __future__ import annotations

import pytest

from benchmarks.bounds import NARROW, RATIOS, STARTING, WIDE, concerned
from benchmarks.measuring import paired
from benchmarks.report import document
from benchmarks.rows import Measured, Row, all_rows
from benchmarks.targets import Target, all_targets


def _row(title: str, **us: list[float]) -> Row:
    row = Row("asyncio", title, tuple(us))
    row.measured = {
        name: [{"us": one, "thread_us": one, "per_second": 1.0} for one in found] for name, found in us.items()
    }
    return row


def _target(rows: list[Row], figure: str) -> Target:
    return next(target for target in all_targets(rows) if target.figure == figure)


@pytest.mark.parametrize(("title", "peers"), RATIOS)
def test_every_target_is_measured(title: str, peers: tuple[tuple[str, float], ...]) -> None:
    """Each target has a row, in which all take part whom it is about."""
    rows = [row for row in all_rows() if row.title == title]

    assert len(rows) == 1
    assert {"borzoi", *[peer for peer, _ in peers]} <= set(rows[0].clients)


def test_titles_are_unique() -> None:
    """A row is found by its title, those of growth and of starting too."""
    titles = [row.title for row in all_rows()]

    assert len(set(titles)) == len(titles)
    assert {NARROW, WIDE, STARTING} <= set(titles)


def test_a_figure_is_the_median_of_quotients_of_one_round() -> None:
    """A slow round is slow for both; a single one that went wrong for one of them does not count."""
    ours: list[Measured] = [{"us": 10}, {"us": 40}, {"us": 10}]
    theirs: list[Measured] = [{"us": 20}, {"us": 80}, {"us": 5}]

    assert paired(ours, theirs) == 0.5
    assert paired(ours, []) is None


@pytest.mark.parametrize(("us", "verdict"), [(75.0, "holds"), (76.0, "**falls short**")])
def test_a_target_falls_short_above_its_bound(us: float, verdict: str) -> None:
    """A figure may be its bound, and not more."""
    rows = [_row("asyncio, 64 in flight", borzoi=[us], pyreqwest=[100.0])]

    assert _target(rows, "CPU / pyreqwest").verdict == verdict
    assert _target(rows, "CPU / aiohttp").verdict == "not measured"


def test_growth_is_of_one_round() -> None:
    """Growth is the cost at 1,000 over that at 16."""
    rows = [_row(NARROW, borzoi=[10.0, 20.0]), _row(WIDE, borzoi=[12.0, 24.0])]

    assert _target(rows, "CPU at 1,000 / at 16").measured == 1.2


def test_whoever_a_target_is_about_has_all_rounds() -> None:
    """The others have three at most; a row without a target has three for everybody."""
    row = Row("asyncio", "asyncio, 64 in flight", ("borzoi", "wreq", "httpx"))

    assert [row.rounds(client, 7) for client in ("borzoi", "wreq", "before", "httpx")] == [7, 7, 7, 3]
    assert concerned("uvloop, 64 in flight") == set()


def test_who_failed_is_told() -> None:
    """A client that failed is a line with the reason, and no line of figures is lost."""
    row = _row("asyncio, 64 in flight", borzoi=[10.0], pyreqwest=[20.0])
    row.failed["wreq"] = "no | route"

    text = document([row], ["a note"], ["picture"])

    assert "| asyncio, 64 in flight | wreq | no / route |" in text
    assert "| asyncio, 64 in flight | 10.0 | 1 | 0.50 |" in text
    assert "![picture](plots/picture.svg)" in text
