"""What the reactor does with news that are nobody's."""

from __future__ import annotations

import asyncio
import os
import socket

from borzoi._backends.asyncio import AsyncioReactor


class Target:
    """Something watched that notes what it is told, and may do something then."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.failures: list[Exception] = []
        self.then: object = None

    def on_flags(self, flags: int) -> None:
        """Note the news."""
        self.told.append(flags)
        if callable(self.then):
            self.then()

    def on_failure(self, error: Exception) -> None:
        """Note the failure."""
        self.failures.append(error)


def test_a_number_that_was_reused_within_a_batch_is_not_told_old_news() -> None:
    """A socket opened while a batch is told, under a number closed in it, does not hear its predecessor's news."""

    async def body() -> None:
        reactor = AsyncioReactor(asyncio.get_running_loop())
        first, first_peer = socket.socketpair()
        second, second_peer = socket.socketpair()
        fresh, fresh_peer = socket.socketpair()
        one, two, newcomer = Target(), Target(), Target()

        def swap(mine: socket.socket, other: socket.socket) -> None:
            number = other.fileno()
            reactor.unwatch(number)
            other.close()
            fresh_number = fresh.detach()
            moved.append(socket.socket(fileno=fresh_number))
            os.dup2(fresh_number, number)
            moved.append(socket.socket(fileno=number))
            reactor.watch(number, newcomer)
            one.then = two.then = None

        moved: list[socket.socket] = []
        one.then = lambda: swap(first, second)
        two.then = lambda: swap(second, first)
        reactor.watch(first.fileno(), one)
        reactor.watch(second.fileno(), two)
        reactor.ready()

        assert len(one.told) + len(two.told) == 1
        assert newcomer.told == []
        reactor.ready()
        assert newcomer.told != []
        for sock in (first, second, first_peer, second_peer, fresh_peer, *moved):
            if sock.fileno() != -1:
                reactor.unwatch(sock.fileno())
            sock.close()
        reactor.ready()

    asyncio.run(body())


def test_a_target_that_fails_is_told_so() -> None:
    """What raises while it is told its news hears of that, and costs the others nothing."""

    async def body() -> None:
        reactor = AsyncioReactor(asyncio.get_running_loop())
        pairs = [socket.socketpair() for _ in range(4)]
        targets = [Target() for _ in pairs]

        def fail() -> None:
            raise LookupError("no")

        for (here, _), target in zip(pairs, targets, strict=True):
            target.then = fail
            reactor.watch(here.fileno(), target)
        reactor.ready()
        assert [len(target.failures) for target in targets] == [1, 1, 1, 1]
        for here, there in pairs:
            reactor.unwatch(here.fileno())
            reactor.unwatch(here.fileno())
            here.close()
            there.close()

    asyncio.run(body())


def test_abandoning_closes_the_poller_only() -> None:
    """In a fork's child everything is forgotten, twice if need be, and the sockets are left to their streams."""

    async def body() -> None:
        reactor = AsyncioReactor(asyncio.get_running_loop())
        here, there = socket.socketpair()
        with here, there:
            target = Target()
            reactor.watch(here.fileno(), target)
            waiter = reactor.park(10)
            asyncio.get_running_loop().remove_reader(reactor._poller.fileno())  # type: ignore[union-attr]
            reactor.abandon()
            reactor.abandon()
            reactor.leave(waiter)
            there.send(b"a")
            reactor.ready()
            assert target.told == []
            assert here.recv(1) == b"a"

    asyncio.run(body())
