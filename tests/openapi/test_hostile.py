"""Hostile texts in servers, credentials, webhooks, callbacks and links, and documents that write markers of regions."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi import compare, generate
from borzoi.openapi.document import open_document
from borzoi.openapi.render.text import docstring
from borzoi.openapi.writing import write_package
from borzoi.testing import Contract
from tests.openapi.test_wrong_documents import _NODES, PAYLOADS


def hostile(payload: str) -> dict[str, Any]:
    """Return a document with a text in each of the places."""
    schema = {"type": "object", "properties": {payload: {"type": "string", "description": payload, "pattern": payload}}}
    sent = {"summary": payload, "requestBody": {"content": {"application/json": {"schema": schema}}}}
    server = {
        "url": "https://h/{" + payload + "}/" + payload,
        "variables": {payload: {"default": payload, "enum": [payload]}},
    }
    links = {payload: {"operationId": payload, "parameters": {payload: payload}, "description": payload}}
    reply = {
        "description": payload,
        "links": links,
        "content": {"application/json": {"schema": schema, "example": payload}},
    }
    operation = {
        "operationId": payload, "servers": [server], "callbacks": {payload: {payload: {"post": sent}}}, "responses": {"200": reply},
        "parameters": [{"name": payload, "in": "query"}],
    }  # fmt: skip
    flows = {"clientCredentials": {"tokenUrl": payload, "scopes": {payload: payload}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": payload, "version": "1"},
        "servers": [server],
        "paths": {"/a": {"post": operation}},
        "webhooks": {payload: {"post": sent}, payload + "x": {"post": sent}},
        "components": {
            "securitySchemes": {
                payload: {"type": "oauth2", "flows": flows},
                "o": {"type": "openIdConnect", "openIdConnectUrl": payload},
            }
        },
    }


def test_a_docstring_ends_where_it_should() -> None:
    """A quote at the end of a word that fills a line closes nothing, and no text is lost."""
    for text in ("x" * 150 + '"', '"' + "x" * 150, "a " * 80 + '"b"', "x" * 103 + '"', "\\" * 70 + '"'):
        lines = docstring(text, 4)
        (function,) = ast.parse("\n".join(["def f():", *lines])).body
        assert isinstance(function, ast.FunctionDef)
        assert " ".join((ast.get_docstring(function) or "").split()) == text.strip()


@pytest.mark.parametrize(
    "payload", [*PAYLOADS, "x\n# borzoi: keep\nimport os\n# borzoi: end", "https://h", "Webhook", "{a}{b"]
)
def test_no_text_becomes_code(tmp_path: Path, payload: str) -> None:
    """Whatever a document says of them stays text, and comparing it or holding a mock to it raises nothing."""
    place = tmp_path / "api.json"
    place.write_text(json.dumps(hostile(payload)))
    made = generate(place, output=tmp_path / "out")

    assert {path.name for path in tmp_path.iterdir()} == {"api.json", "out"}
    for name, text in made.files.items():
        if name.endswith(".py"):
            assert {type(node).__name__ for node in ast.walk(ast.parse(text))} <= _NODES, name
        assert not any(line.strip().startswith(("# borzoi: ", "<!-- borzoi: ")) for line in text.splitlines())
    assert generate(place, output=tmp_path / "out", check=True).changed == []
    assert all("\n" not in str(change) for change in compare(open_document(place), open_document(place)))
    contract = Contract(open_document(place), base="https://h")
    assert contract["POST /a"].reply()[0].status == 200


def test_a_document_writes_no_region(tmp_path: Path) -> None:
    """A text that looks like a region of the user's is gone when the next version of the document comes."""
    lines = " ".join(["word"] * 21)
    text = f"{lines} # borzoi: keep {lines} raise SystemExit {lines} # borzoi: end {lines}"
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": text, "version": "1"},
        "paths": {"/a": {"get": {"summary": text, "responses": {"204": {"description": text}}}}},
        "components": {
            "schemas": {"A": {"description": text, "type": "object", "properties": {"a": {"description": text}}}}
        },
    }
    place = tmp_path / "api.json"
    for shift in range(0, 40, 7):
        document["components"]["schemas"]["A"]["description"] = "x" * shift + " " + text
        place.write_text(json.dumps(document))
        generate(place, output=tmp_path / "out")
    document["info"]["title"] = document["paths"]["/a"]["get"]["summary"] = "Plain"
    document["components"]["schemas"] = {"A": {"type": "object", "properties": {"a": {}}}}
    place.write_text(json.dumps(document))
    made = generate(place, output=tmp_path / "out")

    assert not [
        name for name, content in made.files.items() if "borzoi: keep" in content or "raise SystemExit" in content
    ]


@pytest.mark.parametrize("name", ["/x.py", "/a/x.py", "..", "../x.py", "a/../../x.py", "a/.."])
def test_no_file_is_written_elsewhere(name: str, tmp_path: Path) -> None:
    """A name that leads out of the folder is refused, and nothing is written."""
    with pytest.raises(ValueError, match="outside of the package"):
        write_package(tmp_path / "made", {"__init__.py": "", name: "x"})

    assert list(tmp_path.iterdir()) == []
