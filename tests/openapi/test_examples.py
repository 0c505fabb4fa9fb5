"""Examples of published documents: each decodes into what is generated for the place where it stands, or is listed."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from borzoi.openapi import generate, runtime
from borzoi.openapi.document import Document, Node, open_document
from borzoi.openapi.document.node import unescape
from borzoi.openapi.plan.media import kind_of_media
from borzoi.openapi.plan.shapes import parts_of
from borzoi.openapi.plan.values import Operation, Package, Type
from borzoi.openapi.render.types import Types
from borzoi.openapi.runtime.libraries import decoder
from tests.openapi.test_corpus import DATA, DOCUMENTS

_TEXT = "it is text in a media type that is read as text"
_EMPTY = "it has no value"
_TWICE = "two parts of an allOf have the member, and its type is that of the first"
_NO_LIST = "the examples of a schema are an array, and these are an object"
UNREAD: dict[str, dict[str, str]] = {
    "galaxy31.yaml": {
        "/paths/~1user~1signup/post/requestBody/content/application~1xml/examples/Marc/value": _TEXT,
        "/paths/~1user~1signup/post/requestBody/content/application~1xml/examples/Cam/value": _TEXT,
        "/paths/~1planets~1{planetId}~1image/post/requestBody/content/multipart~1form-data/schema/properties/image/examples/mars": _NO_LIST,
        "/paths/~1planets~1{planetId}~1image/post/requestBody/content/multipart~1form-data/schema/properties/image/examples/jupiter": _NO_LIST,
    },
    "oai-mediatypes32.yaml": {
        "/components/examples/frog-example": _EMPTY,
        "/paths/~1something/put/requestBody/content/application~1json/examples/frog": _EMPTY,
    },
    "readme-schema-types-31.json": {
        "/paths/~1anything~1quirks~1polymorphism/post/requestBody/content/application~1json/schema/properties/compatible/allOf/1/properties/name/example": _TWICE,
    },
    "oai-tictactoe31.yaml": {
        "/paths/~1board~1{row}~1{column}/get/responses/400/content/text~1html/example": _TEXT,
        **{
            f"/paths/~1board~1{{row}}~1{{column}}/put/responses/400/content/text~1html/examples/{name}/value": _TEXT
            for name in ("illegalCoordinates", "invalidMark", "notEmpty")
        },
    },
}  # fmt: skip
"""Examples that no type is for, by document and pointer, and why."""


class Examples:
    """Find the examples of a document with the types that are generated for them."""

    def __init__(self, document: Document, package: Package, name: str) -> None:
        self._document = document
        self._package = package
        self._types = Types(package.models)
        models = importlib.import_module(f"{name}.models")
        self._models = models
        self._names: dict[str, Any] = {
            "models": models, "dt": dt, "Decimal": Decimal, "UUID": UUID, "Any": Any, "Literal": Literal, **vars(runtime),
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
            fields = {each.encode_name: each.type for each in msgspec.structs.fields(type_)} if model.fields else {}
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
                type_ = eval(self._types.at_run_time(planned), self._names)
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
        yield from self._named(media, eval(self._types.at_run_time(type_), self._names))

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


def declared(node: Node) -> Iterator[str]:
    """Yield the pointers of all examples in a document, wherever they are."""
    for key, child in [*node.items(), *((str(index), each) for index, each in enumerate(node.elements()))]:
        if node.name in ("properties", "responses", "schemas", "examples", "paths") or key not in (
            "example",
            "examples",
        ):
            yield from declared(child)
        elif key == "example":
            yield child.pointer
        else:
            for each in dict(child.items()).values():
                yield next((value.pointer for value in values(each)), each.pointer)
            yield from (each.pointer for each in child.elements())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_examples_decode(name: str, importing: Path) -> None:
    """Every example of a document is a value of the generated type, or is listed with the reason."""
    document = open_document(DATA / name)
    made = generate(document, output=importing / "with_examples")
    seen: set[str] = set()
    for node, type_ in Examples(document, made.package, "with_examples").all():
        seen.add(node.pointer)
        decoder(type_)(msgspec.json.encode(node.value))
    assert set(declared(document.root)) - seen == set(UNREAD.get(name, {}))
