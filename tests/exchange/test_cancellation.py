"""57: wherever a request is cancelled, the pool is whole, the connection in use is closed, and the next requests succeed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

import borzoi
from borzoi import Limits, Timeout
from tests.exchange.cancelling import CancelledAt, Patience
from tests.exchange.conftest import descriptors
from tests.exchange.http_peers import (
    Asked,
    Reader,
    answer,
    assert_whole,
    chunked,
    echo_target,
    gates,
    http,
    network_client,
    pool_of,
    without_delay,
)
from tests.exchange.test_pool import busy, until, waiting
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, black_hole
from tests.worlds.world import World


def dribbling(sock: socket.socket, hold: Callable[[], object] = lambda: None) -> None:
    """Answer each request in pieces, with a pause that is no longer than others need, once `hold()` has returned."""
    without_delay(sock)
    reader = Reader(sock)
    pause = random.Random(sock.fileno())
    with gates(1) as (never,):
        while (asked := reader.request()) is not None:
            response = chunked(asked.target, b"!" * 20)
            hold()
            for start in range(0, len(response), 17):
                never.wait(pause.random() * 0.0008)
                sock.sendall(response[start : start + 17])


def test_after_300_requests_cancelled_at_random_points(async_world: World) -> None:
    """After 300 requests cancelled at random over a pool of 2, the next 10 succeed, and nothing is lost."""
    world = async_world
    chance = random.Random(20)
    outcomes: list[bool] = []

    async def ask(client: Any, number: int) -> None:
        async with world.move_on_after(chance.random() * 0.003) as scope:
            response = await client.get(f"{server.url}/{number}")
            assert response.text == f"/{number}" + "!" * 20
        outcomes.append(scope.cancelled_caught)

    async def body() -> None:
        before = descriptors()
        tasks_before = len(asyncio.all_tasks()) if "trio" not in world.name else 0
        limits = Limits(max_connections=2)
        async with world.client(limits=limits, timeout=Timeout(20, pool=10)) as client:

            async def several(first: int) -> None:
                for number in range(first, first + 50):
                    await ask(client, number)

            await world.gather(*(lambda first=first: several(first) for first in range(0, 300, 50)))
            assert_whole(client)

            texts = await world.gather(*(lambda n=n: client.get(f"{server.url}/last{n}") for n in range(10)))
            assert [response.text for response in texts] == [f"/last{n}" + "!" * 20 for n in range(10)]
            assert_whole(client)
            assert len(pool_of(client)._shelf.idle()) <= 2
        if "trio" not in world.name:
            assert len(asyncio.all_tasks()) == tasks_before
        del before

    with RawServer(dribbling) as server:
        world.run(body)
    assert len(outcomes) == 300
    assert outcomes.count(True) >= 30


class Pieces:
    """Give a body in pieces that do not fit the buffers of a socket."""

    def __init__(self) -> None:
        self._left = 3

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return b"x" * 200_000


Ask = Callable[[Any, str], Awaitable[Any]]


async def get(client: Any, url: str) -> Any:
    """Ask, and read the answer."""
    return await client.get(url)


async def upload(client: Any, url: str) -> Any:
    """Send a body from an iterator."""
    return await client.put(url, content=Pieces())


async def stream(client: Any, url: str) -> Any:
    """Read a body piece by piece."""
    async with client.stream("GET", url) as response:
        async for _ in response.aiter_bytes():
            pass
    return response


async def sweep(world: World, client: Any, url: str, ask: Ask, *, echoes: bool = False) -> int:
    """Cancel a request where it waits for the first time, the second time, and so on until it succeeds.

    `echoes` is whether the server answers as `dribbling` does.
    """
    # One by one at first; later the waits are all of one kind, for room to write more.
    for number in itertools.accumulate(itertools.count(1), lambda last, _: last + 1 + last // 16):
        begun: list[CancelledAt] = []

        async def attempt(number: int = number, begun: list[CancelledAt] = begun) -> Any:
            counted = CancelledAt(ask(client, url), number, lambda: tasks.handles[0].cancel())  # type: ignore[arg-type]
            begun.append(counted)
            return await counted

        async with world.tasks() as tasks:
            handle = tasks.start(attempt)
        assert_whole(client)
        assert begun[0].waits >= (number if handle.cancelled else 0)
        after = await client.get(f"{url}?after={number}")
        assert after.status_code == 200
        # Its own answer, and not what was left of the other's.
        assert not echoes or after.text.endswith(f"?after={number}" + "!" * 20)
        assert_whole(client)
        if begun[0].waits < number:
            assert not handle.cancelled
            assert handle.result.status_code == 200
            return number
    raise AssertionError


SWEEPS: dict[str, Ask] = {"get": get, "upload": upload, "stream": stream}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("name", SWEEPS)
def test_a_request_cancelled_wherever_it_waits(async_world: World, name: str, *, tls: bool) -> None:
    """Cancelled at the n-th point at which it waits, for every n, a request leaves a pool that serves the next."""
    world = async_world
    patience = Patience()

    async def ask(client: Any, url: str) -> Any:
        return await patience.asked(SWEEPS[name](client, url))  # type: ignore[arg-type]

    async def body() -> int:
        limits = Limits(max_connections=1, max_keepalive_connections=0)
        settings = {"verify": client_context()} if tls else {}
        async with world.client(limits=limits, timeout=20, **settings) as client:
            return await sweep(world, client, server.url, ask, echoes=True)

    # It waits for the handshake, and for the answer: a connection to this machine is there at once.
    handler = partial(dribbling, hold=patience.hold)
    with RawServer(handler, tls=server_context() if tls else None, receive_buffer=16384) as server:
        assert world.run(body) >= 2 + tls


def test_a_name_lookup_is_cancelled(async_world: World) -> None:
    """Cancelling a request during name resolution loses nothing either."""
    world = async_world

    async def body() -> int:
        limits = Limits(max_connections=1, max_keepalive_connections=0)
        async with world.client(limits=limits, timeout=20) as client:
            return await sweep(world, client, f"http://localhost:{server.port}/", get, echoes=True)

    # It waits for the lookup first, which is remembered after that, and then for the answer.
    with RawServer(dribbling) as server:
        assert world.run(body) >= 2


def test_connecting_is_cancelled(async_world: World) -> None:
    """A request that is cancelled on the way to a host that does not answer leaves nothing behind."""
    world = async_world

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
            before = descriptors()
            async with world.move_on_after(0.02) as scope:
                await client.get(f"http://127.0.0.1:{port}/")
            assert scope.cancelled_caught
            assert_whole(client, idle=0)
            await world.sleep0()
            assert descriptors() <= before
            assert (await client.get(server.url)).status_code == 200

    with black_hole() as port, RawServer(dribbling) as server:
        world.run(body)


def test_a_reused_connection_cancelled_wherever_it_waits(async_world: World) -> None:
    """The same on a connection that has served before."""
    world = async_world

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
            await client.get(server.url)
            await sweep(world, client, server.url, get, echoes=True)

    with RawServer(dribbling) as server:
        world.run(body)


def test_a_waiter_that_leaves_is_forgotten(async_world: World) -> None:
    """One who is cancelled in the queue leaves no trace, and the others keep their order."""
    world = async_world
    order: list[bytes] = []
    with gates(1) as (go,):

        def respond(asked: Asked) -> bytes:
            if asked.target == b"/first":
                server.until(go)
            order.append(asked.target)
            return echo_target(asked)

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
                async with world.tasks() as tasks:
                    tasks.start(client.get, f"{server.url}/first")
                    await busy(world, client, 1)
                    handles = []
                    for number in range(5):
                        handles.append(tasks.start(client.get, f"{server.url}/{number}"))
                        await waiting(world, client, number + 1)
                    for number in (0, 2):
                        handles[number].cancel()
                    await waiting(world, client, 3)
                    go.set()
                assert [handle.cancelled for handle in handles] == [True, False, True, False, False]
                assert_whole(client, idle=1)

        with RawServer(http(respond)) as server:
            world.run(body)
    assert order == [b"/first", b"/1", b"/3", b"/4"]


@pytest.mark.parametrize("kind", ["connection", "room"])
def test_one_cancelled_in_the_moment_of_being_served_passes_it_on(async_world: World, kind: str) -> None:
    """A waiter that is cancelled in the very tick in which it was given a connection, or room, passes it on."""
    world = async_world
    with gates(1) as (go,):

        def handler(sock: socket.socket) -> None:
            reader = Reader(sock)
            while (asked := reader.request()) is not None:
                if asked.target == b"/first":
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                    server.until(go)
                    sock.sendall(b"ok")
                else:
                    sock.sendall(echo_target(asked))

        async def body() -> None:
            async with world.client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=5)) as client:
                async with world.tasks() as tasks, client.stream("GET", f"{server.url}/first") as response:
                    leaver = tasks.start(client.get, f"{server.url}/leaver")
                    await waiting(world, client, 1)
                    other = tasks.start(client.get, f"{server.url}/other")
                    await waiting(world, client, 2)
                    if kind == "connection":
                        go.set()
                        await response.aread()
                    else:
                        await response.aclose()
                    assert len(pool_of(client)._shelf.waiters) == 1
                    leaver.cancel()
                assert leaver.cancelled
                assert other.result.text == "/other"
                assert_whole(client)

        with RawServer(handler) as server:
            world.run(body)


def test_one_cancelled_before_its_first_turn(async_world: World) -> None:
    """A request that is cancelled right after it was started leaves nothing."""
    world = async_world

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=1), timeout=20) as client:
            await client.get(server.url)
            for turns in range(4):
                async with world.tasks() as tasks:
                    handle = tasks.start(client.get, server.url)
                    for _ in range(turns):
                        await world.sleep0()
                    handle.cancel()
                assert_whole(client)
            assert (await client.get(server.url)).status_code == 200

    with RawServer(http(lambda _: answer())) as server:
        world.run(body)


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_at_any_turn_of_the_loop(async_world: World, seed: int) -> None:
    """Cancelled at the n-th turn of the loop, for every n, several requests at once leave a pool that is whole."""
    world = async_world
    chance = random.Random(seed)

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=2), timeout=Timeout(20, pool=10)) as client:
            for turn in range(60):
                async with world.tasks() as tasks:
                    handles = [tasks.start(client.get, f"{server.url}/{n}") for n in range(4)]
                    for _ in range(turn):
                        await world.sleep0()
                    for handle in chance.sample(handles, 3):
                        handle.cancel()
                assert_whole(client)
                assert sum(not handle.cancelled for handle in handles) >= 1

    with RawServer(http(echo_target)) as server:
        world.run(body)


def test_a_total_and_a_cancellation_at_once(async_world: World) -> None:
    """Requests that run out of time while others are cancelled leave a pool that is whole."""
    world = async_world

    texts: list[str] = []

    async def body() -> None:
        async with world.client(limits=Limits(max_connections=2)) as client:

            async def ask(number: int) -> None:
                try:
                    async with world.move_on_after(0.001 + number / 10_000):
                        await client.get(server.url, timeout=Timeout(20, total=0.001 + (20 - number) / 10_000))
                except borzoi.TimeoutException as error:
                    texts.append(str(error))

            await world.gather(*(lambda n=n: ask(n) for n in range(20)))
            await until(world, lambda: pool_of(client)._shelf.busy() == set())
            assert_whole(client)
            assert [text for text in texts if "total time-out" not in text] == []

    with RawServer(dribbling) as server:
        world.run(body)


def relay(sock: socket.socket, port: int) -> None:
    """Carry bytes between a client and an origin, until one of them ends."""

    def carry(source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)
        for end in (source, to):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    with socket.create_connection(("127.0.0.1", port)) as upstream:
        back = threading.Thread(target=carry, args=(upstream, sock))
        back.start()
        carry(sock, upstream)
        back.join()


def test_a_tunnel_cancelled_wherever_it_waits(async_world: World) -> None:
    """Cancelling a request while its proxy opens the tunnel, or after, loses nothing."""
    world = async_world

    def proxy(sock: socket.socket) -> None:
        if Reader(sock).head() is not None:
            sock.sendall(b"HTTP/1.1 200 ")
            sock.sendall(b"Connected\r\n\r\n")
            relay(sock, origin.port)

    async def body() -> int:
        transport = {
            "proxy": f"http://127.0.0.1:{server.port}",
            "verify": client_context(),
            "limits": Limits(max_connections=1, max_keepalive_connections=0),
        }
        async with network_client(world, client={"timeout": 20}, **transport) as client:
            return await sweep(world, client, "https://127.0.0.1:1/", get, echoes=True)

    with RawServer(dribbling, tls=server_context()) as origin, RawServer(proxy) as server:
        assert world.run(body) > 2
