"""What a validator of JSON Schema says of a value, given the schema as its document has it.

The document is read again, as it was written: nothing of what the generator makes of it is used. Schemas of OpenAPI 3.0
are those of draft 4, in which what stands beside a `$ref` is ignored, with `nullable`; those of 3.1 and later are of
2020-12. Formats are asserted, and a `nullable` is taken for what it was meant to be wherever it stands, as clients do.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import jsonschema_rs

from borzoi.openapi.document import Document, Node
from borzoi.openapi.document.pointers import unescape
from borzoi.openapi.document.syntax import parse

_DATA = frozenset({"example", "examples", "default", "enum", "const"})
_NAMES = frozenset({"properties", "patternProperties", "schemas", "definitions", "$defs"})
"""Keywords below which there are names, whatever these look like."""

_POINTER = "/~!$&'()*+,;=:@-._"
"""What need not be escaped of a pointer in a fragment (RFC 6901, section 6)."""

_FORMATS_OF_LATER_DRAFTS = ("date", "uuid")


class Misfit(NamedTuple):
    """Say why a value is not valid: where in it, by which keyword, and where that stands in the document."""

    path: tuple[str | int, ...]
    keyword: str
    place: str
    message: str


class Oracle:
    """Hold values to the schemas of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._raw: dict[str, Any] = {}
        self._is_old = str(self._value(document.root.uri).get("openapi", "")).startswith("3.0")
        self._registry: Any = None
        self._validators: dict[str, Any] = {}

    def _value(self, uri: str) -> Any:
        """Return a file as it was written."""
        if uri not in self._raw:
            sources = self._document.sources
            self._raw[uri] = parse(sources.read(uri), sources.name(uri))
        return self._raw[uri]

    def misfits(self, schema: Node, value: Any) -> list[Misfit]:
        """Return why a value does not fit a schema."""
        found: list[Misfit] = []
        for error in _all(self._validator(schema).iter_errors(value)):
            keyword = str(error.schema_path[-1])
            place = self._as_written(str(error.absolute_keyword_location))
            found.append(Misfit(tuple(error.instance_path), keyword, place, str(error.message)))
        return found

    def _validator(self, node: Node) -> Any:
        if node.key not in self._validators:
            draft = jsonschema_rs.Draft4 if self._is_old else jsonschema_rs.Draft202012
            if self._registry is None:
                files = [(_in_uri(uri), _copied(value)) for uri, value in self._files()]
                self._registry = jsonschema_rs.Registry(files, draft=draft)
            self._validators[node.key] = self._class()(
                {"$ref": f"{_in_uri(node.uri)}#{quote(node.pointer, safe=_POINTER)}"},
                registry=self._registry,
                validate_formats=True,
                formats=formats(),
                offline=True,
            )
        return self._validators[node.key]

    def _class(self) -> Any:
        return jsonschema_rs.Draft4Validator if self._is_old else jsonschema_rs.Draft202012Validator

    def _files(self) -> Iterator[tuple[str, Any]]:
        """Yield all files that the document is made of."""
        seen: set[str] = set()
        waiting = [self._document.root.uri]
        while waiting:
            uri = waiting.pop()
            if uri not in seen:
                seen.add(uri)
                value = self._value(uri)
                waiting += [self._document.sources.target(uri, each)[0] for each in _references(value)]
                yield uri, value

    def _as_written(self, location: str) -> str:
        """Return the place of a keyword, without the steps that only the copy has."""
        uri, _, fragment = location.partition("#")
        uri = next(each for each in self._raw if _in_uri(each) == uri)
        value = self._value(uri)
        place = f"{uri}#"
        for part in unquote(fragment).split("/")[1:]:
            key: Any = int(part) if isinstance(value, list) else unescape(part)
            # A null that was allowed by `nullable` is an alternative in the copy alone.
            if isinstance(value, list) or (isinstance(value, dict) and key in value):
                value = value[key]
                place += f"/{part}"
        return place


def _all(errors: Any) -> Iterator[Any]:
    """Yield errors, and below those of a union what is wrong with each of its members."""
    for error in errors:
        yield error
        for member in getattr(error.kind, "context", None) or ():
            yield from _all(member)


def formats() -> dict[str, Callable[[str], bool]]:
    """Return the formats that draft 4 does not have and OpenAPI does."""
    made = {
        name: jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid
        for name in _FORMATS_OF_LATER_DRAFTS
    }
    return {**made, "byte": _is_base64, "base64": _is_base64}


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _references(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            reference = found.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                yield reference
            stack += [child for key, child in found.items() if key not in _DATA]
        elif isinstance(found, list):
            stack += found


def _copied(value: Any, *, is_map: bool = False) -> Any:
    """Return a copy of a file for a validator, which knows no `nullable`, and no reference that is no URI."""
    if isinstance(value, list):
        return [_copied(child) for child in value]
    if not isinstance(value, dict):
        return value
    if is_map:
        return {name: _copied(child) for name, child in value.items() if not isinstance(child, str)}
    made = {key: child if key in _DATA else _copied(child, is_map=key in _NAMES) for key, child in value.items()}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = _in_uri(made["$ref"])
    return _with_null(made) if made.pop("nullable", None) is True else made


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]}
    values = schema.get("enum")
    more = {"enum": [*values, None]} if isinstance(values, list) else {}
    return {**schema, "type": [kind, "null"], **more}


def _in_uri(reference: str) -> str:
    # RFC 3986: a reference has no other characters than these; documents do. What is escaped stays so.
    return quote(reference, safe="%#/~!$&'()*+,;=:@-._?")
