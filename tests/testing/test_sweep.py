"""The fault sweep finds what is planted, says it in its own words, and finds nothing in sound code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from borzoi.testing import faults, mocking
from borzoi.testing.sweep import Injection, Run, told

SAMPLES = Path(__file__).with_name("swept_samples.py")

ONCE = "reset() at request 1, "
STALL = "stall(86400, at='head') at request 1, "
FOR_GOOD = "and at all after it"

FOUND = {
    "unclosed_response_after_a_bad_status": (
        "it left open: the response to GET https://api.test/file was never closed",
        "status 503 at request 1",
    ),
    "unclosed_client_after_an_error": (
        "it left open: the Client that sent GET https://api.test/users was never closed",
        ONCE,
    ),
    "retried_post": ("POST https://api.test/orders was sent again, and the server may have acted on it", ONCE),
    "retried_patch_after_a_time_out": ("PATCH https://api.test/users/7 was sent again", STALL),
    "swallowed_error_of_a_write": (
        "the test passed although PUT https://api.test/users/7 has failed: the error was swallowed",
        "garbage()",
    ),
    "status_of_a_write_that_nobody_looks_at": (
        "the test passed although DELETE https://api.test/users/7 has failed: the error was swallowed, or the status not",
        "status 500 at request 1, DELETE https://api.test/users/7",
    ),
    "swallowed_error_that_returns_nothing": (
        "it went on without the answer, and ended with TypeError: 'NoneType' object is not subscriptable",
        ONCE,
    ),
    "name_that_is_only_bound_on_success": ("it went on without the answer, and ended with UnboundLocalError", ONCE),
    "missing_time_out": ("it waited for a day: no time-out", "connect_hang(86400) at connection 1, to api.test:443"),
    "missing_time_out_of_reads": ("it waited for a day: no time-out", "a day's stall in the middle of the body"),
    "retry_without_a_limit": ("it sends request after request: a retry without a limit", FOR_GOOD),
    "retry_of_any_exception": ("it sends request after request: a retry without a limit", FOR_GOOD),
    "leaked_stream": (
        "it left open: the response to GET https://api.test/lines was never closed",
        "status 500 at request 1, GET https://api.test/lines",
    ),
    "part_of_a_body_for_the_whole": (
        "it went on without the answer, and ended with AssertionError: assert b'some' == b'something'",
        "the connection closed in the middle of the body",
    ),
    "broken_feed_for_its_end": (
        "it went on without the answer, and ended with AssertionError",
        "the connection reset in the middle of the body",
    ),
    "page_of_an_error_read_as_json": (
        "it went on without the answer, and ended with JSONDecodeError",
        "status 500 at request 1",
    ),
    "error_of_the_wrong_kind": (
        "it ended with RuntimeError, which is no borzoi.HTTPError, as it dealt with one: the API is down",
        ONCE,
    ),
    "broken_handler_of_errors": (
        "it ended with AttributeError, which is no borzoi.HTTPError, as it dealt with one: 'ReadError' object has no",
        ONCE,
    ),
    "program_that_ends": ("it ended with SystemExit, which is no borzoi.HTTPError, as it dealt with one: 1", ONCE),
    "request_left_under_way": ("it left open: the AsyncClient that sent GET https://api.test/", ONCE),
    "other_server_that_nobody_has_planned": (
        "it sent what no route answers: No route answers GET https://mirror.test/users",
        ONCE,
    ),
    "group_of_errors_with_one_of_the_wrong_kind": ("and ended with JSONDecodeError", "status 503"),
    "leaked_stream_over_http2": (
        "it left open: the response to GET https://api.test/lines was never closed",
        "status 500 at request 1, GET https://api.test/lines",
    ),
}

SOUND = [
    "right_get",
    "right_retry_of_reads",
    "right_retry_with_a_key",
    "right_fallback_of_a_read",
    "right_stream_in_asyncio",
    "right_requests_at_once_over_http2",
    "right_error_of_the_program",
    "right_best_effort",
    "without_requests",
]


class _Reports:
    """A plugin that keeps reports."""

    def __init__(self) -> None:
        self.texts: dict[str, list[tuple[str, str, str]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report: when, outcome, text."""
        name = report.nodeid.partition("::test_")[2]
        self.texts.setdefault(name, []).append((report.when or "", report.outcome, report.longreprtext))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str, str]]]:
    """The reports of a pytest of its own over the samples."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copy(SAMPLES, folder / "test_samples.py")
    (folder / "pytest.ini").write_text("[pytest]\n")
    kept = _Reports()
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist", "-p", "no:cov"]
    # Not as a module of this process: in another order of tests the samples run more than once.
    options.append("--import-mode=importlib")
    pytest.main([str(folder), "--rootdir", str(folder), "-c", str(folder / "pytest.ini"), *options], plugins=[kept])
    assert mocking.swept is None
    return kept.texts


Reports = dict[str, list[tuple[str, str, str]]]


@pytest.mark.parametrize("name", FOUND)
def test_a_planted_bug_is_found(name: str, reports: Reports) -> None:
    """Each bug fails its test in the call, with what is wrong, and the fault that has shown it below."""
    (setup, call, teardown) = reports[name]
    finding, place = FOUND[name]
    assert (setup[1], call[1], teardown[1]) == ("passed", "failed", "passed")
    found = call[2].split("\n  ")
    [start] = [number for number, line in enumerate(found) if finding in line and not line.startswith(" ")][:1]
    places = [line for line in found[start + 1 :] if line.startswith("  ")]
    assert any(place in line for line in places), call[2]


def test_a_bug_is_all_that_is_found(reports: Reports) -> None:
    """Of two samples the whole text, as it stands in the report."""
    (_, call, _) = reports["missing_time_out"]
    assert call[2] == (
        "What the fault sweep has found in 13 runs:\n"
        "  it waited for a day: no time-out\n"
        "    stall(86400, at='head') at request 1, GET https://api.test/users\n"
        "    a day's stall in the middle of the body at request 1, GET https://api.test/users\n"
        "    connect_hang(86400) at connection 1, to api.test:443"
    )


@pytest.mark.parametrize("name", SOUND)
def test_sound_code_passes(name: str, reports: Reports) -> None:
    """Nothing is found where nothing is wrong."""
    assert reports[name] == [("setup", "passed", ""), ("call", "passed", ""), ("teardown", "passed", "")]


def test_what_does_not_pass_is_not_swept(reports: Reports) -> None:
    """A test that fails or is skipped as it is gives the reports that it gives without the marker."""
    (_, call, _) = reports["plainly_failing"]
    assert call[1] == "failed"
    assert "fault sweep" not in call[2]
    assert [report[1] for report in reports["skipped"]] == ["skipped", "passed"]


def test_fixtures_run_each_time(pytester: pytest.Pytester) -> None:
    """Each run has its fixtures anew; those of the module are set up once, and taken down at its end."""
    pytester.makepyfile(
        """
        import borzoi, pytest
        told = []

        @pytest.fixture(scope="module")
        def shared():
            told.append("shared")
            yield
            told.append("taken down")
            assert told == ["shared", *["fresh"] * 25, "taken down"]

        @pytest.fixture
        def api(http_mock, shared):
            told.append("fresh")
            http_mock.get("https://api.test/1").reply(200)
            http_mock.get("https://api.test/2").reply(200)
            with borzoi.Client(base_url="https://api.test") as client:
                client.get("/1").raise_for_status()
                yield client

        @pytest.mark.http_fault_sweep
        def test_it(api):
            api.get("/2").raise_for_status()
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio")
    result.assert_outcomes(passed=1)


def test_what_fails_above_the_test_is_told(pytester: pytest.Pytester) -> None:
    """An error in taking down what is above the test is an error of the last test, as without a sweep."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            yield
            raise ValueError("too late")

        @pytest.mark.http_fault_sweep
        def test_it(shared, http_mock):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ValueError: too late*"])


def test_nothing_found_is_nothing_told() -> None:
    """Runs without findings make no text."""
    injection = Injection(faults.reset(), 1, "request 1")
    assert told([(injection, [])], 1) is None
    assert Run(injection, Run()).findings() == []


def test_async_tests_of_other_plugins_are_swept(pytester: pytest.Pytester) -> None:
    """A test that another plugin runs in an event loop is run by it each time; so is one of unittest."""
    pytester.makepyfile(
        """
        import unittest
        import borzoi, pytest
        from borzoi.testing import mock

        URL = "https://api.test/"

        @pytest.mark.anyio
        @pytest.mark.http_fault_sweep
        async def test_waits_for_ever(http_mock):
            http_mock.get(URL).reply(200)
            async with borzoi.AsyncClient(timeout=None) as client:
                (await client.get(URL)).raise_for_status()

        @pytest.mark.anyio
        @pytest.mark.http_fault_sweep
        async def test_right(http_mock):
            http_mock.get(URL).reply(200)
            async with borzoi.AsyncClient() as client:
                (await client.get(URL)).raise_for_status()

        @pytest.mark.http_fault_sweep
        class TestOld(unittest.TestCase):
            def test_nobody_looks(self):
                with mock() as m:
                    m.post(URL).reply(200)
                    borzoi.post(URL)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["*it waited for a day: no time-out*", "*POST https://api.test/ has failed*"])


def test_what_markers_do_not_take(pytester: pytest.Pytester) -> None:
    """Arguments that a marker does not take fail the test with one line that says what it takes."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.http_fault_sweep(swallow=True)
        def test_name(http_mock):
            pass

        @pytest.mark.http_fault_sweep("faults")
        def test_position(http_mock):
            pass

        @pytest.mark.http_server(http3=True)
        def test_server(http_server):
            pass

        @pytest.mark.http_server(tls="odd")
        def test_certificate(http_server):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio")
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.http_fault_sweep: swallow= is not among what it takes: raises=, swallows=",
            "@pytest.mark.http_fault_sweep: 'faults' is not among what it takes: raises=, swallows=",
            "@pytest.mark.http_server: http3= is not among what it takes: tls=, http2=",
            "@pytest.mark.http_server: A certificate is *, not 'odd'.",
        ]
    )
