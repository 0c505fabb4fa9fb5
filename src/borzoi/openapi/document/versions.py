"""Older versions brought to the newest: after this, schemas are JSON Schema 2020-12, as in OpenAPI 3.1 and 3.2.

Swagger 2.0 has another shape: it is converted whole, and its pointers become those of the converted document.
`nullable` of OpenAPI 3.0 is rewritten where it stands when a schema is first seen: pointers stay those of the file.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .swagger import convert

_REMARKS = frozenset({"description", "title"})


def upgrade(value: Any) -> Any:
    """Return a document, or a part of one, in the shape of OpenAPI 3.2."""
    if isinstance(value, dict) and str(value.get("swagger", "")).startswith("2."):
        return convert(value)
    return value


def allow_null(schema: dict[str, Any], *, is_alternative: bool = False) -> None:
    """Write `nullable` as JSON Schema does. That of 3.1 documents is taken for what it was meant to be, too."""
    # A member that is called "nullable" is an object, and stays.
    if schema["nullable"] is not True:
        return
    del schema["nullable"]
    if is_alternative and schema.keys() <= _REMARKS:
        # As published documents write an optional reference; strictly read it would allow everything.
        schema["type"] = "null"
        return
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"].append(None)
    if "$ref" in schema or ("type" not in schema and ("allOf" in schema or "oneOf" in schema or "anyOf" in schema)):
        inner = {key: schema.pop(key) for key in ("$ref", "allOf", "oneOf", "anyOf", "discriminator") if key in schema}
        schema["anyOf"] = [inner, {"type": "null"}]


def bind_recursion(root: Any) -> None:
    """Write each `$recursiveRef` of JSON Schema 2019-09 as a reference to the schema around it that has the anchor.

    OpenAPI 3.1 has the newer `$dynamicRef`, for which there is `generics`; published documents have this one.
    """
    stack: list[tuple[Any, str, str]] = [(root, "", "")]
    while stack:
        found, pointer, anchor = stack.pop()
        if isinstance(found, dict):
            if found.get("$recursiveAnchor") is True:
                anchor = pointer
            if anchor and found.get("$recursiveRef") == "#":
                del found["$recursiveRef"]
                found["$ref"] = f"#{quote(anchor, safe='/~')}"
            steps = [(child, key.replace("~", "~0").replace("/", "~1")) for key, child in found.items()]
        else:
            steps = [(child, str(index)) for index, child in enumerate(found)] if isinstance(found, list) else []
        stack += [(child, f"{pointer}/{step}", anchor) for child, step in steps]
