"""The pool where HTTP/2 is offered: who gets a place on which connection that many share.

A request takes a place on a connection of its route, or opens one if there is none, or if all are full and there is
room for another, or joins those that wait: for a connection that is being opened, or for a place on one that is full.
One at a time opens. A connection that turns out to be one of HTTP/1.1 serves its opener alone; the others then open one
each, as in the pool below, and know it from then on.

The pool's guard may be held while a connection's is taken, and never the other way about.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from .._backends.base import TimedOut
from .._errors import ConnectError, ConnectTimeout, PoolTimeout
from .connection import Connection
from .dial import Route
from .half_duplex import duplex_of
from .multiplexed import ANYWHERE, MultiplexedExchange
from .multiplexed_connection import MultiplexedConnection
from .pool import TOLD, Pool
from .tally import ERROR, SERVER

if TYPE_CHECKING:
    from .._backends.base import Stream, Turn
    from .._messages.request import Request
    from .._messages.response import Response
    from .._wire.http2_stream import Stream as Http2Stream
    from .pool import ConnectionLane
    from .single import Exchange

_AGAIN = object()
"""Given to a joiner that is to look again."""

_OPEN = object()
"""Given to a joiner that is to open a connection for all, in room that is kept for it."""

_CLOSED = object()
"""Given to a joiner when the pool is closed."""


class SharingPool(Pool):
    """Keep the connections of one world, some of which carry many exchanges at once."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.forgotten: deque[tuple[MultiplexedConnection, Http2Stream]] = deque()
        """Streams whose responses were forgotten; drained by the next operation."""
        # Lanes in which somebody waits for a place, and those in which a connection is under way.
        self._crowded: dict[ConnectionLane, None] = {}
        self._dialing: set[ConnectionLane] = set()

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Return what sends a request, and returns its response, with the body unread."""
        origin = request.url._origin
        extensions = request.extensions
        if not self._dialer.shares(origin[0]):
            return super().send(request)

        route: Route | tuple[bytes, bytes, int] = origin
        if "sni_hostname" in extensions:
            route = Route(*origin, extensions["sni_hostname"])
        kind: type[MultiplexedExchange] = MultiplexedExchange
        if not TOLD.isdisjoint(extensions):
            from .multiplexed_traced import TracedMultiplexedExchange

            kind = TracedMultiplexedExchange
        return kind(self, request).run(self._shelf.lane(route))

    # Leasing.

    async def lease(self, exchange: MultiplexedExchange, lane: ConnectionLane, *, used: bool) -> None:
        """Give `exchange` a place on a shared connection, or a connection of its own where HTTP/1.1 is spoken.

        `used` is whether the latter may have served before. Raises as `lease_new()`.
        """
        may_extend = True
        while not self.take_place(exchange, lane):
            # A connection of HTTP/1.1 that rests here.
            if used and super().lease_idle(exchange, lane):
                return
            turn = self._backend.turn()
            try:
                opens = not self._joins(exchange, lane, turn, may_extend=may_extend)
                if not opens:
                    await self._join(exchange, lane, turn)
                    opens = turn.value is _OPEN
                if opens and exchange.shared is None:
                    may_extend = await self._open_for_all(exchange, lane, turn, used=used)
            except ANYWHERE:
                self._recover(exchange, lane, turn)
                raise
            if exchange.shared is not None or exchange.connection is not None:
                return

    def _recover(self, exchange: MultiplexedExchange, lane: ConnectionLane, turn: Turn) -> None:
        """Have nobody wait for one who was interrupted: how far it had come is not known."""
        for connection in (exchange.shared, exchange.connection, turn.value):
            if isinstance(connection, MultiplexedConnection):
                self.condemn(connection)
        with self.guard:
            lane.joiners.pop(turn, None)
            self._stop_opening(lane, turn)
            self._call_joiners(lane)
            self._call_waiters()

    def _joins(self, exchange: MultiplexedExchange, lane: ConnectionLane, turn: Turn, *, may_extend: bool) -> bool:
        """Queue up for a place; return False where a connection is to be opened, or a place was found after all."""
        with self.guard:
            if self._find_place(exchange, lane):
                return False
            if lane.opener is None:
                if not any(map(_is_usable, lane.shared)):
                    lane.opener = turn if lane.is_shared else None
                    return False
                if may_extend and self._may_extend(lane):
                    self._keep_room(turn, lane)
                    return False
            lane.joiners[turn] = None
            if may_extend:
                self._crowded[lane] = None
            return True

    def lease_idle(self, exchange: Exchange, lane: ConnectionLane) -> bool:
        """Give `exchange` an idle connection of its lane, unless it came with one."""
        return exchange.connection is not None or super().lease_idle(exchange, lane)

    def take_place(self, exchange: MultiplexedExchange, lane: ConnectionLane) -> bool:
        """Give `exchange` a place on a connection that is there."""
        with self.guard:
            return self._find_place(exchange, lane)

    def _find_place(self, exchange: MultiplexedExchange, lane: ConnectionLane) -> bool:
        if self.orphans or self.forgotten:
            self._bury_orphans()
        if self.now() >= self._shelf.expires_from:
            self._close_expired()
        for connection in lane.shared:
            if connection.places() > 0:  # type: ignore[attr-defined]
                return self._seat(exchange, connection) or self._find_place(exchange, lane)  # type: ignore[arg-type]
        return False

    def _seat(self, exchange: MultiplexedExchange, connection: MultiplexedConnection) -> bool:
        """Give `exchange` a place on a connection that has one, unless it proves to be of no more use."""
        if connection.leases == 0:
            is_fit = False
            try:
                is_fit = connection.is_fit()
            finally:
                # Also where an interrupt came in between: what it had received then is lost.
                if not is_fit:
                    self._drop(connection)
            if not is_fit or connection.places() <= 0:
                return False
        # Recorded before it leaves the shelf: an interrupt in between loses nothing.
        connection.leases += 1
        exchange.shared = connection
        if connection.idle:
            self._shelf.take(connection, connection.lane)
            connection.idle = False
        return True

    async def _join(self, exchange: MultiplexedExchange, lane: ConnectionLane, turn: Turn) -> None:
        """Wait for a place. Raises ConnectTimeout, PoolTimeout, ConnectError."""
        operation = "connect" if lane in self._dialing else "pool"
        timeout = exchange.patience(operation)
        try:
            await turn.wait(timeout)
        except TimedOut:
            with self.guard:
                waited = lane.joiners.pop(turn, turn) is None
                others = len(lane.joiners)
            if waited:
                raise _gave_up(lane, operation, timeout, others) from None
        except BaseException:
            with self.guard:
                lane.joiners.pop(turn, None)
            self._return(turn, lane)
            raise
        given = turn.value
        if given is _CLOSED:
            raise ConnectError("The client was closed while the request waited for a connection")
        if isinstance(given, ConnectError):
            raise given
        if isinstance(given, MultiplexedConnection):
            exchange.shared = given
            given.has_run(turn)

    def _return(self, turn: Turn, lane: ConnectionLane) -> None:
        """Pass on what was given to one who has left: a place, or the room to open a connection."""
        if isinstance(turn.value, MultiplexedConnection):
            turn.value.has_run(turn)
            self.give_back(turn.value)
        elif turn.value is _OPEN:
            with self.guard:
                self._stop_opening(lane, turn)
                self._open_next(lane)
                self._extend(lane)
                self._call_waiters()

    # Opening.

    async def _open_for_all(
        self, exchange: MultiplexedExchange, lane: ConnectionLane, turn: Turn, *, used: bool
    ) -> bool:
        """Open a connection, and tell those who wait what came of it.

        Where that fails, and there is one to wait for a place on, return False. Raises as `lease_new()`, and
        what a connection that was of no use from the first has met.
        """
        failure: ConnectError | ConnectTimeout | None = None
        try:
            await self.lease_new(exchange, lane, used=used)
        except (ConnectError, ConnectTimeout) as error:
            failure = error
            with self.guard:
                if not any(map(_is_usable, lane.shared)):
                    raise
            return False
        finally:
            with self.guard:
                self._stop_opening(lane, turn)
                useless = self._settle(exchange, lane, failure)
        if useless is not None and not any(map(_is_usable, lane.shared)):
            # Not opened again: a server that closes what it accepts would be asked for ever.
            raise useless.refusal()
        return True

    def _settle(
        self, exchange: MultiplexedExchange, lane: ConnectionLane, failure: ConnectError | ConnectTimeout | None
    ) -> MultiplexedConnection | None:
        """Have the one who opened take its place, and the others theirs, or look again.

        Return the connection if it was of no use from the first.
        """
        useless = None
        connection = exchange.connection
        if isinstance(connection, MultiplexedConnection):
            lane.is_shared = True
            is_seated = self._seat(exchange, connection)
            exchange.connection = None
            if not is_seated:
                self._drop(connection)
                useless = connection
            self._seat_all(connection)
        elif connection is not None:
            lane.is_shared = False
        if isinstance(failure, ConnectError) and not any(map(_is_usable, lane.shared)):
            self._call_joiners(lane, failure)
        elif failure is None:
            self._extend(lane)
        # Who has more patience may connect where this one could not in time.
        self._open_next(lane)
        return useless

    def _take_room(self, turn: Turn, lane: ConnectionLane) -> bool:
        """Take room for one more connection, or else a place in the queue."""
        keeper = lane.opener
        if keeper is not None and keeper in self._shelf.open:
            self._shelf.enter(turn, lane)
            self._shelf.strike(keeper, lane)  # type: ignore[arg-type]
            has_room = True
        else:
            has_room = super()._take_room(turn, lane)
        if has_room and keeper is not None:
            self._dialing.add(lane)
        return has_room

    def _stop_opening(self, lane: ConnectionLane, turn: Turn) -> None:
        self._dialing.discard(lane)
        if lane.opener is turn:
            lane.opener = None
            self._shelf.strike(turn, lane)

    def _connection_of(self, lane: ConnectionLane, route: Route, stream: Stream) -> Connection:
        if not self._dialer.speaks_http2(route, stream):
            return super()._connection_of(lane, route, stream)
        connection = MultiplexedConnection(self, lane, route, duplex_of(stream))
        if self._dialer.proxy is not None:
            from .tunnelling import TunnelledHttp2

            connection.http2 = TunnelledHttp2()
        lane.shared.append(connection)
        return connection

    # One more connection, where all are full. The guard is held.

    def _may_extend(self, lane: ConnectionLane) -> bool:
        shelf = self._shelf
        return (
            shelf.goes_first(lane)
            and (shelf.may_open(lane) or shelf.surplus(lane) is not None)
            and any(map(_is_usable, lane.shared))
            and all(connection.is_full for connection in lane.shared if _is_usable(connection))  # type: ignore[attr-defined]
        )

    def _keep_room(self, turn: Turn, lane: ConnectionLane) -> None:
        """Let one open another connection, whose room nobody takes meanwhile."""
        surplus = self._shelf.surplus(lane)
        if surplus is not None:
            self._close_idle(surplus)
        self._shelf.enter(turn, lane)
        lane.opener = turn

    def _extend(self, lane: ConnectionLane) -> None:
        """Have one of those who wait for a place open another connection, if there is room for it."""
        if not lane.joiners:
            self._crowded.pop(lane, None)
        elif lane in self._crowded and lane.opener is None and self._may_extend(lane):
            turn, _ = lane.joiners.popitem(last=False)
            self._keep_room(turn, lane)
            turn.give(_OPEN)

    def _call_waiters(self) -> None:
        super()._call_waiters()
        self._extend_all()

    def _extend_all(self) -> None:
        for lane in list(self._crowded) if self._crowded else ():
            self._extend(lane)

    # Those who wait. The guard is held.

    def _seat_all(self, connection: MultiplexedConnection) -> None:
        """Give the places of a connection to those who wait for one."""
        joiners = connection.lane.joiners
        while joiners and connection.places() > 0:
            turn, _ = joiners.popitem(last=False)
            connection.leases += 1
            if connection.idle:
                self._shelf.take(connection, connection.lane)
                connection.idle = False
            connection.wake(turn, connection)

    def _call_joiners(self, lane: ConnectionLane, failure: ConnectError | None = None) -> None:
        """Have all who wait look again, or fail as the one that they waited for."""
        while lane.joiners:
            turn, _ = lane.joiners.popitem(last=False)
            turn.give(_AGAIN if failure is None else _copy(failure))

    def _drop(self, connection: MultiplexedConnection) -> None:
        """Forget a connection that is of no more use; close it if nothing is under way on it."""
        lane = connection.lane
        connection.retired = True
        if connection in lane.shared:
            lane.shared.remove(connection)
        if connection.leases == 0:
            self._close_idle(connection)
            self._call_waiters()
        self._open_next(lane)

    def _open_next(self, lane: ConnectionLane) -> None:
        """Have the first who waits open a connection where there is none: the others wait on, in their order."""
        if lane.opener is not None or not lane.joiners or any(map(_is_usable, lane.shared)):
            return
        if not lane.is_shared:
            # Each has one of its own.
            self._call_joiners(lane)
            return
        turn, _ = lane.joiners.popitem(last=False)
        lane.opener = turn
        turn.give(_OPEN)

    def _close_idle(self, connection: Connection, reason: str = SERVER) -> None:
        if connection in connection.lane.shared:
            connection.lane.shared.remove(connection)
        super()._close_idle(connection, reason)

    # What connections tell.

    def seat_joiners(self, connection: MultiplexedConnection) -> None:
        """Look whether a connection has room by now for those who wait."""
        with self.guard:
            self._seat_all(connection)
            self._extend(connection.lane)

    def retire(self, connection: MultiplexedConnection) -> None:
        """Send nothing new over a connection."""
        with self.guard:
            self._drop(connection)

    def condemn(self, connection: MultiplexedConnection) -> None:
        """Close a connection whose state is not known, whoever is on it."""
        connection.retired = True
        with self.guard:
            self._close_idle(connection, ERROR)
            self._call_waiters()
            self._open_next(connection.lane)

    def give_back(self, connection: MultiplexedConnection) -> None:
        """Take back a place."""
        with self.guard:
            self._take_back_place(connection)

    def _take_back_place(self, connection: MultiplexedConnection) -> None:
        connection.leases -= 1
        # What has come to an end takes no streams.
        if (connection.retired or not connection.http2.most_streams) and not connection.is_usable:
            self._drop(connection)
            return
        if connection.lane.joiners:
            self._seat_all(connection)
        if connection.leases == 0:
            self.take_back(connection)

    def take_back(self, connection: Connection) -> None:
        """Do what `release()` does, with the guard held."""
        super().take_back(connection)
        self._extend_all()

    def _bury_orphans(self) -> None:
        while self.forgotten:
            connection, stream = self.forgotten.popleft()
            connection.reset(stream)
            self._take_back_place(connection)
        super()._bury_orphans()

    # The pool as a whole.

    def close(self) -> None:
        """Close every connection, those in use as well."""
        with self.guard:
            for lane in self._shelf.lanes():
                lane.opener = None
                lane.shared.clear()
                while lane.joiners:
                    lane.joiners.popitem(last=False)[0].give(_CLOSED)
        super().close()

    def abandon(self) -> None:
        """Start anew in a fork's child: close this process's descriptors, and say nothing to anybody."""
        connections = [*self._shelf.idle(), *self._leased()]
        super().abandon()
        for connection in connections:
            if isinstance(connection, MultiplexedConnection):
                connection.abandon()
        self.forgotten.clear()
        self._crowded.clear()
        self._dialing.clear()


def _is_usable(connection: Connection) -> bool:
    return isinstance(connection, MultiplexedConnection) and connection.is_usable


def _copy(error: ConnectError) -> ConnectError:
    """Return the same error once more: each request has its own, and its own traceback."""
    copy = type(error)(*error.args)
    copy.__cause__ = error.__cause__
    return copy


def _gave_up(lane: ConnectionLane, operation: str, timeout: float | None, others: int) -> ConnectTimeout | PoolTimeout:
    route = Route(*lane.origin)
    peer = f"{route.name}:{route.port}"
    if operation == "connect":
        return ConnectTimeout(f"Could not connect to {peer} within {timeout or 0.0:.3g} s")
    return PoolTimeout(
        f"No place became free within {timeout or 0.0:.3g} s: the HTTP/2 connections to {peer} carry as many requests "
        f"as their server allows, and {others} others wait"
    )
