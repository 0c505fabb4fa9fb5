"""The network guard in pytest: what the options and the marker do, and the text of each failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.peers import RawServer, silent

pytest_plugins = ["pytester"]

CONNECTS = """
import socket

def connect():
    socket.create_connection(("127.0.0.1", {port})).close()
"""


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A listener on loopback."""
    with RawServer(silent) as server:
        yield server


def _run(pytester: pytest.Pytester, server: RawServer, ini: str, test: str, *args: str) -> pytest.RunResult:
    pytester.makeini(f"[pytest]\n{ini}")
    pytester.makepyfile(connecting=CONNECTS.format(port=server.port), test_it=test)
    return pytester.runpytest_inprocess(
        "-p", "borzoi.testing.plugin_guard", "-p", "no:asyncio", "-p", "no:anyio", "-W", "error", *args
    )


SWALLOWS = """
import contextlib, pytest
from connecting import connect

def test_one():
    with contextlib.suppress(OSError):
        connect()

def test_two():
    pass
"""


def test_a_swallowed_refusal_fails_the_test(pytester: pytest.Pytester, server: RawServer) -> None:
    """In the mode "strict" the test that tried fails at its teardown, with the target and the line, and no other does."""
    result = _run(pytester, server, "http_guard = strict", SWALLOWS)

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_one*",
            "The network guard refused 1 of what the test tried:",
            f"  connect to 127.0.0.1:{server.port} (*connecting.py:4)",
        ]
    )
    assert server.connections == []


def test_reporting(pytester: pytest.Pytester, server: RawServer) -> None:
    """In the mode "report" all pass, and the summary names the test and what it reached."""
    result = _run(pytester, server, "http_guard = report", SWALLOWS)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"test_it.py::test_one: connect to 127.0.0.1:{server.port} (*"])


def test_off_is_the_default(pytester: pytest.Pytester, server: RawServer) -> None:
    """Without the option nothing is refused and nothing is said."""
    result = _run(pytester, server, "", SWALLOWS)

    result.assert_outcomes(passed=2)
    assert "network" not in result.stdout.str()


def test_http_mock_is_strict(pytester: pytest.Pytester, server: RawServer) -> None:
    """A test with the fixture `http_mock` is guarded whatever the option says."""
    test = "import pytest\n\n@pytest.fixture\ndef http_mock(): pass\n" + SWALLOWS.replace(
        "test_one()", "test_one(http_mock)"
    )
    result = _run(pytester, server, "", test)

    result.assert_outcomes(passed=2, errors=1)


def test_cassettes_that_are_recorded_go_out(pytester: pytest.Pytester, server: RawServer) -> None:
    """A test with a cassette is guarded, but not in a run that is asked to go over the network."""
    folder = pytester.mkdir("cassettes") / "test_it"
    folder.mkdir()
    (folder / "test_one.yaml").write_text("borzoi: 1\nexchanges: []\n")
    test = SWALLOWS.replace("def test_one", "@pytest.mark.http_cassette\ndef test_one")
    plugin = ("-p", "borzoi.testing.plugin_cassettes")

    _run(pytester, server, "http_guard = strict", test, *plugin, "--http=live").assert_outcomes(passed=2)
    _run(pytester, server, "http_guard = strict", test, *plugin).assert_outcomes(passed=2, errors=1)


@pytest.mark.parametrize("ini", ["http_allow = localhost api.test", ""])
def test_allowing(ini: str, pytester: pytest.Pytester, server: RawServer) -> None:
    """The marker and the ini option allow hosts."""
    mark = "" if ini else "@pytest.mark.http_allow('localhost')\n"
    result = _run(
        pytester, server, f"http_guard = strict\n{ini}", SWALLOWS.replace("def test_one", mark + "def test_one")
    )

    result.assert_outcomes(passed=2)


def test_a_fixture_is_guarded(pytester: pytest.Pytester, server: RawServer) -> None:
    """The guard stands while fixtures are set up and torn down."""
    test = """
import pytest
from connecting import connect

@pytest.fixture
def early(): connect()

@pytest.fixture
def late():
    yield
    connect()

def test_early(early): pass

def test_late(late): pass
"""
    result = _run(pytester, server, "http_guard = strict", test)

    result.assert_outcomes(passed=1, errors=3)
    result.stdout.fnmatch_lines(["E*NetworkBlocked: The network guard does not let this test connect to 127.0.0.1:*"])


def test_the_guard_of_a_test(pytester: pytest.Pytester, server: RawServer) -> None:
    """The fixture `http_guard` is the guard of the test; a test that expects a refusal forgets it."""
    test = """
import pytest
from connecting import connect

def test_it(http_guard):
    with pytest.raises(OSError):
        connect()
    assert http_guard.hits.pop().what == "connect to"
    http_guard.allow("127.0.0.1")
    connect()
"""
    _run(pytester, server, "http_guard = strict", test).assert_outcomes(passed=1)
    result = _run(pytester, server, "", test)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*http_guard: the guard is off for this test; set `http_guard = strict`*"])


def test_a_wrong_target(pytester: pytest.Pytester, server: RawServer) -> None:
    """A target that is none is an error of the test that names it."""
    test = "import pytest\n\n@pytest.mark.http_allow('http://x')\ndef test_it(): pass\n"
    result = _run(pytester, server, "http_guard = strict", test)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*http_allow: The network guard can allow a host, an address or a network, not 'http://x'.*"]
    )


def test_a_wrong_mode(pytester: pytest.Pytester, server: RawServer) -> None:
    """A mode that there is not stops the run, with the modes that there are."""
    result = _run(pytester, server, "http_guard = lax", "def test_it(): pass\n")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*http_guard is one of strict, report, off, not 'lax'*"])


def test_a_refusal_beside_a_report(pytester: pytest.Pytester, server: RawServer) -> None:
    """Where the mock of a test fails its teardown, what the guard has refused is told beside it."""
    test = """
import contextlib
from connecting import connect

def test_it(http_mock):
    http_mock.get("https://api.test/never")
    with contextlib.suppress(OSError):
        connect()
"""
    result = _run(pytester, server, "", test)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*GET https://api.test/never was expected at least once, and was never called",
            "The network guard refused 1 of what the test tried:",
            f"  connect to 127.0.0.1:{server.port} (*connecting.py:4)",
        ]
    )


@pytest.mark.parametrize("ini", ["", "http_guard = report"])
def test_a_mock_that_a_fixture_asks_for(ini: str, pytester: pytest.Pytester, server: RawServer) -> None:
    """A test whose mock is asked for while it runs is guarded from then on."""
    test = """
import pytest
from connecting import connect

def test_it(request):
    connect()
    request.getfixturevalue("http_mock")
    with pytest.raises(OSError):
        connect()
    request.getfixturevalue("http_guard").hits.clear()
"""
    _run(pytester, server, ini, test).assert_outcomes(passed=1)
