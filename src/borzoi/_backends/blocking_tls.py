"""TLS in the blocking world: on the same path as a plain stream, whose time-outs the system keeps."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from .base import READ_SIZE, TLS_WRITE_SIZE, TLSOptions
from .blocking import NEVER, BlockingStream
from .sockets import connect_timed_out, is_time_out, tls_failed
from .tls_socket import TLSSocket

if TYPE_CHECKING:
    from .base import Stream


class BlockingTLSStream(BlockingStream):
    """A secured socket that blocks."""

    __slots__ = ("_has_news", "_tls")

    def __init__(self, sock: socket.socket, peer: str, tls: TLSOptions) -> None:
        super().__init__(sock, peer)
        self._tls = TLSSocket(sock, tls)
        self._receive = self._tls.recv
        # Whether something was found that made the stream useless for the pool.
        self._has_news = False

    def handshake(self, timeout: float | None) -> None:
        """Do the handshake. Raises OSError, ValueError."""
        began = time.monotonic()
        left = timeout
        while True:
            self._set_timeout(left)
            try:
                return self._tls.handshake()
            except ssl.SSLWantReadError:
                self._tls.receive()
            left = _left(timeout, began)

    async def ask(self, data: bytes, write_timeout: float | None, read_timeout: float | None) -> bytes:
        """Send all of `data`, and return the next bytes, b"" at the end. Raises as `write()` and `read()` do."""
        self._write(data, write_timeout)
        return self._read(read_timeout)

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        return self._read(timeout)

    def _read(self, timeout: float | None) -> bytes:
        began = time.monotonic()
        left = timeout
        try:
            while True:
                if left != self._timeout:
                    self._set_timeout(left)
                try:
                    return self._receive(READ_SIZE) or self._end()
                except ssl.SSLWantReadError:
                    # A session ticket, or a part of a record: the time-out is for all of it.
                    left = _left(timeout, began)
        except (OSError, ValueError) as error:
            raise self._read_failed(error, timeout) from (None if is_time_out(error) else error)

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data` in records of at most 16 KiB. Raises WriteTimeout, WriteError."""
        self._write(data, timeout)

    def _write(self, data: bytes, timeout: float | None) -> None:
        tls = self._tls
        rest: bytes | memoryview = data
        try:
            if timeout != self._timeout:
                self._set_timeout(timeout)
            while rest:
                try:
                    sent = tls.send(rest if len(rest) <= TLS_WRITE_SIZE else memoryview(rest)[:TLS_WRITE_SIZE])
                except BlockingIOError:  # pragma: no cover - the peer negotiates anew before it takes more
                    tls.receive()
                    continue
                if tls.unsent:
                    raise TimeoutError
                rest = memoryview(rest)[sent:] if sent < len(rest) else b""
        except (OSError, ValueError) as error:
            raise self._write_failed(error, timeout) from error

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything but, say, a session ticket."""
        if self._closed or self._has_news:
            return False
        if not self._may_receive():
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
        # Who reads and writes by turns has a time-out set, and setting it anew would take three system calls.
        while self._timeout == NEVER or self._may_receive():
            try:
                return self._receive(READ_SIZE)
            except ssl.SSLWantReadError:
                continue
            except BlockingIOError:
                return None
        return None

    def _may_receive(self) -> bool:
        return self._has_news or self._tls.has_more() or not super().is_idle()

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError."""
        self._stop_blocking()
        return self._tls.send_now(data)

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return TLS inside of this TLS. Raises ConnectTimeout, ConnectError."""
        from .tls_over_stream import secure as secure_above

        return await secure_above(self, tls, timeout, time.monotonic)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        return self._tls.object if info == "ssl_object" else super().get_extra_info(info)


def _left(timeout: float | None, began: float) -> float | None:
    """Return what is left of a time-out. Raises TimeoutError where that is nothing."""
    if timeout is None:
        return None
    left = timeout - (time.monotonic() - began)
    if left <= 0:
        raise TimeoutError
    return left


def secure(sock: socket.socket, peer: str, tls: TLSOptions, timeout: float | None) -> BlockingTLSStream:
    """Return a TLS stream over a connected socket, which it takes over. Raises ConnectTimeout, ConnectError."""
    try:
        stream = BlockingTLSStream(sock, peer, tls)
        stream.handshake(timeout)
    except BaseException as error:
        sock.close()
        if isinstance(error, (OSError, ValueError)):
            if is_time_out(error):
                raise connect_timed_out(peer, timeout, "finish the TLS handshake") from None
            raise tls_failed(peer, error) from error
        raise
    return stream
