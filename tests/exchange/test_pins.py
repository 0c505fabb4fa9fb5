"""Pinned certificates, certificates from memory, and settings that do not work, in every world."""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

import borzoi
from borzoi import TLS, Limits
from borzoi._policy.tls import public_key_of
from tests.exchange.http_peers import assert_whole, pool_of, transport_of
from tests.exchange.test_tls import Secured
from tests.worlds.certificates import authority, certificate, client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.world import World

NAMES = ("127.0.0.1", "localhost", "::1")


def right_pin() -> str:
    """Return the pin of the server's key."""
    der = ssl.PEM_cert_to_DER_cert(certificate(*NAMES, expired=False).cert_chain_pems[0].bytes().decode("ascii"))
    return "sha256/" + b64encode(hashlib.sha256(public_key_of(der)).digest()).decode("ascii")


def dialer_of(client: Any) -> Any:
    """Return what opens the connections of a client."""
    return pool_of(client)._dialer


@pytest.mark.parametrize("verify", ["context", False])
def test_the_right_pin(world: World, verify: Any) -> None:
    """A peer whose key is pinned is spoken to, verified by its authority besides or not; resumed connections are checked too."""
    peer = Secured()

    async def body() -> None:
        settings = TLS(client_context() if verify == "context" else verify, pins=[right_pin()])
        limits = Limits(max_keepalive_connections=0)
        async with world.client(verify=settings, limits=limits, timeout=20) as client:
            for _ in range(3):
                assert (await client.get(f"{server.url}/here")).text == "/here"
            assert (dialer_of(client).secured, dialer_of(client).resumed) == (3, 2)

    with RawServer(peer, tls=server_context()) as server:
        world.run(body)
    assert peer.resumed == [False, True, True]


@pytest.mark.parametrize("pins", ["00" * 32, {"127.0.0.1": "00" * 32, "localhost": right_pin()}], ids=["all", "host"])
def test_the_wrong_pin(world: World, pins: Any) -> None:
    """Another key is a ConnectError that names the peer and the key; not a byte of the request is sent, nothing stays open."""
    peer = Secured()

    async def body() -> None:
        async with world.client(verify=TLS(client_context(), pins=pins), timeout=20) as client:
            with pytest.raises(borzoi.ConnectError) as caught:
                await client.get(server.url, headers={"Authorization": "secret"})
            assert str(caught.value) == (
                f"TLS handshake with 127.0.0.1:{server.port} failed: its certificate is none of those pinned "
                f"(its key is {right_pin()})"
            )
            assert_whole(client, idle=0)

    with RawServer(peer, tls=server_context()) as server:
        world.run(body)
    assert peer.received == []


def test_pins_are_for_the_name_that_is_verified(world: World) -> None:
    """With `sni_hostname`, the pins of that name count."""

    async def body() -> None:
        settings = TLS(client_context(), pins={"localhost": "00" * 32})
        async with world.client(verify=settings, timeout=20) as client:
            await client.get(server.url)
            with pytest.raises(borzoi.ConnectError, match="none of those pinned"):
                await client.get(server.url, extensions={"sni_hostname": "localhost"})

    with RawServer(Secured(), tls=server_context()) as server:
        world.run(body)


def own_certificate() -> tuple[bytes, bytes]:
    """Return a client's certificate and its key, as PEM."""
    leaf = certificate("client.example")
    return leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()


def test_a_certificate_from_memory(world: World, tmp_path: Path) -> None:
    """The server sees the client's certificate, given as bytes, as text, in one piece or as files."""
    subjects: list[Any] = []
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    certificate_pem, key_pem = own_certificate()
    path = tmp_path / "key.pem"
    path.write_bytes(key_pem)

    class Peer(Secured):
        def __call__(self, sock: Any) -> None:
            subjects.append(sock.getpeercert()["subjectAltName"])
            super().__call__(sock)

    async def body() -> None:
        for cert in (
            certificate_pem + key_pem,
            (certificate_pem + key_pem).decode("ascii"),
            (certificate_pem, key_pem),
            (certificate_pem, str(path)),
        ):
            async with world.client(verify=TLS(client_context(), cert), timeout=20) as client:
                assert (await client.get(f"{server.url}/here")).text == "/here"

    with RawServer(Peer(), tls=context) as server:
        world.run(body)
    assert subjects == [(("DNS", "client.example"),)] * 4


def test_settings_that_do_not_work(world: World, tmp_path: Path) -> None:
    """A file that holds no certificates is a ConnectError of each request, when it is first needed."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")

    async def body() -> None:
        async with world.client(verify=str(empty)) as client:
            for _ in range(2):
                with pytest.raises(
                    borzoi.ConnectError, match=r"No TLS with 127\.0\.0\.1:\d+, the settings do not work"
                ):
                    await client.get(server.url)
            assert_whole(client, idle=0)
            assert transport_of(client) is not None

    with RawServer(Secured(), tls=server_context()) as server:
        world.run(body)
