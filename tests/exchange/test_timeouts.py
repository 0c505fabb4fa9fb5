"""Each time-out in each world: on time, of the right class, with a text that says which one it was."""

from __future__ import annotations

import socket
from typing import Any

import pytest

import borzoi
from borzoi import Timeout
from borzoi._backends.memory import END, MemoryBackend, Wait
from tests.exchange.http_peers import Asked, answer, assert_whole, gates, http, network_client, pool_of
from tests.worlds.peers import RawServer, black_hole, silent, unix_black_hole
from tests.worlds.world import World

OK = b"HTTP/1.1 200 OK\r\n"


def test_connecting_takes_no_longer(world: World) -> None:
    """A host that does not answer is a ConnectTimeout."""

    async def body() -> None:
        async with world.client(timeout=Timeout(20, connect=0.05)) as client:
            with pytest.raises(borzoi.ConnectTimeout, match=rf"127.0.0.1:{port}.*0.05 s") as caught:
                await client.get(f"http://127.0.0.1:{port}/")
            assert caught.value.request.url.port == port
            assert_whole(client, idle=0)

    with black_hole() as port:
        world.run(body)


def test_the_handshake_is_part_of_connecting(world: World) -> None:
    """A TLS handshake that does not end is a ConnectTimeout, which names the time-out and not what was left of it."""

    async def body() -> None:
        # Long enough that the connection itself is there in any case.
        async with world.client(timeout=Timeout(20, connect=0.25)) as client:
            text = rf"finish the TLS handshake to 127.0.0.1:{server.port} within 0\.25 s$"
            with pytest.raises(borzoi.ConnectTimeout, match=text):
                await client.get(f"https://127.0.0.1:{server.port}/")
            assert_whole(client, idle=0)

    with RawServer(silent) as server:
        world.run(body)


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
def test_a_proxy_is_part_of_connecting(world: World, scheme: str) -> None:
    """A proxy that says nothing is a ConnectTimeout that names the time-out, at whichever step that is."""

    async def body() -> None:
        proxy = f"{scheme}://127.0.0.1:{server.port}"
        async with world.client(proxy=proxy, timeout=Timeout(20, connect=0.05)) as client:
            with pytest.raises(borzoi.ConnectTimeout, match=rf"127.0.0.1:{server.port} within 0\.05 s \("):
                await client.get("https://origin.example/")

    with RawServer(silent) as server:
        world.run(body)


def test_a_full_backlog_of_a_unix_socket(world: World, tmp_path: Any) -> None:
    """A Unix socket whose owner does not accept is a ConnectTimeout."""
    path = str(tmp_path / "s")

    async def body() -> None:
        async with network_client(world, uds=path, client={"timeout": Timeout(20, connect=0.05)}) as client:
            with pytest.raises(borzoi.ConnectTimeout, match="s"):
                await client.get("http://name/")
            assert_whole(client, idle=0)

    with unix_black_hole(path):
        world.run(body)


def test_a_body_that_nobody_takes(world: World) -> None:
    """A peer that does not read is a WriteTimeout."""
    with gates(1) as (done,):

        async def body() -> None:
            async with world.client(timeout=Timeout(20, write=0.05)) as client:
                with pytest.raises(borzoi.WriteTimeout, match=rf"127.0.0.1:{server.port}.*0.05 s") as caught:
                    await client.post(server.url, content=b"x" * 16_000_000)
                assert caught.value.request.method == "POST"
                assert_whole(client, idle=0)

        with RawServer(lambda _: server.until(done)) as server:
            world.run(body)
            done.set()


def test_the_total_bounds_connecting(world: World) -> None:
    """`Timeout(total=)` bounds connecting, each retry included, and the error says that it did."""

    async def body() -> None:
        limit = {"timeout": Timeout(None, total=0.1)}
        async with network_client(world, retries=50, client=limit) as client:
            with pytest.raises(borzoi.ConnectTimeout, match=r"total time-out of 0.1 s is over"):
                await client.get(f"http://127.0.0.1:{port}/")
            assert_whole(client, idle=0)

    with black_hole() as port:
        world.run(body)


def test_the_total_bounds_writing(world: World) -> None:
    """`Timeout(total=)` bounds sending."""
    with gates(1) as (done,):

        async def body() -> None:
            async with world.client(timeout=Timeout(None, total=0.1)) as client:
                with pytest.raises(borzoi.WriteTimeout, match=r"total time-out of 0.1 s is over"):
                    await client.post(server.url, content=b"x" * 16_000_000)

        with RawServer(lambda _: server.until(done)) as server:
            world.run(body)
            done.set()


def test_the_total_bounds_waiting_for_a_connection(world: World) -> None:
    """`Timeout(total=)` bounds the wait for a free connection."""

    async def body() -> None:
        limits = borzoi.Limits(max_connections=1)
        async with world.client(limits=limits, timeout=20) as client:
            async with client.stream("GET", server.url):
                with pytest.raises(borzoi.PoolTimeout, match=r"total time-out of 0.1 s is over"):
                    await client.get(server.url, timeout=Timeout(None, total=0.1))
            assert_whole(client)

    with RawServer(http(lambda _: answer(b"x" * 3_000_000))) as server:
        world.run(body)


def test_the_total_bounds_a_chain_of_redirects(world: World) -> None:
    """`Timeout(total=)` is one for all that a request leads to."""
    with gates(1) as (never,):

        def respond(asked: Asked) -> bytes:
            number = int(asked.target[1:])
            never.wait(0.03)
            return answer(b"", b"Location: /%d" % (number + 1), status=b"302 Found")

        async def body() -> None:
            timeout = Timeout(20, total=0.2)
            async with world.client(timeout=timeout, follow_redirects=True, max_redirects=1000) as client:
                with pytest.raises(borzoi.TimeoutException, match=r"total time-out of 0.2 s is over") as caught:
                    await client.get(f"{server.url}/0")
                assert int(caught.value.request.url.path[1:]) > 0
                assert_whole(client)

        with RawServer(http(respond)) as server:
            world.run(body)


def test_the_total_bounds_a_streamed_body(world: World) -> None:
    """`Timeout(total=)` goes on while the program reads a streamed body."""
    with gates(1) as (never,):

        def handler(sock: socket.socket) -> None:
            sock.recv(65536)
            sock.sendall(OK + b"Content-Length: 100000\r\n\r\n")
            while not never.wait(0.02):
                sock.sendall(b"a")

        async def body() -> None:
            async with world.client(timeout=Timeout(20, total=0.2)) as client:
                async with client.stream("GET", server.url) as response:
                    with pytest.raises(borzoi.ReadTimeout, match=r"total time-out of 0.2 s is over"):
                        await response.aread()
                assert_whole(client, idle=0)

        with RawServer(handler) as server:
            world.run(body)


def test_no_time_out_is_none(world: World) -> None:
    """With `timeout=None` nothing is bounded, and everything works."""

    async def body() -> None:
        async with world.client(timeout=None) as client:
            assert (await client.get(server.url)).text == "ok"

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)


def test_time_outs_from_the_request_extensions(world: World) -> None:
    """A request without time-outs, sent over the transport itself, waits for as long as it takes."""

    async def body() -> None:
        async with network_client(world) as client:
            transport = getattr(client, "wrapped", client)._transport
            request = borzoi.Request("GET", server.url)
            if world.is_async:
                response = await transport.handle_async_request(request)
                assert await response.aread() == b"ok"
            else:
                response = transport.handle_request(request)
                assert response.read() == b"ok"
            assert pool_of(client)._shelf.busy() == set()

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)


# Over a clock that is moved by hand, to the very second.


def scripted(*events: Any) -> MemoryBackend:
    """Return a network where every connection answers its request with these events."""
    return MemoryBackend(lambda host, port: lambda data: list(events) if data else [])


def memory_client(backend: MemoryBackend, timeout: Timeout, **transport: Any) -> borzoi.Client:
    """Return a blocking client over a network in memory."""
    return borzoi.Client(transport=borzoi.HTTPTransport(backend=backend, **transport), timeout=timeout)


def test_a_read_is_bounded_each_time() -> None:
    """The read time-out starts anew with each piece of a body, and the total does not."""
    body = [OK + b"Content-Length: 5\r\n\r\n", *(event for byte in b"hello" for event in (Wait(9), bytes([byte])))]
    with memory_client(scripted(*body), Timeout(10)) as client:
        assert client.get("http://host/").text == "hello"

    backend = scripted(*body)
    with memory_client(backend, Timeout(10, total=40)) as client:
        with pytest.raises(borzoi.ReadTimeout, match=r"host:80.*: the total time-out of 40 s is over"):
            client.get("http://host/")
        assert backend.now() == 40


def test_a_read_time_out_is_not_taken_for_the_total() -> None:
    """The text names the total only where it was the total."""
    with memory_client(scripted(Wait(20)), Timeout(10, total=40)) as client:
        with pytest.raises(borzoi.ReadTimeout) as caught:
            client.get("http://host/")
    assert "total" not in str(caught.value)


def test_the_head_is_bounded_as_a_whole() -> None:
    """A head in pieces takes no longer than one read, and an interim response starts the time anew."""
    dribble = [event for byte in b"HTTP/1.1 200 OK\r\n\r\n" for event in (bytes([byte]), Wait(3))]
    backend = scripted(*dribble)
    with memory_client(backend, Timeout(10)) as client:
        with pytest.raises(borzoi.ReadTimeout, match=r"did not come whole within 10 s \(host:80\)"):
            client.get("http://host/")
        assert backend.now() == 10

    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    slow = scripted(interim, Wait(9), interim, Wait(9), OK, Wait(9), b"Content-Length: 2\r\n\r\nok")
    with memory_client(slow, Timeout(20)) as client:
        assert client.get("http://host/").text == "ok"


def test_a_head_that_ends_half_way() -> None:
    """A head in pieces that is cut is a RemoteProtocolError, one that breaks a ReadError."""
    with memory_client(scripted(b"HTTP/1.1 2", b"00", END), Timeout(10)) as client:
        with pytest.raises(borzoi.RemoteProtocolError, match="without sending a complete response head"):
            client.get("http://host/")
    with memory_client(scripted(b"HTTP/1.1 2", borzoi.ReadError("the wire burnt")), Timeout(None)) as client:
        with pytest.raises(borzoi.ReadError, match=r"the wire burnt \(host:80\)"):
            client.get("http://host/")


def test_retries_wait_longer_each_time() -> None:
    """`retries=` connects again at once, then after 0.5, 1, 2 ... seconds, and raises the last error."""
    at: list[float] = []

    def peer(host: str, port: int) -> Exception:
        at.append(backend.now())
        return borzoi.ConnectError(f"{host}:{port} is not there")

    backend = MemoryBackend(peer)
    with memory_client(backend, Timeout(10), retries=4) as client:
        with pytest.raises(borzoi.ConnectError, match="host:80 is not there") as caught:
            client.get("http://host/")
        assert caught.value.request.url.host == "host"
        assert_whole(client, idle=0)
    assert at == [0, 0, 0.5, 1.5, 3.5]


def test_retries_end_with_the_first_success() -> None:
    """A retry that connects is the last."""
    answers: list[Any] = [borzoi.ConnectError("no"), 7.0, lambda data: [answer()] if data else []]
    backend = MemoryBackend(lambda host, port: answers.pop(0))
    with memory_client(backend, Timeout(10), retries=5) as client:
        assert client.get("http://host/").text == "ok"


def test_retries_do_not_outlast_the_total() -> None:
    """The pauses between retries end before the total time-out does."""
    backend = MemoryBackend(lambda host, port: borzoi.ConnectError("host:80 is not there"))
    with memory_client(backend, Timeout(10, total=3), retries=50) as client:
        with pytest.raises(borzoi.ConnectError):
            client.get("http://host/")
    assert backend.now() <= 3
