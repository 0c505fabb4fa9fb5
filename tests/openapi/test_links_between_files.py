"""Links of operations that are in files of their own, or have no id, or lead nowhere."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi import DocumentError, generate
from borzoi.openapi.generating import Generated

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def item(link: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a path whose reply leads somewhere."""
    response = {"description": "", "links": {"next": {"parameters": {"id": "$response.body#/id"}, **link}}}
    return {"parameters": [ID], "get": {"tags": ["x"], "responses": {"200": response}, **more}}


def made_of(place: Path, files: dict[str, Any], *paths: str) -> Generated:
    """Return what is made of a document whose paths are in files."""
    items = {f"/{name}/{{id}}": {"$ref": f"paths/{name}.json"} for name in paths}
    (place / "paths").mkdir()
    for name, content in files.items():
        (place / "paths" / f"{name}.json").write_text(json.dumps(content))
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": items}
    (place / "api.json").write_text(json.dumps(document))
    return generate(place / "api.json", output=place / "out")


def leading(made: Generated) -> dict[str, str]:
    """Return where each operation leads, by README.md."""
    lines = made.files["README.md"].splitlines()
    pairs = itertools.pairwise(lines)
    return {line[3:].partition("(")[0]: after[14:].partition("(")[0] for line, after in pairs if "leads to" in after}


def test_links_stay_with_their_operations(tmp_path: Path) -> None:
    """Operations that stand at one place of several files have their own links."""
    files = {
        "user": item({"operationId": "getTeam"}, operationId="getUser"),
        "team": item({"operationId": "getUser"}, operationId="getTeam"),
    }
    made = made_of(tmp_path, files, "user", "team")
    assert leading(made) == {"client.x.get_user": "client.x.get_team", "client.x.get_team": "client.x.get_user"}
    assert made.files["links.py"].count("LinksOperation: TypeAlias") == 2


@pytest.mark.parametrize("reference", ["#/paths/~1team~1{id}/get", "../api.json#/paths/~1team~1{id}/get"])
def test_an_operation_without_an_id(tmp_path: Path, reference: str) -> None:
    """`operationRef` finds an operation by its path and method, from another file, too."""
    made = made_of(tmp_path, {"team": {}}, "team")
    document = json.loads((tmp_path / "api.json").read_text())
    document["paths"]["/team/{id}"] = item({"operationId": "getUser"})
    document["paths"]["/user/{id}"] = item({"operationRef": reference}, operationId="getUser")
    if reference.startswith(".."):
        (tmp_path / "paths" / "user.json").write_text(json.dumps(document["paths"]["/user/{id}"]))
        document["paths"]["/user/{id}"] = {"$ref": "paths/user.json"}
    (tmp_path / "api.json").write_text(json.dumps(document))
    made = generate(tmp_path / "api.json", output=tmp_path / "out")
    assert made.diagnostics == []
    assert sorted(leading(made).values()) == ["client.x.get_team_by_id", "client.x.get_user"]


@pytest.mark.parametrize(
    "link", [{"operationId": "gone"}, {"operationRef": "https://other.test/api.json#/paths/~1a/get"}, {}]
)
def test_a_link_that_leads_nowhere(tmp_path: Path, link: dict[str, str]) -> None:
    """A link to an operation that the document does not have is told, and has no method."""
    made = made_of(tmp_path, {"user": item(link, operationId="getUser")}, "user")
    assert [each.pointer for each in made.diagnostics] == ["/get/responses/200/links/next"]
    assert "links.py" not in made.files


def test_a_reference_to_nothing(tmp_path: Path) -> None:
    """An `operationRef` into the document that leads to nothing is an error with its place."""
    with pytest.raises(DocumentError, match="leads to nothing"):
        made_of(tmp_path, {"user": item({"operationRef": "#/paths/~1gone/get"})}, "user")
