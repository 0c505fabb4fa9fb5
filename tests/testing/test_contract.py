"""Mocks held to an OpenAPI document: what is wrong is found, and whoever is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.openapi.document import parsed_document
from borzoi.testing import Cassette, Contract, ContractViolation, Mock, UnmatchedRequest, event, mock, wait
from borzoi.testing.contract_patterns import matching
from scripts import openapi_replies
from tests.worlds.fixture import *  # noqa: F403
from tests.worlds.world import World

BASE = "https://api.test/v1"


def schema(**members: Any) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "properties": members}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
USER = {
    "type": "object",
    "required": ["id", "name", "password"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "readOnly": True},
        "name": TEXT,
        "password": {"type": "string", "writeOnly": True},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": True, "maximum": 200},
        "nick": {"type": "string", "nullable": True},
        "boss": {"$ref": "#/components/schemas/User"},
    },
}
USERS = {"type": "array", "items": {"$ref": "#/components/schemas/User"}}
ID = "00000000-0000-4000-8000-000000000000"
ADMIN = {"id": ID, "name": "Admin"}


def content(of: Any, **more: Any) -> dict[str, Any]:
    """Return a content in JSON."""
    return {"content": {"application/json": {"schema": of, **more}}}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Users", "version": "1"},
    "servers": [{"url": "https://{name}.test/v1", "variables": {"name": {"default": "api"}}}],
    "security": [{"token": []}],
    "paths": {
        "/users": {
            "get": {
                "operationId": "listUsers",
                "parameters": [
                    {"name": "limit", "in": "query", "required": True, "schema": NUMBER},
                    {"name": "tags", "in": "query", "explode": False, "schema": {"type": "array", "items": TEXT}},
                    {"name": "ids", "in": "query", "schema": {"type": "array", "items": NUMBER}},
                    {"name": "near", "in": "query", "style": "deepObject", "schema": schema(x=NUMBER, y=NUMBER)},
                    {"name": "box", "in": "query", "schema": schema(left=NUMBER, right=NUMBER)},
                    {"name": "q", "in": "query", "content": {"application/json": {"schema": schema(a=NUMBER)}}},
                    {"name": "X-Ids", "in": "header", "schema": {"type": "array", "items": NUMBER}},
                    {"name": "flag", "in": "cookie", "schema": {"type": "boolean"}},
                ],
                "responses": {
                    "200": {"description": "", "headers": {"X-Total": {"required": True, "schema": NUMBER}}, **content(USERS)},
                    "4XX": {"description": "", **content(schema(reason=TEXT))},
                },
            },
            "post": {
                "operationId": "addUser",
                "requestBody": {"required": True, **content({"$ref": "#/components/schemas/User"})},
                "responses": {"201": {"description": "", **content({"$ref": "#/components/schemas/User"})}},
            },
        },
        "/users/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}],
            "get": {
                "operationId": "getUser",
                "responses": {
                    "200": {"description": "", **content(
                        {"$ref": "#/components/schemas/User"},
                        examples={"admin": {"value": ADMIN}, "broken": {"value": {"id": 7}}},
                    )},
                    "404": {"description": ""},
                },
            },
            "put": {
                "operationId": "setPicture",
                "security": [],
                "requestBody": {"content": {
                    "application/x-www-form-urlencoded": {"schema": {**schema(age=NUMBER, tags=USERS | {"items": NUMBER}), "required": ["age"]}},
                    "multipart/form-data": {"schema": {**schema(file=TEXT, meta=schema(a=NUMBER)), "required": ["file"]}},
                    "image/*": {},
                }},
                "responses": {"204": {"description": ""}},
            },
        },
        "/feed": {"get": {"operationId": "feed", "security": [{"key": []}, {"login": []}],
                          "responses": {"200": {"description": "", "content": {"text/event-stream": {}}}}}},
        "/shapes/{point}/{list}/{matrix}": {
            "get": {
                "operationId": "shapes", "security": [],
                "parameters": [
                    {"name": "point", "in": "path", "required": True, "style": "label", "schema": {**schema(x=NUMBER, y=NUMBER), "additionalProperties": False}},
                    {"name": "list", "in": "path", "required": True, "schema": {"type": "array", "items": NUMBER}},
                    {"name": "matrix", "in": "path", "required": True, "style": "matrix", "explode": True, "schema": {"type": "array", "items": NUMBER}},
                    {"name": "piped", "in": "query", "style": "pipeDelimited", "explode": False, "schema": {"type": "array", "items": NUMBER}},
                ],
                "responses": {"200": {"description": "", "content": {"text/plain": {}}}},
            },
        },
    },
    "components": {
        "schemas": {"User": USER},
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "query", "name": "k"},
            "login": {"type": "openIdConnect", "openIdConnectUrl": "https://h"},
        },
    },
}  # fmt: skip
TOKEN = {"Authorization": "Bearer t"}
DEFAULTS: dict[str, Any] = {"headers": TOKEN}


def contract_of(m: Mock, document: dict[str, Any] = DOCUMENT, **settings: Any) -> Contract:
    """Return the contract of a document, attached to a mock."""
    return Contract(parsed_document(json.dumps(document).encode()), **settings).attach(m)


def called(m: Mock, method: str, url: str, **arguments: Any) -> borzoi.Response:
    """Send a request with credentials."""
    with borzoi.Client(trust_env=False, base_url=BASE) as client:
        return client.request(method, url, **{**DEFAULTS, **arguments})


def test_answers_come_from_the_document(world: World) -> None:
    """What no route answers is answered with an example, or with a value made from the schema, in every world."""

    async def body() -> tuple[Any, Any]:
        async with world.client(trust_env=False, base_url=BASE, headers=TOKEN) as client:
            users = await client.get("/users?limit=5")
            user = await client.get(f"/users/{ID}")
            return users, user.json()

    with mock() as m:
        contract = contract_of(m)
        users, user = world.run(body)
        contract.verify()
    assert user == ADMIN
    assert users.headers["X-Total"] == "1"
    (first,) = users.json()
    assert first["name"] == "text"
    assert "password" not in first


def test_an_operation_is_told_what_to_answer() -> None:
    """An example by its name, a status with what the document has for it, and a body of the test's own."""
    with mock() as m:
        contract = contract_of(m, base=BASE)
        contract["getUser"].example("admin")
        assert called(m, "GET", f"/users/{ID}").json() == ADMIN
        contract["getUser"].status(404)
        assert called(m, "GET", f"/users/{ID}").status_code == 404
        limited = contract["GET /users"].status(429, headers={"Retry-After": "2"})
        assert contract["listUsers"] is limited
        response = called(m, "GET", "/users?limit=1")
        assert (response.headers["Retry-After"], response.json()) == ("2", {"reason": "text"})
        contract["listUsers"].status(200, json=[], headers={"X-Total": "0"})
        assert called(m, "GET", "/users?limit=1").json() == []
        contract["addUser"].status(201, json=None)
        assert called(m, "POST", "/users", json={"name": "a", "password": "b"}).json() is None
        with pytest.raises(KeyError, match="no example 'gone': there is admin, broken"):
            contract["getUser"].example("gone")
        with pytest.raises(KeyError, match="no operation 'gone'"):
            contract["gone"]
        with pytest.raises(ContractViolation, match="the mock is wrong"):
            contract.verify()


GOOD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lists": ("GET", "/users?limit=1&tags=a,b&ids=1&ids=2", {}),
    "objects": ("GET", "/users?limit=1&near%5Bx%5D=1&near[y]=2&left=1&right=2", {}),
    "JSON in a query": ("GET", '/users?limit=1&q=%7B"a":1%7D', {}),
    "headers and cookies": ("GET", "/users?limit=1", {"headers": {**TOKEN, "X-Ids": "1,2", "Cookie": "flag=true"}}),
    "a body": ("POST", "/users", {"json": {"name": "a", "password": "b", "nick": None}}),
    "a form": ("PUT", f"/users/{ID}", {"data": {"age": "1", "tags": ["2", "3"]}, "headers": {}}),
    "files": ("PUT", f"/users/{ID}", {"files": {"file": b"x", "meta": (None, '{"a": 1}')}, "headers": {}}),
    "a picture": ("PUT", f"/users/{ID}", {"content": b"x", "headers": {"Content-Type": "image/png"}}),
    "no body": ("PUT", f"/users/{ID}", {"headers": {}}),
    "shapes": ("GET", "/shapes/.x,1,y,2/1,2/;matrix=1;matrix=2?piped=1%7C2", {"headers": {}}),
    "a key": ("GET", "/feed?k=1", {"headers": {}}),
    "a login": ("GET", "/feed", {}),
    "another place": ("GET", "https://other.test/x", {}),
}


@pytest.mark.parametrize("name", GOOD)
def test_right_requests(name: str) -> None:
    """A request as the document has it is no violation, whatever the style of its parameters."""
    method, url, arguments = GOOD[name]
    with mock() as m:
        contract = contract_of(m)
        m.get("https://other.test/x").optional()
        called(m, method, url, **arguments)
        assert contract.report() is None


BUGS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "another path": ("GET", "/usres", {}, "the document has no such path (#/paths)"),
    "another method": ("DELETE", "/users", {}, "the document has only GET, POST for this path (#/paths)"),
    "a missing parameter": ("GET", "/users", {}, "'limit' is required, and was not sent (#/paths/~1users/get/parameters/0)"),
    "a wrong type": ("GET", "/users?limit=x", {}, "'limit': \"x\" is not of type \"integer\" (#/paths/~1users/get/parameters/0/schema)"),
    "a wrong item": ("GET", "/users?limit=1&ids=x", {}, "'ids' at /0: \"x\" is not"),
    "a parameter twice": ("GET", "/users?limit=1&limit=2", {}, "'limit': [1,2] is not of type"),
    "NaN": ("POST", "/users", {"content": b'{"name": "a", "password": "b", "more": NaN}', "headers": {**TOKEN, "Content-Type": "application/json"}}, "the body is no JSON"),
    "a wrong style": ("GET", "/users?limit=1&ids=1,2", {}, "'ids' at /0: \"1,2\" is not"),
    "a wrong member": ("GET", "/users?limit=1&near[x]=a", {}, "'near' at /x: \"a\" is not"),
    "a wrong header": ("GET", "/users?limit=1", {"headers": {**TOKEN, "X-Ids": "a"}}, "header parameter 'X-Ids' at /0"),
    "a wrong cookie": ("GET", "/users?limit=1", {"headers": {**TOKEN, "Cookie": "flag=yes"}}, "cookie parameter 'flag'"),
    "a parameter nobody knows": ("GET", "/users?limit=1&size=2", {}, "the query parameter 'size' is not in the document"),
    "a wrong path": ("GET", "/users/7", {}, "path parameter 'id': \"7\" is not a \"uuid\""),
    "a wrong label": ("GET", "/shapes/.z,1/1/;matrix=1", {"headers": {}}, "'point': Additional properties are not allowed"),
    "no credentials": ("GET", "/users?limit=1", {"headers": {}}, "no credentials came with it: token is asked for"),
    "no key": ("GET", "/feed", {"headers": {}}, "key or login is asked for"),
    "no body": ("POST", "/users", {}, "a body is required, and there was none (#/paths/~1users/post/requestBody)"),
    "a body nobody knows": ("GET", "/users?limit=1", {"json": 1}, "a body was sent, and the document has none"),
    "a media type": ("POST", "/users", {"content": b"a", "headers": {**TOKEN, "Content-Type": "text/csv"}}, "of type 'text/csv', and the document has application/json"),
    "no JSON": ("POST", "/users", {"content": b"a", "headers": {**TOKEN, "Content-Type": "application/json"}}, "the body is no JSON"),
    "a missing member": ("POST", "/users", {"json": {"name": "a"}}, "the body: \"password\" is a required property (#/components/schemas/User)"),
    "a member of another type": ("POST", "/users", {"json": {"name": 1, "password": "b"}}, "the body at /name: 1 is not of type"),
    "a limit": ("POST", "/users", {"json": {"name": "a", "password": "b", "age": 200}}, "the body at /age: 200 is greater"),
    "deep inside": ("POST", "/users", {"json": {"name": "a", "password": "b", "boss": {"name": "c", "password": 1}}}, "at /boss/password"),
    "a wrong form": ("PUT", f"/users/{ID}", {"data": {"age": "x"}, "headers": {}}, "the body at /age: \"x\" is not"),
    "no JSON in a form": ("PUT", f"/users/{ID}", {"files": {"file": b"x", "meta": (None, "{a")}, "headers": {}}, "the body at /meta: \"{a\" is not of type"),
    "a missing file": ("PUT", f"/users/{ID}", {"files": {"other": b"x"}, "headers": {}}, "\"file\" is a required property"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUGS)
def test_bugs_of_the_code(name: str) -> None:
    """Each bug in what is sent is found, once, with the place in the document, and the code is blamed."""
    method, url, arguments, said = BUGS[name]
    with mock() as m:
        contract = contract_of(m)
        if "path" in said.partition("(")[0] and "parameter" not in said:
            with pytest.raises(UnmatchedRequest):
                called(m, method, url, **arguments)
            m.unmatched.clear()
        else:
            called(m, method, url, **arguments)
        assert [(each.who, said in str(each)) for each in contract.violations] == [("the code", True)], (
            contract.report()
        )


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a status": ({"status": 500}, "the status 500 is not in the document, which has 200, 4XX"),
    "a body": ({"json": {"id": 7}, "headers": {"X-Total": "1"}}, "the body: {\"id\":7} is not of type \"array\""),
    "a member": ({"json": [{"id": 7, "name": "a"}], "headers": {"X-Total": "1"}}, "the body at /0/id: 7 is not"),
    "a missing member": ({"json": [{"name": "a"}], "headers": {"X-Total": "1"}}, "the body at /0: \"id\" is a required property"),
    "a missing header": ({"json": []}, "the header 'X-Total' is required, and is not there"),
    "a wrong header": ({"json": [], "headers": {"X-Total": "many"}}, "the header 'X-Total': \"many\" is not of type"),
    "a media type": ({"text": "a", "headers": {"X-Total": "1"}}, "it is of type 'text/plain; charset=utf-8', and the document has application/json"),
    "no JSON": ({"content": "a", "headers": {"X-Total": "1", "Content-Type": "application/json"}}, "the body is no JSON"),
    "an error": ({"status": 404, "json": {"reason": 1}}, "the body at /reason: 1 is not"),
}  # fmt: skip


@pytest.mark.parametrize("as_function", [False, True])
@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_of_mocks(name: str, as_function: bool) -> None:
    """A reply that a test wrote, or made by a function, and that does not fit is found, and the mock is blamed."""
    arguments, said = MISTAKES[name]
    with mock() as m:
        contract = contract_of(m)
        route = m.get(f"{BASE}/users")
        if as_function:
            route.reply(lambda _: borzoi.testing.reply(**arguments))
        else:
            route.reply(arguments.get("status", 200), **{k: v for k, v in arguments.items() if k != "status"})
        called(m, "GET", "/users?limit=1")
        assert [(each.who, said in str(each)) for each in contract.violations] == [("the mock", True)], (
            contract.report()
        )


def test_streams_and_empty_replies_are_let_be() -> None:
    """A body that comes in pieces is not read; a body where the document has none is a mistake."""
    with mock() as m:
        contract = contract_of(m)
        m.get(f"{BASE}/feed").sse(event("a"), wait(1), borzoi.testing.close())
        m.get(f"{BASE}/users/{ID}").replies((404, "nobody"), 404)
        called(m, "GET", "/feed")
        called(m, "GET", f"/users/{ID}")
        called(m, "GET", f"/users/{ID}")
        assert [each.reason for each in contract.violations] == ["it has a body, and the document has none for it"]


def test_bugs_of_the_document() -> None:
    """An example that does not fit its schema, or a schema that cannot be used, is the document's fault."""
    broken: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    broken["paths"]["/users"]["get"]["responses"]["200"]["content"] = {
        "application/json": {"schema": {"type": "array", "items": {"type": "nonsense"}}}
    }
    with mock() as m:
        contract = contract_of(m, broken)
        contract["getUser"].example("broken")
        called(m, "GET", f"/users/{ID}")
        called(m, "GET", "/users?limit=1")
        assert {each.who for each in contract.violations} == {"the document"}
        report = contract.report()
    assert report is not None
    assert report.startswith(
        "The contract 'Users' is broken:\n  the document is wrong:\n    GET https://api.test/v1/users/"
    )
    assert "cannot be used" in report


def test_an_example_that_does_not_fit_is_passed_over() -> None:
    """Of the examples the first that fits is answered, where the test names none."""
    document = json.loads(json.dumps(DOCUMENT))
    media = document["paths"]["/users/{id}"]["get"]["responses"]["200"]["content"]["application/json"]
    media["examples"] = {"broken": {"value": {"id": 7}}, "admin": {"value": ADMIN}}
    with mock() as m:
        contract = contract_of(m, document)
        assert called(m, "GET", f"/users/{ID}").json() == ADMIN
        assert contract.report() is None


def test_a_document_without_a_server() -> None:
    """Where the document names no server, the test has to."""
    with pytest.raises(ValueError, match="names no server"):
        Contract(parsed_document(json.dumps({**DOCUMENT, "servers": [{"url": "/v1"}]}).encode()))


@pytest.mark.parametrize("number", range(4))
def test_fuzzed_replies_fit(number: int) -> None:
    """Unusual replies are replies that the document has: what chooses them decides what they are."""
    with mock() as m:
        contract = contract_of(m)
        contract.fuzz("listUsers", lambda count: min(number, count - 1))
        users = called(m, "GET", "/users?limit=1").json()
        assert contract.report() is None
        contract["listUsers"].choose = None
    assert len(users) == number


def test_fuzzing_shrinks() -> None:
    """With Hypothesis choosing, the smallest reply that breaks a program is found."""
    from hypothesis import HealthCheck, find, settings
    from hypothesis import strategies as st

    contract = Contract(parsed_document(json.dumps(DOCUMENT).encode()))

    def breaks(choices: list[int]) -> bool:
        left = iter(choices)
        with mock() as m:
            contract.attach(m).fuzz("listUsers", lambda count: min(next(left, 0), count - 1))
            return len(called(m, "GET", "/users?limit=1").json()) > 1

    limits = settings(max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    # Two users, and nothing else that is unusual.
    assert find(st.lists(st.integers(0, 3), min_size=1, max_size=4), breaks, settings=limits) == [0, 2]


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"^[a-z]{3}-\d+$", 0), (r"\w+@\w+\.com", 0), (r"^(foo|bar)?x*$", 0), (r"^[^a]+$", 5), (r"^[A-Z]*$", 4), (r"(?i:ab).", 0),
        (r"^\S+\s$", 0), (r"[^\d\sa-z]", 0), (r"^x[^x]$", 0), (r"(?>a+)b++", 0),
    ],
)  # fmt: skip
def test_texts_for_patterns(pattern: str, least: int) -> None:
    """A text that a pattern matches, and that is long enough."""
    import re

    text = matching(pattern, least)

    assert re.search(pattern, text)
    assert len(text) >= least
    assert matching("[", 3) == "aaa"
    assert matching("a*", 0, 2) == ""
    assert len(matching("^$", 3)) == 3


def test_replies_of_published_documents_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """Every status of every operation of the published documents has a reply that fits, but where no value does."""
    assert openapi_replies.main([]) == 0
    listed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    #")]
    place = "    #/paths/~1types~1unions~1duplicate-types/post/responses"
    assert listed == [f"{place}/200: {openapi_replies.SAME}"]


def test_alternatives_that_are_one_and_the_same_have_no_value() -> None:
    """What is excused is so: whatever fits an alternative fits the other, and whatever fits one alone does not exist."""
    import jsonschema_rs

    for schema in ({"type": "object"}, {"type": "string"}, {}, False):
        alone = jsonschema_rs.Draft202012Validator(schema)
        either = jsonschema_rs.Draft202012Validator({"oneOf": [schema, schema]})
        for value in (None, True, 0, 1.5, "", "text", [], [1], {}, {"a": 1}):
            assert not either.is_valid(value), (schema, value, alone.is_valid(value))


def test_a_reply_that_does_not_fit_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table ends with status 1 where a document contradicts itself in a way that is not known."""
    never = {"type": "string", "minLength": 5, "maxLength": 2}
    paths = {"/a": {"get": {"responses": {"default": content(never), "2XX": content(TEXT)}}}}
    (tmp_path / "a.json").write_text(
        json.dumps({"openapi": "3.1.0", "info": {"title": "A", "version": "1"}, "paths": paths})
    )
    assert openapi_replies.main([str(tmp_path)]) == 1
    assert "responses/default: GET /a: 599: the body" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([schema(a=TEXT), schema(b=NUMBER)], {"a": "text", "b": "text"}),
        ([schema(a=TEXT), {**schema(a=TEXT), "additionalProperties": False}], {"a": "text", "other": "text"}),
        ([{"type": "object"}, schema(a=NUMBER), {}], "text"),
        ([schema(a=TEXT), schema(a=TEXT, b=NUMBER), schema(a=TEXT, c=NUMBER)], {"a": "text", "b": "text", "c": "text"}),
    ],
)
def test_one_alternative_alone_fits(members: list[Any], expected: Any) -> None:
    """Where oneOf's alternatives are open objects, what is made for one is not the others'."""
    document = {
        **DOCUMENT,
        "paths": {"/v": {"get": {"operationId": "v", "responses": {"200": content({"oneOf": members})}}}},
    }
    contract = Contract(parsed_document(json.dumps(document).encode()))
    body = json.loads(b"".join(contract["v"].reply()[0].pieces))  # type: ignore[arg-type]

    assert contract.fits(contract["v"].operation.response(200)["content"]["application/json"]["schema"], body)  # type: ignore[index]
    assert body == expected


@pytest.mark.parametrize(
    "of", [{"type": "object"}, {"type": "object", "additionalProperties": NUMBER, "properties": {"a": TEXT}}]
)
def test_an_object_of_any_names_takes_the_rest_of_a_query(of: dict[str, Any]) -> None:
    """Members of an exploded object that may have any name are no unknown parameters; other parameters keep theirs."""
    parameters = [{"name": "filter", "in": "query", "schema": of}, {"name": "limit", "in": "query", "schema": NUMBER}]
    item = {"get": {"parameters": parameters, "responses": {"204": {"description": ""}}, "security": [{"key": []}]}}
    with mock() as m:
        contract = contract_of(m, {**DOCUMENT, "paths": {"/v": item}})
        called(m, "GET", "/v?a=x&b=2&limit=3&k=secret", headers={})
        contract.verify()
        called(m, "GET", "/v?b=x&limit=y&k=secret", headers={})
        wrong = ["'filter' at /b", "'limit'"] if "additionalProperties" in of else ["'limit'"]
        assert [each.reason.partition(" parameter ")[2].partition(":")[0] for each in contract.violations] == wrong[
            ::-1
        ]


def test_names_are_no_keywords() -> None:
    """Members and responses may be named as keywords are, and a `$ref` among properties is nothing to go by."""
    odd = {
        "nullable": TEXT,
        "default": {"type": "string", "nullable": True},
        "$ref": "x.yaml#/y",
        "properties": {"type": "array", "items": TEXT},
    }
    whole = {"type": "object", "required": list(odd), "properties": odd}
    document = {
        **DOCUMENT,
        "paths": {"/v": {"get": {"operationId": "v", "security": [], "responses": {"default": content(whole)}}}},
    }
    with mock() as m:
        contract = contract_of(m, document, base=BASE)
        contract["v"].status(200, json={"nullable": "a", "default": None, "properties": ["b"], "$ref": 1})
        called(m, "GET", "/v", headers={})
        contract.verify()
        contract["v"].status(200, json={"nullable": None, "default": None, "properties": ["b"], "$ref": 1})
        called(m, "GET", "/v", headers={})
        assert [each.reason for each in contract.violations] == ['the body at /nullable: null is not of type "string"']


PASSING = """
import borzoi, pytest

@pytest.mark.http_contract("api.json", base="https://api.test/v1")
def test_it(http_contract):
    http_contract["getUser"].example("admin")
    url = "https://api.test/v1/users/00000000-0000-4000-8000-000000000000"
    assert borzoi.get(url, headers={"Authorization": "Bearer t"}).json()["name"] == "Admin"

@pytest.mark.http_contract("api.json")
def test_the_marker_is_enough():
    assert borzoi.get("https://api.test/v1/users?limit=1", headers={"Authorization": "Bearer t"}).status_code == 200
"""
FAILING = """
import borzoi, pytest

@pytest.mark.http_contract("api.json")
def test_it(http_mock):
    http_mock.get("https://api.test/v1/users").reply(json=[], headers={"X-Total": "x"})
    borzoi.get("https://api.test/v1/users")

def test_no_document(http_contract):
    pass
"""


@pytest.fixture
def place(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the document."""
    pytester.makefile(".json", api=json.dumps(DOCUMENT))
    return pytester


def test_the_fixture(place: pytest.Pytester) -> None:
    """The marker names the document; the run ends with what was answered, by operation and status."""
    place.makepyfile(PASSING)
    result = place.runpytest("-p", "no:cacheprovider", "-p", "no:asyncio")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*contract 'Users'*of 6 operations*", "GET /users * 200 x*4XX -*", "GET /users/{id} * 200 x*404 *"]
    )


def test_the_fixture_fails_tests(place: pytest.Pytester) -> None:
    """What does not fit fails the test at its end, with who is wrong; a fixture without a document is an error."""
    place.makepyfile(FAILING)
    result = place.runpytest("-p", "no:cacheprovider", "-p", "no:asyncio")

    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*The contract 'Users' is broken:",
            "*the code is wrong:",
            "*no credentials came with it*",
            "*the mock is wrong:",
            "*the header 'X-Total'*",
            "*http_contract needs its document*",
        ]
    )


SWEPT = """
import borzoi, pytest

pytestmark = [
    pytest.mark.http_contract("api.json", base="https://api.test/v1"), pytest.mark.http_fault_sweep,
]
ID = "00000000-0000-4000-8000-000000000000"

def put(ending):
    with borzoi.Client() as client:
        return ending(client.put(f"https://api.test/v1/users/{ID}", data={"age": "1"}))

def test_right(http_contract):
    put(borzoi.Response.raise_for_status)

def test_swallowed(http_contract, http_mock):
    http_mock.get("https://other.test/").optional()
    put(lambda response: response.status_code)

def test_a_route(http_mock):
    http_mock.put(f"https://api.test/v1/users/{ID}").reply(204)
    put(lambda response: response.status_code)

def test_sends_rubbish_on_errors(http_mock):
    if put(lambda response: response.status_code) == 503:
        borzoi.put(f"https://api.test/v1/users/{ID}", data={"age": "old"}).raise_for_status()
        raise borzoi.HTTPError("unavailable")
"""


def test_the_fault_sweep_is_held_to_the_document(place: pytest.Pytester) -> None:
    """Replies that are made from the document fail in the sweep as those of routes do, and faults are nobody's violation."""
    place.makepyfile(SWEPT)
    result = place.runpytest("-p", "no:cacheprovider", "-p", "no:asyncio")

    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_swallowed _*", "*although PUT *status not looked at", "*status 500 at request 1, PUT *",
            "*_ test_a_route _*", "*although PUT *status not looked at",
            "*_ test_sends_rubbish_on_errors _*", "*to the document: the code is wrong:*the body at /age*",
        ]
    )  # fmt: skip


RECORDED = """
borzoi: 1
exchanges:
- request: {method: GET, url: "https://api.test/v1/users?limit=x", headers: {Authorization: x}}
  response: {status: 200, headers: {Content-Type: application/json, X-Total: "1"}, json: [{"id": 7, "name": "a"}]}
- request: {method: GET, url: "https://api.test/v1/feed"}
  response: {status: 200, headers: {Content-Type: text/event-stream}, chunks: [{text: "data: 1\\n\\n"}]}
"""


def test_cassettes_are_held_to_the_document(tmp_path: Path) -> None:
    """What a cassette in the mock's block answers is checked as a route's reply is; routes come first."""
    (tmp_path / "users.yaml").write_text(RECORDED)
    with mock() as m:
        contract = contract_of(m)
        m.get(f"{BASE}/users/{ID}").reply(json=ADMIN)
        with Cassette(tmp_path / "users.yaml"):
            assert called(m, "GET", f"/users/{ID}").json() == ADMIN
            assert called(m, "GET", "/users?limit=x").json()[0]["id"] == 7
            assert called(m, "GET", "/feed").content == b"data: 1\n\n"
        assert [(each.who, each.reason.partition(":")[0]) for each in contract.violations] == [
            ("the code", "the query parameter 'limit'"),
            ("the mock", "the body at /0/id"),
        ]


def test_a_server_is_held_to_a_document(http_server: Any) -> None:
    """A contract holds a scripted server, whatever client calls it, and two contracts hold one mock."""
    made = parsed_document(json.dumps(DOCUMENT).encode())
    first = Contract(made, base=http_server.url).attach(http_server)
    second = Contract(made, base=f"{http_server.url}/second").attach(http_server)
    with borzoi.Client(trust_env=False, headers=TOKEN) as client:
        assert client.get(f"{http_server.url}/users/{ID}").json() == ADMIN
        assert client.get(f"{http_server.url}/second/users/{ID}").json() == ADMIN
    second.verify()
    with pytest.raises(ContractViolation, match="the document has no such path"):
        first.verify()


VALUES: dict[str, Any] = {
    "const": {"const": 3}, "enum": {"enum": ["a", "b"]}, "default": {"type": "integer", "default": 4}, "examples": {"examples": ["x"]},
    "nullable": {"type": ["string", "null"]}, "boolean": {"type": "boolean"}, "null": {"type": "null"}, "anything": {},
    "email": {"type": "string", "format": "email"}, "short": {"type": "string", "maxLength": 2}, "long": {"type": "string", "minLength": 9},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}$"}, "number": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "integer": {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 9}, "below": {"type": "integer", "maximum": -5},
    "step": {"type": "integer", "minimum": 5, "multipleOf": 4}, "half": {"type": "number", "minimum": 5, "multipleOf": 0.5},
    "old limits": {"type": "integer", "minimum": 3, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
    "list": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True}, "no items": {"type": "array", "minItems": 0},
    "same items": {"type": "array", "items": {"const": 1}, "uniqueItems": True, "maxItems": 5},
    "few": {"type": "array", "items": {"type": "integer"}, "maxItems": 0}, "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
    "required": {"required": ["a"], "type": "object"}, "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    "implied": {"properties": {"a": {"items": {"minLength": 1}}}}, "extra": {"additionalProperties": {"type": "integer"}, "required": ["b"]},
    "union": {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "based": {"properties": {"a": {"type": "integer"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "tagged": {"anyOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
               "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"}}},
    "loop": {"$ref": "#/components/schemas/Loop"}, "all": {"allOf": [{"$ref": "#/components/schemas/Cat"}, {"properties": {"kind": {"enum": ["cat"]}}}]},
    "formatted": {"format": "date"}, "patterned": {"pattern": "^b$"},
}  # fmt: skip
SHARED = {
    "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": TEXT, "claws": NUMBER}},
    "Dog": {"type": "object", "required": ["kind", "barks"], "properties": {"kind": TEXT, "barks": {"type": "boolean"}}},
    "Loop": {"type": "object", "required": ["next"], "properties": {"next": {"type": ["object", "null"], "$ref": "#/components/schemas/Loop"}}},
    "Ring": schema(next={"$ref": "#/components/schemas/Ring"}),
}  # fmt: skip


@pytest.mark.parametrize("number", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("name", [name for name in VALUES if name != "loop"])
def test_values_fit_their_schemas(name: str, number: int | None) -> None:
    """The simplest value of a schema fits it, and so does whatever is chosen, whichever keywords the schema has."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "V", "version": "1"},
        "paths": {"/v": {"get": {"operationId": "v", "responses": {"200": content(VALUES[name])}}}},
        "components": {"schemas": SHARED},
    }
    with mock() as m:
        contract = contract_of(m, document, base=BASE)
        if number is not None:
            contract.fuzz("v", lambda count: min(number, count - 1))
        called(m, "GET", "/v")
        assert contract.report() is None


@pytest.mark.parametrize(
    ("parameter", "target", "expected"),
    [
        ({"in": "query", "style": "spaceDelimited", "explode": False, "schema": {"type": "array", "items": NUMBER}}, "p=1%202", [1, 2]),
        ({"in": "query", "explode": False, "schema": schema(a=NUMBER)}, "p=a,1", {"a": 1}),
        ({"in": "query", "explode": False, "schema": {"type": "array"}}, "p=", []),
        ({"in": "query", "schema": {"anyOf": [{"type": "number"}, {"type": "null"}]}}, "p=1.5", 1.5),
        ({"in": "query", "schema": {"type": "number"}}, "p=2", 2),
        ({"in": "query", "schema": {"type": ["integer", "null"]}}, "p=null", None),
        ({"in": "query", "content": {"application/json": {}}}, "p=%7B", "{"),
        ({"in": "query", "style": "deepObject", "schema": schema(a={"type": "array"})}, "p[a]=1&p[a]=2&p[b][c]=3", {"a": ["1", "2"], "b": {"c": "3"}}),
        ({"in": "query", "schema": {"properties": {"a": TEXT}}}, "b=1", None),
        ({"in": "path", "explode": True, "schema": schema(a=NUMBER)}, "a=1,b=x", {"a": 1, "b": "x"}),
        ({"in": "path", "style": "matrix", "schema": NUMBER}, ";p=5", 5),
        ({"in": "path", "style": "matrix", "schema": {"type": "array"}}, ";p=1,2", ["1", "2"]),
        ({"in": "path", "style": "label", "explode": True, "schema": {"type": "array", "items": NUMBER}}, ".1.2", [1, 2]),
        ({"in": "header", "content": {"application/json": {}}}, "%5B1%5D", [1]),
        ({"in": "cookie", "schema": {"type": "array", "items": NUMBER}}, "p=1&p=2", [1, 2]),
        ({"in": "header", "schema": NUMBER}, None, None),
    ],
)  # fmt: skip
def test_parameters_are_read_back(parameter: dict[str, Any], target: str | None, expected: Any) -> None:
    """A parameter of any style is read as the value that was written; one that is not there is missing."""
    from borzoi.testing.contract_parameters import MISSING, Layout, query_pairs

    document = parsed_document(
        json.dumps({**DOCUMENT, "components": {"parameters": {"p": {"name": "p", **parameter}}}}).encode()
    )
    layout = Layout(document.root["components"]["parameters"]["p"])
    value, _ = layout.read(target, query_pairs(target or ""))

    assert value == expected or (expected is None and value is MISSING)


def test_odd_corners() -> None:
    """Methods of a document's own, whole query strings, ranges of statuses, defaults and several files."""
    document: dict[str, Any] = {
        "openapi": "3.2.0",
        "info": {"title": "", "version": "1"},
        "paths": {
            "x-note": 1,
            "/a": {
                "parameters": [{"name": "raw", "in": "querystring", "content": {"text/plain": {}}}],
                "additionalProperties": {},
                "additionalOperations": {"COPY": {"responses": {"2XX": content(TEXT), "default": {"description": ""}}}},
                "get": {"security": [{"k": []}, {"m": []}], "responses": {"301": {"description": "", "headers": {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}}}}},
            },
            "/b": {"get": {"responses": {"200": {"description": "", "content": {"*/*": {"schema": TEXT}}}}}},
        },
        "components": {"securitySchemes": {"m": {"type": "mutualTLS"}, "k": {"type": "apiKey", "in": "cookie", "name": "k"}}},
    }  # fmt: skip
    with mock() as m:
        contract = contract_of(m, document, base=BASE)
        assert called(m, "COPY", "/a?anything").json() == "text"
        assert called(m, "GET", "/a?x").headers["Location"] == "https://example.com/"
        assert called(m, "GET", "/b").headers["Content-Type"] == "application/json"
        contract["COPY /a"].status(500)
        assert called(m, "COPY", "/a").status_code == 500
        contract.verify()
        assert [row[2] for row in contract.coverage()] == [1, 1, 1, 1]


def test_several_files(tmp_path: Path) -> None:
    """Schemas in other files are validated, too, and references that are no URIs as documents write them."""
    (tmp_path / "shared.json").write_text(
        '{"Na\u00efve": {"type": "object", "properties": {"a": {"readOnly": true}}, "required": ["a"]}}'
    )
    document = {
        "openapi": "3.1.0",
        "info": {"title": "S", "version": "1"},
        "paths": {"/a": {"post": {"requestBody": content({"$ref": "shared.json#/Na\u00efve"}), "responses": {"200": content({"$ref": "shared.json#/Na\u00efve"})}}}},
    }  # fmt: skip
    (tmp_path / "api.json").write_text(json.dumps(document))
    with mock() as m:
        contract = Contract(tmp_path / "api.json", base=BASE).attach(m)
        contract["POST /a"].status(200, json={})
        called(m, "POST", "/a", json={})
        assert [each.who for each in contract.violations] == ["the mock"]


def test_schemas_that_are_referred_to_by_their_id(tmp_path: Path) -> None:
    """A reference means what the `$id` of a schema says, relative to the one around it, in whichever file that is."""
    (tmp_path / "shared.json").write_text(
        json.dumps({
            "Name": {"$id": "https://schemas.test/names/name", "type": "string", "maxLength": 3},
            "Other": {"$id": "https://schemas.test/other", "$anchor": "flag", "type": "boolean"},
        })
    )  # fmt: skip
    members = {
        "name": {"$ref": "names/name"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
        "flag": {"$ref": "/other#flag"},
        "far": {"$ref": "https://schemas.test/names/name"},
    }
    user = {"$id": "https://schemas.test/user", "properties": members, "$defs": {"tag": {"type": "integer"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "S", "version": "1"},
        "paths": {"/a": {"post": {"requestBody": content({"$ref": "https://schemas.test/user"}), "responses": {"204": {"description": ""}}}}},
        "components": {"schemas": {"User": user, "Shared": {"$ref": "shared.json#/Name"}}},
    }  # fmt: skip
    (tmp_path / "api.json").write_text(json.dumps(document))
    with mock() as m:
        contract = Contract(tmp_path / "api.json", base=BASE).attach(m)
        called(m, "POST", "/a", json={"name": "abc", "tags": [1], "flag": True, "far": "x"})
        contract.verify()
        for wrong in ({"name": "abcd"}, {"tags": ["a"]}, {"flag": "x"}, {"far": "wrong"}):
            called(m, "POST", "/a", json=wrong)
        found = [str(each) for each in contract.violations]
        contract.violations.clear()
    assert all(name in text for name, text in zip(("name", "tags", "flag", "far"), found, strict=True)), found
