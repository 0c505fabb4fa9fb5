"""TLS on a socket: what `recv` and `send` of a plain one do, for the bytes inside of the records.

OpenSSL works between two buffers in memory, and the socket is received from and sent to as if it were plain. An
SSLSocket receives twice for each record (its length, then the rest), and tells by an exception that there is no other;
here one receive is mostly the whole answer, and an empty buffer tells the same. It works with any socket, blocking or
not, and knows of no time-out. What is raised is OSError, ssl.SSLError included, and ValueError.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

from .base import READ_SIZE, TLS_WRITE_SIZE

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from .base import TLSOptions


class TLSSocket:
    """The secured side of a connected socket."""

    __slots__ = ("_incoming", "_outgoing", "_owed", "_read", "_receive", "_send", "_was_short", "object", "unsent")

    def __init__(self, sock: socket.socket, tls: TLSOptions) -> None:
        self._receive: Callable[[int], bytes] = sock.recv
        self._send = sock.send
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.object = tls.context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=tls.server_hostname, session=tls.session
        )
        """The connection as OpenSSL sees it."""
        self._read = self.object.read
        self._was_short = False
        self.unsent = b""
        """Records that the socket has not taken yet."""
        # How many bytes are in those of them that `send_now()` has not counted as sent.
        self._owed = 0

    def handshake(self) -> None:
        """Go on with the handshake. Raises SSLWantReadError where `receive()` is to come first."""
        try:
            self.object.do_handshake()
        except ssl.SSLError:
            # The first step ends like this, too. The alert of a refusal tells the peer what is wrong.
            self.reply()
            raise
        self.flush()

    def receive(self) -> None:
        """Take what has come, or the end."""
        data = self._receive(READ_SIZE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        self._was_short = len(data) < READ_SIZE

    def recv(self, _: int) -> bytes:
        """Return the bytes of one record, b"" at the end that the peer has announced.

        Raises SSLWantReadError where what has come is no whole record, and what the socket raises where nothing has.
        """
        # hot path: with `receive()` written out.
        incoming = self._incoming
        if incoming.pending:
            # More may have come since.
            self._was_short = False
        else:
            data = self._receive(READ_SIZE)
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()
            self._was_short = len(data) < READ_SIZE
        try:
            data = self._read(TLS_WRITE_SIZE)
        except ssl.SSLError:
            self.reply()
            raise
        if self._outgoing.pending:
            self.reply()
        if not data:
            # RFC 8446, 6.1: whatever follows is to be ignored.
            self._receive, self._was_short = _end, False
        return data

    def is_drained(self) -> bool:
        """Return whether the last `recv()` has received, and left nothing."""
        return self._was_short and not self._incoming.pending

    def has_more(self) -> bool:
        """Return whether something has come that was not read."""
        return self._incoming.pending > 0

    def reply(self) -> None:
        """Send what reading has to answer: a new key, for example. What is broken is told to who writes."""
        with contextlib.suppress(OSError):
            self.flush()

    def send(self, data: bytes | memoryview) -> int:
        """Take one record's worth of `data` and send it, all but what remains `unsent`; return how many bytes it is.

        Raises BlockingIOError where the peer negotiates anew, and `receive()` is to come first.
        """
        try:
            taken = self.object.write(data)
        except ssl.SSLWantReadError:
            self.reply()
            raise BlockingIOError from None
        self.flush()
        return taken

    def flush(self) -> None:
        """Send the records that wait, all but what remains `unsent`."""
        records = self.unsent + self._outgoing.read()
        try:
            while records:
                records = records[self._send(records) :]
        except BlockingIOError:
            pass
        self.unsent = records

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is.

        A record that was sent in part counts as not sent, and its bytes come again with the next call.
        """
        self.flush()
        if self.unsent:
            return 0
        sent, self._owed = self._owed, 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                taken = self.send(memoryview(data)[sent : sent + TLS_WRITE_SIZE])
                if self.unsent:
                    self._owed = taken
                    break
                sent += taken
        return sent


def _end(_: int) -> bytes:
    return b""
