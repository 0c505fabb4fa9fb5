"""Authentication through the clients: which scheme is chosen, and how its flow is driven."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from borzoi._errors import ReadError, TooManyRedirects
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._policy.auth import Auth, BasicAuth
from borzoi._policy.digest import DigestAuth
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks

URL = "https://one.example/"
BASIC = "Basic dXNlcjpzZWNyZXQ="  # user:secret


def show(request: Request) -> Response:
    """Answer with the credentials that came."""
    return Response(200, json={"auth": request.headers.get("Authorization")})


class Repeat(Auth):
    """Send the request several times, each with what the last response said."""

    requires_request_body = True
    requires_response_body = True

    def __init__(self, times: int) -> None:
        self.times = times
        self.ended = False

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        nonces: list[str] = []
        try:
            for _ in range(self.times):
                request.headers["Authorization"] = f"Repeat {'.'.join(nonces)} {request.content.decode()}"
                response = yield request
                nonces.append(response.text)
            yield request
        finally:
            self.ended = True


@pytest.mark.parametrize("where", ["client", "request", "assigned"])
@pytest.mark.parametrize("auth", [("user", "secret"), (b"user", b"secret"), BasicAuth("user", "secret")])
def test_basic_credentials(world: World, where: str, auth: Any) -> None:
    """A pair of name and password goes as Basic, from the client or from the request."""
    client = world.client(show, auth=auth if where == "client" else None)
    if where == "assigned":
        client.auth = auth
    options = {"auth": auth} if where == "request" else {}

    assert world.run(client.get, URL, **options).json() == {"auth": BASIC}


def test_credentials_in_the_url(world: World) -> None:
    """Credentials in the URL go as Basic, decoded, unless others are given."""
    client = world.client(show)

    assert world.run(client.get, "https://user:s%65cret@one.example/").json() == {"auth": BASIC}
    assert world.run(client.get, "https://x:y@one.example/", auth=("user", "secret")).json() == {"auth": BASIC}


def test_credentials_in_the_base_url(world: World) -> None:
    """Credentials in the base URL go with each request below it."""
    client = world.client(show, base_url="https://user:secret@one.example/api")

    assert world.run(client.get, "/path").json() == {"auth": BASIC}


def test_no_auth_wins_over_the_client(world: World) -> None:
    """auth=None sends a request without the client's credentials."""
    assert world.run(world.client(show, auth=("user", "secret")).get, URL, auth=None).json() == {"auth": None}


def test_function_as_auth(world: World) -> None:
    """A function takes the request and returns the one to send."""

    def sign(request: Request) -> Request:
        request.headers["Authorization"] = "Signed"
        return request

    assert world.run(world.client(show).get, URL, auth=sign).json() == {"auth": "Signed"}


@pytest.mark.parametrize("auth", ["user:secret", 7, ("user",), ["user", "secret"], (1, 2)])
def test_what_is_no_auth(world: World, auth: Any) -> None:
    """Anything else raises TypeError, at the client and at the request, and shows no secret."""
    with pytest.raises(TypeError) as caught:
        world.client(show, auth=auth)
    assert "secret" not in str(caught.value)

    with pytest.raises(TypeError):
        world.run(world.client(show).get, URL, auth=auth)


def test_flow_sees_bodies_and_history_keeps_them(world: World) -> None:
    """A flow that asks for bodies gets them read; the responses on its way are in the history."""
    nonces = iter(range(9))

    def count(request: Request) -> Response:
        shown = f"{next(nonces)}" if "Repeat" in request.headers["Authorization"] else ""
        stream = Chunks(shown.encode(), request.headers["Authorization"].encode() if shown == "2" else b"")
        return Response(200, stream=stream)

    auth = Repeat(2)
    response = world.run(world.client(count).post, URL, content=b"body", auth=auth)

    assert response.text == "2Repeat 0 body"
    assert [earlier.text for earlier in response.history] == ["0", "1"]
    assert auth.ended


def test_flow_follows_redirects_of_each_request(world: World) -> None:
    """Redirects happen inside the flow: it sees the last response, and the history has all."""

    def answer(request: Request) -> Response:
        if request.url.path == "/":
            return Response(302, headers={"Location": "/there"})
        return Response(200, text=request.headers["Authorization"])

    response = world.run(world.client(answer).get, URL, auth=Repeat(1), follow_redirects=True)

    assert [earlier.url.path for earlier in response.history] == ["/there", "/"]


def test_endless_flow_is_ended(world: World) -> None:
    """Requests of a flow count as redirects do: it cannot go on for ever."""
    auth = Repeat(1000)

    with pytest.raises(TooManyRedirects):
        world.run(world.client(show, max_redirects=3).get, URL, auth=auth)
    assert auth.ended


def test_flow_ends_when_the_transport_fails(world: World) -> None:
    """An error on the way ends the flow, and carries the request."""
    auth = Repeat(2)
    client = world.client(transport=Answering(ReadError("broken")))

    with pytest.raises(ReadError) as caught:
        world.run(client.get, URL, auth=auth)
    assert caught.value.request.url == URL
    assert auth.ended


def test_response_is_closed_when_the_flow_fails(world: World) -> None:
    """An error in the flow closes the response that it was given."""
    body = Chunks(b"unread")

    class Failing(Auth):
        def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
            yield request
            raise LookupError("no token")

    client = world.client(transport=Answering(Response(401, stream=body)))
    with pytest.raises(LookupError):
        world.run(client.get, URL, auth=Failing())
    assert body.closed == 1


def test_new_requests_of_a_flow_keep_the_timeouts(world: World) -> None:
    """A request that the flow made itself gets the time-outs and the deadline of the first."""

    class Token(Auth):
        def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
            yield Request("POST", "https://login.example/", extensions={"mine": 1})
            yield request

    transport = Answering()
    client = world.client(transport=transport, timeout=7)
    world.run(client.get, URL, auth=Token())

    login, request = transport.requests
    assert login.extensions["timeout"] == request.extensions["timeout"]
    assert login.extensions["mine"] == 1


class Worlds(Auth):
    """Waits differently in each world."""

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers["Authorization"] = "blocking"
        response = yield request
        response.read()

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        request.headers["Authorization"] = "asynchronous"
        response = yield request
        await response.aread()


def test_flow_for_each_world(world: World) -> None:
    """A scheme may have a flow for blocking code and another for event loops."""
    expected = "asynchronous" if world.is_async else "blocking"

    assert world.run(world.client(show).get, URL, auth=Worlds()).json() == {"auth": expected}


def test_flow_without_a_request(world: World) -> None:
    """A flow that yields nothing is named in the error."""

    class Empty(Auth):
        def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
            yield from ()

    with pytest.raises(RuntimeError, match="Empty"):
        world.run(world.client(show).get, URL, auth=Empty())


def test_flow_of_the_other_world(world: World) -> None:
    """A flow that is written for the other world is refused with its name."""

    class Swapped(Auth):
        async def sync_auth_flow(self, request: Request) -> None:  # type: ignore[override]
            """Not a generator."""

        async def async_auth_flow(self, request: Request) -> None:  # type: ignore[override]
            """Not a generator."""

    with pytest.raises(TypeError, match=r"Swapped.*generator"):
        world.run(world.client(show).get, URL, auth=Swapped())


def test_digest(world: World) -> None:
    """A challenge is answered, and the next request carries its answer at once."""
    seen: list[str] = []

    def challenge(request: Request) -> Response:
        seen.append(request.headers.get("Authorization", ""))
        if not seen[-1]:
            return Response(
                401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'}
            )
        return Response(200)

    client = world.client(challenge, auth=DigestAuth("user", "secret"))
    first, second = world.run(client.get, URL), world.run(client.get, URL)

    assert ([earlier.status_code for earlier in first.history], second.history) == ([401], [])
    assert ["nc=00000001" in answer for answer in seen] == [False, True, False]
    assert "nc=00000002" in seen[2]


def test_digest_is_not_answered_elsewhere(world: World) -> None:
    """A challenge of an origin that a redirect led to is not answered."""

    def answer(request: Request) -> Response:
        if request.url.host == "one.example":
            return Response(302, headers={"Location": "https://two.example/"})
        return Response(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n"'})

    client = world.client(answer, auth=DigestAuth("user", "secret"), follow_redirects=True)

    assert world.run(client.get, URL).status_code == 401
