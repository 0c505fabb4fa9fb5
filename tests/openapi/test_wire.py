"""What goes over the wire: the bytes are those of the OpenAPI text and its RFCs.

The tables of parameters are "Style Examples" of OpenAPI 3.1.1 (section 4.8.12.4), which rest on RFC 6570: the values are its
string `blue`, its array and its object.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pydantic import Field

from borzoi import DecodingError
from borzoi.openapi import runtime
from borzoi.openapi.runtime import JSON, Body, Call, Operation, Part, Scheme, Upload
from borzoi.openapi.runtime.operation import Prepared
from borzoi.openapi.runtime.parameters import cookie, header, path, query, query_string
from borzoi.openapi.runtime.pydantic_models import Model
from tests.openapi.serving import API, Asked, as_json

STRING, ARRAY, OBJECT = "blue", ["blue", "black", "brown"], {"R": 100, "G": 200, "B": 150}


def prepared(parameter: Any, value: Any, target: str = "/") -> Prepared:
    """Return the request of an operation with one parameter."""
    operation = Operation(f"GET {target}", parameter, replies={"200": None})
    return Prepared(Call(operation, {parameter.name: value}))


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("matrix", False, STRING, ";color=blue"),
        ("matrix", False, "", ";color"),
        ("matrix", False, ARRAY, ";color=blue,black,brown"),
        ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
        ("matrix", True, STRING, ";color=blue"),
        ("matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
        ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
        ("label", False, STRING, ".blue"),
        ("label", False, "", "."),
        ("label", False, ARRAY, ".blue,black,brown"),
        ("label", False, OBJECT, ".R,100,G,200,B,150"),
        ("label", True, ARRAY, ".blue.black.brown"),
        ("label", True, OBJECT, ".R=100.G=200.B=150"),
        ("simple", False, STRING, "blue"),
        ("simple", False, ARRAY, "blue,black,brown"),
        ("simple", False, OBJECT, "R,100,G,200,B,150"),
        ("simple", True, ARRAY, "blue,black,brown"),
        ("simple", True, OBJECT, "R=100,G=200,B=150"),
    ],
)
def test_styles_of_the_path(style: str, explode: bool, value: Any, expected: str) -> None:
    """A parameter of the path is written in its style."""
    assert prepared(path("color", style=style, explode=explode), value, "/x{color}/y").path == f"/x{expected}/y"


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("form", False, STRING, "color=blue"),
        ("form", False, "", "color="),
        ("form", False, ARRAY, "color=blue,black,brown"),
        ("form", False, OBJECT, "color=R,100,G,200,B,150"),
        ("form", True, ARRAY, "color=blue&color=black&color=brown"),
        ("form", True, OBJECT, "R=100&G=200&B=150"),
        ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
        ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
        ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
        ("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ("deepObject", True, {"a": {"b": [1, 2]}}, "color%5Ba%5D%5Bb%5D=1&color%5Ba%5D%5Bb%5D=2"),
        ("form", True, [], ""),
        ("form", False, [], ""),
    ],
)
def test_styles_of_the_query(style: str, explode: bool, value: Any, expected: str) -> None:
    """A parameter of the query is written in its style."""
    assert "&".join(prepared(query("color", style=style, explode=explode), value).query) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a b&c=d/é", "q=a%20b%26c%3Dd%2F%C3%A9"),
        (True, "q=true"),
        (1.5, "q=1.5"),
        (UUID(int=1), "q=00000000-0000-0000-0000-000000000001"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "q=2026-01-02T03%3A04%3A05Z"),
        (dt.date(2026, 1, 2), "q=2026-01-02"),
        ([None, False], "q=null&q=false"),
    ],
)
def test_values(value: Any, expected: str) -> None:
    """Values are what JSON has for them, percent-encoded as UTF-8 (RFC 3986, section 2.5)."""
    assert "&".join(prepared(query("q"), value).query) == expected


def test_what_is_not_given_is_not_sent() -> None:
    """A parameter that is not set, or None, leaves no trace."""
    assert prepared(query("q"), runtime.UNSET).query == []
    assert prepared(query("q"), None).query == []


def test_reserved_characters_stay_where_they_may() -> None:
    """With allowReserved reserved characters and triplets stay, any other "%" is encoded (RFC 6570, section 3.2.3)."""
    assert prepared(query("q", reserved=True), "a/b?c=%20%zz&#ü").query == ["q=a/b?c=%20%25zz&%23%C3%BC"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("../admin", "..%2Fadmin"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("", ""),
    ],
)
def test_no_value_leaves_its_segment(value: str, expected: str) -> None:
    """What stands in the path is one segment of it, whatever it holds."""
    assert prepared(path("id"), value, "/users/{id}/x").path == f"/users/{expected}/x"


def test_content_in_place_of_a_style() -> None:
    """A parameter with a media type is that text, percent-encoded once."""
    assert prepared(query("filter", media_type="application/json"), {"a": [1, "x y"]}).query == [
        "filter=%7B%22a%22%3A%5B1%2C%22x%20y%22%5D%7D"
    ]


def test_the_whole_query() -> None:
    """`in: querystring` of OpenAPI 3.2 is the query: a form, or another media type, percent-encoded."""
    form = query_string("q", media_type="application/x-www-form-urlencoded")
    assert prepared(form, {"a": "x y", "b": [1, 2]}).query == ["a=x+y", "b=1", "b=2"]
    assert prepared(query_string("q", media_type="application/json"), {"a": 1}).query == ["%7B%22a%22%3A1%7D"]


@pytest.mark.parametrize(
    ("explode", "value", "expected"),
    [
        (False, "a b", "a b"),
        (False, True, "true"),
        (False, ARRAY, "blue,black,brown"),
        (False, OBJECT, "R,100,G,200,B,150"),
        (True, OBJECT, "R=100,G=200,B=150"),
        (False, 5, "5"),
    ],
)
def test_headers(explode: bool, value: Any, expected: str) -> None:
    """A header is in the simple style, and not percent-encoded."""
    assert prepared(header("X-Color", "color", explode=explode), value).headers["X-Color"] == expected


@pytest.mark.parametrize(
    ("how", "value", "expected"),
    [
        ({}, "a b", ["color=a%20b"]),
        ({"style": "cookie"}, "a b", ["color=a b"]),
        ({"explode": False}, ARRAY, ["color=blue,black,brown"]),
        ({"explode": False}, OBJECT, ["color=R,100,G,200,B,150"]),
        ({"style": "cookie"}, ARRAY, ["color=blue", "color=black", "color=brown"]),
        ({"style": "cookie"}, OBJECT, ["R=100", "G=200", "B=150"]),
        ({"explode": False}, [], []),
    ],
)
def test_cookies(how: dict[str, Any], value: Any, expected: list[str]) -> None:
    """A cookie is in the form style, percent-encoded, or in the style of OpenAPI 3.2, as it is."""
    assert prepared(cookie("color", **how), value).cookies == expected


class Item(msgspec.Struct, kw_only=True):
    """A body."""

    name: str
    at: dt.date | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    extra_things: dict[str, int] | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="extra")


class PydanticItem(Model):
    """The same of pydantic."""

    name: str
    at: dt.date | None = None
    tags: list[str] | None = None
    extra_things: dict[str, int] | None = Field(default=None, validation_alias="extra", serialization_alias="extra")


@dataclasses.dataclass(kw_only=True, slots=True)
class DataclassItem:
    """The same as a dataclass."""

    name: str
    at: dt.date | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    extra_things: dict[str, int] | msgspec.UnsetType = dataclasses.field(
        default=msgspec.UNSET, metadata={"name": "extra"}
    )


ITEMS = pytest.mark.parametrize("item", [Item, PydanticItem, DataclassItem])


def sent(body: Body, value: Any) -> Asked:
    """Return what a server receives of a body."""
    operation = Operation("POST /x", body=body, replies={"204": None})
    with API(lambda _: (204, {}, b"")) as api, runtime.Client(api.url, {}, {}) as client:
        call: Call[None] = Call(operation, {"body": value})
        assert client.finish(call, client.send(call)) is None
    return api.asked[0]


@ITEMS
def test_json(item: Any) -> None:
    """JSON has what is set, with the names of the document."""
    received = sent(JSON, item(name="é", at=dt.date(2026, 1, 2)))

    assert received.headers["Content-Type"] == "application/json"
    assert received.body == '{"name":"é","at":"2026-01-02"}'.encode()


@ITEMS
def test_a_form(item: Any) -> None:
    """A form writes spaces as "+" and an array as a field for each item; `encoding` chooses another style."""
    body = Body("application/x-www-form-urlencoded", {"extra": Part(style="deepObject", explode=True)})
    received = sent(body, item(name="a b&c", tags=["x", "y"], extra_things={"k": 1}))

    assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert received.body == b"name=a+b%26c&tags=x&tags=y&extra%5Bk%5D=1"


def test_multipart() -> None:
    """Each member is a part, each item of an array one of its own; objects are JSON, and files have names and types."""
    value = {
        "name": "A",
        "extra": {"k": 1},
        "files": [b"one", Upload(b"two", "two.png", "image/png")],
        "none": runtime.UNSET,
    }
    received = sent(Body("multipart/form-data", {"name": Part("text/markdown")}), value)
    content_type = str(received.headers["Content-Type"])
    boundary = content_type.partition("boundary=")[2]

    assert content_type.startswith("multipart/form-data; boundary=")
    assert received.body.decode().split(f"--{boundary}")[1:-1] == [
        '\r\nContent-Disposition: form-data; name="name"\r\nContent-Type: text/markdown\r\n\r\nA\r\n',
        '\r\nContent-Disposition: form-data; name="extra"\r\nContent-Type: application/json\r\n\r\n{"k":1}\r\n',
        (
            '\r\nContent-Disposition: form-data; name="files"; filename="upload"\r\n'
            "Content-Type: application/octet-stream\r\n\r\none\r\n"
        ),
        '\r\nContent-Disposition: form-data; name="files"; filename="two.png"\r\nContent-Type: image/png\r\n\r\ntwo\r\n',
    ]


@pytest.mark.parametrize(
    ("media_type", "value", "expected"),
    [
        ("application/octet-stream", b"\x00\xff", b"\x00\xff"),
        ("text/plain", "é", "é".encode()),
        ("application/xml", "<a/>", b"<a/>"),
        ("text/csv", "a,b\r\n", b"a,b\r\n"),
        ("image/png", Upload(b"png", content_type="image/png"), b"png"),
    ],
)
def test_other_bodies(media_type: str, value: Any, expected: bytes) -> None:
    """Bodies of other media types are what is given, under that type."""
    received = sent(Body(media_type), value)

    assert (received.headers["Content-Type"], received.body) == (media_type, expected)


def test_parts_by_name() -> None:
    """multipart/mixed has its parts in order, with the names of an object (OpenAPI 3.2, "Encoding By Name")."""
    value = {"meta": {"k": 1}, 'fi"le': Upload(b"\xff", "a.png", "image/png")}
    received = sent(Body("multipart/mixed", {"meta": Part("application/ld+json")}), value)
    content_type, _, boundary = str(received.headers["Content-Type"]).partition("; boundary=")

    assert content_type == "multipart/mixed"
    assert received.body.split(f"--{boundary}".encode()) == [
        b"",
        b'\r\nContent-Type: application/ld+json\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{"k":1}\r\n',
        b'\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name="fi%22le"; filename="a.png"\r\n\r\n\xff\r\n',
        b"--\r\n",
    ]


def test_parts_by_position() -> None:
    """An array is a part for each item, each encoded as its position says, or as all are (OpenAPI 3.2)."""
    received = sent(
        Body("multipart/related", {"0": Part("application/json"), "*": Part("text/csv")}), [{"a": 1}, "x", "y"]
    )
    boundary = str(received.headers["Content-Type"]).partition("boundary=")[2]

    assert received.body.decode().split(f"--{boundary}")[1:-1] == [
        '\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n',
        "\r\nContent-Type: text/csv\r\n\r\nx\r\n",
        "\r\nContent-Type: text/csv\r\n\r\ny\r\n",
    ]


MIXED = (
    b'preamble\r\n--b\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n'
    b"--b \r\n\r\n\xe9--b\r\n\r\n--b\r\nContent-Type: text/plain; charset=latin-1\r\n\r\n\xe9\r\n--b--\r\nepilogue"
)


def test_parts_of_a_reply(client_of: Any) -> None:
    """A reply in parts is a list of them, with their headers; without a boundary, or cut off, it is an error (RFC 2046, 5.1.1)."""
    operation = {"operationId": "fetch", "responses": {"200": {"description": "", "content": {"multipart/mixed": {}}}}}
    package = client_of(
        {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/items": {"get": operation}}}
    )
    replies = [(MIXED, "; boundary=b"), (MIXED, ""), (MIXED.partition(b"--b--")[0], "; boundary=b")]
    with API(lambda _: (200, {"Content-Type": f"multipart/mixed{replies[0][1]}"}, replies.pop(0)[0])) as api:
        with package.Client(api.url) as client:
            first, second, third = client.items.fetch()
            with pytest.raises(DecodingError, match="no boundary"):
                client.items.fetch()
            with pytest.raises(DecodingError, match="ends before"):
                client.items.fetch()

    assert first.json(dict[str, int]) == {"a": 1}
    assert first.headers["content-type"] == "application/json"
    assert (second.content, dict(second.headers)) == (b"\xe9--b\r\n", {})
    assert third.text == "é"


@ITEMS
def test_json_lines(item: Any) -> None:
    """A body of JSON lines has one JSON text on each."""
    assert sent(Body("application/jsonl"), [item(name="a"), {"b": 2}]).body == b'{"name":"a"}\n{"b":2}\n'


@pytest.mark.parametrize("media_type", ["*/*", "application/*"])
def test_what_may_be_anything(media_type: str) -> None:
    """A body of any media type is a file as it is, in the media type of its own, and JSON where it is no file."""
    body = Body(media_type)

    assert sent(body, {"a": 1}).body == b'{"a":1}'
    assert sent(body, {"a": 1}).headers["Content-Type"] == "application/json"
    assert sent(body, b"\x89").headers["Content-Type"] == "application/octet-stream"
    picture = sent(body, Upload(b"\x89", None, "image/png"))
    assert (picture.body, picture.headers["Content-Type"]) == (b"\x89", "image/png")


@pytest.mark.parametrize("schema", [{"contentMediaType": "*/*"}, {"type": "string", "format": "binary"}])
def test_files_of_any_media_type(client_of: Any, schema: Any) -> None:
    """A file of any media type is sent and read as it is."""
    content = {"content": {"*/*": {"schema": schema}}}
    operation = {
        "operationId": "put_x",
        "requestBody": {"required": True, **content},
        "responses": {"200": {"description": "", **content}},
    }
    package = client_of({"openapi": "3.2.0", "info": {"title": "T", "version": "1"}, "paths": {"/x": {"put": operation}}})  # fmt: skip
    with API(lambda asked: (200, {"Content-Type": "image/png"}, asked.body)) as api, package.Client(api.url) as client:
        assert client.x.put(body=Upload(b"\x89", None, "image/png")) == b"\x89"
    assert api.asked[0].headers["Content-Type"] == "image/png"


@ITEMS
def test_objects_in_parameters(item: Any) -> None:
    """A parameter may be a model: its members have the names of the document in every place."""
    value = item(name="a", extra_things={"k": 1})

    assert prepared(query("q", style="deepObject"), value).query == ["q%5Bname%5D=a", "q%5Bextra%5D%5Bk%5D=1"]
    assert prepared(header("X-Q", "q", media_type="application/json"), value).headers["X-Q"] == (
        '{"name":"a","extra":{"k":1}}'
    )


SCHEMES = {
    "basic": Scheme("basic", "", ("username", "password")),
    "bearer": Scheme("bearer", "bearer", ("token",)),
    "header": Scheme("header", "X-Key", ("key",)),
    "query": Scheme("query", "key", ("key",)),
    "cookie": Scheme("cookie", "session", ("session",)),
}


class Secured(runtime.Client):
    """A client that has credentials."""

    schemes = SCHEMES


@pytest.mark.parametrize(
    ("security", "credentials", "headers", "target"),
    [
        ((("basic",),), {"username": "Aladdin", "password": "open sesame"}, {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, "/x"),
        ((("bearer",),), {"token": "t"}, {"Authorization": "Bearer t"}, "/x"),
        ((("bearer",),), {"token": lambda: "made"}, {"Authorization": "Bearer made"}, "/x"),
        ((("header",),), {"key": "k"}, {"X-Key": "k"}, "/x"),
        ((("query",),), {"key": "k&"}, {}, "/x?key=k%26"),
        ((("cookie",),), {"session": "s"}, {"Cookie": "session=s"}, "/x"),
        ((("basic",), ("bearer", "header")), {"token": "t", "key": "k"}, {"Authorization": "Bearer t", "X-Key": "k"}, "/x"),
        ((), {"token": "t", "key": "k"}, {}, "/x"),
        (((), ("bearer",)), {}, {}, "/x"),
    ],
)  # fmt: skip
def test_credentials(security: Any, credentials: Any, headers: dict[str, str], target: str) -> None:
    """The first alternative whose credentials are there is sent, and nothing to operations that ask for none (RFC 7617, 6750)."""
    operation = Operation("GET /x", replies={"200": lambda: int}, security=security)
    with API(lambda _: as_json(1)) as api, Secured(api.url, credentials, {}) as client:
        call: Call[int] = Call(operation, {})
        assert client.finish(call, client.send(call)) == 1
    received = api.asked[0]

    assert received.target == target
    found = {name: received.headers[name] for name in ("Authorization", "X-Key", "Cookie") if name in received.headers}
    assert found == headers


def test_query_method(client_of: Any) -> None:
    """The method QUERY of OpenAPI 3.2 has a body."""
    operation = {
        "operationId": "search",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}}},
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "integer"}}}}},
    }  # fmt: skip
    package = client_of(
        {"openapi": "3.2.0", "info": {"title": "T", "version": "1"}, "paths": {"/items": {"query": operation}}}
    )
    with API(lambda _: as_json(3)) as api, package.Client(api.url) as client:
        assert client.items.search(body=[1, 2]) == 3

    assert (api.asked[0].method, api.asked[0].body) == ("QUERY", b"[1,2]")


def test_files_by_their_paths(tmp_path: Path) -> None:
    """A path is the file that it names, in a form with its name and as a body by itself."""
    (tmp_path / "a.bin").write_bytes(b"here")

    assert (
        b'filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\nhere\r\n'
        in sent(Body("multipart/form-data"), {"file": tmp_path / "a.bin"}).body
    )
    assert sent(Body("application/octet-stream"), tmp_path / "a.bin").body == b"here"
    assert sent(JSON, {"path": tmp_path}).body == msgspec.json.encode({"path": str(tmp_path)})
