"""The examples that the package was specified by, as they were printed: what passes, what fails, and the text of each failure."""

from __future__ import annotations

import pytest

SIGNUP = """
import borzoi
import pytest
from borzoi.testing import ANY, close, event, fault, wait

def signup(email):
    with borzoi.Client(base_url="https://api.test") as client:
        return client.post("/users", json={"email": email, "plan": "free"}).json()
"""

EXAMPLE = """
def test_signup(http_mock):                       # registered through the pytest11 entry point
    api = http_mock.host("https://api.test")
    new = api.post("/users", json={"email": ANY}).reply(201, json={"id": 7}).times(1)
    api.get("/users/{id:int}").reply(lambda request, id: {"id": id})      # sync or async
    api.get("/feed").sse(event(data={"n": 1}), wait(5), event(data={"n": 2}), close())
    api.get("/flaky").replies(503, fault.reset(after_bytes=512), 200)
"""
NO_NAME = """    http_mock.network("api.test").dns_fail()      # .refuse() .tls("expired") .latency(...)
"""
CALLS = """    signup("a@b.c")
    assert new.calls[0].json["email"] == "a@b.c"
"""
MORE_CALLS = """
    with borzoi.Client(base_url="https://api.test", timeout=6) as client:
        assert client.get("/users/41").json() == {"id": 41}
        with client.stream("GET", "/feed") as response:
            assert [event.json() for event in response.events()] == [{"n": 1}, {"n": 2}]
        assert http_mock.clock.now() == 5
        assert client.get("/flaky").status_code == 503
        with pytest.raises(borzoi.ReadError, match="Connection reset by peer|EOF occurred in violation of protocol"):
            client.get("/flaky")
        assert client.get("/flaky").status_code == 200
"""


def _here(pytester: pytest.Pytester, *tests: str) -> pytest.RunResult:
    pytester.makepyfile("\n".join([SIGNUP, *tests]))
    return pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:trio")


def test_with_every_route_called(pytester: pytest.Pytester) -> None:
    """The example passes where the code under test calls every route: in a process of its own, by the entry point alone."""
    pytester.makepyfile(SIGNUP + EXAMPLE + CALLS + MORE_CALLS)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_as_printed(pytester: pytest.Pytester) -> None:
    """As it is printed the network has no such name, so signing up fails as it does in life, and nothing else is told."""
    result = _here(pytester, EXAMPLE + NO_NAME + CALLS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*borzoi.ConnectError: *api.test*Name or service not known*"])


def test_without_the_network_that_fails(pytester: pytest.Pytester) -> None:
    """With a network, and code that signs up and nothing more, it fails at teardown, and names all that did not come."""
    result = _here(pytester, EXAMPLE + CALLS)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "The mock of test_*::test_signup has ended:",
            "  calls that did not come:",
            "    GET https://api.test/users/{id:int} was expected at least once, and was never called",
            "    GET https://api.test/feed was expected at least once, and was never called",
            "    GET https://api.test/flaky was expected 3 times, and was never called",
        ]
    )


def test_networks(pytester: pytest.Pytester) -> None:
    """Each fault of the network gives the exception and the text of a real one."""
    faults = {
        "dns_fail()": ("ConnectError", "Name or service not known"),
        "refuse()": ("ConnectError", "Connection refused"),
        'tls("expired")': ("ConnectError", "certificate has expired"),
        'tls("self_signed")': ("ConnectError", "self-signed certificate"),
        'tls("wrong_host")': ("ConnectError", "Hostname mismatch|not valid for"),
        "connect_hang()": ("ConnectTimeout", "within 5 s"),
    }
    tests = [
        f"""
def test_{number}(http_mock):
    http_mock.network("api.test").{fault}
    with pytest.raises(borzoi.{error}, match="{text}"):
        signup("a@b.c")
"""
        for number, (fault, (error, text)) in enumerate(faults.items())
    ]
    _here(pytester, *tests).assert_outcomes(passed=len(faults))


TIME = """
def test_a_stall(http_mock, http_clock):
    http_mock.get("https://api.test/").reply(200, fault=fault.stall(60))
    with pytest.raises(borzoi.ReadTimeout):
        borzoi.get("https://api.test/", timeout=5)
    assert http_clock.now() == 5

def test_pauses(http_mock, http_clock):
    http_mock.network("api.test").refuse(times=3)
    http_mock.get("https://api.test/").reply(200)
    with borzoi.Client(transport=borzoi.HTTPTransport(retries=3)) as client:
        client.get("https://api.test/")
    assert http_clock.sleeps == [0.5, 1.0]

def test_without_the_fixture():
    with borzoi.testing.mock() as m, borzoi.Client() as client:
        m.bind(client)
        m.get("https://api.test/").reply(204)
        assert client.get("https://api.test/").status_code == 204

@pytest.mark.http_fault_sweep
def test_swept(http_mock):
    http_mock.get("https://api.test/").reply(json={})
    assert borzoi.get("https://api.test/").raise_for_status().json() == {}

@pytest.mark.http_fault_sweep
def test_found(http_mock):
    http_mock.get("https://api.test/").reply(json={})
    assert borzoi.get("https://api.test/").json() == {}
"""


def test_time_blocks_and_the_sweep(pytester: pytest.Pytester) -> None:
    """A stall of a minute takes no time, pauses are listed, a block binds a client, and a sweep finds what is unsound."""
    result = _here(pytester, TIME)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        ["*test_found*", "What the fault sweep has found in *", "*status 500 at request 1, GET https://api.test/"]
    )
