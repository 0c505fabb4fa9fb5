"""V1 to V6: who is accepted, and what is sent before that is known."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import socket
import ssl
import tempfile
import warnings
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import borzoi
from tests.exchange.http_peers import assert_whole, network_client
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import WORLDS

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@functools.cache
def _key(name: str) -> Any:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _common(certificate: Any) -> str:
    return str(certificate.subject.rdns[0]._attributes[0].value)


def authority(name: str = "root", issuer: Any = None, *, is_ca: bool = True) -> Any:
    """Return a certificate that may sign others, signed by itself or by another."""
    of, key = _name(name), _key(name)
    signing = key if issuer is None else _key(_common(issuer))
    builder = x509.CertificateBuilder(
        issuer.subject if issuer else of, of, key.public_key(), x509.random_serial_number()
    )
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, is_ca, is_ca, False, False)
    builder = builder.add_extension(usage, critical=True)
    return _identified(builder, key, signing).sign(signing, hashes.SHA256())


def _identified(builder: Any, key: Any, signing: Any) -> Any:
    """Name the keys of a certificate and of its issuer, as strict verifiers want it (RFC 5280, 4.2.1)."""
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    return builder.add_extension(issuer, critical=False)


ROOT = authority()
OTHER_ROOT = authority("another root")
INTERMEDIATE = authority("intermediate", ROOT)
NO_AUTHORITY = authority("no authority", ROOT, is_ca=False)


def leaf(
    *names: Any, signed_by: Any = ROOT, key: Any = None, begins: Any = NOW - DAY, ends: Any = NOW + DAY, common: str = "leaf",
    purpose: Any = x509.ExtendedKeyUsageOID.SERVER_AUTH,
) -> tuple[Any, Any]:  # fmt: skip
    """Return a certificate for a server, and its key."""
    key, signing = key or _key("leaf"), _key(_common(signed_by))
    builder = x509.CertificateBuilder(signed_by.subject, _name(common), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return _identified(builder, key, signing).sign(signing, hashes.SHA256()), key


def dns(text: str) -> Any:
    """Return a name."""
    return x509.DNSName(text)


def ip(text: str) -> Any:
    """Return an address."""
    return x509.IPAddress(ipaddress.ip_address(text))


def context_of(certificate: Any, key: Any, *chain: Any) -> ssl.SSLContext:
    """Return a server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    shown = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in (certificate, *chain))
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(shown + kept)
        file.flush()
        context.load_cert_chain(file.name)
    return context


GOOD: dict[str, tuple[str, Any]] = {
    "a name": ("one.test", lambda: leaf(dns("one.test"))),
    "a name in another case": ("one.test", lambda: leaf(dns("ONE.test"))),
    "an address": ("127.0.0.1", lambda: leaf(ip("127.0.0.1"))),
    "a wildcard": ("a.one.test", lambda: leaf(dns("*.one.test"))),
    "an intermediate that is shown": (
        "one.test",
        lambda: (*leaf(dns("one.test"), signed_by=INTERMEDIATE), INTERMEDIATE),
    ),
}

BAD: dict[str, tuple[str, Any]] = {
    "expired": ("one.test", lambda: leaf(dns("one.test"), begins=NOW - 3 * DAY, ends=NOW - 2 * DAY)),
    "not yet valid": ("one.test", lambda: leaf(dns("one.test"), begins=NOW + DAY / 2)),
    "signed by itself": ("one.test", lambda: leaf(dns("one.test"), signed_by=authority("one.test"))),
    "an unknown root": ("one.test", lambda: leaf(dns("one.test"), signed_by=OTHER_ROOT)),
    "another host": ("one.test", lambda: leaf(dns("two.test"))),
    "a part of the host": ("one.test", lambda: leaf(dns("test"))),
    "more than the host": ("one.test", lambda: leaf(dns("one.test.evil.test"))),
    "a common name alone": ("one.test", lambda: leaf(common="one.test")),
    "a common name beside another": ("one.test", lambda: leaf(dns("two.test"), common="one.test")),
    "NUL in a name": ("one.test", lambda: leaf(dns("one.test\x00.evil.test"))),
    "an address as a name": ("127.0.0.1", lambda: leaf(dns("127.0.0.1"))),
    "another address": ("127.0.0.1", lambda: leaf(ip("127.0.0.2"))),
    "a wildcard for an address": ("127.0.0.1", lambda: leaf(dns("*.0.0.1"))),
    "a wildcard too high": ("a.b.one.test", lambda: leaf(dns("*.one.test"))),
    "a wildcard for none": ("one.test", lambda: leaf(dns("*.one.test"))),
    "a wildcard alone": ("one.test", lambda: leaf(dns("*"))),
    "a wildcard in the middle": ("a.one.test", lambda: leaf(dns("a.*.test"))),
    "a part of a label": ("one.test", lambda: leaf(dns("o*.test"))),
    "a part of an IDNA label": ("xn--bcher-kva.test", lambda: leaf(dns("xn--*.test"))),
    "an intermediate that is missing": ("one.test", lambda: leaf(dns("one.test"), signed_by=INTERMEDIATE)),
    "signed by what is no authority": ("one.test", lambda: (*leaf(dns("one.test"), signed_by=NO_AUTHORITY), NO_AUTHORITY)),
    "for clients": ("one.test", lambda: leaf(dns("one.test"), purpose=x509.ExtendedKeyUsageOID.CLIENT_AUTH)),
    "a weak key": ("one.test", lambda: leaf(dns("one.test"), key=rsa.generate_private_key(65537, 1024))),
}  # fmt: skip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The root, in a file."""
    path = tmp_path_factory.mktemp("authorities") / "root.pem"
    path.write_bytes(ROOT.public_bytes(serialization.Encoding.PEM))
    return str(path)


class Listener:
    """Remember what came over TLS."""

    def __init__(self) -> None:
        self.received = b""

    def __call__(self, sock: socket.socket) -> None:
        self.received += sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def ask(world: str, host: str, context: ssl.SSLContext, verify: Any) -> tuple[Any, bytes]:
    """Return the outcome of a request with a secret, and what the server was told."""
    heard = Listener()

    async def body() -> Any:
        settings: dict[str, Any] = {"verify": verify, "trust_env": False, "timeout": 20}
        addresses = [("127.0.0.1", server.port)]
        async with WORLDS[world].client(resolver=lambda name, port: addresses, **settings) as client:
            try:
                return await client.get(f"https://{host}:{server.port}/", headers={"Authorization": "s3cret"})
            except borzoi.HTTPError as error:
                assert_whole(client, idle=0)
                return error

    with RawServer(heard, tls=context) as server:
        outcome = WORLDS[world].run(body)
        server.errors[:] = [error for error in server.errors if not isinstance(error, OSError)]
    return outcome, heard.received


class TestV1:
    """The refusal matrix."""

    @pytest.mark.parametrize("world", ["blocking", "asyncio", "trio"])
    @pytest.mark.parametrize("case", BAD)
    def test_refused(self, case: str, world: str, bundle: str) -> None:
        """It is a ConnectError that says why, and not a byte of the request is sent."""
        host, make = BAD[case]
        outcome, received = ask(world, host, context_of(*make()), bundle)
        assert type(outcome) is borzoi.ConnectError, outcome
        assert host in str(outcome)
        assert isinstance(outcome.__cause__, ssl.SSLError)
        assert received == b""

    @pytest.mark.parametrize("case", GOOD)
    def test_accepted(self, case: str, bundle: str) -> None:
        """What is in order is accepted, so that the refusals mean something."""
        host, make = GOOD[case]
        outcome, received = ask("blocking", host, context_of(*make()), bundle)
        assert getattr(outcome, "text", outcome) == "ok"
        assert b"s3cret" in received

    @pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
    def test_old_versions(self, version: str, bundle: str) -> None:
        """TLS 1.0 and 1.1 are not spoken."""
        context = context_of(*leaf(dns("one.test")))
        with warnings.catch_warnings():
            # Python advises against what a server does here on purpose.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion[version]
            context.maximum_version = ssl.TLSVersion[version]
        outcome, received = ask("blocking", "one.test", context, bundle)
        assert type(outcome) is borzoi.ConnectError
        assert received == b""


class TestV3:
    """Only the authorities that were given."""

    @pytest.mark.parametrize("world", ["blocking", "asyncio", "trio"])
    def test_nothing_is_merged(self, world: str, bundle: str, tmp_path: Any) -> None:
        """With a set of its own a client trusts no other, and settings of one are not those of another."""
        other = tmp_path / "other.pem"
        other.write_bytes(OTHER_ROOT.public_bytes(serialization.Encoding.PEM))
        for trusted, accepted in ((bundle, True), (str(other), False), (True, False), (bundle, True)):
            outcome, _ = ask(world, "one.test", context_of(*leaf(dns("one.test"))), trusted)
            assert (getattr(outcome, "text", None) == "ok") == accepted


class TestV5:
    """Bytes ahead of the handshake."""

    @pytest.mark.parametrize("kind", [None, "http", "socks5"])
    @pytest.mark.parametrize("world", ["blocking", "asyncio", "trio"])
    def test_they_are_no_response(self, world: str, kind: str | None, bundle: str) -> None:
        """A response in plain before the handshake is a failed handshake, with the origin as behind a tunnel."""
        received: list[bytes] = []

        def handler(sock: socket.socket) -> None:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
            received.append(sock.recv(65536))

        async def body(port: int, proxy: str | None) -> None:
            settings: dict[str, Any] = {"verify": bundle, "proxy": proxy, "client": {"timeout": 20}}
            async with network_client(WORLDS[world], **settings) as client:
                with pytest.raises((borzoi.ConnectError, borzoi.ProxyError)):
                    await client.get(f"https://127.0.0.1:{port}/", headers={"Authorization": "s3cret"})
                assert_whole(client, idle=0)

        with RawServer(handler) as server:
            if kind is None:
                WORLDS[world].run(lambda: body(server.port, None))
            else:
                with proxying(kind, server) as proxy:
                    WORLDS[world].run(lambda: body(server.port, proxy.url))
            server.errors[:] = [error for error in server.errors if not isinstance(error, OSError)]
        assert b"s3cret" not in b"".join(received)
