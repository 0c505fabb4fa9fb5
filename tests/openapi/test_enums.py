"""Enumerations as classes (`--enums strenum`): names for odd values, and values that the document does not name."""

from __future__ import annotations

import ast
import copy
import importlib
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.openapi import Selection, generate
from borzoi.openapi.runtime import OpenStrEnum
from tests.openapi.test_wrong_documents import PAYLOADS

ODD = ["", "class", "None", "a b", "A B", "a_b", "ä", "1", "-1", "mro", "name", "value", "_x_", "a" * 100]
STATUS = {"$ref": "#/components/schemas/Status"}
HOLDER = {
    "type": "object",
    "required": ["s"],
    "properties": {
        "s": STATUS,
        "n": {"type": ["string", "null"], "enum": ["a", None]},
        "i": {"type": "integer", "enum": [1, 2]},
        "l": {"type": "array", "items": STATUS},
        "u": {"anyOf": [STATUS, {"type": "integer"}]},
        "m": {"type": "object", "additionalProperties": STATUS},
    },
}


def document(values: list[str]) -> dict[str, Any]:
    """Return a document whose operation takes and gives statuses."""
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Holder"}}}}
    parameters = [
        {"name": "q", "in": "query", "schema": STATUS},
        {"name": "l", "in": "query", "schema": {"type": "array", "items": STATUS}},
        {"name": "X-S", "in": "header", "schema": STATUS},
    ]
    operation = {"parameters": parameters, "requestBody": content, "responses": {"200": {"description": "", **content}}}
    status = {"type": "string", "enum": values, "description": "How it is."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://h"}],
        "paths": {"/things": {"post": {"operationId": "create_thing", **operation}}},
        "components": {"schemas": {"Status": status, "Holder": HOLDER}},
    }


@pytest.mark.parametrize("models", ["msgspec", "pydantic", "dataclass"])
def test_values_of_all_kinds_are_read_and_sent(client_of: Callable[..., Any], models: str) -> None:
    """A value is a member where it is named, one of the same class where it is not, and sent as it is."""
    body = {"s": "new", "n": None, "i": 5, "l": ["class", "zzz"], "u": "1", "m": {"k": "mro"}}
    asked: list[borzoi.Request] = []

    def answer(request: borzoi.Request) -> borzoi.Response:
        asked.append(request)
        return borzoi.Response(200, json=body)

    package = client_of(document(ODD), selection=Selection(models=models, enums="strenum"))
    status = importlib.import_module(f"{package.__name__}.models").Status
    with package.Client(transport=borzoi.MockTransport(answer)) as client:
        found = client.things.create(q=status.CLASS, l=[status.A_B, "z"], x_s=status("odd"))
        client.things.create(body=found)
    assert found.l == [status.CLASS, "zzz"]
    assert found.l[0] is status.CLASS
    assert isinstance(found.s, status)
    assert found.m["k"] is status.MRO
    assert str(asked[0].url) == "https://h/things?q=class&l=a_b&l=z"
    assert asked[0].headers["X-S"] == "odd"
    assert json.loads(asked[1].content) == body


def test_names_of_members(client_of: Callable[..., Any]) -> None:
    """Each value has a name, whatever it is; of several that would have one, the value that is spelled so keeps it."""
    package = client_of(document(ODD), selection=Selection(enums="strenum"))
    status = importlib.import_module(f"{package.__name__}.models").Status
    assert [each.value for each in status] == ODD
    assert status.__doc__ == "How it is."
    assert {"CLASS", "NONE", "A_B", "A", "NAME", "VALUE", "MRO", "X"} <= set(status.__members__)
    assert all(name.isidentifier() and name.isascii() and name.isupper() for name in status.__members__)
    assert status.A_B.value == "a_b"


def test_texts_stay_texts(tmp_path: Path) -> None:
    """Whatever the values are, the class has names and strings, is laid out as ruff does it, and can be imported."""
    values_of_all_lengths = [*PAYLOADS, *["x" * length for length in range(50, 60)], "UUID", "Literal"]
    (tmp_path / "api.json").write_text(json.dumps(document(values_of_all_lengths)))
    made = generate(tmp_path / "api.json", output=tmp_path / "out", selection=Selection(enums="strenum"))
    (tree,) = [each for each in ast.parse(made.files["models/status.py"]).body if isinstance(each, ast.ClassDef)]
    values = [each.value for each in tree.body if isinstance(each, ast.Assign)]
    assert [each.value for each in values if isinstance(each, ast.Constant)] == values_of_all_lengths
    assert len(tree.body) == len(values_of_all_lengths) + 1
    assert "import UUID" not in made.files["models/status.py"]
    command = [sys.executable, "-m", "ruff", "format", "--check", "--quiet", str(tmp_path / "out")]
    assert subprocess.run(command, check=False).returncode == 0


class Colour(OpenStrEnum):
    """A colour."""

    RED = "red"


def test_a_value_without_a_name() -> None:
    """It equals its text, has a repr, and is copied and pickled; the class does not keep it. What is no text is refused."""
    blue = Colour("blue")
    assert blue == "blue"
    counts: dict[str, int] = {blue: 1}
    assert counts["blue"] == 1
    assert repr(blue) == "<Colour.blue: 'blue'>"
    assert str(copy.deepcopy(blue)) == f"{pickle.loads(pickle.dumps(blue))}" == "blue"
    assert isinstance(pickle.loads(pickle.dumps(blue)), Colour)
    assert list(Colour) == [Colour.RED]
    with pytest.raises(ValueError, match="5 is not a valid Colour"):
        Colour(5)
