"""The fault sweep in pytest: the marker `http_fault_sweep`.

    @pytest.mark.http_fault_sweep
    def test_signup(http_mock): ...

The test runs once as it is, and then with each fault at each of its requests, from the setup of its fixtures to their
teardown. It passes if it passes as it is and nothing is found.
"""

from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from .plugin_markers import marker_of

if TYPE_CHECKING:
    from .sweep import Injection, Run

MARKER = "http_fault_sweep"
TAKES = ("raises", "swallows")

_RUN: pytest.StashKey[Run] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        "http_fault_sweep(raises=(), swallows=False): run the test again with each fault at each of its requests; "
        "`raises` are errors that it may end with beside borzoi.HTTPError, `swallows` bears writes that fail unnoticed",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker has arguments that it does not take."""
    marker_of(item, MARKER, TAKES)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test with the marker as often as it takes."""
    marker = item.get_closest_marker(MARKER)
    if marker is None or marker.args or not marker.kwargs.keys() <= {*TAKES}:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in [*_swept(item, **marker.kwargs), *_torn_down(item, nextitem)]:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _swept(item: pytest.Item, raises: Any = (), swallows: bool = False) -> list[pytest.TestReport]:
    """Return the reports of the first run, failed where the others have found something."""
    from .sweep import Run, injections, told

    learnt = Run()
    reports = _run(item, learnt)
    if not all(report.passed for report in reports):
        return reports
    allowed = raises if isinstance(raises, tuple) else (raises,)
    found: list[tuple[Injection, list[str]]] = []
    for injection in injections(learnt):
        run = Run(injection, learnt)
        _run(item, run)
        found.append((injection, run.findings(allowed, swallows=swallows)))
        if run.leaks:
            _bury(run)
    text = told(found, len(found))
    if text is not None:
        for report in reports:
            if report.when == "call":
                report.outcome = "failed"
                report.longrepr = text
    return reports


def _bury(run: Run) -> None:
    """Have what was left open collected here, and not in a test that has nothing to do with it."""
    run.errors.clear()
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        # pytest keeps the last error for debuggers, and with it all that its frames hold.
        sys.__dict__.pop(name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _run(item: pytest.Item, run: Run) -> list[pytest.TestReport]:
    """Run the test once, and return its reports."""
    from _pytest.runner import runtestprotocol

    from . import mocking

    mocking.swept = item.stash[_RUN] = run
    try:
        # What is above the test stays set up: it is the same for the next run.
        above: Any = item.parent
        return runtestprotocol(item, log=False, nextitem=above)
    finally:
        mocking.swept = None
        del item.stash[_RUN]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> pytest.TestReport | None:
    """Keep what a run with a fault has raised. Nobody reads its reports: they have no tracebacks, which take long."""
    run = item.stash.get(_RUN, None)
    if run is None or run.injection is None:
        return None
    if call.excinfo is not None:
        run.errors.append(call.excinfo.value)
    outcome: Any = "passed" if call.excinfo is None else "failed"
    when: Any = call.when
    return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, when)


def _torn_down(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Take down what the next test does not need, and return the report of what fails in that."""
    call = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), when="teardown")
    return [] if call.excinfo is None else [item.ihook.pytest_runtest_makereport(item=item, call=call)]
