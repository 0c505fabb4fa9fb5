"""Real servers answer as the scripted ones do: a handful of requests each, with and without TLS, in three worlds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from borzoi import Limits
from tests.exchange.http_peers import assert_whole
from tests.servers.application import MEGABYTES
from tests.servers.conftest import Directories
from tests.servers.origins import ORIGINS, Origin
from tests.servers.processes import available
from tests.worlds.certificates import client_context
from tests.worlds.world import World


@pytest.fixture(scope="module", params=[name for name in ORIGINS if name in available()])
def server(request: pytest.FixtureRequest, directories: Directories) -> Iterator[Origin]:
    """Each server in turn."""
    with ORIGINS[request.param](directories(request.param)) as origin:
        yield origin


@pytest.fixture(params=["http", "https"])
def base(request: pytest.FixtureRequest, server: Origin) -> str:
    """The URL of a server."""
    return f"{request.param}://127.0.0.1:{getattr(server, request.param)}"


async def pieces() -> AsyncIterator[bytes]:
    """Give a body in pieces."""
    for _ in range(5):
        yield b"x" * 50_000


def test_requests(world: World, base: str) -> None:
    """GET, HEAD, POST, a body in pieces and 204, one after the other over a connection that is kept."""

    async def body() -> None:
        async with world.client(verify=client_context(), trust_env=False, timeout=20) as client:
            for number in range(3):
                response = await client.get(f"{base}/{number}?a=b")
                assert (response.status_code, response.text) == (200, f"GET /{number} 0")
            response = await client.head(f"{base}/")
            assert (response.status_code, response.content, response.headers["x-method"]) == (200, b"", "HEAD")
            response = await client.post(f"{base}/here", content=b"x" * 100_000)
            assert response.text == "POST /here 100000"
            response = await client.put(f"{base}/there", content=pieces() if world.is_async else [b"x" * 50_000] * 5)
            # nginx does not count a body that it does not need, and whose length nobody told it.
            assert response.text == "PUT /there 250000" or "nginx" in response.headers["server"]
            response = await client.get(f"{base}/empty")
            assert (response.status_code, response.content) == (204, b"")
            assert_whole(client, idle=1)

    world.run(body)


def test_a_big_body(world: World, base: str) -> None:
    """Some MiB come whole, and a client that has had enough after the first piece can go on with another request."""

    async def body() -> None:
        async with world.client(verify=client_context(), trust_env=False, timeout=20) as client:
            response = await client.get(f"{base}/big")
            assert len(response.content) == MEGABYTES << 20
            async with client.stream("GET", f"{base}/big") as response:
                iterator = response.aiter_raw()
                assert await iterator.__anext__()
                await iterator.aclose()
            assert (await client.get(f"{base}/")).status_code == 200
            assert_whole(client, idle=1)

    world.run(body)


def test_many_at_once(world: World, base: str) -> None:
    """Twenty requests at once over four connections each get their own answer."""

    async def body() -> None:
        limits = Limits(max_connections=4)
        async with world.client(verify=client_context(), trust_env=False, timeout=20, limits=limits) as client:

            async def ask(number: int) -> None:
                assert (await client.get(f"{base}/{number}")).text == f"GET /{number} 0"

            await world.gather(*(lambda number=number: ask(number) for number in range(20)))
            assert_whole(client)

    world.run(body)
