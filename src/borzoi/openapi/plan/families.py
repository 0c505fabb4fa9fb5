"""Families: a schema with a discriminator, and the schemas that have it in their allOf.

A reference to such a base means one of its children: the discriminator says which, and what it says of none is of the
base itself (OpenAPI 3.1.1, Discriminator Object).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Node
from .unions import mapped, tags
from .values import Type


class Families:
    """Know the children of each base, by its key, and what they are told apart by."""

    def __init__(self, schemas: Node) -> None:
        self._children: dict[str, dict[str, Node]] = {}
        self.members: set[str] = set()
        """The keys of all children."""

        for name in schemas.value if isinstance(schemas.value, dict) else ():
            child = schemas.child(name)
            for base in _bases(child, "", {child.key}):
                self._children.setdefault(base.key, {})[child.key] = child
                self.members.add(child.key)

    def children(self, base: Node) -> list[Node]:
        """Return what extends a schema; nothing where that has no discriminator."""
        return list(self._children.get(base.key, {}).values())

    def mapping(self, base: Node, own: Type, types: list[Type]) -> tuple[tuple[str, Type], ...]:
        """Return the values of the discriminator, given the types of a base and of its children."""
        children = self.children(base)
        by_key = {each.key: type_ for each, type_ in zip(children, types, strict=True)}
        by_name = {each.name: type_ for each, type_ in zip(children, types, strict=True)}
        found = dict(mapped(base.child("discriminator"), {base.key: own, **by_key}, by_name))
        for child, type_ in zip(children, types, strict=True):
            declared = tags(child).get(wire_of(base), [])
            if len(declared) == 1:
                found.setdefault(declared[0], type_)
        return tuple(found.items())


def wire_of(node: Node) -> str:
    """Return the name of the discriminator that a schema has, and no union; in Swagger 2.0 it is the name alone."""
    if not isinstance(node.value, dict) or not {"oneOf", "anyOf", "$ref"}.isdisjoint(node.value):
        return ""
    return node.text("discriminator") or node.child("discriminator").text("propertyName")


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
