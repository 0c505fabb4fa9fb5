"""The pool: who gets which connection, and what becomes of it.

A request takes an idle connection of its route, or opens one where there is room, or makes room by closing an idle one
of another route, or waits its turn: first come, first served. The books are kept by `Shelf`; this module does what they
say. The guard is a lock in the blocking world and nothing in the others; it is never held across an await.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .._backends.base import Backend, Stream, TimedOut, Turn
from .._errors import ConnectError, PoolTimeout, TransportError
from .._policy.pooling import Lane, Shelf, keep_alive_seconds, shelf_for
from .connection import Connection
from .dial import Dialer, Route
from .single import Exchange
from .tally import CLIENT, ERROR, EXPIRED, LIMIT, SERVER, Tally, reason_of

if TYPE_CHECKING:
    from .._config import Limits
    from .._messages.request import Request
    from .._messages.response import Response

_ROOM = object()
"""Given to a waiter in place of a connection: room to open one."""

TOLD = frozenset({"raw_head", "timings", "trace"})
"""Extensions of requests that ask to be told of what happens on the way."""

_UNUSUAL = TOLD | {"sni_hostname"}
"""Extensions that change where a request goes, or how."""

ConnectionLane: TypeAlias = "Lane[Connection]"


class Clock(Protocol):
    """A clock that a program supplies."""

    def now(self) -> float:
        """Return the time in seconds; it never goes back."""
        ...


class Pool:
    """Keep the connections of one world, or of one event loop in it."""

    def __init__(
        self, backend: Backend, dialer: Dialer, limits: Limits, *, blocking: bool, clock: Clock | None = None
    ) -> None:
        self._backend = backend
        self._dialer = dialer
        self._limits = limits
        self.guard = backend.guard()
        """Held while the books are read and written."""
        self._shelf: Shelf[Connection, Turn] = shelf_for(limits)
        self.tally = Tally()
        """What has become of its connections."""
        self.now: Callable[[], float] = backend.now if clock is None else clock.now
        self.blocking = blocking
        self.orphans: deque[Connection] = deque()
        """Connections whose responses were forgotten; drained by the next operation."""
        _pools.add(self)

    # One request.

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Return what sends a request, and returns its response, with the body unread.

        It raises errors of the tree, with `.request` set.
        """
        route: Route | tuple[bytes, bytes, int] = request.url._origin
        kind = Exchange
        extensions = request.extensions
        # hot path: one look for all that hardly any request asks for.
        if not _UNUSUAL.isdisjoint(extensions):
            if "sni_hostname" in extensions:
                route = Route(*request.url._origin, extensions["sni_hostname"])
            if not TOLD.isdisjoint(extensions):
                from .traced import TracedExchange

                kind = TracedExchange
        shelf = self._shelf
        return kind(self, request).run(shelf.by_origin.get(route) or shelf.lane(route))

    def know(self, connection: Connection) -> None:
        """Keep what the first response over a connection has shown: the next one to its peer comes about faster."""
        if connection.forwarding is not None or connection.route.scheme in (b"https", b"wss"):
            self._dialer.remember_session(connection.route, connection.stream)
        head = connection.engine.head
        if head is not None:
            self._shelf.limit_expiry(connection.lane, keep_alive_seconds(head.pairs))

    # Leasing.

    def lease_idle(self, exchange: Exchange, lane: ConnectionLane) -> bool:
        """Give `exchange` an idle connection of its lane, if there is one that still lives."""
        # hot path: all in one step, but for what is rarely there to do.
        shelf = self._shelf
        while True:
            with self.guard:
                if self.orphans:
                    self._bury_orphans()
                if self.now() >= shelf.expires_from:
                    self._close_expired()
                idle = lane.idle
                if not idle or idle[-1].is_shared:
                    return False
                # Recorded before it leaves the shelf: an interrupt in between loses nothing.
                found = exchange.connection = idle[-1]
                shelf.take(found, lane)
                found.idle = False
            if found.stream.is_idle():
                return True
            self.discard(found, SERVER)
            exchange.connection = None

    async def lease_new(self, exchange: Exchange, lane: ConnectionLane, *, used: bool = True) -> None:
        """Give `exchange` a new connection, or (where it may be a `used` one) one that comes free.

        Raises PoolTimeout, ConnectTimeout, ConnectError, UnsupportedProtocol, ProxyError.
        """
        turn = self._backend.turn()
        try:
            with self.guard:
                has_room = self._take_room(turn, lane)
            if not has_room:
                await self._wait(turn, lane, exchange.patience("pool"))
            if isinstance(turn.value, Connection):
                if used and turn.value.is_fit():
                    exchange.connection = turn.value
                    return
                self._require_room(turn.value)
                self._exchange_for_room(turn, turn.value, SERVER if used else LIMIT)
            await self._dial(exchange, lane, turn)
        except BaseException:
            self._leave(turn, lane)
            raise

    async def lease_ahead(self, exchange: Exchange, lane: ConnectionLane, count: int) -> bool:
        """Give `exchange` a new connection if there is room for it, and fewer than `count` are idle in its lane.

        Nobody waits for room, and nothing is closed to make it. Raises as `lease_new()`.
        """
        for connection in lane.idle[:]:
            if not connection.is_fit():
                self.drop_idle(connection)
        turn = self._backend.turn()
        try:
            with self.guard:
                if not self._prepare_room(turn, lane, count):
                    return False
            await self._dial(exchange, lane, turn)
        except BaseException:
            self._leave(turn, lane)
            raise
        return True

    def _prepare_room(self, turn: Turn, lane: ConnectionLane, count: int) -> bool:
        self._bury_orphans()
        self._close_expired()
        if not self._shelf.may_prepare(lane, count):
            return False
        self._shelf.enter(turn, lane)
        return True

    async def _dial(self, exchange: Exchange, lane: ConnectionLane, turn: Turn) -> None:
        """Give `exchange` a new connection, in the room that `turn` holds."""
        self._require_room(turn)
        route = Route(*lane.origin)
        try:
            stream = await self._dialer.dial(self._backend, route, exchange.patience, exchange.trace())
        except TransportError:
            with self.guard:
                self.tally.failed += 1
            raise
        try:
            self._require_room(turn)
        except ConnectError:
            stream.close()
            raise
        connection = exchange.connection = self._connection_of(lane, route, stream)
        with self.guard:
            self._shelf.enter(connection, lane)
            self._shelf.strike(turn, lane)
            self.tally.opened += 1

    def _connection_of(self, lane: ConnectionLane, route: Route, stream: Stream) -> Connection:
        return Connection(self, lane, route, stream, self._dialer.forwarding(route))

    def _take_room(self, turn: Turn, lane: ConnectionLane) -> bool:
        """Take room for one more connection, or else a place in the queue."""
        shelf = self._shelf
        if shelf.goes_first(lane):
            surplus = shelf.surplus(lane)
            if surplus is not None:
                self._close_idle(surplus, LIMIT)
            if shelf.may_open(lane):
                shelf.enter(turn, lane)
                return True
        shelf.join(turn, lane)
        return False

    async def _wait(self, turn: Turn, lane: ConnectionLane, timeout: float | None) -> None:
        """Wait in the queue. Raises PoolTimeout."""
        try:
            await turn.wait(timeout)
        except TimedOut:
            with self.guard:
                # A forgotten response may hold the very connection that was waited for.
                self._bury_orphans()
                is_full = self._shelf.may_open() and not self._shelf.may_open(lane)
                waiting = self._shelf.leave(turn)
                others = len(lane.waiters if is_full else self._shelf.waiters)
            # What was given in the very moment in which the time was over is still taken.
            if waiting:
                raise self._exhausted(timeout, others, Route(*lane.origin) if is_full else None) from None

    def _require_room(self, holder: Hashable) -> None:
        """Raise ConnectError where the pool was closed, and with it the room that was held."""
        if holder not in self._shelf.open:
            raise ConnectError("The client was closed while the request waited for a connection")

    def _exchange_for_room(self, turn: Turn, connection: Connection, reason: str) -> None:
        """Close a connection that was given: its server has closed it by now, or a new one is needed."""
        connection.end()
        with self.guard:
            self._shelf.enter(turn, connection.lane)
            self._strike_out(connection, reason)
            turn.value = _ROOM

    def _leave(self, turn: Turn, lane: ConnectionLane) -> None:
        """Pass on what was given to one who has left, be it a connection or room for one."""
        with self.guard:
            self._shelf.leave(turn)
        if isinstance(turn.value, Connection):
            self.release(turn.value)
        with self.guard:
            self._shelf.strike(turn, lane)
            self._call_waiters()

    def _exhausted(self, timeout: float | None, others: int, full: Route | None) -> PoolTimeout:
        """Return the error for one who has waited for too long; `full` is the host that has as many as it may."""
        count, name, where = self._limits.max_connections, "max_connections", "of the pool"
        if full is not None:
            count, name = self._limits.max_connections_per_host, "max_connections_per_host"
            where = f"to {full.name}:{full.port}"
        return PoolTimeout(
            f"No connection became free within {timeout or 0.0:.3g} s: all {count} {where} "
            f"are in use (limits=Limits({name}=...)), and {others} other requests wait for one"
        )

    # Giving back.

    def release(self, connection: Connection) -> None:
        """Take back a connection that can be used again: for the first in the queue, or else for the shelf."""
        with self.guard:
            self.take_back(connection)

    def take_back(self, connection: Connection) -> None:
        """Do what `release()` does, with the guard held."""
        shelf = self._shelf
        if connection not in shelf.open:
            # The pool was closed, and the connection with it.
            return
        if shelf.waiters and self._hand_over(connection):
            return
        surplus = shelf.put(connection, connection.lane, self.now())
        connection.idle = True
        if surplus is not None:
            self._close_idle(surplus, LIMIT)

    def _hand_over(self, connection: Connection) -> bool:
        """Give a connection to the first in the queue who may have it, or its room; return whether there is one."""
        shelf = self._shelf
        first = shelf.next_for(connection.lane)
        if first is None:
            return False
        turn, lane = first
        if lane is connection.lane:
            turn.give(connection)
            return True

        # The first in the queue goes elsewhere: the connection makes room.
        connection.end()
        shelf.enter(turn, lane)
        self._strike_out(connection, LIMIT)
        turn.give(_ROOM)
        self._call_waiters()
        return True

    def discard(self, connection: Connection, reason: str | None = None) -> None:
        """Close a leased connection; where no reason is given, its engine shows it."""
        if reason is None:
            reason = reason_of(connection)
        try:
            connection.end()
        finally:
            # Its room is for the first in the queue.
            with self.guard:
                self._strike_out(connection, reason)
                self._call_waiters()

    def _strike_out(self, connection: Connection, reason: str) -> None:
        """Take a connection off the books, and count it there."""
        if connection in self._shelf.open:
            self.tally.note_closed(connection, reason)
        self._shelf.strike(connection, connection.lane)

    def _call_waiters(self) -> None:
        """Give room to those in the queue, as far as there is any or can be made."""
        shelf = self._shelf
        while shelf.waiters and (first := shelf.next_to_open()) is not None:
            turn, lane = first
            surplus = shelf.surplus(lane)
            if surplus is not None:
                self._close_idle(surplus, LIMIT)
            shelf.enter(turn, lane)
            turn.give(_ROOM)

    # Idle connections.

    def drop_idle(self, connection: Connection) -> None:
        """Close an idle connection that the peer has closed or made useless."""
        with self.guard:
            if connection.idle:
                self._close_idle(connection)

    def _close_idle(self, connection: Connection, reason: str = SERVER) -> None:
        connection.idle = False
        self._strike_out(connection, reason)
        connection.end()

    def _close_expired(self) -> None:
        for connection in self._shelf.expired(self.now()):
            self._close_idle(connection, EXPIRED)

    def _bury_orphans(self) -> None:
        while self.orphans:
            connection = self.orphans.popleft()
            connection.end()
            self._strike_out(connection, ERROR)
        self._call_waiters()

    # The pool as a whole.

    def has_ended(self) -> bool:
        """Return whether the pool's event loop is over."""
        return self._backend.has_ended()

    def adopt(self, ended: Pool) -> None:
        """Take over the idle connections of a pool whose event loop is over; close the others."""
        for connection in ended._shelf.idle():
            lane = self._shelf.lane(connection.lane.origin)
            if self._shelf.may_open(lane) and self._backend.adopt(connection.stream):
                ended._shelf.strike(connection, connection.lane)
                connection.change_pool(self, lane)
                self._shelf.enter(connection, lane)
                self.release(connection)
        ended.close()
        self.tally.add(ended.tally)

    def close(self) -> None:
        """Close every connection, those in use as well."""
        with self.guard:
            for connection in self._shelf.idle():
                self._close_idle(connection, CLIENT)
            # Who waits or dials finds that there is no room for it any more.
            for turn in list(self._shelf.waiters):
                self._shelf.leave(turn)
                turn.give(_ROOM)
            leased = self._leased()
            self._shelf.count_only(leased)
        for connection in leased:
            self.discard(connection, CLIENT)

    def close_from_thread(self) -> None:
        """Have the pool's own event loop close every connection, from a thread that is not the loop's."""
        self._backend.call_from_thread(self.close)

    def _leased(self) -> list[Connection]:
        return [holder for holder in self._shelf.busy() if isinstance(holder, Connection)]

    def abandon(self) -> None:
        """Start anew in a fork's child: close this process's descriptors, and say nothing to anybody."""
        for connection in (*self._shelf.idle(), *self._leased()):
            connection.idle = False
            connection.stream.abandon()
        # The lock may have been held by a thread that the child does not have.
        self.guard = self._backend.guard()
        self._shelf = shelf_for(self._limits)
        self.tally = Tally()
        self.orphans.clear()


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _abandon_all() -> None:
    for pool in list(_pools):
        pool.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
