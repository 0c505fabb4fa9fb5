"""TLS in the reactor: a non-blocking SSLSocket on the same path as a plain one.

Two things differ. A read may leave decrypted or buffered records behind that no edge announces, so a stream counts as readable
until OpenSSL says that it wants more. A write may take nothing at all and must then be repeated with the same bytes.
"""

from __future__ import annotations

import socket
import ssl

from .._errors import ReadError, WriteError
from .base import READ_SIZE, TLS_WRITE_SIZE, TLSOptions
from .reactor import Reactor, SocketStream
from .sockets import cause, connect_timed_out, tls_failed
from .._errors import ReadTimeout, WriteTimeout


class TLSStream(SocketStream):
    """A secured socket in a reactor."""

    __slots__ = ()

    _socket: ssl.SSLSocket

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
                except ssl.SSLWantWriteError:
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
            try:
                data = self._receive(READ_SIZE)
            except ssl.SSLWantReadError:
                self._readable = False
                continue
            except ssl.SSLWantWriteError:
                await self._wait_writable(timeout)
                continue
            except OSError as error:
                raise ReadError(f"Reading from {self.peer} failed: {cause(error)}") from error

            await self._spend(len(data))
            return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        # SSL_write must be repeated with the same bytes after "want write", so each piece is kept until it is taken.
        rest = memoryview(data)
        while rest:
            piece = rest[:TLS_WRITE_SIZE]
            try:
                sent = self._send(piece)
            except ssl.SSLWantWriteError:
                await self._wait_writable(timeout)
                continue
            except ssl.SSLWantReadError:
                self._readable = False
                await self._wait_readable(timeout)
                continue
            except OSError as error:
                raise WriteError(f"Writing to {self.peer} failed: {cause(error)}") from error
            rest = rest[sent:]

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything but, say, a session ticket."""
        if not self._readable:
            return not self._closed
        if self._closed:
            return False
        try:
            self._receive(1)
        except ssl.SSLWantReadError:
            # Nothing of the application's: but an end that was told may stand behind it.
            self._readable = False
            return not self._hung_up
        except OSError:
            return False
        return False


async def secure(reactor: Reactor, sock: socket.socket, peer: str, tls: TLSOptions, timeout: float | None) -> TLSStream:
    """Return a TLS stream over a connected socket, which it takes over. Raises ConnectTimeout, ConnectError."""
    try:
        wrapped = tls.context.wrap_socket(
            sock,
            server_hostname=tls.server_hostname,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            session=tls.session,
        )
    except (OSError, ValueError) as error:
        reactor.unwatch(sock.fileno())
        sock.close()
        raise tls_failed(peer, error) from error

    stream = TLSStream(reactor, wrapped, peer)
    try:
        await stream.handshake(timeout)
    except BaseException:
        stream.close()
        raise
    return stream
