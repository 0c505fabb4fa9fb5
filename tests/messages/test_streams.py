"""Streams: the shapes of a body, and pulling from any of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from borzoi._errors import StreamClosed
from borzoi._messages.streams import (
    AsyncByteStream,
    Body,
    ByteStream,
    SyncByteStream,
    UnattachedStream,
    source_of,
)
from borzoi._run_blocking import run_blocking


class Chunked(Body):
    """A body of given chunks."""

    is_whole = False

    def __init__(self, *chunks: bytes, blocking: bool | None = None) -> None:
        self.chunks = list(chunks)
        self.blocking = blocking
        self.closed = 0

    async def next_chunk(self) -> bytes | None:
        return self.chunks.pop(0) if self.chunks else None

    def close_now(self) -> None:
        self.closed += 1


class Blocking(SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        yield b"b"


class Looping(AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"


async def collect(stream: AsyncByteStream) -> list[bytes]:
    return [chunk async for chunk in stream]


def test_the_base_classes_name_what_is_missing() -> None:
    """A stream without its iteration says so, and closing it does nothing."""
    with pytest.raises(NotImplementedError, match="SyncByteStream must implement __iter__"):
        iter(SyncByteStream())
    with pytest.raises(NotImplementedError, match="AsyncByteStream must implement __aiter__"):
        aiter(AsyncByteStream())
    assert SyncByteStream().close() is None
    assert asyncio.run(AsyncByteStream().aclose()) is None


def test_a_body_must_be_given_its_two_methods() -> None:
    """A Body names the method that it lacks, and has nothing whole to give by itself."""
    with pytest.raises(NotImplementedError, match="next_chunk"):
        run_blocking(Body().next_chunk())
    with pytest.raises(NotImplementedError, match="close_now"):
        Body().close()
    assert Body().take_whole() is None


def test_bytes_are_one_chunk_in_both_worlds() -> None:
    """A ByteStream gives its bytes as one chunk, any number of times, and its repr does not show them."""
    stream = ByteStream(b"secret")

    assert list(stream) == list(stream) == [b"secret"]
    assert asyncio.run(collect(stream)) == [b"secret"]
    chunks = aiter(stream)
    assert aiter(chunks) is chunks
    assert stream.is_replayable
    assert repr(stream) == "<ByteStream [6 bytes]>"


def test_a_body_is_iterated_in_both_worlds() -> None:
    """The two iterations of a Body are derived from next_chunk()."""
    blocking, looping = iter(Chunked(b"a", b"b")), aiter(Chunked())

    assert iter(blocking) is blocking
    assert aiter(looping) is looping
    assert list(blocking) == [b"a", b"b"]
    assert asyncio.run(collect(Chunked(b"a", b"b"))) == [b"a", b"b"]


def test_closing_a_body_never_waits() -> None:
    """Both ways of closing a Body end in close_now()."""
    body = Chunked()

    body.close()
    asyncio.run(body.aclose())

    assert body.closed == 2


def test_an_unattached_stream_is_closed() -> None:
    """What came without its stream raises StreamClosed in both worlds."""
    with pytest.raises(StreamClosed):
        list(UnattachedStream())
    with pytest.raises(StreamClosed):
        asyncio.run(collect(UnattachedStream()))


@pytest.mark.parametrize("stream", [Blocking(), Chunked(b"a", b"b"), Chunked(b"a", b"b", blocking=True)])
def test_pulling_in_blocking_code(stream: SyncByteStream) -> None:
    """source_of() pulls chunks out of any blocking stream, and gives None at the end."""
    source = source_of(stream, blocking=True)

    assert [run_blocking(source.next_chunk()) for _ in range(4)] == [b"a", b"b", None, None]


@pytest.mark.parametrize("stream", [Looping(), Chunked(b"a", b"b"), Chunked(b"a", b"b", blocking=False)])
def test_pulling_in_a_loop(stream: AsyncByteStream) -> None:
    """source_of() pulls chunks out of any async stream, and gives None at the end."""

    async def main() -> list[bytes | None]:
        source = source_of(stream, blocking=False)
        return [await source.next_chunk() for _ in range(4)]

    assert asyncio.run(main()) == [b"a", b"b", None, None]


@pytest.mark.parametrize("stream", [Looping(), Chunked(blocking=False)])
def test_blocking_code_refuses_streams_of_a_loop(stream: AsyncByteStream) -> None:
    """A stream that needs an event loop cannot be pulled from without one."""
    with pytest.raises(RuntimeError, match="a sync iterator on an async stream"):
        source_of(stream, blocking=True)


@pytest.mark.parametrize("stream", [Blocking(), Chunked(blocking=True)])
def test_a_loop_refuses_streams_that_block(stream: SyncByteStream) -> None:
    """A stream that would block the event loop cannot be pulled from in one."""
    with pytest.raises(RuntimeError, match="an async iterator on an sync stream"):
        source_of(stream, blocking=False)
