"""Asking the system for the addresses of a name, on a few daemon threads.

`getaddrinfo` can be neither interrupted nor given a time-out. On a thread of its own the caller may stop waiting for
it, in every world, and a hanging lookup keeps no program from ending. This is the only use of threads in the package.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from .base import Address

MAX_THREADS = 16
"""Lookups that may hang at once before others wait behind them."""

Outcome: TypeAlias = "list[Address] | Exception"
Ask: TypeAlias = Callable[[str, int], Any]
"""A program's own way from a host and a port to addresses."""


class Question(Protocol):
    """What a thread is given to answer. It never raises."""

    def answer(self) -> None:
        """Find the answer, and tell it."""
        ...


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


def look_up(host: str, port: int, ask: Ask | None = None) -> Outcome:
    """Ask the program's own function, or the system, and return what it says: addresses, or the error."""
    try:
        answer = None if ask is None else ask(host, port)
        if answer is not None:
            return addresses_in(answer, port)
        return _distinct(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except Exception as error:  # noqa: BLE001 - a guard against lookups may raise what it likes; who asked is told in any case
        return error
    except BaseException as error:  # noqa: BLE001 - on a thread of ours it would reach nobody, and who asked would wait in vain
        return OSError(f"the lookup ended in {type(error).__name__}")


def addresses_in(answer: Any, port: int) -> list[Address]:
    """Return the addresses that a program's own function named. Raises TypeError, OSError for what is none."""
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        # A coroutine that nobody awaits warns when it is collected: the error says it better.
        getattr(answer, "close", lambda: None)()
        raise TypeError(f"the resolver returned {type(answer).__name__}, and not a list of addresses")

    found: list[Any] = []
    for item in answer:
        address, to_port = item if isinstance(item, tuple) and len(item) == 2 else (item, port)
        # Whatever form the number is written in, what comes out is the one that is connected to.
        found += socket.getaddrinfo(str(address), to_port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return _distinct(found)


def _distinct(found: list[Any]) -> list[Address]:
    unique = dict.fromkeys((int(family), address) for family, _, _, _, address in found)
    return interleave_families(list(unique))


class ResolverThreads:
    """Run lookups on up to MAX_THREADS daemon threads, started as they are needed."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Question] = queue.SimpleQueue()
        self._lock = threading.Lock()
        # Threads that wait for a job; below zero, jobs that wait for a thread.
        self._idle = 0
        self._threads = 0

    def submit(self, question: Question) -> None:
        """Have a thread answer `question`."""
        with self._lock:
            if self._idle > 0 or self._threads >= MAX_THREADS or not self._start_thread():
                self._idle -= 1
        self._jobs.put(question)

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
            question = self._jobs.get()
            question.answer()
            # Drop the caller's objects before waiting for the next job.
            del question
            with self._lock:
                self._idle += 1


# Made at first use: a program may have gevent patch locks, queues and threads after it has imported this.
_threads: dict[str, ResolverThreads] = {}


def submit(question: Question) -> None:
    """Have one of the process's own resolver threads answer. Raises OSError where there is none."""
    threads = _threads.get("process")
    if threads is None:
        # One step: where two threads come first, both have the same.
        threads = _threads.setdefault("process", ResolverThreads())
    threads.submit(question)


def _start_anew() -> None:  # pragma: no cover - in a fork's child, which is looked at from outside
    # Threads do not survive a fork, and the lock may have been held by one of them.
    _threads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
