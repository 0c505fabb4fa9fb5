"""54: proxies that refuse, break, lie or fall silent, of each kind, in every world: an error that names them, and no more."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, Proxy, Timeout
from borzoi._backends.memory import END, MemoryBackend, Wait
from tests.exchange.http_peers import Recorder, answer, assert_whole, network_client, without_delay
from tests.worlds.certificates import authority, client_context, server_context
from tests.worlds.peers import RawServer, receive_exactly, refusing_port, reset, silent
from tests.worlds.proxies import KINDS, proxying
from tests.worlds.world import World

Script = list[tuple[int, bytes]]
"""How many bytes a proxy waits for, and what it then says."""

GREETING = 3
CREDENTIALS = 12
ASKED_5 = 7 + len("origin.example")
ASKED_4 = 8 + len("user\0") + len("origin.example\0")
GRANTED_5 = b"\x05\0\0\x01\0\0\0\0\0\0"
GRANTED_4 = b"\0\x5a\0\0\0\0\0\0"


def scripted(script: Script, end: Callable[[socket.socket], object] = silent) -> Callable[[socket.socket], object]:
    """Return a proxy that follows a script, and then says nothing, resets or closes."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        for size, reply in script:
            receive_exactly(sock, size)
            sock.sendall(reply)
        end(sock)

    return handler


def closes(sock: socket.socket) -> None:
    """Say nothing more."""


CASES: dict[str, tuple[str, Callable[[socket.socket], object], str]] = {
    "5: no method": ("socks5", scripted([(GREETING, b"\x05\xff")]), "Requested USER.*but got NO ACCEPTABLE METHODS"),
    "5: another method": ("socks5", scripted([(GREETING, b"\x05\x01")]), "Requested USER.*but got GSSAPI"),
    "5: an unknown method": ("socks5", scripted([(GREETING, b"\x05\x77")]), "but got UNKNOWN .119."),
    "5: wrong password": (
        "socks5",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\x01")]),
        "^Invalid username/password",
    ),
    "5: refused": (
        "socks5",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, b"\x05\x05\0\x01" + bytes(6))]),
        "^Proxy Server could not connect: Connection refused. SOCKS reply 5",
    ),
    "5: refused in short": (
        "socks5h",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, b"\x05\x04")]),
        "^Proxy Server could not connect: Host unreachable. SOCKS reply 4",
    ),
    "5: an unknown refusal": (
        "socks5",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, b"\x05\xee")]),
        "Unknown reply. SOCKS reply 238",
    ),
    "5: wrong version": ("socks5", scripted([(GREETING, b"\x04\x5a")]), "broke the tunnel.*does not speak SOCKS"),
    "5: HTTP": ("socks5", scripted([(GREETING, b"HTTP/1.1 400 Bad Request\r\n\r\n")]), "does not speak SOCKS.*b'H'"),
    "5: wrong version of the reply": (
        "socks5",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, b"\x04\0\0\x01" + bytes(6))]),
        "does not speak SOCKS",
    ),
    "5: an unknown address type": (
        "socks5",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, b"\x05\0\0\x02" + bytes(6))]),
        "broke the tunnel.*unknown type 2",
    ),
    "5: everything at once": ("socks5", scripted([(GREETING, b"\x05\x02\x01\0" + GRANTED_5)]), "did not have yet"),
    "5: cut": ("socks5", scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01")], closes), "closed in the middle"),
    "5: cut reply": (
        "socks5",
        scripted(
            [(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, b"\x05\0\0\x03\xff" + bytes(200))], closes
        ),
        "closed in the middle",
    ),
    "5: closed": ("socks5", closes, "broke the tunnel"),
    "5: reset": (
        "socks5",
        scripted([(GREETING, b"\x05\x02"), (CREDENTIALS, b"")], reset),
        "broke the tunnel.*[Rr]eset",
    ),
    "5: bytes of its own": (
        "socks5",
        scripted(
            [(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, GRANTED_5 + b"HTTP/1.1 200 OK\r\n\r\n")]
        ),
        "bytes of its own into the tunnel",
    ),
    "4: rejected": (
        "socks4a",
        scripted([(ASKED_4, b"\0\x5b" + bytes(6))]),
        "Request rejected or failed. SOCKS reply 91",
    ),
    "4: no identd": ("socks4a", scripted([(ASKED_4, b"\0\x5c" + bytes(6))]), "identd.*SOCKS reply 92"),
    "4: wrong version": ("socks4a", scripted([(ASKED_4, b"\x04\x5a" + bytes(6))]), "does not speak SOCKS"),
    "4: cut": ("socks4a", scripted([(ASKED_4, GRANTED_4[:5])], closes), "closed in the middle"),
    "4: bytes of its own": ("socks4a", scripted([(ASKED_4, GRANTED_4 + b"!")]), "bytes of its own"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_socks_proxy_that_does_not_connect(world: World, case: str) -> None:
    """What a SOCKS proxy refuses or breaks is a ProxyError that names it and says why, without a secret; all is closed."""
    kind, handler, match = CASES[case]

    async def body() -> None:
        proxy = Proxy(f"{kind}://127.0.0.1:{server.port}", auth=("user", "" if kind == "socks4a" else "pass5"))
        async with network_client(world, proxy=proxy, verify=client_context(), client={"timeout": 20}) as client:
            with pytest.raises(borzoi.ProxyError, match=match) as caught:
                await client.get("https://origin.example/")
            assert f"127.0.0.1:{server.port}" in str(caught.value)
            assert "origin.example:443" in str(caught.value)
            assert "pass5" not in str(caught.value) + repr(caught.value.__cause__)
            assert_whole(client, idle=0)

    with RawServer(tolerant(handler)) as server:
        world.run(body)
        assert len(server.connections) == 1


def tolerant(handler: Callable[[socket.socket], object]) -> Callable[[socket.socket], object]:
    """Return a handler that does not mind a client that leaves."""

    def serve(sock: socket.socket) -> None:
        try:
            handler(sock)
        except EOFError:
            pass

    return serve


STAGES: dict[str, tuple[str, Script]] = {
    "5: greeting": ("socks5", []),
    "5: credentials": ("socks5", [(GREETING, b"\x05\x02")]),
    "5: reply": ("socks5", [(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0")]),
    "5: rest of the reply": ("socks5", [(GREETING, b"\x05\x02"), (CREDENTIALS, b"\x01\0"), (ASKED_5, GRANTED_5[:9])]),
    "4a: reply": ("socks4a", [(ASKED_4, GRANTED_4[:7])]),
    "CONNECT": ("http", [(10, b"HTTP/1.1 200 OK\r\n")]),
    "TLS with the proxy": ("https", []),
    "TLS with the origin": ("socks4a", [(ASKED_4, GRANTED_4)]),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_proxy_that_falls_silent_at_any_stage(world: World, stage: str) -> None:
    """The connect time-out bounds all of it: a proxy that falls silent is a ConnectTimeout that names it, in time."""
    kind, script = STAGES[stage]

    async def body() -> None:
        auth = ("user", "" if kind == "socks4a" else "pass5")
        proxy = Proxy(f"{kind}://127.0.0.1:{server.port}", auth=auth)
        settings: dict[str, Any] = {"timeout": Timeout(20, connect=0.08)}
        async with network_client(world, proxy=proxy, verify=client_context(), client=settings) as client:
            with pytest.raises(borzoi.ConnectTimeout, match=f"127.0.0.1:{server.port}"):
                await client.get("https://origin.example/")
            assert_whole(client, idle=0)

    with RawServer(tolerant(scripted(script))) as server:
        world.run(body)


def test_a_proxy_that_dribbles() -> None:
    """In memory: the connect time-out is for the whole of a try, however often a piece of the handshake comes."""

    def dribble(data: bytes) -> Any:
        for byte in b"\x05\0" + GRANTED_5:
            yield from (Wait(2), bytes((byte,)))

    backend = MemoryBackend(lambda host, port: lambda data: list(dribble(data)) if data == b"\x05\x01\0" else [])
    transport = HTTPTransport(backend=backend, proxy="socks5://proxy")
    with borzoi.Client(transport=transport, timeout=Timeout(100, connect=5)) as client:
        with pytest.raises(borzoi.ConnectTimeout, match=r"The proxy proxy:1080 did not open the tunnel"):
            client.get("http://host/")
    assert backend.now() == 5
    assert backend.streams[0].closed


def test_a_try_that_fails_is_repeated_and_a_refusal_is_not() -> None:
    """In memory: `retries=` is for connections that are not made; a proxy's refusal is its answer."""
    asked: list[int] = []

    def peer(host: str, port: int) -> Any:
        asked.append(port)
        if len(asked) == 1:
            return borzoi.ConnectError("not now")
        return lambda data: [b"\0\x5b\0\0\0\0\0\0", END] if data else []

    transport = HTTPTransport(backend=MemoryBackend(peer), proxy="socks4a://proxy:9", retries=3)
    with borzoi.Client(transport=transport) as client:
        with pytest.raises(borzoi.ProxyError, match="SOCKS reply 91"):
            client.get("http://host/")
    assert asked == [9, 9]


def test_the_proxy_is_verified_by_its_own_settings(world: World) -> None:
    """An https proxy is held against its own `ssl_context`, certifi's authorities by default, and the origin against `verify=`."""

    async def fails(match: str, verify: Any, context: Any) -> None:
        via = Proxy(proxy.url, ssl_context=context, auth=("user", "pass5"))
        async with network_client(world, proxy=via, verify=verify, client={"timeout": 20}) as client:
            for url in ("http://origin.example/", "https://origin.example/"):
                if verify is not True or "https" in url:
                    with pytest.raises(borzoi.ConnectError, match=match):
                        await client.get(url)
            assert_whole(client, idle=0)

    async def body() -> None:
        refused = rf"TLS handshake with 127.0.0.1:{proxy.server.port} failed.*(?i:certificate.verify)"
        await fails(refused, client_context(), None)
        await fails(refused, client_context(), client_context(trusting=False))
        assert proxy.told == []
        await fails(refused, True, client_context())
        assert [told.port for told in proxy.told] == [443]

    with RawServer(Recorder(), tls=server_context("origin.example")) as origin, proxying("https", origin) as proxy:
        world.run(body)


def test_the_proxy_is_verified_by_its_own_name(world: World) -> None:
    """An https proxy must have a certificate for its own name, not for the origin's, nor for `sni_hostname`."""

    async def body() -> None:
        via = Proxy(f"https://127.0.0.1:{server.port}", ssl_context=client_context())
        async with network_client(world, proxy=via, verify=client_context(), client={"timeout": 20}) as client:
            with pytest.raises(borzoi.ConnectError, match=r"(?i)mismatch|not valid for"):
                await client.get("https://origin.example/", extensions={"sni_hostname": "origin.example"})
            assert_whole(client, idle=0)

    with RawServer(silent, tls=server_context("origin.example")) as server:
        world.run(body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_that_nobody_is_at(world: World, kind: str) -> None:
    """A proxy that cannot be reached is a ConnectError that names it, as in httpx."""

    async def body() -> None:
        async with network_client(world, proxy=f"{kind}://user:@127.0.0.1:{port}") as client:
            with pytest.raises(borzoi.ConnectError, match=f"127.0.0.1:{port}.*refused"):
                await client.get("http://localhost/")
            assert_whole(client, idle=0)

    with refusing_port() as port:
        world.run(body)


def test_headers_for_the_proxy_that_cannot_be_sent(world: World) -> None:
    """A line break in a header for the proxy is a LocalProtocolError before a byte is sent."""

    async def body() -> None:
        via = Proxy(f"http://127.0.0.1:{server.port}", headers={"X-Of-Proxy": "1\r\nHost: other"})
        async with network_client(world, proxy=via, verify=client_context(), client={"timeout": 20}) as client:
            for url in ("http://origin.example/", "https://origin.example/"):
                with pytest.raises(borzoi.LocalProtocolError):
                    await client.get(url)
            assert_whole(client, idle=0)

    received: list[bytes] = []
    with RawServer(lambda sock: received.append(sock.recv(65536))) as server:
        world.run(body)
    assert b"".join(received) == b""


def test_a_field_of_the_request_counts_before_that_of_the_proxy(world: World) -> None:
    """Where a request through a forwarding proxy has a field that the proxy has, too, it is sent once, as in the request."""
    recorder = Recorder()

    async def body() -> None:
        via = Proxy(f"http://user:pass5@127.0.0.1:{server.port}", headers={"X-Team": "a"})
        async with network_client(world, proxy=via) as client:
            await client.get("http://origin.example/", headers={"proxy-authorization": "Bearer mine", "X-Team": "b"})

    with RawServer(recorder) as server:
        world.run(body)
    (asked,) = recorder.asked
    assert [value for name, value in asked.pairs if name in (b"proxy-authorization", b"x-team")] == [
        b"Bearer mine",
        b"b",
    ]


def test_a_redirect_does_not_carry_a_proxys_credentials(world: World) -> None:
    """A redirect from a host with a proxy to one without takes none of the proxy's credentials along."""
    direct = Recorder()

    async def body() -> None:
        async with world.client(follow_redirects=True, trust_env=False, mounts=mounts(), timeout=20) as client:
            assert (await client.get("http://origin.example/")).text == "/end"

    def mounts() -> dict[str, Any]:
        kind = borzoi.AsyncHTTPTransport if world.is_async else borzoi.HTTPTransport
        more = {"backend": world.backend()} if world.name == "portable-trio" else {}
        via = Proxy(f"http://user:pass5@127.0.0.1:{server.port}", headers={"X-Of-Proxy": "1"})
        return {"all://origin.example": kind(proxy=via, **more)}

    with RawServer(direct) as elsewhere:
        there = b"Location: http://127.0.0.1:%d/end" % elsewhere.port
        redirecting = Recorder(lambda asked: answer(b"", there, status=b"302 Found"))
        with RawServer(redirecting) as server:
            world.run(body)
    assert b"proxy-authorization" in redirecting.asked[0].headers
    (asked,) = direct.asked
    assert not asked.headers.keys() & {b"proxy-authorization", b"x-of-proxy"}


def test_each_mount_has_its_own_proxy(world: World) -> None:
    """`mounts=` sends each scheme and host through its proxy, and each proxy hears of its own credentials only."""
    plain, secured = Recorder(), Recorder()

    async def body() -> None:
        kind = borzoi.AsyncHTTPTransport if world.is_async else borzoi.HTTPTransport
        more = {"backend": world.backend()} if world.name == "portable-trio" else {}
        mounts = {
            "http://": kind(proxy=f"http://one:x@127.0.0.1:{first.port}", **more),
            "all://*.second.example": kind(proxy=f"http://two:y@127.0.0.1:{second.port}", **more),
        }
        async with world.client(mounts=mounts, trust_env=False, timeout=20) as client:
            await client.get("http://a.example/")
            await client.get("http://a.second.example/")

    with RawServer(plain) as first, RawServer(secured) as second:
        world.run(body)
    assert [asked.target for asked in plain.asked] == [b"http://a.example/"]
    assert [asked.target for asked in secured.asked] == [b"http://a.second.example/"]
    assert plain.asked[0].headers[b"proxy-authorization"] != secured.asked[0].headers[b"proxy-authorization"]


@pytest.mark.parametrize("kind", ["https", "socks5"])
def test_a_proxy_of_the_environment(world: World, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ALL_PROXY may name a proxy of any kind, with credentials in its URL, and a certificate of SSL_CERT_FILE's authority."""

    async def body() -> None:
        # A transport of its own would keep the environment out.
        client = borzoi.AsyncClient(timeout=20) if world.is_async else world.client(timeout=20)
        async with client:
            assert (await client.get("https://origin.example/here")).text == "/here"

    with RawServer(Recorder(), tls=server_context("origin.example")) as origin, proxying(kind, origin) as proxy:
        with authority().cert_pem.tempfile() as bundle:
            monkeypatch.setenv("SSL_CERT_FILE", bundle)
            monkeypatch.setenv("ALL_PROXY", proxy.url.replace("://", "://user:pass5@"))
            world.run(body)
    (told,) = proxy.told
    assert told.credentials in (b"Basic dXNlcjpwYXNzNQ==", (b"user", b"pass5"))
