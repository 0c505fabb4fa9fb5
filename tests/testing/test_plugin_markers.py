"""Fixtures and markers that are used wrongly: each fails its test with one text that says what would be right."""

from __future__ import annotations

import pytest

import borzoi
from borzoi.testing import Clock, Mock, MockOver

WRONG = {
    "@pytest.mark.http_mock(leak=False)": "@pytest.mark.http_mock: leak= is not among what it takes: leaks=",
    "@pytest.mark.http_mock(False)": "@pytest.mark.http_mock: False is not among what it takes: leaks=",
    "@pytest.mark.http_mock(clock=None)": "@pytest.mark.http_mock: clock= is not among what it takes: leaks=",
    "@pytest.mark.http_allow()": '@pytest.mark.http_allow: it takes hosts, addresses and networks, as in http_allow("localhost", "10.0.0.0/8")',
    "@pytest.mark.http_allow(['localhost'])": '@pytest.mark.http_allow: it takes hosts, addresses and networks, as in http_allow("localhost", "10.0.0.0/8")',
    "@pytest.mark.http_allow(host='localhost')": '@pytest.mark.http_allow: it takes hosts, addresses and networks, as in http_allow("localhost", "10.0.0.0/8")',
    "@pytest.mark.http_allow('http://a')": "http_allow: The network guard can allow a host, an address or a network, not 'http://a'.",
    "@pytest.mark.http_cassette('a', 'b')": "@pytest.mark.http_cassette: 'b' is not among what it takes: path=, match=, unused=, max_age=, allow=",
    "@pytest.mark.http_cassette(mode='record')": "@pytest.mark.http_cassette: mode= is not among what it takes: path=, match=, unused=, max_age=, allow=",
    "@pytest.mark.http_cassette(match='colour')": "@pytest.mark.http_cassette: A cassette matches method, url, host, path, body and header:NAME, not 'colour'.",
    "@pytest.mark.http_cassette(unused='no')": "@pytest.mark.http_cassette: unused= is \"ignore\" or \"fail\", not 'no'.",
    "@pytest.mark.http_cassette(max_age='soon')": "@pytest.mark.http_cassette: A duration is like \"90d\", \"12h\" or \"30m\", not 'soon'.",
    "@pytest.mark.http_cassette(7)": "@pytest.mark.http_cassette: unsupported operand type*",
}  # fmt: skip


def test_markers(pytester: pytest.Pytester) -> None:
    """A marker that says what it cannot fails its test, not the run, with what it takes and without a traceback."""
    tests = [f"{marker}\ndef test_{number}(http_mock): pass\n" for number, marker in enumerate(WRONG)]
    pytester.makepyfile("import pytest\n\n" + "\n".join([*tests, "def test_right(http_mock): pass"]))
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:trio")

    of_cassettes = sum("cassette" in marker for marker in WRONG)
    result.assert_outcomes(passed=1, failed=of_cassettes, errors=len(WRONG) - of_cassettes)
    result.stdout.fnmatch_lines_random([text.replace("[", "[[]") for text in WRONG.values()])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_path_by_name(pytester: pytest.Pytester) -> None:
    """The path of a cassette may be given by its name."""
    pytester.mkdir("cassettes").joinpath("a.yaml").write_text("borzoi: 1\nexchanges: []\n")
    pytester.makepyfile("import pytest\n\n@pytest.mark.http_cassette(path='a.yaml')\ndef test_it(): pass")
    pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:trio").assert_outcomes(passed=1)


def test_a_fixture_of_a_wider_scope(pytester: pytest.Pytester) -> None:
    """A fixture that outlives the test cannot have its mock: pytest says so."""
    pytester.makepyfile(
        "import pytest\n\n@pytest.fixture(scope='module')\ndef wide(http_mock): pass\n\ndef test_it(wide): pass"
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:trio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ScopeMismatch: You tried to access the function scoped fixture http_mock*"])


def test_a_mock_is_entered_once(http_mock: Mock, http_clock: Clock) -> None:
    """The fixture is active already; it is no block, no decorator, and its clock does not go back."""
    with pytest.raises(RuntimeError, match=r"test_a_mock_is_entered_once is active already"), http_mock:
        raise AssertionError("never here")
    with pytest.raises(TypeError, match="not callable"):
        http_mock(None)  # type: ignore[operator]
    with pytest.raises(TypeError, match="needs a client"):
        http_mock.bind()
    with pytest.raises(ValueError, match="cannot go back"):
        http_clock.advance(-1)


def test_a_mock_that_is_over() -> None:
    """A mock that has ended takes no more routes, clients or faults, and names whose it was."""
    with Mock("the block before") as over:
        pass
    for use in (
        lambda: over.get("/"),
        lambda: over.bind(borzoi.Client()),
        lambda: over.network("api.test"),
        over.start,
    ):
        with pytest.raises(MockOver, match="The mock of the block before is over"):
            use()


def test_a_sleep_that_nobody_awaits(pytester: pytest.Pytester) -> None:
    """A sleep on the clock that is not awaited in an event loop warns of that, and no time passes."""
    pytester.makepyfile(
        """
import asyncio

def test_it(http_clock):
    async def main():
        http_clock.sleep(3)

    asyncio.run(main())
    assert http_clock.now() == 0
"""
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:trio", "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*RuntimeWarning: coroutine 'Clock.sleep_here' was never awaited"])
