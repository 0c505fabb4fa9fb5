"""54: through a proxy, in every world: forwarding, tunnels, and proxies that refuse or break."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Proxy, Timeout
from borzoi._backends.memory import MemoryBackend
from tests.exchange.http_peers import (
    Reader,
    Recorder,
    answer,
    assert_whole,
    http,
    network_client,
    without_delay,
)
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, reset
from tests.worlds.world import World

SECRET = b"Basic " + base64.b64encode(b"user:pass")


def test_forwarding(world: World) -> None:
    """A request to http:// goes to the proxy as a whole URL with the proxy's headers, over one connection an origin."""
    recorder = Recorder()

    async def body() -> None:
        proxy = Proxy(f"http://user:pass@127.0.0.1:{server.port}", headers={"X-Of-Proxy": "1"})
        async with network_client(world, proxy=proxy) as client:
            for path in ("/a?b=c", "/d"):
                response = await client.get(f"http://origin.example:81{path}")
                assert response.text == f"http://origin.example:81{path}"
            await client.get("http://other.example/")
            assert_whole(client, idle=2)

    with RawServer(recorder) as server:
        world.run(body)
    first = recorder.asked[0]
    assert first.headers[b"host"] == b"origin.example:81"
    assert first.headers[b"proxy-authorization"] == SECRET
    assert first.headers[b"x-of-proxy"] == b"1"
    assert [name for name, _ in first.pairs].count(b"proxy-authorization") == 1


def test_forwarding_without_credentials(world: World) -> None:
    """A proxy without credentials or headers is told the URL only."""
    recorder = Recorder()

    async def body() -> None:
        async with network_client(world, proxy=f"http://127.0.0.1:{server.port}") as client:
            await client.get("http://origin.example/")
            response = await client.get("http://origin.example/refused")
            assert response.status_code == 200

    with RawServer(recorder) as server:
        world.run(body)
    assert b"proxy-authorization" not in recorder.asked[0].headers


class Tunnel:
    """A proxy that opens tunnels to an origin of its own behind TLS."""

    def __init__(self, origin: Recorder) -> None:
        self._origin = origin
        self.asked: list[Any] = []

    def __call__(self, sock: socket.socket) -> None:
        asked = Reader(sock).head()
        if asked is None:
            return
        self.asked.append(asked)
        sock.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n")
        inner = server_context("origin.example").wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with contextlib.closing(inner):
            inner.do_handshake()
            self._origin(inner)


def test_a_tunnel(world: World) -> None:
    """A request to https:// goes through a tunnel: credentials reach the proxy alone, and the tunnel is used again."""
    origin = Recorder()
    tunnel = Tunnel(origin)

    async def body() -> None:
        proxy = Proxy(f"http://127.0.0.1:{server.port}", auth=("user", "pass"), headers={"X-Of-Proxy": "1"})
        async with network_client(world, proxy=proxy, verify=client_context()) as client:
            for path in ("/a", "/b"):
                response = await client.get(f"https://origin.example{path}", headers={"X-Of-Origin": "1"})
                assert response.text == path
            assert_whole(client, idle=1)

    with RawServer(tunnel) as server:
        world.run(body)
    (asked,) = tunnel.asked
    assert (asked.method, asked.target) == (b"CONNECT", b"origin.example:443")
    assert asked.headers[b"host"] == b"origin.example:443"
    assert asked.headers[b"proxy-authorization"] == SECRET
    assert asked.headers[b"x-of-proxy"] == b"1"
    assert b"x-of-origin" not in asked.headers
    for request in origin.asked:
        assert b"proxy-authorization" not in request.headers
        assert b"x-of-proxy" not in request.headers
        assert request.headers[b"x-of-origin"] == b"1"


def says(data: bytes, end: Callable[[socket.socket], object] = lambda sock: None) -> Callable[[socket.socket], object]:
    """Return a proxy that answers CONNECT with `data`, and ends."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        Reader(sock).head()
        if data:
            sock.sendall(data)
        end(sock)

    return handler


def waits(sock: socket.socket) -> None:
    """Wait until the client closes."""
    while sock.recv(65536):
        pass


BROKEN: dict[str, tuple[Any, str]] = {
    "407": (says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", waits), "^407 Proxy Auth"),
    "502": (says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\nsorry", waits), "^502 Bad Gateway"),
    "cut": (says(b""), "without sending a response"),
    "cut short": (says(b"HTTP/1.1 20"), "without sending a complete response head"),
    "reset": (says(b"", reset), "reset"),
    "garbage": (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", waits), "broke the tunnel"),
    "a body announced": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", waits), "broke the tunnel"),
    "chunked": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", waits), "broke the tunnel"),
    "bytes of its own": (says(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n", waits), "bytes of its own"),
    "interim responses without an end": (says(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, waits), "broke the tunnel"),
    "another protocol": (says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", waits), "broke the tunnel"),
    "a body without an end": (says(b"HTTP/1.1 403 Forbidden\r\n\r\n" + b"x" * 100_000, waits), "^403 Forbidden"),
    "endless headers": (says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000, waits), "broke the tunnel"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_tunnel_that_does_not_open(world: World, case: str) -> None:
    """A proxy that refuses or breaks is a ProxyError that names it, nothing is sent, and the socket is closed."""
    handler, match = BROKEN[case]

    async def body() -> None:
        proxy = Proxy(f"http://user:pass@127.0.0.1:{server.port}")
        async with network_client(world, proxy=proxy, verify=client_context(), client={"timeout": 20}) as client:
            with pytest.raises(borzoi.ProxyError, match=match) as caught:
                await client.get("https://origin.example/path")
            assert f"127.0.0.1:{server.port}" in str(caught.value)
            assert "pass" not in str(caught.value)
            assert caught.value.request.url == "https://origin.example/path"
            assert_whole(client, idle=0)

    with RawServer(handler) as server:
        world.run(body)
        assert len(server.connections) == 1


def test_interim_responses_before_a_tunnel(world: World) -> None:
    """Interim responses (1xx) to CONNECT are passed over: the tunnel opens with the final one."""
    origin = Recorder()

    class Interim(Tunnel):
        def __call__(self, sock: socket.socket) -> None:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            super().__call__(sock)

    async def body() -> None:
        proxy = f"http://127.0.0.1:{server.port}"
        async with network_client(world, proxy=proxy, verify=client_context(), client={"timeout": 20}) as client:
            assert (await client.get("https://origin.example/here")).text == "/here"
            assert_whole(client, idle=1)

    with RawServer(Interim(origin)) as server:
        world.run(body)
    assert len(origin.asked) == 1


def test_a_refusal_of_what_is_forwarded(world: World) -> None:
    """The 407 of a proxy that forwards is the response, with its body, and its connection serves on."""
    refusal = answer(b"who?", b'Proxy-Authenticate: Basic realm="x"', status=b"407 Proxy Authentication Required")
    recorder = Recorder(lambda asked: refusal if asked.turn == 1 else answer(b"now"))

    async def body() -> None:
        proxy = Proxy(f"http://127.0.0.1:{server.port}", auth=("user", "pass"))
        async with network_client(world, proxy=proxy) as client:
            response = await client.get("http://origin.example/")
            assert (response.status_code, response.text) == (407, "who?")
            assert_whole(client, idle=1)
            assert (await client.get("http://origin.example/")).text == "now"

    with RawServer(recorder) as server:
        world.run(body)
    assert len(recorder.connections) == 1


def test_a_proxy_that_falls_silent(world: World) -> None:
    """A tunnel that does not open in time is a ConnectTimeout."""

    async def body() -> None:
        settings = {"timeout": Timeout(20, connect=0.05)}
        async with network_client(world, proxy=f"http://127.0.0.1:{server.port}", client=settings) as client:
            with pytest.raises(borzoi.ConnectTimeout, match=f"127.0.0.1:{server.port}"):
                await client.get("https://origin.example/")
            assert_whole(client, idle=0)

    with RawServer(says(b"", waits)) as server:
        world.run(body)


def test_a_tunnel_that_takes_too_long() -> None:
    """In memory: the text says that it was the proxy that did not open the tunnel, and when it was given up."""
    backend = MemoryBackend(lambda host, port: lambda data: [])
    transport = borzoi.HTTPTransport(backend=backend, proxy="http://proxy:3128")
    with borzoi.Client(transport=transport, timeout=Timeout(10, connect=3)) as client:
        with pytest.raises(borzoi.ConnectTimeout, match=r"The proxy proxy:3128 did not open the tunnel.*host:443"):
            client.get("https://host/")
    assert backend.now() == 3
    assert backend.streams[0].closed


def test_a_tunnel_to_the_wrong_origin(world: World) -> None:
    """The origin behind a tunnel is verified by its own name."""
    origin = Recorder()

    async def body() -> None:
        proxy = f"http://127.0.0.1:{server.port}"
        async with network_client(world, proxy=proxy, verify=client_context(), client={"timeout": 20}) as client:
            with pytest.raises(borzoi.ConnectError, match=r"(?i)mismatch|not valid for") as caught:
                await client.get("https://elsewhere.example/")
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            assert_whole(client, idle=0)

    with RawServer(Tunnel(origin)) as server:
        world.run(body)
    assert origin.asked == []


def test_a_proxy_through_the_client(world: World) -> None:
    """`Client(proxy=)` sends everything through it."""
    recorder = Recorder()

    async def body() -> None:
        async with world.client(proxy=f"http://127.0.0.1:{server.port}") as client:
            assert (await client.get("http://origin.example/x")).text == "http://origin.example/x"

    with RawServer(recorder) as server:
        if world.name != "portable-trio":
            world.run(body)
            assert len(recorder.asked) == 1


# Other ways of connecting.


def test_a_unix_socket(world: World, tmp_path: Any) -> None:
    """`uds=` is where each request goes, whatever its host; a path that is not there is a ConnectError."""
    path = str(tmp_path / "socket")
    recorder = Recorder()

    async def body() -> None:
        async with network_client(world, uds=path) as client:
            for _ in range(2):
                response = await client.get("http://name/here")
                assert response.text == "/here"
            assert response.extensions["network_stream"].get_extra_info("server_addr") == path
            assert_whole(client, idle=1)
        async with network_client(world, uds=path + "-not") as client:
            with pytest.raises(borzoi.ConnectError, match=r"socket-not.*No such file"):
                await client.get("http://name/here")

    with RawServer(recorder, path=path):
        world.run(body)
    assert recorder.asked[0].headers[b"host"] == b"name"


def test_a_local_address(world: World) -> None:
    """`local_address=` is where connections come from."""

    async def body() -> None:
        async with network_client(world, local_address="127.0.0.9") as client:
            response = await client.get(server.url)
            assert response.extensions["network_stream"].get_extra_info("client_addr")[0] == "127.0.0.9"

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)
        assert server.connections


def test_socket_options(world: World) -> None:
    """`socket_options=` are set on each socket."""

    async def body() -> None:
        async with network_client(world, socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]) as client:
            async with client.stream("GET", server.url) as response:
                sock = response.extensions["network_stream"].get_extra_info("socket")
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1

    with RawServer(http(lambda _: answer(b"x" * 100_000))) as server:
        world.run(body)


def test_an_unknown_scheme(world: World) -> None:
    """A URL that is neither http nor https is UnsupportedProtocol, and takes no room."""

    async def body() -> None:
        async with network_client(world, limits=Limits(max_connections=1)) as client:
            with pytest.raises(borzoi.UnsupportedProtocol, match="'ftp://'") as caught:
                await client.get("ftp://host/")
            assert caught.value.request.url.scheme == "ftp"
            assert str(caught.value).endswith("'ftp://'."), "no host was asked, so none is named"
            with pytest.raises(borzoi.UnsupportedProtocol, match="missing an 'http://' or 'https://' protocol"):
                await client.get("/no/origin")
            assert_whole(client, idle=0)

    world.run(body)


def test_a_refused_connection(world: World) -> None:
    """A port that nobody listens on is a ConnectError that says so."""

    async def body() -> None:
        async with world.client() as client:
            with pytest.raises(borzoi.ConnectError, match=f"127.0.0.1:{port}.*refused") as caught:
                await client.get(f"http://127.0.0.1:{port}/")
            assert caught.value.request.url.port == port
            assert_whole(client, idle=0)

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        world.run(body)


def test_sessions_are_bounded_and_tls_goes_by_the_host() -> None:
    """In memory: TLS is asked for with the host's name, without the brackets of an address."""
    backend = MemoryBackend(lambda host, port: lambda data: [answer()] if data else [])
    with borzoi.Client(transport=borzoi.HTTPTransport(backend=backend)) as client:
        client.get("https://host/")
        client.get("https://[::1]/")
        client.get("http://host/")
    names = [stream.tls.server_hostname if stream.tls else None for stream in backend.streams]
    assert names == ["host", "::1", None]
    assert all(stream.closed for stream in backend.streams)
