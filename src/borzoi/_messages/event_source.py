"""The events of a response, as programs iterate over them.

    response.iter_text() -> EventReader -> Chunks

`client.sse()` gives an `EventSource`; `Response.events()` gives the events of a response that is there already.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .._config import DEFAULT_MAX_EVENT_SIZE
from .._errors import SSEError
from .iteration import AsyncChunks, Chunks
from .sse import EventParser, ServerSentEvent

if TYPE_CHECKING:
    from .response import Response


class EventReader:
    """Read the events of one response, in any world."""

    __slots__ = ("_blocking", "_parser", "_response", "_texts")

    def __init__(self, response: Response, parser: EventParser, *, blocking: bool) -> None:
        self._response = response
        self._parser = parser
        self._blocking = blocking
        self._texts: Any = None

    async def next_chunk(self) -> ServerSentEvent | None:
        """Return the next event, None at the end. Raises SSEError for what is no event stream."""
        try:
            while (event := self._parser.next_event()) is None:
                text = await self._next_text()
                if text is None:
                    return None
                self._parser.feed(text)
        except SSEError as error:
            error._request = self._response._request
            raise
        return event

    async def _next_text(self) -> str | None:
        # Through the public iterators, since what a program made of the class has those of its own.
        if self._texts is None:
            require_event_stream(self._response)
            self._texts = iter(self._response.iter_text()) if self._blocking else aiter(self._response.aiter_text())

        text: str | None = next(self._texts, None) if self._blocking else await anext(self._texts, None)
        return text


def require_event_stream(response: Response) -> None:
    """Raise SSEError unless the response says that it is an event stream."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if media_type.lower() != "text/event-stream":
        raise SSEError(f"Expected response with content type 'text/event-stream', got {media_type!r}.")


class EventSource:
    """Iterate over the events of a response: with `for` in blocking code, with `async for` in an event loop.

    An event without data, such as a lone `retry:`, is given too, as httpx2 does. An event larger than `max_event_size`
    bytes raises SSEError, and so does a response of another Content-Type.
    """

    _dataless = True

    def __init__(self, response: Response, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE) -> None:
        self._response = response
        self._max_event_size = max_event_size

    @property
    def response(self) -> Response:
        """The response that the events come from."""
        return self._response

    def __iter__(self) -> Iterator[ServerSentEvent]:
        return Chunks(partial(self._open, blocking=True))

    def __aiter__(self) -> AsyncIterator[ServerSentEvent]:
        return AsyncChunks(partial(self._open, blocking=False))

    def _open(self, *, blocking: bool) -> Any:
        """Return what events are pulled from, and no further steps."""
        parser = EventParser(max_event_size=self._max_event_size, dataless=self._dataless)
        return EventReader(self._response, parser, blocking=blocking), []


class DataEvents(EventSource):
    """Leave out events without data, as browsers do."""

    _dataless = False
