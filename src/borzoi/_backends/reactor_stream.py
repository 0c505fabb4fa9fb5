"""A socket in the reactor: it remembers its news, and receives and sends when somebody asks.

What was told once is not told again (the poller is edge-triggered), so a stream counts as readable until receiving
has found it empty. Whoever wants bytes receives them itself, save for those who asked and wait for the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._errors import NetworkError, ReadError, WriteError
from .base import BULK_SIZE, READ_SIZE, TURN_BUDGET, TimedOut, TLSOptions
from .poller import HANGUP, READ, WRITE
from .sockets import Receiving, cause, close_descriptor, read_timed_out, socket_info, write_timed_out

if TYPE_CHECKING:
    import socket

    from .base import Stream
    from .parking import Waiter
    from .reactor import Reactor


class SocketStream(Receiving):
    """A connected socket in a reactor. Satisfies `Stream`; TLS is a subclass."""

    __slots__ = (
        "_asker",
        "_budget",
        "_closed",
        "_descriptor",
        "_failure",
        "_hung_up",
        "_reactor",
        "_readable",
        "_reader",
        "_send",
        "_size",
        "_socket",
        "_writer",
        "on_event",
        "peer",
    )

    def __init__(self, reactor: Reactor, sock: socket.socket, peer: str) -> None:
        self._reactor = reactor
        self._socket = sock
        self._receive = sock.recv
        self._send: Callable[[bytes | memoryview], int] = sock.send
        self._descriptor = sock.fileno()
        self._reader: Waiter | None = None
        self._writer: Waiter | None = None
        # Who waits for bytes, not only for news: they are received for it.
        self._asker: Waiter | None = None
        self._budget = TURN_BUDGET
        self._size = READ_SIZE
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
            if self._asker is not None:
                if not self._asker.done():
                    self.answer(self._asker)
            elif self._reader is not None:
                if not self._reader.done():
                    self._reader.set_result(None)
            elif self.on_event is not None:
                self.on_event()
        if flags & WRITE and self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    async def ask(self, data: bytes, write_timeout: float | None, read_timeout: float | None) -> bytes:
        """Send all of `data`, and return the next bytes, b"" at the end. Raises as `write()` and `read()` do."""
        # hot path: of an exchange that is one small request and one small response.
        reactor = self._reactor
        gathers = reactor.gathers and not self._readable
        if not gathers:
            await self.write(data, write_timeout)
            if self._readable:
                return await self.read(read_timeout)

        waiter = self._asker = reactor.park(read_timeout)
        self._budget = TURN_BUDGET
        try:
            if gathers:
                reactor.post(self, data)
            answer: bytes | memoryview | None = await waiter
        except TimedOut:
            raise read_timed_out(self.peer, read_timeout) from None
        finally:
            self._asker = None
            reactor.deadlines.pop(waiter, None)
        if type(answer) is bytes:
            return answer
        if answer is not None:
            await self.write(bytes(answer), write_timeout)
        return await self.read(read_timeout)

    def send_posted(self, data: bytes) -> None:
        """Send for the one who asked, unless it has given up. What is not taken at once is left to it."""
        asker = self._asker
        if asker is None or asker.done():
            return
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            failure = self._broken(WriteError, "Writing to", error)
            failure.__cause__ = error
            asker.set_exception(failure)
            return
        if sent < len(data):
            asker.set_result(memoryview(data)[sent:])

    def answer(self, asker: Waiter) -> None:
        """Receive for the one who asked."""
        try:
            data = self._receive(READ_SIZE)
        except BlockingIOError:
            self._readable = False
            return
        except OSError as error:
            # It comes again in the `read()` that follows.
            self._put_back(error)
            asker.set_result(None)
            return
        # As in `read()`.
        if len(data) == READ_SIZE:
            self._size = BULK_SIZE
        elif not self._hung_up:
            self._readable = False
        asker.set_result(data)

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
            size = self._size
            try:
                data = self._receive(size)
            except BlockingIOError:
                self._readable = False
                continue
            except OSError as error:
                raise self._broken(ReadError, "Reading from", error) from error

            # A short read has emptied the socket (epoll(7), question 9), and new bytes will be told; but an end that
            # was told together with them will not be told again.
            if len(data) < size and not self._hung_up:
                self._readable = False
            else:
                self._budget -= len(data)
            self._size = READ_SIZE if len(data) < READ_SIZE else BULK_SIZE
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
            # It is what was asked for: read with another size it would pass for short.
            self._size = READ_SIZE
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
        self._wake(self._asker)
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
