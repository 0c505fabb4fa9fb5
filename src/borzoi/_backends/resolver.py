"""Names to addresses: asked once for all who wait, and remembered for a few seconds.

A `Names` belongs to one transport, and serves all its event loops and threads. The first who asks for a name starts
the lookup; who asks meanwhile waits for the same answer. Whoever stops waiting, by a time-out or a cancellation, takes
nothing from the others. The system and a program's plain function are asked on the threads of `lookups`; an async
function runs in the task of one of those who wait, and when that one leaves, the next begins anew.
Failures are not remembered.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial
from typing import Protocol, TypeVar

from .._errors import HTTPError
from . import lookups
from .base import Address, TimedOut, Turn
from .lookups import Ask, Outcome, addresses_in, literal_address, look_up
from .sockets import cause, connect_failed, connect_timed_out

T = TypeVar("T")

CACHE_SECONDS = 5.0
"""Seconds for which addresses are used again, unless the program's resolver has a `ttl` of its own."""

MAX_NAMES = 256
"""Names whose addresses are remembered."""

_LEAD = object()
"""Given to one who waits, in place of an answer: it is to ask."""


class Asker(Protocol):
    """A world that asks."""

    def now(self) -> float:
        """Return the time on the world's clock."""
        ...

    def turn(self) -> Turn:
        """Return something to wait on."""
        ...

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the world's own thread, if it still runs."""
        ...


class Check(Protocol):
    """A guard: says which addresses may be connected to."""

    def check(self, host: str, addresses: list[str]) -> None:
        """Raise an error of the library's tree where one of them may not be."""
        ...


class Seat:
    """One who waits for an answer."""

    __slots__ = ("turn", "world")

    def __init__(self, world: Asker) -> None:
        self.world = world
        self.turn = world.turn()

    def tell(self, value: object) -> None:
        """Hand over an answer, from any thread."""
        self.world.call_from_thread(partial(self.turn.give, value))


class Flight:
    """One question under way."""

    __slots__ = ("_names", "ask", "host", "leader", "port", "seats", "wanted")

    def __init__(self, names: Names, host: str, port: int, ask: Ask | None) -> None:
        self._names = names
        self.ask = ask
        self.host = host
        self.port = port
        self.leader: Seat | None = None
        """Who runs the program's async function."""
        self.seats: list[Seat] = []
        self.wanted = True
        """Whether somebody waits. One that waited behind others until nobody did is dropped."""

    def answer(self) -> None:
        """Look up, on a thread, and tell all who wait."""
        if self.wanted:
            self._names.land(self, look_up(self.host, self.port, self.ask))


class Names:
    """Find the addresses of names for one transport.

    `ask` is the program's own function, which may leave a name to the system by returning None; an async one if
    `is_async`. `guard` checks what is found. `seconds` are those for which it is remembered.
    """

    def __init__(
        self,
        ask: Ask | None = None,
        *,
        is_async: bool = False,
        guard: Check | None = None,
        seconds: float = CACHE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._is_async = is_async
        self._seconds = seconds
        self._now = now
        self._cache: OrderedDict[tuple[str, int], tuple[float, list[Address]]] = OrderedDict()
        self._flights: dict[tuple[str, int], Flight] = {}
        # The thread may take it again, since collecting garbage may end a forgotten task anywhere.
        self._lock = threading.RLock()
        self.guard = guard
        # How many questions were asked, were answered from memory, and had been asked already: changed under the lock.
        self._asked = self._remembered = self._shared = 0
        _all.add(self)

    async def find(self, world: Asker, host: str, port: int, timeout: float | None) -> list[Address]:
        """Return the addresses in the order to try them. Raises ConnectError, ConnectTimeout, and the guard's error."""
        literal = literal_address(host, port) if self._ask is None else None
        found = await self._ask_once(world, host, port, timeout) if literal is None else [literal]
        if self.guard is not None:
            self.guard.check(host, [address[0] for _, address in found])
        return found

    def looks_up(self, host: str, port: int) -> bool:
        """Return whether a host is looked up: a number is not, unless the program's function is to see all."""
        return self._ask is not None or literal_address(host, port) is None

    def watched(self, on_found: Callable[[], None]) -> Names:
        """Return names that are found in the same way, and call a function when one was."""
        return WatchedNames(self, on_found)

    def unguarded(self) -> Names:
        """Return names that are found in the same way, and not checked."""
        if self.guard is None:
            return self
        return Names(self._ask, is_async=self._is_async, seconds=self._seconds, now=self._now)

    def counts(self) -> tuple[int, int, int]:
        """Return how many names were asked for, were remembered, and were being asked for already."""
        return self._asked, self._remembered, self._shared

    def forget(self, host: str, port: int) -> None:
        """Ask anew next time: none of the addresses served."""
        with self._lock:
            self._cache.pop((host, port), None)

    async def _ask_once(self, world: Asker, host: str, port: int, timeout: float | None) -> list[Address]:
        peer = f"{host}:{port}"
        seat = Seat(world)
        with self._lock:
            known = self._known(host, port)
            if known is not None:
                self._remembered += 1
                return known
            flight, is_new = self._board(seat, host, port)
        try:
            outcome = await self._await(flight, seat, timeout, is_new=is_new)
        except TimedOut:
            raise connect_timed_out(peer, timeout, "resolve the name to connect") from None
        finally:
            self._leave(flight, seat)

        if isinstance(outcome, HTTPError):
            # Of the library's tree already. A fresh one for each who waited, as each has its own request.
            error = copy(outcome)
            error._request = None
            raise error from outcome
        if isinstance(outcome, Exception):
            raise connect_failed(peer, [cause(outcome)]) from outcome
        return outcome

    def _known(self, host: str, port: int) -> list[Address] | None:
        entry = self._cache.get((host, port))
        return entry[1] if entry is not None and self._now() < entry[0] else None

    def _board(self, seat: Seat, host: str, port: int) -> tuple[Flight, bool]:
        """Take a seat in the flight for this name; say whether it is a new one, which has to be started."""
        flight = self._flights.get((host, port))
        is_new = flight is None
        if flight is None:
            flight = self._flights[host, port] = Flight(self, host, port, None if self._is_async else self._ask)
            self._asked += 1
        else:
            self._shared += 1
        flight.seats.append(seat)
        return flight, is_new

    async def _await(self, flight: Flight, seat: Seat, timeout: float | None, *, is_new: bool) -> Outcome:
        """Wait for the answer, and ask for it where that is this one's part. Raises TimedOut."""
        until = None if timeout is None else seat.world.now() + timeout
        if is_new and not self._is_async:
            self._submit(flight)
        elif is_new:
            flight.leader = seat

        while True:
            left = None if until is None else max(0.0, until - seat.world.now())
            if flight.leader is seat:
                await self._lead(flight, left)
            await seat.turn.wait(left)
            if seat.turn.value is not _LEAD:
                outcome: Outcome = seat.turn.value
                return outcome
            seat.turn = seat.world.turn()

    def _submit(self, flight: Flight) -> None:
        try:
            lookups.submit(flight)
        except OSError as error:
            self.land(flight, error)

    async def _lead(self, flight: Flight, timeout: float | None) -> None:
        """Await the program's function, and tell all who wait what it says. Raises TimedOut."""
        assert self._ask is not None
        outcome: Outcome | None
        try:
            answer = await _within(timeout, self._ask(flight.host, flight.port))
            outcome = None if answer is None else addresses_in(answer, flight.port)
        except TimedOut:
            raise
        except Exception as error:  # noqa: BLE001 - the program's function may raise what it likes; all who wait are told
            outcome = error
        if outcome is None:
            # It leaves this name to the system.
            flight.leader = None
            self._submit(flight)
        else:
            self.land(flight, outcome)

    def land(self, flight: Flight, outcome: Outcome) -> None:
        """Remember an answer, and tell all who wait."""
        key = flight.host, flight.port
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not isinstance(outcome, Exception) and self._seconds > 0:
                self._cache[key] = (self._now() + self._seconds, outcome)
                self._cache.move_to_end(key)
                if len(self._cache) > MAX_NAMES:
                    self._cache.popitem(last=False)
            seats, flight.seats, flight.leader = flight.seats, [], None
        for seat in seats:
            seat.tell(outcome)

    def _leave(self, flight: Flight, seat: Seat) -> None:
        """Give up a seat; who ran the question hands it on to the next."""
        with self._lock:
            if seat not in flight.seats:
                return
            flight.seats.remove(seat)
            if not flight.seats:
                flight.wanted = False
                if self._flights.get((flight.host, flight.port)) is flight:
                    del self._flights[flight.host, flight.port]
            elif flight.leader is seat:
                flight.leader = flight.seats[0]
                flight.leader.tell(_LEAD)

    def start_anew(self) -> None:
        """Forget what is under way in a fork's child: the threads that would answer are not there."""
        self._lock = threading.RLock()
        self._flights.clear()


class WatchedNames(Names):
    """Find names as others do, and say when one was found. Numbers are not looked up, and not told of."""

    def __init__(self, names: Names, on_found: Callable[[], None]) -> None:
        super().__init__()
        self._names = names
        self._on_found = on_found

    async def find(self, world: Asker, host: str, port: int, timeout: float | None) -> list[Address]:
        """Return the addresses in the order to try them. Raises ConnectError, ConnectTimeout, and the guard's error."""
        found = await self._names.find(world, host, port, timeout)
        if self._names.looks_up(host, port):
            self._on_found()
        return found


async def resolve(world: Asker, host: str, port: int, timeout: float | None, names: Names | None) -> list[Address]:
    """Return the addresses of `host`, as the transport's names have it. Raises ConnectError, ConnectTimeout."""
    if names is None:
        names = Names(seconds=0.0)
    return await names.find(world, host, port, timeout)


async def _within(timeout: float | None, awaitable: Awaitable[T]) -> T:
    """Await what a program wrote, for so many seconds. Raises TimedOut."""
    import sniffio

    if sniffio.current_async_library() == "trio":
        import trio

        with trio.move_on_after(float("inf") if timeout is None else timeout):
            return await awaitable
        raise TimedOut

    import asyncio

    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise TimedOut from None
        raise


_all: weakref.WeakSet[Names] = weakref.WeakSet()


def _start_anew() -> None:  # pragma: no cover - in a fork's child, which is looked at from outside
    for names in list(_all):
        names.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
