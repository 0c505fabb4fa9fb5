"""What an API sends of itself, webhooks and the callbacks of operations; and where its replies lead, links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..document import Node
from ..document.pointers import unescape
from . import names
from .media import kind_of_media
from .operations import METHODS
from .schemas import Schemas
from .values import ANY, Link, Type, Webhook


def webhooks_of(root: Node, operations: Iterable[Node], schemas: Schemas) -> list[Webhook]:
    """Return the webhooks of a document, and the callbacks of its operations, that have a body."""
    found = [(key, child.resolved()) for key, child in root.child("webhooks").items()]
    for operation in operations:
        title = operation.text("operationId")
        for key, child in operation.child("callbacks").items():
            found += [(f"{title} {key}".strip(), item.resolved()) for _, item in child.resolved().items()]
    sent = [(key, method, node) for key, item in found for method, node in _methods(item)]
    chosen = names.distinct([(names.snake(key, prefix="webhook"), node.key) for key, _, node in sent], _RESERVED)
    planned = [
        Webhook(name, key, _payload(node, key, schemas), node.text("summary") or node.text("description"))
        for (key, _, node), name in zip(sent, chosen, strict=True)
    ]
    return sorted(planned, key=lambda each: each.name)


_RESERVED = frozenset({"models", "runtime", "dt", "Any", "UUID", "Decimal", "Literal", "Webhook"})
"""What the module has besides."""


def _methods(item: Node) -> Iterator[tuple[str, Node]]:
    for method in METHODS:
        if isinstance(item.value, dict) and isinstance(item.value.get(method), dict):
            yield method, item[method]


def _payload(node: Node, key: str, schemas: Schemas) -> Type:
    """Return the type of a body: that of its JSON, which is received as a reply is."""
    for media_type, child in node["requestBody"].child("content").items():
        schema = child.resolved().child("schema")
        if kind_of_media(media_type) == "json" and schema:
            return schemas.type_of(schema, schemas.place(schema.key, f"{names.pascal(key)}Payload"))
    return ANY


def links_of(operation: Node, ids: set[str]) -> tuple[Link, ...]:
    """Return where the replies of an operation lead: to which of those with these ids, and with which arguments."""
    found: dict[str, Link] = {}
    replies = dict(operation.child("responses").items())
    for response in replies.values():
        for key, child in response.resolved().child("links").items():
            link = child.resolved()
            if not isinstance(link.value, dict):
                continue
            arguments = tuple((name, str(value.value)) for name, value in link.child("parameters").items())
            target = link.text("operationId") or _referred(link)
            if target not in ids:
                child.note("The link leads to no operation of the document: there is no method for it.")
                continue
            found.setdefault(key, Link(key, target, arguments, link.text("description")))
    return tuple(found.values())


def _referred(link: Node) -> str:
    """Return the id of the operation that an `operationRef` leads to; nothing where it leads out of the document."""
    reference = link.text("operationRef")
    if not reference or link.document.sources.is_elsewhere(link.document.locate(link, reference)[0]):
        return ""
    owner = Node(link.document, link.uri, link.pointer, {"$ref": reference}).resolved()
    # OpenAPI 3.1.1, Link Object: the path is a step of the pointer.
    *_, path, method = ["", "", *owner.pointer.split("/")]
    return owner.text("operationId") or f"{method.upper()} {unescape(path)}"
