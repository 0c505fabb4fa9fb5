"""Models: a module for each schema that has a name of its own, with what is declared inside of it.

Modules refer to each other in circles. Annotations are text until the first decoder is made, so what a module needs
of others is imported at its end, when its own names are there.
"""

from __future__ import annotations

from ..plan import names
from ..plan.values import LiteralOf, Model, OneOf, Package, Type
from .libraries import LIBRARIES, Library
from .text import WIDTH, Expression, Group, Prose, docstring, lines_of, literal
from .types import Types, import_of, import_order, names_in, natural_order


def render_models(package: Package) -> dict[str, str]:
    """Return the modules of models by their file names."""
    library = LIBRARIES[package.library]
    types = Types(package.models, renamed=library.renamed)
    modules: dict[str, list[Model]] = {}
    for model in package.models.values():
        modules.setdefault(model.module, []).append(model)
    has_classes = package.enums == "strenum"
    files = {f"models/{name}.py": _module(found, types, library, has_classes) for name, found in modules.items()}
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
    for module in sorted(by_module, key=natural_order):
        found = sorted(by_module[module], key=import_order)
        lines += import_of(f".{module}", [f"{name} as {name}" for name in found], indent=4)
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


def _module(models: list[Model], types: Types, library: Library, has_classes: bool) -> str:
    first = [each for each in models if each.kind in ("enum", "union")]
    structs = [each for each in models if each.kind == "struct"]
    aliases = [each for each in models if each.kind == "alias"]
    blocks = [_class(each) if has_classes and _is_of_strings(each) else _alias(each, types) for each in first]
    blocks += [library.struct(each, types) for each in structs]
    late = [_late_alias(each, types) for each in aliases]
    return _assembled(models, blocks, late, _imported(models, types), library)


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
    for module, name in needed:
        by_module.setdefault(module, []).append(name)
    modules = sorted(by_module, key=natural_order)
    return [line for each in modules for line in import_of(f".{each}", sorted(by_module[each], key=import_order))]


def _types_of(model: Model) -> list[Type]:
    mapped = [each for _, each in model.mapping]
    extra = [] if model.extra is None else [model.extra]
    return [*[field.type for field in model.fields], *extra, model.type, *model.members, *mapped]


def _assembled(
    models: list[Model],
    blocks: list[list[str]],
    late: list[list[str]],
    others: list[str],
    library: Library,
) -> str:
    used = names_in([line for block in (*blocks, *late) for line in block])
    runtime = {"union", "OpenStrEnum", "OpenStruct", "OpenDataclass", "check_email", "check_uri"} & used
    head = ['"""' + _title(models) + '"""', "", "from __future__ import annotations", ""]
    imported = library.imports(used - {"Unset"}, runtime)
    lines = [*head, *imported]
    for index, block in enumerate(blocks):
        is_below_class = index > 0 and blocks[index - 1][0].startswith("class")
        is_near = block[0].startswith("if TYPE_CHECKING") and lines[-1] != "" and not is_below_class
        gap = [""] if is_near else ["", ""]
        if not imported and lines[-1] == "":
            gap = gap[1:]
        lines += [*gap, *block]
    is_class = bool(blocks) and blocks[-1][0].startswith(("class", "@"))
    if others:
        lines += ["\n" if is_class else "", *others]
    after_class = is_class and not others
    for index, block in enumerate(late):
        lines += [*([""] * (2 if after_class and index == 0 else 1) if lines[-1] != "" else []), *block]
    return "\n".join(lines).replace("\n\n\n\n", "\n\n\n").rstrip("\n") + "\n"


def _title(models: list[Model]) -> str:
    main = next((each for each in models if each.key == each.root), models[0])
    return f"{main.name}."


def _is_of_strings(model: Model) -> bool:
    return model.kind == "enum" and isinstance(model.type, LiteralOf) and model.type.base == "str"


def _class(model: Model) -> list[str]:
    """Return an enumeration as a class."""
    assert isinstance(model.type, LiteralOf)
    sources = [(names.snake(str(value), prefix="value").rstrip("_"), str(value)) for value in model.type.values]
    members = zip(names.distinct(sources), model.type.values, strict=True)
    lines = [f"class {model.name}(OpenStrEnum):", *docstring(model.doc or f"{model.name}.", 4, limit=300), ""]
    for name, value in members:
        # What a member is called is no name that needs an import.
        lines += [Prose(line) for line in _member(name.upper(), literal(value))]
    return lines


def _member(name: str, value: str) -> list[str]:
    flat = f"    {name} = {value}"
    if len(flat) <= WIDTH or len(value) + 8 > WIDTH:
        return [flat]
    return [f"    {name} = (", f"        {value}", "    )"]


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
    if model.other is not None:
        inner.append(f"lambda: {types.text(model.other, '')}")
    return Group(f"{model.name} = union(", inner, ")")


def _late_alias(model: Model, types: Types) -> list[str]:
    text = types.text(model.type, "")
    line = f"{model.name}: TypeAlias = {text}"
    if len(line) > WIDTH and text.endswith("]") and " | " not in text:
        outer, _, inner = text.partition("[")
        return [f"{model.name}: TypeAlias = {outer}[", f"    {inner[:-1]}", "]", *docstring(model.doc, 0, limit=300)]
    return [line, *docstring(model.doc, 0, limit=300)]
