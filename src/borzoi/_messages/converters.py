"""The function that makes an object of a type from what `json.loads` gives, for each type that an annotation can name.

`converter(tp)` looks the kind of the type up in a table, `_BUILDERS`, and remembers what was built. A converter raises
Mismatch for what does not fit.
"""

from __future__ import annotations

import collections.abc
import functools
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .mismatch import Converter, Mismatch, type_name
from .model_libraries import is_msgspec, is_pydantic, msgspec_converter, pydantic_converter


def converter(tp: Any) -> Converter:
    """Return the function that makes an object of `tp` from what `json.loads` gives, or raises Mismatch."""
    try:
        hash(tp)
    except TypeError:
        # Annotated may carry anything.
        return _new_converter(tp)
    # `A | B` equals `B | A`, and is not the same: the text tells them apart.
    return _known_converter(tp, "" if isinstance(tp, type) else repr(tp))


def _new_converter(tp: Any) -> Converter:
    tp = _without_qualifiers(tp)
    origin = typing.get_origin(tp) or tp

    for applies, build in _BUILDERS:
        if applies(origin):
            return build(tp)
    raise TypeError(f"json(type=...) cannot make {type_name(tp)} from JSON.")


@functools.lru_cache(maxsize=1024)
def _known_converter(tp: Any, _: str) -> Converter:
    return _new_converter(tp)


def _without_qualifiers(tp: Any) -> Any:
    """Return what is meant by Annotated, Required, NewType and aliases of types."""
    while True:
        origin = typing.get_origin(tp)
        if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.Final):
            tp = typing.get_args(tp)[0]
        elif hasattr(tp, "__supertype__"):
            tp = tp.__supertype__
        elif hasattr(tp, "__value__"):
            tp = tp.__value__
        else:
            return tp


def _anything(_: Any) -> Converter:
    return lambda value: value


def _null(_: Any) -> Converter:
    def convert(value: Any) -> None:
        if value is not None:
            raise Mismatch("null", value)

    return convert


def _scalar(tp: Any) -> Converter:
    def convert(value: Any) -> Any:
        # Not isinstance(): True is an int to Python, but not to JSON.
        if type(value) is not tp:
            raise Mismatch(tp.__name__, value)
        return value

    return convert


def _float(_: Any) -> Converter:
    def convert(value: Any) -> float:
        if type(value) is not float and type(value) is not int:
            raise Mismatch("float", value)
        try:
            return float(value)
        except OverflowError:
            raise Mismatch.because("too large for a float") from None

    return convert


def _parsed(tp: Any) -> Converter:
    """Make what has a text form: dates, UUID, Decimal."""
    parse = getattr(tp, "fromisoformat", tp)
    takes_numbers = tp.__name__ == "Decimal"

    def convert(value: Any) -> Any:
        if not isinstance(value, str) and not (takes_numbers and type(value) in (int, float)):
            raise Mismatch(type_name(tp), value)
        try:
            return parse(str(value))
        except (ValueError, ArithmeticError):
            raise Mismatch(type_name(tp), value) from None

    return convert


def _enum(tp: Any) -> Converter:
    def convert(value: Any) -> Any:
        try:
            return tp(value)
        except ValueError:
            raise Mismatch(f"a value of {tp.__name__}", value) from None

    return convert


def _literal(tp: Any) -> Converter:
    choices = typing.get_args(tp)

    def convert(value: Any) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise Mismatch(f"one of {', '.join(map(repr, choices))}", value)
        return value

    return convert


def _union(tp: Any) -> Converter:
    members = typing.get_args(tp)
    others = [converter(member) for member in members if member is not type(None)]
    is_optional = len(others) < len(members)

    def convert(value: Any) -> Any:
        if value is None and is_optional:
            return None
        if len(others) == 1:
            return others[0](value)
        return _best_of(others, value, type_name(tp))

    return convert


def _best_of(converters: list[Converter], value: Any, expected: str) -> Any:
    """Return what the first converter makes, unless one takes the value as it is."""
    made: list[Any] = []
    for convert in converters:
        try:
            result = convert(value)
        except Mismatch:
            continue
        if result is value:
            return value
        made.append(result)

    if not made:
        raise Mismatch(expected, value)
    return made[0]


def _items(value: list[Any], convert: Converter) -> Iterator[Any]:
    for index, item in enumerate(value):
        try:
            yield convert(item)
        except Mismatch as mismatch:
            raise mismatch.at(f"[{index}]") from None


_ARRAYS: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Collection: list,
    collections.abc.Iterable: list,
    collections.abc.Set: frozenset,
    collections.abc.MutableSet: set,
}


def _array(tp: Any) -> Converter:
    make = _ARRAYS[typing.get_origin(tp) or tp]
    arguments = typing.get_args(tp)
    item = converter(arguments[0] if arguments else Any)

    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch("array", value)
        items = list(_items(value, item))
        try:
            return make(items)
        except TypeError:
            raise Mismatch.because("an array of what a set cannot hold") from None

    return convert


def _tuple(tp: Any) -> Converter:
    arguments = typing.get_args(tp)
    if not arguments or arguments[-1] is Ellipsis:
        items = _array(types.GenericAlias(list, arguments[:1] or (Any,)))
        return lambda value: tuple(items(value))

    converters = [converter(argument) for argument in arguments]

    def convert(value: Any) -> Any:
        if not isinstance(value, list) or len(value) != len(converters):
            raise Mismatch(f"array of {len(converters)} items", value)
        pairs = zip(converters, value, strict=True)
        return tuple(_items([*pairs], lambda pair: pair[0](pair[1])))

    return convert


def _dict(tp: Any) -> Converter:
    key_type, value_type = typing.get_args(tp) or (Any, Any)
    key = _integer_key if key_type is int else converter(key_type)
    item = converter(value_type)

    def convert(value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise Mismatch("object", value)
        made: dict[Any, Any] = {}
        for name, member in value.items():
            try:
                made[key(name)] = item(member)
            except Mismatch as mismatch:
                raise mismatch.at(f".{name}") from None
        return made

    return convert


def _integer_key(name: str) -> int:
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise Mismatch("int as key", name)
    return int(name)


# Objects with named fields.


class Field(NamedTuple):
    """A field of a record: its name in JSON, the argument that it becomes, and its type."""

    key: str
    argument: str
    type: Any
    is_required: bool


def _record(tp: Any, list_fields: Callable[[Any, Mapping[str, Any]], list[Field]]) -> Converter:
    cls = typing.get_origin(tp) or tp

    @functools.cache
    def plan() -> list[tuple[Field, Converter]]:
        # Made at first use: a type may name itself.
        hints = {name: _bind(hint, cls, tp) for name, hint in typing.get_type_hints(cls, include_extras=True).items()}
        return [(field, converter(field.type)) for field in list_fields(cls, hints)]

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(type_name(tp), value)
        arguments = _arguments(plan(), value)
        try:
            return cls(**arguments)
        except (ValueError, TypeError) as error:
            # A class may check its fields, as in __post_init__.
            raise Mismatch.because(f"not a valid {type_name(tp)}: {error}") from error

    return convert


def _arguments(plan: list[tuple[Field, Converter]], value: dict[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for field, convert in plan:
        if field.key in value:
            try:
                arguments[field.argument] = convert(value[field.key])
            except Mismatch as mismatch:
                raise mismatch.at(f".{field.key}") from None
        elif field.is_required:
            raise Mismatch.because("missing").at(f".{field.key}")
    return arguments


def _bind(hint: Any, cls: Any, tp: Any) -> Any:
    """Put the arguments of a generic class in the place of its type variables."""
    bound: dict[Any, Any] = dict(zip(getattr(cls, "__parameters__", ()), typing.get_args(tp), strict=False))
    if isinstance(hint, typing.TypeVar):
        return bound.get(hint, Any)
    variables = getattr(hint, "__parameters__", ())
    return hint[tuple(bound.get(variable, Any) for variable in variables)] if variables else hint


def _dataclass_fields(cls: Any, hints: Mapping[str, Any]) -> list[Field]:
    from dataclasses import MISSING, fields

    return [
        Field(field.name, field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(cls)
        if field.init
    ]


def _attrs_fields(cls: Any, hints: Mapping[str, Any]) -> list[Field]:
    nothing = sys.modules["attr"].NOTHING
    return [
        Field(field.alias, field.alias, hints.get(field.name, Any), field.default is nothing)
        for field in cls.__attrs_attrs__
        if field.init
    ]


def _typed_dict_fields(cls: Any, hints: Mapping[str, Any]) -> list[Field]:
    return [Field(name, name, hint, _is_required(name, hint, cls)) for name, hint in hints.items()]


def _is_required(name: str, hint: Any, cls: Any) -> bool:
    # The class does not see through annotations that are text: PEP 563 hides NotRequired from it.
    origin = typing.get_origin(hint)
    return origin is typing.Required or (origin is not typing.NotRequired and name in cls.__required_keys__)


def _named_tuple_fields(cls: Any, hints: Mapping[str, Any]) -> list[Field]:
    return [Field(name, name, hints.get(name, Any), name not in cls._field_defaults) for name in cls._fields]


def _is(*candidates: Any) -> Callable[[Any], bool]:
    return lambda origin: any(origin is candidate for candidate in candidates)


def _has(attribute: str) -> Callable[[Any], bool]:
    return lambda origin: isinstance(origin, type) and hasattr(origin, attribute)


def _named(*names: str) -> Callable[[Any], bool]:
    # By name, so that datetime, uuid and decimal need not be imported to see that they are not meant.
    return lambda origin: isinstance(origin, type) and f"{origin.__module__}.{origin.__qualname__}" in names


_BUILDERS: list[tuple[Callable[[Any], bool], Callable[[Any], Converter]]] = [
    (lambda origin: origin in (Any, object) or isinstance(origin, typing.TypeVar), _anything),
    (_is(None, type(None)), _null),
    (_is(bool, int, str), _scalar),
    (_is(float), _float),
    (_is(typing.Union, types.UnionType), _union),
    (_is(typing.Literal), _literal),
    (_is(*_ARRAYS), _array),
    (_is(tuple), _tuple),
    (_is(dict, collections.abc.Mapping, collections.abc.MutableMapping), _dict),
    (is_msgspec, msgspec_converter),
    (is_pydantic, pydantic_converter),
    (_has("__dataclass_fields__"), lambda tp: _record(tp, _dataclass_fields)),
    (_has("__attrs_attrs__"), lambda tp: _record(tp, _attrs_fields)),
    (_has("__required_keys__"), lambda tp: _record(tp, _typed_dict_fields)),
    (_has("_field_defaults"), lambda tp: _record(tp, _named_tuple_fields)),
    (_has("_value2member_map_"), _enum),
    (_named("datetime.datetime", "datetime.date", "datetime.time", "uuid.UUID", "decimal.Decimal"), _parsed),
]
