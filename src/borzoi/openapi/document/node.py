"""A value of a document together with its place, and references followed.

`node["key"]` is the child, with its `$ref` followed; `node.value` is the plain value. Following is bounded, cached by
URI, and every refusal names the place where the reference stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from .diagnostics import Diagnostic, DocumentError
from .identities import Identities, references
from .lines import line_of
from .pointers import MISSING, around, at, escape, unescape
from .sources import Sources
from .syntax import parse
from .versions import allow_null, bind_recursion, upgrade

MAX_HOPS = 50
"""References that lead to references."""


class Document:
    """Hold all files of a document, and what is to be said of it."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.diagnostics: list[Diagnostic] = []
        self._values: dict[str, Any] = {}
        self._identities = Identities()
        self._targets: dict[tuple[str, str], Node] = {}
        self._referrers: dict[str, tuple[int, Node]] = {}
        """What led first to a place of another file than the first, and when, by the key of the place."""
        self._is_complete = False
        self.root = Node(self, sources.first, "", self.value_at(sources.first))

    def value_at(self, uri: str) -> Any:
        """Return the whole value of a file or URL, read once and brought to the newest version of OpenAPI."""
        if uri not in self._values:
            content = self.sources.read(uri)
            value = parse(content, self.sources.name(uri))
            self._values[uri] = upgrade(value)
            self._bind(uri, content)
        return self._values[uri]

    def _bind(self, uri: str, content: bytes) -> None:
        """Look for what few files have: references by what is around them, and names that schemas give themselves."""
        said: list[tuple[str, str]] = []
        if b"$recursiveRef" in content:
            bind_recursion(self._values[uri])
        if b"$dynamicRef" in content:
            from .generics import bind_generics

            said += bind_generics(self._values[uri], self.sources.name(uri))
        if b"$id" in content or b"$self" in content:
            said += self._identities.learn(uri, self._values[uri])
        self.diagnostics += [Diagnostic(self.sources.name(uri), pointer, reason) for pointer, reason in said]

    def files(self) -> dict[str, Any]:
        """Return the values of all files that the document is made of, by their URIs; what cannot be read is left out.

        What lies on other servers is not read for this.
        """
        if not self._is_complete:
            self._is_complete = True
            waiting = list(self._values)
            for uri in waiting:
                waiting += [each for each in self._nearby(uri) if each not in waiting]
        return self._values

    def _nearby(self, uri: str) -> Iterator[str]:
        """Yield the files that one refers to, each read, and on no other server than the first."""
        for reference in references(self._values[uri]):
            try:
                target, _ = self.sources.target(uri, reference)
                if not self.sources.is_elsewhere(target) and target not in self._identities.places:
                    self.value_at(target)
                    yield target
            except (DocumentError, ValueError):
                # Whoever needs it will say so.
                continue

    def note(self, node: Node, reason: str) -> None:
        """Record what was done with a part that cannot be expressed in full."""
        self.diagnostics.append(
            Diagnostic(self.sources.name(node.uri), node.pointer, reason, self._referrer(node.uri, node.pointer))
        )

    def error(self, node: Node, reason: str) -> DocumentError:
        """Return the error that something at a node is wrong, with its line, and what led to it in another file."""
        return DocumentError(
            reason,
            file=self.sources.name(node.uri),
            line=line_of(self.sources.read(node.uri), node.pointer),
            pointer=node.pointer,
            referrer=self._referrer(node.uri, node.pointer),
        )

    def _referrer(self, uri: str, pointer: str) -> str:
        """Return the place of the reference in another file that led to a place first; nothing in the first file."""
        here, latest = uri, len(self._referrers)
        while here == uri and uri != self.sources.first:
            known = [self._referrers[key] for each in around(pointer) if (key := f"{uri}#{each}") in self._referrers]
            earlier = [each for each in known if each[0] < latest]
            if not earlier:
                return ""
            latest, owner = min(earlier, key=lambda each: each[0])
            here, pointer = owner.uri, owner.pointer
        return "" if here == uri else f"{self.sources.name(here)}#{pointer}"

    def resolve(self, node: Node) -> Node:
        """Follow the `$ref` of a node, and of what it leads to, until there is none."""
        start = node
        for _ in range(MAX_HOPS):
            value = node.value
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return node
            place = self._base(node), value["$ref"]
            target = self._targets.get(place)
            if target is None:
                target = self._targets[place] = self._target(node, value["$ref"])
                if target.uri != self.sources.first:
                    self._referrers.setdefault(target.key, (len(self._referrers), node))
            node = target
        raise self.error(start, "The reference leads back to itself.")

    def locate(self, node: Node, reference: str) -> tuple[str, str]:
        """Return the file and the pointer that a reference at a node means, whether or not there is anything."""
        return self._named(node, reference) or self.sources.target(node.uri, reference)

    def _base(self, node: Node) -> str:
        return self._identities.base(node.uri, node.pointer) if self._identities.places else node.uri

    def _named(self, node: Node, reference: str) -> tuple[str, str] | None:
        """Return the file and the pointer of what has the `$id` that a reference means; None where nothing has it."""
        if not self._identities.places:
            return None
        target, fragment = self.sources.target(self._base(node), reference)
        if target not in self._identities.places:
            return None
        uri, pointer = self._identities.places[target]
        if fragment and not fragment.startswith("/"):
            place = self._identities.anchor(uri, self._values[uri], fragment, target)
        else:
            place = pointer + fragment
        # Published documents have references in such schemas that are pointers into the whole file.
        return None if place is None or at(self._values[uri], place) is MISSING else (uri, place)

    def _target(self, node: Node, reference: str) -> Node:
        try:
            uri, pointer = self._named(node, reference) or self._read(node, reference)
        except DocumentError as error:
            if error.line is not None:
                raise
            raise self.error(node, f"$ref {reference!r}: {error.reason}") from None
        except ValueError:
            raise self.error(node, f"$ref {reference!r} is no URI reference.") from None
        found = at(self._values[uri], pointer)
        if found is MISSING:
            raise self.error(node, f"$ref {reference!r} leads to nothing.")
        if isinstance(found, dict) and "nullable" in found:
            allow_null(found)
        return Node(self, uri, pointer, found)

    def _read(self, node: Node, reference: str) -> tuple[str, str]:
        """Return the file and the pointer that a reference means, the file read."""
        uri, fragment = self.sources.target(node.uri, reference)
        if uri not in self._values and self.sources.is_elsewhere(uri):
            # Before another server is asked: a file that is not read yet may have something of that name.
            self.files()
            if found := self._named(node, reference):
                return found
        try:
            value = self.value_at(uri)
        except DocumentError as error:
            error.referrer = f"{self.sources.name(node.uri)}#{node.pointer}"
            self.files()
            if error.line is None and (found := self._named(node, reference)):
                return found
            raise
        if fragment and not fragment.startswith("/"):
            # JSON Schema 2020-12, 8.2.2: a plain name is that of an $anchor.
            return uri, self._identities.anchor(uri, value, fragment, uri) or f"/{fragment}"
        return uri, fragment


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
