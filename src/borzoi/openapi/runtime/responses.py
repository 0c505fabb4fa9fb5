"""What an operation gives beside its body: the response, with the headers that the document declares."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ... import Headers
from ... import Response as HTTPResponse
from .links import Links
from .operation import Call

T = TypeVar("T")
H = TypeVar("H")
L = TypeVar("L")


class Response(Generic[T]):
    """Hold the body of a response in its declared type, and the response."""

    __slots__ = ("_links", "data", "http")

    def __init__(self, data: T, http: HTTPResponse) -> None:
        self.data = data
        self.http = http
        self._links: Callable[[], Links] | None = None

    @property
    def links(self) -> Links:
        """The operations that it leads to, each a method with the name of its link."""
        if self._links is None:
            raise RuntimeError("This response was made by hand: no client is known that links could be followed with.")
        return self._links()

    @property
    def status_code(self) -> int:
        """The status."""
        return self.http.status_code

    @property
    def headers(self) -> Headers:
        """The headers."""
        return self.http.headers


class TypedResponse(Response[T], Generic[T, H]):
    """Hold a response whose headers the document declares."""

    __slots__ = ("_type",)

    def __init__(self, data: T, http: HTTPResponse, type: Callable[[Headers], H]) -> None:
        super().__init__(data, http)
        self._type = type

    @property
    def headers(self) -> H:  # type: ignore[override]
        """The headers: those that the document declares as attributes, and all of them by their names."""
        return self._type(self.http.headers)


if TYPE_CHECKING:

    class LinkedResponse(TypedResponse[T, H], Generic[T, H, L]):
        """Hold a response that leads to other operations, which are methods of its `links`."""

        @property
        def links(self) -> L: ...  # type: ignore[override]
else:
    LinkedResponse = TypedResponse


def response_of(resource: Any, call: Call[T], data: T, http: HTTPResponse) -> Response[T]:
    """Return the response of a call. A resource of the world that it came from calls what it leads to."""
    headers = call.operation.headers
    response = Response(data, http) if headers is None else TypedResponse(data, http, headers())
    response._links = partial(Links, resource, call, http)
    return response


class TypedHeader:
    """Read a header in its declared type; None where it is absent, its text where it does not fit."""

    __slots__ = ("_type", "_wire")

    def __init__(self, wire: str, type: Callable[[], Any]) -> None:
        self._wire = wire
        self._type = type

    def __get__(self, headers: Headers | None, owner: type) -> Any:
        if headers is None:
            return self
        text = headers.get(self._wire)
        return None if text is None else read_header(text, self._type())


def read_header(text: str, type: Any) -> Any:
    """Return the value of a header, in the simple style: items of a list have commas between them."""
    is_list = getattr(type, "__origin__", None) is list
    value: Any = [item.strip() for item in text.split(",")] if is_list else text
    try:
        return msgspec.convert(value, type, strict=False)
    except msgspec.ValidationError:
        return text


def typed_header(wire: str, type: Callable[[], Any]) -> Any:
    """Declare a header of a response."""
    return TypedHeader(wire, type)
