"""Proxy: an address, and what is told to it alone."""

from __future__ import annotations

import ssl

import pytest

from borzoi._policy.proxy import Proxy
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
