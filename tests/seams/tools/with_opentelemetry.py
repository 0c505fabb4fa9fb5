"""OpenTelemetry: it patches the classes of the transports, or those of one client."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.seams.tools.serving import WORLDS, serving


def _provider() -> tuple[Any, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


@pytest.mark.parametrize("world", WORLDS)
def test_all_clients_are_traced(world: str) -> None:
    """While it instruments, each request is a span, and carries its context to the server."""
    provider, exporter = _provider()

    async def body(client: Any) -> None:
        await client.get("/before")
        HTTPXClientInstrumentor().instrument(tracer_provider=provider)
        try:
            await client.get("/one")
            await client.get("/two")
        finally:
            HTTPXClientInstrumentor().uninstrument()
        await client.get("/after")

    with serving() as served:
        served.run(world, body)
    spans = exporter.get_finished_spans()
    assert [span.attributes["http.url"] for span in spans] == [f"{served.url}/one", f"{served.url}/two"]
    assert [b"traceparent" in head.lower() for head in served.heads] == [False, True, True, False]


@pytest.mark.parametrize("world", WORLDS)
def test_one_client_is_traced(world: str) -> None:
    """One client may be instrumented on its own, warm or not."""
    provider, exporter = _provider()

    async def body(client: Any) -> None:
        one = getattr(client, "wrapped", client)
        await client.get("/before")
        HTTPXClientInstrumentor.instrument_client(one, tracer_provider=provider)
        await client.get("/one")
        HTTPXClientInstrumentor.uninstrument_client(one)
        await client.get("/after")

    with serving() as served:
        served.run(world, body)
    assert [span.attributes["http.url"] for span in exporter.get_finished_spans()] == [f"{served.url}/one"]
    assert [b"traceparent" in head.lower() for head in served.heads] == [False, True, False]
