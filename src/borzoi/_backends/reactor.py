"""The engine of the async worlds: our own non-blocking sockets behind one descriptor that the event loop watches.

The loop wakes once for a whole batch of ready sockets; the reactor then marks each stream and wakes its reader or
writer. It never receives for a stream that nobody reads: that is the back-pressure. Waking carries no bytes. What is
particular to a loop (waiters, timer, watching the one descriptor) is in `asyncio` and `trio`, which subclass
`Reactor`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .._errors import NetworkError, ReadError, WriteError
from .base import READ_SIZE, TURN_BUDGET, ConnectOptions, TimedOut, TLSOptions
from .eyeballs import Race
from .parking import Parking, Waiter
from .poller import HANGUP, READ, WRITE, Poller
from .sockets import (
    Receiving,
    cause,
    close_descriptor,
    open_unix_socket,
    read_timed_out,
    socket_info,
    write_timed_out,
)

if TYPE_CHECKING:
    from .base import Stream


class Watched(Protocol):
    """What the reactor tells about a descriptor's news."""

    def on_flags(self, flags: int) -> None:
        """React to READ, WRITE and HANGUP."""
        ...

    def on_failure(self, error: Exception) -> None:
        """End: reacting failed."""
        ...


class Reactor(Parking):
    """Watch the sockets of one event loop, and open new ones. Satisfies `Backend`."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: dict[int, Watched] = {}
        # Numbers that were closed since the last batch began.
        self._gone: set[int] = set()
        self._poller: Poller | None = None

    # What a loop supplies, besides the waiters and the timer of Parking.

    def attach(self, descriptor: int) -> None:
        """Have the loop call `ready` whenever `descriptor` is readable."""
        raise NotImplementedError

    def detach(self, descriptor: int) -> None:
        """Undo `attach`."""
        raise NotImplementedError

    # Descriptors.

    def watch(self, descriptor: int, watched: Watched) -> None:
        """Tell `watched` of each change of `descriptor`, replacing who was told before."""
        if self._poller is None:
            self._poller = Poller()
            self.attach(self._poller.fileno())
        if descriptor in self._watched:
            # An end that came together with the connection was told to the one before.
            self._poller.retell(descriptor)
        else:
            self._poller.register(descriptor)
        self._watched[descriptor] = watched

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor that is about to be closed; with the last one the poller is closed, too."""
        if self._watched.pop(descriptor, None) is None or self._poller is None:
            return
        self._gone.add(descriptor)
        self._poller.unregister(descriptor)
        if not self._watched:
            poller, self._poller = self._poller, None
            self.detach(poller.fileno())
            poller.close()

    def ready(self) -> None:
        """Tell each watched descriptor what happened to it."""
        if self._poller is None:
            return
        watched, gone = self._watched, self._gone
        gone.clear()
        for descriptor, flags in self._poller.poll():
            # A number that was closed, or closed and reused, in this very batch is not news for anybody.
            if descriptor in gone or (target := watched.get(descriptor)) is None:
                continue
            try:
                target.on_flags(flags)
            except Exception as error:  # noqa: BLE001 - what one stream's owner does wrong must not cost the others their news
                target.on_failure(error)

    def abandon(self) -> None:
        """Forget everything in a fork's child, closing only this process's copies of the descriptors."""
        self._watched.clear()
        self.deadlines.clear()
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    # The contract of a back end.

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout, options.names)
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout, started)
        return SocketStream(self, sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket."""
        sock = await open_unix_socket(self, path, timeout, options)
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
        try:
            for sock in sockets:
                self.watch(sock.fileno(), _Connecting(sock, arrived, waiter))
            await waiter
        except TimedOut:
            pass
        finally:
            self.leave(waiter)
        return arrived

    def forget(self, sock: socket.socket) -> None:
        """Stop watching a socket that is about to be closed."""
        self.unwatch(sock.fileno())


class _Connecting:
    """A socket on its way to being connected."""

    __slots__ = ("_arrived", "_sock", "_waiter")

    def __init__(self, sock: socket.socket, arrived: list[socket.socket], waiter: Waiter) -> None:
        self._sock = sock
        self._arrived = arrived
        self._waiter = waiter

    def on_flags(self, flags: int) -> None:
        """Note that the socket is connected or failed."""
        if flags & WRITE and self._sock not in self._arrived:
            self._arrived.append(self._sock)
            if not self._waiter.done():
                self._waiter.set_result(None)

    def on_failure(self, error: Exception) -> None:
        """Have the race find out."""


class SocketStream(Receiving):
    """A connected socket in a reactor. Satisfies `Stream`; TLS is a subclass."""

    __slots__ = (
        "_budget",
        "_closed",
        "_descriptor",
        "_failure",
        "_hung_up",
        "_reactor",
        "_readable",
        "_reader",
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
        # News may have come before the reactor watched: the first read looks for itself. A closed stream counts as
        # readable, too: reading then fails at once.
        self._readable = True
        self._hung_up = False
        self._closed = False
        self._failure: Exception | None = None
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
                # hot path: `_wait_readable()`, without a coroutine of its own.
                reactor = self._reactor
                waiter = self._reader = reactor.park(timeout)
                self._budget = TURN_BUDGET
                try:
                    await waiter
                except TimedOut:
                    raise read_timed_out(self.peer, timeout) from None
                finally:
                    self._reader = None
                    reactor.deadlines.pop(waiter, None)
            elif self._budget <= 0:
                await self._yield_turn()
            try:
                data = self._receive(READ_SIZE)
            except BlockingIOError:
                self._readable = False
                continue
            except OSError as error:
                raise self._broken(ReadError, "Reading from", error) from error

            # A short read has emptied the socket (epoll(7), question 9), and new bytes will be told; but an end that
            # was told together with them will not be told again.
            if len(data) < READ_SIZE and not self._hung_up:
                self._readable = False
            else:
                self._budget -= len(data)
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

    async def _yield_turn(self) -> None:
        """Let the others run: this stream has had its share. A cancellation here loses nothing."""
        self._budget = TURN_BUDGET
        await self._reactor.checkpoint()

    def _broken(self, kind: type[NetworkError], doing: str, error: Exception) -> NetworkError:
        """Return the error for a connection that broke, or that was closed on this side."""
        if self._closed and self._failure is None:
            return kind(f"{doing} {self.peer} failed: the connection was closed here while it was in use")
        return kind(f"{doing} {self.peer} failed: {cause(self._failure or error)}")

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self._broken(WriteError, "Writing to", error) from error
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
                raise self._broken(WriteError, "Writing to", error) from error
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

        # The socket is the secured stream's from here on, whatever comes of it.
        self._closed = self._readable = True
        return await secure(self._reactor, self._socket, self.peer, tls, timeout)

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        try:
            return self._receive(READ_SIZE)
        except BlockingIOError:
            self._readable = False
            return None

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        sent = 0
        try:
            # Until it would block, and not only until less than all is taken: then the poller tells when there is room.
            while sent < len(data):
                sent += self._send(memoryview(data)[sent:] if sent else data)
        except BlockingIOError:
            pass
        return sent

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived, or may be taken. Raises TimedOut."""
        if self._readable:
            self._budget -= READ_SIZE
            if self._budget <= 0:
                await self._yield_turn()
            return
        reactor = self._reactor
        # For writing too, whether it was asked for or not: room is told once, and only after there was none.
        waiter = self._reader = self._writer = reactor.park(timeout)
        self._budget = TURN_BUDGET
        try:
            await waiter
        finally:
            self._reader = self._writer = None
            reactor.leave(waiter)

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        if not self._readable:
            return True
        if self._closed:
            return False
        try:
            data = self.receive_now()
        except OSError as error:
            self._put_back(error)
            return False
        if data is not None:
            self._put_back(data)
            return False
        # Under TLS an end that was told may stand behind a session ticket.
        return not self._hung_up

    def move_to(self, reactor: Reactor) -> None:
        """Live on in another loop's reactor, the own one having ended with its loop."""
        self._reactor.unwatch(self._descriptor)
        self._reactor = reactor
        self._readable = True
        reactor.watch(self._descriptor, self)

    def close(self) -> None:
        """Unregister, then close; whoever still waits fails."""
        if self._closed:
            return
        self._closed = True
        self._readable = True
        self._reactor.unwatch(self._descriptor)
        self._socket.close()
        # They look for themselves, and find the socket closed.
        self._wake(self._reader)
        self._wake(self._writer)

    def _wake(self, waiter: Waiter | None) -> None:
        if waiter is not None and not waiter.done() and not self._reactor.has_ended():
            waiter.set_result(None)

    def on_failure(self, error: Exception) -> None:
        """Close, and fail whoever reads or writes: the stream's owner did not bear its news."""
        self._failure = error
        self.close()

    def abandon(self) -> None:
        """Close this process's descriptor only."""
        self._closed = True
        self._readable = True
        close_descriptor(self._socket)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        if info == "is_readable":
            return not self.is_idle()
        return socket_info(self._socket, info)
