"""What has become of a pool's connections: counted where one is opened or closed, and nowhere else.

The rest of what `pool_stats()` tells is derived when it is asked for. All of this is called with the pool's guard held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

# Why a connection was closed.
CLIENT = "client"
ERROR = "error"
EXPIRED = "expired"
LAST = "last"
LIMIT = "limit"
SERVER = "server"

REASONS = (CLIENT, ERROR, EXPIRED, LAST, LIMIT, SERVER)


class Tally:
    """Count connections."""

    __slots__ = ("closed", "failed", "opened", "reused")

    def __init__(self) -> None:
        self.opened = 0
        self.failed = 0
        """How many could not be opened."""
        self.closed: dict[str, int] = dict.fromkeys(REASONS, 0)
        self.reused = 0
        """Requests over connections that had served before: those that were closed since."""

    def note_closed(self, connection: Connection, reason: str) -> None:
        """Count a connection that is about to leave the books."""
        self.closed[reason] += 1
        self.reused += later_requests(connection)

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        self.opened += other.opened
        self.failed += other.failed
        self.reused += other.reused
        for reason, number in other.closed.items():
            self.closed[reason] += number


def later_requests(connection: Connection) -> int:
    """Return how many requests went over a connection that had served before."""
    return max(0, connection.requests - 1)


def reason_of(connection: Connection) -> str:
    """Return why a leased connection is closed by whom it was leased to."""
    engine = connection.engine
    return LAST if engine.complete and not engine.reusable else ERROR
