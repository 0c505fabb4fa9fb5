"""Tables and headings for the demo: by rich on a terminal, where it is installed, and as aligned text elsewhere."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import TextIO

Rows = Sequence[Sequence[str]]


class Paper:
    """Write to a stream in the way that suits it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._is_pretty = self._stream.isatty() and _has_rich()

    def heading(self, text: str) -> None:
        """Begin a section."""
        if self._is_pretty:
            from rich.console import Console

            Console(file=self._stream).print(f"\n{text}", style="bold", markup=False, highlight=False)
        else:
            self.line(f"\n{text}")

    def line(self, text: str = "") -> None:
        """Write a line."""
        self.write(f"{text}\n")

    def write(self, text: str) -> None:
        """Write text at once, without a line's end."""
        self._stream.write(text)
        self._stream.flush()

    def table(self, columns: Sequence[str], rows: Rows, *, words: int = 1) -> None:
        """Write a table whose first columns, so many, are words, and the others figures."""
        if self._is_pretty:
            self._rich_table(columns, rows, words)
        else:
            self.write(plain_table(columns, rows, words))

    def _rich_table(self, columns: Sequence[str], rows: Rows, words: int) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD)
        for place, column in enumerate(columns):
            table.add_column(column, justify="left" if place < words else "right")
        for row in rows:
            table.add_row(*[Text(cell) for cell in row])
        Console(file=self._stream).print(table)


def plain_table(columns: Sequence[str], rows: Rows, words: int) -> str:
    """Return a table as text, its columns aligned."""
    lines = [columns, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    aligned = [
        "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    aligned.insert(1, "  ".join("-" * width for width in widths))
    return "".join(f"  {line.rstrip()}\n" for line in aligned)


def _has_rich() -> bool:
    return importlib.util.find_spec("rich") is not None
