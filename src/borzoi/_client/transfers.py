"""What `on_download=`, `on_upload=` and `progress=` do: `send()` as the pipeline's, with both bodies watched.

A request that uses none of them never comes here. The body of the request is replaced by one that counts while a
transport has it, each time it is sent. Of the responses, the one that the program gets is watched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from .._messages.content import NO_BODY
from .._messages.progress import CountedStream, DownloadObserver, Meter, Progress, Report, declared_length, wire_total
from .._messages.streams import AsyncByteStream, ByteStream, SyncByteStream
from . import pipeline

if TYPE_CHECKING:
    from .._config import Unset
    from .._messages.request import Request
    from .._messages.response import Response
    from .._policy.auth import AuthTypes
    from .adapters import Face
    from .client_base import BaseClient
    from .progress_bar import Bar

ProgressCallback: TypeAlias = Callable[[Progress], Awaitable[object] | object]
"""What `on_download=` and `on_upload=` take. Only an `AsyncClient` awaits what it returns."""

SMALL = 65536
"""An upload of fewer bytes, in memory, is sent in one go and gets no bar."""


class Watch:
    """Hold what one call asked to be told."""

    __slots__ = ("label", "on_download", "on_upload", "with_bars")

    def __init__(
        self, on_download: ProgressCallback | None, on_upload: ProgressCallback | None, progress: bool | str
    ) -> None:
        for name, callback in (("on_download", on_download), ("on_upload", on_upload)):
            if callback is not None and not callable(callback):
                raise TypeError(f"Invalid {name}: {callback!r}. Give a function that takes a borzoi.Progress.")
        if not isinstance(progress, (bool, str)):
            raise TypeError(f"Invalid progress: {progress!r}. Give True, or a label for the bar.")
        self.on_download = on_download
        self.on_upload = on_upload
        self.with_bars = progress is not False
        self.label = progress if isinstance(progress, str) else None


async def send_watched(
    client: BaseClient[Any],
    request: Request,
    stream: bool,
    auth: AuthTypes | Unset | None,
    follow_redirects: bool | Unset,
    watch: Watch,
) -> Response:
    """Send a request, whatever it leads to, and report on it."""
    upload = Upload(client, request, watch)
    request.extensions = {**request.extensions, pipeline.UPLOAD: upload}
    try:
        response = await pipeline.send(client, request, True, auth, follow_redirects)
    except BaseException:
        upload.close()
        raise
    finally:
        request.extensions = {name: value for name, value in request.extensions.items() if name != pipeline.UPLOAD}

    try:
        await upload.finish()
        await observe(client, response, watch)
        if not stream:
            await client._face.read(response)
    except BaseException:
        await client._face.abandon(response)
        raise
    return response


class Upload:
    """Report on the body of a request, each time it is sent."""

    def __init__(self, client: BaseClient[Any], request: Request, watch: Watch) -> None:
        self._face = client._face
        self._is_over = False
        self._sent: CountedStream | None = None
        self._original: SyncByteStream | AsyncByteStream | None = None
        total = declared_length(request.headers._find(b"content-length"))
        if total is None and request.stream is NO_BODY:
            total = 0

        self._meter = Meter("upload", request.url, total, client._now)
        self._callback = watch.on_upload
        self._bar = open_bar(watch, self._meter) if watch.with_bars and _deserves_a_bar(request) else None
        self._report = reporter(self._face, watch.on_upload, self._bar)

    def begin(self, request: Request) -> None:
        """Give a request a body that counts while it is sent."""
        stream = request.stream
        # What cannot be sent is refused by who sends it, which knows why.
        if self._is_over or not self._is_wanted() or not isinstance(stream, self._face.stream_type):
            return
        if type(stream) is ByteStream and not stream._data:
            return
        self._meter.url = request.url
        self._original = stream
        self._sent = request.stream = CountedStream(stream, self._meter, self._report)

    def end(self, request: Request) -> None:
        """Give the request its own body back, unless a transport gave it another."""
        if request.stream is self._sent and self._original is not None:
            request.stream = self._original

    def _is_wanted(self) -> bool:
        return self._callback is not None or self._bar is not None

    async def finish(self) -> None:
        """Report that the body was sent and answered. One that its answer cut short gets no such report."""
        is_whole = self._meter.total == 0 if self._sent is None else self._sent.is_whole
        if self._sent is not None and not self._sent.is_begun and type(self._original) is ByteStream:
            # A transport that goes nowhere took the body from memory, all of it.
            self._meter.add(len(self._original._data), len(self._original._data))
            is_whole = True
        try:
            if is_whole and self._is_wanted():
                await self._report(self._meter.finish())
        finally:
            self.close()

    def close(self) -> None:
        """Stop watching."""
        self._is_over = True
        if self._bar is not None:
            self._bar.close()


def _deserves_a_bar(request: Request) -> bool:
    return type(request.stream) is not ByteStream or len(request.stream._data) > SMALL


async def observe(client: BaseClient[Any], response: Response, watch: Watch) -> None:
    """Report on the body of a response while it is read; of one that is read already, at once."""
    if watch.on_download is None and not watch.with_bars:
        return

    total = wire_total(response)
    meter = Meter("download", response.url, total, client._now)
    bar = open_bar(watch, meter) if watch.with_bars and total != 0 else None
    report = reporter(client._face, watch.on_download, bar)
    observer = DownloadObserver(meter, report, on_end=_nothing if bar is None else bar.close)
    response._observer = observer

    if hasattr(response, "_content"):
        size = len(response._content)
        await observer.received(response.num_bytes_downloaded or size, size)
        await observer.finished()


def _nothing() -> None:
    pass


def reporter(face: Face, callback: ProgressCallback | None, bar: Bar | None) -> Report:
    """Return what shows a report to the user, and gives it to the program."""

    async def report(progress: Progress) -> None:
        if bar is not None:
            bar.show(progress)
        if callback is not None:
            await face.report(callback, progress)

    return report


def open_bar(watch: Watch, meter: Meter) -> Bar:
    """Begin a bar for a transfer."""
    from . import progress_bar

    return progress_bar.open_bar(watch.label, meter.direction, meter.url, meter.total)
