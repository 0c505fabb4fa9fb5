"""TLS in the blocking world: an SSLSocket with a time-out."""

from __future__ import annotations

import socket
import ssl

from .._errors import WriteError
from .base import TLS_WRITE_SIZE, TLSOptions
from .blocking import BlockingStream
from .sockets import cause, connect_timed_out, tls_failed, write_timed_out


class BlockingTLSStream(BlockingStream):
    """A secured socket that blocks."""

    __slots__ = ()

    _socket: ssl.SSLSocket

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything but, say, a session ticket."""
        if self._closed:
            return False
        if self._socket.pending():
            return False
        return super().is_idle() or self._only_housekeeping()

    def _only_housekeeping(self) -> bool:
        """Receive once without waiting: a session ticket makes a socket readable, and is nothing of the application's."""
        self._socket.setblocking(False)
        self._timeout = -1
        try:
            self._receive(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data` in records of at most 16 KiB. Raises WriteTimeout, WriteError."""
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            rest = memoryview(data)
            while rest:
                rest = rest[self._send(rest[:TLS_WRITE_SIZE]) :]
        except TimeoutError:
            raise write_timed_out(self.peer, timeout) from None
        except OSError as error:
            raise WriteError(f"Writing to {self.peer} failed: {cause(error)}") from error


def secure(sock: socket.socket, peer: str, tls: TLSOptions, timeout: float | None) -> BlockingTLSStream:
    """Return a TLS stream over a connected socket, which it takes over. Raises ConnectTimeout, ConnectError."""
    try:
        sock.settimeout(timeout if timeout is None or timeout > 0 else 1e-6)
        wrapped = tls.context.wrap_socket(
            sock,
            server_hostname=tls.server_hostname,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            session=tls.session,
        )
    except (OSError, ValueError) as error:
        sock.close()
        raise tls_failed(peer, error) from error

    try:
        wrapped.do_handshake()
    except TimeoutError:
        wrapped.close()
        raise connect_timed_out(peer, timeout, "finish the TLS handshake") from None
    except (OSError, ValueError) as error:
        wrapped.close()
        raise tls_failed(peer, error) from error
    except BaseException:
        wrapped.close()
        raise
    return BlockingTLSStream(wrapped, peer)
