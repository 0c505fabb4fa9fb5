"""The body of a response on its way in: read, iterated, observed, cut short, closed."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import brotli
import pytest

from borzoi._errors import DecodingError, ReadError, RemoteProtocolError, StreamClosed, StreamConsumed
from borzoi._messages.iteration import AsyncChunks
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.streams import AsyncByteStream, Body, SyncByteStream
from borzoi._run_blocking import run_blocking
from tests.messages.test_streams import Chunked

REQUEST = Request("GET", "https://example.org")
TEXT = "Bor\r\nzoi é\n".encode()


class Whole(Body):
    """A body that arrived as a whole."""

    blocking = None
    is_whole = False

    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data
        self.closed = 0

    def take_whole(self) -> bytes | None:
        data, self.data = self.data, None
        return data

    async def next_chunk(self) -> bytes | None:
        return self.take_whole()

    def close_now(self) -> None:
        self.closed += 1


class Failing(Body):
    """A body that breaks after its first chunk."""

    blocking = None
    is_whole = False

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.is_first = True
        self.closed = 0

    async def next_chunk(self) -> bytes | None:
        if self.is_first:
            self.is_first = False
            return b"bor"
        raise self.error

    def close_now(self) -> None:
        self.closed += 1


class Blocking(SyncByteStream):
    """A stream as programs write them, that may fail while it is read and while it is closed."""

    def __init__(self, error: BaseException | None = None, close_error: Exception | None = None) -> None:
        self.error = error
        self.close_error = close_error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"bor"
        if self.error is not None:
            raise self.error
        yield b"zoi"

    def close(self) -> None:
        self.closed += 1
        if self.close_error is not None:
            raise self.close_error


class Looping(AsyncByteStream):
    """The same for an event loop."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"bor"
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        yield b"zoi"

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


class Log:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    async def received(self, wire_bytes: int, decoded_bytes: int) -> None:
        self.calls.append((wire_bytes, decoded_bytes))

    async def finished(self) -> None:
        self.is_whole = True

    def broken(self) -> None:
        self.is_broken = True

    @property
    def totals(self) -> tuple[int, int]:
        return sum(wire for wire, _ in self.calls), sum(decoded for _, decoded in self.calls)


def collect(response: Response, method: str, *arguments: Any, blocking: bool) -> list[Any]:
    """Iterate in one of the two worlds."""
    if blocking:
        return list(getattr(response, method)(*arguments))

    async def main() -> list[Any]:
        return [chunk async for chunk in getattr(response, f"a{method}")(*arguments)]

    return asyncio.run(main())


def read(response: Response, *, blocking: bool) -> bytes:
    return response.read() if blocking else asyncio.run(response.aread())


in_both_worlds = pytest.mark.parametrize("blocking", [True, False])


@in_both_worlds
@pytest.mark.parametrize(
    ("method", "arguments", "chunks"),
    [
        ("iter_raw", (), [b"Bor\r", b"\nzoi \xc3", b"\xa9\n"]),
        ("iter_raw", (5,), [b"Bor\r\n", b"zoi \xc3", b"\xa9\n"]),
        ("iter_bytes", (), [b"Bor\r", b"\nzoi \xc3", b"\xa9\n"]),
        ("iter_bytes", (100,), [TEXT]),
        ("iter_text", (), ["Bor\r", "\nzoi ", "é\n"]),
        ("iter_text", (6,), ["Bor\r\nz", "oi é\n"]),
        ("iter_lines", (), ["Bor", "zoi é"]),
    ],
)
def test_iterating(method: str, arguments: tuple[int, ...], chunks: list[Any], blocking: bool) -> None:
    """Chunks pass as they come, or cut as asked, and the end closes the response."""
    body = Chunked(b"Bor\r", b"\nzoi \xc3", b"\xa9\n")
    response = Response(200, stream=body)

    assert collect(response, method, *arguments, blocking=blocking) == chunks
    assert (response.is_closed, response.is_stream_consumed, body.closed) == (True, True, 1)
    assert response.num_bytes_downloaded == len(TEXT)


@in_both_worlds
@pytest.mark.parametrize(
    ("method", "arguments", "chunks"),
    [
        ("iter_bytes", (), [TEXT]),
        ("iter_bytes", (6,), [TEXT[:6], TEXT[6:]]),
        ("iter_text", (), [TEXT.decode()]),
        ("iter_lines", (), ["Bor", "zoi é"]),
    ],
)
def test_iterating_over_what_was_read(
    method: str, arguments: tuple[int, ...], chunks: list[Any], blocking: bool
) -> None:
    """What was read can be iterated over, any number of times."""
    response = Response(200, content=TEXT)

    assert collect(response, method, *arguments, blocking=blocking) == chunks
    assert collect(response, method, *arguments, blocking=blocking) == chunks


@in_both_worlds
def test_raw_bytes_are_there_once(blocking: bool) -> None:
    """The raw body is gone once the response was read."""
    with pytest.raises(StreamConsumed):
        collect(Response(200, content=TEXT), "iter_raw", blocking=blocking)


@in_both_worlds
def test_iterating_over_nothing(blocking: bool) -> None:
    """An empty body has no chunks and no lines."""
    for method in ("iter_raw", "iter_bytes", "iter_text", "iter_lines"):
        assert collect(Response(200, stream=Chunked()), method, blocking=blocking) == []


@in_both_worlds
def test_reading(blocking: bool) -> None:
    """Reading joins what comes, and reading again returns it."""
    response = Response(200, stream=Chunked(b"b", b"or", b"zoi"))

    assert read(response, blocking=blocking) == b"borzoi"
    assert read(response, blocking=blocking) == response.content == b"borzoi"
    assert (response.is_closed, response.num_bytes_downloaded) == (True, 6)


@pytest.mark.parametrize(("chunks", "content"), [([], b""), ([b"borzoi"], b"borzoi")])
def test_reading_none_or_one_chunk(chunks: list[bytes], content: bytes) -> None:
    """No chunk is no content, and one chunk is the content."""
    assert Response(200, stream=Chunked(*chunks)).read() == content


@in_both_worlds
def test_reading_what_is_here_already(blocking: bool) -> None:
    """A body that arrived as a whole is taken as it is, without copy, and needs no closing."""
    data = b"borzoi" * 10
    body = Whole(data)
    response = Response(200, stream=body)

    assert read(response, blocking=blocking) is data
    assert (response.is_closed, response.is_stream_consumed, body.closed) == (True, True, 0)
    assert response.num_bytes_downloaded == 60


@in_both_worlds
@pytest.mark.parametrize("body", [Whole, Chunked])
def test_reading_what_is_encoded(body: Callable[[bytes], Body], blocking: bool) -> None:
    """Content codings are undone, over all lines of the header and in the right order."""
    data = brotli.compress(gzip.compress(TEXT))
    headers = [("Content-Encoding", "gzip"), ("content-encoding", "br")]
    response = Response(200, headers=headers, stream=body(data))

    assert read(response, blocking=blocking) == TEXT
    assert response.num_bytes_downloaded == len(data)
    assert response.is_closed


def test_content_given_is_decoded_too() -> None:
    """A response made with an encoded content decodes it, as one from the network would."""
    data = gzip.compress(b"borzoi")
    response = Response(200, headers={"content-encoding": "gzip"}, content=data)

    assert response.content == b"borzoi"
    assert response.headers["content-length"] == str(len(data))


@in_both_worlds
def test_raw_bytes_stay_encoded(blocking: bool) -> None:
    """iter_raw() undoes nothing."""
    data = gzip.compress(b"borzoi")
    response = Response(200, headers={"content-encoding": "gzip"}, stream=Chunked(data))

    assert collect(response, "iter_raw", blocking=blocking) == [data]


def test_user_streams_are_read_in_their_world() -> None:
    """Streams of the program are read and closed in the world that they are of."""
    blocking, looping = Blocking(), Looping()

    assert Response(200, stream=blocking).read() == b"borzoi"
    assert asyncio.run(Response(200, stream=looping).aread()) == b"borzoi"
    assert (blocking.closed, looping.closed) == (1, 1)


def test_the_world_is_taken_from_the_stream() -> None:
    """Where nobody says in which world to read, the stream does."""

    async def main() -> bytes:
        return await Response(200, stream=Looping())._load()

    assert run_blocking(Response(200, stream=Blocking())._load()) == b"borzoi"
    assert asyncio.run(main()) == b"borzoi"


@pytest.mark.parametrize("stream", [Looping(), Chunked(blocking=False)])
def test_blocking_code_refuses_streams_of_a_loop(stream: AsyncByteStream) -> None:
    """Reading, iterating and closing without a loop are errors, and the response stays as it was."""
    response = Response(200, stream=stream)

    with pytest.raises(RuntimeError, match="a sync iterator on an async stream"):
        response.read()
    with pytest.raises(RuntimeError, match="a sync iterator on an async stream"):
        list(response.iter_bytes())
    with pytest.raises(RuntimeError, match="an sync close on an async stream"):
        response.close()
    assert (response.is_closed, response.is_stream_consumed) == (False, False)


@pytest.mark.parametrize("stream", [Blocking(), Chunked(blocking=True)])
def test_a_loop_refuses_streams_that_block(stream: SyncByteStream) -> None:
    """Reading, iterating and closing in a loop are errors, and the response stays as it was."""
    response = Response(200, stream=stream)

    with pytest.raises(RuntimeError, match="an async iterator on an sync stream"):
        asyncio.run(response.aread())
    with pytest.raises(RuntimeError, match="an async iterator on an sync stream"):
        collect(response, "iter_bytes", blocking=False)
    with pytest.raises(RuntimeError, match="an async close on an sync stream"):
        asyncio.run(response.aclose())
    assert (response.is_closed, response.is_stream_consumed) == (False, False)


@in_both_worlds
def test_a_body_is_streamed_once(blocking: bool) -> None:
    """A body that was streamed, in part or as a whole, can be neither read nor streamed again."""
    response = Response(200, stream=Chunked(b"a", b"b"))
    collect(response, "iter_bytes", blocking=blocking)

    with pytest.raises(StreamConsumed):
        read(response, blocking=blocking)
    with pytest.raises(StreamConsumed):
        collect(response, "iter_bytes", blocking=blocking)


@in_both_worlds
def test_a_closed_body_cannot_be_read(blocking: bool) -> None:
    """After closing nothing comes any more; closing again does nothing."""
    body = Chunked(b"a")
    response = Response(200, stream=body)
    for _ in range(2):
        response.close() if blocking else asyncio.run(response.aclose())

    assert body.closed == 1
    with pytest.raises(StreamClosed):
        read(response, blocking=blocking)
    with pytest.raises(StreamClosed):
        collect(response, "iter_lines", blocking=blocking)


def test_the_body_is_opened_when_the_first_chunk_is_asked_for() -> None:
    """An iteration that never starts leaves the response alone."""
    response = Response(200, stream=Chunked(b"a"))
    chunks = response.iter_bytes()

    assert not response.is_stream_consumed
    assert response.read() == b"a"
    assert list(chunks) == [b"a"]


def test_an_iteration_can_be_given_up() -> None:
    """Closing an iterator ends it, in both worlds, and its response stays open."""
    response = Response(200, stream=Chunked(b"abcd", b"e"))
    chunks: Any = response.iter_bytes(1)
    assert iter(chunks) is chunks
    assert next(chunks) == b"a"
    chunks.close()
    assert list(chunks) == []
    assert not response.is_closed

    async def main() -> list[bytes]:
        chunks = Response(200, stream=Chunked(b"abcd")).aiter_bytes(1)
        assert isinstance(chunks, AsyncChunks)
        assert await anext(chunks) == b"a"
        await chunks.aclose()
        return [chunk async for chunk in chunks]

    assert asyncio.run(main()) == []


@in_both_worlds
@pytest.mark.parametrize("error", [ReadError("reset"), RemoteProtocolError("cut short"), ValueError("a bug")])
def test_errors_close_the_response(error: Exception, blocking: bool) -> None:
    """An error while reading closes the body, and is told its request."""
    body = Failing(error)
    response = Response(200, stream=body, request=REQUEST)

    with pytest.raises(type(error)) as caught:
        read(response, blocking=blocking)
    assert (response.is_closed, body.closed) == (True, 1)
    assert getattr(caught.value, "request", REQUEST) is REQUEST


@in_both_worlds
def test_errors_while_iterating(blocking: bool) -> None:
    """What came before an error stays valid, and the iterator is over."""
    body = Failing(ReadError("reset"))
    response = Response(200, stream=body, request=REQUEST)
    got: list[bytes] = []

    async def main() -> None:
        chunks = response.aiter_bytes()
        got.append(await anext(chunks))
        with pytest.raises(ReadError):
            await anext(chunks)
        got.extend([chunk async for chunk in chunks])

    if blocking:
        chunks = response.iter_bytes()
        got.append(next(chunks))
        with pytest.raises(ReadError):
            next(chunks)
        got.extend(chunks)
    else:
        asyncio.run(main())

    assert got == [b"bor"]
    assert body.closed == 1


def test_an_error_keeps_its_own_request() -> None:
    """An error that knows its request is not told another."""
    error = ReadError("reset", request=Request("GET", "http://other"))

    with pytest.raises(ReadError) as caught:
        Response(200, stream=Failing(error), request=REQUEST).read()
    assert str(caught.value.request.url) == "http://other"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError()])
def test_being_interrupted_closes_the_body(error: BaseException) -> None:
    """A body of ours is closed at once, whatever ended the reading."""
    body = Failing(error)

    with pytest.raises(type(error)):
        Response(200, stream=body).read()
    assert body.closed == 1


def test_errors_of_user_streams() -> None:
    """A stream of the program is closed after an error, in its own world."""
    blocking, looping = Blocking(ReadError("reset")), Looping(ReadError("reset"))

    with pytest.raises(ReadError):
        Response(200, stream=blocking).read()
    with pytest.raises(ReadError):
        asyncio.run(Response(200, stream=looping).aread())
    assert (blocking.closed, looping.closed) == (1, 1)


def test_a_cancelled_task_does_not_wait_for_a_user_stream() -> None:
    """An async stream of the program is left to whoever opened the response when the task is cancelled."""
    stream = Looping(asyncio.CancelledError())
    response = Response(200, stream=stream)

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await response.aread()

    asyncio.run(main())
    assert (response.is_closed, stream.closed) == (False, 0)


def test_an_error_while_closing_hides_no_other() -> None:
    """The first error is the one that is raised; without one, that of closing is, with its request."""
    with pytest.raises(ReadError, match="reset"):
        Response(200, stream=Blocking(ReadError("reset"), OSError("closing"))).read()
    with pytest.raises(ReadError, match="closing") as caught:
        Response(200, stream=Blocking(None, ReadError("closing")), request=REQUEST).close()
    assert caught.value.request is REQUEST


@in_both_worlds
@pytest.mark.parametrize("body", [Whole, Chunked])
@pytest.mark.parametrize("data", [gzip.compress(TEXT, mtime=0)[:-1], gzip.compress(TEXT, mtime=0) + b"x", b"nonsense"])
def test_broken_codings_close_the_response(data: bytes, body: Callable[[bytes], Body], blocking: bool) -> None:
    """What does not decode is a DecodingError with its request, and nothing is read."""
    response = Response(200, headers={"content-encoding": "gzip"}, stream=body(data), request=REQUEST)

    with pytest.raises(DecodingError, match="gzip") as caught:
        read(response, blocking=blocking)
    assert caught.value.request is REQUEST
    assert response.is_closed
    assert not hasattr(response, "_content")


@in_both_worlds
def test_too_many_codings_close_the_response(blocking: bool) -> None:
    """Six codings, over however many lines, are refused."""
    headers = [("content-encoding", "gzip, gzip, gzip"), ("Content-Encoding", "gzip, gzip, gzip")]
    body = Chunked(b"x")
    response = Response(200, headers=headers, stream=body, request=REQUEST)

    with pytest.raises(DecodingError, match="6 content codings") as caught:
        read(response, blocking=blocking)
    assert caught.value.request is REQUEST
    assert body.closed == 1


@in_both_worlds
@pytest.mark.parametrize("body", [Whole, Chunked])
def test_the_size_of_decoded_content_can_be_limited(body: Callable[[bytes], Body], blocking: bool) -> None:
    """More than the limit is an error while it comes, not after."""
    data = gzip.compress(bytes(1_000_000))

    response = Response(200, headers={"content-encoding": "gzip"}, stream=body(data))
    response._max_decoded_size = 1_000_000
    assert len(read(response, blocking=blocking)) == 1_000_000

    response = Response(200, headers={"content-encoding": "gzip"}, stream=body(data))
    response._max_decoded_size = 999_999
    with pytest.raises(DecodingError, match="more than the 999999 bytes allowed"):
        read(response, blocking=blocking)
    assert response.is_closed


@in_both_worlds
@pytest.mark.parametrize("body", [Whole, Chunked])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_observers(body: Callable[[bytes], Body], coding: str, blocking: bool) -> None:
    """An observer is told of all bytes off the wire, and of all bytes decoded."""
    data = gzip.compress(TEXT) if coding == "gzip" else TEXT
    response = Response(200, headers={"content-encoding": coding}, stream=body(data))
    response._observer = log = Log()

    assert read(response, blocking=blocking) == TEXT
    assert log.totals == (len(data), len(TEXT))


@in_both_worlds
def test_observers_of_an_iteration(blocking: bool) -> None:
    """An observer is told chunk by chunk, before the program gets it."""
    response = Response(200, stream=Chunked(b"bor", b"zo", b"i"))
    response._observer = log = Log()

    assert collect(response, "iter_bytes", 100, blocking=blocking) == [b"borzoi"]
    assert log.calls == [(3, 3), (2, 2), (1, 1)]


@in_both_worlds
def test_observers_of_raw_bytes(blocking: bool) -> None:
    """What is not decoded counts as it is."""
    response = Response(200, headers={"content-encoding": "gzip"}, stream=Chunked(b"bor"))
    response._observer = log = Log()

    assert collect(response, "iter_raw", blocking=blocking) == [b"bor"]
    assert log.calls == [(3, 3)]


@pytest.mark.parametrize("size", [0, -5])
def test_sizes_of_chunks_below_one(size: int) -> None:
    """A chunk of no size is refused at once."""
    for method in ("iter_raw", "iter_bytes", "iter_text", "aiter_raw", "aiter_bytes", "aiter_text"):
        with pytest.raises(ValueError, match="chunk_size"):
            getattr(Response(200), method)(size)
