"""ollama."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import ollama
import pytest

from tests.sdks.calls import LIMIT, Calls, raised
from tests.sdks.comparison import assert_same
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_json, answer_lines, answer_text

calls = Calls("ollama")

QUESTION: list[dict[str, str]] = [{"role": "user", "content": "Où est-ce ?"}]


def answer(text: str, done: bool = True) -> dict[str, Any]:
    """Return an answer of a model, or a piece of one."""
    said = {"role": "assistant", "content": text}
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": said, "done": done}


@contextmanager
def client(server: Server, **options: Any) -> Iterator[ollama.Client]:
    """A client that knows the server."""
    with ollama.Client(server.url, **options) as made:
        yield made


@calls
def constructs(server: Server) -> Any:
    with client(server, headers={"X-Mine": "1"}, cookies={"a": "b"}) as made:
        inner = made._client
        return [inner.headers, inner.base_url, inner.timeout, inner.follow_redirects, dict(inner.cookies)]


@calls
def chats(server: Server) -> Any:
    server.answer(answer_json(answer("Là-bas.")))
    with client(server) as made:
        return made.chat("m", QUESTION, options={"seed": 1}, format="json")


@calls
async def chats_in_a_loop(server: Server) -> Any:
    server.answer(answer_json(answer("Là-bas.")))
    async with ollama.AsyncClient(server.url) as made:
        return await made.chat("m", QUESTION)


@calls
def streams(server: Server) -> Any:
    server.answer(answer_lines(answer("Là", done=False), answer("-bas.")))
    with client(server) as made:
        return list(made.chat("m", QUESTION, stream=True))


@calls
async def streams_in_a_loop(server: Server) -> Any:
    server.answer(answer_lines(answer("Là", done=False), answer("-bas.")))
    async with ollama.AsyncClient(server.url) as made:
        return [piece async for piece in await made.chat("m", QUESTION, stream=True)]


@calls
def leaves_a_stream(server: Server) -> Any:
    server.answer(answer_lines(answer("Là", done=False))._replace(stalls=True), answer_json(answer("ok")))
    with client(server) as made:
        stream = made.chat("m", QUESTION, stream=True)
        first = next(stream)
        stream.close()
        return [first, made.chat("m", QUESTION)]


@calls
def streams_an_error(server: Server) -> Any:
    server.answer(answer_lines(answer("Là", done=False), {"error": "out of memory"}))
    with client(server) as made:
        return list(made.chat("m", QUESTION, stream=True))


@calls
def a_stream_is_refused(server: Server) -> Any:
    server.answer(answer_json({"error": "model 'm' not found"}, 404))
    with client(server) as made:
        return list(made.chat("m", QUESTION, stream=True))


@calls
def a_stream_breaks(server: Server) -> Any:
    server.answer(answer_lines(answer("Là", done=False))._replace(breaks=True))
    with client(server) as made:
        return list(made.chat("m", QUESTION, stream=True))


@calls
async def a_stream_stalls_in_a_loop(server: Server) -> Any:
    server.answer(answer_lines(answer("Là", done=False))._replace(stalls=True))
    async with ollama.AsyncClient(server.url, timeout=LIMIT) as made:
        return [piece async for piece in await made.chat("m", QUESTION, stream=True)]


@calls
def refused(server: Server) -> Any:
    server.answer(answer_json({"error": "wrong"}, 400), answer_text("down", 503))
    with client(server) as made:
        return [raised(made.chat, "m", QUESTION), raised(made.show, "m")]


@calls
async def refused_in_a_loop(server: Server) -> Any:
    server.answer(answer_json({"error": "wrong"}, 500))
    async with ollama.AsyncClient(server.url) as made:
        return await made.embed("m", "x")


@calls
def times_out(server: Server) -> Any:
    server.answer(STALLED)
    with client(server, timeout=LIMIT) as made:
        return made.chat("m", QUESTION)


@calls
async def times_out_in_a_loop(server: Server) -> Any:
    server.answer(STALLED)
    async with ollama.AsyncClient(server.url, timeout=LIMIT) as made:
        return await made.list()


@calls
def is_cut_off(server: Server) -> Any:
    server.answer(BROKEN)
    with client(server) as made:
        return made.list()


@calls
def cannot_connect(server: Server) -> Any:
    with ollama.Client("http://127.0.0.1:1") as made:
        return made.list()


@calls
async def cannot_connect_in_a_loop(server: Server) -> Any:
    async with ollama.AsyncClient("http://127.0.0.1:1") as made:
        return await made.list()


@calls
def is_redirected(server: Server) -> Any:
    server.answer(Answer(307, (("Location", "/api/elsewhere"),)), answer_json({"models": []}))
    with client(server) as made:
        return made.list()


@calls
def deletes(server: Server) -> Any:
    server.answer(answer_json({}))
    with client(server) as made:
        return made.delete("m")


@calls
def pulls(server: Server) -> Any:
    server.answer(answer_lines({"status": "pulling", "total": 9, "completed": 3}, {"status": "success"}))
    with client(server) as made:
        return list(made.pull("m", stream=True))


@calls
def uploads_a_blob(server: Server) -> Any:
    """The file goes as it is read, without a length."""
    server.answer(Answer(201))
    with client(server) as made:
        return made.create_blob(__file__)


@calls
async def uploads_a_blob_in_a_loop(server: Server) -> Any:
    server.answer(Answer(201))
    async with ollama.AsyncClient(server.url) as made:
        return await made.create_blob(__file__)


@calls
def custom_transport(server: Server) -> Any:
    """What is given to the client goes to that of httpx."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"models": []}))
    with client(server, transport=transport) as made:
        return made.list()


@calls
def custom_hooks(server: Server) -> Any:
    heard: list[Any] = []
    server.answer(answer_json({"models": []}))
    with client(server, event_hooks={"response": [heard.append]}, params={"p": "1"}, auth=("u", "p")) as made:
        return [made.list(), heard]


@pytest.mark.parametrize("name", calls.names)
def test_same(name: str) -> None:
    """Each call sends and gives the same on Borzoi as on the SDK's own library."""
    assert_same(calls, "with_ollama", name)
