"""Changes, and the list that they are collected in."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..document import Node
from ..document.diagnostics import printable


@dataclass(frozen=True, slots=True)
class Change:
    """Say what is different at a place of the new document, or, where it is gone, of the old one."""

    place: str
    """The operation, or what else it concerns."""

    pointer: str
    reason: str
    breaks: bool

    def __str__(self) -> str:
        kind = "breaking" if self.breaks else "harmless"
        return f"{kind}: {printable(self.place)}: {printable(self.reason)} (#{printable(self.pointer)})"


@dataclass(slots=True)
class Findings:
    """Collect changes. One that several operations share is kept once, for the first of them."""

    place: str = ""
    changes: dict[tuple[str, str, bool], Change] = field(default_factory=dict)

    def breaking(self, node: Node, reason: str) -> None:
        """Note a change that breaks callers."""
        self.add(node, reason, breaks=True)

    def harmless(self, node: Node, reason: str) -> None:
        """Note a change that breaks nobody."""
        self.add(node, reason, breaks=False)

    def add(self, node: Node, reason: str, *, breaks: bool) -> None:
        """Note a change."""
        key = (node.key, reason, breaks)
        self.changes.setdefault(key, Change(self.place, node.pointer, reason, breaks))

    def ordered(self) -> list[Change]:
        """Return the changes, those that break first."""
        return sorted(self.changes.values(), key=lambda change: not change.breaks)
