"""P1, P4, P6 and R7: credentials of proxies, what opens a tunnel, what a proxy asks with, and which requests may share a connection."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest

import borzoi
from borzoi import DigestAuth, HTTPTransport, Proxy
from borzoi._backends.memory import MemoryBackend
from tests.exchange.http2_scripts import answering
from tests.exchange.http_peers import Asked, answer, assert_whole, http, network_client
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import WORLDS

from .test_i import HEAD

SECRET = b"hunter2hunter2"


class TestP1:
    """The credentials of a proxy."""

    @pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
    @pytest.mark.parametrize("kind", ["http", "socks5"])
    def test_only_their_proxy_is_told(self, kind: str, name: str) -> None:
        """Neither the origin, nor where it redirects to, nor another proxy hears of them."""
        heads: list[bytes] = []

        def respond(asked: Asked) -> bytes:
            heads.append(asked.head)
            location = b"Location: https://two.test/"
            return answer(b"", location, status=b"302 Found") if len(heads) == 1 else answer()

        async def body(url: str, other: str) -> None:
            settings: dict[str, Any] = {"verify": client_context(), "client": {"follow_redirects": True, "timeout": 20}}
            for via in (Proxy(url, auth=("user", SECRET.decode())), other):
                async with network_client(WORLDS[name], proxy=via, **settings) as client:
                    assert (await client.get("https://one.test/")).text == "ok"

        with RawServer(http(respond), tls=server_context("one.test", "two.test")) as origin:
            with proxying(kind, origin) as first, proxying(kind, origin) as second:
                WORLDS[name].run(body, first.url, second.url)
                assert [(told.host, bool(told.credentials)) for told in first.told] == [
                    (b"one.test", True),
                    (b"two.test", True),
                ]
                assert [told.credentials for told in second.told] == [None]
        assert len(heads) == 3
        assert SECRET not in b"".join(heads)
        assert b"uthorization" not in b"".join(heads)

    @pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
    @pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
    @pytest.mark.parametrize("kind", ["http", "https", "socks5"])
    def test_set_on_a_request_they_go_through_no_tunnel(self, kind: str, name: str, *, http2: bool) -> None:
        """A Proxy-Authorization of the request, or of its client, is refused where an origin would get it."""
        secret = {"Proxy-Authorization": "Basic " + SECRET.decode()}
        heads: list[bytes] = []

        def respond(asked: Asked) -> bytes:
            heads.append(asked.head)
            return answer()

        def respond_over_http2(peer: Http2Peer, request: Request) -> None:
            heads.extend(value for _, value in request.headers)
            peer.respond(request.stream, body=b"ok")

        async def body(url: str) -> None:
            via = Proxy(url, ssl_context=client_context() if kind == "https" else None)
            settings: dict[str, Any] = {"proxy": via, "verify": client_context(), "http2": http2}
            async with network_client(WORLDS[name], client={"timeout": 20}, **settings) as client:
                assert (await client.get("https://localhost/")).text == "ok"
                for of_client in (False, True):
                    client.headers.update(secret if of_client else {})
                    with pytest.raises(borzoi.LocalProtocolError, match="Give the proxy its credentials") as caught:
                        await client.get("https://localhost/", headers={} if of_client else secret)
                    assert str(caught.value.request.url) == "https://localhost/"
                    assert SECRET.decode() not in str(caught.value)
                    assert_whole(client)
                del client.headers["Proxy-Authorization"]
                assert (await client.get("https://localhost/")).text == "ok"

        peer = (
            http2_server(answering(respond_over_http2), tls=True)
            if http2
            else RawServer(http(respond), tls=server_context())
        )
        with peer as origin, proxying(kind, origin) as proxy:
            WORLDS[name].run(body, proxy.url)
            assert not any(told.credentials for told in proxy.told)
        assert heads
        assert SECRET not in b"".join(heads)


REPLIES: dict[str, list[bytes]] = {
    "http": [b"HTTP/1.1 200 OK\r\n\r\n"],
    "socks4": [b"\0\x5a" + bytes(6)],
    "socks4a": [b"\0\x5a" + bytes(6)],
    "socks5": [b"\x05\0", b"\x05\0\0\x01" + bytes(6)],
    "socks5h": [b"\x05\0", b"\x05\0\0\x03\x01x\0\0"],
}
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"


class TestP4:
    """What opens a tunnel."""

    @pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://127.0.0.1/"])
    @pytest.mark.parametrize("kind", REPLIES)
    @pytest.mark.parametrize("behind", [EVIL, b"x", EVIL[:30]], ids=["response", "byte", "half"])
    def test_what_a_proxy_says_behind_it_is_no_response(self, behind: bytes, kind: str, url: str) -> None:
        """Bytes together with the reply come from the proxy, or from who hopes to pass for the origin: the connection is closed."""
        if kind == "http" and url.startswith("http:"):
            url = "https://one.test/"  # Requests for http:// are forwarded, without a tunnel.
        sent: list[bytes] = []
        *before, last = REPLIES[kind]
        replies = [*before, last + behind]

        def peer(data: bytes) -> list[bytes]:
            sent.extend([data] * bool(data))
            return [replies[len(sent) - 1]] if data and len(sent) <= len(replies) else []

        transport = HTTPTransport(
            backend=MemoryBackend(lambda host, port: peer), proxy=f"{kind}://proxy.test", verify=False
        )
        with borzoi.Client(transport=transport, headers={"Authorization": "s3cret"}, timeout=1) as client:
            with pytest.raises(borzoi.ProxyError, match="sent bytes of its own into the tunnel"):
                client.get(url)
            assert_whole(client, idle=0)
        assert len(sent) == len(replies)
        assert b"s3cret" not in b"".join(sent)


REALMS = {
    "caf\u00e9".encode(): "caf\u00e9",
    "caf\u00e9".encode("latin-1"): "caf\u00e9",
    "\u65e5\u672c".encode(): "\u65e5\u672c",
    b"\xff\xfe": "\u00ff\u00fe",
    b'a\\"b': 'a\\"b',
    b"r" * 60_000: "r" * 60_000,
}
"""What a proxy may call itself, in UTF-8, in Latin-1, in quotes and at length, and how it is repeated."""


class TestChallengesOfProxies:
    """R7: what a proxy asks with."""

    @pytest.mark.parametrize("place", ["realm", "nonce", "opaque"])
    @pytest.mark.parametrize("url", ["http://one.example/", "https://one.example/"])
    def test_whatever_characters_it_has(self, url: str, place: str) -> None:
        """It is answered in UTF-8, in one line, and no other exception comes of it than the refusal."""
        for realm, repeated in REALMS.items():
            asked: list[bytes] = []
            challenge = {b"realm": b"r", b"nonce": b"n", b"opaque": b"o", place.encode(): realm}
            field = b", ".join(b'%b="%b"' % pair for pair in challenge.items())
            refusal = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Digest " + field + b"\r\nContent-Length: 0\r\n\r\n"

            def peer(data: bytes, asked: list[bytes] = asked, refusal: bytes = refusal) -> list[bytes]:
                asked.extend([data] * bool(data))
                return [refusal] if data else []

            proxy = Proxy("http://proxy.example", auth=DigestAuth("us\u00e9r", SECRET.decode()))
            transport = HTTPTransport(backend=MemoryBackend(lambda host, port, peer=peer: peer), proxy=proxy)
            with borzoi.Client(transport=transport) as client, contextlib.suppress(borzoi.ProxyError):
                client.get(url)
            assert len(asked) == 2
            assert HEAD.fullmatch(asked[1])
            assert f'{place}="{repeated}"'.encode() in asked[1]


ASKED: list[dict[str, Any]] = [
    {"url": "http://one.test/"},
    {"url": "http://two.test/"},
    {"url": "http://one.test:8080/"},
    {"url": "http://one.test./"},
    {"url": "https://one.test/"},
    {"url": "https://one.test:80/"},
    {"url": "https://one.test/", "extensions": {"sni_hostname": "two.test"}},
]
SAME = [("http://one.test/", "http://ONE.test:80/a?b"), ("https://one.test/", "https://one.test:443/")]


class TestP6:
    """Who shares a connection."""

    @staticmethod
    def connections(*asked: dict[str, Any]) -> int:
        """Return how many connections some requests take, one after the other."""
        opened: list[str] = []

        def peer(host: str, port: int) -> Any:
            opened.append(f"{host}:{port}")
            return lambda data: [answer()] if data else []

        with borzoi.Client(transport=HTTPTransport(backend=MemoryBackend(peer), verify=False)) as client:
            for arguments in asked:
                assert client.get(**arguments).text == "ok"
        return len(opened)

    def test_whoever_differs_does_not(self) -> None:
        """Scheme, host, port and the name for TLS: one that differs is another connection."""
        for first, second in itertools.permutations(ASKED, 2):
            assert self.connections(first, second) == 2, (first, second)

    def test_whoever_is_the_same_does(self) -> None:
        """The same origin, however it is written, is one."""
        for first, second in SAME:
            assert self.connections({"url": first}, {"url": second}) == 1

    def test_clients_share_nothing(self) -> None:
        """What is set on a client (TLS, proxy, certificate, address) is set on its own pool."""
        one, two = borzoi.Client(), borzoi.Client(verify=False, proxy="http://user:pass@proxy.test")
        transports = [one._transport, two._transport, *two._mounts.values()]
        senders = {id(transport._sender) for transport in transports}  # type: ignore[union-attr]
        assert len(senders) == 3
        one.close()
        two.close()
