"""61: a fork's child starts anew, and what it inherited goes on working in its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.http_peers import echo_target, http
from tests.worlds.certificates import authority, server_context
from tests.worlds.peers import RawServer

PRELUDE = """
import asyncio, gc, os, sys, threading
import borzoi

url, verify = sys.argv[1], sys.argv[2] or True

def child(work):
    # Fork, let the child work, and return what it exits with.
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        gc.collect()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

BLOCKING = """
client = borzoi.Client(verify=verify)
def ask(path):
    assert client.get(url + path).text == path
ask("/parent1")
def work():
    assert client._transport._sender._shelf.idle() == []
    ask("/child1"); ask("/child2")
    client.close()
assert child(work) == 0
ask("/parent2")
# In the child a response that is half read is broken, and closing it or forgetting it disturbs nobody.
with client.stream("GET", url + "/parent3") as response:
    assert child(response.close) == 0
    def forget():
        global response
        del response
        gc.collect()
    response.read()
    assert response.text == "/parent3"
ask("/parent4")
client.close()
"""

ASYNCIO = """
client = borzoi.AsyncClient(verify=verify)
async def ask(*paths):
    for path in paths:
        assert (await client.get(url + path)).text == path
def work():
    asyncio.run(ask("/child1", "/child2"))
asyncio.run(ask("/parent1"))
# Between two loops, the idle connection waits for the next.
assert child(work) == 0
async def body():
    await ask("/parent2")
    # From inside of a loop, too: the child leaves it and starts one of its own.
    def from_inside():
        asyncio._set_running_loop(None)
        asyncio.set_event_loop(None)
        work()
    assert child(from_inside) == 0
    await ask("/parent3", "/parent4")
    await client.aclose()
asyncio.run(body())
"""

LOCKED = """
# Another thread is inside of the pool while the process forks: its lock is not the child's.
client = borzoi.Client(verify=verify)
def ask(path):
    assert client.get(url + path).text == path
ask("/parent1")
pool = client._transport._sender
held, go = threading.Event(), threading.Event()
def hold():
    with pool.guard:
        held.set()
        go.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
assert child(lambda: (ask("/child1"), ask("/child2"))) == 0
go.set()
thread.join()
ask("/parent2"); ask("/parent3"); ask("/parent4")
client.close()
"""

LOCKED_ASYNCIO = """
client = borzoi.AsyncClient(verify=verify)
async def ask(*paths):
    for path in paths:
        assert (await client.get(url + path)).text == path
asyncio.run(ask("/parent1"))
held, go = threading.Event(), threading.Event()
def hold():
    with client._transport._lock:
        held.set()
        go.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
assert child(lambda: asyncio.run(ask("/child1", "/child2"))) == 0
go.set()
thread.join()
asyncio.run(ask("/parent2", "/parent3", "/parent4"))
asyncio.run(client.aclose())
"""

SCRIPTS = {"blocking": BLOCKING, "asyncio": ASYNCIO, "locked": LOCKED, "locked asyncio": LOCKED_ASYNCIO}


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_child_starts_anew(kind: str, tmp_path: Path, *, tls: bool) -> None:
    """The child opens connections of its own, and the parent's serves on: it saw neither bytes, nor an alert, nor an end."""
    bundle = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(str(bundle))
    lock = threading.Lock()
    targets: list[list[bytes]] = []

    def handler(sock: Any) -> None:
        mine: list[bytes] = []
        with lock:
            targets.append(mine)

        def respond(asked: Any) -> bytes:
            mine.append(asked.target)
            return echo_target(asked)

        http(respond)(sock)

    with RawServer(handler, tls=server_context() if tls else None) as server:
        script = textwrap.dedent(PRELUDE) + SCRIPTS[kind]
        command = [sys.executable, "-W", "error::ResourceWarning", "-c", script, server.url, str(bundle) if tls else ""]
        # Python 3.12 warns of a fork while there are threads, which is what this is about.
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=30, env={**os.environ}, check=False)
        assert (outcome.returncode, outcome.stderr) == (0, "") or "fork() may lead to deadlocks" in outcome.stderr
        assert outcome.returncode == 0, outcome.stderr
    parents = [mine for mine in targets if mine and mine[0].startswith(b"/parent")]
    assert parents == [[b"/parent1", b"/parent2", b"/parent3", b"/parent4"]]
    assert all(target.startswith(b"/child") for mine in targets if mine not in parents for target in mine)
