"""The targets in short: their seeds, what has broken them, and some hundred inputs made of those by chance."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.endurance import fuzz, guided
from tests.fuzz.mutation import LONGEST, mutants
from tests.fuzz.targets import REGRESSIONS, TARGETS, begun_with

COUNT = {"openapi": 60, "client": 200}
"""Inputs for those that take longer."""


@pytest.mark.parametrize("name", TARGETS)
def test_a_target(name: str) -> None:
    """No input raises what it may not, and no seed does."""
    seeds = begun_with(name)
    run = TARGETS[name].run
    for data in [*seeds[:200], *mutants(seeds, COUNT.get(name, 300), number=7)]:
        run(data)


@pytest.mark.parametrize(
    "path", sorted(REGRESSIONS.glob("*/*.bin")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_what_broke_something_once(path: Path) -> None:
    """An input that has broken a target does so no more."""
    TARGETS[path.parent.name].run(path.read_bytes())


def test_every_target_has_its_share() -> None:
    """The command for the long form knows the targets of the table."""
    assert set(fuzz.SHARES) == set(TARGETS)
    assert sum(fuzz.SHARES.values()) >= 100
    assert {path.name for path in REGRESSIONS.iterdir() if path.is_dir()} <= set(TARGETS)


def test_mutants_are_the_same_again() -> None:
    """The same number gives the same inputs, another number others, and none is too long."""
    seeds = begun_with("http1")
    first = list(mutants(seeds, 50, 1))

    assert first == list(mutants(seeds, 50, 1))
    assert first != list(mutants(seeds, 50, 2))
    assert max(map(len, first)) <= LONGEST


def test_what_breaks_a_target_is_kept(tmp_path: Path) -> None:
    """A finding is written down once for each place, the shortest input of all, with where it was raised."""

    def run(data: bytes) -> None:
        if data:
            raise KeyError(len(data))

    for data in (b"", b"long", b"s", b"longer"):
        guided.watched(run, data, tmp_path)

    (kept,) = tmp_path.glob("*.bin")
    assert kept.read_bytes() == b"s"
    assert "KeyError: 1" in kept.with_suffix(".txt").read_text()


def test_what_is_found_again_is_counted_again(tmp_path: Path) -> None:
    """A finding that an earlier run left there counts in each run that comes to it, and in no other."""

    def run(data: bytes) -> None:
        raise KeyError(data)

    guided.watched(run, b"short", tmp_path)
    (found,) = fuzz.kept(tmp_path)
    os.utime(found, (1, 1))
    before = fuzz.kept(tmp_path)
    assert before == fuzz.kept(tmp_path)

    guided.watched(run, b"longer than it", tmp_path)

    assert list(dict(fuzz.kept(tmp_path).items() - before.items())) == [found]
    assert found.read_bytes() == b"short"


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("#1\tINITED exec/s: 0 rss: 1Mb\nDone 3000 runs in 2 second(s)\n", (3000, 2.0)),
        ("#512\tpulse  cov: 5 corp: 1/1b lim: 4 exec/s: 256 rss: 1Mb\nERROR: libFuzzer: timeout\n", (512, 2.0)),
        ("Traceback\n", (0, 0.0)),
    ],
)
def test_inputs_are_counted(log: str, found: tuple[int, float]) -> None:
    """The count is that of libFuzzer, also where it was stopped by a hang, and nothing where it did not begin."""
    assert fuzz.counted(log) == found
    assert fuzz.Run("url", 2, 1, 0.5, "why").row.split() == ["url", "2", "1", "4", "why"]
