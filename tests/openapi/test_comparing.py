"""What changed between two documents: edits that break callers, and edits that break nobody."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.cli.main import main
from borzoi.openapi import compare
from borzoi.openapi.document import parsed_document

BASE: dict[str, Any] = json.loads(
    """
{
  "openapi": "3.1.0",
  "info": {"title": "Teas", "version": "1"},
  "servers": [
    {"url": "https://{region}.teas.test", "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}}},
    {"url": "https://old.teas.test"}
  ],
  "security": [{"key": []}, {"login": ["read", "write"]}],
  "paths": {
    "/teas": {
      "get": {
        "operationId": "list_teas", "tags": ["teas"],
        "parameters": [
          {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}},
          {"name": "sort", "in": "query", "required": true, "schema": {"type": "string", "enum": ["name", "age"]}},
          {"name": "ids", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "maxItems": 9}},
          {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
        ],
        "responses": {
          "200": {
            "description": "", "headers": {"X-Total": {"required": true, "schema": {"type": "integer"}}},
            "content": {
              "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Tea"}}},
              "text/csv": {}
            }
          },
          "404": {"description": ""}
        }
      },
      "post": {
        "operationId": "add_tea", "tags": ["teas"],
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tea"}},
                                    "text/plain": {}}},
        "responses": {"201": {"description": "", "content": {"application/json": {"schema":
                      {"$ref": "#/components/schemas/Tea"}}},
                      "links": {"it": {"operationId": "get_tea", "parameters": {"id": "$response.body#/id"}}}}},
        "callbacks": {"done": {"{$request.body#/url}": {"post": {"responses": {}, "requestBody":
                      {"content": {"application/json": {"schema": {"type": "array", "prefixItems": [{"type": "string"}]}}}}}}}}
      },
      "put": {
        "operationId": "set_teas", "tags": ["teas"], "responses": {},
        "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object", "properties": {"list": {}}},
                                    "encoding": {"list": {"contentType": "text/csv"}}}}}
      }
    },
    "/teas/{id}": {
      "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
      "get": {"operationId": "get_tea", "tags": ["teas"], "servers": [{"url": "https://read.teas.test"}],
              "responses": {"200": {"description": "", "content": {"application/json": {"schema":
                            {"oneOf": [{"$ref": "#/components/schemas/Tea"}, {"$ref": "#/components/schemas/Blend"}],
                             "discriminator": {"propertyName": "kind", "mapping": {"tea": "Tea"}}}}}}}},
      "delete": {"operationId": "drop_tea", "tags": ["teas"], "responses": {"204": {"description": ""}}}
    }
  },
  "webhooks": {"steeped": {"post": {"requestBody": {"content": {"application/json": {"schema":
      {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}}}}, "responses": {}}}},
  "components": {
    "schemas": {
      "Tea": {
        "type": "object", "required": ["kind", "name"],
        "properties": {
          "kind": {"const": "tea"},
          "id": {"type": "string", "readOnly": true},
          "name": {"type": "string", "maxLength": 20},
          "grade": {"type": "string", "enum": ["A", "B"]},
          "age": {"type": "integer"},
          "note": {"type": ["string", "null"]},
          "parent": {"$ref": "#/components/schemas/Tea"}
        }
      },
      "Blend": {"type": "object", "additionalProperties": {"type": "integer"}, "properties": {"kind": {"const": "blend"}},
                "patternProperties": {"^x-": {"type": "string"}}},
      "Spare": {"type": "string"}
    },
    "securitySchemes": {
      "key": {"type": "apiKey", "in": "header", "name": "K"},
      "login": {"type": "oauth2", "flows": {}}
    }
  }
}
"""
)

TEAS, ONE, TEA = ("paths", "/teas"), ("paths", "/teas/{id}"), ("components", "schemas", "Tea")
LIST, ADD, GET = (*TEAS, "get"), (*TEAS, "post"), (*ONE, "get")
LIMIT, SORT, IDS = (*LIST, "parameters", 0), (*LIST, "parameters", 1), (*LIST, "parameters", 2)
OK = (*LIST, "responses", "200")
MEMBERS = (*TEA, "properties")
GONE = object()
BLEND, PUT = ("components", "schemas", "Blend"), (*TEAS, "put", "requestBody", "content", "multipart/form-data")
CALLED, LINK = (*ADD, "callbacks", "done"), (*ADD, "responses", "201", "links", "it")
CALLED_BODY = (*CALLED, "{$request.body#/url}", "post", "requestBody", "content", "application/json")
ANY_OF = (*GET, "responses", "200", "content", "application/json", "schema")

Edits = list[tuple[tuple[Any, ...], Any]]

BREAKING: dict[str, Edits] = {
    "an operation is gone": [((*ONE, "delete"), GONE)],
    "a path is another": [(("paths", "/tea/{id}"), BASE["paths"]["/teas/{id}"]), (ONE, GONE)],
    "an operation is called otherwise": [((*LIST, "operationId"), "all_teas")],
    "an operation is in another resource": [((*LIST, "tags"), ["leaves"])],
    "a parameter is gone": [((*LIST, "parameters"), BASE["paths"]["/teas"]["get"]["parameters"][1:])],
    "a parameter is needed": [((*LIMIT, "required"), True)],
    "a needed parameter is new": [((*LIST, "parameters", 3), {"name": "x", "in": "header", "required": True})],
    "a parameter moved": [((*LIMIT, "in"), "header")],
    "a parameter of the path is called otherwise": [
        ((*ONE, "parameters", 0, "name"), "tea"), (("paths", "/teas/{tea}"), "moved"), (ONE, GONE),
    ],
    "a parameter has another style": [((*IDS, "explode"), False)],
    "a parameter has another type": [((*LIMIT, "schema", "type"), "string")],
    "a parameter takes less": [((*LIMIT, "schema", "maximum"), 50)],
    "a parameter takes nothing small": [((*LIMIT, "schema", "minimum"), 2)],
    "a list may have fewer items": [((*IDS, "schema", "maxItems"), 5)],
    "a parameter takes fewer values": [((*SORT, "schema", "enum"), ["name"])],
    "a parameter has a pattern": [((*IDS, "schema", "items", "pattern"), "^x")],
    "a parameter is something else when it is left out": [((*LIMIT, "schema", "default"), 20)],
    "a body is needed": [((*ADD, "requestBody", "required"), True)],
    "a body is gone": [((*ADD, "requestBody"), GONE)],
    "a needed body is new": [((*LIST, "requestBody"), {"required": True, "content": {}})],
    "a media type of a body is gone": [((*ADD, "requestBody", "content", "text/plain"), GONE)],
    "a media type of a response is gone": [((*OK, "content", "text/csv"), GONE)],
    "a response is gone": [((*LIST, "responses", "404"), GONE)],
    "a success is another": [((*LIST, "responses", "202"), {"description": ""})],
    "a header of a response is gone": [((*OK, "headers", "X-Total"), GONE)],
    "a header of a response is not certain": [((*OK, "headers", "X-Total", "required"), False)],
    "a header of a response is of another type": [((*OK, "headers", "X-Total", "schema", "type"), "string")],
    "a member is gone": [((*MEMBERS, "age"), GONE)],
    "a member is of another type": [((*MEMBERS, "age", "type"), "string")],
    "a member may be null": [((*MEMBERS, "age", "type"), ["integer", "null"])],
    "a member is a number": [((*MEMBERS, "age", "type"), "number")],
    "a member has a format that is a type": [((*MEMBERS, "note", "format"), "date-time")],
    "a member must be sent": [((*TEA, "required"), ["kind", "name", "grade"])],
    "a member is not certain": [((*TEA, "required"), ["kind"])],
    "a member that must be sent is new": [((*MEMBERS, "origin"), {"type": "string"}), ((*TEA, "required"), ["kind", "name", "origin"])],
    "a member has fewer values": [((*MEMBERS, "grade", "enum"), ["A"])],
    "a constant is another": [((*MEMBERS, "kind", "const"), "leaf")],
    "a text must be shorter": [((*MEMBERS, "name", "maxLength"), 10)],
    "other members are refused": [((*TEA, "additionalProperties"), False)],
    "values of an object are of another type": [
        (("components", "schemas", "Blend", "additionalProperties", "type"), "string"),
    ],
    "other members are not declared": [((*BLEND, "additionalProperties"), GONE), ((*BLEND, "patternProperties"), GONE)],
    "members of a pattern are of another type": [((*BLEND, "patternProperties", "^x-", "type"), "integer")],
    "an item at a place is of another type": [((*CALLED_BODY, "schema", "prefixItems", 0, "type"), "integer")],
    "a value of a discriminator means another": [((*ANY_OF, "discriminator", "mapping", "tea"), "Blend")],
    "a value of a discriminator is gone": [((*ANY_OF, "discriminator", "mapping"), {})],
    "a part of a form is written otherwise": [((*PUT, "encoding", "list", "contentType"), "application/json")],
    "a callback is gone": [(CALLED, GONE)],
    "a callback has no JSON": [(CALLED_BODY, GONE)],
    "a link is gone": [(LINK, GONE)],
    "a link leads elsewhere": [((*LINK, "operationId"), "list_teas")],
    "a link says less": [((*LINK, "parameters"), {})],
    "a union has another member": [((*ANY_OF, "oneOf", 2), {"title": "Leaf", "type": "object"})],
    "a union is told apart otherwise": [((*ANY_OF, "discriminator", "propertyName"), "type")],
    "items may be anything": [((*IDS, "schema", "type"), "array"), ((*OK, "content", "application/json", "schema", "items"), GONE)],
    "credentials are not enough": [(("security",), [{"key": [], "login": []}])],
    "a scope is not enough": [(("security",), [{"key": []}, {"login": ["read", "write", "admin"]}])],
    "credentials are needed": [((*LIST, "security"), [{"other": []}])],
    "a credential goes elsewhere": [(("components", "securitySchemes", "key", "name"), "Key")],
    "a credential is gone": [(("components", "securitySchemes", "key"), GONE)],
    "a server is gone": [(("servers", 1), GONE)],
    "the first server is another": [(("servers",), BASE["servers"][::-1])],
    "a variable of a server is gone": [(("servers", 0, "variables", "region"), GONE)],
    "a variable of a server is something else": [(("servers", 0, "variables", "region", "default"), "us")],
    "a variable of a server takes fewer values": [(("servers", 0, "variables", "region", "enum"), ["eu"])],
    "an operation has another server": [((*GET, "servers", 0, "url"), "https://other.test")],
    "an operation has a server of its own": [((*LIST, "servers"), [{"url": "https://other.test"}])],
    "a webhook is gone": [(("webhooks", "steeped"), GONE)],
    "a webhook says less": [(("webhooks", "steeped", "post", "requestBody", "content", "application/json", "schema", "required"), [])],
    "a schema is gone": [(("components", "schemas", "Spare"), GONE)],
}  # fmt: skip

HARMLESS: dict[str, Edits] = {
    "nothing": [],
    "the version": [(("info", "version"), "2")],
    "the title": [(("info", "title"), "Leaves")],
    "a description": [((*LIST, "description"), "All of them.")],
    "an example": [((*TEA, "examples"), [{"name": "Assam"}])],
    "the order of members": [(MEMBERS, dict(reversed(BASE["components"]["schemas"]["Tea"]["properties"].items())))],
    "an operation is new": [((*TEAS, "delete"), {"responses": {}})],
    "a path is new": [(("paths", "/pots"), {"get": {"responses": {}}})],
    "a second tag": [((*LIST, "tags"), ["teas", "all"])],
    "an operation is deprecated": [((*LIST, "deprecated"), True)],
    "a parameter is new": [((*LIST, "parameters", 4), {"name": "x", "in": "query", "schema": {"type": "string"}})],
    "a parameter may be left out": [((*SORT, "required"), False)],
    "a parameter takes more": [((*LIMIT, "schema", "maximum"), 500)],
    "a parameter takes smaller ones": [((*LIMIT, "schema", "minimum"), 0)],
    "a parameter has no limit": [((*LIMIT, "schema", "maximum"), GONE)],
    "a parameter takes more values": [((*SORT, "schema", "enum"), ["name", "age", "price"])],
    "a parameter takes any value": [((*SORT, "schema", "enum"), GONE)],
    "a parameter takes fractions": [((*LIMIT, "schema", "type"), "number")],
    "a parameter has a default": [((*SORT, "schema", "default"), "name")],
    "a media type of a body is new": [((*ADD, "requestBody", "content", "text/csv"), {})],
    "an optional body is new": [((*LIST, "requestBody"), {"content": {}})],
    "a media type of a response is new": [((*OK, "content", "text/html"), {})],
    "an error is new": [((*LIST, "responses", "409"), {"description": ""})],
    "a header of a response is new": [((*OK, "headers", "X-Page"), {"schema": {"type": "integer"}})],
    "a header of a response has another case": [
        ((*OK, "headers", "x-total"), BASE["paths"]["/teas"]["get"]["responses"]["200"]["headers"]["X-Total"]),
        ((*OK, "headers", "X-Total"), GONE),
    ],
    "a response has a body": [((*ONE, "delete", "responses", "204", "content"), {"text/plain": {}})],
    "a member is new": [((*MEMBERS, "origin"), {"type": "string"})],
    "a member of responses is certain": [((*TEA, "required"), ["kind", "name", "id"])],
    "a text may be longer": [((*MEMBERS, "name", "maxLength"), 40)],
    "a member has another value": [((*MEMBERS, "grade", "enum"), ["A", "B", "C"])],
    "a member has a format that is no type": [((*MEMBERS, "age", "format"), "int64")],
    "a schema is new": [(("components", "schemas", "Leaf"), {"type": "string"})],
    "a schema refers to another": [(("components", "schemas", "Alias"), {"$ref": "#/components/schemas/Tea"}),
                                   ((*ADD, "requestBody", "content", "application/json", "schema"), {"$ref": "#/components/schemas/Alias"})],
    "a schema stands where it is used": [((*IDS, "schema", "items"), {"allOf": [{"type": "string"}]})],
    "a server is new": [(("servers", 2), {"url": "https://new.teas.test"})],
    "a variable of a server takes more": [(("servers", 0, "variables", "region", "enum"), ["eu", "us", "ap"])],
    "other credentials are accepted": [(("security",), [{"key": []}, {"login": ["read", "write"]}, {"other": []}])],
    "fewer scopes are asked for": [(("security",), [{"key": []}, {"login": ["read"]}])],
    "no credentials are asked for": [((*LIST, "security"), [])],
    "a callback is new": [((*ADD, "callbacks", "failed"), {"{$url}": {"post": {"responses": {}}}})],
    "a link is new": [((*ADD, "responses", "201", "links", "all"), {"operationId": "list_teas"})],
    "a link says more": [((*LINK, "parameters", "more"), "1")],
    "a discriminator has another value": [((*ANY_OF, "discriminator", "mapping", "leaf"), "Tea")],
    "members of another pattern are declared": [((*BLEND, "patternProperties", "^y-"), {"type": "string"})],
    "a webhook is new": [(("webhooks", "poured"), {"post": {"responses": {}}})],
    "a webhook says more": [(("webhooks", "steeped", "post", "requestBody", "content", "application/json", "schema", "properties", "by"), {"type": "string"})],
    "a union has fewer members": [((*ANY_OF, "oneOf"), [{"$ref": "#/components/schemas/Tea"}])],
}  # fmt: skip


def edited(changes: Edits) -> dict[str, Any]:
    """Return the document with values put in other places."""
    document = copy.deepcopy(BASE)
    for path, value in changes:
        owner: Any = document
        for key in path[:-1]:
            owner = owner[key]
        if value is GONE:
            del owner[path[-1]]
        elif isinstance(owner, list) and path[-1] >= len(owner):
            owner.append(value)
        else:
            owner[path[-1]] = copy.deepcopy(document["paths"]["/teas/{id}"] if value == "moved" else value)
    return document


def changes(new: dict[str, Any], old: dict[str, Any] = BASE) -> list[Any]:
    """Return what is different in the new document."""
    return compare(*[parsed_document(json.dumps(each).encode()) for each in (old, new)])


def pointer_to(path: tuple[Any, ...], value: Any) -> str:
    """Return the JSON pointer of a place; for a list of members that are required, that of what has them."""
    shown = path[:-1] if path[-1] == "required" and isinstance(value, list) else path
    return "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in shown)


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_callers(name: str) -> None:
    """An edit that callers fail with is breaking, with the place and the pointer of it, and breaks nothing else."""
    found = changes(edited(BREAKING[name]))
    places = [pointer_to(*edit) for edit in BREAKING[name]]

    assert found[0].breaks
    for each in found:
        assert each.place
        if places == ["/security"]:
            # Operations ask for the credentials, each for itself.
            assert each.place != "the document"
        elif each.breaks:
            assert any(each.pointer.startswith(place) or place.startswith(each.pointer) for place in places), each


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nobody(name: str) -> None:
    """An edit that callers need not know of is harmless."""
    assert name == "nothing" or json.dumps(edited(HARMLESS[name])) != json.dumps(BASE)
    found = changes(edited(HARMLESS[name]))

    assert [str(each) for each in found if each.breaks] == []


def test_old_versions_compare_with_new_ones() -> None:
    """A document of OpenAPI 3.0 that says the same in its way has no breaking change."""
    old = edited([(("openapi",), "3.0.3"), ((*MEMBERS, "note"), {"type": "string", "nullable": True})])

    assert [str(each) for each in changes(BASE, old)] == []
    assert [str(each) for each in changes(old)] == []


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`borzoi openapi diff` prints what changed; the status is 1 where callers break, and 2 where there is no answer."""
    monkeypatch.chdir(tmp_path)
    Path("old.json").write_text(json.dumps(BASE))
    Path("same.json").write_text(json.dumps(edited(HARMLESS["an operation is new"])))
    Path("new.json").write_text(json.dumps(edited([*BREAKING["a member is gone"], *HARMLESS["an operation is new"]])))

    assert main(["openapi", "diff", "old.json", "same.json"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "harmless: DELETE /teas: the operation is new (#/paths/~1teas/delete)",
        "0 breaking changes, 1 harmless",
    ]
    assert main(["openapi", "diff", "old.json", "new.json"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "breaking: GET /teas: the member 'age' is gone (#/components/schemas/Tea/properties/age)",
        "harmless: DELETE /teas: the operation is new (#/paths/~1teas/delete)",
        "1 breaking change, 1 harmless",
    ]
    assert main(["openapi", "diff", "-q", "old.json", "new.json"]) == 1
    assert capsys.readouterr().out == ""
    assert main(["openapi", "diff", "old.json", "gone.json"]) == 2
    assert "cannot be read" in capsys.readouterr().err
