"""A back end without a network: scripted peers, and a clock that moves only when somebody would wait.

A `Peer` says, for each connection, what to answer to the bytes it is sent: `bytes` arrive, `Wait` lets time pass, an
exception is raised to the reader, and `END` is the end of the stream. Nothing ever suspends, so the same script
serves every world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from .base import Address, ConnectOptions, TimedOut, TLSOptions, Turn
from .sockets import connect_timed_out, read_timed_out

if TYPE_CHECKING:
    from .base import Stream
    from .resolver import Names


class Wait:
    """Let `seconds` pass on the clock."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class End:
    """The end of the stream."""

    __slots__ = ()


END = End()
"""The end of the stream."""

Event: TypeAlias = "bytes | Wait | End | Exception"
Answer: TypeAlias = Callable[[bytes], Iterable[Event]]
"""What a connection answers to each write."""

Peer: TypeAlias = Callable[[str, int], Answer | Exception | float]
"""What a host and port are: a connection's answers, why there is none, or the seconds that connecting would take."""


class MemoryTurn:
    """A place in a queue. Nothing runs meanwhile, so whoever has to wait waits in vain."""

    __slots__ = ("_backend", "value")

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend
        self.value: Any = None

    def give(self, value: object) -> None:
        """Hand over `value`."""
        self.value = value

    async def wait(self, timeout: float | None) -> None:
        """Let the time pass and give up. Raises TimedOut."""
        if self.value is None:
            self._backend.advance(_bounded(timeout))
            raise TimedOut


class MemoryBackend:
    """Connect to scripted peers. Satisfies `Backend`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._now = 0.0
        self.streams: list[MemoryStream] = []

    def now(self) -> float:
        """Return the time on the clock moved by hand."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._now += seconds

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock that does nothing."""
        return nullcontext()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return MemoryTurn(self)

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.advance(seconds)

    async def resolve(self, host: str, port: int, timeout: float | None, names: Names | None = None) -> list[Address]:
        """Return the name itself."""
        return [(0, (host, port))]

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Ask the peer for a connection."""
        answer = self._peer(host, port)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, (int, float)):
            self.advance(_bounded(timeout) if timeout is not None and timeout < answer else answer)
            raise connect_timed_out(f"{host}:{port}", timeout)
        stream = MemoryStream(self, answer, f"{host}:{port}")
        self.streams.append(stream)
        return stream

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


def _bounded(timeout: float | None) -> float:
    if timeout is None:
        raise RuntimeError("The script has nothing more to say, and the wait has no time-out: it would last for ever.")
    return timeout


class MemoryStream:
    """A connection to a scripted peer. Satisfies `Stream`."""

    __slots__ = ("_answer", "_backend", "_coming", "closed", "on_event", "peer", "sent", "tls")

    def __init__(self, backend: MemoryBackend, answer: Answer, peer: str) -> None:
        self._backend = backend
        self._answer = answer
        self._coming: deque[Event] = deque(answer(b""))
        self.closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer
        self.sent = bytearray()
        self.tls: TLSOptions | None = None

    async def read(self, timeout: float | None) -> bytes:
        """Return what the script says next. Raises ReadTimeout, and what the script raises."""
        patience = timeout
        while True:
            if not self._coming:
                self._backend.advance(_bounded(patience))
                raise read_timed_out(self.peer, timeout)
            event = self._coming.popleft()
            if isinstance(event, bytes):
                return event
            if isinstance(event, Exception):
                raise event
            if isinstance(event, End):
                self._coming.appendleft(event)
                return b""
            patience = self._let_pass(event.seconds, patience, timeout)

    def _let_pass(self, seconds: float, patience: float | None, timeout: float | None) -> float | None:
        if patience is None:
            self._backend.advance(seconds)
            return None
        if seconds > patience:
            self._backend.advance(patience)
            self._coming.appendleft(Wait(seconds - patience))
            raise read_timed_out(self.peer, timeout)
        self._backend.advance(seconds)
        return patience - seconds

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Give `data` to the script."""
        self.sent += data
        for event in self._answer(bytes(data)):
            self._coming.append(event)

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Note the options, and go on unsecured."""
        self.tls = tls
        return self

    def is_idle(self) -> bool:
        """Return whether the script has nothing to say now."""
        return not self.closed and (not self._coming or isinstance(self._coming[0], Wait))

    def close(self) -> None:
        """Note that the connection is closed."""
        self.closed = True

    def abandon(self) -> None:
        """Note that the connection is closed."""
        self.closed = True

    def get_extra_info(self, info: str) -> Any:
        """Return whether something may be read; other facts there are none."""
        return not self.is_idle() if info == "is_readable" else None
