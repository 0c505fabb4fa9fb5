"""What a program gives as a body, made into headers and a stream.

`encode_request()` and `encode_response()` return the headers that describe the body, and the body as a stream. They
read nothing: files and iterables are read while they are sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from .._errors import StreamConsumed
from . import files as _files
from .multipart import MultipartStream, RequestFiles, form_value
from .streams import AsyncByteStream, ByteStream, SyncByteStream

RequestContent: TypeAlias = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
RequestData: TypeAlias = Mapping[str, Any]
ResponseContent: TypeAlias = str | bytes | Iterable[bytes] | AsyncIterable[bytes]

Encoded: TypeAlias = tuple[dict[str, str], SyncByteStream | AsyncByteStream]
"""The headers that describe a body, and the body."""

NO_BODY = ByteStream(b"")
"""The stream of every message that has no body."""


class IterableStream(SyncByteStream):
    """Send an iterable or an open file. A file starts where it stands, and is wound back there to be sent again."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._source: Any = stream
        self._span = _files.span(stream)
        self._is_used = False

    @property
    def content_length(self) -> int | None:
        """The length in bytes, where it can be known without reading."""
        if self._span is None:
            return _files.size_on_disk(self._source)
        position, end = self._span
        return max(end - position, 0)

    @property
    def is_replayable(self) -> bool:
        """Tell whether the body can be sent again from its start."""
        return self._span is not None or not (hasattr(self._source, "read") or hasattr(self._source, "__next__"))

    def __iter__(self) -> Iterator[bytes]:
        if self._is_used:
            self._rewind()
        self._is_used = True

        if hasattr(self._source, "read"):
            return _files.read_chunks(self._source.read)
        return iter(self._source)

    def _rewind(self) -> None:
        if not self.is_replayable:
            raise StreamConsumed
        if self._span is not None:
            self._source.seek(self._span[0])


class AsyncIterableStream(AsyncByteStream):
    """Send an async iterable, or an object with `aread(size)`."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._source: Any = stream
        self._is_used = False

    @property
    def is_replayable(self) -> bool:
        """Tell whether the body can be sent again from its start."""
        return not (hasattr(self._source, "aread") or hasattr(self._source, "__anext__"))

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_used and not self.is_replayable:
            raise StreamConsumed
        self._is_used = True

        if hasattr(self._source, "aread"):
            return _AsyncReads(self._source)
        return aiter(self._source)


class _AsyncReads:
    __slots__ = ("_file",)

    def __init__(self, file: Any) -> None:
        self._file = file

    def __aiter__(self) -> _AsyncReads:
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes = await self._file.aread(_files.CHUNK_SIZE)
        if not chunk:
            raise StopAsyncIteration
        return chunk


def encode_content(content: RequestContent) -> Encoded:
    """Encode a body that is given as it should be sent."""
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, (bytes, bytearray, memoryview)):
        body = bytes(content)
        return ({"Content-Length": str(len(body))} if body else {}), ByteStream(body)

    # A mapping is an iterable too, but was most likely meant for data= or json=.
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        _files.refuse_text_mode(content, "Files as content")
        stream = IterableStream(content)
        length = stream.content_length
        return _framing(length), stream

    if isinstance(content, AsyncIterable):
        return _framing(None), AsyncIterableStream(content)

    raise TypeError(
        f"Unexpected type for 'content', {type(content)!r}. Give str, bytes, an open file, or an iterable of bytes."
    )


def _framing(length: int | None) -> dict[str, str]:
    # RFC 9112 6.3: what has no length known beforehand goes in chunks.
    return {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}


def encode_urlencoded_data(data: RequestData) -> Encoded:
    """Encode the fields of a form as a query string (WHATWG URL, application/x-www-form-urlencoded)."""
    from urllib.parse import urlencode

    pairs = [
        (name, form_value(item))
        for name, value in data.items()
        for item in (value if isinstance(value, (list, tuple)) else [value])
    ]
    return _whole(urlencode(pairs).encode(), "application/x-www-form-urlencoded")


def encode_multipart_data(data: RequestData, files: RequestFiles, boundary: bytes | None) -> Encoded:
    """Encode the fields and files of a form (RFC 7578)."""
    stream = MultipartStream(data, files, boundary)
    return stream.get_headers(), stream


def encode_text(text: str) -> Encoded:
    """Encode plain text."""
    return _whole(text.encode(), "text/plain; charset=utf-8")


def encode_html(html: str) -> Encoded:
    """Encode a page."""
    return _whole(html.encode(), "text/html; charset=utf-8")


_dumps: Callable[[Any], str] | None = None


def encode_json(json: Any) -> Encoded:
    """Encode a value as JSON, in its shortest form. Raises ValueError for NaN and infinities (RFC 8259 6)."""
    global _dumps
    if _dumps is None:
        from json import JSONEncoder

        _dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
    return _whole(_dumps(json).encode(), "application/json")


def _whole(body: bytes, content_type: str) -> Encoded:
    return {"Content-Length": str(len(body)), "Content-Type": content_type}, ByteStream(body)


def encode_request(
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    boundary: bytes | None = None,
) -> Encoded:
    """Encode the body of a request. Of several arguments, the first of content, files, data and json counts."""
    if data is not None and not isinstance(data, Mapping):
        import warnings

        if isinstance(data, (list, tuple)) and data and not isinstance(data[0], (str, bytes)):
            raise TypeError(
                f"Invalid data: a {type(data).__name__} of {type(data[0]).__name__}. Give a mapping, with a list as "
                "value where a name has several; what is to be sent as JSON goes into json=."
            )
        warnings.warn("Use 'content=<...>' to upload raw bytes/text content.", DeprecationWarning, stacklevel=2)
        return encode_content(data)

    if content is not None:
        return encode_content(content)
    if files:
        return encode_multipart_data(data or {}, files, boundary)
    if data:
        return encode_urlencoded_data(data)
    if json is not None:
        return encode_json(json)
    return {}, NO_BODY


def encode_response(
    content: ResponseContent | None = None,
    text: str | None = None,
    html: str | None = None,
    json: Any | None = None,
) -> Encoded:
    """Encode the body of a response. Of several arguments, the first counts."""
    if content is not None:
        return encode_content(content)
    if text is not None:
        return encode_text(text)
    if html is not None:
        return encode_html(html)
    if json is not None:
        return encode_json(json)
    return {}, NO_BODY
