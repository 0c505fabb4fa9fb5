"""Unions with a default, names for other names, members beside a reference, and errors of many types."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi import Selection, generate
from borzoi.openapi.runtime.libraries import convert

LIBRARIES = pytest.mark.parametrize("models", ["msgspec", "pydantic", "dataclass"])
CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "n": {"type": "integer"}}}
CATS = {"Cat": CAT, "Lynx": CAT, "Other": {**CAT, "required": []}}


def reference(name: str) -> dict[str, str]:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def document(schemas: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document with schemas."""
    return {"openapi": "3.2.0", "info": {"title": "T", "version": "1"}, "components": {"schemas": schemas}, **more}


def models_of(client_of: Callable[..., Any], schemas: dict[str, Any], models: str) -> Any:
    """Return the module of models."""
    package = client_of(document(schemas), selection=Selection(models=models))
    return importlib.import_module(f"{package.__name__}.models")


@LIBRARIES
@pytest.mark.parametrize("default", ["Other", "#/components/schemas/Other"])
def test_the_default_of_a_discriminator(client_of: Callable[..., Any], models: str, default: str) -> None:
    """`defaultMapping` is what has another value of the discriminator, or none (OpenAPI 3.2, Discriminator Object)."""
    union = {
        "oneOf": [reference(name) for name in CATS],
        "discriminator": {"propertyName": "kind", "mapping": {"lynx": "Lynx"}, "defaultMapping": default},
    }
    made = models_of(client_of, {**CATS, "Feline": union}, models)
    found = [
        convert(each, made.Feline) for each in ({"kind": "lynx"}, {"kind": "Cat"}, {"kind": "puma", "n": 1}, {"n": 2})
    ]
    assert [type(each).__name__ for each in found] == ["Lynx", "Cat", "Other", "Other"]


@LIBRARIES
def test_the_default_of_a_base(client_of: Callable[..., Any], models: str) -> None:
    """A base says so of its children, too; without it, what they are not is the base itself."""
    base = {**CAT, "discriminator": {"propertyName": "kind", "defaultMapping": "Lynx"}}
    children = {name: {"allOf": [reference("Base"), {"properties": {"x": {"type": "integer"}}}]} for name in ("Cat", "Lynx")}  # fmt: skip
    made = models_of(client_of, {"Base": base, **children}, models)
    assert type(convert({"kind": "puma"}, made.Base)).__name__ == "Lynx"


def test_a_default_that_is_no_member(tmp_path: Path) -> None:
    """A default that the union does not have is told by its pointer."""
    union = {"oneOf": [reference("Cat"), reference("Lynx")], "discriminator": {"propertyName": "kind", "defaultMapping": "Dog"}}  # fmt: skip
    (tmp_path / "api.json").write_text(json.dumps(document({**CATS, "Feline": union})))
    made = generate(tmp_path / "api.json", output=tmp_path / "out")
    assert [each.pointer for each in made.diagnostics] == ["/components/schemas/Feline/discriminator"]
    assert "default 'Dog'" in made.diagnostics[0].reason


@LIBRARIES
def test_names_for_other_names(client_of: Callable[..., Any], models: str) -> None:
    """A schema that is a reference alone is a name for what it refers to."""
    schemas = {
        "First": reference("Second"), "Second": reference("Cat"), "Cat": CAT, "Id": {"type": "string", "format": "uuid"},
        "Key": reference("Id"), "Holder": {"type": "object", "properties": {"a": reference("First"), "k": reference("Key")}},
    }  # fmt: skip
    made = models_of(client_of, schemas, models)
    assert made.First is made.Second is made.Cat
    assert made.Key is made.Id
    found = convert({"a": {"kind": "x"}, "k": "00000000-0000-0000-0000-000000000001"}, made.Holder)
    assert (type(found.a), found.k.int) == (made.Cat, 1)


@LIBRARIES
def test_members_beside_a_reference(client_of: Callable[..., Any], models: str) -> None:
    """`unevaluatedProperties` beside one reference keeps the members that this does not name, if it allows any."""
    schemas = {
        "Cat": CAT,
        "Open": {"allOf": [reference("Cat")], "unevaluatedProperties": {"type": "integer"}},
        "Closed": {"allOf": [reference("Cat")], "unevaluatedProperties": False},
    }
    made = models_of(client_of, schemas, models)
    value = {"kind": "x", "more": 5}
    assert dict(convert(value, made.Open).additional_properties) == {"more": 5}
    assert made.Closed is made.Cat


def test_errors_of_many_types(client_of: Callable[..., Any]) -> None:
    """An error whose body may be of many types names them all."""
    names = [f"AVeryLongNameOfAnErrorThatIsOneOfMany{letter}" for letter in "ABCD"]
    contents = [{"application/json": {"schema": reference(name)}} for name in names]
    paths = {
        f"/things/{index}": {"get": {"tags": ["things"], "responses": {"404": {"description": "", "content": content}}}}
        for index, content in enumerate(contents)
    }
    package = client_of(document(dict.fromkeys(names, CAT), paths=paths))
    text = (Path(package.__file__).parent / "errors.py").read_text()
    lines = [f"        {'| ' if index else ''}models.{name}" for index, name in enumerate(names)]
    assert "\n".join(["    data: (", *lines, "        | str", "    )"]) in text
