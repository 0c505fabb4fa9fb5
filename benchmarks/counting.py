"""What one request costs where no clock is needed: calls that the client's thread makes, and blocks that it allocates.

    python -m benchmarks.counting

A call is one of a Python function, a step of a coroutine, or a call of a C function. Allocations are what the count of
allocated blocks grew by between one call and the next, added up: memory that free lists give does not count, and the
frame that is shown to whoever watches a call does. Both are the least of some requests, after a warm-up and without
the garbage collector: they are the same on every machine, but not on every version of Python. The peer is a thread
that is not counted, and allocates nothing.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType
from typing import NamedTuple

from . import async_clients, blocking_clients
from .async_clients import Call
from .job import Job

WARM_UP = 200
"""Requests before those that are counted: caches are full by then."""

COUNTED = 40
"""Requests of which the least counts. The other ones were disturbed, by a timer or by an event that came late."""

ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 22 Nov 2026 22:48:03 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"
)


class Cost(NamedTuple):
    """What one request costs."""

    calls: int
    allocations: int


class Counter:
    """Count what this thread does between `start()` and `stop()`."""

    def __init__(self) -> None:
        self._calls = bytearray()
        self._blocks = array("q")

    def start(self) -> None:
        """Begin at zero."""
        self._calls.clear()
        del self._blocks[:]
        sys.setprofile(self._on_event)

    def stop(self) -> Cost:
        """Return what was done since."""
        # The last two calls are that of this method and the first of `len()`. What hears of `setprofile()` comes after.
        calls, blocks = len(self._calls) - 2, len(self._blocks)
        sys.setprofile(None)
        grown = sum([max(0, later - earlier) for earlier, later in pairwise(self._blocks[:blocks])])
        return Cost(calls, grown)

    def _on_event(self, _: FrameType, event: str, __: object) -> None:
        # Nothing that this keeps is counted: numbers in buffers that are larger than a block.
        self._blocks.append(sys.getallocatedblocks())
        if event.endswith("call"):
            self._calls.append(1)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector away."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def count_blocking(call: Callable[[], object]) -> Cost:
    """Return what one request of a blocking client costs."""
    counter = Counter()
    for _ in range(WARM_UP):
        call()
    found: list[Cost] = []
    with uncollected():
        for _ in range(COUNTED):
            counter.start()
            call()
            found.append(counter.stop())
    return least(found)


async def count_async(call: Call) -> Cost:
    """Return what one request costs on an event loop, the loop's own steps included."""
    counter = Counter()
    for _ in range(WARM_UP):
        await call()
    found: list[Cost] = []
    with uncollected():
        for _ in range(COUNTED):
            counter.start()
            await call()
            found.append(counter.stop())
    return least(found)


def least(found: list[Cost]) -> Cost:
    """Return the fewest calls and the fewest allocations."""
    return Cost(min(cost.calls for cost in found), min(cost.allocations for cost in found))


@contextmanager
def trivial_peer() -> Iterator[str]:
    """Answer each request of one connection with the same bytes, on a thread; the URL is what is given."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/small"
    thread.join(10)


def _answer(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    # A request comes in one piece, and is smaller than this.
    buffer = bytearray(65536)
    with sock:
        while sock.recv_into(buffer):
            sock.sendall(ANSWER)


def cost_of(job: Job) -> Cost:
    """Return what one request of a job costs."""
    if job.world == "blocking":
        with blocking_clients.CLIENTS[job.client](job) as call:
            return count_blocking(call)

    async def count() -> Cost:
        async with async_clients.CLIENTS[job.client](job) as call:
            return await count_async(call)

    return asyncio.run(count())


def main() -> None:
    """Print what a plain GET costs in each of two worlds."""
    found = {}
    for world in ("asyncio", "blocking"):
        with trivial_peer() as url:
            found[world] = cost_of(Job(world=world, url=url))._asdict()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
