"""Proxy: an address, and what is told to it alone."""

from __future__ import annotations

import pickle
import ssl

import pytest

from borzoi import BasicAuth, DigestAuth, InvalidURL, ProxyError
from borzoi._policy.proxy import Proxy, ProxyDigest
from borzoi._values.url import URL


def test_address() -> None:
    """The address may be text or a URL."""
    assert Proxy("https://proxy.example").url == URL("https://proxy.example")
    assert Proxy(URL("socks5://proxy.example")).auth is None
    assert Proxy("http://proxy.example").raw_auth is None


def test_credentials_leave_the_url() -> None:
    """Credentials in the URL are decoded, taken out of it, and win over those given."""
    proxy = Proxy("http://user:p%40ss@proxy.example:3128", auth=("other", "one"))

    assert proxy.url == "http://proxy.example:3128"
    assert proxy.auth == ("user", "p@ss")
    assert proxy.raw_auth == (b"user", b"p@ss")


def test_settings() -> None:
    """Headers and a TLS context are kept as they are given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    proxy = Proxy("https://proxy.example", ssl_context=context, headers={"X-Team": "a"}, auth=("user", "ü"))

    assert proxy.ssl_context is context
    assert proxy.headers["x-team"] == "a"
    assert proxy.raw_auth == (b"user", "ü".encode())


def test_repr_keeps_secrets() -> None:
    """Neither the password nor credentials in headers are shown."""
    headers = {"Proxy-Authorization": "Bearer secret", "X-Team": "a"}
    shown = repr(Proxy("http://user:secret@proxy.example", headers=headers))

    assert shown == (
        "Proxy('http://proxy.example', auth=('user', '********'), "
        "headers={'proxy-authorization': '[secure]', 'x-team': 'a'})"
    )
    assert repr(Proxy("http://proxy.example")) == "Proxy('http://proxy.example')"


def test_other_schemes() -> None:
    """A scheme that is no proxy's is refused, without the password."""
    with pytest.raises(ValueError, match="Unknown scheme for proxy URL") as caught:
        Proxy("ftp://user:secret@proxy.example")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
def test_kinds(kind: str) -> None:
    """Each kind of proxy may have a user name in its URL."""
    assert Proxy(f"{kind}://user@proxy.example").auth == ("user", "")


@pytest.mark.parametrize(
    ("url", "auth", "match"),
    [
        ("socks4://user:secret@host", None, "SOCKS 4 knows user names, and no passwords"),
        ("socks4a://host", ("a\0b", ""), "cannot have NUL"),
        ("socks5://host", ("u" * 256, "secret"), "at most 255 bytes"),
        ("socks5h://host", ("u", "ü" * 128), "at most 255 bytes"),
    ],
)
def test_credentials_that_socks_cannot_carry(url: str, auth: tuple[str, str] | None, match: str) -> None:
    """Credentials that the protocol has no room for are a ValueError at once, without them in its text."""
    with pytest.raises(ValueError, match=match) as caught:
        Proxy(url, auth=auth)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_context_for_a_proxy_without_tls(kind: str) -> None:
    """TLS settings for a proxy that is spoken to without TLS are a ValueError: they would guard nothing."""
    with pytest.raises(ValueError, match=r"ssl_context of a proxy is for one with an https:// URL"):
        Proxy(f"{kind}://proxy.example", ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("user:s3cret@host", "URL('[secure]@host')"),
        ("s3cret@host:3128", "URL('[secure]@host:3128')"),
        ("s3cret:@host", "URL('[secure]@host')"),
        ("ftp:user:s3cret@host", "URL('[secure]@host')"),
        ("//user:s3cret@host", "URL('//host')"),
        ("ftp://user:s3cret@host", "URL('ftp://host')"),
        ("localhost:3128", "URL('localhost:3128')"),
        ("http:user:s3cret@host", "'http://', and this one has none"),
        ("http://user:s3cret@", "'http://', and this one has none"),
        ("http://user:s3/cret@host", "percent-encoded"),
        ("http://us#er:s3cret@host", "percent-encoded"),
        ("http://user:s3?cret@host:80", "percent-encoded"),
    ],
)
def test_urls_that_are_refused(url: str, shown: str) -> None:
    """What is no URL of a proxy is refused with a text that helps, and without anything that may be a secret."""
    with pytest.raises((ValueError, InvalidURL)) as caught:
        Proxy(url)
    assert shown in str(caught.value)
    assert not any(part in str(caught.value) for part in ("s3", "cret", "user:"))


def test_digest() -> None:
    """Credentials for Digest are kept, not shown, and are no pair; they survive pickling."""
    proxy = Proxy("http://proxy.example", auth=DigestAuth("user", "secret"))

    assert isinstance(proxy.auth, DigestAuth)
    assert proxy.digest_auth is proxy.auth
    assert proxy.raw_auth is None
    assert repr(proxy) == "Proxy('http://proxy.example', auth=DigestAuth(...))"
    assert pickle.loads(pickle.dumps(proxy)).digest_auth is not None
    assert Proxy("http://user:secret@proxy.example").digest_auth is None


def test_digest_where_it_cannot_be() -> None:
    """SOCKS knows no Digest, other ways of authentication are none of a proxy's, and a URL's password is not for Digest."""
    with pytest.raises(ValueError, match="SOCKS proxies do not know Digest"):
        Proxy("socks5://proxy.example", auth=DigestAuth("user", "secret"))
    with pytest.raises(TypeError, match="or a DigestAuth, and this is BasicAuth"):
        Proxy("http://proxy.example", auth=BasicAuth("user", "secret"))  # type: ignore[arg-type]
    for pair in ("x", ("user", "name", "pass")):
        with pytest.raises(TypeError, match=f"or a DigestAuth, and this is {type(pair).__name__}"):
            Proxy("http://host", auth=pair)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="give the one or the other") as caught:
        Proxy("http://user:secret@proxy.example", auth=DigestAuth("user", "secret"))
    assert "secret" not in str(caught.value)


def fields_of(text: str, name: bytes = b"Proxy-Authenticate") -> list[tuple[bytes, bytes]]:
    """Return the fields of a response with one of the proxy's."""
    return [(b"Via", b"1.1 proxy"), (name, text.encode())]


def test_challenges() -> None:
    """Nothing is told before the proxy asks; then each request has an answer of its own, for the latest nonce."""
    digest = ProxyDigest(DigestAuth("user", "secret"))
    assert digest.credentials("GET", b"http://host/") == []
    digest.renew(fields_of('nextnonce="early"', b"Proxy-Authentication-Info"))
    assert digest.credentials("GET", b"http://host/") == []

    assert not digest.is_answerable(fields_of('Basic realm="a"'))
    assert digest.is_answerable(fields_of('Digest realm="a", nonce="one", qop="auth"'))
    ((name, first),) = digest.credentials("GET", b"http://host/")
    ((_, second),) = digest.credentials("CONNECT", b"host:443")
    assert name == b"Proxy-Authorization"
    assert b'nonce="one"' in first
    assert b'uri="http://host/"' in first
    assert b"nc=00000001" in first
    assert b'uri="host:443"' in second
    assert b"nc=00000002" in second

    digest.renew(fields_of('nextnonce="two"', b"proxy-authentication-info"))
    digest.renew(fields_of("rspauth=x", b"proxy-authentication-info"))
    ((_, third),) = digest.credentials("GET", b"http://host/")
    assert b'nonce="two"' in third
    assert b"nc=00000001" in third


def test_challenges_that_cover_the_body() -> None:
    """`auth-int` is answered for tunnels, which have no body, and for nothing else."""
    digest = ProxyDigest(DigestAuth("user", "secret"))
    assert digest.is_answerable(fields_of('Digest realm="a", nonce="one", qop="auth-int"'))
    assert digest.credentials("POST", b"http://host/") == []
    assert b"qop=auth-int" in digest.credentials("CONNECT", b"host:443")[0][1]


def test_challenges_that_make_no_sense() -> None:
    """A malformed challenge is a ProxyError that begins with the status, as any refusal."""
    digest = ProxyDigest(DigestAuth("user", "secret"))
    with pytest.raises(ProxyError, match=r"^407 Proxy Authentication Required: Malformed Digest Proxy-Authenticate"):
        digest.is_answerable(fields_of("Digest realm"))
