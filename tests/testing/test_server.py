"""The socket seam: routes, streams and faults behind a real server, for any client."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.request
from typing import Any

import h2.connection
import h2.events
import pytest

import borzoi
from borzoi.testing import UnmetExpectations, close, event, fault, wait
from borzoi.testing.server import Server
from tests.worlds.world import World

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


def test_http2_over_tls_and_without(world: World) -> None:
    """A client that offers HTTP/2 gets it in the handshake, and one that knows the server to speak it at once."""

    async def body() -> None:
        async with world.client(verify=secured.trust(), http2=True, trust_env=False) as client:
            await told(client, secured)
        async with world.client(http1=False, http2=True, trust_env=False) as client:
            await told(client, plain)

    async def told(client: Any, server: Server) -> None:
        server.post("/echo").reply(lambda request: {"got": len(request.content), "over": request.http_version})
        server.get("/feed").sse(event(data="1"), wait(0.001), event(data="2"), close())
        response = await client.post(f"{server.url}/echo", content=b"x" * 200_000)
        assert response.json() == {"got": 200_000, "over": "HTTP/2"}
        async with client.stream("GET", f"{server.url}/feed") as response:
            assert [line async for line in response.aiter_lines() if line] == ["data: 1", "data: 2"]
        answers = await world.gather(*[lambda: client.post(f"{server.url}/echo") for _ in range(3)])
        assert [answer.http_version for answer in answers] == ["HTTP/2"] * 3
        assert server.connections == 1

    with Server(tls=True) as secured, Server() as plain:
        world.run(body)


def test_a_server_of_http1_alone() -> None:
    """Without HTTP/2 a server agrees to none."""
    with Server(tls=True, http2=False) as server:
        server.get("/").reply(204)
        with borzoi.Client(verify=server.trust(), http2=True, trust_env=False) as client:
            assert client.get(server.url).http_version == "HTTP/1.1"


def test_a_client_of_http2_that_is_not_ours() -> None:
    """h2 gets a reply with all that it can have, and is told what no route answers."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    head = [(":method", "GET"), (":scheme", "http"), (":authority", "here")]
    connection.send_headers(1, [*head, (":path", "/")], end_stream=True)
    connection.send_headers(3, [*head, (":path", "/none")], end_stream=True)
    events: list[Any] = []
    with pytest.raises(UnmetExpectations, match="GET http://here/none"), Server() as server:  # noqa: PT012
        server.get("/").reply(text="hi", interim=[103], trailers={"X-Sum": "7"})
        with socket.create_connection((server.host, server.port), timeout=5) as sock:
            while sum(isinstance(one, h2.events.StreamEnded) for one in events) < 2:
                sock.sendall(connection.data_to_send())
                events += connection.receive_data(sock.recv(65536))

    of_first = [type(one).__name__ for one in events if getattr(one, "stream_id", 0) == 1]
    assert [name for name in of_first if name != "WindowUpdated"] == [
        "InformationalResponseReceived",
        "ResponseReceived",
        "DataReceived",
        "TrailersReceived",
        "StreamEnded",
    ]
    said = b"".join(one.data for one in events if isinstance(one, h2.events.DataReceived) and one.stream_id == 3)
    assert b"No route answers GET http://here/none" in said


def test_a_preface_in_pieces() -> None:
    """What begins as a preface may be one that comes in pieces, or a request of HTTP/1.1 with a method of its own."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    data = connection.data_to_send()
    with Server() as server:
        server.route("PRI", "/x").reply(text="primed")
        with socket.create_connection((server.host, server.port), timeout=5) as sock:
            sock.sendall(data[:10])
            sock.sendall(data[10:])
            assert sock.recv(9)[3] == 4
        with socket.create_connection((server.host, server.port), timeout=5) as sock:
            sock.sendall(b"PRI ")
            sock.sendall(b"/x HTTP/1.1\r\nHost: here\r\n\r\n")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        with socket.create_connection((server.host, server.port), timeout=5) as sock:
            sock.sendall(b"PRI ")


def test_names_are_found_at_the_server() -> None:
    """`resolve` finds every name at the server, but for those that are to fail, so often as they are."""
    with Server() as server:
        server.get("/").reply(204)
        server.network.dns_fail(times=1)
        url = f"http://api.test:{server.port}/"
        with borzoi.Client(resolver=server.resolve, trust_env=False) as client:
            with pytest.raises(borzoi.ConnectError, match="Name or service not known"):
                client.get(url)
            assert client.get(url).status_code == 204


def test_what_a_server_cannot_count() -> None:
    """Whom the system turns away nobody counts, and what is spoken is settled before."""
    with Server() as server:
        with pytest.raises(TypeError, match=r"times= cannot hold for refuse\(\) here"):
            server.network.refuse(times=1)
        with pytest.raises(TypeError, match=r"Server\(http2=False\)"):
            server.network.http1_only()


def test_faults_of_connections_are_counted() -> None:
    """A bad certificate is shown so often as it is to be; latency puts off each reply."""
    with Server(tls=True) as server:
        server.get("/").reply(204)
        server.network.tls("expired", times=1).latency(0.001)
        with borzoi.Client(verify=server.trust(), trust_env=False) as client:
            with pytest.raises(borzoi.ConnectError, match="expired"):
                client.get(server.url)
            assert client.get(server.url).status_code == 204
