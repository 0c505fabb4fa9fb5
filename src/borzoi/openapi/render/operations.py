"""Operations as text: the methods of resources, the functions style, and the arguments that bodies are made of."""

from __future__ import annotations

import re

from ..plan import names
from ..plan.values import Field, Header, MapOf, Operation, Package
from .signatures import function, is_download, is_stream_only, method
from .text import Group, docstring, lines_of, literal
from .types import Types, import_of, imports, names_in

HEAD = "from __future__ import annotations"
NO_BODIES = [
    "# What is declared here has no body: the operation that it is declared below makes it.",
    '# mypy: disable-error-code="empty-body"',
    "# pyright: reportReturnType=false",
]
BUILTINS = frozenset({"list", "dict", "str", "int", "float", "bool", "bytes"})
_TAKEN = frozenset({"UNSET", "Unset", "UUID", "Any", "Literal", "Decimal", "File", "Email", "Uri", "Unpack"})
"""What annotations name."""


def by_resource(package: Package) -> dict[str, list[Operation]]:
    """Return the operations of each resource."""
    found: dict[str, list[Operation]] = {}
    for each in package.operations:
        found.setdefault(each.resource, []).append(each)
    return found


def title_of(resource: str) -> str:
    """Return the name of the class of a resource."""
    title = names.pascal(resource)
    return f"{title}Resource" if title in _TAKEN else title


# Resources.


def render_resource(resource: str, operations: list[Operation], package: Package) -> str:
    """Return the module of a resource, blocking and async."""
    # A method that is called list would hide the type from the methods below it.
    types = Types(package.models, hidden=BUILTINS & {each.short for each in operations})
    title = title_of(resource)
    body = [f"class {title}Methods:", f'    """What there is to do with {resource}."""']
    for each in operations:
        body += ["", *method(each, types)]
    ways = [("WithResponse", "Response", "with_response", "Give the response together with its body.")]
    if any(is_download(each) or (each.stream is not None and not is_stream_only(each)) for each in operations):
        ways.append(("Streamed", "Stream", "stream", "Read bodies as they come."))
    for prefix, async_ in (("", ""), ("Async", ", awaited")):
        for suffix, kind, _, doc in ways:
            body += _class(f"{prefix}{title}{suffix}", f"{title}Methods, runtime.{prefix}{kind}Resource", doc)
        body += _class(
            f"{prefix}{title}", f"{title}Methods, runtime.{prefix}Resource", f"The operations of {resource}{async_}."
        )
        body += ["", *[f"    {name} = runtime.Accessor({prefix}{title}{suffix})" for suffix, _, name, _ in ways]]
    head = [f'"""The resource {resource}."""', "", *NO_BODIES, "", HEAD, ""]
    used = names_in(body)
    lines = heading(body, used, ["Unpack"])
    lines += ["", *import_of(".._operations", [f"{resource} as _operations"])]
    return "\n".join([*head, *lines, *checked(body, client=False), "", "", *body, ""])


def _class(name: str, bases: str, doc: str) -> list[str]:
    return ["", "", *lines_of(Group(f"class {name}(", bases.split(", "), "):"), 0), f'    """{doc}"""']


def heading(body: list[str], used: set[str], more: list[str]) -> list[str]:
    """Return the imports of a module of operations: models and plain types are for type checkers only."""
    plain = used & {"dt", "Decimal", "UUID", "Any", "Literal", *more}
    if checked(body, client="Client" in used):
        plain.add("TYPE_CHECKING")
    standard = ["import builtins"] if "builtins" in used else []
    found = imports(plain, runtime=used & {"UNSET", "Unset", "File", "Email", "Uri"})
    if "runtime" not in used:
        return [*standard, *found]
    library = ["from borzoi.openapi import runtime"]
    split = next((index for index, line in enumerate(found) if line.startswith("from borzoi")), len(found))
    before = [line for line in found[:split] if line]
    return [*standard, *before, *([""] if standard or before else []), *library, *found[split:]]


def checked(body: list[str], *, client: bool) -> list[str]:
    """Return the imports that only type checkers need."""
    text = "\n".join(body)
    own = [each for each in ("fields", "models") if re.search(rf"(?<![\w.]){each}\.", text)]
    lines = [f"    from .. import {', '.join(own)}"] if own else []
    lines += ["    from ..client import Client"] if client else []
    return ["", "if TYPE_CHECKING:", *lines] if lines else []


# Functions.


def render_functions(tag: str, operations: list[Operation], types: Types) -> str:
    """Return the module of a tag in the functions style."""
    resources = sorted({each.resource for each in operations})
    body: list[str] = []
    for each in operations:
        body += function(each, types)
    title = docstring(f"The operations of {tag} as functions: `sync`, `asyncio`, and both `_detailed`.", 0)
    head = [*title, "", *NO_BODIES, "", HEAD, "", *heading(body, names_in(body), [])]
    head += ["", *import_of(".._operations", [f"{each} as _{each}" for each in resources])]
    return "\n".join([*head, *checked(body, client=True), "", "", *body, ""])


# Bodies as arguments, and the headers of replies.


def render_fields(package: Package, types: Types) -> str:
    """Return the module that says which keyword arguments a body is made of."""
    body: list[str] = []
    wanted = {each.fields: types.model(each.fields) for each in package.operations if each.fields}
    for model in sorted(wanted.values(), key=lambda each: each.name):
        body += ["", "", f"class {model.name}(TypedDict):", f'    """The members of `models.{model.name}`."""', ""]
        for field in model.fields:
            body += _field(field, types)
        if model.extra is not None:
            body += _field(Field("", names.EXTRA, MapOf(model.extra), required=False), types)
    head = ['"""Which keyword arguments bodies are made of. For type checkers: nothing imports it at run time."""']
    used = names_in(body)
    typing = used & {"dt", "Decimal", "UUID", "Any", "Literal", "NotRequired", "TypedDict"}
    heading = imports(typing, runtime=used & {"File", "Email", "Uri"})
    own = ["", "from . import models as _models"] if "_models" in used else []
    return "\n".join([*head, "", HEAD, "", *heading, *own, *body, ""])


def _field(field: Field, types: Types) -> list[str]:
    annotation = types.text(field.type, "_models.")
    if field.required:
        return lines_of(f"{field.name}: {annotation}", 4)
    return lines_of(Group(f"{field.name}: NotRequired[", [annotation], "]"), 4)


def render_headers(package: Package, types: Types) -> str:
    """Return the module of the headers that replies have."""
    body: list[str] = []
    for name, headers in package.headers.items():
        body += ["", "", f"class {name}(Headers):", '    """Headers of responses."""', ""]
        for each in headers:
            body += _header(each, types)
    used = names_in(body)
    typing = used & {"dt", "Decimal", "UUID", "Any", "Literal"}
    heading = imports(typing, runtime=(used & {"Email", "Uri"}) | {"Headers", "typed_header"})
    own = ["", "from . import models"] if "models" in used else []
    head = ['"""The headers of responses: None where one is absent."""', "", HEAD, ""]
    return "\n".join([*head, *heading, *own, *body, ""])


def _header(header: Header, types: Types) -> list[str]:
    type_ = types.text(header.type)
    annotation = "Any" if type_ == "Any" else type_ if type_.endswith("| None") else f"{type_} | None"
    given = [literal(header.wire), f"lambda: {type_}"]
    lines = lines_of(Group(f"{header.name}: {annotation} = typed_header(", given, ")"), 4)
    return [*lines, *docstring(header.doc, 4, limit=100)]
