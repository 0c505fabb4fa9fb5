"""The examples of a document with the types that are generated for the places where they stand.

    python -m scripts.openapi_examples DOCUMENT ROOT

reads them into the package `generated`, which must be importable, and prints as JSON how many do and which do not. Of
those that do not a validator is asked whether the schema of the document refuses them, too, at the same place.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from borzoi.openapi import runtime
from borzoi.openapi.document import Document, DocumentError, Node, open_document
from borzoi.openapi.document.pointers import unescape
from borzoi.openapi.plan import build_plan
from borzoi.openapi.plan.media import kind_of_media
from borzoi.openapi.plan.shapes import parts_of
from borzoi.openapi.plan.values import Operation, Package, Type
from borzoi.openapi.render.types import Types
from borzoi.openapi.runtime.libraries import decoder
from scripts.openapi_oracle import Oracle
from scripts.openapi_refused import Refused, refused


class Example(NamedTuple):
    """Say what an example is one of: where it stands, the type that was generated, and the schema of the document."""

    node: Node
    type: Any
    schema: Node

    @property
    def value(self) -> Any:
        """What it is, with the files that it refers to read: multi-file documents write examples of examples."""
        return whole(self.node)


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

    def all(self) -> Iterator[Example]:
        """Yield each example with its type."""
        yield from self._of_models()
        for operation in self._package.operations:
            node = at(self._document, f"{self._document.root.uri}#{operation.pointer}")
            for status in (*operation.replies, *operation.errors):
                response = node["responses"][status.status] or node["responses"][status.status.lower()]
                yield from self._of_content(response, status.media_type, status.type)
            for body in operation.bodies:
                yield from self._of_content(node["requestBody"], body.media_type, body.type)
            yield from self._of_parameters(
                operation, [node, at(self._document, f"{node.uri}#{operation.pointer.rpartition('/')[0]}")]
            )

    def _of_models(self) -> Iterator[Example]:
        for key, model in self._package.models.items():
            node = at(self._document, key.partition("@")[0].partition("|")[0])
            type_ = getattr(self._models, model.name)
            if not key.endswith("@request"):
                yield from self._in_schema(node, type_)
            fields = {each.wire: each.type for each in model.fields}
            for wire, child in parts_of(node).properties().items():
                if wire in fields:
                    yield from self._in_schema(child, self._type(fields[wire]))

    def _in_schema(self, node: Node, type_: Any) -> Iterator[Example]:
        if not isinstance(node.value, dict):
            return
        if "example" in node.value:
            yield Example(node.child("example"), type_, node)
        for each in node.child("examples").elements():
            yield Example(each, type_, node)

    def _of_parameters(self, operation: Operation, owners: list[Node]) -> Iterator[Example]:
        types = {(each.wire, each.location): each.type for each in operation.parameters}
        for each in (each.resolved() for owner in owners for each in owner.child("parameters").elements()):
            planned = types.get((each.text("name"), each.text("in")))
            if planned is not None:
                type_ = self._type(planned)
                yield from self._in_schema(each.child("schema"), type_)
                yield from self._named(each, type_)

    def _named(self, owner: Node, type_: Any) -> Iterator[Example]:
        schema = owner.child("schema")
        if "example" in owner.value:
            yield Example(owner.child("example"), type_, schema)
        for child in dict(owner.child("examples").items()).values():
            yield from (Example(each, type_, schema) for each in values(child))

    def _of_content(self, owner: Node, media_type: str, type_: Type) -> Iterator[Example]:
        media = owner.child("content")[media_type]
        if kind_of_media(media_type) != "json" or not media:
            return
        yield from self._named(media, self._type(type_))

    def _type(self, planned: Type) -> Any:
        """Return the type that is written in the package."""
        return eval(self._types.at_run_time(planned), self._names)  # noqa: S307 -- the text of our own package


def values(example: Node) -> Iterator[Node]:
    """Yield the value of an Example Object; OpenAPI 3.2 has another name for it."""
    found = example.resolved()
    if isinstance(found.value, dict):
        yield from (found.child(key) for key in ("value", "dataValue") if key in found.value)


def whole(node: Node) -> Any:
    """Return a value with what it refers to in its place; members beside a reference come on top."""
    if isinstance(node.value, list):
        return [whole(child) for child in node.elements()]
    if not isinstance(node.value, dict):
        return node.value
    members = {key: whole(child) for key, child in node.items() if key != "$ref"}
    if "$ref" not in node.value:
        return members
    try:
        target = whole(referred(node))
    except DocumentError:
        return node.value
    return {**target, **members} if isinstance(target, dict) else target


def referred(node: Node) -> Node:
    """Return what the `$ref` of a node leads to, in one step. Raises DocumentError."""
    reference = node.value["$ref"]
    if not isinstance(reference, str):
        raise node.wrong("A reference must be a string.")
    return at(node.document, "#".join(node.document.sources.target(node.uri, reference)))


def at(document: Document, key: str) -> Node:
    """Return what stands at a place, which has the URI of a file and a pointer."""
    uri, _, pointer = key.partition("#")
    node = document.root if uri == document.root.uri else Node(document, uri, "", document.value_at(uri))
    for part in pointer.split("/")[1:]:
        # What is merged of several places has a key of its own; nothing stands there.
        node = node.child(int(part) if isinstance(node.value, list) and part.isdigit() else unescape(part))
    return node


def examined(document: Document, name: str) -> tuple[int, list[Refused]]:
    """Return how many examples there are, one and the same counted once, and those that do not decode."""
    oracle = Oracle(document)
    seen: set[tuple[str, str]] = set()
    wrong: dict[tuple[str, str], Refused] = {}
    for each in Examples(document, build_plan(document), name).all():
        place = each.node.key, each.schema.key
        seen.add(place)
        try:
            decoder(each.type)(msgspec.json.encode(each.value))
        except msgspec.ValidationError as error:
            wrong[place] = refused(each.node, each.value, each.schema, str(error), oracle)
    return len(seen), list(wrong.values())


def main(place: str, root: str, name: str = "generated") -> None:
    """Print how many examples there are, and which of them do not decode."""
    print(json.dumps(examined(open_document(place, root=root), name)))


if __name__ == "__main__":
    main(*sys.argv[1:])
