"""trio where no descriptor tells of many sockets, as on Windows: trio watches each socket.

Slower than the reactor, same contract.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from .._errors import NetworkError, ReadError, WriteError
from . import resolver
from .base import READ_SIZE, TLS_WRITE_SIZE, Address, Asking, ConnectOptions, TimedOut, TLSOptions, Turn
from .eyeballs import Race
from .sockets import (
    Receiving,
    cause,
    close_descriptor,
    connect_timed_out,
    open_unix_socket,
    read_timed_out,
    send_pieces,
    socket_info,
    tls_failed,
    wrap_in_tls,
    write_timed_out,
)
from .trio import TrioRun

if TYPE_CHECKING:
    from .base import Stream
    from .resolver import Names

T = TypeVar("T")

_BROKEN = (trio.ClosedResourceError, OSError, ValueError)


def _seconds(timeout: float | None) -> float:
    return float("inf") if timeout is None else timeout


class TrioTurn:
    """A place in the pool's queue, for a task."""

    __slots__ = ("_given", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self._given = trio.Event()

    def give(self, value: object) -> None:
        """Hand over `value` and wake the task."""
        self.value = value
        self._given.set()

    async def wait(self, timeout: float | None) -> None:
        """Return when a value was given. Raises TimedOut."""
        with trio.move_on_after(_seconds(timeout)):
            await self._given.wait()
            return
        raise TimedOut


class PortableTrio(TrioRun):
    """Open sockets that trio watches one by one. Satisfies `Backend`."""

    def now(self) -> float:
        """Return the run's own time."""
        return trio.current_time()

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock that is always free: one thread runs the tasks."""
        return threading.RLock()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return TrioTurn()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await trio.sleep(seconds)

    async def resolve(self, host: str, port: int, timeout: float | None, names: Names | None = None) -> list[Address]:
        """Return the addresses of `host`, looked up on a thread of the resolver."""
        return await resolver.resolve(self, host, port, timeout, names)

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout, options.names)
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout, started)
        return PortableTrioStream(sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket, where the system has them."""
        return PortableTrioStream(await open_unix_socket(self, path, timeout, options), path)

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return those of `sockets` that are connected or failed; none when the time is over."""
        arrived: list[socket.socket] = []

        async def wait_for(sock: socket.socket) -> None:
            await trio.lowlevel.wait_writable(sock)
            arrived.append(sock)
            nursery.cancel_scope.cancel()

        with trio.move_on_after(_seconds(timeout)):
            async with trio.open_nursery() as nursery:
                for sock in sockets:
                    nursery.start_soon(wait_for, sock)
        return arrived

    def forget(self, sock: socket.socket) -> None:
        """Do nothing: nobody watches a socket between two waits."""

    def abandon(self) -> None:
        """Do nothing: there is nothing but the streams themselves."""

    def adopt(self, stream: Stream) -> bool:
        """Refuse: the pool opens another."""
        return False


class PortableTrioStream(Asking, Receiving):
    """A socket, plain or secured, that trio watches. Satisfies `Stream`."""

    __slots__ = ("_closed", "_socket", "on_event", "peer")

    def __init__(self, sock: socket.socket, peer: str) -> None:
        self._socket = sock
        self._receive = sock.recv
        self._closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer

    async def _until_done(self, wait: Callable[[Any], Awaitable[None]], operation: Callable[..., T], *args: Any) -> T:
        """Repeat `operation` until the socket lets it through; `wait` is for what a plain socket lacks."""
        while True:
            try:
                return operation(*args)
            except BlockingIOError:
                await wait(self._socket)
            except ssl.SSLWantReadError:
                await trio.lowlevel.wait_readable(self._socket)
            except ssl.SSLWantWriteError:
                await trio.lowlevel.wait_writable(self._socket)

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        try:
            with trio.fail_after(_seconds(timeout)):
                # Before receiving: a cancellation after it would lose the bytes.
                await trio.lowlevel.checkpoint()
                return await self._until_done(trio.lowlevel.wait_readable, self._receive, READ_SIZE)
        except trio.TooSlowError:
            raise read_timed_out(self.peer, timeout) from None
        except _BROKEN as error:
            raise self._broken(ReadError, "Reading from", error) from error

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        rest = memoryview(data)
        try:
            with trio.fail_after(_seconds(timeout)) as scope:
                while rest:
                    await trio.lowlevel.checkpoint()
                    sent = await self._until_done(trio.lowlevel.wait_writable, self._socket.send, rest[:TLS_WRITE_SIZE])
                    rest = rest[sent:]
                    # The time-out is for the next bytes to be taken, as in every world.
                    scope.deadline = trio.current_time() + _seconds(timeout)
        except trio.TooSlowError:
            raise write_timed_out(self.peer, timeout) from None
        except _BROKEN as error:
            raise self._broken(WriteError, "Writing to", error) from error

    def _broken(self, kind: type[NetworkError], doing: str, error: Exception) -> NetworkError:
        """Return the error for a connection that broke, or that was closed on this side."""
        if self._closed:
            return kind(f"{doing} {self.peer} failed: the connection was closed here while it was in use")
        return kind(f"{doing} {self.peer} failed: {cause(error)}")

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured. Raises ConnectTimeout, ConnectError."""
        if isinstance(self._socket, ssl.SSLSocket):
            from .tls_over_stream import secure

            return await secure(self, tls, timeout, trio.current_time)

        self._closed = True
        try:
            wrapped = wrap_in_tls(self._socket, tls)
        except (OSError, ValueError) as error:
            raise tls_failed(self.peer, error) from error

        secured = PortableTrioStream(wrapped, self.peer)
        try:
            await secured._handshake(wrapped.do_handshake, timeout)
        except BaseException:
            secured.close()
            raise
        return secured

    async def _handshake(self, handshake: Callable[[], None], timeout: float | None) -> None:
        try:
            with trio.fail_after(_seconds(timeout)):
                await self._until_done(trio.lowlevel.wait_readable, handshake)
        except trio.TooSlowError:
            raise connect_timed_out(self.peer, timeout, "finish the TLS handshake") from None
        except _BROKEN as error:
            raise tls_failed(self.peer, error) from error

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything but, say, a session ticket."""
        if self._closed:
            return False
        try:
            data = self.receive_now()
        except (OSError, ValueError) as error:
            self._put_back(error)
            return False
        if data is None:
            return True
        self._put_back(data)
        return False

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        try:
            return self._receive(READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        return send_pieces(self._socket.send, data, (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError))

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived, or may be taken. Raises TimedOut."""

        async def wait(until: Callable[[Any], Awaitable[None]]) -> None:
            with contextlib.suppress(*_BROKEN):
                await until(self._socket)
            nursery.cancel_scope.cancel()

        with trio.move_on_after(_seconds(timeout)) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait, trio.lowlevel.wait_readable)
                if writing:
                    nursery.start_soon(wait, trio.lowlevel.wait_writable)
        if scope.cancelled_caught:
            raise TimedOut

    def close(self) -> None:
        """Close the socket; a task that still uses it fails."""
        if self._closed:
            return
        self._closed = True
        # Outside of a run nobody waits.
        with contextlib.suppress(RuntimeError):
            trio.lowlevel.notify_closing(self._socket)
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
