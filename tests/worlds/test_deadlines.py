"""Time-outs, in every world: each wait ends when its time is over, and says what did not come."""

from __future__ import annotations

import contextlib
import os
import threading
import time

import pytest
import trio
import trio.testing

from borzoi._backends.base import TimedOut
from borzoi._backends.trio import backend_for
from borzoi._errors import ConnectTimeout, ReadTimeout

from .dialing import PLAIN, connect, connected, secure
from .peers import IN_TIME, RawServer, black_hole, echo, silent, unix_black_hole
from .world import World


def test_a_silent_peer_is_a_read_timeout(world: World) -> None:
    """A read without an answer ends in a ReadTimeout that names the peer and the time, in time."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                started = time.monotonic()
                with pytest.raises(ReadTimeout, match=rf"No bytes from 127\.0\.0\.1:{server.port} within 0\.03 s"):
                    await stream.read(0.03)
                assert 0.025 < time.monotonic() - started < IN_TIME

        world.run(body)


def test_after_a_read_timeout_the_stream_still_works(world: World) -> None:
    """A read that ran out of time leaves a stream that can be used."""
    with RawServer(echo) as server:

        async def body() -> bytes:
            async with connected(world, server) as stream:
                with pytest.raises(ReadTimeout):
                    await stream.read(0.01)
                await stream.write(b"hello", 1)
                return bytes(await stream.read(5))

        assert world.run(body) == b"hello"


@pytest.mark.parametrize("timeout", [0, 0.0, 1e-9])
def test_no_time_at_all(world: World, timeout: float) -> None:
    """A time-out of nothing is a time-out, not an error of the system's."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                with pytest.raises(ReadTimeout):
                    await stream.read(timeout)

        world.run(body)


@pytest.mark.parametrize("timeout", [None, 1e12, float("inf")])
def test_more_time_than_the_system_can_count(world: World, timeout: float | None) -> None:
    """A time-out beyond all measure waits, for everything that can be waited for."""
    with RawServer(echo) as server:

        async def body() -> bytes:
            async with connected(world, server, timeout=timeout) as stream:
                await stream.write(b"hello", timeout)
                turn = world.backend().turn()
                turn.give("something")
                await turn.wait(timeout)
                return bytes(await stream.read(timeout))

        assert world.run(body) == b"hello"


def test_a_black_hole_is_a_connect_timeout(world: World) -> None:
    """A connection that is neither made nor refused ends in a ConnectTimeout that names the peer, in time."""
    with black_hole() as port:

        async def body() -> None:
            started = time.monotonic()
            with pytest.raises(ConnectTimeout, match=rf"Could not connect to 127\.0\.0\.1:{port} within 0\.05 s"):
                await world.backend().connect_tcp("127.0.0.1", port, 0.05, PLAIN)
            assert 0.04 < time.monotonic() - started < IN_TIME

        world.run(body)


def test_a_unix_socket_with_a_full_backlog_is_a_connect_timeout(world: World, tmp_path: object) -> None:
    """A Unix socket that nobody accepts on ends in a ConnectTimeout that names the path, in time."""
    path = f"{tmp_path}/full"
    with unix_black_hole(path):

        async def body() -> None:
            started = time.monotonic()
            with pytest.raises(ConnectTimeout, match=r"full within 0.05 s"):
                await world.backend().connect_unix(path, 0.05, PLAIN)
            assert 0.04 < time.monotonic() - started < IN_TIME

        world.run(body)


def test_a_unix_socket_is_connected_when_its_backlog_has_room(world: World, tmp_path: object) -> None:
    """A connection that found the backlog full is made when the peer accepts again."""
    path = f"{tmp_path}/full"
    with unix_black_hole(path) as listener:

        async def body() -> None:
            async with world.tasks() as tasks:

                async def accept() -> None:
                    await world.backend().sleep(0.02)
                    listener.accept()[0].close()

                tasks.start(accept)
                stream = await world.backend().connect_unix(path, 5, PLAIN)
                stream.close()
                await world.sleep0()

        world.run(body)


def test_a_turn_that_does_not_come_is_timed_out(world: World) -> None:
    """Waiting in a queue ends with TimedOut; what was given before or meanwhile ends it well."""

    async def body() -> None:
        backend = world.backend()
        with pytest.raises(TimedOut):
            await backend.turn().wait(0.01)

        turn = backend.turn()
        turn.give("before")
        await turn.wait(0.01)
        assert turn.value == "before"

        turn = backend.turn()
        async with world.tasks() as tasks:

            async def give() -> None:
                turn.give("meanwhile")

            tasks.start(give)
            await turn.wait(5)
        assert turn.value == "meanwhile"

    world.run(body)


def test_a_turn_given_to_somebody_just_cancelled_is_not_lost(async_world: World) -> None:
    """What was given in the tick of a cancellation can be found in the turn, and passed on."""

    async def body() -> None:
        turn = async_world.backend().turn()
        async with async_world.tasks() as tasks:

            async def wait() -> None:
                await turn.wait(None)

            handle = tasks.start(wait)
            for _ in range(3):
                await async_world.sleep0()
            turn.give("a lease")
            handle.cancel()
        assert turn.value == "a lease"

    async_world.run(body)


def test_sleeping_takes_its_time(world: World) -> None:
    """`sleep` lasts at least as long as it was told, on the back end's own clock."""

    async def body() -> None:
        backend = world.backend()
        for seconds in (0.0, 0.0123, 0.03):
            started = backend.now()
            await backend.sleep(seconds)
            # The clocks of the worlds count milliseconds at worst.
            assert seconds - 0.001 <= backend.now() - started < seconds + 1.0

    world.run(body)


def test_many_waits_end_each_at_its_own_time(async_world: World) -> None:
    """1,000 waits with different time-outs each end at about the right time."""
    with RawServer(silent) as server:

        async def body() -> list[float]:
            async with connected(async_world, server) as stream:
                backend = async_world.backend()

                async def one(number: int) -> float:
                    timeout = 0.02 + number * 0.0001
                    started = time.monotonic()
                    with pytest.raises(TimedOut):
                        await backend.turn().wait(timeout)
                    return time.monotonic() - started - timeout

                async with async_world.tasks() as tasks:
                    handles = [tasks.start(one, number) for number in range(1000)]
                with pytest.raises(ReadTimeout):
                    await stream.read(0.01)
            return [handle.result for handle in handles]

        late = async_world.run(body)
        assert min(late) > -0.002
        assert sorted(late)[900] < IN_TIME


def test_an_earlier_deadline_overtakes(async_world: World) -> None:
    """A wait that begins later and ends earlier is not held up by the timer of the one before."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(async_world, server) as first, connected(async_world, server) as second:
                async with async_world.tasks() as tasks:

                    async def wait_long() -> None:
                        await first.read(20)

                    handle = tasks.start(wait_long)
                    await async_world.sleep0()
                    started = time.monotonic()
                    with pytest.raises(ReadTimeout):
                        await second.read(0.02)
                    assert time.monotonic() - started < IN_TIME
                    handle.cancel()

        async_world.run(body)


def test_deadlines_follow_the_clock_of_trio() -> None:
    """Under trio's MockClock an hour of waiting passes in no time."""
    with RawServer(silent) as server:

        async def body() -> float:
            backend = backend_for(trio.lowlevel.current_trio_token())
            stream = await backend.connect_tcp(server.host, server.port, 3600, PLAIN)
            started = trio.current_time()
            with pytest.raises(ReadTimeout):
                await stream.read(3600)
            stream.close()
            return trio.current_time() - started

        wall = time.monotonic()
        assert trio.run(body, clock=trio.testing.MockClock(autojump_threshold=0.01)) == pytest.approx(3600)
        assert time.monotonic() - wall < IN_TIME


def test_a_cancelled_wait_leaves_nothing(async_world: World) -> None:
    """Cancelling reads, writes, turns and sleeps leaves a world that works, with nobody waiting in it."""
    with RawServer(silent) as mute, RawServer(echo) as server:

        async def body() -> bytes:
            backend = async_world.backend()
            async with connected(async_world, mute) as stream:
                for wait in (lambda: stream.read(10), lambda: backend.turn().wait(10), lambda: backend.sleep(10)):
                    async with async_world.move_on_after(0.01) as scope:
                        await wait()
                    assert scope.cancelled_caught
            assert not getattr(backend, "deadlines", None)
            async with connected(async_world, server) as stream:
                await stream.write(b"still", 1)
                return bytes(await stream.read(5))

        assert async_world.run(body) == b"still"


def _sockets() -> int:
    found = 0
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    return found


def test_a_cancelled_connection_is_closed(async_world: World) -> None:
    """Cancelling while a connection is being made leaves no descriptor behind."""
    with black_hole() as port:

        async def body() -> None:
            before = _sockets()
            async with async_world.move_on_after(0.02) as scope:
                await async_world.backend().connect_tcp("127.0.0.1", port, 10, PLAIN)
            assert scope.cancelled_caught
            assert _sockets() == before

        async_world.run(body)


def test_a_handshake_that_does_not_come_is_a_connect_timeout(world: World) -> None:
    """A peer that accepts and never answers the TLS handshake is a ConnectTimeout that says so, in time."""
    over = threading.Event()
    with RawServer(lambda sock: server.until(over)) as server:

        async def body() -> None:
            started = time.monotonic()
            stream = await connect(world, server)
            with pytest.raises(
                ConnectTimeout, match=rf"finish the TLS handshake to 127\.0\.0\.1:{server.port} within 0\.05 s"
            ):
                await secure(stream, timeout=0.05)
            assert time.monotonic() - started < IN_TIME

        try:
            world.run(body)
        finally:
            over.set()
