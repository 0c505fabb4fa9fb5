"""The store of TLS sessions: bounded, read sparingly where that leaks, and offered only where nothing has changed."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

import borzoi
from borzoi import Limits
from borzoi._exchange.sessions import MAX_READ, MAX_SESSIONS, MAX_UNRESUMED, Sessions
from tests.exchange.http2_scripts import echo, http2_client
from tests.exchange.http_peers import assert_whole, network_client, pool_of
from tests.exchange.test_tls import Secured
from tests.worlds.certificates import authority, client_context, server_context
from tests.worlds.http2_peer import Http2Peer, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import World

CONTEXT = client_context()

PEER: tuple[str, str, int, ssl.SSLContext, str] = ("origin", "host", 443, CONTEXT, "name")


class Secure:
    """A stream, and what it says of TLS: each session that is read of it is another."""

    def __init__(self, *, resumed: bool = False, read: list[object] | None = None) -> None:
        self.session_reused = resumed
        self._read = [] if read is None else read

    @property
    def session(self) -> object:
        self._read.append(object())
        return self._read[-1]

    def get_extra_info(self, info: str) -> object:
        return self if info == "ssl_object" else None


class Plain:
    """A stream without TLS."""

    def get_extra_info(self, info: str) -> object:
        return None


def connect(sessions: Sessions, stream: Any, peer: tuple[str, str, int, Any, str] = PEER) -> None:
    """Do what a connection to a peer does with the store, up to its first answer."""
    sessions.began(stream, sessions.offer(*peer))
    sessions.remember(stream)


@pytest.mark.parametrize("leaks", [True, False])
def test_more_sessions_than_are_kept(leaks: bool) -> None:
    """No more sessions are kept than so many, the latest among them."""
    sessions = Sessions(leaks=leaks)
    peers = [("origin", f"host{number}", 443, CONTEXT, "name") for number in range(MAX_SESSIONS + 2)]
    connect(sessions, Secure(), peers[0])
    for peer in peers[1:-1]:
        connect(sessions, Secure(), peer)
    connect(sessions, Secure(), peers[1])
    connect(sessions, Secure(), peers[-1])
    assert len(sessions) == MAX_SESSIONS
    kept = [peer[1] for peer in peers if sessions.offer(*peer).session is not None]
    assert kept == ["host1", *[peer[1] for peer in peers[3:]]]


def test_few_sessions_are_read_where_that_leaks() -> None:
    """A session that was resumed is kept, and not read again; of a peer that resumes none, few are read."""
    sessions = Sessions(leaks=True)
    read: list[object] = []
    for _ in range(20):
        connect(sessions, Secure(read=read))
    assert len(read) == MAX_UNRESUMED
    connect(sessions, Secure(resumed=True, read=read))
    assert len(read) == MAX_UNRESUMED
    for _ in range(2):
        connect(sessions, Secure(read=read))
    assert len(read) == MAX_UNRESUMED + 2
    assert sessions.offer(*PEER).session is read[-1]


@pytest.mark.parametrize("role", ["origin", "proxy"])
def test_the_leak_of_one_store_is_bounded(role: str) -> None:
    """However many peers there are, and in whichever role, no more sessions are read than so many, where that leaks."""
    sessions = Sessions(leaks=True)
    read: list[object] = []
    for number in range(MAX_READ + 10):
        connect(sessions, Secure(read=read), (role, f"host{number}", 443, CONTEXT, "name"))
    assert len(read) == MAX_READ
    assert len(sessions) == MAX_SESSIONS


def test_the_latest_session_is_kept() -> None:
    """Where reading costs nothing the latest session is kept: a ticket should serve once (RFC 8446, C.4)."""
    sessions = Sessions(leaks=False)
    read: list[object] = []
    for _ in range(20):
        connect(sessions, Secure(resumed=True, read=read))
        assert sessions.offer(*PEER).session is read[-1]
    assert len(read) == 20


OTHERS: dict[str, tuple[str, str, int, ssl.SSLContext, str]] = {
    "role": ("proxy", *PEER[1:]),
    "host": ("origin", "other", *PEER[2:]),
    "port": ("origin", "host", 444, *PEER[3:]),
    "context": ("origin", "host", 443, client_context(), "name"),
    "name": ("origin", "host", 443, CONTEXT, "other"),
}


@pytest.mark.parametrize("differs", OTHERS)
def test_a_session_is_offered_to_nobody_else(differs: str) -> None:
    """P2, V3: another role, peer, name, or context (with its authorities and certificate) has no part in a session."""
    sessions = Sessions()
    connect(sessions, Secure())
    assert sessions.offer(*PEER).session is not None
    assert sessions.offer(*OTHERS[differs]).session is None


def not_checking_the_name(context: ssl.SSLContext) -> None:
    """Take any name for the right one."""
    context.check_hostname = False


def not_verifying(context: ssl.SSLContext) -> None:
    """Take any certificate."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def asking_for_revocations(context: ssl.SSLContext) -> None:
    """Ask whether certificates were revoked."""
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


@pytest.mark.parametrize("change", [not_checking_the_name, not_verifying, asking_for_revocations])
def test_a_context_that_was_changed(change: Any) -> None:
    """V2: sessions from before a change of how strict a context is are not offered after it, nor the other way about."""
    sessions = Sessions()
    context = client_context()
    peer = ("origin", "host", 443, context, "name")
    connect(sessions, Secure(), peer)
    assert sessions.offer(*peer).session is not None
    change(context)
    assert sessions.offer(*peer).session is None

    # What began before the change is of before, even where its first answer comes after it.
    begun = Secure()
    sessions = Sessions()
    context = client_context()
    peer = ("origin", "host", 443, context, "name")
    sessions.began(begun, sessions.offer(*peer))  # type: ignore[arg-type]
    change(context)
    sessions.remember(begun)  # type: ignore[arg-type]
    assert len(sessions) == 1
    assert sessions.offer(*peer).session is None


def test_what_has_no_session() -> None:
    """Of a stream without TLS, one that is not of this store, and one without a session, nothing is kept."""
    sessions = Sessions()
    assert not sessions.began(Plain(), sessions.offer(*PEER))  # type: ignore[arg-type]
    sessions.remember(Plain())  # type: ignore[arg-type]
    sessions.remember(Secure())  # type: ignore[arg-type]

    class Sessionless(Secure):
        @property
        def session(self) -> Any:
            return None

    connect(sessions, Sessionless())
    assert len(sessions) == 0


def test_a_context_that_becomes_strict(world: World) -> None:
    """V2: once a program has its context verify, a session from before lets no peer in that would be refused."""
    peer = Secured()

    async def body() -> None:
        context = client_context(trusting=False)
        not_verifying(context)
        async with world.client(verify=context, limits=Limits(max_keepalive_connections=0), timeout=20) as client:
            for _ in range(2):
                await client.get(server.url)
            context.verify_mode = ssl.CERT_REQUIRED
            with pytest.raises(borzoi.ConnectError, match="certificate verify failed"):
                await client.get(server.url)
            assert_whole(client, idle=0)
            authority().configure_trust(context)
            await client.get(server.url)

    with RawServer(peer, tls=server_context()) as server:
        world.run(body)
    assert peer.resumed == [False, True, False]
    assert len(peer.received) == 3


def test_another_client_has_other_sessions(world: World) -> None:
    """V3: clients share no sessions, even where they share a context: their pins and certificates are their own."""
    resumed: list[bool] = []

    def closing(sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        resumed.append(bool(sock.session_reused))
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

    async def body() -> None:
        context = client_context()
        for _ in range(2):
            async with world.client(verify=context, timeout=20) as client:
                await client.get(server.url)

    with RawServer(closing, tls=server_context()) as server:
        world.run(body)
    assert resumed == [False, False]


def test_the_session_under_requests_that_came_together(async_world: World) -> None:
    """Over HTTP/2, too, the first response has its connection's session kept, however many requests were on their way."""

    def script(peer: Http2Peer) -> None:
        for request in [peer.request() for _ in range(3)]:
            echo(peer, request)
        peer.until_closed()

    async def body() -> None:
        async with http2_client(async_world, client={"timeout": 20}) as client:
            await async_world.gather(*(lambda: client.get(server.url) for _ in range(3)))
            assert len(pool_of(client)._dialer.sessions) == 1

    with http2_server(script, tls=True) as server:
        async_world.run(body)


def test_a_session_with_a_proxy_that_forwards(world: World) -> None:
    """The next connection to an https proxy for plain requests resumes the TLS session of the one before."""
    peer = Secured()

    async def body() -> None:
        proxy = borzoi.Proxy(f"https://127.0.0.1:{server.port}", ssl_context=client_context())
        limits = Limits(max_keepalive_connections=0)
        async with network_client(world, proxy=proxy, limits=limits, client={"timeout": 20}) as client:
            for _ in range(3):
                assert (await client.get("http://origin.example/")).status_code == 200

    with RawServer(peer, tls=server_context()) as server:
        world.run(body)
    assert peer.resumed == [False, True, True]
