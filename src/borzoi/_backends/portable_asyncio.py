"""asyncio loops that cannot watch a descriptor, such as Windows' proactor: the loop's own transports.

Slower than the reactor, same contract. Bytes arrive in one reused buffer, and the transport is paused while nobody reads.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from .._errors import ReadError, WriteError
from . import resolver
from .asyncio import AsyncioParking
from .base import READ_SIZE, TURN_BUDGET, Address, ConnectOptions, TimedOut, TLSOptions, Turn
from .eyeballs import ATTEMPT_DELAY
from .parking import ParkedTurn, Waiter
from .sockets import (
    cause,
    connect_failed,
    connect_timed_out,
    read_timed_out,
    set_options,
    tls_failed,
    write_timed_out,
)

if TYPE_CHECKING:
    from .base import Stream


class PortableAsyncio(AsyncioParking):
    """Open streams through the loop's own transports. Satisfies `Backend`."""

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock that does nothing: one thread runs the loop."""
        return nullcontext()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return ParkedTurn(self)

    async def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        """Look up `host` on a thread of the loop's."""
        try:
            async with asyncio.timeout(timeout):
                found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise connect_timed_out(f"{host}:{port}", timeout, "resolve the name to connect") from None
        except (OSError, UnicodeError) as error:
            raise connect_failed(f"{host}:{port}", [cause(error)]) from error
        return resolver.interleave_families([(int(family), address) for family, _, _, _, address in found])

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Let the loop resolve and race the addresses."""
        local = None if options.local_address is None else (options.local_address, 0)
        peer = f"{host}:{port}"
        try:
            async with asyncio.timeout(timeout):
                _, protocol = await self._loop.create_connection(
                    lambda: PortableStream(self, peer),
                    host,
                    port,
                    local_addr=local,
                    happy_eyeballs_delay=ATTEMPT_DELAY,
                )
        except TimeoutError:
            raise connect_timed_out(peer, timeout) from None
        except OSError as error:
            raise connect_failed(peer, [cause(error)]) from error

        set_options(protocol.get_extra_info("socket"), options)
        return protocol

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket, where the loop can."""
        try:
            async with asyncio.timeout(timeout):
                _, protocol = await self._loop.create_unix_connection(lambda: PortableStream(self, path), path)
        except TimeoutError:
            raise connect_timed_out(path, timeout) from None
        except (OSError, NotImplementedError) as error:
            raise connect_failed(path, [cause(error)]) from error

        set_options(protocol.get_extra_info("socket"), options)
        return protocol

    def abandon(self) -> None:
        """Leave everything as it is: there is no fork where this back end is used."""

    def adopt(self, stream: Stream) -> bool:
        """Refuse: a transport belongs to its loop."""
        return False


class PortableStream(asyncio.BufferedProtocol):
    """A connection of the loop's. Satisfies `Stream`."""

    _transport: asyncio.Transport

    def __init__(self, backend: PortableAsyncio, peer: str) -> None:
        self._backend = backend
        self._buffer = memoryview(bytearray(READ_SIZE))
        self._arrived: deque[bytes] = deque()
        self._waiting_bytes = 0
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
        self._error = exc
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

        if self._arrived:
            return self._take()
        if self._error is not None:
            raise ReadError(f"Reading from {self.peer} failed: {cause(self._error)}") from self._error
        return b""

    def _take(self) -> bytes:
        data = self._arrived.popleft()
        self._waiting_bytes -= len(data)
        if self._paused and not self._arrived:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        if self._transport.is_closing():
            raise WriteError(f"Writing to {self.peer} failed: {cause(self._error or ConnectionResetError('closed'))}")
        self._transport.write(data)
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
        try:
            async with asyncio.timeout(timeout):
                transport = await asyncio.get_running_loop().start_tls(
                    self._transport, self, tls.context, server_hostname=tls.server_hostname
                )
        except TimeoutError:
            self.close()
            raise connect_timed_out(self.peer, timeout, "finish the TLS handshake") from None
        except (OSError, ValueError) as error:
            self.close()
            raise tls_failed(self.peer, error) from error
        except BaseException:
            self.close()
            raise
        assert transport is not None
        self._transport = transport
        return self

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        return not (self._arrived or self._ended or self._transport.is_closing())

    def close(self) -> None:
        """Close without waiting for what is still unsent."""
        self._transport.abort()

    def abandon(self) -> None:
        """Leave everything as it is: there is no fork where this back end is used."""

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        names = {"client_addr": "sockname", "server_addr": "peername", "ssl_object": "ssl_object", "socket": "socket"}
        if info == "is_readable":
            return not self.is_idle()
        return self._transport.get_extra_info(names[info]) if info in names else None
