"""Scenarios that no client of the documents can pass, each with what of its document, or of the scenario, shows it.

A reason is believed while its evidence is there: a value at a JSON pointer of the compiled document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from borzoi.openapi.document import DocumentError, open_document

GONE = object()
"""Nothing stands there."""


class Reason(NamedTuple):
    """Say why a scenario cannot pass, and what shows it."""

    text: str
    pointer: str
    value: Any

    def is_shown(self, folder: Path) -> bool:
        """Tell whether a document in a folder has the evidence."""
        return any(_at(place, self.pointer) == self.value for place in folder.glob("*.json"))


def _at(place: Path, pointer: str) -> Any:
    value: Any = open_document(place).root.value
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return GONE
    return value


def _operation(path: str, rest: str, method: str = "get") -> str:
    return f"/paths/{path.replace('/', '~1')}/{method}/{rest}"


def _all(text: str, name: str, kinds: tuple[str, ...], place: str, value: Any) -> dict[str, Reason]:
    """Return one reason for the primitive, the array and the record of each kind."""
    return {
        f"{name}_{kind}_{shape}": Reason(text, place.format(kind=kind.lower(), shape=shape), value)
        for kind in kinds
        for shape in ("primitive", "array", "record")
    }


_BOTH = ("Standard", "Explode")
_FORM = "requestBody/content/multipart~1form-data/encoding/previousAddresses/contentType"
_BYTES = "requestBody/content/application~1json/schema/contentEncoding"
_RESERVED = _operation("/routes/path/reserved-expansion/{}/{{param}}", "parameters/0/allowReserved")

REASONS: dict[str, Reason] = {
    "Encode_Bytes_RequestBody_base64url": Reason(
        "the emitter loses the encoding: base64 is declared, and text without its padding expected",
        _operation("/encode/bytes/body/request/base64url", _BYTES, "post"),
        "base64",
    ),
    "Parameters_Path_optional": Reason(
        "a parameter of a path has to be there (OpenAPI 3.2, Parameter Object): OpenAPI has no optional ones",
        _operation("/parameters/path/optional{name}", "parameters/0/required"),
        False,
    ),
    "Payload_MultiPart_FormData_HttpParts_jsonArrayAndFileArray": Reason(
        "one part is to hold an array; OpenAPI has a part for each item (3.2, Encoding By Name; RFC 7578, section 4.3)",
        _operation("/multipart/form-data/complex-parts-with-httppart", _FORM, "post"),
        "application/json",
    ),
    "Payload_Pageable_ServerDrivenPagination_nestedLink": Reason(
        "the last page of the mock server has no `nestedNext`, which its document requires",
        _operation(
            "/payload/pageable/server-driven-pagination/nested-link",
            "responses/200/content/application~1json/schema/required",
        ),
        ["nestedItems", "nestedNext"],
    ),
    "Payload_Pageable_XmlPagination_listWithNextLink": Reason(
        "the reply is XML, which is text here: it has no items that could be read page by page",
        _operation("/payload/pageable/xml/list-with-next-link", "responses/200/content/application~1json"),
        GONE,
    ),
    **{
        f"Routes_PathParameters_ReservedExpansion_{name}": Reason(
            "the emitter writes `{+param}` as an expansion that is not reserved", _RESERVED.format(name), GONE
        )
        for name in ("template", "annotation")
    },
    **_all(
        "the emitter writes `{/param}` as an expansion that has no slash, in the simple style",
        "Routes_PathParameters_PathExpansion",
        _BOTH,
        _operation("/routes/path/path/{kind}/{shape}{{param}}", "parameters/0/style"),
        GONE,
    ),
    **_all(
        "OpenAPI has no query in a path: compile.mjs takes `?fixed=true` out, or there would be no document",
        "Routes_QueryParameters_QueryContinuation",
        _BOTH,
        _operation("/routes/query/query-continuation/{kind}/{shape}", "parameters/0/name"),
        "param",
    ),
    "SpecialWords_Parameters_constructor": Reason(
        "the emitter fails on a parameter of this name: compile.mjs takes it out, or there would be no document",
        "/paths/~1special-words~1parameters~1constructor",
        GONE,
    ),
    "Streaming_Jsonl_Basic_receive": Reason(
        "the emitter declares the whole body as one string, and its items not at all",
        _operation("/streaming/jsonl/basic/receive", "responses/200/content/application~1jsonl/schema/type"),
        "string",
    ),
}


def excused(name: str, folder: Path) -> str:
    """Return why a scenario cannot pass; "" where there is no reason, or its evidence is gone."""
    reason = REASONS.get(name)
    try:
        return reason.text if reason is not None and reason.is_shown(folder) else ""
    except (OSError, DocumentError):
        return ""
