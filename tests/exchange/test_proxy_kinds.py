"""Each kind of proxy, for http and https targets, in every world: who is told what, and what the tunnel carries."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import threading
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Proxy
from borzoi.guards import PublicOnly
from tests.exchange.cancelling import Patience
from tests.exchange.http_peers import Asked, Reader, Recorder, answer, assert_whole, http, network_client
from tests.exchange.test_cancellation import get, sweep
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.proxies import KINDS, ScriptedProxy, proxying
from tests.worlds.world import World

BASIC = b"Basic " + base64.b64encode(b"us%er:p@ss w\xc3\xb6rd")


def origin_context() -> ssl.SSLContext:
    """Return the TLS settings of an origin with the names that are asked for here."""
    return server_context("origin.example", "localhost")


def host_for(kind: str) -> str:
    """Return a host to ask for: SOCKS 4 is for addresses, so its client has to find one."""
    return "localhost" if kind == "socks4" else "origin.example"


def proxy_with_secrets(proxy: ScriptedProxy, kind: str) -> Proxy:
    """Return the proxy with credentials, and with headers where it has such."""
    return Proxy(
        proxy.url,
        auth=("us%er", "" if kind.startswith("socks4") else "p@ss wörd"),
        headers={"X-Of-Proxy": "1"},
        ssl_context=client_context() if kind == "https" else None,
    )


def settings(proxy: ScriptedProxy, kind: str) -> dict[str, Any]:
    """Return the settings of a client that goes through a proxy, without credentials."""
    via = Proxy(proxy.url, ssl_context=client_context() if kind == "https" else None)
    return {"proxy": via, "verify": client_context(), "client": {"timeout": 20}}


def echo(asked: Asked) -> bytes:
    """Answer with what was asked for, and the body."""
    return answer(asked.target + b" " + asked.body)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_through_a_proxy(world: World, kind: str, scheme: str) -> None:
    """Through each kind of proxy requests reach the origin, over one connection, and the secrets reach the proxy alone."""
    recorder = Recorder(echo)
    host = host_for(kind)

    async def body() -> None:
        via = proxy_with_secrets(proxy, kind)
        async with network_client(world, proxy=via, verify=client_context(), client={"timeout": 20}) as client:
            for number in (b"1", b"2"):
                response = await client.post(f"{scheme}://{host}:81/path?q", content=number)
                target = "/path?q" if not forwards else f"http://{host}:81/path?q"
                assert response.text == f"{target} {number.decode()}"
            assert_whole(client, idle=1)

    forwards = scheme == "http" and kind in ("http", "https")
    with RawServer(recorder, tls=origin_context() if scheme == "https" else None) as origin:
        with proxying(kind, origin) as proxy:
            world.run(body)
    assert len(proxy.server.connections) == 1
    assert len(proxy.told) == (2 if forwards else 1)
    assert {(told.host, told.port) for told in proxy.told} == {
        (b"127.0.0.1" if kind == "socks4" else host.encode(), 81)
    }
    secret = {"http": BASIC, "https": BASIC, "socks4": (b"us%er", b""), "socks4a": (b"us%er", b"")}
    assert {told.credentials for told in proxy.told} == {secret.get(kind, (b"us%er", b"p@ss w\xc3\xb6rd"))}
    if kind.startswith("http"):
        assert {told.fields[b"x-of-proxy"] for told in proxy.told} == {b"1"}
    for asked in recorder.asked:
        assert not asked.headers.keys() & {b"proxy-authorization", b"x-of-proxy"}
        assert asked.headers[b"host"] == host.encode() + b":81"


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_without_credentials(world: World, kind: str) -> None:
    """A proxy whose URL has no credentials is told none."""
    recorder = Recorder()

    async def body() -> None:
        async with network_client(world, **settings(proxy, kind)) as client:
            assert (await client.get(f"https://{host_for(kind)}/here")).text == "/here"

    with RawServer(recorder, tls=origin_context()) as origin, proxying(kind, origin) as proxy:
        world.run(body)
    (told,) = proxy.told
    assert told.credentials in (None, (b"", b""))
    assert told.port == 443


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_an_ipv6_target(world: World, kind: str) -> None:
    """An IPv6 address is asked for in brackets by CONNECT, as 16 octets by SOCKS, and verified as an address."""

    async def body() -> None:
        async with network_client(world, **settings(proxy, kind)) as client:
            assert (await client.get("https://[::1]:81/")).status_code == 200

    with RawServer(Recorder(), tls=server_context()) as origin, proxying(kind, origin) as proxy:
        world.run(body)
    (told,) = proxy.told
    assert (told.host, told.port) == (b"::1", 81)
    if kind != "socks5":
        assert told.fields[b"host"] == b"[::1]:81"


def test_a_name_that_socks4_cannot_carry(world: World) -> None:
    """SOCKS 4 has no IPv6: a target that has no other address is a ProxyError that says so, before or after connecting."""

    async def body() -> None:
        for kind in ("socks4", "socks4a"):
            async with network_client(world, proxy=f"{kind}://127.0.0.1:{proxy.server.port}") as client:
                with pytest.raises(
                    borzoi.ProxyError, match=rf"SOCKS 4 reaches.*the proxy 127.0.0.1:{proxy.server.port}"
                ):
                    await client.get("http://[::1]/")
                assert_whole(client, idle=0)

    with RawServer(Recorder()) as origin, proxying("socks4", origin) as proxy:
        world.run(body)
    assert proxy.told == []


BIG = os.urandom(1 << 16) * 64


@pytest.mark.parametrize("kind", ["https", "socks5"])
def test_big_bodies_through_a_tunnel(world: World, kind: str) -> None:
    """4 MiB go up and come down through a tunnel, also where it is TLS inside of TLS."""

    async def body() -> None:
        async with network_client(world, **settings(proxy, kind)) as client:
            response = await client.put("https://origin.example/", content=BIG)
            assert response.content == BIG
            assert_whole(client, idle=1)

    with RawServer(http(lambda asked: answer(asked.body)), tls=origin_context()) as origin:
        with proxying(kind, origin) as proxy:
            world.run(body)
            assert len(proxy.told) == 1


class Flood:
    """Answer with a body without an end, until nobody takes any more of it for a while."""

    def __init__(self) -> None:
        self.sent = 0
        self.gave_up = threading.Event()

    def __call__(self, sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        sock.settimeout(0.3)
        try:
            while self.sent < 1 << 28:
                self.sent += sock.send(b"x" * 65536)
        except TimeoutError:
            pass
        finally:
            self.gave_up.set()


def test_nobody_reads_ahead_in_tls_inside_of_tls(world: World) -> None:
    """A body that the program does not read is not received: the origin is held up by back-pressure."""
    flood = Flood()

    async def body() -> None:
        async with network_client(world, **settings(proxy, "https")) as client:
            async with client.stream("GET", "https://origin.example/") as response:
                iterator = response.aiter_raw()
                assert await iterator.__anext__()
                await world.wait_for(flood.gave_up)
                await iterator.aclose()
            assert_whole(client, idle=0)

    with RawServer(flood, tls=origin_context()) as origin, proxying("https", origin) as proxy:
        world.run(body)
    assert 0 < flood.sent < 1 << 26


def test_an_inner_connection_that_is_cut_is_an_error(world: World) -> None:
    """In TLS inside of TLS, a body until the end needs the inner close_notify: the outer one does not stand for it."""

    def cut(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")

    async def body() -> None:
        async with network_client(world, **settings(proxy, "https")) as client:
            with pytest.raises((borzoi.ReadError, borzoi.RemoteProtocolError)):
                await client.get("https://origin.example/")
            assert_whole(client, idle=0)

    with RawServer(cut, tls=origin_context()) as origin, proxying("https", origin) as proxy:
        world.run(body)
        assert len(proxy.told) == 1


def test_an_inner_close_notify_ends_a_body(world: World) -> None:
    """In TLS inside of TLS, the inner close_notify ends a body without a length."""

    def end(sock: socket.socket) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        sock.setblocking(False)
        try:
            sock.unwrap()
        except ssl.SSLWantReadError:
            pass

    async def body() -> None:
        async with network_client(world, **settings(proxy, "https")) as client:
            assert (await client.get("https://origin.example/")).text == "whole"
            assert_whole(client, idle=0)

    with RawServer(end, tls=origin_context()) as origin, proxying("https", origin) as proxy:
        world.run(body)
        assert len(proxy.told) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_through_a_proxy_cancelled_wherever_it_waits(async_world: World, kind: str, scheme: str) -> None:
    """Cancelled at any point of the way through a proxy, a request leaves nothing behind, and the next one succeeds."""
    world = async_world

    async def ask(client: Any, url: str) -> Any:
        return await patience.asked(get(client, url))

    def late(asked: Asked) -> bytes:
        patience.hold()
        return echo(asked)

    async def body() -> int:
        via = proxy_with_secrets(proxy, kind)
        limits = Limits(max_connections=1, max_keepalive_connections=0)
        async with network_client(
            world, proxy=via, verify=client_context(), limits=limits, client={"timeout": 20}
        ) as client:
            return await sweep(world, client, f"{scheme}://{host_for(kind)}:81/", ask)

    patience = Patience()
    with RawServer(http(late), tls=origin_context() if scheme == "https" else None) as origin:
        with proxying(kind, origin) as proxy:
            proxy.answering = patience.hold
            assert world.run(body) >= 2


@pytest.mark.parametrize("kind", ["http", "socks5", "socks5h", "socks4a"])
def test_a_guard_and_a_proxy(world: World, kind: str) -> None:
    """A guard sees where a name leads before the proxy hears of it, and a SOCKS proxy is asked for what it has seen."""

    async def body() -> None:
        guarded = {**settings(proxy, kind), "resolver": PublicOnly(allow=["127.0.0.0/8", "::1/128"])}
        async with network_client(world, **guarded) as client:
            assert (await client.get("https://localhost:81/")).status_code == 200
            with pytest.raises(borzoi.BlockedAddress, match=r"10\.0\.0\.1"):
                await client.get("https://10.0.0.1/")
            assert_whole(client, idle=1)

    with RawServer(Recorder(), tls=origin_context()) as origin, proxying(kind, origin) as proxy:
        world.run(body)
    (told,) = proxy.told
    assert told.host == (b"localhost" if kind == "http" else b"127.0.0.1")


STEPS = {
    "http": ["connection.connect_tcp", "proxy.start_tls"],
    "https": ["connection.connect_tcp", "connection.start_tls", "proxy.start_tls"],
    "socks4a": ["socks.connect_tcp", "socks.setup_socks4_connection", "socks.start_tls"],
    "socks5": ["socks.connect_tcp", "socks.setup_socks5_connection", "socks.start_tls"],
}


@pytest.mark.parametrize("kind", STEPS)
def test_the_steps_to_an_origin_behind_a_proxy(world: World, kind: str) -> None:
    """The trace tells each step on the way, as httpcore names it and without a secret; one that raises leaves nothing."""
    events: list[tuple[str, Any]] = []
    stop_at = ""

    def told(name: str, info: Any) -> None:
        events.append((name, info))
        if name == stop_at:
            raise ValueError(name)

    async def told_async(name: str, info: Any) -> None:
        told(name, info)

    async def body() -> None:
        nonlocal stop_at
        extensions = {"trace": told_async if world.is_async else told}
        via = {**settings(proxy, kind), "proxy": proxy_with_secrets(proxy, kind)}
        async with network_client(world, **via) as client:
            for stop_at in [f"{step}.{end}" for step in STEPS[kind] for end in ("started", "complete")]:
                with pytest.raises(ValueError, match=stop_at):
                    await client.get("https://origin.example/", extensions=extensions)
                assert_whole(client, idle=0)
            stop_at = ""
            events.clear()
            await client.get("https://origin.example/", extensions=extensions)

    with RawServer(Recorder(), tls=origin_context()) as origin, proxying(kind, origin) as proxy:
        world.run(body)
    steps = [name.removesuffix(".complete") for name, _ in events if name.endswith("complete")]
    assert [step for step in steps if not step.startswith(("http11", "connection.close"))] == STEPS[kind]
    assert "p@ss" not in repr(events)


def test_a_session_with_the_proxy_is_resumed() -> None:
    """The next connection to an https proxy resumes the TLS session of the one before, the origin's its own."""
    sessions: list[bool] = []

    class Watching(ScriptedProxy):
        def __call__(self, sock: socket.socket) -> None:
            assert isinstance(sock, ssl.SSLSocket)
            sessions.append(bool(sock.session_reused))
            super().__call__(sock)

    with RawServer(Recorder(), tls=origin_context()) as origin:
        proxy = Watching("https", origin)
        transport = borzoi.HTTPTransport(
            proxy=Proxy(proxy.url, ssl_context=client_context()),
            verify=client_context(),
            limits=Limits(max_keepalive_connections=0),
        )
        with proxy.server, borzoi.Client(transport=transport, timeout=20) as client:
            for _ in range(3):
                client.get("https://origin.example/")
            # TLS in TLS: the origin's sessions are found beside the proxy's, in one store.
            assert (transport._dialer.secured, transport._dialer.resumed) == (3, 2)
            assert len(transport._dialer.sessions) == 2
    assert sessions == [False, True, True]
