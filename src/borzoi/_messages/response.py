"""The response: what was answered, and its body as bytes, as text, as JSON.

How the body comes in is told in `incoming.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from .._config import DEFAULT_MAX_EVENT_SIZE, DEFAULT_MAX_LINE_SIZE
from .._errors import DecodingError, HTTPStatusError, ResponseNotRead, request_context
from .._run_blocking import run_blocking
from .._values.headers import Headers, HeaderTypes
from .._values.redaction import in_message
from .charset import charset_of, is_charset
from .content import ResponseContent, encode_response
from .incoming import IncomingBody
from .streams import AsyncByteStream, Body, ByteStream, SyncByteStream, UnattachedStream

if TYPE_CHECKING:
    from datetime import timedelta
    from os import PathLike

    from .._values.cookies import Cookies
    from .._values.headers import Pairs
    from .._values.url import URL
    from .request import Request
    from .saving import Saved
    from .sse import ServerSentEvent
    from .timings import Timings

T = TypeVar("T")

_new = object.__new__

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ERROR_TYPES = {1: "Informational response", 3: "Redirect response", 4: "Client error", 5: "Server error"}
_UNPICKLED = frozenset({"extensions", "stream", "is_closed", "_observer"})


class Response(IncomingBody):
    """Hold an HTTP response.

    A client makes them. A test or a transport makes one of one of `content`, `text`, `html` and `json`, which also set
    the headers that describe the body; with `stream` nothing is added to the headers.

        response = Response(200, json={"name": "Laika"})
    """

    status_code: int

    history: list[Response]
    """The responses that redirected here, the oldest first."""

    default_encoding: str | Callable[[bytes], str | None]
    """The encoding of text that names none, or a function that finds it from the content."""

    next_request: Request | None = None
    """The request that a redirect asks for, when redirects are not followed."""

    _encoding: str
    _text: str
    _cookies: Cookies
    _elapsed: timedelta

    def __init__(
        self,
        status_code: int,
        *,
        headers: HeaderTypes | None = None,
        content: ResponseContent | None = None,
        text: str | None = None,
        html: str | None = None,
        json: Any = None,
        stream: SyncByteStream | AsyncByteStream | None = None,
        request: Request | None = None,
        extensions: Mapping[str, Any] | None = None,
        history: Sequence[Response] | None = None,
        default_encoding: str | Callable[[bytes], str | None] = "utf-8",
    ) -> None:
        self.status_code = status_code
        self.history = [] if history is None else list(history)
        self.default_encoding = default_encoding
        self._begin(request)

        self.headers = Headers(headers)
        self.extensions = dict(extensions or {})
        if stream is None:
            self._encode(content, text, html, json)
        else:
            self.stream = stream

    def _encode(self, content: ResponseContent | None, text: str | None, html: str | None, json: Any) -> None:
        described, self.stream = encode_response(content, text, html, json)
        for name, value in described.items():
            # RFC 9112 6.2: a Content-Length that was given says that the body does not come in chunks.
            if not (name == "Transfer-Encoding" and "Content-Length" in self.headers):
                self.headers.setdefault(name, value)

        if isinstance(self.stream, ByteStream):
            run_blocking(self._load(blocking=True))
            self._num_bytes_downloaded = 0

    # What was answered.

    @property
    def request(self) -> Request:
        """The request that was answered. Raises RuntimeError where none was set."""
        if self._request is None:
            raise RuntimeError("The request instance has not been set on this response.")
        return self._request

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request

    @property
    def url(self) -> URL:
        """The URL that was asked for."""
        return self.request.url

    @property
    def http_version(self) -> str:
        """The version of the protocol: "HTTP/1.1" or "HTTP/2"."""
        version: bytes = self.extensions.get("http_version", b"HTTP/1.1")
        return version.decode("ascii", errors="ignore")

    @property
    def reason_phrase(self) -> str:
        """The words that came with the status, or those of RFC 9110 where none can come."""
        phrase: bytes | None = self.extensions.get("reason_phrase")
        if phrase is not None:
            return phrase.decode("ascii", errors="ignore")

        from .._values.status import codes

        return codes.get_reason_phrase(self.status_code)

    @property
    def timings(self) -> Timings | None:
        """The times of the request's steps, where it asked for them: `extensions={"timings": True}`."""
        return self.extensions.get("timings")

    @property
    def is_informational(self) -> bool:
        """Tell whether the status is 1xx."""
        return 100 <= self.status_code <= 199

    @property
    def is_success(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status_code <= 299

    @property
    def is_redirect(self) -> bool:
        """Tell whether the status is 3xx. Not all of those say where to go: see `has_redirect_location`."""
        return 300 <= self.status_code <= 399

    @property
    def is_client_error(self) -> bool:
        """Tell whether the status is 4xx."""
        return 400 <= self.status_code <= 499

    @property
    def is_server_error(self) -> bool:
        """Tell whether the status is 5xx."""
        return 500 <= self.status_code <= 599

    @property
    def is_error(self) -> bool:
        """Tell whether the status is 4xx or 5xx."""
        return 400 <= self.status_code <= 599

    @property
    def has_redirect_location(self) -> bool:
        """Tell whether the response sends the client elsewhere, and says where."""
        return self.status_code in _REDIRECTS and "Location" in self.headers

    def raise_for_status(self) -> Self:
        """Return the response if its status is 2xx, and raise HTTPStatusError otherwise."""
        if self._request is None:
            raise RuntimeError(
                "Cannot call `raise_for_status` as the request instance has not been set on this response."
            )
        if self.is_success:
            return self

        error_type = _ERROR_TYPES.get(self.status_code // 100, "Invalid status code")
        lines = [f"{error_type} '{self.status_code} {self.reason_phrase}' for url '{in_message(str(self.url))}'"]
        if self.has_redirect_location:
            lines.append(f"Redirect location: '{in_message(self.headers['location'])}'")
        lines.append(
            f"For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/{self.status_code}"
        )
        raise HTTPStatusError("\n".join(lines), request=self._request, response=self)

    @property
    def cookies(self) -> Cookies:
        """The cookies that the response sets."""
        if not hasattr(self, "_cookies"):
            from .._values.cookies import Cookies

            self._cookies = Cookies()
            self._cookies.extract_cookies(self)
        return self._cookies

    @property
    def links(self) -> dict[str | None, dict[str, str]]:
        """The links of the Link header (RFC 8288), by relation or else by URL."""
        header = self.headers.get("link")
        if header is None:
            return {}

        from .links import parse_links

        return {link.get("rel") or link.get("url"): link for link in parse_links(header)}

    @property
    def elapsed(self) -> timedelta:
        """The time from sending the request to closing the response. Raises RuntimeError until it is closed."""
        if not hasattr(self, "_elapsed"):
            if self._elapsed_seconds is None or not self.is_closed:
                raise RuntimeError("'.elapsed' may only be accessed after the response has been read or closed.")
            from datetime import timedelta

            seconds = self._elapsed_seconds
            self._elapsed = timedelta(seconds=seconds() if callable(seconds) else seconds)
        return self._elapsed

    @elapsed.setter
    def elapsed(self, elapsed: timedelta) -> None:
        self._elapsed = elapsed

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    # The body, once it was read.

    @property
    def content(self) -> bytes:
        """The body. Raises ResponseNotRead before it was read."""
        try:
            return self._content
        except AttributeError:
            raise ResponseNotRead from None

    @property
    def text(self) -> str:
        """The body as text; what does not decode becomes U+FFFD."""
        if not hasattr(self, "_text"):
            content = self.content
            self._text = content.decode(self.encoding or "utf-8", "replace") if content else ""
        return self._text

    @property
    def encoding(self) -> str | None:
        """The encoding of the text: the one set, or that of the Content-Type, or the default.

        A charset by which no text can be decoded counts as none.
        """
        if hasattr(self, "_encoding"):
            return self._encoding

        declared = self.charset_encoding
        if declared is not None and is_charset(declared):
            self._encoding = declared
        elif isinstance(self.default_encoding, str):
            self._encoding = self.default_encoding
        elif hasattr(self, "_content"):
            found = self.default_encoding(self._content)
            self._encoding = found if found and is_charset(found) else "utf-8"
        else:
            return "utf-8"
        return self._encoding

    @encoding.setter
    def encoding(self, encoding: str) -> None:
        if hasattr(self, "_text"):
            raise ValueError("Setting encoding after `text` has been accessed is not allowed.")
        self._encoding = encoding

    @property
    def charset_encoding(self) -> str | None:
        """The charset that the Content-Type names, be it known or not."""
        content_type = self.headers.get("Content-Type")
        return None if content_type is None else charset_of(content_type)

    @overload
    def json(self, *, type: type[T], **kwargs: Any) -> T: ...

    @overload
    def json(self, **kwargs: Any) -> Any: ...

    def json(self, *, type: Any = None, **kwargs: Any) -> Any:
        """Return the body decoded from JSON; keyword arguments go to `json.loads`.

        With `type`, the value is made and checked as of that type: a dataclass, TypedDict or other annotation, or a
        model of msgspec, pydantic or attrs. Raises DecodingError for what does not fit it. Without, raises ValueError
        for what is not JSON, as json does, and DecodingError for what nests too deeply.

            user = response.json(type=User)
        """
        with request_context(self._request):
            if type is not None:
                from .typed import decode_json

                return decode_json(self.content, type, **kwargs)

            from json import loads

            try:
                return loads(self.content, **kwargs)
            except RecursionError as error:
                raise DecodingError("The body is JSON that nests too deeply.") from error
            except ValueError as error:
                body = f"{len(self.content):,} bytes of {self.headers.get('Content-Type', 'no stated type')}"
                error.add_note(f"The status is {self.status_code}, and the body has {body}.")
                raise

    # The body, value by value as it arrives.

    def events(self, *, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE) -> Iterator[ServerSentEvent]:
        """Iterate over the server-sent events of the body that have data.

        Raises SSEError where the Content-Type is not text/event-stream, or an event is larger than `max_event_size`.
        """
        from .event_source import DataEvents

        return iter(DataEvents(self, max_event_size))

    def aevents(self, *, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE) -> AsyncIterator[ServerSentEvent]:
        """Iterate over the server-sent events of the body as `events()` does."""
        from .event_source import DataEvents

        return aiter(DataEvents(self, max_event_size))

    @overload
    def json_lines(self, *, type: type[T], max_line_size: int | None = DEFAULT_MAX_LINE_SIZE) -> Iterator[T]: ...

    @overload
    def json_lines(self, *, max_line_size: int | None = DEFAULT_MAX_LINE_SIZE) -> Iterator[Any]: ...

    def json_lines(self, *, type: Any = None, max_line_size: int | None = DEFAULT_MAX_LINE_SIZE) -> Iterator[Any]:
        """Iterate over the JSON values of the body, one on each line; `type` is as for `json()`.

        Raises DecodingError for a line of more than `max_line_size` bytes, and what `json()` raises.
        """
        from .json_lines import JSONLines

        return JSONLines(self, type, max_line_size)

    @overload
    def ajson_lines(self, *, type: type[T], max_line_size: int | None = DEFAULT_MAX_LINE_SIZE) -> AsyncIterator[T]: ...

    @overload
    def ajson_lines(self, *, max_line_size: int | None = DEFAULT_MAX_LINE_SIZE) -> AsyncIterator[Any]: ...

    def ajson_lines(self, *, type: Any = None, max_line_size: int | None = DEFAULT_MAX_LINE_SIZE) -> AsyncIterator[Any]:
        """Iterate over the JSON values of the body as `json_lines()` does."""
        from .json_lines import AsyncJSONLines

        return AsyncJSONLines(self, type, max_line_size)

    # The body, in a file.

    def save(self, path: str | PathLike[str], *, overwrite: bool | None = None, fsync: bool = False) -> Saved:
        """Save the body, decoded, to a file; return its path and its size in bytes.

        It goes to a temporary file in the same directory, which takes the place of `path` when the body is whole: after
        an error nothing has changed. In a directory the file gets the name that the response gives it, made harmless.
        `overwrite` is True unless given, but False where the server chose the name: then a file that exists raises
        FileExistsError. `fsync=True` waits until the disk has it. The status is not looked at.

            with client.stream("GET", url) as response:
                path, size = response.raise_for_status().save("report.pdf")
        """
        from .saving import save

        return run_blocking(save(self, path, overwrite=overwrite, fsync=fsync, blocking=True))

    async def asave(self, path: str | PathLike[str], *, overwrite: bool | None = None, fsync: bool = False) -> Saved:
        """Save the body as `save()` does. Only the body is waited for: the file is written on the loop's thread."""
        from .saving import save

        return await save(self, path, overwrite=overwrite, fsync=fsync, blocking=False)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in _UNPICKLED}
        if callable(self._elapsed_seconds):
            state["_elapsed_seconds"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._observer = None
        self.__dict__.update(state)
        self.is_closed = True
        self.extensions = {}
        self.stream = UnattachedStream()


def received(status_code: int, pairs: Pairs, is_plain: bool, extensions: dict[str, Any], body: Body) -> Response:
    """Make what a transport of ours received. The arguments are nobody else's, so they need no copies.

    `is_plain` says that neither Set-Cookie nor Content-Encoding is among the header fields.
    """
    # hot path: nothing is called that need not be, `__init__` and `_begin()` included.
    headers = _new(Headers)
    headers._block = pairs
    headers._encoding = None
    headers._is_plain = is_plain
    response = _new(Response)
    response.status_code = status_code
    response.history = []
    response.headers = headers
    response.extensions = extensions
    response.stream = body
    response.default_encoding = "utf-8"
    response.is_closed = False
    response.is_stream_consumed = False
    response._request = None
    response._elapsed_seconds = None
    response._observer = None
    return response
