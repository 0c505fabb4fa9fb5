"""What the commands for long runs count, and write down."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from scripts.endurance import flakes, fuzz, mixup, record, restarts, soak
from tests.codes.measures import MEASURES


def test_clean_runs_add_up(tmp_path: Path) -> None:
    """Clean runs of a version add up; one with findings sets the count back, and so does the first after it."""
    place = tmp_path / "endurance.json"
    counts = []
    for count, findings in ((5, 0), (6, 0), (7, 1), (8, 0), (9, 0)):
        entry = record.record("measure", "part", count, findings, place)
        counts.append((entry["count"], entry["findings"]))

    assert counts == [(5, 0), (11, 0), (7, 1), (8, 0), (17, 0)]
    assert record.recorded(place)["measure"]["part"]["version"] == record.__version__


def test_nothing_is_recorded_yet(tmp_path: Path) -> None:
    """Where there is no record, nothing was counted."""
    assert record.recorded(tmp_path / "none.json") == {}


def test_flakes_are_listed() -> None:
    """A test that fails at times is a flake; one that always fails is not."""
    report = ET.fromstring(
        "<testsuite><testcase classname='a' name='b'><failure/></testcase><testcase classname='a' name='c'/>"
        "<testcase classname='a' name='d'><error/></testcase></testsuite>"
    )

    assert list(flakes.failed(report)) == ["a::b", "a::d"]
    assert list(flakes.listing([{"a::b", "a::d"}, {"a::d"}])) == [
        "flake: a::b (1 of 2)",
        "fails: a::d (2 of 2)",
        "2 repeats, 0 without a failure",
    ]


def test_no_finding_is_recorded() -> None:
    """What was found by the latest long runs was mended, and they ran again; each target of theirs has its count."""
    everything = record.recorded()

    assert everything
    found = [
        (measure, part) for measure, parts in everything.items() for part, entry in parts.items() if entry["findings"]
    ]
    assert found == []
    assert all(entry["count"] > 0 for parts in everything.values() for entry in parts.values())


def test_the_scoreboard_knows_the_targets() -> None:
    """A measure waits until as much was run as the commands run by default."""
    targets = {fuzz.MEASURE: fuzz.TOTAL, mixup.MEASURE: mixup.TARGET, restarts.MEASURE: restarts.TARGET}
    targets |= {soak.MEASURE: soak.TARGET, flakes.MEASURE: flakes.TARGET}
    counts = {measure: sum(part["count"] for part in parts.values()) for measure, parts in record.recorded().items()}

    for measure, target in targets.items():
        assert f"of {target:,} " in MEASURES[measure].asks
        assert bool(MEASURES[measure].waits) == (counts.get(measure, 0) < target)
