"""Bars: one for each transfer in one display, lines where nobody watches, and the terminal as it was afterwards."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from borzoi._client import progress_bar
from borzoi._client.progress_bar import (
    Bar,
    Display,
    PlainLines,
    RichBars,
    duration_text,
    outcome,
    painter_for,
    presentable,
    size_text,
    state,
)
from borzoi._messages.progress import Progress
from borzoi._values.url import URL

FILE = URL("https://example.org/big.bin")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal to draw on."""
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def at(wire: int, total: int | None = 1000, elapsed: float = 1.0, *, done: bool = False, **more: Any) -> Progress:
    return Progress("download", FILE, wire, more.pop("decoded", wire), total, elapsed, more.pop("rate", 10.0), done)


# Text.


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (64 << 20, "64.0 MiB"),
        (3 << 40, "3.0 TiB"),
        (2048 << 40, "2048.0 TiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    """Sizes are in binary units, the last one without end."""
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (12.3, "12 s"), (67, "1:07"), (3600 * 2 + 60 + 1, "2:01:01")]
)
def test_durations(seconds: float, text: str) -> None:
    """Durations are seconds first, then as on a clock."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("label", "shown"),
    [("dog.bin", "dog.bin"), ("\x1b[2Jx\n", "?[2Jx?"), ("x" * 30 + "y" * 30, "x" * 18 + "..." + "y" * 19)],
)
def test_labels_obey_no_server(label: str, shown: str) -> None:
    """What a terminal would obey is not printed, and a long label loses its middle."""
    assert presentable(label) == shown


def test_states() -> None:
    """A running transfer says how much, how fast, and what is left where that is known."""
    assert state(at(250, rate=250.0)) == "25%, 250 B of 1000 B, 250 B/s, 3.00 s left"
    assert state(at(250, None)) == "250 B, 10 B/s"


def test_outcomes() -> None:
    """A transfer that is over says how much in which time, decoded where that is more, or where it stopped."""
    assert outcome(at(1000, elapsed=2.0, done=True)) == "1000 B in 2.00 s, 500 B/s"
    assert outcome(at(1000, elapsed=0.0, done=True)) == "1000 B in 0.00 s, 0 B/s"
    assert outcome(at(1000, decoded=3000, done=True)) == "1000 B (decoded 2.9 KiB) in 1.00 s, 1000 B/s"
    assert outcome(at(400)) == "stopped at 400 B of 1000 B"
    assert outcome(at(400, None)) == "stopped at 400 B"


# Lines.


def test_lines_come_at_each_tenth_a_second_apart() -> None:
    """Lines come at each tenth, a second or more apart, and one at the end."""
    log = io.StringIO()
    bar = Display(log).open(None, at(0))
    for wire, elapsed in [(10, 0.5), (100, 0.6), (150, 1.5), (160, 3.0), (210, 3.1), (390, 4.0)]:
        bar.show(at(wire, elapsed=elapsed, rate=0.0))
    bar.show(at(1000, elapsed=5.0, done=True))

    assert log.getvalue().splitlines() == [
        "big.bin: 15%, 150 B of 1000 B, 0 B/s",
        "big.bin: 21%, 210 B of 1000 B, 0 B/s",
        "big.bin: 1000 B in 5.00 s, 200 B/s",
    ]


def test_lines_of_unknown_length_come_every_ten_seconds() -> None:
    """Where the total is not known, a line comes every ten seconds."""
    log = io.StringIO()
    bar = Display(log).open("answer", at(0, None))
    for elapsed in (5.0, 10.0, 19.0, 21.0):
        bar.show(at(int(elapsed), None, elapsed))
    bar.close()

    assert log.getvalue().splitlines() == [
        "answer: 10 B, 10 B/s",
        "answer: 21 B, 10 B/s",
        "answer: stopped at 21 B",
    ]


def test_a_bar_is_closed_once() -> None:
    """Closing a bar again, or moving one that is closed, writes nothing."""
    log = io.StringIO()
    bar = Display(log).open(None, at(0))
    bar.close()
    bar.close()
    bar.show(at(500, elapsed=9.0))

    assert log.getvalue() == "big.bin: stopped at 0 B of 1000 B\n"


def test_an_upload_says_so() -> None:
    """An upload without a label of its own is told from a download."""
    log = io.StringIO()
    Display(log).open(None, Progress("upload", FILE)).close()

    assert log.getvalue().startswith("upload big.bin: ")


def test_without_standard_error_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without standard error, as under pythonw, is left alone."""
    monkeypatch.setattr(sys, "stderr", None)
    display = Display()
    bar = display.open(None, at(0))
    bar.show(at(1000, done=True))

    assert display._painter is None


# Bars.


def test_a_bar_is_drawn_and_the_terminal_left_as_it_was(terminal: Terminal) -> None:
    """On a terminal a bar is drawn in place; at its end its last state stays and the cursor is back."""
    out = sys.stdout
    bar = Display(terminal).open(None, at(0))
    bar.show(at(500, rate=0.0))
    bar.show(at(1000, done=True))

    text = terminal.getvalue()
    assert "big.bin" in text
    assert "50%, 500 B of 1000 B" in text
    assert "1000 B in 1.00 s, 1000 B/s" in text
    assert text.count(HIDE) == text.count(SHOW) == 1
    assert text.rindex(SHOW) > text.rindex(HIDE)
    assert sys.stdout is out


@pytest.mark.parametrize("columns", [72, 80, 100, 200])
def test_a_bar_fits_the_terminal(columns: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is shown whole beside some bar, in one line; it is the label that gives way."""
    monkeypatch.setenv("COLUMNS", str(columns))
    label = "a-file-with-rather-a-long-name.tar.gz"
    bar = Display(terminal).open(label, at(0, 57_000_000))
    bar.show(at(28_000_000, 57_000_000, rate=230_000.0))
    drawn = next(line for line in terminal.getvalue().split("\r") if "49%" in line)
    bar.close()

    assert "49%, 26.7 MiB of 54.4 MiB, 224.6 KiB/s, 2:06 left" in drawn
    assert "\u2501\u2501\u2501\u2501" in drawn
    assert drawn.partition("\u2501")[0].count("...") == (0 if columns >= 100 else 1)
    assert ".gz" in drawn


def test_a_bar_that_stops_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    """A transfer that fails or is interrupted leaves a line and the cursor."""
    display = Display(terminal)
    bar = display.open(None, at(0, None))
    bar.show(at(10, None))
    bar.close()

    assert "stopped at 10 B" in terminal.getvalue()
    assert terminal.getvalue().count(SHOW) == 1
    assert display._painter is None


def test_several_bars_share_one_display(terminal: Terminal) -> None:
    """Transfers at once have a bar each; the display ends with the last of them."""
    display = Display(terminal)
    first, second = display.open("first", at(0)), display.open("second [/red]", at(0))
    painter = display._painter
    assert isinstance(painter, RichBars)
    first.show(at(200))
    assert len(painter._drawn.tasks) == 2

    first.show(at(1000, done=True))
    assert len(painter._drawn.tasks) == 1
    assert SHOW not in terminal.getvalue()
    second.close()
    assert terminal.getvalue().count(SHOW) == 1
    assert terminal.getvalue().count(HIDE) == 1


def test_bars_of_many_threads(terminal: Terminal) -> None:
    """Threads open, move and close bars at will; in the end there is no display."""
    display = Display(terminal)

    def transfer(number: int) -> None:
        bar = display.open(f"file {number}", at(0))
        for wire in range(0, 1000, 100):
            bar.show(at(wire))
        bar.show(at(1000, done=True))

    threads = [threading.Thread(target=transfer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert display._painter is None
    assert terminal.getvalue().count(HIDE) == terminal.getvalue().count(SHOW)
    assert all(f"file {number}" in terminal.getvalue() for number in range(8))


def test_drawing_costs_no_thread(terminal: Terminal) -> None:
    """A bar starts no thread."""
    before = threading.active_count()
    bar = Display(terminal).open(None, at(0))
    bar.show(at(10))

    assert threading.active_count() == before
    bar.close()


def test_lines_where_rich_is_missing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rich a terminal gets lines."""
    monkeypatch.setitem(sys.modules, "rich.console", None)

    assert isinstance(painter_for(terminal), PlainLines)


def test_lines_on_a_dumb_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot move its cursor gets lines."""
    monkeypatch.setenv("TERM", "dumb")

    assert isinstance(painter_for(terminal), PlainLines)


def test_a_painter_that_fails_is_stopped() -> None:
    """When the terminal goes away, the display ends all the same."""
    log = io.StringIO()

    class Broken(PlainLines):
        stopped = False

        def end(self, bar: Bar) -> None:
            raise OSError("gone")

        def stop(self) -> None:
            self.stopped = True

    display = Display(log)
    bar = display.open(None, at(0))
    display._painter = painter = Broken(log)
    with pytest.raises(OSError, match="gone"):
        bar.close()
    assert painter.stopped
    assert display._painter is None


def test_what_is_open_at_the_end_is_closed() -> None:
    """A program that ends in the middle of transfers has their bars closed; so do those that it forgot."""
    log = io.StringIO()
    display = Display(log)
    display.open("one", at(0))
    display.open("two", at(0))
    display.close_all()

    assert sorted(log.getvalue().splitlines()) == ["one: stopped at 0 B of 1000 B", "two: stopped at 0 B of 1000 B"]


ENDING = """
import sys
from borzoi._client.progress_bar import open_bar
from borzoi._values.url import URL
open_bar("forgotten", "download", URL("https://example.org/x"), 10)
"""


def test_the_display_ends_with_the_program() -> None:
    """Leaving the interpreter closes the bars."""
    done = subprocess.run([sys.executable, "-c", ENDING], check=True, capture_output=True, text=True)

    assert done.stderr == "forgotten: stopped at 0 B of 10 B\n"


def test_a_child_of_a_fork_has_no_bars() -> None:
    """A child of a fork begins with a display of its own: the parent's lock may be held for ever there."""
    before = progress_bar._display
    bar = progress_bar.open_bar(None, "download", FILE, 10)
    try:
        progress_bar._forget_display()
        assert progress_bar._display is not before
        assert progress_bar._display._painter is None
    finally:
        progress_bar._display = before
        bar.close()
    assert hasattr(os, "register_at_fork")
