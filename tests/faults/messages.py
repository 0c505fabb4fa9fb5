"""Rows 28 to 38: redirects, cookies, credentials and texts that a server, or a program, makes harmful."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import borzoi
from borzoi import (
    InvalidURL,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    TooManyRedirects,
    UnsupportedProtocol,
)
from tests.worlds.certificates import client_context, server_context

from .codings import by_path
from .place import Answer, Got, Place, require
from .table import BOTH, fault


def away(location: str, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(status, [("Location", location)], b"away")


# 28 to 30: redirects.


@fault(28, "a loop", over=BOTH)
async def _(place: Place) -> None:
    answers = {"/a": away("/b"), "/b": away("/a"), "/self": away("/self")}
    seen: list[str] = []

    def respond(got: Got) -> Answer:
        seen.append(got.path)
        return answers.get(got.path, Answer())

    with place.server(respond) as server:
        async with place.client(follow_redirects=True, max_redirects=5) as client:
            for path in ("/a", "/self"):
                await place.fails(client, server.url + path, TooManyRedirects, "redirects", at=server.url + path)
                # The request itself, and five more.
                assert len(seen) == 6
                seen.clear()
            place.assert_whole(client, idle=1)
            assert (await client.get(f"{server.url}/next")).text == "ok"
        assert len(server.connections) == 1


NOWHERE = {
    "/port": "http://one.example:99999/",
    "/label": "http://xn--a/",
    "/host": "http://one .example/",
    "/bracket": "http://[::1/",
    "/long": "/" + "x" * 20_000,
}
FOREIGN = {
    "/file": "file:///etc/passwd",
    "/ftp": "ftp://one.example/",
    "/js": "javascript:alert(1)",
    "/data": "data:,x",
}


@fault(28, "a Location that leads nowhere", over=BOTH)
async def _(place: Place) -> None:
    answers = {path: away(location) for path, location in NOWHERE.items()}
    answers["/two"] = Answer(302, [("Location", "/a"), ("Location", "/b")])
    with place.server(by_path(answers)) as server:
        async with place.client(follow_redirects=True) as client:
            for path in answers:
                await place.fails(client, server.url + path, RemoteProtocolError, "ocation")
                place.assert_whole(client, idle=1)
                assert (await client.get(f"{server.url}/next")).text == "ok"
        # The response itself was whole: the connection is as good as before.
        assert len(server.connections) == 1


@fault(28, "a Location that is no HTTP", over=BOTH)
async def _(place: Place) -> None:
    with place.server(by_path({path: away(location) for path, location in FOREIGN.items()})) as server:
        async with place.client(follow_redirects=True) as client:
            for path, location in FOREIGN.items():
                await place.fails(
                    client, server.url + path, UnsupportedProtocol, "Scheme", at=str(borzoi.URL(location))
                )
            place.assert_whole(client, idle=1)
            assert (await client.get(f"{server.url}/next")).text == "ok"
        assert len(server.connections) == 1


SECRETS = {"Authorization": "Bearer s3cret", "Proxy-Authorization": "Basic s3cret", "Cookie": "own=s3cret"}


@fault(29, "to another origin", over=BOTH)
async def _(place: Place) -> None:
    seen: list[Got] = []

    def note(got: Got) -> Answer:
        seen.append(got)
        return away(f"{home.url}/home") if got.path == "/elsewhere" else Answer()

    def leave(got: Got) -> Answer:
        return away(f"{other.url}/elsewhere", int(got.path[1:4])) if got.path[1:].isdigit() else note(got)

    with place.server(leave) as home, place.server(note) as other:
        for status, auth in itertools.product((301, 302, 303, 307, 308), (None, ("user", "s3cret"))):
            async with place.client(follow_redirects=True, cookies={"jar": "s3cret"}, auth=auth) as client:
                headers = SECRETS if auth is None else {}
                assert (await client.get(f"{home.url}/{status}", headers=headers)).status_code == 200
                # One connection to either: that of the redirect was used again on the way back.
                place.assert_whole(client, idle=2)
    assert len(seen) == 20
    for got in seen:
        assert not {"authorization", "proxy-authorization", "cookie"} & got.names()
        assert "s3cret" not in str(got)


@fault(30, "that turns POST into GET", over=BOTH)
async def _(place: Place) -> None:
    seen: list[Got] = []

    def respond(got: Got) -> Answer:
        seen.append(got)
        return away("/there", int(got.path[1:])) if got.path != "/there" else Answer()

    headers = {"Content-Language": "en", "Content-Encoding": "identity", "X-Kept": "yes"}
    with place.server(respond) as server:
        async with place.client(follow_redirects=True) as client:
            for status in (301, 302, 303):
                await client.post(f"{server.url}/{status}", json={"a": 1}, headers=headers)
            place.assert_whole(client, idle=1)
    for got in seen[1::2]:
        assert (got.method, got.body, got.get("x-kept")) == ("GET", b"", "yes")
        assert not {name for name in got.names() if name.startswith("content-")} | (
            got.names() & {"transfer-encoding", "trailer"}
        )


# 31 to 33: cookies.


@fault(31, "3,000 cookies", over=BOTH)
async def _(place: Place) -> None:
    sent: list[str] = []

    def respond(got: Got) -> Answer:
        sent.append(got.get("cookie") or "")
        first = int(got.path[1:])
        return Answer(200, [("Set-Cookie", f"c{n}={'v' * 200}") for n in range(first, first + 300)])

    with place.server(respond) as server:
        async with place.client() as client:
            for first in range(0, 3000, 300):
                await client.get(f"{server.url}/{first}")
            assert 0 < len(client.cookies) <= 180
            assert max(map(len, sent)) <= 16_384
            place.assert_whole(client, idle=1)


REFUSED: dict[str, list[str]] = {
    "127.0.0.1": [
        "a=b; Domain=com",
        "a=b; Domain=.0.0.1",
        "a=b; Domain=0.0.1",
        "a=b; Domain=127.0.0.1.",
        "__Host-a=b; Path=/",
        "__Secure-a=b",
        "__Host-a=b; Secure; Path=/; Domain=127.0.0.1",
        "a=b; Secure",
        "a=b\x01c",
        "a\x7f=b",
    ],
    # The host is below each domain, and only the list of public suffixes says that it may not speak for it.
    "www.shop.co.uk": ["a=b; Domain=co.uk", "a=b; Domain=.CO.UK", "a=b; Domain=uk", "a=b; Domain=co.uk."],
    "one.github.io": ["a=b; Domain=github.io", "a=b; Domain=io"],
    "www.unknown-suffix": ["a=b; Domain=unknown-suffix"],
    "www.one.test": [
        "a=b; Domain=two.test",
        "a=b; Domain=ne.test",
        "a=b; Domain=a.www.one.test",
        "a=b; Domain=one.test.",
    ],
}
"""Cookies that a host may not set."""


@fault(32, "cookies out of their scope", over=BOTH)
async def _(place: Place) -> None:
    for host, cookies in REFUSED.items():
        for cookie in cookies:
            with place.server(lambda got, cookie=cookie: Answer(200, [("Set-Cookie", cookie)])) as server:
                async with place.client(resolver=here) as client:
                    try:
                        await client.get(f"http://{host}:{server.port}/")
                    except RemoteProtocolError:
                        # A control character makes the whole head malformed.
                        assert not cookie.isprintable()
                        place.assert_whole(client)
                    else:
                        place.assert_whole(client, idle=1)
                    assert len(client.cookies) == 0, (host, cookie)


def here(host: str, port: int) -> list[str]:
    """Find every name on this machine."""
    return ["127.0.0.1"]


@fault(32, "cookies within their scope, and no further", over=BOTH)
async def _(place: Place) -> None:
    sent: dict[str, str | None] = {}

    def respond(got: Got) -> Answer:
        if got.path == "/set":
            return Answer(200, [("Set-Cookie", "own=1"), ("Set-Cookie", "wide=1; Domain=one.test")])
        sent[got.path[1:]] = got.get("cookie")
        return Answer()

    with place.server(respond) as server:
        async with place.client(resolver=here) as client:
            client.cookies.set("safe", "1", domain="www.one.test")
            for cookie in client.cookies.jar:
                cookie.secure = True
            await client.get(f"http://www.one.test:{server.port}/set")
            for host in ("www.one.test", "one.test", "a.www.one.test", "xone.test", "one.test.evil.test"):
                await client.get(f"http://{host}:{server.port}/{host}")
            place.assert_whole(client)
    # One without a domain is for its host alone, and one for TLS alone for nobody here.
    assert sent == {
        "www.one.test": "own=1; wide=1",
        "one.test": "wide=1",
        "a.www.one.test": "wide=1",
        "xone.test": None,
        "one.test.evil.test": None,
    }


@fault(32, "a cookie for TLS alone is not overwritten without")
async def _(place: Place) -> None:
    answers = {
        "/set": Answer(
            200, [("Set-Cookie", "a=safe; Secure; Path=/"), ("Set-Cookie", "__Host-b=safe; Secure; Path=/")]
        ),
        "/again": Answer(
            200, [("Set-Cookie", "a=evil"), ("Set-Cookie", "a=evil; Path=/x"), ("Set-Cookie", "__Host-b=evil")]
        ),
    }
    with (
        place.server(by_path(answers), tls=server_context()) as secured,
        place.server(by_path(answers)) as plain,
    ):
        async with place.client(verify=client_context()) as client:
            for url in (f"{secured.url}/set", f"{plain.url}/again", f"{plain.url}/x/again", f"{secured.url}/next"):
                await client.get(url)
            place.assert_whole(client, idle=2)
            assert {(cookie.name, cookie.value) for cookie in client.cookies.jar} == {
                ("a", "safe"),
                ("__Host-b", "safe"),
            }


@fault(33, "a cookie of the program that is two")
async def _(place: Place) -> None:
    for value in ("a; b=c", "a\r\nb", "a\x00", "a,b\n"):
        async with place.client() as client:
            with pytest.raises((ValueError, LocalProtocolError)):
                client.cookies.set("name", value)
            with pytest.raises((ValueError, LocalProtocolError)):
                borzoi.Request("GET", "http://one.example/", cookies={"name": value})


# 34 and 35: line breaks of the program's.

CUTS = ["\r\nX: y", "\nX: y", "\rX: y", "\x00"]


@fault(34, "line breaks before anything is sent", over=BOTH)
async def _(place: Place) -> None:
    seen: list[Got] = []

    def respond(got: Got) -> Answer:
        seen.append(got)
        return Answer()

    with place.server(respond) as server:
        async with place.client() as client:
            await client.get(server.url)
            for cut in CUTS:
                wrong: list[dict[str, Any]] = [
                    {"headers": {"X-A": f"a{cut}"}},
                    {"headers": {f"X-A{cut}": "a"}},
                    {"headers": {"Cookie": f"a=b{cut}"}},
                    {"extensions": {"target": f"/a{cut}".encode()}},
                    {"method": f"GET{cut}"},
                ]
                for arguments in wrong:
                    method = arguments.pop("method", "GET")
                    with pytest.raises((LocalProtocolError, ValueError)):
                        await client.request(method, f"{server.url}/wrong", **arguments)
                    place.assert_whole(client)
                # In a path they are not refused, but escaped.
                with pytest.raises(InvalidURL):
                    await client.get(f"{server.url}/{cut}")
            assert (await client.get(f"{server.url}/next")).text == "ok"
    assert [got.path for got in seen] == ["/", "/next"]


@fault(35, "line breaks in a multipart body")
async def _(place: Place) -> None:
    for cut in CUTS:
        for file in (("a.txt", b"x", f"text/plain{cut}"), ("a.txt", b"x", "text/plain", {"X-A": f"b{cut}"})):
            with pytest.raises((LocalProtocolError, ValueError)):
                borzoi.Request("POST", "http://one.example/", files={"file": file}).read()
        request = borzoi.Request("POST", "http://one.example/", files={f"name{cut}": (f"a{cut}", b"x")})
        head, _, _ = request.read().partition(b"\r\n\r\n")
        # Names are escaped, as browsers do.
        assert len(head.split(b"\r\n")) == 3


# 36 to 38.

CHALLENGES = [
    "Digest",
    'Digest realm="a"',
    'Digest nonce="b"',
    'Digest realm="a", nonce="b", algorithm=ROT13',
    'Digest realm="a", nonce="b", qop="none"',
    'Digest realm="a", nonce="b", qop=""',
    'Digest realm="a" nonce="b"',
    'Digest realm="a, nonce="b"',
    'Digest ,,,,,realm="a",,,nonce="b',
    "Digest =,=,=",
    'Digest realm="\\", nonce="b"',
    "Digest " + 'a="b",' * 5_000,
    'Digest realm="a", nonce="b", nonce="c"',
    "\x80\x81Digest",
]


@fault(36, "hostile challenges", over=BOTH)
async def _(place: Place) -> None:
    for challenge in CHALLENGES:
        wanted = Answer(401, [("WWW-Authenticate", challenge)], b"who?")
        with place.server(lambda got, wanted=wanted: Answer() if got.path == "/next" else wanted) as server:
            async with place.client(auth=borzoi.DigestAuth("user", "s3cret")) as client:
                try:
                    response = await client.get(f"{server.url}/a")
                except RemoteProtocolError as error:
                    # A byte that is no header's is HTTP/2's to refuse.
                    require(error, RemoteProtocolError, "igest", f"{server.url}/a")
                    place.assert_whole(client)
                except ProtocolError as error:
                    require(error, ProtocolError, "igest", f"{server.url}/a")
                    place.assert_whole(client, idle=1)
                else:
                    assert response.status_code == 401, challenge
                    place.assert_whole(client, idle=1)
                assert (await client.get(f"{server.url}/next", auth=None)).text == "ok"
            assert len(server.connections) == 1


@fault(36, "auth-int alone is answered", over=BOTH)
async def _(place: Place) -> None:
    def respond(got: Got) -> Answer:
        if got.get("authorization") is None:
            return Answer(401, [("WWW-Authenticate", 'Digest realm="a, b", nonce="c", qop="auth-int"')])
        return Answer(body=(got.get("authorization") or "").encode())

    with place.server(respond) as server:
        async with place.client(auth=borzoi.DigestAuth("user", "s3cret")) as client:
            response = await client.post(server.url, content=b"body")
            assert 'realm="a, b"' in response.text
            assert "qop=auth-int" in response.text
            place.assert_whole(client, idle=1)


CHARSETS = [
    "rot13",
    "hex",
    "base64",
    "zlib",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "../../etc",
    "x" * 999,
    "\x80",
]


@fault(37, "charsets that are none", over=BOTH)
async def _(place: Place) -> None:
    for charset in CHARSETS:
        answer = Answer(200, [("Content-Type", f"text/plain; charset={charset}")], b"plain \\u0041")
        with place.server(lambda got, answer=answer: answer) as server:
            async with place.client() as client:
                assert (await client.get(server.url)).text == "plain \\u0041", charset
                place.assert_whole(client, idle=1)


@fault(37, "JSON that nests without end", over=BOTH)
async def _(place: Place) -> None:
    deep = Answer(200, [("Content-Type", "application/json")], b"[" * 100_000)
    with place.server(by_path({"/deep": deep})) as server:
        async with place.client() as client:
            response = await client.get(f"{server.url}/deep")
            with pytest.raises(borzoi.DecodingError, match="nests too deeply") as caught:
                response.json()
            assert caught.value.request.url.path == "/deep"
            place.assert_whole(client, idle=1)


@fault(38, "labels of IDNA that are broken")
async def _(place: Place) -> None:
    async with place.client() as client:
        for host in ("xn--a", "xn--", "xn--zzzzzzzz-", "a.xn--\u00e9", "xn--a-\u2060", "\u2060"):
            with pytest.raises(InvalidURL):
                await client.get(f"http://{host}/")
