"""`make restarts ARGS="--requests 100000"`: requests to servers that restart, in each world, by HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import argparse
import importlib
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .record import record, recorded

MEASURE = "restarts"
TARGET = 100_000
"""Requests that may be sent again, in all."""
WORLDS = ("blocking", "asyncio", "trio")
ROUND = 1000
"""Requests to one server."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them. Returns 1 where more than one in ten thousand is lost, or anything is done twice."""
    parser = argparse.ArgumentParser(prog="make restarts", description="Send requests while servers restart.")
    parser.add_argument("--requests", type=int, default=TARGET * 5 // 4, help="how many in all; one in five is a POST")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after so many seconds")
    parser.add_argument("--every", type=int, default=100, help="requests between two restarts")
    options = parser.parse_args(arguments)

    until = time.monotonic() + options.seconds
    seed = len(recorded().get(MEASURE, {}))
    left = options.requests
    whole: Counter[str] = Counter()
    for (world, http2), number in zip(itertools.cycle(itertools.product(WORLDS, (False, True))), itertools.count()):
        if left <= 0 or time.monotonic() > until:
            break
        part = f"{world}, HTTP/{2 if http2 else '1.1'}"
        found = one(world, http2, min(left, ROUND), seed * 1_000_003 + number, options.every)
        left -= ROUND
        whole += found
        record(MEASURE, part, found["safe"], findings_of(found))
    print("\n".join(f"{count:>9,}  {what}" for what, count in sorted(whole.items())))
    return 1 if findings_of(whole) else 0


def one(world: str, http2: bool, requests: int, seed: int, every: int) -> Counter[str]:
    """Run one round."""
    restarting: Any = importlib.import_module("tests.endurance.restarting")
    worlds: Any = importlib.import_module("tests.worlds.world").WORLDS
    found: Counter[str] = restarting.round_of(worlds[world], http2=http2, requests=requests, seed=seed, every=every)
    return found


def findings_of(found: Counter[str]) -> int:
    """Return how many POSTs were done twice, and how many others were lost beyond one in ten thousand."""
    beyond = found["safe failed"] - found["safe"] // 10_000
    return found["twice"] + max(0, beyond)


if __name__ == "__main__":
    raise SystemExit(main())
