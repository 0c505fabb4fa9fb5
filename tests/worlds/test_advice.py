"""Errors that tell what may be done about them: the notes and texts of mistakes that programs begin with."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi._backends.sockets import tls_failed
from borzoi.testing import mock
from borzoi.testing.server import Server
from tests.worlds.world import World

URL = "https://api.test/"


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("expired", "whoever runs the server renews it"),
        ("untrusted", "verify= takes the path"),
        ("self_signed", "verify= takes the path"),
        ("wrong_host", "none of those in the certificate"),
    ],
)
def test_certificates(world: World, kind: str, advice: str) -> None:
    """An error of a certificate has a note on what to do, and the message that it had."""
    with Server(tls=kind) as server:
        url = f"https://localhost:{server.port}/"

        async def body() -> borzoi.ConnectError:
            async with world.client(trust_env=False, verify=server.trust()) as client:
                with pytest.raises(borzoi.ConnectError, match="certificate verify failed: ") as caught:
                    await client.get(url)
                return caught.value

        error = world.run(body)
        (note,) = error.__notes__
        assert advice in note
        assert str(error).endswith(")")


def test_a_server_without_tls() -> None:
    """A port that answers in plain HTTP is told apart from a certificate that is wrong."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="api.test").do_handshake()
    (note,) = tls_failed("api.test:443", caught.value).__notes__
    assert "speaks no TLS on this port" in note


def test_no_advice_where_there_is_none() -> None:
    """An error that nothing is known of has its message only."""
    assert not hasattr(tls_failed("api.test:443", OSError("odd")), "__notes__")


@pytest.mark.parametrize("url", ["api.test/path", "/path"])
def test_a_url_without_a_scheme(url: str) -> None:
    """A URL that is no whole one says how one looks, and what completes it."""
    with pytest.raises(borzoi.UnsupportedProtocol) as caught:
        borzoi.get(url)
    assert "https://example.org/path" in caught.value.__notes__[0]
    assert "base_url=" in caught.value.__notes__[0]


def test_a_proxy_that_is_not_there(world: World) -> None:
    """An error of connecting to a proxy says that it is the proxy, and for what."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def body() -> str:
        async with world.client(proxy=f"http://127.0.0.1:{port}", trust_env=False) as client:
            with pytest.raises(borzoi.ConnectError) as caught:
                await client.get(URL)
            return str(caught.value)

    assert world.run(body).endswith("(127.0.0.1) (the proxy, to be asked for api.test:443)")


def test_a_mocked_proxy_that_is_not_there() -> None:
    """The same of a mock, which raises what sockets raise."""
    with mock() as m, borzoi.Client(proxy="http://proxy.test:3128", trust_env=False, timeout=3) as client:
        m.network("proxy.test").connect_hang()
        with pytest.raises(borzoi.ConnectTimeout) as caught:
            client.get(URL)
    assert str(caught.value).endswith("proxy.test:3128 within 3 s (the proxy, to be asked for api.test:443)")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: borzoi.Cookies("a=b"), "Cookies are a mapping, or pairs of name and value, and no str"),
        (lambda: borzoi.Request("POST", URL, files="/etc/hosts"), "Files are a mapping, or pairs of name and file"),
        (lambda: borzoi.Request("POST", URL, data=[("a", "b")]), "Invalid data: a list of tuple. Give a mapping"),
        (lambda: borzoi.Request("POST", URL, data=[{"a": 1}]), "to be sent as JSON goes into json="),
    ],
)
def test_arguments_of_another_kind(make: Callable[[], Any], text: str) -> None:
    """An argument of a kind that cannot be meant says which it is to be."""
    with pytest.raises(TypeError, match=text):
        make()


@pytest.mark.parametrize("value", [1, None, "caf\xe9"])
@pytest.mark.parametrize("kind", [dict, list, tuple])
def test_values_of_header_fields(value: Any, kind: Any) -> None:
    """A value that cannot be sent names its field, and is not shown itself."""
    with pytest.raises((TypeError, UnicodeEncodeError)) as caught:
        borzoi.Headers(kind({"X-First": "a", "X-Second": value}.items()))
    (note,) = caught.value.__notes__
    assert note.startswith("This is the value of the header field 'X-Second': ")
    assert repr(value) not in note


def test_header_fields_that_cannot_be_named() -> None:
    """A name that cannot be sent, and pairs that are read once, have the error only."""
    for headers in ({1: "a"}, iter([("a", 1)])):
        with pytest.raises(TypeError, match="must be str or bytes") as caught:
            borzoi.Headers(headers)  # type: ignore[arg-type]
        assert not hasattr(caught.value, "__notes__")


def test_a_proxy_without_a_scheme() -> None:
    """The URL of a proxy that has no scheme says which there are."""
    with pytest.raises(
        ValueError, match=r"URL\('localhost:3128'\): it begins with one of http://, https://, socks4://"
    ):
        borzoi.Client(proxy="localhost:3128")


def test_a_body_that_is_no_json() -> None:
    """The error of a page that came in place of JSON says so: with which status, and what it is."""
    response = borzoi.Response(502, html="<h1>Bad Gateway</h1>")
    with pytest.raises(ValueError, match="Expecting value") as caught:
        response.json()
    assert caught.value.__notes__ == ["The status is 502, and the body has 20 bytes of text/html; charset=utf-8."]


def test_redirects_without_end(world: World) -> None:
    """Who is led around says how far it went, and where the next step would have been."""

    async def body() -> borzoi.TooManyRedirects:
        async with world.client(follow_redirects=True, max_redirects=3) as client:
            with pytest.raises(borzoi.TooManyRedirects) as caught:
                await client.get(URL)
            return caught.value

    with mock() as http_mock:
        http_mock.get(URL).reply(302, headers={"Location": f"{URL}?token=hidden"})
        error = world.run(body)
    assert error.__notes__ == [
        "3 were followed (max_redirects=); the next leads to URL('https://api.test/?token=[secure]')."
    ]
