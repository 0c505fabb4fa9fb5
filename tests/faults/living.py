"""Rows 57 to 64: what programs and systems do to a client while it works."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio

import borzoi
from borzoi import ConnectError, Limits, PoolTimeout, Timeout, TransportError
from tests.exchange.cancelling import Patience
from tests.exchange.http_peers import answer, assert_whole, gates, http, pool_of
from tests.exchange.test_cancellation import dribbling, sweep
from tests.exchange.test_interrupts import interrupted
from tests.exchange.test_pool import busy, until, waiting
from tests.worlds.http2_peer import Http2Peer, http2_server
from tests.worlds.peers import RawServer

from .place import HTTP1, Answer, Got, Place
from .table import BOTH, fault


def in_frames(peer: Http2Peer, hold: Callable[[], object]) -> None:
    """Answer each request in pieces over HTTP/2, as `dribbling` does over HTTP/1.1."""
    while True:
        request = peer.request()
        if request.reset_code is None:
            path = request.get(b":path") or b""
            hold()
            peer.respond(request.stream, body=None)
            peer.send_body(request.stream, path)
            peer.send_body(request.stream, b"!" * 20, end=True)


@fault(57, "cancelled wherever it waits, then ten requests", over=BOTH, worlds=("asyncio", "trio"))
async def _(place: Place) -> None:
    patience = Patience()
    over_http1, over_http2 = partial(dribbling, hold=patience.hold), partial(in_frames, hold=patience.hold)
    server = RawServer(over_http1) if place.speech is HTTP1 else http2_server(over_http2)
    with server:
        async with place.client(limits=Limits(max_connections=1, max_keepalive_connections=0)) as client:

            async def ask(client: Any, url: str) -> Any:
                return await patience.asked(client.put(url, content=b"b" * 1000))

            # A connection to this machine is there at once: the answer is waited for at least.
            assert await sweep(place.world, client, f"{server.url}/a", ask, echoes=True) >= 2
            for turn in range(10):
                assert (await client.get(f"{server.url}/{turn}")).text == f"/{turn}" + "!" * 20
            place.assert_whole(client, idle=0)


@fault(58, "a pool without room")
async def _(place: Place) -> None:
    order: list[bytes] = []
    with gates(1) as (go,):

        def respond(asked: Any) -> bytes:
            if asked.target == b"/first":
                server.until(go)
            order.append(asked.target)
            return answer()

        with RawServer(http(respond)) as server:
            async with place.client(limits=Limits(max_connections=1)) as client:
                async with place.world.tasks() as tasks:
                    tasks.start(client.get, f"{server.url}/first")
                    await busy(place.world, client, 1)
                    url = f"{server.url}/late"
                    await place.fails(client, url, PoolTimeout, "0.05 s", timeout=Timeout(20, pool=0.05))
                    for number in range(10):
                        tasks.start(client.get, f"{server.url}/{number}")
                        await waiting(place.world, client, number + 1)
                    go.set()
                place.assert_whole(client, idle=1)
    assert order == [b"/first", *(b"/%d" % number for number in range(10))]


def waiters_of(client: Any) -> int:
    """Return how many requests wait for a connection, or for a place on one."""
    shelf = pool_of(client)._shelf
    return len(shelf.waiters) + sum(len(lane.joiners) for lane in shelf.lanes())


@fault(
    58,
    "a pool without room, whose connections break one after the other: the next in the queue has the room",
    over=BOTH,
)
async def _(place: Place) -> None:
    order: list[str] = []
    with gates(1) as (go,):

        def respond(path: str) -> bool:
            """Take note of a request; return whether it is answered. Two of three connections end instead."""
            if path == "/first":
                server.until(go)
            order.append(path)
            return len(order) % 3 == 0

        def script(peer: Http2Peer) -> None:
            while True:
                request = peer.request()
                if not respond((request.get(b":path") or b"").decode()):
                    peer._sock.shutdown(socket.SHUT_WR)
                    peer.until_closed()
                    return
                peer.respond(request.stream, body=b"ok")

        handler = http(lambda asked: answer() if respond(asked.target.decode()) else None)
        server = RawServer(handler) if place.speech is HTTP1 else http2_server(script, settings={3: 1})
        with server:
            async with place.client(limits=Limits(max_connections=1)) as client:
                outcomes: list[str] = []

                async def ask(path: str) -> None:
                    try:
                        outcomes.append((await client.post(f"{server.url}{path}")).text)
                    except TransportError as error:
                        outcomes.append(type(error).__name__)

                async with place.world.tasks() as tasks:
                    tasks.start(ask, "/first")
                    await busy(place.world, client, 1)
                    for number in range(8):
                        tasks.start(ask, f"/{number}")
                        await until(place.world, lambda number=number: waiters_of(client) == number + 1)
                    go.set()
                place.assert_whole(client, idle=1)
    assert order == ["/first", *(f"/{number}" for number in range(8))]
    assert outcomes.count("ok") == 3


@fault(58, "the one who has the room is cancelled: the next in the queue has it", worlds=("asyncio", "trio"))
async def _(place: Place) -> None:
    with gates(1) as (go,):

        def respond(got: Got) -> Answer:
            if got.path == "/first":
                server.until(go)
            return Answer(body=got.path.encode())

        with place.server(respond) as server:
            async with place.client(limits=Limits(max_connections=1)) as client:
                async with place.world.tasks() as tasks:
                    first = tasks.start(client.get, f"{server.url}/first")
                    await busy(place.world, client, 1)
                    others = []
                    for number in range(3):
                        others.append(tasks.start(client.get, f"{server.url}/{number}"))
                        await until(place.world, lambda number=number: waiters_of(client) == number + 1)
                    first.cancel()
                    # Nothing but the cancellation makes room.
                    await until(place.world, lambda: waiters_of(client) < 3)
                assert first.cancelled
                assert [handle.result.text for handle in others] == ["/0", "/1", "/2"]
                place.assert_whole(client, idle=1)
        go.set()


@fault(59, "a response that is forgotten", over=BOTH)
async def _(place: Place) -> None:
    with place.server(lambda got: Answer(body=b"x" * 3_000_000)) as server:
        async with place.client(limits=Limits(max_connections=1)) as client:
            response = await client.send(client.build_request("GET", server.url), stream=True)
            with pytest.warns(ResourceWarning, match=f"127.0.0.1:{server.port} was neither read"):
                del response
            assert (await client.get(server.url)).text == "x" * 3_000_000
            place.assert_whole(client, idle=1)
        # Over HTTP/2 it is its stream that is given up.
        assert len(server.connections) == (2 if place.speech is HTTP1 else 1)


RUNS: dict[str, Callable[[Callable[[], Awaitable[Any]]], Any]] = {
    "asyncio": lambda body: asyncio.run(body()),  # type: ignore[arg-type]
    "trio": trio.run,
}


@fault(60, "a second event loop, after the first was closed", over=BOTH, worlds=("blocking",))
async def _(place: Place) -> None:
    # From outside of a loop, so in the world without one.
    for first in RUNS.values():
        for second in RUNS.values():
            with place.server(lambda got: Answer(body=got.path.encode())) as server:
                client = borzoi.AsyncClient(timeout=20, **place.speech.settings)

                async def ask(client: Any = client, url: str = server.url) -> str:
                    return str((await client.get(f"{url}/here")).text)

                assert [first(ask), second(ask)] == ["/here", "/here"]
                # The loop that runs next takes over what the other has left idle.
                assert len(server.connections) == 1
                first(client.aclose)


@fault(60, "two event loops at once", over=BOTH, worlds=("blocking",))
async def _(place: Place) -> None:
    with place.server(lambda got: Answer(body=got.path.encode())) as server:
        client = borzoi.AsyncClient(timeout=20, **place.speech.settings)
        barrier = threading.Barrier(2)
        texts: list[str] = []

        async def ask() -> None:
            for number in range(5):
                barrier.wait(20)
                texts.append((await client.get(f"{server.url}/{number}")).text)

        threads = [threading.Thread(target=run, args=(ask,)) for run in RUNS.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(texts) == sorted([f"/{number}" for number in range(5)] * 2)
        asyncio.run(client.aclose())


FORK = """
import os, sys, warnings
import borzoi
warnings.simplefilter("ignore", DeprecationWarning)
client = borzoi.Client(http2=sys.argv[2] == "HTTP/2", http1=sys.argv[2] != "HTTP/2")
def get(path):
    response = client.get(sys.argv[1] + path)
    assert response.text == path
    return response.extensions["network_stream"].get_extra_info("client_addr")
own = get("/parent")
pid = os.fork()
if pid == 0:
    try:
        ok = get("/child") != own
        client.close()
    finally:
        os._exit(0 if ok else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
# The child neither used the connection nor ended it.
assert get("/parent") == own
client.close()
"""


async def _child(*command: str) -> None:
    """Run a program to its end, without a word and without an error."""
    outcome = subprocess.run([sys.executable, "-c", *command], capture_output=True, text=True, timeout=20, check=False)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


@fault(61, "a fork after a request", over=BOTH, worlds=("blocking",))
async def _(place: Place) -> None:
    with place.server(lambda got: Answer(body=got.path.encode())) as server:
        await _child(FORK, server.url, place.speech.name)
        assert len(server.connections) == 2


@fault(62, "sixteen threads, one client", over=BOTH, worlds=("blocking",))
async def _(place: Place) -> None:
    with place.server(lambda got: Answer(body=got.path.encode() + got.body)) as server:
        async with place.client(limits=Limits(max_connections=4)) as client:

            async def several(first: int) -> None:
                for number in range(first, first + 10):
                    body = b"!" * number
                    response = await client.post(f"{server.url}/{number}", content=body)
                    assert response.content == b"/%d" % number + body

            await place.world.gather(*(lambda first=first: several(first) for first in range(0, 160, 10)))
            place.assert_whole(client)


@fault(63, "an interrupt at the n-th call", worlds=("blocking",))
async def _(place: Place) -> None:
    # Every seventh call: the whole sweep is in tests/exchange/test_interrupts.py.
    with RawServer(http(lambda asked: answer())) as server:
        for error in (KeyboardInterrupt, MemoryError):
            with borzoi.Client(limits=Limits(max_connections=1), timeout=Timeout(20, pool=0.5)) as client:
                client.get(server.url)
                for number in range(1, 1000, 7):
                    try:
                        with interrupted(error, number) as hook:
                            client.get(server.url)
                    except error:
                        pass
                    except borzoi.TransportError:
                        assert hook.fired
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", ResourceWarning)
                        assert_whole(client)
                        assert client.get(server.url).text == "ok"
                    if not hook.fired:
                        break


@fault(63, "no descriptor is left")
async def _(place: Place) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with place.server(lambda got: Answer()) as server:
        async with place.client() as client:
            await client.get(server.url)
            url = f"http://127.0.0.2:{server.port}/"
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                await place.fails(client, url, ConnectError, "Too many open files")
                assert (await client.get(server.url)).text == "ok"
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            place.assert_whole(client, idle=1)


@fault(63, "a disk that is full", over=BOTH)
async def _(place: Place) -> None:
    class Full(OSError):
        pass

    def fail(received: Any) -> None:
        raise Full(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with place.server(lambda got: Answer(body=b"x" * 300_000)) as server, TemporaryDirectory() as folder:
        async with place.client() as client:
            response = await client.send(client.build_request("GET", server.url), stream=True)
            missing = Path(folder) / "missing" / "file"
            with pytest.raises(FileNotFoundError):
                await (response.asave(missing) if place.world.is_async else _saved(response, missing))
            place.assert_whole(client)
            with pytest.raises(Full):
                await client.get(server.url, on_download=fail)
            place.assert_whole(client)
            assert list(Path(folder).iterdir()) == []
            assert (await client.get(server.url)).content == b"x" * 300_000


async def _saved(response: Any, path: Path) -> None:
    response.wrapped.save(path)


LEFT_OPEN = """
import sys
import borzoi
client = borzoi.Client(http2=sys.argv[3] == "HTTP/2", http1=sys.argv[3] != "HTTP/2")
assert client.get(sys.argv[1]).text == "ok"
response = client.send(client.build_request("GET", sys.argv[1] + "/large"), stream=True)
assert not response.is_stream_consumed
assert next(response.iter_raw())
"""

LEFT_OPEN_ASYNC = """
import sys
import borzoi
client = borzoi.AsyncClient(http2=sys.argv[3] == "HTTP/2", http1=sys.argv[3] != "HTTP/2")
async def main():
    global response
    assert (await client.get(sys.argv[1])).text == "ok"
    response = await client.send(client.build_request("GET", sys.argv[1] + "/large"), stream=True)
    assert await anext(response.aiter_raw())
if sys.argv[2] == "asyncio":
    import asyncio
    asyncio.run(main())
else:
    import trio
    trio.run(main)
"""


@fault(64, "the end of a program that closed nothing", over=BOTH)
async def _(place: Place) -> None:
    with place.server(lambda got: Answer(body=b"x" * 3_000_000 if got.path == "/large" else b"ok")) as server:
        program = LEFT_OPEN_ASYNC if place.world.is_async else LEFT_OPEN
        await _child(program, server.url, place.world.name, place.speech.name)
