"""The examples of a document with the types that are generated for the places where they stand.

    python -m scripts.openapi_examples DOCUMENT ROOT

reads them into the package `generated`, which must be importable, and prints as JSON how many do and which do not.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from borzoi.openapi import runtime
from borzoi.openapi.document import Document, Node, open_document
from borzoi.openapi.document.node import unescape
from borzoi.openapi.plan import build_plan
from borzoi.openapi.plan.media import kind_of_media
from borzoi.openapi.plan.shapes import parts_of
from borzoi.openapi.plan.values import Operation, Package, Type
from borzoi.openapi.render.types import Types
from borzoi.openapi.runtime.libraries import decoder


class Examples:
    """Find the examples of a document with the types that are generated for them."""

    def __init__(self, document: Document, package: Package, name: str) -> None:
        self._document = document
        self._package = package
        self._types = Types(package.models)
        models = importlib.import_module(f"{name}.models")
        self._models = models
        self._names: dict[str, Any] = {
            "models": models, "dt": dt, "Decimal": Decimal, "UUID": UUID, "Any": Any, "Literal": Literal,
            **vars(runtime),
        }  # fmt: skip

    def all(self) -> Iterator[tuple[Node, Any]]:
        """Yield each example with its type."""
        yield from self._of_models()
        for operation in self._package.operations:
            node = self._at(f"{self._document.root.uri}#{operation.pointer}")
            for status in (*operation.replies, *operation.errors):
                response = node["responses"][status.status] or node["responses"][status.status.lower()]
                yield from self._of_content(response, status.media_type, status.type)
            for body in operation.bodies:
                yield from self._of_content(node["requestBody"], body.media_type, body.type)
            yield from self._of_parameters(
                operation, [node, self._at(f"{node.uri}#{operation.pointer.rpartition('/')[0]}")]
            )

    def _of_models(self) -> Iterator[tuple[Node, Any]]:
        for key, model in self._package.models.items():
            node = self._at(key.partition("@")[0].partition("|")[0])
            type_ = getattr(self._models, model.name)
            if not key.endswith("@request"):
                yield from self._in_schema(node, type_)
            struct = getattr(type_, "__struct__", type_)
            fields = {each.encode_name: each.type for each in msgspec.structs.fields(struct)} if model.fields else {}
            for wire, child in parts_of(node).properties().items():
                if wire in fields:
                    yield from self._in_schema(child, fields[wire])

    def _in_schema(self, node: Node, type_: Any) -> Iterator[tuple[Node, Any]]:
        if not isinstance(node.value, dict):
            return
        if "example" in node.value:
            yield node.child("example"), type_
        for each in node.child("examples").elements():
            yield each, type_

    def _of_parameters(self, operation: Operation, owners: list[Node]) -> Iterator[tuple[Node, Any]]:
        types = {(each.wire, each.location): each.type for each in operation.parameters}
        for each in (each.resolved() for owner in owners for each in owner.child("parameters").elements()):
            planned = types.get((each.text("name"), each.text("in")))
            if planned is not None:
                type_ = self._type(planned)
                yield from self._in_schema(each.child("schema"), type_)
                yield from self._named(each, type_)

    def _named(self, owner: Node, type_: Any) -> Iterator[tuple[Node, Any]]:
        if "example" in owner.value:
            yield owner.child("example"), type_
        for child in dict(owner.child("examples").items()).values():
            yield from ((each, type_) for each in values(child))

    def _of_content(self, owner: Node, media_type: str, type_: Type) -> Iterator[tuple[Node, Any]]:
        media = owner.child("content")[media_type]
        if kind_of_media(media_type) != "json" or not media:
            return
        yield from self._named(media, self._type(type_))

    def _type(self, planned: Type) -> Any:
        """Return the type that is written in the package."""
        return eval(self._types.at_run_time(planned), self._names)  # noqa: S307 -- the text of our own package

    def _at(self, key: str) -> Node:
        uri, _, pointer = key.partition("#")
        node = (
            self._document.root
            if uri == self._document.root.uri
            else Node(self._document, uri, "", self._document.value_at(uri))
        )
        for part in pointer.split("/")[1:]:
            # What is merged of several places has a key of its own; nothing stands there.
            node = node.child(int(part) if isinstance(node.value, list) and part.isdigit() else unescape(part))
        return node


def values(example: Node) -> Iterator[Node]:
    """Yield the value of an Example Object; OpenAPI 3.2 has another name for it."""
    found = example.resolved()
    if isinstance(found.value, dict):
        yield from (found.child(key) for key in ("value", "dataValue") if key in found.value)


def main(place: str, root: str) -> None:
    """Print how many examples decode, and why the others do not."""
    document = open_document(place, root=root)
    read, wrong = 0, dict[str, str]()
    for node, type_ in Examples(document, build_plan(document), "generated").all():
        try:
            decoder(type_)(msgspec.json.encode(node.value))
            read += 1
        except msgspec.ValidationError as error:
            wrong[node.pointer] = str(error)
    print(json.dumps([read, wrong]))


if __name__ == "__main__":
    main(*sys.argv[1:])
