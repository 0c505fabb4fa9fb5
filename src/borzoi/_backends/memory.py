"""A back end without a network: scripted peers, and a clock that moves only when somebody would wait.

A `Peer` says, for each connection, what to answer to the bytes it is sent: `bytes` arrive, `Wait` puts off what comes
after it, an exception is raised to the reader (an OSError as a socket's), `Later` asks a coroutine, and `END` is the
end of the stream. What is said arrives at a moment of the clock, whether anybody reads by then or not.

Whoever has to wait asks the clock. That of this module moves at once, so nothing ever suspends and the same script
serves every world; `borzoi.testing` has one that first lets the others run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .._errors import ReadError
from .base import Address, Asking, ConnectOptions, TimedOut, TLSOptions, Turn
from .sockets import cause, connect_timed_out, read_timed_out

if TYPE_CHECKING:
    from .base import Stream
    from .resolver import Names


FOR_EVER = float("inf")
"""Seconds of a wait that has no end."""


class Wait:
    """Let `seconds` pass on the clock before what follows."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class End:
    """The end of the stream."""

    __slots__ = ()


END = End()
"""The end of the stream."""


class Later:
    """Ask a coroutine what comes next, as soon as somebody reads."""

    __slots__ = ("ask",)

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Iterable[Event]]]) -> None:
        self.ask = ask


class Hang:
    """Let an attempt take `seconds`, and fail after them, or before if its time-out is over by then."""

    __slots__ = ("seconds", "what")

    def __init__(self, seconds: float, what: str = "connect") -> None:
        self.seconds = seconds
        self.what = what


Event: TypeAlias = "bytes | Wait | End | Later | Exception"
Answer: TypeAlias = Callable[[bytes], Iterable[Event]]
"""What a connection answers to each write."""

Secured: TypeAlias = Callable[[TLSOptions], "Exception | Hang | None"]
"""What becomes of a handshake."""


class Accept:
    """Let a connection be made `after` some seconds; `secured` says what becomes of a handshake."""

    __slots__ = ("after", "answer", "secured")

    def __init__(self, answer: Answer, secured: Secured | None = None, after: float = 0.0) -> None:
        self.answer = answer
        self.secured = secured
        self.after = after


Peer: TypeAlias = Callable[[str, int], "Accept | Answer | Exception | Hang | float"]
"""What a host and port are: a connection's answers, why there is none, or the seconds that connecting would take."""


class Clock(Protocol):
    """What a back end needs of its clock."""

    def now(self) -> float:
        """Return the time in seconds; it never goes back."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        ...

    async def wait(self, until: float | None, ready: Callable[[], bool] | None = None) -> bool:
        """Return True as soon as it is `ready`, or False when the clock shows `until`."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def turn(self) -> None:
        """Let the others run, without any time passing."""
        ...


class HandClock:
    """A clock that moves at once, for nobody else runs."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._now += seconds

    async def wait(self, until: float | None, ready: Callable[[], bool] | None = None) -> bool:
        """Move to the end of the wait: nothing becomes ready meanwhile. Raises RuntimeError if it has no end."""
        if until is None or until == FOR_EVER:
            raise endless_wait()
        self._now = max(self._now, until)
        return False

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.advance(seconds)

    async def turn(self) -> None:
        """Do nothing."""


def endless_wait() -> RuntimeError:
    """Return the error for a wait that nothing can end."""
    return RuntimeError("The script has nothing more to say, and the wait has no time-out: it would last for ever.")


class MemoryTurn:
    """A place in a queue."""

    __slots__ = ("_clock", "value")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.value: Any = None

    def give(self, value: object) -> None:
        """Hand over `value`."""
        self.value = value

    def _is_given(self) -> bool:
        return self.value is not None

    async def wait(self, timeout: float | None) -> None:
        """Let the time pass, and give up unless something was given meanwhile. Raises TimedOut."""
        if self.value is None and not await self._clock.wait(_end(self._clock, timeout), self._is_given):
            raise TimedOut


class MemoryBackend:
    """Connect to scripted peers. Satisfies `Backend`.

    `lock` makes the lock for state that several threads share, where there are several.
    """

    def __init__(
        self, peer: Peer, clock: Clock | None = None, lock: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> None:
        self._peer = peer
        self._lock = lock
        self.clock = clock or HandClock()
        self.streams: list[MemoryStream] = []

    def now(self) -> float:
        """Return the time on the clock."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.advance(seconds)

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock."""
        return self._lock()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return MemoryTurn(self.clock)

    async def sleep(self, seconds: float) -> None:
        """Let time pass on the clock."""
        await self.clock.sleep(seconds)

    async def resolve(self, host: str, port: int, timeout: float | None, names: Names | None = None) -> list[Address]:
        """Return the name itself."""
        return [(0, (host, port))]

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Ask the peer for a connection."""
        answer = self._peer(host, port)
        peer = f"{host}:{port}"
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, (int, float)):
            answer = Hang(answer)
        if isinstance(answer, Hang):
            await self.hang(answer, peer, timeout)
        if not isinstance(answer, Accept):
            assert callable(answer)
            answer = Accept(answer)
        if answer.after:
            if timeout is not None and timeout < answer.after:
                await self.hang(Hang(answer.after), peer, timeout)
            await self.clock.wait(self.now() + answer.after)
        stream = MemoryStream(self, answer.answer, peer, answer.secured)
        self.streams.append(stream)
        return stream

    async def hang(self, hang: Hang, peer: str, timeout: float | None) -> None:
        """Let an attempt take its time, and fail. Raises ConnectTimeout."""
        patience = hang.seconds if timeout is None else min(hang.seconds, timeout)
        await self.clock.wait(self.now() + patience)
        raise connect_timed_out(peer, timeout, hang.what)

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Ask the peer for a connection to a path, at port 0."""
        return await self.connect_tcp(path, 0, timeout, options)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` here: there is no loop to run it in."""
        callback()

    def has_ended(self) -> bool:
        """Return False: there is no loop to end."""
        return False

    def abandon(self) -> None:
        """Do nothing: there is nothing but the streams themselves."""

    def adopt(self, stream: Stream) -> bool:
        """Take over any stream: none belongs to a loop."""
        return isinstance(stream, MemoryStream)


def _end(clock: Clock, timeout: float | None) -> float | None:
    return None if timeout is None else clock.now() + timeout


class MemoryStream(Asking):
    """A connection to a scripted peer. Satisfies `Stream`."""

    __slots__ = ("_answer", "_backend", "_coming", "_last", "_secured", "closed", "on_event", "peer", "sent", "tls")

    def __init__(self, backend: MemoryBackend, answer: Answer, peer: str, secured: Secured | None = None) -> None:
        self._backend = backend
        self._answer = answer
        self._secured = secured
        self._coming: deque[tuple[float, Event]] = deque()
        # When the last thing that was said arrives: what is said later cannot overtake it.
        self._last = 0.0
        self.closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer
        self.sent = bytearray()
        self.tls: TLSOptions | None = None
        self._expect(answer(b""))

    def _expect(self, events: Iterable[Event]) -> None:
        """Note when each of `events` arrives."""
        due = max(self._backend.now(), self._last)
        for event in events:
            if isinstance(event, Wait):
                due += event.seconds
            else:
                self._coming.append((due, event))
        self._last = due

    async def read(self, timeout: float | None) -> bytes:
        """Return what the script says next. Raises ReadTimeout, and what the script raises."""
        clock = self._backend.clock
        until = _end(clock, timeout)
        await clock.turn()
        while True:
            if not self._coming:
                if not await clock.wait(until, self._has_news):
                    raise read_timed_out(self.peer, timeout)
                if not self._coming:
                    raise self._closed_here()
            due, event = self._coming[0]
            if until is not None and until < due:
                await clock.wait(until)
                raise read_timed_out(self.peer, timeout)
            if due > clock.now():
                await clock.wait(due)
            if isinstance(event, bytes):
                self._coming.popleft()
                return event
            if isinstance(event, End):
                return b""
            self._coming.popleft()
            if isinstance(event, OSError):
                raise ReadError(f"Reading from {self.peer} failed: {cause(event)}") from event
            if isinstance(event, Exception):
                raise event
            assert isinstance(event, Later)
            await self._ask(event)

    async def _ask(self, question: Later) -> None:
        rest, self._coming = self._coming, deque()
        try:
            self._expect(await question.ask())
        finally:
            self._coming += rest

    def _has_news(self) -> bool:
        return bool(self._coming) or self.closed

    def _closed_here(self) -> ReadError:
        return ReadError(f"Reading from {self.peer} failed: the connection was closed here while it was in use")

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Give `data` to the script."""
        self.sent += data
        self._expect(self._answer(bytes(data)))

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Note the options, and go on unsecured. Raises what the script says of handshakes."""
        failure = None if self._secured is None else self._secured(tls)
        if isinstance(failure, Exception):
            raise failure
        if isinstance(failure, Hang):
            await self._backend.hang(failure, self.peer, timeout)
        self.tls = tls
        return self

    def is_idle(self) -> bool:
        """Return whether the script has nothing to say now."""
        return not self.closed and (not self._coming or self._coming[0][0] > self._backend.now())

    def close(self) -> None:
        """Note that the connection is closed."""
        self.closed = True

    def abandon(self) -> None:
        """Note that the connection is closed."""
        self.closed = True

    def get_extra_info(self, info: str) -> Any:
        """Return whether something may be read; other facts there are none."""
        return not self.is_idle() if info == "is_readable" else None
