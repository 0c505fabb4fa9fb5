"""The blocking world: sockets with a time-out of their own. Async in form, and never suspending.

There is no reactor and no thread: an idle connection is looked at when it is taken from the pool. Only name resolution,
which nothing can interrupt, runs on the resolver's daemon threads.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from .._errors import ReadError, WriteError
from . import resolver
from .base import READ_SIZE, Address, ConnectOptions, TimedOut, TLSOptions, Turn
from .eyeballs import Race
from .sockets import (
    cause,
    close_descriptor,
    connect_failed,
    connect_timed_out,
    read_timed_out,
    set_options,
    socket_info,
    write_timed_out,
)

if TYPE_CHECKING:
    from .base import Stream


class BlockingTurn:
    """A place in the pool's queue, for a thread."""

    __slots__ = ("_given", "value")

    def __init__(self) -> None:
        self.value: Any = None
        # A lock that is taken until something is given: the cheapest thing that one thread can wait on with a time-out.
        self._given = threading.Lock()
        self._given.acquire()

    def give(self, value: object) -> None:
        """Hand over `value` and wake the thread."""
        self.value = value
        self._given.release()

    async def wait(self, timeout: float | None) -> None:
        """Return when a value was given. Raises TimedOut."""
        if not self._given.acquire(timeout=-1 if timeout is None else timeout):
            raise TimedOut


class BlockingBackend:
    """Open sockets that block. Satisfies `Backend`."""

    def now(self) -> float:
        """Return the system's monotonic time."""
        return time.monotonic()

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock."""
        return threading.Lock()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return BlockingTurn()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    async def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        """Look up `host` on a thread of the resolver."""
        if (literal := resolver.literal_address(host, port)) is not None:
            return [literal]

        turn = BlockingTurn()
        resolver.threads.submit(host, port, turn.give)
        try:
            await turn.wait(timeout)
        except TimedOut:
            raise connect_timed_out(f"{host}:{port}", timeout, "resolve the name to connect") from None

        if isinstance(turn.value, Exception):
            raise connect_failed(f"{host}:{port}", [cause(turn.value)]) from turn.value
        return cast("list[Address]", turn.value)

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout)
        if timeout is not None:
            timeout = max(0.0, timeout - (self.now() - started))
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout)
        return BlockingStream(sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            set_options(sock, options)
            sock.connect(path)
        except TimeoutError as error:
            sock.close()
            raise connect_timed_out(path, timeout) from error
        except OSError as error:
            sock.close()
            raise connect_failed(path, [cause(error)]) from error
        return BlockingStream(sock, path)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` here: there is no loop to run it in."""
        callback()

    def has_ended(self) -> bool:
        """Return False: there is no loop to end."""
        return False

    def abandon(self) -> None:
        """Do nothing: there is nothing but the streams themselves."""

    def adopt(self, stream: Stream) -> bool:
        """Refuse: there is one blocking world, so nothing changes hands."""
        return False

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return those of `sockets` that are connected or failed; none when the time is over."""
        return _connected(sockets, timeout)

    def forget(self, sock: socket.socket) -> None:
        """Do nothing: nobody watches a socket here."""


class BlockingStream:
    """A connected socket that blocks. Satisfies `Stream`."""

    __slots__ = ("_closed", "_descriptor", "_poll", "_receive", "_send", "_socket", "_timeout", "on_event", "peer")

    def __init__(self, sock: socket.socket, peer: str) -> None:
        self._socket = sock
        self._receive = sock.recv
        self._send = sock.send
        # Setting a time-out is a system call, so the last one is remembered. -1 stands for none set yet.
        self._timeout: float | None = -1
        self._poll: Callable[[], bool] | None = None
        self._closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer

    def _set_timeout(self, timeout: float | None) -> None:
        # Zero would mean "do not block" to the socket, and something else to the caller.
        self._socket.settimeout(timeout if timeout is None or timeout > 0 else 1e-6)
        self._timeout = timeout

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            return self._receive(READ_SIZE)
        except TimeoutError:
            raise read_timed_out(self.peer, timeout) from None
        except OSError as error:
            raise ReadError(f"Reading from {self.peer} failed: {cause(error)}") from error

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            sent = self._send(data)
            while sent < len(data):
                sent += self._send(memoryview(data)[sent:])
        except TimeoutError:
            raise write_timed_out(self.peer, timeout) from None
        except OSError as error:
            raise WriteError(f"Writing to {self.peer} failed: {cause(error)}") from error

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured. Raises ConnectTimeout, ConnectError."""
        from .blocking_tls import secure

        return secure(self._socket, self.peer, tls, timeout)

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything: one poll, which does not wait."""
        if self._closed:
            return False
        if self._poll is None:
            self._poll = _readable_now(self._socket)
        return not self._poll()

    def close(self) -> None:
        """Close the socket."""
        self._closed = True
        self._socket.close()

    def abandon(self) -> None:
        """Close this process's descriptor only."""
        self._closed = True
        close_descriptor(self._socket)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        if info == "is_readable":
            return not self.is_idle()
        return socket_info(self._socket, info)


def _connected(sockets: Sequence[socket.socket], timeout: float | None) -> list[socket.socket]:
    if hasattr(select, "poll"):
        # Not select.select: it cannot name a descriptor above 1023.
        poll = select.poll()
        for sock in sockets:
            poll.register(sock, select.POLLOUT)
        ready = {descriptor for descriptor, _ in poll.poll(None if timeout is None else max(1, round(timeout * 1000)))}
        return [sock for sock in sockets if sock.fileno() in ready]

    _, writable, failed = select.select([], sockets, sockets, timeout)  # pragma: no cover - Windows
    return [*writable, *failed]  # pragma: no cover - Windows


def _readable_now(sock: socket.socket) -> Callable[[], bool]:
    """Return a function that says whether reading would not block."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return lambda: bool(poll.poll(0))
    return lambda: bool(select.select([sock], [], [], 0)[0])  # pragma: no cover - Windows
