"""Names of methods that a stainless.yml gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from borzoi.cli.main import main
from borzoi.openapi.stainless import is_stainless, method_names

SETTINGS = """
organization: {name: tea}
resources:
  cups:
    models: {cup: Cup}
    methods:
      pour: post /cups
      every: {endpoint: get  /cups, type: http}
      odd: {type: http}
    subresources:
      handles: {methods: {every: "GET /cups/{id}/handles"}}
      empty:
pagination: [{name: pages}]
targets: {python: {}}
"""


def test_names_are_those_of_the_file(importing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Methods are called as the resources of a stainless.yml call them; what else it says means nothing here."""
    reply = {"responses": {"204": {"description": ""}}}
    paths = {
        "/cups": {"get": {**reply, "tags": ["cups"], "operationId": "listCups"}, "post": {**reply, "tags": ["cups"]}},
        "/cups/{id}/handles": {"get": {**reply, "tags": ["handles"]}},
    }
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths}
    (importing / "api.json").write_text(json.dumps(document))
    (importing / "stainless.yml").write_text(SETTINGS)

    assert main(["openapi", "generate", "api.json", "--config", "stainless.yml", "-o", "stainless_client"]) == 0
    assert "3 operations" in capsys.readouterr().out
    from stainless_client import Client  # type: ignore[import-not-found]

    client = Client("http://127.0.0.1:1")
    assert callable(client.cups.pour)
    assert callable(client.cups.every)
    assert callable(client.handles.every)


def test_what_is_read() -> None:
    """Endpoints are by method and path; what has none, or nests without end, is passed over."""
    deep: dict[str, object] = {}
    deep["resources"] = {"a": deep}
    deep["subresources"] = {"a": deep}
    deep["methods"] = {"x": "delete /x"}

    assert method_names({"resources": {"a": 1, "b": {"methods": {"n": None, "m": "get"}}}}) == {}
    assert method_names(deep) == {"DELETE /x": "x"}
    assert is_stainless(deep)
    assert not is_stainless({"resources": ["a"]})
