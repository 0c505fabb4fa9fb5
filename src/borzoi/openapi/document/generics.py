"""Generic schemas: `$dynamicRef` written as what it leads to in each place that says so (JSON Schema 2020-12, 8.2.3.2).

A schema that refers to a generic one and has the `$dynamicAnchor` in itself, or in its `$defs`, gets a copy of the
generic one in its `allOf`, with that in place of the parameter. Anywhere else the anchor nearest by is meant. Only one
file is looked at, and what cannot be bound is told by its pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from .diagnostics import DocumentError
from .pointers import around, escape, objects

MAX_COPIED = 200_000
"""The values that all copies together may have."""


def bind_generics(root: Any, file: str) -> list[tuple[str, str]]:
    """Write each `$dynamicRef` of a file as a `$ref`, and return the pointers of what cannot be bound, with reasons."""
    return Generics(root, file).bind()


class Generics:
    """Know which anchors there are in a file, and which schemas refer to them."""

    def __init__(self, root: Any, file: str) -> None:
        self._root = root
        self._file = file
        self._left = MAX_COPIED
        self._anchors: dict[tuple[str, str], str] = {}
        """Where the first anchor of a name is below a place."""
        self._taken: dict[str, set[str]] = {}
        """Which names are referred to below a place."""
        for pointer, found in objects(root):
            if isinstance(name := found.get("$dynamicAnchor"), str):
                for place in around(pointer):
                    self._anchors.setdefault((name, place), pointer)
            if name := _parameter(found):
                for place in around(pointer):
                    self._taken.setdefault(place, set()).add(name)

    def bind(self) -> list[tuple[str, str]]:
        """Bind all references."""
        reasons = [
            (pointer, f"{', '.join(given)} is given here, and nothing that this refers to in this file takes it.")
            for pointer, schema in list(objects(self._root))
            if (given := _given(schema, pointer)) and not self._specialise(schema, given, pointer)
        ]
        for pointer, schema in objects(self._root):
            if name := _parameter(schema):
                reference = schema.pop("$dynamicRef")
                anchors = (self._anchors.get((name, place)) for place in around(pointer))
                if found := next((each for each in anchors if each is not None), None):
                    schema["$ref"] = _reference(found)
                elif name.startswith("/"):
                    schema["$ref"] = reference
                else:
                    reasons.append((pointer, f"$dynamicRef {reference!r} has no anchor in this file: it says nothing."))
        return reasons

    def _specialise(self, schema: dict[str, Any], given: Mapping[str, str], pointer: str) -> bool:
        """Tell whether a schema now has copies of what it refers to, or takes itself what it gives."""
        parts = schema.get("allOf")
        parts = parts if isinstance(parts, list) else []
        made = [self._copy_of(each, given, ()) if isinstance(each, dict) else None for each in parts]
        own = self._copy_of(schema, given, ())
        if own is not None:
            del schema["$ref"]
        if own is not None or any(made):
            kept = [copy or part for copy, part in zip(made, parts, strict=True)]
            schema["allOf"] = [*kept, *([] if own is None else [own])]
            return True
        refers = "$ref" in schema or any(isinstance(each, dict) and "$ref" in each for each in parts)
        # An anchor of its own may be there for others.
        return not refers or pointer in given.values() or not self._taken.get(pointer, set()).isdisjoint(given)

    def _copy_of(self, holder: dict[str, Any], given: Mapping[str, str], within: tuple[str, ...]) -> Any:
        """Return a copy of the generic schema that one refers to; None where it refers to none."""
        reference = holder.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/") or reference in within:
            return None
        place = unquote(reference[1:])
        if self._taken.get(place, set()).isdisjoint(given):
            return None
        found: Any = self._root
        for part in place.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else found[int(key)]
        return self._copied(found, given, (*within, reference))

    def _copied(self, value: Any, given: Mapping[str, str], within: tuple[str, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise DocumentError(f"Its generic schemas expand to more than {MAX_COPIED} values.", file=self._file)
        if isinstance(value, list):
            return [self._copied(each, given, within) for each in value]
        if not isinstance(value, dict):
            return value
        copy = {key: self._copied(each, given, within) for key, each in value.items() if key != "$dynamicAnchor"}
        if (name := _parameter(value)) in given:
            del copy["$dynamicRef"]
            copy["$ref"] = _reference(given[name])
        elif (inner := self._copy_of(value, given, within)) is not None:
            del copy["$ref"]
            copy["allOf"] = [*copy.get("allOf", []), inner]
        return copy


def _given(schema: dict[str, Any], pointer: str) -> dict[str, str]:
    """Return the anchors that a schema has in itself and in its `$defs`, with their places."""
    found = {pointer: schema}
    if isinstance(inner := schema.get("$defs"), dict):
        found |= {f"{pointer}/$defs/{escape(key)}": each for key, each in inner.items() if isinstance(each, dict)}
    return {name: at for at, each in found.items() if isinstance(name := each.get("$dynamicAnchor"), str)}


def _parameter(schema: dict[str, Any]) -> str:
    """Return the name that a `$dynamicRef` has; "" where there is none."""
    reference = schema.get("$dynamicRef")
    return reference.removeprefix("#") if isinstance(reference, str) else ""


def _reference(pointer: str) -> str:
    return f"#{quote(pointer, safe='/~')}"
