"""Cookies through the clients: the jar that requests carry and responses fill."""

from __future__ import annotations

from http.cookiejar import CookieJar

import pytest

from borzoi._errors import CookieConflict
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._values.cookies import Cookies
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks

ANYWHERE = "https://one.example/"


def show(request: Request) -> Response:
    """Answer with the cookies that came, and set one where the path says so."""
    headers = {"Set-Cookie": request.url.query.decode()} if request.url.path == "/set" else {}
    if request.url.path == "/login":
        headers = {"Set-Cookie": "session=1", "Location": "/"}
        return Response(303, headers=headers)
    return Response(200, text=request.headers.get("Cookie", ""), headers=headers)


@pytest.mark.parametrize("cookies", [{"a": "1"}, [("a", "1")], Cookies({"a": "1"})])
def test_cookies_of_the_client(world: World, cookies: object) -> None:
    """Cookies of the client go with each request."""
    assert world.run(world.client(show, cookies=cookies).get, ANYWHERE).text == "a=1"


def test_cookie_jar_of_the_program(world: World) -> None:
    """A CookieJar is used as it is: what a response sets arrives in it."""
    jar = CookieJar()
    client = world.client(show, cookies=jar)
    world.run(client.get, ANYWHERE + "set?a=1")

    assert [cookie.name for cookie in jar] == ["a"]
    assert world.run(client.get, ANYWHERE).text == "a=1"


def test_responses_fill_the_jar(world: World) -> None:
    """A cookie that a response sets goes with the next request to its host, and to no other."""
    client = world.client(show)
    response = world.run(client.get, ANYWHERE + "set?a=1")

    assert response.cookies["a"] == client.cookies["a"] == "1"
    assert world.run(client.get, ANYWHERE).text == "a=1"
    assert world.run(client.get, "https://two.example/").text == ""


def test_cookies_of_a_redirect(world: World) -> None:
    """A cookie that a redirect sets goes with the request that follows."""
    assert world.run(world.client(show, follow_redirects=True).get, ANYWHERE + "login").text == "session=1"


def test_cookies_of_one_request_warn(world: World) -> None:
    """Cookies of a request go with those of the client, warn, and are not kept."""
    client = world.client(show, cookies={"a": "1"})
    with pytest.warns(DeprecationWarning, match="per-request cookies") as caught:
        response = world.run(client.request, "GET", ANYWHERE, cookies={"b": "2"})

    assert response.text == "a=1; b=2"
    assert len(caught) == 1
    assert world.run(client.get, ANYWHERE).text == "a=1"


def test_cookie_header_of_the_program_wins(world: World) -> None:
    """A Cookie field among the headers is sent as it is."""
    client = world.client(show, cookies={"a": "1"})

    assert world.run(client.get, ANYWHERE, headers={"Cookie": "mine=1"}).text == "mine=1"


def test_cookies_can_be_assigned(world: World) -> None:
    """Assigned cookies replace the jar."""
    client = world.client(show, cookies={"a": "1"})
    client.cookies = {"b": "2"}

    assert world.run(client.get, ANYWHERE).text == "b=2"


def test_jar_that_fails(world: World) -> None:
    """An error of the program's own jar closes the response."""

    class Failing(Cookies):
        def extract_cookies(self, response: object) -> None:
            raise LookupError("full")

    body = Chunks(b"unread")
    client = world.client(transport=Answering(Response(200, headers={"Set-Cookie": "a=1"}, stream=body)))
    client._cookies = Failing()
    with pytest.raises(LookupError):
        world.run(client.get, ANYWHERE)
    assert body.closed == 1


def test_cookies_of_a_name(world: World) -> None:
    """Two cookies of one name conflict when the jar is asked for the name alone."""
    client = world.client(show)
    for host in ("one", "two"):
        world.run(client.get, f"https://{host}.example/set?a={host}")

    with pytest.raises(CookieConflict):
        _ = client.cookies["a"]
