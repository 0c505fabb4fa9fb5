"""A request as the scripted server has received it: what routes match, callbacks are given and `calls` lists.

It holds the bytes that came; everything else is read from them when it is asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .._values.headers import Headers
from .._values.query import QueryParams
from .._values.url import parse_url

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._values.headers import Pairs
    from .._values.url import URL
    from .forms import Part

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Received:
    """Hold a request that a mock has received."""

    http_version = "HTTP/1.1"
    """The version that it came over, as responses name it."""

    trailers: Pairs = []  # noqa: RUF012 - nobody changes it
    """The fields after the body."""

    def __init__(self, method: str, scheme: str, host: str, target: str, pairs: Pairs, content: bytes) -> None:
        self.method = method
        self.scheme = scheme
        self.host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, "-"))
        """The host, with the port where it is not the scheme's own."""
        self.target = target
        self.pairs = pairs
        """The header fields as they came."""
        self.content = content
        raw_path, _, self.query = target.partition("?")
        self.path = unquote(raw_path) if "%" in raw_path else raw_path
        """The path without percent-encoding."""
        self.number = 0
        """Which request to its mock it is, counted from 1."""

    @property
    def identity(self) -> tuple[str, str, str, str, bytes]:
        """What a request has alike wherever it is looked at: header fields are added on the way."""
        return self.method, self.scheme, self.host, self.target, self.content

    @cached_property
    def url(self) -> URL:
        """The URL."""
        return parse_url(f"{self.scheme}://{self.host}{self.target if self.target != '*' else ''}")

    @cached_property
    def headers(self) -> Headers:
        """The header fields."""
        return Headers.from_raw(self.pairs)

    @cached_property
    def params(self) -> QueryParams:
        """The query as a multi-dict."""
        return QueryParams(self.query)

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.content.decode("utf-8", "replace")

    @cached_property
    def json(self) -> Any:
        """The body read as JSON. Raises json.JSONDecodeError."""
        import json

        return json.loads(self.content)

    @cached_property
    def form(self) -> QueryParams:
        """The body read as a form, the plain fields of a multipart form included."""
        if self._boundary is None:
            return QueryParams(self.content.decode("utf-8", "replace"))
        return QueryParams([(part.name, part.text) for part in self.parts if part.filename is None])

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of a multipart form; none where it is no such form."""
        from .forms import parts_of

        return [] if self._boundary is None else parts_of(self.content, self._boundary)

    @cached_property
    def files(self) -> dict[str, Part]:
        """The files of a multipart form by the names of their fields."""
        return {part.name: part for part in self.parts if part.filename is not None}

    @cached_property
    def _boundary(self) -> bytes | None:
        from .._messages.multipart import boundary_of

        return boundary_of(self.headers.get("content-type", "").encode("latin-1"))

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        pairs = (pair.strip().partition("=") for pair in self.headers.get("cookie", "").split(";") if "=" in pair)
        return {name: value for name, _, value in pairs}

    @cached_property
    def request(self) -> Request:
        """The same as a `Request`."""
        from .._messages.request import Request
        from .._messages.streams import ByteStream

        request = Request(self.method, self.url, headers=Headers(self.headers), stream=ByteStream(self.content))
        request.read()
        return request

    def __repr__(self) -> str:
        return f"<Received {self}>"

    def __str__(self) -> str:
        return f"{self.method} {self.scheme}://{self.host}{self.target}"
