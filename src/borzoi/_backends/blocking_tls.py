"""TLS in the blocking world: an SSLSocket with a time-out."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

from .base import READ_SIZE, TLS_WRITE_SIZE, TLSOptions
from .blocking import BlockingStream, bounded
from .sockets import connect_timed_out, is_time_out, send_pieces, tls_failed, wrap_in_tls

if TYPE_CHECKING:
    from .base import Stream


class BlockingTLSStream(BlockingStream):
    """A secured socket that blocks."""

    __slots__ = ("_has_news",)

    _socket: ssl.SSLSocket

    def __init__(self, sock: ssl.SSLSocket, peer: str) -> None:
        super().__init__(sock, peer)
        # Whether something was found that made the stream useless for the pool.
        self._has_news = False

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything but, say, a session ticket."""
        if self._closed or self._has_news or self._socket.pending():
            return False
        if super().is_idle():
            return True
        try:
            # A session ticket makes a socket readable, and is nothing of the application's.
            data = self.receive_now()
        except (OSError, ValueError) as error:
            self._put_back(error)
        else:
            if data is None:
                return True
            self._put_back(data)
        self._has_news = True
        return False

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        self._stop_blocking()
        try:
            return self._receive(READ_SIZE)
        except ssl.SSLWantReadError:
            return None

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        self._stop_blocking()
        return send_pieces(self._send, data, (ssl.SSLWantWriteError, ssl.SSLWantReadError))

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return TLS inside of this TLS. Raises ConnectTimeout, ConnectError."""
        from .tls_over_stream import secure as secure_above

        return await secure_above(self, tls, timeout, time.monotonic)

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data` in records of at most 16 KiB. Raises WriteTimeout, WriteError."""
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            rest = memoryview(data)
            while rest:
                rest = rest[self._send(rest[:TLS_WRITE_SIZE]) :]
        except (OSError, ValueError) as error:
            raise self._write_failed(error, timeout) from error


def secure(sock: socket.socket, peer: str, tls: TLSOptions, timeout: float | None) -> BlockingTLSStream:
    """Return a TLS stream over a connected socket, which it takes over. Raises ConnectTimeout, ConnectError."""
    try:
        sock.settimeout(bounded(timeout))
        wrapped = wrap_in_tls(sock, tls)
    except (OSError, ValueError) as error:
        raise tls_failed(peer, error) from error

    try:
        wrapped.do_handshake()
    except (OSError, ValueError) as error:
        wrapped.close()
        if is_time_out(error):
            raise connect_timed_out(peer, timeout, "finish the TLS handshake") from None
        raise tls_failed(peer, error) from error
    except BaseException:
        wrapped.close()
        raise
    return BlockingTLSStream(wrapped, peer)
