"""`client.sse()`: the request that it makes, and the connections that follow."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from borzoi._client.sync_client import Client
from borzoi._errors import ConnectError, LocalProtocolError, ReadError, ReadTimeout, SSEError
from borzoi._messages.event_source import EventSource
from borzoi._messages.response import Response
from borzoi._messages.sse import ServerSentEvent
from tests.client.conftest import World
from tests.client.messages import Answering, Chunks

ANYWHERE = "https://one.example/"
AT_ONCE = b"retry: 0\n"


def events(*chunks: bytes, error: BaseException | None = None, status: int = 200, **headers: str) -> Response:
    """Return a response that is a stream of events."""
    headers = {"Content-Type": "text/event-stream", **headers}
    return Response(status, headers=headers, stream=Chunks(*chunks, error=error))


def subscribe(world: World, client: Any, *args: Any, into: list[Any] | None = None, **kwargs: Any) -> list[Any]:
    """Return the events of `client.sse()`, each with the id that its connection continued from."""
    received: list[Any] = [] if into is None else into

    def note(source: EventSource, event: ServerSentEvent) -> None:
        received.append((event.data, source.response.request.headers.get("Last-Event-ID")))

    def blocking() -> None:
        with client.sse(*args, **kwargs) as source:
            for event in source:
                note(source, event)

    async def asynchronous() -> None:
        async with client.sse(*args, **kwargs) as source:
            async for event in source:
                note(source, event)

    world.run(asynchronous if world.is_async else blocking)
    return received


def test_request(world: World) -> None:
    """The request asks for events, past any cache, with GET; the response is closed at the end of the block."""
    body = Chunks(b"data: 1\n\n")
    response = Response(200, headers={"Content-Type": "text/event-stream"}, stream=body)
    transport = Answering(response)
    received = subscribe(world, world.client(transport=transport), ANYWHERE, params={"a": "1"})

    (request,) = transport.requests
    assert received == [("1", None)]
    assert (request.method, request.url) == ("GET", ANYWHERE + "?a=1")
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Cache-Control"] == "no-store"
    assert (response.is_closed, body.closed) == (True, 1)


def test_request_of_a_language_model(world: World) -> None:
    """A POST with a JSON body is answered by events; headers that are given win over the usual ones."""
    transport = Answering(events(b'data: {"delta": "Hi"}\n\ndata: [DO', b"NE]\n\n"))
    client = world.client(transport=transport, headers={"Accept": "text/html"})
    received = subscribe(
        world,
        client,
        ANYWHERE,
        method="POST",
        json={"stream": True},
        headers={"cache-control": "max-age=0", "X-Key": "1"},
        cookies={"c": "1"},
        auth=("user", "secret"),
        timeout=7,
        extensions={"mine": 1},
    )

    (request,) = transport.requests
    assert received == [('{"delta": "Hi"}', None), ("[DONE]", None)]
    assert (request.method, request.content) == ("POST", b'{"stream":true}')
    assert request.headers.get_list("Accept") == ["text/event-stream"]
    assert request.headers.get_list("Cache-Control") == ["max-age=0"]
    assert {"X-Key", "Cookie", "Authorization", "Content-Type"} <= {name.title() for name in request.headers}
    assert request.extensions["timeout"]["read"] == 7
    assert request.extensions["mine"] == 1


def test_status_is_left_to_the_program(world: World) -> None:
    """An error response is handed out as it is; it is no stream, if it does not say so."""
    transport = Answering(Response(404, text="gone"), events(b"data: 1\n\n", status=404))
    client = world.client(transport=transport)

    with pytest.raises(SSEError, match=r"content type 'text/event-stream', got 'text/plain'") as caught:
        subscribe(world, client, ANYWHERE)
    assert caught.value.request is transport.requests[0]
    assert subscribe(world, client, ANYWHERE) == [("1", None)]


def test_error_of_the_first_connection(world: World) -> None:
    """An error of the first connection is raised on entering, also where reconnecting is wanted."""
    with pytest.raises(ConnectError):
        subscribe(world, world.client(transport=Answering(ConnectError("refused"))), ANYWHERE, reconnect=5)


def test_redirects_and_limits(world: World) -> None:
    """Redirects are followed on request, and the size of an event is bounded."""
    transport = Answering(Response(302, headers={"Location": "/there"}), events(b"data: 12345\n\n"))
    client = world.client(transport=transport)

    with pytest.raises(SSEError, match="exceeded the 9 byte limit"):
        subscribe(world, client, ANYWHERE, follow_redirects=True, max_event_size=9)
    assert transport.requests[1].url == ANYWHERE + "there"
    assert transport.requests[1].headers["Accept"] == "text/event-stream"


def test_no_reconnecting_unless_asked(world: World) -> None:
    """Where nothing is said of reconnecting, the end of the stream is the end, and an error is raised."""
    transport = Answering(events(AT_ONCE, b"data: 1\n\n"), events(b"data: 1\n\n", error=ReadError("broken")))
    client = world.client(transport=transport)

    assert subscribe(world, client, ANYWHERE) == [("1", None)]
    with pytest.raises(ReadError):
        subscribe(world, client, ANYWHERE)
    assert len(transport.requests) == 2


def test_reconnecting_continues_from_the_last_event(world: World) -> None:
    """Each connection says which event came last; one that was cut short counts for nothing; 204 is the end."""
    bodies = [
        Chunks(AT_ONCE, b"id: 1\ndata: a\n\nid: 2\ndata: b\n"),
        Chunks(b"data: c\n\nid: \xc3\xa9\n\n", error=ReadError("broken")),
        Chunks(b"id\ndata: d\n\n", error=ReadTimeout("quiet")),
    ]
    headers = {"Content-Type": "text/event-stream"}
    transport = Answering(*(Response(200, headers=headers, stream=body) for body in bodies), Response(204))
    received = subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=1)

    assert received == [("a", None), ("c", "1"), ("", "1"), ("d", "\u00e9")]
    ids = [dict(request.headers.raw).get(b"Last-Event-ID") for request in transport.requests]
    assert ids == [None, b"1", "\u00e9".encode(), None]
    assert [body.closed for body in bodies] == [1, 1, 1]


def test_program_continues_from_an_event(world: World) -> None:
    """An id that the program gives is sent until the stream names another."""
    transport = Answering(events(AT_ONCE, b"data: a\n\n"), events(b"id: 8\ndata: b\n\n"), Response(204))
    client = world.client(transport=transport)
    received = subscribe(world, client, ANYWHERE, headers={"last-event-id": "7"}, reconnect=1)

    assert received == [("a", "7"), ("b", "7")]
    assert transport.requests[2].headers.get_list("Last-Event-ID") == ["8"]


def test_post_is_repeated_whole(world: World) -> None:
    """The request of a reconnection has the method and the body of the first."""
    transport = Answering(events(AT_ONCE, b"data: a\n\n"), Response(204))
    subscribe(world, world.client(transport=transport), ANYWHERE, method="POST", json=[1], reconnect=1)

    assert [(request.method, request.content) for request in transport.requests] == [("POST", b"[1]")] * 2


@pytest.mark.parametrize("kind", ["content", "files"])
def test_body_that_cannot_be_repeated(world: World, kind: str) -> None:
    """A request whose body was not in memory, and is gone, is not repeated."""
    whole = Chunks(b"x")
    gone = aiter(whole) if world.is_async else iter(whole)
    body: dict[str, Any] = {"content": gone} if kind == "content" else {"files": {"f": io.BytesIO(b"x")}}
    transport = Answering(events(AT_ONCE, b"data: a\n\n"))
    received = subscribe(world, world.client(transport=transport), ANYWHERE, method="POST", reconnect=9, **body)

    assert received == [("a", None)]
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "failures",
    [
        lambda: [ConnectError("refused"), ConnectError("refused")],
        lambda: [ConnectError("refused"), Response(503)],
        lambda: [Response(502), ConnectError("refused")],
        lambda: [Response(503), Response(429)],
    ],
)
def test_failures_in_a_row_are_counted(world: World, failures: Callable[[], list[Any]]) -> None:
    """So many connections in a row may fail; one that brings an event begins the count anew."""
    first = [events(AT_ONCE, b"data: a\n\n"), ConnectError("refused"), events(b"data: b\n\n")]
    received: list[Any] = []
    answers = [*first, *failures()]
    transport, last = Answering(*answers), answers[-1]

    with pytest.raises(ConnectError if isinstance(last, ConnectError) else SSEError) as caught:
        subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=2, into=received)
    assert [data for data, _ in received] == ["a", "b"]
    assert len(transport.requests) == 5
    assert caught.value.request is transport.requests[-1]
    if isinstance(last, Response):
        assert str(last.status_code) in str(caught.value)


def test_connections_that_bring_nothing_are_counted(world: World) -> None:
    """Streams that end without an event are counted too; after them the stream is over, without an error."""
    transport = Answering(events(AT_ONCE, b"data: a\n\n"), *(events(b": hello\n\n") for _ in range(3)))
    received = subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=3)

    assert received == [("a", None)]
    assert len(transport.requests) == 4


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Response(401),
        lambda: Response(404),
        lambda: Response(200, text="x"),
        lambda: LocalProtocolError("x"),
        lambda: events(b"data: " + b"x" * 99),
    ],
)
def test_what_reconnecting_does_not_help(world: World, answer: Callable[[], Any]) -> None:
    """A status, a Content-Type, a request or an event that is wrong ends the stream at once."""
    transport = Answering(events(AT_ONCE, b"data: a\n\n"), answer())

    with pytest.raises((SSEError, LocalProtocolError)):
        subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=9, max_event_size=50)
    assert len(transport.requests) == 2


@pytest.mark.parametrize("status", [201, 404])
def test_a_subscription_is_to_status_200(world: World, status: int) -> None:
    """Where reconnecting is asked for, a status other than 200 is no stream from the first response on, whatever it says."""
    transport = Answering(events(b"data: wrong\n\n", status=status))
    received: list[Any] = []

    with pytest.raises(SSEError, match=f"answered with status {status}, and not with a stream") as caught:
        subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=1, into=received)
    assert received == []
    assert caught.value.request is transport.requests[0]


def test_a_subscription_that_the_server_has_nothing_for(world: World) -> None:
    """Where reconnecting is asked for, a first response with 204 ends it, without an error and without another request."""
    transport = Answering(Response(204))

    assert subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=5) == []
    assert len(transport.requests) == 1


def test_pause_of_the_stream(world: World) -> None:
    """The time that the stream names is waited for, on later connections too, doubled by each failure in a row."""
    transport = Answering(events(b"retry: 20\ndata: a\n\n"), events(b"data: b\n\n"), ConnectError("x"), Response(204))
    started = time.monotonic()

    assert subscribe(world, world.client(transport=transport), ANYWHERE, reconnect=2) == [("a", None), ("b", None)]
    assert time.monotonic() - started >= 0.02 + 0.02 + 0.04 - 0.005


def test_walks_go_on(world: World) -> None:
    """A walk that was given up is taken up again where it stopped, also on another connection."""
    transport = Answering(events(AT_ONCE, b"id: 1\ndata: a\n\n", b"data: b\n\n"), events(b"data: c\n\n"), Response(204))
    client = world.client(transport=transport)
    first: list[ServerSentEvent] = []
    rest: list[str] = []

    def blocking() -> None:
        with client.sse(ANYWHERE, reconnect=1) as source:
            first.append(next(iter(source)))
            rest.extend(event.data for event in source)
            assert list(source) == []

    async def asynchronous() -> None:
        async with client.sse(ANYWHERE, reconnect=1) as source:
            first.append(await anext(aiter(source)))
            rest.extend([event.data async for event in source])
            assert [event async for event in source] == []

    world.run(asynchronous if world.is_async else blocking)
    assert ([event.data for event in first], rest) == (["a"], ["b", "c"])


def test_nothing_follows_the_block(world: World) -> None:
    """After the block no connection is made any more."""
    transport = Answering(events(AT_ONCE, b"data: a\n\n", b"data: b\n\n"))
    client = world.client(transport=transport)

    def blocking() -> None:
        with client.sse(ANYWHERE, reconnect=9) as source:
            assert next(iter(source)).data == "a"
        list(source)

    async def asynchronous() -> None:
        async with client.sse(ANYWHERE, reconnect=9) as source:
            assert (await anext(aiter(source))).data == "a"
        _ = [event async for event in source]

    world.run(asynchronous if world.is_async else blocking)
    assert len(transport.requests) == 1


def test_error_inside_the_block(world: World) -> None:
    """An error inside the block closes the response, and passes."""
    body = Chunks(b"data: a\n\n", b"data: b\n\n")
    transport = Answering(Response(200, headers={"Content-Type": "text/event-stream"}, stream=body))
    client = world.client(transport=transport)

    def blocking() -> None:
        with client.sse(ANYWHERE):
            raise ZeroDivisionError

    async def asynchronous() -> None:
        async with client.sse(ANYWHERE):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.run(asynchronous if world.is_async else blocking)
    assert body.closed == 1


def test_stream_of_a_subclass() -> None:
    """Events come by `stream()`, so what a subclass makes of that is used."""
    seen: list[Any] = []

    class Watching(Client):
        @contextmanager
        def stream(self, method: str, url: Any, **kwargs: Any) -> Iterator[Response]:  # type: ignore[override]
            with super().stream(method, url, **kwargs) as response:
                seen.append(method)
                yield response
            seen.append("closed")

    with Watching(transport=Answering(events(b"data: a\n\n"))).sse(ANYWHERE) as source:
        assert isinstance(source, EventSource)
        assert [event.data for event in source] == ["a"]
    assert seen == ["GET", "closed"]
