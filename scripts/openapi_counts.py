"""What the plan of a document says of its types: how many there are, and where one is lost that the document declares.

    python -m scripts.openapi_counts DOCUMENT ROOT

prints as JSON the operations that the document declares, the types of the plan, those of them that are Any, the bodies
of requests and replies, those that are bytes or text although their schema declares something else, and two kinds of
exceptions by their places, with the reasons: what is Any although its schema declares a type, and those bodies. Each
type is held to the schema where it stands; what the planner says of itself is taken only for its reasons.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from borzoi.openapi.document import Document, Node, open_document
from borzoi.openapi.plan import build_plan
from borzoi.openapi.plan.media import bare, kind_of_media
from borzoi.openapi.plan.operations import METHODS
from borzoi.openapi.plan.shapes import parts_of
from borzoi.openapi.plan.values import (
    ANY,
    BYTES,
    FILE,
    STR,
    ListOf,
    MapOf,
    OneOf,
    Operation,
    Package,
    Reply,
    Type,
    walk,
)
from scripts.openapi_examples import at
from scripts.openapi_refused import shown

_DECLARING = ("type", "properties", "items", "prefixItems", "enum", "const", "format", "$recursiveRef")
_RAW = {
    "form": "a reply that is a form is given as bytes",
    "multipart": "a reply in several parts is a list of them, each with its headers and bytes",
    "text": "a body of this media type is text: XML, CSV and the like are left to the program",
    "bytes": "a body of this media type is bytes: nothing says how its values are written",
}


class Counts:
    """Count the types of a plan."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._package: Package = build_plan(document)
        self.bodies = 0
        self.raw_bodies = 0
        self.lost: dict[str, str] = {}
        self.raw: dict[str, str] = {}
        for operation in self._package.operations:
            self._look_at(operation, at(document, f"{document.root.uri}#{operation.pointer}"))
        for key, model in self._package.models.items():
            members = parts_of(at(document, key.partition("@")[0].partition("|")[0])).properties()
            for field in model.fields:
                if field.wire in members:
                    self._typed(members[field.wire], field.type)

    def types(self) -> Iterator[Type]:
        """Yield the types of all members, parameters and bodies, without what they are made of."""
        for model in self._package.models.values():
            yield from (field.type for field in model.fields)
            yield from model.members
            if model.kind == "alias":
                yield model.type
        for operation in self._package.operations:
            for found in (operation.parameters, operation.bodies, operation.replies, operation.errors):
                yield from (each.type for each in found)

    def leaves(self) -> list[Type]:
        """Return what the types are made of."""
        return [leaf for each in self.types() for leaf in walk(each) if not isinstance(leaf, (ListOf, MapOf, OneOf))]

    def _look_at(self, operation: Operation, node: Node) -> None:
        for reply in (*operation.replies, *operation.errors):
            response = node["responses"][reply.status] or node["responses"][reply.status.lower()]
            if reply.media_type:
                self._body(response.child("content")[reply.media_type], reply.media_type, reply.type, reply)
        for body in operation.bodies:
            media = node["requestBody"].child("content")[body.media_type]
            self._body(media, body.media_type, body.type)

    def _body(self, media: Node, media_type: str, planned: Type, reply: Reply | None = None) -> None:
        self.bodies += 1
        schema = media.child("itemSchema") or media.child("schema")
        kind = kind_of_media(media_type)
        is_raw = planned in (BYTES, FILE, STR) or (reply is not None and reply.kind == "parts")
        if is_raw and declares_more(schema):
            self.raw_bodies += 1
            self.raw[schema.key] = f"{bare(media_type)}: {_RAW.get(kind, kind)}"
        elif not is_raw:
            self._typed(schema, planned)

    def _typed(self, node: Node, planned: Type) -> None:
        """Hold a type to its schema: what is Any must be declared so."""
        parts = parts_of(node)
        if isinstance(planned, ListOf):
            items = parts.find("items")
            self._typed(items, planned.item) if items is not None else None
        elif isinstance(planned, MapOf):
            extra = parts.extra()
            if parts.properties():
                self.lost[node.key] = self._reason(node)
            elif extra is not None:
                self._typed(extra, planned.item)
        elif planned == ANY and is_declared(node, set()):
            self.lost[node.key] = self._reason(node)

    def _reason(self, node: Node) -> str:
        return self._package.loose.get(node.resolved().key, "the planner gives no reason")


def is_declared(node: Node, seen: set[str]) -> bool:
    """Tell whether a schema says what its values are: a union does where all of its members do."""
    if node.key in seen or not node:
        return False
    parts = parts_of(node)
    if any(parts.find(key) is not None for key in _DECLARING):
        return True
    unions = [found for key in ("oneOf", "anyOf") if (found := parts.find(key)) is not None]
    seen = seen | {node.key}
    return any(all(is_declared(each, seen) for each in union.elements()) for union in unions)


def declares_more(schema: Node) -> bool:
    """Tell whether a schema declares anything but a string, which text and bytes are."""
    parts = parts_of(schema)
    kinds = [each for each in parts.types() if each != "null"]
    if kinds == ["string"] or not parts.nodes:
        return False
    return bool(kinds) or any(
        parts.find(key) is not None for key in (*_DECLARING, "oneOf", "anyOf", "additionalProperties")
    )


def declared(root: Node) -> int:
    """Return how many operations a document declares."""
    found = [child.resolved().value for _, child in root.child("paths").items()]
    items = [item for item in found if isinstance(item, dict)]
    return sum(len(set(METHODS) & set(item)) + len(item.get("additionalOperations", {})) for item in items)


def main(place: str, root: str) -> None:
    """Print what there is of a document."""
    document = open_document(place, root=root)
    operations = declared(document.root)
    counts = Counts(document)
    leaves = counts.leaves()
    uri = document.root.uri
    exceptions: list[Any] = [
        {shown(key, uri): reason for key, reason in found.items()} for found in (counts.lost, counts.raw)
    ]
    print(json.dumps([operations, len(leaves), leaves.count(ANY), counts.bodies, counts.raw_bodies, *exceptions]))


if __name__ == "__main__":
    main(*sys.argv[1:])
