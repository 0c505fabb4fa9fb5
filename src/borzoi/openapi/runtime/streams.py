"""Responses that are read as they come: server-sent events, JSON lines, JSON sequences, and downloads.

Each is entered with `with` or `async with`, which sends the request; a status that is no success raises there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from os import PathLike
from typing import Any, Generic, Self, TypeVar

from ... import Response, ServerSentEvent
from .client import AsyncClient, Client
from .libraries import decoder
from .operation import TEXT, Call, declared
from .values import UNSET

T = TypeVar("T")
E = TypeVar("E")


def _streaming(client: Client | AsyncClient, call: Call[Any]) -> dict[str, Any]:
    request = client.prepare(call)
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
    return declared(call.operation.replies, response.status_code) is not UNSET


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
        self._opened: Any = None
        self._response: Response | None = None

    @property
    def http(self) -> Response:
        """The response. Raises RuntimeError before it is there."""
        if self._response is None:
            raise RuntimeError("The stream was not entered.")
        return self._response


class Events(_Items[T]):
    """Read the items of a stream; iterating over one that was not entered does it for the time of the loop."""

    def __enter__(self) -> Self:
        self._opened = self._client.http.stream(**_streaming(self._client, self._call))
        response = self._opened.__enter__()
        if not _is_reply(self._call, response):
            self._client.finish(self._call, _read(response))
        self._response = response
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.__exit__(*exception)

    def __iter__(self) -> Iterator[T]:
        if self._response is not None:
            yield from self._items(self._response)
            return
        with self:
            yield from self._items(self.http)

    def _items(self, response: Response) -> Iterator[T]:
        if self._is_sse:
            for event in response.events():
                if event.data == "[DONE]":
                    return
                if event.data and (item := self._decode(event)) is not UNSET:
                    yield item
            return
        for line in response.iter_lines():
            text = line.lstrip("\x1e").strip()
            if text:
                yield self._decode(text.encode())


class AsyncEvents(_Items[T]):
    """Read the items of a stream; iterating over one that was not entered does it for the time of the loop."""

    async def __aenter__(self) -> Self:
        self._opened = self._client.async_http.stream(**_streaming(self._client, self._call))
        response = await self._opened.__aenter__()
        if not _is_reply(self._call, response):
            self._client.finish(self._call, await _aread(response))
        self._response = response
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._opened.__aexit__(*exception)

    async def __aiter__(self) -> AsyncIterator[T]:
        if self._response is not None:
            async for item in self._items(self._response):
                yield item
            return
        async with self:
            async for item in self._items(self.http):
                yield item

    async def _items(self, response: Response) -> AsyncIterator[T]:
        if self._is_sse:
            async for event in response.aevents():
                if event.data == "[DONE]":
                    return
                if event.data and (item := self._decode(event)) is not UNSET:
                    yield item
            return
        async for line in response.aiter_lines():
            text = line.lstrip("\x1e").strip()
            if text:
                yield self._decode(text.encode())


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
        self._opened = self._client.http.stream(**_streaming(self._client, self._call))
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
        self._opened = self._client.async_http.stream(**_streaming(self._client, self._call))
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
