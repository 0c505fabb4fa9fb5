"""P1: each kind of proxy with HTTP/2 behind it, in every world; and credentials, held against every byte that is sent to anybody."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterable
from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, Proxy
from borzoi._backends.base import ConnectOptions
from borzoi._backends.memory import MemoryBackend
from borzoi._exchange.proxy import Preceded
from tests.exchange.http2_scripts import answering, assert_settled, echo
from tests.exchange.http_peers import Reader, Recorder, answer, assert_whole, network_client
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer, receive_exactly, silent
from tests.worlds.peers import echo as peer_echo
from tests.worlds.proxies import KINDS, proxying
from tests.worlds.world import WORLDS, World

TUNNELS = [(kind, scheme) for kind in KINDS for scheme in ("http", "https") if scheme == "https" or "socks" in kind]
"""What HTTP/2 can be spoken through: a proxy that reads requests takes HTTP/1.1."""


@pytest.fixture(params=["blocking", "asyncio", "uvloop", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    return WORLDS[request.param]


def with_credentials(kind: str, url: str, name: str = "user") -> Proxy:
    """Return a proxy with credentials, as its kind has them."""
    password = "" if kind.startswith("socks4") else f"of {name}"
    return Proxy(url, auth=(name, password), ssl_context=client_context() if kind == "https" else None)


@pytest.mark.parametrize(("kind", "scheme"), TUNNELS)
def test_http2_through_a_proxy(world: World, kind: str, scheme: str) -> None:
    """Requests that start at once share one connection of HTTP/2 through each kind of proxy, which alone has the secrets."""
    heads: list[Request] = []

    def note(peer: Http2Peer, request: Request) -> None:
        heads.append(request)
        echo(peer, request)

    async def body() -> None:
        settings: dict[str, Any] = {"http1": scheme == "https", "http2": True, "verify": client_context()}
        via = with_credentials(kind, proxy.url)
        async with network_client(world, proxy=via, client={"timeout": 20}, **settings) as client:

            async def ask(number: int) -> None:
                response = await client.post(f"{scheme}://localhost:81/{number}", content=b"!" * number)
                assert (response.http_version, response.text) == ("HTTP/2", f"/{number}" + "!" * number)

            await world.gather(*(lambda n=n: ask(n) for n in range(5)))
            assert_settled(client, idle=1)

    with http2_server(answering(note), tls=scheme == "https") as origin, proxying(kind, origin) as proxy:
        world.run(body)
    (told,) = proxy.told
    assert told.port == 81
    assert b"user" in told.credentials or told.credentials == b"Basic " + base64.b64encode(b"user:of user")
    assert len(heads) == 5
    for head in heads:
        assert head.get(b"proxy-authorization") is None
        assert head.get(b":authority") == b"localhost:81"


class Joined:
    """A socket whose first bytes go out together with others before them."""

    def __init__(self, sock: socket.socket, before: bytes) -> None:
        self._sock = sock
        self._before = before
        self.recv = sock.recv

    def sendall(self, data: bytes) -> None:
        """Send."""
        self._sock.sendall(self._before + data)
        self._before = b""


@pytest.mark.parametrize("http1", [False, True], ids=["HTTP/2", "HTTP/1.1"])
def test_an_origin_that_speaks_first(world: World, http1: bool) -> None:
    """The preface of an HTTP/2 server may come together with the proxy's reply; no other origin speaks before it is asked."""

    def serve(sock: socket.socket) -> None:
        receive_exactly(sock, 8 + len("\0localhost\0"))
        peer = Http2Peer(Joined(sock, b"\0\x5a" + bytes(6)), {})  # type: ignore[arg-type]
        with contextlib.suppress(EOFError):
            answering()(peer)

    async def body() -> None:
        async with network_client(
            world, proxy=server.url.replace("http", "socks4a"), http1=http1, http2=True
        ) as client:
            if http1:
                with pytest.raises(borzoi.ProxyError, match="bytes of its own into the tunnel"):
                    await client.get("http://localhost:81/0")
            for number in range(0 if http1 else 3):
                assert (await client.get(f"http://localhost:81/{number}")).text == f"/{number}"
            assert_whole(client, idle=0 if http1 else 1)

    with RawServer(serve) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_an_origin_that_speaks_first_over_a_network_of_the_program() -> None:
    """The same over a stream that is read and written by turns."""
    settings = b"\0\0\0\x04\0" + bytes(4)
    head = b"\0\0\x01\x01\x05\0\0\0\x01\x88"

    def script(data: bytes) -> Iterable[bytes]:
        if data.startswith(b"\x04\x01"):
            return [b"\0\x5a" + bytes(6) + settings]
        return [head] if b"PRI *" in data else []

    transport = HTTPTransport(
        backend=MemoryBackend(lambda host, port: script), proxy="socks4a://proxy", http1=False, http2=True
    )
    with borzoi.Client(transport=transport) as client:
        assert client.get("http://origin.example/").http_version == "HTTP/2"


@pytest.mark.parametrize("kind", ["http", "https"])
def test_forwarding_is_http1(world: World, kind: str) -> None:
    """A proxy that reads requests to http:// gets them in HTTP/1.1, also from a client that speaks HTTP/2 only."""

    async def body() -> None:
        via = with_credentials(kind, proxy.url)
        async with network_client(world, proxy=via, http1=False, http2=True, client={"timeout": 20}) as client:
            response = await client.get("http://origin.example:81/here")
            assert (response.http_version, response.text) == ("HTTP/1.1", "http://origin.example:81/here ")
            assert_whole(client, idle=1)

    with RawServer(Recorder()) as origin, proxying(kind, origin) as proxy:
        world.run(body)


def test_a_tunnel_for_many_that_is_refused(world: World) -> None:
    """Where a proxy refuses the tunnel, each of the requests that wait for it has the ProxyError, of its own."""

    def refuses(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(answer(b"no", status=b"407 Proxy Authentication Required"))
        silent(sock)

    async def body() -> None:
        settings: dict[str, Any] = {"http2": True, "verify": client_context(), "client": {"timeout": 20}}
        async with network_client(world, proxy=with_credentials("http", server.url), **settings) as client:

            async def ask(number: int) -> str:
                with pytest.raises(borzoi.ProxyError, match=r"^407 Proxy Authentication Required") as caught:
                    await client.get(f"https://localhost:81/{number}")
                return str(caught.value.request.url)

            asked = await world.gather(*(lambda n=n: ask(n) for n in range(5)))
            assert asked == [f"https://localhost:81/{number}" for number in range(5)]
            assert_settled(client, idle=0)

    with RawServer(refuses) as server:
        world.run(body)


def test_an_origin_behind_a_proxy_that_chooses_http1(world: World) -> None:
    """Inside of a tunnel the origin chooses the version: one without HTTP/2 is spoken to in HTTP/1.1."""

    async def body() -> None:
        settings: dict[str, Any] = {"http2": True, "verify": client_context(), "client": {"timeout": 20}}
        async with network_client(world, proxy=with_credentials("http", proxy.url), **settings) as client:
            assert (await client.get("https://localhost:81/here")).http_version == "HTTP/1.1"
            assert_whole(client, idle=1)

    with RawServer(Recorder(), tls=server_context(alpn=("http/1.1",))) as origin, proxying("http", origin) as proxy:
        world.run(body)


def test_a_stream_whose_first_bytes_are_here(world: World) -> None:
    """It gives those bytes first, is not idle before, waits for nothing before, and is the stream below from then on."""

    async def body() -> None:
        lower = await world.backend().connect_tcp(server.host, server.port, 20, ConnectOptions())
        stream = Preceded(lower, b"first")
        told: list[bool] = []
        stream.on_event = lambda: told.append(True)
        assert not stream.is_idle()
        await stream.wait_ready(20, writing=False)
        assert await stream.read(20) == b"first"
        assert stream.is_idle()
        await stream.write(b"second", 20)
        assert await stream.read(20) == b"second"
        lower.on_event()
        stream.on_event = None
        lower.on_event()
        assert told.count(True) >= 1
        stream.close()

    with RawServer(peer_echo) as server:
        world.run(body)


# In memory every byte that is sent can be looked at: TLS is noted there, and hides nothing.


class ProxyOfBytes:
    """One connection to a proxy, which leads to `origin`, a function from a head to a response."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._replies = {
            "socks5": [b"\x05\x02", b"\x01\0", b"\x05\0\0\x01" + bytes(6)],
            "socks4": [b"\0\x5a" + bytes(6)],
        }.get(kind[:6], [])

    def __call__(self, data: bytes) -> Iterable[bytes]:
        if not data:
            return []
        if self._replies:
            return [self._replies.pop(0)]
        if data.startswith(b"CONNECT "):
            return [b"HTTP/1.1 200 OK\r\n\r\n"]
        return origin(data)


NEXT = {b"first": b"second", b"second": b"third", b"third": b"first"}


def origin(head: bytes) -> Iterable[bytes]:
    """Redirect from one host to the next, in the other scheme after a round, until the path says that it is enough."""
    if not head:
        return []
    target = head.split(b" ")[1].rpartition(b"/")[2]
    name = head.partition(b"\r\nHost: ")[2].partition(b".")[0]
    if len(target) == 7:
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
    scheme = b"http" if len(target) < 3 else b"https"
    where = b"%b://%b.example/%b" % (scheme, NEXT[name], target + b"x")
    return [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % where]


def spellings(name: str, kind: str) -> list[bytes]:
    """Return the credentials of a proxy as they may be written."""
    password = "" if kind.startswith("socks4") else f"of {name}"
    return [name.encode(), base64.b64encode(f"{name}:{password}".encode())]


@pytest.mark.parametrize("kind", KINDS)
def test_credentials_reach_their_proxy_and_nobody_else(kind: str) -> None:
    """Through redirects from proxy to proxy to no proxy and back, in both schemes, no byte of a secret goes astray."""

    def peer(host: str, port: int) -> Any:
        return ProxyOfBytes(kind) if host.endswith(".proxy") else origin

    backend = MemoryBackend(peer)

    def transport(name: str) -> HTTPTransport:
        return HTTPTransport(
            backend=backend, verify=client_context(), proxy=with_credentials(kind, f"{kind}://{name}.proxy:9", name)
        )

    mounts = {"all://first.example": transport("alice"), "all://second.example": transport("bobby")}
    addresses = {"resolver": lambda host, port: ["192.0.2.1"]} if kind == "socks4" else {}
    direct = HTTPTransport(backend=backend, verify=client_context(), **addresses)
    with borzoi.Client(mounts=mounts, transport=direct, follow_redirects=True) as client:
        response = client.get("http://first.example/")
        assert [str(step.url) for step in (*response.history, response)][:4] == [
            "http://first.example/",
            "http://second.example/x",
            "http://third.example/xx",
            "http://first.example/xxx",
        ]
        assert len(response.history) == 7

    for stream in backend.streams:
        owner = {"alice.proxy:9": "alice", "bobby.proxy:9": "bobby"}.get(stream.peer)
        sent = bytes(stream.sent)
        for name in ("alice", "bobby"):
            found = [spelling for spelling in spellings(name, kind) if spelling in sent]
            assert bool(found) == (name == owner), f"{found} in what was sent to {stream.peer}"
        if owner is not None and (b"CONNECT" in sent is not None or kind.startswith("socks")):
            # What opens the tunnel ends with the first request that goes through it.
            assert not any(spelling in sent[sent.index(b"GET ") :] for spelling in spellings(owner, kind))
    assert {stream.peer.partition(":")[0] for stream in backend.streams} == {
        "alice.proxy",
        "bobby.proxy",
        "third.example",
    }
