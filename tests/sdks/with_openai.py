"""openai."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

from tests.sdks.calls import LIMIT, Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_events, answer_json, answer_text

calls = Calls("openai")

QUESTION: dict[str, Any] = {"model": "gpt-x", "messages": [{"role": "user", "content": "Bonjour, où est-ce ?"}]}

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-x",
    "choices": [
        {"index": 0, "finish_reason": "stop", "logprobs": None, "message": {"role": "assistant", "content": "Là-bas."}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}

NEVER = {"error": {"message": "Wrong key.", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}


def delta(text: str) -> dict[str, Any]:
    """Return a piece of a streamed completion."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [choice]}


@contextmanager
def client(server: Server, **options: Any) -> Iterator[OpenAI]:
    """A client that knows the server."""
    settings = {"api_key": "sk-test", "base_url": f"{server.url}/v1", "max_retries": 0, **options}
    with OpenAI(**settings) as made:
        yield made


@asynccontextmanager
async def async_client(server: Server, **options: Any) -> AsyncIterator[AsyncOpenAI]:
    """The same for an event loop."""
    settings = {"api_key": "sk-test", "base_url": f"{server.url}/v1", "max_retries": 0, **options}
    async with AsyncOpenAI(**settings) as made:
        yield made


@calls
def constructs(server: Server) -> Any:
    """What a new client shows of itself."""
    with client(server) as made:
        inner = made._client
        return [made.base_url, made.timeout, inner.timeout, inner.follow_redirects, inner.headers, made.is_closed()]


@calls
def completes(server: Server) -> Any:
    server.answer(answer_json(COMPLETION, x_request_id="req-1"))
    with client(server, organization="org", project="proj") as made:
        return made.chat.completions.create(**QUESTION, extra_query={"q": "a b"}, extra_headers={"X-More": "1"})


@calls
async def completes_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(COMPLETION))
    async with async_client(server) as made:
        return await made.chat.completions.create(**QUESTION)


@calls
def streams(server: Server) -> Any:
    server.answer(answer_events(delta("Là"), delta("-bas."), "data: [DONE]\n\n"))
    with client(server) as made, made.chat.completions.create(**QUESTION, stream=True) as stream:
        return [*stream, stream.response]


@calls
async def streams_in_a_loop(server: Server) -> Any:
    server.answer(answer_events(delta("Là"), ": comment\n\n", delta("-bas."), "data: [DONE]\n\n"))
    async with async_client(server) as made:
        stream = await made.chat.completions.create(**QUESTION, stream=True)
        return [[chunk async for chunk in stream], stream.response]


@calls
def leaves_a_stream(server: Server) -> Any:
    """A stream is left in its middle, and the client goes on."""
    server.answer(answer_events(delta("Là"), stalls=True), answer_json(COMPLETION))
    with client(server) as made:
        with made.chat.completions.create(**QUESTION, stream=True) as stream:
            first = next(iter(stream))
        return [first, stream.response.is_closed, made.chat.completions.create(**QUESTION)]


@calls
def streams_an_error(server: Server) -> Any:
    server.answer(answer_events(delta("Là"), {"error": {"message": "Overloaded.", "code": 500}}))
    with client(server) as made, made.chat.completions.create(**QUESTION, stream=True) as stream:
        return raised(list, stream)


@calls
def a_stream_breaks(server: Server) -> Any:
    server.answer(answer_events(delta("Là"), breaks=True))
    with client(server) as made, made.chat.completions.create(**QUESTION, stream=True) as stream:
        return raised(list, stream)


@calls
def a_stream_stalls(server: Server) -> Any:
    server.answer(answer_events(delta("Là"), stalls=True))
    with client(server, timeout=LIMIT) as made, made.chat.completions.create(**QUESTION, stream=True) as stream:
        return raised(list, stream)


@calls
async def a_stream_stalls_in_a_loop(server: Server) -> Any:
    server.answer(answer_events(delta("Là"), stalls=True))
    async with async_client(server, timeout=LIMIT) as made:
        stream = await made.chat.completions.create(**QUESTION, stream=True)
        return [chunk async for chunk in stream]


def refused(status: int) -> Any:
    """A call whose answer is an error."""

    def call(server: Server) -> Any:
        server.answer(answer_json(NEVER, status, x_request_id="req-2"))
        with client(server) as made:
            return made.chat.completions.create(**QUESTION)

    call.__name__ = f"refused_with_{status}"
    return call


for status in (400, 401, 403, 404, 409, 422, 429, 500, 503):
    calls(refused(status))


@calls
async def refused_in_a_loop(server: Server) -> Any:
    server.answer(answer_text("<html>no JSON</html>", 502))
    async with async_client(server) as made:
        return await made.models.list()


@calls
def tries_again(server: Server) -> Any:
    server.answer(answer_json(NEVER, 500, retry_after_ms="1"), BROKEN, answer_json(COMPLETION))
    with client(server, max_retries=2) as made:
        return made.chat.completions.create(**QUESTION)


@calls
def gives_up(server: Server) -> Any:
    server.answer(answer_json(NEVER, 429, retry_after_ms="1"), answer_json(NEVER, 429))
    with client(server, max_retries=1) as made:
        return made.chat.completions.create(**QUESTION)


@calls
def times_out(server: Server) -> Any:
    server.answer(STALLED)
    with client(server, timeout=LIMIT) as made:
        return made.chat.completions.create(**QUESTION)


@calls
async def times_out_in_a_loop(server: Server) -> Any:
    server.answer(STALLED)
    async with async_client(server) as made:
        return await made.with_options(timeout=LIMIT).models.list()


@calls
def is_cut_off(server: Server) -> Any:
    server.answer(BROKEN)
    with client(server) as made:
        return made.models.list()


@calls
def cannot_connect(server: Server) -> Any:
    with client(server, base_url="http://127.0.0.1:1/v1") as made:
        return made.models.list()


@calls
async def cannot_connect_in_a_loop(server: Server) -> Any:
    async with async_client(server, base_url="http://127.0.0.1:1/v1") as made:
        return await made.models.list()


@calls
def pages(server: Server) -> Any:
    """All pages of a list are asked for, one after another."""
    job = {"id": "j1", "object": "fine_tuning.job", "created_at": 1, "model": "gpt-x", "status": "succeeded"}
    first = {"object": "list", "data": [job], "has_more": True}
    server.answer(answer_json(first), answer_json({**first, "data": [{**job, "id": "j2"}], "has_more": False}))
    with client(server) as made:
        return list(made.fine_tuning.jobs.list(limit=1))


@calls
def uploads(server: Server) -> Any:
    server.answer(answer_json({"id": "f1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.txt"}))
    with client(server) as made:
        return made.files.create(file=("a.txt", b"abc", "text/plain"), purpose="assistants")


@calls
async def uploads_in_a_loop(server: Server) -> Any:
    server.answer(answer_json({"id": "f1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.txt"}))
    async with async_client(server) as made:
        return await made.files.create(file=("naïve.txt", b"abc"), purpose="assistants")


@calls
def downloads(server: Server) -> Any:
    server.answer(Answer(200, (("Content-Type", "audio/mpeg"),), b"\0\1\2" * 100))
    with client(server) as made:
        return made.audio.speech.create(model="tts", voice="alloy", input="x").read()


@calls
def downloads_in_pieces(server: Server) -> Any:
    server.answer(Answer(200, (("Content-Type", "audio/mpeg"),), chunks=(b"\0\1\2" * 100, b"\3" * 100)))
    with client(server) as made:
        speech = made.audio.speech.with_streaming_response
        with speech.create(model="tts", voice="alloy", input="x") as response:
            return [response.status_code, response.headers, b"".join(response.iter_bytes(64))]


@calls
def raw_response(server: Server) -> Any:
    server.answer(answer_json(COMPLETION, x_request_id="req-3"))
    with client(server) as made:
        response = made.chat.completions.with_raw_response.create(**QUESTION)
        return [response.http_response, response.parse(), response.request_id, response.http_request.content]


@calls
def is_redirected(server: Server) -> Any:
    server.answer(Answer(307, (("Location", "/elsewhere"),)), answer_json({"object": "list", "data": []}))
    with client(server) as made:
        return made.models.list()


@calls
def custom_client(server: Server) -> Any:
    """A client of the caller is used: its headers, its hooks, its transport."""
    hooked: list[Any] = []
    server.answer(answer_json(COMPLETION))
    hooks = {"request": [lambda request: hooked.append(request.url)], "response": [hooked.append]}
    with (
        httpx_client(event_hooks=hooks, headers={"X-Mine": "1"}, http2=True) as mine,
        client(server, http_client=mine) as made,
    ):
        return [made.chat.completions.create(**QUESTION), hooked, made._client is mine]


def httpx_client(**options: Any) -> Any:
    """Return a client of the library that openai uses."""
    return openai._base_client.httpx.Client(**options)


@calls
def default_client(server: Server) -> Any:
    server.answer(answer_json(COMPLETION))
    with client(server, http_client=DefaultHttpxClient(cookies={"a": "b"}, timeout=7)) as made:
        return [made.chat.completions.create(**QUESTION), made.timeout, made._client.timeout]


@calls
async def default_client_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(COMPLETION))
    async with async_client(server, http_client=DefaultAsyncHttpxClient(params={"p": "1"})) as made:
        return await made.chat.completions.create(**QUESTION)


@calls
def foreign_client(server: Server) -> Any:
    """Something that is no client of httpx is refused."""
    return raised(OpenAI, api_key="sk-test", base_url=server.url, http_client=DefaultAsyncHttpxClient())


@calls
def mock_transport(server: Server) -> Any:
    httpx = openai._base_client.httpx
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=COMPLETION))
    with httpx.Client(transport=transport) as mine, client(server, http_client=mine) as made:
        return made.chat.completions.create(**QUESTION)


@calls
def is_copied(server: Server) -> Any:
    server.answer(answer_json({"object": "list", "data": []}))
    with client(server) as made:
        other = made.with_options(default_headers={"X-Copied": "1"}, timeout=9)
        return [other.models.list(), other._client is made._client, other.timeout]


@calls
def any_path(server: Server) -> Any:
    server.answer(answer_json({"ok": True}))
    with client(server) as made:
        httpx = openai._base_client.httpx
        return made.post("/any/thing?x=1", cast_to=httpx.Response, body={"a": 1}, options={"params": {"y": [1, 2]}})


@calls
def is_closed(server: Server) -> Any:
    with client(server) as made:
        made.close()
        return [made.is_closed(), raised(made.models.list)]


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_openai", name)
