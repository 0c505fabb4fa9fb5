"""The clock moves when everything waits, and not before."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import borzoi
from borzoi._backends.memory import HandClock
from borzoi._run_blocking import run_blocking
from borzoi.testing import Clock, close, event, fault, mock, reply, wait
from tests.worlds.test_sse import subscribed
from tests.worlds.world import WORLDS, World

URL = "https://api.test/slow"


def test_a_minute_takes_no_time(world: World) -> None:
    """Twenty stalls of a minute raise the real time-out in each world, and end in far less than a minute."""

    async def body() -> None:
        async with world.client(trust_env=False, timeout=5) as client:
            for _ in range(20):
                with pytest.raises(borzoi.ReadTimeout, match=r"No bytes from api.test:443 within 5 s"):
                    await client.get(URL)

    began = time.perf_counter()
    with mock() as m:
        m.get(URL).reply(200, fault=fault.stall(60))
        world.run(body)
        assert m.clock.now() == 100
    assert time.perf_counter() - began < 5


def test_events_arrive_when_they_are_sent(world: World) -> None:
    """Server-sent events come at their moments; a reader that was away finds them waiting."""
    seen: list[tuple[float, str]] = []

    async def body() -> None:
        async with world.client(trust_env=False, timeout=60) as client, client.stream("GET", URL) as response:
            async for line in response.aiter_lines():
                if line:
                    seen.append((m.clock.now(), line))
                    if len(seen) == 1:
                        await m.clock.sleep(20)

    with mock() as m:
        m.get(URL).sse(
            event("a", event="e", id="1", retry=5), wait(5), event({"b": 1}), wait(30), "data: c\n\n", close()
        )
        world.run(body)
    assert [(at, line) for at, line in seen if line.startswith("data")] == [
        (20, "data: a"),
        (20, 'data: {"b":1}'),
        (35, "data: c"),
    ]


def test_a_subscription_reconnects_in_no_time(world: World) -> None:
    """The pause before a stream of events is asked for again is one of the mock's, and `sleeps` lists it."""
    found: list[str] = []

    async def body() -> None:
        async with world.client(trust_env=False) as client, subscribed(client, URL, reconnect=5) as source:
            async for one in source:
                found.append(one.data)
                if len(found) == 2:
                    break

    with mock() as m:
        route = m.get(URL)
        route.replies(*[reply(stream=[f"id: {n}\ndata: {n}\n\n"], headers={"content-type": "text/event-stream"}) for n in "12"])  # fmt: skip
        world.run(body)
    assert found == ["1", "2"]
    assert route.calls[1].headers["last-event-id"] == "1"
    assert (m.clock.sleeps, m.clock.now()) == ([3], 3)


def test_sleeps_are_in_order(async_world: World) -> None:
    """Tasks that sleep on the clock wake in the order of their moments."""
    woken: list[float] = []
    clock = Clock()

    async def body() -> None:
        async def nap(seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append(clock.now())

        async with async_world.tasks() as tasks:
            for seconds in (3, 1, 2, 1):
                tasks.start(nap, seconds)

    async_world.run(body)
    assert woken == [1, 1, 2, 3]
    assert sorted(clock.sleeps) == [1, 1, 2, 3]


@pytest.mark.parametrize("name", ["asyncio", "uvloop", "trio"])
def test_the_clock_waits_for_the_loop(name: str) -> None:
    """While a task of the loop has something to do, or sleeps by the loop's own time, the clock stands still."""
    world = WORLDS[name]
    clock = Clock()
    seen: list[float] = []

    async def body() -> None:
        async def busy() -> None:
            for _ in range(50):
                await world.sleep0()
                seen.append(clock.now())
            async with world.move_on_after(0.02):
                await world.wait_for(never)

        async with world.tasks() as tasks:
            tasks.start(clock.sleep, 60)
            tasks.start(busy)

    never = threading.Event()
    threading.Timer(0.05, never.set).start()
    world.run(body)
    assert set(seen) == {0}
    assert clock.now() == 60


@pytest.mark.parametrize("name", ["asyncio", "uvloop"])
def test_a_sleep_belongs_to_the_task_that_awaits_it(name: str) -> None:
    """A sleep may be made by one task and awaited by another: the clock moves for who awaits it, once nobody is busy."""
    clock = Clock()

    async def own() -> float:
        for _ in range(50):
            await asyncio.sleep(0)
        return clock.now()

    async def body() -> None:
        assert await asyncio.gather(clock.sleep(60), own()) == [None, 0]
        assert clock.now() == 60
        await asyncio.wait_for(clock.sleep(60), 20)
        await asyncio.gather(*[asyncio.ensure_future(clock.sleep(seconds)) for seconds in (2, 1)])

    WORLDS[name].run(body)
    assert clock.now() == 122
    assert clock.sleeps == [60, 60, 2, 1]


def test_blocking_code_sleeps_at_once() -> None:
    """In blocking code `sleep()` has slept when it returns, and what it returns may be awaited."""
    clock = Clock()

    async def body() -> None:
        await clock.sleep(1)

    clock.sleep(2)
    run_blocking(body())
    assert (clock.now(), clock.sleeps) == (3, [2, 1])


def test_the_clock_never_goes_back() -> None:
    """It is moved by hand, but not back."""
    clock = Clock()
    clock.advance(3)
    assert clock.now() == 3
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="cannot be negative"):
        wait(-1)


def test_a_client_takes_the_clock() -> None:
    """`clock=` of a client takes it: what has elapsed is what it shows."""
    with mock() as m:
        m.get(URL).reply(200, fault=fault.stall(2))
        with borzoi.Client(clock=m.clock, trust_env=False) as client:
            assert client.get(URL).elapsed.total_seconds() == 2


def test_an_endless_wait_is_an_error() -> None:
    """A wait that nothing can end, on the only thread, raises RuntimeError instead of hanging."""
    with mock(leaks=False) as m:
        m.get(URL).reply(200, fault=fault.stall())
        with pytest.raises(RuntimeError, match="would last for ever"), borzoi.Client(timeout=None) as client:
            client.get(URL)


def test_a_wait_without_an_end_is_cancelled(async_world: World) -> None:
    """A stream that stays open for ever may be cancelled."""

    async def body() -> None:
        async with async_world.client(trust_env=False, timeout=None) as client:
            async with async_world.move_on_after(0.05) as scope:
                await client.get(URL)
            assert scope.cancelled_caught
            assert (await client.get("https://api.test/")).status_code == 200

    with mock() as m:
        m.get(URL).sse()
        m.get("https://api.test/")
        async_world.run(body)


def test_a_clock_by_hand_waits_for_nobody() -> None:
    """The memory back end's own clock moves at once, and refuses a wait without an end."""
    clock = HandClock()

    async def body() -> None:
        assert not await clock.wait(3)
        await clock.turn()
        await clock.sleep(1)

    run_blocking(body())
    assert clock.now() == 4
    with pytest.raises(RuntimeError, match="for ever"):
        run_blocking(clock.wait(float("inf")))


def test_a_sleep_that_no_task_runs() -> None:
    """A coroutine that callbacks of the loop drive by hand sleeps on the clock, too."""
    clock = Clock()

    async def body() -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        sleeping = clock.sleep_here(60)

        def step() -> None:
            try:
                sleeping.send(None)
            except StopIteration:
                over.set_result(None)
            else:
                loop.call_soon(step)

        loop.call_soon(step)
        await over

    WORLDS["asyncio"].run(body)
    assert clock.now() == 60


def test_a_thread_that_is_busy_is_given_a_moment() -> None:
    """A thread that has waited on the clock and does something now is waited for, a moment at a time; one that ended is not."""
    clock = Clock()
    slept, go = threading.Event(), threading.Event()

    def work() -> None:
        clock.sleep(1)
        slept.set()
        go.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    assert slept.wait(20)
    clock.sleep(2)
    assert clock.now() == 3
    go.set()
    thread.join()
    clock.sleep(4)
    assert clock.now() == 7
