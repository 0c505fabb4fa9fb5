"""Lists in pages: found or told, followed blocking and async, in both styles; bodies by their members; typed headers."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from borzoi import DecodingError
from borzoi.openapi import generate
from borzoi.openapi.plan import Selection
from tests.openapi.serving import API, Asked, Reply, as_json

ITEM = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
ITEMS = {"type": "array", "items": ITEM}
TEXT = {"type": "string"}
Answer = Callable[[Asked], Reply]


def document(parameters: list[str], body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document with a list, `client.things.list()`."""
    schema = body if body.get("type") == "array" else {"type": "object", "properties": body}
    response = {"description": "", "content": {"application/json": {"schema": schema}}, **more}
    numbers = ("offset", "page", "limit")
    operation = {
        "operationId": "list_things",
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "integer" if name in numbers else "string"}}
            for name in parameters
        ],
        "responses": {"200": response},
    }
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/things": {"get": operation}}}


def number(asked: Asked, name: str, default: int) -> int:
    """Return a parameter of a request."""
    found = [
        each.partition("=")[2] for each in asked.target.partition("?")[2].split("&") if each.startswith(f"{name}=")
    ]
    return int(found[0]) if found else default


def things(*ids: int) -> list[dict[str, int]]:
    """Return items."""
    return [{"id": each} for each in ids]


def by_cursor(asked: Asked) -> Reply:
    """Three pages, the last without a cursor."""
    at = number(asked, "cursor", 1)
    return as_json({"things": things(at), "next_cursor": str(at + 1) if at < 3 else None})


def by_nested_cursor(asked: Asked) -> Reply:
    """Three pages, the cursor in an object; the last names itself."""
    at = number(asked, "page_token", 1)
    return as_json({"things": things(at), "pagination": {"nextPageToken": str(min(at + 1, 3))}})


def by_last(asked: Asked) -> Reply:
    """Three pages; the next begins after an id."""
    at = number(asked, "after", 0) + 1
    return as_json({"data": things(at), "has_more": at < 3})


def by_offset(asked: Asked) -> Reply:
    """Four pages, of which the last is empty."""
    at = number(asked, "offset", 0) + 1
    return as_json(things(at) if at < 4 else [])


def by_page(asked: Asked) -> Reply:
    """Four pages, of which the last is empty."""
    at = number(asked, "page", 1)
    return as_json({"things": things(at) if at < 4 else []})


def by_url(asked: Asked) -> Reply:
    """Three pages; each names the URL of the next."""
    at = number(asked, "from", 1)
    return as_json({"results": things(at), "next": f"/things?from={at + 1}" if at < 3 else None})


def by_link(asked: Asked) -> Reply:
    """Three pages with Link headers (RFC 8288)."""
    at = number(asked, "from", 1)
    status, headers, body = as_json(things(at))
    return status, {**headers, "Link": f'</things?from={at + 1}>; rel="next"' if at < 3 else ""}, body


LINK = {"headers": {"Link": {"schema": TEXT}}}
CASES: list[tuple[dict[str, Any], Answer, int]] = [
    (document(["cursor"], {"things": ITEMS, "next_cursor": {"type": ["string", "null"]}}), by_cursor, 3),
    (
        document(
            ["page_token"],
            {"things": ITEMS, "pagination": {"type": "object", "properties": {"nextPageToken": TEXT}}, "tags": ITEMS},
        ),
        by_nested_cursor,
        3,
    ),
    (document(["after", "limit"], {"data": ITEMS, "has_more": {"type": "boolean"}}), by_last, 3),
    (document(["offset", "limit"], ITEMS), by_offset, 4),
    (document(["page"], {"things": ITEMS}), by_page, 4),
    (document([], {"results": ITEMS, "next": {"type": ["string", "null"]}}), by_url, 3),
    (document(["page"], ITEMS, **LINK), by_link, 3),
]


@pytest.mark.parametrize(("spec", "answer", "requests"), CASES, ids=[case[1].__name__ for case in CASES])
def test_pages_are_followed(client_of: Any, spec: dict[str, Any], answer: Answer, requests: int) -> None:
    """A list gives the items of all pages in order, blocking and async, in both styles, and asks for each page once."""
    told = {"list_things": {"kind": "url", "items": "results", "next": "next"}} if answer is by_url else {}
    package = client_of(spec, selection=Selection(pagination=told))
    list_things = importlib.import_module(f"{package.__name__}.api.default").list_things

    async def run(url: str) -> list[list[int]]:
        async with package.AsyncClient(url) as client, package.Client(url) as other:
            first = await client.things.list()
            return [
                [item.id async for item in client.things.list()],
                [item.id async for item in first],
                [item.id async for page in client.things.list().pages() for item in page.items],
                [item.id async for item in list_things.asyncio_pages(client=other)],
            ]

    with API(answer) as api, package.Client(api.url) as client:
        assert [item.id for item in client.things.list()] == [1, 2, 3]
        assert len(api.asked) == requests
        assert [item.id for item in list_things.sync_pages(client=client)] == [1, 2, 3]
        assert [[item.id for item in page.items] for page in client.things.list().pages()][:3] == [[1], [2], [3]]
        assert asyncio.run(run(api.url)) == [[1, 2, 3]] * 4
        body = list_things.sync(client=client)
        assert client.things.with_response.list().data == body == client.things.list().data


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("page", {}, 1),
        ("page", {"default": 1, "minimum": 0}, 1),
        ("page", {"default": 0}, 0),
        ("page", {"minimum": 0}, 0),
        ("page", {"default": True}, 1),
        ("offset", {"default": 1}, 1),
        ("offset", {"minimum": 0}, 0),
    ],
)
@pytest.mark.parametrize("told", [{}, {"list_things": {"kind": "page"}}])
def test_the_first_number(
    client_of: Any, name: str, schema: dict[str, Any], expected: int, told: dict[str, Any]
) -> None:
    """Numbers begin where the document says that they do: no page is left out, and none is read twice."""
    pages = {expected + count: things(count) for count in range(3)}

    def answer(asked: Asked) -> Reply:
        return as_json(pages.get(number(asked, name, expected), []))

    spec = document([name], ITEMS)
    spec["paths"]["/things"]["get"]["parameters"][0]["schema"].update(schema)
    settings = {key: {"kind": name, "parameter": name} for key in told}
    package = client_of(spec, selection=Selection(pagination=settings))
    with API(answer) as api, package.Client(api.url) as client:
        assert [item.id for item in client.things.list()] == [0, 1, 2]
        assert len(api.asked) == 4


def test_a_loop_over_pages_that_is_left(client_of: Any) -> None:
    """A loop may be left early under trio, too, which warns of async generators; what was not asked for is not read."""
    package = client_of(CASES[0][0])

    async def run(url: str) -> list[int]:
        async with package.AsyncClient(url) as client:
            async for item in client.things.list():
                return [item.id]
        return []

    with API(by_cursor) as api:
        assert trio.run(run, api.url) == [1]
    assert len(api.asked) == 1


def test_a_page(client_of: Any) -> None:
    """A page has its items, its body, its response and the next one, and keeps the arguments of the call."""
    package = client_of(CASES[3][0])
    with API(by_offset) as api, package.Client(api.url) as client:
        page = client.things.list(limit=1, offset=1)
        assert (len(page), bool(page), page.http.status_code) == (1, True, 200)
        assert page.next().next().items == []
        assert page.next().next().next() is None

    assert [each.target for each in api.asked][:2] == ["/things?limit=1&offset=1", "/things?limit=1&offset=2"] or [
        each.target for each in api.asked
    ][:2] == ["/things?offset=1&limit=1", "/things?offset=2&limit=1"]


def test_another_server_gets_nothing(client_of: Any) -> None:
    """A next page at another origin is refused: the credentials of the client would go along."""
    package = client_of(CASES[6][0])

    def answer(asked: Asked) -> Reply:
        status, headers, body = as_json(things(1))
        return status, {**headers, "Link": '<http://other.invalid/things>; rel="next"'}, body

    with API(answer) as api, package.Client(api.url) as client:
        with pytest.raises(DecodingError, match=r"another server, http://other\.invalid"):
            list(client.things.list())


@pytest.mark.parametrize("told", [{"list_things": False}, {"list_things": {"kind": "page", "items": "nothing"}}])
def test_what_is_told_is_done(client_of: Any, told: Any) -> None:
    """A list that is told to have no pages, or none that fits, gives its body."""
    package = client_of(CASES[4][0], selection=Selection(pagination=told))
    with API(by_page) as api, package.Client(api.url) as client:
        assert client.things.list().things[0].id == 1


def test_a_url_is_followed_with_get(client_of: Any) -> None:
    """The pages after one that was asked for with a body are where it says, and have none (RFC 9110, section 9.3.1)."""
    reply = {
        "type": "object",
        "properties": {"pets": {"type": "array", "items": {"type": "integer"}}, "next": {"type": "string"}},
    }
    operation = {
        "operationId": "find", "tags": ["x"], "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": reply}}}},
    }  # fmt: skip
    told = {"find": {"kind": "url", "items": "pets", "next": "next"}}
    spec = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/x": {"post": operation}}}
    package = client_of(spec, selection=Selection(pagination=told))
    with (
        API(lambda asked: as_json({"pets": [1], "next": "/x/2"} if asked.method == "POST" else {"pets": [2]})) as api,
        package.Client(api.url) as client,
    ):
        assert list(client.x.find(body={"a": 1})) == [1, 2]
    assert [(asked.method, asked.target, asked.body) for asked in api.asked] == [
        ("POST", "/x", b'{"a":1}'),
        ("GET", "/x/2", b""),
    ]
    assert "Content-Type" not in api.asked[1].headers


def test_a_list_without_pages_is_none(client_of: Any) -> None:
    """A limit alone is no page, and neither is a member that only looks like a cursor."""
    package = client_of(document(["limit"], {"things": ITEMS, "next": TEXT}))
    with API(by_page) as api, package.Client(api.url) as client:
        assert client.things.list().things[0].id == 1


CREATE = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        "/orgs/{org}/users": {
            "post": {
                "operationId": "create_user",
                "tags": ["users"],
                "parameters": [
                    {"name": "org", "in": "path", "required": True, "schema": TEXT},
                    {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}},
                },
                "responses": {
                    "201": {
                        "description": "",
                        "headers": {
                            "X-Left": {"schema": {"type": "integer"}},
                            "X-Tags": {"schema": {"type": "array", "items": TEXT}},
                            "Keys": {"schema": TEXT},
                        },
                        "content": {"application/json": {"schema": TEXT}},
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "User": {
                "type": "object",
                "required": ["displayName"],
                "properties": {"displayName": TEXT, "age": {"type": "integer"}},
            }
        }
    },
}


def test_members_of_a_body(client_of: Any) -> None:
    """A body is given as a model, as a dict, or by its members; what is missing or unknown is a TypeError."""
    package = client_of(CREATE)
    models = importlib.import_module(f"{package.__name__}.models")

    async def run(url: str) -> None:
        async with package.AsyncClient(url) as client:
            await client.users.create("o", display_name="A", dry=False)

    with API(lambda _: as_json("made", 201)) as api, package.Client(api.url) as client:
        client.users.create("o", display_name="A", age=3, dry=True)
        client.users.create(org="o", body=models.User(display_name="A"))
        client.users.create("o", body={"displayName": "A"})
        asyncio.run(run(api.url))
        for wrong in ({}, {"age": 3}, {"name": "A"}, {"body": {}, "age": 3}):
            with pytest.raises(TypeError, match="argument"):
                client.users.create("o", **wrong)
        with pytest.raises(TypeError, match="org"):
            client.users.create(display_name="A")

    assert [json.loads(each.body) for each in api.asked] == [
        {"displayName": "A", "age": 3},
        *[{"displayName": "A"}] * 3,
    ]
    assert [each.target for each in api.asked] == [
        f"/orgs/o/users{query}" for query in ("?dry=true", "", "", "?dry=false")
    ]


def test_typed_headers(client_of: Any) -> None:
    """Declared headers are attributes in their types: None where absent, text where they do not fit; all stay there by name."""
    package = client_of(CREATE)
    create = importlib.import_module(f"{package.__name__}.api.users").create_user
    given = [{"X-Left": "7", "X-Tags": "a, b", "Keys": "k"}, {"X-Left": "many"}]

    def answer(_: Asked) -> Reply:
        status, headers, body = as_json("made", 201)
        return status, {**headers, **given.pop(0)}, body

    with API(answer) as api, package.Client(api.url) as client:
        found = client.users.with_response.create("o", display_name="A").headers
        assert (found.x_left, found.x_tags, found.keys_, found["x-left"]) == (7, ["a", "b"], "k", "7")
        odd = create.sync_detailed("o", client=client, body={"displayName": "A"}).headers
        assert (odd.x_left, odd.x_tags) == ("many", None)


def test_long_names_are_laid_out(tmp_path: Path) -> None:
    """What a method returns is broken where it has no room, as ruff does it, in its own brackets."""
    long = "a_list_of_things_with_a_name_that_fills_a_line"
    item = {"type": "object", "properties": {"id": {"type": "integer"}}}
    paths: dict[str, Any] = {}
    for length in (20, 34, 46):
        schema = {"type": "object", "properties": {f"{long[:length]}_found": {"type": "array", "items": item}}}
        nested = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": item}}
        for name, reply in (("pages", schema), ("maps", nested)):
            operation = document(["page"], {})["paths"]["/things"]["get"]
            operation["operationId"] = f"{name}_{long[:length]}"
            operation["responses"]["200"]["content"]["application/json"]["schema"] = reply
            paths[f"/{name}{length}"] = {"get": operation}
    (tmp_path / "api.json").write_text(json.dumps({**document([], {}), "paths": paths}))
    generate(tmp_path / "api.json", output=tmp_path / "made")

    command = [sys.executable, "-m", "ruff", "format", "--diff", "--no-cache", "made"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr
