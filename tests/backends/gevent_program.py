"""A program under gevent's monkey patching, run by `test_gevent.py` in a process of its own.

    python -m tests.backends.gevent_program before|after

The client is imported before or after the patching. It prints what it has seen, as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

if sys.argv[1] == "after":
    # Modules, a client with its locks, and all that a first request would import.
    import borzoi
    import borzoi._backends.blocking_tls
    import borzoi._exchange.traced

    CLIENT = borzoi.Client(limits=borzoi.Limits(max_connections=20), timeout=20, trust_env=False)

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402
import gevent.event  # noqa: E402

import borzoi  # noqa: E402
from borzoi import Limits, Timeout  # noqa: E402
from tests.exchange.http_peers import Asked, echo_target, http  # noqa: E402
from tests.worlds.certificates import client_context, server_context  # noqa: E402
from tests.worlds.peers import RawServer  # noqa: E402

if sys.argv[1] == "before":
    CLIENT = borzoi.Client(limits=Limits(max_connections=20), timeout=20, trust_env=False)

GREENLETS = 100
EACH = 10


def ask_for_all(client: borzoi.Client, url: str, greenlets: int, each: int) -> int:
    """Send requests from many greenlets at once; return how many were answered as they should be."""

    def ask(number: int) -> int:
        targets = [f"/{number}/{turn}" for turn in range(each)]
        return sum(client.get(f"{url}{target}").text == target for target in targets)

    jobs = [gevent.spawn(ask, number) for number in range(greenlets)]
    gevent.joinall(jobs, timeout=40, raise_error=True)
    return sum(job.value or 0 for job in jobs)


def many_at_once() -> dict[str, Any]:
    """Have the server wait for as many requests as there are connections: a client that blocks the others hangs."""
    arrived = 0
    all_here = gevent.event.Event()

    def respond(asked: Asked) -> bytes:
        nonlocal arrived
        arrived += 1
        if arrived == 20:
            all_here.set()
        assert all_here.wait(20)
        return echo_target(asked)

    with CLIENT as client, RawServer(http(respond)) as server:
        answered = ask_for_all(client, f"http://localhost:{server.port}", GREENLETS, EACH)
        stats = client.pool_stats()
        return {"answered": answered, "opened": stats.opened, "lookups": stats.dns_lookups, "busy": stats.busy}


def over_tls() -> dict[str, Any]:
    """Do the same over TLS."""
    limits = Limits(max_connections=4)
    with (
        RawServer(http(echo_target), tls=server_context()) as server,
        borzoi.Client(limits=limits, verify=client_context(), timeout=20, trust_env=False) as client,
    ):
        answered = ask_for_all(client, f"https://localhost:{server.port}", 12, 3)
        return {"tls_answered": answered, "tls_opened": client.pool_stats().opened}


def giving_up() -> dict[str, Any]:
    """Let time-outs and gevent's own ends of greenlets find a server that does not answer."""
    limits = Limits(max_connections=1)
    silence = gevent.event.Event()

    def respond(asked: Asked) -> bytes:
        if asked.target != b"/answered":
            silence.wait(20)
        return echo_target(asked)

    def fail(client: borzoi.Client, url: str) -> str:
        try:
            client.get(url)
        except borzoi.TimeoutException as error:
            return type(error).__name__
        return "answered"

    with RawServer(http(respond)) as server:
        with borzoi.Client(limits=limits, timeout=Timeout(20, read=0.2, pool=0.05), trust_env=False) as client:
            jobs = [gevent.spawn(fail, client, server.url) for _ in range(2)]
            gevent.joinall(jobs, timeout=20)
            failed = sorted(str(job.value) for job in jobs)
        with borzoi.Client(limits=limits, timeout=20, trust_env=False) as client:
            killed = gevent.spawn(client.get, server.url)
            limited = gevent.spawn(gevent.with_timeout, 0.05, client.get, server.url, timeout_value="over")
            limited.join(20)
            killed.kill()
            left = client.pool_stats().busy + client.pool_stats().waiting
            answered = client.get(f"{server.url}/answered").text
        silence.set()
    return {"failed": failed, "limited": limited.value, "left": left, "answered_after": answered}


sys.stdout.write(json.dumps({**many_at_once(), **over_tls(), **giving_up()}))
