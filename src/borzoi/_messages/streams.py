"""Bodies as streams of bytes: what programs write, and what the network hands out.

`SyncByteStream` and `AsyncByteStream` are the two shapes that programs implement. `Body` is the one that our own
transports implement: its `next_chunk()` serves all worlds, and both iterations are derived from it.

`source_of()` goes the other way: it gives any stream the shape of a `Body`, so that what consumes one is written once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

from .._errors import StreamClosed
from .._run_blocking import run_blocking


class SyncByteStream:
    """Give the bytes of a body to blocking code: the base class of what a program writes."""

    def __iter__(self) -> Iterator[bytes]:
        raise NotImplementedError(f"{type(self).__name__} must implement __iter__.")

    def close(self) -> None:
        """Release what the stream holds. Called once the exchange is over."""


class AsyncByteStream:
    """Give the bytes of a body to code in an event loop: the base class of what a program writes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise NotImplementedError(f"{type(self).__name__} must implement __aiter__.")

    async def aclose(self) -> None:
        """Release what the stream holds. Called once the exchange is over."""


class ReadyIterator:
    """Walk chunks that never have to be waited for, in an event loop."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> ReadyIterator:
        return self

    async def __anext__(self) -> bytes:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise StopAsyncIteration
        return chunk


class ByteStream(SyncByteStream, AsyncByteStream):
    """Hold a body that is in memory as a whole."""

    def __init__(self, stream: bytes) -> None:
        self._data = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._data,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return ReadyIterator(iter((self._data,)))

    @property
    def is_replayable(self) -> bool:
        """Tell whether the body can be sent again from its start."""
        return True

    def __repr__(self) -> str:
        return f"<ByteStream [{len(self._data)} bytes]>"


class UnattachedStream(SyncByteStream, AsyncByteStream):
    """Stand for the body of a message that was pickled or copied: reading it raises StreamClosed."""

    def __iter__(self) -> Iterator[bytes]:
        raise StreamClosed

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise StreamClosed


class Body(SyncByteStream, AsyncByteStream):
    """Hand out the body of a response: the base class of what our own transports give.

    A subclass implements `next_chunk()`, `close_now()` and, where it can, `take_whole()`, and has `blocking` and
    `is_whole`. They have no value here: an instance's own is found and set faster where its class has none.
    """

    blocking: bool | None
    """True when `next_chunk()` blocks the thread, False when it waits in an event loop, None when it does neither."""

    trailers: Sequence[tuple[bytes, bytes]] = ()
    """The fields after the body, once it has come."""

    is_whole: bool
    """Whether all of the body has arrived, so that nothing of it is waited for."""

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes, or None at the end. Raises errors of the borzoi tree."""
        raise NotImplementedError(f"{type(self).__name__} must implement next_chunk().")

    def close_now(self) -> None:
        """Give the connection back, or discard it. Never waits; calling it again does nothing."""
        raise NotImplementedError(f"{type(self).__name__} must implement close_now().")

    def take_whole(self) -> bytes | None:
        """Return the whole body if it is here already, otherwise None.

        A body that is taken so is over: it holds nothing more, and is not closed.
        """
        return None

    def __iter__(self) -> Iterator[bytes]:
        return BodyIterator(self)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return BodyAsyncIterator(self)

    def close(self) -> None:
        self.close_now()

    async def aclose(self) -> None:
        self.close_now()


class BodyIterator:
    """Walk a `Body` in blocking code."""

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> BodyIterator:
        return self

    def __next__(self) -> bytes:
        chunk = run_blocking(self._body.next_chunk())
        if chunk is None:
            raise StopIteration
        return chunk


class BodyAsyncIterator:
    """Walk a `Body` in an event loop."""

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body

    def __aiter__(self) -> BodyAsyncIterator:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._body.next_chunk()
        if chunk is None:
            raise StopAsyncIteration
        return chunk


class Source(Protocol):
    """The side of a `Body` that is pulled from. `source_of()` gives one for any stream."""

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes, or None at the end."""


class _SyncSource:
    __slots__ = ("_chunks",)

    def __init__(self, stream: SyncByteStream) -> None:
        self._chunks = iter(stream)

    async def next_chunk(self) -> bytes | None:
        return next(self._chunks, None)


class _AsyncSource:
    __slots__ = ("_chunks",)

    def __init__(self, stream: AsyncByteStream) -> None:
        self._chunks = aiter(stream)

    async def next_chunk(self) -> bytes | None:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            return None


def source_of(stream: SyncByteStream | AsyncByteStream, *, blocking: bool) -> Source:
    """Return what pulls chunks out of `stream`, in blocking code or in an event loop.

    Raises RuntimeError when the stream is of the other world.
    """
    if isinstance(stream, Body) and stream.blocking in (None, blocking):
        return stream

    if blocking:
        if not isinstance(stream, SyncByteStream) or isinstance(stream, Body):
            raise RuntimeError("Attempted to call a sync iterator on an async stream.")
        return _SyncSource(stream)

    if not isinstance(stream, AsyncByteStream) or isinstance(stream, Body):
        raise RuntimeError("Attempted to call an async iterator on an sync stream.")
    return _AsyncSource(stream)
