"""Many exchanges over a stream that does nothing without waiting: a program's own network, or a script.

Such a stream is written and read by who carries. While it reads, what others queue waits for the end of that read. So
this is slower than a stream of our own back ends, and as correct: what is queued was not sent. It counts as sent once
it was handed over to be written, whatever came of that, since part of it may be out where that failed.
"""

from __future__ import annotations

from collections.abc import Callable

from .._backends.base import Asking, Duplex, Stream, TimedOut
from .._errors import ReadTimeout, TransportError, WriteTimeout


def duplex_of(stream: Stream) -> Duplex:
    """Return a stream in the shape that many exchanges share."""
    return stream if hasattr(stream, "wait_ready") else HalfDuplex(stream)  # type: ignore[return-value]


class HalfDuplex(Asking):
    """A stream that reads and writes by turns. Satisfies `Duplex`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._queued = b""
        # How much was handed over of what comes again with the next `send_now()`.
        self._handed = 0
        self._arrived: bytes | None = None
        self._failure: TransportError | None = None
        self.peer = str(getattr(stream, "peer", "the server"))
        self.on_event: Callable[[], None] | None = None
        self.read = stream.read
        self.write = stream.write
        self.start_tls = stream.start_tls
        self.close = stream.close
        self.abandon = stream.abandon
        self.get_extra_info = stream.get_extra_info

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        return self._arrived is None and self._failure is None and self._stream.is_idle()

    def receive_now(self) -> bytes | None:
        """Return what was read, b"" at the end, None where nothing was. Raises what reading or writing has raised."""
        data, self._arrived = self._arrived, None
        if data is None and self._failure is not None:
            raise self._failure
        return data

    def send_now(self, data: bytes) -> int:
        """Queue `data`; return how much of it was handed over since it was queued first."""
        handed, self._handed = self._handed, 0
        self._queued = data[handed:]
        return handed

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Write what is queued, or read where nothing is. Raises TimedOut."""
        if self._arrived is not None or self._failure is not None:
            return
        try:
            if self._queued:
                await self._write_queued(timeout)
            else:
                self._arrived = await self._stream.read(timeout)
        except (ReadTimeout, WriteTimeout):
            raise TimedOut from None
        except TransportError as error:
            self._failure = self._failure or error

    async def _write_queued(self, timeout: float | None) -> None:
        data, self._queued = self._queued, b""
        self._handed = len(data)
        try:
            await self._stream.write(data, timeout)
        except BaseException as error:
            # Part of it may be out: nothing can follow.
            self._failure = error if isinstance(error, TransportError) else TransportError("A write was broken off")
            raise
