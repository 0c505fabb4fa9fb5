"""The contract that each world's back end keeps, and that everything above is written against.

A `Stream` carries bytes. `read` returns what has arrived (b"" at the end of the stream), `write` returns when the
system has taken all bytes. Time-outs are seconds from the call; None waits for ever. Every failure is an exception of
the library's tree whose text names the peer and the cause. `close` never awaits. Waking a reader carries no bytes:
they stay in the socket, so that a cancelled reader loses nothing.

A `Backend` opens streams and knows its world's clock. Nothing above knows which world it is in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    import ssl
    from contextlib import AbstractContextManager

    from .resolver import Names

READ_SIZE = 65536
"""Bytes asked of the system in one receive: most responses are small, and a larger buffer costs more to allocate."""

BULK_SIZE = 262144
"""Bytes asked for where the receive before gave `READ_SIZE` or more: a quarter of the calls and of the peer's wakes."""

TURN_BUDGET = 262144
"""Bytes that one stream may receive before the other tasks of the loop get a turn."""

TLS_WRITE_SIZE = 16384
"""Bytes in one TLS write, a record's worth: more leaves an unknown part written when the socket is full."""

Address: TypeAlias = tuple[int, tuple[Any, ...]]
"""A socket family and the address to connect to in it."""

SocketOptions: TypeAlias = Sequence[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]
"""Arguments for `socket.setsockopt`, one tuple a call."""


class TimedOut(Exception):
    """A wait reached its deadline. Never leaves the back ends and the pool."""


class Remaining(float):
    """What is left of a time-out. A text names the whole of it, which is what the program has set."""

    __slots__ = ("whole",)

    def __new__(cls, left: float, whole: float) -> Self:
        """Return what is left, zero at least, of `whole`."""
        remaining = super().__new__(cls, max(0.0, left))
        # What is left of a rest is left of the whole.
        remaining.whole = getattr(whole, "whole", whole)
        return remaining

    whole: float


class ConnectOptions:
    """Say how a socket is to be opened: from which local address, with which options, and who knows the names."""

    __slots__ = ("local_address", "names", "socket_options")

    def __init__(
        self,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
        names: Names | None = None,
    ) -> None:
        self.local_address = local_address
        self.socket_options = tuple(socket_options or ())
        self.names = names

    def unguarded(self) -> ConnectOptions:
        """Return the same options without the guard."""
        names = None if self.names is None else self.names.unguarded()
        return ConnectOptions(self.local_address, self.socket_options, names)


class Stream(Protocol):
    """Carry bytes to and from one peer."""

    on_event: Callable[[], None] | None
    """Called when something happened to the stream while nobody was reading."""

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        ...

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        ...

    async def ask(self, data: bytes, write_timeout: float | None, read_timeout: float | None) -> bytes:
        """Send all of `data`, and return the next bytes, b"" at the end. Raises as `write()` and `read()` do.

        Nothing else may be done with the stream meanwhile; where this is broken off, nothing but closing it.
        """
        ...

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured; this object is then no longer used. Raises ConnectTimeout, ConnectError."""
        ...

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything: asked of a stream that rests in the pool."""
        ...

    def close(self) -> None:
        """Close at once; closing twice does nothing."""
        ...

    def abandon(self) -> None:
        """Close this process's descriptor only: a fork's child may reach neither the peer nor the parent's reactor."""
        ...

    def get_extra_info(self, info: str) -> Any:
        """Return `ssl_object`, `client_addr`, `server_addr`, `socket` or `is_readable`; None where there is none."""
        ...


class Asking:
    """What a stream needs to ask, where that is no more than a write and a read."""

    __slots__ = ()

    async def ask(self: Stream, data: bytes, write_timeout: float | None, read_timeout: float | None) -> bytes:
        """Send all of `data`, and return the next bytes, b"" at the end. Raises as `write()` and `read()` do."""
        await self.write(data, write_timeout)
        return await self.read(read_timeout)


class Duplex(Stream, Protocol):
    """A stream that is read and written at once, by whoever is there: what many exchanges share.

    Sending and receiving do not wait, and are never done by two threads at once. Waiting touches nothing but the
    readiness of the socket, and carries no bytes: breaking it off loses none.
    """

    peer: str
    """Who is at the other end, in words."""

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None where there is nothing.

        Raises OSError, ValueError, ReadError.
        """
        ...

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once, and return how many bytes that is. Raises as `receive_now()`.

        What was not taken comes again at the beginning of the next call, as under TLS it has to.
        """
        ...

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived or, where `writing`, may be taken. Raises TimedOut.

        It may return early. Nobody else may wait in or read from the stream meanwhile.
        """
        ...


_HIDES_CUTS = sys.version_info < (3, 11, 4)
"""Whether contexts take a cut for an end by default (python/cpython#95494). Later ones leave that to the program."""


class TLSOptions:
    """Say how a stream is to be secured. `session` resumes an earlier one with the same peer."""

    __slots__ = ("context", "server_hostname", "session")

    def __init__(self, context: ssl.SSLContext, server_hostname: str, session: ssl.SSLSession | None = None) -> None:
        if _HIDES_CUTS:  # pragma: no cover - decided by the interpreter
            show_cuts(context)
        self.context = context
        self.server_hostname = server_hostname
        self.session = session


def show_cuts(context: ssl.SSLContext) -> None:
    """Have a context report a connection that ends without a close_notify, as RFC 8446 6.1 asks."""
    import ssl

    # A context of truststore has options of its own; one for tests may have none.
    hiding = getattr(context, "options", 0) & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if hiding:
        context.options &= ~hiding


class Turn(Protocol):
    """Wait in a queue until somebody gives what is waited for."""

    value: Any
    """What was given, None before."""

    def __hash__(self) -> int:
        """Return the hash of the object itself."""
        ...

    def give(self, value: object) -> None:
        """Hand over `value`, which is not None, and wake who waits. Called at most once."""
        ...

    async def wait(self, timeout: float | None) -> None:
        """Return when a value was given. Raises TimedOut."""
        ...


class Backend(Protocol):
    """Open streams in one world."""

    def now(self) -> float:
        """Return the time in seconds on this world's monotonic clock."""
        ...

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock for state that several threads share; never held across an await."""
        ...

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def resolve(self, host: str, port: int, timeout: float | None, names: Names | None = None) -> list[Address]:
        """Return the addresses of `host` in the order to try them, as `names` have it.

        Raises ConnectError, ConnectTimeout.
        """
        ...

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to the first address that answers (RFC 8305). Raises ConnectError, ConnectTimeout."""
        ...

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket. Raises ConnectError, ConnectTimeout."""
        ...

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in this world's loop; called from other threads, perhaps after the loop has ended."""
        ...

    def has_ended(self) -> bool:
        """Return whether the event loop is over, so that nothing waits here any more and nothing ever will."""
        ...

    def abandon(self) -> None:
        """Forget everything in a fork's child, closing only this process's copies of the descriptors."""
        ...

    def adopt(self, stream: Stream) -> bool:
        """Take over an idle stream whose own loop has ended; False where this is not possible."""
        ...
