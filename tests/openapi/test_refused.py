"""Examples that do not decode: a validator finds the same in the same place, or they are failures that need an excuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi import generate
from borzoi.openapi.document import Node, open_document
from scripts import openapi_refused
from scripts.openapi_examples import examined, whole
from scripts.openapi_oracle import Misfit, Oracle
from scripts.openapi_refused import Refused, agrees, failures, is_outdated, record

TEAM = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "parent": {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Team"}]},
        "name": {"type": "string", "nullable": True, "enum": ["a", "b"]},
        "since": {"type": "string", "format": "date"},
        "key": {"type": "string", "format": "byte"},
    },
}


def opened(folder: Path, version: str, examples: dict[str, Any] | None = None, **schemas: Any) -> Node:
    """Write a document whose one operation replies with a team, and return its root."""
    named = {name: {"value": value} for name, value in (examples or {}).items()}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Team"}, "examples": named}}
    document = {
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "paths": {"/x": {"get": {"responses": {"200": {"description": "", "content": content}}}}},
        "components": {"schemas": {"Team": TEAM, **schemas}},
    }
    (folder / "api.json").write_text(json.dumps(document))
    return open_document(folder / "api.json").root


def misfits(root: Node, name: str, value: Any) -> list[tuple[tuple[str | int, ...], str, str]]:
    """Return what a validator says of a value, with pointers."""
    schema = root["components"]["schemas"].child(name)
    return sorted(
        (each.path, each.keyword, each.place.partition("#")[2]) for each in Oracle(root.document).misfits(schema, value)
    )


def test_the_validator_reads_the_document_as_it_was_written(tmp_path: Path) -> None:
    """Each misfit has its place in the value, and the place of the keyword in the file, whatever was added for `nullable`."""
    root = opened(tmp_path, "3.0.3")
    fine = {"id": 1, "parent": {"id": 2, "parent": None}, "name": None, "since": "2026-01-31", "key": "YQ=="}
    assert misfits(root, "Team", fine) == []

    wrong = {"id": "1", "parent": {}, "name": "c", "since": "2026-02-30", "key": "?"}
    team = "/components/schemas/Team"
    found = misfits(root, "Team", wrong)
    assert (("id",), "type", f"{team}/properties/id/type") in found
    assert (("parent",), "required", f"{team}/required") in found
    assert (("name",), "enum", f"{team}/properties/name/enum") in found
    assert (("since",), "format", f"{team}/properties/since/format") in found
    assert (("key",), "format", f"{team}/properties/key/format") in found


def test_the_dialect_is_that_of_the_version(tmp_path: Path) -> None:
    """What stands beside a reference is ignored in 3.0, and holds in 3.1."""
    beside = {"$ref": "#/components/schemas/Team", "required": ["name"]}
    assert misfits(opened(tmp_path, "3.0.3", Beside=beside), "Beside", {"id": 1}) == []
    assert [each[1] for each in misfits(opened(tmp_path, "3.1.0", Beside=beside), "Beside", {"id": 1})] == ["required"]


def test_references_to_files_are_followed(tmp_path: Path) -> None:
    """Schemas of other files are validated, with the names of those, and members may be called `$ref`."""
    (tmp_path / "other file.json").write_text(json.dumps({"Id": {"type": "integer"}}))
    schema = {"properties": {"a": {"$ref": "other file.json#/Id"}, "$ref": {"type": "string"}}}
    root = opened(tmp_path, "3.1.0", Other=schema)
    found = Oracle(root.document).misfits(root["components"]["schemas"].child("Other"), {"a": "x", "$ref": 1})
    assert {each.place.rpartition("/")[2] for each in found} == {"type"}
    assert sum(each.place.endswith("other file.json#/Id/type") for each in found) == 1


@pytest.mark.parametrize(
    ("error", "path", "keyword", "message", "agreed"),
    [
        ("Object missing required field `id` - at `$.a[0]`", ("a", 0), "required", '"id" is a required property', True),
        ("Object missing required field `id` - at `$.a[0]`", ("a", 0), "required", '"x" is a required property', False),
        (
            "Object missing required field `id` - at `$.a[0]`",
            ("a", 1),
            "required",
            '"id" is a required property',
            False,
        ),
        ("Object missing required field `id`", (), "type", "", False),
        ("Expected `int`, got `str` - at `$.a[...].b`", ("a", "m.x", "b"), "type", "", True),
        ("Expected `int`, got `str` - at `$.a[...]`", ("a", 3), "enum", "", True),
        ("Expected `int`, got `str` in `.b` - at `$.a[0]`", ("a", 0, "b"), "type", "", True),
        ("Expected `int`, got `str` in `.b` - at `$.a[0]`", ("a", 0), "type", "", False),
        ("Expected `int`, got `str` - at `$.a`", ("a",), "format", "", False),
        ("Expected `str` matching regex '^a$' - at `$.a`", ("a",), "format", "", True),
        ("Expected `str` matching regex '^a$' - at `$.a`", ("a",), "type", "", False),
        ("Invalid RFC3339 encoded datetime", (), "format", "", True),
    ],
)
def test_what_agrees(error: str, path: tuple[str | int, ...], keyword: str, message: str, agreed: bool) -> None:
    """A validator agrees with the decoder where the place and the kind of the matter are the same."""
    assert agrees(error, Misfit(path, keyword, "#/x", message)) is agreed


def test_examples_are_held_to_their_schemas(importing: Path) -> None:
    """An example that is refused has the keyword that refuses it; one that its schema takes has none, and is a failure."""
    untyped = {"properties": {"a": {"type": "string"}}, "example": 3}
    examples = {"good": {"id": 1}, "bad": {"id": 1, "parent": {"id": "2"}}}
    generate(opened(importing, "3.0.3", examples, Untyped=untyped).document, output=importing / "package")
    count, found = examined(open_document(importing / "api.json"), "package")

    assert count == 3
    place = "#/paths/~1x/get/responses/200/content/application~1json/examples/bad/value"
    reason = "Expected `int`, got `str` - at `$.parent.id`"
    assert sorted(found) == [
        Refused(
            "#/components/schemas/Untyped/example",
            "Expected `object`, got `int`",
            "",
            "#/components/schemas/Untyped",
            "",
        ),
        Refused(place, reason, "type", "#/components/schemas/Team/properties/id/type", "/parent/id"),
    ]
    assert [each.split()[:2] for each in failures("api.json", found)] == [
        ["FAILURE:", "#/components/schemas/Untyped/example"]
    ]


def test_references_in_examples(tmp_path: Path) -> None:
    """An example is read with the files that it refers to, step by step; what leads nowhere stays as it is."""
    (tmp_path / "core.json").write_text('{"id": 1, "tags": ["a"]}')
    (tmp_path / "event.json").write_text('{"$ref": "core.json", "kind": "message"}')
    value = [{"$ref": "event.json", "id": 2}, {"$ref": "core.json#/tags"}, {"$ref": "none.json"}, {"$ref": 3}, "x"]
    root = opened(tmp_path, "3.1.0", {"it": value})
    node = root["paths"]["/x"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]["it"].child(
        "value"
    )

    assert whole(node) == [{"id": 2, "tags": ["a"], "kind": "message"}, ["a"], {"$ref": "none.json"}, {"$ref": 3}, "x"]


BAD = Refused("#/b", "Expected", "type", "#/schema/type", "/a")
ODD = Refused("#/c", "Expected", "", "#/schema", "")


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page and a file of excuses that tests may write."""
    (tmp_path / "excuses.json").write_text('{"a.json": {"#/c": "because", "#/d": "once"}}')
    (tmp_path / "page.md").write_text("# Head\n\nText.\n\n")
    monkeypatch.setattr(openapi_refused, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(openapi_refused, "EXCUSES", tmp_path / "excuses.json")
    return tmp_path


@pytest.mark.usefixtures("pages")
def test_excuses() -> None:
    """Who is excused fails no more; an excuse that nobody needs does."""
    assert list(failures("a.json", [BAD, ODD])) == ["FAILURE: #/d needs no excuse in excuses.json any more"]
    assert [each.split()[1] for each in failures("b.json", [BAD, ODD])] == ["#/c"]


def test_the_page(pages: Path) -> None:
    """The page has a section for each document with such examples, and tells when it is not what was found."""
    found = {"b.json": [BAD, BAD._replace(example="#/a", path="")], "a.json": [ODD], "none.json": list[Refused]()}
    assert [is_outdated(name, each) for name, each in found.items()] == [True, True, False]
    record(found)
    assert [is_outdated(name, each) for name, each in found.items()] == [False, False, False]
    assert (pages / "page.md").read_text() == (
        "# Head\n\nText.\n\n"
        "## a.json: 1\n\n```text\nThe schema takes it; it is excused\n  #/schema\n      #/c  because\n```\n\n"
        "## b.json: 2\n\n```text\nIt is of another type than the schema names\n"
        "  #/schema/type\n      #/a  at /\n      #/b  at /a\n```\n"
    )

    record({"b.json": []})
    assert "b.json" not in (pages / "page.md").read_text()
    assert not is_outdated("a.json", [ODD])
