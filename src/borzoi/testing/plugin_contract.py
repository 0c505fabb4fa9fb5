"""Contracts in pytest: the marker and the fixture `http_contract`.

    @pytest.mark.http_contract("openapi.yaml", base="https://api.test")
    def test_profile(http_contract):
        http_contract["getUser"].example("admin")

The path is relative to the folder of the test, or to the root of the run. Nothing is imported before a test asks for
the fixture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .plugin_markers import marker_of
from .plugin_workers import tell_reporter, told_by_worker

if TYPE_CHECKING:
    from ..openapi.document import Document
    from .contract import Contract
    from .mocking import Mock

_documents = pytest.StashKey[dict[Path, Any]]()
_rows = pytest.StashKey[list[str]]()
"""What was answered: the title of the document, the operation, the status and how often, with tabs between."""


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        "http_contract(document, *, base=None): hold http_mock to an OpenAPI document, and answer from it.",
    )


@pytest.fixture
def http_contract(request: pytest.FixtureRequest, http_mock: Mock) -> Generator[Contract, None, None]:
    """The contract of the test's marker, for the mock `http_mock`. The test fails for what does not fit it."""
    from .contract import Contract
    from .errors import ContractViolation

    marker = marker_of(request.node, "http_contract", ("document", "base"), positions=1)
    arguments = {} if marker is None else {**dict(zip(("document",), marker.args, strict=False)), **marker.kwargs}
    if "document" not in arguments:
        raise pytest.UsageError('http_contract needs its document: @pytest.mark.http_contract("openapi.yaml")')
    place = _place(request, Path(arguments["document"]))
    contract = Contract(_document(request.config, place), base=arguments.get("base")).attach(http_mock)
    yield contract
    rows = request.config.stash.setdefault(_rows, [])
    title = " ".join(contract.title.split())
    rows += ["\t".join([title, operation, status, str(count)]) for operation, status, count in contract.coverage()]
    text = contract.report()
    if text is not None:
        raise pytest.fail.Exception(text, pytrace=False) from ContractViolation(text)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Use the fixture wherever the marker is."""
    names: list[str] = getattr(item, "fixturenames", [])
    if item.get_closest_marker("http_contract") is not None and "http_contract" not in names:
        names.append("http_contract")


def _place(request: pytest.FixtureRequest, given: Path) -> Path:
    beside: Path = request.node.path.parent / given
    return beside if beside.exists() else request.config.rootpath / given


def _document(config: pytest.Config, place: Path) -> Document:
    """Return a document, read once in a run."""
    from ..openapi.document import open_document

    known = config.stash.setdefault(_documents, {})
    if place not in known:
        known[place] = open_document(place)
    document: Document = known[place]
    return document


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a process of xdist's has counted."""
    node.config.stash.setdefault(_rows, []).extend(told_by_worker(node, "http_contract"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Have a process of xdist's tell the one that reports."""
    tell_reporter(session.config, "http_contract", session.config.stash.get(_rows, []))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print which operations were answered, and with what."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for row in config.stash.get(_rows, []):
        title, operation, status, count = row.split("\t")
        counts.setdefault(title, {}).setdefault(operation, Counter())[status] += int(count)
    for title, operations in counts.items():
        used = sum(any(statuses.values()) for statuses in operations.values())
        terminalreporter.section(f"contract {title!r}: {used} of {len(operations)} operations")
        for operation, statuses in operations.items():
            shown = "  ".join(f"{status} {f'x{count}' if count else '-'}" for status, count in statuses.items())
            terminalreporter.write_line(f"{operation:<40} {shown}")
