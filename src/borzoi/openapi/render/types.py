"""Types as annotations, and as what msgspec is given at run time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..plan.values import ANY, FILE, ListOf, LiteralOf, MapOf, Model, OneOf, Plain, Reference, Type, walk
from .text import WIDTH, Prose, literal

_STRINGS = re.compile(r"\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*\"{3}|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.DOTALL)
"""Docstrings and strings, in which names mean nothing. Each alternative begins with a quote as it is: then `re` looks
for those before anything else.
"""


_NOTHING: Mapping[str, str] = {}


class Types:
    """Write types, with models under their names."""

    def __init__(
        self,
        models: dict[str, Model],
        *,
        hidden: frozenset[str] = frozenset(),
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        self._models = models
        self._builtin = {**(renamed or {}), **{name: f"builtins.{name}" for name in hidden}}
        self._written: dict[tuple[Type, str], str] = {}

    def model(self, key: str) -> Model:
        """Return the model that a reference means."""
        return self._models[key]

    def text(self, type: Type, prefix: str = "models.") -> str:
        """Return an annotation; `prefix` stands before the names of models."""
        if isinstance(type, Plain):
            return self._builtin.get(type.text, type.text)
        written = self._written.get((type, prefix))
        if written is None:
            written = self._written[type, prefix] = self._text(type, prefix)
        return written

    def _text(self, type: ListOf | MapOf | OneOf | LiteralOf | Reference, prefix: str) -> str:
        if isinstance(type, ListOf):
            return f"{self._named('list')}[{self.text(type.item, prefix)}]"
        if isinstance(type, MapOf):
            return f"{self._named('dict')}[{self._named('str')}, {self.text(type.item, prefix)}]"
        if isinstance(type, OneOf):
            return " | ".join(dict.fromkeys(self.text(member, prefix) for member in type.members))
        if isinstance(type, LiteralOf):
            closed = f"Literal[{', '.join(literal(value) for value in type.values)}]"
            return f"{closed} | {self._named(type.base)}" if type.is_open else closed
        model = self._models[type.key]
        return self.text(model.type, prefix) if model.kind == "alias" else prefix + model.name

    def _named(self, builtin: str) -> str:
        return self._builtin.get(builtin, builtin)

    def at_run_time(self, type: Type) -> str:
        """Return what a decoder is made of, where models are `models.X`."""
        return self.text(type)

    def references(self, type: Type) -> list[Model]:
        """Return the models that a type names."""
        if isinstance(type, (Plain, LiteralOf)):
            return []
        found = [self._models[each.key] for each in walk(type) if isinstance(each, Reference)]
        return [each for model in found for each in (self.references(model.type) if model.kind == "alias" else [model])]

    def is_plain(self, type: Type) -> bool:
        """Tell whether values of a type hold no others."""
        if isinstance(type, OneOf):
            return all(self.is_plain(member) for member in type.members)
        if isinstance(type, Reference):
            return self._models[type.key].kind == "enum"
        return isinstance(type, LiteralOf) or (isinstance(type, Plain) and type not in (ANY, FILE))

    def is_any(self, type: Type) -> bool:
        """Tell whether a type says nothing."""
        return type == ANY


_GAPS = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
"""What stands between names."""


def names_in(lines: Iterable[str]) -> set[str]:
    """Return which names are in lines of code, those that need an import among them."""
    code = "\n".join([line for line in lines if not isinstance(line, Prose)])
    return set(_STRINGS.sub("", code).translate(_GAPS).split())


_TYPING = frozenset({"TYPE_CHECKING", "Any", "Literal", "NotRequired", "TypeAlias", "TypedDict", "Unpack"})


def imports(used: set[str], *, runtime: set[str] | None = None) -> list[str]:
    """Return the import lines that names need: the standard library, a blank line, and the runtime."""
    standard = ["import datetime as dt"] if "dt" in used else []
    if "Decimal" in used:
        standard.append("from decimal import Decimal")
    typing = sorted(
        used & {"TYPE_CHECKING", "Any", "Literal", "NotRequired", "TypeAlias", "TypedDict", "Unpack"}, key=_order
    )
    if typing:
        standard.append(f"from typing import {', '.join(typing)}")
    if "UUID" in used:
        standard.append("from uuid import UUID")
    library = sorted((runtime or set()) | (used & {"Email", "Uri", "File", "Unset", "UNSET"}), key=_order)
    return [*standard, *([""] if standard and library else []), *import_of("borzoi.openapi.runtime", library)]


def import_of(module: str, found: list[str], *, indent: int = 0) -> list[str]:
    """Return the lines that import names from a module."""
    if not found:
        return []
    flat = f"{' ' * indent}from {module} import {', '.join(found)}"
    if len(flat) <= WIDTH:
        return [flat]
    # An import is broken one name to a line, as a list is.
    pad = " " * indent
    return [f"{pad}from {module} import (", *[f"{pad}    {each}," for each in found], f"{pad})"]


def import_order(name: str) -> tuple[object, ...]:
    """Return the key by which isort puts names in order: constants first, then classes."""
    return _order(name)[0], natural_order(name)


def natural_order(name: str) -> tuple[object, ...]:
    """Return the key by which isort puts modules in order: numbers in them by their size, those from 0 as fractions."""
    parts = [
        (0, 0 if part[0] == "0" else len(part), part) if part.isdecimal() else (1, 0, part)
        for part in _DIGITS.split(name.lower())
        if part
    ]
    return parts, name


_DIGITS = re.compile(r"(\d+)")


def _order(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name
