"""The table of targets: what each figure has to be, and what it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .bounds import CLIENT_MS, GROWTH, IMPORT_MS, NARROW, RATIOS, STARTING, WIDE
from .measuring import medians, paired, ratio
from .rows import Measured, Row
from .start import HEAVY


@dataclass(frozen=True)
class Target:
    """One figure, and the most that it may be."""

    work: str
    figure: str
    most: float
    measured: float | None
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Say whether it holds."""
        if self.measured is None:
            return "not measured"
        return "holds" if self.measured <= self.most else "**falls short**"

    def cells(self) -> list[str]:
        """Return what stands in the table."""
        measured = "" if self.measured is None else f"{self.measured:.2f}{self.unit}"
        return [self.work, self.figure, f"<= {self.most:g}{self.unit}", measured, self.verdict]


def all_targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets of these rows with what was measured for each."""
    named = {row.title: row for row in rows}
    targets = [
        Target(title, f"CPU / {peer}", most, ratio(named[title], "borzoi", peer))
        for title, peers in RATIOS
        if title in named
        for peer, most in peers
    ]
    if NARROW in named and WIDE in named:
        wide, narrow = [named[title].measured.get("borzoi", []) for title in (WIDE, NARROW)]
        growth = paired(wide, narrow)
        targets.append(Target("asyncio, growth with concurrency", "CPU at 1,000 / at 16", GROWTH, growth))
    return targets + (_starting(named[STARTING]) if STARTING in named else [])


def _starting(row: Row) -> list[Target]:
    def target(work: str, most: float, figure: Callable[[Measured], float | None], unit: str = " ms") -> Target:
        return Target(work, "median" if unit else "modules", most, medians(row, "borzoi", figure), unit)

    return [
        target("`import borzoi`", IMPORT_MS, lambda result: result["import_ms"]),
        target(f"`import borzoi` loads of {', '.join(HEAVY)}", 0, lambda result: len(result["loads"]), ""),
        target("`Client()`", CLIENT_MS, lambda result: result["blocking"]["ms"]),
        target("`AsyncClient()`", CLIENT_MS, lambda result: result["async"]["ms"]),
    ]
