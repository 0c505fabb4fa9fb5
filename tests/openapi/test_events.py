"""Event streams whose schema describes the events themselves, as OpenAPI 3.2 has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from borzoi.openapi.plan import Selection
from borzoi.openapi.runtime import Event
from tests.openapi.serving import API, Reply
from tests.openapi.test_models import LIBRARIES, ref

TEXT: dict[str, Any] = {"type": "string"}
TEAS: dict[str, Any] = {
    "Brewed": {"type": "object", "required": ["at"], "properties": {"at": {"type": "string", "format": "date"}}},
    "Poured": {"type": "object", "required": ["cups"], "properties": {"cups": {"type": "integer"}}},
}
DONE = {"properties": {"data": {"contentMediaType": "text/plain", "const": "[DONE]"}}}
TEXTS: dict[str, Any] = {
    "properties": {"event": {"enum": ["note", "hint"]}, "data": {"contentMediaType": "text/plain", "contentSchema": TEXT}}
}  # fmt: skip


def json_of(schema: Any, **event: Any) -> dict[str, Any]:
    """Return the schema of an event whose data is JSON."""
    data = {"contentMediaType": "application/json", "contentSchema": schema}
    return {"properties": {"data": data, **({"event": event} if event else {})}}


def event_of(*variants: Any) -> dict[str, Any]:
    """Return the schema of an event that is one of several."""
    properties = {"event": TEXT, "data": TEXT, "id": TEXT, "retry": {"type": "integer"}}
    return {"type": "object", "required": ["event"], "properties": properties, "oneOf": list(variants)}


STREAM = event_of(json_of(ref("Brewed"), const="brewed"), json_of(ref("Poured"), const="poured"), TEXTS, DONE)


def document(schema: Any, keyword: str = "itemSchema") -> dict[str, Any]:
    """Return a document with one stream, `client.teas.watch()`."""
    reply = {"description": "", "content": {"text/event-stream": {keyword: schema}}}
    operation = {"operationId": "watch_teas", "tags": ["teas"], "responses": {"200": reply}}
    return {
        "openapi": "3.2.0",
        "info": {"title": "Teas", "version": "1"},
        "paths": {"/teas": {"get": operation}},
        "components": {"schemas": TEAS},
    }


def stream(content: str) -> Callable[[Any], Reply]:
    """Return what answers with a stream."""
    return lambda _: (200, {"Content-Type": "text/event-stream"}, content.encode())


def heard(package: Any, content: str) -> list[Any]:
    """Return the items of a stream, which are the same in async code."""

    async def awaited(url: str) -> list[Any]:
        async with package.AsyncClient(url) as client:
            return [item async for item in client.teas.watch()]

    with API(stream(content)) as api:
        with package.Client(api.url) as client:
            found = list(client.teas.watch())
        again = asyncio.run(awaited(api.url))
    assert [repr(each) for each in again] == [repr(each) for each in found]
    return found


@pytest.fixture(params=LIBRARIES)
def of_library(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A function that generates a client with the models of one library, and imports it."""
    return lambda spec: client_of(spec, selection=Selection(models=request.param))


def test_events_have_the_type_of_their_name(of_library: Any) -> None:
    """The data of an event is what the document says of its name; what it does not know is passed over."""
    found = heard(
        of_library(document(STREAM)),
        'id: 1\nevent: brewed\ndata: {"at":"2026-01-02"}\n\nevent: poured\nretry: 5\ndata: {"cups":3}\n\n'
        "event: spilled\ndata: {}\n\ndata: {}\n\nevent: hint\ndata: {not JSON}\n\ndata: [DONE]\n\nevent: hint\ndata: x\n\n",
    )

    assert [(each.event, each.id, each.retry) for each in found] == [
        ("brewed", "1", None),
        ("poured", "1", 5),
        ("hint", "1", None),
    ]
    assert found[0].data.at.year == 2026
    assert found[1].data.cups == 3
    assert found[2].data == "{not JSON}"
    assert repr(Event("x")) == "<Event 'message' 'x'>"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", **json_of(ref("Poured"))},
        {"properties": {"data": {"type": "string", "contentSchema": ref("Poured")}, "id": TEXT}},
        event_of(json_of(ref("Poured"), const="message")),
    ],
)
def test_events_without_a_name(of_library: Any, schema: Any) -> None:
    """An event that has no name is one of any name, or the one that is called message."""
    (found,) = heard(of_library(document(schema)), 'data: {"cups":2}\n\n')

    assert (found.event, found.data.cups) == ("message", 2)


def test_text_is_left_as_it_is(client_of: Any) -> None:
    """Where nothing says what the data is, it is text."""
    (found,) = heard(
        client_of(document({"properties": {"event": TEXT, "data": TEXT}})), 'event: x\ndata: {"cups":2}\n\n'
    )

    assert (found.event, found.data) == ("x", '{"cups":2}')


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        (STREAM, "schema"),
        ({"type": "object", "properties": {"data": TEXT, "id": TEXT}}, "itemSchema"),
        ({"type": "object", "properties": {"data": {"type": "object"}, "event": TEXT}}, "itemSchema"),
        ({"type": "object", "properties": {"data": TEXT, "event": TEXT, "size": TEXT}}, "itemSchema"),
        (event_of(json_of(ref("Poured"), const="poured"), {"properties": {"cups": TEXT}}), "itemSchema"),
    ],
)
def test_other_schemas_describe_the_data(client_of: Any, schema: Any, keyword: str) -> None:
    """What has other members than events have, or no sign of being one, is what the data is."""
    data = '{"a":1}' if "object" in str(schema.get("properties")) else '"x"'
    (found,) = heard(client_of(document(schema, keyword)), f'data: {{"event":"poured","data":{data},"id":"7"}}\n\n')

    assert not isinstance(found, Event)
