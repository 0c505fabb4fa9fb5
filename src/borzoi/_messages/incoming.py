"""The body of a response while it comes in: read as a whole, or iterated over.

`_load()` reads it in any world; `read()` and `aread()` are its two faces. The iterations pull through the stages of
`iteration.py`. Whatever fails on the way closes the response, and carries its request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from .._errors import RequestError, StreamClosed, StreamConsumed, request_context
from .._run_blocking import run_blocking
from .._values.headers import Headers
from .iteration import AsyncChunks, Chunks, Decoded, Intake, Observer, Step, Watched, Whole, gather
from .streams import AsyncByteStream, Body, ByteStream, Source, SyncByteStream, source_of

if TYPE_CHECKING:
    from .request import Request

Opener = Callable[[], "tuple[Source, list[Step]]"]


class IncomingBody:
    """Read and close the body: the base class of `Response`."""

    headers: Headers
    stream: SyncByteStream | AsyncByteStream
    extensions: dict[str, Any]

    # Without values here: those that an instance has of its own are found and set faster where its class has none.
    is_closed: bool
    is_stream_consumed: bool

    _request: Request | None
    _content: bytes

    _elapsed_seconds: float | Callable[[], float] | None
    """Seconds taken, or a function that tells them and is called when the response is closed."""

    _observer: Observer | None
    """What is told of each chunk that arrives."""

    # What most responses never set is found here, and costs them nothing.
    _num_bytes_downloaded: int = 0

    _max_decoded_size: int | None = None
    """Bytes that content codings may expand the body to. More is a DecodingError."""

    def _begin(self, request: Request | None) -> None:
        """Be a response whose body is still to come in."""
        self.is_closed = False
        self.is_stream_consumed = False
        self._request = request
        self._elapsed_seconds = None
        self._observer = None

    @property
    def encoding(self) -> str | None:
        """The encoding of the text."""
        raise NotImplementedError

    @property
    def num_bytes_downloaded(self) -> int:
        """Bytes of the body that came in so far, before decoding."""
        # What came all at once was not counted, but it is the content as it is.
        is_counted = "_num_bytes_downloaded" in self.__dict__ or not hasattr(self, "_content")
        return self._num_bytes_downloaded if is_counted else len(self._content)

    @property
    def trailers(self) -> Headers:
        """The fields that came after the body (RFC 9110, 6.5), none before it is read."""
        return Headers(list(getattr(self.stream, "trailers", ())))

    # As a whole.

    def read(self) -> bytes:
        """Read the body in blocking code."""
        return run_blocking(self._load(blocking=True))

    async def aread(self) -> bytes:
        """Read the body in an event loop."""
        return await self._load(blocking=False)

    async def _load(self, *, blocking: bool | None = None) -> bytes:
        """Read the body. `blocking` tells the world; with None it is taken from the stream."""
        if hasattr(self, "_content"):
            return self._content

        stream = self.stream
        if blocking is None:
            blocking = not isinstance(stream, AsyncByteStream)
        if self._take_whole(blocking=blocking):
            return self._content

        # What a program gave us whole needs no reading, but perhaps decoding.
        if type(stream) is ByteStream and not self.is_closed and not self.is_stream_consumed:
            self.is_stream_consumed = True
            self._mark_closed()
            self._num_bytes_downloaded = len(stream._data)
            source = self._process(Whole(stream._data), self._is_encoded(), blocking=blocking)
        else:
            source = self._open(self._is_encoded(), blocking=blocking)
        self._content = await gather(source)
        return self._content

    def _take_whole(self, *, blocking: bool) -> bool:
        """Read a body that has come with its head and needs no decoding, as most do, and say whether it was one."""
        # hot path: it calls nothing that it need not. What a program made of the class keeps its methods.
        stream = self.stream
        if (
            not isinstance(stream, Body)
            or type(self).read is not _READ
            or type(self).aread is not _AREAD
            or (stream.blocking is not blocking and stream.blocking is not None)
            or self.is_closed
            or self.is_stream_consumed
            or self._observer is not None
            or not (self.headers._is_plain or not self._is_encoded())
        ):
            return False
        content = stream.take_whole()
        if content is None:
            return False
        self._content = content
        self.is_stream_consumed = True
        self.is_closed = True
        if callable(self._elapsed_seconds):
            self._fix_elapsed()
        return True

    def _is_encoded(self) -> bool:
        return self.headers._find(b"content-encoding") is not None

    # In chunks.

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the body as it was sent, content codings and all."""
        return Chunks(self._raw_opener(chunk_size, blocking=True))

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the body."""
        return Chunks(self._bytes_opener(chunk_size, blocking=True))

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """Iterate over the body as text, `chunk_size` in characters."""
        return Chunks(self._text_opener(chunk_size, blocking=True))

    def iter_lines(self) -> Iterator[str]:
        """Iterate over the lines of the body, without their ends."""
        return Chunks(self._lines_opener(blocking=True))

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the body as it was sent, content codings and all."""
        return AsyncChunks(self._raw_opener(chunk_size, blocking=False))

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the body."""
        return AsyncChunks(self._bytes_opener(chunk_size, blocking=False))

    def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """Iterate over the body as text, `chunk_size` in characters."""
        return AsyncChunks(self._text_opener(chunk_size, blocking=False))

    def aiter_lines(self) -> AsyncIterator[str]:
        """Iterate over the lines of the body, without their ends."""
        return AsyncChunks(self._lines_opener(blocking=False))

    def _raw_opener(self, chunk_size: int | None, *, blocking: bool) -> Opener:
        from .chunking import ByteChunker

        steps: list[Step] = [ByteChunker(chunk_size)]
        return lambda: (self._open(False, blocking=blocking), steps)

    def _bytes_opener(self, chunk_size: int | None, *, blocking: bool) -> Opener:
        from .chunking import ByteChunker

        steps: list[Step] = [ByteChunker(chunk_size)]
        return lambda: (self._open_or_replay(blocking=blocking), steps)

    def _text_opener(self, chunk_size: int | None, *, blocking: bool) -> Opener:
        from .chunking import TextChunker, TextDecoder

        chunker = TextChunker(chunk_size)
        return lambda: (self._open_or_replay(blocking=blocking), [TextDecoder(self.encoding or "utf-8"), chunker])

    def _lines_opener(self, *, blocking: bool) -> Opener:
        from .chunking import LineDecoder, TextDecoder

        return lambda: (self._open_or_replay(blocking=blocking), [TextDecoder(self.encoding or "utf-8"), LineDecoder()])

    def _open_or_replay(self, *, blocking: bool) -> Source:
        if hasattr(self, "_content"):
            return Whole(self._content)
        return self._open(self._is_encoded(), blocking=blocking)

    def _open(self, decoded: bool, *, blocking: bool) -> Source:
        """Return what the body is pulled from. It can be opened once."""
        if self.is_stream_consumed:
            raise StreamConsumed
        if self.is_closed:
            raise StreamClosed

        intake = Intake(self, source_of(self.stream, blocking=blocking), blocking=blocking)
        self.is_stream_consumed = True
        self._num_bytes_downloaded = 0

        return self._process(intake, decoded, blocking=blocking)

    def _process(self, source: Source, decoded: bool, *, blocking: bool) -> Source:
        """Return `source` with what its bytes pass through: the decoder and the observer."""
        if decoded:
            source = Decoded(self, source, blocking=blocking)
        if self._observer is not None:
            source = Watched(self, source, self._observer, blocking=blocking)
        return source

    # The end.

    def close(self) -> None:
        """Close the response and let go of its connection. Reading it to its end does so too."""
        stream = self.stream
        if not isinstance(stream, SyncByteStream) or (isinstance(stream, Body) and stream.blocking is False):
            raise RuntimeError("Attempted to call an sync close on an async stream.")
        run_blocking(self._shut(blocking=True))
        if self._observer is not None:
            self._observer.broken()

    async def aclose(self) -> None:
        """Close the response and let go of its connection. Reading it to its end does so too."""
        stream = self.stream
        if not isinstance(stream, AsyncByteStream) or (isinstance(stream, Body) and stream.blocking is True):
            raise RuntimeError("Attempted to call an async close on an sync stream.")
        await self._shut(blocking=False)
        if self._observer is not None:
            self._observer.broken()

    async def _shut(self, *, blocking: bool) -> None:
        if self.is_closed:
            return

        self._mark_closed()
        with request_context(self._request):
            if isinstance(self.stream, Body):
                self.stream.close_now()
            elif blocking and isinstance(self.stream, SyncByteStream):
                self.stream.close()
            elif isinstance(self.stream, AsyncByteStream):
                await self.stream.aclose()

    def _mark_closed(self) -> None:
        self.is_closed = True
        self._fix_elapsed()

    def _fix_elapsed(self) -> None:
        if callable(self._elapsed_seconds):
            self._elapsed_seconds = self._elapsed_seconds()

    async def _abandon(self, error: BaseException, *, blocking: bool) -> None:
        """Close the response because of `error`, which is told the request that it belongs to."""
        if isinstance(error, RequestError) and error._request is None:
            error._request = self._request

        # A stream of the program's may wait while it closes, which a cancelled task must not do. Whoever opened the
        # response closes it then.
        if isinstance(self.stream, Body) or blocking or isinstance(error, Exception):
            try:
                await self._shut(blocking=blocking)
            except Exception:  # noqa: BLE001, S110 - the first error is the one that says what happened
                pass


_READ = IncomingBody.read
_AREAD = IncomingBody.aread
