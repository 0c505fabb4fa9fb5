"""The books of a connection pool: what is open, what is idle, who waits. It decides, and never does.

In: facts (a connection was opened, became idle, was closed, somebody asks). Out: what follows (take this one, open one,
close that one, wait). It knows neither sockets nor time-outs nor locks: the pool calls it with its guard held and does
what it says. Every operation takes the same time however many connections, origins and waiters there are.

    lane      one for each origin
      open    its connections, and tokens for those that are being opened
      idle    [oldest ... newest]   the newest is taken: it is the least likely to have been closed
      shared  those that carry many exchanges at once; joiners wait for a place on one
    idle      oldest ... newest     of all lanes; the oldest is closed when room is needed, or when it expires
    waiters   first ... last        nobody is overtaken; while somebody waits, nothing is idle

How many are open is counted from these, never kept in a number: what is added or removed twice, or where an interrupt
falls in between, cannot make the count wrong.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from .._config import Limits

C = TypeVar("C", bound=Hashable)
W = TypeVar("W", bound=Hashable)

MAX_UNUSED_LANES = 1024
"""Lanes without connections that are kept, so that the next connection finds its own."""


class Lane(Generic[C]):
    """Hold the connections of one origin."""

    __slots__ = ("idle", "is_shared", "joiners", "open", "opener", "origin", "shared")

    def __init__(self, origin: Any) -> None:
        self.origin = origin
        self.open: set[Hashable] = set()
        self.idle: list[C] = []
        self.shared: list[C] = []
        self.joiners: OrderedDict[Any, None] = OrderedDict()
        self.opener: Hashable | None = None
        """Who opens a connection that the others wait for: it may turn out to be one for all."""
        self.is_shared = True
        """Whether the connections of this origin are shared, as far as is known: it is hoped until one was not."""


class Shelf(Generic[C, W]):
    """Keep the books of connections `C` and of waiters `W`."""

    __slots__ = ("_expiry", "_idle", "_keeps", "_lanes", "_max_idle", "_max_open", "expires_from", "open", "waiters")

    def __init__(self, limits: Limits) -> None:
        self._max_open = math.inf if limits.max_connections is None else limits.max_connections
        self._max_idle = math.inf if limits.max_keepalive_connections is None else limits.max_keepalive_connections
        self._expiry = math.inf if limits.keepalive_expiry is None else limits.keepalive_expiry
        self._keeps = self._max_idle > 0 and self._expiry > 0
        self.expires_from = math.inf
        """No idle connection expires before: a bound, which costs one comparison where there is nothing to do."""
        self._lanes: dict[Hashable, Lane[C]] = {}
        # The value is the time at which the connection expires.
        self._idle: dict[C, float] = {}
        self.open: set[Hashable] = set()
        """All connections, and tokens for those that are being opened."""
        self.waiters: OrderedDict[W, Lane[C]] = OrderedDict()

    def lane(self, origin: Hashable) -> Lane[C]:
        """Return the lane of an origin."""
        lane = self._lanes.get(origin)
        if lane is None:
            if len(self._lanes) > MAX_UNUSED_LANES + 2 * len(self.open):
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.open}
            lane = self._lanes[origin] = Lane(origin)
        return lane

    def lanes(self) -> list[Lane[C]]:
        """Return all lanes."""
        return list(self._lanes.values())

    def idle(self) -> list[C]:
        """Return the idle connections, the oldest first."""
        return list(self._idle)

    def busy(self) -> set[Hashable]:
        """Return the leased connections, and the tokens."""
        return self.open.difference(self._idle)

    def may_open(self) -> bool:
        """Return whether there is room for one more connection."""
        return len(self.open) < self._max_open

    def oldest(self) -> C | None:
        """Return the connection to close when there is no room."""
        return next(iter(self._idle), None)

    def enter(self, holder: Hashable, lane: Lane[C]) -> None:
        """Count a connection, or a token for one that is being opened."""
        lane.open.add(holder)
        self.open.add(holder)

    def strike(self, holder: C | W, lane: Lane[C]) -> None:
        """Count a connection or a token no more, wherever it is."""
        if holder in self._idle:
            self.take(holder, lane)  # pyright: ignore[reportArgumentType] - mypy sees that it is a connection, pyright not
        lane.open.discard(holder)
        self.open.discard(holder)

    def count_only(self, connections: list[C]) -> None:
        """Count nobody else any more."""
        self.open.intersection_update(connections)
        for lane in self._lanes.values():
            lane.open.intersection_update(connections)

    def take(self, connection: C, lane: Lane[C]) -> None:
        """Take an idle connection, mostly the newest of its lane, off the shelf."""
        idle = lane.idle
        # In the lane only if it is on the shelf: an interrupt in between leaves one that is no longer handed out.
        if idle and idle[-1] is connection:
            idle.pop()
        elif connection in idle:
            idle.remove(connection)
        self._idle.pop(connection, None)

    def put(self, connection: C, lane: Lane[C], now: float) -> C | None:
        """Shelve a connection that became idle; return the one to close for it, which may be itself."""
        if not self._keeps:
            return connection
        expires = now + self._expiry
        if expires < self.expires_from:
            self.expires_from = expires
        self._idle[connection] = expires
        lane.idle.append(connection)
        return self.oldest() if len(self._idle) > self._max_idle else None

    def expired(self, now: float) -> C | None:
        """Return an idle connection whose time is over. Not worth asking before `expires_from`."""
        for connection, expires in self._idle.items():
            self.expires_from = expires
            return connection if expires <= now else None
        self.expires_from = math.inf
        return None
