"""Measure a whole mocked request: ours at the wire seam, and pytest-httpx's, which answers above the pool.

    python -m benchmarks.mocking [rounds]

Both do the same in one process and by turns: GET with a route for it, status, JSON, with one client for all requests.
The figure is the median over the rounds of our CPU time for a request divided by theirs in the same round. It needs
`pip install httpx==0.28.1 pytest-httpx` beside Borzoi.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

REQUESTS = 300
URL = "https://api.test/users/7"
ANSWER = {"id": 7, "name": "Laika", "tags": ["a", "b", "c"]}


def ours(measure: Callable[[Callable[[], Any]], float]) -> float:
    """Return the seconds of a round of ours."""
    import borzoi
    from borzoi.testing import mock

    with mock() as m:
        m.get(URL).reply(json=ANSWER)
        with borzoi.Client() as client:
            return measure(lambda: client.get(URL).json())


def theirs(measure: Callable[[Callable[[], Any]], float]) -> float:
    """Return the seconds of a round of pytest-httpx, whose fixture is entered as pytest does."""
    import httpx
    import pytest
    from pytest_httpx import HTTPXMock
    from pytest_httpx._options import _HTTPXMockOptions

    mocked = HTTPXMock(_HTTPXMockOptions())

    def handle(transport: Any, request: Any) -> Any:
        return mocked._handle_request(transport, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", handle)
        mocked.add_response(url=URL, json=ANSWER, is_reusable=True)
        with httpx.Client() as client:
            return measure(lambda: client.get(URL).json())


def ours_async(requests: int) -> float:
    """Return the seconds for each request of ours in asyncio."""
    import borzoi
    from borzoi.testing import mock

    async def main() -> float:
        with mock() as m:
            m.get(URL).reply(json=ANSWER)
            async with borzoi.AsyncClient() as client:
                await client.get(URL)
                began = time.process_time()
                for _ in range(requests):
                    (await client.get(URL)).json()
                return (time.process_time() - began) / requests

    return asyncio.run(main())


def theirs_async(requests: int) -> float:
    """Return the seconds for each request of pytest-httpx in asyncio."""
    import httpx
    import pytest
    from pytest_httpx import HTTPXMock
    from pytest_httpx._options import _HTTPXMockOptions

    mocked = HTTPXMock(_HTTPXMockOptions())

    async def handle(transport: Any, request: Any) -> Any:
        return await mocked._handle_async_request(transport, request)

    async def main() -> float:
        mocked.add_response(url=URL, json=ANSWER, is_reusable=True)
        async with httpx.AsyncClient() as client:
            await client.get(URL)
            began = time.process_time()
            for _ in range(requests):
                (await client.get(URL)).json()
            return (time.process_time() - began) / requests

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
        return asyncio.run(main())


def seconds(request: Callable[[], Any]) -> float:
    """Return the CPU seconds for each request, after one that loads what is loaded at first use."""
    assert request() == ANSWER
    began = time.process_time()
    for _ in range(REQUESTS):
        request()
    return (time.process_time() - began) / REQUESTS


def compare(title: str, one: Callable[[], float], other: Callable[[], float], rounds: int) -> float:
    """Measure by turns, print a row, and return the ratio."""
    pairs = [(one(), other()) for _ in range(rounds)]
    ratio = statistics.median(mine / peer for mine, peer in pairs)
    mine, peer = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
    print(f"{title:10} borzoi {mine:7.1f} us   pytest-httpx {peer:7.1f} us   ratio {ratio:.2f}")
    return ratio


def main() -> int:
    """Compare both worlds; fail where ours costs more than one and a half times theirs."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    ratios = [
        compare("blocking", lambda: ours(seconds), lambda: theirs(seconds), rounds),
        compare("asyncio", lambda: ours_async(REQUESTS), lambda: theirs_async(REQUESTS), rounds),
    ]
    return 0 if max(ratios) <= 1.5 else 1


if __name__ == "__main__":
    sys.exit(main())
