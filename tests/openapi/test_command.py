"""The command: where documents come from, settings, selections, what is printed, what the status is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import borzoi.openapi
from borzoi.cli.main import main
from borzoi.openapi import DocumentError, Selection, generate
from borzoi.openapi.document import open_document
from tests.openapi.serving import API

OPERATION = {"responses": {"204": {"description": ""}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Tea's API", "version": "1"},
    "paths": {
        "/cups": {
            "get": {**OPERATION, "operationId": "list_cups", "tags": ["cups"]},
            "post": {**OPERATION, "operationId": "fill"},
        },
        "/pots/{id}": {
            "get": {**OPERATION, "tags": ["pots"], "parameters": [{"name": "id", "in": "path", "required": True}]}
        },
    },
}


@pytest.fixture
def place(importing: Path) -> Path:
    """A folder with a document."""
    (importing / "api.json").write_text(json.dumps(DOCUMENT))
    return importing


def run(arguments: str) -> int:
    """Run the command."""
    return main(["openapi", "generate", *arguments.split()])


def test_the_application_makes_its_document(place: Path) -> None:
    """--app asks an application, as FastAPI's are, for its document."""
    (place / "tea_app.py").write_text(f"class App:\n    def openapi(self):\n        return {DOCUMENT!r}\napp = App()\n")

    assert run("--app tea_app:app") == 0
    assert (place / "teas_api_client" / "client.py").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Name one document"),
        ("a.json --path b.json", "Name one document"),
        ("--app app", "write it as MODULE:NAME"),
        ("--app no_such_module:app", "No module named"),
        ("--app json:loads", "no method openapi()"),
        ("gone.json", "cannot be read"),
        ("api.json --config gone.yaml", "The settings cannot be read"),
        ("api.json --config api.json", "There is no setting 'openapi'"),
        ("api.json --config list.yaml", "Settings must be an object"),
        ("api.json --config type.yaml", "The setting 'include' must be a list"),
        ("api.json --config style.yaml", "The style 'odd' is none of"),
        ("api.json -o api.json", "is a file"),
        ("api.json --include cup --include tea", "No operation is left: none has the tag, path or id 'cup or tea'."),
        ("api.json --strict --exclude cup", "No operation has the tag, path or id 'cup'."),
    ],
)
def test_what_is_wrong_is_said(place: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str) -> None:
    """A wrong argument or setting is one sentence and status 2."""
    (place / "list.yaml").write_text("[]")
    (place / "type.yaml").write_text("include: cups")
    (place / "style.yaml").write_text("style: odd")

    assert run(arguments) == 2
    assert said in capsys.readouterr().err


def test_settings(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of settings names the package, the folder, the style and the methods; arguments win over it."""
    (place / "settings.yaml").write_text(
        "output: made\nstyle: resources\nexclude: [pots]\noperations: {fill: top_up}\nclass_overrides: {}\n"
    )

    assert run("api.json --config settings.yaml -q") == 0
    assert capsys.readouterr().out == ""
    assert not (place / "made" / "api").exists()
    assert "def top_up(" in (place / "made" / "resources" / "cups.py").read_text()
    assert not (place / "made" / "resources" / "pots.py").exists()
    assert run("api.json --config settings.yaml --style functions --include pots --output other") == 0
    assert (place / "other" / "api" / "pots.py").exists() is False


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(include=("cups",)), ["list_cups", "fill"]),
        (Selection(include=("fill",)), ["fill"]),
        (Selection(exclude=("/cups",)), ["get_pots_by_id"]),
        (Selection(include=("list_cups", "pots")), ["list_cups", "get_pots_by_id"]),
    ],
)
def test_selections(place: Path, selection: Selection, expected: list[str]) -> None:
    """Operations are chosen by tag, path and id."""
    made = generate(place / "api.json", output=place / "out", selection=selection)

    assert [each.name for each in made.package.operations] == expected


def test_strict(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be expressed in full is a note with its pointer, and an error with --strict."""
    document = json.loads(json.dumps(DOCUMENT))
    document["paths"]["/cups/{size}"] = {
        "get": {**OPERATION, "parameters": [{"name": "Accept", "in": "header"}, {"name": "x", "in": "path"}]}
    }
    (place / "api.json").write_text(json.dumps(document))

    assert run("api.json") == 0
    notes = capsys.readouterr().err.splitlines()
    assert len(notes) == 3
    assert all(note.startswith("note: api.json #/paths/~1cups~1{size}/get") for note in notes)
    assert run("api.json --strict --name strict") == 2
    assert "and 2 more" in capsys.readouterr().err
    assert not (place / "strict").exists()


def test_public_names() -> None:
    """The package has the names that it lists, and no others."""
    assert all(hasattr(borzoi.openapi, name) for name in borzoi.openapi.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        borzoi.openapi.no_such_name  # noqa: B018


def test_anchors_and_several_files(place: Path) -> None:
    """A reference may lead to an anchor, to another file, to a part of it, and to what is an element of an array."""
    (place / "shared").mkdir()
    (place / "shared" / "cup.yaml").write_text(
        "type: object\nproperties: {size: {$ref: '#/$defs/list/0'}}\n$defs: {list: [{$anchor: size, type: integer}]}"
    )
    schemas = {
        "A": {"$ref": "shared/cup.yaml"},
        "B": {"type": "object", "properties": {"s": {"$ref": "shared/cup.yaml#size"}}},
    }
    (place / "api.json").write_text(json.dumps({**DOCUMENT, "components": {"schemas": schemas}}))
    made = generate(place / "api.json", output=place / "out")

    assert "size: int | UnsetType = UNSET" in made.files["models/cup.py"]
    assert "s: int | UnsetType = UNSET" in made.files["models/b.py"]
    (place / "api.json").write_text(
        json.dumps({**DOCUMENT, "components": {"schemas": {"A": {"$ref": "shared/cup.yaml#gone"}}}})
    )
    with pytest.raises(DocumentError, match="leads to nothing"):
        generate(place / "api.json", output=place / "out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", "on"), ("no", "no"), ("2026-01-02", "2026-01-02"), ("1:30", "1:30"), ("0o17", 15), ("0x1F", 31), ("012", 12), ("true", True),
        ("~", None), ("", None), ("1e3", 1000.0), ("-.5", -0.5), ("'1'", "1"), ("{1: a, true: b, ~: c, 1.5: d}", {"1": "a", "true": "b", "~": "c", "1.5": "d"}),
    ],
)  # fmt: skip
def test_yaml_is_that_of_1_2(tmp_path: Path, text: str, expected: Any) -> None:
    """Scalars are read by the core schema of YAML 1.2, and keys are strings."""
    (tmp_path / "api.yaml").write_text(f"openapi: 3.1.0\nx-value: {text}\n")

    assert open_document(tmp_path / "api.yaml").root["x-value"].value == expected


def test_servers_and_credentials(client_of: Any) -> None:
    """Variables of the server and credentials are arguments; a document without a server asks for the address."""
    document = {
        **DOCUMENT,
        "servers": [{"url": "https://{region}.example.org/{v}", "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}, "v": {"default": "1"}}}],
        "components": {"securitySchemes": {
            "a": {"type": "http", "scheme": "bearer"}, "b": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://h/t", "scopes": {}}}},
            "c": {"type": "apiKey", "in": "query", "name": "k"}, "d": {"type": "openIdConnect", "openIdConnectUrl": "https://h"}, "e": {"type": "mutualTLS"},
        }},
    }  # fmt: skip
    package = client_of(document)
    assert package.Client().base_url == "https://eu.example.org/1"
    assert package.Client(region="us", v="2", a_token="t", api_key="k").credentials["a_token"] == "t"
    with pytest.raises(ValueError, match="has no scheme"):
        client_of(DOCUMENT).Client("/v1")


def test_options_of_calls(client_of: Any) -> None:
    """with_options shares the connections and adds headers and a time-out."""
    package = client_of(DOCUMENT)
    with API(lambda _: (204, {}, b"")) as api, package.Client(api.url) as client:
        other = client.with_options(headers={"X-A": "1"}, timeout=5).with_options(headers={"X-B": "2"})
        other.cups.list()
        client.cups.list()

        assert other.http is client.http
    assert [(each.headers["X-A"], each.headers["X-B"]) for each in api.asked] == [("1", "2"), (None, None)]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("models: attrs", "The models 'attrs' are none of msgspec, pydantic, dataclass"),
        ("enums: [a]", "The setting 'enums' must be a str"),
        ("enums: open", "The enums 'open' are none of literal, strenum"),
        ("pagination: {fill: {kind: magic}}", "The pagination of 'fill' must be false or have a kind: cursor, last"),
        ("pagination: {fill: true}", "The pagination of 'fill' must be false"),
        ("pagination: []", "The setting 'pagination' must be a dict"),
    ],
)
def test_wrong_settings_of_models_and_pages(
    place: Path, capsys: pytest.CaptureFixture[str], settings: str, reason: str
) -> None:
    """Libraries and kinds of pages that there are not end in one sentence."""
    (place / "settings.yaml").write_text(settings)

    assert run("api.json --config settings.yaml") == 2
    assert reason in capsys.readouterr().err


def test_models_of_a_library(place: Path) -> None:
    """The settings and the argument name the library of the models, and what enumerations are; the argument wins."""
    (place / "settings.yaml").write_text("models: dataclasses\nenums: strenum\npagination: {fill: false}\n")
    assert run("api.json --config settings.yaml -q -o first") == 0
    assert run("api.json --config settings.yaml -q -o second --models pydantic --enums literal") == 0
    assert run("api.json -q -o third") == 0

    found = [json.loads((place / name / "openapi.lock").read_text()) for name in ("first", "second", "third")]
    assert [each["models"] for each in found] == ["dataclass", "pydantic", "msgspec"]
    assert [each["enums"] for each in found] == ["strenum", "literal", "literal"]
