"""Signatures of operations: what they take and what they return."""

from __future__ import annotations

from ..plan.values import ANY, NULL, OneOf, Operation, Type
from .text import Group, docstring, lines_of, literal
from .types import Types


def result_of(operation: Operation, types: Types) -> str:
    """Return the type of what an operation returns."""
    found: list[Type] = []
    for reply in [each for declared in operation.replies for each in (declared, *declared.others)]:
        planned = ANY if reply.kind not in ("json", "text", "bytes", "none", "parts") else reply.type
        if planned not in found:
            found.append(planned)
    if not found:
        return "None"
    if ANY in found:
        return "Any"
    if NULL in found:
        found = [*[each for each in found if each != NULL], NULL]
    return types.text(found[0] if len(found) == 1 else OneOf(tuple(found)))


def declared_result(operation: Operation, types: Types) -> str:
    """Return what a method is declared to return, from which all ways of calling it follow."""
    item = "" if operation.stream is None else types.text(operation.stream.type)
    if operation.stream is not None and operation.stream.kind == "events":
        item = f"runtime.Event[{item}]"
    if is_stream_only(operation):
        return f"runtime.Events[{item}]"
    result = result_of(operation, types)
    if item:
        return f"runtime.Streamed[{result}, {item}]"
    if operation.pages is not None:
        return f"runtime.Page[{types.text(operation.pages.item)}, {result}]"
    return result


def arguments_of(operation: Operation, types: Types, *, client: bool, fields: str = "") -> list[str]:
    """Return the arguments of a signature: those of the path by position, all others by name."""
    by_position = [f"{each.name}: {types.text(each.type)}" for each in operation.parameters if each.location == "path"]
    others = sorted(
        [each for each in operation.parameters if each.location != "path"], key=lambda each: not each.required
    )
    named = ["client: Client"] if client else []
    named += [_argument(each.name, types.text(each.type), each.required) for each in others if each.required]
    if operation.bodies and not fields:
        body = " | ".join(dict.fromkeys(types.text(each.type) for each in operation.bodies))
        named.append(_argument("body", body, operation.body_required))
    named += [_argument(each.name, types.text(each.type), False) for each in others if not each.required]
    if len(operation.bodies) > 1 and not fields:
        media = ", ".join(literal(each.media_type) for each in operation.bodies)
        named.append(_argument("media_type", f"Literal[{media}]" if len(media) < 80 else "str", False))
    if operation.choices:
        accepted = ", ".join(literal(each) for each in operation.choices)
        named.append(_argument("accept", f"Literal[{accepted}]" if len(accepted) < 80 else "str", False))
    return [*by_position, *(["*"] if named else []), *named, *([f"**body: {fields}"] if fields else [])]


def _argument(name: str, annotation: str, required: bool) -> str:
    if required:
        return f"{name}: {annotation}"
    return f"{name}: {annotation} | Unset = UNSET" if annotation != "Any" else f"{name}: Any = UNSET"


def method(operation: Operation, types: Types) -> list[str]:
    """Return a method of a resource: what makes it, its signature, its docstring, and no body."""
    lines: list[str] = []
    table = f"@_operations.{operation.name}"
    if operation.fields:
        fields = f"Unpack[fields.{types.model(operation.fields).name}]"
        arguments = ["self", *arguments_of(operation, types, client=False, fields=fields)]
        lines += lines_of(Group("def _(", arguments, ") -> None: ..."), 4)
        table += ".with_fields(_)"
    else:
        table += maker(operation)
    arguments = ["self", *arguments_of(operation, types, client=False)]
    result = f") -> {declared_result(operation, types)}:"
    lines += [f"    {table}", *lines_of(Group(f"def {operation.short}(", arguments, result), 4)]
    doc = operation.doc or f"{operation.method} {operation.path}"
    written = docstring(("Deprecated. " if operation.deprecated else "") + doc, 8, limit=200)
    return [*lines, *(written or ["        ..."])]


def maker(operation: Operation) -> str:
    """Return what of an operation makes a method that takes the body as a whole: nothing for the operation itself."""
    if operation.stream is not None:
        return ".events" if is_stream_only(operation) else ".streamed"
    return ".paged" if operation.pages is not None else ""


def function(operation: Operation, types: Types) -> list[str]:
    """Return the declaration of the functions style."""
    paged = operation.pages is not None
    result = declared_result(operation, types) if paged else result_of(operation, types)
    lines = [f"@_{operation.resource}.{operation.name}.{'paged_' if paged else ''}functions"]
    arguments = arguments_of(operation, types, client=True)
    return [*lines, *lines_of(Group(f"def {operation.name}(", arguments, f") -> {result}: ..."), 0)]


def is_stream_only(operation: Operation) -> bool:
    """Tell whether an operation has a stream and nothing else."""
    return operation.stream is not None and all(each.kind not in ("json", "text") for each in operation.replies)


def is_download(operation: Operation) -> bool:
    """Tell whether an operation gives a file."""
    replies = [each for declared in operation.replies for each in (declared, *declared.others)]
    return operation.stream is None and any(each.kind == "bytes" for each in replies)
