"""One operation of an API: how its request is written, and what its responses are.

An `Endpoint` is a table that is made once. A `Call` is an endpoint with arguments. `Prepared` is the request of one,
and `Endpoint.finish()` makes the result of its response: neither does I/O, so all worlds share them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from ... import DecodingError, Response
from . import parameters as write
from .bodies import Body
from .errors import asked, class_of
from .libraries import decoder
from .paging import Paging
from .parameters import Parameter
from .parts import parts_of
from .servers import Server
from .values import UNSET

T = TypeVar("T")

TEXT = "text"
BINARY = "binary"
PARTS = "parts"

Reply: TypeAlias = "Callable[[], Any] | str | Several | None"
"""What a body is: a function that returns its type, for JSON; `TEXT`, `BINARY`, `PARTS`; what its media type says of
it; None where there is none.
"""


class Several(dict[str, "Callable[[], Any] | str"]):
    """Hold what a body is by its media type, and, under "", what it is where a response names none of those."""

    def __init__(self, usual: Callable[[], Any] | str, others: Mapping[str, Callable[[], Any] | str]) -> None:
        super().__init__({"": usual, **others})


class Endpoint:
    """Say how one method of one path, `GET /users/{id}`, goes over the wire.

    The keys of `replies` and `errors` are statuses; one key may name several, with spaces between them. What stands in
    braces in the path is a parameter in the simple style where `parameters` says nothing else; `query` are the names of
    parameters in the form style.
    """

    def __init__(
        self,
        route: str,
        *parameters: Parameter,
        query: tuple[str, ...] = (),
        replies: Mapping[str, Reply],
        errors: Mapping[str, Reply] | None = None,
        body: Body | Mapping[str, Body] | None = None,
        security: tuple[tuple[str, ...], ...] | None = None,
        accept: str | None = None,
        stream: tuple[str, Callable[[], Any]] | None = None,
        headers: Callable[[], Any] | None = None,
        pages: Paging | None = None,
        server: Server | None = None,
        links: Mapping[str, Any] | None = None,
    ) -> None:
        self.method, path = route.split(" ", 1)
        self.path = path
        self.parameters = [*parameters, *_simple_parameters(path, parameters)] if "{" in path else [*parameters]
        self.parameters += [Parameter("query", name) for name in query]
        self.replies = _by_status(replies)
        self.errors = _by_status(errors or {})
        self.body = body
        self.security = security
        self.noun = errors.noun if isinstance(errors, Errors) else ""
        self.accept = _accepted(self.replies) if accept is None else accept
        self.stream = stream
        self.headers = headers
        self.pages = pages
        self.server = server
        self.is_negotiated = any(isinstance(reply, Several) for reply in self.replies.values())
        self.links = links or {}
        """Where replies lead: a `Link` by each name."""
        self._readers: dict[int, Callable[[Response], Any]] = {}

    @property
    def first_body(self) -> Any:
        """The body that is sent where no media type is chosen."""
        return next(iter(self.body.values())) if isinstance(self.body, Mapping) else self.body

    @property
    def way(self) -> str:
        """Which method of a resource gets its calls: run, page or events."""
        is_stream = self.stream and not any(each == TEXT or callable(each) for each in _bodies(self.replies))
        return "page" if self.pages is not None else "events" if is_stream else "run"

    def finish(self, response: Response, error_classes: Any = None) -> Any:
        """Return the body of a response in the type that is declared, or raise APIStatusError."""
        read = self._readers.get(response.status_code)
        if read is None:
            read = self._readers[response.status_code] = self._reader(response.status_code, error_classes)
        return read(response)

    def reply_of(self, status: int) -> Any:
        """Return what is declared for a status that is a success; UNSET for nothing, and for an error."""
        # Where a document has `default` alone, it says what errors look like, too; they stay errors.
        return declared(self.replies, status) if status < 400 else UNSET

    def _reader(self, status: int, error_classes: Any) -> Callable[[Response], Any]:
        reply = self.reply_of(status)
        if reply is not UNSET:
            return reader(reply)
        failure = declared(self.errors, status)
        if failure is UNSET:
            failure = self.replies.get("default", UNSET)
        read = _lenient(reader(TEXT if failure is UNSET or failure is None else failure))
        error = class_of(status)
        error = getattr(error_classes, f"{self.noun}{error.__name__}", error)

        def fail(response: Response) -> Any:
            raise error(response, read(response))

        return fail


class Errors(dict[str, Reply]):
    """Hold the bodies of errors by their statuses, and the noun that the names of their classes begin with."""

    def __init__(self, noun: str, bodies: Mapping[str, Reply]) -> None:
        super().__init__(bodies)
        self.noun = noun


def _simple_parameters(path: str, given: tuple[Parameter, ...]) -> list[Parameter]:
    known = {each.wire for each in given if each.location == "path"}
    return [Parameter("path", wire) for wire in _IN_BRACES.findall(path) if wire not in known]


_IN_BRACES = re.compile(r"\{([^{}]+)\}")


def _by_status(table: Mapping[str, Reply]) -> dict[str, Reply]:
    return {status: reply for statuses, reply in table.items() for status in statuses.split()}


def _accepted(replies: Mapping[str, Reply]) -> str:
    return "application/json" if any(callable(each) for each in _bodies(replies)) else "*/*"


def _bodies(replies: Mapping[str, Reply]) -> list[Any]:
    return [each for reply in replies.values() for each in (reply.values() if isinstance(reply, Several) else [reply])]


class Call(Generic[T]):
    """Hold an operation and its arguments, or an operation and the URL that a server named for it."""

    __slots__ = ("arguments", "operation", "url")

    def __init__(self, operation: Endpoint, arguments: dict[str, Any], url: str = "") -> None:
        self.operation = operation
        self.arguments = arguments
        self.url = url


def declared(table: Mapping[str, Any], status: int) -> Any:
    """Return what is declared for a status: by itself, by its range, by default; UNSET for nothing."""
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in table:
            return table[key]
    return UNSET


def reader(reply: Reply) -> Callable[[Response], Any]:
    """Return what makes a value of a response."""
    if reply is None:
        return lambda _: None
    if reply == TEXT:
        return lambda response: response.text
    if reply == BINARY:
        return lambda response: response.content
    if reply == PARTS:
        return parts_of
    if isinstance(reply, Several):
        return _reader_of(reply)
    assert callable(reply)
    decode = decoder(reply())

    def read(response: Response) -> Any:
        try:
            return decode(response.content)
        except msgspec.MsgspecError as error:
            what = f"{asked(response.request)}: the body of status {response.status_code}"
            reason = f"{what} is not what the document declares: {error}"
            raise DecodingError(reason, request=response.request) from error

    return read


def _reader_of(several: Several) -> Callable[[Response], Any]:
    readers = {_spelled(media_type): reader(each) for media_type, each in several.items()}
    # A parameter that the document has and the response has not, or the other way round, makes no other type.
    bare = {media_type.partition(";")[0]: read for media_type, read in reversed(readers.items())}

    def read(response: Response) -> Any:
        given = _spelled(response.headers.get("content-type", ""))
        name = given.partition(";")[0]
        for wanted in (name, f"{name.partition('/')[0]}/*", "*/*"):
            if wanted in bare:
                return readers.get(given, bare[wanted])(response)
        return readers[""](response)

    return read


def _spelled(media_type: str) -> str:
    return "".join(media_type.split()).lower()


def _lenient(read: Callable[[Response], Any]) -> Callable[[Response], Any]:
    """Read what can be read of an error: that its body is odd must not hide the error."""

    def attempt(response: Response) -> Any:
        try:
            return read(response)
        except DecodingError:
            return response.text

    return attempt


class Prepared:
    """Hold a request before the settings of a client are added."""

    __slots__ = ("cookies", "headers", "how", "path", "query")

    def __init__(self, call: Call[Any]) -> None:
        operation, arguments = call.operation, call.arguments
        self.path = operation.path
        self.query: list[str] = []
        self.headers: dict[str, str] = {"Accept": operation.accept} if operation.accept else {}
        if operation.is_negotiated and (accept := arguments.get("accept", UNSET)) is not UNSET:
            self.headers["Accept"] = accept
        self.cookies: list[str] = []
        self.how: dict[str, Any] = {}
        for parameter in operation.parameters:
            value = arguments.get(parameter.name, UNSET)
            if value is not UNSET and (value is not None or parameter.location == "path"):
                self._add(parameter, value)
        body = arguments.get("body", UNSET)
        if operation.body is not None and body is not UNSET:
            media_type = arguments.get("media_type", UNSET)
            how = operation.first_body
            if isinstance(operation.body, Mapping) and media_type is not UNSET:
                how = operation.body[media_type]
            self.how = how.write(how, body)
            self.headers.update(self.how.pop("headers", {}))

    def _add(self, parameter: Parameter, value: Any) -> None:
        if parameter.location == "path":
            self.path = self.path.replace(f"{{{parameter.wire}}}", write.in_path(parameter, value))
        elif parameter.location == "query":
            self.query += write.in_query(parameter, value)
        elif parameter.location == "header":
            self.headers[parameter.wire] = write.in_header(parameter, value)
        elif parameter.location == "cookie":
            self.cookies += write.in_cookie(parameter, value)
        else:
            self.query += write.whole_query(parameter, value)
