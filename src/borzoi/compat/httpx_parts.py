"""Private parts of httpx that packages use and that have no counterpart here, made of ours."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Any

from .. import _errors
from .._messages.chunking import LineDecoder, TextDecoder
from .._messages.decoders import accept_encoding, decoder_for
from .._messages.multipart import form_value
from .._messages.streams import AsyncByteStream, SyncByteStream
from .._values.headers import Headers
from .._values.url import URL
from .._values.url_parser import Parts, parse, replace
from .identity import VERSION

USER_AGENT = f"python-httpx/{VERSION}"
ACCEPT_ENCODING = accept_encoding()
SOCKET_OPTION = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class ParseResult(Parts):
    """Hold the parts of a URL, as `httpx._urlparse` names them."""

    __slots__ = ()

    def copy_with(self, **parts: str | None) -> ParseResult:
        """Return a copy with some parts replaced; None takes a part away."""
        return ParseResult(*replace(self, parts))

    def __str__(self) -> str:
        return self.unsplit()


def urlparse(url: str = "", **parts: str | None) -> ParseResult:
    """Return the parts of a URL, with those given in the place of its own. Raises InvalidURL."""
    return ParseResult(*parse(url, parts))


def _set_reference(url: URL, reference: Parts) -> None:
    url._text = None
    url._settle(Parts(*reference))


def _set_list(headers: Headers, rows: list[tuple[bytes, bytes, bytes]]) -> None:
    headers._block = Headers([(name, value) for name, _, value in rows])._block


URI_REFERENCE = property(lambda url: ParseResult(*url._parts), _set_reference, doc="The parts of the URL.")
"""`URL._uri_reference`."""

HEADER_LIST = property(
    lambda headers: [(name, name.lower(), value) for name, value in headers.raw],
    _set_list,
    doc="Name, name in lower case, and value of each field. What is appended to the list is not a header.",
)
"""`Headers._list`."""


def primitive_value_to_str(value: Any) -> str:
    """Return the text of a value in a query or form."""
    text = form_value(value)
    return text if isinstance(text, str) else str(text)


def to_bytes(value: str | bytes, encoding: str = "utf-8") -> bytes:
    """Return text as bytes, and bytes as they are."""
    return value.encode(encoding) if isinstance(value, str) else value


def to_str(value: str | bytes, encoding: str = "utf-8") -> str:
    """Return bytes as text, and text as it is."""
    return value if isinstance(value, str) else value.decode(encoding)


def to_bytes_or_str(value: str, match_type_of: str | bytes) -> str | bytes:
    """Return text as whatever the other value is."""
    return value if isinstance(match_type_of, str) else value.encode()


def unquote(value: str) -> str:
    """Return what is between double quotes, or the text as it is where there are none."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def peek_filelike_length(stream: Any) -> int | None:
    """Return the length of a file in bytes, or None where only reading it would tell."""
    try:
        return os.fstat(stream.fileno()).st_size
    except (AttributeError, OSError):
        pass
    try:
        position = stream.tell()
        length: int = stream.seek(0, os.SEEK_END)
        stream.seek(position)
    except (AttributeError, OSError):
        return None
    return length


def is_ipv4_hostname(hostname: str) -> bool:
    """Tell whether it is an IPv4 address, or a network of them."""
    return _is_address(hostname, ipaddress.IPv4Address)


def is_ipv6_hostname(hostname: str) -> bool:
    """Tell whether it is an IPv6 address, or a network of them."""
    return _is_address(hostname, ipaddress.IPv6Address)


def _is_address(hostname: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        kind(hostname.partition("/")[0])
    except ValueError:
        return False
    return True


class MainCommand:
    """Stand for the command line, as `httpx.main`: a function, and a click command once something asks for that."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line."""
        return self.command(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.command, name)

    @property
    def command(self) -> Any:
        """The click command; needs the extra `cli`."""
        from ..cli.command import command

        return command


class ContentDecoder:
    """Undo a content coding: `decode()` takes bytes and returns bytes. A subclass names its coding."""

    coding = "identity"

    def __init__(self) -> None:
        self._decoder = decoder_for([self.coding])

    def decode(self, data: bytes) -> bytes:
        """Return what is decoded by now. Raises DecodingError."""
        self._decoder.feed(data)
        return b"".join(iter(self._decoder.next, None))

    def flush(self) -> bytes:
        """Return nothing: all is handed out at once. Raises DecodingError where the end is missing."""
        self._decoder.finish()
        return b""


class IdentityDecoder(ContentDecoder):
    """Decode nothing."""


class DeflateDecoder(ContentDecoder):
    """Undo `deflate`."""

    coding = "deflate"


class GZipDecoder(ContentDecoder):
    """Undo `gzip`."""

    coding = "gzip"


class BrotliDecoder(ContentDecoder):
    """Undo `br`."""

    coding = "br"


class ZStandardDecoder(ContentDecoder):
    """Undo `zstd`."""

    coding = "zstd"


class WholeTextDecoder(TextDecoder):
    """Turn bytes into text: `decode()` returns what is complete."""

    def decode(self, data: bytes) -> str:
        """Return the text that is complete now."""
        return "".join(self.feed(data))


class ListLineDecoder(LineDecoder):
    """Cut text into lines: `decode()` returns those that are complete."""

    def decode(self, text: str) -> list[str]:
        """Return the lines that are complete now."""
        return self.feed(text)


MAIN = MainCommand()
"""`httpx.main`."""

SUPPORTED_DECODERS: dict[str, type[ContentDecoder]] = {
    kind.coding: kind for kind in (IdentityDecoder, GZipDecoder, DeflateDecoder, BrotliDecoder, ZStandardDecoder)
}
"""The decoder of each coding. What is added to it is not used by Borzoi."""


@contextlib.contextmanager
def map_httpcore_exceptions() -> Generator[None]:
    """Raise what httpcore raises inside the block as the exception of that name."""
    try:
        yield
    except Exception as error:
        mapped = _counterpart(error)
        if mapped is None:
            raise
        raise mapped(str(error)) from error


def _counterpart(error: Exception) -> type[_errors.TransportError] | None:
    for cls in type(error).__mro__:
        ours = getattr(_errors, cls.__name__, None)
        if ours is cls:
            return None
        if isinstance(ours, type) and issubclass(ours, _errors.TransportError):
            return ours
    return None


class ResponseStream(SyncByteStream):
    """Read a body that httpcore gives, its errors told as ours."""

    def __init__(self, httpcore_stream: Iterable[bytes]) -> None:
        self._stream = httpcore_stream

    def __iter__(self) -> Iterator[bytes]:
        with map_httpcore_exceptions():
            yield from self._stream

    def close(self) -> None:
        """Close what is read."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class AsyncResponseStream(AsyncByteStream):
    """Read a body that httpcore gives in an event loop, its errors told as ours."""

    def __init__(self, httpcore_stream: AsyncIterable[bytes]) -> None:
        self._stream = httpcore_stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with map_httpcore_exceptions():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        """Close what is read."""
        aclose = getattr(self._stream, "aclose", None)
        if aclose is not None:
            await aclose()
