"""Requests through the clients: what the client's settings make of the arguments, and what comes back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import borzoi
from borzoi._config import Timeout
from borzoi._errors import ConnectError, DecodingError, InvalidURL, ReadError
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._values.headers import Headers
from borzoi._values.query import QueryParams
from borzoi._values.url import URL
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks

ANYWHERE = "https://one.example/"


def echo(request: Request) -> Response:
    """Answer with what was asked."""
    return Response(
        200,
        json={
            "method": request.method,
            "url": str(request.url),
            "headers": request.headers.multi_items(),
            "body": request.content.decode(),
        },
    )


@pytest.mark.parametrize("verb", ["get", "options", "head", "delete"])
def test_verbs_without_a_body(world: World, verb: str) -> None:
    """Each verb sends its method with everything that it was given."""
    client = world.client(echo)
    response = world.run(getattr(client, verb), ANYWHERE, params={"a": 1}, headers={"X-One": "1"}, extensions={"e": 1})

    assert response.request.method == verb.upper()
    assert response.url == "https://one.example/?a=1"
    assert response.request.headers["X-One"] == "1"
    assert response.request.extensions["e"] == 1


@pytest.mark.parametrize("verb", ["post", "put", "patch", "query"])
@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"content": b"raw"}, "raw"),
        ({"data": {"a": "1"}}, "a=1"),
        ({"json": {"a": 1}}, '{"a":1}'),
        ({}, ""),
    ],
)
def test_verbs_with_a_body(world: World, verb: str, body: dict[str, Any], sent: str) -> None:
    """Each verb sends its method and its body."""
    client = world.client(echo)
    shown = world.run(getattr(client, verb), ANYWHERE, **body).json()

    assert (shown["method"], shown["body"]) == (verb.upper(), sent)


def test_files(world: World) -> None:
    """Files are sent as a multipart form."""
    shown = world.run(world.client(echo).post, ANYWHERE, files={"file": ("a.txt", b"content")}).json()

    assert 'filename="a.txt"' in shown["body"]


def test_default_headers(world: World) -> None:
    """Without settings a request has Host and four fields, in this order."""
    headers = Headers(world.run(world.client(echo).get, ANYWHERE).json()["headers"])

    assert list(headers) == ["host", "accept", "accept-encoding", "connection", "user-agent"]
    assert headers["accept"] == "*/*"
    assert headers["accept-encoding"].startswith("gzip, deflate")
    assert headers["connection"] == "keep-alive"
    assert headers["user-agent"] == f"python-borzoi/{borzoi.__version__}"


def test_headers_are_merged(world: World) -> None:
    """Headers of the request win over those of the client, and those over the defaults."""
    client = world.client(echo, headers={"User-Agent": "mine", "X-Client": "1", "X-Both": "client"})
    headers = Headers(world.run(client.get, ANYWHERE, headers={"X-Both": "request"}).json()["headers"])

    assert (headers["user-agent"], headers["x-client"], headers["x-both"]) == ("mine", "1", "request")
    assert client.headers["X-Both"] == "client"


def test_headers_are_assigned_over_the_defaults(world: World) -> None:
    """Assigned headers replace the client's, but not the defaults."""
    client = world.client(echo, headers={"X-Old": "1"})
    client.headers = {"X-New": "1"}

    assert "x-old" not in client.headers
    assert set(client.headers) >= {"x-new", "accept", "user-agent"}


def test_one_request_does_not_change_the_next(world: World) -> None:
    """A change of a request's headers or time-outs is its own: the client's stay as they are."""
    client = world.client(echo)
    first = client.build_request("GET", ANYWHERE)
    first.headers["X-Mine"] = "1"
    first.extensions["timeout"]["read"] = 1
    second = client.build_request("GET", ANYWHERE)

    assert "x-mine" not in second.headers
    assert "x-mine" not in client.headers
    assert second.extensions["timeout"]["read"] == 5.0


@pytest.mark.parametrize(
    ("client", "request_", "query"),
    [
        (None, None, b"q=url"),
        ({"a": "1"}, None, b"a=1"),
        (None, {"b": "2"}, b"b=2"),
        ({"a": "1", "c": "1"}, {"c": "2"}, b"a=1&c=2"),
        (None, {}, b""),
    ],
)
def test_params_are_merged(world: World, client: Any, request_: Any, query: bytes) -> None:
    """Params of the request win over the client's; params given replace the query of the URL."""
    merged = world.client(echo, params=client).build_request("GET", ANYWHERE + "?q=url", params=request_)

    assert merged.url.query == query


def test_params_can_be_assigned(world: World) -> None:
    """Params are QueryParams, however they are given."""
    client = world.client(echo)
    client.params = {"a": "1"}

    assert client.params == QueryParams("a=1")


@pytest.mark.parametrize(
    ("base", "url", "merged"),
    [
        ("https://one.example", "path", "https://one.example/path"),
        ("https://one.example/api", "/path", "https://one.example/api/path"),
        ("https://one.example/api/", "path?a=1", "https://one.example/api/path?a=1"),
        ("https://one.example/api", "", "https://one.example/api/"),
        ("https://one.example/api/", "../path", "https://one.example/path"),
        ("https://one.example/api", "https://two.example/", "https://two.example/"),
        ("https://one.example/api", URL("/path"), "https://one.example/api/path"),
        ("", "https://two.example", "https://two.example"),
        ("", "/path", "/path"),
    ],
)
def test_base_url(world: World, base: str, url: Any, merged: str) -> None:
    """A relative URL is appended to the base; an absolute one stands for itself."""
    assert world.client(echo, base_url=base).build_request("GET", url).url == merged


def test_base_url_ends_with_a_slash(world: World) -> None:
    """The base URL gets the slash that paths are appended after."""
    client = world.client(echo, base_url="https://one.example/api")
    assert client.base_url == "https://one.example/api/"

    client.base_url = "https://two.example/v1"
    assert client.build_request("GET", "/x").url == "https://two.example/v1/x"


@pytest.mark.parametrize("url", [None, 7, b"https://one.example/"])
def test_url_that_is_no_text(world: World, url: Any) -> None:
    """A URL is text or a URL: the error names what was given."""
    with pytest.raises(TypeError, match="Expected str or URL"):
        world.run(world.client(echo).get, url)


def test_url_that_is_malformed(world: World) -> None:
    """A malformed URL raises InvalidURL."""
    with pytest.raises(InvalidURL):
        world.run(world.client(echo).get, "https://one.example:port/")


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_redirects": "many"}, TypeError),
        ({"max_redirects": True}, TypeError),
        ({"max_redirects": -1}, ValueError),
        ({"event_hooks": []}, TypeError),
        ({"event_hooks": {"request": print}}, TypeError),
        ({"event_hooks": {"response": ["print"]}}, TypeError),
        ({"event_hooks": {"response": "print"}}, TypeError),
        ({"default_encoding": None}, TypeError),
        ({"timeout": "5"}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"base_url": 7}, TypeError),
        ({"proxy": "ftp://proxy"}, ValueError),
        ({"mounts": {"http": None}}, ValueError),
    ],
)
def test_settings_are_checked(world: World, settings: dict[str, Any], error: type[Exception]) -> None:
    """A setting that cannot be is refused when the client is made, by name and value."""
    with pytest.raises(error) as caught:
        world.client(transport=Answering(), **settings)
    assert str(caught.value)


def test_extensions_have_to_be_a_mapping(world: World) -> None:
    """Extensions that are no mapping are refused."""
    with pytest.raises(TypeError, match="Invalid extensions of type list"):
        world.run(world.client(echo).get, ANYWHERE, extensions=[1])


def test_send_sends_a_request_as_it_is(world: World) -> None:
    """A request that the program made gets nothing of the client's but its time-outs."""
    client = world.client(echo, headers={"X-Client": "1"}, params={"a": 1})
    response = world.run(client.send, Request("GET", ANYWHERE))

    assert response.json()["url"] == ANYWHERE
    assert [name for name, _ in response.json()["headers"]] == ["host"]
    assert response.request.extensions["timeout"] == Timeout(5).as_dict()


def test_errors_carry_their_request(world: World) -> None:
    """An error of the transport gets the request that it belongs to, unless it has one."""
    client = world.client(transport=Answering(ConnectError("refused")))
    with pytest.raises(ConnectError, match="refused") as caught:
        world.run(client.get, ANYWHERE)
    assert caught.value.request.url == ANYWHERE

    own = Request("GET", "https://own.example/")
    client = world.client(transport=Answering(ConnectError("refused", request=own)))
    with pytest.raises(ConnectError) as caught:
        world.run(client.get, ANYWHERE)
    assert caught.value.request is own


@pytest.mark.parametrize("error", [ReadError("broken"), KeyboardInterrupt(), LookupError("mine")])
def test_response_is_closed_when_its_body_breaks(world: World, error: BaseException) -> None:
    """Whatever ends the reading of the body closes the response."""
    body = Chunks(b"half", error=error)
    client = world.client(transport=Answering(Response(200, stream=body)))

    with pytest.raises(type(error)):
        world.run(client.get, ANYWHERE)
    assert body.closed == 1


def test_body_that_does_not_decode(world: World) -> None:
    """A broken content coding raises DecodingError with the request."""
    body = Chunks(b"this is not gzip")
    client = world.client(transport=Answering(Response(200, headers={"Content-Encoding": "gzip"}, stream=body)))

    with pytest.raises(DecodingError) as caught:
        world.run(client.get, ANYWHERE)
    assert caught.value.request.url == ANYWHERE
    assert body.closed == 1


def test_default_encoding(world: World) -> None:
    """Text that names no encoding is decoded as the client says, by name or by function."""
    named = world.client(lambda request: Response(200, content="é".encode("cp1252")), default_encoding="cp1252")
    assert world.run(named.get, ANYWHERE).text == "é"

    found = world.client(
        lambda request: Response(200, content="é".encode("cp1252")), default_encoding=lambda _: "cp1252"
    )
    assert world.run(found.get, ANYWHERE).text == "é"


class Hand:
    """A clock that moves when it is read."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 1.5
        return self.time


@pytest.mark.parametrize("answer", [{"content": b"here"}, {"stream": Chunks(b"later")}])
def test_elapsed_is_read_from_the_clock(world: World, answer: dict[str, Any]) -> None:
    """`elapsed` runs from sending to the end of the body, on the client's clock."""
    client = world.client(lambda request: Response(200, **answer), clock=Hand())
    response = world.run(client.get, ANYWHERE)

    assert response.elapsed == dt.timedelta(seconds=1.5)


def test_elapsed_without_a_clock(world: World) -> None:
    """Without a clock of its own the client uses the system's."""
    response = world.run(world.client(echo).get, ANYWHERE)

    assert dt.timedelta(0) < response.elapsed < dt.timedelta(minutes=1)


class Shouting(Response):
    """A subclass with a reading of its own."""

    reads = 0

    def read(self) -> bytes:
        self.reads += 1
        return super().read()

    async def aread(self) -> bytes:
        self.reads += 1
        return await super().aread()


def test_subclass_of_response_is_read_by_its_method(world: World) -> None:
    """What a transport returns is read by the method that it has."""
    response = world.run(world.client(lambda request: Shouting(200, stream=Chunks(b"a", b"b"))).get, ANYWHERE)

    assert (response.content, response.reads) == (b"ab", 1)
