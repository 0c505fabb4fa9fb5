"""The bytes below a WebSocket: what both directions at once ask of a connection, in threads and in event loops."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import borzoi
from borzoi import ReadError, ReadTimeout, WriteTimeout
from borzoi._client.websocket_wires import wire_over
from borzoi._exchange.websocket_wires import LoopWire, ThreadWire
from borzoi._run_blocking import run_blocking
from borzoi._wire.websocket_frames import CloseConnection
from tests.exchange.http_peers import Reader, without_delay
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, reset
from tests.worlds.websocket_peers import accepting
from tests.worlds.world import World

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
UPGRADE = {"Connection": "upgrade", "Upgrade": "echo"}


def upgrading(then: Any, opening: bytes = b"") -> Any:
    """Return a handler that takes up an upgrade, and goes on with a function."""

    def handler(sock: Any) -> None:
        without_delay(sock)
        Reader(sock).head()
        sock.sendall(SWITCH + opening)
        then(sock)

    return handler


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_wire_for_threads(tls: bool) -> None:
    """Reading waits for as long as it is told, takes what came, and leaves nothing behind; so does looking."""
    go = [threading.Event() for _ in range(3)]

    def then(sock: Any) -> None:
        for event, data in zip(go, (b"one", b"two", b""), strict=True):
            server.until(event)
            if data:
                sock.sendall(data)
        reset(sock)

    with (
        RawServer(upgrading(then, b"zero"), tls=server_context() if tls else None) as server,
        borzoi.Client(timeout=20, verify=client_context()) as client,
        client.stream("GET", f"{server.url.replace('127.0.0.1', 'localhost')}/", headers=UPGRADE) as response,
    ):
        wire = wire_over(response.extensions["network_stream"], blocking=True, write_timeout=7.0)
        assert isinstance(wire, ThreadWire)

        # What came with the head of the response may be there in one piece or in two.
        assert run_blocking(wire.read(20)) == b"zero"
        assert not wire.is_readable()
        with pytest.raises(ReadTimeout, match="within 0 s"):
            run_blocking(wire.read(0))
        with pytest.raises(ReadTimeout):
            run_blocking(wire.read(0.02))
        go[0].set()
        assert run_blocking(wire.read(None)) == b"one"
        go[1].set()
        while not wire.is_readable():
            pass
        assert wire.is_readable()
        assert run_blocking(wire.read(0)) == b"two"
        go[2].set()
        while not wire.is_readable():
            pass
        with pytest.raises(ReadError):
            run_blocking(wire.read(20))
        run_blocking(wire.close())
        with pytest.raises(ReadError, match="closed here"):
            run_blocking(wire.read(20))


def test_leftovers_are_readable() -> None:
    """What came together with the head of the response is there to be read, without a look at the socket."""
    with (
        RawServer(upgrading(lambda sock: sock.recv(1), b"zero")) as server,
        borzoi.Client(timeout=20) as client,
        client.stream("GET", server.url, headers=UPGRADE) as response,
    ):
        stream = response.extensions["network_stream"]
        if stream.has_leftover:
            assert wire_over(stream, blocking=True, write_timeout=None).is_readable()
            assert LoopWire(stream).is_readable()
        assert stream.read(10, timeout=20) == b"zero"


def test_the_last_word_does_not_wait(world: World) -> None:
    """What cannot be written at once is given up: the connection is closed next."""
    done = threading.Event()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with client.stream("GET", server.url, headers=UPGRADE) as response:
                stream = response.extensions["network_stream"]
                wire = wire_over(stream, blocking=not world.is_async, write_timeout=20)
                wire.attempt(bytes(24 << 20))
                if not world.is_async:
                    with pytest.raises(WriteTimeout):
                        await wire.write(b"x", 0.01)
                await wire.close()
                wire.attempt(b"after the end")
            done.set()

    with RawServer(upgrading(lambda _: server.until(done)), receive_buffer=8192) as server:
        world.run(body)


def test_an_interrupted_thread_says_goodbye() -> None:
    """Ctrl-C inside of the block tells the server, over a real connection."""
    told: list[Any] = []

    with RawServer(accepting(lambda peer: told.extend([peer.next(), peer.next()]))) as server:
        with borzoi.Client(timeout=20) as client, pytest.raises(KeyboardInterrupt):
            with client.websocket(server.url):
                raise KeyboardInterrupt

    assert told == [CloseConnection(1000, ""), None]
