"""Bases with a discriminator: a reference to one is whichever of its children the discriminator says, or the base."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from borzoi.openapi.plan import Selection
from tests.openapi.serving import API, as_json
from tests.openapi.test_models import LIBRARIES, document, received, ref, written
from tests.openapi.test_open_models import awaited, models_of

FISH: dict[str, Any] = {
    "type": "object",
    "required": ["fishKind", "age"],
    "properties": {
        "fishKind": {"type": "string"},
        "age": {"type": "integer"},
        "friends": {"type": "array", "items": ref("Fish")},
    },
    "discriminator": {"propertyName": "fishKind"},
}


def child(of: str, *required: str, **properties: Any) -> dict[str, Any]:
    """Return a schema that extends another."""
    own = {"type": "object", "required": list(required), "properties": properties}
    return {"allOf": [ref(of), own]}


SALMON = child("Fish", "river", river={"type": "string"})
SHARK = child("Fish", teeth={"type": "integer"})
MAPPED = {"propertyName": "fishKind", "mapping": {"salmon": "#/components/schemas/Salmon", "shark": "Shark"}}


@pytest.fixture(params=LIBRARIES)
def of_library(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A function that generates a client with the models of one library, and imports it."""
    return lambda spec: client_of(spec, selection=Selection(models=request.param))


def names_of(values: list[Any]) -> list[str]:
    """Return the names of the classes of values."""
    return [type(each).__name__ for each in values]


@pytest.mark.parametrize(("mapping", "salmon", "shark"), [(False, "Salmon", "Shark"), (True, "salmon", "shark")])
def test_a_reference_to_the_base(of_library: Any, mapping: bool, salmon: str, shark: str) -> None:
    """It is read as the child that the mapping or its name says, as the base for another value, and sent whole."""
    fish = {**FISH, "discriminator": MAPPED} if mapping else FISH
    listed = {"type": "array", "items": ref("Fish")}
    package = of_library(document(listed, listed, Fish=fish, Salmon=SALMON, Shark=SHARK))
    value = [
        {"fishKind": salmon, "age": 1, "river": "Rhine", "friends": [{"fishKind": shark, "age": 2, "teeth": 3}]},
        {"fishKind": shark, "age": 4},
        {"fishKind": "eel", "age": 5, "friends": [{"fishKind": "carp", "age": 6}]},
        {"age": 7},
    ]
    with API(lambda _: as_json(value)) as api, package.Client(api.url) as client:
        found = client.x.call(body=client.x.call(body=[]))

    assert names_of(found) == ["Salmon", "Shark", "FishBase", "dict"]
    assert names_of([*found[0].friends, *found[2].friends]) == ["Shark", "FishBase"]
    assert (found[0].river, found[0].friends[0].teeth) == ("Rhine", 3)
    assert msgspec.json.decode(api.asked[1].body) == value
    assert written(awaited(package, value, body=found)) == value


def test_what_is_made(of_library: Any) -> None:
    """Children and the base are made by programs, and sent whole where the base is declared."""
    models_needed = {"Fish": {**FISH, "discriminator": MAPPED}, "Salmon": SALMON, "Shark": SHARK}
    package = of_library(document({}, ref("Fish"), **models_needed))
    models = models_of(package)
    shark = models.Shark(fish_kind="shark", age=1, teeth=2)
    salmon = models.Salmon(
        fish_kind="salmon", age=3, river="Po", friends=[shark, models.FishBase(fish_kind="x", age=4)]
    )

    async def send(url: str) -> None:
        async with package.AsyncClient(url) as client:
            await client.x.call(body=salmon)

    with API(lambda _: as_json({})) as api, package.Client(api.url) as client:
        client.x.call(body=salmon)
        asyncio.run(send(api.url))
    assert [msgspec.json.decode(each.body) for each in api.asked] == [
        {"fishKind": "salmon", "age": 3, "river": "Po",
         "friends": [{"fishKind": "shark", "age": 1, "teeth": 2}, {"fishKind": "x", "age": 4}]}
    ] * 2  # fmt: skip


def test_generations(of_library: Any) -> None:
    """Children of children count with the same discriminator; one of its own tells apart what extends a child."""
    shark = child("Fish", "sharkKind", sharkKind={"type": "string"})
    shark["discriminator"] = {"propertyName": "sharkKind", "mapping": {"saw": "SawShark"}}
    schemas = {
        "Fish": FISH,
        "Shark": shark,
        "SawShark": child("Shark", saw={"type": "integer"}),
        "Salmon": SALMON,
        "WildSalmon": child("Salmon", wild={"type": "boolean"}),
        "Pike": {"allOf": [ref("Fish")], "properties": {"fishKind": {"enum": ["pike", "luce"]}}},
        "Eel": {"allOf": [ref("Fish")], "properties": {"fishKind": {"const": "e"}}, "description": "An eel."},
        "Nothing": {"allOf": [ref("Fish")]},
    }
    package = of_library(document({"type": "array", "items": ref("Fish")}, **schemas))
    value: list[dict[str, Any]] = [
        {"fishKind": "Shark", "age": 1, "sharkKind": "saw", "saw": 2},
        {"fishKind": "Shark", "age": 1, "sharkKind": "goblin"},
        {"fishKind": "WildSalmon", "age": 1, "river": "Po", "wild": True},
        {"fishKind": "Salmon", "age": 1, "river": "Po"},
        {"fishKind": "e", "age": 1},
        {"fishKind": "Nothing", "age": 1},
    ]
    found = received(package, value)

    assert names_of(found) == ["SawShark", "SharkBase", "WildSalmon", "Salmon", "Eel", "Nothing"]
    assert written(found) == value


def test_within_others(of_library: Any) -> None:
    """A base may be a member, null, a value of a dict, beside remarks, in a union, and open to other members."""
    fish = {**FISH, "additionalProperties": {"type": "string"}}
    car = {"type": "object", "required": ["wheels"], "properties": {"wheels": {"type": "integer"}}}
    tank = {
        "type": "object",
        "properties": {
            "one": {"allOf": [ref("Fish")], "description": "The first."},
            "none": {"oneOf": [ref("Fish"), {"type": "null"}]},
            "named": {"type": "object", "additionalProperties": ref("Fish")},
            "either": {"type": "array", "items": {"oneOf": [ref("Car"), ref("Fish"), {"type": "string"}]}},
        },
    }
    package = of_library(document(ref("Tank"), Tank=tank, Fish=fish, Shark=SHARK, Car=car))
    shark = {"fishKind": "Shark", "age": 1, "teeth": 2, "color": "grey"}
    value = {"one": shark, "none": None, "named": {"a": shark}, "either": [shark, {"wheels": 4}, "x"]}
    found = received(package, value)

    assert written(found) == value
    assert names_of([found.one, found.named["a"], *found.either]) == ["Shark", "Shark", "Shark", "Car", "str"]
    assert found.one.additional_properties == {"color": "grey"}


def test_sides(of_library: Any) -> None:
    """What only replies have is absent from requests, in the base and in its children."""
    fish = {**FISH, "properties": {**FISH["properties"], "id": {"type": "integer", "readOnly": True}}}
    fish["required"] = [*FISH["required"], "id"]
    package = of_library(document(ref("Fish"), ref("Fish"), Fish=fish, Shark=SHARK))
    models = models_of(package)
    value = {"fishKind": "Shark", "age": 1, "id": 7}
    shark = models.SharkInput(fish_kind="Shark", age=1)
    found = received(package, value, body=shark)

    assert (type(found).__name__, found.id) == ("Shark", 7)
    assert written(shark) == {"fishKind": "Shark", "age": 1}
    assert written(models.FishBaseInput(fish_kind="x", age=2)) == {"fishKind": "x", "age": 2}


def test_swagger_2(of_library: Any) -> None:
    """There the discriminator is the name of the member alone, and the values are the names of the schemas."""
    package = of_library({
        "swagger": "2.0", "info": {"title": "T", "version": "1"},
        "definitions": {
            "Fish": {**FISH, "discriminator": "fishKind", "properties": {"fishKind": {"type": "string"}, "age": {"type": "integer"}}},
            "Shark": {"allOf": [{"$ref": "#/definitions/Fish"}, {"properties": {"teeth": {"type": "integer"}}}]},
        },
        "paths": {"/x": {"post": {"operationId": "call", "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Fish"}}}}}},
    })  # fmt: skip
    value = {"fishKind": "Shark", "age": 1, "teeth": 2}
    found = received(package, value)

    assert (type(found).__name__, written(found)) == ("Shark", value)


def test_no_family(of_library: Any) -> None:
    """A discriminator that nothing extends, and a union that its members extend, are what they were."""
    pet = {"oneOf": [ref("Cat")], "discriminator": {"propertyName": "fishKind"}}
    cat = {"allOf": [ref("Alone"), {"properties": {"lives": {"type": "integer"}}}]}
    package = of_library(document(ref("Pet"), Pet=pet, Cat=cat, Alone={**FISH, "discriminator": {}}, Fish=FISH))
    found = received(package, {"fishKind": "x", "age": 1, "lives": 2})

    assert (type(found).__name__, found.lives) == ("Cat", 2)
    assert models_of(package).Fish(fish_kind="x", age=1).age == 1


def test_what_only_the_mapping_names(of_library: Any) -> None:
    """A schema that a mapping names is a child, though it repeats what the base has; what is none is left out."""
    mapping = {"ray": "#/components/schemas/Ray", "any": "Any", "self": "Fish", "gone": "Gone"}
    fish = {**FISH, "discriminator": {**FISH["discriminator"], "mapping": mapping}}
    ray = {
        "type": "object",
        "required": ["fishKind"],
        "properties": {"fishKind": {"const": "ray"}, "width": {"type": "integer"}},
    }
    package = of_library(document({"type": "array", "items": ref("Fish")}, Fish=fish, Ray=ray, Any={"oneOf": [ref("Fish"), ref("Ray")]}))  # fmt: skip
    value = [{"fishKind": "ray", "width": 2}, {"fishKind": "any", "age": 1}, {"fishKind": "self", "age": 1}]
    found = received(package, value)

    assert names_of(found) == ["Ray", "FishBase", "FishBase"]
    assert written(found) == value


def test_circles(of_library: Any) -> None:
    """Schemas that extend each other, or name each other in their mappings, are no families."""
    one = {**FISH, "allOf": [ref("Two")]}
    two = {**FISH, "allOf": [ref("One")]}
    three = {**FISH, "discriminator": {"propertyName": "fishKind", "mapping": {"x": "Four"}}}
    four = {**FISH, "discriminator": {"propertyName": "fishKind", "mapping": {"x": "Five"}}}
    five = {**FISH, "discriminator": {"propertyName": "fishKind", "mapping": {"x": "Three"}}}
    reply = {"type": "array", "items": {"type": "object", "properties": {"one": ref("One"), "three": ref("Three")}}}
    package = of_library(document(reply, One=one, Two=two, Three=three, Four=four, Five=five, Fish=FISH))
    value = [{"one": {"fishKind": "Two", "age": 1}}, {"three": {"fishKind": "x", "age": 1}}]
    found = received(package, value)

    assert names_of([found[0].one, found[1].three]) == ["One", "Three"]
    assert written(found) == value


def test_beside_what_requires_nothing(of_library: Any) -> None:
    """In a union a base is chosen by its keys and those of its children before what knows less of them."""
    loose = {"type": "object", "properties": {"age": {"type": "integer"}}}
    package = of_library(
        document(
            {"type": "array", "items": {"oneOf": [ref("Loose"), ref("Fish")]}}, Loose=loose, Fish=FISH, Shark=SHARK
        )
    )
    value = [{"fishKind": "Shark", "age": 1, "teeth": 2}, {"age": 3}]
    found = received(package, value)

    assert names_of(found) == ["Shark", "Loose"]
    assert written(found) == value


def test_a_discriminator_that_no_member_declares(of_library: Any) -> None:
    """The members of a union have the discriminator that only the union names: it is read, and can be sent."""
    name = {"name": {"type": "string"}}
    cat = {"type": "object", "required": ["name"], "properties": name}
    mapping = {"cat": "Cat", "tom": "Cat", "dog": "#/components/schemas/Dog"}
    pet = {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": {"propertyName": "petKind", "mapping": mapping}}
    dog = {**cat, "properties": {**name, "pet_kind": {"type": "integer"}}}
    package = of_library(document({"type": "array", "items": ref("Pet")}, Pet=pet, Cat=cat, Dog=dog))
    value = [{"name": "A", "petKind": "tom"}, {"name": "B", "pet_kind": 1, "petKind": "dog"}, {"name": "C"}]
    found = received(package, value)
    models = __import__(f"{package.__name__}.models").models

    assert [type(each).__name__ for each in found] == ["Cat", "Dog", "Cat"]
    assert (found[0].pet_kind, found[1].pet_kind, found[1].pet_kind_) == ("tom", 1, "dog")
    assert written(found) == value
    assert written(models.Cat(name="D", pet_kind="cat")) == {"name": "D", "petKind": "cat"}
