"""Requests and responses of httpcore to ours and back. Bodies are handed over, not copied."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, cast

from .._messages import request as messages
from .._messages.content import AsyncIterableStream, IterableStream
from .._messages.response import Response as OurResponse
from .._messages.streams import AsyncByteStream, ByteStream, SyncByteStream
from .._values import url as urls
from .._values.headers import Headers
from .httpcore_models import DEFAULT_PORTS, URL, Content, Request, Response, Stream

OurRequest = messages.Request


def request_to_ours(request: Request) -> OurRequest:
    """Return the request as ours. Its target goes out as it is."""
    url = request.url
    # RFC 6455, 3: ws and wss are http and https with another protocol to come.
    scheme = {b"ws": "http", b"wss": "https"}.get(url.scheme, url.scheme.decode("ascii"))
    port = None if url.port == DEFAULT_PORTS.get(url.scheme) else url.port
    ours = OurRequest(
        "GET",
        urls.URL(scheme=scheme, host=url.host.decode("ascii"), port=port, path="/"),
        headers=Headers(request.headers),
        stream=_stream_to_ours(request.stream),
        extensions={**request.extensions, "target": url.target},
    )
    ours.method = request.method.decode("ascii")
    return ours


def request_from_ours(request: OurRequest) -> Request:
    """Return our request as httpcore's."""
    url = request.url
    return Request(
        request.method,
        URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=cast("Content", request.stream),
        extensions=request.extensions,
    )


def response_from_ours(response: OurResponse) -> Response:
    """Return our response as httpcore's."""
    stream: Any = response.stream
    if response.is_stream_consumed and hasattr(response, "_content"):
        stream = ByteStream(response._content)
    return Response(response.status_code, headers=response.headers.raw, content=stream, extensions=response.extensions)


def response_to_ours(response: Response) -> OurResponse:
    """Return httpcore's response, or one that a program has made like it, as ours."""
    return OurResponse(
        response.status,
        headers=Headers(response.headers),
        stream=_body_to_ours(response.stream),
        extensions=response.extensions,
    )


def _stream_to_ours(stream: Stream) -> SyncByteStream | AsyncByteStream:
    if isinstance(stream, (SyncByteStream, AsyncByteStream)):
        return stream
    if isinstance(stream, AsyncIterable):
        return AsyncIterableStream(stream)
    return IterableStream(stream)


def _body_to_ours(stream: Any) -> SyncByteStream | AsyncByteStream:
    if isinstance(stream, (SyncByteStream, AsyncByteStream)):
        return stream
    if not isinstance(stream, AsyncIterable):
        return BlockingBody(stream)
    return EitherBody(stream) if isinstance(stream, Iterable) else AsyncBody(stream)


class _Held:
    def __init__(self, stream: Any) -> None:
        self._stream = stream


class BlockingBody(_Held, SyncByteStream):
    """Give the body that a program's pool gave, in blocking code."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


class AsyncBody(_Held, AsyncByteStream):
    """Give the body that a program's pool gave, in an event loop."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: AsyncIterator[bytes] = aiter(self._stream)
        return chunks

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


class EitherBody(BlockingBody, AsyncBody):
    """Give a body that is there for both."""
