"""Unions: which of them msgspec can tell apart by itself, and what tells the members of the others apart."""

from __future__ import annotations

from ..document import Node
from .names import EXTRA, distinct, field_name
from .shapes import Parts, parts_of
from .values import ANY, NULL, STR, Field, ListOf, LiteralOf, MapOf, Model, OneOf, Plain, Reference, Type

_STRINGS = frozenset({"str", "UUID", "dt.datetime", "dt.date", "Decimal", "bytes", "Email", "Uri"})


def kind_of(type: Type, models: dict[str, Model]) -> str:
    """Return what a value of a type is in JSON; "union" for what only a hook can decode."""
    if isinstance(type, Plain):
        return "string" if type.text in _STRINGS else type.text
    if isinstance(type, ListOf):
        return "array"
    if isinstance(type, MapOf):
        return "object"
    if isinstance(type, LiteralOf):
        return "string" if type.base == "str" else "int"
    if isinstance(type, Reference):
        model = models.get(type.key)
        if model is None or model.kind == "union":
            return "union"
        if model.kind != "struct":
            return kind_of(model.type, models)
        # A hook sorts the members of an object that may have others than it names.
        return "object" if model.extra is None else "union"
    return "union"


def simplified(members: list[Type], models: dict[str, Model]) -> list[Type]:
    """Return the members of a union, each once, those of inner unions among them; None comes last."""
    flat: list[Type] = []
    for member in members:
        for each in member.members if isinstance(member, OneOf) else (member,):
            if each not in flat:
                flat.append(each)
    if ANY in flat:
        return [ANY]
    if STR in flat and any(_is_open_string(each, models) for each in flat):
        # An open enumeration takes every string.
        flat.remove(STR)
    if NULL in flat:
        flat.remove(NULL)
        flat.append(NULL)
    return flat


def _is_open_string(type: Type, models: dict[str, Model]) -> bool:
    return (
        isinstance(type, Reference)
        and type.key in models
        and models[type.key].kind == "enum"
        and kind_of(type, models) == "string"
    )


def is_native(members: list[Type], models: dict[str, Model]) -> bool:
    """Tell whether msgspec takes a union: at most one string, one array, one object, and nothing beside a custom
    type.
    """
    kinds = [kind_of(member, models) for member in members if member != NULL]
    if "union" in kinds:
        return len(kinds) == 1
    return all(kinds.count(kind) == 1 for kind in kinds)


def discriminated(
    parts: Parts, members: list[Node], types: list[Type]
) -> tuple[str, tuple[tuple[str, Type], ...], Type | None]:
    """Return the member that tells the types apart, the values that it has for each, and what has any other value.

    It is empty where there is no such member, and None where nothing is said of other values.
    """
    declared = parts.find("discriminator")
    if declared is None or not declared.text("propertyName"):
        return *_implied(members, types), None
    by_key = {member.resolved().key: each for member, each in zip(members, types, strict=True)}
    by_name = {
        member.resolved().name: each for member, each in zip(members, types, strict=True) if "$ref" in member.value
    }
    return declared.text("propertyName"), mapped(declared, by_key, by_name), default_of(declared, by_key, by_name)


def mapped(declared: Node, by_key: dict[str, Type], by_name: dict[str, Type]) -> tuple[tuple[str, Type], ...]:
    """Return the values of a discriminator and what they mean, given the types of schemas by their keys and names."""
    found: dict[str, Type] = {}
    for value, target in declared.child("mapping").items():
        planned = _named(declared, str(target.value), by_key, by_name)
        if planned is None:
            target.note(f"The discriminator maps {value!r} to what is no member of the union; it is tried by its keys.")
        else:
            found[value] = planned
    # OpenAPI 3.1.1, Discriminator Object: without a mapping, the name of a schema is its value.
    named = list(found.values())
    found.update({name: each for name, each in by_name.items() if each not in named and name not in found})
    return tuple(found.items())


def default_of(declared: Node, by_key: dict[str, Type], by_name: dict[str, Type]) -> Type | None:
    """Return what has no value of a discriminator, or another one (OpenAPI 3.2, Discriminator Object)."""
    name = declared.text("defaultMapping")
    planned = _named(declared, name, by_key, by_name) if name else None
    if name and planned is None:
        declared.note(f"The discriminator has the default {name!r}, which is no member of the union; it says nothing.")
    return planned


def _named(declared: Node, name: str, by_key: dict[str, Type], by_name: dict[str, Type]) -> Type | None:
    """Return the type of a schema that a discriminator names, by a reference or by its name alone."""
    uri, fragment = declared.document.locate(declared, name)
    return by_key.get(f"{uri}#{fragment}") or by_name.get(name.rpartition("/")[2])


def _implied(members: list[Node], types: list[Type]) -> tuple[str, tuple[tuple[str, Type], ...]]:
    """Find a member that each object declares with values that no other has."""
    found_tags = [
        (tags(member), each)
        for member, each in zip(members, types, strict=True)
        if isinstance(each, Reference) and member.resolved().value != {"type": "null"}
    ]
    if len(found_tags) < 2 or any(not found for found, _ in found_tags):
        return "", ()
    for name in found_tags[0][0]:
        values = [(value, each) for found, each in found_tags for value in found.get(name, ())]
        declared_by_all = all(name in found for found, _ in found_tags)
        if declared_by_all and len({value for value, _ in values}) == len(values):
            return name, tuple(values)
    return "", ()


def declare_discriminators(models: dict[str, Model]) -> None:
    """Give the members of a union the discriminator where they do not declare it: else it could not be sent."""
    for model in list(models.values()):
        for target in {each for _, each in model.mapping if model.kind == "union"}:
            struct = _struct(target, models)
            if struct is not None and all(field.wire != model.discriminator for field in struct.fields):
                values = tuple(value for value, each in model.mapping if each == target)
                taken = frozenset(field.name for field in struct.fields) | {EXTRA}
                (name,) = distinct([(field_name(model.discriminator), model.discriminator)], taken)
                declared = Field(model.discriminator, name, LiteralOf(values, is_open=True), required=False)
                struct.fields = (*struct.fields, declared)


def _struct(type: Type, models: dict[str, Model]) -> Model | None:
    """Return the struct that a type is, by whatever name."""
    model = models.get(type.key) if isinstance(type, Reference) else None
    if model is not None and model.kind == "alias":
        return _struct(model.type, models)
    return model if model is not None and model.kind == "struct" else None


def tags(member: Node) -> dict[str, list[str]]:
    """Return the members of an object that have known values, and those."""
    found: dict[str, list[str]] = {}
    parts = parts_of(member)
    for name, node in parts.properties().items():
        target = node.resolved()
        if not isinstance(target.value, dict):
            continue
        values = [target.value["const"]] if "const" in target.value else target.value.get("enum")
        if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
            found[name] = values
    return found
