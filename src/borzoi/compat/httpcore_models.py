"""The values of httpcore: URL, Origin, Request, Response and Proxy. Text is ASCII or bytes; nothing is normalised."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from .._messages.streams import ByteStream

if TYPE_CHECKING:
    import ssl

ByteOrStr: TypeAlias = bytes | str
HeadersAsSequence: TypeAlias = Sequence[tuple[ByteOrStr, ByteOrStr]]
HeadersAsMapping: TypeAlias = Mapping[ByteOrStr, ByteOrStr]
HeaderTypes: TypeAlias = HeadersAsSequence | HeadersAsMapping | None
Extensions: TypeAlias = MutableMapping[str, Any]
Content: TypeAlias = bytes | Iterable[bytes] | AsyncIterable[bytes] | None
Stream: TypeAlias = Iterable[bytes] | AsyncIterable[bytes]

DEFAULT_PORTS = {b"ftp": 21, b"http": 80, b"https": 443, b"ws": 80, b"wss": 443}
PROXY_PORTS = {b"socks5": 1080, b"socks5h": 1080}


def enforce_bytes(value: ByteOrStr, *, name: str) -> bytes:
    """Return text as bytes. Raises TypeError for what is not ASCII, and for what is no text."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{name} must be bytes or str, but got {type(value).__name__}.")
    try:
        return value.encode("ascii")
    except UnicodeEncodeError:
        raise TypeError(f"{name} strings may not include unicode characters.") from None


def enforce_url(value: URL | ByteOrStr, *, name: str) -> URL:
    """Return a URL. Raises TypeError for what is none."""
    if isinstance(value, URL):
        return value
    if isinstance(value, (bytes, str)):
        return URL(value)
    raise TypeError(f"{name} must be a URL, bytes, or str, but got {type(value).__name__}.")


def enforce_headers(value: HeaderTypes = None, *, name: str) -> list[tuple[bytes, bytes]]:
    """Return headers as pairs of bytes. Raises TypeError for what is neither a mapping nor a sequence of pairs."""
    if value is None:
        return []
    if not isinstance(value, (Mapping, Sequence)):
        raise TypeError(f"{name} must be a mapping or sequence of two-tuples, but got {type(value).__name__}.")
    pairs = value.items() if isinstance(value, Mapping) else value
    return [(enforce_bytes(key, name="header name"), enforce_bytes(item, name="header value")) for key, item in pairs]


def enforce_stream(value: Content, *, name: str) -> Stream:  # noqa: ARG001 - the signature is httpcore's
    """Return content as a stream."""
    if value is None or isinstance(value, bytes):
        return ByteStream(value or b"")
    return value


def include_request_headers(
    headers: list[tuple[bytes, bytes]], *, url: URL, content: Content
) -> list[tuple[bytes, bytes]]:
    """Return headers with those added that a request has to have: Host, and what tells the length of its content."""
    present = {name.lower() for name, _ in headers}
    if b"host" not in present:
        port = b"" if url.port in (None, DEFAULT_PORTS.get(url.scheme)) else f":{url.port}".encode()
        headers = [(b"Host", url.host + port), *headers]
    if content is None or present & {b"content-length", b"transfer-encoding"}:
        return headers
    if isinstance(content, bytes):
        return [*headers, (b"Content-Length", b"%d" % len(content))]
    return [*headers, (b"Transfer-Encoding", b"chunked")]


class Origin:
    """Hold where connections lead to."""

    def __init__(self, scheme: bytes, host: bytes, port: int) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"{self.scheme.decode('ascii')}://{self.host.decode('ascii')}:{self.port}"


class URL:
    """Hold a URL in four parts. It is given as a text, or in those parts, which are taken as they are.

    URL("https://example.org/dogs?name=laika")
    URL(scheme=b"https", host=b"example.org", port=None, target=b"*")
    """

    def __init__(
        self,
        url: ByteOrStr = "",
        *,
        scheme: ByteOrStr = b"",
        host: ByteOrStr = b"",
        port: int | None = None,
        target: ByteOrStr = b"",
    ) -> None:
        self.scheme = enforce_bytes(scheme, name="scheme")
        self.host = enforce_bytes(host, name="host")
        self.port = port
        self.target = enforce_bytes(target, name="target")
        if url:
            parsed = urlsplit(enforce_bytes(url, name="url"))
            self.scheme = parsed.scheme
            self.host = parsed.hostname or b""
            self.port = parsed.port
            self.target = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")

    @property
    def origin(self) -> Origin:
        """The origin, with the port of the scheme where none is given. Raises KeyError for a scheme without one."""
        default = {**DEFAULT_PORTS, **PROXY_PORTS}[self.scheme]
        return Origin(self.scheme, self.host, self.port or default)

    def _key(self) -> tuple[bytes, bytes, int | None, bytes]:
        return self.scheme, self.host, self.port, self.target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __bytes__(self) -> bytes:
        port = b"" if self.port is None else b":%d" % self.port
        return b"%b://%b%b%b" % (self.scheme, self.host, port, self.target)

    def __repr__(self) -> str:
        parts = f"scheme={self.scheme!r}, host={self.host!r}, port={self.port!r}, target={self.target!r}"
        return f"{type(self).__name__}({parts})"


class Request:
    """Hold a request. Nothing is added to its headers; `extensions["target"]` replaces the target of its URL."""

    def __init__(
        self,
        method: ByteOrStr,
        url: URL | ByteOrStr,
        *,
        headers: HeaderTypes = None,
        content: Content = None,
        extensions: Extensions | None = None,
    ) -> None:
        self.method = enforce_bytes(method, name="method")
        self.url = enforce_url(url, name="url")
        self.headers = enforce_headers(headers, name="headers")
        self.stream = enforce_stream(content, name="content")
        self.extensions: Extensions = {} if extensions is None else extensions

        if "target" in self.extensions:
            at = self.url
            self.url = URL(scheme=at.scheme, host=at.host, port=at.port, target=self.extensions["target"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.method!r}]>"


class Response:
    """Hold a response, whose body is read once, or iterated over."""

    _content: bytes

    def __init__(
        self,
        status: int,
        *,
        headers: HeaderTypes = None,
        content: Content = None,
        extensions: Extensions | None = None,
    ) -> None:
        self.status = status
        self.headers = enforce_headers(headers, name="headers")
        self.stream = enforce_stream(content, name="content")
        self.extensions: Extensions = {} if extensions is None else extensions
        self._stream_consumed = False

    @property
    def content(self) -> bytes:
        """The body. Raises RuntimeError before it was read."""
        if not hasattr(self, "_content"):
            call = "response.read()" if isinstance(self.stream, Iterable) else "await response.aread()"
            raise RuntimeError(f"Attempted to access 'response.content' on a streaming response. Call '{call}' first.")
        return self._content

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status}]>"

    def _chunks(self, call: str) -> Iterable[bytes]:
        if not isinstance(self.stream, Iterable):
            raise RuntimeError(f"Attempted to call '{call}' on an asynchronous response.")
        return self.stream

    def _async_chunks(self, call: str) -> AsyncIterable[bytes]:
        if not isinstance(self.stream, AsyncIterable):
            raise RuntimeError(f"Attempted to call '{call}' on a synchronous response.")
        return self.stream

    def _consume(self, call: str) -> None:
        if self._stream_consumed:
            raise RuntimeError(f"Attempted to call '{call}' more than once.")
        self._stream_consumed = True

    def read(self) -> bytes:
        """Read the body in blocking code."""
        self._chunks("response.read()")
        if not hasattr(self, "_content"):
            self._content = b"".join(self.iter_stream())
        return self._content

    def iter_stream(self) -> Iterator[bytes]:
        """Iterate over the body in blocking code."""
        chunks = self._chunks("for ... in response.iter_stream()")
        self._consume("for ... in response.iter_stream()")
        yield from chunks

    def close(self) -> None:
        """Let go of the connection."""
        chunks: Any = self._chunks("response.close()")
        if hasattr(chunks, "close"):
            chunks.close()

    async def aread(self) -> bytes:
        """Read the body in an event loop."""
        self._async_chunks("await response.aread()")
        if not hasattr(self, "_content"):
            self._content = b"".join([chunk async for chunk in self.aiter_stream()])
        return self._content

    async def aiter_stream(self) -> AsyncIterator[bytes]:
        """Iterate over the body in an event loop."""
        chunks = self._async_chunks("async for ... in response.aiter_stream()")
        self._consume("async for ... in response.aiter_stream()")
        async for chunk in chunks:
            yield chunk

    async def aclose(self) -> None:
        """Let go of the connection."""
        chunks: Any = self._async_chunks("await response.aclose()")
        if hasattr(chunks, "aclose"):
            await chunks.aclose()


class Proxy:
    """Hold where a proxy is, and what it is told."""

    def __init__(
        self,
        url: URL | ByteOrStr,
        auth: tuple[ByteOrStr, ByteOrStr] | None = None,
        headers: HeaderTypes = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.url = enforce_url(url, name="url")
        self.headers = enforce_headers(headers, name="headers")
        self.ssl_context = ssl_context
        self.auth: tuple[bytes, bytes] | None = None
        if auth is not None:
            username, password = (enforce_bytes(part, name="auth") for part in auth)
            self.auth = username, password
            credentials = base64.b64encode(username + b":" + password)
            self.headers = [(b"Proxy-Authorization", b"Basic " + credentials), *self.headers]
