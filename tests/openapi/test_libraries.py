"""Models of all libraries alike: what does not fit is an error with its place, and bytes are base64."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from borzoi import DecodingError
from borzoi.openapi.plan import Selection
from borzoi.openapi.runtime import JSON, UNSET, Unset, union
from borzoi.openapi.runtime.dataclass_models import UnionClass
from borzoi.openapi.runtime.libraries import convert, decoder
from tests.openapi.serving import API, as_json
from tests.openapi.test_models import LIBRARIES, document, received

PET = {
    "type": "object",
    "required": ["petName", "data"],
    "properties": {
        "petName": {"type": "string"},
        "data": {"type": "string", "format": "byte"},
        "email": {"type": "string", "format": "email"},
        "json": {"type": "integer"},
    },
}


@pytest.fixture(params=LIBRARIES)
def pets(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A package whose reply is a list of pets."""
    return client_of(document({"type": "array", "items": PET}), selection=Selection(models=request.param))


def test_bytes_are_base64(pets: Any) -> None:
    """Bytes are those of base64 (RFC 4648, section 4), read and written; a member keeps its name in JSON."""
    (found,) = received(pets, [{"petName": "A", "data": "+/+/", "json": 1}])

    assert (found.pet_name, found.data) == ("A", b"\xfb\xff\xbf")
    assert JSON.write(JSON, [found])["content"] == b'[{"petName":"A","data":"+/+/","json":1}]'


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([{"petName": 1, "data": ""}], "petName"),
        ([{"petName": "A", "data": ""}, {"data": ""}], "petName"),
        ([{"petName": "A", "data": "", "email": "nobody"}], "email"),
        ([{"petName": "A", "data": "", "json": "1"}], "json"),
        ([7], "declares"),
        ({}, "declares"),
    ],
)
def test_what_does_not_fit(pets: Any, value: Any, place: str) -> None:
    """A reply that is not what is declared is an error that says where; no string is made a number."""
    with API(lambda _: as_json(value)) as api, pets.Client(api.url) as client:
        with pytest.raises(DecodingError, match=place):
            client.x.call()


def test_members_have_the_names_of_the_document(pets: Any) -> None:
    """In JSON a member has the name of the document alone; programs make models by the names in Python."""
    wrong = [{"pet_name": "A", "data": ""}]
    with pytest.raises(DecodingError, match="petName"):
        received(pets, wrong)
    model = __import__(f"{pets.__name__}.models").models.CallResponseItem
    made = model(pet_name="B", data=b"")
    (found,) = received(pets, [{"petName": "B", "data": "", "pet_name": "A"}])

    assert found == made
    assert msgspec.json.decode(JSON.write(JSON, [made])["content"]) == [{"petName": "B", "data": ""}]


@dataclasses.dataclass(kw_only=True)
class Leaf:
    """A dataclass in others."""

    size: int


@dataclasses.dataclass(kw_only=True)
class Tree:
    """A dataclass with everything."""

    leaves: dict[str, Leaf] | Unset = UNSET
    either: Leaf | list[Leaf] | str | None = None
    some: Any = UNSET
    numbers: list[int] | Unset = UNSET


LEAVES = union("Leaves", lambda: (Leaf, Tree))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"leaves": {"a": {"size": 1}}}, Tree(leaves={"a": Leaf(size=1)})),
        ({"either": {"size": 1}}, Tree(either=Leaf(size=1))),
        ({"either": [{"size": 1}]}, Tree(either=[Leaf(size=1)])),
        ({"either": "x", "some": {"a": [1]}, "numbers": [1]}, Tree(either="x", some={"a": [1]}, numbers=[1])),
        ({"either": None}, Tree(either=None)),
    ],
)
def test_dataclasses(value: Any, expected: Tree) -> None:
    """A dataclass holds what JSON has, in the types that it names."""
    assert decoder(Tree)(msgspec.json.encode(value)) == expected
    assert convert({"size": 3}, LEAVES) == Leaf(size=3)
    assert convert(7, int) == 7


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"leaves": {"a": {"size": "1"}}}, r"Expected `int`, got `str` - at `\$\.leaves\[\.\.\.\]\.size`"),
        ({"leaves": [1]}, r"at `\$\.leaves`"),
        ({"leaves": {"a": 1}}, r"at `\$\.leaves\[\.\.\.\]`"),
        ({"either": [{"size": 1}, {}]}, r"required field `size` - at `\$\.either\[1\]`"),
        ({"either": 5}, r"at `\$\.either`"),
        ({"numbers": [1, "2"]}, r"at `\$\.numbers\[1\]`"),
        ([], r"Expected `object`, got `list`"),
    ],
)
def test_dataclasses_that_do_not_fit(value: Any, message: str) -> None:
    """The error says what is expected, what is there, and where."""
    with pytest.raises(msgspec.ValidationError, match=message):
        decoder(Tree)(msgspec.json.encode(value))


def test_an_array_that_is_none() -> None:
    """A list of models takes nothing but an array."""
    with pytest.raises(msgspec.ValidationError, match="Expected `array`, got `dict`"):
        decoder(list[Leaf])(b"{}")


def test_a_union_without_a_hook() -> None:
    """The class of unions itself resolves nothing."""
    with pytest.raises(NotImplementedError):
        UnionClass("Nothing", (), {}).resolve(1)
