"""Unions that msgspec cannot tell apart: several objects, several kinds of strings, an object in two versions.

For type checkers a union is `Cat | Dog`. At run time it is a class that every value is an instance of, so that
msgspec takes what `decode_hook` returns. A value is made into the member that its discriminator names, else into that
whose required keys are there, else into the first that takes it; what fits none of them stays as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


class UnionType(type):
    """The class of unions: whatever a hook made is an instance of them."""

    _members: Callable[[], tuple[Any, ...]]
    _discriminator: str
    _mapping: Callable[[], Mapping[str, Any]]
    _candidates: list[tuple[Any, frozenset[str], frozenset[str]]] | None = None

    def __instancecheck__(cls, instance: Any) -> bool:
        return True


def union(
    name: str,
    members: Callable[[], tuple[Any, ...]],
    discriminator: str = "",
    mapping: Callable[[], Mapping[str, Any]] = dict,
) -> Any:
    """Make the class that stands for a union at run time. Members are asked for when the first value is decoded."""
    made = UnionType(name, (), {})
    for attribute, value in (("_members", members), ("_discriminator", discriminator), ("_mapping", mapping)):
        setattr(made, attribute, staticmethod(value) if callable(value) else value)
    return made


def decode_hook(type: Any, value: Any) -> Any:
    """Return a value as one of the members of a union; this is the `dec_hook` of msgspec."""
    if not isinstance(type, UnionType):
        raise NotImplementedError(f"{type!r} cannot be decoded")
    if isinstance(value, dict):
        return _object(type, value)
    return _tried(type._members(), value)


def _object(type: UnionType, value: dict[str, Any]) -> Any:
    if type._discriminator:
        tag = value.get(type._discriminator)
        member = type._mapping().get(tag) if isinstance(tag, str) else None
        if member is not None:
            return msgspec.convert(value, member, dec_hook=decode_hook)
    return _tried([member for member, _, _ in _by_keys(type, value.keys())], value)


def _by_keys(type: UnionType, keys: Any) -> list[tuple[Any, frozenset[str], frozenset[str]]]:
    """Return the members whose required keys are there, those that know most of the keys first."""
    if type._candidates is None:
        type._candidates = [(member, *_keys_of(member)) for member in type._members()]
    fitting = [each for each in type._candidates if each[1] <= keys]
    return sorted(fitting, key=lambda each: -len(each[2] & keys))


def _keys_of(member: Any) -> tuple[frozenset[str], frozenset[str]]:
    if not (isinstance(member, type) and issubclass(member, msgspec.Struct)):
        return frozenset(), frozenset()
    fields = msgspec.structs.fields(member)
    return (
        frozenset(field.encode_name for field in fields if field.required),
        frozenset(field.encode_name for field in fields),
    )


def _tried(members: Any, value: Any) -> Any:
    for member in members:
        try:
            return msgspec.convert(value, member, dec_hook=decode_hook)
        except msgspec.ValidationError:
            continue
    return value
