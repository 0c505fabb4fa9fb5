"""A network that a program gives: its connections carry our requests, and ours can be had in its shape."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import trio

import borzoi
from borzoi._backends.memory import MemoryBackend
from borzoi.compat.httpcore_network import Network, ProgramStream
from tests.compat.core import Core
from tests.exchange.http_peers import Recorder, answer, echo_target, http
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.world import World

pytestmark = pytest.mark.usefixtures("alias")

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize("url", ["http://host.example/", "https://host.example/"])
def test_a_script_answers(world: World, url: str) -> None:
    """httpcore's mock of a network serves its pools and our clients alike."""

    async def body() -> None:
        core = Core(world)
        async with core.pool(network_backend=core.kind("MockBackend")([HELLO, HELLO])) as pool:
            for _ in range(2):
                assert (await pool.request("GET", url)).content == b"hello"
            assert len(pool.connections) == 1

        async with world.client() as client:
            transport = getattr(client, "wrapped", client)._transport
            transport._pool._network_backend = core.kind("MockBackend")([b"HTTP/1.1 204 No ", b"Content\r\n\r\n"])
            assert (await client.get(url)).status_code == 204

    world.run(body)


def test_a_script_ends(world: World) -> None:
    """Its end is the end of the connection; a Unix socket is as good as a host, and its sleep takes no time."""

    async def body() -> None:
        core = Core(world)
        backend = core.kind("MockBackend")([], http2=False)
        async with core.pool(network_backend=backend, uds="/nowhere", retries=1) as pool:
            with pytest.raises(core.library.RemoteProtocolError):
                await pool.request("GET", "http://host.example/")

        stream = await core.call(backend.connect_tcp, "host", 80)
        assert stream.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert stream.get_extra_info("socket") is None
        assert repr(stream) == f"<httpcore.{core.kind('MockStream').__name__}>"
        await core.call(stream.close if core.blocking else stream.aclose)
        with pytest.raises(core.library.ReadError):
            await core.call(stream.read, 1)
        await core.call(backend.sleep, 1000)

    world.run(body)


def _guarding(core: Core, log: list[str], hide: bool = False) -> Any:
    """Return a network that notes where connections go, and has ours make them."""
    own = core.library.SyncBackend() if core.blocking else core.library.AnyIOBackend()

    class Hidden(core.kind("NetworkStream")):  # type: ignore[misc]
        """A stream that is not seen to be ours."""

        def __init__(self, stream: Any) -> None:
            for name in ("read", "write", "close" if core.blocking else "aclose", "get_extra_info"):
                setattr(self, name, getattr(stream, name))
            self._stream = stream

    def seen(stream: Any) -> Any:
        return Hidden(stream) if hide else stream

    def start_tls(self: Any, **arguments: Any) -> Any:
        log.append(f"tls {arguments['server_hostname']}")
        return Hidden(self._stream.start_tls(**arguments))

    async def start_tls_async(self: Any, **arguments: Any) -> Any:
        log.append(f"tls {arguments['server_hostname']}")
        return Hidden(await self._stream.start_tls(**arguments))

    Hidden.start_tls = start_tls if core.blocking else start_tls_async

    class Guard(core.kind("NetworkBackend")):  # type: ignore[misc]
        def connect_tcp(self, host: str, port: int, **arguments: Any) -> Any:
            log.append(f"tcp {host}")
            return self._then(own.connect_tcp(host, port, **arguments))

        def connect_unix_socket(self, path: str, **arguments: Any) -> Any:
            log.append(f"unix {path}")
            return self._then(own.connect_unix_socket(path, **arguments))

        def sleep(self, seconds: float) -> Any:
            log.append(f"sleep {seconds}")
            return own.sleep(0.0)

        def _then(self, outcome: Any) -> Any:
            if core.blocking:
                return seen(outcome)

            async def later() -> Any:
                return seen(await outcome)

            return later()

    return Guard()


@pytest.mark.parametrize("hide", [False, True])
def test_a_guard_in_front_of_our_network(world: World, hide: bool) -> None:
    """It sees each connection and each handshake, and hands on; requests run as they do without it."""
    log: list[str] = []

    async def body() -> None:
        core = Core(world)
        guard = _guarding(core, log, hide)
        async with core.pool(network_backend=guard, ssl_context=client_context()) as pool:
            for _ in range(2):
                assert (await pool.request("GET", f"{plain.url}/x")).content == b"/x"
            assert (await pool.request("POST", f"https://localhost:{secure.port}/", content=b"a")).content == b"/"

    recorder = Recorder()
    with RawServer(recorder) as plain, RawServer(http(echo_target), tls=server_context()) as secure:
        world.run(body)
    assert len(recorder.connections) == 1
    assert log == ["tcp 127.0.0.1", "tcp localhost", *(["tls localhost"] if hide else [])]


def test_a_path_goes_to_the_program(world: World, tmp_path: Path) -> None:
    """A Unix socket is its business, too, and so is the pause before another try."""
    log: list[str] = []
    path = str(tmp_path / "socket")

    async def body() -> None:
        core = Core(world)
        async with core.pool(network_backend=_guarding(core, log), uds=path, retries=2) as pool:
            with pytest.raises(core.library.ConnectError):
                await pool.request("GET", "http://host.example/")
            with RawServer(http(echo_target), path=path):
                assert (await pool.request("GET", "http://host.example/x")).content == b"/x"
                await core.shaped(pool.connections[0]).aclose()

    world.run(body)
    assert log == [f"unix {path}"] * 2 + ["sleep 0.5"] * (log.count("sleep 0.5")) + [f"unix {path}"] * 2


def test_our_streams_in_its_shape(world: World) -> None:
    """They are read in pieces of the size asked for, tell facts, and can be secured."""

    async def body() -> None:
        core = Core(world)
        backend = core.library.SyncBackend() if core.blocking else core.library.TrioBackend()

        async def call(outcome: Any) -> Any:
            return outcome if core.blocking else await outcome

        stream = await call(backend.connect_tcp(server.host, server.port, timeout=5.0))
        assert isinstance(stream, core.kind("NetworkStream"))
        assert stream.get_extra_info("server_addr")[1] == server.port
        secured = await call(stream.start_tls(client_context(), "localhost", 5.0))
        await call(secured.write(b"GET /abc HTTP/1.1\r\n\r\n", 5.0))
        received = b""
        while not received.endswith(b"/abc"):
            received += await call(secured.read(3, 5.0))
        assert received == answer(b"/abc")
        assert "Stream" in repr(secured)
        await call(secured.close() if core.blocking else secured.aclose())
        await call(backend.sleep(0))

    with RawServer(http(echo_target), tls=server_context()) as server:
        world.run(body)


def test_the_classes_do_nothing_of_themselves() -> None:
    """What a program leaves out raises NotImplementedError; facts there are none."""

    async def body() -> None:
        core_library = borzoi.compat.httpcore_streams
        backend, stream = core_library.NetworkBackend(), core_library.NetworkStream()
        for call in (
            lambda: backend.connect_tcp("host", 80),
            lambda: backend.connect_unix_socket("path"),
            lambda: stream.read(1),
            lambda: stream.write(b""),
            stream.close,
            lambda: stream.start_tls(client_context()),
        ):
            with pytest.raises(NotImplementedError):
                call()
        backend.sleep(0)
        assert stream.get_extra_info("socket") is None

        others, other = core_library.AsyncNetworkBackend(), core_library.AsyncNetworkStream()
        for waiting in (
            others.connect_tcp("host", 80),
            others.connect_unix_socket("path"),
            others.sleep(0),
            other.read(1),
            other.write(b""),
            other.aclose(),
            other.start_tls(client_context()),
        ):
            with pytest.raises(NotImplementedError):
                await waiting
        assert other.get_extra_info("socket") is None

    asyncio.run(body())


class Slow:
    """A stream whose closing takes a while."""

    def __init__(self, world: World, fails: bool = False) -> None:
        self._world = world
        self._fails = fails
        self.closed = False

    async def aclose(self) -> None:
        await self._world.sleep0()
        self.closed = True
        if self._fails:
            raise OSError("already gone")

    def get_extra_info(self, info: str) -> Any:
        return info == "is_readable"


def test_closing_does_not_wait(async_world: World) -> None:
    """A stream whose closing waits is closed by a task of its own, or by whoever comes next; an error is nobody's."""

    async def body() -> None:
        network = Network(None, blocking=False)
        streams = [Slow(async_world), Slow(async_world, fails=True), Slow(async_world)]
        adapted = [ProgramStream(stream, "peer", network) for stream in streams]
        assert not adapted[0].is_idle()
        for one in adapted:
            one.close()
            one.close()
        assert [stream.closed for stream in streams] == [False] * 3
        for _ in range(20):
            await async_world.sleep0()
        await network.aclose()
        assert [stream.closed for stream in streams] == [True] * 3

    async_world.run(body)


def test_closing_outside_of_a_loop_waits_for_one() -> None:
    """A finaliser finds no loop: the stream is closed from the next."""
    network = Network(None, blocking=False)
    world = next(iter([_Trio()]))
    stream = Slow(world)  # type: ignore[arg-type]
    ProgramStream(stream, "peer", network).close()
    assert not stream.closed
    trio.run(network.aclose)
    assert stream.closed


class _Trio:
    async def sleep0(self) -> None:
        await trio.lowlevel.checkpoint()


def test_a_child_of_a_fork_closes_descriptors_only() -> None:
    """What the program's stream calls its socket is closed, without a word to the peer."""
    left, right = socket.socketpair()

    class Held:
        def get_extra_info(self, info: str) -> Any:
            return left

    descriptor = left.fileno()
    stream = ProgramStream(Held(), "peer", Network(None, blocking=True))
    stream.abandon()
    stream.abandon()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert not stream.is_idle()
    right.close()


def test_what_is_left_to_the_world() -> None:
    """Clock, names, queues and locks are the world's; a stream of the program's is not taken over."""

    async def body() -> None:
        world = MemoryBackend(lambda host, port: lambda sent: [])
        backend: Any = Network(object(), blocking=True).over(world)
        world.advance(3.0)
        called: list[str] = []
        backend.call_from_thread(lambda: called.append("here"))
        assert (backend.now(), backend.has_ended(), called) == (3.0, False, ["here"])
        assert await backend.resolve("host", 80, None) == [(0, ("host", 80))]
        assert backend.turn().value is None
        with backend.guard():
            backend.abandon()
        assert not backend.adopt(ProgramStream(None, "peer", Network(None, blocking=True)))

    asyncio.run(body())


def test_our_own_network_is_taken_as_such(world: World) -> None:
    """Assigning what was there before puts everything back, a transport's own back end included."""

    async def body() -> None:
        core = Core(world)
        memory = MemoryBackend(lambda host, port: lambda sent: [HELLO] if sent else [])
        kind = borzoi.HTTPTransport if core.blocking else borzoi.AsyncHTTPTransport
        transport = kind(backend=memory)
        shown: Any = transport._pool
        before = shown._network_backend
        shown._network_backend = core.kind("MockBackend")([b"HTTP/1.1 204 No Content\r\n\r\n"])
        client = (borzoi.Client if core.blocking else borzoi.AsyncClient)(transport=transport)

        async def get() -> Any:
            return client.get("http://host.example/") if core.blocking else await client.get("http://host.example/")

        assert (await get()).status_code == 204
        shown._network_backend = before
        assert (await get()).content == b"hello"
        assert len(memory.streams) == 1
        stream = before.connect_tcp("host", 80)
        assert (stream if core.blocking else await stream).get_extra_info("is_readable") is False
        assert transport._pool is shown
        closing = client.close() if core.blocking else client.aclose()
        if closing is not None:
            await closing

    world.run(body)


class _Guarded:
    """A world that looks names up, and options whose guard wants to see what for."""

    def __init__(self, addresses: list[Any]) -> None:
        self._addresses = addresses
        self.asked: list[Any] = []
        self.local_address = None
        self.names = self
        self.socket_options = ()

    guard = "of addresses"

    async def resolve(self, host: str, port: int, timeout: float | None, names: Any) -> list[Any]:
        self.asked.append((host, names))
        return self._addresses


def test_a_guard_sees_the_address() -> None:
    """Where addresses are guarded, the program's network is given the one that was let through, and no name."""
    hosts: list[str] = []

    class Noting:
        def connect_tcp(self, host: str, **_: Any) -> Any:
            hosts.append(host)
            return object()

    async def body() -> None:
        guarded: Any = _Guarded([(2, ("192.0.2.7", 80))])
        backend: Any = Network(Noting(), blocking=True).over(guarded)
        await backend.connect_tcp("host.example", 80, None, guarded)
        assert (guarded.asked, hosts) == ([("host.example", guarded)], ["192.0.2.7"])

        nowhere: Any = _Guarded([])
        with pytest.raises(borzoi.ConnectError, match="no address"):
            await Network(Noting(), blocking=True).over(nowhere).connect_tcp("host.example", 80, None, nowhere)

    asyncio.run(body())
