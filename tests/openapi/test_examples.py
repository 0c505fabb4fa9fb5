"""Examples of published documents: each decodes into what is generated for the place where it stands, or is listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from borzoi.openapi import generate
from borzoi.openapi.document import Node, open_document
from borzoi.openapi.runtime.libraries import decoder
from scripts.openapi_examples import Examples, values
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
    for each in Examples(document, made.package, "with_examples").all():
        seen.add(each.node.pointer)
        decoder(each.type)(msgspec.json.encode(each.value))
    assert set(declared(document.root)) - seen == set(UNREAD.get(name, {}))
