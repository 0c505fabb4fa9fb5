"""The descriptor that tells of many sockets."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from borzoi._backends.poller import AVAILABLE, HANGUP, READ, WRITE, Poller


@pytest.fixture
def poller() -> Iterator[Poller]:
    """Make a poller, and close it."""
    made = Poller()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Make two sockets that are connected to each other."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def _is_readable(poller: Poller) -> bool:
    return bool(select.select([poller.fileno()], [], [], 0)[0])


def test_each_change_is_told_once(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    """A socket is told to be writable once, then readable once, although neither is made use of."""
    here, there = pair
    assert AVAILABLE
    poller.register(here.fileno())
    assert _is_readable(poller)
    assert poller.poll() == [(here.fileno(), WRITE)]
    assert not _is_readable(poller)

    there.send(b"a")
    ((number, flags),) = poller.poll()
    assert number == here.fileno()
    assert flags & READ
    assert not flags & HANGUP
    assert poller.poll() == []
    there.send(b"b")
    assert poller.poll()[0][1] & READ


def test_an_end_is_told_as_readable_too(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    """The peer's end is READ and HANGUP, so that who reads hears of it."""
    here, there = pair
    poller.register(here.fileno())
    there.close()
    assert poller.poll() == [(here.fileno(), READ | WRITE | HANGUP)]


def test_what_holds_can_be_told_again(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    """`retell` makes a change that was told already told once more."""
    here, there = pair
    poller.register(here.fileno())
    there.send(b"a")
    told = poller.poll()
    assert poller.poll() == []
    poller.retell(here.fileno())
    assert poller.poll() == told


def test_nothing_is_told_of_an_unregistered_socket(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    """After `unregister` nothing is told, and unregistering what is closed already does no harm."""
    here, there = pair
    number = here.fileno()
    poller.register(number)
    poller.unregister(number)
    there.send(b"a")
    assert poller.poll() == []
    here.close()
    poller.unregister(number)
