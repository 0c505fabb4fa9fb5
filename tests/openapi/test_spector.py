"""The calls that `make openapi-spector` makes: what a scenario expects on the wire is what the generated client sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.spector import __main__ as spector
from scripts.spector.calling import Service
from scripts.spector.reasons import excused
from tests.openapi.serving import API

ITEM = {"type": "object", "required": ["at"], "properties": {"at": {"type": "string", "format": "date-time"}}}
FORM = {"type": "object", "properties": {"id": {"type": "integer"}, "files": {"type": "array", "items": {"type": "string", "format": "binary"}}}}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "S", "version": "1"},
    "paths": {
        "/items/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {
                "operationId": "add",
                "parameters": [{"name": "colors", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}}],
                "requestBody": {"content": {"application/json": {"schema": ITEM}}},
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": ITEM}}}},
            },
            "put": {"operationId": "send", "requestBody": {"content": {"multipart/form-data": {"schema": FORM}}}, "responses": {"204": {"description": ""}}},
        },
    },
    "security": [{"k": []}],
    "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
}  # fmt: skip
ADD: dict[str, Any] = {
    "uri": "/v1/items/7",
    "method": "post",
    "request": {
        "query": {"colors": "red,blue"},
        "headers": {"x-key": "secret"},
        "body": {"contentType": "application/json", "raw": '{"at":"2026-01-02T03:04:05Z"}'},
    },
    "response": {
        "status": 200,
        "body": {"contentType": "application/json", "raw": '{"at":"2026-01-02T03:04:05.000Z"}'},
    },
}
SEND: dict[str, Any] = {
    "uri": "/items/8",
    "method": "put",
    "request": {"body": {"contentType": "multipart/form-data", "parts": {"id": 1}, "files": [{"fieldname": "files", "originalname": "a.png", "mimetype": "image/png", "buffer": {"base64": "AQI="}}]}},
    "response": {"status": 204},
}  # fmt: skip


@pytest.fixture
def service(importing: Path) -> Service:
    """The generated client of the document."""
    (importing / "s.json").write_text(json.dumps(DOCUMENT))
    return Service(importing / "s.json", importing / "spector_test")


def test_a_scenario_is_called(service: Service) -> None:
    """Path, query, credentials and bodies are sent as they are expected, below the path of the server."""
    with API(lambda _: (200, {"Content-Type": "application/json"}, b'{"at":"2026-01-02T03:04:05.000Z"}')) as api:
        assert spector.outcome([service], {"apis": [ADD]}, api.url) == ""
    asked = api.asked[0]
    assert (asked.method, asked.target) == ("POST", "/v1/items/7?colors=red,blue")
    assert asked.headers["X-Key"] == "secret"
    assert asked.body == b'{"at":"2026-01-02T03:04:05Z"}'


def test_a_form_is_sent(service: Service) -> None:
    """Parts and files of a scenario are those of the form."""
    with API(lambda _: (204, {}, b"")) as api:
        assert spector.outcome([service], {"apis": [SEND]}, api.url) == ""
    assert b'name="files"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x01\x02\r\n' in api.asked[0].body


def test_what_goes_wrong_is_told(service: Service) -> None:
    """A reply that is read otherwise, a status, and what the document does not have are told apart."""
    with API(lambda _: (200, {"Content-Type": "application/json"}, b'{"at":"2027-01-02T03:04:05Z"}')) as api:
        assert "was read as" in spector.outcome([service], {"apis": [ADD]}, api.url)
        assert spector.outcome([service], {"apis": [{**ADD, "uri": "/x"}]}, api.url).startswith("Undeclared")
    with API(lambda _: (400, {}, b"no")) as api:
        assert spector.outcome([service], {"apis": [ADD]}, api.url).startswith("BadRequest")
        gone = {**ADD, "response": {"status": 404}}
        assert spector.outcome([service], {"apis": [gone]}, api.url).startswith("BadRequest")


def called(uri: str, **more: Any) -> dict[str, Any]:
    """Return what a scenario sends to a place."""
    return {"uri": uri, "method": "post", **more}


def test_files_texts_and_pages(importing: Path) -> None:
    """Files have their media type, texts no quotes, objects no members where nothing is given; pages are followed."""
    schema = {"type": "object", "properties": {"id": {"type": "integer", "readOnly": True}}}
    contents: list[Any] = [
        {"*/*": {"schema": {"contentMediaType": "*/*"}}},
        {"text/plain": {}},
        {"application/json": {"schema": schema}},
    ]
    none = {"204": {"description": ""}}
    paths = {
        f"/{index}": {"post": {"requestBody": {"required": True, "content": content}, "responses": none}}
        for index, content in enumerate(contents)
    }  # fmt: skip
    (importing / "t.json").write_text(json.dumps({**DOCUMENT, "paths": paths}))
    services = [Service(importing / "t.json", importing / "spector_kinds")]
    picture = called("/0", request={"body": {"contentType": "image/png", "raw": {"base64": "AQI="}}})
    text = called("/1", request={"body": {"contentType": "application/json", "raw": '"{cat}"'}})
    leads = called("/2", response={"body": {"contentType": "text/plain", "raw": "http://server/2/next"}})
    with API(lambda _: (204, {}, b"")) as api:
        assert spector.outcome(services, {"apis": [picture, text, leads, called("/2/next")]}, api.url) == ""
        assert spector.outcome(services, {"apis": [called("/2/next")]}, api.url).startswith("Undeclared")
    assert [(each.headers["Content-Type"], each.body) for each in api.asked] == [
        ("image/png", b"\x01\x02"),
        ("text/plain", b"{cat}"),
        ("application/json", b"{}"),
    ]


def test_reasons_are_shown(tmp_path: Path) -> None:
    """A reason counts while the document has what shows it: a value at a place, in objects and lists, or nothing."""
    place, name = "/parameters/path/optional{name}", "Parameters_Path_optional"
    for required, shown in ((False, True), (True, False)):
        operation = {"parameters": [{"name": "name", "in": "path", "required": required}], "responses": {}}
        (tmp_path / "a.json").write_text(json.dumps({**DOCUMENT, "paths": {place: {"get": operation}}}))
        assert bool(excused(name, tmp_path)) is shown
    assert excused("SpecialWords_Parameters_constructor", tmp_path)
    assert excused("Streaming_Jsonl_Basic_receive", tmp_path) == ""
    assert excused("Something_else", tmp_path) == ""
    (tmp_path / "a.json").write_text("{")
    assert excused(name, tmp_path) == ""


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each folder; the status is 1 where a scenario does not pass, and no reason is shown."""
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a.json").write_text(json.dumps(DOCUMENT))
    excused_one = {"folder": "c", "name": "SpecialWords_Parameters_constructor"}
    scenarios = [
        {"folder": "a", "name": "one"},
        {"folder": "a", "name": "two"},
        {"folder": "b", "name": "three"},
        excused_one,
    ]
    passed = {"one": "pass", "two": "pass", "three": "pass"}
    fine = {"one": "", "two": "", "three": "", "SpecialWords_Parameters_constructor": "Undeclared: x"}
    assert spector.printed(scenarios, fine, passed, tmp_path, failures=False) == 0
    assert "SpecialWords_Parameters_constructor: the emitter" in capsys.readouterr().out
    assert spector.printed(scenarios, {**fine, "two": "KeyError"}, passed, tmp_path, failures=True) == 1
    out = capsys.readouterr().out
    assert "two: pass: KeyError" in out
    assert next(line.split() for line in out.splitlines() if line.startswith("all")) == ["all", "4", "3", "2", "1"]
