"""Scripted connections that are read and written at once, as those of the library's own back ends are."""

from __future__ import annotations

from typing import Any

from borzoi import ReadError
from borzoi._backends.base import ConnectOptions, TimedOut
from borzoi._backends.memory import End, Later, MemoryBackend, MemoryStream
from borzoi._run_blocking import run_blocking


class DuplexStream(MemoryStream):
    """A connection to a scripted peer. Satisfies `Duplex`."""

    __slots__ = ()

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None where there is nothing."""
        if self.closed:
            raise ReadError("the connection is closed")
        while self._has_arrived():
            _, event = self._coming[0]
            if isinstance(event, End):
                return b""
            self._coming.popleft()
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Later):
                rest = list(self._coming)
                self._coming.clear()
                self._expect(run_blocking(event.ask()))
                self._coming += rest
            elif isinstance(event, bytes):
                return event
        return None

    def send_now(self, data: bytes) -> int:
        """Give all of it to the script."""
        self._expect(self._answer(bytes(data)))
        return len(data)

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something has arrived. Raises TimedOut."""
        clock = self._backend.clock
        until = None if timeout is None else clock.now() + timeout
        await clock.turn()
        while not self._has_news():
            if not await clock.wait(until, self._has_news):
                raise TimedOut
        if self._coming and not self.closed:
            due = self._coming[0][0]
            await clock.wait(due if until is None else min(due, until))
            if not self._has_arrived():
                raise TimedOut

    def _has_arrived(self) -> bool:
        return bool(self._coming) and self._coming[0][0] <= self._backend.clock.now()


class DuplexBackend(MemoryBackend):
    """Connect to scripted peers by such connections."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Any:
        """Ask the peer for a connection."""
        await self.clock.turn()
        answer: Any = self._peer(host, port)
        stream = DuplexStream(self, answer, f"{host}:{port}")
        self.streams.append(stream)
        return stream
