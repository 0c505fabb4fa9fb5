"""HTTP/2 at the wire seam: the same routes for clients that offer it, under the real pool and engine of HTTP/2.

A server agrees to HTTP/2 in a simulated handshake where the client's context offers it, and speaks it at once to a
client that knows it to. Its streams pause each on their own. What is wrong with the test is told to whose request it
is, whoever carries the bytes of the connection.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, cast

from .._backends.base import TimedOut
from .._backends.memory import END, FOR_EVER, End, MemoryBackend, MemoryStream, endless_wait
from .._exchange.multiplexed import MultiplexedExchange
from .._exchange.multiplexed_connection import MultiplexedConnection
from .._exchange.multiplexed_pool import SharingPool
from .certificates import SimulatedTLS, offered_protocols
from .clock import Clock, Waiting, WorldClock
from .guests import Guest
from .http2_answers import Http2Answers
from .idling import OtherThreads
from .wire import WRONG_VERSION, over_tls

if TYPE_CHECKING:
    from .._backends.base import ConnectOptions, Stream, TLSOptions
    from .._exchange.connection import Connection
    from .._exchange.dial import Route
    from .._exchange.pool import ConnectionLane, Pool
    from .._messages.request import Request
    from .._messages.response import Response
    from .._wire.http2_stream import Stream as Http2Exchange
    from .http2_side import Spoken
    from .received import Received
    from .wire import ServerSide

ENDLESS_WAITS = 5_000
"""Waits in a row of those that have no deadline, without anything to come, after which nothing ever will."""


class NegotiatingStream(MemoryStream):
    """A connection whose handshake agrees on a protocol."""

    __slots__ = ("_protocol",)

    def __init__(self, before: MemoryStream) -> None:
        super().__init__(before._backend, before._answer, before.peer, before._secured)
        self.tls = before.tls
        self._protocol: str | None = None

    @property
    def side(self) -> ServerSide:
        """The server's side."""
        return cast("ServerSide", cast("Any", self._answer).__self__)

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Agree on HTTP/2 if both sides speak it."""
        await super().start_tls(tls, timeout)
        offered = offered_protocols(tls.context, tls.server_hostname)
        spoken = [b"h2", b"http/1.1"] if self.side.speaks_http2 else [b"http/1.1"]
        self._protocol = next((name.decode() for name in spoken if name in offered), None)
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return what the handshake has agreed on, and what any stream does."""
        if info == "ssl_object":
            return None if self.tls is None else SimulatedTLS(self._protocol)
        return super().get_extra_info(info)


class NegotiatingBackend(MemoryBackend):
    """Connect to servers that may speak HTTP/2."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Ask the peer for a connection."""
        made = cast("MemoryStream", await super().connect_tcp(host, port, timeout, options))
        stream = self.streams[-1] = NegotiatingStream(made)
        return stream


class Http2Stream(NegotiatingStream):
    """A connection over which HTTP/2 is spoken. Satisfies `Duplex`."""

    __slots__ = ("_arrived", "_idle_waits", "answers", "deadlines")

    def __init__(self, before: NegotiatingStream) -> None:
        super().__init__(before)
        self._protocol = "h2"
        self.answers = Http2Answers(self.side)
        self._arrived: deque[Spoken] = deque()
        self._idle_waits = 0
        self.deadlines = 0
        """How many wait that have a deadline."""

    def _speak(self) -> None:
        if self.side.speaks_http2:
            self._arrived += self.answers.engine.speak(self._backend.now())

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None where there is nothing. Raises OSError."""
        if not self._arrived:
            self._speak()
        if not self._arrived:
            return None
        event = self._arrived[0] if self.tls is None else over_tls(self._arrived[0])
        if isinstance(event, End):
            return b""
        self._arrived.popleft()
        if isinstance(event, bytes):
            return event
        assert isinstance(event, OSError)
        self._arrived.append(END)
        raise event

    def send_now(self, data: bytes) -> int:
        """Give `data` to the server, as much as it takes in, and return how many bytes that is."""
        takes = self.side.takes
        if takes is not None:
            data = data[: max(0, takes - len(self.sent))]
        if not self.side.speaks_http2 and not self.sent:
            self._arrived += [WRONG_VERSION, END]
        self.sent += data
        if self.side.speaks_http2:
            self.answers.engine.receive(bytes(data), self._backend.now())
        return len(data)

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something has arrived. Raises TimedOut."""
        clock, engine = self._backend.clock, self.answers.engine
        await clock.turn()
        if not self.is_idle():
            return
        until = None if timeout is None else clock.now() + timeout
        due, changes = engine.due(), engine.changes
        is_endless = not self.deadlines and (due is None or due == FOR_EVER)
        self._idle_waits = self._idle_waits + 1 if is_endless else 0
        if self._idle_waits > ENDLESS_WAITS:
            raise endless_wait()
        ends = [moment for moment in (due, until) if moment is not None]
        is_ready = await clock.wait(min(ends, default=None), lambda: self.closed or engine.changes != changes)
        if not is_ready and (due is None or (until is not None and until < due)):
            raise TimedOut

    def is_idle(self) -> bool:
        """Return whether the server has nothing to say now."""
        if not self.side.speaks_http2:
            return not self._arrived
        due = self.answers.engine.due()
        return not self._arrived and (due is None or due > self._backend.now())


class ScriptedConnection(MultiplexedConnection):
    """Carry many exchanges, with answers of the test's own functions."""

    __slots__ = ()

    @property
    def answers(self) -> Http2Answers:
        """What the server says."""
        return cast("Http2Stream", self.stream).answers

    async def wait(self, stream: Http2Exchange, is_over: Callable[[], bool], timeout: float | None) -> None:
        """Find the answer to this request, if it takes a function, and wait for it. Raises TimedOut."""
        now = self._pool.now
        began = now()
        await self.answers.ask(stream.id, self.backend.now)
        if timeout is None:
            await super().wait(stream, is_over, None)
            return
        left = timeout - (now() - began)
        if left < 0:
            raise TimedOut
        carried = cast("Http2Stream", self.stream)
        carried.deadlines += 1
        try:
            await super().wait(stream, is_over, left)
        finally:
            carried.deadlines -= 1

    def failure(self, stream: Http2Exchange) -> Exception:
        """Return what is wrong with the test, if that is what the stream has failed of."""
        error = self.answers.errors.pop(stream.id, None)
        return super().failure(stream) if error is None else error


class ScriptedPool(SharingPool):
    """Keep connections to servers that may speak HTTP/2."""

    def _connection_of(self, lane: ConnectionLane, route: Route, stream: Stream) -> Connection:
        if not self._dialer.speaks_http2(route, stream):
            return super()._connection_of(lane, route, stream)
        connection = ScriptedConnection(self, lane, route, Http2Stream(cast("NegotiatingStream", stream)))
        lane.shared.append(connection)
        return connection


class Busy(Waiting):
    """A thread that sends a request: unless it waits itself, nobody's wait may move the clock.

    Threads that share a connection wait for what another of them is about to do.
    """

    __slots__ = ("_others", "_thread")

    def __init__(self, others: OtherThreads) -> None:
        super().__init__(None, None)
        self._others = others
        self._thread = threading.current_thread()

    def is_over(self, now: float) -> bool:
        """Return whether the thread has something to do."""
        return not self._others._threads.get(self._thread)


@contextlib.contextmanager
def busy(clock: Clock) -> Generator[None]:
    """Have the clock stand still while this thread has something to do."""
    others = OtherThreads(clock)
    one = Busy(others)
    with clock._lock:
        clock._waiting[one] = others
    try:
        yield
    finally:
        with clock._lock:
            del clock._waiting[one]
            clock.activity += 1


class _Forgotten(deque["tuple[MultiplexedConnection, Http2Exchange]"]):
    """The streams of responses that were forgotten, with a note of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Received] = []

    def append(self, entry: tuple[MultiplexedConnection, Http2Exchange]) -> None:
        """Take in a stream. Called by finalisers."""
        connection, stream = entry
        self.requests.append(cast("ScriptedConnection", connection).answers.requests[stream.id])
        super().append(entry)


class SharingGuest(Guest):
    """Send the requests of a transport that offers HTTP/2."""

    def __init__(self, transport: Any, pool: Pool, *, is_new: bool) -> None:
        super().__init__(transport, pool, is_new=is_new)
        self._forgotten = cast("ScriptedPool", pool).forgotten = _Forgotten()
        self._bodies: list[tuple[weakref.ref[Any], Request]] = []

    async def send(self, request: Request) -> Response:
        """Send a request through the pool."""
        clock = cast("WorldClock", cast("MemoryBackend", self._pool._backend).clock)._clock
        with busy(clock) if self._pool.blocking else contextlib.nullcontext():
            response = await super().send(request)
        if isinstance(response.stream, MultiplexedExchange):
            self._bodies.append((weakref.ref(response.stream), request))
        return response

    def leaks(self) -> list[str]:
        """Return what was left open."""
        bodies = [(ref(), request) for ref, request in self._bodies]
        held = [f"{request.method} {request.url}" for body, request in bodies if body is not None and body.shared]
        held += [str(received) for received in self._forgotten.requests]
        return [f"the response to {one} was never closed" for one in held] + super().leaks()
