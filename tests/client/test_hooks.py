"""Event hooks: functions that see each request before it is sent, and each response before it is read."""

from __future__ import annotations

from typing import Any

import pytest

from borzoi._messages.request import Request
from borzoi._messages.response import Response
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks

ANYWHERE = "https://one.example/"


def hop(request: Request) -> Response:
    """Redirect once."""
    if request.url.path == "/":
        return Response(302, headers={"Location": "/there"})
    return Response(200, headers={"X-Seen": request.headers.get("X-Hook", "")})


def test_hooks_see_every_message(world: World) -> None:
    """Hooks are called for each request and response, redirects included, in their order."""
    seen: list[str] = []
    hooks = {
        "request": [world.hook(lambda request: seen.append(f"> {request.url.path}"))],
        "response": [
            world.hook(lambda response: seen.append(f"< {response.status_code}")),
            world.hook(lambda response: seen.append("<")),
        ],
    }
    world.run(world.client(hop, event_hooks=hooks, follow_redirects=True).get, ANYWHERE)

    assert seen == ["> /", "< 302", "<", "> /there", "< 200", "<"]


def test_hook_may_change_the_request(world: World) -> None:
    """What a hook does to a request is sent."""

    def mark(request: Request) -> None:
        request.headers["X-Hook"] = "was here"

    response = world.run(world.client(hop, event_hooks={"request": [world.hook(mark)]}).get, ANYWHERE + "there")
    assert response.headers["X-Seen"] == "was here"


def test_hooks_are_lists_of_the_client(world: World) -> None:
    """Hooks may be added and assigned later; the lists that were given stay as they are."""
    seen: list[Any] = []
    given: dict[str, list[Any]] = {"request": []}
    client = world.client(hop, event_hooks=given)
    assert client.event_hooks == {"request": [], "response": []}

    client.event_hooks["response"].append(world.hook(seen.append))
    world.run(client.get, ANYWHERE)
    assert len(seen) == 1

    client.event_hooks = {"request": [world.hook(seen.append)]}
    world.run(client.get, ANYWHERE)
    assert len(seen) == 2
    assert given == {"request": []}


def test_error_of_a_response_hook_closes_the_response(world: World) -> None:
    """A response that a hook refuses is closed."""
    body = Chunks(b"unread")

    def refuse(response: Response) -> None:
        raise LookupError("refused")

    client = world.client(
        transport=Answering(Response(200, stream=body)), event_hooks={"response": [world.hook(refuse)]}
    )
    with pytest.raises(LookupError):
        world.run(client.get, ANYWHERE)
    assert body.closed == 1


def test_error_of_a_request_hook_sends_nothing(world: World) -> None:
    """A request that a hook refuses is not sent."""
    transport = Answering()

    def refuse(request: Request) -> None:
        raise LookupError("refused")

    with pytest.raises(LookupError):
        world.run(world.client(transport=transport, event_hooks={"request": [world.hook(refuse)]}).get, ANYWHERE)
    assert transport.requests == []


def test_hook_may_read_the_response(world: World) -> None:
    """A hook may read the body, for raise_for_status() and the like."""
    sizes: list[int] = []

    def blocking(response: Response) -> None:
        sizes.append(len(response.read()))

    async def asynchronous(response: Response) -> None:
        sizes.append(len(await response.aread()))

    hooks = {"response": [asynchronous if world.is_async else blocking]}
    client = world.client(transport=Answering(Response(200, stream=Chunks(b"body"))), event_hooks=hooks)

    assert world.run(client.get, ANYWHERE).content == b"body"
    assert sizes == [4]


def test_hook_of_the_other_world(world: World) -> None:
    """A hook that is written for the other kind of client is refused, by name."""

    def blocking(request: Request) -> None:
        """Do nothing."""

    async def asynchronous(request: Request) -> None:
        """Do nothing."""

    client = world.client(hop, event_hooks={"request": [blocking if world.is_async else asynchronous]})
    with pytest.raises(TypeError, match="Invalid event hook"):
        world.run(client.get, ANYWHERE)
