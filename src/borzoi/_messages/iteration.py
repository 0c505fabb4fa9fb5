"""The body of a response on its way to the program.

    stream -> Intake -> Decoded -> Watched -> steps (text, lines, chunk sizes) -> Chunks

Each of the first four hands on what it gives by `next_chunk()`, which is None at the end. `Chunks` is what programs
iterate over, with a face for blocking code and one for event loops.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from .._errors import DecodingError
from .._run_blocking import run_blocking
from .streams import Source

if TYPE_CHECKING:
    from .decoders import AnyDecoder
    from .incoming import IncomingBody

T = TypeVar("T")


JOINED = 4 * 1024 * 1024
"""Bytes up to which a body is kept in chunks, and joined at its end. A buffer that grows takes longer; chunks take the
memory twice in the end."""


class Observer(Protocol):
    """What is told of a body while it arrives."""

    async def received(self, wire_bytes: int, decoded_bytes: int) -> None:
        """Take note of so many more bytes off the wire, and of so many more handed to the program."""

    async def finished(self) -> None:
        """Take note that the body is whole."""

    def broken(self) -> None:
        """Take note that the body failed, or was given up; also called once it is whole, and closed."""


class Step(Protocol):
    """What cuts or converts chunks."""

    def feed(self, chunk: Any, /) -> list[Any]:
        """Return what is complete now."""
        ...

    def flush(self) -> list[Any]:
        """Return what is left at the end."""
        ...


class Whole:
    """Give a body that is in memory."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data

    async def next_chunk(self) -> bytes | None:
        data, self._data = self._data, None
        return data


class Intake:
    """Give the raw body of a response, count it, and close the response at the end or after an error."""

    __slots__ = ("_blocking", "_response", "_source")

    def __init__(self, response: IncomingBody, source: Source, *, blocking: bool) -> None:
        self._response = response
        self._source = source
        self._blocking = blocking

    async def next_chunk(self) -> bytes | None:
        response = self._response
        try:
            chunk = await self._source.next_chunk()
        except BaseException as error:
            await response._abandon(error, blocking=self._blocking)
            raise

        if chunk is None:
            await response._shut(blocking=self._blocking)
            return None

        response._num_bytes_downloaded += len(chunk)
        return chunk


class Watched:
    """Tell an observer of what passes. What the observer raises breaks the transfer off."""

    __slots__ = ("_blocking", "_observer", "_response", "_source", "_wire_bytes")

    def __init__(self, response: IncomingBody, source: Source, observer: Observer, *, blocking: bool) -> None:
        self._response = response
        self._source = source
        self._observer = observer
        self._blocking = blocking
        self._wire_bytes = 0

    async def next_chunk(self) -> bytes | None:
        try:
            chunk = await self._source.next_chunk()
            received = self._response.num_bytes_downloaded
            wire_bytes, self._wire_bytes = received - self._wire_bytes, received
            if chunk is not None or wire_bytes:
                await self._observer.received(wire_bytes, 0 if chunk is None else len(chunk))
            if chunk is None:
                await self._observer.finished()
        except BaseException as error:
            self._observer.broken()
            await self._response._abandon(error, blocking=self._blocking)
            raise
        return chunk


class Decoded:
    """Give the body without its content codings, in pieces of bounded size."""

    __slots__ = ("_blocking", "_decoder", "_response", "_size", "_source")

    def __init__(self, response: IncomingBody, source: Source, *, blocking: bool) -> None:
        self._response = response
        self._source = source
        self._blocking = blocking
        self._decoder: AnyDecoder | None = None
        self._size = 0

    async def next_chunk(self) -> bytes | None:
        try:
            return await self._decode()
        except DecodingError as error:
            await self._response._abandon(error, blocking=self._blocking)
            raise

    async def _decode(self) -> bytes | None:
        decoder = self._decoder
        if decoder is None:
            from .decoders import decoder_for

            codings = self._response.headers.get_list("content-encoding", split_commas=True)
            decoder = self._decoder = decoder_for(codings)

        while (piece := decoder.next()) is None:
            data = await self._source.next_chunk()
            if data is None:
                decoder.finish()
                return None
            decoder.feed(data)

        self._size += len(piece)
        limit = self._limit()
        if limit is not None and self._size > limit:
            raise DecodingError(f"The body decodes to more than the {limit} bytes allowed.")
        return piece

    def _limit(self) -> int | None:
        request = self._response._request
        given = None if request is None else request.extensions.get("max_decoded_size")
        return self._response._max_decoded_size if given is None else given


async def gather(source: Source) -> bytes:
    """Return all that `source` gives."""
    chunks: list[bytes] = []
    size = 0
    while size < JOINED:
        chunk = await source.next_chunk()
        if chunk is None:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)

    buffer = io.BytesIO()
    buffer.writelines(chunks)
    chunks.clear()
    while (chunk := await source.next_chunk()) is not None:
        buffer.write(chunk)
    return buffer.getvalue()


class _Chunks(Generic[T]):
    """Walk a body in chunks. It is opened when the first one is asked for."""

    __slots__ = ("_is_over", "_open", "_ready", "_source", "_steps")

    def __init__(self, open_body: Callable[[], tuple[Source, list[Step]]]) -> None:
        self._open = open_body
        self._source: Source | None = None
        self._steps: list[Step] = []
        self._ready: deque[T] = deque()
        self._is_over = False

    async def _next(self) -> T | None:
        while not self._ready:
            if self._is_over:
                return None
            await self._fetch()
        return self._ready.popleft()

    async def _fetch(self) -> None:
        # An iterator that failed is over, as a generator would be.
        self._is_over = True
        if self._source is None:
            self._source, self._steps = self._open()

        chunk = await self._source.next_chunk()
        if chunk is None:
            self._ready.extend(self._flush())
        else:
            self._ready.extend(self._run([chunk], self._steps))
            self._is_over = False

    def _run(self, items: list[Any], steps: list[Step]) -> list[Any]:
        for step in steps:
            items = [made for item in items for made in step.feed(item)]
        return items

    def _flush(self) -> list[Any]:
        items: list[Any] = []
        for step in self._steps:
            items = self._run(items, [step]) + step.flush()
        return items

    def _stop(self) -> None:
        self._is_over = True
        self._ready.clear()


class Chunks(_Chunks[T]):
    """Walk a body in blocking code."""

    __slots__ = ()

    def __iter__(self) -> Chunks[T]:
        return self

    def __next__(self) -> T:
        chunk = run_blocking(self._next())
        if chunk is None:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Give up the walk. The response is closed by its own `close()`."""
        self._stop()


class AsyncChunks(_Chunks[T]):
    """Walk a body in an event loop."""

    __slots__ = ()

    def __aiter__(self) -> AsyncChunks[T]:
        return self

    async def __anext__(self) -> T:
        chunk = await self._next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Give up the walk. The response is closed by its own `aclose()`."""
        self._stop()
