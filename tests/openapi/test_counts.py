"""The counts of `make openapi-corpus`: what is Any or raw though the document declares a type is found, nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from borzoi.openapi.document import open_document
from scripts.openapi_counts import Counts, declared
from scripts.openapi_documents import documents, label

NAMED = {"type": "object", "properties": {"a": {"type": "string"}}}


def media(media_type: str, schema: Any) -> dict[str, Any]:
    """Return the content of a body."""
    return {"content": {media_type: {"schema": schema}}}


def counted(folder: Path, body: Any, reply: Any, **schemas: Any) -> Counts:
    """Count the types of a document with one operation."""
    operation = {"requestBody": body, "responses": {"200": {"description": "", **reply}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/x": {"post": operation}},
        "components": {"schemas": schemas},
    }
    (folder / "api.json").write_text(json.dumps(document))
    return Counts(open_document(folder / "api.json"))


def places(found: dict[str, str]) -> dict[str, str]:
    """Return exceptions by the last two steps of their pointers."""
    return {"/".join(key.split("/")[-2:]): reason for key, reason in found.items()}


def test_what_is_declared_and_any_is_lost(tmp_path: Path) -> None:
    """An unknown type, members that no struct can have, and a union of what is declared are not declared as anything."""
    model = {
        "type": "object",
        "properties": {
            "unknown": {"type": "file"},
            "unnamed": {"type": "object", "properties": {'a"b': {"type": "string"}}},
            "inside": {"type": "array", "items": {"type": "file"}},
            "values": {"type": "object", "additionalProperties": {"type": "file"}},
            "union": {"oneOf": [{"type": "file"}, {"type": "string"}]},
        },
    }
    counts = counted(tmp_path, media("application/json", {}), media("application/json", model))

    assert places(counts.lost) == {
        "properties/unknown": "the planner gives no reason",
        "properties/unnamed": "a name of a member that msgspec does not take",
        "inside/items": "the planner gives no reason",
        "values/additionalProperties": "the planner gives no reason",
        "properties/union": "the planner gives no reason",
    }
    assert counts.raw == {}


def test_what_is_not_declared_is_not_lost(tmp_path: Path) -> None:
    """Schemas that say nothing, or whose alternatives do not, are counted as Any and lose nothing."""
    model = {
        "type": "object",
        "properties": {
            "a": {}, "b": True, "c": {"oneOf": [{"type": "string"}, {}]}, "d": {"type": "array"}, "e": {"type": "object"},
            "f": {"type": "string"}, "g": {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "h": {"$ref": "#/components/schemas/H"},
        },
    }  # fmt: skip
    itself = {"anyOf": [{"$ref": "#/components/schemas/H"}, {}]}
    counts = counted(tmp_path, media("application/json", NAMED), media("application/json", model), H=itself)

    assert (counts.lost, counts.raw) == ({}, {})
    assert sum(str(each) == "Plain(text='Any')" for each in counts.leaves()) >= 5


def test_bodies_that_are_raw(tmp_path: Path) -> None:
    """A body is raw that is text or bytes while its schema is of something else; files and texts are not."""
    raw = counted(tmp_path, media("application/xml", NAMED), media("application/x-www-form-urlencoded", NAMED))
    parts = counted(
        tmp_path, media("application/zip", {"oneOf": [NAMED, {"type": "null"}]}), media("multipart/mixed", NAMED)
    )
    plain = counted(tmp_path, media("image/png", {}), media("text/csv", {"type": ["string", "null"]}))
    typed = counted(tmp_path, media("multipart/form-data", NAMED), media("application/jsonl", NAMED))

    assert [(each.bodies, each.raw_bodies) for each in (raw, parts, plain, typed)] == [(2, 2), (2, 2), (2, 0), (2, 0)]
    assert [reason.partition(":")[0] for reason in raw.raw.values()] == [
        "application/x-www-form-urlencoded",
        "application/xml",
    ]
    assert [reason.partition(":")[0] for reason in parts.raw.values()] == ["multipart/mixed", "application/zip"]


def test_operations_are_counted_as_declared(tmp_path: Path) -> None:
    """Each method of each path is an operation, those that OpenAPI 3.2 adds, too; what is beside them is not."""
    item = {"get": {}, "query": {}, "parameters": [], "additionalOperations": {"LINK": {}, "COPY": {}}}
    (tmp_path / "api.json").write_text(json.dumps({"openapi": "3.2.0", "info": {}, "paths": {"/x": item, "/y": None}}))
    assert declared(open_document(tmp_path / "api.json").root) == 4


def test_documents_of_a_folder(tmp_path: Path) -> None:
    """Entries are found in trees of folders, where two steps tell them apart; what they refer to is no document."""
    for name in ("a.json", "b.yaml", "x/y/z/c.yaml", "x/part.yaml", "note.txt"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text('{"info": {}, "openapi": "3.1.0"}' if name.endswith("json") else f"openapi: {name}")
    (tmp_path / "x/part.yaml").write_text("type: object\nproperties: {openapi: {}}")

    assert [label(each, tmp_path) for each in documents(tmp_path)] == ["a.json", "b.yaml", "z/c.yaml"]
