"""Lists in pages: found by the names that parameters and members have in most APIs, or told by the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import names
from .values import BOOL, Field, ListOf, Model, Operation, Pages, Parameter, Plain, Reference, Type, walk

KINDS = ("cursor", "last", "offset", "page", "url", "link")
"""The ways in which pages follow each other."""

_CURSORS = (
    "cursor", "page_token", "next_token", "pagination_token", "continuation_token", "page_cursor", "next_cursor",
    "start_cursor", "marker", "after",
)  # fmt: skip
_NEXT = (
    "next_cursor", "next_page_token", "next_token", "next_page_cursor", "next_marker", "pagination_token",
    "continuation_token", "end_cursor", "after", "cursor", "next",
)  # fmt: skip
_URLS = ("next", "next_url", "next_uri", "next_link", "next_page_url", "next_page_uri", "next_page_link")
_LAST = ("after", "starting_after")
_OFFSETS = ("offset", "skip")
_PAGES = ("page", "page_number", "page_no", "page_num")
_MORE = ("has_more", "has_next", "has_next_page", "more")
_ITEMS = ("data", "items", "results", "values", "entries", "records", "resources", "objects", "elements", "list")
_NESTED = ("pagination", "paging", "meta", "links", "page_info", "cursors", "response_metadata", "next_page")


class Pagination:
    """Find out which operations give lists in pages, and how those follow each other."""

    def __init__(self, models: dict[str, Model]) -> None:
        self._models = models

    def of(self, operation: Operation, told: Mapping[str, Any] | None = None) -> Pages | None:
        """Return how the pages of an operation follow each other, or None where there are none."""
        replies = [each for each in operation.replies if each.status[0] in "2d"]
        if len(replies) != 1 or replies[0].kind != "json" or operation.stream is not None:
            return None
        body = self._plain(replies[0].type)
        query = {names.snake(each.wire): each for each in operation.parameters if each.location == "query"}
        if told is not None:
            return self._told(told, body, query)
        if operation.method not in ("GET", "QUERY"):
            return None
        items, item = self._items(body, operation.resource)
        if item is None:
            return None
        if pages := self._by_cursor(body, query, items, item) or self._by_url(body, items, item):
            return pages
        if any(each.wire.lower() == "link" for each in replies[0].headers):
            return Pages("link", item, items=items)
        for kind, known in (("offset", _OFFSETS), ("page", _PAGES)):
            found = next((query[name] for name in known if name in query), None)
            if found is not None and self._is_number(found.type):
                return Pages(kind, item, found.name, items, more=self._more(body), first=_first(kind, found))
        return None

    def _told(self, told: Mapping[str, Any], body: Type, query: dict[str, Parameter]) -> Pages | None:
        items = _attributes(str(told.get("items", "")))
        found: Type | None = body
        for name in items.split(".") if items else ():
            field = self._fields(found).get(name) if found is not None else None
            found = None if field is None else self._plain(field.type)
        if not isinstance(found, ListOf):
            return None
        parameter = names.snake(str(told.get("parameter", "")))
        following = _attributes(str(told.get("next", "")))
        more = _attributes(str(told.get("more", "")))
        kind = str(told["kind"])
        return Pages(kind, found.item, parameter, items, following, more, _first(kind, query.get(parameter)))

    def _by_cursor(self, body: Type, query: dict[str, Parameter], items: str, item: Type) -> Pages | None:
        more = self._more(body)
        fields = self._fields(body)
        last = next((query[name] for name in _LAST if name in query), None)
        if last is not None and more and "." not in more:
            if "last_id" in fields:
                return Pages("cursor", item, last.name, items, "last_id", more)
            if "id" in self._fields(self._plain(item)):
                return Pages("last", item, last.name, items, "id", more)
        cursor = next((query[name] for name in _CURSORS if name in query), None)
        if cursor is None:
            return None
        following = self._find(body, _NEXT, self._is_text)
        return Pages("cursor", item, cursor.name, items, following, more) if following else None

    def _by_url(self, body: Type, items: str, item: Type) -> Pages | None:
        following = self._find(body, _URLS, self._is_text)
        name = following.rpartition(".")[2]
        if name == "next" and not (following.startswith("links.") or self._is_uri(body, following)):
            return None
        return Pages("url", item, items=items, next=following) if following else None

    def _items(self, body: Type, noun: str) -> tuple[str, Type | None]:
        """Return which member is the list, and what is in it."""
        if isinstance(body, ListOf):
            return "", body.item
        lists = {
            name: planned.item
            for name, field in self._fields(body).items()
            if isinstance(planned := self._plain(field.type), ListOf)
        }
        if len(lists) == 1:
            return next(iter(lists.items()))
        for name in (*_ITEMS, noun):
            if name in lists:
                return name, lists[name]
        return "", None

    def _more(self, body: Type) -> str:
        return self._find(body, _MORE, lambda found: BOOL in walk(found))

    def _find(self, body: Type, wanted: tuple[str, ...], fits: Any) -> str:
        """Return where a body has a member of one of the names: in itself, or in one of those that hold such."""
        fields = self._fields(body)
        for name in wanted:
            if name in fields and fits(fields[name].type):
                return name
        for outer in _NESTED:
            inner = self._fields(self._plain(fields[outer].type)) if outer in fields else {}
            for name in wanted:
                if name in inner and fits(inner[name].type):
                    return f"{outer}.{name}"
        return ""

    def _is_uri(self, body: Type, path: str) -> bool:
        field = self._fields(body).get(path)
        return field is not None and Plain("Uri") in walk(field.type)

    def _is_text(self, type: Type) -> bool:
        return any(each in (Plain("str"), Plain("Uri")) for each in walk(self._plain(type)))

    def _is_number(self, type: Type) -> bool:
        return any(each in (Plain("int"), Plain("float")) for each in walk(self._plain(type)))

    def _fields(self, type: Type) -> dict[str, Field]:
        """Return the members of an object by their names in Python's spelling."""
        for each in walk(type):
            model = self._models.get(each.key) if isinstance(each, Reference) else None
            if model is not None and model.kind == "struct":
                return {field.name: field for field in model.fields}
        return {}

    def _plain(self, type: Type) -> Type:
        """Return what an alias stands for."""
        found = type
        while isinstance(found, Reference) and self._models[found.key].kind == "alias":
            found = self._models[found.key].type
        return found


def _first(kind: str, parameter: Parameter | None) -> int | None:
    usual = {"offset": 0, "page": 1}.get(kind)
    return None if usual is None or parameter is None or parameter.first == usual else parameter.first


def _attributes(path: str) -> str:
    return ".".join(names.field_name(part) for part in path.split(".")) if path else ""
