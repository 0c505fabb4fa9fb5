"""Responses that are read as they come: server-sent events, JSON lines, JSON sequences, and downloads.

Each is entered with `with` or `async with`, which sends the request; a status that is no success raises there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from os import PathLike
from typing import Any, Generic, Self, TypeVar

import msgspec

from ... import DecodingError, Response, ServerSentEvent
from ..._run_blocking import run_blocking
from .client import AsyncClient, Client
from .errors import asked
from .libraries import decoder
from .operation import TEXT, Call
from .values import UNSET

T = TypeVar("T")
E = TypeVar("E")


def _streaming(client: Client | AsyncClient, call: Call[Any], http: Any) -> dict[str, Any]:
    request = client.prepare(call, http)
    if call.operation.stream is not None:
        request["headers"]["Accept"] = _MEDIA_TYPES[call.operation.stream[0]]
    return request


_MEDIA_TYPES = {
    "sse": "text/event-stream",
    "events": "text/event-stream",
    "lines": "application/x-ndjson",
    "sequence": "application/json-seq",
}


def _is_reply(call: Call[Any], response: Response) -> bool:
    return call.operation.reply_of(response.status_code) is not UNSET


def _opened(http: Any, request: dict[str, Any], reconnect: int) -> Any:
    """Return what is entered for a response, or, where it is to go on when it ends, for a source of events."""
    return http.sse(request.pop("url"), reconnect=reconnect, **request) if reconnect else http.stream(**request)


def _read(response: Response) -> Response:
    try:
        response.read()
    finally:
        response.close()
    return response


async def _aread(response: Response) -> Response:
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


_END = object()
"""What an item is not that says there are no more."""


class Event(Generic[T]):
    """Hold an event of a stream whose document describes events: its name, its data, and what was sent with it."""

    __slots__ = ("data", "event", "id", "retry")

    def __init__(self, data: T, event: str = "message", id: str = "", retry: int | None = None) -> None:
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry

    def __repr__(self) -> str:
        return f"<Event {self.event!r} {self.data!r}>"


def _decoder_of_events(types: Mapping[str, Any]) -> Callable[[ServerSentEvent], Any]:
    """Return what makes an event of what was received, given the types of data by the names of events, "" for any."""
    decoders = {name: _text if type_ == TEXT else decoder(type_) for name, type_ in types.items()}

    def decode(event: ServerSentEvent) -> Any:
        data_of = decoders.get(event.event) or decoders.get("")
        # As in a browser, nobody hears of events that nobody has asked for: the document does not know them.
        return UNSET if data_of is None else Event(data_of(event.data.encode()), event.event, event.id, event.retry)

    return decode


def _text(data: bytes) -> str:
    return data.decode()


def _decoder_of_data(type_: Any) -> Callable[[ServerSentEvent], Any]:
    decode = decoder(type_)
    return lambda event: decode(event.data.encode())


class _Items(Generic[T]):
    def __init__(self, client: Any, call: Call[Any]) -> None:
        assert call.operation.stream is not None
        self._client = client
        self._call = call
        self._kind, type_of = call.operation.stream
        self._is_sse = self._kind in ("sse", "events")
        make = {"sse": _decoder_of_data, "events": _decoder_of_events}.get(self._kind, decoder)
        self._decode: Callable[[Any], Any] = make(type_of())
        self._reconnect = client._reconnect if self._is_sse else 0
        self._opened: Any = None
        self._source: Any = None
        self._count = 0

    @property
    def http(self) -> Response:
        """The response, the latest one where there are several. Raises RuntimeError before it is there."""
        if self._source is None:
            raise RuntimeError("The stream was not entered.")
        found: Response = self._source.response if self._reconnect else self._source
        return found

    def _begun(self, source: Any) -> bool:
        """Keep what items come from, and tell whether there are any, or an end of which the server tells by 204."""
        self._source = source
        self._count = 0
        is_over = self._reconnect and self.http.status_code == 204
        return bool(is_over) or _is_reply(self._call, self.http)

    def _received(self, events: Callable[[], Any], lines: Callable[[], Any]) -> Any:
        """Return what items are made of: the events of the response, of all responses to come, or its lines."""
        return self._source if self._reconnect else events() if self._is_sse else lines()

    def _item_of(self, received: Any) -> Any:
        """Return an item, UNSET for what is none, or what says that there are no more. Raises DecodingError."""
        if self._is_sse:
            return _END if received.data == "[DONE]" else self._made(received) if received.data else UNSET
        line = received.lstrip("\x1e").strip()
        return self._made(line.encode()) if line else UNSET

    def _made(self, content: Any) -> Any:
        self._count += 1
        try:
            return self._decode(content)
        except msgspec.MsgspecError as error:
            request = self.http.request
            what = f"{asked(request)}: item {self._count} of the stream"
            if self._is_sse:
                what += f", event {content.event!r}{f' with id {content.id!r}' if content.id else ''},"
            raise DecodingError(f"{what} is not what the document declares: {error}", request=request) from error


class Events(_Items[T]):
    """Read the items of a stream; iterating over one that was not entered does it for the time of the loop."""

    def __enter__(self) -> Self:
        http = self._client.http
        self._opened = _opened(http, _streaming(self._client, self._call, http), self._reconnect)
        if not self._begun(self._opened.__enter__()):
            self._client.finish(self._call, _read(self.http))
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.__exit__(*exception)

    def __iter__(self) -> Iterator[T]:
        if self._source is not None:
            yield from self._items()
            return
        with self:
            yield from self._items()

    def _items(self) -> Iterator[T]:
        for received in self._received(self.http.events, self.http.iter_lines):
            item = self._item_of(received)
            if item is _END:
                return
            if item is not UNSET:
                yield item


class AsyncEvents(_Items[T]):
    """Read the items of a stream; iterating over one that was not entered does it for the time of the loop."""

    async def __aenter__(self) -> Self:
        http = self._client.async_http
        self._opened = _opened(http, _streaming(self._client, self._call, http), self._reconnect)
        if not self._begun(await self._opened.__aenter__()):
            self._client.finish(self._call, await _aread(self.http))
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._opened.__aexit__(*exception)

    def __aiter__(self) -> AsyncIterator[T]:
        return _AsyncItems(self)


class _AsyncItems(AsyncIterator[T]):
    """Go from item to item. No generator, which would be to be closed by who leaves it early, as trio says aloud."""

    def __init__(self, events: AsyncEvents[T]) -> None:
        self._events = events
        self._is_to_open = events._source is None
        self._is_to_close = False
        self._received: Any = None

    async def __anext__(self) -> T:
        events = self._events
        if self._is_to_open:
            await events.__aenter__()
            self._is_to_open, self._is_to_close = False, True
        if self._received is None:
            self._received = aiter(events._received(events.http.aevents, events.http.aiter_lines))
        try:
            return await self._following()
        except BaseException:
            if self._is_to_close:
                self._is_to_close = False
                await events.__aexit__(None, None, None)
            raise

    async def _following(self) -> T:
        async for received in self._received:
            item: Any = self._events._item_of(received)
            if item is _END:
                break
            if item is not UNSET:
                found: T = item
                return found
        raise StopAsyncIteration

    def __del__(self) -> None:
        # A loop that was left before its end: closing never awaits.
        if self._is_to_close:
            run_blocking(self._events.__aexit__(None, None, None))


class Streamed(Generic[T, E]):
    """What a method is declared to return whose body is a `T`, or a stream of `E` if that is asked for."""


class Download:
    """Read a body piece by piece: `with client.files.stream.download(id) as file: file.save(path)`."""

    def __init__(self, client: Client, call: Call[Any]) -> None:
        self._client = client
        self._call = call
        self._opened: Any = None
        self.http: Response

    def __enter__(self) -> Self:
        http = self._client.http
        self._opened = http.stream(**_streaming(self._client, self._call, http))
        self.http = self._opened.__enter__()
        if not _is_reply(self._call, self.http):
            self._client.finish(self._call, _read(self.http))
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.__exit__(*exception)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the body."""
        return self.http.iter_bytes(chunk_size)

    def save(self, path: str | PathLike[str]) -> tuple[str, int]:
        """Save the body to a file, whole or not at all, and return the path and the size."""
        saved, size = self.http.save(path)
        return str(saved), size


class AsyncDownload:
    """Read a body piece by piece, in async code."""

    def __init__(self, client: Client | AsyncClient, call: Call[Any]) -> None:
        self._client = client
        self._call = call
        self._opened: Any = None
        self.http: Response

    async def __aenter__(self) -> Self:
        http = self._client.async_http
        self._opened = http.stream(**_streaming(self._client, self._call, http))
        self.http = await self._opened.__aenter__()
        if not _is_reply(self._call, self.http):
            self._client.finish(self._call, await _aread(self.http))
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._opened.__aexit__(*exception)

    def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the body."""
        return self.http.aiter_bytes(chunk_size)

    async def save(self, path: str | PathLike[str]) -> tuple[str, int]:
        """Save the body to a file, whole or not at all, and return the path and the size."""
        saved, size = await self.http.asave(path)
        return str(saved), size
