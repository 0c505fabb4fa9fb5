"""Classes of models in msgspec, pydantic and dataclasses: what they begin with, their members, and what they import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..plan import names
from ..plan.values import EMAIL, NULL, URI, Field, MapOf, Model, OneOf, Type
from .text import WIDTH, Group, alternatives, docstring, lines_of, literal
from .types import Types, imports


class Library:
    """Write the classes of models for msgspec, and what the others do not write otherwise."""

    renamed: ClassVar[Mapping[str, str]] = {}
    """What models have in place of plain types."""

    unset = ("UnsetType", "UNSET")
    """The type and the value of what was not given."""

    call = "field"
    """What describes a member."""

    no_others: tuple[str, ...] = ("{", "}")
    """The default of the members that the document does not name."""

    has_checks = True
    """Whether a class looks at its addresses of e-mail itself."""

    def head(self, name: str, is_open: bool) -> list[str]:
        """Return the first lines of a class; an open one has members that the document does not name, too."""
        return [f"class {name}({'OpenStruct' if is_open else 'Struct'}, kw_only=True):"]

    def head_of_plain(self, name: str) -> list[str]:
        """Return the first lines of a class of values that hold no others."""
        # None of them can be in a circle: the collector need not look at them.
        return [f"class {name}(Struct, kw_only=True, gc=False):"]

    def imports(self, used: set[str], runtime: set[str]) -> list[str]:
        """Return the lines that import what is used."""
        return self.assembled(used, runtime, msgspec=("UNSET", "Struct", "UnsetType", "field"))

    def assembled(self, used: set[str], runtime: set[str], **modules: tuple[str, ...]) -> list[str]:
        """Return imports: of the standard library, of the runtime, and of other modules."""
        found = imports(used - {"UNSET"}, runtime=runtime)
        split = next((index for index, line in enumerate(found) if line.startswith("from borzoi")), len(found))
        standard, library = [line for line in found[:split] if line], found[split:]
        others = [
            f"from {module} import {', '.join(wanted)}"
            for module, known in modules.items()
            if (wanted := [name for name in known if name in used])
        ]
        first = [line for line in others if line.startswith("from dataclasses")]
        standard = (
            [line for line in standard if line.startswith("import ")]
            + first
            + [line for line in standard if not line.startswith("import ")]
        )
        library += [line for line in others if line not in first]
        return [*standard, *([""] if standard and library else []), *library]

    def described(self, field: Field) -> list[str]:
        """Return how a member is described that has another name in JSON."""
        given = [f"name={literal(field.wire)}"]
        return given if field.required else [*given, f"default={self.unset[1]}"]

    def struct(self, model: Model, types: Types) -> list[str]:
        """Return the class of an object."""
        is_plain = model.extra is None and all(types.is_plain(field.type) for field in model.fields)
        lines = self.head_of_plain(model.name) if is_plain else self.head(model.name, model.extra is not None)
        lines += docstring(model.doc or f"{model.name}.", 4, limit=300)
        for index, field in enumerate(model.fields):
            lines += ["", *self.field(field, types)] if index == 0 else self.field(field, types)
        lines += [] if model.extra is None else self.others(types.text(MapOf(model.extra), ""))
        return [*lines, *self.checks(model)]

    def checks(self, model: Model) -> list[str]:
        """Return the method that looks at the addresses, where there are any."""
        found = [(each, checked_as(each.type)) for each in model.fields if self.has_checks and checked_as(each.type)]
        lines = ["", "    def __post_init__(self) -> None:"] if found else []
        for field, name in found:
            call = f"check_{name.lower()}("
            lines += lines_of(Group(call, [f"self.{field.name}", literal(field.wire)], ")"), 8)
        return lines

    def others(self, annotation: str) -> list[str]:
        """Return the field of the members that have no name in the document."""
        before = f"{names.EXTRA}: {annotation} = "
        first, *rest, last = self.no_others
        call = Group(before + first, rest, last)
        if len(call.flat) + 4 <= WIDTH or (rest and len(call.before) + 4 <= WIDTH):
            lines = lines_of(call, 4)
        elif rest and len(before) + 5 <= WIDTH:
            lines = [f"    {before}(", f"        {call.flat.removeprefix(before)}", "    )"]
        else:
            outer, _, inner = annotation.partition("[")
            lines = [f"    {names.EXTRA}: {outer}[", f"        {inner[:-1]}", f"    ] = {''.join(self.no_others)}"]
        return [*lines, *docstring("Members that the document does not name.", 4)]

    def field(self, field: Field, types: Types) -> list[str]:
        """Return a member with what is said of it."""
        annotation = types.text(field.type, "")
        if self.has_checks and (checked := checked_as(field.type)):
            # The class looks at it itself.
            annotation = annotation.replace(checked, "str")
        unset, _ = self.unset
        if not field.required and annotation != "Any" and not (unset == "None" and annotation.endswith("None")):
            annotation += f" | {unset}"
        lines = self._renamed(field, annotation) if field.wire != field.name else self._plain(field, annotation)
        return [*lines, *docstring(field.doc, 4, limit=200)]

    def _plain(self, field: Field, annotation: str) -> list[str]:
        value = "" if field.required else self.unset[1]
        default = f" = {value}" if value else ""
        line = f"    {field.name}: {annotation}{default}"
        if default and len(line) > WIDTH >= len(f"    {field.name}: {annotation} = ("):
            return [f"    {field.name}: {annotation} = (", f"        {value}", "    )"]
        if len(line) > WIDTH and " | " in annotation:
            return [f"    {field.name}: (", *_broken(annotation), f"    ){default}"]
        return [line]

    def _renamed(self, field: Field, annotation: str) -> list[str]:
        described = self.described(field)
        before = f"{field.name}: {annotation} = "
        group = Group(f"{before}{self.call}(", described, ")")
        if len(before) + 10 > WIDTH >= len(before) + 5:
            # The line has no room for the call, but for the bracket around it.
            return [f"    {before}(", f"        {group.flat.removeprefix(before)}", "    )"]
        if len(before) + 5 > WIDTH and " | " in annotation:
            # Nor has it room for the type.
            call = lines_of(Group(f") = {self.call}(", described, ")"), 4)
            return [f"    {field.name}: (", *_broken(annotation), *call]
        return lines_of(group, 4)


def checked_as(type: Type) -> str:
    """Return which addresses a type is of, or of such and null: Email, Uri, or nothing."""
    found = next((each for each in (EMAIL, URI) if type in (each, OneOf((each, NULL)))), None)
    return "" if found is None else found.text


def _broken(annotation: str) -> list[str]:
    """Return the lines of an annotation that stands in brackets."""
    pad = " " * 8
    return alternatives(annotation, pad) if len(annotation) + len(pad) > WIDTH else [pad + annotation]


class Pydantic(Library):
    """Write models of pydantic."""

    renamed: ClassVar[Mapping[str, str]] = {"bytes": "Bytes"}
    unset = ("None", "None")
    call = "Field"
    has_checks = False

    def head(self, name: str, is_open: bool) -> list[str]:
        """Return the first lines of a class."""
        return [f"class {name}({'OpenModel' if is_open else 'Model'}):"]

    def head_of_plain(self, name: str) -> list[str]:
        """Return the first lines of any class."""
        return self.head(name, is_open=False)

    def imports(self, used: set[str], runtime: set[str]) -> list[str]:
        """Return the lines that import what is used."""
        own = {"Model", "OpenModel", "Bytes", "Email", "Uri"}
        lines = self.assembled(used - own, runtime)
        wanted = sorted(used & own)
        library = [f"from borzoi.openapi.runtime.pydantic_models import {', '.join(wanted)}"] if wanted else []
        library += ["from pydantic import Field"] if "Field" in used else []
        has_library = any(line.startswith("from borzoi") for line in lines)
        return [*lines, *([""] if lines and library and not has_library else []), *library]

    def described(self, field: Field) -> list[str]:
        """Return how a member is described that has another name in JSON."""
        # `alias` alone would be the name of the argument, too, for type checkers.
        name = literal(field.wire)
        given = [] if field.required else ["default=None"]
        return [*given, f"validation_alias={name}", f"serialization_alias={name}"]


class Dataclass(Library):
    """Write dataclasses."""

    no_others = ("field(", "default_factory=lambda: {}", ")")
    has_checks = False

    def head(self, name: str, is_open: bool) -> list[str]:
        """Return the first lines of a class."""
        return ["@dataclass(kw_only=True, slots=True)", f"class {name}{'(OpenDataclass)' if is_open else ''}:"]

    def head_of_plain(self, name: str) -> list[str]:
        """Return the first lines of any class."""
        return self.head(name, is_open=False)

    def imports(self, used: set[str], runtime: set[str]) -> list[str]:
        """Return the lines that import what is used."""
        return self.assembled(used, runtime, dataclasses=("dataclass", "field"), msgspec=("UNSET", "UnsetType"))

    def described(self, field: Field) -> list[str]:
        """Return how a member is described that has another name in JSON."""
        given = [] if field.required else ["default=UNSET"]
        return [*given, f'metadata={{"name": {literal(field.wire)}}}']


LIBRARIES = {"msgspec": Library(), "pydantic": Pydantic(), "dataclass": Dataclass()}
