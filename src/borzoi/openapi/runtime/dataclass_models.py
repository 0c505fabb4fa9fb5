"""Dataclasses from JSON and back: msgspec makes what is in them, and their members have the names of the document.

A member whose name in JSON is another has it in its metadata, under "name".
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from .open_models import EXTRA, extra_type, unknown, with_extra
from .values import UNSET, Unset

Convert = Callable[[Any], Any]


class UnionClass(type):
    """The class of unions that only a hook can resolve."""

    members: Callable[[], tuple[Any, ...]]

    def resolve(cls, value: Any) -> Any:
        """Return a value as one of the members."""
        raise NotImplementedError


class Misfit(msgspec.ValidationError):
    """A value does not fit; `path` is where it is."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{reason} - at `${path}`" if path else reason)
        self.reason = reason
        self.path = path


def wire_name(field: dataclasses.Field[Any]) -> str:
    """Return the name that a member has in JSON."""
    name: str = field.metadata.get("name", field.name)
    return name


class OpenDataclass:
    """What dataclasses are made from that have members which the document does not name."""

    __slots__ = ()


def named_fields(model: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields of a class that are members which the document names."""
    return [field for field in dataclasses.fields(model) if field.name != EXTRA or not issubclass(model, OpenDataclass)]


def members_of(value: Any) -> list[tuple[str, Any]]:
    """Return the members of a dataclass by their names in JSON."""
    found = [(wire_name(field), getattr(value, field.name)) for field in dataclasses.fields(value)]
    if not isinstance(value, OpenDataclass):
        return found
    # That field is the last one.
    return with_extra(found[:-1], getattr(value, EXTRA))


def written(value: Any) -> Any:
    """Return a value with the dataclasses in it as dicts, as JSON has them."""
    if isinstance(value, (list, tuple)):
        return [written(each) for each in value]
    if isinstance(value, dict):
        return {key: written(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: written(each) for name, each in members_of(value) if each is not UNSET}
    return value


def converter_of(type_: Any) -> Convert:
    """Return what makes values of a type of plain data. It raises Misfit."""
    if not _has_models(type_):
        return _by_msgspec(type_)
    if isinstance(type_, UnionClass):
        return type_.resolve
    if dataclasses.is_dataclass(type_) and isinstance(type_, type):
        return _of_dataclass(type_)
    arguments = get_args(type_)
    if get_origin(type_) is list:
        return _of_list(converter_of(arguments[0]))
    if get_origin(type_) is dict:
        return _of_dict(converter_of(arguments[1]))
    return _of_union(arguments)


@cache
def _has_models(type_: Any) -> bool:
    if isinstance(type_, UnionClass) or dataclasses.is_dataclass(type_):
        return True
    return any(_has_models(each) for each in get_args(type_) if not isinstance(each, str))


def _by_msgspec(type_: Any) -> Convert:
    def convert(value: Any) -> Any:
        try:
            return msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$")
            raise Misfit(reason, path.removesuffix("`")) from None

    return convert


def _of_list(convert: Convert) -> Convert:
    def make(value: Any) -> Any:
        if not isinstance(value, list):
            raise Misfit(f"Expected `array`, got `{type(value).__name__}`")
        return [_placed(convert, each, f"[{index}]") for index, each in enumerate(value)]

    return make


def _of_dict(convert: Convert) -> Convert:
    def make(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"Expected `object`, got `{type(value).__name__}`")
        return {key: _placed(convert, each, "[...]") for key, each in value.items()}

    return make


def _placed(convert: Convert, value: Any, place: str) -> Any:
    try:
        return convert(value)
    except Misfit as error:
        raise Misfit(error.reason, place + error.path) from None


def _of_union(members: tuple[Any, ...]) -> Convert:
    """Return what makes one of several types: at most one is an object, one an array; a union is alone with null."""
    if (union := next((each for each in members if isinstance(each, UnionClass)), None)) is not None:
        is_nullable = type(None) in members
        return lambda value: None if value is None and is_nullable else union.resolve(value)
    # What msgspec can tell apart, it does: the rest is chosen by what JSON has.
    plain = tuple(each for each in members if not _has_models(each) and each is not Unset)
    convert_plain = _by_msgspec(Union[plain]) if plain else None  # noqa: UP007 -- made at run time
    arrays = [converter_of(each) for each in members if _has_models(each) and get_origin(each) is list]
    objects = [converter_of(each) for each in members if _has_models(each) and get_origin(each) is not list]

    def make(value: Any) -> Any:
        found = arrays if isinstance(value, list) else objects
        is_plain = not found or (convert_plain is not None and not isinstance(value, (dict, list)))
        return convert_plain(value) if is_plain and convert_plain is not None else found[0](value)

    return make


@cache
def _of_dataclass(model: type) -> Convert:
    members: list[tuple[str, str, Convert, bool]] = []
    is_open = issubclass(model, OpenDataclass)

    def make(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"Expected `object`, got `{type(value).__name__}`")
        # Not before the first value: models refer to each other in circles.
        if not members:
            members.extend(_members_of_class(model))
        given: dict[str, Any] = {}
        for name, wire, convert, is_required in members:
            if wire in value:
                given[name] = _placed(convert, value[wire], f".{wire}")
            elif is_required:
                raise Misfit(f"Object missing required field `{wire}`")
        if is_open:
            extra = unknown(value, {wire for _, wire, _, _ in members})
            given[EXTRA] = {name: _placed(_extra(model), each, f".{name}") for name, each in extra.items()}
        return model(**given)

    return make


@cache
def _extra(model: type) -> Convert:
    return converter_of(get_args(extra_type(model))[1])


def _members_of_class(model: Any) -> list[tuple[str, str, Convert, bool]]:
    hints = get_type_hints(model, include_extras=True)
    return [
        (field.name, wire_name(field), converter_of(_given(hints[field.name])), field.default is dataclasses.MISSING)
        for field in named_fields(model)
    ]


def _given(type_: Any) -> Any:
    """Return a type without that of what is not given: JSON has nothing for it."""
    if get_origin(type_) not in (Union, types.UnionType):
        return type_
    return Union[tuple(each for each in get_args(type_) if each is not Unset)]  # noqa: UP007 -- made at run time
