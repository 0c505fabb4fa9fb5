"""Streaming: responses whose bodies the program reads itself."""

from __future__ import annotations

import pytest

from borzoi._errors import ReadError, ResponseNotRead, StreamClosed
from borzoi._messages.response import Response
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks

ANYWHERE = "https://one.example/"


def test_body_is_read_inside_the_block(world: World) -> None:
    """Inside the block the body may be iterated over; the end of the block closes the response."""
    body = Chunks(b"one", b"two")
    transport = Answering(Response(200, stream=body))
    response, content = world.stream(world.client(transport=transport), "POST", ANYWHERE, content=b"x", params={"a": 1})

    assert content == b"onetwo"
    assert response.is_closed
    assert body.closed == 1
    assert transport.requests[0].url == "https://one.example/?a=1"


def test_send_leaves_the_body(world: World) -> None:
    """With stream=True the body is left for the program to read, and the response to close."""
    body = Chunks(b"body")
    client = world.client(transport=Answering(Response(200, stream=body)))
    response = world.run(client.send, client.build_request("GET", ANYWHERE), stream=True)

    with pytest.raises(ResponseNotRead):
        _ = response.content
    assert not response.is_closed
    assert world.read(response) == b"body"
    assert response.is_closed
    assert response.elapsed


def test_response_that_is_closed_unread(world: World) -> None:
    """A response that was closed cannot be read any more."""
    body = Chunks(b"body")
    client = world.client(transport=Answering(Response(200, stream=body)))
    response = world.run(client.send, client.build_request("GET", ANYWHERE), stream=True)
    world.run(response.aclose if world.is_async else response.close)

    with pytest.raises(StreamClosed):
        world.read(response)
    assert body.closed == 1


def test_error_inside_the_block_closes_the_response(world: World) -> None:
    """An error on the way through the body closes the response, and carries its request."""
    body = Chunks(b"half", error=ReadError("broken"))
    client = world.client(transport=Answering(Response(200, stream=body)))

    with pytest.raises(ReadError) as caught:
        world.stream(client, "GET", ANYWHERE)
    assert caught.value.request.url == ANYWHERE
    assert body.closed == 1


def test_error_before_the_block(world: World) -> None:
    """An error of the transport is raised on entering."""
    with pytest.raises(ReadError):
        world.stream(world.client(transport=Answering(ReadError("broken"))), "GET", ANYWHERE)


def test_redirects_are_followed_first(world: World) -> None:
    """Streaming concerns the last response: redirects on the way are read."""
    first, last = Chunks(b"gone"), Chunks(b"here")
    transport = Answering(Response(302, headers={"Location": "/there"}, stream=first), Response(200, stream=last))
    client = world.client(transport=transport)
    response, content = world.stream(client, "GET", ANYWHERE, follow_redirects=True, auth=("user", "secret"))

    assert content == b"here"
    assert response.history[0].content == b"gone"
