"""The pools of httpcore's stand-in, made by a program: they send over real connections, in every world."""

from __future__ import annotations

import importlib
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compat.core import Core
from tests.exchange.http_peers import Asked, Recorder, answer, chunked, echo_target, http
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, refusing_port
from tests.worlds.world import World

pytestmark = pytest.mark.usefixtures("alias")


def test_a_request_is_sent(world: World) -> None:
    """Method, target, headers, body and time-outs go out as they are given, and the response comes back as it came."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            response = await pool.request(
                "post",
                f"{server.url}/a?b=c",
                headers={"X-Name": "value"},
                content=b"body",
                extensions={"timeout": {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}},
            )
            assert (response.status, response.content) == (201, b"made")
            assert (b"X-From", b"server") in response.headers
            assert response.extensions["http_version"] == b"HTTP/1.1"
            assert response.extensions["reason_phrase"] == b"Created"
            assert isinstance(response.extensions["network_stream"], core.kind("NetworkStream"))

    recorder = Recorder(lambda _: answer(b"made", b"X-From: server", status=b"201 Created"))
    with RawServer(recorder) as server:
        world.run(body)
    (asked,) = recorder.asked
    assert (asked.method, asked.target, asked.body) == (b"post", b"/a?b=c", b"body")
    assert asked.pairs == [
        (b"host", server.url.removeprefix("http://").encode()),
        (b"x-name", b"value"),
        (b"content-length", b"4"),
    ]


def test_bodies_are_streamed(world: World) -> None:
    """A body of unknown length goes out in chunks, and one that comes in chunks is iterated over."""

    async def pieces() -> Any:
        for piece in (b"one", b"two"):
            yield piece

    async def body() -> None:
        core = Core(world)
        content = iter([b"one", b"two"]) if core.blocking else pieces()
        async with core.pool() as pool, pool.stream("PUT", server.url, content=content) as response:
            assert b"".join([chunk async for chunk in response.aiter_stream()]) == b"abcdef"

    recorder = Recorder(lambda _: chunked(b"abc", b"def"))
    with RawServer(recorder) as server:
        world.run(body)
    assert recorder.asked[0].body == b"onetwo"


def test_any_target_goes_out(world: World) -> None:
    """A target that is no path is sent as it is, and so is one with characters that a URL would escape."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            for target in (b"*", b"/a[b]|c"):
                url = core.library.URL(scheme="http", host=server.host, port=server.port, target=target)
                await pool.request("OPTIONS", url)

    recorder = Recorder(lambda _: answer())
    with RawServer(recorder) as server:
        world.run(body)
    assert [asked.target for asked in recorder.asked] == [b"*", b"/a[b]|c"]


@pytest.mark.parametrize("url", ["ftp://host/", "host/"])
def test_other_schemes_are_refused(world: World, url: str) -> None:
    """As httpcore does it, and in its words."""

    async def body() -> None:
        core = Core(world)
        request = core.library.Request("GET", url, headers=[(b"Host", b"host")])
        async with core.pool() as pool:
            with pytest.raises(core.library.UnsupportedProtocol, match="protocol"):
                await pool.handle_async_request(request)

    world.run(body)


def test_errors_are_those_of_httpcore(world: World) -> None:
    """`except httpcore.ConnectError` and its kin catch what went wrong."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            with pytest.raises(core.library.ConnectError):
                await pool.request("GET", f"http://127.0.0.1:{port}/")
            with pytest.raises(core.library.RemoteProtocolError, match="without sending a response"):
                await pool.request("GET", server.url)
            async with pool.stream("GET", f"{cut.url}/") as response:
                with pytest.raises(core.library.RemoteProtocolError):
                    await response.aread()

    def half(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    with refusing_port() as port, RawServer(http(lambda _: None)) as server, RawServer(half) as cut:
        world.run(body)


def test_the_time_out_of_the_pool(world: World) -> None:
    """Who finds no free connection within `timeout["pool"]` gets a PoolTimeout."""

    async def body() -> None:
        core = Core(world)
        async with core.pool(max_connections=1) as pool, pool.stream("GET", server.url) as response:
            assert repr(pool) == (
                f"<{core.kind('ConnectionPool').__name__} [Requests: 1 active, 0 queued | Connections: 1 active, 0 idle]>"
            )
            with pytest.raises(core.library.PoolTimeout):
                await pool.request("GET", server.url, extensions={"timeout": {"pool": 0.01}})
            await response.aread()

    with RawServer(http(lambda _: answer(b"x" * 500_000))) as server:
        world.run(body)


def test_connections_are_shown(world: World) -> None:
    """Those that are idle and those in use, in httpcore's words; closing one takes it out."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            assert pool.connections == []
            await pool.request("GET", server.url)
            (connection,) = pool.connections
            assert isinstance(connection, core.kind("HTTPConnection"))
            assert (connection.is_idle(), connection.is_available(), connection.is_closed()) == (True, True, False)
            assert not connection.has_expired()
            assert connection.info() == f"'{server.url}', HTTP/1.1, IDLE, Request Count: 1"
            assert connection.can_handle_request(core.library.URL(server.url).origin)

            async with pool.stream("GET", server.url) as response:
                assert "ACTIVE, Request Count: 2" in repr(pool.connections[0])
                assert len(pool._requests) == 1
                await response.aread()
            await core.shaped(pool.connections[0]).aclose()
            assert pool._connections == []

    with RawServer(http(lambda _: answer(b"x" * 500_000))) as server:
        world.run(body)


def test_a_unix_socket(world: World, tmp_path: Path) -> None:
    """`uds` is connected to, whatever the URL names."""

    async def body() -> None:
        core = Core(world)
        async with core.pool(uds=path) as pool:
            assert (await pool.request("GET", "http://host.example/x")).content == b"/x"

    path = str(tmp_path / "socket")
    with RawServer(http(echo_target), path=path):
        world.run(body)


def test_tls_is_that_of_the_context(world: World) -> None:
    """`ssl_context` says whom to trust; without one it is certifi's authorities."""

    async def body() -> None:
        core = Core(world)
        async with core.pool(ssl_context=client_context()) as pool:
            assert (await pool.request("GET", f"https://localhost:{server.port}/x")).content == b"/x"
        async with core.pool() as pool:
            assert pool._ssl_context.verify_mode is ssl.CERT_REQUIRED
            with pytest.raises(core.library.ConnectError):
                await pool.request("GET", f"https://localhost:{server.port}/x")

    with RawServer(http(echo_target), tls=server_context()) as server:
        world.run(body)


SETTINGS = {
    "_max_connections": 10,
    "_max_keepalive_connections": 10,
    "_keepalive_expiry": None,
    "_http1": True,
    "_http2": False,
    "_retries": 0,
    "_local_address": None,
    "_uds": None,
    "_socket_options": None,
    "_proxy": None,
}


def test_settings_are_attributes(world: World) -> None:
    """They have httpcore's names and defaults."""
    core = Core(world)
    pool = core.pool()
    assert {name: getattr(pool, name) for name in SETTINGS} == SETTINGS
    assert core.pool(max_connections=None)._max_connections == sys.maxsize
    assert core.pool(retries=3, local_address="127.0.0.1")._local_address == "127.0.0.1"


def test_retries_that_are_assigned(world: World) -> None:
    """Connecting is tried again as often as it is said later."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            inside = getattr(pool, "wrapped", pool)
            inside._network_backend = backend = _failing(core, 2)
            with pytest.raises(core.library.ConnectError):
                await pool.request("GET", server.url)
            inside._retries = 1
            assert (await pool.request("GET", server.url)).content == b"/"
            assert backend.tries == 3

    with RawServer(http(echo_target)) as server:
        world.run(body)


def _failing(core: Core, times: int) -> Any:
    ours = core.library.SyncBackend if core.blocking else core.library.AnyIOBackend

    class Failing(ours):  # type: ignore[misc, valid-type]
        tries = 0

        def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
            self.tries += 1
            if self.tries <= times:
                raise core.library.ConnectError
            return super().connect_tcp(*args, **kwargs)

    return Failing()


def test_limits_that_are_assigned(world: World) -> None:
    """Fewer connections are kept from then on, and those that were idle are closed."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            inside = getattr(pool, "wrapped", pool)
            await pool.request("GET", server.url)
            assert len(pool.connections) == 1
            inside._max_keepalive_connections = 0
            assert pool.connections == []
            await pool.request("GET", server.url)
            assert pool.connections == []

    recorder = Recorder()
    with RawServer(recorder) as server:
        world.run(body)
    assert len(recorder.connections) == 2


def test_connections_in_use_close_when_the_limits_change(world: World) -> None:
    """A response that is under way is read to its end, and its connection is closed then."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            inside = getattr(pool, "wrapped", pool)
            async with pool.stream("GET", server.url) as response:
                inside._max_connections = 5
                assert len(await response.aread()) == 500_000
            assert pool.connections == []

    with RawServer(http(lambda _: answer(b"x" * 500_000))) as server:
        world.run(body)


def test_socket_options_and_a_path_that_are_assigned(world: World, tmp_path: Path) -> None:
    """They hold for the next connection."""

    async def body() -> None:
        core = Core(world)
        async with core.pool() as pool:
            inside = getattr(pool, "wrapped", pool)
            inside._uds = str(tmp_path / "socket")
            inside._socket_options = [(1, 9, 1)]
            inside._local_address = "127.0.0.1"
            inside._ssl_context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            assert inside._ssl_context is context
            assert (await pool.request("GET", "http://host.example/x")).content == b"/x"
            stream = inside.connections[0]._shown.stream
            assert stream.get_extra_info("socket").getsockopt(1, 9) == 1

    with RawServer(http(echo_target), path=str(tmp_path / "socket")):
        world.run(body)


def _proxied(asked: Asked) -> bytes:
    return answer(asked.target + b" " + asked.headers.get(b"proxy-authorization", b"-"))


def test_an_http_proxy(world: World) -> None:
    """It is told whole URLs and the credentials; both can be replaced."""

    async def body() -> None:
        core = Core(world)
        async with core.make("HTTPProxy", proxy.url, proxy_auth=("user", "secret")) as pool:
            inside = getattr(pool, "wrapped", pool)
            assert inside._proxy_url == core.library.URL(proxy.url)
            assert inside._proxy_headers == [(b"Proxy-Authorization", b"Basic dXNlcjpzZWNyZXQ=")]
            response = await pool.request("GET", "http://host.example/x")
            assert response.content == b"http://host.example/x Basic dXNlcjpzZWNyZXQ="
            assert type(inside.connections[0]).__name__.endswith("ForwardHTTPConnection")

            inside._proxy_headers = []
            assert (await pool.request("GET", "http://host.example/")).content == b"http://host.example/ -"
            inside._proxy_url = core.library.URL(other.url)
            assert (await pool.request("GET", "http://host.example/")).content == b"other"
            inside._proxy = None
            inside._proxy_url = core.library.URL(other.url)
            assert (await pool.request("GET", f"{proxy.url}/direct")).content == b"/direct -"

    with RawServer(http(_proxied)) as proxy, RawServer(http(lambda _: answer(b"other"))) as other:
        world.run(body)


def test_a_context_is_for_a_proxy_with_tls(world: World) -> None:
    """A proxy that is spoken to without TLS takes none."""
    core = Core(world)
    with pytest.raises(RuntimeError, match="proxy_ssl_context"):
        core.make("HTTPProxy", "http://p/", proxy_ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_a_socks_proxy(world: World) -> None:
    """It shows where it is and its credentials."""
    core = Core(world)
    pool = core.make("SOCKSProxy", "socks5://p:1080/", proxy_auth=("user", b"secret"))
    assert isinstance(getattr(pool, "wrapped", pool), core.kind("ConnectionPool"))
    assert (pool._proxy_url.host, pool._proxy_auth) == (b"p", (b"user", b"secret"))
    assert core.make("SOCKSProxy", "socks5://p:1080/")._proxy_auth is None


def test_the_functions() -> None:
    """`request()` and `stream()` send one request over a pool of their own."""
    library = importlib.import_module("httpcore")
    with RawServer(http(echo_target)) as server:
        assert library.request("GET", f"{server.url}/x").content == b"/x"
        with library.stream("GET", f"{server.url}/y") as response:
            assert response.read() == b"/y"
    assert library.default_ssl_context().check_hostname
