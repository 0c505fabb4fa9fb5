"""Operations as text: the tables, the methods of resources, and the functions style."""

from __future__ import annotations

from ..plan import names
from ..plan.values import ANY, NULL, OneOf, Operation, Package, Parameter, Part, Reply, Type
from .models import docstring_text
from .text import Expression, Group, docstring, lines_of, literal
from .types import Types, import_of, imports, names_in

_SHORT = {"path": "path", "query": "query", "header": "header", "cookie": "cookie", "querystring": "query_string"}
_HEAD = "from __future__ import annotations"


def by_resource(package: Package) -> dict[str, list[Operation]]:
    """Return the operations of each resource."""
    found: dict[str, list[Operation]] = {}
    for each in package.operations:
        found.setdefault(each.resource, []).append(each)
    return found


# Tables.


def render_table(resource: str, operations: list[Operation], types: Types) -> str:
    """Return the module that says how the operations of a resource go over the wire."""
    lines: list[str] = []
    for each in operations:
        lines += lines_of(_table(resource, each, types), 0)
    used = names_in(lines)
    needed = used & {
        "Operation",
        "path",
        "query",
        "header",
        "cookie",
        "query_string",
        "JSON",
        "Body",
        "Part",
        "TEXT",
        "BINARY",
    }
    head = [f'"""How the operations of {resource} go over the wire."""', "", _HEAD, ""]
    head += imports(used - {"File", "Unset", "UNSET"} - needed, runtime=needed | (used & {"File"}))
    if any("models." in line for line in lines):
        head += ["", "from .. import models"]
    return "\n".join([*head, "", *lines, ""])


def _table(resource: str, operation: Operation, types: Types) -> Group:
    items: list[Expression] = [literal(operation.method), literal(operation.path)]
    items += [_parameter(each) for each in operation.parameters]
    if operation.bodies:
        items.append(_body(operation))
    items.append(_replies("replies", operation.replies, types))
    if operation.errors:
        items.append(_replies("errors", operation.errors, types))
    if operation.security and operation.security != ((),):
        items.append(_security(operation))
    items.append(f"noun={literal(names.pascal(names.singular(resource)))}")
    accepted = list(dict.fromkeys(each.media_type for each in operation.replies if each.media_type))
    if accepted != ["application/json"]:
        items.append(f"accept={literal(', '.join(accepted) or '*/*')}")
    if operation.stream is not None:
        items.append(f"stream=({literal(operation.stream.kind)}, lambda: {types.at_run_time(operation.stream.type)})")
    return Group(f"{operation.name} = Operation(", items, ")")


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


def _body(operation: Operation) -> Expression:
    bodies = [_one_body(each.media_type, each.encoding) for each in operation.bodies]
    if len(bodies) == 1:
        return (
            Group("body=" + bodies[0].before, bodies[0].items, bodies[0].after)
            if isinstance(bodies[0], Group)
            else f"body={bodies[0]}"
        )
    pairs: list[Expression] = []
    for each, body in zip(operation.bodies, bodies, strict=True):
        before = f"{literal(each.media_type)}: "
        pairs.append(Group(before + body.before, body.items, body.after) if isinstance(body, Group) else before + body)
    return Group("body={", pairs, "}", is_literal=True)


def _one_body(media_type: str, encoding: tuple[Part, ...]) -> Expression:
    if media_type == "application/json":
        return "JSON"
    if not encoding:
        return f"Body({literal(media_type)})"
    parts = [f"{literal(each.wire)}: {_part(each)}" for each in encoding]
    return Group("Body(", [literal(media_type), Group("{", parts, "}", is_literal=True)], ")")


def _part(part: Part) -> str:
    given = [literal(part.content_type)] if part.content_type else []
    given += [f"style={literal(part.style)}"] if part.style else []
    given += [f"explode={part.explode}"] if part.explode is not None else []
    return f"Part({', '.join(given)})"


def _replies(name: str, replies: tuple[Reply, ...], types: Types) -> Group:
    pairs = [f"{literal(each.status)}: {_reply(each, types)}" for each in replies]
    return Group(f"{name}={{", pairs, "}", is_literal=True)


def _reply(reply: Reply, types: Types) -> str:
    if reply.kind == "json":
        return f"lambda: {types.at_run_time(reply.type)}"
    return {"none": "None", "text": "TEXT"}.get(reply.kind, "BINARY")


def _security(operation: Operation) -> Group:
    alternatives = [
        f"({', '.join(literal(name) for name in each)}{',' if len(each) == 1 else ''})" for each in operation.security
    ]
    return Group("security=(", alternatives, ")", is_literal=True)


# Signatures.


def result_of(operation: Operation, types: Types) -> str:
    """Return the type of what an operation returns."""
    found: list[Type] = []
    for reply in operation.replies:
        planned = ANY if reply.kind not in ("json", "text", "bytes", "none") else reply.type
        if planned not in found:
            found.append(planned)
    if not found:
        return "None"
    if ANY in found:
        return "Any"
    if NULL in found:
        found = [*[each for each in found if each != NULL], NULL]
    return types.text(found[0] if len(found) == 1 else OneOf(tuple(found)))


def arguments_of(operation: Operation, types: Types, *, client: bool) -> list[str]:
    """Return the arguments of a signature: those of the path by position, all others by name."""
    by_position = [f"{each.name}: {types.text(each.type)}" for each in operation.parameters if each.location == "path"]
    others = sorted(
        [each for each in operation.parameters if each.location != "path"], key=lambda each: not each.required
    )
    named = ["client: Client"] if client else []
    named += [_argument(each.name, types.text(each.type), each.required) for each in others if each.required]
    if operation.bodies:
        body = " | ".join(dict.fromkeys(types.text(each.type) for each in operation.bodies))
        named.append(_argument("body", body, operation.body_required))
    named += [_argument(each.name, types.text(each.type), False) for each in others if not each.required]
    if len(operation.bodies) > 1:
        media = ", ".join(literal(each.media_type) for each in operation.bodies)
        named.append(_argument("media_type", f"Literal[{media}]" if len(media) < 80 else "str", False))
    return [*by_position, *(["*"] if named else []), *named]


def _argument(name: str, annotation: str, required: bool) -> str:
    if required:
        return f"{name}: {annotation}"
    return f"{name}: {annotation} | Unset = UNSET" if annotation != "Any" else f"{name}: Any = UNSET"


def _define(
    operation: Operation, types: Types, name: str, *, client: bool = False, table: str = "_operations"
) -> list[str]:
    result = f") -> Call[{result_of(operation, types)}]:"
    group = Group(f"def {name}(", arguments_of(operation, types, client=client), result)
    lines = lines_of(group, 0)
    doc = operation.doc or f"{operation.method} {operation.path}"
    lines += docstring(("Deprecated. " if operation.deprecated else "") + doc, 4, limit=220)
    return [*lines, *_returned("Call", table, operation)]


def _returned(kind: str, table: str, operation: Operation) -> list[str]:
    return lines_of(Group(f"return {kind}(", [f"{table}.{operation.name}", "locals()"], ")"), 4)


def _stream_define(operation: Operation, types: Types, name: str) -> list[str]:
    assert operation.stream is not None
    result = f") -> StreamCall[{types.text(operation.stream.type)}]:"
    lines = lines_of(Group(f"def {name}(", arguments_of(operation, types, client=False), result), 0)
    return [*lines, *_returned("StreamCall", "_operations", operation)]


def _is_stream_only(operation: Operation) -> bool:
    return operation.stream is not None and all(each.kind not in ("json", "text") for each in operation.replies)


def _is_download(operation: Operation) -> bool:
    return operation.stream is None and any(each.kind == "bytes" for each in operation.replies)


# Resources.


def render_resource(resource: str, operations: list[Operation], types: Types) -> str:
    """Return the module of a resource, blocking and async."""
    plain = [each for each in operations if not _is_stream_only(each)]
    streamed = [each for each in operations if each.stream is not None or _is_download(each)]
    body: list[str] = []
    for each in plain:
        body += ["", "", *_define(each, types, f"_{each.name}")]
    for each in operations:
        if each.stream is not None:
            body += ["", "", *_stream_define(each, types, f"_stream_{each.name}")]
    title = names.pascal(resource)
    for prefix, way, async_ in (("", "blocking", ""), ("Async", "asynchronous", "async ")):
        body += _resource_class(prefix, way, title, plain, streamed, resource, async_)
    used = names_in(body)
    head = [f'"""The resource {resource}."""', "", _HEAD, ""]
    head += _heading(body, used)
    return "\n".join([*head, *body, ""])


def _resource_class(
    prefix: str, way: str, title: str, plain: list[Operation], streamed: list[Operation], resource: str, async_: str
) -> list[str]:
    lines = [
        "",
        "",
        f"class {prefix}{title}({prefix}Resource):",
        f'    """The operations of {resource}{", awaited" if async_ else ""}."""',
        "",
    ]
    for each in plain:
        lines += _way(each, f"{way}(", f"_{each.name}")
        if not prefix:
            lines += docstring(each.doc, 4, limit=100)
    for each in streamed:
        if _is_stream_only(each):
            lines += _way(each, f"{way}_events(", f"_stream_{each.name}")
    if plain:
        lines += _accessor(f"{prefix}{title}WithResponse", "with_response", "Give the response together with its body.")
    accessible = [each for each in streamed if not _is_stream_only(each)]
    if accessible:
        lines += _accessor(f"{prefix}{title}Streamed", "stream", "Read bodies as they come.")
    if plain:
        lines += [
            "",
            "",
            f"class {prefix}{title}WithResponse({prefix}Resource):",
            '    """The same with the response."""',
            "",
        ]
        for each in plain:
            lines += _way(each, f"{way}_response(", f"_{each.name}")
    if accessible:
        lines += [
            "",
            "",
            f"class {prefix}{title}Streamed({prefix}Resource):",
            '    """The same, read as it comes."""',
            "",
        ]
        for each in accessible:
            if each.stream is not None:
                lines += _way(each, f"{way}_events(", f"_stream_{each.name}")
            else:
                lines += _way(each, f"{way}_download(", f"_{each.name}")
    return lines


def _way(operation: Operation, way: str, function: str) -> list[str]:
    return lines_of(Group(f"{operation.short} = {way}", [function], ")"), 4)


def _accessor(type: str, name: str, doc: str) -> list[str]:
    return [
        "",
        "    @property",
        f"    def {name}(self) -> {type}:",
        f'        """{doc}"""',
        f"        return {type}(self._client)",
    ]


def _heading(body: list[str], used: set[str]) -> list[str]:
    """Return the imports of a module of operations: models and plain types are for type checkers only."""
    checked = used & {"dt", "Decimal", "UUID", "Any", "Literal"}
    has_models = any("models." in line for line in body)
    files = used & {"File", "Email", "Uri"}
    runtime = used & {
        "AsyncResource", "Resource", "Call", "StreamCall", "blocking", "asynchronous", "blocking_response", "functions",
        "asynchronous_response", "blocking_events", "asynchronous_events", "blocking_download", "asynchronous_download",
        "UNSET", "Unset",
    } | files  # fmt: skip
    return imports(checked | ({"TYPE_CHECKING"} if has_models or "Client" in used else set()), runtime=runtime)


def package_imports(resource: str, body: list[str], *, client: bool) -> list[str]:
    """Return the imports of the package's own modules."""
    lines = ["", *import_of(".._operations", [f"{resource} as _operations"])]
    checked = ["    from .. import models"] if any("models." in line for line in body) else []
    checked += ["    from ..client import Client"] if client else []
    return [*lines, *(["", "if TYPE_CHECKING:", *checked] if checked else [])]


def render_functions(tag: str, operations: list[Operation], types: Types) -> str:
    """Return the module of a tag in the functions style."""
    resources = sorted({each.resource for each in operations})
    body: list[str] = []
    for each in operations:
        lines = _define(each, types, each.name, client=True, table=f"_{each.resource}")
        body += ["", "", "@functions", *lines]
    used = names_in(body)
    head = [
        f'"""The operations of {docstring_text(tag)} as functions: `sync`, `asyncio`, and both `_detailed`."""',
        "",
        _HEAD,
        "",
    ]
    head += _heading(body, used)
    head += ["", *[line for each in resources for line in import_of(".._operations", [f"{each} as _{each}"])]]
    checked = ["    from .. import models"] if any("models." in line for line in body) else []
    return "\n".join([*head, "", "if TYPE_CHECKING:", *checked, "    from ..client import Client", *body, ""])


def finished_resource(resource: str, operations: list[Operation], types: Types) -> str:
    """Return the module of a resource with all of its imports."""
    text = render_resource(resource, operations, types)
    head, rest = text.split("\n\n\n", 1)
    return "\n".join([head, *package_imports(resource, text.splitlines(), client=False)]) + "\n\n\n" + rest
