"""The engine of the async worlds: our own non-blocking sockets behind one descriptor that the event loop watches.

The loop wakes once for a whole batch of ready sockets; the reactor then marks each stream and wakes its reader or writer. It
never receives for a stream that nobody reads: that is the back-pressure. Waking carries no bytes. What is particular to a
loop (waiters, timer, watching the one descriptor) is in `asyncio` and `trio`, which subclass `Reactor`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from .._errors import ReadError, WriteError
from . import resolver
from .base import READ_SIZE, TURN_BUDGET, Address, ConnectOptions, TimedOut, TLSOptions, Turn
from .eyeballs import Race
from .parking import ParkedTurn, Parking, Waiter
from .poller import HANGUP, READ, WRITE, Poller
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

BACKLOG_PAUSE = 0.01
"""Seconds between two attempts to connect to a Unix socket whose backlog is full."""

_NO_GUARD: AbstractContextManager[None] = nullcontext()


class Watched(Protocol):
    """What the reactor tells about a descriptor's news."""

    def on_flags(self, flags: int) -> None:
        """React to READ, WRITE and HANGUP."""
        ...


class Reactor(Parking):
    """Watch the sockets of one event loop, and open new ones. Satisfies `Backend`."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: dict[int, Watched] = {}
        self._poller: Poller | None = None

    # What a loop supplies, besides the waiters and the timer of Parking.

    def attach(self, descriptor: int) -> None:
        """Have the loop call `ready` whenever `descriptor` is readable."""
        raise NotImplementedError

    def detach(self, descriptor: int) -> None:
        """Undo `attach`."""
        raise NotImplementedError

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the loop; called from other threads, perhaps after the loop has ended."""
        raise NotImplementedError

    # Descriptors.

    def watch(self, descriptor: int, watched: Watched) -> None:
        """Tell `watched` of each change of `descriptor`, replacing who was told before."""
        if descriptor not in self._watched:
            if self._poller is None:
                self._poller = Poller()
                self.attach(self._poller.fileno())
            self._poller.register(descriptor)
        self._watched[descriptor] = watched

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor that is about to be closed; with the last one the poller is closed, too."""
        if self._watched.pop(descriptor, None) is None or self._poller is None:
            return
        self._poller.unregister(descriptor)
        if not self._watched:
            poller, self._poller = self._poller, None
            self.detach(poller.fileno())
            poller.close()

    def ready(self) -> None:
        """Tell each watched descriptor what happened to it."""
        if self._poller is None:
            return
        watched = self._watched
        for descriptor, flags in self._poller.poll():
            # A number that was closed, or closed and reused, in this very batch is not news for anybody.
            if (target := watched.get(descriptor)) is not None:
                target.on_flags(flags)

    def abandon(self) -> None:
        """Forget everything in a fork's child, closing only this process's copies of the descriptors."""
        self._watched.clear()
        self.deadlines.clear()
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    # The contract of a back end.

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock that does nothing: one thread runs the loop."""
        return _NO_GUARD

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return ParkedTurn(self)

    async def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        """Look up `host` on a thread of the resolver."""
        if (literal := resolver.literal_address(host, port)) is not None:
            return [literal]

        waiter = self.park(timeout)

        def done(outcome: resolver.Outcome) -> None:
            self.call_from_thread(partial(_answer, waiter, outcome))

        try:
            resolver.threads.submit(host, port, done)
            outcome = await waiter
        except TimedOut:
            raise connect_timed_out(f"{host}:{port}", timeout, "resolve the name to connect") from None
        finally:
            self.leave(waiter)

        if isinstance(outcome, Exception):
            raise connect_failed(f"{host}:{port}", [cause(outcome)]) from outcome
        return cast("list[Address]", outcome)

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout)
        if timeout is not None:
            timeout = max(0.0, timeout - (self.now() - started))
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout)
        return SocketStream(self, sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket."""
        until = None if timeout is None else self.now() + timeout
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            set_options(sock, options)
            while not _connected(sock, path):
                # The backlog is full: no event tells when that changes.
                if until is not None and self.now() >= until:
                    raise connect_timed_out(path, timeout)
                await self.sleep(BACKLOG_PAUSE)
        except OSError as error:
            sock.close()
            raise connect_failed(path, [cause(error)]) from error
        except BaseException:
            sock.close()
            raise
        return SocketStream(self, sock, path)

    def adopt(self, stream: Stream) -> bool:
        """Take over an idle stream of a loop that has ended."""
        if not isinstance(stream, SocketStream):
            return False
        stream.move_to(self)
        return True

    # The contract of a race.

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return those of `sockets` that are connected or failed; none when the time is over."""
        waiter = self.park(timeout)
        arrived: list[socket.socket] = []
        for sock in sockets:
            self.watch(sock.fileno(), _Connecting(sock, arrived, waiter))
        try:
            await waiter
        except TimedOut:
            pass
        finally:
            self.leave(waiter)
        return arrived

    def forget(self, sock: socket.socket) -> None:
        """Stop watching a socket that is about to be closed."""
        self.unwatch(sock.fileno())


def _answer(waiter: Waiter, outcome: resolver.Outcome) -> None:
    if not waiter.done():
        waiter.set_result(outcome)


def _connected(sock: socket.socket, path: str) -> bool:
    try:
        sock.connect(path)
    except BlockingIOError:
        return False
    return True


class _Connecting:
    """A socket on its way to being connected."""

    __slots__ = ("_arrived", "_sock", "_waiter")

    def __init__(self, sock: socket.socket, arrived: list[socket.socket], waiter: Waiter) -> None:
        self._sock = sock
        self._arrived = arrived
        self._waiter = waiter

    def on_flags(self, flags: int) -> None:
        """Note that the socket is connected or failed."""
        if flags & WRITE:
            self._arrived.append(self._sock)
            if not self._waiter.done():
                self._waiter.set_result(None)


class SocketStream:
    """A connected socket in a reactor. Satisfies `Stream`; TLS is a subclass."""

    __slots__ = (
        "_budget",
        "_closed",
        "_descriptor",
        "_hung_up",
        "_reactor",
        "_readable",
        "_reader",
        "_receive",
        "_send",
        "_socket",
        "_writer",
        "on_event",
        "peer",
    )

    def __init__(self, reactor: Reactor, sock: socket.socket, peer: str) -> None:
        self._reactor = reactor
        self._socket = sock
        self._receive = sock.recv
        self._send = sock.send
        self._descriptor = sock.fileno()
        self._reader: Waiter | None = None
        self._writer: Waiter | None = None
        self._budget = TURN_BUDGET
        # News may have come before the reactor watched: the first read looks for itself.
        self._readable = True
        self._hung_up = False
        self._closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer
        reactor.watch(self._descriptor, self)

    def on_flags(self, flags: int) -> None:
        """Remember the news, and wake who waits for it."""
        if flags & READ:
            self._readable = True
            if flags & HANGUP:
                self._hung_up = True
            if self._reader is not None:
                if not self._reader.done():
                    self._reader.set_result(None)
            elif self.on_event is not None:
                self.on_event()
        if flags & WRITE and self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        while True:
            if not self._readable:
                await self._wait_readable(timeout)
            try:
                data = self._receive(READ_SIZE)
            except BlockingIOError:
                self._readable = False
                continue
            except OSError as error:
                raise ReadError(f"Reading from {self.peer} failed: {cause(error)}") from error

            # A short read has emptied the socket (epoll(7), question 9), and new bytes will be told; but an end that was
            # told together with them will not be told again.
            if len(data) < READ_SIZE and not self._hung_up:
                self._readable = False
            else:
                await self._spend(len(data))
            return data

    async def _wait_readable(self, timeout: float | None) -> None:
        reactor = self._reactor
        waiter = self._reader = reactor.park(timeout)
        self._budget = TURN_BUDGET
        try:
            await waiter
        except TimedOut:
            raise read_timed_out(self.peer, timeout) from None
        finally:
            self._reader = None
            reactor.leave(waiter)

    async def _spend(self, size: int) -> None:
        """Let the others run when this stream has had its share of the turn."""
        self._budget -= size
        if self._budget <= 0:
            self._budget = TURN_BUDGET
            await self._reactor.checkpoint()

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise WriteError(f"Writing to {self.peer} failed: {cause(error)}") from error
        if sent < len(data):
            await self._write_rest(memoryview(data)[sent:], timeout)

    async def _write_rest(self, data: memoryview, timeout: float | None) -> None:
        while data:
            await self._wait_writable(timeout)
            try:
                sent = self._send(data)
            except BlockingIOError:
                continue
            except OSError as error:
                raise WriteError(f"Writing to {self.peer} failed: {cause(error)}") from error
            data = data[sent:]

    async def _wait_writable(self, timeout: float | None) -> None:
        reactor = self._reactor
        waiter = self._writer = reactor.park(timeout)
        try:
            await waiter
        except TimedOut:
            raise write_timed_out(self.peer, timeout) from None
        finally:
            self._writer = None
            reactor.leave(waiter)

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured. Raises ConnectTimeout, ConnectError."""
        from .reactor_tls import secure

        return await secure(self._reactor, self._socket, self.peer, tls, timeout)

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        if not self._readable:
            return not self._closed
        if self._hung_up or self._closed:
            return False
        try:
            self._receive(1)
        except BlockingIOError:
            self._readable = False
            return True
        except OSError:
            return False
        return False

    def move_to(self, reactor: Reactor) -> None:
        """Live on in another loop's reactor, the own one having ended with its loop."""
        self._reactor = reactor
        self._readable = True
        reactor.watch(self._descriptor, self)

    def close(self) -> None:
        """Unregister, then close; whoever still waits fails."""
        if self._closed:
            return
        self._closed = True
        self._reactor.unwatch(self._descriptor)
        self._socket.close()
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_exception(ReadError(f"The connection to {self.peer} was closed here while it was in use"))

    def abandon(self) -> None:
        """Close this process's descriptor only."""
        self._closed = True
        close_descriptor(self._socket)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        if info == "is_readable":
            return not self.is_idle()
        return socket_info(self._socket, info)
