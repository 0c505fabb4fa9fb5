"""Operations as tables: how each goes over the wire. What the runtime takes for granted is not written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ..plan import names
from ..plan.values import Link, Operation, Package, Pages, Parameter, Part, Reply, Server
from .links import link_arguments, named_links
from .text import Expression, Group, lines_of, literal
from .types import Types, imports, names_in

_SHORT = {"path": "path", "query": "query", "header": "header", "cookie": "cookie", "querystring": "query_string"}
_NAMES = frozenset({
    "Operation", "HeadedOperation", "LinkedOperation",
    "path", "query", "header", "cookie", "query_string", "JSON", "Body", "Errors",
    "Part", "Server", "Link", "Several", "TEXT", "BINARY", "PARTS", "Paging", "File", "Email", "Uri",
})  # fmt: skip


_NONE: Mapping[tuple[str, ...], str] = {}


def render_table(resource: str, operations: list[Operation], package: Package, types: Types) -> str:
    """Return the module that says how the operations of a resource go over the wire."""
    lines: list[str] = []
    shared = _shared(operations, types)
    for several, name in shared.items():
        lines += lines_of(_after(f"{name} = ", _several(several)), 0)
    for each in operations:
        lines += lines_of(_table(resource, each, package, types, shared), 0)
    # The keyword is no name.
    used = names_in([line.replace("query=", "") for line in lines])
    head = [f'"""How the operations of {resource} go over the wire."""', "", "from __future__ import annotations", ""]
    has_links = "LinkedOperation" in used
    plain = used - {"File", "Unset", "UNSET"} - _NAMES
    head += imports(plain | ({"TYPE_CHECKING"} if has_links else set()), runtime=used & _NAMES)
    own = [each for each in ("headers", "models") if any(re.search(rf"\b{each}\.", line) for line in lines)]
    if own:
        head += ["", f"from .. import {', '.join(own)}"]
    if has_links:
        head += ["", "if TYPE_CHECKING:", "    from .. import links"]
    return "\n".join([*head, "", *lines, ""])


def _shared(operations: list[Operation], types: Types) -> dict[tuple[str, ...], str]:
    """Return what errors of more than one operation are in several media types, and what that is called."""
    errors = [error for each in operations for error in each.errors if error.others]
    counts = Counter(_bodies(each, types) for each in errors)
    found = [each for each, count in counts.items() if count > 1]
    titles = [("_" + "_OR_".join(names.snake(_title(body)).upper() for body in each), repr(each)) for each in found]
    return dict(zip(found, names.distinct(titles), strict=True))


def _title(body: str) -> str:
    words = re.findall(r"\w+", body.rpartition(": ")[2])
    return "_".join(each for each in words if each != "models")


def _table(
    resource: str, operation: Operation, package: Package, types: Types, shared: Mapping[tuple[str, ...], str]
) -> Group:
    items: list[Expression] = [literal(f"{operation.method} {operation.path}")]
    queries = [each for each in operation.parameters if each.location == "query"]
    # They are sent in the order of the document, so that one which is not plain keeps the others from being short.
    short = queries if all(_is_plain(each) for each in queries) else []
    items += [
        _parameter(each)
        for each in operation.parameters
        if each not in short and not (each.location == "path" and _is_plain(each))
    ]
    if short:
        items.append(Group("query=(", [literal(each.name) for each in short], ")", is_literal=True))
    if operation.bodies:
        items.append(_body(operation, types))
    items.append(_replies("replies", operation.replies, types))
    if operation.errors:
        noun = literal(names.pascal(names.singular(resource)))
        items.append(Group("errors=Errors(", [noun, _replies("", operation.errors, types, shared)], ")"))
    if operation.security != package.required:
        items.append(_security(operation))
    usual = dict.fromkeys(each.media_type for each in operation.replies if each.media_type)
    # RFC 9110, section 12.5.1: whatever else there is comes after what is usual.
    accepted = [*usual, *[f"{each};q=0.9" for each in operation.choices if each not in usual]]
    has_json = any(each.kind not in ("text", "bytes", "none", "parts") for each in operation.replies)
    if accepted != (["application/json"] if has_json else []):
        items.append(f"accept={literal(', '.join(accepted) or '*/*')}")
    if operation.stream is not None:
        items.append(_stream(operation.stream, types))
    if operation.pages is not None:
        items.append(_pages(operation.pages))
    if operation.headers:
        items.append(f"headers=lambda: headers.{operation.headers}")
    if operation.server is not None:
        items.append(_server(operation.server))
    if links := named_links(operation, package):
        items.append(Group("links={", [_link(*each) for each in links], "}", is_literal=True))
        return Group(f"{operation.name}: links.{operation.class_of_links}Operation = LinkedOperation(", items, ")")
    return Group(f"{operation.name} = {'Headed' if operation.headers else ''}Operation(", items, ")")


def _is_plain(parameter: Parameter) -> bool:
    """Tell whether the runtime knows how a parameter is written when it knows its name."""
    style = {"path": ("simple", False), "query": ("form", True)}.get(parameter.location)
    is_usual = (parameter.style, parameter.explode) == style and parameter.name == parameter.wire
    return is_usual and not parameter.allow_reserved and not parameter.media_type


def _parameter(parameter: Parameter) -> str:
    given = [literal(parameter.wire)]
    if parameter.name != parameter.wire:
        given.append(literal(parameter.name))
    default = "form" if parameter.location in ("query", "cookie", "querystring") else "simple"
    if parameter.style != default:
        given.append(f"style={literal(parameter.style)}")
    if parameter.explode != (parameter.style in ("form", "cookie")):
        given.append(f"explode={parameter.explode}")
    if parameter.allow_reserved:
        given.append("reserved=True")
    if parameter.media_type:
        given.append(f"media_type={literal(parameter.media_type)}")
    return f"{_SHORT[parameter.location]}({', '.join(given)})"


def _body(operation: Operation, types: Types) -> Expression:
    fields = f"lambda: models.{types.model(operation.fields).name}" if operation.fields else ""
    bodies = [
        _one_body(each.media_type, each.encoding, "" if index else fields)
        for index, each in enumerate(operation.bodies)
    ]
    if len(bodies) == 1:
        return _after("body=", bodies[0])
    pairs = [_after(f"{literal(each.media_type)}: ", body) for each, body in zip(operation.bodies, bodies, strict=True)]
    return Group("body={", pairs, "}", is_literal=True)


def _after(before: str, body: Expression) -> Expression:
    return before + body if isinstance(body, str) else Group(before + body.before, body.items, body.after)


def _one_body(media_type: str, encoding: tuple[Part, ...], fields: str) -> Expression:
    if media_type == "application/json":
        return f"JSON.made_of({fields})" if fields else "JSON"
    named = [f"fields={fields}"] if fields else []
    parts = [f"{literal(each.wire)}: {_part(each)}" for each in encoding]
    written = [Group("{", parts, "}", is_literal=True)] if parts else []
    return Group("Body(", [literal(media_type), *written, *named], ")")


def _part(part: Part) -> str:
    given = [literal(part.content_type)] if part.content_type else []
    given += [f"style={literal(part.style)}"] if part.style else []
    given += [f"explode={part.explode}"] if part.explode is not None else []
    given += ["reserved=True"] if part.allow_reserved else []
    return f"Part({', '.join(given)})"


def _replies(
    name: str, replies: tuple[Reply, ...], types: Types, shared: Mapping[tuple[str, ...], str] = _NONE
) -> Group:
    # Statuses that have one body share an entry.
    statuses: dict[tuple[str, ...], list[str]] = {}
    for each in replies:
        statuses.setdefault(_bodies(each, types), []).append(each.status)
    pairs = [
        _after(f"{literal(' '.join(found))}: ", shared.get(bodies) or _several(bodies))
        for bodies, found in statuses.items()
    ]
    return Group(f"{name}={{" if name else "{", pairs, "}", is_literal=True)


def _bodies(reply: Reply, types: Types) -> tuple[str, ...]:
    """Return the usual body of a reply, and what it is in other media types."""
    # What a range takes in needs to be told from it.
    is_named = any("*" in other.media_type for other in reply.others)
    bodies = (reply, *reply.others) if is_named else reply.others
    return _reply(reply, types), *[f"{literal(each.media_type)}: {_reply(each, types)}" for each in bodies]


def _several(bodies: tuple[str, ...]) -> Expression:
    usual, *others = bodies
    return Group("Several(", [usual, Group("{", others, "}", is_literal=True)], ")") if others else usual


def _reply(reply: Reply, types: Types) -> str:
    if reply.kind == "json":
        return f"lambda: {types.at_run_time(reply.type)}"
    return {"none": "None", "text": "TEXT", "parts": "PARTS"}.get(reply.kind, "BINARY")


def _stream(stream: Reply, types: Types) -> Expression:
    if not stream.events:
        return f"stream=({literal(stream.kind)}, lambda: {types.at_run_time(stream.type)})"
    pairs = [
        f"{literal(name)}: {'TEXT' if type_ is None else types.at_run_time(type_)}" for name, type_ in stream.events
    ]
    known = Group("lambda: {", pairs, "}", is_literal=True)
    return Group("stream=(", [literal(stream.kind), known], ")", is_literal=True)


def _pages(pages: Pages) -> str:
    given = [literal(pages.kind)]
    given += [literal(pages.parameter)] if pages.parameter else []
    for name in ("items", "next", "more"):
        value = getattr(pages, name)
        given += [f"{name}={literal(value)}"] if value else []
    given += [f"first={pages.first}"] if pages.first is not None else []
    return f"pages=Paging({', '.join(given)})"


def _server(server: Server) -> Group:
    defaults = [f"{literal(wire)}: {literal(default)}" for wire, _, default, _ in server.variables]
    variables = [Group("{", defaults, "}", is_literal=True)] if defaults else []
    return Group("server=Server(", [literal(server.url), *variables], ")")


def _link(name: str, target: Operation, link: Link) -> Group:
    arguments = [f"{literal(each)}: {literal(value)}" for each, value in link_arguments(target, link)]
    found = Group("{", arguments, "}", is_literal=True) if arguments else "{}"
    return Group(f"{literal(name)}: Link(", [literal(target.resource), literal(target.name), found], ")")


def _security(operation: Operation) -> Group:
    return Group("security=(", alternatives_of(operation.security), ")", is_literal=True)


def alternatives_of(required: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return the alternatives of credentials as tuples."""
    return [f"({', '.join(literal(name) for name in each)}{',' if len(each) == 1 else ''})" for each in required]
