"""The books of a connection pool: what is idle, how many are open, who waits. It decides, and never does.

In: facts (a connection became idle, one was closed, somebody asks). Out: what follows (take this one, open one, close
that one, wait). It knows neither sockets nor time-outs nor locks: the pool calls it with its guard held and does what
it says. Every operation takes the same time however many connections, origins and waiters there are.

    busy               leased connections, and tokens for those that are being opened
    idle, by origin    [oldest ... newest]   the newest is taken: it is the least likely to have been closed
    idle, by age       oldest ... newest     the oldest is closed when room is needed, or when it expires
    waiters            first ... last        nobody is overtaken; while somebody waits, nothing is idle

How many are open is counted from these, never kept in a number: what is added or removed twice, or where an interrupt
falls in between, cannot make the count wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from .._config import Limits

C = TypeVar("C", bound=Hashable)
W = TypeVar("W", bound=Hashable)


class Shelf(Generic[C, W]):
    """Keep the books of connections `C` and of waiters `W`."""

    __slots__ = ("_by_age", "_by_origin", "_expiry", "_max_idle", "_max_open", "busy", "expires_from", "waiters")

    def __init__(self, limits: Limits) -> None:
        self._max_open = limits.max_connections
        self._max_idle = limits.max_keepalive_connections
        self._expiry = limits.keepalive_expiry
        self.expires_from = float("inf")
        """No idle connection expires before: a bound, which costs one comparison where there is nothing to do."""
        self._by_origin: dict[Hashable, list[C]] = {}
        # The value is the origin and the time at which the connection expires.
        self._by_age: OrderedDict[C, tuple[Hashable, float]] = OrderedDict()
        self.waiters: OrderedDict[W, Hashable] = OrderedDict()
        self.busy: set[Hashable] = set()

    def idle(self) -> list[C]:
        """Return the idle connections, the oldest first."""
        return list(self._by_age)

    def newest(self, origin: Hashable) -> C | None:
        """Return the connection to take for `origin`, without taking it."""
        stack = self._by_origin.get(origin)
        return stack[-1] if stack else None

    def remove(self, connection: C) -> None:
        """Take a connection off the shelf, where it is on it."""
        entry = self._by_age.get(connection)
        if entry is None:
            return
        # Found by origin only if found by age: an interrupt in between leaves one that is no longer handed out.
        stack = self._by_origin.get(entry[0], [])
        if stack and stack[-1] is connection:
            stack.pop()
        elif connection in stack:
            stack.remove(connection)
        if not stack:
            self._by_origin.pop(entry[0], None)
        del self._by_age[connection]

    def may_open(self) -> bool:
        """Return whether there is room for one more connection."""
        return self._max_open is None or len(self.busy) + len(self._by_age) < self._max_open

    def oldest(self) -> C | None:
        """Return the connection to close when there is no room."""
        return next(iter(self._by_age), None)

    def put(self, connection: C, origin: Hashable, now: float) -> C | None:
        """Shelve a connection that became idle; return the one to close for it, which may be itself."""
        if self._max_idle == 0 or self._expiry == 0:
            return connection
        expires = float("inf") if self._expiry is None else now + self._expiry
        if expires < self.expires_from:
            self.expires_from = expires
        self._by_age[connection] = (origin, expires)
        stack = self._by_origin.get(origin)
        if stack is None:
            self._by_origin[origin] = [connection]
        else:
            stack.append(connection)
        return self.oldest() if self._max_idle is not None and len(self._by_age) > self._max_idle else None

    def expired(self, now: float) -> C | None:
        """Return an idle connection whose time is over. Not worth asking before `expires_from`."""
        for connection, (_, expires) in self._by_age.items():
            self.expires_from = expires
            return connection if expires <= now else None
        self.expires_from = float("inf")
        return None

    def next_waiter(self) -> tuple[W, Hashable] | None:
        """Take the first waiter out of the queue, with the origin that it waits for."""
        return self.waiters.popitem(last=False) if self.waiters else None
