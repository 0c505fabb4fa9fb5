"""Racing addresses, on a clock moved by hand."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from borzoi._backends.base import ConnectOptions
from borzoi._backends.eyeballs import ATTEMPT_DELAY, Race
from borzoi._errors import ConnectError, ConnectTimeout
from borzoi._run_blocking import run_blocking
from tests.worlds.peers import black_hole, refusing_port


class ByHand:
    """A world in which sockets are connected or failed when the script says so."""

    def __init__(self, *script: tuple[float, list[int]]) -> None:
        self.time = 0.0
        self.script = list(script)
        self.waits: list[tuple[int, float | None]] = []
        self.forgotten: list[socket.socket] = []

    def now(self) -> float:
        """Return the time set by hand."""
        return self.time

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Say what the script says of the running attempts, by their numbers, and let the time pass."""
        self.waits.append((len(sockets), timeout))
        seconds, numbers = self.script.pop(0)
        self.time += seconds
        return [sockets[number] for number in numbers]

    def forget(self, sock: socket.socket) -> None:
        """Note who is forgotten."""
        self.forgotten.append(sock)


def race(world: ByHand, port: int, *hosts: str, timeout: float | None = None) -> Any:
    """Race some addresses."""
    addresses = [(socket.AF_INET, (host, port)) for host in hosts]
    return run_blocking(Race(world, "peer.test", addresses, ConnectOptions()).run(timeout, 0.0))


def test_attempts_are_a_quarter_of_a_second_apart() -> None:
    """While nobody answers, an address more is tried each 250 ms; then the first to answer wins, the others are closed."""
    with black_hole() as port:
        world = ByHand((0.25, []), (0.25, []), (1.0, [1]))
        winner = race(world, port, "127.0.0.1", "127.0.0.1", "127.0.0.1")
        assert world.waits == [(1, ATTEMPT_DELAY), (2, ATTEMPT_DELAY), (3, None)]
        assert len(world.forgotten) == 2
        assert winner not in world.forgotten
        assert all(sock.fileno() == -1 for sock in world.forgotten)
        winner.close()


def test_the_time_that_is_left_bounds_each_wait() -> None:
    """Near its end the time-out is shorter than the delay; when it is over, all attempts are closed."""
    with black_hole() as port:
        world = ByHand((0.1, []), (0.0, []), (0.2, []))
        with pytest.raises(ConnectTimeout, match=r"Could not connect to peer.test within 0.3 s"):
            race(world, port, "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", timeout=0.3)
        assert [timeout for _, timeout in world.waits] == pytest.approx([0.25, 0.2, 0.2])
        assert len(world.forgotten) == 4 - 1 + 1


def test_an_unusable_address_is_passed_over() -> None:
    """Addresses that fail at once, whatever way, are named with their reasons."""
    world = ByHand()
    addresses: list[Any] = [
        (9999, ("nowhere", 80)),
        (socket.AF_INET6, ("::1%nosuchzone", 80, 0, 0)),
    ]
    with pytest.raises(ConnectError, match=r"nowhere\); .*nosuchzone\)"):
        run_blocking(Race(world, "peer.test", addresses, ConnectOptions()).run(None, 0.0))


def test_an_address_may_fail_at_once() -> None:
    """An error code that the system gives at once counts like one that it gives later."""
    with pytest.raises(ConnectError, match=r"Network is unreachable \(127\.255\.255\.255\)"):
        race(ByHand(), 9, "127.255.255.255")


def test_what_fails_at_once_has_no_delay_of_its_own() -> None:
    """While an attempt is under way, one that fails at once is followed by the next, and not by another wait."""
    with black_hole() as port:
        world = ByHand((0.25, []), (0.1, [1]))
        winner = race(world, port, "127.0.0.1", "127.255.255.255", "127.255.255.255", "127.0.0.1")
        assert world.waits == [(1, 0.25), (2, None)]
        winner.close()


def test_an_error_number_stands_for_nothing_else() -> None:
    """The reasons are the system's own words."""
    with refusing_port() as port:

        class Real(ByHand):
            async def wait_connected(self, sockets: Any, timeout: Any) -> Any:
                return sockets

        with pytest.raises(ConnectError, match=f"Errno {errno.ECONNREFUSED}"):
            race(Real(), port, "127.0.0.1", "127.0.0.1")
