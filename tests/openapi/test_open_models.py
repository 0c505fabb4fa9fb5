"""Objects that have members which the document does not name: nothing of them is lost, both ways, in every library."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from borzoi import DecodingError
from borzoi.openapi import generate
from borzoi.openapi.plan import Selection
from borzoi.openapi.runtime import JSON
from borzoi.openapi.runtime.encoding import plain
from borzoi.openapi.runtime.libraries import keys_of, members
from borzoi.openapi.runtime.unions import decode_hook
from tests.openapi.serving import API, as_json
from tests.openapi.test_models import LIBRARIES, document, received, ref, written

LABEL = {"type": "object", "required": ["textSize"], "properties": {"textSize": {"type": "integer"}}}
PET: dict[str, Any] = {
    "type": "object",
    "required": ["petName"],
    "properties": {"petName": {"type": "string"}, "age": {"type": "integer"}},
}


@pytest.fixture(params=LIBRARIES)
def of_library(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A function that generates a client with the models of one library, and imports it."""
    return lambda spec: client_of(spec, selection=Selection(models=request.param))


def models_of(package: Any) -> Any:
    """Return the models of a package."""
    return __import__(f"{package.__name__}.models").models


def open_pet(extra: Any, **more: Any) -> dict[str, Any]:
    """Return a schema of a pet with members that are not named."""
    return {**PET, "additionalProperties": extra, **more}


def awaited(package: Any, value: Any, **arguments: Any) -> Any:
    """Return what an async client makes of a reply."""

    async def run(url: str) -> Any:
        async with package.AsyncClient(url) as client:
            return await client.x.call(**arguments)

    with API(lambda _: as_json(value)) as api:
        return asyncio.run(run(api.url))


@pytest.mark.parametrize(
    ("extra", "value"),
    [
        ({"type": "integer"}, 3),
        ({"type": "string", "format": "date-time"}, "2026-01-02T03:04:05Z"),
        ({"type": "string", "format": "byte"}, "+/+/"),
        ({"type": "array", "items": ref("Label")}, [{"textSize": 1}]),
        (ref("Label"), {"textSize": 1}),
        (ref("Pet"), {"petName": "B", "of it": {"petName": "C"}}),
        ({"oneOf": [{"type": "boolean"}, ref("Label")]}, {"textSize": 2}),
        ({}, [None, {"a": 1}]),
        (True, {"a": [1]}),
    ],
)
def test_members_come_back(of_library: Any, extra: Any, value: Any) -> None:
    """Members of every type that are not named are read and sent flat, by blocking and by async clients."""
    package = of_library(document(ref("Pet"), ref("Pet"), Pet=open_pet(extra), Label=LABEL))
    pet = {"petName": "A", "x-y z": value}
    body = models_of(package).Pet(pet_name="A")
    with API(lambda _: as_json(pet)) as api, package.Client(api.url) as client:
        found = client.x.call(body=client.x.call(body=body))

    assert msgspec.json.decode(api.asked[0].body) == {"petName": "A"}
    assert msgspec.json.decode(api.asked[1].body) == pet
    assert list(found.additional_properties) == ["x-y z"]
    assert found == awaited(package, pet, body=found)
    assert written(awaited(package, pet, body=found)) == pet


def test_members_have_their_type(of_library: Any) -> None:
    """What is not named has its declared type; the attributes are what is named, under its names in Python."""
    package = of_library(document(ref("Pet"), Pet=open_pet(ref("Label")), Label=LABEL))
    models = models_of(package)
    found = received(package, {"big": {"textSize": 9}, "petName": "A", "age": 3})

    assert (found.pet_name, found.age) == ("A", 3)
    assert found.additional_properties == {"big": models.Label(text_size=9)}
    assert found == models.Pet(pet_name="A", age=3, additional_properties={"big": models.Label(text_size=9)})
    assert found != models.Pet(pet_name="A", age=3)
    assert [set(keys) for keys in keys_of(models.Pet)] == [{"petName"}, {"petName", "age"}]


def test_members_are_set(of_library: Any) -> None:
    """What is not named can be added, taken away and replaced; a name that is not set may be among it."""
    package = of_library(document(ref("Pet"), Pet=open_pet({"type": "integer"})))
    pet = models_of(package).Pet(pet_name="A", additional_properties={"a": 1, "b": 2})
    pet.additional_properties["c"] = 3
    del pet.additional_properties["a"]
    assert written([pet]) == [{"petName": "A", "b": 2, "c": 3}]
    assert (plain(pet), dict(members(pet) or ())) == ({"petName": "A", "b": 2, "c": 3},) * 2

    pet.additional_properties = {"age": 5}
    assert written(pet) == {"petName": "A", "age": 5}


@pytest.mark.parametrize("library", ["msgspec", "dataclass"])
def test_a_name_is_sent_once(client_of: Any, library: str) -> None:
    """What has a name is sent as its attribute says, whatever is among the others."""
    spec = document(ref("Pet"), Pet=open_pet({"type": "integer"}))
    package = client_of(spec, selection=Selection(models=library))
    pet = models_of(package).Pet(pet_name="A", additional_properties={"petName": 1, "x": 2})

    assert JSON.write(JSON, pet)["content"] == b'{"petName":"A","x":2}'


def test_a_member_of_that_name(of_library: Any) -> None:
    """`additional_properties` may be a member itself, named by the document or not."""
    named = {**PET["properties"], "additional_properties": {"type": "integer"}}
    package = of_library(
        document(ref("Box"), Box={"type": "object", "properties": {"a": ref("Pet"), "b": ref("Named")}},
                 Pet=open_pet({"type": "integer"}), Named=open_pet({"type": "integer"}, properties=named))
    )  # fmt: skip
    value = {
        "a": {"petName": "A", "additional_properties": 1},
        "b": {"petName": "B", "additional_properties": 2, "other": 3},
    }
    found = received(package, value)

    assert written(found) == value
    assert found.a.additional_properties == {"additional_properties": 1}
    assert (found.b.additional_properties_, found.b.additional_properties) == (2, {"other": 3})


def test_anywhere(of_library: Any) -> None:
    """Such objects may be members, optional or null, in lists, dicts and unions, and within each other."""
    cat = open_pet({"type": "integer"}, required=["petName", "lives"])
    cat["properties"] = {**PET["properties"], "lives": {"type": "integer"}}
    home = {
        "type": "object",
        "required": ["first"],
        "properties": {
            "first": {"oneOf": [ref("Pet"), {"type": "null"}]},
            "second": ref("Pet"),
            "all": {"type": "array", "items": ref("Pet")},
            "named": {"type": "object", "additionalProperties": ref("Pet")},
            "either": {"type": "array", "items": {"anyOf": [ref("Cat"), ref("Pet"), ref("Label"), {"type": "string"}]}},
        },
        "additionalProperties": ref("Pet"),
    }
    package = of_library(
        document(
            {"type": "array", "items": ref("Home")},
            Home=home,
            Pet=open_pet({"type": "string"}),
            Cat=cat,
            Label=LABEL,
        )
    )
    pet = {"petName": "A", "color": "red"}
    value = [
        {"first": None},
        {
            "first": pet,
            "second": pet,
            "all": [pet, pet],
            "named": {"k": pet},
            "either": ["x", pet, {"petName": "B", "lives": 9, "n": 1}, {"textSize": 1}],
            "more": pet,
        },
    ]
    found = received(package, value)

    assert written(found) == value
    assert written(awaited(package, value)) == value
    assert [type(each).__name__ for each in found[1].either] == ["str", "Pet", "Cat", "Label"]
    assert found[1].either[2].additional_properties == {"n": 1}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"allOf": [ref("Pet"), {"properties": {"b": {"type": "string"}}}]}, {"petName": "A", "b": "x", "c": 1}),
        (
            {**PET, "allOf": [{"type": "object", "unevaluatedProperties": {"type": "integer"}}]},
            {"petName": "A", "c": 1},
        ),
        ({**PET, "unevaluatedProperties": True}, {"petName": "A", "c": 1}),
        ({"type": "object", "unevaluatedProperties": ref("Pet")}, {"a": {"petName": "A", "c": 1}}),
    ],
)
def test_where_it_is_declared(of_library: Any, schema: Any, value: Any) -> None:
    """A part of an allOf may allow other members, and unevaluatedProperties does (JSON Schema 2020-12, 11.3)."""
    package = of_library(document(schema, Pet=open_pet({"type": "integer"})))

    assert written(received(package, value)) == value


PATTERN = {"^x-": {"type": "string", "format": "date"}}


@pytest.mark.parametrize(
    ("extra", "others", "kinds"),
    [
        # Nothing says what matches no pattern.
        ({}, {"x-a": "2026-01-02", "b": [1]}, {str, list}),
        ({"additionalProperties": True}, {"x-a": "2026-01-02", "b": [1]}, {str, list}),
        ({"additionalProperties": False}, {"x-a": "2026-01-02"}, {dt.date}),
        ({"additionalProperties": {"type": "integer"}}, {"x-a": "2026-01-02", "b": 1}, {dt.date, int}),
        ({"unevaluatedProperties": ref("Label")}, {"x-a": "2026-01-02", "b": {"textSize": 1}}, {dt.date, "Label"}),
        ({"patternProperties": {**PATTERN, "^y-": ref("Label")}, "additionalProperties": False}, {"y-a": {"textSize": 1}, "x-a": "2026-01-02"}, {dt.date, "Label"}),
        ({"patternProperties": {"^x-": {}, "^y": False}}, {"x-a": None}, {type(None)}),
    ],
)  # fmt: skip
def test_members_of_patterns(of_library: Any, extra: Any, others: Any, kinds: set[Any]) -> None:
    """Members whose names match a pattern are kept beside those that are named, typed where their types are known."""
    pet = {**PET, "patternProperties": PATTERN, **extra}
    package = of_library(document(ref("Pet"), Pet=pet, Label=LABEL))
    value = {"petName": "A", **others}
    found = received(package, value)

    assert written(found) == value
    assert found.pet_name == "A"
    found_kinds = {type(each) for each in found.additional_properties.values()}
    assert {each if each in kinds else each.__name__ for each in found_kinds} == kinds
    assert (received(package, {"petName": "A"})).additional_properties == {}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"patternProperties": {"^a": {"type": "integer"}, "^b": ref("Label")}}, {"a": 1, "b": {"textSize": 1}}),
        ({"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": ref("Label")}, {"a": 1, "c": {"textSize": 1}}),
        ({"type": "object", "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": True}, {"a": 1}),
        ({"allOf": [{"patternProperties": {"^a": {"type": "integer"}}}, {"patternProperties": {"^b": {"type": "array", "items": {"type": "string"}}}}]}, {"a": 1, "b": ["x"]}),
    ],
)  # fmt: skip
def test_objects_of_patterns_alone(of_library: Any, schema: Any, value: Any) -> None:
    """Where no member has a name, the object is a dict of all that its patterns and the others may be."""
    package = of_library(document(schema, Label=LABEL))
    found = received(package, value)

    assert written(found) == value
    assert type(found) is dict
    with pytest.raises(DecodingError):
        received(package, {**value, "a": "x"})


def test_what_matches_no_pattern_is_told(tmp_path: Path) -> None:
    """Where members that match no pattern may be anything, a note says that the type is lost."""
    (tmp_path / "api.json").write_bytes(
        msgspec.json.encode(document(ref("Pet"), Pet={**PET, "patternProperties": PATTERN}))
    )
    made = generate(tmp_path / "api.json", output=tmp_path / "out")

    (told,) = made.diagnostics
    assert told.pointer == "/components/schemas/Pet/patternProperties/^x-"
    assert told.reason == "What no pattern matches may be anything: the members without names are of type Any."


@pytest.mark.parametrize(
    "extra",
    [{}, {"additionalProperties": False}, {"additionalProperties": {"not": {}}}, {"patternProperties": {"x": False}}],
)
def test_models_without_it(of_library: Any, extra: Any) -> None:
    """Where other members are not declared, or denied, models have no place for them."""
    package = of_library(document(ref("Pet"), Pet={**PET, **extra}))
    found = received(package, {"petName": "A", "x": 1})

    assert not hasattr(found, "additional_properties")
    assert written(found) == {"petName": "A"}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([{"petName": "A", "x": 1}, {"petName": "A", "x": "1"}], r"\[1\]"),
        ([{"petName": 1}], "petName"),
        ([{"x": 1}], "petName"),
        (["x"], r"\[0\]"),
    ],
)
def test_what_does_not_fit(of_library: Any, value: Any, place: str) -> None:
    """A member that is not of its type is an error with its place, named or not."""
    package = of_library(document({"type": "array", "items": ref("Pet")}, Pet=open_pet({"type": "integer"})))

    with pytest.raises(DecodingError, match=place):
        received(package, value)


def test_as_arguments(of_library: Any) -> None:
    """A body that is made of keyword arguments takes the others as one of them; forms have them, too."""
    schema = open_pet({"type": "integer"})
    spec = document({}, ref("Pet"), Pet=schema)
    spec["paths"]["/x"]["put"] = {
        "operationId": "send",
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": ref("Pet")}}},
        "responses": {"200": {"description": ""}},
    }
    package = of_library(spec)
    with API(lambda _: as_json({})) as api, package.Client(api.url) as client:
        client.x.call(pet_name="A", additional_properties={"x": 1})
        client.x.send(body=models_of(package).Pet(pet_name="A", additional_properties={"x": 1}))

    assert [each.body for each in api.asked] == [b'{"petName":"A","x":1}', b"petName=A&x=1"]


def test_a_structure_of_its_own(client_of: Any) -> None:
    """Open structs are made, compared, shown, copied and pickled as structs are; they are not hashable."""
    package = client_of(document(ref("Pet"), Pet=open_pet({"type": "integer"})))
    kind: Any = models_of(package).Pet
    pet = kind(pet_name="A", additional_properties={"x": 1})

    assert repr(pet) == "Pet(pet_name='A', age=UNSET, additional_properties={'x': 1})"
    assert copy.copy(pet) == copy.deepcopy(pet) == pickle.loads(pickle.dumps(pet)) == pet != {"petName": "A", "x": 1}
    with pytest.raises(TypeError, match="pet_name"):
        kind(age=1)
    with pytest.raises(TypeError, match="other"):
        kind(pet_name="A", other=1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(pet)
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `str` in `\.age` - at `\$\[1\]`"):
        msgspec.convert(
            [{"petName": "A"}, {"petName": "A", "age": "1"}], list.__class_getitem__(kind), dec_hook=decode_hook
        )
    assert JSON.write(JSON, pet)["content"] == b'{"petName":"A","x":1}'


def test_the_text_is_formatted(tmp_path: Path) -> None:
    """The field is as ruff formats it, however long its type is."""
    schemas: dict[str, Any] = {}
    for size in range(20, 64):
        schemas["A" * size] = LABEL
        items = {"oneOf": [ref("A" * size), {"type": "string"}, {"type": "null"}]}
        schemas[f"Of{size}"] = open_pet(ref("A" * size))
        schemas[f"ListOf{size}"] = open_pet({"type": "array", "items": items})
    (tmp_path / "api.json").write_bytes(msgspec.json.encode(document({}, **schemas)))
    for library in LIBRARIES:
        generate(tmp_path / "api.json", output=tmp_path / library, selection=Selection(models=library))
    command = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
