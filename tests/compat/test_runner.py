"""The runner of the published suites: how it reads the lists, counts and judges. No suite is fetched here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.compat.__main__ import main, table
from scripts.compat.environment import ROOT
from scripts.compat.runner import DELIBERATE, judge, read_deliberate
from scripts.compat.suites import SUITES, Suite

SUITE = Suite("library", "1.0", 3, ())

A_LIST = """# What fails on purpose.

tests/test_a.py::test_one[a b]
    It is refused here, since it
    is dangerous.
tests/test_a.py::test_two
    It is done better.
"""


def test_a_list_is_a_test_and_a_sentence(tmp_path: Path) -> None:
    """A line is the name of a test, and what is indented below it is the reason."""
    path = tmp_path / "library.txt"
    path.write_text(A_LIST)

    assert read_deliberate(path) == {
        "tests/test_a.py::test_one[a b]": "It is refused here, since it is dangerous.",
        "tests/test_a.py::test_two": "It is done better.",
    }
    assert read_deliberate(tmp_path / "other.txt") == {}


def test_a_test_without_a_reason_is_refused(tmp_path: Path) -> None:
    """A list that does not say why is no list."""
    path = tmp_path / "library.txt"
    path.write_text("tests/test_a.py::test_one\ntests/test_a.py::test_two\n    Because.\n")

    with pytest.raises(SystemExit, match=r"library\.txt does not say why: tests/test_a\.py::test_one$"):
        read_deliberate(path)


@pytest.mark.parametrize(
    ("outcomes", "is_good", "row"),
    [
        ({"a": "passed", "b": "passed", "c": "passed"}, True, "3 3 0 0"),
        ({"a": "passed", "b": "passed", "c": "skipped"}, True, "3 2 0 0"),
        ({"a": "failed", "b": "passed", "c": "passed"}, True, "3 2 1 0"),
        ({"a": "passed", "b": "failed", "c": "passed"}, False, "3 2 0 1"),
        ({"a": "passed", "b": "passed"}, False, "2 2 0 0"),
        ({"a": "passed", "b": "passed", "c": "passed", "d": "passed"}, False, "4 4 0 0"),
    ],
)
def test_only_what_is_listed_may_fail(outcomes: dict[str, str], is_good: bool, row: str) -> None:
    """A failure that is not listed is bad, and so is another number of tests than the suite has."""
    verdict = judge(SUITE, outcomes, {"a": "on purpose"})

    assert verdict.is_good is is_good
    assert table([verdict]).splitlines()[1].split() == ["library", "1.0", *row.split()]


def test_a_part_of_a_suite_may_be_small() -> None:
    """Where only part of a suite was to be run, the number of tests is no matter."""
    verdict = judge(SUITE, {"a": "passed"}, {"a": "on purpose"}, is_whole=False)

    assert verdict.is_good
    assert verdict.needless == ("a",)


def test_the_table_is_aligned() -> None:
    """Names are on the left, numbers on the right, in columns that fit."""
    verdicts = [judge(SUITE, {"a": "passed"}, {}), judge(SUITE._replace(name="another-library"), {"a": "failed"}, {})]

    assert table(verdicts) == (
        "suite            version  collected  passed  failed on purpose  failed\n"
        "library          1.0              1       1                  0       0\n"
        "another-library  1.0              1       0                  0       1"
    )


def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command knows its suites."""
    with pytest.raises(SystemExit) as ended:
        main(["--only", "unknown"])
    assert ended.value.code == 2
    assert "'httpx-sse'" in capsys.readouterr().err


def test_what_became_of_each_test_is_written_down(tmp_path: Path) -> None:
    """The plugin notes the worst of set-up, body and tear-down, and modules that cannot be collected."""
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n"
        "def test_good(): pass\n"
        "def test_bad(): assert False\n"
        "@pytest.mark.skip\ndef test_skipped(): pass\n"
        "@pytest.fixture\ndef ending():\n    yield\n    assert False\n"
        "def test_ends_badly(ending): pass\n"
        "@pytest.fixture\ndef beginning():\n    assert False\n"
        "def test_begins_badly(beginning): pass\n"
    )
    (tmp_path / "test_broken.py").write_text("1 / 0\n")
    plugins = ROOT / "scripts" / "compat" / "plugins"
    found = tmp_path / "found.json"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "outcomes", "--continue-on-collection-errors"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(plugins), "BORZOI_COMPAT_OUTCOMES": str(found)},
        capture_output=True,
        check=False,
    )

    assert json.loads(found.read_text()) == {
        "outcomes": {
            "test_broken.py": "failed",
            "test_it.py::test_bad": "failed",
            "test_it.py::test_begins_badly": "failed",
            "test_it.py::test_ends_badly": "failed",
            "test_it.py::test_good": "passed",
            "test_it.py::test_skipped": "skipped",
        },
        "origins": {},
    }


def test_the_lists_of_the_project_can_be_read() -> None:
    """Each list belongs to a suite, and says why for each test."""
    lists = sorted(DELIBERATE.glob("*.txt"))

    assert {path.stem for path in lists} <= {suite.name for suite in SUITES}
    assert sum(len(read_deliberate(path)) for path in lists) > 0
