"""TLS settings and the contexts made of them: late, once, and shared."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

import borzoi
from borzoi import TLS, create_ssl_context
from borzoi._client.tls import lazy_context
from tests.worlds.certificates import authority, certificate


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    """A file with one authority."""
    path = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def own(tmp_path: Path) -> tuple[str, str]:
    """A client's certificate and its key."""
    leaf = certificate("client.example")
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


def names_of(context: ssl.SSLContext) -> int:
    """Return how many authorities a context trusts."""
    return len(context.get_ca_certs())


def test_by_default_the_authorities_of_certifi() -> None:
    """By default the peer is verified against certifi's authorities, by its name."""
    context = create_ssl_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert names_of(context) > 50


def test_none_is_the_default() -> None:
    """Programs that leave `verify` open pass None, and httpx verifies then."""
    unknown: Any = None
    assert lazy_context(unknown, None, True)() is lazy_context(True, None, True)()


def test_no_verification() -> None:
    """`verify=False` verifies nothing."""
    context = create_ssl_context(verify=False)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_file_or_folder(bundle: str) -> None:
    """A path is trusted, and nothing besides."""
    assert names_of(create_ssl_context(bundle)) == 1
    assert create_ssl_context(str(Path(bundle).parent)).verify_mode == ssl.CERT_REQUIRED


def test_a_context_is_taken_as_it_is(own: tuple[str, str]) -> None:
    """A context stays itself; a certificate is loaded into it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert create_ssl_context(context) is context
    assert create_ssl_context(context, own) is context
    assert lazy_context(context, own, True)() is context
    assert lazy_context(context, None, True)() is context


def test_the_environment(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE and SSL_CERT_DIR name the authorities where the environment is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    assert names_of(create_ssl_context()) == 1
    assert names_of(create_ssl_context(trust_env=False)) > 50
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(bundle).parent))
    assert names_of(create_ssl_context()) == 0


def test_the_store_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify="system"` asks truststore, and says what to install where it is missing."""
    monkeypatch.setitem(sys.modules, "truststore", None)
    with pytest.raises(ImportError, match=r"borzoi\[system-trust\]"):
        create_ssl_context("system")

    class Store:
        SSLContext = staticmethod(ssl.SSLContext)

    monkeypatch.setitem(sys.modules, "truststore", Store)  # type: ignore[arg-type]
    assert create_ssl_context("system").protocol == ssl.PROTOCOL_TLS_CLIENT
    assert callable(lazy_context("system", None, True))


def test_own_certificates(own: tuple[str, str], tmp_path: Path) -> None:
    """A client's certificate is one file, or two, or two and a password."""
    together = tmp_path / "both.pem"
    together.write_text(Path(own[0]).read_text() + Path(own[1]).read_text())
    for cert in (str(together), own, (*own, "password")):
        assert isinstance(create_ssl_context(False, cert), ssl.SSLContext)


@pytest.mark.parametrize(
    ("verify", "cert"),
    [
        ("/not/there", None),
        (True, "/not/there"),
        (True, ("/not/there", "/nor/there")),
        (False, ("/not/there", "k", "p")),
    ],
)
def test_a_path_that_is_not_there(verify: Any, cert: Any) -> None:
    """What is wrong with a path is found out when the setting is made."""
    with pytest.raises(FileNotFoundError, match="/not/there"):
        lazy_context(verify, cert, True)


def test_equal_settings_share_a_context(bundle: str) -> None:
    """Two clients of equal settings share one context, those of different settings do not."""
    first, second = lazy_context(bundle, None, True), lazy_context(bundle, None, True)
    assert first() is first() is second()
    assert lazy_context(False, None, True)() is not first()
    assert lazy_context(True, None, True)() is lazy_context(True, None, True)()


def test_a_file_that_was_replaced_makes_a_new_context(bundle: str) -> None:
    """A renewed file is read by the clients that are made from then on."""
    first = lazy_context(bundle, None, True)
    before = first()
    os.utime(bundle, ns=(1, 1))
    assert first() is before
    assert lazy_context(bundle, None, True)() is not before


def test_the_environment_is_part_of_the_setting(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context made under one environment is not used under another."""
    before = lazy_context(True, None, True)()
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    assert lazy_context(True, None, True)() is not before
    assert lazy_context(True, None, False)() is lazy_context(True, None, False)()


def test_the_environment_is_checked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that SSL_CERT_FILE names and that is not there is found out when the setting is made, if it is for us."""
    monkeypatch.setenv("SSL_CERT_FILE", "/not/there")
    with pytest.raises(FileNotFoundError, match="/not/there"):
        lazy_context(True, None, True)
    assert callable(lazy_context(True, None, False))
    assert callable(lazy_context(False, None, True))


@pytest.mark.parametrize("verify", [True, False])
def test_the_keys_of_sessions(verify: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSLKEYLOGFILE names the file for the keys, verified or not, where the environment is trusted and nowhere else."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert create_ssl_context(verify).keylog_filename == str(tmp_path / "keys")
    assert create_ssl_context(verify, trust_env=False).keylog_filename is None
    with_keys = lazy_context(verify, None, True)()
    monkeypatch.setenv("SSLKEYLOGFILE", "")
    assert create_ssl_context(verify).keylog_filename is None
    assert lazy_context(verify, None, True)() is not with_keys


def test_older_signatures() -> None:
    """The keywords of older releases of httpx are understood, `http2` among them."""
    assert isinstance(create_ssl_context(cert=None, verify=False, trust_env=False, http2=True), ssl.SSLContext)


def test_http2_is_a_setting_of_its_own() -> None:
    """A context that offers HTTP/2 is not shared with clients that do not."""
    assert lazy_context(False, None, True, http2=True)() is not lazy_context(False, None, True)()
    assert lazy_context(False, None, True, http2=True)() is lazy_context(False, None, True, http2=True)()


def test_the_store_of_the_system_for_real() -> None:
    """With truststore, the context is one of its own, and it is asked for when the setting is made."""
    import truststore

    assert isinstance(create_ssl_context("system"), truststore.SSLContext)
    assert isinstance(lazy_context("system", None, True)(), truststore.SSLContext)


def test_the_store_of_the_system_is_missed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that wants the system's store is told at once that truststore is missing."""
    monkeypatch.setitem(sys.modules, "truststore", None)
    with pytest.raises(ImportError, match=r"borzoi\[system-trust\]"):
        borzoi.Client(verify="system")


def test_settings_as_a_value(bundle: str, own: tuple[str, str]) -> None:
    """A `TLS` is what `verify` and `cert` are; pins do not fit into a context."""
    assert names_of(create_ssl_context(TLS(bundle))) == 1
    assert lazy_context(TLS(bundle), None, True)() is lazy_context(bundle, None, True)()
    assert lazy_context(TLS(False, own), None, True)() is lazy_context(False, own, True)()
    with pytest.raises(FileNotFoundError):
        lazy_context(TLS(cert="/not/there"), None, True)
    with pytest.raises(ValueError, match="cannot hold pins"):
        create_ssl_context(TLS(pins="00" * 32))


def encrypted(password: bytes) -> tuple[bytes, bytes]:
    """Return a certificate and its key under a password."""
    leaf = certificate("client.example")
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    form = BestAvailableEncryption(password)
    return leaf.cert_chain_pems[0].bytes(), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, form)


def test_a_key_under_a_password() -> None:
    """A key in memory is opened with the password; without it, nobody is asked at the terminal: it is an error."""
    pair = encrypted(b"secret")
    assert isinstance(create_ssl_context(False, (*pair, "secret")), ssl.SSLContext)
    assert isinstance(create_ssl_context(False, (*pair, b"secret")), ssl.SSLContext)
    for cert in (pair, (*pair, "wrong")):
        with pytest.raises(ssl.SSLError):
            create_ssl_context(False, cert)


@pytest.mark.parametrize("has_memfd", [True, False])
def test_certificates_from_memory_leave_no_file(
    has_memfd: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2: no file is left behind, whether loading works or not, and while there is one only this user can read it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not has_memfd:
        monkeypatch.delattr(os, "memfd_create")
    seen: list[list[int]] = []

    class Context(ssl.SSLContext):
        def load_cert_chain(self, *args: Any, **kwargs: Any) -> None:
            seen.append([path.stat().st_mode & 0o777 for path in tmp_path.iterdir()])
            super().load_cert_chain(*args, **kwargs)

    leaf = certificate("client.example")
    pair = leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()
    before = len(os.listdir("/proc/self/fd"))
    create_ssl_context(Context(ssl.PROTOCOL_TLS_CLIENT), pair)
    for wrong in ((pair[0], b"-----BEGIN nothing"), (pair[0], "/not/there")):
        with pytest.raises(OSError):  # noqa: PT011 - OpenSSL says it in its own words
            create_ssl_context(Context(ssl.PROTOCOL_TLS_CLIENT), wrong)

    assert seen == ([[], [], []] if has_memfd else [[0o600, 0o600], [0o600, 0o600], [0o600]])
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before
