"""Names: one lookup for all who ask, remembered for a while, in every world; and resolvers of a program's own."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from borzoi._backends.resolver import MAX_NAMES, Names
from borzoi._errors import BlockedAddress, ConnectError, ConnectTimeout
from tests.worlds.dialing import settle
from tests.worlds.peers import IN_TIME
from tests.worlds.world import World


class System:
    """The system's name service: counts what it is asked, and may be told to hang, or to fail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.came = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(host)
        self.came.set()
        assert self.go_on.wait(20), "nobody ended the lookup"
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    """The system's name service."""
    known, real = System(), socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        ask = known if str(host).endswith(".test") else real
        return ask(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


async def hosts(world: World, names: Names, host: str = "a.test", timeout: float | None = 10) -> list[str]:
    """Return the addresses of a name, as the world's own back end finds them."""
    return [address[0] for _, address in await world.backend().resolve(host, 80, timeout, names)]


def test_an_answer_is_remembered_for_its_seconds(world: World, system: System) -> None:
    """The second time within the seconds nobody is asked; after them, and after `forget()`, the system is."""
    clock = Clock()

    async def body() -> None:
        names = Names(now=clock)
        for _ in range(3):
            assert await hosts(world, names) == ["127.0.0.1"]
        assert system.asked == ["a.test"]
        clock.time += 4.9
        await hosts(world, names)
        assert system.asked == ["a.test"]
        clock.time += 0.1
        await hosts(world, names)
        assert system.asked == ["a.test"] * 2
        names.forget("a.test", 80)
        await hosts(world, names)
        assert system.asked == ["a.test"] * 3

    world.run(body)


def test_with_no_seconds_nothing_is_remembered(world: World, system: System) -> None:
    """Without seconds, and without names of a transport, each time is a lookup."""

    async def body() -> None:
        names = Names(seconds=0)
        for _ in range(2):
            await hosts(world, names)
        for _ in range(2):
            await world.backend().resolve("b.test", 80, 10)

    world.run(body)
    assert system.asked == ["a.test", "a.test", "b.test", "b.test"]


def test_a_failure_is_not_remembered(world: World, system: System) -> None:
    """After a failed lookup the next one asks again."""

    async def body() -> None:
        names = Names()
        system.error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        with pytest.raises(ConnectError, match=r"^Could not connect to a\.test:80: .*Temporary failure$"):
            await hosts(world, names)
        system.error = None
        assert await hosts(world, names) == ["127.0.0.1"]

    world.run(body)


def test_no_more_names_are_remembered_than_the_limit(world: World, system: System) -> None:
    """D3: the oldest name makes room for the newest."""

    async def body() -> None:
        names = Names(now=lambda: 0.0)  # on a busy machine the first may be five seconds old
        for number in range(MAX_NAMES + 1):
            await hosts(world, names, f"{number}.test")
        await hosts(world, names, "1.test")
        assert len(system.asked) == MAX_NAMES + 1
        await hosts(world, names, "0.test")
        assert len(system.asked) == MAX_NAMES + 2

    world.run(body)


def test_many_who_ask_are_one_lookup(world: World, system: System) -> None:
    """Twenty who ask for one name at once wait for one lookup, and all get its answer."""
    system.go_on.clear()

    async def body() -> None:
        names = Names()
        waiting: list[None] = []

        async def one() -> list[str]:
            waiting.append(None)
            return await hosts(world, names)

        async def release() -> None:
            await world.wait_for(system.came)
            while len(waiting) < 20:
                await world.sleep0()
            system.go_on.set()

        found = await world.gather(*[one] * 20, release)
        assert found[:20] == [["127.0.0.1"]] * 20

    world.run(body)
    # In threads, one that counted itself may ask only when the others have their answer: then it is remembered.
    assert system.asked == ["a.test"]


def test_who_is_cancelled_takes_nothing_from_the_others(async_world: World, system: System) -> None:
    """When the one who started the lookup is cancelled, the others get its answer all the same."""
    system.go_on.clear()

    async def body() -> None:
        names = Names()
        async with async_world.tasks() as tasks:
            first = tasks.start(hosts, async_world, names)
            await async_world.wait_for(system.came)
            others = [tasks.start(hosts, async_world, names) for _ in range(3)]
            await settle(async_world)
            first.cancel()
            others[0].cancel()
            await settle(async_world)
            system.go_on.set()
        assert first.cancelled
        assert others[0].cancelled
        assert [other.result for other in others[1:]] == [["127.0.0.1"]] * 2

    async_world.run(body)
    assert system.asked == ["a.test"]


def test_each_waits_for_its_own_time(world: World, system: System) -> None:
    """One whose time is over leaves with ConnectTimeout; the other waits on. A lookup that all have left is asked anew."""
    system.go_on.clear()

    async def body() -> None:
        names = Names()
        given_up = threading.Event()

        async def impatient() -> None:
            with pytest.raises(ConnectTimeout, match=r"resolve the name to connect to a\.test:80 within 0\.05 s"):
                await hosts(world, names, timeout=0.05)
            given_up.set()

        async def patient() -> list[str]:
            return await hosts(world, names)

        async def release() -> None:
            await world.wait_for(given_up)
            system.go_on.set()

        assert (await world.gather(impatient, patient, release))[1] == ["127.0.0.1"]
        assert system.asked == ["a.test"]

        system.go_on.clear()
        given_up.clear()
        names.forget("a.test", 80)
        await impatient()
        system.go_on.set()
        assert await hosts(world, names) == ["127.0.0.1"]
        assert system.asked == ["a.test"] * 3

    world.run(body)


def test_every_one_gets_an_error_of_its_own(world: World, system: System) -> None:
    """An error is a fresh one for each who waited: each belongs to another request."""
    system.go_on.clear()
    system.error = BlockedAddress("not this one")

    async def body() -> None:
        names = Names()
        errors: list[ConnectError] = []

        async def one() -> None:
            with pytest.raises(BlockedAddress, match="not this one") as caught:
                await hosts(world, names)
            errors.append(caught.value)

        async def release() -> None:
            await world.wait_for(system.came)
            system.go_on.set()

        await world.gather(one, one, release)
        assert errors[0] is not errors[1]
        assert all(error._request is None for error in errors)

    world.run(body)


def test_a_plain_function(world: World, system: System) -> None:
    """A program's function is asked for names and addresses alike, with the port, and may leave a name to the system."""
    asked: list[tuple[str, int]] = []

    def ask(host: str, port: int) -> Any:
        asked.append((host, port))
        return {"mine.test": ["10.0.0.1", "::1"], "127.0.0.9": ["127.0.0.1"]}.get(host)

    async def body() -> None:
        names = Names(ask)
        for _ in range(2):
            assert await hosts(world, names, "mine.test") == ["10.0.0.1", "::1"]
        assert await hosts(world, names, "127.0.0.9") == ["127.0.0.1"]
        assert await hosts(world, names, "other.test") == ["127.0.0.1"]

    world.run(body)
    assert asked == [("mine.test", 80), ("127.0.0.9", 80), ("other.test", 80)]
    assert system.asked == ["other.test"]


def test_a_function_that_fails(world: World) -> None:
    """What a program's function raises is a ConnectError with it as the cause, unless it is of the tree already."""

    def ask(host: str, port: int) -> Any:
        raise {"bug.test": KeyError("bug"), "slow.test": ConnectTimeout("too slow")}[host]

    async def body() -> None:
        names = Names(ask)
        with pytest.raises(ConnectError, match=r"Could not connect to bug\.test:80: 'bug'") as caught:
            await hosts(world, names, "bug.test")
        assert isinstance(caught.value.__cause__, KeyError)
        with pytest.raises(ConnectTimeout, match="too slow"):
            await hosts(world, names, "slow.test")

    world.run(body)


def test_a_guard_sees_every_answer(world: World, system: System) -> None:
    """A guard is asked each time, for what is remembered and for literal addresses too; unguarded names are not checked."""
    seen: list[tuple[str, list[str]]] = []

    class Watch:
        def check(self, host: str, addresses: list[str]) -> None:
            seen.append((host, addresses))
            if host == "::1":
                raise BlockedAddress("not this one")

    async def body() -> None:
        names = Names(guard=Watch())
        for host in ("a.test", "a.test", "127.0.0.1"):
            await hosts(world, names, host)
        with pytest.raises(BlockedAddress):
            await hosts(world, names, "::1")
        assert await hosts(world, names.unguarded(), "::1") == ["::1"]
        assert Names().unguarded().guard is None

    world.run(body)
    assert seen == [("a.test", ["127.0.0.1"])] * 2 + [("127.0.0.1", ["127.0.0.1"]), ("::1", ["::1"])]


WITHOUT_THREADS = """
import asyncio, threading
from borzoi._backends.asyncio import backend_for
from borzoi._backends.resolver import Names

def refuse(thread):
    raise RuntimeError("can't start new thread")

async def body():
    try:
        await backend_for(asyncio.get_running_loop()).resolve("a.test", 80, 5, Names())
    except Exception as error:
        print(type(error).__name__, error)

threading.Thread.start = refuse
asyncio.run(body())
"""


def test_without_threads_all_who_wait_are_told() -> None:
    """Where the system has no thread to ask on, that is the ConnectError."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THREADS], capture_output=True, text=True, check=True, timeout=20
    )

    cause = "no thread to look up the name on: can't start new thread"
    assert done.stdout == f"ConnectError Could not connect to a.test:80: {cause}\n"


# Resolvers that are async.


class Asynchronous:
    """A program's async function: counts how often it runs, and waits until it may go on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.asked: list[str] = []
        self.may_go_on = True
        self.answer: Callable[[str], Any] = lambda host: ["10.0.0.1"]

    async def __call__(self, host: str, port: int) -> Any:
        self.asked.append(host)
        while not self.may_go_on:
            await self._world.sleep0()
        return self.answer(host)


def test_an_async_function(async_world: World, system: System) -> None:
    """An async function runs in the loop; it may leave a name to the system, and its answers are remembered."""
    ask = Asynchronous(async_world)
    ask.answer = {"mine.test": ["10.0.0.1"]}.get

    async def body() -> None:
        names = Names(ask, is_async=True)
        for _ in range(2):
            assert await hosts(async_world, names, "mine.test") == ["10.0.0.1"]
            assert await hosts(async_world, names, "other.test") == ["127.0.0.1"]

    async_world.run(body)
    assert ask.asked == ["mine.test", "other.test"]
    assert system.asked == ["other.test"]


def test_an_async_function_that_fails(async_world: World) -> None:
    """What it raises is a ConnectError for all who waited."""

    def fail(host: str) -> Any:
        raise TimeoutError("of its own")

    async def body() -> None:
        ask = Asynchronous(async_world)
        ask.answer, ask.may_go_on = fail, False
        names = Names(ask, is_async=True)

        async def one() -> None:
            with pytest.raises(ConnectError, match="of its own"):
                await hosts(async_world, names, timeout=None)

        async with async_world.tasks() as tasks:
            for _ in range(2):
                tasks.start(one)
            await settle(async_world)
            ask.may_go_on = True
        assert len(ask.asked) == 1

    async_world.run(body)


def test_an_async_function_has_the_time_of_who_waits(async_world: World) -> None:
    """When the time of the one who runs it is over, the next one runs it anew; alone, it is a ConnectTimeout."""

    async def body() -> None:
        ask = Asynchronous(async_world)
        ask.may_go_on = False
        names = Names(ask, is_async=True)

        async def impatient() -> None:
            with pytest.raises(ConnectTimeout):
                await hosts(async_world, names, timeout=0.05)
            ask.may_go_on = True

        started = time.monotonic()
        async with async_world.tasks() as tasks:
            tasks.start(impatient)
            await settle(async_world)
            patient = tasks.start(hosts, async_world, names)
        assert patient.result == ["10.0.0.1"]
        assert len(ask.asked) == 2
        ask.may_go_on = False
        names.forget("a.test", 80)
        await impatient()
        assert time.monotonic() - started < IN_TIME

    async_world.run(body)


def test_who_runs_an_async_function_may_be_cancelled(async_world: World) -> None:
    """When the one who runs it is cancelled, and the one who was to follow too, the third runs it."""

    async def body() -> None:
        ask = Asynchronous(async_world)
        ask.may_go_on = False
        names = Names(ask, is_async=True)
        async with async_world.tasks() as tasks:
            waiting = []
            for _ in range(3):
                waiting.append(tasks.start(hosts, async_world, names))
                await settle(async_world)
            first, second, third = waiting
            assert len(ask.asked) == 1
            first.cancel()
            second.cancel()
            await settle(async_world)
            ask.may_go_on = True
        assert first.cancelled
        assert second.cancelled
        assert third.result == ["10.0.0.1"]
        assert len(ask.asked) in (2, 3)

    async_world.run(body)


def test_a_fork_begins_anew(world: World, system: System) -> None:
    """In a fork's child nobody waits for threads that it does not have; what is remembered stays."""
    system.go_on.clear()

    async def body() -> None:
        names = Names()
        while not system.came.is_set():  # what a busy machine has not begun before the time is over, it does not begin
            with pytest.raises(ConnectTimeout):
                await hosts(world, names, timeout=0.02)
        begun = len(system.asked)
        names.start_anew()
        system.go_on.set()
        assert await hosts(world, names) == ["127.0.0.1"]
        names.start_anew()
        assert await hosts(world, names) == ["127.0.0.1"]
        assert len(system.asked) == begun + 1

    world.run(body)
