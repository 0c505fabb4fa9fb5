"""Parameters as they came over the wire, read back into values: every style of the OpenAPI text, the other way round.

What comes out is what the schema speaks of: a number where it has one, else text, lists and objects of them. What
cannot be read as its type stays text, and the schema says so.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, unquote_plus

from ..openapi.plan.shapes import parts_of

if TYPE_CHECKING:
    from ..openapi.document import Node

MISSING: Any = object()
"""There is no such parameter in the request."""

_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_DELIMITERS = {"spaceDelimited": re.compile(r"%20|\+| "), "pipeDelimited": re.compile(r"%7[Cc]|\|")}


class Layout:
    """Say how a parameter is written."""

    def __init__(self, node: Node) -> None:
        self.name = node.text("name")
        self.location = node.text("in")
        self.style = node.text("style", _STYLES.get(self.location, "form"))
        self.explode = node.value.get("explode", self.style in ("form", "cookie")) is True
        content = next(node.child("content").items(), None)
        self.schema = node.child("schema") if content is None else content[1].resolved().child("schema")
        self.is_json = content is not None and "json" in content[0]
        self.kinds = kinds_of(self.schema)

    @cached_property
    def takes_rest(self) -> bool:
        """Whether what no other parameter takes of a query is its: it is an object whose members may have any name."""
        if (self.location, self.style, self.explode, self.is_json) != ("query", "form", True, False):
            return False
        parts = parts_of(self.schema) if "object" in self.kinds else None
        extra = None if parts is None else parts.get("additionalProperties")
        return parts is not None and (extra not in (None, False) or (extra is None and not parts.properties()))

    def read(self, raw: str | None, pairs: list[tuple[str, str]]) -> tuple[Any, set[str]]:
        """Return the value, given the raw text of a single one or the pairs of a query; and the names that it took."""
        if self.location == "query" or (self.location == "cookie" and self.explode and "array" in self.kinds):
            return self._in_pairs(pairs)
        if raw is None:
            return MISSING, set()
        if self.is_json:
            return json_or_text(unquote(raw)), set()
        return self._single(raw), set()

    # One text.

    def _single(self, raw: str) -> Any:
        prefix, between = {
            "label": (".", "." if self.explode else ","),
            "matrix": (";", ";" if self.explode else ","),
        }.get(self.style, ("", ","))
        text = raw.removeprefix(prefix)
        if self.style == "matrix" and not self._is_spread():
            text = text.removeprefix(self.name).removeprefix("=")
        pieces = text.split(between) if text else []
        if "array" in self.kinds:
            if self.style == "matrix" and self.explode:
                pieces = [piece.partition("=")[2] for piece in pieces]
            return [self._item(unquote(piece.strip())) for piece in pieces]
        if "object" in self.kinds:
            return self._object(pieces)
        return typed(unquote(text), self.kinds)

    def _is_spread(self) -> bool:
        return self.explode and bool(self.kinds & {"array", "object"})

    def _object(self, pieces: list[str]) -> dict[str, Any]:
        if self.explode:
            pairs = [piece.partition("=")[::2] for piece in pieces]
        else:
            pairs = list(zip(pieces[::2], pieces[1::2], strict=False))
        return {unquote(key): self._member(unquote(key), unquote(value)) for key, value in pairs}

    # A query.

    def _in_pairs(self, pairs: list[tuple[str, str]]) -> tuple[Any, set[str]]:
        if self.style == "deepObject":
            return self._deep(pairs)
        if "object" in self.kinds and self.explode and not self.is_json:
            members = parts_of(self.schema).properties()
            takes = {key for key, _ in pairs if key in members or self.takes_rest}
            found = {key: self._member(key, unquote_plus(value)) for key, value in pairs if key in takes}
            return (found, set(found)) if found else (MISSING, set())
        values = [value for key, value in pairs if key == self.name]
        if not values:
            return MISSING, set()
        taken = {self.name}
        if self.is_json:
            return json_or_text(unquote_plus(values[0])), taken
        if "array" in self.kinds:
            pieces = values if self.explode else self._split(values[0])
            return [self._item(unquote_plus(piece)) for piece in pieces], taken
        if "object" in self.kinds:
            return self._object(self._split(values[0])), taken
        found_all = [typed(unquote_plus(value), self.kinds) for value in values]
        # What is sent twice and is no array does not fit, as the array that it looks like.
        return found_all[0] if len(found_all) == 1 else found_all, taken

    def _split(self, raw: str) -> list[str]:
        delimiter = _DELIMITERS.get(self.style)
        if not raw:
            return []
        return delimiter.split(raw) if delimiter else re.split(r",|%2[Cc]", raw)

    def _deep(self, pairs: list[tuple[str, str]]) -> tuple[Any, set[str]]:
        found: dict[str, Any] = {}
        taken: set[str] = set()
        for key, value in pairs:
            match = re.fullmatch(re.escape(self.name) + r"((?:\[[^\]]*\])+)", key)
            if match:
                taken.add(key)
                _put(
                    found,
                    re.findall(r"\[([^\]]*)\]", match[1]),
                    self._member(match[1][1:].split("]")[0], unquote_plus(value)),
                )
        return (found, taken) if taken else (MISSING, taken)

    # Their parts.

    def _item(self, text: str) -> Any:
        items = parts_of(self.schema).find("items")
        return typed(text, kinds_of(items)) if items is not None else text

    def _member(self, name: str, text: str) -> Any:
        parts = parts_of(self.schema)
        member = parts.properties().get(name) or parts.find("additionalProperties")
        return typed(text, kinds_of(member)) if member is not None else text


def kinds_of(schema: Node | None) -> frozenset[str]:
    """Return the types that a schema allows, those of its alternatives among them; none where it says nothing."""
    if schema is None or not isinstance(schema.value, dict):
        return frozenset()
    parts = parts_of(schema)
    found = set(parts.types())
    for keyword in ("oneOf", "anyOf"):
        choice = parts.find(keyword)
        for each in choice.elements() if choice is not None else ():
            found |= kinds_of(each)
    if not found and parts.find("properties") is not None:
        found.add("object")
    return frozenset(found)


def typed(text: str, kinds: frozenset[str]) -> Any:
    """Return a text as a number or a truth value where the schema has one, and it is one."""
    if "null" in kinds and text in ("", "null"):
        return None
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    if "number" in kinds and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text):
        return float(text) if not re.fullmatch(r"-?\d+", text) else int(text)
    return text


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the pairs of a query: names decoded, values as they came."""
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    return [(unquote_plus(name), value) for name, _, value in pairs]


def json_or_text(text: str) -> Any:
    """Return what a JSON text says, or the text where it is none."""
    try:
        return read_json(text)
    except ValueError:
        return text


def read_json(text: str | bytes) -> Any:
    """Return what a JSON text says. Raises ValueError, for NaN and its like too: RFC 8259, section 6, has none."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _put(owner: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        inner = owner.setdefault(key, {})
        owner = inner if isinstance(inner, dict) else {}
    present = owner.get(path[-1], MISSING)
    if present is MISSING:
        owner[path[-1]] = value
    else:
        owner[path[-1]] = [*(present if isinstance(present, list) else [present]), value]
