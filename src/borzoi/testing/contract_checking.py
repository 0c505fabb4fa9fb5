"""Requests and replies against the document: each difference with where it is, and who is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..openapi.plan.media import bare, kind_of_media
from .contract_operations import Operation
from .contract_parameters import MISSING, Layout, json_or_text, kinds_of, query_pairs, read_json, typed
from .contract_schemas import Schemas

if TYPE_CHECKING:
    from ..openapi.document import Node
    from .received import Received
    from .script import Reply

CODE, MOCK, DOCUMENT = "the code", "the mock", "the document"
"""Who is wrong: what sends the requests, what the test says they are answered with, or the document itself."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Say what does not fit the document."""

    who: str
    where: str
    """The request."""

    reason: str
    pointer: str
    """The place in the document, as a JSON pointer."""

    def __str__(self) -> str:
        return f"{self.where}: {self.reason} (#{self.pointer})"


class Checker:
    """Check requests and replies of operations."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    # Requests.

    def request(self, operation: Operation, received: Received, in_path: dict[str, str]) -> Iterator[Violation]:
        """Yield what is wrong with a request."""
        pairs = query_pairs(received.query)
        known: set[str] = set()
        is_whole = False
        keys = {scheme.text("name") for each in operation.security for scheme in each.values()}
        for layout in sorted(operation.parameters, key=lambda each: each.takes_rest):
            node = operation.parameter_node(layout)
            if layout.location == "querystring":
                is_whole = True
                continue
            left = [pair for pair in pairs if pair[0] not in known | keys] if layout.takes_rest else pairs
            value, names = layout.read(*self._raw(layout, received, in_path, left))
            known |= names
            yield from self._parameter(layout, node, value, received)
        yield from self._unknown(operation, pairs, known | keys, received, is_whole)
        yield from self._credentials(operation, received)
        yield from self._body(operation, received)

    def _raw(
        self, layout: Layout, received: Received, in_path: dict[str, str], pairs: list[tuple[str, str]]
    ) -> tuple[str | None, list[tuple[str, str]]]:
        if layout.location == "path":
            return in_path.get(layout.name), []
        if layout.location == "header":
            return received.headers.get(layout.name), []
        if layout.location == "cookie":
            return received.cookies.get(layout.name), list(received.cookies.items())
        return None, pairs

    def _parameter(self, layout: Layout, node: Node, value: Any, received: Received) -> Iterator[Violation]:
        place = f"{layout.location} parameter {layout.name!r}"
        if value is MISSING:
            if node.flag("required") or layout.location == "path":
                yield Violation(CODE, str(received), f"the {place} is required, and was not sent", node.pointer)
        elif layout.schema:
            yield from self._against(layout.schema, value, CODE, str(received), f"the {place}", sent=True)

    def _unknown(
        self, operation: Operation, pairs: list[tuple[str, str]], known: set[str], received: Received, is_whole: bool
    ) -> Iterator[Violation]:
        for name in dict.fromkeys(name for name, _ in pairs):
            if name not in known and not is_whole:
                reason = f"the query parameter {name!r} is not in the document"
                yield Violation(CODE, str(received), reason, operation.node.pointer)

    def _credentials(self, operation: Operation, received: Received) -> Iterator[Violation]:
        if operation.security and not any(
            all(_is_shown(scheme, received) for scheme in each.values()) for each in operation.security
        ):
            asked = " or ".join(" with ".join(each) for each in operation.security)
            reason = f"no credentials came with it: {asked} is asked for"
            yield Violation(CODE, str(received), reason, operation.node.pointer)

    def _body(self, operation: Operation, received: Received) -> Iterator[Violation]:
        body = operation.node["requestBody"]
        where = str(received)
        if not received.content:
            if body.flag("required"):
                yield Violation(CODE, where, "a body is required, and there was none", body.pointer)
            return
        if not body:
            yield Violation(CODE, where, "a body was sent, and the document has none", operation.node.pointer)
            return
        content_type = received.headers.get("content-type", "")
        media = _media(body, content_type)
        if media is None:
            known = ", ".join(name for name, _ in body.child("content").items()) or "none"
            reason = f"the body is of type {content_type or 'none'!r}, and the document has {known}"
            yield Violation(CODE, where, reason, body.child("content").pointer)
            return
        value = _sent_value(received, content_type, media)
        if value is _BROKEN:
            yield Violation(CODE, where, "the body is no JSON", media.pointer)
        elif value is not MISSING and (schema := media.child("schema")):
            yield from self._against(schema, value, CODE, where, "the body", sent=True)

    # Replies.

    def reply(self, operation: Operation, reply: Reply, where: str, who: str) -> Iterator[Violation]:
        """Yield what is wrong with a reply."""
        where = f"{where}: {reply.status}"
        response = operation.response(reply.status)
        if response is None:
            declared = ", ".join(operation.statuses()) or "none"
            reason = f"the status {reply.status} is not in the document, which has {declared}"
            yield Violation(who, where, reason, operation.node.child("responses").pointer)
            return
        fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.fields}
        yield from self._fields(response, fields, who, where)
        if reply.fault is None and operation.method != "HEAD":
            yield from self._reply_body(response, reply, fields.get("content-type", ""), who, where)

    def _fields(self, response: Node, fields: dict[str, str], who: str, where: str) -> Iterator[Violation]:
        for name, child in response.child("headers").items():
            node = child.resolved()
            if name.lower() == "content-type" or not isinstance(node.value, dict):
                continue
            if name.lower() not in fields:
                if node.flag("required"):
                    yield Violation(who, where, f"the header {name!r} is required, and is not there", node.pointer)
                continue
            if schema := node.child("schema"):
                value = Layout(_as_header(node, name)).read(fields[name.lower()], [])[0]
                yield from self._against(schema, value, who, where, f"the header {name!r}", sent=False)

    def _reply_body(self, response: Node, reply: Reply, content_type: str, who: str, where: str) -> Iterator[Violation]:
        if not all(isinstance(piece, bytes) for piece in reply.pieces):
            return
        content = b"".join(piece for piece in reply.pieces if isinstance(piece, bytes))
        if not response.child("content"):
            if content and reply.status != 304:
                yield Violation(who, where, "it has a body, and the document has none for it", response.pointer)
            return
        media = _media(response, content_type)
        if media is None:
            known = ", ".join(name for name, _ in response.child("content").items())
            reason = f"it is of type {content_type or 'none'!r}, and the document has {known}"
            yield Violation(who, where, reason, response.child("content").pointer)
            return
        schema = media.child("schema")
        if kind_of_media(content_type) != "json" or not schema:
            return
        try:
            value = read_json(content)
        except ValueError:
            yield Violation(who, where, "the body is no JSON", media.pointer)
            return
        yield from self._against(schema, value, who, where, "the body", sent=False)

    def differences(self, schema: Node, value: Any) -> list[Violation]:
        """Return what is wrong with a value that replies are to have."""
        return list(self._against(schema, value, DOCUMENT, "", "the body", sent=False))

    def _against(self, schema: Node, value: Any, who: str, where: str, what: str, *, sent: bool) -> Iterator[Violation]:
        try:
            found = self._schemas.errors(schema, value, sent=sent)
        except Exception as error:  # noqa: BLE001 - whatever it is, the schema cannot be used
            reason = f"the schema of {what} cannot be used: {str(error).splitlines()[0]}"
            yield Violation(DOCUMENT, where, reason, schema.resolved().pointer)
            return
        for pointer, message in found:
            place = f"{what} at {pointer}" if pointer else what
            yield Violation(who, where, f"{place}: {_short(message)}", schema.resolved().pointer)


_BROKEN: Any = object()


def _media(owner: Node, content_type: str) -> Node | None:
    """Return what is declared for a media type: by itself, by a range, by all."""
    name = bare(content_type)
    declared = {bare(each): node for each, node in owner.child("content").items()}
    for candidate in (name, f"{name.partition('/')[0]}/*", "*/*"):
        if candidate in declared:
            return declared[candidate].resolved()
    return None


def _sent_value(received: Received, content_type: str, media: Node) -> Any:
    kind = kind_of_media(content_type)
    if kind == "json":
        try:
            return read_json(received.content)
        except ValueError:
            return _BROKEN
    if kind not in ("form", "multipart"):
        return MISSING
    members = dict(media["schema"].child("properties").items())
    value: dict[str, Any] = {}
    for name, text in received.form.multi_items():
        node = members.get(name)
        kinds = kinds_of(node)
        if node is not None and "array" in kinds:
            value.setdefault(name, []).append(typed(text, kinds_of(node.resolved()["items"])))
        elif "object" in kinds:
            value[name] = json_or_text(text) if text.startswith("{") else {}
        else:
            value[name] = typed(text, kinds)
    for part in received.parts:
        if part.filename is not None:
            name = part.name
            is_list = "array" in kinds_of(members.get(name))
            value[name] = [*value.get(name, []), ""] if is_list else ""
    return value


def _is_shown(scheme: Node, received: Received) -> bool:
    kind = scheme.text("type")
    if kind == "apiKey":
        name, place = scheme.text("name"), scheme.text("in")
        given = {"header": received.headers, "query": received.params, "cookie": received.cookies}
        return any(each == place and name in values for each, values in given.items())
    if kind == "mutualTLS":
        return True
    expected = scheme.text("scheme").lower() if kind == "http" else "bearer"
    shown: str = received.headers.get("authorization", "")
    return shown.lower().startswith(f"{expected} ")


def _as_header(node: Node, name: str) -> Node:
    from ..openapi.document import Node as _Node

    return _Node(node.document, node.uri, node.pointer, {**node.value, "name": name, "in": "header"})


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:120]} ... {message[-60:]}"
