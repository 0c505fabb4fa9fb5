"""Servers on loopback that restart again and again, and clients that go on: what is lost, and what is done twice?

    outcome = round_of(world, http2=True, requests=500, seed=1)

After so many requests a server closes its listener and all connections, at once (RST, whatever is under way) or as it
should (what was received is answered, then FIN, or GOAWAY), and listens on the same port again.
"""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol, Self

from borzoi import Limits, TransportError
from borzoi._wire.hpack import Decoder
from borzoi._wire.http2_frames import PREFACE
from borzoi.openapi.runtime.retries import Retries
from tests.exchange.http_peers import assert_whole, network_client, without_delay
from tests.wire.http2_scripting import SETTLED, data, goaway, headers, window
from tests.worlds.world import World

IN_FLIGHT = 8
RETRIES = 6
"""How often connecting is tried again, and after that the request."""


class Side(Protocol):
    """The server's side of a connection."""

    opening: bytes

    def receive(self, received: bytes) -> list[tuple[int, str, str]]:
        """Return the requests that are whole now: a number to answer to, the method and the name."""
        ...

    def answer(self, number: int, name: str, *, is_last: bool) -> bytes:
        """Return the answer to one."""
        ...

    def goodbye(self) -> bytes:
        """Return what is said before the end."""
        ...


class Http1Side:
    """HTTP/1.1."""

    opening = b""

    def __init__(self) -> None:
        self._held = b""

    def receive(self, received: bytes) -> list[tuple[int, str, str]]:
        """Return the requests that are whole now."""
        self._held += received
        found: list[tuple[int, str, str]] = []
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            size = end + 4 + (4 if method == "POST" else 0)
            if len(self._held) < size:
                break
            self._held = self._held[size:]
            found.append((0, method, target.removeprefix("/")))
        return found

    def answer(self, number: int, name: str, *, is_last: bool) -> bytes:
        """Return the answer to one."""
        more = "Connection: close\r\n" if is_last else ""
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n{more}\r\n{name}".encode()

    def goodbye(self) -> bytes:
        """Return nothing: the end says it."""
        return b""


class Http2Side:
    """HTTP/2."""

    opening = SETTLED + window(0, 2**30)

    def __init__(self) -> None:
        self._held = b""
        self._decoder = Decoder()
        self._asked: dict[int, tuple[str, str]] = {}
        self._last = 0

    def receive(self, received: bytes) -> list[tuple[int, str, str]]:
        """Return the requests that are whole now."""
        self._held = (self._held + received).removeprefix(PREFACE)
        found: list[tuple[int, str, str]] = []
        while len(self._held) >= 9 and not PREFACE.startswith(self._held):
            size = 9 + int.from_bytes(self._held[:3], "big")
            if len(self._held) < size:
                break
            frame, self._held = self._held[:size], self._held[size:]
            kind, flags, stream = frame[3], frame[4], int.from_bytes(frame[5:9], "big")
            if kind == 1:
                fields = dict(self._decoder.decode(frame[9:]))
                self._asked[stream] = fields[b":method"].decode(), fields[b":path"].decode().removeprefix("/")
            if kind in (0, 1) and flags & 1:
                self._last = stream
                found.append((stream, *self._asked.pop(stream)))
        return found

    def answer(self, number: int, name: str, *, is_last: bool) -> bytes:
        """Return the answer to one."""
        return headers(number) + data(number, name.encode(), end=True)

    def goodbye(self) -> bytes:
        """Return GOAWAY with the last request that was acted upon."""
        return goaway(self._last)


class RestartingServer:
    """One thread that serves all connections, and restarts after every so many requests."""

    def __init__(self, *, http2: bool, every: int, seed: int) -> None:
        self._kind: type[Any] = Http2Side if http2 else Http1Side
        self._every = every
        self._chance = random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._sides: dict[socket.socket, Side] = {}
        self._due = every
        self._port = 0
        self._listener = self._listen()
        self._port = self._listener.getsockname()[1]
        self._ending, self._end = socket.socketpair()
        self._selector.register(self._ending, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="restarting", daemon=True)
        self.url = f"http://127.0.0.1:{self._port}"
        self.received: Counter[str] = Counter()
        """How often each request was acted upon."""
        self.restarts: Counter[str] = Counter()

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(128)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        return listener

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not end"
        for sock in (*self._sides, self._listener, self._ending):
            sock.close()
        self._selector.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._ending:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._sides:
                    self._serve(key.fileobj)  # type: ignore[arg-type]

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = self._listener.accept()
                without_delay(sock)
                self._sides[sock] = side = self._kind()
                self._selector.register(sock, selectors.EVENT_READ)
                sock.sendall(side.opening)

    def _serve(self, sock: socket.socket) -> None:
        side = self._sides[sock]
        try:
            received = sock.recv(65536)
        except OSError:
            received = b""
        if not received:
            self._drop(sock)
            return
        asked = side.receive(received)
        self.received.update(f"{method} {name}" for _, method, name in asked)
        if self.received.total() >= self._due:
            self._due += self._every
            self._restart(sock, asked)
        else:
            self._answer(sock, asked, is_last=False)

    def _answer(self, sock: socket.socket, asked: list[tuple[int, str, str]], *, is_last: bool) -> None:
        side = self._sides[sock]
        said = b"".join(side.answer(number, name, is_last=is_last) for number, _, name in asked)
        with contextlib.suppress(OSError):
            sock.sendall(said + (side.goodbye() if is_last else b""))

    def _restart(self, sock: socket.socket, asked: list[tuple[int, str, str]]) -> None:
        is_abrupt = self._chance.random() < 0.5
        self.restarts["abrupt" if is_abrupt else "graceful"] += 1
        if not is_abrupt:
            # Who is in the queue of the listener would be reset with it.
            self._accept()
        self._selector.unregister(self._listener)
        self._listener.close()
        for other in list(self._sides):
            if is_abrupt:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._finish(other, asked if other is sock else [])
            self._drop(other)
        self._listener = self._listen()

    def _finish(self, sock: socket.socket, asked: list[tuple[int, str, str]]) -> None:
        """Answer what has come, and say goodbye."""
        more: list[tuple[int, str, str]] = []
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            while received := sock.recv(65536):
                more += self._sides[sock].receive(received)
        self.received.update(f"{method} {name}" for _, method, name in more)
        self._answer(sock, asked + more, is_last=True)

    def _drop(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)
        del self._sides[sock]
        sock.close()


class Asker:
    """Send numbered requests by the documented rules for retries, and count what became of them."""

    def __init__(self, world: World, client: Any, url: str) -> None:
        self._backend = world.backend()
        self._client = client
        self._url = url
        self.outcomes: Counter[str] = Counter()
        self.errors: list[str] = []

    async def ask(self, number: int) -> None:
        """Send one: a POST in five."""
        method = "POST" if number % 5 == 4 else ("GET", "GET", "PUT", "DELETE")[number % 4]
        request = {"method": method, "content": b"body" if method == "POST" else None}
        kind = "POST" if method == "POST" else "safe"
        try:
            response = await self._send(number, request)
        except TransportError as error:
            self.outcomes[f"{kind} failed"] += 1
            self.errors.append(f"{method}: {type(error).__name__}: {error}")
        else:
            assert response.text == str(number), f"{number} was given {response.text}"
            self.outcomes[kind] += 1

    async def _send(self, number: int, request: dict[str, Any]) -> Any:
        """Send one as generated clients do that are given `retries=`."""
        retries = Retries(RETRIES, request)
        while True:
            try:
                return await self._client.request(url=f"{self._url}/{number}", **request)
            except TransportError as error:
                pause = retries.pause_after(error)
                if pause is None:
                    raise
                self.outcomes["sent again"] += 1
                await self._backend.sleep(pause)


def numbers_for(count: int) -> tuple[Iterator[int], threading.Lock]:
    """Return numbers that several share."""
    return iter(range(count)), threading.Lock()


def round_of(world: World, *, http2: bool, requests: int, seed: int, every: int = 100) -> Counter[str]:
    """Send so many requests to a server that restarts; return what became of them, and how often it restarted.

    Raises AssertionError where a response was another request's, or the pool is not whole.
    """
    numbers, lock = numbers_for(requests)
    outcomes: Counter[str] = Counter()

    def following() -> int | None:
        with lock:
            return next(numbers, None)

    async def body() -> None:
        settings = {"limits": Limits(max_connections=IN_FLIGHT), "retries": RETRIES, "client": {"timeout": 20}}
        async with network_client(world, http1=not http2, http2=http2, **settings) as client:
            asker = Asker(world, client, server.url)

            async def work() -> None:
                while (number := following()) is not None:
                    await asker.ask(number)

            await world.gather(*[work] * IN_FLIGHT)
            assert_whole(client)
        outcomes.update(asker.outcomes)
        outcomes.update(f"failed {error}" for error in asker.errors if not error.startswith("POST"))

    with RestartingServer(http2=http2, every=every, seed=seed) as server:
        world.run(body)
    outcomes["twice"] = sum(count > 1 for name, count in server.received.items() if name.startswith("POST "))
    return outcomes + Counter({f"{kind} restarts": count for kind, count in server.restarts.items()})
