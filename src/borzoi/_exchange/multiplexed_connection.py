"""One HTTP/2 connection under many exchanges: who carries its bytes, and who waits for what.

There is no task of its own. Where the event loop tells the connection that something came (a reactor's streams), it
receives right there and wakes those whose streams have news. Elsewhere, and while there is something to send that the
socket does not take, whoever waits and finds that nobody carries becomes the carrier: it waits for the socket, sends,
receives and wakes. When it has what it waited for it leaves, and makes another that waits the carrier.

What those that were woken together have to say goes out together, when the last of them has run. The guard is held
while bytes and state change, which never waits, and not while somebody does. Nothing that is queued belongs to anybody:
so leaving, at any point, harms no other exchange.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._backends.base import TURN_BUDGET, Duplex, TimedOut
from .._errors import NetworkError, ReadError, RemoteProtocolError, RequestError, WriteError, WriteTimeout
from .._wire.http2 import Http2
from .connection import Connection
from .half_duplex import HalfDuplex

if TYPE_CHECKING:
    from .._backends.base import Turn
    from .._wire.http2_stream import Stream
    from .dial import Route
    from .multiplexed_pool import SharingPool
    from .pool import ConnectionLane, Pool

LONGEST_WAIT = 1.0
"""Seconds after which a carrier looks whether there is something to send that another has left behind."""

LONGEST_WRITE = 86400.0
"""Seconds for which a stream writes that cannot be asked whether it would wait, where no time-out bounds it."""

_NEWS = object()
"""Given to who is to look again."""

_BROKEN = (OSError, ValueError, RuntimeError, MemoryError, RequestError)
"""What sending or receiving raises where the connection is of no more use. Nobody else would tell those who wait."""


class MultiplexedConnection(Connection):
    """Carry many exchanges at once."""

    is_shared = True

    __slots__ = (
        "_carrier",
        "_gathers",
        "_has_ended",
        "_has_more",
        "_is_fed",
        "_ping_after",
        "_ping_timeout",
        "_pinged_at",
        "_waiting",
        "_writers",
        "awake",
        "broken",
        "closed",
        "guard",
        "has_answered",
        "heard",
        "heard_at",
        "http2",
        "leases",
        "network_stream",
        "retired",
        "sent",
        "unsent",
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
        self.has_answered = False
        """Whether a response came."""
        self.heard = 0
        """How often something came."""
        self.heard_at = pool.now()
        """When something came last."""
        self.sent = 0
        """How many bytes were sent, or may have been where that failed."""
        self.unsent = b""
        """What waits until the socket takes it."""
        self._has_more = False
        self._has_ended = False
        limits = pool._limits
        self._ping_after = math.inf if limits.http2_ping_after is None else limits.http2_ping_after
        self._ping_timeout = limits.http2_ping_timeout
        self._pinged_at: float | None = None
        self._belong_to(pool)

    def _belong_to(self, pool: Pool) -> None:
        self.guard = pool._backend.guard()
        # Threads run when they like: there is no turn in which to gather what they say.
        self._gathers = not pool.blocking
        self._is_fed = not pool.blocking and hasattr(self.stream, "on_flags")
        # By the number of its stream: who is to be woken.
        self._waiting: dict[int, Turn] = {}
        self._writers: set[int] = set()
        self._carrier: Turn | None = None
        self.awake = 0
        """How many were woken and have not run yet: the last of them sends what all of them had to say."""

    def change_pool(self, pool: Pool, lane: ConnectionLane) -> None:
        """Belong to another pool, whose event loop has taken over the stream."""
        super().change_pool(pool, lane)
        self._belong_to(pool)
        lane.shared.append(self)

    @property
    def is_blocked(self) -> bool:
        """Whether the socket takes nothing at present."""
        return bool(self.unsent)

    # What the pool asks.

    @property
    def is_usable(self) -> bool:
        """Whether something new may be sent over it, now or later."""
        engine = self.http2
        return not self.retired and not self.closed and engine.error is None and engine.goaway is None

    @property
    def is_full(self) -> bool:
        """Whether it carries as much as its server takes: which one that takes nothing at all does not."""
        return self.http2.settled and self.leases >= self.http2.most_streams > 0

    def places(self) -> int:
        """Return how many more exchanges may begin now."""
        if self.retired or self.closed:
            return 0
        # RFC 9113, 6.5.2: until the server says how many it takes, more may be refused. The one who opened finds out.
        return (self.http2.most_streams if self.http2.settled else 1) - self.leases

    def is_fit(self) -> bool:
        """Look whether it can be used, having been idle: at what came meanwhile, and at how long nothing did."""
        with self.guard:
            # What came together with the end of the handshake was told to nobody.
            if self._carrier is None and not (self._is_fed and self.http2.settled):
                self._receive_now()
            self._look_for_life()
        return self.is_usable

    def _on_event(self) -> None:
        # Something came, and nobody carries.
        with self.guard:
            if self._carrier is None and not self.closed:
                self._receive_now()
                self._find_carrier()
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
                if not self.backend.has_ended():
                    self._wake_all()

    def abandon(self) -> None:
        """Be of no more use in a fork's child, where another thread may have held the guard."""
        self._belong_to(self._pool)
        self.closed = True
        self.broken = self._explained(ReadError, "Reading from", EOFError())
        self.http2.receive_eof()

    # Bytes. All of this is done with the guard held, and never waits.

    def push(self) -> None:
        """Send what is queued, as much as is taken now."""
        out = self.http2.data_to_send()
        if self.unsent:
            out = self.unsent + out
        if not out or self.broken is not None:
            return
        try:
            sent = self.stream.send_now(out)
        except _BROKEN as error:
            # What the server said before may still be received.
            self.broken = self._explained(WriteError, "Writing to", error)
            # Part of it may be out.
            self.sent += len(out)
            self.unsent = b""
            self._find_carrier()
            return
        self.sent += sent
        if sent < len(out):
            self.unsent = out[sent:]
            self._find_carrier()
            return
        self.unsent = b""
        if self._writers:
            for number in self._writers:
                self._wake(number)
            self._writers.clear()

    def push_soon(self) -> None:
        """Send what is queued, together with what those have to say that were woken and are about to run."""
        if not self.awake:
            self.push()

    def has_run(self, turn: Turn) -> None:
        """Take note that one who was woken runs; the last sends for all."""
        if turn.value is not None and self._gathers:
            self.awake -= 1
            if not self.awake and not self.closed and self.http2.has_to_send:
                self.push()

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
            self.heard += 1
            self.heard_at = self._pool.now()
            self._pinged_at = None
        if engine.error is None and self.broken is None:
            self.push_soon()
        if self.broken is not None and not self._has_more:
            # One that cannot be written to is over as soon as nothing more can be received.
            engine.receive_eof()
        if engine.error is not None:
            self._fail()

    def _fail(self) -> None:
        """Tell the server what it did wrong, and wake all: their streams have failed."""
        if not self.closed:
            self.closed = True
            broken = self.broken
            self.push()
            # Whether the farewell has arrived or not, what it was for is what has happened.
            self.broken = broken
            self.stream.close()
        self._wake_all()

    def _look_for_life(self) -> None:
        """Probe a connection over which nothing has come for long (RFC 9113, 6.7); give up one that does not answer."""
        if self._ping_after == math.inf or self.closed:
            return
        now = self._pool.now()
        if self._pinged_at is None:
            if now - self.heard_at >= self._ping_after:
                self._pinged_at = now
                self.http2.ping()
                self.push_soon()
        elif now - self._pinged_at >= self._ping_timeout and self.broken is None:
            self.broken = ReadError(
                f"Reading from {self.stream.peer} failed: nothing came over the HTTP/2 connection for "
                f"{now - self.heard_at:.3g} s, and no answer to a PING within {self._ping_timeout:.3g} s"
            )
            self.http2.receive_eof()
            self._fail()

    def _explained(self, kind: type[NetworkError], doing: str, error: Exception) -> Exception:
        if isinstance(error, (NetworkError, WriteTimeout)):
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

    def refusal(self) -> Exception:
        """Return the error of one who opened this, and could send nothing over it."""
        if self.http2.error is None and self.broken is not None:
            return type(self.broken)(*self.broken.args)
        return RemoteProtocolError(
            self.http2.error or "The server closed the HTTP/2 connection before it took a request"
        )

    @property
    def has_died(self) -> bool:
        """Whether the connection ended without the server having broken a rule."""
        return self.broken is not None or self._has_ended

    @property
    def serves(self) -> bool:
        """Whether the server has answered a request, is at work on one, or said so as it left (RFC 9113, 6.8)."""
        goaway = self.http2.goaway
        return self.has_answered or bool(self.http2.streams) or (goaway is not None and goaway.last_stream > 0)

    def reset(self, stream: Stream) -> None:
        """Give a stream up, if it has not ended; the others go on."""
        with self.guard:
            self.http2.reset(stream)
            self.push_soon()

    # Waiting.

    async def wait(  # hot path: saves a call for each time that a response is waited for
        self, stream: Stream, is_over: Callable[[], bool], timeout: float | None
    ) -> None:
        """Wait until `is_over()`, which is asked with the guard held, and carry where nobody does. Raises TimedOut."""
        number = stream.id
        now = self._pool.now
        until = math.inf if timeout is None else now() + timeout
        left = math.inf if timeout is None else timeout
        turn = self.backend.turn()
        try:
            while True:
                with self.guard:
                    if is_over() or stream.error is not None:
                        return
                    turn = self._line_up(number, turn)
                if left <= 0:
                    raise TimedOut
                if self._carrier is turn:
                    await self._carry(left)
                else:
                    await self._rest(turn, left)
                left = until - now()
        finally:
            self._leave(number, turn)

    def _line_up(self, number: int, turn: Turn) -> Turn:
        """Become the carrier, where one is needed and there is none, or wait; return the turn with which to."""
        if self._carrier is None or self._carrier is turn:
            # hot path: as `_needs_carrier()`.
            is_told = self._is_fed and not self.unsent and not self._has_more and self.broken is None
            self._carrier = None if is_told else turn
        if self._carrier is not turn:
            # What was given cannot be given again.
            if turn.value is not None:
                turn = self.backend.turn()
            self._waiting[number] = turn
        return turn

    def _needs_carrier(self) -> bool:
        # The loop tells of what comes, and not of room to send, nor of what came and was left for later.
        return not self._is_fed or bool(self.unsent) or self._has_more or self.broken is not None

    async def _rest(self, turn: Turn, left: float) -> None:
        """Wait to be woken; look, at times, whether the connection lives. Raises TimedOut."""
        pause = min(left, self._ping_after, self._ping_timeout)
        try:
            await turn.wait(None if pause == math.inf else pause)
        except TimedOut:
            if pause == left and turn.value is None:
                raise
            with self.guard:
                self._look_for_life()
        finally:
            self.has_run(turn)

    async def _carry(self, left: float) -> None:
        timeout = min(left, LONGEST_WAIT, self._ping_after, self._ping_timeout)
        if self.unsent and isinstance(self.stream, HalfDuplex):
            # To break off such a write is to break the connection.
            timeout = min(left, LONGEST_WRITE)
        if self.broken is None and self._has_more:
            # The others have their turn in between.
            await self.backend.sleep(0.0)
        elif self.broken is None:
            try:
                await self.stream.wait_ready(timeout, writing=bool(self.unsent))
            except TimedOut:
                with self.guard:
                    self._look_for_life()
        with self.guard:
            if not self.closed:
                self.push()
                self._receive_now()
        self.tell_pool()

    def _leave(self, number: int, turn: Turn) -> None:
        with self.guard:
            self._waiting.pop(number, None)
            if self._writers:
                self._writers.discard(number)
            if self._carrier is not turn:
                return
            self._carrier = None
            if self._is_fed and not self.closed:
                # What was told to it alone, and not received.
                self._receive_now()
            self._find_carrier()
        self.tell_pool()

    def _find_carrier(self) -> None:
        """Have one that waits carry, where that is needed."""
        if self._carrier is None and self._waiting and self._needs_carrier():
            # Its turn is no longer free to be given: it is the carrier from here on, awake or not.
            heir = next(iter(self._waiting))
            self._carrier = self._waiting[heir]
            self._wake(heir)

    def _wake(self, number: int) -> None:
        turn = self._waiting.pop(number, None)
        if turn is not None:
            self.wake(turn, _NEWS)

    def wake(self, turn: Turn, value: object) -> None:
        """Give `value` to one who waits, and who tells when it has run."""
        self.awake += self._gathers
        turn.give(value)

    def _wake_all(self) -> None:
        for number in list(self._waiting):
            self._wake(number)

    async def flush(self, stream: Stream, timeout: float | None, *, is_admitted: Callable[[], bool]) -> None:
        """Wait until what is queued was sent, and then until `is_admitted()`. Raises TimedOut."""

        def is_over() -> bool:
            if self.unsent and self.broken is None:
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
