"""Pages of a list: where the next one is, and iterating over all of them, blocking and async.

    for user in client.users.list(limit=5): ...         # all items, page by page
    page = client.users.list(limit=5); page.items; page.next()
    async for user in client.users.list(limit=5): ...
    page = await client.users.list(limit=5)

`Paging` decides and sends nothing. A page that names itself as the next one ends the list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ... import DecodingError
from ... import Response as HTTPResponse
from .errors import asked
from .values import UNSET

if TYPE_CHECKING:
    from .operation import Call

U = TypeVar("U")
B = TypeVar("B")


class Paging:
    """Say how the pages of a list follow each other.

    `kind` is cursor, last, offset, page, url or link: the next page is named by a member of the body, by the id of the
    last item, by how many items or pages there were, by a URL in the body, or by the Link header (RFC 8288). `items`,
    `next` and `more` are where a body has them, with dots between the members; `first` is the number of the first page,
    or of its first item, where that is not 1, or not 0.
    """

    __slots__ = ("first", "items", "kind", "more", "next", "parameter")

    def __init__(
        self,
        kind: str,
        parameter: str = "",
        *,
        items: str = "",
        next: str = "",
        more: str = "",
        first: int | None = None,
    ) -> None:
        self.first = int(kind == "page") if first is None else first
        self.kind = kind
        self.parameter = parameter
        self.items = items
        self.next = next
        self.more = more

    def items_of(self, body: Any) -> list[Any]:
        """Return the items of a page."""
        found = _at(body, self.items)
        return found if isinstance(found, list) else []

    def following(self, call: Call[Any], body: Any, response: HTTPResponse) -> Call[Any] | None:
        """Return the call of the next page, or None after the last."""
        if self.more and _at(body, self.more) is False:
            return None
        return _KINDS[self.kind](self, call, body, response)

    def _with(self, call: Call[Any], value: Any) -> Call[Any] | None:
        if not value or value == call.arguments.get(self.parameter):
            return None
        return type(call)(call.operation, {**call.arguments, self.parameter: value})

    def _by_cursor(self, call: Call[Any], body: Any, _: HTTPResponse) -> Call[Any] | None:
        return self._with(call, _at(body, self.next))

    def _by_last(self, call: Call[Any], body: Any, _: HTTPResponse) -> Call[Any] | None:
        items = self.items_of(body)
        return self._with(call, _at(items[-1], self.next)) if items else None

    def _by_offset(self, call: Call[Any], body: Any, _: HTTPResponse) -> Call[Any] | None:
        # A server may give fewer items than were asked for, so that only an empty page is the last.
        count = len(self.items_of(body))
        return self._with(call, _given(call, self.parameter, self.first) + count) if count else None

    def _by_page(self, call: Call[Any], body: Any, _: HTTPResponse) -> Call[Any] | None:
        return self._with(call, _given(call, self.parameter, self.first) + 1) if self.items_of(body) else None

    def _by_url(self, call: Call[Any], body: Any, response: HTTPResponse) -> Call[Any] | None:
        return _at_url(call, _at(body, self.next), response)

    def _by_link(self, call: Call[Any], _: Any, response: HTTPResponse) -> Call[Any] | None:
        return _at_url(call, response.links.get("next", {}).get("url"), response)


_KINDS: dict[str, Callable[[Paging, Call[Any], Any, HTTPResponse], Call[Any] | None]] = {
    "cursor": Paging._by_cursor,
    "last": Paging._by_last,
    "offset": Paging._by_offset,
    "page": Paging._by_page,
    "url": Paging._by_url,
    "link": Paging._by_link,
}


def _at(body: Any, path: str) -> Any:
    """Return what a body has at a path of members; None where it has nothing."""
    for name in path.split(".") if path else ():
        body = body.get(name) if isinstance(body, Mapping) else getattr(body, name, None)
    return None if body is UNSET else body


def _given(call: Call[Any], name: str, default: int) -> int:
    value = call.arguments.get(name, UNSET)
    return value if isinstance(value, int) else default


def _at_url(call: Call[Any], url: Any, response: HTTPResponse) -> Call[Any] | None:
    if not isinstance(url, str) or not url:
        return None
    here = response.request.url
    found = here.join(url)
    if found == here:
        return None
    if found.origin != here.origin:
        # Credentials would go along.
        place = f"{found.scheme}://{found.host}"
        reason = f"{asked(response.request)}: the next page is at another server, {place}, and not read"
        raise DecodingError(reason, request=response.request)
    return type(call)(call.operation, call.arguments, str(found))


class _Page(Generic[U, B]):
    """One page: `data` is the body, `http` the response."""

    def __init__(self, client: Any, call: Call[Any], data: B, http: HTTPResponse) -> None:
        self._client = client
        self._call = call
        self.data = data
        self.http = http

    @property
    def items(self) -> list[U]:
        """The items of this page."""
        return self._paging.items_of(self.data)

    @property
    def _paging(self) -> Paging:
        assert self._call.operation.pages is not None
        return self._call.operation.pages

    def _following(self) -> Call[Any] | None:
        return self._paging.following(self._call, self.data, self.http)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return True


class Page(_Page[U, B]):
    """One page; iterating goes on to all that follow."""

    @classmethod
    def of(cls, client: Any, call: Call[Any]) -> Page[U, B]:
        """Send a call, and return the page that it gets."""
        response = client.send(call)
        return cls(client, call, client.finish(call, response), response)

    def next(self) -> Page[U, B] | None:
        """Return the next page; None after the last."""
        call = self._following()
        return None if call is None else Page.of(self._client, call)

    def pages(self) -> Iterator[Page[U, B]]:
        """Iterate over this page and all that follow."""
        page: Page[U, B] | None = self
        while page is not None:
            yield page
            page = page.next()

    def __iter__(self) -> Iterator[U]:
        for page in self.pages():
            yield from page.items


class AsyncPage(_Page[U, B]):
    """One page, in async code; iterating goes on to all that follow."""

    async def next(self) -> AsyncPage[U, B] | None:
        """Return the next page; None after the last."""
        call = self._following()
        return None if call is None else await AsyncPages[U, B](self._client, call)

    def pages(self) -> AsyncIterator[AsyncPage[U, B]]:
        """Iterate over this page and all that follow."""
        return _AsyncWalk(self._itself)

    async def _itself(self) -> AsyncPage[U, B]:
        return self

    def __aiter__(self) -> AsyncIterator[U]:
        return _AsyncItems(self.pages())


class _AsyncWalk(AsyncIterator[AsyncPage[U, B]]):
    """Go from page to page. No generator, which would be to be closed by who leaves it early, as trio says aloud."""

    def __init__(self, first: Callable[[], Awaitable[AsyncPage[U, B]]]) -> None:
        self._next: Callable[[], Awaitable[AsyncPage[U, B] | None]] = first

    async def __anext__(self) -> AsyncPage[U, B]:
        page = await self._next()
        if page is None:
            raise StopAsyncIteration
        self._next = page.next
        return page


class _AsyncItems(AsyncIterator[U], Generic[U, B]):
    """Go from item to item."""

    def __init__(self, pages: AsyncIterator[AsyncPage[U, B]]) -> None:
        self._pages = pages
        self._items: Iterator[U] = iter(())

    async def __anext__(self) -> U:
        while True:
            for item in self._items:
                return item
            self._items = iter((await anext(self._pages)).items)


class AsyncPages(Generic[U, B]):
    """What a list gives in async code: awaited, its first page; iterated over, the items of all pages."""

    def __init__(self, client: Any, call: Call[Any]) -> None:
        self._client = client
        self._call = call

    def __await__(self) -> Generator[Any, Any, AsyncPage[U, B]]:
        return self._first().__await__()

    async def _first(self) -> AsyncPage[U, B]:
        response = await self._client.asend(self._call)
        return AsyncPage(self._client, self._call, self._client.finish(self._call, response), response)

    def pages(self) -> AsyncIterator[AsyncPage[U, B]]:
        """Iterate over all pages."""
        return _AsyncWalk(self._first)

    def __aiter__(self) -> AsyncIterator[U]:
        return _AsyncItems(self.pages())
