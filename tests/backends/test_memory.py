"""The back end without a network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from borzoi._backends.base import ConnectOptions, TimedOut, TLSOptions
from borzoi._backends.memory import END, Event, MemoryBackend, Wait
from borzoi._errors import ConnectError, ConnectTimeout, ReadError, ReadTimeout
from borzoi._run_blocking import run_blocking

OPTIONS = ConnectOptions()


def run(body: Callable[[], Awaitable[Any]]) -> Any:
    """Run a body: nothing in it suspends."""
    return run_blocking(body())  # type: ignore[arg-type]


def backend(*events: Event, answers: Iterable[Event] = ()) -> MemoryBackend:
    """Return a back end whose one kind of peer says `events`, and `answers` to each write."""
    return MemoryBackend(lambda host, port: lambda data: list(answers if data else events))


def test_a_script_is_read_in_order() -> None:
    """Bytes come as they are in the script, then the end, again and again."""

    async def body() -> None:
        world = backend(b"one", b"two", END)
        stream = await world.connect_tcp("host.test", 80, 5, OPTIONS)
        assert [await stream.read(1) for _ in range(4)] == [b"one", b"two", b"", b""]
        assert world.streams == [stream]

    run(body)


def test_answers_follow_writes() -> None:
    """What is written is kept, and its answer read."""

    async def body() -> None:
        stream: Any = await backend(answers=[b"pong"]).connect_unix("path", 5, OPTIONS)
        assert stream.is_idle()
        await stream.write(b"ping", 1)
        assert not stream.is_idle()
        assert stream.get_extra_info("is_readable") is True
        assert await stream.read(1) == b"pong"
        assert bytes(stream.sent) == b"ping"
        assert stream.get_extra_info("socket") is None

    run(body)


def test_time_passes_only_while_somebody_waits() -> None:
    """A wait in the script moves the clock; a time-out moves it only so far, and the rest of the wait is still to come."""

    async def body() -> None:
        world = backend(Wait(2), b"late", Wait(1), b"later", Wait(7), b"latest")
        stream = await world.connect_tcp("host.test", 80, 5, OPTIONS)
        assert stream.is_idle()
        with pytest.raises(ReadTimeout, match=r"No bytes from host.test:80 within 0.5 s"):
            await stream.read(0.5)
        assert world.now() == 0.5
        assert await stream.read(1.5) == b"late"
        assert world.now() == 2.0
        assert await stream.read(5) == b"later"
        assert await stream.read(None) == b"latest"
        assert world.now() == 10.0
        with pytest.raises(ReadTimeout):
            await stream.read(3)
        await world.sleep(1)
        assert world.now() == 14.0

    run(body)


def test_waiting_for_ever_for_nothing_is_a_bug() -> None:
    """A wait without a time-out, when the script has ended, raises RuntimeError instead of hanging."""

    async def body() -> None:
        stream = await backend().connect_tcp("host.test", 80, 5, OPTIONS)
        with pytest.raises(RuntimeError, match="would last for ever"):
            await stream.read(None)

    run(body)


def test_errors_are_raised_where_they_are_scripted() -> None:
    """An exception in the script is raised to the reader, one in place of a connection to who connects."""

    async def body() -> None:
        stream = await backend(b"ok", ReadError("reset")).connect_tcp("host.test", 80, 5, OPTIONS)
        assert await stream.read(1) == b"ok"
        with pytest.raises(ReadError, match="reset"):
            await stream.read(1)
        refusing = MemoryBackend(lambda host, port: ConnectError(f"refused {host}:{port}"))
        with pytest.raises(ConnectError, match=r"refused host.test:80"):
            await refusing.connect_tcp("host.test", 80, 5, OPTIONS)

    run(body)


@pytest.mark.parametrize(("timeout", "passed"), [(5.0, 5.0), (60.0, 30.0), (None, 30.0)])
def test_a_connection_that_takes_too_long(timeout: float | None, passed: float) -> None:
    """A number in place of a connection is the time after which it fails, or the time-out if that is shorter."""

    async def body() -> None:
        world = MemoryBackend(lambda host, port: 30.0)
        with pytest.raises(ConnectTimeout):
            await world.connect_tcp("host.test", 80, timeout, OPTIONS)
        assert world.now() == passed

    run(body)


def test_the_rest_of_a_back_end() -> None:
    """Turns, locks, names, TLS, closing and adoption do what they say, without a network."""

    async def body() -> None:
        world = backend(END)
        called: list[str] = []
        world.call_from_thread(lambda: called.append("called"))
        with world.guard():
            assert called == ["called"]
        assert not world.has_ended()
        assert await world.resolve("host.test", 80, 1) == [(0, ("host.test", 80))]

        turn = world.turn()
        with pytest.raises(TimedOut):
            await turn.wait(3)
        assert world.now() == 3.0
        turn.give("it")
        await turn.wait(3)
        assert world.now() == 3.0

        stream: Any = await world.connect_tcp("host.test", 80, 1, OPTIONS)
        tls = TLSOptions(None, "host.test")  # type: ignore[arg-type]
        assert await stream.start_tls(tls, 1) is stream
        assert stream.tls is tls
        assert world.adopt(stream)
        assert not world.adopt(object())  # type: ignore[arg-type]
        stream.close()
        assert stream.closed
        assert not stream.is_idle()
        other: Any = await world.connect_tcp("host.test", 80, 1, OPTIONS)
        other.abandon()
        assert other.closed
        world.abandon()

    run(body)
