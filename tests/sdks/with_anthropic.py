"""anthropic."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import httpx2
import pytest

from tests.sdks.calls import Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import Server, answer_events, answer_json, answer_lines
from tests.sdks.stainless import Sdk, share

calls = Calls("anthropic")

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Là-bas."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def event(kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Return an event of a streamed message."""
    return kind, {"type": kind, **fields}


def text(piece: str) -> tuple[str, dict[str, Any]]:
    """Return the event that brings some text."""
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})


EVENTS = (
    event("message_start", message={**MESSAGE, "content": [], "stop_reason": None}),
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("ping"),
    text("Là"),
    text("-bas."),
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
    event("message_stop"),
)

sdk = Sdk(
    module=anthropic,
    httpx=httpx2,
    blocking=anthropic.Anthropic,
    looping=anthropic.AsyncAnthropic,
    question={
        "model": "claude-x",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "Bonjour, où est-ce ?"}],
    },
    answer=MESSAGE,
    events=EVENTS,
    failing_event=("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    refusal={"type": "error", "error": {"type": "invalid_request_error", "message": "Wrong."}},
    resource=lambda client: client.messages,
)
share(calls, sdk)


@calls
def streams_text(server: Server) -> Any:
    """The streaming helper gathers the message while it gives its text."""
    server.answer(answer_events(*EVENTS))
    with sdk.client(server) as made, made.messages.stream(**sdk.question) as stream:
        return [list(stream.text_stream), stream.get_final_message()]


@calls
async def streams_text_in_a_loop(server: Server) -> Any:
    server.answer(answer_events(*EVENTS))
    async with sdk.loop_client(server) as made, made.messages.stream(**sdk.question) as stream:
        return [[piece async for piece in stream.text_stream], await stream.get_final_message()]


@calls
def counts_tokens(server: Server) -> Any:
    server.answer(answer_json({"input_tokens": 9}))
    with sdk.client(server, api_key=None, auth_token="token") as made:
        return made.messages.count_tokens(model="claude-x", messages=sdk.question["messages"])


@calls
def reads_results_of_a_batch(server: Server) -> Any:
    """The results of a batch are lines of JSON."""
    batch = {
        "id": "b1",
        "type": "message_batch",
        "processing_status": "ended",
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-01-02T00:00:00Z",
        "results_url": f"{server.url}/v1/messages/batches/b1/results",
        "request_counts": {"canceled": 0, "errored": 0, "expired": 0, "processing": 0, "succeeded": 2},
    }
    result = {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}}
    server.answer(answer_json(batch), answer_lines(result, {**result, "custom_id": "b"}))
    with sdk.client(server) as made:
        return list(made.messages.batches.results("b1"))


@calls
def pages(server: Server) -> Any:
    """All pages of a list are asked for, one after another."""
    model = {"id": "m1", "type": "model", "display_name": "M", "created_at": "2026-01-01T00:00:00Z"}
    first = {"data": [model], "has_more": True, "first_id": "m1", "last_id": "m1"}
    server.answer(answer_json(first), answer_json({**first, "data": [{**model, "id": "m2"}], "has_more": False}))
    with sdk.client(server) as made:
        return list(made.models.list(limit=1))


@calls
async def uploads_in_a_loop(server: Server) -> Any:
    kept = {"id": "f1", "type": "file", "filename": "a.txt", "mime_type": "text/plain", "size_bytes": 3}
    server.answer(answer_json({**kept, "created_at": "2026-01-01T00:00:00Z"}))
    async with sdk.loop_client(server) as made:
        return await made.beta.files.upload(file=("naïve.txt", b"abc", "text/plain"))


@calls
def a_client_of_httpx(server: Server) -> Any:
    """anthropic takes clients of httpx2 alone, and says so."""
    server.answer(answer_json(MESSAGE))
    with httpx.Client() as mine:
        made = raised(anthropic.Anthropic, api_key="sk-test", base_url=server.url, http_client=mine)
        return made if isinstance(made, Exception) else "taken"


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_anthropic", name)
