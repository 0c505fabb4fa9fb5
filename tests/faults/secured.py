"""Rows 51 and 52: TLS that is cut, or does not come about."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from borzoi import ConnectError, ReadError, RemoteProtocolError
from tests.exchange.http_peers import Reader, gates
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, say_goodbye

from .place import Place, chain, error_of, require
from .table import fault

OK = b"HTTP/1.1 200 OK\r\n"


def saying(data: bytes, *, goodbye: bool) -> Callable[[socket.socket], object]:
    """Return a handler that answers, and ends with a close_notify or without."""

    def handler(sock: socket.socket) -> None:
        Reader(sock).request()
        sock.sendall(data)
        if goodbye:
            say_goodbye(sock)

    return handler


@fault(51, "a body until the close, cut without close_notify")
async def _(place: Place) -> None:
    context = client_context()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for data in (OK + b"\r\nhello", b"HTTP/1.0 200 OK\r\n\r\nhello"):
            with (
                RawServer(saying(data, goodbye=False), tls=server_context(version=version)) as cutting,
                RawServer(saying(data, goodbye=True), tls=server_context(version=version)) as ending,
            ):
                async with place.client(verify=context) as client:
                    await place.fails(client, f"{cutting.url}/a", ReadError, "127.0.0.1")
                    place.assert_whole(client, idle=0)
                    assert (await client.get(ending.url)).text == "hello"
                    place.assert_whole(client, idle=0)


REPLIES = {
    "an end": b"",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a record that is too long": b"\x16\x03\x03\xff\xff" + b"\0" * 100,
    "an old version": b"\x16\x03\x00\x00\x04\x0e\x00\x00\x00",
}


@fault(52, "what is no handshake")
async def _(place: Place) -> None:
    context = client_context()
    for reply in REPLIES.values():
        rest: list[bytes] = []

        def handler(sock: socket.socket, reply: bytes = reply, rest: list[bytes] = rest) -> None:
            sock.recv(65536)
            sock.sendall(reply)
            sock.shutdown(socket.SHUT_WR)
            while data := sock.recv(65536):
                rest.append(data)

        with RawServer(handler) as server:
            async with place.client(verify=context) as client:
                url = f"https://127.0.0.1:{server.port}/"
                error = await place.fails(client, url, ConnectError, f"127.0.0.1:{server.port}")
                assert any(isinstance(behind, OSError) for behind in chain(error))
                place.assert_whole(client, idle=0)
        # At most an alert followed.
        assert b"GET" not in b"".join(rest)


@fault(52, "TLS where plain HTTP is")
async def _(place: Place) -> None:
    with gates(1) as (go,), RawServer(lambda sock: server.until(go), tls=server_context()) as server:
        async with place.client() as client:
            url = f"http://127.0.0.1:{server.port}/"
            # The server closes on bytes that it has not read: which comes first is the system's choice.
            error = await error_of(client.get(url), RemoteProtocolError, ReadError)
            require(error, type(error), "127.0.0.1", url)
            place.assert_whole(client, idle=0)
        go.set()
