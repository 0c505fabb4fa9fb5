"""Links as text: the module that says what they take and give, and the lines of README.md about them."""

from __future__ import annotations

from msgspec import structs

from ..plan import names
from ..plan.values import Link, Operation, Package
from .operations import BUILTINS, HEAD, NO_BODIES, checked, heading
from .signatures import arguments_of, declared_result, maker
from .text import Group, docstring, lines_of, prose
from .types import Types, import_of, names_in

_RESERVED = frozenset({"run", "either", "page", "events", "models", "runtime", "dt", "builtins"})
"""What the classes of links have themselves, and what their annotations name."""


def render_links(package: Package) -> str:
    """Return the module of the classes whose methods are links, for type checkers."""
    body: list[str] = []
    used: set[str] = set()
    for each in package.operations:
        if links := named_links(each, package):
            body += _classes(each, links, package)
            used |= {target.resource for _, target, _ in links}
    title = '"""Where replies lead. For type checkers: nothing imports it at run time."""'
    tables = import_of("._operations", [f"{each} as _{each}" for each in sorted(used)])
    has_models = checked(body, client=False) != []
    lines = heading(body, names_in(body), ["TypeAlias"])
    tables = (["from . import headers"] if any("headers." in line for line in body) else []) + tables
    own = ["", "if TYPE_CHECKING:", "    from . import models"] if has_models else []
    return "\n".join([title, "", *NO_BODIES, "", HEAD, "", *lines, "", *tables, *own, *body, ""])


def _classes(operation: Operation, links: list[tuple[str, Operation, Link]], package: Package) -> list[str]:
    types = Types(package.models, hidden=BUILTINS & {name for name, _, _ in links})
    title = operation.class_of_links
    lines = ["", "", f"class {title}Methods:", f'    """Where the replies of {operation.name} lead."""']
    for name, target, link in links:
        lines += ["", *_method(name, target, link, types)]
    for prefix, doc in (("", "called"), ("Async", "awaited")):
        bases = [f"{title}Methods", f"runtime.{prefix}Resource"]
        lines += ["", "", *lines_of(Group(f"class {prefix}{title}(", bases, "):"), 0)]
        lines += [f'    """Where the replies of {operation.name} lead, {doc}."""']
    headers = f"headers.{operation.headers}" if operation.headers else "runtime.Headers"
    alias = Group(f"{title}Operation: TypeAlias = runtime.LinkedOperation[", [headers, title, f"Async{title}"], "]")
    return [*lines, "", "", *lines_of(alias, 0)]


def _method(name: str, target: Operation, link: Link, types: Types) -> list[str]:
    """Return the method of a link. What the link says of arguments need not be given."""
    known = {argument for argument, _ in link_arguments(target, link)}
    parameters = [
        structs.replace(each, location="query", required=each.required and each.name not in known)
        for each in target.parameters
    ]
    called = structs.replace(target, parameters=tuple(parameters))
    given = ["self", *arguments_of(called, types, client=False)]
    lines = [f"    @_{target.resource}.{target.name}{maker(target)}"]
    lines += lines_of(Group(f"def {name}(", given, f") -> {declared_result(target, types)}:"), 4)
    return [*lines, *(docstring(link.doc or f"{target.method} {target.path}", 8, limit=200) or ["        ..."])]


def named_links(operation: Operation, package: Package) -> list[tuple[str, Operation, Link]]:
    """Return the links of an operation to others of the document, with their names in Python and where they lead."""
    if not operation.links:
        return []
    targets = {each.id: each for each in package.operations}
    known = [each for each in operation.links if each.target in targets]
    found = names.distinct([(names.snake(each.key, prefix="link"), each.key) for each in known], _RESERVED)
    return [(name, targets[each.target], each) for name, each in zip(found, known, strict=True)]


def link_arguments(target: Operation, link: Link) -> list[tuple[str, str]]:
    """Return the arguments of the operation that a link leads to, and the expressions that say what they are."""
    known = {each.wire: each.name for each in target.parameters}
    # A name may say where its parameter is: "path.id".
    named = [(known.get(wire) or known.get(wire.partition(".")[2], ""), value) for wire, value in link.arguments]
    return [each for each in named if each[0]]


def link_lines(operation: Operation, package: Package, style: str) -> list[str]:
    """Return what README.md says of where a reply leads."""
    return [_line(*each, style) for each in named_links(operation, package)]


def _line(name: str, target: Operation, link: Link, style: str) -> str:
    called = f"{target.name}.sync" if style == "functions" else f"client.{target.resource}.{target.short}"
    arguments = ", ".join(f"{each}={_code(value)}" for each, value in link_arguments(target, link))
    doc = f": {prose(link.doc, limit=100).replace('`', '')}" if link.doc else ""
    return f"  - leads to `{called}({arguments})`, which `links.{name}()` of the response calls{doc}"


def _code(text: str) -> str:
    return prose(text, limit=80).replace("`", "'")
