"""Unions that msgspec cannot tell apart: several objects, several kinds of strings, an object in two versions.

For type checkers a union is `Cat | Dog`. At run time it is a class that every value is an instance of, so that
msgspec takes what `decode_hook` returns. A value is made into the member that its discriminator names, else into that
whose required keys are there, else into the first that takes it; what fits none of them stays as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .dataclass_models import UnionClass
from .libraries import convert, keys_of
from .open_models import OpenType, open_struct, within


class UnionType(UnionClass):
    """The class of unions: whatever a hook made is an instance of them."""

    discriminator: str
    mapping: Callable[[], Mapping[str, Any]]
    other: Callable[[], Any] | None = None
    candidates: list[tuple[Any, frozenset[str], frozenset[str]]] | None = None

    def __instancecheck__(self, instance: Any) -> bool:
        return True

    def resolve(self, value: Any) -> Any:
        """Return a value as one of the members of a union."""
        return _object(self, value) if isinstance(value, dict) else _tried(self.members(), value)

    def resolve_within(self, value: Any) -> Any:
        """Return a value that is a part of another as one of the members. Raises ValueError."""
        try:
            return self.resolve(value)
        except msgspec.ValidationError as error:
            raise within(error) from None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self._validated)

    def _validated(self, value: Any) -> Any:
        # What a program gives is one of the members already, or is made one as a reply would be.
        return self.resolve_within(value) if isinstance(value, (dict, list, str, int, float)) else value


def union(
    name: str,
    members: Callable[[], tuple[Any, ...]],
    discriminator: str = "",
    mapping: Callable[[], Mapping[str, Any]] = dict,
    other: Callable[[], Any] | None = None,
) -> Any:
    """Make the class that stands for a union at run time. Members are asked for when the first value is decoded.

    `other` is what an object is whose discriminator is not in the mapping; without it, one whose keys fit.
    """
    made = UnionType(name, (), {})
    made.discriminator = discriminator
    for attribute, value in (("members", members), ("mapping", mapping), ("other", other)):
        setattr(made, attribute, value and staticmethod(value))
    return made


def decode_hook(type: Any, value: Any) -> Any:
    """Return a value as one of the members of a union, or as an open struct; this is the `dec_hook` of msgspec."""
    if isinstance(type, UnionType):
        return type.resolve_within(value)
    if isinstance(type, OpenType):
        return open_struct(type, value, decode_hook)
    raise NotImplementedError(f"{type!r} cannot be decoded")


def _object(union: UnionType, value: dict[str, Any]) -> Any:
    if union.discriminator:
        tag = value.get(union.discriminator)
        member = union.mapping().get(tag) if isinstance(tag, str) else None
        if member is not None:
            return convert(value, member)
        if union.other is not None:
            return _tried([union.other()], value)
    return _tried([member for member, _, _ in _by_keys(union, value.keys())], value)


def _by_keys(union: UnionType, keys: Any) -> list[tuple[Any, frozenset[str], frozenset[str]]]:
    """Return the members whose required keys are there, those that know most of the keys first."""
    if union.candidates is None:
        union.candidates = [(member, *keys_of(member)) for member in union.members()]
    fitting = [each for each in union.candidates if each[1] <= keys]
    return sorted(fitting, key=lambda each: -len(each[2] & keys))


def _tried(members: Any, value: Any) -> Any:
    for member in members:
        try:
            return convert(value, member)
        except msgspec.ValidationError:
            continue
    return value
