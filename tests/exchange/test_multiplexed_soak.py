"""A long run over HTTP/2 with cancellations, resets and GOAWAYs: nothing is lost, mixed up, or kept.

In the suite it is short. `BORZOI_SOAK_REQUESTS=10000 make test ARGS=tests/exchange/test_multiplexed_soak.py` is the
whole of it, as `.ci/nightly` runs it.
"""

from __future__ import annotations

import gc
import itertools
import os
import random
import socket
import threading
from collections import Counter
from typing import Any

import pytest

from borzoi import Limits, RemoteProtocolError
from tests.exchange.http2_scripts import assert_settled, http2_client
from tests.exchange.http_peers import pool_of
from tests.wire.http2_scripting import SETTLED, data, goaway, headers, reset, window
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS, World

REQUESTS = int(os.environ.get("BORZOI_SOAK_REQUESTS", "1000"))
"""How many requests in all."""

GOAWAY_EVERY = max(50, REQUESTS // 10)
IN_FLIGHT = 20
MOST_GROWTH = 800
"""Objects more after the second half than after the first: each connection remembers the heads of 64 requests."""

REFUSED_STREAM, INTERNAL_ERROR = 7, 2


class Server:
    """Answer each request with its body; reset one in a hundred, and say GOAWAY every so many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.said: Counter[str] = Counter()
        self.served: Counter[bytes] = Counter()

    def __call__(self, sock: socket.socket) -> None:
        sock.sendall(SETTLED + window(0, 2**30))
        held = b""
        start, last = 24, 2**31
        while more := sock.recv(65536):
            held += more
            out = b""
            while len(held) >= start + 9 and len(held) >= start + 9 + int.from_bytes(held[start : start + 3], "big"):
                end = start + 9 + int.from_bytes(held[start : start + 3], "big")
                kind, flags, stream = (
                    held[start + 3],
                    held[start + 4],
                    int.from_bytes(held[start + 5 : start + 9], "big"),
                )
                body = held[start + 9 : end]
                held, start = held[end:], 0
                # The body ends a request. Beyond a GOAWAY nothing is acted upon.
                if kind == 0 and flags & 1 and stream <= last:
                    said, leaves = self._answer(stream, body)
                    out += said
                    last = stream if leaves else last
            sock.sendall(out)

    def _answer(self, stream: int, body: bytes) -> tuple[bytes, bool]:
        """Return what is said to a request, and whether it is the last."""
        with self._lock:
            number = next(self._numbers)
            if number % 100 == 50:
                code = REFUSED_STREAM if number % 200 == 50 else INTERNAL_ERROR
                self.said["refused" if code == REFUSED_STREAM else "reset"] += 1
                return reset(stream, code), False
            self.served[body] += 1
            leaves = number % GOAWAY_EVERY == 0
            self.said["goaway"] += leaves
            return headers(stream) + (goaway(stream) if leaves else b"") + data(stream, body, end=True), leaves


class Client:
    """Send numbered requests, one in a hundred of which is given up; count what became of them."""

    def __init__(self, world: World, client: Any, url: str) -> None:
        self._world = world
        self._client = client
        self._url = url
        self._chance = random.Random(9)
        self.outcomes: Counter[str] = Counter()
        self.errors: list[str] = []

    async def ask(self, number: int) -> None:
        """Send one, and hold the answer against it."""
        if number % 100 == 3:
            await self._give_up(number)
            return
        body = b"%d:" % number + b"x" * (number % 500)
        try:
            response = await self._client.post(self._url, content=body)
        except RemoteProtocolError as error:
            self.errors.append(str(error))
            self.outcomes["reset"] += 1
        else:
            assert response.content == body
            self.outcomes["answered"] += 1

    async def _give_up(self, number: int) -> None:
        self.outcomes["given up"] += 1
        try:
            if self._world.is_async and number % 200 == 3:
                async with self._world.move_on_after(self._chance.random() * 0.002):
                    await self._client.post(self._url, content=b"given up")
            else:
                async with self._client.stream("POST", self._url, content=b"given up"):
                    pass
        except RemoteProtocolError as error:
            self.errors.append(str(error))

    async def ask_all(self, numbers: range) -> None:
        """Send them all, so many at once."""
        left = iter(numbers)
        lock = threading.Lock()

        def following() -> int | None:
            with lock:
                return next(left, None)

        async def work() -> None:
            while (number := following()) is not None:
                await self.ask(number)

        await self._world.gather(*[work] * IN_FLIGHT)


def objects() -> int:
    """Return how many objects there are."""
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.parametrize(("name", "share"), [("asyncio", 1.0), ("trio", 0.3), ("blocking", 0.3)])
def test_a_long_run(name: str, share: float) -> None:
    """Every request is answered with its own body, or was reset; none is served twice, and nothing is left of any."""
    world = WORLDS[name]
    requests = int(REQUESTS * share) // 2 * 2
    script = Server()

    async def body() -> None:
        limits = Limits(max_connections=4)
        async with http2_client(world, http1=False, limits=limits, client={"timeout": 20}) as wrapped:
            client = Client(world, wrapped, server.url)
            sizes = []
            for half in (range(requests // 2), range(requests // 2, requests)):
                await client.ask_all(half)
                assert_settled(wrapped)
                # What the server keeps of connections that are over is not ours.
                server.connections.clear()
                server._threads[:] = [thread for thread in server._threads if thread.is_alive()]
                sizes.append(objects())
            assert sizes[1] - sizes[0] < MOST_GROWTH
            assert client.outcomes.total() == requests
            assert [error for error in client.errors if "INTERNAL_ERROR" not in error] == []
            assert client.outcomes["reset"] <= script.said["reset"] <= requests // 100 + 1
            assert client.outcomes["answered"] >= requests * 0.98 - script.said["reset"]
            assert len(pool_of(wrapped)._shelf.idle()) <= 4

    with RawServer(script) as server:
        world.run(body)
    assert script.said["refused"] > 0
    assert script.said["goaway"] > 0
    twice = {body: count for body, count in script.served.items() if count > 1 and body != b"given up"}
    assert twice == {}
