"""Nothing that a library takes hold of is bypassed: not by a client that has sent nothing, nor by one that runs warm."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from tests.exchange.http_peers import answer, http
from tests.seams.places import PLACES, PLACES_OF_HTTPCORE, Place
from tests.worlds.peers import RawServer
from tests.worlds.world import World

CALLS = [("GET", {}), ("POST", {"content": b"body"}), ("GET", {"params": {"a": "b"}, "headers": {"X-Y": "z"}})]


async def _ask(client: Any, url: str) -> None:
    for method, arguments in CALLS:
        response = await client.request(method, f"{url}/path", **arguments)
        assert (response.status_code, response.content) == (200, b"hello")


async def _stream(client: Any, url: str) -> None:
    async with client.stream("GET", url) as response:
        assert b"".join([chunk async for chunk in response.aiter_bytes()]) == b"hello"


def _check(world: World, place: Place, warm: bool, expected: int) -> None:
    async def body() -> None:
        async with world.client() as client:
            if warm:
                await _ask(client, server.url)

            seen: list[str] = []
            with ExitStack() as stack:
                stack.enter_context(place(client, seen))
                await _ask(client, server.url)
                await _stream(client, server.url)
            assert len(seen) == expected

            await _ask(client, server.url)
            assert len(seen) == expected, "it is taken away, and still in the way"

    with RawServer(http(lambda _: answer(b"hello"))) as server:
        world.run(body)


@pytest.mark.parametrize("warm", [False, True], ids=["first", "warm"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_client_goes_through_it(world: World, place: Place, warm: bool) -> None:
    """Each request passes where a library stands, from the first one after it came to the last before it left."""
    _check(world, place, warm, len(CALLS) + 1)


@pytest.mark.parametrize("warm", [False, True], ids=["first", "warm"])
@pytest.mark.parametrize("place", PLACES_OF_HTTPCORE, ids=lambda place: place.__name__)
def test_a_client_goes_through_httpcore(world: World, place: Place, warm: bool, alias: None) -> None:
    """Each request passes through what is patched of httpcore; a network sees the one connection."""
    _check(world, place, warm, 1 if place.__name__ == "network" else len(CALLS) + 1)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_it_is_passed_while_the_alias_is_installed(world: World, place: Place, alias: None) -> None:
    """The alias changes nothing about it."""
    _check(world, place, True, len(CALLS) + 1)


def test_two_at_once(world: World, alias: None) -> None:
    """Libraries stand one behind the other, and each sees each request once."""

    async def body() -> None:
        async with world.client() as client:
            seen: dict[str, list[str]] = {place.__name__: [] for place in (*PLACES, *PLACES_OF_HTTPCORE)}
            with ExitStack() as stack:
                for place in (*PLACES_OF_HTTPCORE[1:], *PLACES):
                    if place.__name__ not in ("mounts_of_client", "replaced_mounts", "transport_method"):
                        stack.enter_context(place(client, seen[place.__name__]))
                await client.get(server.url)
            counts = {name: len(noted) for name, noted in seen.items() if noted}
            assert set(counts.values()) == {1}
            assert len(counts) == len(PLACES) + len(PLACES_OF_HTTPCORE) - 4

    with RawServer(http(lambda _: answer(b"hello"))) as server:
        world.run(body)
