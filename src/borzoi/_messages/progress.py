"""How far a transfer has come: the value that programs are given, and the meter that makes it.

A `Meter` is told of bytes and asks a clock that is handed in. It says when a report is due: with the first bytes, then
at most every `INTERVAL`. The rate is that of the last `WINDOW`, not of the whole: it falls when a transfer stalls.

`CountedStream` is the body of a request, counted while it is sent. Each time it is sent, it counts from 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from .streams import (
    AsyncByteStream,
    Body,
    BodyAsyncIterator,
    BodyIterator,
    ByteStream,
    Source,
    SyncByteStream,
    source_of,
)

if TYPE_CHECKING:
    from .._values.url import URL
    from .response import Response

INTERVAL = 0.05
"""Seconds between two reports of one transfer. The last report comes at once."""

WINDOW = 3.0
"""Seconds that the rate is an average of."""

PIECE = 65536
"""Bytes of a body in memory that are sent between two looks at the meter."""

SHORTEST = 0.001
"""Seconds below which a rate would be noise."""

Direction: TypeAlias = Literal["download", "upload"]

Report: TypeAlias = "Callable[[Progress], Awaitable[None]]"
"""What a report is handed to. It calls what the program wrote."""


class Progress:
    """Say how far one transfer has come. It does not change: each report is a new one.

        def show(progress: borzoi.Progress) -> None:
            print(progress.name, progress.bytes_wire, "of", progress.total or "?")

        client.get(url, on_download=show)

    docs/progress.md says what is reported when.
    """

    __slots__ = ("bytes_decoded", "bytes_wire", "direction", "elapsed", "is_done", "rate", "total", "url")

    direction: Direction
    """Which body: "download" is that of the response, "upload" that of the request."""

    url: URL
    """Where the body comes from or goes to. After a redirect, that is where it led."""

    bytes_wire: int
    """Bytes of the body that crossed the network so far, content codings and all, without headers and chunk framing."""

    bytes_decoded: int
    """Bytes that the program was given so far: of a compressed body more than `bytes_wire`. For an upload, the same."""

    total: int | None
    """What `bytes_wire` will be in the end, None where that was not announced."""

    elapsed: float
    """Seconds since the transfer began."""

    rate: float
    """Bytes on the wire per second, over the last three seconds; 0.0 before there was anything to measure."""

    is_done: bool
    """Whether it is over and whole. True in one report, the last; in none where the transfer failed."""

    def __init__(
        self,
        direction: Direction,
        url: URL,
        bytes_wire: int = 0,
        bytes_decoded: int = 0,
        total: int | None = None,
        elapsed: float = 0.0,
        rate: float = 0.0,
        is_done: bool = False,
    ) -> None:
        store = super().__setattr__
        store("direction", direction)
        store("url", url)
        store("bytes_wire", bytes_wire)
        store("bytes_decoded", bytes_decoded)
        store("total", total)
        store("elapsed", elapsed)
        store("rate", rate)
        store("is_done", is_done)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Cannot set {name}: a Progress does not change.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Cannot delete {name}: a Progress does not change.")

    @property
    def name(self) -> str:
        """What to call the transfer: the last part of the path, or the host."""
        from urllib.parse import unquote

        return unquote(self.url.path.rstrip("/").rpartition("/")[2]) or self.url.host

    @property
    def fraction(self) -> float | None:
        """How much of the total is done, from 0.0 to 1.0; None where the total is not known."""
        if self.total is None:
            return None
        return min(1.0, self.bytes_wire / self.total) if self.total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the present rate, None where that cannot be said."""
        if self.is_done:
            return 0.0
        if self.total is None or not self.rate:
            return None
        return max(0, self.total - self.bytes_wire) / self.rate

    def __repr__(self) -> str:
        state = ", done" if self.is_done else ""
        return f"<Progress [{self.direction} of {self.name}: {self.bytes_wire} of {self.total or '?'} bytes{state}]>"


class Meter:
    """Count the bytes of one transfer, and say when a report is due."""

    __slots__ = ("_decoded", "_due", "_now", "_samples", "_started", "_wire", "direction", "total", "url")

    def __init__(self, direction: Direction, url: URL, total: int | None, now: Callable[[], float]) -> None:
        self.direction: Direction = direction
        self.url = url
        self.total = total
        self._now = now
        self.restart()

    def restart(self) -> None:
        """Begin again at 0: with the bytes, the time, and the rate."""
        self._started = self._due = self._now()
        self._wire = self._decoded = 0
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)])

    def add(self, wire: int, decoded: int) -> Progress | None:
        """Count so many more bytes, and return the report where one is due."""
        self._wire += wire
        self._decoded += decoded
        now = self._now()
        if now < self._due:
            return None
        self._due = now + INTERVAL
        return self._report(now, is_done=False)

    def finish(self) -> Progress:
        """Return the report that says that the transfer is whole."""
        return self._report(self._now(), is_done=True)

    def _report(self, now: float, *, is_done: bool) -> Progress:
        elapsed = now - self._started
        return Progress(
            self.direction, self.url, self._wire, self._decoded, self.total, elapsed, self._rate(now), is_done
        )

    def _rate(self, now: float) -> float:
        samples = self._samples
        samples.append((now, self._wire))
        # The last sample before the window stays: the first bytes within it were on their way since then.
        while len(samples) > 2 and samples[1][0] <= now - WINDOW:
            samples.popleft()
        since, wire = samples[0]
        return (self._wire - wire) / (now - since) if now - since >= SHORTEST else 0.0


def wire_total(response: Response) -> int | None:
    """Return how long the body of a response will be on the wire, None where that was not announced."""
    request = response._request
    method = None if request is None else request.method
    # RFC 9112 6.3: these have no body, whatever their Content-Length says.
    if method == "HEAD" or response.status_code in (204, 304) or (method == "CONNECT" and response.is_success):
        return 0
    # RFC 9112 6.3: with both, Transfer-Encoding counts.
    if response.headers._find(b"transfer-encoding") is not None:
        return None
    return declared_length(response.headers._find(b"content-length"))


def declared_length(value: bytes | None) -> int | None:
    """Return the number that a Content-Length says, None where there is none."""
    return int(value) if value is not None and value.isdigit() else None


class DownloadObserver:
    """Report on the body of a response while it is read."""

    __slots__ = ("_meter", "_on_end", "_report")

    def __init__(self, meter: Meter, report: Report, on_end: Callable[[], None]) -> None:
        self._meter = meter
        self._report = report
        self._on_end = on_end

    async def received(self, wire_bytes: int, decoded_bytes: int) -> None:
        """Count, and report where that is due."""
        if not wire_bytes and not decoded_bytes:
            return
        progress = self._meter.add(wire_bytes, decoded_bytes)
        if progress is not None:
            await self._report(progress)

    async def finished(self) -> None:
        """Report that the body is whole."""
        await self._report(self._meter.finish())
        self._on_end()

    def broken(self) -> None:
        """Take note that the body is given up before its end. After the end it says nothing."""
        self._on_end()


class CountedStream(SyncByteStream, AsyncByteStream):
    """Send the body of a request, and report on it. Bytes count once the network has taken them."""

    def __init__(self, stream: SyncByteStream | AsyncByteStream, meter: Meter, report: Report) -> None:
        self._stream = stream
        self._meter = meter
        self._report = report
        self.is_begun = False
        """Whether anybody has asked for it."""
        self.is_whole = False
        """Whether all of it was sent when it was sent last."""

    @property
    def is_replayable(self) -> bool:
        """Tell whether the body can be sent again from its start."""
        return bool(getattr(self._stream, "is_replayable", False))

    def __iter__(self) -> Iterator[bytes]:
        return BodyIterator(self._begin(blocking=True))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return BodyAsyncIterator(self._begin(blocking=False))

    def _begin(self, *, blocking: bool) -> CountedSource:
        if type(self._stream) is ByteStream:
            source: Source = Pieces(self._stream._data)
        else:
            source = source_of(self._stream, blocking=blocking)
        self.is_begun = True
        self.is_whole = False
        self._meter.restart()
        return CountedSource(self, source)


class CountedSource(Body):
    """Send a body once. When a chunk is asked for, those before it are on their way."""

    blocking = None
    is_whole = False

    def __init__(self, counted: CountedStream, source: Source) -> None:
        self._counted = counted
        self._source = source
        self._under_way = 0

    async def next_chunk(self) -> bytes | None:
        counted = self._counted
        if self._under_way:
            progress = counted._meter.add(self._under_way, self._under_way)
            if progress is not None:
                await counted._report(progress)

        chunk = await self._source.next_chunk()
        self._under_way = 0 if chunk is None else len(chunk)
        counted.is_whole = chunk is None
        return chunk

    def close_now(self) -> None:
        """Do nothing: the program's stream is the program's to close."""


class Pieces:
    """Give a body in memory in pieces, so that there is something to report between them."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    async def next_chunk(self) -> bytes | None:
        """Return the next piece."""
        piece = self._data[self._position : self._position + PIECE]
        self._position += len(piece)
        return piece or None
