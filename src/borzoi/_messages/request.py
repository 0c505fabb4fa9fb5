"""The request: what to ask, of whom, and with which body."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from .._errors import RequestNotRead
from .._values.headers import HeaderBlock, Headers, HeaderTypes
from .._values.redaction import in_repr
from .._values.url import URL, parse_url
from .content import NO_BODY, RequestContent, RequestData, encode_request
from .multipart import RequestFiles, boundary_of
from .streams import AsyncByteStream, ByteStream, SyncByteStream, UnattachedStream

if TYPE_CHECKING:
    from .._values.cookies import CookieTypes
    from .._values.query import QueryParamTypes

    class RequestChanges(TypedDict, total=False):
        """The arguments of `Request`, all of them optional."""

        method: str
        url: URL | str
        params: QueryParamTypes | None
        headers: HeaderTypes | None
        cookies: CookieTypes | None
        content: RequestContent | None
        data: RequestData | None
        files: RequestFiles | None
        json: Any
        stream: SyncByteStream | AsyncByteStream | None
        extensions: Mapping[str, Any] | None


_new = object.__new__
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_BODY_ARGUMENTS = frozenset({"content", "data", "files", "json", "stream"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_BODY_HEADERS = _FRAMING | {b"content-type"}


class Request:
    """Hold an HTTP request.

    The body comes from one of `content`, `data`, `files` and `json`, which also set the headers that describe it. With
    `stream` nothing is added to the headers, not even Host: they are taken to be complete.

        request = Request("POST", "https://example.org/dogs", json={"name": "Laika"})
    """

    method: str
    url: URL
    extensions: dict[str, Any]
    stream: SyncByteStream | AsyncByteStream

    _headers: Headers
    _content: bytes

    def __init__(
        self,
        method: str,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        stream: SyncByteStream | AsyncByteStream | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method.upper()
        if params is not None:
            self.url = URL(url, params=params)
        elif isinstance(url, URL):
            self.url = url
        else:
            # Of what is neither, URL() says what is wrong with it.
            self.url = parse_url(url) if isinstance(url, str) else URL(url)
        self._headers = Headers(headers)
        self.extensions = {} if extensions is None else dict(extensions)

        if cookies:
            from .._values.cookies import Cookies

            Cookies(cookies).set_cookie_header(self)

        if stream is not None:
            self.stream = stream
        elif content is None and data is None and files is None and json is None:
            self.stream = NO_BODY
            self._content = b""
            self._complete_headers({})
        else:
            self._encode(content, data, files, json)

    def _encode(
        self, content: RequestContent | None, data: RequestData | None, files: RequestFiles | None, json: Any | None
    ) -> None:
        boundary = boundary_of(self._headers.block.find(b"content-type")) if files else None
        described, self.stream = encode_request(content, data, files, json, boundary)
        if isinstance(self.stream, ByteStream):
            self._content = self.stream._data
        self._complete_headers(described)

    def _complete_headers(self, described: Mapping[str, str]) -> None:
        """Add Host, and what describes the body, where the program did not set it."""
        block = self._headers._block
        if isinstance(block, list):
            block = self._headers.block
        host = self.url._host_header
        if not described and self.method not in _METHODS_WITH_BODY:
            self._headers._block = block.with_host(host) if host else block
            return

        given = {name.lower() for name, _ in block.pairs}
        # RFC 9112 6.2: a message has a Content-Length or a Transfer-Encoding, never both. What the program set counts.
        is_framed = not given.isdisjoint(_FRAMING)
        added = [
            (name.encode("ascii"), value.encode("ascii"))
            for name, value in described.items()
            if (lower := name.lower().encode("ascii")) not in given and not (is_framed and lower in _FRAMING)
        ]

        first = [(b"Host", host)] if host and b"host" not in given else []
        if not described and not is_framed and getattr(self, "_content", None) == b"":
            # RFC 9110 8.6: a method that means a body says so when there is none.
            first.append((b"Content-Length", b"0"))
        self._headers._block = HeaderBlock([*first, *block.pairs, *added])

    @property
    def headers(self) -> Headers:
        """The header fields, which may be changed until the request is sent."""
        return self._headers

    @headers.setter
    def headers(self, headers: HeaderTypes) -> None:
        self._headers = headers if isinstance(headers, Headers) else Headers(headers)

    @property
    def content(self) -> bytes:
        """The body as a whole. Raises RequestNotRead for a stream that was not read."""
        try:
            return self._content
        except AttributeError:
            raise RequestNotRead from None

    def read(self) -> bytes:
        """Read the body into memory, from where it can be sent any number of times."""
        if not hasattr(self, "_content"):
            if not isinstance(self.stream, Iterable):
                raise RuntimeError("Attempted to call a sync iterator on an async stream.")
            self._keep(b"".join(self.stream))
        return self._content

    async def aread(self) -> bytes:
        """Read the body into memory, from where it can be sent any number of times."""
        if not hasattr(self, "_content"):
            if not isinstance(self.stream, AsyncIterable):
                raise RuntimeError("Attempted to call an async iterator on an sync stream.")
            self._keep(b"".join([chunk async for chunk in self.stream]))
        return self._content

    def _keep(self, content: bytes) -> None:
        self._content = content
        self.stream = ByteStream(content)

    @property
    def is_replayable(self) -> bool:
        """Tell whether the body can be sent again from its start: generators and pipes cannot."""
        return bool(getattr(self.stream, "is_replayable", False))

    def replace(self, **changes: Unpack[RequestChanges]) -> Self:
        """Return a request that differs in some of the arguments of `Request`.

        Headers that the old body or the old URL brought along go with them.

            request.replace(url=request.url.join("/login"), method="GET", content=b"")
        """
        new = self.__class__.__new__(self.__class__)
        new.__dict__.update(self.__dict__)

        has_new_body = not _BODY_ARGUMENTS.isdisjoint(changes)
        arguments: dict[str, Any] = {"method": self.method, "url": self.url, "extensions": self.extensions, **changes}
        if "headers" not in changes:
            arguments["headers"] = self._headers_without(body=has_new_body, host="url" in changes)
        if has_new_body:
            new.__dict__.pop("_content", None)
        else:
            arguments["stream"] = self.stream

        Request.__init__(new, **arguments)
        if not has_new_body:
            new._describe_as(self)
        return new

    def _headers_without(self, *, body: bool, host: bool) -> Headers:
        dropped = set[bytes](_BODY_HEADERS if body else ())
        if host and self._headers.block.find(b"host") == self.url._host_header:
            dropped.add(b"host")
        return Headers.from_raw([pair for pair in self._headers.block.pairs if pair[0].lower() not in dropped])

    def _describe_as(self, original: Request) -> None:
        """Take over what describes the body of `original`, where the headers do not."""
        pairs = original._headers.block.pairs
        self._complete_headers(
            {name.decode("ascii"): value.decode("ascii") for name, value in pairs if name.lower() in _BODY_HEADERS}
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.method!r}, {in_repr(self.url._parts).unsplit()!r})>"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("extensions", "stream")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.extensions = {}
        self.stream = ByteStream(self._content) if "_content" in state else UnattachedStream()


def request_without_body(method: str, url: URL, headers: Headers, extensions: dict[str, Any]) -> Request:
    """Make a request of what a client has merged already, which is nobody else's, or shared and never changed.

    It is what `Request(method, url, headers=headers, extensions=extensions)` makes, with fewer calls.
    """
    # hot path: most requests are made here.
    own = _new(Headers)
    own._encoding = None
    own._is_plain = False
    request = _new(Request)
    request.method = method = method.upper()
    request.url = url
    request.extensions = extensions
    request.stream = NO_BODY
    request._content = b""
    request._headers = own
    block = headers._block
    if method in _METHODS_WITH_BODY or isinstance(block, list) or not (host := url._host_header):
        own._block = headers.block
        request._complete_headers({})
    else:
        own._block = block.with_host(host)
    return request
