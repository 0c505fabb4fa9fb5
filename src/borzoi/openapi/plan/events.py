"""Event streams whose item schema describes the events themselves: `event`, `data`, `id` and `retry`.

OpenAPI 3.2, "Special Considerations for Server-Sent Events". What the data of each event is, `contentSchema` says;
which event it belongs to, a constant. Documents that describe the data alone are common, too: those are not for here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import Node
from .schemas import Place, Schemas
from .shapes import Parts, parts_of
from .values import STR, Type

_MEMBERS = frozenset({"event", "data", "id", "retry"})
_CONTENT = ("contentSchema", "contentMediaType")

DONE = "[DONE]"
"""The data of an event that ends a stream and has no value."""

Event = tuple[str, Type | None]
"""The name of an event, "" for any, and the type that its data has in JSON; None for text."""


def events_of(schema: Node, schemas: Schemas, place: Place) -> tuple[Event, ...]:
    """Return the events that a schema describes; nothing where it describes something else."""
    base = parts_of(schema)
    unions = [union for keyword in ("oneOf", "anyOf") if (union := base.find(keyword)) is not None]
    choices = [each for union in unions for each in union.elements()]
    variants = [Parts([*parts_of(each).nodes, *base.nodes]) for each in choices] or [base]
    if not all(_is_event(each) for each in variants):
        return ()
    found: dict[str, Type | None] = {}
    for index, each in enumerate(variants, 1):
        data = _member(each, "data")
        if data.get("const") != DONE:
            inner = place.inner(f"Data{index}" if choices else "Data")
            found |= dict.fromkeys(_names(each), _payload(data, schemas, inner))
    return tuple(found.items())


def _is_event(parts: Parts) -> bool:
    members = parts.members()
    if "data" not in members or not members.keys() <= _MEMBERS:
        return False
    data = _member(parts, "data")
    is_text = data.types() == ["string"] or any(data.find(each) is not None for each in _CONTENT)
    return is_text and ("event" in members or any(data.find(each) is not None for each in _CONTENT))


def _member(parts: Parts, name: str) -> Parts:
    """Return all that is said of a member."""
    return Parts([node for each in parts.members()[name] for node in parts_of(each).nodes])


def _names(parts: Parts) -> Iterator[str]:
    event = _member(parts, "event") if "event" in parts.members() else None
    known: Any = None if event is None else [event.get("const")] if event.get("const") else event.get("enum")
    yield from [each for each in known or [""] if isinstance(each, str)]


def _payload(data: Parts, schemas: Schemas, place: Place) -> Type | None:
    schema = data.find("contentSchema")
    media_type = data.get("contentMediaType") or "application/json"
    return schemas.type_of(schema, place) if schema is not None and "json" in str(media_type) else None


def payloads(events: tuple[Event, ...]) -> tuple[Type, ...]:
    """Return the types that the data of events has, each once."""
    return tuple(dict.fromkeys(STR if each is None else each for _, each in events))
