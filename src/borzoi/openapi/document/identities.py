"""Names that schemas give themselves: `$id` and `$anchor` (JSON Schema 2020-12, 8.2), and `$self` of OpenAPI 3.2.

They are found when a file is read. A reference is relative to the nearest `$id` around it, and what it means is
looked for among the names that are known; nothing is fetched for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin

from .pointers import around, escape, objects

_NAMED = frozenset({
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas", "paths", "responses",
    "parameters", "requestBodies", "headers", "callbacks", "pathItems", "content", "encoding", "links", "webhooks",
})  # fmt: skip
"""Keywords whose value is a map: its keys are names, whatever they look like."""

_VALUES = frozenset({"example", "examples", "default", "const", "enum", "value", "dataValue", "mapping"})
"""Keywords whose value is no schema, whatever it looks like."""


class Identities:
    """Know what the parts of all files are called."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[str, str]] = {}
        """The file and the pointer of what has an `$id`, by that."""
        self._bases: dict[str, dict[str, str]] = {}
        """The `$id` of each place of a file that has one."""
        self._anchors: dict[str, dict[str, list[str]]] = {}

    def learn(self, file: str, root: Any) -> Iterator[tuple[str, str]]:
        """Take in the names that a file has, and yield the pointers of those that something else has, with reasons."""
        found = self._bases[file] = dict(_identified(root, file))
        for pointer, name in found.items():
            known = self.places.setdefault(name, (file, pointer))
            if known != (file, pointer):
                yield pointer, f"The $id {name!r} is that of another schema, which references to it mean."

    def base(self, file: str, pointer: str) -> str:
        """Return what references at a place are relative to."""
        bases = self._bases.get(file)
        for place in around(pointer) if bases else ():
            if bases and place in bases:
                return bases[place]
        return file

    def anchor(self, file: str, root: Any, name: str, resource: str) -> str | None:
        """Return the place of an anchor in a file: in the schema of that `$id`, or else anywhere."""
        if file not in self._anchors:
            anchors = self._anchors[file] = {}
            for each, pointer in _anchored(root):
                anchors.setdefault(each, []).append(pointer)
        places = self._anchors[file].get(name, [])
        return next((each for each in places if self.base(file, each) == resource), places[0] if places else None)


def references(root: Any) -> Iterator[str]:
    """Yield what a file refers to."""
    for _, found in objects(root):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]


def _anchored(root: Any) -> Iterator[tuple[str, str]]:
    """Yield the anchors of a file, and their places; one for `$dynamicRef` is one for `$ref`, too (8.2.2)."""
    for pointer, found in objects(root):
        yield from [(found[key], pointer) for key in ("$anchor", "$dynamicAnchor") if isinstance(found.get(key), str)]


def _identified(root: Any, file: str) -> Iterator[tuple[str, str]]:
    """Yield the places that have an `$id`, and what it is when it is absolute."""
    stack = [(root, "", file, False)]
    while stack:
        found, pointer, base, is_map = stack.pop()
        if isinstance(found, dict):
            name = None if is_map else found.get("$id") if pointer else found.get("$id", found.get("$self"))
            if isinstance(name, str) and not name.startswith("#"):
                base = urldefrag(urljoin(base, name))[0]
                yield pointer, base
            stack += [
                (child, f"{pointer}/{escape(key)}", base, not is_map and key in _NAMED)
                for key, child in reversed(found.items())
                if is_map or not (key in _VALUES or key.startswith("x-"))
            ]
        elif isinstance(found, list):
            stack += [(child, f"{pointer}/{index}", base, False) for index, child in reversed([*enumerate(found)])]
