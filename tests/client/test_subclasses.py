"""What programs derive from our classes: clients, authentication, transports, bodies, errors, values."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from borzoi import (
    AsyncByteStream,
    AsyncClient,
    Auth,
    Client,
    HTTPStatusError,
    MockTransport,
    QueryParams,
    Request,
    Response,
    SyncByteStream,
)
from tests.client.conftest import World

ANYWHERE = "https://one.example/"
VERBS = ["get", "options", "head", "post", "put", "patch", "delete", "query"]


def echo(request: Request) -> Response:
    """Answer with what was sent."""
    return Response(200, json={"method": request.method, "tag": request.headers.get("X-Tag"), "url": str(request.url)})


class Tagged:
    """Tag every request, and note the methods that it came through."""

    tag = "mine"

    def build_request(self, *args: Any, **kwargs: Any) -> Request:
        self.way.append("build_request")
        request: Request = super().build_request(*args, **kwargs)  # type: ignore[misc]
        request.headers["X-Tag"] = self.tag
        return request

    def _transport_for_url(self, url: Any) -> Any:
        self.way.append("_transport_for_url")
        return super()._transport_for_url(url)  # type: ignore[misc]

    @property
    def way(self) -> list[str]:
        """The methods that requests came through."""
        way: list[str] = self.__dict__.setdefault("_way", [])
        return way


class TaggedClient(Tagged, Client):
    """A blocking client that a program wrote."""

    def request(self, method: str, url: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        self.way.append("request")
        return super().request(method, url, **kwargs)

    def send(self, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        self.way.append("send")
        return super().send(request, **kwargs)


class TaggedAsyncClient(Tagged, AsyncClient):
    """A client for event loops that a program wrote."""

    async def request(self, method: str, url: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        self.way.append("request")
        return await super().request(method, url, **kwargs)

    async def send(self, request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        self.way.append("send")
        return await super().send(request, **kwargs)


def tagged(world: World) -> Any:
    """Return the world's client of those."""
    kind = TaggedAsyncClient if world.is_async else TaggedClient
    return kind(transport=MockTransport(echo), base_url=ANYWHERE)


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_go_through_what_a_subclass_overrides(world: World, verb: str) -> None:
    """Each verb calls `request()`, which calls `build_request()` and `send()`: all may be overridden."""
    client = tagged(world)
    response = world.run(getattr(client, verb), "x", params={"a": "1"})

    assert response.json() == {"method": verb.upper(), "tag": "mine", "url": ANYWHERE + "x?a=1"}
    assert client.way == ["request", "build_request", "send", "_transport_for_url"]


def test_streams_go_through_what_a_subclass_overrides(world: World) -> None:
    """`stream()` and `sse()` build and send as the other methods do."""
    client = tagged(world)
    world.stream(client, "GET", "x")

    assert client.way == ["build_request", "send", "_transport_for_url"]


@pytest.mark.parametrize("name", [*VERBS, "request", "stream", "send", "build_request", "sse"])
def test_clients_have_the_same_signatures(name: str) -> None:
    """The two clients take the same arguments, and show them to `inspect` and to editors."""
    blocking, asynchronous = (inspect.signature(getattr(kind, name)).parameters for kind in (Client, AsyncClient))

    assert list(blocking.values()) == list(asynchronous.values())
    assert "kwargs" not in blocking
    assert inspect.getdoc(getattr(Client, name))


class TwoSteps(Auth):
    """Authentication in two requests, the second of which says what the first was answered."""

    requires_response_body = True

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        response = yield request
        request.headers["X-Tag"] = f"{response.status_code} {len(response.content)}"
        yield request


def test_authentication_of_a_program(world: World) -> None:
    """A flow that a program wrote is driven, and sees the bodies that it asks for."""
    response = world.run(world.client(echo).get, ANYWHERE, auth=TwoSteps())

    assert response.json()["tag"].startswith("200 ")


class Pieces(SyncByteStream, AsyncByteStream):
    """A body that a program wrote."""

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"one ", b"two")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def test_bodies_of_a_program(world: World) -> None:
    """A body that a program wrote is sent and received."""
    sent: list[bytes] = []

    def blocking(request: Request) -> Response:
        sent.append(request.read())
        return Response(200, stream=Pieces())

    async def asynchronous(request: Request) -> Response:
        sent.append(await request.aread())
        return Response(200, stream=Pieces())

    client = world.client(asynchronous if world.is_async else blocking)
    response = world.run(client.send, Request("POST", ANYWHERE, stream=Pieces()))
    assert (sent, response.content) == ([b"one two"], b"one two")


class Mine(Response):
    """A response that a program wrote."""

    @property
    def shout(self) -> str:
        """The text in capitals."""
        return self.text.upper()


def test_responses_of_a_program(world: World) -> None:
    """A transport may answer with a class of its own, and a program may make one of what it got."""
    assert type(world.run(world.client(lambda _: Mine(200, text="x")).get, ANYWHERE)) is Mine

    response = world.run(world.client(lambda _: Response(200, text="x")).get, ANYWHERE)
    response.__class__ = Mine
    assert response.shout == "X"
    assert type(copy.copy(response)) is Mine


def test_copies_of_a_response(world: World) -> None:
    """A copy has what the response has, and what is set in it is its own."""
    response = world.run(world.client(echo).get, ANYWHERE)
    copied = copy.copy(response)
    copied.status_code = 404
    copied.elapsed = response.elapsed * 2

    assert (response.status_code, copied.content) == (200, response.content)
    assert copied.request is response.request
    assert copied.elapsed == 2 * response.elapsed


class Detailed(HTTPStatusError):
    """An error that a program wrote."""

    def __init__(self, message: str, *, request: Request, response: Response, detail: str = "") -> None:
        super().__init__(message, request=request, response=response)
        self.detail = detail


def test_errors_of_a_program() -> None:
    """An error with arguments of its own keeps them when it is pickled."""
    request = Request("GET", ANYWHERE)
    error = Detailed("gone", request=request, response=Response(410, request=request), detail="for good")

    for other in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(other), str(other), other.detail) == (Detailed, "gone", "for good")
        assert (other.request.url, other.response.status_code) == (ANYWHERE, 410)


class Ordered(QueryParams):
    """Parameters that a program wrote."""


def test_values_of_a_program(world: World) -> None:
    """Parameters of a class of the program's are sent as any others."""
    response = world.run(world.client(echo).get, ANYWHERE, params=Ordered({"a": [1, 2]}))

    assert response.json()["url"] == ANYWHERE + "?a=1&a=2"
