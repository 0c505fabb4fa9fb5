"""The socket seam: routes, streams and faults behind a real server, for any client."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.request
from typing import Any

import pytest

import borzoi
from borzoi.testing import UnmetExpectations, close, event, fault, wait
from borzoi.testing.server import Server

pytest_plugins = ["pytester"]


def test_any_client() -> None:
    """A client that is not ours gets the reply of a route, and the request is among the calls."""
    with Server() as server:
        server.get("/users/{id:int}").reply(json={"id": 7})
        connection = http.client.HTTPConnection(server.host, server.port, timeout=5)
        connection.request("GET", "/users/7")
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()

    assert (answer.status, body) == (200, {"id": 7})
    assert [str(call) for call in server.calls] == [f"GET {server.url}/users/7"]


def test_one_connection_serves_many() -> None:
    """Connections are kept; functions answer, `async` ones too; bodies arrive."""

    async def echo(request: Any) -> Any:
        return {"sent": request.json}

    with Server() as server, borzoi.Client(base_url=server.url, trust_env=False) as client:
        server.post("/echo").reply(echo)
        server.get("/plain").reply(lambda request: "hello")
        assert client.post("/echo", json=[1]).json() == {"sent": [1]}
        assert client.get("/plain").text == "hello"
        assert client.post("/echo", content=iter([b"[", b"2]"])).json() == {"sent": [2]}
        assert server.connections == 1


def test_a_stream_of_events() -> None:
    """Server-sent events come one by one, pauses included, and end."""
    with Server() as server, borzoi.Client(trust_env=False) as client:
        server.get("/feed").sse(event(data="1"), wait(0.001), event(data="2"), close())
        with client.stream("GET", f"{server.url}/feed") as response:
            assert [one.data for one in response.events()] == ["1", "2"]


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        (fault.reset(), borzoi.ReadError),
        (fault.reset(after_bytes=3), borzoi.ReadError),
        (fault.truncate(), borzoi.RemoteProtocolError),
        (fault.truncate(3), borzoi.RemoteProtocolError),
        (fault.garbage(), borzoi.RemoteProtocolError),
        (fault.bad_chunk(), borzoi.RemoteProtocolError),
        (fault.stall(), borzoi.ReadTimeout),
    ],
    ids=repr,
)
def test_faults(spoilt: fault.Fault, error: type[Exception]) -> None:
    """A fault is what it is on a network, and a stall ends with the server."""
    timeout = 0.05 if error is borzoi.ReadTimeout else 5
    with Server() as server, borzoi.Client(trust_env=False, timeout=timeout) as client:
        server.get("/").replies(spoilt)
        with pytest.raises(error):
            client.get(server.url)


@pytest.mark.parametrize(
    ("tls", "words"),
    [("expired", "certificate has expired"), ("wrong_host", "mismatch"), ("untrusted", "unable to get local issuer")],
)
def test_certificates(tls: str, words: str) -> None:
    """What is wrong with a certificate is what the client says; with a sound one the URL of requests is `https`."""
    with Server(tls=tls) as server, borzoi.Client(verify=server.trust(), trust_env=False) as client:
        with pytest.raises(borzoi.ConnectError, match=words):
            client.get(server.url)
    with Server(tls=True) as server:
        server.get("/").reply(200)
        with urllib.request.urlopen(server.url, context=server.trust()) as answer:
            assert answer.status == 200
        assert server.calls[0].url.scheme == "https"


def test_what_does_not_answer() -> None:
    """A request without a route is told why, and fails the block, as a route without a request does."""
    with pytest.raises(UnmetExpectations) as caught, Server() as server:  # noqa: PT012 - the block is what fails
        server.get("/users").reply(200)
        answer = borzoi.post(f"{server.url}/users", trust_env=False)
        assert answer.status_code == 500
        assert "POST" in answer.text

    assert "requests that no route answers" in str(caught.value)
    assert "calls that did not come" in str(caught.value)


def test_what_a_failed_block_adds() -> None:
    """A block that fails keeps its error, which is told what else was wrong."""
    with pytest.raises(ZeroDivisionError) as caught, Server() as server:  # noqa: PT012 - the same
        server.get("/").reply(200)
        raise ZeroDivisionError

    assert "calls that did not come" in caught.value.__notes__[0]


def test_a_certificate_that_there_is_not() -> None:
    """The error names the certificates that can be shown."""
    with pytest.raises(ValueError, match="'wrong_host', 'untrusted', 'self_signed', not 'odd'"):
        Server(tls="odd")


def test_the_client_trusts_the_authority_only_on_request() -> None:
    """`trust()` is a context of its own: what others trust is as it was."""
    with Server(tls=True) as server:
        assert isinstance(server.trust(), ssl.SSLContext)
        with pytest.raises(borzoi.ConnectError, match="certificate"):
            borzoi.get(server.url, trust_env=False)


TEST = """
import borzoi, pytest

def test_it(http_server):
    http_server.get("/").reply(text="hello")
    assert borzoi.get(http_server.url, trust_env=False).text == "hello"

@pytest.mark.http_server(tls=True)
def test_tls(http_server):
    http_server.get("/").reply(text="hello")
    assert borzoi.get(http_server.url, verify=http_server.trust(), trust_env=False).text == "hello"

def test_unmet(http_server):
    http_server.get("/never").reply(200)
"""


@pytest.mark.parametrize("ini", ["", "http_guard = strict"])
def test_the_fixture(ini: str, pytester: pytest.Pytester) -> None:
    """The fixture serves, with TLS where the marker says so; the guard lets it through; unmet routes fail at teardown."""
    pytester.makeini(f"[pytest]\n{ini}")
    pytester.makepyfile(TEST)
    plugins = [
        "-p",
        "borzoi.testing.plugin_server",
        "-p",
        "borzoi.testing.plugin_guard",
        "-p",
        "no:asyncio",
        "-p",
        "no:anyio",
    ]
    result = pytester.runpytest_inprocess(*plugins, "-W", "error")

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_unmet*", "*calls that did not come*"])
