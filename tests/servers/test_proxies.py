"""Through real proxies of every kind to a real origin, with and without TLS, in three worlds."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import borzoi
from borzoi import Proxy
from tests.exchange.http_peers import assert_whole, network_client
from tests.servers.application import MEGABYTES
from tests.servers.conftest import Directories
from tests.servers.origins import Origin
from tests.servers.processes import available, free_port
from tests.servers.proxies import PROXIES, USER, Start, Via
from tests.worlds.certificates import client_context
from tests.worlds.world import World


@pytest.fixture(scope="session")
def started(origin: Origin, directories: Directories) -> Iterator[Callable[[Start], Via]]:
    """Start each proxy when it is first asked for, and end them all."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda start: stack.enter_context(start(directories(start.__name__), origin)))


@pytest.fixture(params=[pytest.param(which, id="-".join(which)) for which in PROXIES if which[0] in available()])
def which(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each proxy as each kind that it is: its name, and the kind."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def via(which: tuple[str, str], started: Callable[[Start], Via]) -> Via:
    """A running proxy."""
    return started(PROXIES[which])


def proxy_for(via: Via, kind: str, password: str = USER[1]) -> Proxy:
    """Return the proxy as a client is given it."""
    auth = (USER[0], password) if via.wants_password else None
    return Proxy(via.urls[kind], auth=auth, ssl_context=client_context() if kind == "https" else None)


def client_for(world: World, via: Via, kind: str, **more: Any) -> Any:
    """Return a client that goes through a proxy."""
    settings = {"proxy": proxy_for(via, kind), "verify": via.verify, **more}
    return network_client(world, client={"timeout": 20}, **settings)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests(world: World, which: tuple[str, str], via: Via, origin: Origin, scheme: str) -> None:
    """Requests and a big body come through, over a connection that is kept, and the origin sees none of the secrets."""
    base = f"{scheme}://localhost:{getattr(origin, scheme)}"

    async def body() -> None:
        async with client_for(world, via, which[1]) as client:
            # First, on a new connection: tinyproxy closes each one without a word, and a POST is not sent again.
            assert (await client.post(f"{base}/here", content=b"x" * 100_000)).text == "POST /here 100000"
            for number in range(3):
                response = await client.get(f"{base}/{number}")
                assert (response.status_code, response.text) == (200, f"GET /{number} 0")
            assert (await client.get(f"{base}/seen", headers={"X-Of-Origin": "1"})).text == "||1"
            assert len((await client.get(f"{base}/big")).content) == MEGABYTES << 20
            assert_whole(client)

    world.run(body)


def test_an_origin_that_nobody_is_at(world: World, which: tuple[str, str], via: Via) -> None:
    """An origin that the proxy cannot reach is a ProxyError that names the proxy, or what the proxy says of it."""
    port = 1 if which[0] == "tinyproxy" else free_port()

    async def body() -> None:
        async with client_for(world, via, which[1]) as client:
            with pytest.raises((borzoi.ProxyError, borzoi.ConnectError), match=via.urls[which[1]].rpartition("/")[2]):
                await client.get(f"https://localhost:{port}/")
            assert_whole(client, idle=0)

    world.run(body)


def test_a_wrong_password(world: World, which: tuple[str, str], via: Via, origin: Origin) -> None:
    """A proxy that wants another password is a ProxyError that says so, without the one it was told."""

    async def body() -> None:
        wrong = proxy_for(via, which[1], "not-it")
        async with client_for(world, via, which[1], proxy=wrong) as client:
            if not via.wants_password:
                assert (await client.get(f"https://localhost:{origin.https}/")).status_code == 200
                return
            with pytest.raises(borzoi.ProxyError, match=r"^(407|401|Invalid username/password)") as caught:
                await client.get(f"https://localhost:{origin.https}/")
            assert "not-it" not in str(caught.value)
            assert_whole(client, idle=0)

    world.run(body)
