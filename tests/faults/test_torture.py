"""63: the n-th call of the system fails, for every n: the pool is whole, nothing is left, and the next request succeeds.

Of each call that a back end makes of the system or of the loop, one after the other fails once: receiving, sending,
connecting, looking a name up, taking a lock. `TORTURE=deep` has more kinds of requests go through it.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h2.exceptions
import pytest

import borzoi
from borzoi import Limits, Timeout
from tests.exchange.http_peers import answer, assert_whole, http
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS

from .place import HTTP1, HTTP2, Answer, Place, Speech, nothing_left

CALLS = {
    "recv": ("recv", "recv_into", "read"),
    "send": ("send", "sendall", "write"),
    "connect": ("connect", "connect_ex"),
    "getaddrinfo": ("getaddrinfo",),
    "socket": ("socket", "setsockopt", "setblocking", "settimeout"),
    "lock": ("acquire", "__enter__"),
    "poll": ("poll", "register"),
}
"""Calls of the system by what they are for."""

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


async def sweep(place: Place, url: str, call: str, error: str, asking: str, kept: int) -> int:
    """Fail a request's first call, its second, and so on until none is left to fail; return how many there were."""
    limits = Limits(max_connections=1, max_keepalive_connections=kept)
    async with place.client(limits=limits, timeout=Timeout(20, pool=1)) as client:
        await client.get(url)
        for number in itertools.count(1):
            with warnings.catch_warnings():
                # A socket in nobody's hands yet is closed by its finaliser, which says so.
                warnings.simplefilter("ignore", ResourceWarning)
                warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
                with sabotaged(CALLS[call], ERRORS[error], number) as saboteur:
                    try:
                        await once(client, url, asking)
                    except (borzoi.TransportError, MemoryError, KeyboardInterrupt, asyncio.CancelledError, OSError):
                        assert saboteur.fired
                gc.collect(1)
            for _ in range(4):
                await place.world.sleep0()
            assert_whole(client)
            assert (await client.get(url)).status_code == 200
            assert_whole(client)
            if not saboteur.fired:
                return number
    raise AssertionError


ASKED = ("get", "upload", "stream") if os.environ.get("TORTURE") else ("get",)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("speech", [HTTP1, HTTP2], ids=lambda speech: speech.name)
@pytest.mark.parametrize("world", ["blocking"])
def test_the_nth_call_fails(world: str, speech: Speech, call: str, error: str) -> None:
    """Whichever call of the system fails, and however: nothing is lost, on new connections and on used ones."""

    async def body() -> None:
        with speech.server(lambda got: Answer(body=b"x" * 1000)) as server:
            for asking, kept in itertools.product(ASKED, (0, 1)):
                found = await sweep(Place(WORLDS[world], speech), server.url, call, error, asking, kept)
                assert found >= 1
            # Where an interrupt kept the opening from going out, the goodbye behind it means nothing to the server.
            server.errors[:] = [e for e in server.errors if not isinstance(e, h2.exceptions.ProtocolError)]

    with nothing_left():
        WORLDS[world].run(body)


@pytest.mark.parametrize("error", ["OSError", "MemoryError"])
@pytest.mark.parametrize("call", ["recv", "send", "connect", "socket"])
@pytest.mark.parametrize("world", ["asyncio", "trio"])
def test_the_nth_call_fails_in_a_loop(world: str, call: str, error: str) -> None:
    """The same in event loops, for what their own code does not handle itself."""

    async def body() -> None:
        with RawServer(http(lambda asked: answer(b"x" * 1000))) as server:
            for asking, kept in itertools.product(ASKED, (0, 1)):
                found = await sweep(Place(WORLDS[world], HTTP1), server.url, call, error, asking, kept)
                assert found >= 1

    with nothing_left():
        WORLDS[world].run(body)
