"""Waiters, deadlines and the one timer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from borzoi._backends.base import TimedOut
from borzoi._backends.parking import SCAN_SECONDS, Parking


class ByHand(Parking):
    """A parking whose clock and timer are moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.armed: list[float] = []

    def now(self) -> float:
        """Return the time set by hand."""
        return self.time

    def new_waiter(self) -> asyncio.Future[None]:
        """Return a future of the running loop."""
        return asyncio.get_running_loop().create_future()

    def arm(self, when: float) -> None:
        """Note the time."""
        self.armed.append(when)


def in_loop(body: Callable[[ByHand], None]) -> None:
    """Run a body where futures can be made."""

    async def run() -> None:
        body(ByHand())

    asyncio.run(run())


def test_the_timer_is_armed_for_the_earliest_deadline_only() -> None:
    """A later deadline leaves the timer alone, an earlier one moves it, none at all arms nothing."""

    def body(parking: ByHand) -> None:
        for timeout in (None, 5.0, 7.0, 2.0, 2.0, math.inf):
            parking.park(timeout)
        assert parking.armed == [5.0, 2.0]

    in_loop(body)


def test_only_those_whose_time_has_come_fail() -> None:
    """The timer fails the waits that are over, leaves those that were woken alone, and is armed for the next."""

    def body(parking: ByHand) -> None:
        over, woken, next_one, last, for_ever = (parking.park(timeout) for timeout in (1.0, 1.0, 2.0, 3.0, None))
        woken.set_result(None)
        parking.time = 1.5
        parking.expire()
        assert isinstance(over.exception(), TimedOut)  # type: ignore[attr-defined]
        assert not next_one.done()
        assert not last.done()
        assert not for_ever.done()
        assert parking.armed == [1.0, 2.0]
        assert parking.timer_at == 2.0

    in_loop(body)


def test_scans_are_apart() -> None:
    """With many waiters the next scan is not sooner than what a scan costs."""

    def body(parking: ByHand) -> None:
        for number in range(1000):
            parking.park(1.0 + number * 1e-9)
        parking.time = 1.0
        parking.expire()
        assert parking.timer_at == 1.0 + 1000 * SCAN_SECONDS
        for waiter in parking.deadlines:
            if waiter.done():
                waiter.exception()  # type: ignore[attr-defined]

    in_loop(body)


def test_the_timer_rests_when_nobody_waits() -> None:
    """After the last wait the timer is not armed again."""

    def body(parking: ByHand) -> None:
        parking.leave(parking.park(1.0))
        parking.time = 2.0
        parking.expire()
        assert parking.armed == [1.0]
        assert parking.timer_at == math.inf
        parking.park(1.0)
        assert parking.armed == [1.0, 3.0]

    in_loop(body)


def test_leaving_twice_does_no_harm() -> None:
    """A waiter that is forgotten already, as in a fork's child, may leave."""

    def body(parking: ByHand) -> None:
        waiter = parking.park(1.0)
        parking.leave(waiter)
        parking.leave(waiter)
        assert parking.deadlines == {}

    in_loop(body)


def test_everybody_fails_with_an_error_of_their_own() -> None:
    """When the loop's part has ended, each wait that is not over fails with a fresh exception."""

    def body(parking: ByHand) -> None:
        first, second, woken = parking.park(None), parking.park(1.0), parking.park(1.0)
        woken.set_result(None)
        parking.fail_all(lambda: LookupError("the end"))
        assert first.exception() is not second.exception()  # type: ignore[attr-defined]
        assert str(first.exception()) == "the end"  # type: ignore[attr-defined]
        assert woken.exception() is None  # type: ignore[attr-defined]

    in_loop(body)


def test_a_turn_that_timed_out_may_still_be_given() -> None:
    """What is given in the tick in which a wait ran out of time stays in the turn."""

    async def body() -> None:
        parking = ByHand()
        turn = parking.turn()
        waiting = asyncio.ensure_future(turn.wait(1.0))
        await asyncio.sleep(0)
        parking.time = 1.0
        parking.expire()
        turn.give("late")
        with pytest.raises(TimedOut):
            await waiting
        assert turn.value == "late"
        await turn.wait(0.0)

    asyncio.run(body())
