"""60: a client outlives its event loop, and serves loops in several threads."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import uvloop

import borzoi
from borzoi import AsyncClient, Limits, Timeout
from tests.exchange.conftest import descriptors
from tests.exchange.http_peers import assert_whole, echo_target, gates, http, transport_of
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS

Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def in_asyncio(body: Callable[[], Any]) -> Any:
    """Run in a fresh loop of asyncio."""
    return asyncio.run(body())


def in_uvloop(body: Callable[[], Any]) -> Any:
    """Run in a fresh loop of uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(body())


def in_trio(body: Callable[[], Any]) -> Any:
    """Run in a fresh run of trio."""
    return trio.run(body)


RUNS: dict[str, Run] = {"asyncio": in_asyncio, "uvloop": in_uvloop, "trio": in_trio}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("second", RUNS)
@pytest.mark.parametrize("first", RUNS)
def test_the_next_loop_takes_over_idle_connections(first: str, second: str, *, tls: bool) -> None:
    """An idle connection of a loop that has ended serves the loop that runs next, of whichever kind."""
    settings = {"verify": client_context()} if tls else {}
    client = AsyncClient(**settings)  # type: ignore[arg-type]

    async def ask() -> str:
        return (await client.get(f"{server.url}/here")).text

    async def ask_and_close() -> None:
        assert await ask() == "/here"
        await client.aclose()

    with RawServer(http(echo_target), tls=server_context() if tls else None) as server:
        assert RUNS[first](ask) == "/here"
        assert RUNS[second](ask) == "/here"
        assert RUNS[first](ask) == "/here"
        RUNS[second](ask_and_close)
        assert len(server.connections) == 1


def test_the_limits_hold_for_what_is_taken_over() -> None:
    """No more connections are taken over than the pool may have."""
    limits = Limits(max_connections=3)
    client = AsyncClient(limits=limits)
    barrier = threading.Barrier(3)

    def respond(asked: Any) -> bytes:
        barrier.wait(20)
        return echo_target(asked)

    async def ask() -> None:
        await asyncio.gather(*(client.get(server.url) for _ in range(3)))
        assert_whole(client, idle=3)

    async def ask_and_close() -> None:
        await ask()
        await client.aclose()

    with RawServer(http(respond)) as server:
        asyncio.run(ask())
        asyncio.run(ask_and_close())
        assert len(server.connections) == 3


def test_what_was_in_use_when_its_loop_ended_is_closed() -> None:
    """Connections in use are not taken over: they are closed."""
    client = AsyncClient()
    before = descriptors()

    async def leave_open() -> Any:
        return await client.send(client.build_request("GET", f"{server.url}/{'x' * 100}"), stream=True)

    async def ask() -> None:
        assert (await client.get(f"{server.url}/two")).text == "/two"
        assert_whole(client, idle=1)

    def respond(asked: Any) -> bytes:
        body = asked.target * (1 if asked.target == b"/two" else 10_000)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    with RawServer(http(respond)) as server:
        held = asyncio.run(leave_open())
        asyncio.run(ask())
        with pytest.raises(borzoi.ReadError, match="closed"):
            asyncio.run(held.aread())
        asyncio.run(client.aclose())
    gc.collect()
    assert descriptors() <= before


def test_loops_in_several_threads() -> None:
    """One client serves loops in several threads at once, each with a pool of its own."""
    client = AsyncClient(limits=Limits(max_connections=4), timeout=Timeout(20))
    errors: list[BaseException] = []
    barrier = threading.Barrier(6)

    async def ask(name: str, number: int) -> None:
        for turn in range(5):
            target = f"/{name}-{number}-{turn}"
            assert (await client.get(server.url + target)).text == target

    async def in_a_loop(name: str) -> None:
        await asyncio.gather(*(ask(name, n) for n in range(20)))

    async def in_a_nursery(name: str) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(ask, name, number)

    def work(kind: str, name: str) -> None:
        try:
            barrier.wait(20)
            RUNS[kind](lambda: in_a_nursery(name) if kind == "trio" else in_a_loop(name))
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
            errors.append(error)

    with RawServer(http(echo_target)) as server:
        kinds = [*RUNS, *RUNS]
        threads = [threading.Thread(target=work, args=(kind, f"{kind}{n}")) for n, kind in enumerate(kinds)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert errors == []
        asyncio.run(client.aclose())
        assert len(server.connections) <= 24
    assert transport_of(client)._pools == []


@pytest.mark.parametrize("kind", RUNS)
def test_closed_from_another_loop(kind: str) -> None:
    """Closing a client in one loop has another loop, which still runs, close its connections itself."""
    client = AsyncClient()
    asked, closed = threading.Event(), threading.Event()
    ended: list[int] = []

    async def ask_and_wait() -> None:
        assert (await client.get(server.url)).status_code == 200
        pool = transport_of(client)._latest[1]
        asked.set()
        while pool._shelf.idle():
            await (trio.lowlevel.checkpoint() if kind == "trio" else asyncio.sleep(0))
            closed.wait(0.001)
        ended.append(1)

    with RawServer(http(echo_target)) as server:
        thread = threading.Thread(target=lambda: RUNS[kind](ask_and_wait))
        thread.start()
        assert asked.wait(20)
        asyncio.run(client.aclose())
        thread.join(20)
        assert ended == [1]


def test_closing_a_client_that_was_never_used() -> None:
    """A client that has sent nothing closes without a trace, in any loop."""

    async def close() -> None:
        await AsyncClient().aclose()

    for run in RUNS.values():
        run(close)


def test_no_loop_is_an_error() -> None:
    """Outside of any event loop an async request cannot be sent, and says so."""
    sending = AsyncClient().get("http://127.0.0.1:1/")
    with pytest.raises(RuntimeError, match="no running event loop"):
        sending.send(None)


def test_a_waiter_does_not_outlive_its_loop() -> None:
    """What waited in a loop that ended is forgotten: the next loop has its whole pool."""
    client = AsyncClient(limits=Limits(max_connections=1), timeout=Timeout(20, pool=1))

    async def cut_short() -> None:
        tasks = [asyncio.create_task(client.get(server.url)) for _ in range(3)]
        while not transport_of(client)._latest or len(transport_of(client)._latest[1]._shelf.waiters) < 2:
            await asyncio.sleep(0)
        del tasks

    async def ask() -> None:
        go.set()
        assert (await client.get(f"{server.url}/here")).text == "/here"
        assert_whole(client, idle=1)
        await client.aclose()

    with gates(1) as (go,):

        def respond(asked: Any) -> bytes:
            server.until(go)
            return echo_target(asked)

        with RawServer(http(respond)) as server:
            asyncio.run(cut_short())
            asyncio.run(ask())


def test_portable_loops_start_anew() -> None:
    """A loop that cannot watch descriptors takes nothing over, and opens connections of its own."""
    client = AsyncClient()

    async def ask() -> None:
        assert (await client.get(f"{server.url}/here")).text == "/here"
        assert_whole(client, idle=1)

    async def ask_and_close() -> None:
        await ask()
        await client.aclose()

    with RawServer(http(echo_target)) as server:
        asyncio.run(ask())
        WORLDS["portable-asyncio"].run(ask_and_close)
        assert len(server.connections) == 2
