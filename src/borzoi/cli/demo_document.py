"""The OpenAPI document of the demo API: what `/openapi.json` gives, and what the demo makes a client from."""

from __future__ import annotations

from typing import Any

_NUMBER = {"type": "integer"}
_TEXT = {"type": "string"}
_WRONG = {
    "description": "What was wrong.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
}


def _reply(schema: str) -> dict[str, Any]:
    return {"description": "", "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Borzoi demo API", "version": "1", "description": "Records that mean nothing."},
    "paths": {
        "/records": {
            "get": {
                "operationId": "list_records",
                "tags": ["records"],
                "summary": "Give a page of records, and the number of the next page.",
                "parameters": [{"name": "page", "in": "query", "schema": {**_NUMBER, "minimum": 1}}],
                "responses": {"200": _reply("RecordPage"), "400": _WRONG},
            }
        },
        "/records/{number}": {
            "get": {
                "operationId": "get_record",
                "tags": ["records"],
                "summary": "Give one record.",
                "parameters": [{"name": "number", "in": "path", "required": True, "schema": _NUMBER}],
                "responses": {"200": _reply("Record"), "400": _WRONG},
            }
        },
        "/connections": {
            "get": {
                "operationId": "get_connections",
                "tags": ["connections"],
                "summary": "Give the number of connections accepted and of requests received so far.",
                "responses": {"200": _reply("Counts")},
            }
        },
    },
    "components": {
        "schemas": {
            "Record": _object(id=_NUMBER, name=_TEXT, price={"type": "number"}, tags={"type": "array", "items": _TEXT}),
            "RecordPage": _object(
                page=_NUMBER,
                next={"type": ["integer", "null"]},
                records={"type": "array", "items": {"$ref": "#/components/schemas/Record"}},
            ),
            "Counts": _object(connections=_NUMBER, requests=_NUMBER),
            "Refusal": _object(error=_TEXT),
        }
    },
}
