"""Packages that are generated for a test, and forgotten after it."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi import generate

_numbers = itertools.count()


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder from which packages can be imported; the working directory is in it."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]


@pytest.fixture
def client_of(importing: Path) -> Callable[..., Any]:
    """A function that generates the client of a document, given as an object, and imports it."""

    def make(document: dict[str, Any], **settings: Any) -> Any:
        import json

        number = next(_numbers)
        place = importing / f"document{number}.json"
        place.write_text(json.dumps(document))
        generate(place, output=importing / f"generated{number}", **settings)
        importlib.invalidate_caches()
        return importlib.import_module(f"generated{number}")

    return make
