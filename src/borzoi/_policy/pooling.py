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
falls in between, cannot make the count wrong. Where each host has a limit of its own, `host_limits` keeps the books.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any, Generic, TypeVar

from .._config import Limits

C = TypeVar("C", bound=Hashable)
W = TypeVar("W", bound=Hashable)

_TIMEOUT = re.compile(rb"(?:.*[,;\s])?timeout\s*=\s*\"?([0-9]+)\"?\s*(?:[,;].*)?", re.IGNORECASE).fullmatch

MAX_UNUSED_LANES = 1024
"""Lanes without connections that are kept, so that the next connection finds its own."""

SCAN_SECONDS = 2e-6
"""Pause between two looks at all idle connections, for each: so that looking costs a few per cent of the time."""

NOBODY: OrderedDict[Any, int] = OrderedDict()
"""Who waits in a lane where that is not kept."""


class Lane(Generic[C]):
    """Hold the connections of one origin."""

    __slots__ = ("expiry", "idle", "is_shared", "joiners", "open", "opener", "origin", "shared", "waiters")

    def __init__(self, origin: Any, expiry: float = math.inf) -> None:
        self.origin = origin
        self.expiry = expiry
        """Seconds for which a connection may be idle: as the program says, or less, as the server does."""
        self.open: set[Hashable] = set()
        self.idle: list[C] = []
        self.shared: list[C] = []
        self.joiners: OrderedDict[Any, None] = OrderedDict()
        self.opener: Hashable | None = None
        """Who opens a connection that the others wait for: it may turn out to be one for all."""
        self.is_shared = True
        """Whether the connections of this origin are shared, as far as is known: it is hoped until one was not."""
        self.waiters: OrderedDict[Any, int] = NOBODY
        """Who waits for this origin, with the number of its arrival: kept where each host has a limit."""


class Shelf(Generic[C, W]):
    """Keep the books of connections `C` and of waiters `W`."""

    __slots__ = (
        "_expiry",
        "_idle",
        "_in_order",
        "_keeps",
        "_max_idle",
        "_max_open",
        "by_origin",
        "expires_from",
        "open",
        "waiters",
    )

    def __init__(self, limits: Limits) -> None:
        self._max_open = math.inf if limits.max_connections is None else limits.max_connections
        self._max_idle = math.inf if limits.max_keepalive_connections is None else limits.max_keepalive_connections
        self._expiry = math.inf if limits.keepalive_expiry is None else limits.keepalive_expiry
        self._keeps = self._max_idle > 0 and self._expiry > 0
        self.expires_from = math.inf
        """No idle connection expires before: a bound, which costs one comparison where there is nothing to do."""
        self.by_origin: dict[Hashable, Lane[C]] = {}
        """The lanes. Ask `lane()` for one that is not among them."""
        # The value is the time at which the connection expires.
        self._idle: dict[C, float] = {}
        # Whether they expire in the order in which they became idle: until a server says otherwise of its own.
        self._in_order = True
        self.open: set[Hashable] = set()
        """All connections, and tokens for those that are being opened."""
        self.waiters: OrderedDict[W, Lane[C]] = OrderedDict()

    def lane(self, origin: Hashable) -> Lane[C]:
        """Return the lane of an origin."""
        lane = self.by_origin.get(origin)
        if lane is None:
            if len(self.by_origin) > MAX_UNUSED_LANES + 2 * len(self.open):
                self.by_origin = {key: lane for key, lane in self.by_origin.items() if lane.open or lane.waiters}
            lane = self.by_origin[origin] = self._new_lane(origin)
        return lane

    def _new_lane(self, origin: Hashable) -> Lane[C]:
        return Lane(origin, self._expiry)

    def lanes(self) -> list[Lane[C]]:
        """Return all lanes."""
        return list(self.by_origin.values())

    def idle(self) -> list[C]:
        """Return the idle connections, the oldest first."""
        return list(self._idle)

    def busy(self) -> set[Hashable]:
        """Return the leased connections, and the tokens."""
        return self.open.difference(self._idle)

    def may_open(self, lane: Lane[C] | None = None) -> bool:
        """Return whether there is room for one more connection, of that lane if it is given."""
        return len(self.open) < self._max_open

    def may_prepare(self, lane: Lane[C], count: int) -> bool:
        """Return whether there is room to open a connection that nobody has asked for, for up to `count` idle ones."""
        is_wanted = self._keeps and len(lane.idle) < count and len(self._idle) < self._max_idle
        return is_wanted and self.goes_first(lane) and self.may_open(lane)

    def surplus(self, lane: Lane[C]) -> C | None:
        """Return the connection to close so that there is room for one of `lane`; None where none need or can be."""
        return None if self.may_open() else self.oldest()

    def oldest(self) -> C | None:
        """Return the connection to close when there is no room."""
        return next(iter(self._idle), None)

    # Who waits.

    def goes_first(self, lane: Lane[C]) -> bool:
        """Return whether one who asks for `lane` now overtakes nobody."""
        return not self.waiters

    def join(self, waiter: W, lane: Lane[C]) -> None:
        """Queue up."""
        self.waiters[waiter] = lane

    def leave(self, waiter: W) -> bool:
        """Leave the queue; return whether the waiter was in it."""
        return self.waiters.pop(waiter, None) is not None

    def next_for(self, lane: Lane[C]) -> tuple[W, Lane[C]] | None:
        """Take the first out of the queue who may have a connection of `lane`, or its room."""
        return self.waiters.popitem(last=False) if self.waiters else None

    def next_to_open(self) -> tuple[W, Lane[C]] | None:
        """Take the first out of the queue for whom there is room, or can be made."""
        return self.waiters.popitem(last=False) if self.waiters and self.may_open() else None

    # What is open, and what is idle.

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
        for lane in self.by_origin.values():
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
        expires = now + lane.expiry
        if expires < self.expires_from:
            self.expires_from = expires
        self._idle[connection] = expires
        lane.idle.append(connection)
        return self.oldest() if len(self._idle) > self._max_idle else None

    def limit_expiry(self, lane: Lane[C], seconds: float | None) -> None:
        """Keep the connections of a lane idle for no longer than its server does; None where it does not say."""
        expiry = self._expiry if seconds is None else min(self._expiry, seconds)
        if expiry != lane.expiry:
            lane.expiry = expiry
            self._in_order = False

    def expired(self, now: float) -> list[C]:
        """Return the idle connections whose time is over. Not worth asking before `expires_from`."""
        found: list[C] = []
        earliest = math.inf
        for connection, expires in self._idle.items():
            if expires < earliest:
                earliest = expires
            if expires <= now:
                found.append(connection)
            elif self._in_order:
                break
        # Asked once more after they were closed: an interrupt in between leaves none of them behind.
        is_scan = not self._in_order and not found
        self.expires_from = max(earliest, now + SCAN_SECONDS * len(self._idle)) if is_scan else earliest
        return found


def shelf_for(limits: Limits) -> Shelf[Any, Any]:
    """Return the books for a pool of these limits."""
    if limits.max_connections_per_host is None:
        return Shelf(limits)

    from .host_limits import HostShelf

    return HostShelf(limits)


def keep_alive_seconds(pairs: Iterable[tuple[bytes, bytes]]) -> float | None:
    """Return for how long a server keeps an idle connection, less a margin: `Keep-Alive: timeout=N` (RFC 2068, 19.7.1).

    None where it does not say. The margin is a second, or half of a shorter time: what is sent must get there before.
    """
    for name, value in pairs:
        found = _TIMEOUT(value) if name.lower() == b"keep-alive" else None
        if found is not None:
            # More digits than that are for ever.
            seconds = float(found[1][:9])
            return seconds - min(1.0, seconds / 2)
    return None
