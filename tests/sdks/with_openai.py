"""openai."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from tests.sdks.calls import Calls
from tests.sdks.comparison import assert_same
from tests.sdks.server import Answer, Server, answer_json
from tests.sdks.stainless import Sdk, share

calls = Calls("openai")


def delta(text: str) -> dict[str, Any]:
    """Return a piece of a streamed completion."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [choice]}


sdk = Sdk(
    module=openai,
    httpx=httpx,
    blocking=openai.OpenAI,
    looping=openai.AsyncOpenAI,
    question={"model": "gpt-x", "messages": [{"role": "user", "content": "Bonjour, où est-ce ?"}]},
    answer={
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-x",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Là-bas."}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    },
    events=(delta("Là"), delta("-bas."), "data: [DONE]\n\n"),
    failing_event={"error": {"message": "Overloaded.", "code": 500}},
    refusal={"error": {"message": "Wrong.", "type": "invalid_request_error", "param": None, "code": "invalid"}},
    resource=lambda client: client.chat.completions,
    prefix="/v1",
)
share(calls, sdk)

FILE = {"id": "f1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.txt"}


@calls
def pages(server: Server) -> Any:
    """All pages of a list are asked for, one after another."""
    job = {"id": "j1", "object": "fine_tuning.job", "created_at": 1, "model": "gpt-x", "status": "succeeded"}
    first = {"object": "list", "data": [job], "has_more": True}
    server.answer(answer_json(first), answer_json({**first, "data": [{**job, "id": "j2"}], "has_more": False}))
    with sdk.client(server) as made:
        return list(made.fine_tuning.jobs.list(limit=1))


@calls
def uploads(server: Server) -> Any:
    server.answer(answer_json(FILE))
    with sdk.client(server) as made:
        return made.files.create(file=("a.txt", b"abc", "text/plain"), purpose="assistants")


@calls
async def uploads_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(FILE))
    async with sdk.loop_client(server) as made:
        return await made.files.create(file=("naïve.txt", b"abc"), purpose="assistants")


@calls
def downloads(server: Server) -> Any:
    server.answer(Answer(200, (("Content-Type", "audio/mpeg"),), b"\0\1\2" * 100))
    with sdk.client(server) as made:
        return made.audio.speech.create(model="tts", voice="alloy", input="x").read()


@calls
def downloads_in_pieces(server: Server) -> Any:
    server.answer(Answer(200, (("Content-Type", "audio/mpeg"),), chunks=(b"\0\1\2" * 100, b"\3" * 100)))
    with sdk.client(server) as made:
        speech = made.audio.speech.with_streaming_response
        with speech.create(model="tts", voice="alloy", input="x") as response:
            return [response.status_code, response.headers, list(response.iter_bytes(64))]


# openai treats its clients in another way once httpx2 was imported, so these two come last.
@calls
def a_client_of_httpx2(server: Server) -> Any:
    """openai takes clients of both libraries."""
    import httpx2

    server.answer(answer_json(sdk.answer))
    with httpx2.Client() as mine, sdk.client(server, http_client=mine, timeout=httpx2.Timeout(8)) as made:
        return sdk.ask(made)


@calls
async def its_own_client_of_httpx2(server: Server) -> Any:
    server.answer(answer_json(sdk.answer))
    async with sdk.loop_client(server, http_client=openai.DefaultAsyncHttpx2Client()) as made:
        return await sdk.ask(made)


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_openai", name)
