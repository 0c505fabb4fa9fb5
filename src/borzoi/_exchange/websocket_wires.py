"""The bytes below a WebSocket: a connection that was upgraded, read by one task or thread while another writes.

In an event loop a stream can do that as it is. Threads need more: a socket has one time-out for both directions, and a
TLS connection must not be read and written at once. So reading waits in the system without touching either, and takes
what has come between two writes.
"""

from __future__ import annotations

import math
import select
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from .._backends.base import READ_SIZE
from .._errors import ReadError, ReadTimeout, TransportError
from .._run_blocking import run_blocking

if TYPE_CHECKING:
    from .._backends.base import Backend
    from .connection import Upgraded

LONGEST_WAIT = 5.0
"""Seconds after which a thread that waits looks whether the connection was closed on this side."""


class Wire(Protocol):
    """Carry bytes both ways at once. Errors are those of `Stream`."""

    backend: Backend

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        ...

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        ...

    def is_readable(self) -> bool:
        """Return whether something has come. Asked by who may read, and by nobody else."""
        ...

    def attempt(self, data: bytes) -> None:
        """Send `data` if that can be done at once. What comes of it does not matter: the connection is closed next."""
        ...

    async def close(self) -> None:
        """Close. Closing twice does nothing."""
        ...


class LoopWire:
    """A connection in an event loop, or a scripted one."""

    def __init__(self, upgraded: Upgraded) -> None:
        self._upgraded = upgraded
        self.backend = upgraded.backend
        self.write = upgraded.stream.write

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes."""
        return await self._upgraded.receive(READ_SIZE, timeout)

    def is_readable(self) -> bool:
        """Return whether something has come."""
        return self._upgraded.has_leftover or bool(self._upgraded.get_extra_info("is_readable"))

    def attempt(self, data: bytes) -> None:
        """Take the first step of writing, which is nearly always all of it. No step of it is waited for."""
        writing = self.write(data, 0.0)
        try:
            writing.send(None)
        except (StopIteration, TransportError):
            return
        writing.close()

    async def close(self) -> None:
        """Close the connection."""
        self._upgraded.close_now()


class ThreadWire:
    """A connection with a socket, in blocking code."""

    def __init__(self, upgraded: Upgraded, write_timeout: float | None) -> None:
        self._upgraded = upgraded
        self._patience = write_timeout
        self._closed = False
        self._take: Callable[[], bytes | None] | None = None
        self._kept: bytes | None = None
        self._turns: AbstractContextManager[Any] = nullcontext()
        self.backend = upgraded.backend
        if upgraded.get_extra_info("ssl_object") is not None:
            self._take = upgraded.stream.receive_now  # type: ignore[attr-defined]
            self._turns = threading.Lock()
        self._wait = _waiting_for(upgraded.get_extra_info("socket"))

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes."""
        if self._upgraded.has_leftover:
            return await self._upgraded.receive(READ_SIZE, timeout)
        until = math.inf if timeout is None else self.backend.now() + timeout
        while (data := self._take_now()) is None:
            left = until - self.backend.now()
            is_here = self._wait(max(0.0, min(left, LONGEST_WAIT)))
            if is_here and self._take is None:
                # The same time-out as for writing: setting another takes three system calls.
                return await self._upgraded.receive(READ_SIZE, self._patience)
            if not is_here and left <= LONGEST_WAIT:
                raise ReadTimeout(f"No bytes within {0.0 if timeout is None else timeout:.3g} s")
        return data

    def _take_now(self) -> bytes | None:
        """Return what came over TLS, None where nothing did."""
        if self._closed:
            raise ReadError("The connection was closed here while it was in use")
        if self._take is None:
            return None
        data, self._kept = self._kept, None
        if data is not None:
            return data
        try:
            with self._turns:
                return self._take()
        except (OSError, ValueError) as error:
            raise ReadError(f"Reading failed: {error}") from error

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`."""
        with self._turns:
            await self._upgraded.stream.write(data, timeout)

    def is_readable(self) -> bool:
        """Return whether something has come."""
        if self._upgraded.has_leftover:
            return True
        if self._take is None:
            return self._wait(0.0)
        try:
            # What came may be nothing of the program's, a session ticket for example.
            self._kept = self._take_now()
        except ReadError:
            return True
        return self._kept is not None

    def attempt(self, data: bytes) -> None:
        """Write, for a moment at most."""
        try:
            run_blocking(self.write(data, 0.05))
        except TransportError:
            return

    async def close(self) -> None:
        """Close the connection; a thread that waits in it fails."""
        self._closed = True
        self._upgraded.close_now()


def _waiting_for(sock: Any) -> Callable[[float], bool]:
    """Return a function that waits, so many seconds, until the socket is readable, and says whether it is."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return lambda seconds: bool(poll.poll(math.ceil(seconds * 1000)))
    return lambda seconds: bool(select.select([sock], [], [], seconds)[0])  # pragma: no cover - Windows
