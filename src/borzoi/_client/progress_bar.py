"""Bars for `progress=True`: one for each running transfer, all in one display on standard error.

On a terminal the bars are drawn by rich (the extra `cli`), in place. Without rich, or where nobody watches, there are
lines instead: one at each tenth, a second or more apart, and one at the end. No thread draws: a transfer that moves
draws itself, and the others with it.

The display begins with the first bar and ends with the last, however that ends: the cursor is back then.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from .._messages.progress import Progress

if TYPE_CHECKING:
    from .._values.url import URL

REFRESH = 0.05
"""Seconds between two drawings of the display."""

WIDEST = 40
"""Characters of a label; a longer one loses its middle."""

NARROWEST = 10
"""Characters of a label that are left to it on a narrow terminal."""

BESIDE = 62
"""Columns of a terminal that a label leaves free: for eight of the bar, the state of the transfer, and the gaps."""

LINE_EVERY = 1.0
"""The least seconds between two lines about one transfer."""

UNKNOWN_EVERY = 10.0
"""The seconds between two lines about one transfer whose total is not known."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Bar:
    """Show one transfer. It may be closed at any time, and again."""

    def __init__(self, display: Display, label: str, progress: Progress) -> None:
        self._display = display
        self.label = label
        self.progress = progress
        self.is_open = True
        self.mark: Any = None
        """What the painter remembers of it."""

    def show(self, progress: Progress) -> None:
        """Show how far the transfer has come; close the bar if that is the end."""
        self.progress = progress
        if progress.is_done:
            self.close()
        else:
            self._display.update(self)

    def close(self) -> None:
        """Take the bar away, and leave a line about what came of it."""
        self._display.close(self)


class Painter(Protocol):
    """A way to show bars."""

    def begin(self, bar: Bar) -> None:
        """Show a new bar."""

    def update(self, bar: Bar) -> None:
        """Show how far it has come now."""

    def end(self, bar: Bar) -> None:
        """Take it away, and leave a line."""

    def stop(self) -> None:
        """Leave the terminal as it was."""


class Display:
    """Hold all bars of this process. Any thread may open, move and close them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        # Reentrant: a warning or a signal handler in the middle of drawing may close a transfer of the same thread.
        self._lock = threading.RLock()
        self._bars: set[Bar] = set()
        self._painter: Painter | None = None

    def open(self, label: str | None, progress: Progress) -> Bar:
        """Begin a bar; its label is that of the transfer where none is given."""
        if label is None:
            label = progress.name if progress.direction == "download" else f"upload {progress.name}"
        bar = Bar(self, presentable(label), progress)

        with self._lock:
            if self._painter is None:
                self._painter = painter_for(self._stream or sys.stderr)
            self._bars.add(bar)
            self._painter.begin(bar)
        return bar

    def update(self, bar: Bar) -> None:
        """Show how far a bar has come."""
        with self._lock:
            if bar.is_open and self._painter is not None:
                self._painter.update(bar)

    def close(self, bar: Bar) -> None:
        """End a bar, and the display with the last one."""
        with self._lock:
            painter = self._painter
            if not bar.is_open or painter is None:
                return
            bar.is_open = False
            self._bars.discard(bar)
            try:
                painter.end(bar)
            finally:
                if not self._bars:
                    self._painter = None
                    painter.stop()

    def close_all(self) -> None:
        """End all bars: the program is over."""
        for bar in list(self._bars):
            self.close(bar)


def open_bar(label: str | None, direction: Any, url: URL, total: int | None) -> Bar:
    """Begin a bar on the display of this process."""
    return _display.open(label, Progress(direction, url, total=total))


def painter_for(stream: TextIO | None) -> Painter:
    """Return rich's bars for a terminal, lines for everything else."""
    if stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb":
        try:
            return RichBars(stream)
        except ImportError:
            pass
    return PlainLines(stream)


class RichBars:
    """Draw bars in place. One that ends moves up, out of those that are drawn again."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Drawn

        # What a program prints goes above the bars, and only if it goes to this terminal at all.
        self._drawn = Drawn(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=Console(file=stream),
            auto_refresh=False,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._drawn.start()
        self._next = 0.0

    def begin(self, bar: Bar) -> None:
        """Add a row."""
        bar.mark = self._drawn.add_task(self._label(bar), total=bar.progress.total, state=state(bar.progress))
        self._drawn.refresh()

    def update(self, bar: Bar) -> None:
        """Draw the rows, if that is due."""
        now = time.monotonic()
        due = now >= self._next
        if due:
            self._next = now + REFRESH
        progress = bar.progress
        self._drawn.update(
            bar.mark,
            description=self._label(bar),
            completed=progress.bytes_wire,
            total=progress.total,
            state=state(progress),
            refresh=due,
        )

    def end(self, bar: Bar) -> None:
        """Print the row for good."""
        progress = bar.progress
        whole = progress.bytes_wire if progress.is_done else progress.total
        self._drawn.update(bar.mark, completed=progress.bytes_wire, total=whole, state=outcome(progress))
        row = self._drawn.make_tasks_table([task for task in self._drawn.tasks if task.id == bar.mark])
        self._drawn.remove_task(bar.mark)
        self._drawn.console.print(row)

    def stop(self) -> None:
        """Show the cursor, and give the streams back."""
        self._drawn.stop()

    def _label(self, bar: Bar) -> str:
        # What is measured counts more than the name: rich would cut off the end of each alike.
        return shortened(bar.label, max(NARROWEST, self._drawn.console.width - BESIDE))


class PlainLines:
    """Write lines, for logs and plain terminals."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def begin(self, bar: Bar) -> None:
        """Wait for something to say."""
        bar.mark = (0, 0.0)

    def update(self, bar: Bar) -> None:
        """Write a line, if that is due."""
        tenth, written = bar.mark
        progress = bar.progress
        fraction = progress.fraction
        waited = progress.elapsed - written

        if fraction is None:
            is_due, reached = waited >= UNKNOWN_EVERY, tenth
        else:
            reached = int(fraction * 10)
            is_due = reached > tenth and waited >= LINE_EVERY
        if is_due:
            bar.mark = (reached, progress.elapsed)
            self._write(f"{bar.label}: {state(progress)}")

    def end(self, bar: Bar) -> None:
        """Write what came of it."""
        self._write(f"{bar.label}: {outcome(bar.progress)}")

    def stop(self) -> None:
        """Leave the lines."""

    def _write(self, line: str) -> None:
        if self._stream is not None:
            self._stream.write(f"{line}\n")
            self._stream.flush()


def presentable(label: str) -> str:
    """Return a label as it may go to a terminal: a name may come from a server, and a terminal obeys what it prints."""
    return shortened("".join(character if character.isprintable() else "?" for character in label), WIDEST)


def shortened(label: str, room: int) -> str:
    """Return a label that fits into so many columns. One that is too long loses its middle, and keeps its suffix."""
    return label if len(label) <= room else f"{label[: room // 2 - 2]}...{label[1 - room // 2 :]}"


def size_text(size: float) -> str:
    """Write a number of bytes: "512 B", "12.3 MiB"."""
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def duration_text(seconds: float) -> str:
    """Write a duration: "0.42 s", "1:07", "2:00:00"."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def state(progress: Progress) -> str:
    """Say how far a running transfer has come."""
    parts = [amount(progress), f"{size_text(progress.rate)}/s"]
    if progress.fraction is not None:
        parts.insert(0, f"{progress.fraction:.0%}")
    if progress.seconds_left is not None:
        parts.append(f"{duration_text(progress.seconds_left)} left")
    return ", ".join(parts)


def outcome(progress: Progress) -> str:
    """Say what became of a transfer."""
    if not progress.is_done:
        return f"stopped at {amount(progress)}"
    average = progress.bytes_wire / progress.elapsed if progress.elapsed > 0 else 0.0
    done = size_text(progress.bytes_wire)
    if progress.bytes_decoded > progress.bytes_wire:
        done += f" (decoded {size_text(progress.bytes_decoded)})"
    return f"{done} in {duration_text(progress.elapsed)}, {size_text(average)}/s"


def amount(progress: Progress) -> str:
    """Write the bytes so far, and of how many."""
    so_far = size_text(progress.bytes_wire)
    return so_far if progress.total is None else f"{so_far} of {size_text(progress.total)}"


_display = Display()


def _forget_display() -> None:
    # The bars are the parent's, and so is the lock that one of its threads may have held.
    global _display
    _display = Display()


def _close_display() -> None:
    _display.close_all()


atexit.register(_close_display)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_display)
