"""Generating again when the document changes, and the bar of a long run."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from borzoi.cli.main import main
from borzoi.openapi import meter
from borzoi.openapi.meter import Meter
from borzoi.openapi.watching import FAR_PAUSE, PAUSE, sources_of_app, watch

DOCUMENT = {"openapi": "3.1.0", "info": {"title": "Tea", "version": "1"}, "paths": {}}


class Enough(Exception):
    """The test has seen enough."""


def test_it_runs_again_when_a_file_changes(tmp_path: Path) -> None:
    """Each change of a file that the last run named brings another run; without one there is none."""
    place = tmp_path / "api.json"
    place.write_text("1")
    runs: list[str] = []
    acts: list[Callable[[], object]] = [
        lambda: None,
        lambda: place.write_text("22"),
        lambda: None,
        place.unlink,
        lambda: place.write_text("4"),
    ]

    def run() -> list[Path]:
        runs.append(place.read_text() if place.exists() else "")
        return [place]

    def pause(seconds: float) -> None:
        assert seconds == PAUSE
        if not acts:
            raise Enough
        acts.pop(0)()

    with pytest.raises(Enough):
        watch(run, pause=pause)
    assert runs == ["1", "22", "", "4"]


def test_a_url_is_looked_at_again(tmp_path: Path) -> None:
    """What has no time of its own is fetched again after each pause."""
    pauses: list[float] = []
    runs: list[int] = []

    def run() -> list[Path]:
        runs.append(1)
        return []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise Enough

    with pytest.raises(Enough):
        watch(run, always=True, pause=pause)
    assert pauses == [FAR_PAUSE] * 3
    assert len(runs) == 3


def test_sources_of_an_application(tmp_path: Path) -> None:
    """An application is made of the modules below the folder, but for environments and caches."""
    for name in ("app.py", "parts/a.py", ".venv/x.py", "__pycache__/y.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")

    assert [path.relative_to(tmp_path).as_posix() for path in sources_of_app(tmp_path)] == ["app.py", "parts/a.py"]


def test_the_command_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--watch generates at once and again after each change, through errors, until it is interrupted."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "api.json"
    place.write_text(json.dumps(DOCUMENT))
    cups = {**DOCUMENT, "paths": {"/cups": {"get": {"responses": {}}}}}
    acts: list[Callable[[], object]] = [
        lambda: place.write_text("{"),
        lambda: None,
        lambda: place.write_text(json.dumps(cups)),
    ]

    def sleep(seconds: float) -> None:
        if not acts:
            raise KeyboardInterrupt
        acts.pop(0)()

    monkeypatch.setattr(time, "sleep", sleep)
    assert main(["openapi", "generate", "api.json", "--watch"]) == 130
    printed = capsys.readouterr()
    assert [line.partition(",")[0] for line in printed.out.splitlines()] == [
        f"{tmp_path}/tea_client: 0 operations",
        f"{tmp_path}/tea_client: 1 operations",
    ]
    assert "This is not JSON" in printed.err


def test_an_application_is_asked_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--watch with --app imports the application anew each time."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tea_app.py").write_text(
        f"class App:\n    def openapi(self):\n        return {DOCUMENT!r}\napp = App()\n"
    )
    arguments = ["openapi", "generate", "--app", "tea_app:app", "-q", "--watch"]
    monkeypatch.setattr(sys, "argv", ["borzoi", *arguments])

    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert main(arguments) == 130
    assert (tmp_path / "tea_client" / "client.py").is_file()
    assert "tea_app" not in sys.modules


def test_check_does_not_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--check with --watch is refused."""
    monkeypatch.chdir(tmp_path)

    assert main(["openapi", "generate", "api.json", "--check", "--watch"]) == 2
    assert "give one of them" in capsys.readouterr().err


def test_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run on a terminal has a bar, which is gone at its end; elsewhere, and in a short run, there is nothing."""
    monkeypatch.setattr(meter, "PATIENCE", 0)
    monkeypatch.setattr(meter, "REFRESH", 0)
    shown, hidden, quick = io.StringIO(), io.StringIO(), io.StringIO()
    bar = Meter(shown, is_shown=True)
    assert list(bar.over(iter("abcd"), "operations")) == list("abcd")
    bar.clear()
    bar.clear()
    assert shown.getvalue().split("\r")[3] == f"[{'=' * 15}{' ' * 15}] 2/4 operations\x1b[K"
    assert shown.getvalue().endswith("\r\x1b[K")
    assert list(Meter(hidden).over("abc", "files")) == list("abc")
    monkeypatch.setattr(meter, "PATIENCE", 60)
    bar = Meter(quick, is_shown=True)
    assert list(bar.over("abc", "files")) == list("abc")
    bar.clear()
    assert (hidden.getvalue(), quick.getvalue()) == ("", "")


def test_a_run_with_the_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operations of a document are counted as they are planned."""
    from borzoi.openapi import generate

    monkeypatch.setattr(meter, "PATIENCE", 0)
    place = tmp_path / "api.json"
    paths: dict[str, Any] = {f"/{number}": {"get": {"responses": {}}} for number in range(3)}
    place.write_text(json.dumps({**DOCUMENT, "paths": paths}))
    shown = io.StringIO()
    generate(place, output=tmp_path / "out", meter=Meter(shown, is_shown=True))

    assert "0/3 operations" in shown.getvalue()
