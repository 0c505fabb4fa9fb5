"""Real servers answer as the scripted ones do, over each protocol that they speak, in three worlds."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from borzoi import Limits
from tests.exchange.http_peers import assert_whole
from tests.servers.cells import PROTOCOLS, Spoken
from tests.servers.conftest import Directories, started
from tests.servers.files import BIG, COUNT, MEBIBYTE, small
from tests.servers.origins import ORIGINS, TRAILERS, Origin
from tests.servers.processes import available
from tests.worlds.certificates import client_context
from tests.worlds.world import World

SPOKEN = [Spoken(name, protocol) for name in ORIGINS if name in available() for protocol in ORIGINS[name][1]]
WITH_TRAILERS = [
    Spoken(name, protocol, column="trailers") for name in TRAILERS if name in available() for protocol in TRAILERS[name]
]


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, directories: Directories, files: Path) -> Iterator[Callable[[str], Origin]]:
    """The servers by their names."""
    starts = {name: partial(start, directories(name), files) for name, (start, _) in ORIGINS.items()}
    with started(request, starts) as by_name:
        yield by_name


def client_for(world: World, spoken: Spoken, **more: Any) -> Any:
    """Return a client that speaks the protocol."""
    return world.client(verify=client_context(), trust_env=False, timeout=20, **PROTOCOLS[spoken.protocol], **more)


async def pieces() -> AsyncGenerator[bytes]:
    """Give a body in pieces."""
    for start in range(0, len(MEBIBYTE), 50_000):
        yield MEBIBYTE[start : start + 50_000]


@pytest.mark.parametrize("spoken", SPOKEN, ids=repr)
def test_requests(world: World, running: Callable[[str], Origin], spoken: Spoken) -> None:
    """GETs small and big, HEAD, POSTs up to 1 MiB, a body in pieces and 204, one after the other over one connection."""
    base = running(spoken.program).url(spoken.protocol)

    async def body() -> None:
        async with client_for(world, spoken) as client:
            for number in range(3):
                response = await client.get(f"{base}/{number}?a=b")
                assert (response.status_code, response.text) == (200, small(number))
                assert response.http_version == ("HTTP/2" if spoken.protocol.endswith(" 2") else "HTTP/1.1")
            assert (await client.get(f"{base}/mib")).content == MEBIBYTE
            response = await client.head(f"{base}/mib")
            assert (response.status_code, response.content) == (200, b"")
            for size in (0, 1, 60_000, 100_000, 1 << 20):
                response = await client.post(f"{base}/echo", content=MEBIBYTE[:size])
                assert response.content in (MEBIBYTE[:size], b"%d" % size)
            async with contextlib.aclosing(pieces()) as content:
                response = await client.put(f"{base}/echo", content=content if world.is_async else [MEBIBYTE])
            # nginx neither counts nor takes in a body that it does not need, and whose length nobody told it.
            assert response.content == MEBIBYTE or spoken.program == "nginx"
            if spoken.program != "nghttpd":
                response = await client.get(f"{base}/empty")
                assert (response.status_code, response.content) == (204, b"")
            assert_whole(client, idle=1)

    world.run(body)


@pytest.mark.parametrize("spoken", SPOKEN, ids=repr)
def test_a_download_that_is_stopped(world: World, running: Callable[[str], Origin], spoken: Spoken) -> None:
    """A client that has had enough half way through a body goes on with another request, and can have all of it."""
    base = running(spoken.program).url(spoken.protocol)

    async def body() -> None:
        async with client_for(world, spoken) as client:
            async with client.stream("GET", f"{base}/big") as response:
                received = 0
                iterator = response.aiter_raw()
                while received < BIG // 2:
                    received += len(await iterator.__anext__())
                await iterator.aclose()
            assert (await client.get(f"{base}/7")).text == small(7)
            assert (await client.get(f"{base}/big")).content == b"x" * BIG
            assert_whole(client, idle=1)

    world.run(body)


@pytest.mark.parametrize("spoken", SPOKEN, ids=repr)
def test_many_at_once(world: World, running: Callable[[str], Origin], spoken: Spoken) -> None:
    """200 requests at once each get their own answer: over one connection of HTTP/2, or 20 of HTTP/1.1."""
    base = running(spoken.program).url(spoken.protocol)

    async def body() -> None:
        async with client_for(world, spoken, limits=Limits(max_connections=20)) as client:

            async def ask(number: int) -> None:
                assert (await client.get(f"{base}/{number}")).text == small(number)

            await world.gather(*(lambda number=number: ask(number) for number in range(COUNT)))
            assert_whole(client)

    world.run(body)


@pytest.mark.parametrize("spoken", WITH_TRAILERS, ids=repr)
def test_trailers(world: World, running: Callable[[str], Origin], spoken: Spoken) -> None:
    """What a server sends after a body is there once the body is read, and the connection serves on."""
    base = running(spoken.program).url(spoken.protocol)
    path = "0" if spoken.program == "nghttpd" else "trailers"

    async def body() -> None:
        async with client_for(world, spoken) as client:
            for _ in range(2):
                response = await client.get(f"{base}/{path}", headers={"TE": "trailers"})
                assert response.status_code == 200
                assert response.trailers["x-sum"] == "abc"
            assert_whole(client, idle=1)

    world.run(body)
