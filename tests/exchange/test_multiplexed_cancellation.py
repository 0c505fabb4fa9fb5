"""57 for HTTP/2: wherever a request is cancelled, nothing of it is left, and the other streams of its connection go on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from borzoi import Limits
from tests.exchange.cancelling import CancelledAt
from tests.exchange.http2_scripts import assert_settled, http2_client
from tests.exchange.http_peers import pool_of
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.world import World

PIECES = 2
PIECE = b"x" * 50_000

Ask = Callable[[Any, str], Awaitable[Any]]


class Pieces:
    """Give a body in pieces that do not fit the window of a connection."""

    def __init__(self) -> None:
        self._left = PIECES

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return PIECE


class Script:
    """Answer every request in pieces, and keep the peers, whose books are compared with ours."""

    def __init__(self) -> None:
        self.peers: list[Http2Peer] = []

    def __call__(self, peer: Http2Peer) -> None:
        self.peers.append(peer)
        while True:
            request = peer.request()
            self._say(peer, request, headers=[(b":status", b"103")])
            self._say(peer, request, headers=[(b":status", b"200")])
            for piece in (b"one", b"two", request.get(b":path") or b""):
                self._say(peer, request, data=piece)
            self._say(peer, request, data=b"", end=True)

    def _say(
        self, peer: Http2Peer, request: Request, *, headers: Any = None, data: bytes = b"", end: bool = False
    ) -> None:
        """Send a frame by itself, unless the client has reset the stream."""
        if request.reset_code is not None:
            return
        if headers is not None:
            peer.h2.send_headers(request.stream, headers)
        else:
            peer.h2.send_data(request.stream, data, end_stream=end)
        peer.flush()


async def get(client: Any, url: str) -> Any:
    """Ask, and read the answer."""
    return await client.get(url)


async def upload(client: Any, url: str) -> Any:
    """Send more than the windows admit, from an iterator."""
    return await client.put(url, content=Pieces())


async def stream(client: Any, url: str) -> Any:
    """Read a body piece by piece, and what was said before it."""

    async def hear(interim: Any) -> None:
        await pool_of(client)._backend.sleep(0)

    async with client.stream("GET", url, extensions={"on_informational": hear}) as response:
        async for _ in response.aiter_raw():
            pass
    return response


KINDS: dict[str, Ask] = {"get": get, "upload": upload, "stream": stream}


async def sweep(world: World, client: Any, url: str, ask: Ask) -> int:
    """Cancel a request where it waits for the first time, the second time, and so on until it succeeds."""
    for number in itertools.accumulate(itertools.count(1), lambda last, _: last + 1 + last // 12):
        begun: list[CancelledAt] = []

        async def attempt(number: int = number, begun: list[CancelledAt] = begun) -> Any:
            counted = CancelledAt(ask(client, f"{url}/mine"), number, lambda: tasks.handles[0].cancel())  # type: ignore[arg-type]
            begun.append(counted)
            return await counted

        async with world.tasks() as tasks:
            handle = tasks.start(attempt)
            others = [tasks.start(client.get, f"{url}/{n}") for n in range(2)]
        assert [other.result.text for other in others] == ["onetwo/0", "onetwo/1"]
        assert_settled(client)
        assert begun[0].waits >= (number if handle.cancelled else 0)
        if begun[0].waits < number:
            assert not handle.cancelled
            assert handle.result.status_code == 200
            return number
    raise AssertionError


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_a_request_cancelled_wherever_it_waits(async_world: World, name: str, *, fresh: bool) -> None:
    """Cancelled at the n-th point at which it waits, for every n, a request takes nothing with it: others go on.

    On a new connection each time it is the one that opens it, for which the others wait.
    """
    world = async_world
    script = Script()

    async def body() -> int:
        limits = Limits(max_connections=1, max_keepalive_connections=0 if fresh else 1)
        tasks_before = len(asyncio.all_tasks()) if "trio" not in world.name else 0
        async with http2_client(world, limits=limits, client={"timeout": 20}) as client:
            if not fresh:
                await client.get(server.url)
            found = await sweep(world, client, server.url, KINDS[name])
            if not fresh:
                await compare(client)
            if "trio" not in world.name:
                assert len(asyncio.all_tasks()) == tasks_before
        return found

    async def compare(client: Any) -> None:
        (connection,) = (shared for lane in pool_of(client)._shelf.lanes() for shared in lane.shared)
        peer = script.peers[-1].h2
        assert connection.http2.window == peer.inbound_flow_control_window
        assert connection.http2._credit >= connection.http2._low_credit

    with http2_server(script, tls=True) as server:
        assert world.run(body) >= 2
        assert fresh or len(server.connections) == 1


@pytest.mark.parametrize("turns", range(3))
def test_several_cancelled_at_any_turn(async_world: World, turns: int) -> None:
    """Cancelled at the n-th turn of the loop, while they wait for an opener or a place, requests lose nothing."""
    world = async_world
    script = Script()

    async def body() -> None:
        limits = Limits(max_connections=2)
        async with http2_client(world, limits=limits, client={"timeout": 20}) as client:
            for more in range(6):
                async with world.tasks() as tasks:
                    handles = [tasks.start(client.get, f"{server.url}/{n}") for n in range(9)]
                    for _ in range(turns * 12 + 2 * more):
                        await world.sleep0()
                    for handle in handles[::3]:
                        handle.cancel()
                texts = [handle.result.text for n, handle in enumerate(handles) if n % 3]
                assert texts == [f"onetwo/{n}" for n in range(9) if n % 3]
                assert_settled(client)

    with http2_server(script, tls=True, settings={3: 3}) as server:
        world.run(body)
