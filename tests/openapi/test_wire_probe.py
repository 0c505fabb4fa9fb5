"""A case for each item of what has to be right on the wire, through a generated client and a listener.

What is expected is written from the text of OpenAPI (3.1.1 and 3.2.0, sections by name) and the RFCs that it names. One
document has all the operations, so that what is generated for one of them is not in the way of another.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from borzoi.openapi import generate
from borzoi.openapi.runtime import UNSET, Events, Upload
from borzoi.openapi.runtime.errors import APIStatusError
from tests.openapi.serving import API, Asked, Reply

TEXT, WHOLE, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
RGB = {"type": "object", "properties": {"R": WHOLE, "G": WHOLE, "B": WHOLE}}
BLUE, COLORS, COLOR = "blue", ["blue", "black", "brown"], {"R": 100, "G": 200, "B": 150}
FILE = {"type": "string", "format": "binary"}


class Case(NamedTuple):
    """Say what is declared, what is given, and what goes over the wire."""

    operation: dict[str, Any]
    given: dict[str, Any]
    target: str
    headers: dict[str, str | None] = {}
    body: bytes = b""
    method: str = "GET"
    path: str = "/p"


def parameter(place: str, schema: Any, **more: Any) -> dict[str, Any]:
    """Return an operation with one parameter, `color`."""
    return {"parameters": [{"name": "color", "in": place, "required": place == "path", "schema": schema, **more}]}


def body(media_type: str, schema: Any, **more: Any) -> dict[str, Any]:
    """Return an operation with a body."""
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema, **more}}}}


def in_path(style: str, explode: bool, schema: Any, value: Any, expected: str) -> Case:
    """Return a case with a parameter in the path."""
    declared = parameter("path", schema, style=style, explode=explode)
    return Case(declared, {"color": value}, f"/in/{expected}/end", path="/in/{color}/end")


def in_query(style: str, explode: bool, schema: Any, value: Any, expected: str, **more: Any) -> Case:
    """Return a case with a parameter in the query."""
    return Case(parameter("query", schema, style=style, explode=explode, **more), {"color": value}, f"/p?{expected}")


CASES: dict[str, Case] = {
    # "Style Examples": the rows of the table, with the values of RFC 6570.
    "matrix": in_path("matrix", False, TEXT, BLUE, ";color=blue"),
    "matrix, empty": in_path("matrix", False, TEXT, "", ";color"),
    "matrix array": in_path("matrix", False, TEXTS, COLORS, ";color=blue,black,brown"),
    "matrix array, exploded": in_path("matrix", True, TEXTS, COLORS, ";color=blue;color=black;color=brown"),
    "matrix object": in_path("matrix", False, RGB, COLOR, ";color=R,100,G,200,B,150"),
    "matrix object, exploded": in_path("matrix", True, RGB, COLOR, ";R=100;G=200;B=150"),
    "label": in_path("label", False, TEXT, BLUE, ".blue"),
    "label array": in_path("label", False, TEXTS, COLORS, ".blue,black,brown"),
    "label array, exploded": in_path("label", True, TEXTS, COLORS, ".blue.black.brown"),
    "label object, exploded": in_path("label", True, RGB, COLOR, ".R=100.G=200.B=150"),
    "simple": in_path("simple", False, TEXT, "a/b c", "a%2Fb%20c"),
    "simple array": in_path("simple", True, TEXTS, COLORS, "blue,black,brown"),
    "simple object": in_path("simple", False, RGB, COLOR, "R,100,G,200,B,150"),
    "simple object, exploded": in_path("simple", True, RGB, COLOR, "R=100,G=200,B=150"),
    "form": in_query("form", True, TEXT, "a&b=c d", "color=a%26b%3Dc%20d"),
    "form, empty": in_query("form", True, TEXT, "", "color="),
    "form array": in_query("form", False, TEXTS, COLORS, "color=blue,black,brown"),
    "form array, exploded": in_query("form", True, TEXTS, COLORS, "color=blue&color=black&color=brown"),
    "form object": in_query("form", False, RGB, COLOR, "color=R,100,G,200,B,150"),
    "form object, exploded": in_query("form", True, RGB, COLOR, "R=100&G=200&B=150"),
    "spaceDelimited array": in_query("spaceDelimited", False, TEXTS, COLORS, "color=blue%20black%20brown"),
    "spaceDelimited object": in_query("spaceDelimited", False, RGB, COLOR, "color=R%20100%20G%20200%20B%20150"),
    "pipeDelimited array": in_query("pipeDelimited", False, TEXTS, COLORS, "color=blue%7Cblack%7Cbrown"),
    "pipeDelimited object": in_query("pipeDelimited", False, RGB, COLOR, "color=R%7C100%7CG%7C200%7CB%7C150"),
    "deepObject": in_query("deepObject", True, RGB, COLOR, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    # "Parameter Object": content, allowReserved (RFC 3986, section 2.2).
    "content": Case({"parameters": [{"name": "color", "in": "query", "content": {"application/json": {"schema": RGB}}}]}, {"color": {"R": 1}}, "/p?color=%7B%22R%22%3A1%7D"),
    "allowReserved": in_query("form", True, TEXT, ":/?#[]@!$&'()*+,;=%41", "color=:/?%23[]@!$&'()*+,;=%41", allowReserved=True),
    "header, text": Case(parameter("header", TEXT), {"color": "a b"}, "/p", {"color": "a b"}),
    "header, truth": Case(parameter("header", TRUTH), {"color": False}, "/p", {"color": "false"}),
    "header, number": Case(parameter("header", {"type": "number"}), {"color": 1.5}, "/p", {"color": "1.5"}),
    "header, array": Case(parameter("header", TEXTS), {"color": COLORS}, "/p", {"color": "blue,black,brown"}),
    "header, object": Case(parameter("header", RGB), {"color": COLOR}, "/p", {"color": "R,100,G,200,B,150"}),
    "header, object exploded": Case(parameter("header", RGB, explode=True), {"color": COLOR}, "/p", {"color": "R=100,G=200,B=150"}),
    "cookie": Case(parameter("cookie", TEXT), {"color": "a b"}, "/p", {"cookie": "color=a%20b"}),
    "cookie style": Case(parameter("cookie", TEXTS, style="cookie"), {"color": COLORS}, "/p", {"cookie": "color=blue; color=black; color=brown"}),
    "querystring": Case({"parameters": [{"name": "color", "in": "querystring", "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"a": TEXT, "b": TEXTS}}}}}]}, {"color": {"a": "x y", "b": ["1", "2"]}}, "/p?a=x+y&b=1&b=2"),
    "querystring, JSON": Case({"parameters": [{"name": "color", "in": "querystring", "content": {"application/json": {"schema": RGB}}}]}, {"color": {"R": 1}}, "/p?%7B%22R%22%3A1%7D"),
    "not given": Case(parameter("query", TEXT), {}, "/p", {"cookie": None, "authorization": None, "x-key": None, "content-type": None}),
    # Bodies: RFC 8259, the form of the WHATWG, RFC 7578.
    "JSON": Case(body("application/json", RGB), {"body": {"R": 1}}, "/p", {"content-type": "application/json"}, b'{"R":1}', "POST"),
    "a form": Case(body("application/x-www-form-urlencoded", {"type": "object", "properties": {"a": TEXT, "b": TEXTS}}), {"body": {"a": "x y&z", "b": ["1", "2"]}}, "/p", {"content-type": "application/x-www-form-urlencoded"}, b"a=x+y%26z&b=1&b=2", "POST"),
    "a form with encoding": Case(body("application/x-www-form-urlencoded", {"type": "object", "properties": {"a": TEXTS, "b": RGB}}, encoding={"a": {"style": "spaceDelimited", "explode": False}, "b": {"style": "deepObject", "explode": True}}), {"body": {"a": ["1", "2"], "b": {"R": 1}}}, "/p", {}, b"a=1+2&b%5BR%5D=1", "POST"),
    "octets": Case(body("application/octet-stream", FILE), {"body": b"\x00\xff"}, "/p", {"content-type": "application/octet-stream"}, b"\x00\xff", "POST"),
    "an image": Case(body("image/png", FILE), {"body": b"png"}, "/p", {"content-type": "image/png"}, b"png", "PUT"),
    "plain text": Case(body("text/plain", TEXT), {"body": "\u00e9"}, "/p", {"content-type": "text/plain"}, b"\xc3\xa9", "POST"),
    "CSV": Case(body("text/csv", TEXT), {"body": "a,b\r\n"}, "/p", {"content-type": "text/csv"}, b"a,b\r\n", "POST"),
    "XML": Case(body("application/xml", TEXT), {"body": "<a/>"}, "/p", {"content-type": "application/xml"}, b"<a/>", "POST"),
    "one of several media types": Case({"requestBody": {"content": {"application/json": {"schema": RGB}, "text/plain": {"schema": TEXT}}}}, {"body": "x", "media_type": "text/plain"}, "/p", {"content-type": "text/plain"}, b"x", "POST"),
    "the first of several media types": Case({"requestBody": {"content": {"application/json": {"schema": RGB}, "text/plain": {"schema": TEXT}}}}, {"body": {"R": 1}}, "/p", {"content-type": "application/json"}, b'{"R":1}', "POST"),
    "the method QUERY": Case(body("application/json", TEXTS), {"body": ["a"]}, "/p", {}, b'["a"]', "QUERY"),
    # "Security Requirement Object": what an operation asks for, and nothing else.
    "credentials of the operation": Case({"security": [{"key": []}]}, {}, "/p", {"x-key": "k", "authorization": None}),
    "credentials that are used together": Case({"security": [{"key": [], "token": []}]}, {}, "/p", {"x-key": "k", "authorization": "Bearer t"}),
    "the first alternative that is there": Case({"security": [{"login": []}, {"token": []}]}, {}, "/p", {"authorization": "Bearer t", "x-key": None}),
    "no credentials": Case({"security": []}, {}, "/p", {"x-key": None, "authorization": None}),
    # "Server Object": that of the operation, with its variables.
    "a server of the operation": Case({"servers": [{"url": "/{stage}/api", "variables": {"stage": {"default": "beta"}}}]}, {}, "/beta/api/p"),
}  # fmt: skip
FORM = {
    "type": "object",
    "properties": {"id": WHOLE, "meta": RGB, "tags": TEXTS, "one": FILE, "files": {"type": "array", "items": FILE}},
}
PARTS = body(
    "multipart/form-data", FORM, encoding={"one": {"contentType": "image/png"}, "tags": {"contentType": "text/x"}}
)
ANSWERS: dict[str, Any] = {
    "200": {"description": "", "content": {"application/json": {"schema": RGB}}},
    "404": {"description": "", "content": {"application/json": {"schema": {"title": "Gone", "type": "object", "required": ["gone"], "properties": {"gone": TRUTH}}}}},
    "4XX": {"description": "", "content": {"application/json": {"schema": {"title": "Refused", "type": "object", "required": ["why"], "properties": {"why": TEXT}}}}},
    "default": {"description": "", "content": {"text/plain": {"schema": TEXT}}},
}  # fmt: skip
LINES = {"200": {"description": "", "content": {"application/jsonl": {"itemSchema": RGB}}}}
EVENTS = {"200": {"description": "", "content": {"text/event-stream": {"schema": RGB}}}}


def document() -> dict[str, Any]:
    """Return the document of all cases: each has a path of its own, so that they may share what comes after it."""
    paths: dict[str, Any] = {}
    nothing = {"204": {"description": ""}}
    for number, case in enumerate(CASES.values()):
        declared = {"operationId": f"case_{number}", "tags": ["probe"], "responses": nothing, **case.operation}
        paths[f"/{number}{case.path}"] = {case.method.lower(): declared}
    others = {"send": ("post", PARTS, nothing), "answer": ("get", {}, ANSWERS), "lines": ("get", {}, LINES)}
    others |= {"news": ("get", {}, EVENTS), "old": ("get", {"deprecated": True}, nothing)}
    for name, (method, declared, responses) in others.items():
        paths[f"/{name}"] = {method: {"operationId": name, "tags": ["probe"], "responses": responses, **declared}}
    schemes = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "token": {"type": "http", "scheme": "bearer"},
        "login": {"type": "http", "scheme": "basic"},
    }
    return {
        "openapi": "3.2.0",
        "info": {"title": "Probe", "version": "1"},
        "servers": [{"url": "https://{host}.test", "variables": {"host": {"default": "api"}}}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }


class Probe:
    """Call operations of one generated client, and keep what a listener has received."""

    def __init__(self, package: Any) -> None:
        self.reply: Reply = (204, {}, b"")
        self.api = API(lambda _: self.reply)
        self.package = package

    def call(self, name: str, **given: Any) -> Any:
        """Call an operation."""
        with self.package.Client(self.api.url, api_key="k", token="t", retries=0) as client:
            found = getattr(client.probe, name)(**given)
            return list(found) if isinstance(found, Events) else found

    @property
    def asked(self) -> Asked:
        """The latest request."""
        return self.api.asked[-1]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """The client of all cases, generated once."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.json").write_text(json.dumps(document()))
    generate(folder / "probe.json", output=folder / "wire_probe_client")
    sys.path.insert(0, str(folder))
    made = Probe(importlib.import_module("wire_probe_client"))
    with made.api:
        yield made
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "wire_probe_client"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", CASES)
def test_requests(name: str, probe: Probe) -> None:
    """What is given goes over the wire as the text of OpenAPI has it."""
    case, number = CASES[name], list(CASES).index(name)
    probe.reply = (204, {}, b"")
    assert probe.call(f"case_{number}", **case.given) is None
    before, _, after = case.target.partition("/p") if "/beta" in case.target else ("", "", "")
    expected = f"{before}/{number}/p{after}" if before else f"/{number}{case.target}"

    assert (probe.asked.method, probe.asked.target) == (case.method, expected)
    assert {name: probe.asked.headers.get(name) for name in case.headers} == case.headers
    assert probe.asked.body == case.body


def test_a_multipart_form(probe: Probe) -> None:
    """RFC 7578 4.3: an item is a part; "Encoding Object": objects are JSON, files octets, and contentType has its say."""
    value = {"id": 7, "meta": {"R": 1}, "tags": ["a", "b"], "one": b"\x01", "files": [Upload(b"2", "2.txt"), Upload(b"3", "3.txt")]}  # fmt: skip
    probe.reply = (204, {}, b"")
    probe.call("send", body=value)
    content_type = str(probe.asked.headers["Content-Type"])
    media_type, _, boundary = content_type.partition("; boundary=")
    heads = [part.partition(b"\r\n\r\n") for part in probe.asked.body.split(f"--{boundary}".encode())[1:-1]]
    field = 'Content-Disposition: form-data; name="{}"{}\r\nContent-Type: {}'

    assert media_type == "multipart/form-data"
    assert [(head.decode().strip(), content) for head, _, content in heads] == [
        (field.format("id", "", "text/plain"), b"7\r\n"),
        (field.format("meta", "", "application/json"), b'{"R":1}\r\n'),
        (field.format("tags", "", "text/x"), b"a\r\n"),
        (field.format("tags", "", "text/x"), b"b\r\n"),
        (field.format("one", '; filename="upload"', "image/png"), b"\x01\r\n"),
        (field.format("files", '; filename="2.txt"', "application/octet-stream"), b"2\r\n"),
        (field.format("files", '; filename="3.txt"', "application/octet-stream"), b"3\r\n"),
    ]


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [(404, '{"gone":true}', {"gone": True}), (418, '{"why":"tea"}', {"why": "tea"}), (500, "no", "no")],
)
def test_errors(status: int, content: str, expected: Any, probe: Probe) -> None:
    """ "Responses Object": a status by itself wins over its range, and that over the default."""
    probe.reply = (status, {"Content-Type": "application/json"}, content.encode())
    with pytest.raises(APIStatusError) as caught:
        probe.call("answer")
    assert msgspec.to_builtins(caught.value.data) == expected


def test_replies(probe: Probe) -> None:
    """A reply is what is declared for its status, and what is asked for is what the document has for success."""
    probe.reply = (200, {"Content-Type": "application/json"}, b'{"R":1}')
    found = probe.call("answer")

    assert (found.r, found.g) == (1, UNSET)
    assert probe.asked.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [
        ("lines", "application/jsonl", b'{"R":1}\n\n{"R":2}\n'),
        (
            "news",
            "text/event-stream",
            b': hello\ndata: {"R":1}\n\nevent: x\ndata: {"R":\ndata: 2}\n\ndata: [DONE]\n\n',
        ),
    ],
)
def test_streams(name: str, media_type: str, content: bytes, probe: Probe) -> None:
    """Items of JSON lines (`itemSchema`) and of event streams are read one by one, in their type."""
    probe.reply = (200, {"Content-Type": media_type}, content)

    assert [item.r for item in probe.call(name)] == [1, 2]


def test_deprecated_operations(probe: Probe) -> None:
    """What is deprecated says so where it is described, and works."""
    probe.reply = (204, {}, b"")
    module = importlib.import_module(f"{probe.package.__name__}.resources.probe")

    assert probe.call("old") is None
    assert '"""Deprecated.' in Path(str(module.__file__)).read_text()
