"""Sequences of requests with hostile peers and cancellations, in memory: whose response is whose?

    result = sequence(seed)  # raises AssertionError, with the seed in it, where a request was given another's response

A seed is the whole of a sequence. The tasks of one share a pool; chance says whose turn it is, who is broken off, and
what peers do.
"""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

from borzoi import AsyncHTTPTransport, Limits, Request, RequestError, Response
from borzoi._client import transports
from tests.exchange.http_peers import assert_whole

from .duplex import DuplexBackend
from .http1_liar import Http1Liar
from .http2_liar import Http2Liar
from .ledger import Ledger, body_of
from .schedule import BrokenOff, Schedule

TIMEOUTS = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}


class Task:
    """One of those that send over a pool."""

    def __init__(self, chance: random.Random, pool: Any, ledger: Ledger, number: int) -> None:
        self._chance = chance
        self._pool = pool
        self._ledger = ledger
        self._number = number

    async def run(self) -> None:
        """Send some requests, one after the other."""
        try:
            for turn in range(self._chance.randint(1, 3)):
                await self._ask(f"{self._number}-{turn}")
        except BrokenOff:
            self._ledger.broken_off += 1
            raise

    async def _ask(self, name: str) -> None:
        method = self._chance.choice(("GET", "GET", "POST", "HEAD"))
        content = {"content": b"body"} if method == "POST" else {}
        request = Request(method, f"http://example.org/{name}", extensions={"timeout": TIMEOUTS}, **content)
        try:
            response = await self._pool.send(request)
            if self._ledger.check(name, response.headers["x-id"]):
                await self._read(response, name, method)
        except RequestError:
            self._ledger.failed += 1
        if method == "POST":
            assert self._ledger.acted_upon[name] <= 1, f"POST {name} was sent twice"

    async def _read(self, response: Response, name: str, method: str) -> None:
        way = self._chance.random()
        if way < 0.1:
            await response.aclose()
        elif way < 0.2:
            async for piece in response.aiter_raw():
                assert body_of(name, 9).startswith(piece)
                break
            await response.aclose()
        else:
            found = await response.aread()
            count = int(response.headers.get("x-count", 2))
            assert found == (b"" if method == "HEAD" else body_of(name, count)), f"{name} was given {found!r}"
        self._ledger.right += 1


def sequence(seed: int) -> Counter[str]:
    """Run one sequence; return how many requests were answered, failed, were broken off. Raises AssertionError."""
    chance = random.Random(seed)
    clock, ledger = Schedule(), Ledger()
    http2 = chance.random() < 0.5
    liar = Http2Liar if http2 else Http1Liar
    backend: Any = DuplexBackend(lambda host, port: liar(chance, clock, ledger, len(backend.streams)), clock)
    limits = Limits(max_connections=chance.randint(1, 3), keepalive_expiry=chance.choice((1.0, 5.0)))
    dialer = _dialers[http2]
    pool: Any = transports._pool(backend, dialer, limits, blocking=False, clock=None)
    tasks = [Task(chance, pool, ledger, number) for number in range(chance.randint(1, 4))]
    try:
        clock.run([task.run() for task in tasks], chance, chance.choice((0, 0.01, 0.05)))
        assert_whole(SimpleNamespace(_transport=SimpleNamespace(_sender=pool)))
    except BaseException as error:
        raise AssertionError(f"sequence({seed}): {type(error).__name__}: {error}") from error
    finally:
        pool.close()
    return Counter(right=ledger.right, failed=ledger.failed, broken_off=ledger.broken_off, excused=ledger.excused)


_dialers = {
    http2: AsyncHTTPTransport(verify=False, http1=not http2, http2=http2, trust_env=False)._dialer
    for http2 in (False, True)
}
