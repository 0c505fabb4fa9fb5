"""The calls that openai, anthropic and groq have in common, as one generator wrote all three: `share(calls, sdk)`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

from tests.sdks.calls import LIMIT, Call, Calls, raised
from tests.sdks.server import BROKEN, STALLED, Answer, Server, answer_events, answer_json, answer_text


class Sdk(NamedTuple):
    """What is of its own in each of them."""

    module: Any
    httpx: Any
    """The library that it imports."""
    blocking: type[Any]
    looping: type[Any]
    """The two clients."""
    question: Mapping[str, Any]
    answer: Mapping[str, Any]
    events: tuple[object, ...]
    """A streamed answer, of two events at least."""
    failing_event: object
    """One that is an error."""
    refusal: Mapping[str, Any]
    """The body of a response that is an error."""
    resource: Callable[[Any], Any]
    """Where a client has `create()`."""
    prefix: str = ""
    """What comes before all paths."""

    @contextmanager
    def client(self, server: Server, **options: Any) -> Iterator[Any]:
        """A client that knows the server."""
        settings = {"api_key": "sk-test", "base_url": f"{server.url}{self.prefix}", "max_retries": 0, **options}
        with self.blocking(**settings) as made:
            yield made

    @asynccontextmanager
    async def loop_client(self, server: Server, **options: Any) -> AsyncIterator[Any]:
        """The same for an event loop."""
        settings = {"api_key": "sk-test", "base_url": f"{server.url}{self.prefix}", "max_retries": 0, **options}
        async with self.looping(**settings) as made:
            yield made

    def ask(self, client: Any, **options: Any) -> Any:
        """Ask for an answer; an event loop has to wait for it."""
        return self.resource(client).create(**self.question, **options)


def share(calls: Calls, sdk: Sdk) -> None:
    """Add the calls that they have in common."""
    for group in (plain_calls, stream_calls, failing_calls, client_calls):
        for call in group(sdk):
            calls(call)


def plain_calls(sdk: Sdk) -> Iterator[Call]:
    """Calls that are answered as a whole."""

    def constructs(server: Server) -> Any:
        with sdk.client(server) as made:
            inner = made._client
            return [made.base_url, made.timeout, inner.timeout, inner.follow_redirects, inner.headers, made.is_closed()]

    def completes(server: Server) -> Any:
        server.answer(answer_json(sdk.answer, x_request_id="req-1"))
        with sdk.client(server, default_headers={"X-All": "1"}, default_query={"all": "1"}) as made:
            return sdk.ask(made, extra_query={"q": "a b"}, extra_headers={"X-More": "1"}, extra_body={"more": 1})

    async def completes_in_a_loop(server: Server) -> Any:
        server.answer(answer_json(sdk.answer))
        async with sdk.loop_client(server) as made:
            return await sdk.ask(made)

    def raw_response(server: Server) -> Any:
        server.answer(answer_json(sdk.answer, x_request_id="req-3"))
        with sdk.client(server) as made:
            response = sdk.resource(made).with_raw_response.create(**sdk.question)
            return [response.http_response, response.parse(), response.http_request.content]

    def streamed_response(server: Server) -> Any:
        server.answer(answer_json(sdk.answer))
        with (
            sdk.client(server) as made,
            sdk.resource(made).with_streaming_response.create(**sdk.question) as response,
        ):
            return [response.status_code, response.headers, b"".join(response.iter_bytes(7))]

    def any_path(server: Server) -> Any:
        server.answer(answer_json({"ok": True}))
        with sdk.client(server) as made:
            options = {"params": {"y": [1, 2]}}
            return made.post("/any/thing?x=1", cast_to=sdk.httpx.Response, body={"a": 1}, options=options)

    def is_redirected(server: Server) -> Any:
        server.answer(Answer(307, (("Location", "/elsewhere"),)), answer_json(sdk.answer))
        with sdk.client(server) as made:
            return sdk.ask(made)

    yield from (constructs, completes, completes_in_a_loop, raw_response, streamed_response, any_path, is_redirected)


def stream_calls(sdk: Sdk) -> Iterator[Call]:
    """Calls that are answered event by event."""

    def streams(server: Server) -> Any:
        server.answer(answer_events(*sdk.events))
        with sdk.client(server) as made, sdk.ask(made, stream=True) as stream:
            return [*stream, stream.response]

    async def streams_in_a_loop(server: Server) -> Any:
        server.answer(answer_events(sdk.events[0], ": comment\n\n", *sdk.events[1:]))
        async with sdk.loop_client(server) as made:
            stream = await sdk.ask(made, stream=True)
            return [[event async for event in stream], stream.response]

    def leaves_a_stream(server: Server) -> Any:
        server.answer(answer_events(*sdk.events[:2], stalls=True), answer_json(sdk.answer))
        with sdk.client(server) as made:
            with sdk.ask(made, stream=True) as stream:
                first = next(iter(stream))
            return [first, stream.response.is_closed, sdk.ask(made)]

    def streams_an_error(server: Server) -> Any:
        server.answer(answer_events(*sdk.events[:1], sdk.failing_event))
        with sdk.client(server) as made, sdk.ask(made, stream=True) as stream:
            return raised(list, stream)

    def a_stream_breaks(server: Server) -> Any:
        server.answer(answer_events(*sdk.events[:2], breaks=True))
        with sdk.client(server) as made, sdk.ask(made, stream=True) as stream:
            return raised(list, stream)

    def a_stream_stalls(server: Server) -> Any:
        server.answer(answer_events(*sdk.events[:2], stalls=True))
        with sdk.client(server, timeout=LIMIT) as made, sdk.ask(made, stream=True) as stream:
            return raised(list, stream)

    async def a_stream_stalls_in_a_loop(server: Server) -> Any:
        server.answer(answer_events(*sdk.events[:2], stalls=True))
        async with sdk.loop_client(server, timeout=LIMIT) as made:
            return [event async for event in await sdk.ask(made, stream=True)]

    yield from (streams, streams_in_a_loop, leaves_a_stream, streams_an_error, a_stream_breaks)
    yield from (a_stream_stalls, a_stream_stalls_in_a_loop)


def failing_calls(sdk: Sdk) -> Iterator[Call]:
    """Calls that end in an exception, or nearly."""

    def refused(status: int) -> Call:
        def call(server: Server) -> Any:
            server.answer(answer_json(sdk.refusal, status, x_request_id="req-2"))
            with sdk.client(server) as made:
                return sdk.ask(made)

        call.__name__ = f"refused_with_{status}"
        return call

    async def refused_in_a_loop(server: Server) -> Any:
        server.answer(answer_text("<html>no JSON</html>", 502))
        async with sdk.loop_client(server) as made:
            return await made.models.list()

    def tries_again(server: Server) -> Any:
        refusal = answer_json(sdk.refusal, 500, retry_after_ms="1")
        server.answer(refusal, BROKEN, answer_json(sdk.answer))
        with sdk.client(server, max_retries=2) as made:
            return sdk.ask(made)

    def gives_up(server: Server) -> Any:
        server.answer(answer_json(sdk.refusal, 429, retry_after_ms="1"), answer_json(sdk.refusal, 429))
        with sdk.client(server, max_retries=1) as made:
            return sdk.ask(made)

    def times_out(server: Server) -> Any:
        server.answer(STALLED)
        with sdk.client(server, timeout=sdk.httpx.Timeout(5, read=LIMIT)) as made:
            return sdk.ask(made)

    async def times_out_in_a_loop(server: Server) -> Any:
        server.answer(STALLED)
        async with sdk.loop_client(server) as made:
            return await made.with_options(timeout=LIMIT).models.list()

    def is_cut_off(server: Server) -> Any:
        server.answer(BROKEN)
        with sdk.client(server) as made:
            return made.models.list()

    def cannot_connect(server: Server) -> Any:
        with sdk.client(server, base_url="http://127.0.0.1:1") as made:
            return made.models.list()

    async def cannot_connect_in_a_loop(server: Server) -> Any:
        async with sdk.loop_client(server, base_url="http://127.0.0.1:1") as made:
            return await made.models.list()

    yield from map(refused, (400, 401, 403, 404, 409, 422, 429, 500, 503))
    yield from (refused_in_a_loop, tries_again, gives_up, times_out, times_out_in_a_loop, is_cut_off)
    yield from (cannot_connect, cannot_connect_in_a_loop)


def client_calls(sdk: Sdk) -> Iterator[Call]:
    """Calls through a client that is the caller's."""

    def custom_client(server: Server) -> Any:
        hooked: list[Any] = []
        server.answer(answer_json(sdk.answer))
        hooks = {"request": [lambda request: hooked.append(request.url)], "response": [hooked.append]}
        with (
            sdk.httpx.Client(event_hooks=hooks, headers={"X-Mine": "1"}, http2=True) as mine,
            sdk.client(server, http_client=mine) as made,
        ):
            return [sdk.ask(made), hooked, made._client is mine]

    def default_client(server: Server) -> Any:
        server.answer(answer_json(sdk.answer))
        mine = sdk.module.DefaultHttpxClient(cookies={"a": "b"}, timeout=7)
        with sdk.client(server, http_client=mine) as made:
            return [sdk.ask(made), made.timeout, made._client.timeout]

    async def default_client_in_a_loop(server: Server) -> Any:
        server.answer(answer_json(sdk.answer))
        mine = sdk.module.DefaultAsyncHttpxClient(params={"p": "1"})
        async with sdk.loop_client(server, http_client=mine) as made:
            return await sdk.ask(made)

    def foreign_client(server: Server) -> Any:
        """A client for event loops is refused by one for threads."""
        other = sdk.module.DefaultAsyncHttpxClient()
        return raised(sdk.blocking, api_key="sk-test", base_url=server.url, http_client=other)

    def mock_transport(server: Server) -> Any:
        transport = sdk.httpx.MockTransport(lambda request: sdk.httpx.Response(200, json=sdk.answer))
        with sdk.httpx.Client(transport=transport) as mine, sdk.client(server, http_client=mine) as made:
            return sdk.ask(made)

    def is_copied(server: Server) -> Any:
        server.answer(answer_json(sdk.answer))
        with sdk.client(server) as made:
            other = made.with_options(default_headers={"X-Copied": "1"}, timeout=9)
            return [sdk.ask(other), other._client is made._client, other.timeout]

    def is_closed(server: Server) -> Any:
        with sdk.client(server) as made:
            made.close()
            return [made.is_closed(), raised(sdk.ask, made)]

    yield from (custom_client, default_client, default_client_in_a_loop, foreign_client, mock_transport, is_copied)
    yield is_closed
