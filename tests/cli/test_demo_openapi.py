"""The section of the demo that makes a client: what it shows, and that it sees what is wrong."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from borzoi.cli import demo_openapi
from borzoi.cli.demo_document import DOCUMENT
from borzoi.cli.demo_openapi import show_generated_client
from borzoi.cli.demo_server import DemoServer
from borzoi.cli.demo_table import Paper
from borzoi.testing import mock


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a demo API."""
    with DemoServer() as server:
        yield server.url


def test_the_section(url: str) -> None:
    """A client is made, called blocking and async, and raises a typed error; nothing of it is left."""
    out = io.StringIO()
    path = list(sys.path)

    assert show_generated_client(url, Paper(out)) == []
    shown = out.getvalue()
    assert f"borzoi openapi generate {url}/openapi.json: 3 operations, 4 models" in shown
    assert "Record(id=7, name='Record number 00007', price=7.25, tags=['demo', 'borzoi'])" in shown
    assert "50 records, the next page is 3" in shown
    assert re.search(r"errors\.RecordBadRequest, 400 +Refusal\(error=", shown)
    assert sys.path == path
    assert not [name for name in sys.modules if name.startswith(demo_openapi.PACKAGE)]


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra there is one line that says what to install, and nothing is wrong."""
    monkeypatch.setattr(demo_openapi, "NEEDED", ("no_such_module",))
    out = io.StringIO()

    assert show_generated_client("http://nowhere.test", Paper(out)) == []
    assert "pip install 'borzoi[openapi]'" in out.getvalue()


PAGE = {"page": 2, "next": 3, "records": [{"id": 50, "name": "", "price": 0, "tags": []}]}
RECORD = {"id": 7, "name": "", "price": 7.25, "tags": []}


@pytest.mark.parametrize(
    ("record", "page", "refusal", "wrong"),
    [
        ({**RECORD, "id": 8}, PAGE, (400, {"error": "a number from 0 to 99999"}), "another record"),
        (RECORD, {**PAGE, "next": 9}, (400, {"error": "a number from 0 to 99999"}), "another page"),
        (RECORD, PAGE, (400, {"error": "no"}), "another body"),
        (RECORD, PAGE, RECORD, "no error"),
    ],
)
def test_what_is_wrong_is_seen(record: Any, page: Any, refusal: Any, wrong: str) -> None:
    """An answer that is another than it should be is told, and so is an error that does not come."""
    with mock() as m:
        api = m.host("http://demo.test")
        api.get("/openapi.json").reply(json=DOCUMENT)
        api.get("/records/7").reply(json=record)
        api.get(f"/records/{demo_openapi.NO_RECORD}").reply(lambda _: refusal)
        api.get("/records").reply(json=page)
        found = show_generated_client("http://demo.test", Paper(io.StringIO()))

    assert len(found) == 1
    assert wrong in found[0]
