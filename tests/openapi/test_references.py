"""References: what led to an error in another file, and what schemas are called by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.cli.main import main
from borzoi.openapi import DocumentError, generate
from borzoi.openapi.document import open_document
from borzoi.openapi.document.lines import line_of
from borzoi.openapi.generating import Generated
from tests.openapi.serving import API, Asked, Reply

HEAD: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}}


def written(place: Path, files: dict[str, str]) -> Path:
    """Write the files of a document, and return the folder in which they are."""
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def document(schemas: dict[str, Any], **more: Any) -> str:
    """Return a document that has these schemas."""
    return json.dumps({**HEAD, **more, "components": {"schemas": schemas}})


def generated(place: Path, files: dict[str, Any]) -> Generated:
    """Return what is made of a document in files; what is no text becomes JSON."""
    texts = {name: text if isinstance(text, str) else json.dumps(text) for name, text in files.items()}
    return generate(written(place, texts) / "api.json", output=place / "out")


# What led to an error.

API_YAML = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\ncomponents:\n  schemas:\n    A: {$ref: 'parts/b.yaml#/B'}\n"
API_JSON = json.dumps({**HEAD, "components": {"schemas": {"A": {"$ref": "parts/b.json#/B"}}}}, indent=1)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"api.yaml": API_YAML, "parts/b.yaml": "B:\n  properties:\n    x:\n      $ref: '#/gone'\n"},
            "parts/b.yaml:3 #/B/properties/x, referred to by api.yaml#/components/schemas/A: $ref '#/gone' leads to nothing.",
        ),
        (
            {"api.yaml": API_YAML, "parts/b.yaml": "B:\n  items: {$ref: c.yaml}\n", "parts/c.yaml": "type: object\nproperties:\n  y: {$ref: d.yaml}"},
            "parts/c.yaml:3 #/properties/y, referred to by parts/b.yaml#/B/items: $ref 'd.yaml': The file cannot be read: No such file or directory.",
        ),
        (
            {"api.yaml": API_YAML, "parts/b.yaml": "B:\n  items: {$ref: c.yaml}\n", "parts/c.yaml": "type: object\nproperties: ["},
            "parts/c.yaml:2, referred to by parts/b.yaml#/B/items: This is not YAML: did not find expected node content.",
        ),
        (
            {"api.json": API_JSON, "parts/b.json": '{"B": {"items":\n{"$ref": "c.json"}}}', "parts/c.json": '{"properties":\n{"y": {"$ref": "c.json#/properties/y"}}}'},
            "parts/c.json:2 #/properties/y, referred to by parts/b.json#/B/items: The reference leads back to itself.",
        ),
        (
            {"api.json": API_JSON, "parts/b.json": '{"B": {"items":\n{"$ref": "c.json"}}}', "parts/c.json": '{"properties":\n}'},
            "parts/c.json:2, referred to by parts/b.json#/B/items: This is not JSON: JSON is malformed: expected '{' (byte 15).",
        ),
    ],
)  # fmt: skip
def test_what_led_to_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    expected: str,
) -> None:
    """An error in a file that is referred to says where it is, and which reference in another file led there."""
    monkeypatch.chdir(written(tmp_path, files))
    assert main(["openapi", "generate", next(iter(files)), "-o", "out"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    if "This is not JSON" in expected:
        # What is expected there, each version of msgspec says in its words.
        said, expected = said.partition(" JSON: ")[0], expected.partition(" JSON: ")[0]
    assert said.strip() == f"borzoi: {expected}"


def test_the_first_reference_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """References within a file, in circles, too, are followed back to the one in another file that came first."""
    parts = {
        "B": {"properties": {"x": {"properties": {"deep": {"$ref": "#/gone"}}}, "c": {"$ref": "#/C"}}},
        "C": {"properties": {"back": {"$ref": "#/B/properties/x"}, "d": {"$ref": "api.json#/components/schemas/A"}}},
    }
    schemas = {"A": {"$ref": "parts.json#/C"}}
    monkeypatch.chdir(written(tmp_path, {"api.json": document(schemas), "parts.json": json.dumps(parts)}))
    with pytest.raises(DocumentError) as caught:
        generate("api.json")
    assert caught.value.referrer == "api.json#/components/schemas/A"
    assert caught.value.pointer == "/B/properties/x/properties/deep"


def test_what_led_to_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note on another file says what led there, and so does the error that it is with --strict."""
    files = {"api.json": document({"A": {"$ref": "b.json"}}), "b.json": '{"properties": {"x": 7}}'}
    monkeypatch.chdir(written(tmp_path, files))
    expected = "b.json #/properties/x, referred to by api.json#/components/schemas/A: A schema must be"
    assert str(generate("api.json").diagnostics[0]).startswith(expected)
    with pytest.raises(DocumentError, match=r"referred to by api\.json#/components/schemas/A"):
        generate("api.json", strict=True)


@pytest.mark.parametrize(
    ("text", "pointer", "line"),
    [
        ('{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1, {\n\t"c": 2}]\n}', "/b/1/c", 4),
        ('{"a~/b":\n{"x": {},\n"y": []}}', "/a~0~1b/y", 3),
        ('{"a": 1,\n"a": 2}', "/a", 2),
        ("[1,\n2,\n3]", "/2", 3),
        ("[1,\n2]", "/2", 1),
        ("[1,\n2]", "/x", 1),
        ('{"a": {},\n"b": 1}', "/b/c", 2),
        ('{"a":\n{}}', "/b", 1),
        ("{a: 1,\n b: 2}", "/b", 2),
        ("a:\n- b\n- c: {}\n", "/a/1/c", 3),
        ('{"a": 1,\n"b"', "/b", None),
    ],
)
def test_lines(text: str, pointer: str, line: int | None) -> None:
    """A line is found in JSON with tabs and escapes, too, and in a flow mapping of YAML; in what is neither there is none."""
    assert line_of(text.encode(), pointer) == line


# $id, $anchor and $self.

PET = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "tag": {"$ref": "tag"}}}


@pytest.mark.parametrize("base", ["https://example.com/schemas/", "urn:example:", "./", ""])
def test_relative_to_an_id(tmp_path: Path, base: str) -> None:
    """A reference is relative to the nearest `$id` around it, and finds what is called so, wherever that is."""
    tag = "tag" if base != "urn:example:" else "urn:example:tag"
    schemas = {
        "Pet": {**PET, "$id": f"{base}pet", "properties": {**PET["properties"], "tag": {"$ref": tag}}},  # type: ignore[dict-item]
        "Label": {"$id": f"{base}tag", "type": "string", "enum": ["a", "b"]},
        "Home": {"type": "object", "properties": {"pet": {"$ref": f"{base}pet"}, "tag": {"$ref": "#/components/schemas/Label"}}},
    }  # fmt: skip
    made = generated(tmp_path, {"api.json": document(schemas)})

    assert "tag: Label | UnsetType" in made.files["models/pet.py"]
    assert "pet: Pet | UnsetType" in made.files["models/home.py"]
    assert made.diagnostics == []


def test_pointers_and_anchors_within_an_id(tmp_path: Path) -> None:
    """A pointer and an anchor are those of the schema with the `$id` (8.2.1 and 8.2.2), the nearest one; the whole file comes after it."""
    outer = {
        "$id": "https://h/outer",
        "properties": {
            "own": {"$ref": "#/$defs/x"},
            "anchored": {"$ref": "#name"},
            "dynamic": {"$ref": "#node"},
            "inner": {
                "$id": "inner/",
                "properties": {"own": {"$ref": "#/$defs/x"}, "other": {"$ref": "../outer#name"}},
                "$defs": {"x": {"type": "boolean"}},
            },
            "file": {"$ref": "#/components/schemas/Other"},
        },
        "$defs": {
            "x": {"type": "integer"},
            "y": {"$anchor": "name", "type": "string", "format": "date"},
            "z": {"$dynamicAnchor": "node", "type": "number"},
        },
    }
    other = {"type": "object", "properties": {"a": {"$ref": "#name"}}, "$defs": {"b": {"$anchor": "name", "type": "boolean"}}}  # fmt: skip
    made = generated(tmp_path, {"api.json": document({"Other": other, "Outer": outer})})

    text = made.files["models/outer.py"]
    for expected in ("own: int |", "own: bool |", "anchored: dt.date |", "dynamic: float |", "other: dt.date |", "file: Other |"):  # fmt: skip
        assert expected in text
    assert "a: bool |" in made.files["models/other.py"]


@pytest.mark.parametrize("order", ["first", "last"])
def test_ids_of_other_files(tmp_path: Path, order: str) -> None:
    """What another file of the same set is called is found in any order, without anything being fetched."""
    owner = {"$ref": "parts/owner.json"}
    pet = {"type": "object", "properties": {"owner": {"$ref": "https://example.com/owner"}}}
    schemas = {"Owner": owner, "Pet": pet} if order == "first" else {"Pet": pet, "Owner": owner}
    files = {
        "api.json": document(schemas),
        "parts/owner.json": {
            "$id": "https://example.com/owner", "type": "object",
            "properties": {"name": {"$ref": "name"}, "pets": {"$ref": "list.json"}, "gone": {"$ref": "list.json#/$defs/y"}},
        },
        "parts/list.json": {"type": "array", "items": {"$ref": "name.json"}, "$defs": {"y": {"$ref": "#z"}, "z": {"$anchor": "z", "type": "integer"}}},
        "parts/name.json": {"$id": "https://example.com/name", "type": "string", "format": "uuid"},
    }  # fmt: skip
    made = generated(tmp_path, files)

    assert "owner: Owner | UnsetType" in made.files["models/pet.py"]
    assert "name: UUID |" in made.files["models/owner.py"]
    assert "gone: int |" in made.files["models/owner.py"]
    assert {each.name for each in made.sources} == {"api.json", "owner.json", "list.json", "name.json"}


def test_an_id_is_not_fetched(tmp_path: Path) -> None:
    """A name is looked for in all files before a server that it looks like is asked, with --allow-remote, too."""
    files = {
        "api.json": document({"A": {"$ref": "https://never.invalid/b"}, "B": {"$ref": "b.json"}}),
        "b.json": {"$id": "https://never.invalid/b", "type": "object", "properties": {"n": {"type": "integer"}}},
    }
    written(tmp_path, {name: text if isinstance(text, str) else json.dumps(text) for name, text in files.items()})
    made = generate(tmp_path / "api.json", output=tmp_path / "out", allow_remote=True)
    assert "n: int |" in made.files["models/b.py"]


def test_ids_of_a_document_on_a_server(tmp_path: Path) -> None:
    """A name at another host is found in the files of the server that the document came from."""
    schemas = {"A": {"$ref": "https://never.invalid/b"}, "B": {"$ref": "b.json"}}
    asked: list[str] = []

    def answer(request: Asked) -> Reply:
        asked.append(request.target)
        if request.target == "/api.json":
            return 200, {}, document(schemas).encode()
        return 200, {}, b'{"$id": "https://never.invalid/b", "properties": {"n": {"type": "integer"}}}'

    with API(answer) as api:
        made = generate(f"{api.url}/api.json", output=tmp_path / "out")
    assert "n: int |" in made.files["models/b.py"]
    assert asked == ["/api.json", "/b.json"]


def test_self(tmp_path: Path) -> None:
    """`$self` is what a document is called (OpenAPI 3.2); what is not found by it is found beside the file."""
    schemas = {
        "A": {"type": "object", "properties": {"b": {"$ref": "https://h/api/v1#/components/schemas/B"}, "c": {"$ref": "c.json"}}},
        "B": {"type": "object", "properties": {"a": {"$ref": "v1#/components/schemas/A"}}},
    }  # fmt: skip
    files = {
        "api.json": document(schemas, **{"openapi": "3.2.0", "$self": "https://h/api/v1"}),
        "c.json": {"type": "string", "format": "date"},
    }
    made = generated(tmp_path, files)
    assert "b: B | UnsetType" in made.files["models/a.py"]
    assert "c: dt.date | UnsetType" in made.files["models/a.py"]


def test_discriminators_by_ids(tmp_path: Path) -> None:
    """A mapping may name its schemas by their `$id`."""
    schemas = {
        "Cat": {"$id": "https://h/cat", "type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Dog": {"$id": "https://h/dog", "type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Pet": {
            "$id": "https://h/pet",
            "oneOf": [{"$ref": "cat"}, {"$ref": "dog"}],
            "discriminator": {"propertyName": "kind", "mapping": {"meow": "cat", "woof": "https://h/dog"}},
        },
    }  # fmt: skip
    made = generated(tmp_path, {"api.json": document(schemas)})
    assert made.diagnostics == []
    pet = next(each for each in made.package.models.values() if each.name == "Pet")
    assert [value for value, _ in pet.mapping][:2] == ["meow", "woof"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("cat", "#/components/schemas/Pet/properties/x: $ref 'cat': The file cannot be read: No such file or directory."),
        ("https://h/pet#/$defs/no", "#/components/schemas/Pet/properties/x: $ref 'https://h/pet#/$defs/no': A reference to 'https://h/pet' is refused: "),
        ("#no", "#/components/schemas/Pet/properties/x: $ref '#no' leads to nothing."),
        ("http://[x", "is no URI reference."),
    ],
)  # fmt: skip
def test_an_id_that_nothing_has(tmp_path: Path, reference: str, expected: str) -> None:
    """A reference by a name that nothing has is an error in one sentence."""
    schemas = {"Pet": {"$id": "https://h/pet", "type": "object", "properties": {"x": {"$ref": reference}}}}
    with pytest.raises(DocumentError) as caught:
        generated(tmp_path, {"api.json": document(schemas)})
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_id(tmp_path: Path) -> None:
    """A member that is called `$id`, and one of an example, name nothing; of two that are equal the first counts, with a note."""
    schemas = {
        "A": {"type": "object", "properties": {"$id": {"type": "string"}, "b": {"$ref": "https://h/b"}}, "example": {"$id": "https://h/b"}},
        "default": {"$id": "https://h/b", "type": "integer"},
        "C": {"$id": "https://h/b", "type": "boolean"},
        "D": {"$id": "#d", "x-d": {"$id": "https://h/b"}, "type": "array", "items": {"$ref": "#/components/schemas/A"}},
    }  # fmt: skip
    made = generated(tmp_path, {"api.json": document(schemas)})
    assert "b: int |" in made.files["models/a.py"]
    assert [each.pointer for each in made.diagnostics] == ["/components/schemas/C"]


def test_files_of_a_document(tmp_path: Path) -> None:
    """The files of a document are those that its files refer to and that can be read, on its own server."""
    files = {
        "api.json": document({"A": {"$ref": "b.json"}, "C": {"$ref": "gone.json"}, "D": {"$ref": "https://never.invalid/d"}}),
        "b.json": '{"items": {"$ref": "c.yaml"}, "not": {"$ref": "http://[x"}}',
        "c.yaml": "type: [",
    }  # fmt: skip
    opened = open_document(written(tmp_path, files) / "api.json")
    assert [uri.rpartition("/")[2] for uri in opened.files()] == ["api.json", "b.json"]
    assert opened.files() is opened.files()
