"""The lock that is held across awaits."""

from __future__ import annotations

import pytest

from borzoi._backends.base import TimedOut
from borzoi._exchange.lock import Lock
from tests.worlds.world import World


def test_one_at_a_time_in_order(world: World) -> None:
    """Who asks first is served first, and never are there two at once."""
    inside: list[int] = []
    asked: list[int] = []
    order: list[int] = []

    async def body() -> None:
        lock = Lock(world.backend())

        async def enter(number: int) -> None:
            asked.append(number)
            await lock.acquire()
            assert not inside
            inside.append(number)
            await world.sleep0()
            order.append(inside.pop())
            lock.release()

        await world.gather(*[lambda number=number: enter(number) for number in range(5)])
        assert lock.acquire_now()
        assert not lock.acquire_now()
        with pytest.raises(TimedOut):
            await lock.acquire(0.01)
        lock.release()
        assert lock.acquire_now()

    world.run(body)
    assert sorted(order) == list(range(5))
    if world.is_async:
        assert order == asked


def test_a_cancelled_turn_is_passed_on(async_world: World) -> None:
    """Who is cancelled while waiting, even in the moment in which the lock is handed over, does not keep it."""
    world = async_world

    async def body() -> None:
        lock = Lock(world.backend())

        async def enter() -> None:
            await lock.acquire()
            entered.append(True)
            lock.release()

        await lock.acquire()
        async with world.tasks() as tasks:
            handles = [tasks.start(enter) for _ in range(4)]
            await world.sleep0()
            await world.sleep0()
            handles[0].cancel()
            await world.sleep0()
            lock.release()
            handles[1].cancel()
            handles[2].cancel()
        assert [handle.ended for handle in handles] == [True] * 4
        assert len(entered) + sum(handle.cancelled for handle in handles) == 4
        assert lock.acquire_now()

    entered: list[bool] = []
    world.run(body)
    assert entered
