"""TLS in the reactor: on the same path as a plain stream.

Two things differ. What has come may hold more than one record, so a stream counts as readable until the last of them
was read. A record that the socket did not take whole waits for room, and nothing can be sent before it.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, cast

from .._errors import ReadError, ReadTimeout, WriteError, WriteTimeout
from .base import READ_SIZE, TLS_WRITE_SIZE, TURN_BUDGET, TLSOptions
from .reactor_stream import SocketStream
from .sockets import connect_timed_out, tls_failed
from .tls_socket import TLSSocket

if TYPE_CHECKING:
    from .base import Stream
    from .parking import Waiter
    from .reactor import Reactor


class TLSStream(SocketStream):
    """A secured socket in a reactor."""

    __slots__ = ("_tls", "_write_budget")

    def __init__(self, reactor: Reactor, sock: socket.socket, peer: str, tls: TLSOptions) -> None:
        self._tls = TLSSocket(sock, tls)
        super().__init__(reactor, sock, peer)
        self._receive = self._tls.recv
        self._send = self._tls.send
        # Bytes to write before the other tasks get a turn: a fast peer may never make a write wait.
        self._write_budget = TURN_BUDGET

    async def handshake(self, timeout: float | None) -> None:
        """Do the handshake. Raises ConnectTimeout, ConnectError."""
        now = self._reactor.now
        until = None if timeout is None else now() + timeout
        try:
            while not self._step():
                while not self._feed():
                    await self._wait_readable(None if until is None else max(0.0, until - now()))
            await self._send_rest(None if until is None else max(0.0, until - now()))
        except (ReadTimeout, WriteTimeout):
            raise connect_timed_out(self.peer, timeout, "finish the TLS handshake") from None
        except (OSError, ValueError) as error:
            raise tls_failed(self.peer, error) from error

    def _step(self) -> bool:
        """Go on with the handshake as far as what has come allows; return whether it is done."""
        try:
            self._tls.handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def _feed(self) -> bool:
        """Take what has come for what waits for it; return whether there was anything."""
        try:
            self._tls.receive()
        except BlockingIOError:
            self._readable = False
            return False
        return True

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        while True:
            if not self._readable:
                if self._tls.unsent and self._writer is None:  # pragma: no cover - the peer asks, and takes no answer
                    self._writer = cast("Waiter", _Reply(self._tls))
                await self._wait_readable(timeout)
            elif self._budget <= 0:
                await self._yield_turn()
            try:
                data = self.receive_now()
            except OSError as error:
                raise self._broken(ReadError, "Reading from", error) from error
            if data is not None:
                if self._tls.is_drained() and not self._hung_up:
                    self._readable = False
                self._budget -= len(data)
                return data

    def answer(self, asker: Waiter) -> None:
        """Receive for the one who asked."""
        try:
            data = self.receive_now()
        except OSError as error:
            # It comes again in the `read()` that follows.
            self._put_back(error)
            asker.set_result(None)
            return
        if data is not None:
            # An end that was told already will not be told again.
            if self._tls.is_drained() and not self._hung_up:
                self._readable = False
            asker.set_result(data)

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        while True:
            try:
                return self._receive(READ_SIZE)
            except BlockingIOError:
                self._readable = False
                return None
            except ssl.SSLWantReadError:
                # A session ticket, or a part of a record.
                if self._tls.is_drained() and not self._hung_up:
                    self._readable = False
                    return None

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        tls = self._tls
        rest: bytes | memoryview = data
        while True:
            if tls.unsent:
                await self._send_rest(timeout)
            if not rest:
                return
            if self._write_budget <= 0:
                self._write_budget = TURN_BUDGET
                await self._reactor.checkpoint()
            try:
                sent = tls.send(rest if len(rest) <= TLS_WRITE_SIZE else memoryview(rest)[:TLS_WRITE_SIZE])
            except BlockingIOError:  # pragma: no cover - the peer negotiates anew before it takes more
                await self._renegotiate(timeout)
                sent = 0
            except OSError as error:
                raise self._broken(WriteError, "Writing to", error) from error
            rest = memoryview(rest)[sent:] if sent < len(rest) else b""
            self._write_budget -= sent

    async def _renegotiate(self, timeout: float | None) -> None:  # pragma: no cover - as above
        """Let the peer say what writing waits for. Raises OSError, ReadTimeout, WriteTimeout."""
        await self._send_rest(timeout)
        while not self._feed():
            await self._wait_readable(timeout)

    async def _send_rest(self, timeout: float | None) -> None:
        """Send the records of which the socket did not take all at once."""
        while True:
            try:
                self._tls.flush()
            except OSError as error:
                raise self._broken(WriteError, "Writing to", error) from error
            if not self._tls.unsent:
                return
            await self._wait_writable(timeout)

    def send_posted(self, data: bytes) -> None:
        """Send for the one who asked, unless it has given up. What is not taken at once is left to it."""
        super().send_posted(data)
        asker = self._asker
        if self._tls.unsent and asker is not None and not asker.done():
            asker.set_result(memoryview(b""))

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        return self._tls.send_now(data)

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return TLS inside of this TLS. Raises ConnectTimeout, ConnectError."""
        from .tls_over_stream import secure

        return await secure(self, tls, timeout, self._reactor.now)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        return self._tls.object if info == "ssl_object" else super().get_extra_info(info)


class _Reply:  # pragma: no cover - as above
    """Send what reading has to answer, in the place of a writer, when there is room: nobody waits for it."""

    __slots__ = ("_tls",)

    def __init__(self, tls: TLSSocket) -> None:
        self._tls = tls

    def done(self) -> bool:
        """Return False: it wants to be told."""
        return False

    def set_result(self, _: None) -> None:
        """Send. What is broken is told to who reads."""
        self._tls.reply()


async def secure(reactor: Reactor, sock: socket.socket, peer: str, tls: TLSOptions, timeout: float | None) -> TLSStream:
    """Return a TLS stream over a connected socket, which it takes over. Raises ConnectTimeout, ConnectError."""
    try:
        stream = TLSStream(reactor, sock, peer, tls)
    except (OSError, ValueError) as error:
        reactor.unwatch(sock.fileno())
        sock.close()
        raise tls_failed(peer, error) from error

    try:
        await stream.handshake(timeout)
    except BaseException:
        stream.close()
        raise
    return stream
