"""JSON decoded into types: what fits, what does not, and what is said about it."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import json
import sys
import types
import typing
import uuid
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

import attrs
import pytest

from borzoi._errors import DecodingError
from borzoi._messages.typed import decode_json

T = TypeVar("T")
UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = "red"
    ONE = 1


@dataclasses.dataclass
class Dog:
    name: str
    age: int = 0
    tags: list[str] = dataclasses.field(default_factory=list)
    parent: Optional[Dog] = None  # noqa: UP045
    secret: int = dataclasses.field(default=7, init=False)


@dataclasses.dataclass
class Box(Generic[T]):
    item: T
    more: list[T] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Positive:
    value: int

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("value must not be negative")


@attrs.define
class Cat:
    name: str
    _lives: int = 9
    untyped: Any = attrs.field(default=None)
    computed: int = attrs.field(default=1, init=False)


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Alias:
    """What `type Alias = int` makes from Python 3.12 on."""

    __value__ = int


class Meta:
    """What cannot be hashed, as metadata of an annotation."""

    __hash__ = None  # type: ignore[assignment]


def decode(value: Any, tp: Any) -> Any:
    return decode_json(json.dumps(value).encode(), tp)


@pytest.mark.parametrize(
    ("value", "tp", "made"),
    [
        (1, int, 1),
        (True, bool, True),
        ("a", str, "a"),
        (1, float, 1.0),
        (1.5, float, 1.5),
        (None, None, None),
        ({"a": [1]}, Any, {"a": [1]}),
        ({"a": [1]}, object, {"a": [1]}),
        ([1, 2], list[int], [1, 2]),
        ([1, "a"], list, [1, "a"]),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, "a"], tuple[int, str], (1, "a")),
        ([1, "a"], tuple, (1, "a")),
        ([1, 1], set[int], {1}),
        ([1, 1], frozenset[int], frozenset({1})),
        ([1], collections.abc.Sequence[int], [1]),
        ([1], typing.Iterable[int], [1]),
        ({"a": 1}, dict[str, int], {"a": 1}),
        ({"a": 1}, dict, {"a": 1}),
        ({"-1": 1}, dict[int, int], {-1: 1}),
        ({"red": 1}, collections.abc.Mapping[Colour, int], {Colour.RED: 1}),
        (None, Optional[int], None),  # noqa: UP045
        (1, int | None, 1),
        (1, float | int, 1),
        ("a", Union[int, str], "a"),  # noqa: UP007
        ([1], int | list[float], [1.0]),
        ("a", Literal["a", 1], "a"),
        ("red", Colour, Colour.RED),
        (1, Colour, Colour.ONE),
        (1, UserId, 1),
        (1, Annotated[int, "positive"], 1),
        (1, Alias(), 1),
        ([1], list[Annotated[int, Meta()]], [1]),
        ("2026-11-22T10:00:00+00:00", dt.datetime, dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)),
        ("2026-11-22", dt.date, dt.date(2026, 11, 22)),
        ("10:30", dt.time, dt.time(10, 30)),
        ("12345678-1234-5678-1234-567812345678", uuid.UUID, uuid.UUID("12345678123456781234567812345678")),
        ("1.10", decimal.Decimal, decimal.Decimal("1.10")),
        (1.5, decimal.Decimal, decimal.Decimal("1.5")),
        ({"name": "Laika"}, Dog, Dog("Laika")),
        ({"name": "Laika", "age": 2, "x": 1, "secret": 1}, Dog, Dog("Laika", 2)),
        ({"name": "a", "parent": {"name": "b", "tags": ["c"]}}, Dog, Dog("a", 0, [], Dog("b", 0, ["c"]))),
        ([{"name": "a"}], list[Dog], [Dog("a")]),
        ({"item": 1, "more": [2]}, Box[int], Box(1, [2])),
        ({"item": "a"}, Box, Box("a")),
        ({"name": "Tom", "lives": 7, "untyped": [1]}, Cat, Cat("Tom", 7, [1])),
        ({"name": "Tom", "computed": 5}, Cat, Cat("Tom")),
        ({"title": "Balto"}, Movie, {"title": "Balto"}),
        ({"title": "Balto", "year": 1995, "x": 1}, Movie, {"title": "Balto", "year": 1995}),
        ({"x": 1}, Point, Point(1)),
        ({"x": 1, "y": 2}, Point, Point(1, 2.0)),
        ({"value": 1}, Positive, Positive(1)),
    ],
)
def test_what_fits(value: Any, tp: Any, made: Any) -> None:
    """A value that fits becomes an object of exactly that type."""
    result = decode(value, tp)

    assert result == made
    assert type(result) is type(made)


@pytest.mark.parametrize(
    ("value", "tp", "message"),
    [
        ("1", int, "$: expected int, got str"),
        (True, int, "$: expected int, got bool"),
        (1.0, int, "$: expected int, got float"),
        (1, str, "$: expected str, got int"),
        (1, bool, "$: expected bool, got int"),
        (True, float, "$: expected float, got bool"),
        (10**400, float, "$: too large for a float"),
        (1, None, "$: expected null, got int"),
        (None, int, "$: expected int, got null"),
        ({}, list[int], "$: expected array, got object"),
        ([1, "a"], list[int], "$[1]: expected int, got str"),
        ([[]], set[list[int]], "$: an array of what a set cannot hold"),
        ([1], tuple[int, str], "$: expected array of 2 items, got array"),
        ([1, 2], tuple[int, str], "$[1]: expected str, got int"),
        ([], dict[str, int], "$: expected object, got array"),
        ({"a": {"b": [1, None]}}, dict[str, dict[str, list[int]]], "$.a.b[1]: expected int, got null"),
        ({"x": 1}, dict[int, int], "$.x: expected int as key, got str"),
        ({"\u0661": 1}, dict[int, int], "expected int as key"),
        (1.5, int | str, "$: expected int | str, got float"),
        ("a", int | None, "$: expected int, got str"),
        (True, Literal[1, "a"], "$: expected one of 1, 'a', got bool"),
        ("blue", Colour, "$: expected a value of Colour, got str"),
        ([], Colour, "$: expected a value of Colour, got array"),
        ("yesterday", dt.date, "$: expected date, got str"),
        (5, dt.datetime, "$: expected datetime, got int"),
        ("x", decimal.Decimal, "$: expected Decimal, got str"),
        ("x", uuid.UUID, "$: expected UUID, got str"),
        (True, decimal.Decimal, "$: expected Decimal, got bool"),
        ([], Dog, "$: expected Dog, got array"),
        ({}, Dog, "$.name: missing"),
        ({"name": "a", "parent": {"name": 5}}, Dog, "$.parent.name: expected str, got int"),
        ([{"name": "a"}, {"name": "a", "tags": [1]}], list[Dog], "$[1].tags[0]: expected str, got int"),
        ({"value": -1}, Positive, "$: not a valid Positive: value must not be negative"),
        ({"item": "a"}, Box[int], "$.item: expected int, got str"),
        ({"year": 1995}, Movie, "$.title: missing"),
        ({"y": 1}, Point, "$.x: missing"),
        ({"name": "Tom", "lives": "many"}, Cat, "$.lives: expected int, got str"),
    ],
)
def test_what_does_not_fit(value: Any, tp: Any, message: str) -> None:
    """What does not fit is an error of the tree that says where, and what was expected."""
    with pytest.raises(DecodingError) as caught:
        decode(value, tp)

    assert message in str(caught.value)


def test_the_data_is_not_shown() -> None:
    """A message tells of types, never of what the body said."""
    with pytest.raises(DecodingError) as caught:
        decode([{"name": "hunter2", "age": "hunter2"}], list[Dog])

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\xff", b"nonsense"])
def test_what_is_not_json(content: bytes) -> None:
    """A body that is no JSON is an error of the tree, with the one of json as its cause."""
    with pytest.raises(DecodingError, match="does not decode as JSON") as caught:
        decode_json(content, list[int])

    assert isinstance(caught.value.__cause__, ValueError)


def test_json_that_nests_too_deeply() -> None:
    """Nesting is bounded, in the text and in the type."""
    with pytest.raises(DecodingError, match="nests too deeply"):
        decode_json(b"[" * 200_000 + b"]" * 200_000, Any)


def test_a_type_that_json_cannot_make() -> None:
    """A type that makes no sense here is the program's error, and named."""
    with pytest.raises(TypeError, match=r"json\(type=...\) cannot make complex"):
        decode_json(b"1", complex)
    with pytest.raises(TypeError, match="cannot make bytes"):
        decode_json(b"[]", list[bytes])


def test_arguments_of_json_loads() -> None:
    """Keyword arguments reach json.loads()."""
    assert decode_json(b"[1.10]", list[Any], parse_float=decimal.Decimal) == [decimal.Decimal("1.10")]


class Struct:
    """Stands for msgspec.Struct."""

    def __init__(self, value: Any) -> None:
        self.value = value


class User(Struct):
    """A model of msgspec."""


class MsgspecError(Exception):
    """Stands for the error of msgspec."""


@pytest.fixture
def msgspec(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A stand-in for msgspec, imported by the program."""

    def convert(value: Any, type: Any) -> Any:
        if value == "bad":
            raise MsgspecError("Expected `object`, got `str`")
        return (type, value)

    def decode(content: bytes, type: Any) -> Any:
        return convert(json.loads(content), type)

    library = types.SimpleNamespace(
        Struct=Struct,
        MsgspecError=MsgspecError,
        convert=convert,
        json=types.SimpleNamespace(decode=decode),
    )
    monkeypatch.setitem(sys.modules, "msgspec", library)
    return library


@dataclasses.dataclass
class Page:
    users: list[User]


@pytest.mark.usefixtures("msgspec")
def test_models_of_msgspec() -> None:
    """msgspec decodes its own types from the bytes, and converts them within others."""
    assert decode_json(b"[1]", list[User]) == (list[User], [1])
    assert decode_json(b"[1]", User, parse_int=str) == (User, ["1"])
    assert decode_json(b'{"users": [1]}', Page) == Page([(User, 1)])  # type: ignore[list-item]


@pytest.mark.usefixtures("msgspec")
def test_what_msgspec_refuses() -> None:
    """What msgspec refuses is an error of the tree, with msgspec's as its cause."""
    with pytest.raises(DecodingError, match="does not decode as User: Expected `object`, got `str`") as caught:
        decode_json(b'"bad"', User)
    assert isinstance(caught.value.__cause__, MsgspecError)
    with pytest.raises(DecodingError, match=r"\$.users\[0\]: not a valid User: Expected `object`, got `str`"):
        decode_json(b'{"users": ["bad"]}', Page)


class ValidationError(ValueError):
    """Stands for the error of pydantic."""

    def errors(self, *, include_url: bool, include_input: bool, include_context: bool) -> list[dict[str, Any]]:
        assert (include_url, include_input, include_context) == (False, False, False)
        return [{"loc": ("dogs", 3, "age"), "msg": "Input should be a valid integer"}]


class Account:
    """Stands for a model of pydantic."""

    __pydantic_validator__ = object()


class TypeAdapter:
    """Stands for pydantic.TypeAdapter."""

    def __init__(self, tp: Any) -> None:
        self.tp = tp

    def validate_json(self, content: bytes) -> Any:
        return self.validate_python(json.loads(content))

    def validate_python(self, value: Any) -> Any:
        if value == "bad":
            raise ValidationError("the value was 'hunter2'")
        return (self.tp, value)


@pytest.fixture
def pydantic(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A stand-in for pydantic, imported by the program."""
    library = types.SimpleNamespace(TypeAdapter=TypeAdapter, ValidationError=ValidationError)
    monkeypatch.setitem(sys.modules, "pydantic", library)
    return library


@dataclasses.dataclass
class Ledger:
    account: Account


@pytest.mark.usefixtures("pydantic")
def test_models_of_pydantic() -> None:
    """pydantic validates its own types from the bytes, and within others."""
    assert decode_json(b"[1]", list[Account]) == (list[Account], [1])
    assert decode_json(b'{"account": 1}', Ledger) == Ledger((Account, 1))  # type: ignore[arg-type]


@pytest.mark.usefixtures("pydantic")
def test_what_pydantic_refuses() -> None:
    """What pydantic refuses is told by place and reason, without the data."""
    with pytest.raises(DecodingError) as caught:
        decode_json(b'"bad"', Account)
    assert str(caught.value) == ("The body does not decode as Account: $.dogs[3].age: Input should be a valid integer")
    with pytest.raises(DecodingError, match=r"\$.account: not a valid Account"):
        decode_json(b'{"account": "bad"}', Ledger)
