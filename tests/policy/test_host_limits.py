"""The books of a pool in which each host has a limit: who is served when, and at what price."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
from hypothesis import strategies

from borzoi import Limits
from borzoi._policy.host_limits import HostShelf
from borzoi._policy.pooling import Lane, Shelf, shelf_for

from .test_pooling import calls_of


def books(per_host: int, most: int | None = None) -> HostShelf[str, str]:
    """Return empty books. What is called "a1" belongs to the lane "a"."""
    return HostShelf(Limits(max_connections=most, max_connections_per_host=per_host, keepalive_expiry=None))


def lane(shelf: HostShelf[str, str], name: str) -> Lane[str]:
    """Return the lane of what has that name."""
    return shelf.lane(name[0])


def opened(shelf: HostShelf[str, str], *names: str) -> None:
    """Count connections that are in use."""
    for name in names:
        shelf.enter(name, lane(shelf, name))


def queue(shelf: HostShelf[str, str], *names: str) -> None:
    """Queue up."""
    for name in names:
        shelf.join(name, lane(shelf, name))


def test_which_books_are_kept() -> None:
    """Without a limit for each host the books are the plain ones, which know nothing of it."""
    assert type(shelf_for(Limits())) is Shelf
    assert type(shelf_for(Limits(max_connections_per_host=1))) is HostShelf


def test_a_full_host_has_no_room_and_others_do() -> None:
    """A host with as many connections as it may have gets no more; another does, while the pool has room."""
    shelf = books(2, 3)
    opened(shelf, "a1", "a2")
    assert not shelf.may_open(lane(shelf, "a"))
    assert shelf.may_open(lane(shelf, "b"))
    assert shelf.may_open()
    opened(shelf, "b1")
    assert not shelf.may_open(lane(shelf, "b"))
    assert not shelf.may_open()


def test_who_waits_for_a_full_host_is_passed_over() -> None:
    """One who asks for another host goes first; one who asks for the same, or is after one with a claim, does not."""
    shelf = books(1, 2)
    opened(shelf, "a1")
    queue(shelf, "aw")
    assert not shelf.goes_first(lane(shelf, "a"))
    assert shelf.goes_first(lane(shelf, "b"))
    opened(shelf, "b1")
    queue(shelf, "cw")
    assert not shelf.goes_first(lane(shelf, "d"))
    assert shelf.next_to_open() is None


def test_a_connection_is_for_the_first_who_may_have_it() -> None:
    """One that comes free is for the first of its host or of those whose hosts have room, whoever came first."""
    shelf = books(1, 2)
    opened(shelf, "a1", "b1")
    queue(shelf, "a-", "c-", "b-", "a+")
    assert shelf.next_for(lane(shelf, "b")) == ("c-", lane(shelf, "c"))
    assert shelf.next_for(lane(shelf, "b")) == ("b-", lane(shelf, "b"))
    assert shelf.next_for(lane(shelf, "b")) is None
    assert shelf.next_for(lane(shelf, "a")) == ("a-", lane(shelf, "a"))
    assert list(shelf.waiters) == ["a+"]


def test_room_that_a_host_gets_back_is_for_its_first() -> None:
    """When a host has one connection fewer, its first waiter is served, in the order of arrival over all hosts."""
    shelf = books(1, 2)
    opened(shelf, "a1", "b1")
    queue(shelf, "b-", "a-", "c-")
    shelf.strike("a1", lane(shelf, "a"))
    assert shelf.next_to_open() == ("a-", lane(shelf, "a"))
    opened(shelf, "a2")
    assert shelf.next_to_open() is None
    shelf.strike("b1", lane(shelf, "b"))
    assert shelf.next_to_open() == ("b-", lane(shelf, "b"))


def test_who_leaves_the_queue_is_not_served() -> None:
    """One who has left is forgotten, first or not, and leaving twice does nothing."""
    shelf = books(1)
    opened(shelf, "a1")
    queue(shelf, "a-", "a+", "a*")
    assert shelf.leave("a-")
    assert not shelf.leave("a-")
    assert shelf.leave("a*")
    shelf.strike("a1", lane(shelf, "a"))
    assert shelf.next_to_open() == ("a+", lane(shelf, "a"))
    assert shelf.next_to_open() is None
    assert not shelf.waiters


def test_what_is_closed_to_make_room() -> None:
    """For a full host it is the oldest idle connection of its own, if any; in a full pool the oldest of all."""
    shelf = books(2, 3)
    opened(shelf, "a1", "b1", "b2")
    for name in ("a1", "b1", "b2"):
        shelf.put(name, lane(shelf, name), 0)
    assert shelf.surplus(lane(shelf, "b")) == "b1"
    assert shelf.surplus(lane(shelf, "c")) == "a1"
    shelf.strike("a1", lane(shelf, "a"))
    assert shelf.surplus(lane(shelf, "c")) is None
    shelf.take("b1", lane(shelf, "b"))
    shelf.take("b2", lane(shelf, "b"))
    assert shelf.surplus(lane(shelf, "b")) is None


def test_a_lane_with_waiters_is_kept() -> None:
    """However many origins were seen, one that is waited for keeps its lane, and with it its limit."""
    shelf = books(1)
    queue(shelf, "a-")
    kept = lane(shelf, "a")
    for number in range(5000):
        shelf.lane(number)
    assert lane(shelf, "a") is kept


class Both:
    """The books, and the same rules over plain lists, as slow as they are plain."""

    def __init__(self, per_host: int, most: int) -> None:
        self.per_host = per_host
        self.most = most
        self.shelf: HostShelf[int, int] = HostShelf(Limits(max_connections=most, max_connections_per_host=per_host))
        self.open: list[tuple[int, str]] = []
        self.waiting: list[tuple[int, str]] = []
        self.steps = 0

    def has_room(self, host: str) -> bool:
        """Return whether a host may have one more."""
        return sum(name == host for _, name in self.open) < self.per_host

    def first(self, *, host: str | None = None) -> tuple[int, str] | None:
        """Return the first whose host has room, or is that one."""
        served = [one for one in self.waiting if self.has_room(one[1]) or one[1] == host]
        return served[0] if served else None

    def opens(self, host: str) -> None:
        """Open a connection."""
        self.steps += 1
        self.open.append((self.steps, host))
        self.shelf.enter(self.steps, self.shelf.lane(host))

    def closes(self, holder: tuple[int, str]) -> None:
        """Close a connection."""
        self.open.remove(holder)
        self.shelf.strike(holder[0], self.shelf.lane(holder[1]))

    def served(self, expected: tuple[int, str] | None, found: tuple[int, Lane[int]] | None) -> None:
        """Compare who is served, and have both forget who waited."""
        assert (None if found is None else (found[0], found[1].origin)) == expected
        if expected is not None:
            self.waiting.remove(expected)

    def ask(self, number: int) -> None:
        """Open a connection, or queue up."""
        host = "abc"[number % 3]
        overtakes = self.first() is not None or any(one[1] == host for one in self.waiting)
        assert self.shelf.goes_first(self.shelf.lane(host)) is not overtakes
        if not overtakes and self.shelf.may_open(self.shelf.lane(host)):
            self.opens(host)
        else:
            self.steps += 1
            self.shelf.join(self.steps, self.shelf.lane(host))
            self.waiting.append((self.steps, host))

    def leave(self, number: int) -> None:
        """Give up waiting."""
        if self.waiting:
            assert self.shelf.leave(self.waiting.pop(number % len(self.waiting))[0])

    def free(self, number: int) -> None:
        """Hand a connection on, or its room."""
        if not self.open:
            return
        holder = self.open[number % len(self.open)]
        expected = self.first(host=holder[1])
        self.served(expected, self.shelf.next_for(self.shelf.lane(holder[1])))
        if expected is None or expected[1] != holder[1]:
            self.closes(holder)
            if expected is not None:
                self.opens(expected[1])
            self.serve_all()

    def end(self, number: int) -> None:
        """Close a connection, and give its room to those who wait."""
        if self.open:
            self.closes(self.open[number % len(self.open)])
            self.serve_all()

    def serve_all(self) -> None:
        """Serve as many as there is room for."""
        while True:
            expected = self.first() if len(self.open) < self.most else None
            self.served(expected, self.shelf.next_to_open())
            if expected is None:
                return
            self.opens(expected[1])


steps = strategies.lists(
    strategies.tuples(strategies.sampled_from(["ask", "ask", "free", "end", "leave"]), strategies.integers(0, 7)),
    max_size=80,
)


@hypothesis.given(steps, strategies.integers(1, 3), strategies.integers(1, 5))
def test_the_books_agree_with_plain_lists(steps: list[tuple[str, int]], per_host: int, most: int) -> None:
    """Whatever happens in whatever order, the one is served whom plain lists name, and both limits hold."""
    both = Both(per_host, most)
    for action, number in steps:
        getattr(both, action)(number)
        assert len(both.shelf.open) == len(both.open) <= most
        assert list(both.shelf.waiters) == [one[0] for one in both.waiting]


def price(size: int) -> list[int]:
    """Return what each operation costs with so many hosts, and as many waiters for each of two."""
    shelf: HostShelf[object, int] = HostShelf(Limits(max_connections=2 * size, max_connections_per_host=1))
    for number in range(size):
        shelf.enter(number, shelf.lane(number))
    for number in range(size):
        shelf.join(number, shelf.lane(number % 2))
    one, two, other = shelf.lane(0), shelf.lane(1), shelf.lane(2)
    work: list[Callable[[], object]] = [
        lambda: shelf.goes_first(other),
        lambda: shelf.may_open(one),
        lambda: shelf.surplus(one),
        lambda: shelf.join(-1, one),
        lambda: shelf.leave(size // 2),
        lambda: shelf.next_for(one),
        lambda: shelf.next_to_open(),
        lambda: shelf.strike(1, two),
        lambda: shelf.next_to_open(),
    ]
    return [calls_of(one) for one in work]


def test_every_operation_costs_the_same_however_many_there_are() -> None:
    """With four times as many hosts and waiters, no operation takes one call more."""
    assert price(64) == price(256) == price(1024)
