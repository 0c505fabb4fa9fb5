"""Models: unions by discriminator, by keys, by trial; null and unset; what only requests or only replies have."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from borzoi import DecodingError
from borzoi.openapi.plan import Selection
from borzoi.openapi.runtime import JSON
from borzoi.openapi.runtime import errors as runtime_errors
from borzoi.openapi.runtime.libraries import keys_of
from tests.openapi.serving import API, as_json

CAT = {
    "type": "object",
    "required": ["petType", "lives"],
    "properties": {"petType": {"type": "string"}, "lives": {"type": "integer"}},
}
DOG = {
    "type": "object",
    "required": ["petType", "bark"],
    "properties": {"petType": {"type": "string"}, "bark": {"type": "string"}},
}


LIBRARIES = ("msgspec", "pydantic", "dataclass")


@pytest.fixture(params=LIBRARIES)
def of_library(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A function that generates a client with the models of one library, and imports it."""
    return lambda spec: client_of(spec, selection=Selection(models=request.param))


def written(value: Any) -> Any:
    """Return a value as it would be sent, read again."""
    sent = JSON.write(JSON, value)["content"]
    return msgspec.json.decode(sent)


def document(reply: Any, body: Any = None, **schemas: Any) -> dict[str, Any]:
    """Return a document with one operation, `client.x.call()`."""
    operation: dict[str, Any] = {
        "operationId": "call",
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": reply}}}},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/x": {"post": operation}},
        "components": {"schemas": schemas},
    }


def received(package: Any, value: Any, **arguments: Any) -> Any:
    """Return what a client makes of a reply."""
    with API(lambda _: as_json(value)) as api, package.Client(api.url) as client:
        return client.x.call(**arguments)


def ref(name: str) -> dict[str, str]:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    "discriminator",
    [
        {"propertyName": "petType", "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"}},
        None,
    ],
)
@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_a_union_of_objects(of_library: Any, discriminator: Any, keyword: str) -> None:
    """The members of a union are told apart by the discriminator, or by the keys that they require."""
    pet = {keyword: [ref("Cat"), ref("Dog")], **({"discriminator": discriminator} if discriminator else {})}
    package = of_library(document({"type": "array", "items": ref("Pet")}, Cat=CAT, Dog=DOG, Pet=pet))
    cat, dog, odd = received(package, [{"petType": "cat", "lives": 9}, {"petType": "dog", "bark": "w"}, {"x": 1}])

    assert (type(cat).__name__, cat.lives) == ("Cat", 9)
    assert (type(dog).__name__, dog.bark) == ("Dog", "w")
    assert odd == {"x": 1}


def test_null_beside_a_union_of_lists(of_library: Any) -> None:
    """A union that only a hook can resolve takes lists beside null, too."""
    numbers, names = ({"type": "array", "items": {"type": kind}} for kind in ("number", "string"))
    vector = {"anyOf": [numbers, names, {"type": "object", "additionalProperties": {"type": "integer"}}]}
    holder = {
        "type": "object",
        "properties": {
            "vector": {"anyOf": [ref("Vector"), {"type": "null"}]},
            "cat": {"anyOf": [ref("Cat"), {"type": "null"}]},
        },
    }
    package = of_library(document({"type": "array", "items": holder}, Vector=vector, Cat=CAT))
    found = received(package, [{"vector": value} for value in ([0.5], ["a"], {"a": 1}, None)] + [{"cat": None}])

    assert [each.vector for each in found[:4]] == [[0.5], ["a"], {"a": 1}, None]
    assert found[4].cat is None


def test_a_recursive_reference(of_library: Any) -> None:
    """`$recursiveRef` is the schema around it with the anchor (JSON Schema 2019-09, 8.2.4.2.1); without one it says nothing."""
    inner = {"oneOf": [ref("Cat"), {"$recursiveRef": "#"}]}
    both = {
        "$recursiveAnchor": True,
        "type": "object",
        "required": ["all/of"],
        "properties": {"all/of": {"type": "array", "items": inner}},
    }
    package = of_library(document(ref("Both {x}"), **{"Both {x}": both, "Cat": CAT, "Odd": {"$recursiveRef": "#"}}))
    cat = {"petType": "cat", "lives": 9}
    found = received(package, {"all/of": [cat, {"all/of": [cat]}]})

    assert type(found.all_of[1]) is type(found)
    assert found.all_of[1].all_of[0].lives == 9


def test_the_place_of_what_is_wrong_in_a_union(of_library: Any) -> None:
    """What is wrong within a member of a union is named with its whole place in the body."""
    pet = {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": {"propertyName": "petType"}}
    pets = {"type": "object", "required": ["pets"], "properties": {"pets": {"type": "array", "items": pet}}}
    package = of_library(document(pets, Cat=CAT, Dog=DOG))
    for wrong, place in (({"lives": "9"}, "lives"), ({}, "lives")):
        with pytest.raises(DecodingError) as caught:
            received(package, {"pets": [{"petType": "Dog", "bark": "w"}, {"petType": "Cat", **wrong}]})
        assert "$.pets[1]" in str(caught.value)
        assert place in str(caught.value)


def test_a_name_is_the_value_where_nothing_is_mapped(of_library: Any) -> None:
    """Without a mapping, the name of a schema is its value (OpenAPI 3.1.1, Discriminator Object)."""
    pet = {"oneOf": [ref("Cat"), ref("Tom")], "discriminator": {"propertyName": "petType"}}
    package = of_library(document({"type": "array", "items": pet}, Cat=CAT, Tom=CAT))

    assert [
        type(each).__name__
        for each in received(package, [{"petType": "Tom", "lives": 1}, {"petType": "Cat", "lives": 1}])
    ] == ["Tom", "Cat"]


def test_constants_tell_members_apart(of_library: Any) -> None:
    """A member that is a constant, or an enumeration, in each object is a discriminator that nobody declared."""

    def tagged(tag: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "required": ["kind"], "properties": {"kind": tag, "v": {"type": "integer"}}}

    union = {"anyOf": [tagged({"const": "a"}), tagged({"enum": ["b", "c"]}), {"type": "null"}]}
    package = of_library(document({"type": "array", "items": union}))
    found = received(package, [{"kind": "c", "v": 1}, {"kind": "a"}, None])

    assert [type(each).__name__[-6:] for each in found] == ["Model2", "Model1", "neType"]
    assert found[0].v == 1


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": ["string", "null"]}, None, None),
        ({"type": ["integer", "string"]}, "x", "x"),
        ({"oneOf": [{"type": "string", "format": "uuid"}, {"type": "string", "format": "date"}]}, "2026-01-02", "2026-01-02"),
        ({"oneOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": {"type": "string"}}]}, ["a"], ["a"]),
        ({"anyOf": [{"type": "string"}, {"type": "string", "enum": ["a"]}]}, "b", "b"),
        ({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"required": ["a"]}]}, {"a": 1}, {"a": 1}),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "string"}}}]}, {"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"k": 1}, {"k": 1}),
        ({"type": "object", "properties": {"class": {"type": "string"}, "petType": {"type": "string"}}}, {"class": "c", "petType": "p"}, {"class": "c", "petType": "p"}),
        ({"enum": [1, 2]}, 3, 3),
        ({"enum": ["a", None]}, None, None),
        ({"const": "x"}, "x", "x"),
        ({"type": "string", "contentEncoding": "base64"}, "aGk=", "aGk="),
        ({}, {"any": [1]}, {"any": [1]}),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, [1, "a"], [1, "a"]),
    ],
)  # fmt: skip
def test_a_value_comes_back(of_library: Any, schema: Any, value: Any, expected: Any) -> None:
    """A value that fits its schema is decoded, and is the same JSON when it is encoded again."""
    package = of_library(document(schema))

    assert written(received(package, value)) == expected


def test_a_tree(of_library: Any) -> None:
    """A schema may refer to itself, as an object and as a list."""
    node = {"type": "object", "properties": {"children": ref("Nodes"), "next": ref("Node")}}
    package = of_library(
        document(
            ref("Nodes"),
            Node=node,
            Nodes={"type": "array", "items": ref("Node")},
            List={"type": "array", "items": ref("List")},
        )
    )
    found = received(package, [{"children": [{"next": {"children": []}}]}])

    assert found[0].children[0].next.children == []


def test_sides(of_library: Any) -> None:
    """readOnly members are optional in requests, writeOnly ones absent from replies; other schemas serve both sides."""
    user = {
        "type": "object",
        "required": ["id", "password", "plain"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "password": {"type": "string", "writeOnly": True},
            "plain": ref("Plain"),
        },
    }
    package = of_library(
        document(
            ref("User"), ref("User"), User=user, Plain={"type": "object", "properties": {"a": {"type": "integer"}}}
        )
    )
    models = package.models if hasattr(package, "models") else __import__(f"{package.__name__}.models").models
    body = models.UserInput(password="p", plain=models.Plain(a=1))
    found = received(package, {"id": 1, "password": "p", "plain": {}}, body=body)

    assert written(body) == {"password": "p", "plain": {"a": 1}}
    assert [set(keys) for keys in keys_of(type(found))] == [{"id", "plain"}] * 2


def test_nullable_of_older_versions(of_library: Any) -> None:
    """`nullable` of OpenAPI 3.0 is a union with null, beside a reference, too."""
    schema = {
        "type": "object",
        "required": ["a", "b", "c", "d"],
        "properties": {
            "a": {"type": "string", "nullable": True},
            "b": {"allOf": [ref("Cat")], "nullable": True},
            "c": {"anyOf": [ref("Cat"), {"nullable": True}]},
            "d": {"nullable": True},
        },
    }
    package = of_library({**document(schema, Cat=CAT), "openapi": "3.0.3"})
    found = received(package, {"a": None, "b": None, "c": None, "d": {"e": 1}})
    assert (found.a, found.b, found.c, found.d) == (None, None, None, {"e": 1})

    # An alternative that says nothing else is null, and not everything.
    cat = {"petType": "cat", "lives": 9}
    found = received(package, {"a": "", "b": cat, "c": cat, "d": 1})
    assert (found.b.lives, found.c.lives) == (9, 9)


def test_swagger_2(of_library: Any) -> None:
    """A document of Swagger 2.0 is converted: hosts, bodies, forms, definitions and credentials."""
    package = of_library({
        "swagger": "2.0", "info": {"title": "T", "version": "1"}, "host": "h", "basePath": "/v1", "schemes": ["http", "https"],
        "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "login": {"type": "basic"}},
        "definitions": {"Cat": CAT},
        "parameters": {"Page": {"name": "page", "in": "query", "type": "integer"}},
        "paths": {
            "/x": {
                "parameters": [{"$ref": "#/parameters/Page"}],
                "post": {
                    "operationId": "call", "security": [{"key": []}],
                    "parameters": [
                        {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Cat"}},
                        {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "pipes"},
                    ],
                    "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Cat"}}},
                },
                "put": {
                    "operationId": "send", "consumes": ["application/x-www-form-urlencoded"],
                    "parameters": [{"name": "a", "in": "formData", "type": "string", "required": True}],
                    "responses": {"204": {"description": ""}},
                },
            }
        },
    })  # fmt: skip
    cat = {"petType": "c", "lives": 9}
    with API(lambda request: as_json(cat) if request.method == "POST" else (204, {}, b"")) as api:
        with package.Client(api.url, api_key="k") as client:
            assert client.x.call(body=cat, page=2, ids=[1, 2]).lives == 9
            assert client.x.send(body={"a": "b c"}) is None

    assert package.Client(api_key="k").base_url == "https://h/v1"
    assert [each.target for each in api.asked] == ["/x?page=2&ids=1%7C2", "/x"]
    assert [each.body for each in api.asked] == [b'{"petType":"c","lives":9}', b"a=b+c"]
    assert [each.headers["X-Key"] for each in api.asked] == ["k", None]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/event-stream", b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\n'),
        ("application/x-ndjson", b'{"n": 1}\n\n{"n": 2}\n'),
        ("application/json-seq", b'\x1e{"n": 1}\n\x1e{"n": 2}\n'),
    ],
)
def test_streams(of_library: Any, media_type: str, body: bytes) -> None:
    """Events, JSON lines and JSON sequences are items of their type, blocking and async; a status that is no success raises."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    spec = document({})
    spec["paths"]["/x"]["post"]["responses"] = {
        "200": {"description": "", "content": {media_type: {"itemSchema": schema}}},
        "404": {"description": "", "content": {"application/json": {"schema": {"type": "integer"}}}},
    }
    package = of_library(spec)
    errors = __import__(f"{package.__name__}.errors").errors

    async def run(url: str) -> list[int]:
        async with package.AsyncClient(url) as client, client.x.call() as events:
            return [event.n async for event in events]

    with API(lambda _: (200, {"Content-Type": media_type}, body)) as api, package.Client(api.url) as client:
        assert [event.n for event in client.x.call()] == [1, 2]
        assert asyncio.run(run(api.url)) == [1, 2]
    with API(lambda _: as_json(7, 404)) as api, package.Client(api.url) as client:
        with pytest.raises(errors.XNotFound) as caught:
            list(client.x.call())
        with pytest.raises(errors.XNotFound):
            asyncio.run(run(api.url))
    assert caught.value.data == 7


def test_downloads(client_of: Any, importing: Any) -> None:
    """A file is bytes, or is read and saved as it comes."""
    spec = document({})
    spec["paths"]["/x"]["post"]["responses"] = {"200": {"description": "", "content": {"image/png": {}}}}
    package = client_of(spec)
    with API(lambda _: (200, {"Content-Type": "image/png"}, b"png")) as api, package.Client(api.url) as client:
        assert client.x.call() == b"png"
        with client.x.stream.call() as file:
            assert b"".join(file.iter_bytes()) == b"png"
        with client.x.stream.call() as file:
            assert file.save(importing / "x.png") == (str(importing / "x.png"), 3)
    assert api.asked[0].headers["Accept"] == "image/png"

    async def run(url: str) -> tuple[bytes, tuple[str, int]]:
        async with package.AsyncClient(url) as client:
            async with client.x.stream.call() as file:
                read = b"".join([chunk async for chunk in file.iter_bytes()])
            async with client.x.stream.call() as file:
                return read, await file.save(importing / "y.png")

    with API(lambda _: (200, {"Content-Type": "image/png"}, b"png")) as api:
        assert asyncio.run(run(api.url)) == (b"png", (str(importing / "y.png"), 3))
    with API(lambda _: (500, {}, b"no")) as api, package.Client(api.url) as client:
        with pytest.raises(runtime_errors.InternalServerError), client.x.stream.call():
            pytest.fail("it was entered")
        with pytest.raises(runtime_errors.InternalServerError):
            asyncio.run(run(api.url))
