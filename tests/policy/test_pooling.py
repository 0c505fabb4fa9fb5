"""The books of a pool, on their own: what is decided, and at what price."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from borzoi import Limits
from borzoi._policy.pooling import Shelf

UNBOUNDED = Limits(keepalive_expiry=None)


def shelf_of(limits: Limits = UNBOUNDED) -> Shelf[str, str]:
    """Return empty books, for connections and waiters that are strings."""
    return Shelf(limits)


def test_the_newest_of_an_origin_is_taken() -> None:
    """Of the idle connections of an origin the newest is offered first, and nothing is taken by looking."""
    shelf = shelf_of()
    for name in ("a1", "a2", "b1"):
        assert shelf.put(name, name[0], 0) is None
    assert shelf.newest("a") == shelf.newest("a") == "a2"
    shelf.remove("a2")
    assert shelf.newest("a") == "a1"
    shelf.remove("a1")
    assert shelf.newest("a") is None
    assert shelf.newest("never") is None
    assert shelf.idle() == ["b1"]


def test_the_oldest_of_all_makes_room() -> None:
    """The connection that was idle for longest is the one to close, whatever its origin."""
    shelf = shelf_of()
    assert shelf.oldest() is None
    for name in ("a1", "b1", "a2"):
        shelf.put(name, name[0], 0)
    assert shelf.oldest() == "a1"
    shelf.remove("a1")
    assert shelf.oldest() == "b1"


def test_removing_what_is_not_there() -> None:
    """Removing a connection that is not on the shelf does nothing, from the middle it takes that one only."""
    shelf = shelf_of()
    for name in ("a1", "a2", "a3"):
        shelf.put(name, "a", 0)
    shelf.remove("a2")
    shelf.remove("a2")
    shelf.remove("never")
    assert shelf.idle() == ["a1", "a3"]
    assert shelf.newest("a") == "a3"


def test_room_is_counted() -> None:
    """Idle and busy connections count together; without a limit there is always room."""
    shelf = shelf_of(Limits(max_connections=2, keepalive_expiry=None))
    shelf.put("a", "a", 0)
    assert shelf.may_open()
    shelf.busy.add("b")
    assert not shelf.may_open()
    shelf.busy.add("b")
    shelf.busy.discard("b")
    assert shelf.may_open()
    assert shelf_of().may_open()


@pytest.mark.parametrize("limits", [Limits(max_keepalive_connections=0), Limits(keepalive_expiry=0)])
def test_nothing_is_shelved_where_nothing_may_be(limits: Limits) -> None:
    """Where no connection may be idle, it is itself the one to close."""
    shelf = shelf_of(limits)
    assert shelf.put("a", "a", 0) == "a"
    assert shelf.idle() == []


def test_what_expires_is_told() -> None:
    """A connection is told from its expiry on, the oldest first; before `expires_from` there is nothing to ask for."""
    shelf = shelf_of(Limits(keepalive_expiry=5))
    assert shelf.expired(1e9) is None
    shelf.put("a", "x", 10)
    shelf.put("b", "x", 12)
    assert shelf.expires_from <= 15
    assert shelf.expired(14.9) is None
    assert shelf.expired(15) == "a"
    shelf.remove("a")
    assert shelf.expired(16.9) is None
    assert shelf.expires_from == 17
    assert shelf.expired(17) == "b"
    shelf.remove("b")
    assert shelf.expired(1e9) is None
    assert shelf.expires_from == float("inf")


def test_too_many_idle_are_surplus() -> None:
    """Beyond `max_keepalive_connections`, the oldest is the one to close."""
    shelf = shelf_of(Limits(max_keepalive_connections=1, keepalive_expiry=None))
    assert shelf.put("a", "x", 0) is None
    assert shelf.put("b", "y", 0) == "a"
    shelf.remove("a")
    assert shelf.idle() == ["b"]


def test_waiters_are_served_in_order() -> None:
    """The first waiter is the first to be served; one that leaves is not."""
    shelf = shelf_of()
    assert shelf.next_waiter() is None
    for name in ("1", "2", "3"):
        shelf.waiters[name] = "origin"
    shelf.waiters.pop("2")
    assert shelf.next_waiter() == ("1", "origin")
    assert shelf.next_waiter() == ("3", "origin")


def calls_of(work: Callable[[], object]) -> int:
    """Count the calls of functions, Python's and C's, that some work takes."""
    count = 0

    def hook(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(hook)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def price(size: int) -> list[int]:
    """Return what each operation costs with so many idle connections, origins and waiters."""
    shelf: Shelf[int, int] = Shelf(
        Limits(max_connections=10 * size, max_keepalive_connections=size, keepalive_expiry=5)
    )
    for number in range(size):
        shelf.put(number, number % (size // 4), 0)
        shelf.waiters[number] = number
        shelf.busy.add(-number - 1)
    work: list[Callable[[], object]] = [
        lambda: shelf.newest(1),
        lambda: shelf.remove(size - 1),
        lambda: shelf.put(size, 1, 1),
        lambda: shelf.oldest(),
        lambda: shelf.remove(0),
        lambda: shelf.remove(size // 2),
        lambda: shelf.expired(1),
        lambda: shelf.expired(6),
        lambda: shelf.may_open(),
        lambda: shelf.next_waiter(),
        lambda: shelf.waiters.pop(size // 2),
    ]
    return [calls_of(one) for one in work]


def test_every_operation_costs_the_same_however_many_there_are() -> None:
    """With four times as many connections, origins and waiters, no operation takes one call more."""
    assert price(64) == price(256) == price(1024)


steps = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["put", "take", "oldest", "expired", "remove"]),
        strategies.integers(0, 3),
        strategies.integers(0, 3),
    ),
    max_size=60,
)


@hypothesis.given(steps, strategies.integers(1, 5), strategies.integers(1, 6))
def test_the_books_agree_with_a_plain_list(steps: list[tuple[str, int, int]], most: int, expiry: int) -> None:
    """Whatever happens in whatever order, the books say what a plain list of idle connections would."""
    shelf: Shelf[int, int] = Shelf(Limits(max_keepalive_connections=most, keepalive_expiry=expiry))
    plain: list[tuple[int, int, int]] = []
    now = made = 0
    for action, origin, passed in steps:
        now += passed
        if action == "put":
            made += 1
            surplus = shelf.put(made, origin, now)
            plain.append((made, origin, now + expiry))
            assert surplus == (plain[0][0] if len(plain) > most else None)
            if surplus is not None:
                shelf.remove(surplus)
                plain.pop(0)
        elif action == "take":
            mine = [entry for entry in plain if entry[1] == origin]
            assert shelf.newest(origin) == (mine[-1][0] if mine else None)
            if mine:
                shelf.remove(mine[-1][0])
                plain.remove(mine[-1])
        elif action == "oldest":
            assert shelf.oldest() == (plain[0][0] if plain else None)
        elif action == "remove" and plain:
            shelf.remove(plain[origin % len(plain)][0])
            plain.pop(origin % len(plain))
        elif action == "expired":
            expected = plain[0][0] if plain and plain[0][2] <= now else None
            assert expected is None or shelf.expires_from <= now
            assert shelf.expired(now) == expected
        assert shelf.idle() == [entry[0] for entry in plain]
