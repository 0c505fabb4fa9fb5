"""Rows 53 and 54: names that nobody knows, addresses that nobody answers at, proxies that do not do their job."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from borzoi import ConnectError, ConnectTimeout, ProxyError, RemoteProtocolError, Timeout
from borzoi._backends.asyncio import AsyncioReactor
from borzoi._backends.blocking import BlockingBackend
from borzoi._backends.trio import TrioReactor
from tests.exchange.http_peers import gates, network_client
from tests.worlds.certificates import client_context
from tests.worlds.peers import RawServer, black_hole, closing_after, receive_exactly, refusing_port, reset, silent
from tests.worlds.world import World

from .place import Answer, Place
from .table import fault


def hanging(stop: threading.Event) -> Callable[[str, int], list[str]]:
    """Return a resolver that does not answer."""

    def resolve(host: str, port: int) -> list[str]:
        stop.wait(20)
        return []

    return resolve


@fault(53, "a name server that does not answer")
async def _(place: Place) -> None:
    with gates(1) as (stop,):
        async with place.client(resolver=hanging(stop), timeout=Timeout(20, connect=0.1)) as client:
            await place.fails(client, "http://nowhere.test/", ConnectTimeout, "nowhere.test")
            place.assert_whole(client, idle=0)
        stop.set()


@fault(53, "a name that does not exist")
async def _(place: Place) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for resolver in (unknown, lambda host, port: []):
        async with place.client(resolver=resolver) as client:
            await place.fails(client, "http://nowhere.test/", ConnectError, "nowhere.test")
            place.assert_whole(client, idle=0)


@fault(53, "nobody listens")
async def _(place: Place) -> None:
    with refusing_port() as port:
        async with place.client() as client:
            await place.fails(client, f"http://127.0.0.1:{port}/", ConnectError, f"127.0.0.1:{port}")
            place.assert_whole(client, idle=0)


class Hurrying:
    """A back end that waits for no connection while none can come, and keeps how long it was to wait for each."""

    holes = 0
    """How many of the first attempts are never answered."""

    most: int
    """How many attempts were under way at once."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.waits: list[float | None] = []
        self.most = 0

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return at once where all attempts so far lead into black holes."""
        self.most = max(self.most, len(sockets))
        if len(sockets) <= self.holes:
            self.waits.append(timeout)
            return []
        found: Iterable[socket.socket] = await super().wait_connected(sockets, timeout)  # type: ignore[misc]
        return found


class HurryingBlocking(Hurrying, BlockingBackend):
    """That of threads."""


class HurryingAsyncio(Hurrying, AsyncioReactor):
    """That of asyncio."""


class HurryingTrio(Hurrying, TrioReactor):
    """That of trio."""


def hurrying(world: World, holes: int) -> Hurrying:
    """Return a back end of the world, from inside of a run."""
    backend: Hurrying = {
        "blocking": HurryingBlocking,
        "asyncio": lambda: HurryingAsyncio(asyncio.get_running_loop()),
        "trio": HurryingTrio,
    }[world.name]()
    backend.holes = holes
    return backend


Hosts = list[tuple[str, int]]


async def _connects(place: Place, addresses: Hosts, *, holes: int) -> None:
    """Check that a name of these addresses is reached at the last, a quarter of a second later for each black hole."""
    backend = hurrying(place.world, holes)
    settings: dict[str, Any] = {"backend": backend, "resolver": lambda host, port: addresses}
    async with network_client(place.world, client={"timeout": 20, "trust_env": False}, **settings) as client:
        assert (await client.get("http://several.test/")).text == "ok"
        place.assert_whole(client, idle=1)
    assert len(backend.waits) == holes
    assert backend.most <= holes + 1
    # RFC 8305, section 5: 250 ms are recommended, and 100 ms are the least.
    assert all(wait is not None and 0.1 <= wait <= 0.3 for wait in backend.waits), backend.waits


@fault(53, "the first addresses are black holes: the next is tried within 300 ms")
async def _(place: Place) -> None:
    with (
        place.server(lambda got: Answer()) as server,
        black_hole("127.0.0.2") as first,
        black_hole("127.0.0.3") as next_,
    ):
        here = ("127.0.0.1", server.port)
        await _connects(place, [("127.0.0.2", first), here], holes=1)
        await _connects(place, [("127.0.0.2", first), ("127.0.0.3", next_), here], holes=2)


@fault(53, "the addresses of IPv6 are black holes: that of IPv4 is the second to be tried")
async def _(place: Place) -> None:
    with place.server(lambda got: Answer()) as server, black_hole("::1") as first, black_hole("::1") as next_:
        await _connects(place, [("::1", first), ("::1", next_), ("127.0.0.1", server.port)], holes=1)


@fault(53, "an address that fails at once costs no wait, whatever else is under way")
async def _(place: Place) -> None:
    with place.server(lambda got: Answer()) as server, black_hole("127.0.0.2") as hole:
        # Nobody can be connected to whom all are, and the system says so at once.
        nowhere, here = ("127.255.255.255", 9), ("127.0.0.1", server.port)
        await _connects(place, [nowhere, here], holes=0)
        await _connects(place, [("127.0.0.2", hole), nowhere, nowhere, here], holes=1)


@fault(53, "all addresses are black holes")
async def _(place: Place) -> None:
    with black_hole("127.0.0.2") as hole:
        async with place.client(timeout=Timeout(20, connect=0.1)) as client:
            await place.fails(client, f"http://127.0.0.2:{hole}/", ConnectTimeout, f"127.0.0.2:{hole}")
            place.assert_whole(client, idle=0)


# 54: proxies.


def answering(reply: bytes, end: Callable[[socket.socket], object] = silent) -> Callable[[socket.socket], object]:
    """Return a proxy that answers the first thing it hears."""

    def handler(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(reply)
        end(sock)

    return handler


def closes(sock: socket.socket) -> None:
    """Close, as every handler does at its end."""


HTTP: dict[str, tuple[Any, str]] = {
    "407": (answering(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), "407 Proxy"),
    "502": (answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad"), "502 Bad"),
    "302": (answering(b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n"), "302 Found"),
    "101": (answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "did not ask for it"),
    "cut before a byte": (answering(b"", closes), "broke the tunnel"),
    "cut in the head": (answering(b"HTTP/1.1 200 OK\r\nVia", closes), "broke the tunnel"),
    "reset": (answering(b"", reset), "broke the tunnel"),
    "bytes into the tunnel": (answering(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "into the tunnel"),
    "a length": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "announced a body"),
    "a length, and nothing yet": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), "announced a body"),
    "chunks": (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "announced a body"),
    "endless headers": (answering(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 60_000), "too many bytes of header fields"),
    "rubbish": (answering(b"rubbish\r\n\r\n"), "does not begin with a status line"),
}

SOCKS: dict[str, tuple[Any, str]] = {
    "short": (closing_after(b"\x05"), "broke the tunnel"),
    "rubbish": (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak SOCKS"),
    "no method": (answering(b"\x05\xff"), "NO ACCEPTABLE METHODS"),
    "another method": (answering(b"\x05\x00"), "USERNAME/PASSWORD from proxy server, but got NO AUTHENTICATION"),
    "more than was asked for": (answering(b"\x05\x02\x01\x00"), "did not have yet"),
}


async def _refuses(place: Place, scheme: str, handler: Any, text: str) -> None:
    with RawServer(handler) as server:
        proxy = f"{scheme}://user:s3cret@127.0.0.1:{server.port}"
        async with place.client(proxy=proxy, verify=client_context()) as client:
            error = await place.fails(client, "https://origin.test/", ProxyError, text)
            assert f"127.0.0.1:{server.port}" in str(error)
            assert "s3cret" not in str(error) + repr(error) + repr(error.__cause__)
            place.assert_whole(client, idle=0)
        assert len(server.connections) == 1


def _enter(what: str, scheme: str, handler: Any, text: str) -> None:
    @fault(54, f"{scheme}: {what}")
    async def _(place: Place) -> None:
        await _refuses(place, scheme, handler, text)


for _what, (_handler, _text) in HTTP.items():
    _enter(_what, "http", _handler, _text)
for _what, (_handler, _text) in SOCKS.items():
    _enter(_what, "socks5", _handler, _text)


@fault(54, "a proxy that says nothing")
async def _(place: Place) -> None:
    for scheme in ("http", "socks5"):
        with RawServer(silent) as server:
            proxy = f"{scheme}://127.0.0.1:{server.port}"
            async with place.client(proxy=proxy, timeout=Timeout(20, connect=0.1, read=0.1)) as client:
                await place.fails(client, "https://origin.test/", ConnectTimeout, f"127.0.0.1:{server.port}")
                place.assert_whole(client, idle=0)


@fault(54, "socks5: cut in the reply")
async def _(place: Place) -> None:
    def handler(sock: socket.socket) -> None:
        receive_exactly(sock, 3)
        sock.sendall(b"\x05\x00")
        sock.recv(65536)
        sock.sendall(b"\x05\x00\x00")

    with RawServer(handler) as server:
        async with place.client(proxy=f"socks5://127.0.0.1:{server.port}") as client:
            await place.fails(client, "http://origin.test/", ProxyError, "broke the tunnel")
            place.assert_whole(client, idle=0)


@fault(54, "a forwarded request that is cut")
async def _(place: Place) -> None:
    with RawServer(answering(b"HTTP/1.1 20", closes)) as server:
        async with place.client(proxy=f"http://127.0.0.1:{server.port}") as client:
            await place.fails(client, "http://origin.test/", RemoteProtocolError, "complete response head")
            place.assert_whole(client, idle=0)
