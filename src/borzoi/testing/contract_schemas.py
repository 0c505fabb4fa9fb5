"""Schemas of an OpenAPI document as JSON Schema validators: one for each place and side, made at its first use.

A request may lack what only replies have (readOnly), and the reverse (writeOnly); `nullable` and the boolean limits of
OpenAPI 3.0 are written as JSON Schema 2020-12 has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from ..openapi.document import Node
from ..openapi.document.pointers import escape, unescape
from ..openapi.document.versions import allow_null

if TYPE_CHECKING:
    from ..openapi.document import Document

_DATA = frozenset({"example", "examples", "default", "enum", "const"})
"""Keywords below which there are values, and no schemas."""

_MAPS = frozenset({
    "$defs", "content", "definitions", "dependentSchemas", "headers", "mediaTypes", "parameters", "pathItems",
    "patternProperties", "properties", "requestBodies", "responses", "schemas",
})  # fmt: skip
"""Keywords below which there are names, whatever these look like, and what they stand for."""


class Schemas:
    """Validate values against the schemas of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._registries: dict[str, Any] = {}
        self._validators: dict[tuple[str, str], Any] = {}

    def errors(self, node: Node, value: Any, *, sent: bool) -> list[tuple[str, str]]:
        """Return where a value does not fit a schema, as JSON pointers into it, and why."""
        validator = self._validator(node.resolved(), "readOnly" if sent else "writeOnly")
        found = {(_pointer(error.instance_path), str(error.message)) for error in validator.iter_errors(value)}
        return sorted(found)

    def _validator(self, node: Node, hidden: str) -> Any:
        key = node.key, hidden
        if key not in self._validators:
            jsonschema_rs: Any = import_module("jsonschema_rs")
            if hidden not in self._registries:
                resources = [(uri, _side(value, hidden, meanings)) for uri, value, meanings in self._files()]
                self._registries[hidden] = jsonschema_rs.Registry(resources, draft=jsonschema_rs.Draft202012)
            reference = {"$ref": f"{node.uri}#{_in_uri(node.pointer)}"}
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                reference, registry=self._registries[hidden], validate_formats=True, offline=True
            )
        return self._validators[key]

    def _files(self) -> Iterator[tuple[str, Any, dict[int, tuple[str, str]]]]:
        """Yield the files of the document, and what references mean in each, by the `id()` of their objects."""
        # A reference may mean the `$id` of a schema in any file: they are known when all have been read.
        self._document.files()
        seen: set[str] = set()
        waiting = [self._document.root.uri]
        while waiting:
            uri = waiting.pop()
            if uri in seen:
                continue
            seen.add(uri)
            value = self._document.value_at(uri)
            meanings = {
                id(found): self._document.locate(Node(self._document, uri, pointer, found), found["$ref"])
                for pointer, found in _referring(value)
            }
            waiting += [target for target, _ in meanings.values()]
            yield uri, value, meanings


def _referring(root: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a file that have a `$ref`, with their pointers."""
    stack: list[tuple[Any, str]] = [(root, "")]
    while stack:
        found, pointer = stack.pop()
        if isinstance(found, dict):
            if isinstance(found.get("$ref"), str):
                yield pointer, found
            stack += [(child, f"{pointer}/{escape(key)}") for key, child in found.items() if key not in _DATA]
        elif isinstance(found, list):
            stack += [(child, f"{pointer}/{index}") for index, child in enumerate(found)]


def _side(root: Any, hidden: str, meanings: dict[int, tuple[str, str]]) -> Any:
    """Return a copy of a file as one side sees it, its references absolute."""

    def copied(value: Any, *, is_map: bool = False) -> Any:
        if isinstance(value, list):
            return [copied(child) for child in value]
        if not isinstance(value, dict):
            return value
        if is_map:
            # Published documents have a `$ref` among the names of properties: no text is a schema, or a response.
            return {name: copied(child) for name, child in value.items() if not isinstance(child, str)}
        result = {key: child if key in _DATA else copied(child, is_map=key in _MAPS) for key, child in value.items()}
        if id(value) in meanings:
            uri, pointer = meanings[id(value)]
            result["$ref"] = f"{uri}#{_in_uri(pointer)}"
        # References are relative to it no more.
        result.pop("$id", None)
        if "nullable" in result:
            allow_null(result)
        _limit(result, "exclusiveMinimum", "minimum")
        _limit(result, "exclusiveMaximum", "maximum")
        members, required = result.get("properties"), result.get("required")
        if isinstance(members, dict) and isinstance(required, list):
            result["required"] = [name for name in required if not is_hidden(members.get(name))]
        return result

    def is_hidden(member: Any) -> bool:
        for _ in range(20):
            if not isinstance(member, dict):
                return False
            if member.get(hidden) is True:
                return True
            member = _local(root, member.get("$ref"))
        return False

    return copied(root)


def _limit(schema: dict[str, Any], exclusive: str, inclusive: str) -> None:
    if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and inclusive in schema:
        schema[exclusive] = schema.pop(inclusive)


def _local(root: Any, reference: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found = root
    for part in reference[2:].split("/"):
        key = unescape(unquote(part))
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _pointer(path: Any) -> str:
    return "".join(f"/{escape(str(part))}" for part in path)


def _in_uri(pointer: str) -> str:
    # RFC 6901, section 6: a pointer in a fragment is percent-encoded.
    return quote(pointer, safe="/~!$&'()*+,;=:@-._")
