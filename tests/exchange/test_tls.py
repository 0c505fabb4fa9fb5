"""TLS in every world: verified by default, refused before a byte of the request, resumed where it can be."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

import borzoi
from borzoi import Limits
from tests.exchange.http_peers import Reader, assert_whole, echo_target, http, without_delay
from tests.worlds.certificates import authority, client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.world import World


class Secured:
    """Answer over TLS, and remember the bytes of requests and which sessions were resumed."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.resumed: list[bool] = []

    def __call__(self, sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        self.resumed.append(bool(sock.session_reused))

        def respond(asked: Any) -> bytes:
            self.received.append(asked.head)
            return echo_target(asked)

        http(respond)(sock)


def self_signed() -> ssl.SSLContext:
    """Return a server's context whose certificate nobody has signed but itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other = trustme.CA()
    other.issue_cert("127.0.0.1").configure_cert(context)
    return context


def not_yet_valid() -> ssl.SSLContext:
    """Return a server's context whose certificate is of the future."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    future = dt.datetime(2090, 1, 1, tzinfo=dt.UTC)
    authority().issue_cert("127.0.0.1", not_before=future, not_after=future).configure_cert(context)
    return context


def old_version() -> ssl.SSLContext:
    """Return a server's context that speaks TLS 1.2, to a client that wants 1.3."""
    return server_context(version=ssl.TLSVersion.TLSv1_2)


def wants_new_version() -> ssl.SSLContext:
    """Return a client's context that speaks TLS 1.3 only."""
    context = client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "authority unknown by default": (server_context, lambda: True, "(?i)unable to get local issuer|self.signed"),
    "authority unknown to the context": (
        server_context,
        lambda: client_context(trusting=False),
        "(?i)issuer|self.signed",
    ),
    "another name": (lambda: server_context("other.example"), client_context, "(?i)mismatch|not valid for"),
    "another address": (lambda: server_context("127.0.0.2"), client_context, "(?i)mismatch|not valid for"),
    "expired": (lambda: server_context(expired=True), client_context, "(?i)expired"),
    "not yet valid": (not_yet_valid, client_context, "(?i)not yet valid"),
    "another authority": (self_signed, client_context, "(?i)issuer|self.signed"),
    "an old version": (old_version, wants_new_version, "(?i)version|alert"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(world: World, case: str) -> None:
    """52, V1: an unproven peer is a ConnectError with its cause, and not a byte of the request reaches it."""
    of_server, of_client, match = REFUSED[case]
    peer = Secured()

    async def body() -> None:
        async with world.client(verify=of_client(), timeout=20) as client:
            with pytest.raises(borzoi.ConnectError, match=f"127.0.0.1:{server.port}") as caught:
                await client.get(server.url, headers={"Authorization": "secret"})
            caught.match(match)
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            assert caught.value.request.url == server.url
            assert_whole(client, idle=0)

    with RawServer(peer, tls=of_server()) as server:
        world.run(body)
        server.errors[:] = [error for error in server.errors if not isinstance(error, OSError)]
    assert peer.received == []


def test_accepted(world: World, tmp_path: Path) -> None:
    """A peer is accepted that a context, a file or a folder of authorities vouches for, or without verification."""
    bundle = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(str(bundle))

    async def body() -> None:
        for verify in (client_context(), str(bundle), False):
            async with world.client(verify=verify, timeout=20) as client:
                response = await client.get(f"{server.url}/here")
                assert response.text == "/here"
                info = response.extensions["network_stream"].get_extra_info("ssl_object")
                assert info.selected_alpn_protocol() == "http/1.1"

    with RawServer(Secured(), tls=server_context(alpn=("http/1.1",))) as server:
        world.run(body)


def test_the_environment_names_the_authorities(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE is trusted, unless `trust_env=False`."""
    bundle = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    async def body() -> None:
        async with world.client(timeout=20) as client:
            assert (await client.get(f"{server.url}/here")).text == "/here"
        if world.name != "portable-trio":
            async with world.client(timeout=20, trust_env=False) as client:
                with pytest.raises(borzoi.ConnectError):
                    await client.get(server.url)

    with RawServer(Secured(), tls=server_context()) as server:
        world.run(body)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("limits", [Limits(), Limits(max_keepalive_connections=0)])
def test_sessions_are_resumed(world: World, version: ssl.TLSVersion, limits: Limits) -> None:
    """The second connection to an origin resumes the first one's session."""
    peer = Secured()

    def closing(sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        peer.resumed.append(bool(sock.session_reused))
        without_delay(sock)
        asked = Reader(sock).request()
        assert asked is not None
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

    async def body() -> None:
        async with world.client(verify=client_context(), limits=limits, timeout=20) as client:
            for _ in range(3):
                assert (await client.get(server.url)).text == "ok"

    with RawServer(closing, tls=server_context(version=version)) as server:
        world.run(body)
    assert peer.resumed == [False, True, True]


def test_sessions_are_of_one_origin(world: World) -> None:
    """A session is never offered to another origin."""
    one, two = Secured(), Secured()
    limits = Limits(max_keepalive_connections=0)

    async def body() -> None:
        async with world.client(verify=client_context(), limits=limits, timeout=20) as client:
            for url in (first.url, second.url, first.url, second.url):
                await client.get(url)

    # One context: the second peer could resume what the first began.
    context = server_context()
    with RawServer(one, tls=context) as first, RawServer(two, tls=context) as second:
        world.run(body)
    assert (one.resumed, two.resumed) == ([False, True], [False, True])


def test_the_name_for_tls(world: World) -> None:
    """`extensions["sni_hostname"]` is the name that is sent and verified, and connections are not shared across names."""
    names: list[str | None] = []
    context = server_context("one.example", "two.example")
    context.sni_callback = lambda sock, name, ctx: names.append(name)  # type: ignore[assignment, misc]

    async def body() -> None:
        async with world.client(verify=client_context(), timeout=20) as client:
            for name in ("one.example", "two.example", "one.example"):
                await client.get(server.url, extensions={"sni_hostname": name})
            with pytest.raises(borzoi.ConnectError, match=r"(?i)mismatch|not valid for"):
                await client.get(server.url, extensions={"sni_hostname": "three.example"})
            assert_whole(client, idle=2)

    with RawServer(Secured(), tls=context) as server:
        world.run(body)
    assert names == ["one.example", "two.example", "three.example"]


def test_a_large_body_both_ways(world: World) -> None:
    """Bodies of many records arrive whole."""
    sent = bytes(range(256)) * 8000

    async def body() -> None:
        async with world.client(verify=client_context(), timeout=20) as client:
            response = await client.post(server.url, content=sent)
            assert response.content == sent
            assert_whole(client, idle=1)

    def respond(asked: Any) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked.body) + asked.body

    with RawServer(http(respond), tls=server_context()) as server:
        world.run(body)


def test_stray_bytes_while_idle(world: World) -> None:
    """23: over TLS, too, a connection on which the server spoke while it was idle is not used again."""
    done = threading.Event()

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        asked = Reader(sock).request()
        assert asked is not None
        sock.sendall(echo_target(asked))
        if len(server.connections) == 1:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON")
        done.set()
        sock.recv(1)

    async def body() -> None:
        async with world.client(verify=client_context(), timeout=20) as client:
            assert (await client.get(f"{server.url}/1")).text == "/1"
            await world.wait_for(done)
            assert (await client.post(f"{server.url}/2")).text == "/2"

    with RawServer(handler, tls=server_context()) as server:
        world.run(body)
        assert len(server.connections) == 2
