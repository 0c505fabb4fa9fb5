"""`extensions={"trace": ...}` through a client: what a program hears of the connection that its request opens."""

from __future__ import annotations

from typing import Any

import pytest

import borzoi
from tests.exchange.http_peers import answer, assert_whole, http, network_client
from tests.worlds.peers import RawServer
from tests.worlds.world import World


def listener(world: World, heard: list[tuple[str, dict[str, Any]]], *, raise_at: str = "") -> Any:
    """Return a trace function of the world's kind."""

    def now(name: str, info: dict[str, Any]) -> None:
        heard.append((name, info))
        if name == raise_at:
            raise KeyError(name)

    async def later(name: str, info: dict[str, Any]) -> None:
        now(name, info)

    return later if world.is_async else now


def connecting(heard: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return what was heard about connecting."""
    return [name for name, _ in heard if name.startswith("connection.")]


def test_a_request_hears_of_its_connection(world: World) -> None:
    """The request that opens a connection hears of it, with host and port; one that finds it open hears nothing."""
    heard: list[tuple[str, dict[str, Any]]] = []

    async def body() -> None:
        async with network_client(world) as client:
            for _ in range(2):
                await client.get(server.url, extensions={"trace": listener(world, heard)})
                assert connecting(heard) == ["connection.connect_tcp.started", "connection.connect_tcp.complete"]
            assert_whole(client, idle=1)

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)
    assert (heard[0][1]["host"], heard[0][1]["port"]) == (server.host, server.port)


def test_a_listener_may_end_the_request(world: World) -> None:
    """What the function raises while a connection is opened ends the request, and takes no room in the pool."""
    heard: list[tuple[str, dict[str, Any]]] = []

    async def body() -> None:
        trace = listener(world, heard, raise_at="connection.connect_tcp.complete")
        async with network_client(world, limits=borzoi.Limits(max_connections=1)) as client:
            with pytest.raises(KeyError):
                await client.get(server.url, extensions={"trace": trace})
            assert_whole(client, idle=0)
            assert (await client.get(server.url)).status_code == 200

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)
