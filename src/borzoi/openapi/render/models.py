"""Models in msgspec: a module for each schema that has a name of its own, with what is declared inside of it.

Modules refer to each other in circles. Annotations are text until the first decoder is made, so what a module needs
of others is imported at its end, when its own names are there.
"""

from __future__ import annotations

from ..plan.values import Field, LiteralOf, Model, OneOf, Package, Type
from .text import WIDTH, Expression, Group, alternatives, docstring, lines_of, literal
from .types import Types, import_of, imports, names_in


def render_models(package: Package) -> dict[str, str]:
    """Return the modules of models by their file names."""
    types = Types(package.models)
    modules: dict[str, list[Model]] = {}
    for model in package.models.values():
        modules.setdefault(model.module, []).append(model)
    files = {f"models/{name}.py": _module(name, found, types) for name, found in modules.items()}
    files["models/__init__.py"] = _index(package)
    return files


def _index(package: Package) -> str:
    models = sorted(package.models.values(), key=lambda each: each.name)
    lines = [
        f'"""The models of {docstring_text(package.title)}; each module is loaded when one of its names is used."""',
        "",
    ]
    lines += ["from __future__ import annotations", "", "from typing import TYPE_CHECKING", ""]
    if not models:
        return "\n".join([*lines[:3], ""])
    lines += ["if TYPE_CHECKING:"]
    by_module: dict[str, list[str]] = {}
    for each in models:
        by_module.setdefault(each.module, []).append(each.name)
    for module in sorted(by_module):
        lines += import_of(f".{module}", [f"{name} as {name}" for name in by_module[module]], indent=4)
    lines += ["else:"]
    homes = [f"{literal(each.name)}: {literal(each.module)}" for each in models]
    lines += (
        lines_of(Group("_HOMES = {", homes, "}", is_literal=True), 4)
        if len(homes) < 3
        else ["    _HOMES = {", *[f"        {each}," for each in homes], "    }"]
    )
    lines += ["", "    def __getattr__(name):", "        if name not in _HOMES:"]
    lines += ['            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")']
    lines += ["        from importlib import import_module", ""]
    lines += ['        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)']
    lines += ["        globals()[name] = value", "        return value", "", "    def __dir__():"]
    lines += ["        return sorted(_HOMES)"]
    return "\n".join([*lines, ""])


def docstring_text(text: str) -> str:
    """Return a text of a document as it may stand inside of a docstring of ours."""
    from .text import prose

    return prose(text, limit=60).replace("\\", "\\\\").replace('"', "'")


def _module(name: str, models: list[Model], types: Types) -> str:
    del name
    first = [each for each in models if each.kind in ("enum", "union")]
    structs = [each for each in models if each.kind == "struct"]
    aliases = [each for each in models if each.kind == "alias"]
    blocks: list[list[str]] = [_alias(each, types) for each in first]
    blocks += [_struct(each, types) for each in structs]
    text = "\n".join([line for block in blocks for line in block])
    late = [_late_alias(each, types) for each in aliases]
    return _assembled(models, blocks, late, _imported(models, types), text)


def _imported(models: list[Model], types: Types) -> list[str]:
    """Return the imports of what other modules have."""
    own = {each.name for each in models}
    needed = {
        (each.module, each.name)
        for model in models
        for named in _types_of(model)
        for each in types.references(named)
        if each.name not in own
    }
    by_module: dict[str, list[str]] = {}
    for module, name in sorted(needed):
        by_module.setdefault(module, []).append(name)
    return [line for module, found in by_module.items() for line in import_of(f".{module}", found)]


def _types_of(model: Model) -> list[Type]:
    mapped = [each for _, each in model.mapping]
    return [*[field.type for field in model.fields], model.type, *model.members, *mapped]


def _assembled(
    models: list[Model], blocks: list[list[str]], late: list[list[str]], others: list[str], text: str
) -> str:
    used = names_in([text, *["\n".join(each) for each in late]])
    runtime = {"union"} & used
    head = ['"""' + _title(models) + '"""', "", "from __future__ import annotations", ""]
    wanted = used - ({"TYPE_CHECKING"} if "if TYPE_CHECKING:" not in text else set())
    found = imports(wanted - {"UNSET", "Unset"}, runtime=runtime)
    msgspec = [f"from msgspec import {', '.join(names)}"] if (names := _msgspec(wanted)) else []
    split = next((index for index, line in enumerate(found) if line.startswith("from borzoi")), len(found))
    standard, library = [line for line in found[:split] if line], found[split:]
    imported = [*standard, *([""] if standard and (msgspec or library) else []), *library, *msgspec]
    lines = [*head, *imported]
    for block in blocks:
        gap = [""] if block[0].startswith("if TYPE_CHECKING") and lines[-1] != "" else ["", ""]
        if not imported and lines[-1] == "":
            gap = gap[1:]
        lines += [*gap, *block]
    if others:
        lines += (
            ["" if not blocks or not blocks[-1][0].startswith("class") else "\n", *others] if blocks else ["", *others]
        )
    after_class = bool(blocks) and not others and blocks[-1][0].startswith("class")
    for index, block in enumerate(late):
        lines += [*([""] * (2 if after_class and index == 0 else 1) if lines[-1] != "" else []), *block]
    return "\n".join(lines).replace("\n\n\n\n", "\n\n\n").rstrip("\n") + "\n"


def _msgspec(used: set[str]) -> list[str]:
    found = ["UNSET"] if "UNSET" in used else []
    found += ["Struct"] if "Struct" in used else []
    found += ["UnsetType"] if "UnsetType" in used else []
    return [*found, *(["field"] if "field" in used else [])]


def _title(models: list[Model]) -> str:
    main = next((each for each in models if each.key == each.root), models[0])
    return f"{main.name}."


def _alias(model: Model, types: Types) -> list[str]:
    lines = ["if TYPE_CHECKING:"]
    if model.kind == "enum":
        assert isinstance(model.type, LiteralOf)
        lines += _literal_alias(model.name, model.type)
        lines += docstring(model.doc, 4, limit=300)
        return [*lines, "else:", f"    {model.name} = {model.type.base}"]
    annotation = types.text(OneOf(model.members), "")
    lines += _union_alias(model.name, annotation, 4)
    lines += docstring(model.doc, 4, limit=300)
    return [*lines, "else:", *lines_of(_marker(model, types), 4)]


def _literal_alias(name: str, type: LiteralOf) -> list[str]:
    values = [literal(value) for value in type.values]
    tail = f" | {type.base}" if type.is_open else ""
    flat = f"    {name}: TypeAlias = Literal[{', '.join(values)}]{tail}"
    if len(flat) <= 120:
        return [flat]
    hugged = f"        Literal[{', '.join(values)}]{tail}"
    if len(hugged) <= WIDTH:
        return [f"    {name}: TypeAlias = (", hugged, "    )"]
    inner = [f"            {value}," for value in values]
    return [f"    {name}: TypeAlias = (", "        Literal[", *inner, "        ]", f"        | {type.base}", "    )"]


def _union_alias(name: str, annotation: str, indent: int) -> list[str]:
    # In quotes: what it names may be imported further down.
    pad = " " * indent
    quote = "'" if '"' in annotation else '"'
    quoted = annotation if quote in annotation or "\\" in annotation else f"{quote}{annotation}{quote}"
    flat = f"{pad}{name}: TypeAlias = {quoted}"
    if len(flat) <= WIDTH or len(quoted) + indent + 4 > WIDTH:
        return [flat]
    return [f"{pad}{name}: TypeAlias = (", f"{pad}    {quoted}", f"{pad})"]


def _marker(model: Model, types: Types) -> Group:
    members = [types.text(each, "") for each in model.members]
    inner: list[Expression] = [literal(model.name), Group("lambda: (", members, ")", is_literal=True)]
    if model.discriminator:
        inner.append(literal(model.discriminator))
        pairs = [f"{literal(value)}: {types.text(each, '')}" for value, each in model.mapping]
        inner.append(Group("lambda: {", pairs, "}", is_literal=True))
    return Group(f"{model.name} = union(", inner, ")")


def _struct(model: Model, types: Types) -> list[str]:
    lines = [f"class {model.name}(Struct, kw_only=True):"]
    lines += docstring(model.doc or f"{model.name}.", 4, limit=300)
    for index, field in enumerate(model.fields):
        lines += ["", *_field(field, types)] if index == 0 else _field(field, types)
    return lines


def _field(field: Field, types: Types) -> list[str]:
    annotation = types.text(field.type, "")
    renamed = [f"name={literal(field.wire)}"] if field.wire != field.name else []
    if not field.required and annotation != "Any":
        annotation += " | UnsetType"
    if not renamed:
        default = "" if field.required else " = UNSET"
        line = f"    {field.name}: {annotation}{default}"
        if default and len(line) > WIDTH >= len(f"    {field.name}: {annotation} = ("):
            return [
                f"    {field.name}: {annotation} = (",
                "        UNSET",
                "    )",
                *docstring(field.doc, 4, limit=200),
            ]
        if len(line) > WIDTH and " | " in annotation:
            return [
                f"    {field.name}: (",
                *(alternatives(annotation, " " * 8) if len(annotation) + 8 > WIDTH else [f"        {annotation}"]),
                f"    ){default}",
                *docstring(field.doc, 4, limit=200),
            ]
        return [line, *docstring(field.doc, 4, limit=200)]
    given = [] if field.required else ["default=UNSET"]
    before = f"{field.name}: {annotation} = "
    group = Group(f"{before}field(", [*renamed, *given], ")")
    if len(before) + 10 > WIDTH >= len(before) + 5:
        # The line has no room for the call, but for the bracket around it.
        return [
            f"    {before}(",
            f"        {group.flat.removeprefix(before)}",
            "    )",
            *docstring(field.doc, 4, limit=200),
        ]
    return [*lines_of(group, 4), *docstring(field.doc, 4, limit=200)]


def _late_alias(model: Model, types: Types) -> list[str]:
    text = types.text(model.type, "")
    line = f"{model.name}: TypeAlias = {text}"
    if len(line) > WIDTH and text.endswith("]") and " | " not in text:
        outer, _, inner = text.partition("[")
        return [f"{model.name}: TypeAlias = {outer}[", f"    {inner[:-1]}", "]", *docstring(model.doc, 0, limit=300)]
    return [line, *docstring(model.doc, 0, limit=300)]
