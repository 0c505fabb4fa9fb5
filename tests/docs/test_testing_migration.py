"""Every idiom on the page about moving tests, as a test that runs. What the page shows stands in a test, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi.testing import ANY, Clock, Mock, close, event, fault, mock, wait
from borzoi.testing.cassette import Cassette, CassetteTransport
from tests.structure.source import ROOT
from tests.worlds.peers import RawServer
from tests.worlds.world import World

URL = "https://api.test/users"
PAGE = ROOT / "docs" / "testing-migration.md"
TESTS = [Path(__file__), *sorted((ROOT / "tests" / "testing").glob("test_*.py"))]

CELL = re.compile(r"`([^`]+)`")


def _shown() -> list[str]:
    """Return the code in the right columns of the tables, and in both of the last."""
    rows = [line.strip("|").split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert {len(row) for row in rows} == {2}
    last = next(number for number, row in enumerate(rows) if "here" in row[0])
    cells = [row[1] for row in rows] + [row[0] for row in rows[last:]]
    return [code for cell in cells for code in CELL.findall(cell)]


def _plain(code: str) -> str:
    return "".join(code.split())


def test_what_the_page_shows_is_tested() -> None:
    """Each piece of code in a right column stands, as it is, in a test."""
    tests = [_plain(path.read_text("utf-8")) for path in TESTS]
    shown = {code: _plain(code).replace("...", "").rstrip(":") for code in _shown()}

    assert len(shown) > 50
    assert [code for code, plain in shown.items() if not any(plain in test for test in tests)] == []


@pytest.fixture
def client() -> Iterator[borzoi.Client]:
    """A client."""
    with borzoi.Client(timeout=5, trust_env=False) as client:
        yield client


# pytest-httpx


def test_anything(http_mock: Mock, client: borzoi.Client) -> None:
    """A route without a method and a URL answers every request, as often as it comes."""
    http_mock.route(None).reply(200)
    assert client.get("https://a.test/").status_code == client.delete("http://b.test:81/x?y").status_code == 200


def test_answers(http_mock: Mock, client: borzoi.Client) -> None:
    """Answers by method, URL and regex, with every kind of body."""
    http_mock.post(URL).reply(201, json={"id": 7})
    http_mock.get(URL).reply(json={"id": 7})
    http_mock.get(re.compile(r".*/users/\d+")).reply(text="one of them")
    http_mock.get("/html").reply(html="<p>hi</p>")
    http_mock.get("/bytes").reply(content=b"\x00")
    http_mock.get("/stream").reply(stream=[b"a", b"b"])

    assert client.post(URL).json() == client.get(URL).json() == {"id": 7}
    assert client.get(f"{URL}/12").text == "one of them"
    assert client.get("https://api.test/html").headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("https://api.test/bytes").content == b"\x00"
    assert client.get("https://api.test/stream").content == b"ab"


def _with(**arguments: Any) -> dict[str, Any]:
    return arguments


MATCHES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (_with(headers={"x-token": "1"}), _with(headers={"X-Token": "1"}), _with(headers={"X-Token": "2"})),
    (_with(content=b"raw"), _with(content=b"raw"), _with(content=b"row")),
    (_with(json={"a": 1}), _with(json={"a": 1, "b": 2}), _with(json={"a": 2})),
    (_with(json={"email": ANY}), _with(json={"email": "a@b.c"}), _with(json={"name": "a"})),
    (_with(json={"a": 1}, exact=True), _with(json={"a": 1}), _with(json={"a": 1, "b": 2})),
    (_with(form={"a": "1"}), _with(data={"a": "1", "b": "2"}), _with(data={"a": "2"})),
    (_with(files={"f": b"data"}), _with(files={"f": b"data"}), _with(files={"f": b"date"})),
    (_with(params={"page": 2}), _with(params={"page": 2, "q": "x"}), _with(params={"page": 3})),
    (
        _with(where=lambda request: "x" in request.params and request.path.startswith("/v2/")),
        _with(url="https://api.test/v2/a?x=1"),
        _with(url="https://api.test/v1/a?x=1"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "fits", "does_not"), MATCHES)
def test_matching(
    conditions: dict[str, Any], fits: dict[str, Any], does_not: dict[str, Any], http_mock: Mock, client: borzoi.Client
) -> None:
    """What a request has to have; any other is no match, and fails the test unless it is forgiven."""
    http_mock.route("POST", **conditions).reply(204)

    assert client.request("POST", **{"url": URL, **fits}).status_code == 204
    with pytest.raises(AssertionError, match="No route answers POST"):
        client.request("POST", **{"url": URL, **does_not})
    http_mock.unmatched.clear()


def test_one_after_another(http_mock: Mock, client: borzoi.Client) -> None:
    """Each call gets the next answer, and all are expected."""
    http_mock.get(URL).replies(503, {"id": 7})
    assert client.get(URL).status_code == 503
    assert client.get(URL).json() == {"id": 7}


def test_how_often(http_mock: Mock, client: borzoi.Client) -> None:
    """A route answers any number of calls; it is expected at least once, so often as is said, or not at all."""
    once = http_mock.get(URL).reply(200).times(1)
    http_mock.get(URL).reply(204)
    http_mock.get("/never").reply(500).optional()
    twice = http_mock.head(URL).times(2)

    assert [client.get(URL).status_code for _ in range(3)] == [200, 204, 204]
    assert [client.head(URL).status_code for _ in range(2)] == [200, 200]
    assert (once.call_count, twice.call_count) == (1, 2)


def test_functions(http_mock: Mock, client: borzoi.Client) -> None:
    """A function is called with the request and the parameters of the path, which have the types that the pattern says."""
    http_mock.get("https://api.test/users/{number:int}").reply(lambda request, number: {"id": number})
    http_mock.post(URL).reply(lambda request: (201, {"echo": request.json}))

    assert client.get(f"{URL}/7").json() == {"id": 7}
    answer = client.post(URL, json=[1])
    assert (answer.status_code, answer.json()) == (201, {"echo": [1]})


def test_exceptions(http_mock: Mock, client: borzoi.Client) -> None:
    """A time-out and a refused connection come about as they do in life; any other exception is given, or raised by a function."""

    def boom(request: Any) -> None:
        raise borzoi.ProxyError(f"no way to {request.path}")

    http_mock.get(URL).reply(boom).times(1)
    with pytest.raises(borzoi.ProxyError, match="no way to /users"):
        client.get(URL)
    http_mock.get(URL).replies(borzoi.ReadTimeout, 200)
    with pytest.raises(borzoi.ReadTimeout):
        client.get(URL)
    assert client.get(URL).status_code == 200
    http_mock.get(URL).reply(borzoi.PoolTimeout("none is free"))
    with pytest.raises(borzoi.PoolTimeout, match="none is free"):
        client.get(URL)
    http_mock.network("api.test").refuse()
    with pytest.raises(borzoi.ConnectError, match="Connection refused"), borzoi.Client() as other:
        other.get(URL)


def test_time_outs(http_mock: Mock, http_clock: Clock, client: borzoi.Client) -> None:
    """A server that says nothing makes the client's own time-out end the request, in no wall time."""
    http_mock.get(URL).reply(200, fault=fault.stall())
    with pytest.raises(borzoi.ReadTimeout):
        client.get(URL)
    assert http_clock.now() == 5


def test_requests_that_came(http_mock: Mock, client: borzoi.Client) -> None:
    """All requests are listed, and those of each route."""
    route = http_mock.post(URL).reply(200)
    client.post(URL, json={"a": 1})

    assert [call.json for call in route.calls] == [{"a": 1}]
    assert route.calls[0].json == {"a": 1}
    assert len(http_mock.calls) == 1
    assert http_mock.calls[0].method == "POST"


def _hello(sock: Any) -> None:
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")


@pytest.mark.http_allow("localhost")
def test_clients_that_are_not_mocked(http_mock: Mock, client: borzoi.Client) -> None:
    """Once a client is bound the others send for real, where the guard allows it."""
    http_mock.bind(client)
    http_mock.get(URL).reply(200)
    with RawServer(_hello) as server, borzoi.Client(trust_env=False) as other:
        assert other.get(server.url).text == "hello"
    assert client.get(URL).status_code == 200


# respx


def test_a_block() -> None:
    """Outside of pytest, or for a part of a test, a mock is a block."""
    with mock() as m:
        m.get(URL).reply(json=1)
        assert borzoi.get(URL).json() == 1


def test_a_base_url(http_mock: Mock, client: borzoi.Client) -> None:
    """Routes below a base URL, with a response as it is, a status, several answers and the groups of a regex."""
    api = http_mock.host("https://api.test")
    api.get("/made").reply(borzoi.Response(200, json=[1]))
    api.get("/gone").reply(404)
    api.get("/flaky").replies(503, fault.reset(), 200)
    api.get(re.compile(r".*/(?P<slug>\w+)/raw")).reply(lambda request, slug: slug)

    assert client.get("https://api.test/made").json() == [1]
    assert client.get("https://api.test/gone").status_code == 404
    assert client.get("https://api.test/flaky").status_code == 503
    # The connection that was kept is reset, and a GET tried again.
    assert client.get("https://api.test/flaky").status_code == 200
    assert client.get("https://api.test/borzoi/raw").text == "borzoi"


def test_patterns(http_mock: Mock, client: borzoi.Client) -> None:
    """Hosts with a star, paths with parameters, and values that only have to be there."""
    http_mock.get("*://*.example.com/{rest:path}", params={"q": ANY}).reply(lambda request, rest: rest)
    assert client.get("http://www.example.com/a/b?q=1").text == "a/b"


def test_assertions_on_routes(http_mock: Mock, client: borzoi.Client) -> None:
    """A route tells of its calls, and asserts their number."""
    route = http_mock.get(URL).reply(200).optional()
    route.assert_not_called()
    client.get(URL)
    client.get(URL, headers={"Accept": "text/x"})

    assert route.called
    assert route.call_count == 2
    assert route.calls[-1].headers["accept"] == "text/x"
    route.assert_called(2)


def test_a_transport(http_mock: Mock) -> None:
    """What takes a transport and nothing else is given one with the routes."""
    http_mock.get(URL).reply(json={"ok": True}, headers={"x-a": "b"})
    with borzoi.Client(transport=http_mock.transport()) as client:
        answer = client.get(URL)
    assert (answer.json(), answer.headers["x-a"]) == ({"ok": True}, "b")


# responses


def test_an_order(http_mock: Mock, client: borzoi.Client) -> None:
    """Routes that are called in another order than they were to be fail the test."""
    first, second = http_mock.get("/1"), http_mock.get("/2")
    http_mock.in_order(first, second)
    for path in ("/1", "/2"):
        client.get(f"https://api.test{path}")
    assert first.calls[0].number < second.calls[0].number


def test_pauses_between_retries(http_mock: Mock, http_clock: Clock) -> None:
    """The pauses between attempts are listed, and take no time."""
    http_mock.network("api.test").refuse(times=3)
    http_mock.get(URL).reply(200)
    with borzoi.Client(transport=borzoi.HTTPTransport(retries=3)) as client:
        assert client.get(URL).status_code == 200
    assert http_clock.sleeps == [0.5, 1]


# aioresponses


def test_async_functions(http_mock: Mock, async_world: World) -> None:
    """A function may be `async`, and events come in the time of the clock."""

    async def answer(request):
        await http_mock.clock.sleep(1)
        return {"id": request.json["id"]}

    http_mock.post(URL).reply(answer)
    http_mock.get(URL).sse(event({"n": 1}), wait(5), event({"n": 2}), close())

    async def body() -> None:
        async with async_world.client(trust_env=False, timeout=10) as client:
            assert (await client.post(URL, json={"id": 7})).json() == {"id": 7}
            async with client.stream("GET", URL) as response:
                assert [event.json()["n"] async for event in response.aevents()] == [1, 2]

    async_world.run(body)
    assert http_mock.clock.now() == 6


# vcrpy


@pytest.mark.http_cassette("vcrpy.yaml")
def test_a_cassette_of_vcrpy(client: borzoi.Client) -> None:
    """A cassette that vcrpy wrote replays, and requests are found with other secrets than were recorded."""
    answer = client.post("https://api.test/login?api_key=another", json={"user": "laika"})
    assert (answer.status_code, answer.json()) == (200, {"user": "laika"})


def test_a_block_with_a_cassette(client: borzoi.Client) -> None:
    """Without pytest a cassette is a block, or a transport of one client, and knows what was not played."""
    path = Path(__file__).parent / "cassettes" / "vcrpy.yaml"
    with Cassette(path) as cassette:
        assert len(cassette.unused) == 1
        client.post("https://api.test/login?api_key=x", json={"user": "laika"})
        assert cassette.unused == []

    cassette = Cassette(path, unused="fail", match=("method", "path"))
    with borzoi.Client(transport=CassetteTransport(cassette)) as other:
        assert other.post("https://api.test/login").json() == {"user": "laika"}


# What they do not have


def test_faults(http_mock: Mock, http_clock: Clock, client: borzoi.Client) -> None:
    """Connections break and servers are slow or wrong, and the client raises what it raises in life."""
    for name, one in {
        "reset": fault.reset(after_bytes=512),
        "truncate": fault.truncate(3),
        "garbage": fault.garbage(),
    }.items():
        http_mock.get(f"/{name}").replies(one)
        with pytest.raises((borzoi.ReadError, borzoi.RemoteProtocolError)):
            client.get(f"https://api.test/{name}")
    http_mock.get("/drip").reply(200, text="abc" * 100, fault=fault.drip(50, every=1))
    assert client.get("https://api.test/drip").text == "abc" * 100
    assert http_clock.now() == 7
    http_clock.sleep(3)
    assert http_clock.now() == 10


def test_networks(http_mock: Mock, http_clock: Clock, client: borzoi.Client) -> None:
    """Names that nobody knows, certificates that are over, and a network that is slow."""
    http_mock.network("api.test").dns_fail()
    http_mock.network("tls.test").tls("expired")
    http_mock.network("slow.test").latency(2)
    http_mock.get("/").reply(200)

    for url, words in (
        ("https://api.test/", "Name or service not known"),
        ("https://tls.test/", "certificate has expired"),
    ):
        with pytest.raises(borzoi.ConnectError, match=words):
            client.get(url)
    assert client.get("https://slow.test/").status_code == 200
    assert http_clock.now() == 4
