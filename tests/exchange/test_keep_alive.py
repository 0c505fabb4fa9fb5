"""How long connections rest, where the server has a say in it, in every world."""

from __future__ import annotations

import pytest

from borzoi import Limits
from tests.exchange.http_peers import Asked, Recorder, answer
from tests.exchange.test_pool import Clock
from tests.worlds.peers import RawServer
from tests.worlds.world import World


def connections(world: World, field: bytes, pauses: list[float], expiry: float | None = 30) -> int:
    """Return how many connections a client makes for requests with these pauses between, to a server that sends a field."""
    clock = Clock()
    recorder = Recorder(lambda asked: answer(b"ok", field) if field else answer(b"ok"))

    async def body() -> None:
        async with world.client(clock=clock, limits=Limits(keepalive_expiry=expiry), timeout=20) as client:
            await client.get(server.url)
            for pause in pauses:
                clock.time += pause
                await client.get(server.url)

    with RawServer(recorder) as server:
        world.run(body)
    return len(recorder.connections)


def test_a_connection_is_not_used_when_its_server_may_close_it(world: World) -> None:
    """`Keep-Alive: timeout=5`: it serves for four seconds of rest, again and again, and not after more."""
    assert connections(world, b"Keep-Alive: timeout=5, max=100", [3.9, 3.9, 3.9]) == 1
    assert connections(world, b"Keep-Alive: timeout=5, max=100", [3.9, 4.1]) == 2
    assert connections(world, b"", [4.1, 29]) == 1


@pytest.mark.parametrize(
    ("field", "expiry", "keeps", "closes"),
    [
        (b"keep-alive: TIMEOUT=1", 30, 0.4, 0.6),
        (b"Keep-Alive: timeout=600", 30, 29, 31),
        (b"Keep-Alive: timeout=600", None, 598, 600),
        (b"Keep-Alive: timeout=0", None, 0, 0.001),
        (b"Keep-Alive: nonsense", 30, 29, 31),
    ],
)
def test_the_shorter_time_counts(field: bytes, expiry: float | None, keeps: float, closes: float, world: World) -> None:
    """What the server says shortens what the limits say, and never lengthens it."""
    if field != b"Keep-Alive: timeout=0":
        assert connections(world, field, [keeps], expiry) == 1
    assert connections(world, field, [closes], expiry) == 2


def test_each_server_for_itself(world: World) -> None:
    """What one server says concerns its own connections; all are closed in time, whatever the order."""
    clock = Clock()
    recorders = [Recorder(lambda asked, field=field: answer(b"ok", field)) for field in FIELDS]

    async def body() -> None:
        async with world.client(clock=clock, timeout=20, limits=Limits(keepalive_expiry=30)) as client:
            for server in servers:
                await client.get(server.url)
            for seconds, left in ((3, 3), (2, 2), (4, 1), (22, 0)):
                clock.time += seconds
                await client.get(other.url)
                assert client.pool_stats().idle == left + 1
            assert client.pool_stats().closed["expired"] == 3

    with RawServer(recorders[0]) as one, RawServer(recorders[1]) as two, RawServer(recorders[2]) as three:
        servers = [one, two, three]
        with RawServer(Recorder()) as other:
            world.run(body)


FIELDS = [b"X: none", b"Keep-Alive: timeout=5", b"Keep-Alive: timeout=10"]


def test_close_is_heeded(world: World) -> None:
    """After `Connection: close` nothing more is sent over a connection, whatever else the server says."""

    def respond(asked: Asked) -> bytes:
        return answer(b"ok", b"Keep-Alive: timeout=60", b"Connection: close")

    recorder = Recorder(respond)

    async def body() -> None:
        async with world.client(timeout=20) as client:
            for _ in range(2):
                await client.get(server.url)
            assert client.pool_stats().closed["last"] == 2

    with RawServer(recorder) as server:
        world.run(body)
    assert len(recorder.connections) == 2
