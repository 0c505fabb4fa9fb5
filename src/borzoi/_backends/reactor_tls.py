"""TLS in the reactor: a non-blocking SSLSocket on the same path as a plain one.

Two things differ. A read may leave decrypted or buffered records behind that no edge announces, so a stream counts as
readable until OpenSSL says that it wants more. A write may take nothing at all and must then be repeated with the
same bytes.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from .._errors import ReadError, ReadTimeout, WriteError, WriteTimeout
from .base import READ_SIZE, TLS_WRITE_SIZE, TURN_BUDGET, TLSOptions
from .reactor_stream import SocketStream
from .sockets import connect_timed_out, send_pieces, tls_failed, wrap_in_tls

if TYPE_CHECKING:
    from .base import Stream
    from .parking import Waiter
    from .reactor import Reactor


class TLSStream(SocketStream):
    """A secured socket in a reactor."""

    __slots__ = ("_write_budget",)

    _socket: ssl.SSLSocket
    _full = (ssl.SSLWantWriteError, ssl.SSLWantReadError)

    def __init__(self, reactor: Reactor, sock: ssl.SSLSocket, peer: str) -> None:
        super().__init__(reactor, sock, peer)
        # Bytes to write before the other tasks get a turn: a fast peer may never make a write wait.
        self._write_budget = TURN_BUDGET

    async def handshake(self, timeout: float | None) -> None:
        """Do the handshake. Raises ConnectTimeout, ConnectError."""
        now = self._reactor.now
        until = None if timeout is None else now() + timeout
        try:
            while True:
                remaining = None if until is None else max(0.0, until - now())
                try:
                    return self._socket.do_handshake()
                except ssl.SSLWantReadError:
                    self._readable = False
                    await self._wait_readable(remaining)
                except ssl.SSLWantWriteError:  # pragma: no cover - a hello is smaller than any socket's buffer
                    await self._wait_writable(remaining)
        except (ReadTimeout, WriteTimeout):
            raise connect_timed_out(self.peer, timeout, "finish the TLS handshake") from None
        except (OSError, ValueError) as error:
            raise tls_failed(self.peer, error) from error

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        while True:
            if not self._readable:
                await self._wait_readable(timeout)
            elif self._budget <= 0:
                await self._yield_turn()
            try:
                data = self._receive(READ_SIZE)
            except ssl.SSLWantReadError:
                self._readable = False
                continue
            except ssl.SSLWantWriteError:  # pragma: no cover - the peer asked for a new key, and takes nothing
                await self._wait_writable(timeout)
                continue
            except OSError as error:
                raise self._broken(ReadError, "Reading from", error) from error

            self._budget -= len(data)
            return data

    def answer(self, asker: Waiter) -> None:
        """Receive for the one who asked."""
        try:
            data = self.receive_now()
        except OSError as error:
            self._put_back(error)
            asker.set_result(None)
            return
        if data is not None:
            self._look_further()
            asker.set_result(data)

    def _look_further(self) -> None:
        """Find out whether there is more, which no edge announces: mostly not, and then the stream is idle."""
        try:
            more = self.receive_now()
        except OSError as error:
            self._put_back(error)
        else:
            if more is not None:
                self._put_back(more)

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        # SSL_write must be repeated with the same bytes after "want write", so each piece is kept until it is taken.
        rest = memoryview(data)
        while rest:
            if self._write_budget <= 0:
                self._write_budget = TURN_BUDGET
                await self._reactor.checkpoint()
            piece = rest[:TLS_WRITE_SIZE]
            try:
                sent = self._send(piece)
            except ssl.SSLWantWriteError:
                await self._wait_writable(timeout)
                continue
            except ssl.SSLWantReadError:  # pragma: no cover - the peer wants to renegotiate before it takes more
                self._readable = False
                await self._wait_readable(timeout)
                continue
            except OSError as error:
                raise self._broken(WriteError, "Writing to", error) from error
            rest = rest[sent:]
            self._write_budget -= sent

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        return send_pieces(self._send, data, self._full)

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return TLS inside of this TLS. Raises ConnectTimeout, ConnectError."""
        from .tls_over_stream import secure

        return await secure(self, tls, timeout, self._reactor.now)

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        try:
            return self._receive(READ_SIZE)
        except ssl.SSLWantReadError:
            self._readable = False
            return None


async def secure(reactor: Reactor, sock: socket.socket, peer: str, tls: TLSOptions, timeout: float | None) -> TLSStream:
    """Return a TLS stream over a connected socket, which it takes over. Raises ConnectTimeout, ConnectError."""
    descriptor = sock.fileno()
    try:
        wrapped = wrap_in_tls(sock, tls)
    except (OSError, ValueError) as error:
        reactor.unwatch(descriptor)
        raise tls_failed(peer, error) from error

    stream = TLSStream(reactor, wrapped, peer)
    try:
        await stream.handshake(timeout)
    except BaseException:
        stream.close()
        raise
    return stream
