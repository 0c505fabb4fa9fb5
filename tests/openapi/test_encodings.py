"""`encoding`: media types of parts, and forms whose members are written in another way (OpenAPI 3.1.1, Encoding Object)."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.openapi import generate
from borzoi.openapi.runtime import Body, Part, Upload

NAMED = io.BytesIO(b"x")
NAMED.name = "a/picture.JPG"


@pytest.mark.parametrize(
    ("content_type", "value", "expected"),
    [
        ("", "text", "text/plain"),
        ("", b"x", "application/octet-stream"),
        ("image/png", b"x", "image/png"),
        ("image/*", b"x", "application/octet-stream"),
        ("*/*", b"x", "application/octet-stream"),
        ("text/*", "text", "text/plain"),
        ("text/*", {"a": 1}, "application/json"),
        ("image/png, image/jpeg", b"x", "image/png"),
        ("image/png, image/jpeg", NAMED, "image/jpeg"),
        ("image/*", NAMED, "image/jpeg"),
        ("audio/*, text/css", NAMED, "text/css"),
        ("image/png,image/jpeg", Upload(b"x", "b.jpeg"), "image/jpeg"),
        ("image/*", Upload(b"x", "b.jpeg", "image/webp"), "image/webp"),
        ("application/vnd.a+json", "text", "application/vnd.a+json"),
        ("application/json, text/plain", "text", "text/plain"),
    ],
)
def test_the_media_type_of_a_part(content_type: str, value: Any, expected: str) -> None:
    """A part has one media type, no range: of several that of the file's name, the usual one, or the first."""
    body = Body("multipart/form-data", {"p": Part(content_type)})
    assert body.write(body, {"p": value})["files"][0][1][2] == expected


def test_the_media_type_of_a_path(tmp_path: Path) -> None:
    """A file by its path has a name that says what it is."""
    place = tmp_path / "a.png"
    place.write_bytes(b"x")
    body = Body("multipart/form-data", {"p": Part("image/*")})
    assert body.write(body, {"p": place})["files"] == [("p", ("a.png", b"x", "image/png"))]


def _operation(media_type: str, encoding: dict[str, Any]) -> dict[str, Any]:
    text, numbers = {"type": "string"}, {"type": "array", "items": {"type": "integer"}}
    schema = {"type": "object", "properties": {"a": text, "l": numbers, "o": {"type": "object"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://h"}],
        "paths": {
            "/forms": {
                "post": {
                    "operationId": "create_form",
                    "requestBody": {"content": {media_type: {"schema": schema, "encoding": encoding}}},
                    "responses": {"204": {"description": ""}},
                }
            }
        },
    }


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ({}, "a=x%2Fy%26z&l=1&l=2&o=%7B%22k%22%3A1%7D"),
        ({"l": {"contentType": "application/json"}}, "a=x%2Fy%26z&l=%5B1%2C2%5D&o=%7B%22k%22%3A1%7D"),
        ({"a": {"allowReserved": True}, "l": {"explode": False}}, "a=x/y&z&l=1,2&o=%7B%22k%22%3A1%7D"),
        ({"l": {"style": "spaceDelimited", "explode": False}, "o": {"style": "deepObject"}}, "a=x%2Fy%26z&l=1+2&o%5Bk%5D=1"),
        ({"l": {"style": "pipeDelimited", "explode": False}, "o": {"style": "form", "explode": True}}, "a=x%2Fy%26z&l=1%7C2&k=1"),
    ],
)  # fmt: skip
def test_forms(client_of: Callable[..., Any], encoding: dict[str, Any], expected: str) -> None:
    """A member of a form is written as its encoding says, from the document to the wire."""
    asked: list[borzoi.Request] = []

    def answer(request: borzoi.Request) -> borzoi.Response:
        asked.append(request)
        return borzoi.Response(204)

    package = client_of(_operation("application/x-www-form-urlencoded", encoding))
    with package.Client(transport=borzoi.MockTransport(answer)) as client:
        client.forms.create(a="x/y&z", l=[1, 2], o={"k": 1})
    assert asked[0].content == expected.encode()


def test_headers_of_parts_are_told(tmp_path: Path) -> None:
    """A header of a part cannot be given, which is told; its Content-Type is said elsewhere."""
    import json

    encoding = {"a": {"headers": {"X-A": {}}}, "o": {"headers": {"Content-Type": {}}}}
    (tmp_path / "api.json").write_text(json.dumps(_operation("multipart/form-data", encoding)))
    made = generate(tmp_path / "api.json", output=tmp_path / "out")
    assert [each.pointer.rpartition("/encoding")[2] for each in made.diagnostics] == ["/a/headers"]
