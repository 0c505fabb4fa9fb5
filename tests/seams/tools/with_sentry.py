"""sentry: it replaces `send` of the clients."""

from __future__ import annotations

from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.integrations.httpx import HttpxIntegration

from tests.seams.tools.serving import WORLDS, serving


@pytest.mark.parametrize("world", WORLDS)
def test_requests_are_spans(world: str) -> None:
    """Each request inside of a transaction is a span, and tells the server of it."""
    events: list[Any] = []

    async def body(client: Any) -> None:
        await client.get("/before")
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:9/1",
            integrations=[HttpxIntegration()],
            default_integrations=False,
            traces_sample_rate=1.0,
            before_send_transaction=lambda event, _: events.append(event),
        )
        with sentry_sdk.start_transaction(name="work"):
            await client.get("/one")
            await client.get("/two")

    with serving() as served:
        served.run(world, body)
    spans = [span for event in events for span in event["spans"] if span["op"] == "http.client"]
    assert [span["data"]["url"] for span in spans] == [f"{served.url}/one", f"{served.url}/two"]
    assert [b"sentry-trace" in head.lower() for head in served.heads[-2:]] == [True, True]
