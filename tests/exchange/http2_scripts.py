"""What scripted HTTP/2 servers do in the tests of the exchange, and a client that speaks to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.exchange.http_peers import assert_whole, network_client, pool_of
from tests.worlds.certificates import client_context
from tests.worlds.http2_peer import Http2Peer, Request
from tests.worlds.world import World

Answer = Callable[[Http2Peer, Request], object]


def echo(peer: Http2Peer, request: Request) -> None:
    """Answer with the path, and the body after it."""
    peer.respond(request.stream, body=(request.get(b":path") or b"") + request.body)


def answering(answer: Answer = echo) -> Callable[[Http2Peer], None]:
    """Return a script that answers each whole request at once."""

    def script(peer: Http2Peer) -> None:
        while True:
            answer(peer, peer.request())

    return script


def http2_client(world: World, **settings: Any) -> Any:
    """Return a client that offers HTTP/2, and trusts the peers."""
    settings.setdefault("verify", client_context())
    settings.setdefault("http2", True)
    return network_client(world, **settings)


def assert_settled(client: Any, idle: int | None = None) -> None:
    """Fail unless nothing is leased, nobody waits, and no connection carries anything."""
    assert_whole(client, idle)
    assert not pool_of(client)._dialing
    for lane in pool_of(client)._shelf.lanes():
        assert not lane.joiners
        assert lane.opener is None
        for connection in lane.shared:
            assert connection.leases == 0
            assert not connection.http2.streams
            assert not connection.http2._untaken
            assert not connection.awake
            assert not connection._waiting
            assert connection._carrier is None
