"""Fetching records for the demo: with Borzoi in each world, and with the libraries beside it that are installed.

A `Runner` sends one request for each number, so many at a time, and returns the bodies. `measure()` runs it with the
clock on, and looks at the bodies when the clock has stopped. Every library gets one client with the same limits.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import json
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import borzoi

Outcome: TypeAlias = bytes | Exception
Outcomes: TypeAlias = dict[int, Outcome]
"""The body for each record, or why there is none."""

Fetch: TypeAlias = Callable[[int], bytes]
AsyncFetch: TypeAlias = Callable[[int], Awaitable[bytes]]
OpenClient: TypeAlias = Callable[[str, int], AbstractContextManager[Fetch]]
OpenAsyncClient: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[AsyncFetch]]

Runner: TypeAlias = Callable[[str, range, int], Outcomes]
"""What fetches the records of some numbers from a URL, so many at a time."""


class Measured:
    """Hold what one client took: seconds by the clock, seconds of the processor, connections, failures."""

    __slots__ = ("connections", "cpu", "failures", "library", "requests", "wall", "world")

    def __init__(self, library: str, world: str) -> None:
        self.library = library
        self.world = world
        self.requests = 0
        self.wall = 0.0
        self.cpu = 0.0
        self.connections = 0
        self.failures: list[str] = []

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.wall

    @property
    def cpu_us(self) -> float:
        """Microseconds of the processor for each request, in this process alone."""
        return self.cpu / self.requests * 1e6


# The clients.


@asynccontextmanager
async def borzoi_async(url: str, in_flight: int) -> AsyncGenerator[AsyncFetch]:
    """Open an AsyncClient."""
    limits = borzoi.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with borzoi.AsyncClient(limits=limits, trust_env=False) as client:

        async def fetch(number: int) -> bytes:
            return (await client.get(f"{url}/records/{number}")).raise_for_status().content

        yield fetch


@contextmanager
def borzoi_blocking(url: str, in_flight: int) -> Generator[Fetch]:
    """Open a Client."""
    limits = borzoi.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with borzoi.Client(limits=limits, trust_env=False) as client:
        yield lambda number: client.get(f"{url}/records/{number}").raise_for_status().content


@asynccontextmanager
async def httpx_async(url: str, in_flight: int) -> AsyncGenerator[AsyncFetch]:
    """Open an AsyncClient of httpx."""
    httpx: Any = importlib.import_module("httpx")
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def fetch(number: int) -> bytes:
            response = await client.get(f"{url}/records/{number}")
            content: bytes = response.raise_for_status().content
            return content

        yield fetch


@contextmanager
def httpx_blocking(url: str, in_flight: int) -> Generator[Fetch]:
    """Open a Client of httpx."""
    httpx: Any = importlib.import_module("httpx")
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    with httpx.Client(limits=limits, trust_env=False) as client:
        yield lambda number: client.get(f"{url}/records/{number}").raise_for_status().content


@asynccontextmanager
async def aiohttp_async(url: str, in_flight: int) -> AsyncGenerator[AsyncFetch]:
    """Open a session of aiohttp."""
    aiohttp: Any = importlib.import_module("aiohttp")
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:

        async def fetch(number: int) -> bytes:
            async with session.get(f"{url}/records/{number}") as response:
                content: bytes = await response.read()
                return content

        yield fetch


# How they are run: tasks of asyncio, tasks of trio, threads.


def on_asyncio(open_client: OpenAsyncClient) -> Runner:
    """Return what fetches in tasks of asyncio."""

    def run(url: str, numbers: range, in_flight: int) -> Outcomes:
        async def main() -> Outcomes:
            async with open_client(url, in_flight) as fetch:
                work, outcomes = shared_work(fetch, numbers)
                await asyncio.gather(*[work() for _ in range(in_flight)])
                return outcomes

        return asyncio.run(main())

    return run


def on_trio(open_client: OpenAsyncClient) -> Runner:
    """Return what fetches in tasks of trio."""

    def run(url: str, numbers: range, in_flight: int) -> Outcomes:
        import trio

        async def main() -> Outcomes:
            async with open_client(url, in_flight) as fetch:
                work, outcomes = shared_work(fetch, numbers)
                async with trio.open_nursery() as nursery:
                    for _ in range(in_flight):
                        nursery.start_soon(work)
                return outcomes

        return trio.run(main)

    return run


def shared_work(fetch: AsyncFetch, numbers: range) -> tuple[Callable[[], Awaitable[None]], Outcomes]:
    """Return what each of some tasks runs until nothing is left, and where the outcomes go."""
    left = iter(numbers)
    outcomes: Outcomes = {}

    async def work() -> None:
        for number in left:
            try:
                outcomes[number] = await fetch(number)
            except Exception as error:  # noqa: BLE001 - it is counted, and shown
                outcomes[number] = error

    return work, outcomes


def on_threads(open_client: OpenClient) -> Runner:
    """Return what fetches in threads; in this one where one is enough."""

    def run(url: str, numbers: range, in_flight: int) -> Outcomes:
        outcomes: Outcomes = {}

        def work(share: range) -> None:
            for number in share:
                try:
                    outcomes[number] = fetch(number)
                except Exception as error:  # noqa: BLE001 - it is counted, and shown
                    outcomes[number] = error

        with open_client(url, in_flight) as fetch:
            shares = [numbers[start::in_flight] for start in range(in_flight)]
            crew = [threading.Thread(target=work, args=(share,)) for share in shares[1:]]
            for thread in crew:
                thread.start()
            work(shares[0])
            for thread in crew:
                thread.join()
        return outcomes

    return run


class Contender:
    """One library in one world, and what has to be installed for it."""

    __slots__ = ("in_flight", "library", "needs", "run", "world")

    def __init__(self, library: str, world: str, in_flight: int, run: Runner, *needs: str) -> None:
        self.library = library
        self.world = world
        self.in_flight = in_flight
        self.run = run
        self.needs = needs

    def is_installed(self) -> bool:
        """Tell whether it can run here."""
        return all(importlib.util.find_spec(name) is not None for name in self.needs)


CONTENDERS = (
    Contender("borzoi", "asyncio, 64 tasks", 64, on_asyncio(borzoi_async)),
    Contender("borzoi", "trio, 64 tasks", 64, on_trio(borzoi_async), "trio"),
    Contender("borzoi", "blocking, 1 thread", 1, on_threads(borzoi_blocking)),
    Contender("borzoi", "blocking, 64 threads", 64, on_threads(borzoi_blocking)),
    Contender("httpx", "asyncio, 64 tasks", 64, on_asyncio(httpx_async), "httpx"),
    Contender("httpx", "blocking, 1 thread", 1, on_threads(httpx_blocking), "httpx"),
    Contender("aiohttp", "asyncio, 64 tasks", 64, on_asyncio(aiohttp_async), "aiohttp"),
)
"""Who takes part, where installed."""


def measure(contender: Contender, url: str, count: int, connections: Callable[[], int]) -> Measured:
    """Fetch `count` records and say what it took. `connections` asks the server how many there were so far."""
    measured = Measured(contender.library, contender.world)
    numbers = range(count)
    # What is imported or built at the first request is not what a request costs.
    contender.run(url, range(contender.in_flight), contender.in_flight)
    gc.collect()

    before = connections()
    wall, cpu = time.perf_counter(), time.process_time()
    outcomes = contender.run(url, numbers, contender.in_flight)
    measured.cpu = time.process_time() - cpu
    measured.wall = time.perf_counter() - wall

    measured.connections = connections() - before
    measured.requests = count
    measured.failures = [why for number in numbers if (why := defect(number, outcomes.get(number)))]
    return measured


def defect(number: int, outcome: Outcome | None) -> str | None:
    """Say what is wrong with what came for a record, if anything."""
    if outcome is None:
        return f"record {number} was not fetched"
    if isinstance(outcome, Exception):
        return f"record {number}: {type(outcome).__name__}: {outcome}"
    try:
        record = json.loads(outcome)
    except ValueError:
        return f"record {number} is not JSON"

    if not isinstance(record, dict) or (record.get("id"), record.get("name")) != (number, f"Record number {number:05}"):
        return f"record {number} is another: {record}"
    return None
