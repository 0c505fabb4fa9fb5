"""Names of what is generated: they come from where things stand, and not from the order in which they are met."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi.document import Document, open_document
from borzoi.openapi.document.syntax import parse
from borzoi.openapi.plan import build_plan
from tests.openapi.serving import API, as_json
from tests.structure.source import TESTS

DATA = TESTS / "data" / "openapi"

INNER = {"type": "object", "properties": {"kind": {"enum": ["a" * 40, "b" * 40]}, "n": {"type": "integer"}}}
BASE = {
    "type": "object",
    "properties": {
        "inner": INNER,
        "list": {"type": "array", "items": INNER},
        "map": {"type": "object", "additionalProperties": INNER},
        "pair": {"type": "array", "prefixItems": [INNER, INNER]},
        "either": {"oneOf": [INNER, {**INNER, "title": "Other"}, {"allOf": [INNER]}]},
    },
}


def ref(place: str) -> dict[str, str]:
    """Refer to a component."""
    return {"$ref": f"#/components/{place}"}


def call(name: str) -> dict[str, Any]:
    """Return an operation that takes one schema in three media types and gives what others give, too."""
    body = {"oneOf": [INNER, {"type": "array", "items": INNER}]}
    headers = {name: {"schema": {"type": "integer"}} for name in ("X-B", "X-A")}
    content = {"application/json": {"schema": INNER}}
    return {
        "operationId": name,
        "parameters": [ref("parameters/Kind")],
        "requestBody": {"content": {media: {"schema": body} for media in ("application/json", "multipart/form-data")}}
        if name[-1] in "ab"
        else ref("requestBodies/Given"),
        "responses": {
            "200": {"description": "", "headers": headers, "content": content},
            "201": {"description": "", "headers": {"X-C": {"schema": {"type": "string"}}}, "content": content},
            "404": ref("responses/Missing"),
            "503": ref("responses/Missing"),
        },
    }


MADE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "paths": {f"/{name}": {"get": call(f"get_{name}"), "post": call(f"post_{name}")} for name in "abcd"},
    "components": {
        "schemas": {
            "Base": BASE,
            **{f"User{n}": {"allOf": [ref("schemas/Base"), {"properties": {"own": INNER}}]} for n in range(4)},
            "Any": {"oneOf": [ref("schemas/User1"), {"allOf": [ref("schemas/Base")], "required": ["inner"]}]},
        },
        "parameters": {"Kind": {"name": "kind", "in": "query", "schema": {"enum": ["c" * 40, "d" * 40]}}},
        "requestBodies": {"Given": {"content": {"application/json": {"schema": INNER}}}},
        "responses": {"Missing": {"description": "", "content": {"application/json": {"schema": INNER}}}},
    },
}


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same value with the members of all objects in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: shuffled(child, chance) for key, child in items}
    return [shuffled(child, chance) for child in value] if isinstance(value, list) else value


def names_of(
    value: Any, place: Path
) -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], tuple[str, str, str, str]]]:
    """Return the names of all models and of all operations."""
    import json

    place.write_text(json.dumps(value))
    document: Document = open_document(place)
    package = build_plan(document)
    models = {model.key: (model.name, model.module) for model in package.models.values()}
    operations = {(each.method, each.path): (each.resource, each.name, each.short, each.headers) for each in package.operations}  # fmt: skip
    return models, operations


@pytest.mark.parametrize(
    "name", ["made", "readme-polymorphism.json", "opc-baseline31.yaml", "oai-mega32.yaml", "galaxy31.yaml"]
)
def test_order_renames_nothing(name: str, tmp_path: Path) -> None:
    """The members of a document may stand in any order: every model and every operation keeps its name."""
    document = MADE if name == "made" else parse((DATA / name).read_bytes(), name)
    expected = names_of(document, tmp_path / "api.json")

    assert len({name for name, _ in expected[0].values()}) == len(expected[0])
    for seed in range(4):
        assert names_of(shuffled(document, random.Random(seed)), tmp_path / "api.json") == expected


def test_what_is_taken_over_keeps_its_name(tmp_path: Path) -> None:
    """A member that a schema has from another is named after the schema that declares it."""
    models, _ = names_of(MADE, tmp_path / "api.json")
    found = {key.partition("#/components/")[2]: name for key, (name, _) in models.items()}

    assert found["schemas/Base/properties/inner"] == "BaseInner"
    assert found["schemas/Base/properties/list/items"] == "BaseListItem"
    assert found["schemas/Base/properties/map/additionalProperties"] == "BaseMapValue"
    assert found["schemas/Base/properties/either/oneOf/1"] == "BaseEitherOther"
    assert found["schemas/User2/allOf/1/properties/own"] == "User2Own"
    assert found["responses/Missing/content/application~1json/schema"] == "MissingResponse"


TAKEN = [
    "models",
    "headers",
    "links",
    "list",
    "dict",
    "query",
    "path",
    "header",
    "runtime",
    "dt",
    "fields",
    "json",
    "part",
]


def test_operations_are_called_as_what_modules_name(client_of: Any) -> None:
    """Operations may have the names of what their modules import, and of builtin types: each can be called."""
    items = {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}}
    reply = {
        "description": "",
        "headers": {"X-Left": {"schema": {"type": "integer"}}},
        "content": {"application/json": {"schema": items}},
        "links": {"again": {"operationId": "links"}},
    }
    ids = {"name": "ids", "in": "query", "style": "pipeDelimited", "explode": False, "schema": {"type": "array"}}
    paths = {
        f"/{name}": {"get": {"operationId": name, "tags": ["x"], "parameters": [ids], "responses": {"200": reply}}}
        for name in TAKEN
    }
    package = client_of({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths})
    functions = __import__(f"{package.__name__}.api.x").api.x
    with API(lambda _: as_json([{"at": "2026-01-02"}])) as api, package.Client(api.url) as client:
        for name in TAKEN:
            function = getattr(functions, name if name in ("json", "part") else f"{name}_")
            response = function.sync_detailed(client=client, ids=["a", "b"])
            assert response.data[0].at.year == 2026
            assert response.headers.x_left is None
            assert response.links.again()[0].at == response.data[0].at
    assert [asked.target for asked in api.asked[::2]] == [f"/{name}?ids=a%7Cb" for name in TAKEN]


def test_no_name_says_twice_what_it_is_of(client_of: Callable[..., Any]) -> None:
    """What a shared response or body has is called after it, and ends as it does."""
    content = {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}}
    shared = {"$ref": "#/components/responses/UserResponse"}, {"$ref": "#/components/responses/Team"}
    operation = {
        "requestBody": {"$ref": "#/components/requestBodies/UserBody"},
        "responses": dict(zip(("200", "202"), shared, strict=True)),
    }
    responses = {"UserResponse": {"description": "", **content}, "Team": {"description": "", **content}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/users": {"post": operation}},
        "components": {"responses": responses, "requestBodies": {"UserBody": content}},
    }
    models = importlib.import_module(f"{client_of(document).__name__}.models")
    assert dir(models) == ["TeamResponse", "UserBody", "UserResponse"]
