"""asyncio loops that cannot watch a descriptor, such as Windows' proactor: the loop's own transports.

Slower than the reactor, same contract. Bytes arrive in one reused buffer, and the transport is paused when enough of
them wait. TLS is our own, above the transport.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import ReadError, WriteError
from .asyncio import AsyncioParking
from .base import READ_SIZE, TURN_BUDGET, Asking, ConnectOptions, TimedOut, TLSOptions
from .eyeballs import Race
from .parking import Waiter
from .sockets import cause, connect_failed, open_unix_socket, read_timed_out, writable, write_timed_out

if TYPE_CHECKING:
    from .base import Stream


SHORTEST_PAUSE = 0.001
LONGEST_PAUSE = 0.02
"""Seconds between two looks at sockets that are being connected."""


class PortableAsyncio(AsyncioParking):
    """Open streams through the loop's own transports. Satisfies `Backend`."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout, options.names)
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout, started)
        return await self._wrap(sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket, where the system has them."""
        return await self._wrap(await open_unix_socket(self, path, timeout, options), path)

    async def _wrap(self, sock: socket.socket, peer: str) -> Stream:
        """Give a connected socket to the loop."""
        connect = self._loop.create_unix_connection if _is_unix(sock) else self._loop.create_connection
        stream = PortableStream(self, peer)
        try:
            await connect(lambda: stream, sock=sock)
        except OSError as error:
            # The peer has closed already.
            sock.close()
            raise connect_failed(peer, [cause(error)]) from error
        except BaseException:
            sock.close()
            raise
        return stream

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return those of `sockets` that are connected or failed; none when the time is over."""
        until = math.inf if timeout is None else self.now() + timeout
        pause = SHORTEST_PAUSE
        while not (arrived := writable(sockets, 0.0)) and (remaining := until - self.now()) > 0:
            # The loop tells nothing of sockets that are not its own yet.
            await self.sleep(min(pause, remaining))
            pause = min(2 * pause, LONGEST_PAUSE)
        return arrived

    def forget(self, sock: socket.socket) -> None:
        """Do nothing: nobody watches a socket between two waits."""

    def abandon(self) -> None:
        """Leave everything as it is: there is no fork where this back end is used."""

    def adopt(self, stream: Stream) -> bool:
        """Refuse: a transport belongs to its loop."""
        return False


def _is_unix(sock: socket.socket) -> bool:
    return sock.family == getattr(socket, "AF_UNIX", None)


class PortableStream(Asking, asyncio.BufferedProtocol):
    """A connection of the loop's. Satisfies `Stream`."""

    _transport: asyncio.Transport

    def __init__(self, backend: PortableAsyncio, peer: str) -> None:
        self._backend = backend
        self._buffer = memoryview(bytearray(READ_SIZE))
        self._arrived: deque[bytes] = deque()
        self._waiting_bytes = 0
        # Bytes to write before the other tasks get a turn, however fast the peer takes them.
        self._budget = TURN_BUDGET
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._reader: Waiter | None = None
        self._writer: Waiter | None = None
        self._writable = True
        self.on_event: Callable[[], None] | None = None
        self.peer = peer

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # Whatever the system does not take at once is to be waited for.
        transport.set_write_buffer_limits(high=0)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the one buffer."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Keep what arrived, and pause when a turn's worth waits."""
        self._arrived.append(bytes(self._buffer[:nbytes]))
        self._waiting_bytes += nbytes
        if self._waiting_bytes >= TURN_BUDGET and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._news()

    def eof_received(self) -> bool:
        """Note the end; the transport stays open for writing."""
        self._ended = True
        self._news()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and why."""
        self._ended = True
        self._error = self._error or exc
        self._writable = True
        self._news()
        self._wake(self._writer)

    def pause_writing(self) -> None:
        """Note that the transport's buffer is full."""
        self._writable = False

    def resume_writing(self) -> None:
        """Note that the transport's buffer has room."""
        self._writable = True
        self._wake(self._writer)

    def _news(self) -> None:
        if self._reader is not None:
            self._wake(self._reader)
        elif self.on_event is not None:
            self.on_event()

    def _wake(self, waiter: Waiter | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # The contract of a stream.

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        while not self._arrived and not self._ended:
            self._reader = self._backend.park(timeout)
            try:
                await self._reader
            except TimedOut:
                raise read_timed_out(self.peer, timeout) from None
            finally:
                self._backend.leave(self._reader)
                self._reader = None

        return self._take()

    def _take(self) -> bytes:
        """Return what arrived first, b"" at the end. Raises ReadError."""
        if not self._arrived:
            if self._error is not None:
                raise ReadError(f"Reading from {self.peer} failed: {cause(self._error)}") from self._error
            return b""
        data = self._arrived.popleft()
        self._waiting_bytes -= len(data)
        if self._paused and not self._arrived:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        if self._transport.is_closing():
            raise WriteError(f"Writing to {self.peer} failed: {cause(self._error or ConnectionResetError())}")
        self._transport.write(data)
        self._budget -= len(data)
        if self._budget <= 0:
            self._budget = TURN_BUDGET
            await self._backend.checkpoint()
        while not self._writable:
            self._writer = self._backend.park(timeout)
            try:
                await self._writer
            except TimedOut:
                raise write_timed_out(self.peer, timeout) from None
            finally:
                self._backend.leave(self._writer)
                self._writer = None
        if self._error is not None:
            raise WriteError(f"Writing to {self.peer} failed: {cause(self._error)}") from self._error

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured. Raises ConnectTimeout, ConnectError."""
        from .tls_over_stream import secure

        return await secure(self, tls, timeout, self._backend.now)

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None where there is nothing. Raises ReadError."""
        return None if self.is_idle() else self._take()

    def send_now(self, data: bytes) -> int:
        """Send all of `data`, or nothing where the transport still has some. Raises OSError."""
        if self._transport.is_closing():
            raise self._error or ConnectionResetError()
        if not self._writable:
            return 0
        self._transport.write(data)
        return len(data)

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived, or may be taken. Raises TimedOut."""
        self._budget -= READ_SIZE
        if self._arrived or self._ended or (writing and self._writable):
            if self._budget <= 0:
                self._budget = TURN_BUDGET
                await self._backend.checkpoint()
            return
        self._budget = TURN_BUDGET
        waiter = self._reader = self._writer = self._backend.park(timeout)
        try:
            await waiter
        finally:
            self._backend.leave(waiter)
            self._reader = self._writer = None

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        return not (self._arrived or self._ended or self._transport.is_closing())

    def close(self) -> None:
        """Close without waiting for what is still unsent; whoever still waits fails."""
        if self._transport.is_closing():
            return
        self._error = ConnectionAbortedError("the connection was closed here while it was in use")
        self.on_event = None
        if not self._backend.has_ended():
            self._transport.abort()

    def abandon(self) -> None:
        """Leave everything as it is: there is no fork where this back end is used."""

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        names = {"client_addr": "sockname", "server_addr": "peername", "socket": "socket"}
        if info == "is_readable":
            return not self.is_idle()
        return self._transport.get_extra_info(names[info]) if info in names else None
