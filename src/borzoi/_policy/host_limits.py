"""The books of a connection pool in which each host has a limit of its own: who waits for one holds up nobody else.

    lane.waiters   first ... last   who waits for that host, each with the number of its arrival
    waiters        first ... last   all of them

Two things are waited for: that a host has fewer connections than it may, and that the pool has. Who waits for the first
is passed over by those who go elsewhere; among all others the first to come is served first, whatever its host. While
one of those waits, nothing is idle that could make room for it; and no host has idle connections and waiters at once.

A host is an origin here: scheme, host and port. Requests with a `sni_hostname` of their own go to another.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable
from itertools import count

from .._config import Limits
from .pooling import C, Lane, Shelf, W


class HostShelf(Shelf[C, W]):
    """Keep the books of connections `C` and of waiters `W`, so many connections for each host."""

    __slots__ = ("_arrivals", "_heads", "_lane_of", "_most")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        assert limits.max_connections_per_host is not None
        self._most = limits.max_connections_per_host
        self._arrivals = count()
        # By the numbers of those who wait.
        self._lane_of: dict[int, Lane[C]] = {}
        # A heap of the numbers of those who are first in their lanes, and of some who were.
        self._heads: list[int] = []

    def _new_lane(self, origin: Hashable) -> Lane[C]:
        lane = super()._new_lane(origin)
        lane.waiters = OrderedDict()
        return lane

    def _is_full(self, lane: Lane[C]) -> bool:
        return len(lane.open) >= self._most

    def may_open(self, lane: Lane[C] | None = None) -> bool:
        """Return whether there is room for one more connection, of that lane if it is given."""
        return super().may_open() and (lane is None or not self._is_full(lane))

    def surplus(self, lane: Lane[C]) -> C | None:
        """Return the connection to close so that there is room for one of `lane`; None where none need or can be."""
        if self._is_full(lane):
            return lane.idle[0] if lane.idle else None
        return super().surplus(lane)

    def strike(self, holder: C | W, lane: Lane[C]) -> None:
        """Count a connection or a token no more, wherever it is."""
        super().strike(holder, lane)
        self._note_head(lane)

    # Who waits.

    def goes_first(self, lane: Lane[C]) -> bool:
        """Return whether one who asks for `lane` now overtakes nobody."""
        return not lane.waiters and self._first_lane() is None

    def join(self, waiter: W, lane: Lane[C]) -> None:
        """Queue up."""
        number = lane.waiters[waiter] = next(self._arrivals)
        self._lane_of[number] = lane
        super().join(waiter, lane)
        self._note_head(lane)

    def leave(self, waiter: W) -> bool:
        """Leave the queue; return whether the waiter was in it."""
        lane = self.waiters.get(waiter)
        if lane is None:
            return False
        self._remove(waiter, lane)
        return True

    def next_for(self, lane: Lane[C]) -> tuple[W, Lane[C]] | None:
        """Take the first out of the queue who may have a connection of `lane`, or its room."""
        first = self._first_lane()
        if lane.waiters and (first is None or _head(lane) < _head(first)):
            first = lane
        return None if first is None else self._take_first(first)

    def next_to_open(self) -> tuple[W, Lane[C]] | None:
        """Take the first out of the queue for whom there is room, or can be made."""
        if not super().may_open() and self.oldest() is None:
            return None
        first = self._first_lane()
        return None if first is None else self._take_first(first)

    def _take_first(self, lane: Lane[C]) -> tuple[W, Lane[C]]:
        waiter: W = next(iter(lane.waiters))
        self._remove(waiter, lane)
        return waiter, lane

    def _remove(self, waiter: W, lane: Lane[C]) -> None:
        self._lane_of.pop(lane.waiters.pop(waiter), None)
        self.waiters.pop(waiter, None)
        self._note_head(lane)

    def _note_head(self, lane: Lane[C]) -> None:
        """Note who is first in a lane, where that one could be served."""
        if lane.waiters and not self._is_full(lane):
            heapq.heappush(self._heads, _head(lane))

    def _first_lane(self) -> Lane[C] | None:
        """Return the lane of the first of those whose host may have another connection."""
        heads = self._heads
        while heads:
            lane = self._lane_of.get(heads[0])
            if lane is not None and _head(lane) == heads[0] and not self._is_full(lane):
                return lane
            heapq.heappop(heads)
        return None


def _head(lane: Lane[C]) -> int:
    return next(iter(lane.waiters.values()))
