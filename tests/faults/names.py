"""Rows 53 and 54: names that nobody knows, addresses that nobody answers at, proxies that do not do their job."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from borzoi import ConnectError, ConnectTimeout, ProxyError, RemoteProtocolError, Timeout
from tests.exchange.http_peers import gates
from tests.worlds.certificates import client_context
from tests.worlds.peers import RawServer, black_hole, closing_after, receive_exactly, refusing_port, reset, silent

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


@fault(53, "the first address is a black hole")
async def _(place: Place) -> None:
    with place.server(lambda got: Answer()) as server, black_hole("127.0.0.2") as hole:
        addresses = [("127.0.0.2", hole), ("127.0.0.1", server.port)]
        async with place.client(resolver=lambda host, port: addresses) as client:
            assert (await client.get("http://two.test/")).text == "ok"
            # In time, that is: before the time-out of 20 s, which waiting for the first would have taken.
            place.assert_whole(client, idle=1)


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
    "407": (answering(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), "407"),
    "502": (answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad"), "502"),
    "302": (answering(b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n"), "302"),
    "101": (answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), ""),
    "cut before a byte": (answering(b"", closes), "broke the tunnel"),
    "cut in the head": (answering(b"HTTP/1.1 200 OK\r\nVia", closes), "broke the tunnel"),
    "reset": (answering(b"", reset), "broke the tunnel"),
    "bytes into the tunnel": (answering(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "into the tunnel"),
    "a length": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "tunnel"),
    "chunks": (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "tunnel"),
    "endless headers": (answering(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 60_000), "tunnel"),
    "rubbish": (answering(b"rubbish\r\n\r\n"), "tunnel"),
}

SOCKS: dict[str, tuple[Any, str]] = {
    "short": (closing_after(b"\x05"), "broke the tunnel"),
    "rubbish": (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "SOCKS"),
    "no method": (answering(b"\x05\xff"), "METHOD"),
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
