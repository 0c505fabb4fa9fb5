"""The transport seam: the same routes for clients that take a transport."""

from __future__ import annotations

import pytest

import borzoi
from borzoi.testing import UnmatchedRequest, close, fault, mock, wait
from tests.worlds.world import World

URL = "https://api.test/users"


def test_a_transport_answers_from_the_routes(world: World) -> None:
    """Replies, functions and streams with pauses come through the transport, in every world."""

    async def body() -> None:
        async with world.client(transport=m.transport()) as client:
            assert (await client.get(f"{URL}/7?a=1")).json() == {"id": 7}
            assert (await client.post(URL, json={"a": 1})).status_code == 201
            async with client.stream("GET", f"{URL}/feed") as response:
                assert await response.aread() == b"onetwo"
            assert (await client.head(URL)).content == b""
            with pytest.raises(UnmatchedRequest):
                await client.get("https://other.test/")
            with pytest.raises(TypeError, match="a fault of the wire"):
                await client.get("https://api.test/broken")

    with mock() as m:
        m.get(f"{URL}/{{id:int}}").reply(lambda request, **params: params)
        made = m.post(URL, json={"a": 1}).reply(201)
        m.get(f"{URL}/feed").stream("one", wait(5), b"two", close(), "never")
        m.head(URL).reply(200, text="unseen")
        m.get("https://api.test/broken").reply(fault.reset())
        world.run(body)
        assert m.clock.now() == 5
        m.unmatched.clear()
    assert made.calls[0].json == {"a": 1}


def test_it_is_a_transport_of_both_kinds() -> None:
    """The transport is one for both clients."""
    transport = mock().transport()
    assert isinstance(transport, borzoi.BaseTransport)
    assert isinstance(transport, borzoi.AsyncBaseTransport)
