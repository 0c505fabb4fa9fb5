"""Each fault at the wire seam is what it is over real sockets: the same exception, with the same text, in every world."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi.testing import Mock, fault, mock, reply
from borzoi.testing.faults import Fault
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, black_hole, refusing_port, silent
from tests.worlds.world import WORLDS, World

from .playing import played

THREE = ["blocking", "asyncio", "trio"]

FAULTS: dict[str, tuple[Fault, type[Exception]]] = {
    "reset before the head": (fault.reset(), borzoi.ReadError),
    "reset after the head": (fault.reset(after_bytes=0), borzoi.ReadError),
    "reset in the body": (fault.reset(after_bytes=512), borzoi.ReadError),
    "closed before the head": (fault.truncate(), borzoi.RemoteProtocolError),
    "closed in the head": (fault.truncate_head(), borzoi.RemoteProtocolError),
    "closed after the head": (fault.truncate(0), borzoi.RemoteProtocolError),
    "closed in the body": (fault.truncate(512), borzoi.RemoteProtocolError),
    "stalled before the head": (fault.stall(60), borzoi.ReadTimeout),
    "stalled in the body": (fault.stall(60, at="body"), borzoi.ReadTimeout),
    "dripping": (fault.drip(3, every=60), borzoi.ReadTimeout),
    "garbage": (fault.garbage(), borzoi.RemoteProtocolError),
    "a bad chunk": (fault.bad_chunk(), borzoi.RemoteProtocolError),
    "conflicting lengths": (fault.conflicting_lengths(), borzoi.RemoteProtocolError),
    "endless headers": (fault.endless_headers(), borzoi.RemoteProtocolError),
}


@pytest.fixture(params=THREE)
def one_world(request: pytest.FixtureRequest) -> World:
    """Each of the three worlds."""
    return WORLDS[request.param]


def failure(world: World, url: str, m: Mock | None = None, **settings: Any) -> tuple[type[BaseException], str]:
    """Return what a GET fails with, as class and text."""

    async def body() -> tuple[type[BaseException], str]:
        settings.setdefault("timeout", 0.25)
        async with world.client(trust_env=False, **settings) as client:
            if m is not None:
                m.bind(getattr(client, "wrapped", client))
            with pytest.raises(borzoi.HTTPError) as caught:
                await client.get(url)
            assert caught.value.request.url == url
            return type(caught.value), str(caught.value)

    found: tuple[type[BaseException], str] = world.run(body)
    return found


def mocked(
    world: World, url: str, arrange: Callable[[Mock], object], **settings: Any
) -> tuple[type[BaseException], str]:
    """Return what a GET fails with at the wire seam."""
    with mock() as m:
        arrange(m)
        return failure(world, url, m, **settings)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_reply(name: str, one_world: World) -> None:
    """A reply that goes wrong raises, in every world, what the same bytes raise over a real socket."""
    wrong, kind = FAULTS[name]
    servers: list[RawServer] = []
    with RawServer(played(wrong.reply().script("GET"), servers)) as server:
        servers.append(server)
        url = f"{server.url}/path"
        real = failure(one_world, url)

    assert real[0] is kind
    assert mocked(one_world, url, lambda m: m.get(url).reply(wrong)) == real


def test_a_fault_of_a_given_reply(one_world: World) -> None:
    """A fault spoils the very reply that it is given with."""
    whole = reply(201, json={"some": "thing" * 10}, fault=fault.truncate(20))
    servers: list[RawServer] = []
    with RawServer(played(whole.script("GET"), servers)) as server:
        real = failure(one_world, server.url)

    assert mocked(one_world, server.url, lambda m: m.get(server.url).reply(whole)) == real


def test_nobody_listens(one_world: World) -> None:
    """A refused connection is the same at the wire seam."""
    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}/"
        real = failure(one_world, url)

    assert real[0] is borzoi.ConnectError
    assert mocked(one_world, url, lambda m: m.network("127.0.0.1").refuse()) == real


def test_packets_vanish(one_world: World) -> None:
    """A connection that is neither made nor refused is the same at the wire seam."""
    with black_hole() as port:
        url = f"http://127.0.0.1:{port}/"
        real = failure(one_world, url)

    assert real[0] is borzoi.ConnectTimeout
    assert mocked(one_world, url, lambda m: m.network("127.0.0.1").connect_hang()) == real


def test_nobody_knows_the_name(one_world: World) -> None:
    """A name that does not exist is the same at the wire seam."""

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    url = "http://nowhere.test/"
    real = failure(one_world, url, resolver=unknown)

    assert real[0] is borzoi.ConnectError
    assert mocked(one_world, url, lambda m: m.network("nowhere.test").dns_fail()) == real


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_no_name_server_answers(name: str) -> None:
    """A lookup that hangs is the same at the wire seam."""
    async_world = WORLDS[name]

    async def hanging(host: str, port: int) -> list[str]:
        async with async_world.fail_after(20):
            await async_world.wait_for(servers[0].closing)
        return []

    url = "http://nowhere.test/"
    servers: list[RawServer] = []
    with RawServer(silent) as server:
        servers.append(server)

        async def body() -> tuple[type[BaseException], str]:
            async with async_world.client(trust_env=False, timeout=0.25, resolver=hanging) as client:
                with pytest.raises(borzoi.HTTPError) as caught:
                    await client.get(url)
                server.closing.set()
                return type(caught.value), str(caught.value)

        real = async_world.run(body)

    assert mocked(async_world, url, lambda m: m.network("nowhere.test").dns_hang()) == real


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "untrusted"])
def test_a_bad_certificate(kind: str, one_world: World) -> None:
    """A certificate that is not accepted is the same at the wire seam."""
    context = server_context("127.0.0.1", expired=True) if kind == "expired" else server_context("other.test")
    settings = {"verify": client_context(trusting=kind != "untrusted"), "timeout": 5}
    with RawServer(silent, tls=context) as server:
        real = failure(one_world, server.url, **settings)

    assert real[0] is borzoi.ConnectError
    assert mocked(one_world, server.url, lambda m: m.network("127.0.0.1").tls(kind), **settings) == real


def test_a_certificate_for_another_name(one_world: World) -> None:
    """A certificate for another host is the same at the wire seam where the host has a name."""
    with RawServer(silent, tls=server_context("other.test")) as server:
        url = f"https://localhost:{server.port}/"
        real = failure(one_world, url, verify=client_context(), timeout=5)

    assert "Hostname mismatch" in real[1]
    assert mocked(one_world, url, lambda m: m.network("localhost").tls("wrong_host"), verify=client_context()) == real


def test_a_self_signed_certificate(one_world: World, self_signed: ssl.SSLContext) -> None:
    """A certificate that vouches for itself is the same at the wire seam."""
    with RawServer(silent, tls=self_signed) as server:
        real = failure(one_world, server.url, verify=client_context(), timeout=5)

    assert mocked(one_world, server.url, lambda m: m.network("*").tls("self_signed"), verify=client_context()) == real


@pytest.fixture
def self_signed() -> ssl.SSLContext:
    """A server's context with a certificate of its own making."""
    import datetime as dt
    import tempfile

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    shown = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(shown + kept)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def test_a_handshake_that_hangs(one_world: World) -> None:
    """A server that says nothing in the handshake is the same at the wire seam."""
    with RawServer(silent) as server:
        url = f"https://127.0.0.1:{server.port}/"
        kind, text = failure(one_world, url, verify=client_context())

    # Connecting has taken a little of the time over the real socket, and none in the mock.
    real = kind, re.sub(r"within 0\.2\d* s", "within 0.25 s", text)
    assert kind is borzoi.ConnectTimeout
    assert mocked(one_world, url, lambda m: m.network("*").tls_hang(), verify=client_context()) == real


def test_a_client_that_checks_nothing_accepts_any_certificate(one_world: World) -> None:
    """verify=False gets its answer whatever the certificate is, at the wire seam as over real sockets."""

    async def body() -> int:
        async with one_world.client(trust_env=False, verify=False) as client:
            return (await client.get("https://api.test/")).status_code

    with mock() as m:
        m.get("https://api.test/").reply(204)
        m.network("api.test").tls("expired")
        assert one_world.run(body) == 204
