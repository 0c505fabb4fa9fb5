"""Models of msgspec, pydantic and dataclasses: decoding, taking apart, and which keys they need.

A package has models of one library; which, its types say. Whatever does not fit is a msgspec.ValidationError with its
place in the body, as in "Expected `int`, got `str` - at `$.pets[2].age`".
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from .dataclass_models import UnionClass, converter_of, members_of, named_fields, wire_name
from .open_models import OpenStruct, OpenType, open_members, with_extra
from .values import NO_EMAIL, NO_URI, UNSET


def is_pydantic(type_: Any) -> bool:
    """Tell whether a type is a model of pydantic."""
    return "pydantic" in sys.modules and isinstance(type_, type) and hasattr(type_, "__pydantic_fields__")


@cache
def library_of(type_: Any) -> str:
    """Return whose models a type is made of: msgspec, pydantic or dataclass. What has none is left to msgspec."""
    seen: list[Any] = []
    pending = [type_]
    while pending:
        each = pending.pop()
        if is_pydantic(each):
            return "pydantic"
        if isinstance(each, UnionClass):
            pending += [] if each in seen else each.members()
            seen.append(each)
        elif dataclasses.is_dataclass(each):
            return "dataclass"
        else:
            pending += get_args(each)
    return "msgspec"


def decoder(type_: Any) -> Callable[[bytes], Any]:
    """Return what makes values of a type from JSON, made once for all responses."""
    library = library_of(type_)
    if library == "pydantic":
        from .pydantic_models import json_validator

        return json_validator(type_)
    if library == "dataclass":
        convert, decode = converter_of(type_), msgspec.json.Decoder().decode
        return lambda content: convert(decode(content))
    return _placing(msgspec.json.Decoder(type_, dec_hook=_resolved).decode)


def _placing(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Have errors name the whole place of an address that is none: msgspec knows that of its struct."""

    def decode_placed(content: bytes) -> Any:
        try:
            return decode(content)
        except msgspec.ValidationError as error:
            reason = next((each for each in (NO_EMAIL, NO_URI) if str(error).startswith(f"{each} in `")), None)
            if reason is None:
                raise
            inner, _, place = str(error).removeprefix(reason).partition(" - at `$")
            steps = [step.removesuffix("`") for step in inner.split(" in `")]
            whole = place.removesuffix("`") + "".join(reversed(steps))
            raise msgspec.ValidationError(f"{reason} - at `${whole}`") from error

    return decode_placed


def convert(value: Any, type_: Any) -> Any:
    """Return a value that was JSON as one of a type. Raises msgspec.ValidationError."""
    library = library_of(type_)
    if library == "pydantic":
        from .pydantic_models import json_validator

        return json_validator(type_)(msgspec.json.encode(value))
    return converter_of(type_)(value) if library == "dataclass" else msgspec.convert(value, type_, dec_hook=_resolved)


def _resolved(type_: Any, value: Any) -> Any:
    from .unions import decode_hook

    return decode_hook(type_, value)


def keys_of(model: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the members that a model requires and of all that it has, as JSON has them."""
    if isinstance(model, type) and issubclass(model, msgspec.Struct):
        fields = msgspec.structs.fields(model)
        found = {field.encode_name: field.required for field in fields}
    elif isinstance(model, OpenType):
        return keys_of(model.__struct__)
    elif isinstance(model, UnionClass):
        return _keys_of_union(model.members())
    elif is_pydantic(model):
        found = {
            str(field.validation_alias or name): field.is_required()
            for name, field in model.__pydantic_fields__.items()
        }
    elif dataclasses.is_dataclass(model):
        found = {wire_name(field): field.default is dataclasses.MISSING for field in named_fields(model)}
    else:
        found = {}
    return frozenset(name for name, is_required in found.items() if is_required), frozenset(found)


def _keys_of_union(members: tuple[Any, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that all members require, and those that any has; unions within are not looked into."""
    found = [keys_of(each) for each in members if not isinstance(each, UnionClass)]
    required = [each for each, _ in found] if len(found) == len(members) else []
    return frozenset.intersection(*required) if required else frozenset(), frozenset().union(
        *[known for _, known in found]
    )


def members(value: Any) -> list[tuple[str, Any]] | None:
    """Return the members of an object that are set, by their names in JSON; None for what is no object."""
    model: Any = type(value)
    if isinstance(value, Mapping):
        found = list(value.items())
    elif isinstance(value, msgspec.Struct):
        found = [(field.encode_name, getattr(value, field.name)) for field in msgspec.structs.fields(value)]
    elif isinstance(value, OpenStruct):
        found = open_members(value)
    elif dataclasses.is_dataclass(model):
        found = members_of(value)
    elif is_pydantic(model):
        fields = model.__pydantic_fields__
        found = [
            (str(fields[name].serialization_alias or name), getattr(value, name))
            for name in fields
            if name in value.model_fields_set
        ]
        found = with_extra(found, value.model_extra or {})
    else:
        return None
    return [(name, member) for name, member in found if member is not UNSET]
