"""Try every way out of a process whose guard is strict, and print how each ended: run by `test_guard`."""

from __future__ import annotations

import _socket
import asyncio
import http.client
import json
import smtplib
import socket
import ssl
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import trio
import uvloop

import borzoi
from borzoi.testing.guard import Guard, NetworkBlocked

ADDRESS = ("192.0.2.1", 9)
"""For documentation, and routed nowhere (RFC 5737). The names end in `.invalid`, which has no addresses (RFC 6761)."""

ADDRESS6 = ("2001:db8::1", 9, 0, 0)
LOOPBACK = ("127.0.0.1", 9)
NAME = "name.invalid"


def tcp(family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family)
    sock.settimeout(0.2)
    return sock


def udp(family: int = socket.AF_INET) -> socket.socket:
    return socket.socket(family, socket.SOCK_DGRAM)


def on_thread(attempt: Callable[[], object]) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            attempt()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


async def open_connection(host: str) -> None:
    await asyncio.wait_for(asyncio.open_connection(host, 9), 0.5)


async def sock_connect() -> None:
    sock = tcp()
    sock.setblocking(False)
    await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, ADDRESS), 0.5)


async def lookup() -> None:
    await asyncio.get_running_loop().getaddrinfo(NAME, 80)


async def reverse_lookup() -> None:
    await asyncio.get_running_loop().getnameinfo(ADDRESS)


async def listen() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, NAME, 0)
    server.close()


async def datagram_from_a_name() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (NAME, 0))
    transport.close()


async def to_thread() -> None:
    await asyncio.to_thread(tcp().connect, ADDRESS)


async def anyio_tcp(host: str) -> None:
    with anyio.move_on_after(0.5):
        await anyio.connect_tcp(host, 9)


async def trio_to_thread() -> None:
    await trio.to_thread.run_sync(lambda: tcp().connect(ADDRESS))


async def datagram() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("0.0.0.0", 0))
    try:
        transport.sendto(b"x", ADDRESS)
        # asyncio tells its protocol of an OSError, and raises nothing.
        if type(loop).__module__ != "uvloop":
            raise NetworkBlocked("told to the protocol")
    finally:
        transport.close()


async def connected_datagram() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=ADDRESS)
    transport.close()


async def sock_sendto() -> None:
    sock = udp()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_sendto(sock, b"x", ADDRESS)


async def aget(url: str) -> None:
    async with borzoi.AsyncClient(timeout=0.5, trust_env=False) as client:
        await client.get(url)


async def trio_tcp(host: str) -> None:
    with trio.move_on_after(0.5):
        await trio.open_tcp_stream(host, 9)


async def trio_udp() -> None:
    await trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM).sendto(b"x", ADDRESS)


async def trio_lookup() -> None:
    await trio.socket.getaddrinfo(NAME, 80)


def looped(function: Callable[..., Awaitable[None]], *arguments: Any) -> dict[str, Callable[[], object]]:
    return {
        f"asyncio {function.__name__} {arguments}": lambda: asyncio.run(function(*arguments)),  # type: ignore[arg-type]
        f"uvloop {function.__name__} {arguments}": lambda: uvloop.run(function(*arguments)),  # type: ignore[arg-type]
    }


def connect_ex() -> None:
    tcp().connect_ex(ADDRESS)


def get(url: str) -> None:
    with borzoi.Client(timeout=0.5, trust_env=False) as client:
        client.get(url)


ESCAPES: dict[str, Callable[[], object]] = {
    "connect": lambda: tcp().connect(ADDRESS),
    "connect_ex": connect_ex,
    "connect over IPv6": lambda: tcp(socket.AF_INET6).connect(ADDRESS6),
    "connect to loopback": lambda: tcp().connect(LOOPBACK),
    "the C type": lambda: _socket.socket().connect(ADDRESS),
    "create_connection": lambda: socket.create_connection(ADDRESS, 0.2),
    "create_connection by name": lambda: socket.create_connection((NAME, 9), 0.2),
    "getaddrinfo": lambda: socket.getaddrinfo(NAME, 80),
    "getaddrinfo of bytes": lambda: socket.getaddrinfo(NAME.encode(), 80),
    "gethostbyname": lambda: socket.gethostbyname(NAME),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex(NAME),
    "gethostbyaddr": lambda: socket.gethostbyaddr(ADDRESS[0]),
    "getnameinfo": lambda: socket.getnameinfo(ADDRESS, 0),
    "UDP sendto": lambda: udp().sendto(b"x", ADDRESS),
    "UDP sendto over IPv6": lambda: udp(socket.AF_INET6).sendto(b"x", ADDRESS6),
    "UDP sendmsg": lambda: udp().sendmsg([b"x"], [], 0, ADDRESS),
    "UDP connect": lambda: udp().connect(ADDRESS),
    "a thread": lambda: on_thread(lambda: tcp().connect(ADDRESS)),
    "a lookup on a thread": lambda: on_thread(lambda: socket.getaddrinfo(NAME, 80)),
    "http.client": lambda: http.client.HTTPConnection(*ADDRESS, timeout=0.2).request("GET", "/"),
    "urllib": lambda: urllib.request.urlopen(f"http://{ADDRESS[0]}/", timeout=0.2),
    "borzoi": lambda: get(f"http://{ADDRESS[0]}/"),
    "borzoi by name": lambda: get(f"http://{NAME}/"),
    "trio": lambda: trio.run(trio_tcp, ADDRESS[0]),
    "trio by name": lambda: trio.run(trio_tcp, NAME),
    "trio UDP": lambda: trio.run(trio_udp),
    "trio lookup": lambda: trio.run(trio_lookup),
    "borzoi in trio": lambda: trio.run(aget, f"http://{ADDRESS[0]}/"),
    **looped(open_connection, ADDRESS[0]),
    **looped(open_connection, NAME),
    **looped(open_connection, "127.0.0.1"),
    **looped(sock_connect),
    **looped(lookup),
    **looped(reverse_lookup),
    **looped(datagram),
    **looped(connected_datagram),
    **looped(aget, f"http://{ADDRESS[0]}/"),
    **looped(aget, f"http://{NAME}/"),
    **looped(listen),
    **looped(datagram_from_a_name),
    **looped(to_thread),
    **looped(anyio_tcp, ADDRESS[0]),
    "trio to_thread": lambda: trio.run(trio_to_thread),
    "anyio in trio": lambda: trio.run(anyio_tcp, ADDRESS[0]),
    "a datagram without a connection": lambda: tcp().sendto(b"x", getattr(socket, "MSG_FASTOPEN", 0), ADDRESS),
    "a certificate": lambda: ssl.get_server_certificate(ADDRESS[:2], timeout=0.2),
    "SMTP": lambda: smtplib.SMTP(ADDRESS[0], timeout=0.2),
    "asyncio sock_sendto": lambda: asyncio.run(sock_sendto()),
}


def is_refusal(error: BaseException | None) -> bool:
    if error is None:
        return False
    if isinstance(error, NetworkBlocked) or any(
        words in str(error) for words in ("The network guard", "[Errno 1]", "not permitted")
    ):
        return True
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return any(map(is_refusal, (error.__cause__, error.__context__, *parts)))


def outcome(attempt: Callable[[], object]) -> str:
    """Say how an attempt ended: a refusal is the guard's error, or one that carries its words."""
    try:
        attempt()
    except BaseException as error:  # noqa: BLE001 - how it ended is what is asked
        return f"{'refused' if is_refusal(error) else 'failed'}: {type(error).__name__}: {error}"
    return "went out"


def main() -> None:
    """Print a table of all attempts."""
    found: dict[str, list[str]] = {}
    for name, attempt in ESCAPES.items():
        with Guard() as guard:
            found[name] = [outcome(attempt), *map(str, guard.hits)]
    print(json.dumps(found))  # noqa: T201 - a table is what it makes


if __name__ == "__main__":
    main()
