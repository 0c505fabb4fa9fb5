"""All files of a package: the client, the resources, the functions, the models, the errors, and what tools need."""

from __future__ import annotations

from ..plan import names
from ..plan.values import NULL, Operation, Package, Type
from .links import named_links, render_links
from .models import docstring_text, render_models
from .operations import by_resource, render_fields, render_functions, render_headers, render_resource, title_of
from .readme import render_readme
from .tables import alternatives_of, render_table
from .text import WIDTH, Group, alternatives, docstring, lines_of, literal
from .types import Types, import_of, imports, names_in
from .webhooks import render_webhooks

_STATUSES = {
    "400": "BadRequest", "401": "Unauthorized", "402": "PaymentRequired", "403": "Forbidden", "404": "NotFound",
    "405": "MethodNotAllowed", "406": "NotAcceptable", "409": "Conflict", "410": "Gone", "412": "PreconditionFailed",
    "422": "UnprocessableEntity", "429": "TooManyRequests", "500": "InternalServerError", "502": "BadGateway",
    "503": "ServiceUnavailable", "504": "GatewayTimeout",
}  # fmt: skip

RUFF = """# This package is laid out for this width.
line-length = 120

[lint.isort]
combine-as-imports = true

[lint.per-file-ignores]
# Models refer to each other in circles: they import at their end. Names, paths, and types in quotes cannot be broken.
"models/*.py" = ["E402", "E501"]
"_operations/*.py" = ["E501"]
"""


def render(package: Package, *, style: str = "both") -> dict[str, str]:
    """Return the files of a package: their paths below its folder, and their content."""
    types = Types(package.models)
    grouped = by_resource(package)
    files = render_models(package)
    for resource, operations in grouped.items():
        files[f"_operations/{resource}.py"] = render_table(resource, operations, package, types)
        if style != "functions":
            files[f"resources/{resource}.py"] = render_resource(resource, operations, package)
    if style != "resources":
        by_tag: dict[str, list[Operation]] = {}
        for each in package.operations:
            by_tag.setdefault(each.tag, []).append(each)
        files.update({f"api/{tag}.py": render_functions(tag, found, types) for tag, found in by_tag.items()})
        files["api/__init__.py"] = '"""The functions style: a module for each tag."""\n'
    if style != "functions":
        files["resources/__init__.py"] = (
            '"""The resources style: a module for each resource, loaded when it is used."""\n'
        )
        if any(each.fields for each in package.operations):
            files["fields.py"] = render_fields(package, types)
    if package.webhooks:
        files["webhooks.py"] = render_webhooks(package)
    if any(named_links(each, package) for each in package.operations):
        files["links.py"] = render_links(package)
    if package.headers:
        files["headers.py"] = render_headers(package, types)
    files["_operations/__init__.py"] = '"""How operations go over the wire."""\n'
    files["client.py"] = _client(package, list(grouped) if style != "functions" else [])
    files["errors.py"] = _errors(grouped, types)
    files["__init__.py"] = _init(package)
    files["py.typed"] = ""
    files["ruff.toml"] = RUFF
    files["README.md"] = render_readme(package, style)
    return files


def _init(package: Package) -> str:
    return "\n".join([
        f'"""A client of {docstring_text(package.title)}, typed from its OpenAPI document."""',
        "",
        "from __future__ import annotations",
        "",
        "from .client import AsyncClient, Client",
        "",
        '__all__ = ["AsyncClient", "Client"]',
        "",
    ])  # fmt: skip


# The client.


def _client(package: Package, resources: list[str]) -> str:
    body = ["", ""]
    schemes = [
        Group(
            f"{literal(each.key)}: runtime.Scheme(", _scheme(each.kind, each.wire, each.arguments, each.token_url), ")"
        )
        for each in package.security
    ]
    has_schemes = bool(schemes)
    if schemes:
        body += [*lines_of(Group("_SCHEMES = {", schemes, "}", is_literal=True), 0), "", ""]
    for prefix in ("", "Async"):
        body += _client_class(prefix, package, resources, has_schemes)
        body += ["", ""] if not prefix else []
    used = names_in(body)
    head = [f'"""The client of {docstring_text(package.title)}."""', "", "from __future__ import annotations", ""]
    head += ["from collections.abc import Callable"] if "Callable" in used else []
    typing = ["TYPE_CHECKING"] if resources else []
    typing += ["Literal"] if "Literal" in used else []
    head += [f"from typing import {', '.join([*typing, 'Unpack'])}", ""]
    head += ["from borzoi.openapi import runtime", *([""] if resources else [])]
    if resources:
        head.append("if TYPE_CHECKING:")
        for each in sorted(resources):
            title = title_of(each)
            head += import_of(f".resources.{each}", sorted([f"Async{title}", title]), indent=4)
    return "\n".join([*head, *body, ""])


def _scheme(kind: str, wire: str, arguments: tuple[str, ...], token_url: str) -> list[str]:
    written = f"({', '.join(literal(each) for each in arguments)}{',' if len(arguments) == 1 else ''})"
    return [literal(kind), literal(wire), written, *([literal(token_url)] if token_url else [])]


def _client_class(prefix: str, package: Package, resources: list[str], has_schemes: bool) -> list[str]:
    lines = [f"class {prefix}Client(runtime.{prefix}Client):"]
    lines += docstring(f"Call {docstring_text(package.title)}{' from async code' if prefix else ''}.", 4)
    lines += ["", '    package = __package__ or ""']
    lines += ["    schemes = _SCHEMES"] if has_schemes else []
    if package.required:
        lines += lines_of(Group("_security = (", alternatives_of(package.required), ")", is_literal=True), 4)
    lines += ["", *_constructor(package)]
    for each in resources:
        title = f"{prefix}{title_of(each)}"
        lines += ["", "    @property", f"    def {each}(self) -> {title}:", f'        """The operations of {each}."""']
        lines += [*import_of(f".resources.{each}", [title], indent=8), "", f"        return {title}(self)"]
    return lines


def _constructor(package: Package) -> list[str]:
    url = package.servers[0].url if package.servers else ""
    default = f" = {literal(url)}" if "://" in url else ""
    arguments = list(dict.fromkeys(name for each in package.security for name in each.arguments))
    taken = set(arguments) | {"base_url", "options", "self"}
    named = [f"{each}: {_CREDENTIAL if each.endswith('token') else 'str'} | None = None" for each in arguments]
    variables = {wire: f"{name}_" if name in taken else name for wire, name, _, _ in _variables(package)}
    for wire, _, value, values in _variables(package):
        annotation = f"Literal[{', '.join(literal(each) for each in values)}] | str" if values else "str"
        named.append(f"{variables[wire]}: {annotation} = {literal(value)}")
    items = [
        "self",
        f"base_url: str{default}",
        *(["*", *named] if named else []),
        "**options: Unpack[runtime.ClientOptions]",
    ]
    lines = lines_of(Group("def __init__(", items, ") -> None:"), 4)
    given = ["base_url", "{}", "options"]
    if arguments:
        credentials = [f"{literal(each)}: {each}" for each in arguments]
        lines += lines_of(Group("credentials = {", credentials, "}", is_literal=True), 8)
        given[1] = "credentials"
    if variables:
        pairs = [f"{literal(wire)}: {name}" for wire, name in variables.items()]
        lines += lines_of(Group("variables = {", pairs, "}", is_literal=True), 8)
        given.append("variables")
    return [*lines, f"        super().__init__({', '.join(given)})"]


_CREDENTIAL = "str | Callable[[], str] | runtime.Auth"


def _variables(package: Package) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Return the variables of the first server, and of those that single operations have, each once."""
    owners = [*package.servers[:1], *[each.server for each in package.operations if each.server is not None]]
    found = {variable[0]: variable for owner in reversed(owners) for variable in owner.variables}
    names_of: dict[str, tuple[str, str, str, tuple[str, ...]]] = {}
    for variable in found.values():
        names_of.setdefault(variable[1], variable)
    return sorted(names_of.values(), key=lambda each: each[0])


# Errors.


def _errors(grouped: dict[str, list[Operation]], types: Types) -> str:
    # Resources may share a noun, as `user` and `users` do; what their operations raise is one class then.
    nouns: dict[str, dict[str, list[Type]]] = {}
    for resource, operations in grouped.items():
        found = nouns.setdefault(names.pascal(names.singular(resource)), {})
        for error in (error for each in operations for error in each.errors if error.status in _STATUSES):
            found.setdefault(error.status, []).extend(each.type for each in (error, *error.others))
    classes: list[str] = []
    for noun, found in nouns.items():
        for status, declared in sorted(found.items()):
            classes += _error(noun, status, declared, types)
    used = names_in(classes)
    base = sorted(["APIStatusError", "ClientError", "ServerError", "UnexpectedStatus", *_STATUSES.values()])
    head = ['"""What is raised for responses that are no success."""', "", "from __future__ import annotations", ""]
    typing = [*(["TYPE_CHECKING"] if "models" in used else []), *(["Any"] if "Any" in used else [])]
    typing_lines = imports((used & {"dt", "Decimal", "UUID"}) | set(typing))
    head += [*typing_lines, *([""] if typing_lines else [])]
    head += ["from borzoi.openapi.runtime.errors import (", *[f"    {each}," for each in base], ")"]
    head += ["", "if TYPE_CHECKING:", "    from . import models"] if "models" in used else []
    names_of = [line.split("(")[0].removeprefix("class ") for line in classes if line.startswith("class ")]
    head += [
        "",
        *lines_of(
            Group("__all__ = [", [literal(each) for each in sorted([*base, *names_of])], "]", is_literal=True), 0
        ),
    ]
    return "\n".join([*head, *classes, ""])


def _error(noun: str, status: str, declared: list[Type], types: Types) -> list[str]:
    base = _STATUSES[status]
    lines = ["", "", f"class {noun}{base}({base}):", f'    """The status is {status}."""']
    bodies = list(dict.fromkeys("str" if each == NULL else types.text(each) for each in declared))
    annotation = "Any" if "Any" in bodies else " | ".join(bodies)
    if annotation not in ("str", "Any"):
        annotation += "" if "str" in bodies else " | str"
        line = f"    data: {annotation}"
        lines += ["", *([line] if len(line) <= WIDTH else ["    data: (", *alternatives(annotation, " " * 8), "    )"])]
    return lines
