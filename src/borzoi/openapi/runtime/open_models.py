"""Models of objects that have members which their document does not name: `additional_properties` holds those.

A struct of msgspec drops what it does not know, and writes a dict inside of it as a member of its own. So an OpenStruct
is none: msgspec asks its hooks for it, both ways, and they leave what is named to a struct. Type checkers see a struct.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

EXTRA = "additional_properties"
"""The field of the members that are not named."""


class OpenType(type):
    """The class of classes that are made as structs are; a struct of what is named stands behind each."""

    __struct__: type[msgspec.Struct]
    __others__: type[msgspec.Struct]
    """Of the others alone: msgspec reads the type of a struct once, and that of a dict each time."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> OpenType:
        """Make a class with a slot for each annotation."""
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        annotations = namespace["__annotations__"]
        own = {key: value for key, value in namespace.items() if key not in annotations}
        made = super().__new__(cls, name, bases, {**own, "__slots__": tuple(annotations)})
        named = {key: value for key, value in annotations.items() if key != EXTRA}
        content = {key: value for key, value in namespace.items() if key != EXTRA}
        meta: Any = type(msgspec.Struct)
        made.__struct__ = meta(name, (msgspec.Struct,), {**content, "__annotations__": named}, **options)
        others = {"__module__": namespace["__module__"], "__annotations__": {EXTRA: annotations[EXTRA]}}
        made.__others__ = meta(name, (msgspec.Struct,), others)
        return made


if TYPE_CHECKING:

    class OpenStruct(msgspec.Struct):
        """A struct with members that are not named. What those are is said by each of its own."""
else:

    class OpenStruct(metaclass=OpenType):
        """Hold the members that are named as attributes, and the others by their names."""

        __slots__ = ()
        __hash__ = None

        def __init__(self, **members: Any) -> None:
            setattr(self, EXTRA, members.pop(EXTRA, {}))
            _fill(self, type(self).__struct__(**members))

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in _all(self))

        def __repr__(self) -> str:
            return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in _all(self))})"


def _all(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = type(value).__slots__
    return names


def _fill(value: Any, struct: msgspec.Struct) -> None:
    for name in struct.__struct_fields__:
        setattr(value, name, getattr(struct, name))


def open_members(value: Any) -> list[tuple[str, Any]]:
    """Return the members of an OpenStruct by their names in JSON, those that are not set among them."""
    struct: type[msgspec.Struct] = type(value).__struct__
    names = zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)
    return with_extra([(wire, getattr(value, name)) for name, wire in names], getattr(value, EXTRA))


def with_extra(named: list[tuple[str, Any]], extra: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return members, and the others behind them; what has a name is not said twice."""
    known = {name for name, member in named if member is not msgspec.UNSET}
    return [*named, *[(name, member) for name, member in extra.items() if name not in known]]


def unknown(value: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the members of an object that are not known."""
    return {name: member for name, member in value.items() if name not in known}


@cache
def extra_type(model: type) -> Any:
    """Return the type of the members that are not named, as a dict."""
    return get_type_hints(model, include_extras=True)[EXTRA]


@cache
def _known(type_: Any) -> frozenset[str]:
    return frozenset(type_.__struct__.__struct_encode_fields__)


def open_struct(type_: Any, value: Any, hook: Callable[[Any, Any], Any]) -> Any:
    """Make an OpenStruct of plain data; `hook` is the dec_hook. Raises ValueError, to which msgspec adds the place."""
    if not isinstance(value, dict):
        raise ValueError(f"Expected `object`, got `{type(value).__name__}`")
    made = type_.__new__(type_)
    try:
        _fill(made, msgspec.convert(value, type_.__struct__, dec_hook=hook))
        _fill(made, msgspec.convert({EXTRA: unknown(value, _known(type_))}, type_.__others__, dec_hook=hook))
    except msgspec.ValidationError as error:
        raise within(error) from None
    return made


def within(error: msgspec.ValidationError) -> ValueError:
    """Return the error that something is wrong within a value; what decodes the whole adds the place of that."""
    reason, _, place = str(error).partition(" - at `$")
    return ValueError(f"{reason} in `{place.removesuffix('`')}`" if place else reason)
