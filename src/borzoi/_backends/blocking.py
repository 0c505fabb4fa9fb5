"""The blocking world: sockets with a time-out of their own. Async in form, and never suspending.

There is no reactor and no thread: an idle connection is looked at when it is taken from the pool. Only name resolution,
which nothing can interrupt, runs on the resolver's daemon threads.
"""

from __future__ import annotations

import math
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from .._errors import NetworkError, ReadError, ReadTimeout, WriteError, WriteTimeout
from . import resolver
from .base import BULK_SIZE, READ_SIZE, Address, ConnectOptions, TimedOut, TLSOptions, Turn
from .eyeballs import Race
from .sockets import (
    Receiving,
    cause,
    close_descriptor,
    is_time_out,
    open_unix_socket,
    read_timed_out,
    socket_info,
    writable,
    write_timed_out,
)

if TYPE_CHECKING:
    from .base import Stream
    from .resolver import Names


LONGEST_WAIT = 2_000_000.0
"""Seconds (23 days) that the system can be asked to wait: it counts milliseconds in 31 bits."""


def bounded(timeout: float | None) -> float | None:
    """Return a time-out that the system can keep: zero would mean "do not block" to a socket, too."""
    return None if timeout is None else min(max(timeout, 1e-6), LONGEST_WAIT)


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
        patience = bounded(timeout)
        if not self._given.acquire(timeout=-1 if patience is None else patience):
            raise TimedOut


class BlockingBackend:
    """Open sockets that block. Satisfies `Backend`."""

    now = staticmethod(time.monotonic)
    """Return the system's monotonic time."""

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock."""
        return threading.Lock()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return BlockingTurn()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)  # noqa: ASYNC251 - this world is async in form only

    async def resolve(self, host: str, port: int, timeout: float | None, names: Names | None = None) -> list[Address]:
        """Return the addresses of `host`, looked up on a thread of the resolver."""
        return await resolver.resolve(self, host, port, timeout, names)

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout, options.names)
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout, started)
        return BlockingStream(sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket."""
        sock = await open_unix_socket(self, path, timeout, options)
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
        return writable(sockets, bounded(timeout))

    def forget(self, sock: socket.socket) -> None:
        """Do nothing: nobody watches a socket here."""


NEVER = -2.0
"""Stands for the time-out of a socket that does not block at all."""

SYSTEM_TIMES_OUT = sys.platform == "linux" and sys.maxsize > 2**32
"""Whether SO_RCVTIMEO takes two longs here, the seconds and the microseconds."""


class BlockingStream(Receiving):
    """A connected socket that blocks. Satisfies `Stream`."""

    __slots__ = ("_closed", "_in_system", "_poll", "_send", "_size", "_socket", "_timeout", "on_event", "peer")

    def __init__(self, sock: socket.socket, peer: str) -> None:
        self._socket = sock
        self._receive = sock.recv
        self._send = sock.send
        self._size = READ_SIZE
        # Setting a time-out is a system call, so the last one is remembered. -1 stands for none set yet.
        self._timeout: float | None = -1
        # Python keeps a socket's time-out with a poll before each call. The system can keep it within the call: half
        # the system calls. Not for sockets of another make: those of TLS, and those that gevent puts in their place.
        self._in_system = SYSTEM_TIMES_OUT and type(sock).__module__ == "socket"
        self._poll: Callable[[], list[Any]] | None = None
        self._closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer

    def _set_timeout(self, timeout: float | None) -> None:
        if self._in_system:
            self._socket.settimeout(None)
            seconds = bounded(timeout)
            # Zero is how the system says "for ever".
            value = struct.pack("@ll", *divmod(0 if seconds is None else math.ceil(seconds * 1e6), 1_000_000))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
        else:
            self._socket.settimeout(bounded(timeout))
        self._timeout = timeout

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            data = self._receive(self._size)
        except (OSError, ValueError) as error:
            raise self._read_failed(error, timeout) from (None if is_time_out(error) else error)
        self._size = READ_SIZE if len(data) < READ_SIZE else BULK_SIZE
        return data or self._end()

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            sent = self._send(data)
            while sent < len(data):
                sent += self._send(memoryview(data)[sent:])
        except (OSError, ValueError) as error:
            raise self._write_failed(error, timeout) from error

    async def ask(self, data: bytes, write_timeout: float | None, read_timeout: float | None) -> bytes:
        """Send all of `data`, and return the next bytes, b"" at the end. Raises as `write()` and `read()` do."""
        # hot path: a request that is taken at once, as most are, and its answer need no coroutines of their own.
        try:
            if write_timeout != self._timeout:
                self._set_timeout(write_timeout)
            sent = self._send(data)
        except (OSError, ValueError) as error:
            raise self._write_failed(error, write_timeout) from error
        if sent < len(data):
            await self.write(data[sent:], write_timeout)
        if read_timeout != self._timeout:
            return await self.read(read_timeout)
        try:
            received = self._receive(READ_SIZE)
        except (OSError, ValueError) as error:
            raise self._read_failed(error, read_timeout) from (None if is_time_out(error) else error)
        if len(received) == READ_SIZE:
            self._size = BULK_SIZE
        return received or self._end()

    def _end(self) -> bytes:
        """Return the end of the stream. Raises ReadError where another thread closed it: that is not the peer's end."""
        if self._closed:
            raise self._broken(ReadError, "Reading from", EOFError())
        return b""

    def _read_failed(self, error: Exception, timeout: float | None) -> ReadTimeout | NetworkError:
        if is_time_out(error):
            return read_timed_out(self.peer, timeout)
        return self._broken(ReadError, "Reading from", error)

    def _write_failed(self, error: Exception, timeout: float | None) -> WriteTimeout | NetworkError:
        if is_time_out(error):
            return write_timed_out(self.peer, timeout)
        return self._broken(WriteError, "Writing to", error)

    def _broken(self, kind: type[NetworkError], doing: str, error: Exception) -> NetworkError:
        """Return the error for a connection that broke, or that was closed on this side."""
        if self._closed:
            return kind(f"{doing} {self.peer} failed: the connection was closed here while it was in use")
        return kind(f"{doing} {self.peer} failed: {cause(error)}")

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured. Raises ConnectTimeout, ConnectError."""
        from .blocking_tls import secure

        return secure(self._socket, self.peer, tls, timeout)

    def _stop_blocking(self) -> None:
        if self._timeout != NEVER:
            self._socket.setblocking(False)
            self._timeout = NEVER

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        self._stop_blocking()
        try:
            return self._receive(READ_SIZE)
        except BlockingIOError:
            return None

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        self._stop_blocking()
        try:
            return self._send(data)
        except BlockingIOError:
            return 0

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived, or may be taken; the system waits. Raises TimedOut."""
        # The poll object keeps the number of a descriptor, which may be another's by now.
        if not self._closed and not _wait_for(self._socket, bounded(timeout), writing=writing):
            raise TimedOut

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything: one poll, which does not wait."""
        if self._closed:
            return False
        if self._poll is None:
            self._poll = _readable_now(self._socket)
        return not self._poll()

    def close(self) -> None:
        """Close the socket; a thread that still uses it fails."""
        if self._closed:
            return
        self._closed = True
        try:
            # Closing alone would not wake a thread that waits in the system. SSLSocket's own method would wait, too.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            pass
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


def _wait_for(sock: socket.socket, timeout: float | None, *, writing: bool) -> bool:
    """Wait in the system until the socket can be read (or written, where asked for); return whether it can be."""
    if hasattr(select, "poll"):
        poll = select.poll()
        try:
            poll.register(sock, select.POLLIN | (select.POLLOUT if writing else 0))
        except ValueError:
            # Closed by another thread in this moment: using it says so.
            return True
        return bool(poll.poll(None if timeout is None else math.ceil(timeout * 1000)))
    found = select.select([sock], [sock] if writing else [], [], timeout)  # pragma: no cover - Windows
    return any(found)  # pragma: no cover - Windows


def _readable_now(sock: socket.socket) -> Callable[[], list[Any]]:
    """Return a function that gives an empty list while reading would block."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return partial(poll.poll, 0)
    return lambda: select.select([sock], [], [], 0)[0]  # pragma: no cover - Windows
