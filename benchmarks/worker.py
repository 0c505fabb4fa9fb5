"""The measured process: one job, given as JSON. Prints what it measured as JSON.

python -m benchmarks.worker '{"client": "borzoi", "world": "asyncio", "url": "http://127.0.0.1:8000/", "in_flight": 64}'
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from . import async_clients, blocking_clients
from .job import Job

Result = dict[str, float]

ENOUGH = 500
"""Requests after which a client counts as warm."""

PATIENCE = 0.3
"""Seconds after which it does even if it has sent fewer, if each task or thread has sent twice by then."""

STEADY = 0.05
"""Seconds that a batch has to take for its pace to be told."""


class Meter:
    """Take the time of this process between two moments."""

    def __init__(self) -> None:
        gc.collect()
        self._cpu, self._thread = _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_THREAD)
        self._wall = time.perf_counter()

    def result(self, requests: int) -> Result:
        """Return what was used since: in all, by this thread, and by the clock."""
        wall = time.perf_counter() - self._wall
        cpu, thread = _cpu(resource.RUSAGE_SELF) - self._cpu, _cpu(resource.RUSAGE_THREAD) - self._thread
        return {
            "us": cpu / requests * 1e6,
            "thread_us": thread / requests * 1e6,
            "ms": wall / requests * 1e3,
            "per_second": requests / wall,
            "requests": requests,
        }


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


class Pace:
    """Say how many requests warm a client up, and how many fill the time that was asked for."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._began = self._batch_began = time.perf_counter()
        self._sent = 0
        self.batch = 2 * job.in_flight

    def is_warm(self) -> bool:
        """Return whether the client is warm after another batch, whose pace is kept then."""
        now = time.perf_counter()
        took, self._batch_began = now - self._batch_began, now
        self._sent += self.batch
        if took >= STEADY and (self._sent >= ENOUGH or now - self._began >= PATIENCE):
            self.requests = max(self._job.least * self._job.in_flight, int(self._job.seconds * self.batch / took))
            return True
        if took < STEADY:
            self.batch *= 4
        return False


def from_threads(call: Callable[[], object], requests: int, threads: int) -> None:
    """Send requests from some threads."""

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


async def from_tasks(call: Callable[[], Awaitable[object]], requests: int, job: Job) -> None:
    """Send requests from some tasks."""
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await call()

    if job.world == "trio":
        import trio

        async with trio.open_nursery() as nursery:
            for _ in range(job.in_flight):
                nursery.start_soon(work)
    else:
        import asyncio

        await asyncio.gather(*[work() for _ in range(job.in_flight)])


def load_blocking(job: Job) -> Result:
    """Measure requests from threads."""
    with blocking_clients.CLIENTS[job.client](job) as call:
        pace = Pace(job)
        from_threads(call, pace.batch, job.in_flight)
        while not pace.is_warm():
            from_threads(call, pace.batch, job.in_flight)
        meter = Meter()
        from_threads(call, pace.requests, job.in_flight)
        return meter.result(pace.requests // job.in_flight * job.in_flight)


async def load_async(job: Job) -> Result:
    """Measure requests from tasks."""
    async with async_clients.CLIENTS[job.client](job) as call:
        pace = Pace(job)
        await from_tasks(call, pace.batch, job)
        while not pace.is_warm():
            await from_tasks(call, pace.batch, job)
        meter = Meter()
        await from_tasks(call, pace.requests, job)
        return meter.result(pace.requests)


async def idle_async(job: Job) -> Result:
    """Measure what open connections hold that nobody uses: the server answers when all of them are open."""
    async with async_clients.CLIENTS[job.client](job) as call:
        await call()
        gc.collect()
        memory, sockets = resident(), open_sockets()
        await from_tasks(call, job.in_flight, job)
        gc.collect()
        opened = open_sockets() - sockets
        return {"kib": (resident() - memory) / max(opened, 1) / 1024, "connections": opened}


def peak_blocking(job: Job) -> Result:
    """Measure by how much memory grows while a body is read."""
    with blocking_clients.CLIENTS[job.client](job) as call:
        memory = resident()
        call()
        return {"kib": (highest() - memory) / 1024}


async def peak_async(job: Job) -> Result:
    """Measure the same in a task."""
    async with async_clients.CLIENTS[job.client](job) as call:
        memory = resident()
        await call()
        return {"kib": (highest() - memory) / 1024}


def resident() -> int:
    """Return the bytes of memory in use: Linux only."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def highest() -> int:
    """Return the most bytes of memory that were ever in use: Linux only.

    `getrusage()` would count what the process that started this one had.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def open_sockets() -> int:
    """Count the sockets of this process: Linux only."""
    links = [entry.path for entry in os.scandir("/proc/self/fd")]
    return sum([os.readlink(link).startswith("socket:") for link in links if os.path.lexists(link)])


def cost(job: Job) -> Result:
    """Count the calls and the allocations of one request."""
    from .counting import cost_of

    return cost_of(job)._asdict()


BLOCKING: dict[str, Callable[[Job], Result]] = {"load": load_blocking, "peak": peak_blocking}
ASYNC: dict[str, Callable[[Job], Any]] = {"load": load_async, "idle": idle_async, "peak": peak_async}


def run(job: Job) -> Result:
    """Do the job in its world."""
    if job.kind == "cost":
        return cost(job)
    if job.world == "blocking":
        return BLOCKING[job.kind](job)
    if job.world == "trio":
        import trio

        result: Result = trio.run(ASYNC[job.kind], job)
    elif job.world == "uvloop":
        import uvloop

        result = uvloop.run(ASYNC[job.kind](job))
    else:
        import asyncio

        result = asyncio.run(ASYNC[job.kind](job))
    return result


def main() -> None:
    """Do the job that the argument names."""
    print(json.dumps(run(Job(**json.loads(sys.argv[1])))), flush=True)


if __name__ == "__main__":
    main()
