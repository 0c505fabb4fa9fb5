"""The functions style of an operation: `list_users.sync(client=client)` and its like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from .operation import Call, Endpoint
from .paging import AsyncPages, Page
from .resources import aanswer_to, adata_of, answer_to, data_of

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")
B = TypeVar("B")
R_co = TypeVar("R_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


class Functions(Generic[P, T, R_co, S_co]):
    """Call an operation with `sync`, with `asyncio`, and with both `_detailed`."""

    def __init__(self, operation: Endpoint, define: Callable[P, Any]) -> None:
        code = define.__code__
        self._operation = operation
        self._define = define
        self._names = code.co_varnames[: code.co_argcount]
        self.__name__ = define.__name__
        self.__wrapped__ = define

    def _call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Any, Call[Any]]:
        # It has no body: it is called for Python to check the arguments.
        self._define(*args, **kwargs)
        arguments = {**dict(zip(self._names, args, strict=False)), **kwargs}
        return arguments.pop("client"), Call(self._operation, arguments)

    def sync(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation and return the body of the response."""
        result: T = data_of(*self._call(*args, **kwargs))
        return result

    def sync_detailed(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the operation and return the body together with the response."""
        result: Any = answer_to(*self._call(*args, **kwargs))
        return result  # type: ignore[no-any-return]

    async def asyncio(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the operation from async code, under asyncio or trio, and return the body of the response."""
        result: T = await adata_of(*self._call(*args, **kwargs))
        return result

    async def asyncio_detailed(self, *args: P.args, **kwargs: P.kwargs) -> S_co:
        """Call the operation from async code and return the body together with the response."""
        result: Any = await aanswer_to(*self._call(*args, **kwargs))
        return result  # type: ignore[no-any-return]


class PagedFunctions(Functions[P, B, R_co, S_co], Generic[P, U, B, R_co, S_co]):
    """Call an operation whose list has pages: `sync_pages` and `asyncio_pages` follow them."""

    def sync_pages(self, *args: P.args, **kwargs: P.kwargs) -> Page[U, B]:
        """Return the first page; iterating over it gives the items of all pages."""
        return Page.of(*self._call(*args, **kwargs))

    def asyncio_pages(self, *args: P.args, **kwargs: P.kwargs) -> AsyncPages[U, B]:
        """Return the items of all pages to iterate over; awaited, the first page."""
        return AsyncPages(*self._call(*args, **kwargs))
