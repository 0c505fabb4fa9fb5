"""One operation of an API: how its request is written, and what its responses are.

An `Operation` is a table that is made once. A `Call` is an operation with arguments. `prepare()` makes the request of
one, and `Operation.finish()` makes the result of its response: neither does I/O, so all worlds share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from ... import DecodingError, Response
from . import parameters as write
from .bodies import Body
from .errors import class_of
from .parameters import Parameter
from .unions import decode_hook
from .values import UNSET

T = TypeVar("T")

TEXT = "text"
BINARY = "binary"

Reply: TypeAlias = Callable[[], Any] | str | None
"""What a body is: a function that returns its type, for JSON; `TEXT`, `BINARY`, or None where there is none."""


class Operation:
    """Say how one method of one path goes over the wire."""

    def __init__(
        self,
        method: str,
        path: str,
        *parameters: Parameter,
        replies: Mapping[str, Reply],
        errors: Mapping[str, Reply] | None = None,
        body: Body | Mapping[str, Body] | None = None,
        security: tuple[tuple[str, ...], ...] = (),
        noun: str = "",
        accept: str = "application/json",
        stream: tuple[str, Callable[[], Any]] | None = None,
        server: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.parameters = parameters
        self.replies = replies
        self.errors = errors or {}
        self.body = body
        self.security = security
        self.noun = noun
        self.accept = accept
        self.stream = stream
        self.server = server
        self._readers: dict[int, Callable[[Response], Any]] = {}

    def finish(self, response: Response, error_classes: Any = None) -> Any:
        """Return the body of a response in the type that is declared, or raise APIStatusError."""
        read = self._readers.get(response.status_code)
        if read is None:
            read = self._readers[response.status_code] = self._reader(response.status_code, error_classes)
        return read(response)

    def _reader(self, status: int, error_classes: Any) -> Callable[[Response], Any]:
        reply = declared(self.replies, status)
        if reply is not UNSET:
            return reader(reply)
        failure = declared(self.errors, status)
        read = _lenient(reader(TEXT if failure is UNSET or failure is None else failure))
        error = class_of(status)
        error = getattr(error_classes, f"{self.noun}{error.__name__}", error)

        def fail(response: Response) -> Any:
            raise error(response, read(response))

        return fail


class Call(Generic[T]):
    """Hold an operation and its arguments."""

    __slots__ = ("arguments", "operation")

    def __init__(self, operation: Operation, arguments: dict[str, Any]) -> None:
        self.operation = operation
        self.arguments = arguments


class StreamCall(Call[T]):
    """Hold a call whose response is read item by item."""

    __slots__ = ()


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
    assert callable(reply)
    decode = decoder(reply())

    def read(response: Response) -> Any:
        try:
            return decode(response.content)
        except msgspec.MsgspecError as error:
            url = f"{response.request.method} {response.request.url}"
            reason = f"{url}: the body of status {response.status_code} is not what the document declares: {error}"
            raise DecodingError(reason, request=response.request) from error

    return read


def decoder(type: Any) -> Callable[[bytes], Any]:
    """Return what makes values of a type from JSON, made once for all responses."""
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(type, dec_hook=decode_hook).decode
    return decode


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
        self.cookies: list[str] = []
        self.how: dict[str, Any] = {}
        for parameter in operation.parameters:
            value = arguments.get(parameter.name, UNSET)
            if value is not UNSET and (value is not None or parameter.location == "path"):
                self._add(parameter, value)
        body = arguments.get("body", UNSET)
        if operation.body is not None and body is not UNSET:
            self._write(operation.body, body, arguments.get("media_type", UNSET))

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

    def _write(self, declared_as: Body | Mapping[str, Body], value: Any, media_type: Any) -> None:
        if isinstance(declared_as, Mapping):
            body = declared_as[media_type] if media_type is not UNSET else next(iter(declared_as.values()))
        else:
            body = declared_as
        self.how = body.write(body, value)
        self.headers.update(self.how.pop("headers", {}))
