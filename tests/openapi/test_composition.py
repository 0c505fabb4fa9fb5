"""`allOf`: members that several parts declare, and which of them says what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from borzoi.openapi import Selection
from borzoi.openapi.runtime.libraries import convert

BASE = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "integer", "description": "The number."},
        "kind": {"type": "string"},
        "at": {"type": ["string", "null"]},
        "secret": {"type": "string"},
    },
}
ADDED = {"type": "object", "properties": {"kind": {"const": "c"}, "at": {"type": "string", "format": "date"}}}
REFERENCE = {"$ref": "#/components/schemas/Base"}


def types_of(client_of: Callable[..., Any], schemas: dict[str, Any], name: str = "Child", **settings: Any) -> Any:
    """Return the module of models of a document that has these schemas."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "components": {"schemas": {"Base": BASE, **schemas}},
    }
    package = client_of(document, **settings)
    module = __import__(f"{package.__name__}.models", fromlist=["models"])
    return getattr(module, name)


@pytest.mark.parametrize("models", ["msgspec", "pydantic", "dataclass"])
@pytest.mark.parametrize(
    "child",
    [
        {"allOf": [REFERENCE, ADDED]},
        {"allOf": [ADDED, REFERENCE]},
        {"allOf": [REFERENCE], **ADDED},
        {**REFERENCE, **ADDED},
        {"allOf": [{"allOf": [REFERENCE, ADDED]}]},
        {"allOf": [REFERENCE, {"$ref": "#/components/schemas/Added"}]},
    ],
)
def test_what_extends_a_base_says_more(client_of: Callable[..., Any], models: str, child: dict[str, Any]) -> None:
    """A member that a base declares, too, is what the schema says that extends it, wherever in its allOf that stands."""
    made = types_of(client_of, {"Child": child, "Added": ADDED}, selection=Selection(models=models))
    found = convert({"id": 1, "kind": "c", "at": "2026-01-02"}, made)
    assert found.at.year == 2026
    with pytest.raises(ValueError, match="kind"):
        convert({"id": 1, "kind": "other"}, made)


def test_what_says_less_changes_nothing(client_of: Callable[..., Any]) -> None:
    """A type that is repeated without anything else takes nothing away; of two that stand side by side the first counts."""
    first = {"properties": {"o": {"type": "object", "properties": {"n": {"type": "integer"}}}, "x": {"const": "a"}}}
    bare = {"properties": {"o": {"type": "object"}, "x": {"type": "string"}, "at": {"type": "string"}}}
    made = types_of(client_of, {"Child": {"allOf": [REFERENCE, first, bare]}})
    found = convert({"id": 1, "kind": "c", "o": {"n": 5}, "x": "a", "at": "now"}, made)
    assert (found.o.n, found.x, found.at) == (5, "a", "now")
    with pytest.raises(ValueError, match="x"):
        convert({"id": 1, "kind": "c", "x": "b"}, made)


@pytest.mark.parametrize("models", ["msgspec", "pydantic", "dataclass"])
def test_objects_within_are_put_together(client_of: Callable[..., Any], models: str) -> None:
    """A member that is an object has what all parts say is in it, however deep, and in a circle; the first part wins there, too."""
    node = {
        "allOf": [
            {
                "required": ["o"],
                "properties": {
                    "o": {
                        "type": ["object", "null"],
                        "required": ["a"],
                        "properties": {"a": {"type": "integer"}, "d": {"properties": {"x": {"type": "integer"}}}},
                    }
                },
            },
            {
                "properties": {
                    "o": {
                        "type": ["object", "null"],
                        "properties": {
                            "b": {"$ref": "#/components/schemas/Node"},
                            "d": {"properties": {"y": {"type": "string", "format": "date"}}},
                        },
                    }
                }
            },
        ]
    }
    made = types_of(client_of, {"Node": node}, "Node", selection=Selection(models=models))
    found = convert({"o": {"a": 1, "b": {"o": {"a": 2}}, "d": {"x": 3, "y": "2026-01-02"}}}, made)
    assert (found.o.a, found.o.b.o.a, found.o.d.x, found.o.d.y.year) == (1, 2, 3, 2026)
    assert convert({"o": None}, made).o is None
    with pytest.raises(ValueError, match="a"):
        convert({"o": {"b": {"o": {"a": 2}}}}, made)


def test_a_reference_that_narrows_is_what_a_member_is(client_of: Callable[..., Any]) -> None:
    """Where what extends a base refers to another schema, the member is that, by its name."""
    schemas = {
        "Person": {"properties": {"name": {"type": "string"}}},
        "Company": {"properties": {"vat": {"type": "string"}}},
        "Owned": {"properties": {"owner": {"$ref": "#/components/schemas/Person"}}},
        "Firm": {
            "allOf": [
                {"$ref": "#/components/schemas/Owned"},
                {"properties": {"owner": {"$ref": "#/components/schemas/Company"}}},
            ]
        },
    }
    made = types_of(client_of, schemas, "Firm")
    assert type(convert({"owner": {"vat": "1"}}, made).owner).__name__ == "Company"


def test_chains(client_of: Callable[..., Any]) -> None:
    """The last of a chain counts, and what it leaves alone is as those before it have it."""
    schemas = {
        "Child": {"allOf": [REFERENCE, ADDED]},
        "Grandchild": {
            "allOf": [{"$ref": "#/components/schemas/Child"}, {"properties": {"id": {"type": "string", "format": "uuid"}}}]
        },
    }  # fmt: skip
    made = types_of(client_of, schemas, "Grandchild")
    found = convert({"id": "00000000-0000-0000-0000-000000000001", "kind": "c", "at": "2026-01-02"}, made)
    assert (found.id.int, found.kind, found.at.year) == (1, "c", 2026)


def test_remarks_change_no_type(client_of: Callable[..., Any]) -> None:
    """What only describes a member, or says which side has it, leaves its type alone; the base's words are there without others."""
    added = {"properties": {"id": {"readOnly": True}, "at": {"description": "When."}, "secret": {"writeOnly": True}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "components": {"schemas": {"Base": BASE, "Child": {"allOf": [REFERENCE, added]}}},
        "paths": {
            "/child": {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Child"}}}},
                    "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Child"}}}}},
                }
            }
        },
    }  # fmt: skip
    package = client_of(document)
    module = __import__(f"{package.__name__}.models", fromlist=["models"])
    with open(f"{package.__path__[0]}/models/child.py", encoding="utf-8") as file:
        text = file.read()
    reply, request = text.split("class ChildInput")
    assert not hasattr(module.Child, "secret")
    assert "    id: int\n" in reply
    assert "    id: int | UnsetType = UNSET\n" in request
    assert "at: str | None | UnsetType" in reply
    assert '"""The number."""' in reply
    assert '"""When."""' in reply


def test_children_are_told_apart_by_what_they_add(client_of: Callable[..., Any]) -> None:
    """A constant that a child adds to a member of its base tells the members of a union apart."""
    schemas = {
        "A": {"allOf": [REFERENCE, {"properties": {"kind": {"const": "a"}}}]},
        "B": {"allOf": [REFERENCE, {"properties": {"kind": {"const": "b"}}}]},
        "Either": {"type": "array", "items": {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]}},
    }  # fmt: skip
    made = types_of(client_of, schemas, "Either")
    assert [type(each).__name__ for each in convert([{"id": 1, "kind": "b"}, {"id": 2, "kind": "a"}], made)] == [
        "B",
        "A",
    ]
