"""Redirects through the clients: which request follows, what it carries, and where it all ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from borzoi._errors import (
    ReadError,
    RemoteProtocolError,
    StreamConsumed,
    TooManyRedirects,
    UnsupportedProtocol,
)
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks


def redirect(request: Request) -> Response:
    """Answer /go/<status>?to=<location> with a redirect, and the rest with what was asked."""
    if request.url.path.startswith("/go/"):
        status = int(request.url.path.removeprefix("/go/"))
        return Response(status, headers={"Location": request.url.params["to"]}, content=b"gone elsewhere")
    shown = {"method": request.method, "body": request.content.decode(), "headers": dict(request.headers)}
    return Response(200, json=shown)


def go(status: int, to: str, origin: str = "https://one.example") -> str:
    """Return a URL that redirects."""
    return f"{origin}/go/{status}?to={to}"


def test_redirects_are_not_followed_by_default(world: World) -> None:
    """A redirect is returned as it is, with the request that would follow it."""
    response = world.run(world.client(redirect).get, go(301, "/there"))

    assert response.status_code == 301
    assert response.content == b"gone elsewhere"
    assert response.history == []
    assert response.next_request.url == "https://one.example/there"


def test_next_request_can_be_sent(world: World) -> None:
    """The request in `next_request` may be sent by the program."""
    client = world.client(redirect)
    response = world.run(client.get, go(302, "/there"))
    following = world.run(client.send, response.next_request)

    assert following.status_code == 200
    assert following.url == "https://one.example/there"
    assert following.next_request is None


@pytest.mark.parametrize("where", ["client", "request"])
def test_redirects_are_followed_on_demand(world: World, where: str) -> None:
    """With follow_redirects, of the client or of the request, the last response is returned, with those before it."""
    client = world.client(redirect, follow_redirects=where == "client")
    options = {"follow_redirects": True} if where == "request" else {}
    response = world.run(client.get, go(301, "/there"), **options)

    assert response.status_code == 200
    assert response.url == "https://one.example/there"
    assert [(earlier.status_code, earlier.content) for earlier in response.history] == [(301, b"gone elsewhere")]
    assert response.history[0].history == []


def test_a_request_may_refuse_to_follow(world: World) -> None:
    """follow_redirects=False of a request wins over the client's True."""
    client = world.client(redirect, follow_redirects=True)

    assert world.run(client.get, go(301, "/there"), follow_redirects=False).status_code == 301


def test_history_grows_with_each_hop(world: World) -> None:
    """Each response knows those before it."""
    client = world.client(redirect, follow_redirects=True)
    response = world.run(client.get, go(301, "/go/302%3Fto%3D/there"))

    assert [earlier.status_code for earlier in response.history] == [301, 302]
    assert [earlier.status_code for earlier in response.history[1].history] == [301]


@pytest.mark.parametrize(
    ("status", "method", "followed"),
    [
        (301, "GET", "GET"),
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (301, "HEAD", "HEAD"),
        (302, "POST", "GET"),
        (302, "PUT", "GET"),
        (302, "HEAD", "HEAD"),
        (302, "QUERY", "QUERY"),
        (303, "POST", "GET"),
        (303, "QUERY", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
    ],
)
def test_method_that_follows(world: World, status: int, method: str, followed: str) -> None:
    """301 changes POST, 302 all but HEAD and QUERY, 303 all but HEAD, 307 and 308 nothing."""
    client = world.client(redirect, follow_redirects=True)
    response = world.run(client.request, method, go(status, "/there"))

    assert response.request.method == followed


def test_change_to_get_drops_the_body_and_what_describes_it(world: World) -> None:
    """With the body go all fields that speak of it; the others stay."""
    client = world.client(redirect, follow_redirects=True)
    described = {"Content-Encoding": "identity", "Content-Language": "en", "Expect": "100-continue", "X-Kept": "yes"}
    sent = world.run(client.post, go(303, "/there"), json={"a": 1}, headers=described).json()

    assert sent["body"] == ""
    assert not [name for name in sent["headers"] if name.startswith("content-") or name == "expect"]
    assert sent["headers"]["x-kept"] == "yes"


@pytest.mark.parametrize("status", [307, 308])
def test_body_is_sent_again(world: World, status: int) -> None:
    """307 and 308 send a body that is in memory once more, with its headers."""
    client = world.client(redirect, follow_redirects=True)
    sent = world.run(client.post, go(status, "/there"), content=b"Example").json()

    assert (sent["method"], sent["body"], sent["headers"]["content-length"]) == ("POST", "Example", "7")


def test_generator_is_not_sent_twice(world: World) -> None:
    """A body that was sent and can be read once raises StreamConsumed when a redirect asks for it again."""

    class Sending(Answering):
        def handle_request(self, request: Request) -> Response:
            assert b"".join(request.stream) == b"once"  # type: ignore[arg-type]
            return Response(308, headers={"Location": "/there"})

        async def handle_async_request(self, request: Request) -> Response:
            assert [chunk async for chunk in request.stream] == [b"once"]  # type: ignore[union-attr]
            return Response(308, headers={"Location": "/there"})

    def blocking() -> Iterator[bytes]:
        yield b"once"

    async def asynchronous() -> AsyncIterator[bytes]:
        yield b"once"

    client = world.client(transport=Sending(), follow_redirects=True)
    with pytest.raises(StreamConsumed):
        world.run(client.post, "https://one.example/", content=asynchronous() if world.is_async else blocking())


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/there", "https://one.example/there"),
        ("there?q=1", "https://one.example/go/there?q=1"),
        ("//two.example/there", "https://two.example/there"),
        ("https:///there", "https://one.example/there"),
        ("http://:8080/there", "http://one.example:8080/there"),
        ("https://two.example", "https://two.example"),
        ("https://user:secret@two.example/", "https://two.example/"),
    ],
)
def test_location_is_resolved(world: World, location: str, url: str) -> None:
    """A Location may lack its scheme, host or path; credentials in it count for nothing."""
    transport = Answering(Response(302, headers={"Location": location}))
    client = world.client(transport=transport, follow_redirects=True)
    response = world.run(client.get, "https://one.example/go/now")

    assert response.url == url
    assert "authorization" not in response.request.headers


def test_fragment_is_inherited(world: World) -> None:
    """A Location without a fragment gets that of the request; one with a fragment keeps it."""
    client = world.client(redirect, follow_redirects=True)

    assert world.run(client.get, go(302, "/there") + "#top").url == "https://one.example/there#top"
    assert world.run(client.get, go(302, "/there%23end") + "#top").url == "https://one.example/there#end"


@pytest.mark.parametrize(
    "headers",
    [
        [("Location", "https://😇/")],
        [("Location", "https://one.example:port/")],
        [("Location", "/here"), ("Location", "/there")],
        [("Location", "/" + "x" * 20_000)],
    ],
)
def test_location_that_points_nowhere(world: World, headers: Any) -> None:
    """It raises RemoteProtocolError where it is followed, and is let be where it is not."""
    answer = [(name.encode(), value.encode()) for name, value in headers]
    client = world.client(lambda request: Response(302, headers=answer))

    with pytest.raises(RemoteProtocolError) as caught:
        world.run(client.get, "https://one.example/", follow_redirects=True)
    assert caught.value.request.url == "https://one.example/"

    response = world.run(client.get, "https://one.example/")
    assert (response.status_code, response.next_request) == (302, None)


def test_a_redirect_without_location_is_the_answer(world: World) -> None:
    """A status of 3xx without a Location is a response like any other."""
    client = world.client(lambda request: Response(303), follow_redirects=True)

    assert world.run(client.get, "https://one.example/").status_code == 303


def test_other_schemes_are_not_followed(world: World) -> None:
    """A server cannot send the client to what is not HTTP."""
    client = world.client(redirect)

    with pytest.raises(UnsupportedProtocol, match=r"Scheme 'market' not supported\."):
        world.run(client.get, go(302, "market://details"), follow_redirects=True)
    assert world.run(client.get, go(302, "market://details")).next_request.url == "market://details"


def test_a_scheme_of_the_programs_own_is_followed(world: World) -> None:
    """A scheme that the program asked for, with a transport for it, may redirect within itself."""
    client = world.client(redirect, follow_redirects=True)

    assert world.run(client.get, go(302, "/there", "unix://one.example")).url == "unix://one.example/there"


@pytest.mark.parametrize("limit", [0, 1, 20])
def test_redirects_are_limited(world: World, limit: int) -> None:
    """One redirect more than max_redirects raises TooManyRedirects, with the request that was not sent."""
    transport = Answering(*[Response(302, headers={"Location": f"/{n}"}) for n in range(30)])
    client = world.client(transport=transport, follow_redirects=True, max_redirects=limit)

    with pytest.raises(TooManyRedirects) as caught:
        world.run(client.get, "https://one.example/")
    assert len(transport.requests) == limit + 1
    assert caught.value.request.url == f"https://one.example/{limit}"


SAME, UPGRADE, ELSEWHERE = "same", "upgrade", "elsewhere"


@pytest.mark.parametrize(
    ("origin", "to", "kind"),
    [
        ("https://one.example", "https://one.example/", SAME),
        ("https://one.example", "https://one.example:443/", SAME),
        ("https://one.example", "https://ONE.example/", SAME),
        ("http://one.example", "https://one.example/", UPGRADE),
        ("http://one.example:80", "https://one.example:443/", UPGRADE),
        ("http://one.example:8080", "https://one.example/", ELSEWHERE),
        ("http://one.example", "https://one.example:8443/", ELSEWHERE),
        ("https://one.example", "http://one.example/", ELSEWHERE),
        ("https://one.example", "https://sub.one.example/", ELSEWHERE),
        ("https://one.example", "https://one.example./", ELSEWHERE),
        ("https://one.example", "https://two.example/", ELSEWHERE),
        ("http://one.example", "https://two.example/", ELSEWHERE),
        ("https://one.example", "https://one.example:8443/", ELSEWHERE),
    ],
)
@pytest.mark.parametrize("status", [301, 307])
def test_secrets_stay_with_their_origin(world: World, status: int, origin: str, to: str, kind: str) -> None:
    """Credentials go to the origin that they are for, and to its https, and nowhere else; those of a proxy stay."""
    secrets = [("Authorization", "Bearer a"), ("Proxy-Authorization", "Basic b"), ("Proxy-Authorization", "Basic c")]
    client = world.client(redirect, follow_redirects=True, cookies={"session": "d"})
    sent = world.run(client.get, go(status, to, origin), headers=secrets).json()["headers"]

    kept = kind != ELSEWHERE
    assert ("authorization" in sent, "cookie" in sent) == (kept, kept)
    assert ("proxy-authorization" in sent) == (kind == SAME)


def test_secrets_do_not_come_back(world: World) -> None:
    """What was dropped on the way is not sent again when a later hop returns to the first origin."""
    client = world.client(redirect, follow_redirects=True, cookies={"session": "d"}, auth=("user", "password"))
    home = "https://one.example/home"
    response = world.run(client.get, go(302, f"https://two.example/go/302%3Fto%3D{home}"))
    sent = response.json()["headers"]

    assert response.url == home
    assert "authorization" not in sent
    assert "cookie" not in sent


def test_secrets_stay_when_the_program_follows(world: World) -> None:
    """A `next_request` for another origin is sent without the client's secrets, unless the program gives some."""
    client = world.client(redirect, cookies={"session": "d"}, auth=("user", "password"))
    response = world.run(client.get, go(302, "https://two.example/"))
    sent = world.run(client.send, response.next_request).json()["headers"]
    assert not {"authorization", "cookie"} & set(sent)

    sent = world.run(client.send, response.next_request, auth=("user", "password")).json()["headers"]
    assert "authorization" in sent


def test_host_follows_the_url(world: World) -> None:
    """Another origin gets its own Host; the same one keeps the Host that the program chose."""
    client = world.client(redirect, follow_redirects=True)
    headers = {"Host": "chosen.example"}

    elsewhere = world.run(client.get, go(302, "https://two.example:8443/"), headers=headers).json()["headers"]
    assert elsewhere["host"] == "two.example:8443"
    same = world.run(client.get, go(302, "/there"), headers=headers).json()["headers"]
    assert same["host"] == "chosen.example"


def test_extensions_are_carried_on(world: World) -> None:
    """Extensions go with the request, but for those that belong to its URL."""
    transport = Answering(
        Response(302, headers={"Location": "/there"}), Response(302, headers={"Location": "https://two.example"})
    )
    client = world.client(transport=transport, follow_redirects=True)
    extensions = {"sni_hostname": "one", "target": b"/raw", "mine": 1}
    world.run(client.get, "https://one.example/", extensions=extensions)

    names = [set(request.extensions) - {"borzoi.departed"} for request in transport.requests]
    assert names == [
        {"timeout", "sni_hostname", "target", "mine"},
        {"timeout", "sni_hostname", "mine"},
        {"timeout", "mine"},
    ]


def test_a_redirect_that_breaks_is_closed(world: World) -> None:
    """Where the body of a redirect cannot be read, the error is raised and the response closed."""
    body = Chunks(b"half", error=ReadError("broken"))
    transport = Answering(Response(302, headers={"Location": "/there"}, stream=body))
    client = world.client(transport=transport, follow_redirects=True)

    with pytest.raises(ReadError) as caught:
        world.run(client.get, "https://one.example/")
    assert caught.value.request.url == "https://one.example/"
    assert body.closed


def test_subclass_decides_about_headers(world: World) -> None:
    """A subclass may override which headers follow a redirect."""
    client = world.client(redirect, follow_redirects=True)
    original = client._redirect_headers

    def keep_all(request: Request, url: Any, method: str) -> Any:
        headers = original(request, url, method)
        headers["X-Marked"] = method
        return headers

    client._redirect_headers = keep_all

    assert world.run(client.get, go(302, "/there")).json()["headers"]["x-marked"] == "GET"
