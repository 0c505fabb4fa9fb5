"""What is written for one world is refused by the client of the other; and cancellation leaves nothing open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any

import pytest
import trio
import trio.testing

from borzoi._client.async_client import AsyncClient
from borzoi._client.sync_client import Client
from borzoi._client.transport_base import AsyncBaseTransport, BaseTransport, MockTransport
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.streams import AsyncByteStream, SyncByteStream
from borzoi._policy.auth import Auth
from tests.client.conftest import World
from tests.client.messages import Answering

ANYWHERE = "https://one.example/"


class OnlyBlocking(SyncByteStream):
    """A body for blocking code."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"body"


class OnlyAsync(AsyncByteStream):
    """A body for event loops."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"body"


def other(world: World, blocking: Any, asynchronous: Any) -> Any:
    """Return what is meant for the other world."""
    return blocking if world.is_async else asynchronous


def test_request_of_the_other_world(world: World) -> None:
    """A body that the client cannot iterate over is refused."""
    client = world.client(transport=Answering())
    kind = "an sync" if world.is_async else "an async"

    with pytest.raises(RuntimeError, match=f"Attempted to send {kind} request with"):
        world.run(client.post, ANYWHERE, content=other(world, OnlyBlocking(), OnlyAsync()))


def test_response_of_the_other_world(world: World) -> None:
    """A response whose body the client cannot read is refused, with the transport that made it."""
    stream = other(world, OnlyBlocking(), OnlyAsync())
    client = world.client(transport=Answering(Response(200, stream=stream)))

    with pytest.raises(RuntimeError, match=r"Answering .* stream, which (Async)?Client cannot read"):
        world.run(client.get, ANYWHERE)


@pytest.mark.parametrize("entered", [True, False])
def test_transport_of_the_other_world(world: World, entered: bool) -> None:
    """A transport without the method that the client needs is refused, by name."""
    client = world.client(transport=other(world, BaseTransport(), AsyncBaseTransport()))

    with pytest.raises(TypeError, match="Invalid transport"):
        world.enter(client) if entered else world.run(client.get, ANYWHERE)


def test_transport_that_answers_something_else(world: World) -> None:
    """What a transport returns has to be a response."""
    with pytest.raises(TypeError, match=r"returned 'nothing', which is no borzoi\.Response"):
        world.run(world.client(transport=Answering("nothing")).get, ANYWHERE)


def test_async_handler_in_blocking_code() -> None:
    """An async handler of a MockTransport is for AsyncClient alone."""

    async def handler(request: Request) -> Response:
        return Response(200)

    with Client(transport=MockTransport(handler)) as client, pytest.raises(TypeError, match="async handler"):
        client.get(ANYWHERE)
    assert asyncio.run(_get(AsyncClient(transport=MockTransport(handler)))).status_code == 200


def test_handler_that_answers_nothing() -> None:
    """A handler that forgets to return is an error too."""
    with Client(transport=MockTransport(lambda request: None)) as client, pytest.raises(TypeError):  # type: ignore[arg-type]
        client.get(ANYWHERE)


def test_coroutine_of_a_blocking_transport() -> None:
    """A transport whose handle_request() is async is refused, and its coroutine does not warn."""

    class Confused(BaseTransport):
        async def handle_request(self, request: Request) -> Response:  # type: ignore[override]
            return Response(200)

    with Client(transport=Confused()) as client, pytest.raises(TypeError, match=r"no borzoi\.Response"):
        client.get(ANYWHERE)


def test_base_transports_have_to_be_filled_in() -> None:
    """The base classes send nothing."""
    with Client(transport=BaseTransport()) as client, pytest.raises(NotImplementedError):
        client.get(ANYWHERE)
    with pytest.raises(NotImplementedError):
        asyncio.run(_inside(AsyncClient(transport=AsyncBaseTransport())))


async def _get(client: AsyncClient, **options: Any) -> Response:
    return await client.get(ANYWHERE, **options)


async def _inside(client: AsyncClient) -> Response:
    async with client:
        return await client.get(ANYWHERE)


class Waiting(AsyncByteStream):
    """A body that never comes, and that waits while it is closed."""

    def __init__(self, pause: Any) -> None:
        self.pause = pause
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"half"
        await self.pause(3600)

    async def aclose(self) -> None:
        await self.pause(0)
        self.closed = True


class EndedLate(Auth):
    """A flow that waits while it ends."""

    def __init__(self, pause: Any) -> None:
        self.pause = pause
        self.ended = False

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        try:
            yield request
        finally:
            await self.pause(0)
            self.ended = True


class Hanging(AsyncBaseTransport):
    """A transport that never answers."""

    def __init__(self, pause: Any) -> None:
        self.pause = pause

    async def handle_async_request(self, request: Request) -> Response:
        await self.pause(3600)
        raise AssertionError("It waited long enough.")


async def asyncio_pause(seconds: float) -> None:
    """Give the loop a turn, or wait for ever."""
    await (asyncio.sleep(0) if seconds == 0 else asyncio.Event().wait())


def cancel_in_trio(client: AsyncClient, **options: Any) -> None:
    """Cancel a request that waits."""

    async def get() -> None:
        await client.get(ANYWHERE, **options)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(get)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()

    trio.run(main)


def cancel_in_asyncio(client: AsyncClient, **options: Any) -> None:
    """Cancel a request that waits."""

    async def main() -> None:
        task = asyncio.create_task(_get(client, **options))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


CANCEL = [(trio.sleep, cancel_in_trio), (asyncio_pause, cancel_in_asyncio)]


@pytest.mark.parametrize(("pause", "cancel"), CANCEL)
def test_cancelled_while_reading(pause: Any, cancel: Any) -> None:
    """A cancelled request closes its response, though the body waits while it is closed."""
    body = Waiting(pause)
    cancel(AsyncClient(transport=Answering(Response(200, stream=body))))

    assert body.closed


@pytest.mark.parametrize(("pause", "cancel"), CANCEL)
def test_cancelled_while_sending(pause: Any, cancel: Any) -> None:
    """A cancelled request ends its authentication flow, though that waits while it ends."""
    auth = EndedLate(pause)
    cancel(AsyncClient(transport=Hanging(pause)), auth=auth)

    assert auth.ended


def test_flow_may_wait_in_both_worlds() -> None:
    """The base class reads bodies for a flow that is asked for them, in either world."""

    class Reading(Auth):
        requires_response_body = True

        def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
            response = yield request
            request.headers["X-Token"] = response.text
            yield request

    transport = Answering(Response(200, stream=OnlyAsync()), Response(200))
    response = asyncio.run(_get(AsyncClient(transport=transport), auth=Reading()))

    assert response.request.headers["X-Token"] == "body"
