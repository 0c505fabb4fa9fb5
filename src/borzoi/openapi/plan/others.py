"""Members that have no name in the document: those of patterns, and whatever else an object may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..document import Node
from .shapes import Parts
from .values import ANY, Type

if TYPE_CHECKING:
    from .schemas import Place, Schemas


def of_map(schemas: Schemas, parts: Parts, place: Place, side: str) -> Type:
    """Return what the members are of an object in which none has a name."""
    declared = _declared(parts)
    if not declared:
        return schemas.untyped(parts.nodes[0], "an object of which no members are declared")
    return _one(schemas, parts, declared, place, side)


def beside_names(schemas: Schemas, parts: Parts, place: Place, side: str) -> Type:
    """Return what the members are that stand beside those which have names."""
    extra = parts.extra()
    if extra is not None and (extra.value is True or not extra.value):
        return ANY
    if extra is None and not parts.is_closed():
        pattern = parts.patterns()[0]
        if pattern.value not in (True, {}):
            pattern.note("What no pattern matches may be anything: the members without names are of type Any.")
        return schemas.untyped(pattern, "members that no pattern matches may be anything")
    return _one(schemas, parts, _declared(parts), place, side)


def _declared(parts: Parts) -> list[Node]:
    extra = parts.extra()
    patterns = parts.patterns()
    # True allows what the patterns do not describe; where there are some, it says less than they do.
    return [*patterns, *([extra] if extra is not None and not (patterns and extra.value is True) else [])]


def _one(schemas: Schemas, parts: Parts, declared: list[Node], place: Place, side: str) -> Type:
    inner = place.inner("Value")
    types = [schemas.type_of(each, inner, side) for each in declared]
    if len(types) == 1:
        return types[0]
    return schemas.union(types, f"{parts.nodes[0].key}|others{side}", inner.name, inner.root)
