"""A connection that was upgraded, and that the program then forgets."""

from __future__ import annotations

import gc
import socket
from typing import Any

import pytest

from borzoi import Limits, Timeout
from tests.exchange.http_peers import Reader, assert_whole, pool_of, without_delay
from tests.worlds.peers import RawServer, echo
from tests.worlds.world import World

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
UPGRADE = {"Connection": "upgrade", "Upgrade": "echo"}


def switching(sock: socket.socket) -> None:
    """Take up the upgrade, and send back what comes then."""
    without_delay(sock)
    Reader(sock).head()
    sock.sendall(SWITCH)
    echo(sock)


async def upgraded(client: Any, url: str) -> Any:
    """Return a streamed response to an upgrade."""
    return await client.send(client.build_request("GET", url, headers=UPGRADE), stream=True)


async def said(world: World, stream: Any, data: bytes) -> bytes:
    """Return what comes back over a stream."""
    if world.is_async:
        await stream.write(data)
        return bytes(await stream.read(100, timeout=20))
    stream.write(data)
    return bytes(stream.read(100, timeout=20))


def test_a_forgotten_upgrade_gives_its_room_back(world: World) -> None:
    """A 101 that is dropped, its network stream with it, warns, and its connection is closed by the next request."""

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=10)) as client:
            response = await upgraded(client, server.url)
            stream = response.extensions["network_stream"]
            assert await said(world, stream, b"hi") == b"hi"

            # The program may keep the stream alone: that is where the bytes are.
            del response
            gc.collect()
            assert not pool_of(client).orphans
            assert await said(world, stream, b"still there") == b"still there"

            with pytest.warns(ResourceWarning, match=f"127.0.0.1:{server.port} was neither read"):  # noqa: PT031
                del stream
                gc.collect()
            response = await upgraded(client, server.url)
            await response.aclose()
            assert_whole(client, idle=0)

    with RawServer(switching) as server:
        world.run(body)


@pytest.mark.parametrize("by", ["stream", "response"])
def test_a_closed_upgrade_is_not_warned_about(world: World, by: str) -> None:
    """Closing either the network stream or the response is enough."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            response = await upgraded(client, server.url)
            stream = response.extensions["network_stream"]
            if by == "response":
                await response.aclose()
            elif world.is_async:
                await stream.aclose()
            else:
                stream.close()
            assert_whole(client, idle=0)
            del response, stream
            gc.collect()
            assert not pool_of(client).orphans

    with RawServer(switching) as server:
        world.run(body)
