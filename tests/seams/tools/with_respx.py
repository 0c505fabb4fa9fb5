"""respx: it patches the classes of httpcore, or, if it is told so, `_transport_for_url` of the clients."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from tests.seams.tools.serving import WORLDS, serving

USING = ("httpcore", "httpx")


@pytest.mark.parametrize("using", USING)
@pytest.mark.parametrize("world", WORLDS)
def test_a_client_is_mocked_for_a_while(world: str, using: str) -> None:
    """Requests go to the server before and after, and never meanwhile."""

    async def body(client: Any) -> None:
        assert (await client.get("/before")).text == "served /before"
        with respx.mock(using=using) as router:
            route = router.post(url__startswith=served.url, json={"a": 1}).respond(201, json={"from": "mock"})
            for _ in range(2):
                response = await client.post("/mocked", json={"a": 1})
                assert (response.status_code, response.json()) == (201, {"from": "mock"})
            assert route.call_count == 2
        assert (await client.get("/after")).text == "served /after"

    with serving() as served:
        served.run(world, body)
    assert served.paths == [b"/before", b"/after"]


@pytest.mark.parametrize("using", USING)
@pytest.mark.parametrize("world", WORLDS)
def test_requests_pass_through(world: str, using: str) -> None:
    """A route may let a request pass: it goes to the server, once."""

    async def body(client: Any) -> None:
        with respx.mock(using=using) as router:
            router.get(path="/real").pass_through()
            router.get(path="/fails").mock(side_effect=httpx.ConnectError)
            assert (await client.get("/real")).text == "served /real"
            with pytest.raises(httpx.ConnectError) as caught:
                await client.get("/fails")
            assert caught.value.request.url.path == "/fails"

    with serving() as served:
        served.run(world, body)
    assert served.paths == [b"/real"]
