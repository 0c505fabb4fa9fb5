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
