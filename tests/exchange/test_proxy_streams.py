"""WebSockets and server-sent events through each kind of proxy: one world for each, as the way there is the same in all."""

from __future__ import annotations

import socket
from typing import Any

import pytest

import borzoi
from borzoi import Proxy
from tests.exchange.http_peers import Reader, assert_whole, network_client
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.proxies import KINDS, proxying
from tests.worlds.test_sse import HEAD, chunk, subscribed
from tests.worlds.websocket_peers import accepting
from tests.worlds.world import WORLDS


def with_secrets(kind: str, url: str) -> Proxy:
    """Return a proxy with credentials, and with headers where it has such."""
    auth = ("user", "" if kind.startswith("socks4") else "pass5")
    context = client_context() if kind == "https" else None
    return Proxy(url, auth=auth, ssl_context=context, headers={"X-Of-Proxy": "1"})


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_websocket_through_a_proxy(kind: str, scheme: str) -> None:
    """A WebSocket goes through a tunnel of each kind, of an HTTP proxy, too, and its handshake has none of the secrets."""
    heads: list[bytes] = []

    def serve(peer: Any) -> None:
        heads.append(peer.head)
        peer.echo()

    tls = server_context("origin.example", "localhost") if scheme == "wss" else None
    host = "localhost" if kind == "socks4" else "origin.example"
    with RawServer(accepting(serve), tls=tls) as origin, proxying(kind, origin) as proxy:
        transport = borzoi.HTTPTransport(proxy=with_secrets(kind, proxy.url), verify=client_context())
        with borzoi.Client(transport=transport, timeout=20) as client:
            with client.websocket(f"{scheme}://{host}:81/here") as session:
                for size in (1, 200, 60_000):
                    session.send_text("x" * size)
                    assert session.receive_text(20) == "x" * size
            assert_whole(client, idle=0)
    assert [told.port for told in proxy.told] == [81]
    (head,) = heads
    assert not any(secret in head.lower() for secret in (b"proxy-", b"of-proxy", b"pass5"))


def events(sock: socket.socket) -> None:
    """Send three events, each in a chunk, to each who asks."""
    reader = Reader(sock)
    while reader.head() is not None:
        sock.sendall(HEAD)
        for number in range(3):
            sock.sendall(chunk(b"data: %d\n\n" % number))
        sock.sendall(chunk(b""))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", KINDS)
def test_events_through_a_proxy(kind: str, scheme: str) -> None:
    """Events come through each kind of proxy as they are sent, from one that forwards requests as from behind a tunnel."""
    world = WORLDS["asyncio"]
    host = "localhost" if kind == "socks4" else "origin.example"
    forwards = scheme == "http" and kind in ("http", "https")
    tls = server_context("origin.example", "localhost") if scheme == "https" else None

    async def body() -> None:
        url = front.url if forwards else proxy.url
        async with network_client(world, proxy=with_secrets(kind, url), verify=client_context()) as client:
            async with subscribed(client, f"{scheme}://{host}:81/") as source:
                assert [event.data async for event in source] == ["0", "1", "2"]
            assert_whole(client)

    with RawServer(events, tls=tls) as origin, proxying(kind, origin) as proxy:
        with RawServer(events, tls=server_context() if kind == "https" else None) as front:
            world.run(body)
            assert len(front.connections) == int(forwards)
    assert len(proxy.told) == int(not forwards)
