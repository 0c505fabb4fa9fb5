"""The connections of httpcore's stand-in: alone, over a stream, and those that a subclass of a pool makes."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import pytest

from tests.compat.core import Core
from tests.exchange.http_peers import Recorder, answer, echo_target, http
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, refusing_port
from tests.worlds.world import World

pytestmark = pytest.mark.usefixtures("alias")


def _origin(core: Core, url: str) -> Any:
    return core.library.URL(url).origin


def test_a_connection_alone(world: World) -> None:
    """It is opened by the first request, takes one at a time, for its origin only, and none once it is closed."""

    async def body() -> None:
        core = Core(world)
        async with core.make("HTTPConnection", _origin(core, server.url)) as connection:
            assert connection.info() == "CONNECTING"
            assert not connection.is_available()
            assert (await connection.request("GET", server.url)).status == 200
            assert connection.is_available()
            assert f"'{server.url}', HTTP/1.1, IDLE, Request Count: 1" in repr(connection)

            async with connection.stream("GET", server.url) as response:
                assert not connection.is_idle()
                with pytest.raises(core.library.ConnectionNotAvailable):
                    await connection.request("GET", server.url)
                await response.aread()
            with pytest.raises(RuntimeError, match="on connection to"):
                await connection.request("GET", "http://other.example/")
        assert connection.is_closed()
        assert connection.has_expired()
        with pytest.raises(core.library.ConnectionNotAvailable):
            await connection.request("GET", server.url)

    recorder = Recorder(lambda _: answer(b"x" * 500_000))
    with RawServer(recorder) as server:
        world.run(body)
    assert len(recorder.connections) == 1


def test_a_connection_that_fails(world: World) -> None:
    """It says so."""

    async def body() -> None:
        core = Core(world)
        url = f"http://127.0.0.1:{port}/"
        async with core.make("HTTPConnection", _origin(core, url)) as connection:
            with pytest.raises(core.library.ConnectError):
                await connection.request("GET", url)
            assert connection.info() == "CONNECTION FAILED"
            assert connection.is_closed()

    with refusing_port() as port:
        world.run(body)


def test_an_idle_connection_expires(world: World) -> None:
    """One that its server has closed is expired."""
    closed = threading.Event()

    def once(sock: Any) -> None:
        sock.recv(65536)
        sock.sendall(answer(b"x"))
        sock.close()
        closed.set()

    async def body() -> None:
        core = Core(world)
        async with core.make("HTTPConnection", _origin(core, server.url)) as connection:
            assert (await connection.request("GET", server.url)).content == b"x"
            await world.wait_for(closed)
            while not connection.has_expired():
                await world.sleep0()
            assert connection.has_expired()

    with RawServer(once) as server:
        world.run(body)


@pytest.mark.parametrize("kind", ["TunnelHTTPConnection", "ForwardHTTPConnection"])
def test_a_connection_by_a_proxy(world: World, kind: str) -> None:
    """A proxy forwards for http, whatever the class is called: it is the origin that decides."""

    async def body() -> None:
        core = Core(world)
        module = importlib.import_module(f"httpcore.{'_sync' if core.blocking else '_async'}.http_proxy")
        made = getattr(module, kind if core.blocking else f"Async{kind}")
        origin = _origin(core, "http://host.example/")
        async with core.shaped(made(_origin(core, proxy.url), origin, proxy_headers=[(b"X", b"y")])) as connection:
            assert (await connection.request("GET", "http://host.example/a")).content == b"http://host.example/a"

    recorder = Recorder()
    with RawServer(recorder) as proxy:
        world.run(body)
    assert recorder.asked[0].headers[b"x"] == b"y"


@pytest.mark.parametrize("tls", [False, True])
def test_over_a_stream_that_is_connected(world: World, tls: bool) -> None:
    """HTTP/1.1 is spoken over a stream that the program brings, secured or not; when it is used up, that is all."""

    async def body() -> None:
        core = Core(world)
        network = core.library.SyncBackend() if core.blocking else core.library.AnyIOBackend()
        stream = network.connect_tcp(server.host, server.port)
        stream = stream if core.blocking else await stream
        if tls:
            secured = stream.start_tls(client_context(), "localhost")
            stream = secured if core.blocking else await secured
        async with core.make("HTTP11Connection", _origin(core, server.url), stream) as connection:
            for target in ("/a", "/b"):
                assert (await connection.request("GET", server.url + target)).content == target.encode()
            assert connection.is_idle()
            await connection.request("GET", f"{server.url}/last", headers={"Connection": "close"})
            assert connection.is_closed()
            with pytest.raises(core.library.ConnectionNotAvailable):
                await connection.request("GET", server.url)

    with RawServer(http(echo_target), tls=server_context() if tls else None) as server:
        world.run(body)


class _Making:
    """A subclass of the pool that makes connections of its own, and counts them."""

    def __init__(self, core: Core) -> None:
        self.made: list[Any] = []
        made = self.made

        class Own(core.kind("HTTPConnection")):  # type: ignore[misc]
            """A connection of the program."""

        class Pool(core.kind("ConnectionPool")):  # type: ignore[misc]
            def create_connection(self, origin: Any) -> Any:
                made.append(Own(origin, network_backend=self._network_backend, keepalive_expiry=5.0))
                return made[-1]

        self.pool = Pool


def test_a_pool_of_own_connections(world: World) -> None:
    """What `create_connection()` returns carries the requests, and is used again."""

    async def body() -> None:
        core = Core(world)
        making = _Making(core)
        async with core.shaped(making.pool(max_connections=2, max_keepalive_connections=1)) as pool:
            assert pool.connections == []
            for target in ("/a", "/b"):
                assert (await pool.request("GET", server.url + target)).content == target.encode()
            assert pool.connections == making.made
            assert len(making.made) == 1
            assert "1 idle" in repr(pool)

            assert (await pool.request("GET", f"{other.url}/c")).content == b"/c"
            assert (await pool.request("GET", f"{third.url}/d")).content == b"/d"
            assert len(making.made) == 3
            assert making.made[0].is_closed()
        assert all(connection.is_closed() for connection in making.made)

    with RawServer(http(echo_target)) as server, RawServer(http(echo_target)) as other:
        with RawServer(http(echo_target)) as third:
            world.run(body)


def test_a_pool_of_own_connections_is_full(world: World) -> None:
    """Who finds no room waits until a response is over, or until the time for that is."""

    async def body() -> None:
        core = Core(world)
        making = _Making(core)
        async with core.shaped(making.pool(max_connections=1)) as pool:
            async with pool.stream("GET", server.url) as response:
                with pytest.raises(core.library.PoolTimeout, match=r"within 0\.01 s"):
                    await pool.request("GET", server.url, extensions={"timeout": {"pool": 0.01}})

                async with world.tasks() as tasks:
                    waiting = tasks.start(_ask, pool, server.url)
                    while not pool._assembled._waiters:
                        await world.sleep0()
                    chunks = [chunk async for chunk in response.aiter_stream()]
                    assert len(b"".join(chunks)) == 300_000
                    await response.aclose()
                assert waiting.result == 300_000
            assert len(making.made) == 1

    with RawServer(http(lambda _: answer(b"x" * 300_000))) as server:
        world.run(body)


async def _ask(pool: Any, url: str) -> int:
    return len((await pool.request("GET", url)).content)


def test_errors_of_own_connections(world: World) -> None:
    """They come out as they are; a body that breaks off closes its connection, and the next request has a new one."""
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"

    async def body() -> None:
        core = Core(world)
        making = _Making(core)
        async with core.shaped(making.pool()) as pool:
            with pytest.raises(core.library.ConnectError):
                await pool.request("GET", f"http://127.0.0.1:{port}/")
            async with pool.stream("GET", server.url) as response:
                with pytest.raises(core.library.RemoteProtocolError):
                    await response.aread()
            with pytest.raises(core.library.RemoteProtocolError):
                await pool.request("GET", server.url)
            assert len(making.made) == 3

    def half(sock: Any) -> None:
        sock.recv(65536)
        sock.sendall(broken)

    with refusing_port() as port, RawServer(half) as server:
        world.run(body)


def test_a_connection_that_was_taken(world: World) -> None:
    """Where somebody was faster, the pool tries another connection."""

    async def body() -> None:
        core = Core(world)
        making = _Making(core)
        async with core.shaped(making.pool()) as pool:
            assert (await pool.request("GET", server.url)).status == 200
            first = making.made[0]
            name = "handle_request" if core.blocking else "handle_async_request"
            ordinary = getattr(first, name)
            refusals = iter([True])

            def refuse_once(request: Any) -> Any:
                if next(refusals, False):
                    raise core.library.ConnectionNotAvailable
                return ordinary(request)

            setattr(first, name, refuse_once)
            assert (await pool.request("GET", server.url)).status == 200

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_the_interfaces_are_to_be_implemented(world: World) -> None:
    """What a subclass leaves out raises NotImplementedError."""

    async def body() -> None:
        core = Core(world)
        bare = core.kind("ConnectionInterface")()
        origin = _origin(core, "http://h/")
        asking = (bare.info, bare.is_available, bare.has_expired, bare.is_idle, bare.is_closed)
        for call in (*asking, lambda: bare.can_handle_request(origin)):
            with pytest.raises(NotImplementedError):
                call()
        for call in (
            (lambda: bare.handle_request(None), bare.close)
            if core.blocking
            else (lambda: bare.handle_async_request(None), bare.aclose)
        ):
            with pytest.raises(NotImplementedError):
                await core.call(call)

    world.run(body)


def test_http2_is_not_spoken_over_a_stream(world: World) -> None:
    """It is said when the connection is made, and not found out from what comes back."""
    core = Core(world)
    with pytest.raises(core.library.UnsupportedProtocol, match="HTTP/2"):
        core.make("HTTP2Connection", _origin(core, "https://h/"), object())


@pytest.mark.parametrize(
    ("proxy", "url", "name"),
    [
        (None, "https://h/", "HTTPConnection"),
        ("http://p/", "http://h/", "ForwardHTTPConnection"),
        ("http://p/", "https://h/", "TunnelHTTPConnection"),
        ("socks5://p/", "https://h/", "Socks5Connection"),
    ],
)
def test_a_pool_makes_the_connection_of_httpcore(world: World, proxy: str | None, url: str, name: str) -> None:
    """What `create_connection()` returns is of the class that fits the proxy and the origin."""
    core = Core(world)
    pool = core.pool(proxy=None if proxy is None else core.library.Proxy(proxy))
    made = pool.create_connection(_origin(core, url))
    assert type(made).__name__ == (name if core.blocking else f"Async{name}")
    assert made.info() == "CONNECTING"
    assert not made.is_idle()
