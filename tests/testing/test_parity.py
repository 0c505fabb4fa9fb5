"""Each fault at the wire seam is what it is over real sockets: the same exception, with the same text, in every world."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi.testing import Mock, Routes, fault, mock, reply
from borzoi.testing.faults import Fault
from borzoi.testing.network import Host
from borzoi.testing.server import Server
from tests.worlds.world import WORLDS, World

THREE = ["blocking", "asyncio", "trio"]

BREAKS = borzoi.ReadError
ENDS = borzoi.RemoteProtocolError
STALLS = borzoi.ReadTimeout

# What it is over HTTP/1.1, and over HTTP/2; None: it is of the other version alone.
FAULTS: dict[str, tuple[Fault, type[Exception] | None, type[Exception] | None]] = {
    "reset before the head": (fault.reset(), BREAKS, BREAKS),
    "reset after the head": (fault.reset(after_bytes=0), BREAKS, BREAKS),
    "reset in the body": (fault.reset(after_bytes=512), BREAKS, BREAKS),
    "closed before the head": (fault.truncate(), ENDS, ENDS),
    "closed in the head": (fault.truncate_head(), ENDS, ENDS),
    "closed after the head": (fault.truncate(0), ENDS, ENDS),
    "closed in the body": (fault.truncate(512), ENDS, ENDS),
    "closed without TLS": (fault.ragged_close(512), ENDS, ENDS),
    "stalled before the head": (fault.stall(60), STALLS, STALLS),
    "stalled in the body": (fault.stall(60, at="body"), STALLS, STALLS),
    "dripping": (fault.drip(3, every=60), STALLS, STALLS),
    "garbage": (fault.garbage(), ENDS, ENDS),
    "a bad chunk": (fault.bad_chunk(), ENDS, None),
    "conflicting lengths": (fault.conflicting_lengths(), ENDS, ENDS),
    "endless headers": (fault.endless_headers(), ENDS, ENDS),
    "a stream reset": (fault.reset_stream(), None, ENDS),
    "a stream reset in the body": (fault.reset_stream("CANCEL", after_bytes=512), None, ENDS),
    "a stream refused": (fault.refuse_stream(), None, ENDS),
    "going away": (fault.goaway("ENHANCE_YOUR_CALM"), None, ENDS),
}

OVER_HTTP1 = [name for name, (_, over_http1, _) in FAULTS.items() if over_http1]
OVER_HTTP2 = [name for name, (_, _, over_http2) in FAULTS.items() if over_http2]
HTTP2: dict[str, Any] = {"http1": False, "http2": True}
"""Settings of a client that knows its server to speak HTTP/2."""

SHORT = borzoi.Timeout(10, read=0.25)

Failure = tuple[type[BaseException], str]


@pytest.fixture(params=THREE)
def one_world(request: pytest.FixtureRequest) -> World:
    """Each of the three worlds."""
    return WORLDS[request.param]


def failure(world: World, url: str, m: Mock | None = None, upload: int = 0, **settings: Any) -> Failure:
    """Return what a request fails with, as class and text."""

    async def body() -> Failure:
        settings.setdefault("timeout", 10)
        async with world.client(trust_env=False, **settings) as client:
            if m is not None:
                m.bind(getattr(client, "wrapped", client))
            with pytest.raises(borzoi.HTTPError) as caught:
                await (client.post(url, content=b"x" * upload) if upload else client.get(url))
            assert caught.value.request.url == url
            return type(caught.value), str(caught.value)

    found: Failure = world.run(body)
    return found


def assert_same(
    world: World, server: Server, arrange: Callable[[Routes, Host], object], kind: type[Exception], **settings: Any
) -> str:
    """Fail unless a request fails alike at both seams, and return with which text."""
    url = settings.pop("url", f"{server.url}/path")
    with server:
        arrange(server, server.network)
        real = failure(world, url, **settings)
    with mock(leaks=False) as m:
        arrange(m, m.network("*"))
        mocked = failure(world, url, m, **settings)

    assert real[0] is kind
    assert mocked == real
    return real[1]


@pytest.mark.parametrize("name", OVER_HTTP1)
def test_a_fault_of_a_reply(name: str, one_world: World) -> None:
    """A reply that goes wrong raises, in every world, what the same bytes raise over a real socket."""
    wrong, kind, _ = FAULTS[name]
    assert kind is not None
    timeout = SHORT if kind is STALLS else 10
    assert_same(one_world, Server(), lambda routes, _: routes.get("/path").reply(wrong), kind, timeout=timeout)


@pytest.mark.parametrize("name", OVER_HTTP2)
def test_a_fault_of_a_reply_over_http2(name: str, one_world: World) -> None:
    """A reply that goes wrong over HTTP/2 raises what the same frames raise over a real socket."""
    wrong, _, kind = FAULTS[name]
    assert kind is not None
    timeout = SHORT if kind is STALLS else 10
    assert_same(one_world, Server(), lambda routes, _: routes.get("/path").reply(wrong), kind, timeout=timeout, **HTTP2)


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (fault.ragged_close(), BREAKS),
        (fault.ragged_close(512), BREAKS),
        (fault.truncate(512), ENDS),
        (fault.reset(after_bytes=512), BREAKS),
        (fault.stall(60), STALLS),
    ],
    ids=repr,
)
def test_a_fault_over_tls(wrong: Fault, kind: type[Exception], http2: bool, one_world: World) -> None:
    """Over TLS an end without close_notify is an error of its own, and everything else what it is without TLS."""
    server = Server(tls=True)
    timeout = SHORT if kind is STALLS else 10
    settings = {"verify": server.trust(), "timeout": timeout, "http2": http2}
    text = assert_same(one_world, server, lambda routes, _: routes.get("/path").reply(wrong), kind, **settings)
    # CPython before 3.11.4 leaves the words to OpenSSL: "unexpected eof while reading".
    assert re.search("EOF occurred in violation of protocol|unexpected eof", text) or "ragged" not in repr(wrong)


@pytest.mark.parametrize("settings", [{}, HTTP2], ids=["HTTP/1.1", "HTTP/2"])
def test_a_fault_of_a_given_reply(settings: dict[str, Any], one_world: World) -> None:
    """A fault spoils the very reply that it is given with."""
    whole = reply(201, json={"some": "thing" * 10}, fault=fault.truncate(20))
    text = assert_same(one_world, Server(), lambda routes, _: routes.get("/path").reply(whole), ENDS, **settings)
    assert "received 20 bytes, expected 61" in text


@pytest.mark.parametrize("settings", [{}, HTTP2], ids=["HTTP/1.1", "HTTP/2"])
def test_a_server_that_takes_in_no_more(settings: dict[str, Any], one_world: World) -> None:
    """An upload that its server stops receiving is the same at the wire seam."""
    assert_same(
        one_world,
        Server(),
        lambda routes, network: (routes.post("/path").optional(), network.write_stall(100_000)),
        borzoi.WriteTimeout,
        upload=16 * 1024 * 1024,
        timeout=borzoi.Timeout(10, write=0.1),
        **settings,
    )


def test_windows_that_stay_shut(one_world: World) -> None:
    """An upload beyond the windows of HTTP/2 is the same at the wire seam."""
    assert_same(
        one_world,
        Server(),
        lambda routes, network: (routes.post("/path").optional(), network.window_stall()),
        borzoi.WriteTimeout,
        upload=100_000,
        timeout=borzoi.Timeout(10, write=0.1),
        **HTTP2,
    )


def test_a_server_that_does_not_know_http2(one_world: World) -> None:
    """A server of HTTP/1.1 alone answers a client that begins with HTTP/2 alike."""
    with Server(http2=False) as server:
        real = failure(one_world, server.url, **HTTP2)
    with mock() as m:
        m.network("*").http1_only()
        assert failure(one_world, server.url, m, **HTTP2) == real
    assert real[0] is ENDS
    assert "it answered in HTTP/1" in real[1]


def test_nobody_listens(one_world: World) -> None:
    """A refused connection is the same at the wire seam."""
    assert_same(one_world, Server(), lambda _, network: network.refuse(), borzoi.ConnectError)


def test_packets_vanish(one_world: World) -> None:
    """A connection that is neither made nor refused is the same at the wire seam."""
    assert_same(one_world, Server(), lambda _, network: network.connect_hang(), borzoi.ConnectTimeout, timeout=0.1)


def test_nobody_knows_the_name(one_world: World) -> None:
    """A name that does not exist is the same at the wire seam."""
    server = Server()
    settings = {"url": "http://nowhere.test/", "resolver": server.resolve}
    text = assert_same(one_world, server, lambda _, network: network.dns_fail(), borzoi.ConnectError, **settings)
    assert "Name or service not known" in text


def test_no_name_server_answers(one_world: World) -> None:
    """A lookup that hangs is the same at the wire seam."""
    server = Server()
    settings = {"url": "http://nowhere.test/", "resolver": server.resolve, "timeout": 0.1}
    assert_same(one_world, server, lambda _, network: network.dns_hang(), borzoi.ConnectTimeout, **settings)


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize("kind", ["expired", "wrong_host", "untrusted", "self_signed"])
def test_a_bad_certificate(kind: str, http2: bool, one_world: World) -> None:
    """A certificate that is not accepted is the same at the wire seam."""
    server = Server(tls=True)
    settings = {"verify": server.trust(), "http2": http2}
    assert_same(one_world, server, lambda _, network: network.tls(kind), borzoi.ConnectError, **settings)


@pytest.mark.parametrize(("status", "words"), [(407, "407 Proxy Authentication Required"), (502, "502 Bad Gateway")])
def test_a_tunnel_that_is_refused(status: int, words: str, one_world: World) -> None:
    """A proxy that opens no tunnel is the same at the wire seam."""
    server = Server()
    settings = {"url": "https://api.test/", "proxy": f"http://127.0.0.1:{server.port}"}
    text = assert_same(
        one_world, server, lambda _, network: network.refuse_tunnel(status), borzoi.ProxyError, **settings
    )
    assert words in text


def test_a_tunnel_is_refused_by_an_error() -> None:
    """A tunnel that is opened, or a status that is none, is no refusal."""
    with mock() as m, pytest.raises(ValueError, match="with a status from 300 to 599, not 200"):
        m.network("*").refuse_tunnel(200)


@pytest.mark.parametrize("name", ["tls_alert", "tls_close"])
def test_a_handshake_that_fails(name: str, one_world: World) -> None:
    """A handshake that the server ends is the same at the wire seam."""
    server = Server(tls=True)
    settings = {"verify": server.trust()}
    assert_same(one_world, server, lambda _, network: getattr(network, name)(), borzoi.ConnectError, **settings)


def test_a_certificate_for_another_name(one_world: World) -> None:
    """A certificate for another host is the same at the wire seam where the host has a name."""
    server = Server(tls=True)
    settings = {"verify": server.trust(), "url": f"https://localhost:{server.port}/"}
    text = assert_same(one_world, server, lambda _, network: network.tls("wrong_host"), borzoi.ConnectError, **settings)
    assert "Hostname mismatch" in text


def test_a_handshake_that_hangs(one_world: World) -> None:
    """A server that says nothing in the handshake is the same at the wire seam."""
    with Server(tls=True) as server:
        server.network.tls_hang()
        kind, text = failure(one_world, server.url, verify=server.trust(), timeout=0.25)
    with mock() as m:
        m.network("*").tls_hang()
        mocked = failure(one_world, server.url, m, verify=server.trust(), timeout=0.25)

    # Connecting has taken a little of the time over the real socket, and none in the mock.
    real = kind, re.sub(r"within 0\.\d+ s", "within 0.25 s", text)
    assert kind is borzoi.ConnectTimeout
    assert mocked == real


def test_a_client_that_checks_nothing_accepts_any_certificate(one_world: World) -> None:
    """verify=False gets its answer whatever the certificate is, at the wire seam as over real sockets."""

    async def body() -> int:
        async with one_world.client(trust_env=False, verify=False) as client:
            return (await client.get("https://api.test/")).status_code

    with mock() as m:
        m.get("https://api.test/").reply(204)
        m.network("api.test").tls("expired")
        assert one_world.run(body) == 204
