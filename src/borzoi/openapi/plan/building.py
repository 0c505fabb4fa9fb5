"""The whole plan of a document: every operation, every schema that has a name, names that collide with none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import structs

from ..document import Document, Node
from ..meter import Meter
from . import names
from .operations import METHODS, Operations, requirements
from .pagination import Pagination
from .schemas import Schemas
from .servers import servers_of_api
from .unions import declare_discriminators
from .values import Header, Model, Operation, Package, Reference, Security
from .webhooks import links_of, webhooks_of

CLIENT_NAMES = frozenset({
    "aclose", "base_url", "close", "credentials", "http", "async_http", "package", "schemes", "finish", "none",
    "with_options", "options", "prepare", "errors", "send", "asend",
})  # fmt: skip
"""Names that every generated client has."""

RESOURCE_NAMES = frozenset({
    "with_response", "stream", "run", "page", "either", "events", "models", "fields", "headers", "runtime", "dt",
    "builtins",
})  # fmt: skip
"""What the classes of resources have themselves, and what their annotations name."""

FUNCTION_NAMES = frozenset({
    "models", "headers", "links", "fields", "runtime", "dt", "path", "query", "header", "cookie", "query_string",
    "list", "dict", "str", "int", "float", "bool", "bytes",
})  # fmt: skip
"""What the modules of functions, and the tables of operations, name themselves."""

MODEL_NAMES = frozenset({
    "TYPE_CHECKING", "Any", "UUID", "Decimal", "Literal", "TypeAlias", "UNSET", "Unset", "UnsetType", "Struct",
    "Email", "Uri", "File", "OpenStrEnum",
})  # fmt: skip


_LIBRARY_NAMES = {
    "msgspec": frozenset({"OpenStruct"}),
    "pydantic": frozenset({"Model", "OpenModel", "Field", "Bytes"}),
    "dataclass": frozenset({"OpenDataclass"}),
}
"""What modules of models import, for each library."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Say which operations are wanted, and what the package is called."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    name: str = ""
    lenient_formats: bool = False
    models: str = "msgspec"
    """Whose models are made: msgspec, pydantic or dataclass."""

    enums: str = "literal"
    """What enumerations of strings become: literals, or with strenum classes. Both take other values."""

    operation_names: tuple[tuple[str, str], ...] = ()
    """Names that a config file gives to operations, by their ids, or by method and path."""

    pagination: Mapping[str, Mapping[str, Any] | Literal[False]] = field(default_factory=dict)
    """How the pages of lists follow each other, by the ids of operations; False for a list that has none."""

    def takes(self, operation: Operation) -> bool:
        """Tell whether an operation is wanted: by its tag, its path or its id."""
        marks = _marks_of(operation)
        return (not self.include or not marks.isdisjoint(self.include)) and marks.isdisjoint(self.exclude)

    def of(self, operations: list[Operation], root: Node) -> list[Operation]:
        """Return the operations that are wanted. Raises DocumentError where some are, and there are none of those."""
        known = set[str]().union(*[_marks_of(each) for each in operations])
        for mark in (*self.include, *self.exclude):
            if mark not in known:
                root.note(f"No operation has the tag, path or id {mark!r}.")
        if self.include and known.isdisjoint(self.include):
            raise root.wrong(f"No operation is left: none has the tag, path or id {' or '.join(self.include)!r}.")
        return [each for each in operations if self.takes(each)]


def _marks_of(operation: Operation) -> set[str]:
    return {operation.tag, operation.resource, operation.path, operation.id, operation.name}


def build_plan(document: Document, selection: Selection | None = None, meter: Meter | None = None) -> Package:
    """Decide all that is generated from a document. Raises DocumentError."""
    chosen = selection or Selection()
    root = document.root
    reserved = names.OF_PYDANTIC if chosen.models == "pydantic" else frozenset[str]()
    components = root.child("components").child("schemas")
    schemas = Schemas(components, lenient_formats=chosen.lenient_formats, reserved=reserved)
    for name, node in components.items():
        _plan_component(schemas, name, node)
    planner = Operations(schemas, requirements(root.child("security")))
    declared = list(_declared(root))
    operations = [planner.plan(*found) for found in (meter.over(declared, "operations") if meter else declared)]
    webhooks = webhooks_of(root, [node for _, _, _, node in declared], schemas)
    schemas.finish()
    _add_names_for_names(schemas, components)
    declare_discriminators(schemas.models)
    _name_models(schemas, MODEL_NAMES | _LIBRARY_NAMES[chosen.models])
    title = root["info"].text("title", "API")
    chosen_operations = _named(chosen.of(operations, root), dict(chosen.operation_names))
    headers, called = _headers(chosen_operations)
    # By method and path: operations in files of their own may have one pointer.
    ids = {each.id for each in operations}
    links = {(method.upper(), path): found for path, _, method, node in declared if (found := links_of(node, ids))}
    linked = _classes_of_links([each for each in chosen_operations if (each.method, each.path) in links])
    return Package(
        name=names.module(chosen.name or f"{title} client" if not chosen.name else chosen.name),
        title=title,
        version=str(root["info"].value.get("version", "")) if isinstance(root["info"].value, dict) else "",
        doc=root["info"].text("description"),
        models=schemas.models,
        operations=[
            structs.replace(
                _completed(each, schemas.models, chosen, called),
                links=links.get((each.method, each.path), ()),
                class_of_links=linked.get((each.method, each.path), ""),
            )
            for each in chosen_operations
        ],
        security=_security(root.child("components").child("securitySchemes")),
        servers=servers_of_api(root),
        library=chosen.models,
        enums=chosen.enums,
        loose=schemas.loose,
        required=requirements(root.child("security")),
        headers=headers,
        webhooks=webhooks,
    )


def _completed(
    operation: Operation,
    models: dict[str, Model],
    chosen: Selection,
    headers: dict[str, str],
) -> Operation:
    """Add what only the whole plan tells: pages, headers, and whether members of the body may be arguments."""
    told = chosen.pagination.get(operation.id)
    pages = None if told is False else Pagination(models).of(operation, told)
    if pages is not None:
        # What follows from page to page is JSON: a list is asked for in nothing else.
        replies = tuple(structs.replace(each, others=()) for each in operation.replies)
        operation = structs.replace(operation, replies=replies)
    return structs.replace(
        operation,
        pages=pages,
        headers=headers.get(_kind_of_headers(_headers_of(operation)), ""),
        fields="" if pages is not None or operation.stream is not None else _fields_of(operation, models),
    )


def _headers_of(operation: Operation) -> tuple[Header, ...]:
    """Return the headers of all replies, those of the lowest status first."""
    found: dict[str, Header] = {}
    for reply in sorted(operation.replies, key=lambda each: each.status):
        for header in reply.headers:
            found.setdefault(header.name, header)
    return tuple(found[name] for name in sorted(found))


def _kind_of_headers(headers: tuple[Header, ...]) -> str:
    """Return what two sets of headers have in common that are alike, whatever is said of them."""
    return repr(sorted((each.wire.lower(), each.type) for each in headers))


def _headers(operations: list[Operation]) -> tuple[dict[str, tuple[Header, ...]], dict[str, str]]:
    """Return the sets of headers that replies have, and what each is called: after the headers in it."""
    found = {_kind_of_headers(each): each for operation in operations if (each := _headers_of(operation))}
    sources = [
        (names.composed("".join(sorted(names.pascal(each.wire) for each in headers)) + "Headers"), kind)
        for kind, headers in found.items()
    ]
    chosen = dict(zip(found, names.distinct(sources, MODEL_NAMES), strict=True))
    return {chosen[kind]: headers for kind, headers in found.items()}, chosen


def _classes_of_links(operations: list[Operation]) -> dict[tuple[str, str], str]:
    """Return the names of the classes whose methods are the links of operations, by the methods and paths of those."""
    places = [(each.method, each.path) for each in operations]
    sources = [
        (names.composed(f"{names.pascal(each.resource)}{names.pascal(each.name)}Links"), f"{each.method} {each.path}")
        for each in operations
    ]
    # Each has a class for async code, too.
    asynchronous = frozenset(f"Async{title}" for title, _ in sources)
    return dict(zip(places, names.distinct(sources, asynchronous), strict=True))


def _fields_of(operation: Operation, models: dict[str, Model]) -> str:
    """Return the struct that a body is, unless one of its members has the name of another argument."""
    body = operation.bodies[0].type if operation.bodies else None
    if not isinstance(body, Reference) or models[body.key].kind != "struct":
        return ""
    taken = {each.name for each in operation.parameters} | {"self", "body", "client", "media_type"}
    taken |= {"accept"} if operation.choices else set()
    extra = [] if models[body.key].extra is None else [names.EXTRA]
    return body.key if taken.isdisjoint([*[field.name for field in models[body.key].fields], *extra]) else ""


def _plan_component(schemas: Schemas, name: str, node: Node) -> None:
    if isinstance(node.value, dict) and set(node.value) == {"$ref"}:
        schemas.named(node.resolved())
    else:
        schemas.named(node, name=name)


def _add_names_for_names(schemas: Schemas, components: Node) -> None:
    """Add an alias for each schema that is a reference alone, unless what it refers to, in a file, is called so."""
    known = {each.base_name for each in schemas.models.values()}
    for name, node in components.items():
        title = names.pascal(name)
        if isinstance(node.value, dict) and set(node.value) == {"$ref"} and title not in known:
            place = schemas.place(node.key, name)
            found = schemas.named(node.resolved())
            schemas.models[node.key] = Model(node.key, "alias", place.name, place.root, type=found)


def _declared(root: Node) -> Iterator[tuple[str, Node, str, Node]]:
    for path, child in root.child("paths").items():
        if not path.startswith("/"):
            if not path.startswith("x-"):
                raise child.wrong("A path must begin with a slash.")
            continue
        yield from _methods(path, child.resolved())


def _methods(path: str, item: Node) -> Iterator[tuple[str, Node, str, Node]]:
    for method in METHODS:
        if isinstance(item.value, dict) and method in item.value:
            yield path, item, method, item[method]
    # OpenAPI 3.2: methods that have no field of their own, in the spelling in which they are sent.
    for method, node in item.child("additionalOperations").items():
        if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", method):
            yield path, item, method, node.resolved()
        else:
            raise node.wrong("A method must be a token (RFC 9110, section 9.1).")


def _named(operations: list[Operation], given: dict[str, str]) -> list[Operation]:
    """Give the operations names that are unique: of functions in their tag, of methods in their resource."""
    resources = _distinct_resources(operations)
    named = [structs.replace(each, resource=resources[each.resource]) for each in operations]
    full = _unique([(each.tag, each.name, f"{each.method} {each.path}") for each in named], FUNCTION_NAMES)
    # The tables of a resource have the full names, in whichever tag the function is.
    full = _unique(
        [(each.resource, name, f"{each.method} {each.path}") for each, name in zip(named, full, strict=True)]
    )
    called = [given.get(each.id) or given.get(f"{each.method} {each.path}") for each in named]
    short = [names.snake(name) if name else each.short for each, name in zip(named, called, strict=True)]
    counts: dict[tuple[str, str], int] = {}
    for each, name in zip(named, short, strict=True):
        counts[each.resource, name] = counts.get((each.resource, name), 0) + 1
    short = [
        name if counts[each.resource, name] == 1 and name not in RESOURCE_NAMES else long
        for each, name, long in zip(named, short, full, strict=True)
    ]
    short = _unique([(each.resource, name, each.path) for each, name in zip(named, short, strict=True)], RESOURCE_NAMES)
    return [structs.replace(each, name=long, short=name) for each, long, name in zip(named, full, short, strict=True)]


def _distinct_resources(operations: list[Operation]) -> dict[str, str]:
    found = sorted({each.resource for each in operations})
    return {name: f"{name}_" if name in CLIENT_NAMES else name for name in found}


def _unique(found: list[tuple[str, str, str]], reserved: frozenset[str] = frozenset()) -> list[str]:
    groups: dict[str, list[int]] = {}
    for index, (group, _, _) in enumerate(found):
        groups.setdefault(group, []).append(index)
    result = [""] * len(found)
    for indices in groups.values():
        chosen = names.distinct([(found[index][1], found[index][2]) for index in indices], reserved)
        for index, name in zip(indices, chosen, strict=True):
            result[index] = name
    return result


def _name_models(schemas: Schemas, reserved: frozenset[str]) -> None:
    models: list[Model] = list(schemas.models.values())
    # Schemas with a name of their own keep it; what is declared inside of others gives way.
    sources = [(each.base_name, _source_of(each)) for each in models]
    for model, name in zip(models, names.distinct(sources, reserved), strict=True):
        model.name = name
    roots = list(dict.fromkeys(model.root for model in models))
    titles = [(names.module(schemas.roots[root]), root) for root in roots]
    modules = dict(zip(roots, names.distinct(titles), strict=True))
    for model in models:
        model.module = modules[model.root]


def _source_of(model: Model) -> str:
    """Return what a name was made from: the name of a schema, or the whole place of what has none."""
    name = model.key.rpartition("/")[2]
    return name if model.key == model.root and names.pascal(name) == model.base_name else model.key


def _security(node: Node) -> list[Security]:
    schemes = {key: child.resolved() for key, child in node.items()}
    kinds = {key: _kind_of_scheme(scheme) for key, scheme in schemes.items()}
    planned: list[Security] = []
    for key, scheme in schemes.items():
        kind, wire = kinds[key]
        family = [other for other, (each, _) in kinds.items() if _family(each) == _family(kind)]
        prefix = "" if len(family) == 1 else names.snake(key) + "_"
        url = _token_url(scheme)
        planned.append(Security(key, kind, wire, _arguments(kind, prefix, url), url, scheme.text("description")))
    return planned


def _family(kind: str) -> str:
    for family, kinds in (
        ("token", ("bearer", "oauth2", "openid")),
        ("key", ("header", "query", "cookie")),
        ("name", ("basic", "digest")),
    ):
        if kind in kinds:
            return family
    return kind


def _kind_of_scheme(scheme: Node) -> tuple[str, str]:
    declared = scheme.text("type")
    if declared == "apiKey":
        return scheme.text("in", "header"), scheme.text("name")
    if declared == "http":
        name = scheme.text("scheme", "Bearer")
        return (name.lower(), "") if name.lower() in ("basic", "digest") else ("bearer", name)
    if declared in ("oauth2", "openIdConnect"):
        return "oauth2" if declared == "oauth2" else "openid", "Bearer"
    return ("mutual_tls", "") if declared == "mutualTLS" else ("bearer", "Bearer")


def _arguments(kind: str, prefix: str, token_url: str) -> tuple[str, ...]:
    if kind in ("basic", "digest"):
        return f"{prefix}username", f"{prefix}password"
    if kind == "mutual_tls":
        return ()
    if kind in ("oauth2", "openid") and token_url:
        return f"{prefix}token", f"{prefix}client_id", f"{prefix}client_secret"
    if kind in ("bearer", "oauth2", "openid"):
        return (f"{prefix}token",)
    return (prefix.rstrip("_") or "api_key",)


def _token_url(scheme: Node) -> str:
    if scheme.text("type") == "openIdConnect":
        return scheme.text("openIdConnectUrl")
    return scheme.child("flows").child("clientCredentials").text("tokenUrl")
