"""TLS over any stream: inside of another TLS connection, or where the world hands out no socket of its own.

OpenSSL works between two buffers in memory; this carries bytes from the lower stream into one and from the other out
to it. Slower than TLS on a socket, same contract. What the lower stream raises passes through: its text names the
peer.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import Any

from .._errors import NetworkError, ReadError, ReadTimeout, TransportError, WriteError, WriteTimeout
from .base import READ_SIZE, TLS_WRITE_SIZE, Asking, Duplex, Stream, TLSOptions
from .sockets import cause, connect_timed_out, tls_failed


class TLSOverStream(Asking):
    """A secured stream above another. Satisfies `Stream`."""

    __slots__ = (
        "_cut",
        "_incoming",
        "_kept",
        "_lower",
        "_now",
        "_object",
        "_outgoing",
        "_owed",
        "_records",
        "_writing",
        "on_event",
        "peer",
    )

    def __init__(self, lower: Duplex, tls: TLSOptions, now: Callable[[], float]) -> None:
        self._lower = lower
        self._now = now
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = tls.context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=tls.server_hostname, session=tls.session
        )
        # What was found while the stream was idle.
        self._kept: bytes | None = None
        # Whether records are on their way out, and whether that was broken off.
        self._writing = False
        self._cut = False
        # Records that `send_now()` could not send yet, and how many bytes they hold that were not counted as sent.
        self._records = b""
        self._owed = 0
        self.on_event: Callable[[], None] | None = None
        self.peer = lower.peer
        lower.on_event = self._on_event

    def _on_event(self) -> None:
        if self.on_event is not None:
            self.on_event()

    async def handshake(self, timeout: float | None) -> None:
        """Do the handshake. Raises ConnectTimeout, ConnectError."""
        until = None if timeout is None else self._now() + timeout

        def left() -> float | None:
            return None if until is None else max(0.0, until - self._now())

        try:
            while not await self._handshake_step():
                await self._flush(left())
                self._feed(await self._lower.read(left()))
            await self._flush(left())
        except (ReadTimeout, WriteTimeout):
            raise connect_timed_out(self.peer, timeout, "finish the TLS handshake") from None
        except (OSError, ValueError, NetworkError) as error:
            raise tls_failed(self.peer, error) from error

    async def _handshake_step(self) -> bool:
        """Go as far as the bytes here allow; return whether that was the end. Raises ssl.SSLError, ValueError."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            # The alert tells the peer what is wrong.
            with contextlib.suppress(TransportError):
                await self._flush(0.0)
            raise
        return True

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        if self._kept is not None:
            data, self._kept = self._kept, None
            return data
        while True:
            try:
                return self._object.read(READ_SIZE)
            except ssl.SSLWantReadError:
                # Reading may have to answer: a new key, for example.
                await self._flush(timeout)
                self._feed(await self._lower.read(timeout))
            except (OSError, ValueError) as error:
                raise ReadError(f"Reading from {self.peer} failed: {cause(error)}") from error

    def _feed(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        if self._cut:
            raise WriteError(f"Writing to {self.peer} failed: an earlier write was broken off")
        rest = memoryview(data)
        while rest:
            try:
                sent = self._object.write(rest[:TLS_WRITE_SIZE])
            except (OSError, ValueError) as error:
                raise WriteError(f"Writing to {self.peer} failed: {cause(error)}") from error
            rest = rest[sent:]
            await self._flush(timeout)

    async def _flush(self, timeout: float | None) -> None:
        """Send the records that wait. One task at a time, which sends those of the others too."""
        while self._outgoing.pending and not self._writing and not self._cut:
            self._writing = True
            try:
                await self._lower.write(self._outgoing.read(), timeout)
            except BaseException:
                # Part of a record may be out: nothing can follow it.
                self._cut = True
                raise
            finally:
                self._writing = False

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured once more. Raises ConnectTimeout, ConnectError."""
        return await secure(self, tls, timeout, self._now)

    def receive_now(self) -> bytes | None:
        """Return what can be received without waiting, b"" at the end, None where there is nothing. Raises OSError."""
        while True:
            try:
                return self._object.read(READ_SIZE)
            except ssl.SSLWantReadError:
                data = self._lower.receive_now()
                if data is None:
                    return None
                self._feed(data)

    def send_now(self, data: bytes) -> int:
        """Send as much of `data` as is taken at once; return how many bytes that is. Raises OSError, ReadError."""
        if not self._send_records():
            return 0
        sent, self._owed = self._owed, 0
        while sent < len(data):
            self._owed = self._object.write(memoryview(data)[sent : sent + TLS_WRITE_SIZE])
            if not self._send_records():
                break
            sent += self._owed
            self._owed = 0
        return sent

    def _send_records(self) -> bool:
        """Send the records that wait, and return whether all were taken."""
        self._records += self._outgoing.read()
        if self._records:
            self._records = self._records[self._lower.send_now(self._records) :]
        return not self._records

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived, or may be taken. Raises TimedOut."""
        if self._kept is None:
            await self._lower.wait_ready(timeout, writing=writing)

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything but, say, a session ticket."""
        try:
            if self._kept is None:
                self._kept = self.receive_now()
        except (OSError, ValueError, NetworkError):
            return False
        return self._kept is None

    def close(self) -> None:
        """Close the lower stream, without a word in TLS: that would have to wait."""
        self._lower.close()

    def abandon(self) -> None:
        """Close this process's descriptor only."""
        self._lower.abandon()

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        if info == "ssl_object":
            return self._object
        if info == "is_readable":
            return not self.is_idle()
        return self._lower.get_extra_info(info)


async def secure(lower: Duplex, tls: TLSOptions, timeout: float | None, now: Callable[[], float]) -> TLSOverStream:
    """Return a TLS stream over `lower`, which it takes over. Raises ConnectTimeout, ConnectError."""
    try:
        stream = TLSOverStream(lower, tls, now)
        await stream.handshake(timeout)
    except BaseException as error:
        lower.close()
        if isinstance(error, (OSError, ValueError)):
            # The context does not fit: another's session, or no name that it could check.
            raise tls_failed(lower.peer, error) from error
        raise
    return stream
