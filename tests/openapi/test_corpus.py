"""Real documents: each generates whole, every module imports, every decoder builds, and the text is as ruff formats it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from borzoi.openapi import generate
from borzoi.openapi.document import open_document
from borzoi.openapi.plan.operations import METHODS
from borzoi.openapi.render.types import import_order, natural_order
from borzoi.openapi.runtime import Operation
from borzoi.openapi.runtime.unions import decode_hook
from scripts import openapi_corpus, openapi_documents
from tests.structure.source import TESTS

DATA = TESTS / "data" / "openapi"
DOCUMENTS = sorted(path.name for path in openapi_documents.documents(DATA))


def declared(name: str) -> int:
    """Count the operations of a document."""
    items = [child.resolved().value for _, child in open_document(DATA / name).root.child("paths").items()]
    return sum(len(set(METHODS) & set(item)) + len(item.get("additionalOperations", {})) for item in items)


def test_all_documents_are_found() -> None:
    """The corpus has all of its documents."""
    assert len(DOCUMENTS) == 19


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_generates_whole(name: str, importing: Path) -> None:
    """No operation is lost, every module imports, and every decoder of models, replies and errors builds."""
    made = generate(DATA / name, output=importing / "whole")
    package = importlib.import_module("whole")
    operations: list[Operation] = []
    for each in pkgutil.walk_packages(package.__path__, "whole."):
        module = importlib.import_module(each.name)
        if "._operations." in each.name:
            operations += [value for value in vars(module).values() if isinstance(value, Operation)]
    models = importlib.import_module("whole.models")

    assert len(operations) == len(made.package.operations) == declared(name)
    found: list[Any] = [getattr(models, model.name) for model in made.package.models.values()]
    found += [
        reply() for each in operations for reply in (*each.replies.values(), *each.errors.values()) if callable(reply)
    ]
    for type_ in found:
        msgspec.json.Decoder(type_, dec_hook=decode_hook)


def test_the_text_is_formatted(tmp_path: Path) -> None:
    """Every package is as ruff formats it, with sorted imports, and two runs give the same bytes."""
    for number, name in enumerate(DOCUMENTS):
        made = generate(DATA / name, output=tmp_path / f"package{number}")
        assert generate(DATA / name, output=tmp_path / f"package{number}").changed == []
        assert made.changed == sorted(made.files)

    for command in (["format", "--check"], ["check", "--select", "I,F,E"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=tmp_path, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_imports_are_sorted() -> None:
    """Names and modules are in the order of isort: constants first, numbers by their size, those from 0 as fractions."""
    names = ["URL", "Item2", "Item10", "Item007B", "ItemABC", "Itemab", "item"]
    assert sorted(names, key=import_order) == ["URL", "Item007B", "Item2", "Item10", "Itemab", "ItemABC", "item"]
    assert sorted(["a_26a0", "a_7e7c", "a_0ec6", "a"], key=natural_order) == ["a", "a_0ec6", "a_7e7c", "a_26a0"]


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`make openapi-corpus` prints a row for each document, and fails where one is refused."""
    monkeypatch.setattr(openapi_corpus, "PEER", tmp_path / "none")
    (tmp_path / "api.json").write_bytes((DATA / "oai-petstore.json").read_bytes())
    assert openapi_corpus.main([str(tmp_path)]) == 0
    assert "3/3" in capsys.readouterr().out

    (tmp_path / "wrong.yaml").write_text("openapi: 9")
    assert openapi_corpus.main([str(tmp_path)]) == 1


def test_an_added_schema_renames_nothing(tmp_path: Path) -> None:
    """Names depend on where things stand, and not on what else there is."""
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}}
    head = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}}
    before = {**head, "components": {"schemas": {"User": schema, "UserA": schema, "user": schema}}}
    after = {
        **head,
        "components": {"schemas": {"Aaa": schema, "User": schema, "Zzz": schema, "UserA": schema, "user": schema}},
    }
    names: list[dict[str, str]] = []
    for document in (before, after):
        (tmp_path / "api.json").write_bytes(msgspec.json.encode(document))
        made = generate(tmp_path / "api.json", output=tmp_path / "out")
        names.append({model.key: model.name for model in made.package.models.values()})

    assert names[0].items() <= names[1].items()
    assert len(set(names[1].values())) == len(names[1])
    assert {"User", "UserA"} <= set(names[0].values())
