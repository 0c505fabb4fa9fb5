"""R5: resolvers and guards of a client, asked for each new connection, in every world."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

import borzoi
from borzoi import BlockedAddress, HTTPTransport, Limits
from borzoi._backends.blocking import BlockingBackend
from tests.exchange.http_peers import Recorder, answer, assert_whole, echo_target, http, network_client
from tests.worlds.peers import RawServer
from tests.worlds.world import World

INSIDE = borzoi.guards.PublicOnly(allow=["127.0.0.1"])


def to_loopback(host: str, port: int) -> Any:
    """Say that every name is this machine."""
    return ["127.0.0.1"] if host.endswith(".example") else None


def test_a_host_map(world: World) -> None:
    """A resolver says where names are; the Host field stays the name, and no other lookup takes place."""
    recorder = Recorder()

    async def body() -> None:
        async with network_client(world, resolver=to_loopback) as client:
            assert (await client.get(f"http://api.example:{server.port}/a")).text == "/a"
            assert (await client.get(f"http://127.0.0.1:{server.port}/b")).text == "/b"

    with RawServer(recorder) as server:
        world.run(body)
    assert recorder.asked[0].headers[b"host"] == f"api.example:{server.port}".encode()


def test_nothing_is_asked_for_a_connection_that_is_there(world: World) -> None:
    """A second request over the same connection asks nobody."""
    asked: list[str] = []

    def resolver(host: str, port: int) -> Any:
        asked.append(host)
        return ["127.0.0.1"]

    resolver.ttl = 0  # type: ignore[attr-defined]

    async def body() -> None:
        async with network_client(world, resolver=resolver) as client:
            for _ in range(3):
                await client.get(f"http://api.example:{server.port}/")
        async with network_client(world, resolver=resolver, limits=Limits(max_keepalive_connections=0)) as client:
            for _ in range(2):
                await client.get(f"http://api.example:{server.port}/")

    with RawServer(http(echo_target)) as server:
        world.run(body)
    assert asked == ["api.example"] * 3


def test_an_address_that_did_not_serve_is_asked_for_again(world: World) -> None:
    """After a failed connection the name is asked for anew: its server may have moved."""
    answers = [["127.0.0.2"], ["127.0.0.1"]]

    async def body() -> None:
        async with network_client(world, resolver=lambda host, port: answers.pop(0)) as client:
            with pytest.raises(borzoi.ConnectError, match=r"127\.0\.0\.2"):
                await client.get(f"http://moved.example:{server.port}/")
            assert (await client.get(f"http://moved.example:{server.port}/")).status_code == 200

    with RawServer(http(echo_target)) as server:
        world.run(body)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"]
)
def test_the_inside_is_out_of_reach(world: World, host: str) -> None:
    """A guarded client refuses loopback, private and metadata hosts at once, before a connection, and without a retry."""

    async def body() -> None:
        async with network_client(world, resolver=borzoi.guards.public_only, retries=5) as client:
            with pytest.raises(BlockedAddress, match="is not public") as caught:
                await client.get(f"http://{host}:{server.port}/")
            assert caught.value.request.url.host == host.strip("[]")
            assert_whole(client, idle=0)

    with RawServer(http(echo_target)) as server:
        world.run(body)
        assert server.connections == []


@pytest.mark.parametrize(
    "location", ["http://127.0.0.2/", "http://localhost.:1/", "http://inside.example/", "http://[::1]/"]
)
def test_a_redirect_to_the_inside(world: World, location: str) -> None:
    """A redirect leads no further than the guard lets it."""

    async def body() -> None:
        guard = borzoi.guards.PublicOnly(allow=["127.0.0.1"], resolver=resolver)
        async with network_client(world, resolver=guard, client={"follow_redirects": True}) as client:
            with pytest.raises(BlockedAddress):
                await client.get(f"http://outside.example:{server.port}/")

    def resolver(host: str, port: int) -> Any:
        return {
            "outside.example": ["127.0.0.1"],
            "inside.example": ["127.0.0.1", "10.0.0.1"],
            "localhost.": ["::1"],
        }.get(host)

    with RawServer(http(lambda asked: answer(b"", b"Location: " + location.encode(), status=b"302 Found"))) as server:
        world.run(body)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1.", "①②⑦.⓪.⓪.①"])
def test_shorthand_hosts(world: World, host: str) -> None:
    """What the system would read as an address of the inside is no URL, or is refused as that address."""

    async def body() -> None:
        async with network_client(world, resolver=borzoi.guards.public_only) as client:
            with pytest.raises((borzoi.InvalidURL, BlockedAddress)):
                await client.get(f"http://{host}/")

    world.run(body)


def test_rebinding(world: World) -> None:
    """The addresses that were checked are connected to: a name that changes between two lookups gains nothing."""
    answers = [["127.0.0.1"], ["127.0.0.2"]]

    async def body() -> None:
        guard = borzoi.guards.PublicOnly(allow=["127.0.0.1"], resolver=lambda host, port: answers.pop(0))
        async with network_client(world, resolver=guard) as client:
            assert (await client.get(f"http://rebinds.example:{server.port}/")).status_code == 200
        assert len(answers) == 1

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_a_unix_socket(world: World, tmp_path: Any) -> None:
    """A guarded transport connects to no Unix socket."""

    async def body() -> None:
        async with network_client(world, uds=f"{tmp_path}/peer", resolver=borzoi.guards.public_only) as client:
            with pytest.raises(BlockedAddress, match=r"/peer is a Unix socket"):
                await client.get("http://1.1.1.1/")

    with RawServer(http(echo_target), path=f"{tmp_path}/peer"):
        world.run(body)


def test_by_way_of_a_proxy(world: World) -> None:
    """The proxy that the program named may be inside; the origins that it is asked for may not."""
    recorder = Recorder()

    def resolver(host: str, port: int) -> Any:
        return {"public.example": ["1.1.1.1"], "private.example": ["10.0.0.1"]}.get(host)

    async def body() -> None:
        guard = borzoi.guards.PublicOnly(resolver=resolver)
        async with network_client(world, proxy=server.url, resolver=guard) as client:
            for _ in range(2):
                assert (await client.get("http://public.example/")).status_code == 200
            for url in ("http://private.example/", "https://private.example/", "http://127.0.0.1/"):
                with pytest.raises(BlockedAddress):
                    await client.get(url)

    with RawServer(recorder) as server:
        world.run(body)
    assert [asked.target for asked in recorder.asked] == [b"http://public.example/"] * 2


def test_a_client_hands_its_resolver_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Client(resolver=)` guards its own transport and those of the environment's proxies; others need their own."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with borzoi.Client(resolver=borzoi.guards.public_only) as client:
        for url in ("http://127.0.0.1/", "https://127.0.0.1/"):
            with pytest.raises(BlockedAddress):
                client.get(url)
    with pytest.raises(ValueError, match="Give resolver= to the transport"):
        borzoi.Client(resolver=borzoi.guards.public_only, transport=HTTPTransport())


class Asynchronous:
    """An object with an async method."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return this machine."""
        return ["127.0.0.1"]


class CalledLater:
    """An object that is called and awaited."""

    async def __call__(self, host: str, port: int) -> list[str]:
        return ["127.0.0.1"]


@pytest.mark.parametrize(
    "resolver", [Asynchronous(), CalledLater(), Asynchronous().resolve], ids=["object", "call", "function"]
)
def test_async_resolvers(async_world: World, resolver: Any) -> None:
    """An async client takes async resolvers, of any shape, under a guard or without one."""

    async def body() -> None:
        for found in (resolver, borzoi.guards.PublicOnly(["127.0.0.1"], resolver)):
            async with network_client(async_world, resolver=found) as client:
                assert (await client.get(f"http://api.example:{server.port}/")).status_code == 200

    with RawServer(http(echo_target)) as server:
        async_world.run(body)


def test_what_is_no_resolver() -> None:
    """A blocking client refuses async resolvers, and every client what it cannot call."""
    for resolver in (Asynchronous(), CalledLater()):
        with pytest.raises(TypeError, match="Client needs a plain function, this one is async"):
            borzoi.Client(resolver=resolver)
    with pytest.raises(TypeError, match="Give a function of host and port"):
        borzoi.AsyncClient(resolver={"a": "b"})


def test_back_ends_keep_their_contract() -> None:
    """A back end without names of a transport looks names up itself."""
    from borzoi._run_blocking import run_blocking

    found = run_blocking(BlockingBackend().resolve("127.0.0.1", 80, 1.0))
    assert found == [(socket.AF_INET, ("127.0.0.1", 80))]


def test_guards_are_imported_on_use() -> None:
    """A client without a guard does not load what guards need."""
    import subprocess

    program = (
        "import sys, borzoi; borzoi.Client(); print('borzoi._policy.guards' in sys.modules, 'inspect' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
