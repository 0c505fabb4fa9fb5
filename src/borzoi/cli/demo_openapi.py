"""The last section of the demo: a typed client is made from the local API's own document, and called."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from .demo_table import Paper

NEEDED = ("msgspec", "yaml")
"""What the extra `openapi` installs."""

PACKAGE = "borzoi_demo_api_client"
NO_RECORD = 100_000
"""A number that no record has."""


def is_installed() -> bool:
    """Tell whether clients can be made here."""
    return all(importlib.util.find_spec(name) is not None for name in NEEDED)


def show_generated_client(url: str, paper: Paper) -> list[str]:
    """Make the client of the API at a URL and call it; return what was wrong."""
    paper.heading("5. A typed client, made from the API's own document")
    if not is_installed():
        paper.line(f"  Not installed, so not shown: {', '.join(NEEDED)}. pip install 'borzoi[openapi]'")
        return []
    with _made(f"{url}/openapi.json", paper) as package:
        return [
            *_called(package, url, paper),
            *asyncio.run(_awaited(package, url, paper)),
            *_refused(package, url, paper),
        ]


@contextmanager
def _made(place: str, paper: Paper) -> Generator[ModuleType]:
    from ..openapi import generate

    with tempfile.TemporaryDirectory() as folder:
        made = generate(place, output=Path(folder) / PACKAGE)
        operations, models = len(made.package.operations), len(made.package.models)
        paper.line(f"  borzoi openapi generate {place}: {operations} operations, {models} models")
        sys.path.insert(0, folder)
        try:
            importlib.invalidate_caches()
            yield importlib.import_module(PACKAGE)
        finally:
            sys.path.remove(folder)
            for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
                del sys.modules[name]


def _called(package: ModuleType, url: str, paper: Paper) -> list[str]:
    with package.Client(url, trust_env=False) as client:
        record = client.records.get(7)
    paper.line(f"  client.records.get(7)                {record}")
    return [] if (record.id, record.price) == (7, 7.25) else [f"the generated client gave another record: {record}"]


async def _awaited(package: ModuleType, url: str, paper: Paper) -> list[str]:
    list_records = importlib.import_module(f"{PACKAGE}.api.records").list_records
    async with package.AsyncClient(url, trust_env=False) as client:
        page = await list_records.asyncio(client=client, page=2)
    paper.line(f"  await list_records.asyncio(page=2)   {len(page.records)} records, the next page is {page.next}")
    is_right = (page.page, page.next, page.records[0].id) == (2, 3, 50)
    return [] if is_right else [f"the generated client gave another page: {page.page}, {page.next}"]


def _refused(package: ModuleType, url: str, paper: Paper) -> list[str]:
    errors = importlib.import_module(f"{PACKAGE}.errors")
    with package.Client(url, trust_env=False) as client:
        try:
            client.records.get(NO_RECORD)
        except errors.RecordBadRequest as error:
            paper.line(f"  errors.{type(error).__name__}, {error.status_code}         {error.data}")
            return [] if "a number from 0 to 99999" in error.data.error else ["the typed error has another body"]
    return ["the generated client raised no error for a record that is not there"]
