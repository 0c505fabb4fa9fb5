"""Names to addresses, on a few daemon threads.

`getaddrinfo` can be neither interrupted nor given a time-out. On a thread of its own the caller may stop waiting for
it, in every world, and a hanging lookup keeps no program from ending. This is the only use of threads in the package.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeAlias, cast

from .base import Address, TimedOut, Turn
from .sockets import cause, connect_failed, connect_timed_out

MAX_THREADS = 16
"""Lookups that may hang at once before others wait behind them."""

Outcome: TypeAlias = "list[Address] | Exception"
Done: TypeAlias = Callable[[Outcome], None]


class Lookup:
    """One question: call `done` on another thread with what is found, unless it is no longer `wanted` by then."""

    __slots__ = ("done", "host", "port", "wanted")

    def __init__(self, host: str, port: int, done: Done) -> None:
        self.host = host
        self.port = port
        self.done = done
        self.wanted = True

    def answer(self) -> None:
        """Look up, and tell. One that waited behind others until nobody waited for it is dropped."""
        if self.wanted:
            self.done(look_up(self.host, self.port))


class Asker(Protocol):
    """A world that asks."""

    def turn(self) -> Turn:
        """Return something to wait on."""
        ...

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the world's own thread, if it still runs."""
        ...


async def resolve(world: Asker, host: str, port: int, timeout: float | None) -> list[Address]:
    """Look up `host` on a thread of the resolver. Raises ConnectError, ConnectTimeout."""
    if (literal := literal_address(host, port)) is not None:
        return [literal]

    turn = world.turn()
    lookup = Lookup(host, port, lambda outcome: world.call_from_thread(partial(turn.give, outcome)))
    try:
        threads.submit(lookup)
        await turn.wait(timeout)
    except TimedOut:
        raise connect_timed_out(f"{host}:{port}", timeout, "resolve the name to connect") from None
    except OSError as error:
        raise connect_failed(f"{host}:{port}", [cause(error)]) from error
    finally:
        lookup.wanted = False

    if isinstance(turn.value, Exception):
        raise connect_failed(f"{host}:{port}", [cause(turn.value)]) from turn.value
    return cast("list[Address]", turn.value)


def literal_address(host: str, port: int) -> Address | None:
    """Return the address that an IP literal names, without a lookup."""
    # A zone (`fe80::1%eth0`) is the system's to look up.
    six = ":" in host and "%" not in host
    if not six and not host[-1:].isdigit():
        return None
    family = socket.AF_INET6 if six else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except OSError:
        return None
    return (family, (host, port, 0, 0)) if six else (family, (host, port))


def interleave_families(addresses: Sequence[Address]) -> list[Address]:
    """Alternate between address families, the first address's family first (RFC 8305, section 4)."""
    if not addresses:
        return []
    first_family = addresses[0][0]
    same = [address for address in addresses if address[0] == first_family]
    other = [address for address in addresses if address[0] != first_family]

    mixed: list[Address] = []
    for index in range(max(len(same), len(other))):
        mixed += same[index : index + 1]
        mixed += other[index : index + 1]
    return mixed


def look_up(host: str, port: int) -> Outcome:
    """Ask the system, and return what it says: addresses, or the error."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:  # noqa: BLE001 - a guard against lookups may raise what it likes; who asked is told in any case
        return error
    unique = dict.fromkeys((int(family), address) for family, _, _, _, address in found)
    return interleave_families(list(unique))


class ResolverThreads:
    """Run lookups on up to MAX_THREADS daemon threads, started as they are needed."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Lookup] = queue.SimpleQueue()
        self._lock = threading.Lock()
        # Threads that wait for a job; below zero, jobs that wait for a thread.
        self._idle = 0
        self._threads = 0

    def submit(self, lookup: Lookup) -> None:
        """Have a thread answer `lookup`."""
        with self._lock:
            if self._idle > 0 or self._threads >= MAX_THREADS or not self._start_thread():
                self._idle -= 1
        self._jobs.put(lookup)

    def _start_thread(self) -> bool:
        """Start one more thread; False where the system has none to give and others will have to do. Raises OSError."""
        try:
            threading.Thread(target=self._work, name="borzoi-resolver", daemon=True).start()
        except RuntimeError as error:
            if self._threads:
                return False
            raise OSError(f"no thread to look up the name on: {error}") from error
        self._threads += 1
        return True

    def _work(self) -> None:
        while True:
            lookup = self._jobs.get()
            lookup.answer()
            # Drop the caller's objects before waiting for the next job.
            del lookup
            with self._lock:
                self._idle += 1


threads = ResolverThreads()
"""The process's own resolver threads."""


def _start_anew() -> None:  # pragma: no cover - in a fork's child, which is looked at from outside
    # Threads do not survive a fork, and the lock may have been held by one of them.
    global threads
    threads = ResolverThreads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
