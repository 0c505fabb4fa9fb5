"""Through real proxies of every kind to a real origin, over each protocol, with and without a password, in three worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import borzoi
from borzoi import DigestAuth, Proxy
from tests.exchange.http_peers import assert_whole, network_client
from tests.servers.cells import PROTOCOLS, Way
from tests.servers.conftest import Directories, started
from tests.servers.files import BIG, small
from tests.servers.origins import Origin
from tests.servers.processes import available, free_port
from tests.servers.proxies import PROXIES, USER, Via, protocols_of
from tests.worlds.certificates import client_context
from tests.worlds.world import World

Running = Callable[[str], Via]

KINDS = [
    (name, kind, access)
    for name, (_, kinds, accesses) in PROXIES.items()
    if name in available()
    for kind in kinds
    for access in accesses
]
WAYS = [Way(*which, protocol) for which in KINDS for protocol in protocols_of(*which)]
UNREACHABLE = [Way(*which, column="refusals") for which in KINDS]
CHECKED = [
    Way(*which, protocol, column="refusals")
    for which in KINDS
    if which[2] != "open"
    for protocol in ("http 1.1", "https 1.1")
]


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest, origin: Origin, directories: Directories) -> Iterator[Running]:
    """The proxies by their names."""
    starts = {name: partial(start, directories(name), origin) for name, (start, *_) in PROXIES.items()}
    with started(request, starts) as by_name:
        yield by_name


def client_for(world: World, via: Via, way: Way, password: str = USER[1]) -> Any:
    """Return a client that goes through a proxy."""
    auth: Any = {"open": None, "password": (USER[0], password), "digest": DigestAuth(USER[0], password)}[way.access]
    context = client_context() if way.kind == "https" else None
    proxy = Proxy(via.urls[way.kind, way.access], auth=auth, ssl_context=context)
    return network_client(
        world, client={"timeout": 20}, proxy=proxy, verify=via.verify, **PROTOCOLS.get(way.protocol, {})
    )


@pytest.mark.parametrize("way", WAYS, ids=repr)
def test_requests(world: World, way: Way, running: Running, origin: Origin) -> None:
    """Requests and a big body come through, over a connection that is kept, and the origin sees none of the secrets."""
    via, base = running(way.program), origin.url(way.protocol, "localhost")

    async def body() -> None:
        async with client_for(world, via, way) as client:
            # First, on a new connection: tinyproxy closes each one without a word, and a POST is not sent again.
            assert (await client.post(f"{base}/echo", content=b"x" * 100_000)).text == "100000"
            for number in range(3):
                response = await client.get(f"{base}/{number}")
                assert (response.status_code, response.text) == (200, small(number))
                assert response.http_version == ("HTTP/2" if way.protocol.endswith(" 2") else "HTTP/1.1")
            assert (await client.get(f"{base}/seen", headers={"X-Of-Origin": "1"})).text == "||1"
            assert len((await client.get(f"{base}/big")).content) == BIG
            assert_whole(client)

    world.run(body)


@pytest.mark.parametrize("way", UNREACHABLE, ids=repr)
def test_an_origin_that_nobody_is_at(world: World, way: Way, running: Running) -> None:
    """An origin that the proxy cannot reach is a ProxyError that names the proxy, or what the proxy says of it."""
    via = running(way.program)
    port = 1 if way.program == "tinyproxy" else free_port()

    async def body() -> None:
        async with client_for(world, via, way) as client:
            address = via.urls[way.kind, way.access].rpartition("/")[2]
            with pytest.raises((borzoi.ProxyError, borzoi.ConnectError), match=address):
                await client.get(f"https://localhost:{port}/")
            assert_whole(client, idle=0)

    world.run(body)


@pytest.mark.parametrize("way", CHECKED, ids=repr)
def test_a_wrong_password(world: World, way: Way, running: Running, origin: Origin) -> None:
    """A proxy that wants another password is a ProxyError that says so, without the one it was told.

    One that forwards the request answers it itself: that is the response.
    """
    via, url = running(way.program), origin.url(way.protocol, "localhost")

    async def body() -> None:
        async with client_for(world, via, way, "not-it") as client:
            if way.protocol == "http 1.1" and way.kind.startswith("http"):
                assert (await client.get(f"{url}/0")).status_code in (401, 407)
                return
            with pytest.raises(borzoi.ProxyError, match=r"^(407|401|Invalid username/password)") as caught:
                await client.get(f"{url}/0")
            assert "not-it" not in str(caught.value)
            assert via.urls[way.kind, way.access].rpartition("/")[2] in str(caught.value)
            assert_whole(client, idle=0)

    world.run(body)
