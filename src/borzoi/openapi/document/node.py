"""A value of a document together with its place, and references followed.

`node["key"]` is the child, with its `$ref` followed; `node.value` is the plain value. Following is bounded, cached by
URI, and every refusal names the place where the reference stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from .diagnostics import Diagnostic, DocumentError
from .sources import Sources
from .syntax import line_of, parse
from .versions import allow_null, bind_recursion, upgrade

MAX_HOPS = 50
"""References that lead to references."""


class Document:
    """Hold all files of a document, and what is to be said of it."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.diagnostics: list[Diagnostic] = []
        self._values: dict[str, Any] = {}
        self._anchors: dict[str, dict[str, str]] = {}
        self._targets: dict[tuple[str, str], Node] = {}
        self.root = Node(self, sources.first, "", self.value_at(sources.first))

    def value_at(self, uri: str) -> Any:
        """Return the whole value of a file or URL, read once and brought to the newest version of OpenAPI."""
        if uri not in self._values:
            content = self.sources.read(uri)
            value = parse(content, self.sources.name(uri))
            self._values[uri] = upgrade(value)
            if b"$recursiveRef" in content:
                bind_recursion(self._values[uri])
            if b"$dynamicRef" in content:
                from .generics import bind_generics

                for pointer, reason in bind_generics(self._values[uri], self.sources.name(uri)):
                    self.diagnostics.append(Diagnostic(self.sources.name(uri), pointer, reason))
        return self._values[uri]

    def note(self, node: Node, reason: str) -> None:
        """Record what was done with a part that cannot be expressed in full."""
        self.diagnostics.append(Diagnostic(self.sources.name(node.uri), node.pointer, reason))

    def error(self, node: Node, reason: str) -> DocumentError:
        """Return the error that something at a node is wrong, with its line."""
        line = line_of(self.sources.read(node.uri), node.pointer)
        return DocumentError(reason, file=self.sources.name(node.uri), line=line, pointer=node.pointer)

    def resolve(self, node: Node) -> Node:
        """Follow the `$ref` of a node, and of what it leads to, until there is none."""
        start = node
        for _ in range(MAX_HOPS):
            value = node.value
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return node
            place = node.uri, value["$ref"]
            target = self._targets.get(place)
            if target is None:
                target = self._targets[place] = self._target(node, value["$ref"])
            node = target
        raise self.error(start, "The reference leads back to itself.")

    def _target(self, node: Node, reference: str) -> Node:
        try:
            uri, fragment = self.sources.target(node.uri, reference)
            value = self.value_at(uri)
        except DocumentError as error:
            if error.line is not None:
                raise
            raise self.error(node, f"$ref {reference!r}: {error.reason}") from None
        except ValueError:
            raise self.error(node, f"$ref {reference!r} is no URI reference.") from None
        if fragment and not fragment.startswith("/"):
            fragment = self._anchor(uri, fragment)
        found = _at(value, fragment)
        if found is MISSING:
            raise self.error(node, f"$ref {reference!r} leads to nothing.")
        if isinstance(found, dict) and "nullable" in found:
            allow_null(found)
        return Node(self, uri, fragment, found)

    def _anchor(self, uri: str, name: str) -> str:
        # JSON Schema 2020-12, 8.2.2: a plain name is that of an $anchor.
        if uri not in self._anchors:
            self._anchors[uri] = dict(_anchors(self._values[uri], ""))
        return self._anchors[uri].get(name, "/" + name)


MISSING: Any = object()


class Node(Struct, eq=False):
    """Say what a document has at a place."""

    # A large document has some 200,000 of them: structs are made in a third of the time of other objects. Most are
    # looked at and never named: their pointer is written when it is asked for.
    document: Document
    uri: str
    _pointer: str
    value: Any
    _parent: Node | None = None
    _part: str | int = ""
    _key: str = ""

    @property
    def pointer(self) -> str:
        """Where this stands in its file (RFC 6901)."""
        if self._parent is not None:
            self._pointer = f"{self._parent.pointer}/{escape(str(self._part))}"
            self._parent = None
        return self._pointer

    @property
    def key(self) -> str:
        """The identity of the place."""
        if not self._key:
            self._key = f"{self.uri}#{self.pointer}"
        return self._key

    @property
    def name(self) -> str:
        """The last part of the pointer, or the name of the file without its ending."""
        if self.pointer:
            return unescape(self.pointer.rpartition("/")[2])
        return self.uri.rpartition("/")[2].partition(".")[0]

    @property
    def is_root(self) -> bool:
        """Whether this is in the first file."""
        return self.uri == self.document.sources.first

    def child(self, key: str | int) -> Node:
        """Return what is below a key, its `$ref` not followed; a node of None where there is nothing."""
        value = self.value
        if isinstance(value, dict):
            found = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            found = value[key]
        else:
            found = None
        if isinstance(found, dict) and "nullable" in found:
            allow_null(found, is_alternative=self._part in ("oneOf", "anyOf"))
        return Node(self.document, self.uri, "", found, self, key)

    def __getitem__(self, key: str | int) -> Node:
        """Return what is below a key, its `$ref` followed."""
        return self.child(key).resolved()

    def resolved(self) -> Node:
        """Return the node that the `$ref` of this one leads to, or this one."""
        if isinstance(self.value, dict) and "$ref" in self.value:
            return self.document.resolve(self)
        return self

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield the keys and the children of an object, references not followed; nothing for another value."""
        if isinstance(self.value, dict):
            for key, found in self.value.items():
                if isinstance(found, dict) and "nullable" in found:
                    allow_null(found)
                yield key, Node(self.document, self.uri, "", found, self, key)

    def elements(self) -> Iterator[Node]:
        """Yield the elements of an array, references not followed; nothing for another value."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self.child(index)

    def text(self, key: str, default: str = "") -> str:
        """Return a string below a key."""
        found = self.value.get(key, default) if isinstance(self.value, dict) else default
        return found if isinstance(found, str) else default

    def flag(self, key: str) -> bool:
        """Tell whether a key is true."""
        return isinstance(self.value, dict) and self.value.get(key) is True

    def __bool__(self) -> bool:
        return self.value is not None

    def wrong(self, reason: str) -> DocumentError:
        """Return the error that says what is wrong here."""
        return self.document.error(self, reason)

    def note(self, reason: str) -> None:
        """Record what was done with this part."""
        self.document.note(self, reason)


def escape(key: str) -> str:
    """Write a key as a part of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def unescape(part: str) -> str:
    """Read a part of a JSON pointer."""
    return part.replace("~1", "/").replace("~0", "~")


def _at(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = unescape(part)
        if isinstance(value, dict):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def _anchors(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    stack = [(value, pointer)]
    while stack:
        found, where = stack.pop()
        if isinstance(found, dict):
            if isinstance(found.get("$anchor"), str):
                yield found["$anchor"], where
            stack += [(child, f"{where}/{escape(key)}") for key, child in found.items()]
        elif isinstance(found, list):
            stack += [(child, f"{where}/{index}") for index, child in enumerate(found)]
