"""63: the n-th call of the system fails, for every n: the pool is whole, nothing is left, and the next request succeeds.

Of each call that a back end makes of the system or of the loop, one after the other fails once: receiving, sending,
connecting, looking a name up, taking a lock. `TORTURE=deep` has more kinds of requests go through it. Each sweep ends with
a request that makes fewer calls than the one that was to fail, and has failed some before.

In an event loop an interrupt ends the loop, or is a cancellation, which is swept elsewhere; and what the loop's own poll
raises is the loop's. There the errors are those that the calls of a stream can have.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import h2.exceptions
import pytest

import borzoi
from borzoi import Limits, Timeout
from borzoi._backends.blocking import BlockingBackend
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS

from .place import HTTP1, HTTP2, Answer, Got, Place, Speech, error_of, run

CALLS = {
    "recv": ("recv", "recv_into", "read"),
    "send": ("send", "sendall", "write"),
    "connect": ("connect", "connect_ex"),
    "socket": ("socket", "setsockopt", "setblocking", "settimeout"),
    "lock": ("acquire", "__enter__"),
    "poll": ("poll", "register"),
}
"""Calls of the system by what they are for."""

MADE = {"recv": (1, 1), "send": (1, 1), "connect": (1, 0), "socket": (1, 0), "lock": (1, 0), "poll": (0, 1)}
"""How many of them a request makes at least: on a new connection, and on a used one."""

ERRORS: dict[str, Callable[[], BaseException]] = {
    "OSError": lambda: OSError(5, "Input/output error"),
    "MemoryError": MemoryError,
    "KeyboardInterrupt": KeyboardInterrupt,
    "CancelledError": asyncio.CancelledError,
}


class Saboteur:
    """Raise at the n-th call of some functions in C that our modules make on this thread."""

    def __init__(self, names: tuple[str, ...], error: Callable[[], BaseException], number: int) -> None:
        self._names = names
        self._error = error
        self._left = number
        self.fired = False

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if self.fired or event != "c_call" or argument.__name__ not in self._names:
            return
        file = frame.f_code.co_filename
        if "borzoi" not in file or "/tests/" in file or "/testing/" in file or frame.f_code.co_name == "__del__":
            return
        self._left -= 1
        if self._left == 0:
            self.fired = True
            raise self._error()


@contextmanager
def sabotaged(names: tuple[str, ...], error: Callable[[], BaseException], number: int) -> Iterator[Saboteur]:
    """Have a call fail in the block."""
    saboteur = Saboteur(names, error, number)
    sys.setprofile(saboteur)
    try:
        yield saboteur
    finally:
        sys.setprofile(None)


async def once(client: Any, url: str, asking: str) -> None:
    """Send a request."""
    if asking == "get":
        await client.get(url)
    elif asking == "upload":
        await client.put(url, content=b"b" * 200_000)
    else:
        async with client.stream("GET", url) as response:
            async for _ in response.aiter_bytes():
                pass


class Lock:
    """A lock that fails once: `with` does not show the taking of one to a profiler."""

    left = 0
    error: Callable[[], BaseException]

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        Lock.left -= 1
        if Lock.left == 0:
            raise Lock.error()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Locked(BlockingBackend):
    """The blocking world, with locks that fail."""

    def guard(self) -> Lock:
        """Return one of them."""
        return Lock()


class Locksmith:
    """Tell whether a lock has failed."""

    @property
    def fired(self) -> bool:
        """Whether it has."""
        return Lock.left <= 0


@contextmanager
def jammed(error: Callable[[], BaseException], number: int) -> Iterator[Locksmith]:
    """Have the taking of a lock fail in the block."""
    Lock.error, Lock.left = error, number
    try:
        yield Locksmith()
    finally:
        fired = Lock.left <= 0
        # Never again: it is below zero, or far above.
        Lock.left = 0 if fired else 1_000_000_000


Failing = Callable[[int], AbstractContextManager[Any]]


async def sweep(place: Place, url: str, failing: Failing, asking: str, kept: int, **settings: Any) -> int:
    """Fail a request's first call, its second, and so on until none is left to fail; return how many there were."""
    limits = Limits(max_connections=1, max_keepalive_connections=kept)
    async with place.client(limits=limits, timeout=Timeout(20, pool=1), **settings) as client:
        await client.get(url)
        for number in itertools.count(1):
            with warnings.catch_warnings():
                # A socket in nobody's hands yet is closed by its finaliser, which says so.
                warnings.simplefilter("ignore", ResourceWarning)
                warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
                with failing(number) as saboteur:
                    try:
                        await once(client, url, asking)
                    except (borzoi.TransportError, MemoryError, KeyboardInterrupt, asyncio.CancelledError, OSError):
                        assert saboteur.fired
                    has_failed = saboteur.fired
                gc.collect(1)
            for _ in range(4):
                await place.world.sleep0()
            place.assert_whole(client)
            assert (await client.get(url)).status_code == 200
            place.assert_whole(client)
            if not has_failed:
                return number - 1
    raise AssertionError


ASKED = ("get", "upload", "stream") if os.environ.get("TORTURE") else ("get",)


async def tortured(place: Place, call: str, error: str) -> None:
    """Fail each call of a kind, on new connections and on used ones."""
    with place.server(lambda got: Answer(body=b"x" * 1000)) as server:
        for asking, kept in itertools.product(ASKED, (0, 1)):
            made = await sweep(
                place, server.url, lambda number: sabotaged(CALLS[call], ERRORS[error], number), asking, kept
            )
            assert made >= MADE[call][kept]
        forgive(server)


def forgive(server: RawServer) -> None:
    """Forget what a server makes of an opening that an interrupt kept from going out, and of the goodbye behind it."""
    server.errors[:] = [error for error in server.errors if not isinstance(error, h2.exceptions.ProtocolError)]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("speech", [HTTP1, HTTP2], ids=lambda speech: speech.name)
@pytest.mark.parametrize("world", ["blocking"])
def test_the_nth_call_fails(world: str, speech: Speech, call: str, error: str) -> None:
    """Whichever call of the system fails, and however: nothing is lost, on new connections and on used ones."""
    run(WORLDS[world], lambda place: tortured(place, call, error), speech)


@pytest.mark.parametrize("error", ["OSError", "MemoryError"])
@pytest.mark.parametrize("call", ["recv", "send", "connect", "socket"])
@pytest.mark.parametrize("speech", [HTTP1, HTTP2], ids=lambda speech: speech.name)
@pytest.mark.parametrize("world", ["asyncio", "trio"])
def test_the_nth_call_fails_in_a_loop(world: str, speech: Speech, call: str, error: str) -> None:
    """The same in event loops, for what their own code does not handle itself."""
    run(WORLDS[world], lambda place: tortured(place, call, error), speech)


@pytest.mark.parametrize("error", ["MemoryError", "KeyboardInterrupt"])
@pytest.mark.parametrize("speech", [HTTP1, HTTP2], ids=lambda speech: speech.name)
def test_the_nth_taking_of_a_lock_fails(speech: Speech, error: str) -> None:
    """An interrupt may come while a thread waits for a lock: what the lock was for is done, or made up for."""

    async def body(place: Place) -> None:
        with place.server(lambda got: Answer(body=b"x" * 1000)) as server:
            for kept in (0, 1):
                made = await sweep(
                    place, server.url, lambda number: jammed(ERRORS[error], number), "get", kept, backend=Locked()
                )
                assert made >= 2
            forgive(server)

    run(WORLDS["blocking"], body, speech)


class Forgetful:
    """Leave every name to the system, each time that it is asked for."""

    ttl = 0

    def resolve(self, host: str, port: int) -> None:
        """Leave it."""


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("world", ["blocking", "asyncio", "trio"])
def test_the_nth_lookup_fails(world: str, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the system's lookup raises on its thread, at a redirect as well, who waits for it is told at once."""
    real = socket.getaddrinfo
    asked: list[str] = []
    wrong = [0]
    wanted = ERRORS[error]()

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".test"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        if len(asked) == wrong[0]:
            raise wanted
        return real("127.0.0.1", port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def body(place: Place) -> None:
        def respond(got: Got) -> Answer:
            return Answer(302, [("Location", f"http://two.test:{server.port}/")]) if got.path == "/away" else Answer()

        limits = Limits(max_connections=1, max_keepalive_connections=0)
        with place.server(respond) as server:
            url = f"http://one.test:{server.port}/away"
            async with place.client(limits=limits, resolver=Forgetful(), follow_redirects=True) as client:
                for wrong[0] in (1, 2):
                    asked.clear()
                    at = url if wrong[0] == 1 else f"http://two.test:{server.port}/"
                    failure = await error_of(client.get(url), borzoi.ConnectError)
                    assert (str(failure.request.url), len(asked)) == (at, wrong[0])
                    place.assert_whole(client, idle=0)
                wrong[0] = 0
                # More often than there are threads to ask on.
                for _ in range(17):
                    assert (await client.get(url)).text == "ok"
                place.assert_whole(client, idle=0)

    run(WORLDS[world], body, HTTP1)
