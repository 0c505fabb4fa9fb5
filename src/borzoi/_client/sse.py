"""What `client.sse()` gives: connect on entering, close on leaving, and reconnect in between where that was asked for.

Each connection is one `client.stream()`, so what a program overrides or patches there is used here too. The events are
read as in `_messages/event_source.py`; when to connect again is decided in `_policy/reconnecting.py`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._errors import SSEError, TransportError
from .._messages.event_source import EventReader, EventSource
from .._messages.sse import EventParser, ServerSentEvent
from .._messages.streams import ByteStream
from .._policy.reconnecting import is_passing, pause_before
from .._run_blocking import run_blocking
from .._values.headers import Headers
from . import transports

if TYPE_CHECKING:
    from .._messages.response import Response
    from .._values.url import URL
    from .client_base import BaseClient

_ASKING = {"Accept": "text/event-stream", "Cache-Control": "no-store"}


class Subscription:
    """Make one connection after the other to a stream of events, in any world."""

    def __init__(
        self,
        client: BaseClient[Any],
        method: str,
        url: URL | str,
        streaming: dict[str, Any],
        *,
        max_event_size: int | None,
        reconnect: int,
    ) -> None:
        self.blocking = client._face.blocking
        self.max_event_size = max_event_size
        self.reconnect = reconnect
        self.is_closed = False
        self._client: Any = client
        self._method = method
        self._url = url
        self._streaming = streaming
        self._headers = _ASKING | Headers(streaming["headers"])
        self._streamed: Any = None

    async def open(self) -> EventSource:
        """Connect, and return what to iterate over."""
        response = await self.connect(self.last_event_id)
        if self.reconnect:
            return ReconnectingEventSource(response, self)
        return EventSource(response, max_event_size=self.max_event_size)

    @property
    def last_event_id(self) -> str:
        """The id that the program itself continues from."""
        value: str = self._headers.get("Last-Event-ID", "")
        return value

    async def connect(self, last_event_id: str) -> Response:
        """Send the request, and return its response unread."""
        headers = Headers(self._headers)
        headers.pop("Last-Event-ID", None)
        # Fetch, 2.2.2, "normalize": white space at its ends is no part of a field's value, as it may be of an id.
        if last_event_id := last_event_id.strip(" \t"):
            headers["Last-Event-ID"] = last_event_id

        streamed = self._client.stream(self._method, self._url, **{**self._streaming, "headers": headers})
        response: Response = streamed.__enter__() if self.blocking else await streamed.__aenter__()
        self._streamed = streamed
        return response

    async def close(self, *error: Any) -> None:
        """Close the current connection, if there is one, and make no more."""
        self.is_closed = True
        await self.disconnect(*error)

    async def disconnect(self, *error: Any) -> None:
        """Close the current connection, if there is one, because of an error or because it is over."""
        error = error or (None, None, None)
        streamed, self._streamed = self._streamed, None
        if streamed is not None:
            if self.blocking:
                streamed.__exit__(*error)
            else:
                await streamed.__aexit__(*error)

    async def pause(self, seconds: float) -> None:
        """Wait, by the time of what stands in for the network, if something does."""
        sender: Any = None
        if transports.stand_in is not None:
            transport = self._client._transport_for_url(self._client._merge_url(self._url))
            if isinstance(transport, (transports.HTTPTransport, transports.AsyncHTTPTransport)):
                sender = transports.stand_in(transport)
        if hasattr(sender, "sleep"):
            await sender.sleep(seconds)
        elif self.blocking:
            from .._backends.blocking import BlockingBackend

            await BlockingBackend().sleep(seconds)
        else:
            from .worlds import Worlds

            worlds = Worlds()
            await worlds.backend_of(worlds.current_loop()).sleep(seconds)


class ReconnectingEventSource(EventSource):
    """Iterate over the events of one connection after the other. Its `response` is the latest one."""

    def __init__(self, response: Response, subscription: Subscription) -> None:
        super().__init__(response, max_event_size=subscription.max_event_size)
        self._subscription = subscription
        self._reader: ReconnectingReader | None = None

    def _open(self, *, blocking: bool) -> Any:
        # One reader for all walks: each goes on where the last one stopped.
        if self._reader is None:
            self._reader = ReconnectingReader(self, self._subscription, blocking=blocking)
        return self._reader, []


class ReconnectingReader:
    """Read events, and connect anew when the stream ends or breaks."""

    def __init__(self, source: ReconnectingEventSource, subscription: Subscription, *, blocking: bool) -> None:
        self._source = source
        self._subscription = subscription
        self._blocking = blocking
        self._failures = 0
        self._is_over = False
        self._last_event_id = subscription.last_event_id
        self._reconnection_time: int | None = None
        self._reader: EventReader | None = None
        self._begin(source.response)

    def _begin(self, response: Response) -> None:
        self._parser = EventParser(
            max_event_size=self._subscription.max_event_size, dataless=True, last_event_id=self._last_event_id
        )
        self._reader = EventReader(response, self._parser, blocking=self._blocking)

    async def next_chunk(self) -> ServerSentEvent | None:
        """Return the next event, None when there are to be no more."""
        while True:
            error: TransportError | None = None
            try:
                event = await self._attempt()
            except TransportError as failure:
                if not is_passing(failure, self._source.response.status_code):
                    raise
                event, error = None, failure

            if event is not None:
                self._failures = 0
                return event
            if not self._may_reconnect():
                if error is not None:
                    raise error
                return None
            await self._wait()

    def _may_reconnect(self) -> bool:
        response = self._source.response
        first = response.history[0] if response.history else response
        return (
            self._failures < self._subscription.reconnect
            and not self._is_over
            and not self._subscription.is_closed
            # What came from a file or an iterator is gone by now: the arguments would make another request of it.
            and isinstance(first.request.stream, ByteStream)
        )

    async def _wait(self) -> None:
        """Let go of the connection, and wait for as long as the stream says."""
        self._reader = None
        self._last_event_id = self._parser.last_event_id
        if self._parser.reconnection_time is not None:
            self._reconnection_time = self._parser.reconnection_time

        await self._subscription.disconnect()
        await self._subscription.pause(pause_before(self._reconnection_time, self._failures))
        self._failures += 1

    async def _attempt(self) -> ServerSentEvent | None:
        if self._is_over:
            return None
        if self._reader is None:
            self._source._response = await self._subscription.connect(self._last_event_id)
            self._begin(self._source.response)
        response = self._source.response
        if response.status_code == 204:
            # 9.2.3: "Clients can be told to stop reconnecting using the HTTP 204 No Content response code."
            self._is_over = True
            return None
        if response.status_code != 200:
            # 9.2.2: whatever the Content-Type, only 200 is a stream.
            text = f"The server answered with status {response.status_code}, and not with a stream."
            raise SSEError(text, request=response.request)
        assert self._reader is not None
        return await self._reader.next_chunk()


class StreamedEvents:
    """Connect on entering, and close the connection on leaving."""

    __slots__ = ("_subscription",)

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    def __enter__(self) -> EventSource:
        return run_blocking(self._subscription.open())

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run_blocking(self._subscription.close(exc_type, exc_value, traceback))


class AsyncStreamedEvents:
    """Connect on entering, and close the connection on leaving, in an event loop."""

    __slots__ = ("_subscription",)

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    async def __aenter__(self) -> EventSource:
        return await self._subscription.open()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._subscription.close(exc_type, exc_value, traceback)
