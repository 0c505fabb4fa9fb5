"""The network guard in pytest: `http_guard`, `http_allow` and the marker of that name.

It stands from a test's setup to the end of its teardown, and what was tried fails the test there, even if the code
under test swallowed the error. Nothing is imported, installed or looked at where the guard is off.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from .plugin_markers import refuse
from .plugin_workers import tell_reporter, told_by_worker

if TYPE_CHECKING:
    from .guard import Guard

MODES = ("strict", "report", "off")

_GUARD: pytest.StashKey[Guard] = pytest.StashKey()
_NOTES: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options."""
    parser.addini(
        "http_guard", "refuse the network: strict, report or off (strict in any case with http_mock)", default="off"
    )
    parser.addini("http_allow", "hosts, addresses and networks that the guard lets pass", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker, and refuse a mode that there is not."""
    config.addinivalue_line("markers", 'http_allow(*targets): let the test reach these, as in http_allow("localhost")')
    mode = config.getini("http_guard")
    if mode not in MODES:
        raise pytest.UsageError(f"http_guard is one of {', '.join(MODES)}, not {mode!r}")
    config.stash[_NOTES] = []


def _mode_of(item: pytest.Item) -> str:
    """Return how the guard stands for one test."""
    fixtures: Any = getattr(item, "fixturenames", ())
    if _goes_out(item):
        return "off"
    return "strict" if "http_mock" in fixtures else str(item.config.getini("http_guard"))


def _goes_out(item: pytest.Item) -> bool:
    """Return whether a cassette is recorded or compared. Such a run is asked for by hand, to go over the network."""
    option: Any = item.config.getoption("--http", default=None)
    return item.get_closest_marker("http_cassette") is not None and option in ("record", "refresh", "verify", "live")


def _targets_of(item: pytest.Item) -> list[str]:
    marked: list[str] = []
    for marker in item.iter_markers("http_allow"):
        if not marker.args or marker.kwargs or not all(isinstance(target, str) for target in marker.args):
            refuse("http_allow", 'it takes hosts, addresses and networks, as in http_allow("localhost", "10.0.0.0/8")')
        marked += marker.args
    return [*item.config.getini("http_allow"), *marked]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the guard stand before the first fixture of the test."""
    mode = _mode_of(item)
    if mode != "off":
        _stand(item, mode)


def _stand(item: pytest.Item, mode: str) -> None:
    from .guard import Guard

    try:
        guard = Guard(mode, _targets_of(item))
    except ValueError as error:
        pytest.fail(f"http_allow: {error}", pytrace=False)
    item.stash[_GUARD] = guard.__enter__()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Take it down after the last fixture, and fail the test for what it refused."""
    try:
        yield
    except BaseException:
        # What the teardown died of comes first.
        text = _take_down(item)
        if text is not None:
            item.add_report_section("teardown", "http_guard", text)
        raise
    text = _take_down(item)
    if text is not None:
        pytest.fail(text, pytrace=False)


def _take_down(item: pytest.Item) -> str | None:
    """Take the guard down, and return what to fail the test with, if anything."""
    guard = item.stash.get(_GUARD, None)
    if guard is None:
        return None
    guard.__exit__(None, None, None)
    del item.stash[_GUARD]
    if guard.mode == "report":
        item.config.stash[_NOTES] += [f"{item.nodeid}: {hit}" for hit in guard.hits]
        return None
    lines = "\n".join(f"  {hit}" for hit in guard.hits)
    return f"The network guard refused {len(guard.hits)} of what the test tried:\n{lines}" if guard.hits else None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List what passed a guard that only reports."""
    notes = config.stash.get(_NOTES, [])
    if notes:
        terminalreporter.section("network")
        for note in notes:
            terminalreporter.write_line(note)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that reports, where xdist has others run the tests."""
    tell_reporter(session.config, "http_network", session.config.stash.get(_NOTES, []))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in the notes of a process of xdist's."""
    node.config.stash[_NOTES] += told_by_worker(node, "http_network")


def be_strict(item: pytest.Item) -> None:
    """Let a strict guard stand from now on: a fixture may ask for `http_mock` where no test names it."""
    guard = item.stash.get(_GUARD, None)
    if guard is not None:
        guard.mode = "strict"
    elif not _goes_out(item):
        _stand(item, "strict")


def let_through(item: pytest.Item, target: str) -> None:
    """Allow a server of the test's own."""
    guard = item.stash.get(_GUARD, None)
    if guard is not None:
        guard.allow(target)


@pytest.fixture
def http_guard(request: pytest.FixtureRequest) -> Guard:
    """The guard of this test, with its `hits` and `allow()`. It is strict where no mode is set."""
    guard: Guard | None = request.node.stash.get(_GUARD, None)
    if guard is None:
        pytest.fail("http_guard: the guard is off for this test; set `http_guard = strict`", pytrace=False)
    return guard
