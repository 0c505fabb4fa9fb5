"""groq."""

from __future__ import annotations

from typing import Any

import groq
import httpx
import pytest

from tests.sdks.calls import Calls
from tests.sdks.comparison import assert_same
from tests.sdks.server import Server, answer_json
from tests.sdks.stainless import Sdk, share

calls = Calls("groq")


def delta(text: str) -> dict[str, Any]:
    """Return a piece of a streamed completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "llama-x", "choices": [choice]}


sdk = Sdk(
    module=groq,
    httpx=httpx,
    blocking=groq.Groq,
    looping=groq.AsyncGroq,
    question={"model": "llama-x", "messages": [{"role": "user", "content": "Où ?"}]},
    answer={
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "llama-x",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Là."}}],
    },
    events=(delta("Là"), delta("."), "data: [DONE]\n\n"),
    failing_event='event: error\ndata: {"error": {"message": "Overloaded."}}\n\n',
    refusal={"error": {"message": "Wrong.", "type": "invalid_request_error"}},
    resource=lambda client: client.chat.completions,
)
share(calls, sdk)


@calls
def transcribes(server: Server) -> Any:
    """A file goes as a multipart form."""
    server.answer(answer_json({"text": "Bonjour."}))
    with sdk.client(server) as made:
        return made.audio.transcriptions.create(file=("a.wav", b"RIFF" * 5000), model="whisper", language="fr")


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_groq", name)
