"""`transport._pool` and patches of httpcore's classes, in detail. That nothing bypasses them is told in `tests/seams`."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest import mock

import pytest

import borzoi
from borzoi._exchange.pool import Pool
from tests.compat.core import Core
from tests.exchange.http_peers import Recorder, answer, echo_target, http
from tests.seams.places import NotingPool
from tests.worlds.peers import RawServer, refusing_port
from tests.worlds.world import World

pytestmark = pytest.mark.usefixtures("alias")


def _transport(core: Core, **settings: Any) -> Any:
    return (borzoi.HTTPTransport if core.blocking else borzoi.AsyncHTTPTransport)(**settings)


@pytest.mark.parametrize(
    ("proxy", "name"),
    [
        (None, "ConnectionPool"),
        ("http://proxy.example:3128", "HTTPProxy"),
        ("https://proxy.example", "HTTPProxy"),
        ("socks5://proxy.example", "SOCKSProxy"),
    ],
)
def test_the_pool_is_of_httpcores_class(world: World, proxy: str | None, name: str) -> None:
    """It is one object for the life of the transport, and tells its settings."""
    core = Core(world)
    limits = borzoi.Limits(max_connections=7, max_keepalive_connections=3, keepalive_expiry=2.0)
    transport = _transport(core, proxy=proxy, limits=limits, retries=2, local_address="127.0.0.1", verify=False)

    pool = transport._pool
    assert type(pool) is core.kind(name)
    assert isinstance(pool, core.kind("ConnectionPool"))
    assert transport._pool is pool
    assert (pool._max_connections, pool._max_keepalive_connections, pool._keepalive_expiry) == (7, 3, 2.0)
    assert (pool._retries, pool._local_address, pool._uds) == (2, "127.0.0.1", None)
    assert isinstance(pool._network_backend, core.kind("NetworkBackend"))
    assert not pool._ssl_context.check_hostname
    if proxy is not None:
        assert pool._proxy_url.host == b"proxy.example"


def test_a_proxy_shows_its_credentials() -> None:
    """As httpcore's: in the headers that the proxy gets."""
    proxy = borzoi.Proxy("http://user:secret@proxy.example", headers={"X": "y"})
    transport: Any = borzoi.HTTPTransport(proxy=proxy)
    assert transport._pool._proxy_headers == [(b"Proxy-Authorization", b"Basic dXNlcjpzZWNyZXQ="), (b"X", b"y")]
    assert transport._pool._proxy.auth == (b"user", b"secret")


def test_retries_are_assigned(world: World) -> None:
    """`pool._retries = 3` on a transport's pool counts, and drops no connection."""

    async def body() -> None:
        async with world.client() as client:
            await client.get(server.url)
            transport = getattr(client, "wrapped", client)._transport
            transport._pool._retries = 3
            await client.get(server.url)
            sender = getattr(transport, "_dialer", None) or transport._sender._dialer
            assert sender._retries == 3

    recorder = Recorder()
    with RawServer(recorder) as server:
        world.run(body)
    assert len(recorder.connections) == 1


class Scripted:
    """A pool of a program's, that answers itself."""

    def __init__(self, core: Core, content: Any) -> None:
        self._content = content
        self._core = core
        self.closed = 0
        self.requests: list[Any] = []

    def _answer(self, request: Any) -> Any:
        self.requests.append(request)
        if isinstance(self._content, Exception):
            raise self._content
        return self._core.library.Response(
            201, headers=[(b"X", b"y")], content=self._content, extensions={"reason_phrase": b"Made"}
        )

    def handle_request(self, request: Any) -> Any:
        return self._answer(request)

    async def handle_async_request(self, request: Any) -> Any:
        return self._answer(request)

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Chunks:
    """A body for both worlds."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class AsyncChunks:
    """A body for event loops, with nothing to close."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"ab"


def test_a_pool_of_the_program(world: World) -> None:
    """It gets httpcore's request and its answer becomes a response; it is closed with the client."""

    async def body() -> None:
        core = Core(world)
        stream = Chunks()
        pools = [Scripted(core, content) for content in (b"ab", stream, [b"ab"] if core.blocking else AsyncChunks())]
        async with world.client() as client:
            transport = getattr(client, "wrapped", client)._transport
            for pool in pools:
                transport._pool = pool
                assert transport._pool is pool
                response = await client.post("http://host.example:81/x?y", content=b"body", headers={"A": "b"})
                assert (response.status_code, response.reason_phrase, response.content) == (201, "Made", b"ab")
                assert response.headers["x"] == "y"
                (request,) = pool.requests
                assert (request.method, bytes(request.url)) == (b"POST", b"http://host.example:81/x?y")
                assert (b"A", b"b") in request.headers
                assert request.extensions["timeout"]["read"] == 5.0
        assert [pool.closed for pool in pools] == [0, 0, 1]
        assert stream.closed == 1

    world.run(body)


def test_errors_of_a_pool_carry_the_request(world: World) -> None:
    """What it raises in httpcore's name is httpx's error, with the request that the program made."""

    async def body() -> None:
        core = Core(world)
        async with world.client() as client:
            transport = getattr(client, "wrapped", client)._transport
            own = transport._pool
            for pool in (Scripted(core, core.library.ReadTimeout()), NotingPool(own, [])):
                transport._pool = pool
                with pytest.raises((borzoi.ReadTimeout, borzoi.ConnectError)) as caught:
                    await client.get(f"http://127.0.0.1:{port}/path")
                assert caught.value.request.url.path == "/path"
                assert caught.value.request.headers["user-agent"] == "python-httpx/0.28.1"

    with refusing_port() as port:
        world.run(body)


def test_a_pool_around_the_transports_own(world: World) -> None:
    """It may hand on; bodies are streamed both ways, and closing goes all the way down."""

    async def body() -> None:
        async with world.client() as client:
            real = getattr(client, "wrapped", client)
            real._transport._pool = NotingPool(real._transport._pool, seen)
            content = iter([b"one", b"two"]) if world.name == "blocking" else _pieces()
            async with client.stream("POST", server.url, content=content) as response:
                assert response.extensions["network_stream"].get_extra_info("server_addr")[1] == server.port
                assert len(b"".join([chunk async for chunk in response.aiter_bytes()])) == 500_000
            async with client.stream("GET", server.url):
                seen.append("left unread")

    seen: list[str] = []
    recorder = Recorder(lambda _: answer(b"x" * 500_000))
    with RawServer(recorder) as server:
        world.run(body)
    assert seen == ["noted", "noted", "left unread"]
    assert recorder.asked[0].body == b"onetwo"


async def _pieces() -> AsyncIterator[bytes]:
    for piece in (b"one", b"two"):
        yield piece


def test_a_transport_that_brings_its_own_pool(world: World) -> None:
    """A subclass may set `_pool` in place of calling `__init__`."""

    async def body() -> None:
        core = Core(world)

        class Own(type(_transport(core))):  # type: ignore[misc]
            def __init__(self) -> None:
                self._pool = core.kind("ConnectionPool")()

        client = (borzoi.Client if core.blocking else borzoi.AsyncClient)(transport=Own())
        assert (await core.call(client.get, f"{server.url}/x")).content == b"/x"
        await core.call(client.close if core.blocking else client.aclose)

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_other_attributes_stay_possible(world: World) -> None:
    """A pool takes attributes that are no settings, and shows them again."""
    pool = _transport(Core(world))._pool
    pool.note = "kept"
    assert pool.note == "kept"


@pytest.mark.parametrize("name", ["HTTPProxy", "ConnectionPool"])
def test_a_patch_of_a_proxy_is_for_proxies(world: World, name: str) -> None:
    """A request by a proxy passes through the patch of `HTTPProxy` or of its base; others through the base's only."""

    async def body() -> None:
        core = Core(world)
        kind = core.kind(name)
        method = "handle_request" if core.blocking else "handle_async_request"
        ordinary = getattr(kind, method)
        passed: list[type] = []

        def patched(self: Any, request: Any) -> Any:
            passed.append(type(self))
            return ordinary(self, request)

        async with world.client(proxy=server.url) as client, world.client() as direct:
            with mock.patch.object(kind, method, patched):
                assert (await client.get("http://host.example/")).content == b"http://host.example/"
                await direct.get(server.url)
            await client.get("http://host.example/")
        expected = [core.kind("HTTPProxy")]
        assert passed == (expected if name == "HTTPProxy" else [*expected, core.kind("ConnectionPool")])

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_a_request_takes_the_short_way(world: World) -> None:
    """Before and after a patch, a transport sends with our pool itself, and looks at nothing of the stand-in."""
    core = Core(world)
    ours = Pool.send
    kind = core.kind("ConnectionPool")
    method = "handle_request" if core.blocking else "handle_async_request"
    with mock.patch.object(kind, method):
        assert Pool.send is not ours
    assert Pool.send is ours

    with mock.patch.object(core.kind("HTTP11Connection"), method), mock.patch.object(kind, "create_connection"):
        assert Pool.send is not ours
    assert Pool.send is ours


def test_a_replaced_pool_is_let_go(world: World) -> None:
    """Nothing holds on to a transport, or to a pool, that the program has let go of."""
    core = Core(world)
    transport = _transport(core)
    gone = [weakref.ref(transport), weakref.ref(transport._pool)]
    transport._pool = Scripted(core, b"")
    del transport
    gc.collect()
    assert [one() for one in gone] == [None, None]


def test_a_pool_that_a_patch_was_given(world: World) -> None:
    """The pool that a patched method finds as `self` shows its connections, and can be closed."""

    async def body() -> None:
        core = Core(world)
        kind = core.kind("ConnectionPool")
        method = "handle_request" if core.blocking else "handle_async_request"
        ordinary = getattr(kind, method)
        found: list[Any] = []

        def patched(self: Any, request: Any) -> Any:
            found.append(self)
            return ordinary(self, request)

        async with world.client() as client:
            with mock.patch.object(kind, method, patched):
                await client.get(server.url)
            (pool,) = found
            assert len(pool.connections) == 1
            pool._max_connections = 3
            await core.shaped(pool).aclose()
            assert pool.connections == []

    with RawServer(http(echo_target)) as server:
        world.run(body)
