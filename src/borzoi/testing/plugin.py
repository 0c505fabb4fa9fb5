"""The pytest plugin: the fixtures `http_mock` and `http_clock`, the marker `http_mock`, and the parts beside them.

It is loaded in every run of pytest in an environment with Borzoi, so it imports nothing before a fixture is used.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from .plugin_frames import hide_own_frames
from .plugin_markers import marker_of
from .plugin_workers import tell_reporter, told_by_worker

if TYPE_CHECKING:
    from .clock import Clock
    from .mocking import Mock

pytest_plugins = (
    "borzoi.testing.plugin_cassettes",
    "borzoi.testing.plugin_contract",
    "borzoi.testing.plugin_guard",
    "borzoi.testing.plugin_server",
    "borzoi.testing.plugin_sweep",
)
"""The rest of the plugin, each part with fixtures, markers and settings of its own."""

_failed = pytest.StashKey[bool]()
_elsewhere = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        "http_mock(leaks=True): settings of the fixture http_mock; leaks=False bears clients and responses left open.",
    )


@pytest.fixture
def http_clock() -> Clock:
    """The test's time for clients and mocks: it moves by itself when everything waits."""
    from .clock import Clock

    return Clock()


@pytest.fixture
def http_mock(request: pytest.FixtureRequest, http_clock: Clock) -> Generator[Mock, None, None]:
    """Routes that answer the requests of the test. It fails for calls that did not come, or that nobody answers."""
    from .mocking import Mock
    from .plugin_guard import be_strict

    marker = marker_of(request.node, "http_mock", ("leaks",))
    mock = Mock(request.node.nodeid, clock=http_clock, **({} if marker is None else marker.kwargs))
    be_strict(request.node)
    mock.start()
    yield mock
    text = mock.finish()
    mock.forget_context()
    if text is None:
        return
    if request.node.stash.get(_failed, False):
        # What the test died of comes first; this may say why.
        request.node.add_report_section("teardown", "http_mock", text)
    else:
        pytest.fail(text, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Note that a test has failed already, and say what its mock has met."""
    hide_own_frames(call, item.config)
    report = yield
    if call.when == "call":
        item.stash[_failed] = report.failed
        if report.failed and (text := _explanation(item, call.excinfo)) is not None:
            report.sections.append(("http_mock", text))
    return report


def _explanation(item: pytest.Item, found: pytest.ExceptionInfo[BaseException] | None) -> str | None:
    """Return what the mock of a failed test has met until now, but for what the test died of, which is shown."""
    mock = getattr(item, "funcargs", {}).get("http_mock")
    errors = [] if mock is None else getattr(mock, "unmatched", [])
    return "\n".join(str(error) for error in errors if found is None or error is not found.value) or None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the requests that came after their test."""
    refused = _late(config)
    if refused:
        terminalreporter.section("requests after the end of their test")
        for text in refused:
            terminalreporter.write_line(text)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which requests came after their test. A process of xdist's tells the one that reports."""
    refused = _late(session.config)
    if refused and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    tell_reporter(session.config, "http_late", refused)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a process of xdist's has refused."""
    node.config.stash.setdefault(_elsewhere, []).extend(told_by_worker(node, "http_late"))


def _late(config: pytest.Config) -> list[str]:
    mocking = sys.modules.get(f"{__package__}.mocking")
    here: list[str] = [] if mocking is None else mocking.late
    return here + config.stash.get(_elsewhere, [])
