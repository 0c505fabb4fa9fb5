"""The plugin in suites of its users, under every runner that they have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

import pytest

import borzoi
from borzoi import testing
from borzoi.testing import Clock, Mock, fault

SIGNUP = """
import borzoi

def signup(email):
    with borzoi.Client(base_url="https://api.test") as client:
        return client.post("/users", json={"email": email, "plan": "free"}).json()
"""

LOADED = """
import importlib, json, sys, time
import pytest
before = set(sys.modules)
costs = []
for _ in range(20):
    for name in set(sys.modules) - before:
        del sys.modules[name]
    began = time.process_time()
    plugin = importlib.import_module("borzoi.testing.plugin")
    for part in plugin.pytest_plugins:
        importlib.import_module(part)
    costs.append(1000 * (time.process_time() - began))
print(json.dumps([min(costs), sorted(set(sys.modules) - before)]))
"""


@cache
def loaded() -> tuple[float, list[str]]:
    """Return what loading the plugin costs a pytest that runs already: milliseconds of the processor, and modules."""
    # With compiled modules, as after an installation, and without coverage, which would measure itself.
    unwanted = {"PYTHONDONTWRITEBYTECODE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    done = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True, text=True, env=environment)
    cost, modules = json.loads(done.stdout)
    return cost, modules


def test_loading_it_loads_nothing_else() -> None:
    """The plugin loads itself and the two packages that it is in, and none of what its fixtures need."""
    modules = set(loaded()[1])
    ours = {name for name in modules if name.startswith("borzoi.testing.")}
    assert {name for name in ours if not name.startswith("borzoi.testing.plugin")} == set()
    assert not {name for name in modules if name.startswith(("borzoi._client", "borzoi._backends", "borzoi._exchange"))}
    assert modules & {"ssl", "asyncio", "trio", "yaml", "trustme", "uvloop", "sniffio", "json"} == set()


def test_loading_it_is_fast() -> None:
    """The plugin loads in less than 10 ms of the processor's time: the least of twenty, as a busy machine only ever adds."""
    assert loaded()[0] < 10


def _here(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run tests in this process: quickly, and measured."""
    return pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:trio", *args)


def _beside(plugin: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *args: str) -> pytest.RunResult:
    """Run tests in a process whose pytest has one plugin beside ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return pytester.runpytest_subprocess("-p", "borzoi.testing.plugin", "-p", plugin, "-W", "error", *args)


def test_the_fixtures_of_this_very_run(http_mock: Mock, http_clock: Clock) -> None:
    """The plugin is loaded in this run, too: its fixtures share one clock."""
    http_mock.get("https://api.test/").reply(200, fault=fault.stall(3))
    assert borzoi.get("https://api.test/").status_code == 200
    assert http_clock is http_mock.clock
    assert http_clock.now() == 3


def test_the_names_of_the_package() -> None:
    """Every name of `borzoi.testing` is there, in one alphabet, offered, documented, and loaded at its first use."""
    assert sorted(set(testing.__all__), key=lambda name: (name.casefold(), name)) == testing.__all__
    assert set(testing.__all__) <= set(dir(testing))
    assert [name for name in testing.__all__ if not getattr(testing, name).__doc__] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        testing.no_such_name  # noqa: B018


def test_what_the_fixtures_are_can_be_named(
    http_mock: testing.Mock, http_clock: testing.Clock, http_guard: testing.Guard, http_server: testing.Server
) -> None:
    """`borzoi.testing` has the class of each fixture, for annotations."""
    classes = (testing.Mock, testing.Clock, testing.Guard, testing.Server)
    fixtures = (http_mock, http_clock, http_guard, http_server)
    http_server.get("/").optional()

    assert tuple(map(type, fixtures)) == classes
    assert issubclass(testing.NetworkBlocked, OSError)
    assert issubclass(testing.LeakError, AssertionError)
    assert issubclass(testing.CassetteError, AssertionError)


def test_unmatched_requests_fail_even_when_swallowed(pytester: pytest.Pytester) -> None:
    """A request that no route answers fails the test at teardown although the code under test swallowed the error."""
    pytester.makepyfile(
        SIGNUP
        + """
def test_swallowed(http_mock):
    http_mock.post("https://api.test/users", json={"email": "x@y.z", "plan": "free"}, headers={"x-token": "1"}).optional()
    try:
        signup("a@b.c")
    except AssertionError:
        pass
"""
    )
    result = _here(pytester)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "  requests that no route answers:",
            "    POST https://api.test/users",
            "      POST https://api.test/users",
            "        headers.x-token: expected '1', and there is none",
            "        json.email: expected 'x@y.z', got 'a@b.c'",
            "        fits: method, url",
        ]
    )


def test_a_failed_test_is_not_reported_twice(pytester: pytest.Pytester) -> None:
    """A test that failed has one failure, with the requests that nobody answered beside it."""
    pytester.makepyfile(
        SIGNUP
        + """
def test_failing(http_mock):
    http_mock.get("https://api.test/never").reply(200)
    try:
        signup("a@b.c")
    except AssertionError:
        pass
    assert False, "for a reason of its own"
"""
    )
    result = _here(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*for a reason of its own*", "*- http_mock -*", "No route answers POST https://api.test/users"]
    )


def test_what_is_left_open_fails_the_test(pytester: pytest.Pytester) -> None:
    """A response and a client that nobody closed fail the test, and are borne on request."""
    pytester.makepyfile(
        """
import borzoi, pytest

def leak(http_mock):
    http_mock.get("https://api.test/feed").sse()
    client = borzoi.Client()
    return client, client.send(client.build_request("GET", "https://api.test/feed"), stream=True)

def test_leak(http_mock):
    client, response = leak(http_mock)

@pytest.mark.http_mock(leaks=False)
def test_borne(http_mock):
    client, response = leak(http_mock)
"""
    )
    result = _here(pytester, "-W", "ignore::ResourceWarning")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "  left open:",
            "    the response to GET https://api.test/feed was never closed",
            "    the Client that sent GET https://api.test/feed was never closed",
        ]
    )


def test_a_late_request_fails_the_run(pytester: pytest.Pytester) -> None:
    """A request that a thread sends after its test has ended is refused, named, and fails the run."""
    pytester.makepyfile(
        """
import threading
import borzoi

go, done, outcome = threading.Event(), threading.Event(), []

def work():
    go.wait(20)
    try:
        borzoi.get("https://api.test/late")
    except AssertionError as error:
        outcome.append(str(error))
    done.set()

def test_that_leaves_a_thread(http_mock):
    threading.Thread(target=work, daemon=True).start()

def test_after():
    go.set()
    assert done.wait(20)
    assert "was sent nowhere" in outcome[0]
"""
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["GET https://api.test/late came after *::test_that_leaves_a_thread had ended*"])


def test_a_fixture_after_its_test(pytester: pytest.Pytester) -> None:
    """A mock that is used after its test raises an error that names the test."""
    pytester.makepyfile(
        """
import pytest
from borzoi.testing import MockOver
kept = []

def test_one(http_mock):
    kept.append((http_mock, http_mock.get("https://api.test/").optional()))

def test_two():
    mock, route = kept[0]
    for use in (lambda: mock.get("/x"), lambda: route.reply(200), lambda: mock.network("x"), lambda: mock.bind(1), mock.start):
        with pytest.raises(MockOver, match="test_one is over"):
            use()
"""
    )
    _here(pytester).assert_outcomes(passed=2)


ASYNC_TESTS = """
import borzoi

async def test_one(http_mock, http_clock):
    http_mock.get("https://api.test/slow").reply(200, fault=fault.stall(60)).times(2)
    async with borzoi.AsyncClient(timeout=5) as client:
        for _ in range(2):
            with pytest.raises(borzoi.ReadTimeout):
                await client.get("https://api.test/slow")
    assert http_clock.now() == 10

async def test_two(http_mock, http_clock):
    http_mock.get("https://api.test/slow").reply(200)
    async with borzoi.AsyncClient() as client:
        await http_clock.sleep(3)
        assert (await client.get("https://api.test/slow")).status_code == 200
    assert http_clock.now() == 3
    assert http_clock.sleeps == [3]
"""


def test_pytest_asyncio(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixtures serve tests of pytest-asyncio."""
    pytester.makepyfile("import pytest\nfrom borzoi.testing import fault\n" + ASYNC_TESTS)
    options = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    _beside("pytest_asyncio.plugin", pytester, monkeypatch, *options).assert_outcomes(passed=2)


def test_anyio(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixtures serve tests of anyio's plugin, on asyncio and on trio."""
    pytester.makepyfile(
        "import pytest\nfrom borzoi.testing import fault\npytestmark = pytest.mark.anyio\n" + ASYNC_TESTS
    )
    _beside("anyio.pytest_plugin", pytester, monkeypatch).assert_outcomes(passed=4)


def test_pytest_trio(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixtures serve tests of pytest-trio, its own clock that jumps included."""
    pytester.makepyfile(
        "import pytest\nfrom borzoi.testing import fault\npytestmark = pytest.mark.trio\n"
        + ASYNC_TESTS
        + """
async def test_jumping(http_mock, autojump_clock):
    http_mock.get("https://api.test/slow").reply(200, fault=fault.stall(60))
    async with borzoi.AsyncClient(timeout=5) as client:
        with pytest.raises(borzoi.ReadTimeout):
            await client.get("https://api.test/slow")
"""
    )
    _beside("pytest_trio.plugin", pytester, monkeypatch).assert_outcomes(passed=3)


def test_loops_by_hand(pytester: pytest.Pytester) -> None:
    """The fixtures serve tests that run trio themselves, and asyncio."""
    runner = """
import asyncio, functools, pytest, trio
from borzoi.testing import fault

def under(run):
    def decorate(test):
        def wrapper(http_mock, http_clock):
            run(test, http_mock, http_clock)
        return wrapper
    return decorate

def asyncio_run(test, *args):
    asyncio.run(test(*args))
"""
    on_trio = ASYNC_TESTS.replace("async def test", "@under(trio.run)\nasync def test_trio")
    on_asyncio = ASYNC_TESTS.replace("async def test", "@under(asyncio_run)\nasync def test_asyncio")
    pytester.makepyfile(runner + on_trio + on_asyncio)
    _here(pytester).assert_outcomes(passed=4)


def test_xdist(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixtures serve tests that are spread over processes, and all reports come through: those at the end of the run, too."""
    pytester.makeini("[pytest]\nhttp_guard = report\n")
    pytester.makepyfile(
        """
import socket, threading
import borzoi, pytest

@pytest.mark.parametrize("number", range(4))
def test_it(http_mock, number):
    http_mock.get(f"https://api.test/{number}").reply(json=number)
    assert borzoi.get(f"https://api.test/{number}").json() == number

def test_unmet(http_mock):
    http_mock.get("https://api.test/never").reply(200)

def test_that_reaches_out():
    socket.socket().connect_ex(("127.0.0.1", 1))

over = threading.Event()

@pytest.fixture
def late():
    done = threading.Event()
    yield done
    over.set()
    assert done.wait(20)

def test_late(late, http_mock):
    def work():
        over.wait(20)
        with pytest.raises(AssertionError):
            borzoi.get("https://api.test/late")
        late.set()

    threading.Thread(target=work).start()
"""
    )
    result = _beside("xdist.plugin", pytester, monkeypatch, "-n", "2", "-W", "ignore::ResourceWarning")
    result.assert_outcomes(passed=7, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*GET https://api.test/never was expected at least once, and was never called",
            "test_xdist.py::test_that_reaches_out: connect to 127.0.0.1:1 (*",
            "GET https://api.test/late came after test_xdist.py::test_late had ended, and was sent nowhere",
        ]
    )


OWN_SLEEPS = """
import asyncio
import trio

def test_asyncio(http_clock):
    async def own():
        before = http_clock.now()
        await asyncio.sleep(0.02)
        return http_clock.now() - before

    async def main():
        return await asyncio.gather(http_clock.sleep(60), own())

    assert asyncio.run(main())[1] == 0
    assert http_clock.now() == 60

def test_trio(http_clock):
    passed = []

    async def own():
        before = http_clock.now()
        await trio.sleep(0.02)
        passed.append(http_clock.now() - before)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(http_clock.sleep, 60)
            nursery.start_soon(own)

    trio.run(main)
    assert passed == [0]
    assert http_clock.now() == 60

def test_asyncio_limits(http_clock):
    async def main():
        async with asyncio.timeout(30):
            await http_clock.sleep(60)

    asyncio.run(main())
"""


def test_sleeps_of_the_program_hold_the_clock(pytester: pytest.Pytester) -> None:
    """While a task sleeps by the loop's own time the clock stands still; a time-out of the loop's does not hold it."""
    pytester.makepyfile(OWN_SLEEPS)
    _here(pytester).assert_outcomes(passed=3)


def test_reports_in_this_process(pytester: pytest.Pytester) -> None:
    """A test that fails and one whose route is not called are told apart."""
    pytester.makepyfile(
        """
import borzoi

def test_unmet(http_mock):
    http_mock.get("https://api.test/never")

def test_failing(http_mock):
    borzoi.get("https://api.test/unknown")
"""
    )
    result = _here(pytester)
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*UnmatchedRequest: No route answers GET https://api.test/unknown: the mock has no routes"]
    )


@pytest.mark.parametrize(("option", "frames"), [("--tb=long", False), ("--full-trace", True)])
def test_an_unmatched_request_ends_where_it_was_sent(pytester: pytest.Pytester, option: str, frames: bool) -> None:
    """The traceback of an unmatched request ends in the code that sent it, unless all frames are asked for."""
    pytester.makepyfile(signup=SIGNUP)
    pytester.makepyfile(
        """
        from signup import signup

        def test_it(http_mock):
            http_mock.post("https://api.test/user").reply(201)
            signup("a@b.c")
        """
    )
    result = _here(pytester, option)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*return client.post(*", "E *No route answers POST https://api.test/users"])
    text = result.stdout.str()
    assert ("dispatch(received)" in text) is frames
    # Whether the summary has the whole text depends on the width of the terminal, and on whether a CI runs it.
    told = text.partition("short test summary info")[0]
    assert told.count("got https://api.test/users") == 2, "where it failed, and in the report"
