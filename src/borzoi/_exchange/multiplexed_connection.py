"""One HTTP/2 connection under many exchanges: who carries its bytes, and who waits for what.

There is no task of its own. Whoever waits and finds that nobody carries becomes the carrier: it waits for the socket,
sends what is queued, receives, and wakes those whose streams have news. When it has what it waited for it leaves, and
makes another that waits the carrier. That is the same in all worlds.

The guard is held while bytes and state change, which never waits, and not while somebody does. Nothing that is queued
belongs to anybody: what was not sent when its writer left is sent by whoever carries next. So leaving, at any point,
harms no other exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._backends.base import TURN_BUDGET, Duplex, TimedOut
from .._errors import NetworkError, ReadError, RemoteProtocolError, RequestError, WriteError
from .._wire.http2 import Http2
from .connection import Connection

if TYPE_CHECKING:
    from .._backends.base import Turn
    from .._wire.http2_stream import Stream
    from .dial import Route
    from .multiplexed_pool import SharingPool
    from .pool import ConnectionLane, Pool

LONGEST_WAIT = 1.0
"""Seconds after which a carrier looks whether there is something to send that another has left behind."""

_NEWS = object()
"""Given to who is to look again."""

_BROKEN = (OSError, ValueError, RuntimeError, RequestError)
"""What sending or receiving raises where the connection is of no more use."""


class MultiplexedConnection(Connection):
    """Carry many exchanges at once."""

    __slots__ = (
        "_carrier",
        "_has_ended",
        "_has_more",
        "_unsent",
        "_waiting",
        "_writers",
        "broken",
        "closed",
        "guard",
        "heard_at",
        "http2",
        "leases",
        "network_stream",
        "retired",
        "sent",
    )

    _pool: SharingPool
    stream: Duplex

    def __init__(self, pool: SharingPool, lane: ConnectionLane, route: Route, stream: Duplex) -> None:
        super().__init__(pool, lane, route, stream, None)
        self.http2 = Http2()
        self.network_stream: Any = SharedNetworkStream(self)
        self.broken: Exception | None = None
        """What sending or receiving has failed with."""
        self.closed = False
        self.retired = False
        """Whether nothing new is to be sent over it."""
        self.leases = 0
        """How many exchanges have a place on it. Kept by the pool, under its own guard."""
        self.heard_at = pool.now()
        """When something came last."""
        self.sent = 0
        """How many bytes were sent."""
        self._unsent = b""
        self._has_more = False
        self._has_ended = False
        self._begin(pool)

    def _begin(self, pool: Pool) -> None:
        self.guard = pool._backend.guard()
        # By the number of its stream: who is to be woken.
        self._waiting: dict[int, Turn] = {}
        self._writers: set[int] = set()
        self._carrier: Turn | None = None

    def change_pool(self, pool: Pool, lane: ConnectionLane) -> None:
        """Belong to another pool, whose event loop has taken over the stream."""
        super().change_pool(pool, lane)
        self._begin(pool)
        lane.shared.append(self)

    # What the pool asks.

    @property
    def is_usable(self) -> bool:
        """Whether something new may be sent over it, now or later."""
        engine = self.http2
        return not self.retired and not self.closed and engine.error is None and engine.goaway is None

    def places(self) -> int:
        """Return how many more exchanges may begin now."""
        return self.http2.room + len(self.http2.streams) - self.leases if self.is_usable else 0

    def is_fit(self) -> bool:
        """Take in what came while it was idle; return whether it can be used."""
        with self.guard:
            if self._carrier is None:
                self._receive_now()
        return self.is_usable

    def _on_event(self) -> None:
        # Something came, and nobody carries.
        with self.guard:
            if self._carrier is None and not self.closed:
                self._receive_now()
        self.tell_pool()

    def tell_pool(self) -> None:
        """Have the pool look whether more, or fewer, can be sent over this."""
        if self.is_usable:
            if self.lane.joiners:
                self._pool.seat_joiners(self)
        elif not self.retired:
            self.retire()

    def retire(self) -> None:
        """Send nothing new over it; what is under way goes on."""
        self.retired = True
        self._pool.retire(self)

    def end(self) -> None:
        """Say goodbye, if that can be done at once, and close."""
        with self.guard:
            if self.closed:
                return
            self.closed = True
            self.http2.close()
            try:
                self.push()
            finally:
                self.stream.close()
                self._wake_all()

    # Bytes. All of this is done with the guard held, and never waits.

    def push(self) -> None:
        """Send what is queued, as much as is taken now."""
        out = self.http2.data_to_send()
        if self._unsent:
            out = self._unsent + out
        if not out or self.broken is not None:
            return
        try:
            sent = self.stream.send_now(out)
        except _BROKEN as error:
            # What the server said before may still be received.
            self.broken = self._explained(WriteError, "Writing to", error)
            self._unsent = b""
            return
        self.sent += sent
        self._unsent = out[sent:] if sent < len(out) else b""
        if self._writers and not self._unsent:
            for number in self._writers:
                self._wake(number)
            self._writers.clear()

    def _receive_now(self) -> None:
        """Receive what has arrived, a turn's worth at most, and answer what asks for an answer."""
        size = 0
        engine = self.http2
        try:
            while (data := self.stream.receive_now()) is not None:
                self._has_ended = not data
                for stream in engine.receive(data) if data else engine.receive_eof():
                    self._wake(stream.id)
                if engine.error is not None:
                    break
                size += len(data)
                if size >= TURN_BUDGET:
                    break
        except _BROKEN as error:
            self.broken = self._explained(ReadError, "Reading from", error)
        self._has_more = size >= TURN_BUDGET
        if size:
            self.heard_at = self._pool.now()
        if engine.error is None and self.broken is None:
            self.push()
        if self.broken is not None and not self._has_more:
            # One that cannot be written to is over as soon as nothing more can be received.
            engine.receive_eof()
        if engine.error is not None:
            self._fail()

    def _fail(self) -> None:
        """Tell the server what it did wrong, and wake all: their streams have failed."""
        if not self.closed:
            self.closed = True
            self.push()
            self.stream.close()
        self._wake_all()

    def _explained(self, kind: type[NetworkError], doing: str, error: Exception) -> Exception:
        if isinstance(error, NetworkError):
            return error
        if self.closed:
            return kind(f"{doing} {self.stream.peer} failed: the connection was closed here while it was in use")
        failure = kind(f"{doing} {self.stream.peer} failed: {str(error) or type(error).__name__}")
        failure.__cause__ = error
        return failure

    def failure(self, stream: Stream) -> Exception:
        """Return the error of a stream that has failed: a fresh one, since each exchange tells whose request it was."""
        # What the server said as it went says more than how the connection broke.
        if self.broken is not None and self.http2.goaway is None and stream.reset_code is None:
            failure = type(self.broken)(*self.broken.args)
            failure.__cause__ = self.broken.__cause__
            return failure
        return RemoteProtocolError(stream.error or "")

    @property
    def has_died(self) -> bool:
        """Whether the connection ended without the server having broken a rule."""
        return self.broken is not None or self._has_ended

    def reset(self, stream: Stream) -> None:
        """Give a stream up, if it has not ended; the others go on."""
        with self.guard:
            self.http2.reset(stream)
            self.push()

    # Waiting.

    async def wait(self, stream: Stream, is_over: Callable[[], bool], timeout: float | None) -> None:
        """Carry, or wait for who does, until `is_over()`; it is asked with the guard held. Raises TimedOut."""
        number = stream.id
        until = None if timeout is None else self._pool.now() + timeout
        turn = self.backend.turn()
        try:
            while True:
                found = self._look(stream, turn, is_over)
                if found is None:
                    return
                turn = found
                left = None if until is None else until - self._pool.now()
                if left is not None and left <= 0:
                    raise TimedOut
                if self._carrier is turn:
                    await self._carry(LONGEST_WAIT if left is None else min(left, LONGEST_WAIT))
                else:
                    await turn.wait(left)
        finally:
            self._leave(number, turn)

    def _look(self, stream: Stream, turn: Turn, is_over: Callable[[], bool]) -> Turn | None:
        """Return None when it is over; else become the carrier, if there is none, or wait, with the turn returned."""
        number = stream.id
        with self.guard:
            self._waiting.pop(number, None)
            if is_over() or stream.error is not None:
                return None
            if self._carrier is None:
                self._carrier = turn
            elif self._carrier is not turn:
                # What was given cannot be given again.
                turn = turn if turn.value is None else self.backend.turn()
                self._waiting[number] = turn
        return turn

    async def _carry(self, timeout: float) -> None:
        if self.broken is None and self._has_more:
            # The others have their turn in between.
            await self.backend.sleep(0.0)
        elif self.broken is None:
            try:
                await self.stream.wait_ready(timeout, writing=bool(self._unsent))
            except TimedOut:
                if not self._unsent:
                    return
        with self.guard:
            self.push()
            self._receive_now()
        self.tell_pool()

    def _leave(self, number: int, turn: Turn) -> None:
        with self.guard:
            self._waiting.pop(number, None)
            self._writers.discard(number)
            if self._carrier is turn:
                self._carrier = None
                if self._waiting:
                    # Its turn is no longer free to be given: it is the carrier from here on, awake or not.
                    heir = next(iter(self._waiting))
                    self._carrier = self._waiting[heir]
                    self._wake(heir)

    def _wake(self, number: int) -> None:
        turn = self._waiting.pop(number, None)
        if turn is not None:
            turn.give(_NEWS)

    def _wake_all(self) -> None:
        for number in list(self._waiting):
            self._wake(number)

    async def flush(self, stream: Stream, timeout: float | None, *, is_admitted: Callable[[], bool]) -> None:
        """Wait until what is queued was sent, and then until `is_admitted()`. Raises TimedOut."""

        def is_over() -> bool:
            if self._unsent and self.broken is None:
                self._writers.add(stream.id)
                return False
            return is_admitted()

        await self.wait(stream, is_over, timeout)


class SharedNetworkStream:
    """Show facts about a connection that many exchanges share. Its bytes are nobody's alone."""

    __slots__ = ("_connection",)

    def __init__(self, connection: MultiplexedConnection) -> None:
        self._connection = connection

    def get_extra_info(self, info: str) -> Any:
        """Return `ssl_object`, `client_addr`, `server_addr`, `socket` or `is_readable`; None for anything else."""
        return self._connection.stream.get_extra_info(info)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.stream.peer}>"
