"""The results as Markdown: the table of targets, then a table for each section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .measuring import PEERS, medians, ratio
from .rows import Measured, Row
from .targets import all_targets

OTHERS = ("before", "floor", "borzoi on asyncio", *PEERS)
"""The columns that there may be, besides our own."""

LEGEND = {
    "All cores for the client": (
        "CPU time of the whole process, as above. Where a client does its work on a thread of its own, it now has a "
        "core for it, and what is left on the thread of the event loop is in brackets."
    ),
    "Bodies that are sent and come back": "The peer is the demo's API: nginx cannot give back what it was sent.",
}


def document(rows: Sequence[Row], notes: Iterable[str], plots: Iterable[str]) -> str:
    """Return the page."""
    parts = ["# Results", "\n".join(f"- {note}" for note in notes), targets(rows)]
    parts += [f"![{name}](plots/{name}.svg)" for name in plots]
    for section in dict.fromkeys(row.section for row in rows):
        of_it = [row for row in rows if row.section == section and row.measured]
        if of_it:
            parts.append(SECTIONS.get(section, ratios)(section, of_it))
    parts.append(failures(rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], lines: Iterable[Sequence[str]], words: int = 1) -> str:
    """Return a table in Markdown, whose first columns are words."""
    marks = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *lines))


def targets(rows: Sequence[Row]) -> str:
    """Return the table of targets."""
    found = all_targets(rows)
    if not found:
        return ""
    held = sum(target.verdict == "holds" for target in found)
    head = ["work", "figure", "target", "measured", ""]
    return f"## Targets\n\n{held} of {len(found)} hold.\n\n" + table(head, [target.cells() for target in found], 2)


def ratios(section: str, rows: Sequence[Row]) -> str:
    """Return a section of rows that compare CPU time: ours, and ours over that of each other."""
    names = [name for name in OTHERS if any(name in row.measured for row in rows)]
    head = ["work", "us CPU", "requests/s", *[f"/ {name}" for name in names]]
    parts = [f"## {section}", LEGEND.get(section, ""), table(head, [_line(row, names) for row in rows])]
    return "\n\n".join(part for part in parts if part)


def _line(row: Row, names: Sequence[str]) -> list[str]:
    def cell(client: str) -> str:
        us = medians(row, client, lambda result: result["us"])
        loop = medians(row, client, lambda result: result["thread_us"])
        if us is None or loop is None:
            return ""
        quotient = ratio(row, "borzoi", client)
        share = "" if client == "borzoi" or quotient is None else f"{quotient:.2f}"
        absolute = f"{us:,.1f}" if client == "borzoi" else ""
        return f"{share}{absolute}" + ("" if row.pinned else f" ({loop:,.1f})")

    return [row.title, cell("borzoi"), _number(medians(row, "borzoi", lambda result: result["per_second"]), 0)] + [
        cell(name) for name in names
    ]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def absolute(
    title: str, figures: Sequence[tuple[str, Callable[[Measured], float | None]]], digits: int
) -> Callable[[str, Sequence[Row]], str]:
    """Return what writes a section with a line for each client, and its own figures."""

    def write(_: str, rows: Sequence[Row]) -> str:
        clients = [name for name in ("borzoi", *OTHERS) if any(name in row.measured for row in rows)]
        head = ["client", *[_head(row, name, len(rows)) for row in rows for name, _ in figures]]
        lines = [
            [client, *[_number(medians(row, client, figure), digits) for row in rows for _, figure in figures]]
            for client in clients
        ]
        return f"## {title}\n\n{table(head, lines)}"

    return write


def _head(row: Row, name: str, rows: int) -> str:
    return name or row.title if rows == 1 else f"{row.title}{': ' if name else ''}{name}"


def of_kind(kind: str, key: str) -> Callable[[Measured], float | None]:
    """Return what finds a figure of the clients of a kind, which some do not have."""
    return lambda result: result[kind][key] if result[kind] else None


SECTIONS = {
    "start": absolute(
        "Milliseconds to start",
        (
            ("import", lambda result: result["import_ms"]),
            ("first `Client()`", of_kind("blocking", "first_ms")),
            ("`Client()`", of_kind("blocking", "ms")),
            ("first `AsyncClient()`", of_kind("async", "first_ms")),
            ("`AsyncClient()`", of_kind("async", "ms")),
        ),
        2,
    ),
    "memory": absolute("Memory", (("", lambda result: result["kib"]),), 1),
    "counts": absolute(
        "Calls and allocations on the thread of the client",
        (("calls", lambda result: result["calls"]), ("allocations", lambda result: result["allocations"])),
        0,
    ),
    "A round trip of 50 ms, TLS 1.3: what a pool is worth": absolute(
        "Milliseconds for each request with a round trip of 50 ms, TLS 1.3: what a pool is worth",
        (("", lambda result: result["ms"]),),
        0,
    ),
}
"""The sections whose figures are no quotients."""


def failures(rows: Sequence[Row]) -> str:
    """Return who failed, and why."""
    lines = [[row.title, client, reason.replace("|", "/")] for row in rows for client, reason in row.failed.items()]
    return f"## What failed\n\n{table(['work', 'client', 'why'], lines, 3)}" if lines else ""
