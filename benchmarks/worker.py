"""The measured process: one client, one world, one kind of request. Prints its CPU and wall time as JSON.

python -m benchmarks.worker CLIENT WORLD URL REQUESTS IN_FLIGHT [CA]
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import threading
import time
from typing import Any

from .clients import ASYNC, BLOCKING, HTTP2, AsyncCall, Call, Spread, spread_asyncio, spread_trio


class Meter:
    """Take the time of this process between two moments."""

    def __init__(self) -> None:
        gc.collect()
        self._cpu = _cpu()
        self._wall = time.perf_counter()

    def report(self, requests: int) -> None:
        """Print what was used since."""
        wall = time.perf_counter() - self._wall
        print(json.dumps({"cpu_us": (_cpu() - self._cpu) / requests * 1e6, "per_second": requests / wall}))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run_blocking(client: Any, requests: int, threads: int) -> None:
    """Send requests from some threads."""
    with client as call:
        _from_threads(call, max(100, threads * 2), threads)
        meter = Meter()
        _from_threads(call, requests, threads)
        meter.report(requests)


def _from_threads(call: Call, requests: int, threads: int) -> None:
    def work(count: int) -> None:
        for _ in range(count):
            call()

    if threads == 1:
        work(requests)
        return
    crew = [threading.Thread(target=work, args=(requests // threads,)) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()


async def run_async(client: Any, requests: int, in_flight: int, spread: Spread) -> None:
    """Send requests from some tasks."""
    async with client as call:
        await _from_tasks(call, max(100, in_flight * 2), in_flight, spread)
        meter = Meter()
        await _from_tasks(call, requests, in_flight, spread)
        meter.report(requests)


async def _from_tasks(call: AsyncCall, requests: int, in_flight: int, spread: Spread) -> None:
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await call()

    await spread([work] * in_flight)


def main() -> None:
    """Measure what the arguments name."""
    name, world, url, requests, in_flight, *rest = sys.argv[1:]
    ca = rest[0] if rest else None
    count, width = int(requests), int(in_flight)

    if world == "blocking":
        run_blocking(BLOCKING[name](url, ca), count, width)
    elif world == "trio":
        import trio

        trio.run(run_async, ASYNC[name](url, ca), count, width, spread_trio)
    elif world == "uvloop":
        import uvloop

        uvloop.run(run_async(ASYNC[name](url, ca), count, width, spread_asyncio))
    else:
        import asyncio

        clients = HTTP2 if world == "asyncio-http2" else ASYNC
        asyncio.run(run_async(clients[name](url, ca), count, width, spread_asyncio))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
