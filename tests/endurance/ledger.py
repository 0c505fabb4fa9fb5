"""What peers were asked, and when they said what belongs to nobody: to hold responses against."""

from __future__ import annotations

from collections import Counter


class Ledger:
    """Keep the books of one sequence."""

    def __init__(self) -> None:
        self.asked: dict[tuple[int, str], float] = {}
        """When a request came over a connection."""
        self.due: dict[str, float] = {}
        """When what belongs to nobody arrives, by its name."""
        self.acted_upon: Counter[str] = Counter()
        """How often a request was received that peers do not disown."""
        self.right = 0
        self.failed = 0
        self.broken_off = 0
        self.excused = 0
        self._shifted: set[int] = set()
        """Connections on which a response was taken for an answer that nobody could tell from one."""

    def poison(self, connection: int, due: float) -> str:
        """Return a name for something that belongs to nobody."""
        name = f"poison-{connection}-{len(self.due)}"
        self.due[name] = due
        return name

    def check(self, name: str, found: str) -> bool:
        """Say whether a response is the request's own. Raises AssertionError for one that cannot be excused.

        What came before the request was sent belongs to nobody. What was under way by then no client can tell apart, and
        after it the responses of HTTP/1.1 are one too late.
        """
        if found == name:
            return True
        self.excused += 1
        if any((connection, found) in self.asked for connection in self._shifted):
            return False
        assert found.startswith("poison-"), f"{name} was given the response to {found}"
        connection = int(found.split("-")[1])
        sent = self.asked[connection, name]
        if connection not in self._shifted:
            assert self.due[found] > sent, f"{name}, sent at {sent}, was given {found}, there since {self.due[found]}"
        self._shifted.add(connection)
        return False


def body_of(name: str, count: int) -> bytes:
    """Return a body that names its request all over."""
    return f"{name};".encode() * count
