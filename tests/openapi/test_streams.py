"""Streams that do not hold what the document declares, and streams of events that go on when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import trio

from borzoi import DecodingError
from borzoi.openapi.plan import Selection
from tests.openapi.serving import API, Asked, Reply
from tests.openapi.test_events import TEAS, event_of, json_of
from tests.openapi.test_models import LIBRARIES, document, ref

ITEM: dict[str, Any] = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
TYPED = event_of(json_of(ref("Poured"), const="poured"))


def streaming(media_type: str, schema: Any) -> dict[str, Any]:
    """Return a document with one stream, `client.x.call()`."""
    spec = document({}, **TEAS)
    spec["paths"]["/x"] = {"get": spec["paths"]["/x"]["post"]}
    content = {media_type: {"itemSchema": schema}}
    spec["paths"]["/x"]["get"]["responses"] = {"200": {"description": "", "content": content}}
    return spec


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def items_of(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """A function from a package to the items of its stream, as many as are wanted, in each world."""

    async def awaited(package: Any, url: str, found: list[Any], count: int, options: dict[str, Any]) -> None:
        async with package.AsyncClient(url) as client, client.with_options(**options).x.call() as items:
            async for item in items:
                found.append(item)
                if len(found) == count:
                    return

    def blocking(package: Any, url: str, found: list[Any], count: int, options: dict[str, Any]) -> None:
        with package.Client(url) as client, client.with_options(**options).x.call() as items:
            for item in items:
                found.append(item)
                if len(found) == count:
                    return

    run: Callable[..., None] = {
        "blocking": blocking,
        "asyncio": lambda *given: asyncio.run(awaited(*given)),
        "trio": lambda *given: trio.run(awaited, *given),
    }[request.param]

    def items(package: Any, url: str, found: list[Any], *, count: int = -1, **options: Any) -> list[Any]:
        run(package, url, found, count, options)
        return found

    return items


STREAMS = {
    "sse": ("text/event-stream", ITEM, b'id: 7\ndata: {"n": 1}\n\nid: 8\ndata: {"n": "x"}\n\n', r"item 2 .*'message' with id '8'.*n"),
    "events": ("text/event-stream", TYPED, b'event: poured\ndata: {"cups": 1}\n\nevent: poured\ndata: {"cups": "x"}\n\n', r"item 2 .*'poured',.*cups"),
    "no JSON": ("text/event-stream", ITEM, b'data: {"n": 1}\n\ndata: {n\n\n', "item 2 .*'message',"),
    "lines": ("application/x-ndjson", ITEM, b'{"n": 1}\n{"n": "x"}\n', "item 2 of the stream is .*n"),
    "no line of JSON": ("application/x-ndjson", ITEM, b'{"n": 1}\n{"n"\n', "item 2 of the stream is"),
    "sequence": ("application/json-seq", ITEM, b'\x1e{"n": 1}\n\x1e{"n": "x"}\n', "item 2 of the stream is .*n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_an_item_that_does_not_fit(client_of: Any, items_of: Callable[..., list[Any]], kind: str, library: str) -> None:
    """An item that is not what is declared is a DecodingError that names the request, the item and the place in it."""
    media_type, schema, body, reason = STREAMS[kind]
    package = client_of(streaming(media_type, schema), selection=Selection(models=library))
    found: list[Any] = []
    with API(lambda _: (200, {"Content-Type": media_type}, body)) as api:
        with pytest.raises(DecodingError, match=f"GET {api.url}/x: {reason}") as caught:
            items_of(package, api.url, found)

    assert len(found) == 1
    assert caught.value.request.method == "GET"


def ticking(asked: Asked) -> Reply:
    """Answer with the event after the one that the client has; there are three."""
    number = int(asked.headers.get("Last-Event-ID", "0")) + 1
    stream = f'retry: 1\nid: {number}\ndata: {{"n": {number}}}\n\n'.encode()
    return (200, {"Content-Type": "text/event-stream"}, stream) if number < 4 else (204, {}, b"")


def test_a_stream_that_goes_on(client_of: Any, items_of: Callable[..., list[Any]]) -> None:
    """With `reconnect` a stream is asked for again with the id of its last event, until the server says 204."""
    package = client_of(streaming("text/event-stream", ITEM))
    with API(ticking) as api:
        assert [each.n for each in items_of(package, api.url, [], reconnect=1)] == [1, 2, 3]
    assert [each.headers["Last-Event-ID"] for each in api.asked] == [None, "1", "2", "3"]


def test_a_stream_ends_unless_told_otherwise(client_of: Any, items_of: Callable[..., list[Any]]) -> None:
    """Without `reconnect` a stream that ends is over; who has enough leaves one that would go on."""
    package = client_of(streaming("text/event-stream", ITEM))
    with API(ticking) as api:
        assert [each.n for each in items_of(package, api.url, [])] == [1]
        assert [each.n for each in items_of(package, api.url, [], count=2, reconnect=1)] == [1, 2]
    assert len(api.asked) == 3


@pytest.mark.parametrize("reconnect", [0, 1])
def test_a_loop_that_is_left(client_of: Any, reconnect: int) -> None:
    """A stream that was not entered is closed when its loop is left, or ends, or fails; nothing is left to be closed."""
    package = client_of(streaming("text/event-stream", ITEM))

    async def awaited(url: str) -> list[int]:
        found: list[int] = []
        async with package.AsyncClient(url, reconnect=reconnect) as client:
            async for item in client.x.call():
                found.append(item.n)
                break
            found += [item.n async for item in client.with_options(reconnect=0).x.call()]
        return found

    def blocking(url: str) -> list[int]:
        with package.Client(url, reconnect=reconnect) as client:
            return [next(iter(client.x.call())).n, *[each.n for each in client.with_options(reconnect=0).x.call()]]

    with API(ticking) as api:
        assert blocking(api.url) == [1, 1]
        assert asyncio.run(awaited(api.url)) == [1, 1]
        assert trio.run(awaited, api.url) == [1, 1]


def test_nothing_to_hear(client_of: Any, items_of: Callable[..., list[Any]]) -> None:
    """A server that says 204 at once ends a stream that would go on; another status raises as without it."""
    package = client_of(streaming("text/event-stream", ITEM))
    errors = __import__(f"{package.__name__}.errors").errors
    with API(lambda _: (204, {}, b"")) as api:
        assert items_of(package, api.url, [], reconnect=1) == []
        with pytest.raises(errors.UnexpectedStatus):
            items_of(package, api.url, [])
    with API(lambda _: (404, {}, b"")) as api, pytest.raises(errors.NotFound):
        items_of(package, api.url, [], reconnect=1)


def test_lines_do_not_go_on(client_of: Any, items_of: Callable[..., list[Any]]) -> None:
    """Lines of JSON have no ids: `reconnect` is for events alone. It may be a setting of the client."""
    package = client_of(streaming("application/x-ndjson", ITEM))
    with API(lambda _: (200, {"Content-Type": "application/x-ndjson"}, b'{"n": 1}\n')) as api:
        assert [each.n for each in items_of(package, api.url, [], reconnect=1)] == [1]
        with package.Client(api.url, reconnect=1) as client:
            assert [each.n for each in client.x.call()] == [1]
            with pytest.raises(RuntimeError, match="not entered"):
                assert client.x.call().http
    assert len(api.asked) == 2
