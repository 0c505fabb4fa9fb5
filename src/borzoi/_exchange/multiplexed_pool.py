"""The pool where HTTP/2 is offered: who gets a place on which connection that many share.

A request takes a place on a connection of its route, or opens one if there is none, or joins those that wait: for a
connection that is being opened, or for a place on one that is full. A connection that turns out to be one of HTTP/1.1
serves its opener alone; the others then open one each, as in the pool below, and know it from then on.

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
from .multiplexed import MultiplexedExchange
from .multiplexed_connection import MultiplexedConnection
from .pool import Pool

if TYPE_CHECKING:
    from .._backends.base import Stream, Turn
    from .._messages.request import Request
    from .._messages.response import Response
    from .._wire.http2_stream import Stream as Http2Stream
    from .pool import ConnectionLane
    from .single import Exchange

_AGAIN = object()
"""Given to a joiner that is to look again."""

_CLOSED = object()
"""Given to a joiner when the pool is closed."""


class SharingPool(Pool):
    """Keep the connections of one world, some of which carry many exchanges at once."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.forgotten: deque[tuple[MultiplexedConnection, Http2Stream]] = deque()
        """Streams whose responses were forgotten; drained by the next operation."""

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Return what sends a request, and returns its response, with the body unread."""
        origin = request.url._origin
        if not self._dialer.shares(origin[0]):
            return super().send(request)

        route: Route | tuple[bytes, bytes, int] = origin
        if "sni_hostname" in request.extensions:
            route = Route(*origin, request.extensions["sni_hostname"])
        kind = MultiplexedExchange
        if "trace" in request.extensions:
            from .multiplexed_traced import TracedMultiplexedExchange

            kind = TracedMultiplexedExchange
        return kind(self, request).run(self._shelf.lane(route))

    # Leasing.

    async def lease(self, exchange: MultiplexedExchange, lane: ConnectionLane, *, used: bool) -> None:
        """Give `exchange` a place on a shared connection, or a connection of its own where HTTP/1.1 is spoken.

        `used` is whether the latter may have served before. Raises as `lease_new()`.
        """
        while not self._take_place(exchange, lane):
            # A connection of HTTP/1.1 that rests here.
            if used and super().lease_idle(exchange, lane):
                return
            turn = self._backend.turn()
            if self._joins(exchange, lane, turn):
                await self._join(exchange, lane, turn)
            elif exchange.shared is None:
                await self._open(exchange, lane, turn, used=used)
            if exchange.shared is not None or exchange.connection is not None:
                return

    def _joins(self, exchange: MultiplexedExchange, lane: ConnectionLane, turn: Turn) -> bool:
        """Queue up for a place; return False where a connection is to be opened, or a place was found after all."""
        with self._guard:
            if self._find_place(exchange, lane):
                return False
            if lane.opener is not None or any(_is_usable(connection) for connection in lane.shared):
                lane.joiners[turn] = None
                return True
            if lane.is_shared:
                lane.opener = turn
            return False

    def lease_idle(self, exchange: Exchange, lane: ConnectionLane) -> bool:
        """Give `exchange` an idle connection of its lane, unless it came with one."""
        return exchange.connection is not None or super().lease_idle(exchange, lane)

    def _take_idle(self, exchange: Exchange, lane: ConnectionLane) -> Connection | None:
        # One that many share is taken by its places, or not at all.
        if lane.idle and isinstance(lane.idle[-1], MultiplexedConnection):
            return None
        return super()._take_idle(exchange, lane)

    def _take_place(self, exchange: MultiplexedExchange, lane: ConnectionLane) -> bool:
        """Give `exchange` a place on a connection that is there."""
        with self._guard:
            return self._find_place(exchange, lane)

    def _find_place(self, exchange: MultiplexedExchange, lane: ConnectionLane) -> bool:
        if self.orphans or self.forgotten:
            self._bury_orphans()
        if self.now() >= self._shelf.expires_from:
            self._close_expired()
        for connection in list(lane.shared):
            assert isinstance(connection, MultiplexedConnection)
            if connection.leases == 0 and not connection.is_fit():
                self._drop(connection)
            elif self._seat(exchange, connection):
                return True
        return False

    def _seat(self, exchange: MultiplexedExchange, connection: MultiplexedConnection) -> bool:
        if connection.places() <= 0:
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
        # Who opens has room for it already, or waits for that, too.
        operation = "connect" if lane.opener in self._shelf.open else "pool"
        timeout = exchange.patience(operation)
        try:
            await turn.wait(timeout)
        except TimedOut:
            with self._guard:
                waited = lane.joiners.pop(turn, turn) is None
                others = len(lane.joiners)
            if waited:
                raise _gave_up(lane, operation, timeout, others) from None
        except BaseException:
            with self._guard:
                lane.joiners.pop(turn, None)
            self._return(turn)
            raise
        given = turn.value
        if given is _CLOSED:
            raise ConnectError("The client was closed while the request waited for a connection")
        if isinstance(given, ConnectError):
            raise given
        if isinstance(given, MultiplexedConnection):
            exchange.shared = given

    def _return(self, turn: Turn) -> None:
        """Pass on the place that was given to one who has left."""
        if isinstance(turn.value, MultiplexedConnection):
            self.give_back(turn.value)

    async def _open(self, exchange: MultiplexedExchange, lane: ConnectionLane, turn: Turn, *, used: bool) -> None:
        """Open a connection, and tell those who wait what came of it."""
        failure: ConnectError | None = None
        try:
            await self.lease_new(exchange, lane, used=used)
        except ConnectError as error:
            failure = error
            raise
        finally:
            with self._guard:
                if lane.opener is turn:
                    lane.opener = None
                self._settle(exchange, lane, failure)

    def _settle(self, exchange: MultiplexedExchange, lane: ConnectionLane, failure: ConnectError | None) -> None:
        """Have the one who opened take its place, and the others theirs, or look again."""
        connection = exchange.connection
        if isinstance(connection, MultiplexedConnection):
            exchange.connection = None
            lane.is_shared = True
            if not self._seat(exchange, connection):
                self._drop(connection)
            self._seat_all(connection)
        elif connection is not None:
            lane.is_shared = False
        if not any(_is_usable(shared) for shared in lane.shared):
            self._call_joiners(lane, failure)

    def _connection_of(self, lane: ConnectionLane, route: Route, stream: Stream) -> Connection:
        if not self._dialer.speaks_http2(route, stream):
            return super()._connection_of(lane, route, stream)
        connection = MultiplexedConnection(self, lane, route, duplex_of(stream))
        lane.shared.append(connection)
        return connection

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
            turn.give(connection)

    def _call_joiners(self, lane: ConnectionLane, failure: ConnectError | None = None) -> None:
        """Have all who wait look again, or fail as the one that they waited for."""
        while lane.joiners:
            turn, _ = lane.joiners.popitem(last=False)
            turn.give(_AGAIN if failure is None else _copy(failure))

    def _drop(self, connection: MultiplexedConnection) -> None:
        """Forget a connection that is of no more use; close it if nothing is under way on it."""
        lane = connection.lane
        if connection in lane.shared:
            lane.shared.remove(connection)
        connection.retired = True
        if connection.leases == 0:
            self._close_idle(connection)
            self._call_waiters()
        if lane.opener is None and not any(_is_usable(shared) for shared in lane.shared):
            self._call_joiners(lane)

    # What connections tell.

    def seat_joiners(self, connection: MultiplexedConnection) -> None:
        """Look whether a connection has room by now for those who wait."""
        with self._guard:
            self._seat_all(connection)

    def retire(self, connection: MultiplexedConnection) -> None:
        """Send nothing new over a connection."""
        with self._guard:
            self._drop(connection)

    def give_back(self, connection: MultiplexedConnection) -> None:
        """Take back a place."""
        with self._guard:
            self._take_back_place(connection)

    def _take_back_place(self, connection: MultiplexedConnection) -> None:
        connection.leases -= 1
        if not connection.is_usable:
            self._drop(connection)
            return
        self._seat_all(connection)
        if connection.leases == 0:
            self._take_back(connection)

    def _bury_orphans(self) -> None:
        while self.forgotten:
            connection, stream = self.forgotten.popleft()
            connection.reset(stream)
            self._take_back_place(connection)
        super()._bury_orphans()

    def close(self) -> None:
        """Close every connection, those in use as well."""
        with self._guard:
            for lane in self._shelf.lanes():
                lane.opener = None
                lane.shared.clear()
                while lane.joiners:
                    lane.joiners.popitem(last=False)[0].give(_CLOSED)
        super().close()


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
        f"No place became free within {timeout or 0.0:.3g} s: the HTTP/2 connection to {peer} carries as many requests "
        f"as its server allows, and {others} others wait"
    )
