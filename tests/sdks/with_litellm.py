"""litellm, which asks some providers through their SDKs and others by httpx itself. aiohttp is switched off."""

from __future__ import annotations

from typing import Any

import httpx
import litellm
import openai
import pytest
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

from tests.sdks.calls import LIMIT, Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Server, answer_events, answer_json, answer_lines, answer_text

calls = Calls("litellm")

litellm.disable_aiohttp_transport = True
litellm.suppress_debug_info = True

QUESTION = [{"role": "user", "content": "Où est-ce ?"}]

COMPLETION: dict[str, Any] = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Là-bas."}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}

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

MESSAGE_EVENTS = (
    ("message_start", {"type": "message_start", "message": {**MESSAGE, "content": []}}),
    (
        "content_block_start",
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ),
    (
        "content_block_delta",
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Là"}},
    ),
    ("content_block_stop", {"type": "content_block_stop", "index": 0}),
    ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
    ("message_stop", {"type": "message_stop"}),
)


def through_openai(server: Server, **options: Any) -> dict[str, Any]:
    """Arguments for a completion by the SDK of openai."""
    return {"model": "openai/m", "messages": QUESTION, "api_base": server.url, "max_retries": 0, **options}


def through_httpx(server: Server, **options: Any) -> dict[str, Any]:
    """Arguments for a completion by httpx."""
    base = f"{server.url}/v1/messages"
    return {"model": "anthropic/claude-x", "messages": QUESTION, "api_base": base, "max_tokens": 5, **options}


def timeless(response: Any) -> Any:
    """Return a response without the time at which it was made."""
    data = response.model_dump()
    data.pop("created", None)
    return [type(response).__name__, data]


def piece(text: str) -> dict[str, Any]:
    """Return a piece of a streamed completion."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return {**COMPLETION, "object": "chat.completion.chunk", "choices": [choice]}


@calls
def constructs(server: Server) -> Any:
    handler = HTTPHandler(timeout=3)
    return [handler.client.timeout, handler.client.headers, handler.client.follow_redirects]


@calls
def completes(server: Server) -> Any:
    server.answer(answer_json(COMPLETION), answer_json(MESSAGE))
    answers = (
        litellm.completion(**through_openai(server, api_key="k")),
        litellm.completion(**through_httpx(server, api_key="k", extra_headers={"X-Mine": "1"})),
    )
    return [timeless(answer) for answer in answers]


@calls
async def completes_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(COMPLETION), answer_json(MESSAGE))
    first = await litellm.acompletion(**through_openai(server, api_key="k"))
    return [timeless(first), timeless(await litellm.acompletion(**through_httpx(server, api_key="k")))]


@calls
def streams(server: Server) -> Any:
    server.answer(answer_events(piece("Là"), piece("-bas."), "data: [DONE]\n\n"), answer_events(*MESSAGE_EVENTS))
    first = list(litellm.completion(**through_openai(server, api_key="k"), stream=True))
    second = list(litellm.completion(**through_httpx(server, api_key="k"), stream=True))
    return [timeless(each) for each in (*first, *second)]


@calls
async def streams_in_a_loop(server: Server) -> Any:
    server.answer(answer_events(piece("Là"), piece("-bas."), "data: [DONE]\n\n"), answer_events(*MESSAGE_EVENTS))
    first = await litellm.acompletion(**through_openai(server, api_key="k"), stream=True)
    pieces = [timeless(each) async for each in first]
    second = await litellm.acompletion(**through_httpx(server, api_key="k"), stream=True)
    return [*pieces, *[timeless(each) async for each in second]]


def refused(status: int) -> Any:
    """Two calls whose answers are errors."""

    def call(server: Server) -> Any:
        server.answer(
            answer_json({"error": {"message": "Wrong.", "type": "invalid_request_error", "code": "invalid"}}, status),
            answer_json({"type": "error", "error": {"type": "some_error", "message": "Wrong."}}, status),
        )
        first = raised(litellm.completion, **through_openai(server, api_key="k"))
        return [told(first), told(raised(litellm.completion, **through_httpx(server, api_key="k")))]

    call.__name__ = f"refused_with_{status}"
    return call


def told(error: Any) -> Any:
    """Return what a caller asks of an error of litellm."""
    classes = [cls.__name__ for cls in type(error).__mro__]
    names = ("status_code", "message", "llm_provider", "model", "response", "request", "body", "code")
    return [classes, str(error), {name: getattr(error, name, None) for name in names}]


for status in (400, 401, 403, 404, 408, 429, 500, 503):
    calls(refused(status))


@calls
def times_out(server: Server) -> Any:
    server.answer(STALLED, STALLED)
    first = raised(litellm.completion, **through_openai(server, api_key="k", timeout=LIMIT))
    second = raised(litellm.completion, **through_httpx(server, api_key="k", timeout=LIMIT))
    return [type(first).__name__, isinstance(first, openai.APITimeoutError), type(second).__name__]


@calls
async def times_out_in_a_loop(server: Server) -> Any:
    server.answer(STALLED)
    try:
        await litellm.acompletion(**through_httpx(server, api_key="k", timeout=LIMIT))
    except litellm.Timeout as error:
        return [type(error).__name__, error.status_code]


@calls
def is_cut_off(server: Server) -> Any:
    server.answer(BROKEN, BROKEN)
    first = raised(litellm.completion, **through_openai(server, api_key="k"))
    second = raised(litellm.completion, **through_httpx(server, api_key="k"))
    return [type(first).__name__, type(second).__name__]


@calls
def cannot_connect(server: Server) -> Any:
    nowhere = {"api_base": "http://127.0.0.1:1", "api_key": "k"}
    first = raised(litellm.completion, **{**through_openai(server), **nowhere})
    return [type(each).__name__ for each in (first, raised(litellm.completion, **{**through_httpx(server), **nowhere}))]


@calls
def custom_client(server: Server) -> Any:
    """Each way to hand a client in: that of openai, litellm's own, and the one for all."""
    server.answer(answer_json(COMPLETION), answer_json(MESSAGE))
    with httpx.Client(headers={"X-Mine": "1"}) as mine:
        sdk = openai.OpenAI(api_key="k", base_url=server.url, http_client=mine)
        first = litellm.completion(**through_openai(server), client=sdk)
        second = litellm.completion(**through_httpx(server, api_key="k"), client=HTTPHandler(client=mine))
        return [timeless(first), timeless(second), mine.is_closed]


@calls
def session_for_all(server: Server) -> Any:
    server.answer(answer_json(COMPLETION))
    with httpx.Client(headers={"X-Session": "1"}) as mine:
        litellm.client_session = mine
        try:
            return timeless(litellm.completion(**through_openai(server, api_key="other")))
        finally:
            litellm.client_session = None


@calls
def asks_ollama(server: Server) -> Any:
    """A provider whose stream is lines of JSON."""
    said = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "Là."}}
    server.answer(answer_lines({**said, "done": False}, {**said, "done": True, "done_reason": "stop"}))
    stream = litellm.completion("ollama_chat/m", QUESTION, api_base=server.url, stream=True)
    return [timeless(each) for each in stream]


@calls
def embeds(server: Server) -> Any:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 1.5]}
    server.answer(answer_json({"object": "list", "data": [vector], "model": "m", "usage": {"prompt_tokens": 1}}))
    return litellm.embedding("openai/m", ["x"], api_base=server.url, api_key="k").data


@calls
def handlers(server: Server) -> Any:
    """The wrapper of httpx that litellm's providers use."""
    server.answer(answer_json({"n": 1}), answer_text("gone", 410), answer_json({"n": 2}))
    with httpx.Client() as mine:
        handler = HTTPHandler(client=mine)
        first = handler.get(f"{server.url}/x", params={"a": "b c"}, headers={"X-Mine": "1"})
        second = raised(handler.post, f"{server.url}/x", json={"a": 1})
        return [first, type(second).__name__, second.response, handler.put(f"{server.url}/x", data="text")]


@calls
async def handlers_in_a_loop(server: Server) -> Any:
    server.answer(answer_json({"n": 1}), STALLED)
    handler = AsyncHTTPHandler(timeout=LIMIT)
    try:
        first = await handler.post(f"{server.url}/x", json={"a": 1})
        try:
            await handler.get(f"{server.url}/x")
        except Exception as error:  # noqa: BLE001 - what is raised is what the caller sees
            return [first, type(error).__name__]
    finally:
        await handler.close()


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_litellm", name)
