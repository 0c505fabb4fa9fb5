"""Events of a response, as programs iterate over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from borzoi._errors import ReadError, SSEError, StreamConsumed
from borzoi._messages.event_source import EventSource
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.sse import ServerSentEvent
from borzoi._messages.streams import AsyncByteStream, SyncByteStream

STREAM = b"retry: 5\n\nevent: tick\ndata: 1\n\ndata: \xc3\xa9\n\n"
REQUEST = Request("GET", "https://one.example/")


class Body(SyncByteStream, AsyncByteStream):
    """A body in chunks."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def answered(stream: bytes | Body = STREAM, content_type: str = "text/event-stream") -> Response:
    """Return a response that is a stream of events."""
    body = stream if isinstance(stream, Body) else Body(stream)
    return Response(200, headers={"Content-Type": content_type}, stream=body, request=REQUEST)


async def gathered(walk: AsyncIterator[Any]) -> list[Any]:
    """Return all that is walked over."""
    return [item async for item in walk]


def walked(source: EventSource, *, blocking: bool) -> list[ServerSentEvent]:
    """Return the events of a source, in one of two worlds."""
    return list(source) if blocking else asyncio.run(gathered(aiter(source)))


@pytest.fixture(params=[True, False], ids=["blocking", "asyncio"])
def blocking(request: pytest.FixtureRequest) -> bool:
    """Each way of iterating in turn."""
    return bool(request.param)


def test_source_gives_every_event(blocking: bool) -> None:
    """A source gives all events, those without data among them."""
    source = EventSource(answered())

    assert walked(source, blocking=blocking) == [
        ServerSentEvent(retry=5),
        ServerSentEvent("tick", "1"),
        ServerSentEvent(data="\u00e9"),
    ]
    assert source.response.is_closed


def test_response_gives_events_with_data(blocking: bool) -> None:
    """`events()` of a response gives the events that have data."""
    response = answered()
    events = list(response.events()) if blocking else asyncio.run(gathered(response.aevents()))

    assert events == [ServerSentEvent("tick", "1"), ServerSentEvent(data="\u00e9")]


def test_response_that_was_read(blocking: bool) -> None:
    """A response that was read already gives its events, as often as one likes."""
    response = answered()
    response.read()

    assert len(walked(EventSource(response), blocking=blocking)) == 3
    assert len(walked(EventSource(response), blocking=blocking)) == 3


def test_stream_is_there_once(blocking: bool) -> None:
    """A stream that was iterated over cannot be iterated over again."""
    source = EventSource(answered())
    walked(source, blocking=blocking)

    with pytest.raises(StreamConsumed):
        walked(source, blocking=blocking)


@pytest.mark.parametrize(
    "content_type", ["text/event-stream; charset=utf-8", "Text/Event-Stream ", "text/event-stream"]
)
def test_content_type_of_a_stream(content_type: str, blocking: bool) -> None:
    """The media type is compared without its parameters, in any case."""
    assert len(walked(EventSource(answered(content_type=content_type)), blocking=blocking)) == 3


@pytest.mark.parametrize("content_type", ["application/json", "text/event-streams", ""])
def test_other_content_types(content_type: str, blocking: bool) -> None:
    """A response of another type is refused when the first event is asked for, and not read."""
    response = answered(content_type=content_type)
    source = EventSource(response)

    with pytest.raises(SSEError, match="Expected response with content type 'text/event-stream', got") as caught:
        walked(source, blocking=blocking)
    assert caught.value.request is REQUEST
    assert not response.is_stream_consumed


def test_charset_of_a_stream(blocking: bool) -> None:
    """A charset that the server names is obeyed, as by httpx2."""
    source = EventSource(answered(b"data: \xe9\n\n", "text/event-stream; charset=latin-1"))

    assert walked(source, blocking=blocking) == [ServerSentEvent(data="\u00e9")]


def test_event_that_is_too_large(blocking: bool) -> None:
    """An event over the limit is an error that knows its request; the events before it are given."""
    source = EventSource(answered(b"data: 1\n\ndata: 123456\n\n"), max_event_size=10)
    events: list[ServerSentEvent] = []

    def read() -> None:
        for event in source:
            events.append(event)  # noqa: PERF402 - what comes before the error counts

    async def aread() -> None:
        async for event in source:
            events.append(event)  # noqa: PERF401 - the same

    with pytest.raises(SSEError, match="exceeded the 10 byte limit") as caught:
        read() if blocking else asyncio.run(aread())
    assert events == [ServerSentEvent(data="1")]
    assert caught.value.request is REQUEST


def test_limit_of_a_response(blocking: bool) -> None:
    """`events()` has a limit of 1 MiB, or another, or none."""
    large = b"data: " + b"x" * (1 << 20) + b"\n\n"

    def events(**settings: Any) -> list[ServerSentEvent]:
        response = answered(large)
        return list(response.events(**settings)) if blocking else asyncio.run(gathered(response.aevents(**settings)))

    with pytest.raises(SSEError, match="exceeded the 1048576 byte limit"):
        events()
    assert len(events(max_event_size=2 << 20)) == 1
    assert len(events(max_event_size=None)) == 1


def test_broken_stream(blocking: bool) -> None:
    """An error of the stream passes, with its request."""
    with pytest.raises(ReadError) as caught:
        walked(EventSource(answered(Body(b"data: 1\n\nda", error=ReadError("broken")))), blocking=blocking)
    assert caught.value.request is REQUEST


def test_walk_given_up(blocking: bool) -> None:
    """A walk that is closed is over, and leaves the response to whoever opened it."""
    response = answered()

    async def aclose() -> list[Any]:
        walk: Any = aiter(EventSource(response))
        first = await anext(walk)
        await walk.aclose()
        return [first, *await gathered(walk)]

    def close() -> list[Any]:
        walk: Any = iter(EventSource(response))
        first = next(walk)
        walk.close()
        return [first, *walk]

    assert (close() if blocking else asyncio.run(aclose())) == [ServerSentEvent(retry=5)]
    assert not response.is_closed


def test_iterators_of_a_subclass(blocking: bool) -> None:
    """What a program made of the class is asked by its own iterators."""

    class Shouting(Response):
        def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
            return iter(["data: SYNC\n\n"])

        async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
            yield "data: ASYNC\n\n"

    source = EventSource(Shouting(200, headers={"Content-Type": "text/event-stream"}))
    assert [event.data for event in walked(source, blocking=blocking)] == ["SYNC" if blocking else "ASYNC"]
