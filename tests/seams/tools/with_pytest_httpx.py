"""pytest-httpx: it patches `handle_request` and `handle_async_request` on the classes of the transports."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.seams.tools.serving import WORLDS, serving


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.httpx_mock(should_mock=lambda request: request.url.path == "/mocked")
def test_a_warm_client_is_mocked(world: str, httpx_mock: Any) -> None:
    """What is to be mocked never reaches the server, before and after requests that do."""
    httpx_mock.add_response(json={"from": "mock"}, is_reusable=True)

    async def body(client: Any) -> None:
        for _ in range(2):
            assert (await client.get("/mocked")).json() == {"from": "mock"}
            assert (await client.get("/real")).text == "served /real"

    with serving() as served:
        served.run(world, body)
    assert served.paths == [b"/real", b"/real"]
    assert len(httpx_mock.get_requests(url=f"{served.url}/mocked")) == 2


@pytest.mark.parametrize("world", WORLDS)
def test_errors_and_streams_are_mocked(world: str, httpx_mock: Any) -> None:
    """What it raises comes out as it is, with the request; a body that it streams is read piece by piece."""
    import pytest_httpx

    httpx_mock.add_exception(httpx.ReadTimeout("too slow"))
    httpx_mock.add_response(stream=pytest_httpx.IteratorStream([b"one", b"two"]))

    async def body(client: Any) -> None:
        with pytest.raises(httpx.ReadTimeout, match="too slow") as caught:
            await client.get("/")
        assert caught.value.request.url.path == "/"
        async with client.stream("GET", "/") as response:
            assert [chunk async for chunk in response.aiter_raw()] == [b"one", b"two"]

    with serving() as served:
        served.run(world, body)
    assert served.paths == []
