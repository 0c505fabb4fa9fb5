"""Older versions brought to the newest: after this, schemas are JSON Schema 2020-12, as in OpenAPI 3.1 and 3.2.

OpenAPI 3.0 has `nullable` and boolean `exclusiveMinimum`; they are rewritten where they stand, so that pointers stay
those of the file. Swagger 2.0 has another shape, and its pointers become those of the converted document.
"""

from __future__ import annotations

from typing import Any

from .swagger import convert

_DATA = frozenset({"example", "examples", "default", "enum", "const", "value"})
"""What is below these is data, not schema."""


def upgrade(value: Any) -> Any:
    """Return a document, or a part of one, in the shape of OpenAPI 3.2."""
    if not isinstance(value, dict):
        return value
    if str(value.get("swagger", "")).startswith("2."):
        value = convert(value)
    version = str(value.get("openapi", "3.0"))
    if version.startswith("3.0"):
        _upgrade_schemas(value)
    return value


def _upgrade_schemas(root: Any) -> None:
    stack: list[tuple[Any, bool]] = [(root, False)]
    seen: set[int] = set()
    while stack:
        value, by_name = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list):
            stack += [(child, False) for child in value if isinstance(child, (dict, list))]
            continue
        if not by_name and "nullable" in value:
            _allow_null(value)
        if not by_name and isinstance(value.get("exclusiveMinimum"), bool):
            _make_exclusive(value, "minimum", "exclusiveMinimum")
        if not by_name and isinstance(value.get("exclusiveMaximum"), bool):
            _make_exclusive(value, "maximum", "exclusiveMaximum")
        # The keys of `properties` are names, so that one called "nullable" or "example" is a schema like any other.
        stack += [
            (child, not by_name and key in ("properties", "schemas"))
            for key, child in value.items()
            if isinstance(child, (dict, list)) and (by_name or key not in _DATA)
        ]


def _allow_null(schema: dict[str, Any]) -> None:
    if schema["nullable"] is not True:
        return
    del schema["nullable"]
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"].append(None)
    if "$ref" in schema or ("type" not in schema and ("allOf" in schema or "oneOf" in schema or "anyOf" in schema)):
        inner = {key: schema.pop(key) for key in ("$ref", "allOf", "oneOf", "anyOf", "discriminator") if key in schema}
        schema["anyOf"] = [inner, {"type": "null"}]


def _make_exclusive(schema: dict[str, Any], inclusive: str, exclusive: str) -> None:
    if schema.pop(exclusive) and inclusive in schema:
        schema[exclusive] = schema.pop(inclusive)
