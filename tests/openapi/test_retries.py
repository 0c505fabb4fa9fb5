"""Retries: which outcomes are worth another attempt, after how long, and with what they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import trio

from borzoi import ConnectError, ReadError, Response, TransportError
from borzoi.openapi import runtime
from borzoi.openapi.runtime import Call, Operation
from borzoi.openapi.runtime.retries import Retries
from tests.openapi.serving import API, Asked, Reply, as_json

GET = Operation("GET /x", replies={"200": lambda: int})
POST = Operation("POST /x", replies={"200": lambda: int}, body=runtime.JSON)
DATE = "Mon, 02 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("method", "outcome", "expected"),
    [
        ("GET", Response(503, headers={"Retry-After": "7"}), 7.0),
        ("GET", Response(429, headers={"Retry-After": "Mon, 02 Nov 2026 10:00:09 GMT", "Date": DATE}), 9.0),
        ("GET", Response(429, headers={"Retry-After": DATE, "Date": "Mon, 02 Nov 2026 10:00:09 GMT"}), 0.0),
        ("GET", Response(429, headers={"Retry-After": "61"}), None),
        ("GET", Response(404), None),
        ("GET", Response(200), None),
        ("POST", Response(503, headers={"Retry-After": "7"}), None),
        ("POST", ReadError("broken"), None),
    ],
)
def test_the_pause(method: str, outcome: Response | TransportError, expected: float | None) -> None:
    """A server says how long to wait; what may have been done is not repeated unless the method is idempotent."""
    assert Retries(1, {"method": method}).pause_after(outcome) == expected


@pytest.mark.parametrize(
    ("method", "outcome"),
    [
        ("GET", Response(500)),
        ("GET", Response(429, headers={"Retry-After": "soon"})),
        ("GET", ReadError("broken")),
        ("POST", ConnectError("refused")),
    ],
)
def test_pauses_grow(method: str, outcome: Response | TransportError) -> None:
    """Without a word of the server pauses double up to eight seconds, half of them by chance, until none is left."""
    retries = Retries(8, {"method": method})
    pauses = [retries.pause_after(outcome) for _ in range(9)]

    assert pauses[8] is None
    for index, pause in enumerate(pauses[:8]):
        longest = min(8.0, 0.5 * 2**index)
        assert pause is not None
        assert longest / 2 <= pause <= longest


@pytest.mark.parametrize("request_", [{"content": iter(())}, {"files": [("f", ("f", open, "text/plain"))]}])
def test_a_body_that_is_gone_is_not_repeated(request_: dict[str, Any]) -> None:
    """A body that is read once cannot be sent twice."""
    assert Retries(3, {"method": "PUT", **request_}).pause_after(Response(503, headers={"Retry-After": "0"})) is None


def flaky(failures: int) -> Any:
    """Return what fails some times before it answers."""
    left = [failures]

    def answer(_: Asked) -> Reply:
        left[0] -= 1
        return as_json(7) if left[0] < 0 else (503, {"Retry-After": "0"}, b"")

    return answer


@pytest.mark.parametrize(("retries", "requests"), [(2, 3), (1, 2), (0, 1)])
def test_blocking(retries: int, requests: int) -> None:
    """A client sends a request again as often as it is told, and the last answer counts."""
    with API(flaky(2)) as api, runtime.Client(api.url, {}, {"retries": retries}) as client:
        call: Call[int] = Call(GET, {})
        assert client.send(call).status_code == (200 if retries == 2 else 503)
    assert len(api.asked) == requests


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)])
def test_async(run: Any) -> None:
    """In async code, too; `with_options` says so for single calls."""

    async def calls(url: str) -> list[int]:
        async with runtime.AsyncClient(url, {}, {}) as client:
            call: Call[int] = Call(GET, {})
            return [(await each.asend(call)).status_code for each in (client, client.with_options(retries=2))]

    with API(flaky(2)) as api:
        assert run(calls(api.url)) == [503, 200]
    assert len(api.asked) == 3


def test_an_error_is_raised_in_the_end() -> None:
    """What failed without an answer raises what it raised."""
    broken: list[int] = []

    def fail(request: Any) -> Any:
        broken.append(1)
        raise ReadError("broken", request=request)

    from borzoi import MockTransport

    async def run() -> None:
        async with runtime.AsyncClient("http://x", {}, {"transport": MockTransport(fail), "retries": 1}) as client:
            await client.asend(Call(POST, {"body": 1}))

    with runtime.Client("http://x", {}, {"transport": MockTransport(fail), "retries": 1}) as client:
        with pytest.raises(ReadError):
            client.send(Call(POST, {"body": 1}))
    with pytest.raises(ReadError):
        asyncio.run(run())
    assert len(broken) == 2
