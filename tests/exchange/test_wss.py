"""WebSockets over TLS in every world: their sessions are resumed, and nothing but HTTP/1.1 is offered for them."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from tests.exchange.http_peers import network_client, pool_of
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.websocket_peers import Peer, accepting, websocket
from tests.worlds.world import World


class Secured:
    """Echo, and remember which handshakes resumed a session and what was agreed on in them."""

    def __init__(self) -> None:
        self.resumed: list[bool] = []
        self.agreed: list[str | None] = []

    def __call__(self, sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        self.resumed.append(bool(sock.session_reused))
        self.agreed.append(sock.selected_alpn_protocol())
        accepting(Peer.echo)(sock)


@pytest.mark.parametrize("http2", [False, True])
def test_sessions_are_resumed(world: World, http2: bool) -> None:
    """The second WebSocket to a server resumes the session of the first; HTTP/2 is not offered, even if requests do."""
    peer = Secured()

    async def body() -> None:
        settings: dict[str, Any] = {"verify": client_context(), "http2": http2}
        async with network_client(world, **settings, client={"timeout": 20}) as client:
            for message in ("one", "two"):
                url = f"wss://localhost:{server.port}/"
                async with websocket(world, client, url) as session:
                    await session.send_text(message)
                    assert await session.receive_text() == message
            assert (pool_of(client)._dialer.secured, pool_of(client)._dialer.resumed) == (2, 1)

    with RawServer(peer, tls=server_context(alpn=("h2", "http/1.1"))) as server:
        world.run(body)
    assert peer.resumed == [False, True]
    assert "h2" not in peer.agreed
