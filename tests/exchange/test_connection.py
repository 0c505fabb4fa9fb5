"""A connection as a program sees it: facts about it, and its bytes after an upgrade."""

from __future__ import annotations

import socket
from typing import Any

import pytest

import borzoi
from borzoi import Timeout
from borzoi._backends.memory import MemoryBackend
from tests.exchange.http_peers import Reader, answer, assert_whole, http, pool_of, without_delay
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, echo
from tests.worlds.world import World

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
UPGRADE = {"Connection": "upgrade", "Upgrade": "echo"}


class Both:
    """A network stream of either kind of client, awaited in both."""

    def __init__(self, stream: Any, *, is_async: bool) -> None:
        self._stream = stream
        self._is_async = is_async

    async def read(self, *args: Any, **kwargs: Any) -> Any:
        """Read."""
        return await self._stream.read(*args, **kwargs) if self._is_async else self._stream.read(*args, **kwargs)

    async def write(self, *args: Any, **kwargs: Any) -> None:
        """Write."""
        if self._is_async:
            await self._stream.write(*args, **kwargs)
        else:
            self._stream.write(*args, **kwargs)

    async def start_tls(self, *args: Any, **kwargs: Any) -> Both:
        """Put TLS on it."""
        secured = self._stream.start_tls(*args, **kwargs)
        return Both(await secured if self._is_async else secured, is_async=self._is_async)

    async def close(self) -> None:
        """Close."""
        if self._is_async:
            await self._stream.aclose()
        else:
            self._stream.close()


@pytest.mark.parametrize("name", [None, "localhost"])
def test_tls_after_an_upgrade(world: World, name: str | None) -> None:
    """The program may put TLS on the connection, under the name of the host or another."""
    secure = server_context()

    def handler(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(SWITCH)
        with secure.wrap_socket(sock, server_side=True) as secured:
            echo(secured)

    async def body() -> None:
        async with world.client() as client:
            async with client.stream("GET", server.url, headers=UPGRADE) as response:
                plain = Both(response.extensions["network_stream"], is_async=world.is_async)
                stream = await plain.start_tls(client_context(), name, timeout=20)
                await stream.write(b"hello", timeout=20)
                assert await stream.read(100, timeout=20) == b"hello"
                assert response.extensions["network_stream"].get_extra_info("ssl_object").version() == "TLSv1.3"
                await stream.close()
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)


def test_tls_after_bytes_in_plain(world: World) -> None:
    """Bytes that came before the handshake are refused: nobody has vouched for them."""

    def handler(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(SWITCH + b"injected")
        echo(sock)

    async def body() -> None:
        async with world.client() as client:
            async with client.stream("GET", server.url, headers=UPGRADE) as response:
                stream = Both(response.extensions["network_stream"], is_async=world.is_async)
                while await stream.read(1, timeout=20) != b"n":
                    continue
                with pytest.raises(borzoi.RemoteProtocolError, match="before the TLS handshake"):
                    await stream.start_tls(client_context(), timeout=20)
                await stream.close()

    with RawServer(handler) as server:
        world.run(body)


def test_an_upgraded_connection(world: World) -> None:
    """After 101 the connection's bytes are the program's, what came with the head first; closing it frees its room."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        Reader(sock).head()
        sock.sendall(SWITCH + b"welcome")
        echo(sock)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with client.stream("GET", server.url, headers=UPGRADE) as response:
                assert response.status_code == 101
                raw = response.extensions["network_stream"]
                assert repr(raw) in {
                    f"<NetworkStream of 127.0.0.1:{server.port}>",
                    f"<AsyncNetworkStream of 127.0.0.1:{server.port}>",
                }
                stream = Both(raw, is_async=world.is_async)
                got = await stream.read(3, timeout=20)
                while len(got) < 7:
                    got += await stream.read(100, timeout=20)
                assert got == b"welcome"
                await stream.write(b"hello", timeout=20)
                assert await stream.read(2, timeout=20) == b"he"
                assert await stream.read(100) == b"llo"
                with pytest.raises(borzoi.ReadTimeout):
                    await stream.read(100, timeout=0.02)
                await stream.close()
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)


def test_an_upgrade_that_is_not_taken_up(world: World) -> None:
    """A response to an upgrade that is closed, or read as any other, closes its connection."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        Reader(sock).head()
        sock.sendall(SWITCH)
        while sock.recv(65536):
            pass

    async def body() -> None:
        async with world.client(timeout=20) as client:
            response = await client.get(server.url, headers=UPGRADE)
            assert (response.status_code, response.content) == (101, b"")
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)


def test_facts_about_a_connection(world: World) -> None:
    """The network stream tells the addresses, the socket, and that there is no TLS, also once it rests in the pool."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            first = await client.get(server.url)
            stream = first.extensions["network_stream"]
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
            assert stream.get_extra_info("client_addr")[0] == "127.0.0.1"
            assert stream.get_extra_info("socket") is not None
            assert stream.get_extra_info("ssl_object") is None
            assert stream.get_extra_info("is_readable") is False
            assert stream.get_extra_info("anything else") is None
            second = await client.get(server.url)
            assert second.extensions["network_stream"] is stream

            # Closing it while it rests closes the connection, and the next request has a new one.
            await Both(stream, is_async=world.is_async).close()
            assert (await client.post(server.url)).status_code == 200
            assert_whole(client, idle=1)
            assert pool_of(client)._shelf.idle()[0].network_stream is not stream

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)
        assert len(server.connections) == 2


def test_the_events_of_a_stream_that_is_in_use_are_its_readers() -> None:
    """News of a connection in use does not concern the pool, nor does news that turn out to be nothing."""
    backend = MemoryBackend(lambda host, port: lambda data: [answer()] if data else [])
    with borzoi.Client(transport=borzoi.HTTPTransport(backend=backend), timeout=Timeout(5)) as client:
        client.get("http://host/")
        (stream,) = backend.streams
        assert stream.on_event is not None
        stream.on_event()
        assert_whole(client, idle=1)

        with client.stream("GET", "http://host/") as response:
            stream.on_event()
            assert not stream.closed
            response.read()
        stream.closed = True
        stream.on_event()
        stream.on_event()
        assert_whole(client, idle=0)
