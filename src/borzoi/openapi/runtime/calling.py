"""The ways to call an operation. What it takes and returns is declared once, as a method without a body:

    get_user = Operation("GET /users/{id}", replies={"200": lambda: models.User})

    class UsersMethods:
        @get_user
        def get(self, id: UUID) -> models.User:
            '''Get a user.'''

    class Users(UsersMethods, Resource): ...                        # client.users.get(id) -> User
    class AsyncUsers(UsersMethods, AsyncResource): ...              # await client.users.get(id) -> User
    class UsersWithResponse(UsersMethods, ResponseResource): ...    # ... -> Response[User]

Type checkers carry the signature to every way by its ParamSpec; which way it is, the class of the resource says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from .functions import Functions, PagedFunctions
from .operation import Call, Endpoint
from .paging import AsyncPages, Page
from .resources import (
    AsyncResource,
    AsyncResponseResource,
    AsyncStreamResource,
    Resource,
    ResponseResource,
    StreamResource,
)
from .responses import LinkedResponse, Response, TypedResponse
from .streams import AsyncDownload, AsyncEvents, Download, Events, Streamed

P = ParamSpec("P")
Q = ParamSpec("Q")
T = TypeVar("T")
E = TypeVar("E")
U = TypeVar("U")
B = TypeVar("B")
R_co = TypeVar("R_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)
H = TypeVar("H")
L = TypeVar("L")
A = TypeVar("A")


class _Declared:
    """Hold a method that was declared, and make what is bound to a resource."""

    _way = "run"
    """Which method of the resource gets the call."""

    def __init__(self, operation: Endpoint, define: Callable[..., Any]) -> None:
        self._operation = operation
        self._define = define
        self.__doc__ = define.__doc__
        code = define.__code__
        self._names = code.co_varnames[1 : code.co_argcount]

    def __get__(self, resource: Any, owner: type) -> Any:
        if resource is None:
            return self
        run = getattr(resource, self._way)

        def call(*args: Any, **kwargs: Any) -> Any:
            return run(Call(self._operation, self._arguments(args, kwargs)))

        call.__doc__ = self.__doc__
        call.__name__ = self._define.__name__
        call.__wrapped__ = self._define.__get__(resource)  # type: ignore[attr-defined]
        return call

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        # It has no body: it is called for Python to check the arguments.
        self._define(None, *args, **kwargs)
        return {**dict(zip(self._names, args, strict=False)), **kwargs}


class Method(_Declared, Generic[P, T, R_co, S_co]):
    """A method that returns the body of the response."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, resource: Resource, owner: Any) -> Callable[P, T]: ...
        @overload
        def __get__(self, resource: AsyncResource, owner: Any) -> Callable[P, Awaitable[T]]: ...
        @overload
        def __get__(self, resource: ResponseResource, owner: Any) -> Callable[P, R_co]: ...
        @overload
        def __get__(self, resource: AsyncResponseResource, owner: Any) -> Callable[P, Awaitable[S_co]]: ...
        @overload
        def __get__(self, resource: StreamResource, owner: Any) -> Callable[P, Download]: ...
        @overload
        def __get__(self, resource: AsyncStreamResource, owner: Any) -> Callable[P, AsyncDownload]: ...
        def __get__(self, resource: Any, owner: Any) -> Any: ...


class Either(Generic[P, Q, R_co]):
    """Take a body, or its members as keyword arguments."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the operation."""


class BodyMethod(_Declared, Generic[P, Q, T, R_co, S_co]):
    """A method that takes the body, or its members as keyword arguments."""

    def __init__(self, operation: Endpoint, define: Callable[..., Any], fields: Callable[..., Any]) -> None:
        super().__init__(operation, define)
        code = fields.__code__
        self._fields = fields
        self._known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if "body" in kwargs or self._known.issuperset(kwargs):
            return super()._arguments(args, kwargs)
        self._fields(None, *args, **kwargs)
        known = {name: each for name, each in kwargs.items() if name in self._known}
        members = {name: each for name, each in kwargs.items() if name not in self._known}
        body = self._operation.first_body.fields()(**members)
        return {**dict(zip(self._names, args, strict=False)), **known, "body": body}

    if TYPE_CHECKING:

        @overload
        def __get__(self, resource: Resource, owner: Any) -> Either[P, Q, T]: ...
        @overload
        def __get__(self, resource: AsyncResource, owner: Any) -> Either[P, Q, Awaitable[T]]: ...
        @overload
        def __get__(self, resource: ResponseResource, owner: Any) -> Either[P, Q, R_co]: ...
        @overload
        def __get__(self, resource: AsyncResponseResource, owner: Any) -> Either[P, Q, Awaitable[S_co]]: ...
        @overload
        def __get__(self, resource: StreamResource, owner: Any) -> Either[P, Q, Download]: ...
        @overload
        def __get__(self, resource: AsyncStreamResource, owner: Any) -> Either[P, Q, AsyncDownload]: ...
        def __get__(self, resource: Any, owner: Any) -> Any: ...


class PagedMethod(_Declared, Generic[P, U, B, R_co, S_co]):
    """A method that returns the first of several pages."""

    _way = "page"

    if TYPE_CHECKING:

        @overload
        def __get__(self, resource: Resource, owner: Any) -> Callable[P, Page[U, B]]: ...
        @overload
        def __get__(self, resource: AsyncResource, owner: Any) -> Callable[P, AsyncPages[U, B]]: ...
        @overload
        def __get__(self, resource: ResponseResource, owner: Any) -> Callable[P, R_co]: ...
        @overload
        def __get__(self, resource: AsyncResponseResource, owner: Any) -> Callable[P, Awaitable[S_co]]: ...
        @overload
        def __get__(self, resource: StreamResource, owner: Any) -> Callable[P, Download]: ...
        @overload
        def __get__(self, resource: AsyncStreamResource, owner: Any) -> Callable[P, AsyncDownload]: ...
        def __get__(self, resource: Any, owner: Any) -> Any: ...


class EventsMethod(_Declared, Generic[P, E]):
    """A method that returns the items of a stream as they come."""

    _way = "events"

    if TYPE_CHECKING:

        @overload
        def __get__(
            self, resource: Resource | ResponseResource | StreamResource, owner: Any
        ) -> Callable[P, Events[E]]: ...
        @overload
        def __get__(
            self, resource: AsyncResource | AsyncResponseResource | AsyncStreamResource, owner: Any
        ) -> Callable[P, AsyncEvents[E]]: ...
        def __get__(self, resource: Any, owner: Any) -> Any: ...


class StreamedMethod(_Declared, Generic[P, T, E, R_co, S_co]):
    """A method that returns the body of the response, or its items as they come where the resource is a stream."""

    _way = "either"

    if TYPE_CHECKING:

        @overload
        def __get__(self, resource: Resource, owner: Any) -> Callable[P, T]: ...
        @overload
        def __get__(self, resource: AsyncResource, owner: Any) -> Callable[P, Awaitable[T]]: ...
        @overload
        def __get__(self, resource: ResponseResource, owner: Any) -> Callable[P, R_co]: ...
        @overload
        def __get__(self, resource: AsyncResponseResource, owner: Any) -> Callable[P, Awaitable[S_co]]: ...
        @overload
        def __get__(self, resource: StreamResource, owner: Any) -> Callable[P, Events[E]]: ...
        @overload
        def __get__(self, resource: AsyncStreamResource, owner: Any) -> Callable[P, AsyncEvents[E]]: ...
        def __get__(self, resource: Any, owner: Any) -> Any: ...


class Operation(Endpoint):
    """An endpoint that makes methods and functions of what is declared below it."""

    def __call__(self, define: Callable[Concatenate[Any, P], T]) -> Method[P, T, Response[T], Response[T]]:
        """Make a method that returns the body."""
        return Method(self, define)

    def with_fields(
        self, fields: Callable[Concatenate[Any, Q], object]
    ) -> Callable[[Callable[Concatenate[Any, P], T]], BodyMethod[P, Q, T, Response[T], Response[T]]]:
        """Make a method that takes the body, or its members as keyword arguments, as `fields` has them."""
        return lambda define: BodyMethod(self, define, fields)

    def paged(
        self, define: Callable[Concatenate[Any, P], Page[U, B]]
    ) -> PagedMethod[P, U, B, Response[B], Response[B]]:
        """Make a method that returns pages."""
        return PagedMethod(self, define)

    def events(self, define: Callable[Concatenate[Any, P], Events[E]]) -> EventsMethod[P, E]:
        """Make a method that returns the items of a stream."""
        return EventsMethod(self, define)

    def streamed(
        self, define: Callable[Concatenate[Any, P], Streamed[T, E]]
    ) -> StreamedMethod[P, T, E, Response[T], Response[T]]:
        """Make a method that returns the body, or the items of a stream."""
        return StreamedMethod(self, define)

    def functions(self, define: Callable[P, T]) -> Functions[P, T, Response[T], Response[T]]:
        """Make the functions style of an operation."""
        return Functions(self, define)

    def paged_functions(self, define: Callable[P, Page[U, B]]) -> PagedFunctions[P, U, B, Response[B], Response[B]]:
        """Make the functions style of an operation whose list has pages."""
        return PagedFunctions(self, define)


if TYPE_CHECKING:

    class HeadedOperation(Operation, Generic[H]):
        """An operation whose responses have headers that the document declares."""

        def __init__(self, *arguments: Any, headers: Callable[[], type[H]], **options: Any) -> None: ...
        def __call__(
            self, define: Callable[Concatenate[Any, P], T]
        ) -> Method[P, T, TypedResponse[T, H], TypedResponse[T, H]]: ...
        def with_fields(
            self, fields: Callable[Concatenate[Any, Q], object]
        ) -> Callable[
            [Callable[Concatenate[Any, P], T]], BodyMethod[P, Q, T, TypedResponse[T, H], TypedResponse[T, H]]
        ]: ...
        def paged(
            self, define: Callable[Concatenate[Any, P], Page[U, B]]
        ) -> PagedMethod[P, U, B, TypedResponse[B, H], TypedResponse[B, H]]: ...
        def streamed(
            self, define: Callable[Concatenate[Any, P], Streamed[T, E]]
        ) -> StreamedMethod[P, T, E, TypedResponse[T, H], TypedResponse[T, H]]: ...
        def functions(self, define: Callable[P, T]) -> Functions[P, T, TypedResponse[T, H], TypedResponse[T, H]]: ...
        def paged_functions(
            self, define: Callable[P, Page[U, B]]
        ) -> PagedFunctions[P, U, B, TypedResponse[B, H], TypedResponse[B, H]]: ...

    class LinkedOperation(Operation, Generic[H, L, A]):
        """An operation whose replies lead to others, by methods of `L` in blocking code and of `A` in async code."""

        def __call__(
            self, define: Callable[Concatenate[Any, P], T]
        ) -> Method[P, T, LinkedResponse[T, H, L], LinkedResponse[T, H, A]]: ...
        def with_fields(
            self, fields: Callable[Concatenate[Any, Q], object]
        ) -> Callable[
            [Callable[Concatenate[Any, P], T]], BodyMethod[P, Q, T, LinkedResponse[T, H, L], LinkedResponse[T, H, A]]
        ]: ...
        def paged(
            self, define: Callable[Concatenate[Any, P], Page[U, B]]
        ) -> PagedMethod[P, U, B, LinkedResponse[B, H, L], LinkedResponse[B, H, A]]: ...
        def streamed(
            self, define: Callable[Concatenate[Any, P], Streamed[T, E]]
        ) -> StreamedMethod[P, T, E, LinkedResponse[T, H, L], LinkedResponse[T, H, A]]: ...
        def functions(
            self, define: Callable[P, T]
        ) -> Functions[P, T, LinkedResponse[T, H, L], LinkedResponse[T, H, A]]: ...
        def paged_functions(
            self, define: Callable[P, Page[U, B]]
        ) -> PagedFunctions[P, U, B, LinkedResponse[B, H, L], LinkedResponse[B, H, A]]: ...

else:
    HeadedOperation = Operation

    class LinkedOperation(Operation, Generic[H, L, A]):
        """An operation whose replies lead to others."""
