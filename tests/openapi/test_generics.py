"""Generic schemas: `$dynamicRef` and `$dynamicAnchor` of JSON Schema 2020-12."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi.document import DocumentError, generics, open_document
from borzoi.openapi.plan import Selection, build_plan
from tests.openapi.test_models import LIBRARIES, document, received, ref

USER: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
LIST: dict[str, Any] = {
    "type": "object",
    "required": ["total", "items"],
    "properties": {
        "total": {"type": "integer"},
        "items": {"type": "array", "items": {"$dynamicRef": "#item"}},
    },
    "$defs": {"item": {"$dynamicAnchor": "item", "not": {}}},
}


def of(item: Any, generic: str = "List") -> dict[str, Any]:
    """Return a generic schema with what its items are."""
    return {"$defs": {"item": {"$dynamicAnchor": "item", **item}}, **ref(generic)}


@pytest.fixture(params=LIBRARIES)
def package_of(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A function that generates a client with the models of one library."""
    return lambda spec: client_of(spec, selection=Selection(models=request.param))


def notes_of(folder: Path, spec: Any) -> list[str]:
    """Return what is said of a document."""
    place = folder / "spec.json"
    place.write_text(json.dumps(spec))
    opened = open_document(place)
    build_plan(opened)
    return [str(each).partition(" ")[2] for each in opened.diagnostics]


@pytest.mark.parametrize("is_in_all_of", [False, True])
def test_a_typed_list(package_of: Any, is_in_all_of: bool) -> None:
    """A list whose items are given where it is referred to is typed by that, each in its own place."""
    users, sizes = of(ref("User")), of({"type": "integer"})
    if is_in_all_of:
        users, sizes = ({"$defs": each["$defs"], "allOf": [ref("List"), {"title": "X"}]} for each in (users, sizes))
    both = {"type": "object", "properties": {"users": ref("Users"), "sizes": sizes}}
    package = package_of(document(both, User=USER, List=LIST, Users=users))
    listed = {"total": 1, "items": [{"name": "A"}]}
    found = received(package, {"users": listed, "sizes": {"total": 2, "items": [1, 2]}})

    assert (found.users.total, found.users.items[0].name) == (1, "A")
    assert found.sizes.items == [1, 2]
    with pytest.raises(Exception, match="items"):
        received(package, {"sizes": {"total": 2, "items": ["x"]}})


def test_a_generic_within_another(package_of: Any) -> None:
    """A generic schema that refers to another one hands on what it was given."""
    page = {"type": "object", "properties": {"list": ref("List"), "first": {"$dynamicRef": "#item"}}}
    package = package_of(document(of(ref("User"), "Page"), User=USER, List=LIST, Page=page))
    found = received(package, {"list": {"total": 1, "items": [{"name": "A"}]}, "first": {"name": "B"}})

    assert (found.list_.items[0].name if hasattr(found, "list_") else found.list.items[0].name) == "A"
    assert found.first.name == "B"


def test_a_tree(package_of: Any) -> None:
    """A schema that refers to its own anchor is recursive; one that extends it has itself in the other's place."""
    tree = {
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$dynamicRef": "#node"}}},
    }
    named = {"$dynamicAnchor": "node", "allOf": [ref("Tree")], "properties": {"name": {"type": "string"}}}
    both = {"type": "object", "properties": {"tree": ref("Tree"), "named": ref("Named")}}
    package = package_of(document(both, Tree=tree, Named=named))
    leaf = {"name": "A", "children": []}
    found = received(package, {"tree": {"children": [{}]}, "named": {"children": [leaf]}})

    assert type(found.tree.children[0]) is type(found.tree)
    assert found.named.children[0].name == "A"


def test_the_nearest_anchor_is_meant(importing: Path) -> None:
    """A generic schema by itself has what it says itself; a pointer in place of a name is a plain reference."""
    other = {"type": "object", "properties": {"x": {"$dynamicRef": "#/components/schemas/User"}}}
    assert notes_of(importing, document(ref("List"), List=LIST, User=USER, Other=other)) == []


def test_what_cannot_be_bound_is_told(importing: Path) -> None:
    """A reference without an anchor, and one that is given what nothing takes, are told by their pointers."""
    (importing / "other.json").write_text(json.dumps({"List": LIST}))
    elsewhere = {**of(ref("User")), "$ref": "other.json#/List"}
    odd = {"type": "object", "properties": {"x/y": {"$dynamicRef": "#nothing"}}}
    notes = notes_of(importing, document(ref("Users"), User=USER, Users=elsewhere, Odd=odd))
    assert notes == [
        "#/components/schemas/Users: item is given here, and nothing that this refers to in this file takes it.",
        "#/components/schemas/Odd/properties/x~1y: $dynamicRef '#nothing' has no anchor in this file: it says nothing.",
    ]


def test_copies_are_bounded(importing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document whose generic schemas expand to too much is refused; one that holds itself ends."""
    loop = {"type": "object", "properties": {"a": {"$dynamicRef": "#item"}, "b": ref("Loop")}}
    spec = document(of(ref("User"), "Loop"), Loop=loop, User=USER)
    assert notes_of(importing, spec) == []
    monkeypatch.setattr(generics, "MAX_COPIED", 5)
    with pytest.raises(DocumentError, match="expand to more than 5 values"):
        notes_of(importing, spec)
