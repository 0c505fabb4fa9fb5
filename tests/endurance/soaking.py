"""A mixed load over several worlds, in rounds, and what is left after each: memory, descriptors, threads, tasks.

Clients live as long as the soak does. Each round runs in a fresh event loop, so that what outlives a loop shows; what is
counted is counted between two rounds, when nothing is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

import trio

from borzoi import HTTPError, Limits, Timeout
from tests.exchange.http2_scripts import answering
from tests.exchange.http_peers import Asked, Reader, answer, chunked, without_delay
from tests.worlds.certificates import authority, server_context
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer, reset
from tests.worlds.test_sse import subscribed
from tests.worlds.websocket_peers import Peer, switching, websocket
from tests.worlds.world import WORLDS, World

NAMES = ("blocking", "asyncio", "uvloop", "trio")
IN_FLIGHT = 4
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 31\r\n\r\ndata: 1\n\ndata: 2\n\ndata: three\n\n"  # fmt: skip
PARTS = [bytes([65 + place]) * 1000 for place in range(20)]


class Places(NamedTuple):
    """Where the servers are, and whom to trust."""

    plain: str
    secure: str
    http2: str
    authority: bytes


# The servers.


def serve(sock: socket.socket) -> None:
    """Answer requests as their paths ask for it."""
    without_delay(sock)
    reader = Reader(sock)
    while (asked := reader.request()) is not None:
        if asked.target == b"/socket":
            sock.sendall(switching(asked.head + b"\r\n"))
            Peer(sock, asked.head).echo()
            return
        if asked.target == b"/slow":
            sock.recv(1)
            return
        if asked.target == b"/reset":
            reset(sock)
            return
        sock.sendall(_said(asked))


def _said(asked: Asked) -> bytes:
    if asked.target == b"/events":
        return EVENTS
    if asked.target == b"/rubbish":
        return b"HTTP/1.1 2x0\r\n\r\n"
    if asked.target == b"/stream":
        return chunked(*PARTS)
    return answer(asked.body or asked.target)


def serve_http2(peer: Http2Peer, request: Request) -> None:
    """The same, as far as it goes."""
    path = request.get(b":path") or b""
    if path == b"/reset":
        peer.reset(request.stream, 2)
    elif path == b"/stream":
        peer.respond(request.stream, body=b"".join(PARTS))
    elif path != b"/slow":
        peer.respond(request.stream, body=bytes(request.body) or path)


@contextlib.contextmanager
def serving() -> Iterator[tuple[Places, Callable[[], None]]]:
    """Serve until the block ends; give the places, and what forgets connections that are over."""
    servers = [RawServer(serve), RawServer(serve, tls=server_context()), http2_server(answering(serve_http2), tls=True)]

    def forget() -> None:
        for server in servers:
            server._threads[1:] = [thread for thread in server._threads[1:] if thread.is_alive()]
            server.connections[:] = [sock for sock in server.connections if sock.fileno() >= 0]
            server.errors.clear()

    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(server).url for server in servers]
        yield Places(*urls, authority().cert_pem.bytes()), forget


# The load.


class Load:
    """What one world does, round after round."""

    def __init__(self, name: str, places: Places, seed: int) -> None:
        self.world: World = WORLDS[name]
        self._places = places
        self._chance = random.Random(f"{name} {seed}")
        context = ssl.create_default_context(cadata=places.authority.decode())
        limits = Limits(max_connections=IN_FLIGHT)
        settings: dict[str, Any] = {"limits": limits, "verify": context, "timeout": Timeout(10), "trust_env": False}
        self._client = self.world.client(**settings)
        self._http2 = self.world.client(**settings, http1=False, http2=True)
        self.outcomes: Counter[str] = Counter()
        self.left_tasks = 0

    def run(self, count: int) -> None:
        """Do so many things, so many at once."""
        self.world.run(self._round, count)

    def close(self) -> None:
        """Close the clients."""
        self.world.run(self._close)

    async def _close(self) -> None:
        await self._client.aclose()
        await self._http2.aclose()

    async def _round(self, count: int) -> None:
        left = iter([self._chance.choice(self._things) for _ in range(count)])
        lock = threading.Lock()
        # The first request of a loop begins what lives as long as the loop: the pump, under trio.
        await self._get()
        before = _tasks(self.world)

        async def work() -> None:
            while True:
                with lock:
                    thing = next(left, None)
                if thing is None:
                    return
                await self._do(thing)

        await self.world.gather(*[work] * IN_FLIGHT)
        self.left_tasks = max(self.left_tasks, _tasks(self.world) - before)

    async def _do(self, thing: Callable[[Load], Awaitable[None]]) -> None:
        try:
            await thing(self)
        except HTTPError as error:
            self.outcomes[f"{thing.__name__.strip('_')}: {type(error).__name__}"] += 1
        else:
            self.outcomes[thing.__name__.strip("_")] += 1

    async def _get(self) -> None:
        response = await self._client.get(f"{self._places.plain}/a")
        assert response.text == "/a"

    async def _post(self) -> None:
        response = await self._client.post(f"{self._places.secure}/a", content=b"x" * self._chance.randrange(1, 20_000))
        assert set(response.content) == {120}

    async def _secure(self) -> None:
        assert (await self._client.get(f"{self._places.secure}/b")).text == "/b"

    async def _stream(self) -> None:
        async with self._client.stream("GET", f"{self._places.plain}/stream") as response:
            assert await response.aread() == b"".join(PARTS)

    async def _leave(self) -> None:
        async with self._client.stream("GET", f"{self._places.secure}/stream") as response:
            assert response.status_code == 200

    async def _cancel(self) -> None:
        if self.world.is_async:
            async with self.world.move_on_after(self._chance.random() * 0.003):
                await self._client.get(f"{self._places.plain}/{self._chance.choice(('slow', 'stream'))}")

    async def _too_slow(self) -> None:
        await self._client.get(f"{self._places.plain}/slow", timeout=0.005)

    async def _reset(self) -> None:
        await self._client.get(f"{self._places.plain}/reset")

    async def _rubbish(self) -> None:
        await self._client.get(f"{self._places.plain}/rubbish")

    async def _events(self) -> None:
        async with subscribed(self._client, f"{self._places.plain}/events") as source:
            assert [event.data async for event in source] == ["1", "2", "three"]

    async def _websocket(self) -> None:
        async with websocket(self.world, self._client, f"{self._places.plain}/socket") as session:
            for message in ("a", "b" * 2000):
                await session.send_text(message)
                assert await session.receive_text() == message

    async def _http2_get(self) -> None:
        assert (await self._http2.get(f"{self._places.http2}/c")).text == "/c"

    async def _http2_post(self) -> None:
        body = b"y" * self._chance.randrange(1, 20_000)
        assert (await self._http2.post(f"{self._places.http2}/c", content=body)).content == body

    async def _http2_leave(self) -> None:
        async with self._http2.stream("GET", f"{self._places.http2}/stream") as response:
            assert response.status_code == 200

    async def _http2_reset(self) -> None:
        await self._http2.get(f"{self._places.http2}/reset")

    async def _http2_cancel(self) -> None:
        if self.world.is_async:
            async with self.world.move_on_after(self._chance.random() * 0.003):
                await self._http2.get(f"{self._places.http2}/slow")

    _things = (
        _get, _get, _post, _secure, _stream, _leave, _cancel, _too_slow, _reset, _rubbish, _events, _websocket, _http2_get,
        _http2_get, _http2_post, _http2_leave, _http2_reset, _http2_cancel,
    )  # fmt: skip


def _tasks(world: World) -> int:
    if world.name == "trio":
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks()) if world.is_async else 0


# What is left.


class Sample(NamedTuple):
    """What there is between two rounds."""

    kib: int
    descriptors: int
    threads: int


def sample() -> Sample:
    """Count."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return Sample(pages * os.sysconf("SC_PAGE_SIZE") // 1024, len(os.listdir("/dev/fd")), threading.active_count())


class Soak:
    """Loads of several worlds, a round of each at the same time."""

    def __init__(self, places: Places, seed: int = 0, names: tuple[str, ...] = NAMES) -> None:
        self.loads = [Load(name, places, seed) for name in names]
        self.errors: list[BaseException] = []

    def round(self, count: int) -> Sample:
        """Have each world do so many things; return what is left then. Raises what any of them raised."""
        threads = [threading.Thread(target=self._run, args=(load, count)) for load in self.loads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]
        return sample()

    def _run(self, load: Load, count: int) -> None:
        try:
            load.run(count)
        except BaseException as error:  # noqa: BLE001 - it is raised where the rounds are counted
            self.errors.append(error)

    def close(self) -> Counter[str]:
        """Close all clients; return what was done."""
        done: Counter[str] = Counter()
        for load in self.loads:
            load.close()
            done += load.outcomes
        return done
