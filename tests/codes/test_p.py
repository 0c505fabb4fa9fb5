"""P1 and P6: credentials of proxies, and which requests may share a connection."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, Proxy
from borzoi._backends.memory import MemoryBackend
from tests.exchange.http_peers import Asked, answer, http, network_client
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import WORLDS

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
            from tests.worlds.certificates import client_context

            via = Proxy(url, auth=("user", SECRET.decode()))
            settings: dict[str, Any] = {"verify": client_context(), "client": {"follow_redirects": True, "timeout": 20}}
            async with network_client(WORLDS[name], proxy=via, **settings) as client:
                extensions = {"sni_hostname": "127.0.0.1"}
                try:
                    await client.get("https://one.test/", extensions=extensions)
                except borzoi.ConnectError:
                    # The certificate is not for where the redirect leads, and that is fine.
                    assert heads
            async with network_client(WORLDS[name], proxy=other, **settings) as client:
                await client.get("https://one.test/", extensions=extensions)

        from tests.worlds.certificates import server_context

        with RawServer(http(respond), tls=server_context()) as origin:
            with proxying(kind, origin) as first, proxying(kind, origin) as second:
                WORLDS[name].run(body, first.url, second.url)
                assert all(told.credentials for told in first.told)
                assert [told.credentials for told in second.told] == [None]
        assert SECRET not in b"".join(heads)
        assert b"uthorization" not in b"".join(heads)


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
