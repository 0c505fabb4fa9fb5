"""The bar of a long run on a terminal: how many operations are planned, and how many files are written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, TypeVar

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds before there is a bar: most documents are done by then."""

REFRESH = 0.1
WIDTH = 30


class Meter:
    """Show how far a run has come, in one line that is gone at its end. It shows nothing where nobody watches."""

    def __init__(self, file: TextIO | None = None, *, is_shown: bool | None = None) -> None:
        self._file = file or sys.stderr
        self._is_shown = self._file.isatty() if is_shown is None else is_shown
        self._next = time.monotonic() + PATIENCE
        self._is_there = False

    def over(self, items: Iterable[T], what: str) -> Iterator[T]:
        """Yield items, and show how many there have been."""
        if not self._is_shown:
            yield from items
            return
        known: Sequence[T] = items if isinstance(items, Sequence) else list(items)
        for index, item in enumerate(known):
            if time.monotonic() >= self._next:
                self._draw(index, len(known), what)
            yield item

    def _draw(self, done: int, total: int, what: str) -> None:
        self._next = time.monotonic() + REFRESH
        self._is_there = True
        filled = WIDTH * done // total
        self._file.write(f"\r[{'=' * filled}{' ' * (WIDTH - filled)}] {done}/{total} {what}\x1b[K")
        self._file.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._is_there:
            self._file.write("\r\x1b[K")
            self._file.flush()
            self._is_there = False
