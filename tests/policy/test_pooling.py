"""The books of a pool, on their own: what is decided, and at what price."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from borzoi import Limits
from borzoi._policy.pooling import MAX_UNUSED_LANES, Lane, Shelf, keep_alive_seconds

UNBOUNDED = Limits(keepalive_expiry=None)


def shelf_of(limits: Limits = UNBOUNDED) -> Shelf[str, str]:
    """Return empty books, for connections and waiters that are strings."""
    return Shelf(limits)


def put(shelf: Shelf[str, str], connection: str, origin: str, now: float = 0) -> str | None:
    """Open a connection and shelve it."""
    lane = shelf.lane(origin)
    shelf.enter(connection, lane)
    return shelf.put(connection, lane, now)


def test_the_newest_of_an_origin_is_taken() -> None:
    """Of the idle connections of an origin the newest comes last, and taking one leaves the others."""
    shelf = shelf_of()
    for name in ("a1", "a2", "b1"):
        assert put(shelf, name, name[0]) is None
    lane = shelf.lane("a")
    assert lane.idle == ["a1", "a2"]
    shelf.take("a2", lane)
    assert lane.idle == ["a1"]
    shelf.take("a1", lane)
    assert lane.idle == shelf.lane("never").idle == []
    assert shelf.idle() == ["b1"]
    assert shelf.busy() == {"a1", "a2"}


def test_the_oldest_of_all_makes_room() -> None:
    """The connection that was idle for longest is the one to close, whatever its origin."""
    shelf = shelf_of()
    assert shelf.oldest() is None
    for name in ("a1", "b1", "a2"):
        put(shelf, name, name[0])
    assert shelf.oldest() == "a1"
    shelf.strike("a1", shelf.lane("a"))
    assert shelf.oldest() == "b1"


def test_removing_what_is_not_there() -> None:
    """Striking a connection out twice does nothing, from the middle it takes that one only."""
    shelf = shelf_of()
    for name in ("a1", "a2", "a3"):
        put(shelf, name, "a")
    lane = shelf.lane("a")
    shelf.strike("a2", lane)
    shelf.strike("a2", lane)
    shelf.take("never", lane)
    assert shelf.idle() == lane.idle == ["a1", "a3"]
    assert lane.open == shelf.open == {"a1", "a3"}


def test_what_an_interrupt_left_behind_is_struck_out() -> None:
    """A connection that an interrupt caught half way on or off the shelf is off it once it is struck out."""
    for half in ("lane", "shelf"):
        shelf = shelf_of()
        lane = shelf.lane("a")
        put(shelf, "a1", "a")
        if half == "lane":
            lane.idle.append("a2")
            shelf._idle["a2"] = 0
        else:
            shelf._idle["a2"] = 0
        shelf.strike("a2", lane)
        assert shelf.idle() == lane.idle == ["a1"]


def test_room_is_counted() -> None:
    """Idle and busy connections count together; without a limit there is always room."""
    shelf = shelf_of(Limits(max_connections=2, keepalive_expiry=None))
    put(shelf, "a", "a")
    assert shelf.may_open()
    for _ in range(2):
        shelf.enter("b", shelf.lane("b"))
        assert not shelf.may_open()
    shelf.strike("b", shelf.lane("b"))
    assert shelf.may_open()
    assert shelf_of().may_open()


def test_only_connections_are_counted_after_a_close() -> None:
    """Tokens are forgotten, in the books of all and of each origin."""
    shelf = shelf_of()
    for name in ("a1", "a2"):
        shelf.enter(name, shelf.lane("a"))
    shelf.count_only(["a1"])
    assert shelf.open == shelf.lane("a").open == {"a1"}


def test_lanes_that_nobody_uses_are_forgotten() -> None:
    """However many origins were asked for, the lanes are bounded, and one with a connection is kept."""
    shelf = shelf_of()
    put(shelf, "kept", "kept")
    lane = shelf.lane("kept")
    for number in range(3 * MAX_UNUSED_LANES):
        shelf.lane(str(number))
        assert len(shelf.by_origin) <= MAX_UNUSED_LANES + 10
    assert shelf.lane("kept") is lane


@pytest.mark.parametrize("limits", [Limits(max_keepalive_connections=0), Limits(keepalive_expiry=0)])
def test_nothing_is_shelved_where_nothing_may_be(limits: Limits) -> None:
    """Where no connection may be idle, it is itself the one to close."""
    shelf = shelf_of(limits)
    assert put(shelf, "a", "a") == "a"
    assert shelf.idle() == []


def test_what_expires_is_told() -> None:
    """A connection is told from its expiry on, the oldest first; before `expires_from` there is nothing to ask for."""
    shelf = shelf_of(Limits(keepalive_expiry=5))
    assert shelf.expired(1e9) == []
    put(shelf, "a", "x", 10)
    put(shelf, "b", "x", 12)
    lane = shelf.lane("x")
    assert shelf.expires_from <= 15
    assert shelf.expired(14.9) == []
    assert shelf.expired(15) == ["a"]
    shelf.strike("a", lane)
    assert shelf.expired(16.9) == []
    assert shelf.expires_from == 17
    assert shelf.expired(17) == ["b"]
    shelf.strike("b", lane)
    assert shelf.expired(1e9) == []
    assert shelf.expires_from == float("inf")


def test_too_many_idle_are_surplus() -> None:
    """Beyond `max_keepalive_connections`, the oldest is the one to close."""
    shelf = shelf_of(Limits(max_keepalive_connections=1, keepalive_expiry=None))
    assert put(shelf, "a", "x") is None
    assert put(shelf, "b", "y") == "a"
    shelf.strike("a", shelf.lane("x"))
    assert shelf.idle() == ["b"]


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
        lane = shelf.lane(number % (size // 4))
        shelf.enter(number, lane)
        # A few expire before the others.
        shelf.put(number, lane, 0 if number < 8 else 4)
        shelf.waiters[number] = lane
        shelf.enter(-number - 1, lane)
    newest, middle, first = (shelf.lane(number % (size // 4)) for number in (size - 1, size // 2, 0))
    work: list[Callable[[], object]] = [
        lambda: shelf.lane(1),
        lambda: shelf.take(size - 1, newest),
        lambda: shelf.put(size, newest, 1),
        lambda: shelf.oldest(),
        lambda: shelf.strike(0, first),
        lambda: shelf.strike(size // 2, middle),
        lambda: shelf.expired(1),
        lambda: shelf.expired(6),
        lambda: shelf.may_open(),
        lambda: shelf.waiters.popitem(last=False),
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
            shelf.enter(made, shelf.lane(origin))
            surplus = shelf.put(made, shelf.lane(origin), now)
            plain.append((made, origin, now + expiry))
            assert surplus == (plain[0][0] if len(plain) > most else None)
            if surplus is not None:
                shelf.strike(surplus, shelf.lane(plain.pop(0)[1]))
        elif action == "take":
            mine = [entry for entry in plain if entry[1] == origin]
            assert shelf.lane(origin).idle == [entry[0] for entry in mine]
            if mine:
                shelf.take(mine[-1][0], shelf.lane(origin))
                plain.remove(mine[-1])
        elif action == "oldest":
            assert shelf.oldest() == (plain[0][0] if plain else None)
        elif action == "remove" and plain:
            connection, its_origin, _ = plain.pop(origin % len(plain))
            shelf.strike(connection, shelf.lane(its_origin))
        elif action == "expired":
            expected = [entry[0] for entry in plain if entry[2] <= now]
            assert not expected or shelf.expires_from <= now
            assert shelf.expired(now) == expected
        assert shelf.idle() == [entry[0] for entry in plain]


# What a server says about idle connections.


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ([(b"Keep-Alive", b"timeout=5")], 4.0),
        ([(b"keep-alive", b"timeout=5, max=100")], 4.0),
        ([(b"KEEP-ALIVE", b"max=100; TIMEOUT = 60")], 59.0),
        ([(b"Keep-Alive", b'timeout="15"')], 14.0),
        ([(b"Keep-Alive", b"timeout=1")], 0.5),
        ([(b"Keep-Alive", b"timeout=2")], 1.0),
        ([(b"Keep-Alive", b"timeout=0")], 0.0),
        ([(b"Keep-Alive", b"timeout=" + b"9" * 400)], 999999998.0),
        ([(b"Keep-Alive", b"max=5"), (b"Keep-Alive", b"timeout=7")], 6.0),
        ([(b"Keep-Alive", b"300")], None),
        ([(b"Keep-Alive", b"timeout=-1")], None),
        ([(b"Keep-Alive", b"timeout=soon")], None),
        ([(b"Keep-Alive", b"xtimeout=5")], None),
        ([(b"Connection", b"timeout=5")], None),
        ([], None),
    ],
)
def test_how_long_a_server_keeps_a_connection(fields: list[tuple[bytes, bytes]], seconds: float | None) -> None:
    """What a Keep-Alive field says counts less a second, or less half of a shorter time; what makes no sense does not."""
    assert keep_alive_seconds(fields) == seconds


def test_a_server_shortens_what_its_connections_may_rest() -> None:
    """Connections of its lane expire when it says, before older ones of others; never later than the limits say."""
    shelf = shelf_of(Limits(keepalive_expiry=5))
    shelf.limit_expiry(shelf.lane("b"), 2)
    shelf.limit_expiry(shelf.lane("c"), 60)
    for name in ("a", "b", "c"):
        put(shelf, name, name, 10)
    assert shelf.expired(11.9) == []
    assert shelf.expires_from <= 12
    assert shelf.expired(12) == ["b"]
    shelf.strike("b", shelf.lane("b"))
    assert shelf.expired(14.9) == []
    assert shelf.expired(15) == ["a", "c"]


def test_a_server_that_says_no_more_of_it() -> None:
    """A server that has said something and then does not is kept as the limits say."""
    shelf = shelf_of(Limits(keepalive_expiry=5))
    lane = shelf.lane("a")
    shelf.limit_expiry(lane, 2)
    shelf.limit_expiry(lane, None)
    put(shelf, "a", "a", 10)
    assert shelf.expired(14.9) == []
    assert shelf.expired(15) == ["a"]


def test_looking_at_all_idle_connections_takes_a_pause() -> None:
    """Where they expire in no order, the next look is so far away that looking costs little, and no further."""
    shelf = shelf_of(Limits(keepalive_expiry=5))
    shelf.limit_expiry(shelf.lane("b"), 2)
    for number in range(1000):
        put(shelf, f"b{number}", "b", 10 + number * 1e-6)
    assert shelf.expired(11.9999999) == []
    assert 12 < shelf.expires_from < 12.01


def test_room_for_what_nobody_asked_for() -> None:
    """A connection is opened ahead where it would rest, where there is room without closing one, and nobody waits."""
    shelf = shelf_of(Limits(max_connections=3, max_keepalive_connections=2))
    lane = shelf.lane("a")
    assert shelf.may_prepare(lane, 1)
    assert not shelf.may_prepare(lane, 0)
    put(shelf, "a1", "a")
    assert not shelf.may_prepare(lane, 1)
    assert shelf.may_prepare(lane, 2)
    put(shelf, "b1", "b")
    assert not shelf.may_prepare(lane, 2)
    shelf.take("b1", shelf.lane("b"))
    assert shelf.may_prepare(lane, 2)
    shelf.join("w", shelf.lane("c"))
    assert not shelf.may_prepare(lane, 2)
    assert shelf.leave("w")
    shelf.enter("b2", shelf.lane("b"))
    assert not shelf.may_prepare(lane, 2)
    assert not shelf_of(Limits(max_keepalive_connections=0)).may_prepare(Lane("a"), 1)
