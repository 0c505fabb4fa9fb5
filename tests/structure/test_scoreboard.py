"""The scoreboard: it counts what tests say, and does not call a row well of which nothing ran."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from scripts import scoreboard
from scripts.scoreboard import Corpus, Outcome, Row

REPORT = """<testsuites><testsuite>
<testcase classname="tests.codes.test_r.TestR2" name="test_a[blocking]"/>
<testcase classname="tests.codes.test_r.TestR2" name="test_b"><failure/></testcase>
<testcase classname="tests.faults.test_table" name="test_fault[5: cut, in a chunk [HTTP/1.1, trio]]"/>
<testcase classname="tests.faults.test_table" name="test_fault[51: TLS [HTTP/1.1, trio]]"><error/></testcase>
<testcase classname="tests.faults.test_table" name="test_the_table_is_whole"/>
</testsuite></testsuites>"""


@pytest.fixture
def outcomes() -> list[Outcome]:
    """What a report says."""
    return list(scoreboard.outcomes_of(ET.fromstring(REPORT)))


def test_a_report_is_read(outcomes: list[Outcome]) -> None:
    """Each test has its file, its class and name, and whether it passed."""
    assert outcomes[:3] == [
        Outcome("codes/test_r.py", "TestR2::test_a[blocking]", True),
        Outcome("codes/test_r.py", "TestR2::test_b", False),
        Outcome("faults/test_table.py", "test_fault[5: cut, in a chunk [HTTP/1.1, trio]]", True),
    ]


def test_rows_are_counted(outcomes: list[Outcome]) -> None:
    """A row holds where something passed and nothing failed, fails where anything did, and else was not run, or waits."""
    faults = {row.key: row for row in scoreboard.fault_rows(outcomes)}
    codes = {row.key: row for row in scoreboard.code_rows(outcomes, scoreboard.index())}

    assert [faults[key].state for key in ("5", "51", "6", "50")] == ["holds", "FAILS", "not run", "waits"]
    assert (codes["R2"].passed, codes["R2"].failed, codes["R2"].state) == (1, 1, "FAILS")
    assert (codes["V4"].passed, codes["V4"].failed) == (1, 1)
    assert codes["H1"].state == "waits"


def test_a_corpus_that_did_not_run_has_failed(outcomes: list[Outcome]) -> None:
    """Cases are those of the corpus, less those that differ on purpose."""
    known = [
        Corpus("ran", "faults/test_table.py::test_the_table_is_whole", 10, {"Why.": 3}),
        Corpus("not", "x.py", 5, {}),
    ]

    assert [(row.passed, row.failed, row.state) for row in scoreboard.corpus_rows(known, outcomes)] == [
        (7, 0, "holds"),
        (0, 5, "FAILS"),
    ]


def test_what_is_shown(outcomes: list[Outcome]) -> None:
    """The page has each row, what differs and why, and the recorded compatibility; the JSON has the same figures."""
    tables = {"faults": [Row("5", "cut", 2, 0)], "codes": [Row("H1", "HSTS", 0, 0, "no store")], "corpora": []}
    text = scoreboard.page(tables, [Corpus("urls", "x", 9, {"Because.": 2})])

    assert "| 5 | cut | 2 | 0 | holds |" in text
    assert "| H1 | HSTS | 0 | 0 | waits: no store |" in text
    assert "- urls, 2: Because." in text
    assert "fail on purpose" in text
    assert json.loads(scoreboard.as_json(tables))["faults"][0]["state"] == "holds"


def test_the_corpora_are_there() -> None:
    """Each has cases, and what differs is fewer than what does not."""
    known = scoreboard.corpora()

    assert len(known) == 11
    for corpus in known:
        assert corpus.cases > 2 * sum(corpus.differences.values()), corpus.name


def test_corpora_are_shown() -> None:
    """Their table has the cases, what passed, differs and failed, a line for each difference, and what is not run."""
    known = [Corpus("urls", "x", 9, {"Because.": 2})]
    lines = list(scoreboard.corpus_table(known, [Row("urls", "9 cases", 6, 1)]))

    assert lines[0].split() == ["suite", "cases", "passed", "differ", "failed"]
    assert lines[1].split() == ["urls", "9", "6", "2", "1"]
    assert lines[2].split() == ["2", "Because."]
    assert "not run: SigV4: it waits for the feature" in lines


def test_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` names the tests of all 55 codes, and runs nothing."""
    assert scoreboard.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 55
    assert lines[1] == "R2  credentials do not go from https to http: tests/codes/test_r.py::TestR2"
