"""R1, P1, I1, I3, D5 and M6 by the ways that the other modules do not go: sessions, event streams, requests sent on by hand, proxies.

Each test takes a way by which a secret, or a string of others, could get around what holds for a plain request.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import Auth, DigestAuth, HTTPTransport, Proxy, Request, Response
from borzoi._backends.memory import END, MemoryBackend
from borzoi.openapi.runtime.retries import Retries
from tests.client.conftest import World
from tests.exchange.http_peers import Asked, answer, http, network_client
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import WORLDS

from .test_d import all_text
from .test_i import EVERY, HEAD, REFUSALS, Wire, sent
from .test_r1 import GIVEN, OF_CLIENT, SECRET, Chain, shown

ELSEWHERE = "https://two.example"


class SigningIn(Auth):
    """Ask another origin for a token, and sign the request with it."""

    def auth_flow(self, request: Request) -> Any:
        """Yield the request for the token, and then the request."""
        yield Request("POST", "https://login.example/token", headers={"Authorization": f"Basic {SECRET}"})
        request.headers["Authorization"] = f"Bearer {SECRET}"
        yield request


class TestRedirects:
    """R1 and R2: by hand, in sessions, and where other requests come between."""

    @pytest.mark.parametrize("of_client", OF_CLIENT)
    @pytest.mark.parametrize("given", GIVEN)
    def test_by_hand(self, given: str, of_client: str, world: World) -> None:
        """A program that sends `next_request` itself gives the next origin no more than a client does."""
        for status in (302, 307):
            chain = Chain(status, ELSEWHERE)
            client = world.client(chain, **OF_CLIENT[of_client])
            response = world.run(client.get, "https://one.example/first", **GIVEN[given])
            while response.next_request is not None:
                response = world.run(client.send, response.next_request)
            assert len(chain.seen) == 3
            for request in chain.seen[1:]:
                assert SECRET not in shown(request)
                assert not {"authorization", "cookie"} & {*request.headers}

    def test_by_hand_and_then_not(self, world: World) -> None:
        """Nor does one that sends the first, and has the client follow from there."""
        chain = Chain(302, ELSEWHERE)
        client = world.client(chain, auth=("user", SECRET))
        response = world.run(client.get, "https://one.example/first")
        world.run(client.send, response.next_request, follow_redirects=True)
        assert ["authorization" in request.headers for request in chain.seen] == [True, False, False]

    def test_behind_a_request_for_a_token(self, world: World) -> None:
        """Where authentication asks somebody else first, a redirect of the request itself keeps its token back."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return (
                Response(302, headers={"Location": ELSEWHERE}) if request.url.host == "one.example" else Response(200)
            )

        client = world.client(handler, auth=SigningIn(), follow_redirects=True)
        world.run(client.get, "https://one.example/")
        assert [request.url.host for request in seen] == ["login.example", "one.example", "two.example"]
        assert "authorization" not in seen[2].headers

    def test_of_a_request_for_a_token(self, world: World) -> None:
        """A redirect of the request for the token takes its credentials nowhere."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            away = request.url.host == "login.example"
            return Response(307, headers={"Location": ELSEWHERE}) if away else Response(200)

        client = world.client(handler, auth=SigningIn(), follow_redirects=True)
        world.run(client.get, "https://one.example/")
        assert [request.url.host for request in seen] == ["login.example", "two.example", "one.example"]
        assert ["authorization" in request.headers for request in seen] == [True, False, True]

    @pytest.mark.parametrize("given", GIVEN)
    @pytest.mark.parametrize("method", ["get", "post", "options", "delete", "request", "stream"])
    def test_of_functions_without_a_client(self, method: str, given: str) -> None:
        """What a function of the package was given stays with the first origin as well, and so does its cookie."""
        heads: list[bytes] = []

        def respond(asked: Asked) -> bytes:
            heads.append(asked.head)
            there = b"Location: http://localhost:%d/second" % server.port
            return answer(b"", there, status=b"307 Temporary Redirect") if asked.target == b"/first" else answer()

        settings: dict[str, Any] = {
            "follow_redirects": True,
            "trust_env": False,
            "cookies": {"jar": SECRET},
            **GIVEN[given],
        }
        settings.pop("extensions", None)
        if given == "headers":
            settings["headers"] = [
                (name, value) for name, value in settings["headers"] if name not in ("Cookie", "X-Api-Key")
            ]
        with RawServer(http(respond)) as server:
            url = f"{server.url}/first"
            act: Callable[..., Any] = getattr(borzoi, method)
            made = act(*(("PUT", url) if method in ("request", "stream") else (url,)), **settings)
            with made if method == "stream" else contextlib.nullcontext():
                assert made is not None
        assert len(heads) == 2
        assert SECRET.encode() in heads[0]
        assert SECRET.encode() not in heads[1]
        assert not re.search(rb"(?i)\r\n(?:proxy-)?(?:authorization|cookie):", heads[1])

    @pytest.mark.parametrize("way", ["websocket", "sse", "stream"])
    def test_on_the_way_to_a_session(self, way: str) -> None:
        """A handshake, an event stream or a body that is redirected to another port leaves its secrets behind."""
        heads: list[bytes] = []

        def respond(asked: Asked) -> bytes:
            heads.append(asked.head)
            there = b"Location: http://127.0.0.1:%d/second" % second.port
            return answer(b"", there, status=b"302 Found") if asked.target == b"/first" else answer()

        with RawServer(http(respond)) as first, RawServer(http(respond)) as second:
            settings: dict[str, Any] = {"auth": ("user", SECRET), "cookies": {"a": SECRET}, "trust_env": False}
            with borzoi.Client(follow_redirects=True, **settings) as client:
                ways = {
                    "websocket": client.websocket,
                    "sse": client.sse,
                    "stream": lambda url, **k: client.stream("GET", url, **k),
                }
                opening: Any = ways[way](f"http://127.0.0.1:{first.port}/first", **GIVEN["headers"])
                with contextlib.suppress(borzoi.websockets.WebSocketUpgradeError, borzoi.SSEError), opening as opened:
                    assert opened is not None
        assert len(heads) == 2
        assert SECRET.encode() in heads[0]
        assert SECRET.encode() not in heads[1]
        assert not {b"authorization", b"cookie"} & {line.split(b":")[0].lower() for line in heads[1].split(b"\r\n")}

    def test_a_handshake_that_is_redirected_has_another_key(self, world: World) -> None:
        """Who redirects a WebSocket has seen its key, and the next handshake does not have it (RFC 6455, 4.1)."""
        for status in (301, 302, 303, 307, 308):
            chain = Chain(status, ELSEWHERE)
            client = world.client(chain, follow_redirects=True)
            world.run(
                client.get, "https://one.example/first", headers={"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
            )
            keys = [request.headers["sec-websocket-key"] for request in chain.seen]
            assert len(set(keys)) == 3
            assert {len(base64.b64decode(key)) for key in keys} == {16}


class TestProxies:
    """P1: who asks for the credentials of a proxy, and who gets them."""

    @pytest.mark.parametrize("kind", ["http", "https", "socks5"])
    @pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
    def test_an_origin_that_asks_is_told_nothing(self, kind: str, name: str) -> None:
        """A 407 from behind a tunnel is the response: it is not the proxy that asks."""
        heads: list[bytes] = []

        def respond(asked: Asked) -> bytes:
            heads.append(asked.head)
            ask = b'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nProxy-Authenticate: Basic realm="r"'
            return answer(b"", ask, status=b"407 Proxy Authentication Required")

        async def body(proxy: Proxy) -> None:
            settings: dict[str, Any] = {"verify": client_context(), "client": {"timeout": 20}}
            async with network_client(WORLDS[name], proxy=proxy, **settings) as client:
                response = await client.get("https://one.test/", extensions={"sni_hostname": "127.0.0.1"})
                assert response.status_code == 407

        with RawServer(http(respond), tls=server_context()) as origin, proxying(kind, origin) as proxy:
            trust = {"ssl_context": client_context()} if kind == "https" else {}
            credentials: list[Any] = [("user", SECRET)]
            if kind != "socks5":
                credentials.append(DigestAuth("user", SECRET))
            for auth in credentials:
                WORLDS[name].run(body, Proxy(proxy.url, auth=auth, **trust))
        assert len(heads) == len(credentials)
        assert b"uthoriz" not in b"".join(heads)

    def test_a_redirect_from_one_proxy_to_another(self) -> None:
        """Where https has another proxy than http, a redirect takes the credentials of the first to neither it nor the origin."""
        forwarded: list[bytes] = []
        reached: list[bytes] = []

        def forward(asked: Asked) -> bytes:
            forwarded.append(asked.head)
            return answer(b"", b"Location: https://one.test/", status=b"302 Found")

        def respond(asked: Asked) -> bytes:
            reached.append(asked.head)
            return answer()

        origin = RawServer(http(respond), tls=server_context())
        with RawServer(http(forward)) as first, origin, proxying("http", origin) as second:
            mounts = {
                "http://": HTTPTransport(proxy=Proxy(f"http://user:{SECRET}@127.0.0.1:{first.port}")),
                "https://": HTTPTransport(proxy=Proxy(second.url), verify=client_context()),
            }
            with borzoi.Client(mounts=mounts, follow_redirects=True, trust_env=False) as client:
                client.get("http://one.test/", extensions={"sni_hostname": "127.0.0.1"})
        assert [b"Proxy-Authorization" in head for head in (*forwarded, *reached)] == [True, False]
        assert [told.credentials for told in second.told] == [None]


class Challenging(Wire):
    """A server that asks for Digest authentication, whatever comes."""

    def __call__(self, data: bytes) -> list[bytes]:
        self.received += data
        challenge = (
            b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nContent-Length: 0\r\n\r\n'
        )
        return [challenge] if data else []


INPUTS: dict[str, Callable[[borzoi.Client, str], object]] = {
    "user of Digest": lambda client, s: client.get("http://one.example/", auth=DigestAuth(f"u{s}x", "p")),
    "password of Digest": lambda client, s: client.get("http://one.example/", auth=DigestAuth("u", f"p{s}q")),
    "path of a session": lambda client, s: client.websocket(f"ws://one.example/a{s}b").__enter__(),
    "header of a session": lambda client, s: client.websocket("ws://one.example/", headers={f"X{s}A": f"a{s}b"}).__enter__(),
    "subprotocol": lambda client, s: client.websocket("ws://one.example/", subprotocols=[f"a{s}b"]).__enter__(),
    "userinfo of a session": lambda client, s: client.websocket(f"ws://u{s}:p{s}@one.example/").__enter__(),
    "upgrade": lambda client, s: client.get("http://one.example/", headers={"Connection": "upgrade", "Upgrade": f"a{s}b"}),
    "event to go on from": lambda client, s: client.sse("http://one.example/", headers={"Last-Event-ID": f"a{s}b"}).__enter__(),
    "reference": lambda client, s: client.get(borzoi.URL("http://one.example/x").join(f"a{s}b")),
    "bytes": lambda client, s: client.get("http://one.example/", headers={b"X-A": b"a" + s.encode("utf-8", "surrogatepass")}),
}  # fmt: skip


class TestInputs:
    """I1: strings that reach the wire by other ways than a plain request."""

    @pytest.mark.parametrize("name", INPUTS)
    def test_nothing_breaks_out(self, name: str) -> None:
        """They are refused before a byte is sent, or sent within whole heads, of no more lines than without them."""
        lines: list[list[int]] = []
        for letter in ["x", *EVERY]:
            wire = Challenging() if "Digest" in name else Wire()
            with contextlib.suppress(*REFUSALS):
                sent(lambda client, letter=letter: INPUTS[name](client, letter), wire)
            heads = wire.received.split(b"\r\n\r\n")[:-1]
            assert all(HEAD.fullmatch(head + b"\r\n\r\n") for head in heads), (letter, wire.received)
            assert wire.received.endswith(b"\r\n\r\n") or not wire.received
            lines.append([head.count(b"\r\n") for head in heads])
        assert all(counted[:1] <= lines[0][:1] and len(counted) <= len(lines[0]) for counted in lines)

    def test_a_subprotocol_is_one(self) -> None:
        """What is sent of each is a token, and as many are offered as the program named."""
        for letter in EVERY:
            wire = Wire()
            with contextlib.suppress(*REFUSALS, borzoi.websockets.HTTPXWSException):
                sent(lambda client, letter=letter: INPUTS["subprotocol"](client, letter), wire)
            found = re.search(rb"(?i)\r\nsec-websocket-protocol: (.*?)\r\n", wire.received)
            assert wire.received == b"" or (
                found is not None and re.fullmatch(rb"a[!#$%&'*+.^_`|~0-9A-Za-z-]b", found[1])
            ), letter

    @pytest.mark.parametrize("ending", [" ", "\t", " \t "])
    def test_an_id_with_white_space_at_its_ends(self, ending: str) -> None:
        """What a stream calls an event ends no session: the id is sent without what no field can end with."""
        asked: list[bytes] = []

        def peer(data: bytes) -> list[Any]:
            if not data:
                return []
            asked.append(data)
            if len(asked) > 1:
                return [b"HTTP/1.1 204 No Content\r\n\r\n"]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 0\n"
            return [head + f"id: {ending}7{ending}\ndata: x\n\n".encode(), END]

        transport = HTTPTransport(backend=MemoryBackend(lambda host, port: peer))
        with borzoi.Client(transport=transport) as client, client.sse("http://one.example/", reconnect=1) as source:
            assert [event.data for event in source if event.data] == ["x"]
        assert len(asked) == 2
        assert b"\r\nLast-Event-ID: 7\r\n" in asked[1]

    @pytest.mark.parametrize(
        ("kind", "auth"),
        [
            ("socks4", ("a\0b", "")),
            ("socks4a", ("a\0b", "")),
            ("socks5", ("x" * 256, "p")),
            ("socks5", ("u", "x" * 256)),
            ("socks5h", ("\u00e9" * 128, "p")),
        ],
    )
    def test_strings_for_a_socks_proxy(self, kind: str, auth: tuple[str, str]) -> None:
        """What a NUL would end, or a byte cannot count, is refused before anything is sent."""
        wire = Wire()

        def ask() -> None:
            proxy = Proxy(f"{kind}://proxy.example", auth=auth)
            transport = HTTPTransport(backend=MemoryBackend(lambda host, port: wire), proxy=proxy)
            with borzoi.Client(transport=transport) as client:
                client.get("http://one.example/")

        with pytest.raises(REFUSALS):
            ask()
        assert wire.received == b""


CANARY = "c4n4ry-hunter2"
BASIC = "YzRuNHJ5LWh1bnRlcjI"  # its beginning in base64, alone

SENDING: dict[str, dict[str, Any]] = {
    "bearer": {"headers": {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY}},
    "digest": {"auth": DigestAuth("user", CANARY)},
    "basic": {"auth": ("user", CANARY)},
    "url": {},
}
PEERS: dict[str, Any] = {
    "answers": http(lambda asked: answer(b"ok", b"Set-Cookie: s=" + CANARY.encode())),
    "closes": lambda sock: sock.close(),
    "says rubbish": lambda sock: (sock.recv(65536), sock.sendall(b"rubbish\r\n\r\n")),
    "refuses": http(lambda asked: answer(b"no", status=b"404 Not Found")),
    "redirects to no URL": http(
        lambda asked: answer(b"", b"Location: http://u:" + CANARY.encode() + b"@[::1/?token=1", status=b"302 Found")
    ),
    "redirects to no HTTP": http(
        lambda asked: answer(b"", b"Location: ftp://u:" + CANARY.encode() + b"@x/", status=b"302 Found")
    ),
}


class TestSecrets:
    """D5: canaries by the ways that are no blocking request."""

    @pytest.mark.parametrize(
        ("peer", "way"),
        [
            *itertools.product(PEERS, ["asyncio", "trio", "websocket", "sse", "upload", "forwarded", "tunnel"]),
            ("closes", "socks5"),
            ("says rubbish", "socks5"),
        ],
    )
    def test_no_canary_is_seen(self, peer: str, way: str, caplog: pytest.LogCaptureFixture) -> None:
        """Whichever way is taken and however it ends: no secret is in what can be shown."""
        caplog.set_level(logging.DEBUG)
        shown_: list[str] = []
        for sending, arguments in SENDING.items():
            with RawServer(PEERS[peer]) as server:
                userinfo, token = (f"user:{CANARY}@", f"?access_token={CANARY}") if sending == "url" else ("", "")
                url = f"http://{userinfo}127.0.0.1:{server.port}/{token}"
                try:
                    shown_ += WAYS[way](url, server.port, arguments)
                except (borzoi.HTTPError, borzoi.InvalidURL) as error:
                    shown_ += all_text(error)
        assert shown_
        text = "\n".join((*shown_, caplog.text))
        assert CANARY not in text
        assert BASIC not in text


CLIENT: dict[str, Any] = {"trust_env": False, "follow_redirects": True, "max_redirects": 1}


def _in_a_loop(name: str) -> Callable[..., list[str]]:
    def act(url: str, port: int, sending: dict[str, Any]) -> list[str]:
        async def body() -> list[str]:
            async with borzoi.AsyncClient(**CLIENT) as client:
                response = await client.get(url, **sending)
                return [repr(client), repr(response), repr(response.request), repr(response.headers)]

        return list(World(name).run(body))

    return act


def _session(url: str, port: int, sending: dict[str, Any]) -> list[str]:
    with borzoi.Client(**CLIENT) as client, client.websocket(url.replace("http", "ws", 1), **sending) as session:
        return [repr(session)]


def _events(url: str, port: int, sending: dict[str, Any]) -> list[str]:
    with borzoi.Client(**CLIENT) as client, client.sse(url, **sending) as source:
        return [repr(source)]


def _upload(url: str, port: int, sending: dict[str, Any]) -> list[str]:
    with borzoi.Client(**CLIENT) as client, client.stream("POST", url, content=iter([b"x"]), **sending) as response:
        return [repr(response), repr(response.request)]


def _by(proxy: str, target: str) -> Callable[..., list[str]]:
    def act(url: str, port: int, sending: dict[str, Any]) -> list[str]:
        with borzoi.Client(proxy=f"{proxy}://user:{CANARY}@127.0.0.1:{port}", **CLIENT) as client:
            return [repr(client), repr(client.get(f"{target}/?access_token={CANARY}", **sending))]

    return act


WAYS: dict[str, Callable[..., list[str]]] = {
    "asyncio": _in_a_loop("asyncio"),
    "trio": _in_a_loop("trio"),
    "websocket": _session,
    "sse": _events,
    "upload": _upload,
    "forwarded": _by("http", "http://one.test"),
    "tunnel": _by("http", "https://one.test"),
    "socks5": _by("socks5", "https://one.test"),
}

PAUSES = [
    "5", "+5", "-5", "5.5", "1e1", "5_0", "\u0665", "\uff15", "\u00b2", "nan", "inf", "9" * 5000, "soon", "", "(",
    "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000", "Wed, 21 Oct 2015 07:28:00",
    "Wed, 21 Oct 2015 07:28:00 +99999999", "Wed, 99 Oct 2015 07:28:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, 31 Dec 9999 23:59:59 -2359",
]  # fmt: skip


class TestPauses:
    """M6: Retry-After."""

    @pytest.mark.parametrize("pause", PAUSES)
    def test_a_pause_is_a_number_or_a_date(self, pause: str) -> None:
        """Digits are ASCII, dates have both a zone or both none; all else is passed over, and no other exception comes of it."""
        for date, method in itertools.product(PAUSES, ("GET", "PUT")):
            fields = [(b"Retry-After", pause.encode()), (b"Date", date.encode())]
            waits = Retries(1, {"method": method}).pause_after(Response(503, headers=fields))
            assert waits is None or 0 <= waits <= 60
            if pause == "5":
                assert waits == 5
            elif not pause.endswith(("GMT", "0", "2359")) and len(pause) < 99:
                assert waits is not None
                assert waits < 0.51  # as where the server asks for nothing


LINES = {
    "reason": b"HTTP/1.1 404 a%bb\r\nContent-Length: 0\r\n\r\n",
    "status": b"HTTP/1.1 4%b04 a\r\nContent-Length: 0\r\n\r\n",
    "field name": b"HTTP/1.1 404 a\r\nX%bA: 0\r\n\r\n",
    "field value": b"HTTP/1.1 404 a\r\nX-A: a%bb\r\nContent-Length: 0\r\n\r\n",
    "Location without end": b"HTTP/1.1 302 a\r\nLocation: http://[a%bb\r\nContent-Length: 0\r\n\r\n",
    "scheme of Location": b"HTTP/1.1 302 a\r\nLocation: f%btp://two.example\r\nContent-Length: 0\r\n\r\n",
    "host of Location": b"HTTP/1.1 302 a\r\nLocation: http://a%bb/\r\nContent-Length: 0\r\n\r\n",
    "content coding": b"HTTP/1.1 200 a\r\nContent-Encoding: gz%bip, gzip\r\nContent-Length: 3\r\n\r\nabc",
    "transfer coding": b"HTTP/1.1 200 a\r\nTransfer-Encoding: gz%bip\r\n\r\nabc",
    "chunk size": b"HTTP/1.1 200 a\r\nTransfer-Encoding: chunked\r\n\r\n3%b\r\nabc",
    "challenge": b"HTTP/1.1 401 a\r\nWWW-Authenticate: Digest realm=%b\r\nContent-Length: 0\r\n\r\n",
}
MORE = "\nFor more information check: "  # httpx's second line of an error status


class TestLogs:
    """D5: a server does not write lines of its own into a log, nor what a terminal acts upon."""

    @pytest.mark.parametrize("by", ["", "http://proxy.example"])
    @pytest.mark.parametrize("where", LINES)
    def test_what_is_said_of_a_response_is_printable(
        self, where: str, by: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each byte in each place where a server's words are shown: errors and records are of one printable line."""
        caplog.set_level(logging.DEBUG, logger="borzoi")
        shown_: list[str] = []
        for byte in range(256):
            data = LINES[where] % bytes([byte])
            backend = MemoryBackend(lambda host, port, data=data: lambda sent: [data] if sent else [])
            transport = HTTPTransport(backend=backend, proxy=by or None)
            with borzoi.Client(transport=transport, auth=DigestAuth("u", "p"), **CLIENT) as client:
                try:
                    client.get("https://one.example/" if by else "http://one.example/").raise_for_status()
                except borzoi.HTTPError as error:
                    shown_.append(str(error).partition(MORE)[0])
        shown_ += [record.getMessage() for record in caplog.records]
        assert len(shown_) > 200
        assert all(line.replace("\t", " ").isprintable() for line in shown_)

    @pytest.mark.parametrize("reason", ["bye\nERROR: lies", "\x1b[31m", "a\u2028b", "\x85", "\x9b31m", "\u202egnp"])
    def test_what_a_session_was_closed_with(self, reason: str) -> None:
        """The reason is kept as it came, and shown in one line."""
        error = borzoi.websockets.WebSocketDisconnect(1008, reason)
        assert error.reason == reason
        assert str(error).isprintable()
        assert "bücher" in str(borzoi.websockets.WebSocketDisconnect(1000, "bücher"))
