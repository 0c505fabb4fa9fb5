"""Names to addresses, on a few daemon threads.

`getaddrinfo` can be neither interrupted nor given a time-out. On a thread of its own the caller may stop waiting for it, in
every world, and a hanging lookup keeps no program from ending. This is the only use of threads in the package.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from .base import Address

MAX_THREADS = 16
"""Lookups that may hang at once before others wait behind them."""

Outcome: TypeAlias = "list[Address] | OSError | UnicodeError"
Done: TypeAlias = Callable[[Outcome], None]


def literal_address(host: str, port: int) -> Address | None:
    """Return the address that an IP literal names, without a lookup."""
    if host[-1:].isdigit():
        try:
            socket.inet_pton(socket.AF_INET, host)
        except OSError:
            return None
        return socket.AF_INET, (host, port)
    return None


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
    except (OSError, UnicodeError) as error:
        return error
    unique = dict.fromkeys((int(family), address) for family, _, _, _, address in found)
    return interleave_families(list(unique))


class ResolverThreads:
    """Run lookups on up to MAX_THREADS daemon threads, started as they are needed."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[str, int, Done]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads = 0

    def submit(self, host: str, port: int, done: Done) -> None:
        """Look up `host`, then call `done` with the outcome on another thread."""
        with self._lock:
            start = self._idle <= 0 and self._threads < MAX_THREADS
            if start:
                self._threads += 1
            else:
                self._idle -= 1

        self._jobs.put((host, port, done))
        if start:
            threading.Thread(target=self._work, name="borzoi-resolver", daemon=True).start()

    def _work(self) -> None:
        while True:
            host, port, done = self._jobs.get()
            done(look_up(host, port))
            # Drop the caller's objects before waiting for the next job.
            del host, port, done
            with self._lock:
                self._idle += 1


threads = ResolverThreads()
"""The process's own resolver threads."""


def _start_anew() -> None:
    # Threads do not survive a fork, and the lock may have been held by one of them.
    global threads
    threads = ResolverThreads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
