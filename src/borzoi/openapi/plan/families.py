"""Families: a schema with a discriminator, and the schemas that have it in their allOf.

A reference to such a base means one of its children: the discriminator says which, and what it says of none is of the
base itself (OpenAPI 3.1.1, Discriminator Object).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Node
from .unions import default_of, mapped, tags
from .values import Type


class Families:
    """Know the children of each base, by its key, and what they are told apart by."""

    def __init__(self, schemas: Node) -> None:
        self._children: dict[str, dict[str, Node]] = {}
        self.members: set[str] = set()
        """The keys of what has a base in its allOf."""

        nodes = [schemas.child(name) for name in schemas.value] if isinstance(schemas.value, dict) else []
        by_key = {node.key: node for node in nodes}
        for child in nodes:
            for base in _bases(child, "", {child.key}):
                self._children.setdefault(base.key, {})[child.key] = child
                self.members.add(child.key)
        for base in nodes:
            for child in _mapped(base, by_key):
                self._children.setdefault(base.key, {}).setdefault(child.key, child)
        self._break_circles()

    def _break_circles(self) -> None:
        """Forget what schemas have of each other that extend each other in a circle: no value would end it."""
        pairs = [(base, child) for base, found in self._children.items() for child in found]
        for base, child in [each for each in pairs if each[0] in self._descendants(each[1])]:
            del self._children[base][child]

    def _descendants(self, key: str) -> set[str]:
        found, pending = {key}, [key]
        while pending:
            new = self._children.get(pending.pop(), {}).keys() - found
            found |= new
            pending += new
        return found

    def children(self, base: Node) -> list[Node]:
        """Return what extends a schema; nothing where that has no discriminator."""
        return list(self._children[base.key].values()) if self._children and base.key in self._children else []

    def mapping(self, base: Node, own: Type, types: list[Type]) -> tuple[tuple[str, Type], ...]:
        """Return the values of the discriminator, given the types of a base and of its children."""
        children = self.children(base)
        found = dict(mapped(base.child("discriminator"), *self._known(base, own, types)))
        for child, type_ in zip(children, types, strict=True):
            declared = tags(child).get(wire_of(base), [])
            if len(declared) == 1:
                found.setdefault(declared[0], type_)
        return tuple(found.items())

    def other(self, base: Node, own: Type, types: list[Type]) -> Type | None:
        """Return what an object is that has no value of the discriminator, where the base says so."""
        return default_of(base.child("discriminator"), *self._known(base, own, types))

    def _known(self, base: Node, own: Type, types: list[Type]) -> tuple[dict[str, Type], dict[str, Type]]:
        children = self.children(base)
        by_key = {each.key: type_ for each, type_ in zip(children, types, strict=True)}
        return {base.key: own, **by_key}, {each.name: type_ for each, type_ in zip(children, types, strict=True)}


def wire_of(node: Node) -> str:
    """Return the name of the discriminator that a schema has, and no union; in Swagger 2.0 it is the name alone."""
    if not isinstance(node.value, dict) or not {"oneOf", "anyOf", "$ref"}.isdisjoint(node.value):
        return ""
    return node.text("discriminator") or node.child("discriminator").text("propertyName")


def _mapped(base: Node, schemas: dict[str, Node]) -> Iterator[Node]:
    """Yield the schemas that the mapping of a base names; they need not have it in their allOf."""
    declared = base.child("discriminator")
    for _, target in declared.child("mapping").items() if wire_of(base) else ():
        uri, fragment = declared.document.locate(declared, str(target.value))
        found = schemas.get(f"{uri}#{fragment}") or schemas.get(f"{base.key.rpartition('/')[0]}/{target.value}")
        if found is not None and found.key != base.key and {"oneOf", "anyOf", "$ref"}.isdisjoint(found.value or ()):
            yield found


def _bases(node: Node, wire: str, seen: set[str]) -> Iterator[Node]:
    """Yield the bases of a schema; beyond one of them, only those that have the same discriminator."""
    for each in node.child("allOf").elements():
        parent = each.resolved()
        if parent.key in seen:
            continue
        seen.add(parent.key)
        own = wire_of(parent)
        if own and wire in ("", own):
            yield parent
        if not own or wire in ("", own):
            yield from _bases(parent, own or wire, seen)
