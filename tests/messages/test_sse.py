"""The parser of event streams: the corpus of the web platform tests at every split, and each rule of the standard."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._errors import DecodingError, SSEError
from borzoi._messages.chunking import TextDecoder
from borzoi._messages.sse import EventParser, ServerSentEvent

CORPUS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data/sse/wpt-eventsource-format.json").read_text(encoding="utf-8")
)["cases"]
STREAMS = {case["id"]: case for case in CORPUS if "stream" in case}
IGNORED_IDS: list[str] = next(case["ids_ignored"] for case in CORPUS if "ids_ignored" in case)


def parsed(chunks: list[bytes], **settings: Any) -> list[ServerSentEvent]:
    """Return the events of a stream that arrives in these chunks."""
    parser, decoder = EventParser(**settings), TextDecoder()
    events: list[ServerSentEvent] = []
    for chunk in chunks:
        for text in decoder.feed(chunk):
            parser.feed(text)
            events += iter(parser.next_event, None)
    return events


def splits(data: bytes) -> Iterator[list[bytes]]:
    """Cut data whole, at each place in two, and into its bytes."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


def shown(events: list[ServerSentEvent]) -> list[tuple[str, str]]:
    """Return what a browser shows of events."""
    return [(event.event, event.data) for event in events]


@pytest.mark.parametrize("name", STREAMS)
def test_web_platform_tests_at_every_split(name: str) -> None:
    """Each stream of the web platform tests gives the events that a browser must give, however it is cut."""
    case = STREAMS[name]
    wanted = [(event.get("event", "message"), event["data"]) for event in case["events"]]

    for chunks in splits(case["stream"].encode()):
        assert shown(parsed(chunks)) == wanted, chunks


@pytest.mark.parametrize("name", IGNORED_IDS)
def test_ids_with_nul_are_ignored_at_every_split(name: str) -> None:
    """An id with a NUL leaves the id as it was."""
    for chunks in splits(f"id: 1\n\nid:{name}\ndata: x\n\n".encode()):
        assert [event.id for event in parsed(chunks)] == ["1"]


@pytest.mark.parametrize(
    ("stream", "event"),
    [
        ("data: x\n\n", ServerSentEvent(data="x")),
        ("data:  x \n\n", ServerSentEvent(data=" x ")),
        ("data: a: b\n\n", ServerSentEvent(data="a: b")),
        ("data: x\ndata: y\n\n", ServerSentEvent(data="x\ny")),
        ("data\n\n", ServerSentEvent(data="")),
        ("event: tick\ndata: x\n\n", ServerSentEvent("tick", "x")),
        ("id: 7\ndata: x\n\n", ServerSentEvent(data="x", id="7")),
        ("retry: 10\ndata: x\n\n", ServerSentEvent(data="x", retry=10)),
        ("Data: y\nDATA: z\ndata : w\ndata: x\n\n", ServerSentEvent(data="x")),
        (": note\n:\ndata: x\n: note\n\n", ServerSentEvent(data="x")),
        ("data: \u2028\x85\x0b\x0c\n\n", ServerSentEvent(data="\u2028\x85\x0b\x0c")),
        ("data: z\u00e9\U0001f415\n\n", ServerSentEvent(data="z\u00e9\U0001f415")),
    ],
)
def test_fields(stream: str, event: ServerSentEvent) -> None:
    """A field is what stands before the first colon, its value what follows, without one space."""
    for chunks in splits(stream.encode()):
        assert parsed(chunks) == [event], chunks


@pytest.mark.parametrize("value", ["", "x", "-1", "+1", "1.5", "1_0", " 1", "\u0661", "9" * 5000])
def test_reconnection_time_has_digits_only(value: str) -> None:
    """A reconnection time of other than ASCII digits, or of absurdly many, is ignored."""
    parser = EventParser()
    parser.feed(f"retry: 250\nretry: {value}\ndata: x\n\n")

    assert parser.next_event() == ServerSentEvent(data="x", retry=250)
    assert parser.reconnection_time == 250


def test_what_lasts_from_event_to_event() -> None:
    """The id lasts until another is named, even an empty one; type, data and retry are those of one event."""
    events = parsed([b"id: 1\nevent: a\nretry: 5\ndata: x\n\ndata: y\n\nid\ndata: z\n\n"])

    assert events == [
        ServerSentEvent("a", "x", "1", 5),
        ServerSentEvent("message", "y", "1", None),
        ServerSentEvent("message", "z", "", None),
    ]


def test_events_without_data_are_for_the_parser() -> None:
    """An event that has no data is not given, but what it says of ids and times holds; a type does not last."""
    parser = EventParser()
    parser.feed("id: 1\nretry: 5\nevent: gone\n\ndata: x\n\n")

    assert parser.next_event() == ServerSentEvent("message", "x", "1", None)
    assert parser.reconnection_time == 5


def test_events_without_data_on_request() -> None:
    """With `dataless` each event that has any field is given; comments and unknown fields make none."""
    stream = b"id: 1\n\nretry: 5\n\nevent: a\n\n\n\n: c\n\nfoo: x\n\nretry: x\n\nid: \0\n\n"

    assert parsed([stream], dataless=True) == [
        ServerSentEvent("message", "", "1", None),
        ServerSentEvent("message", "", "1", 5),
        ServerSentEvent("a", "", "1", None),
    ]


def test_id_to_continue_from() -> None:
    """The id to continue from is that of the last event that was complete, or else of the stream before."""
    parser = EventParser(last_event_id="0")
    assert parser.last_event_id == "0"

    parser.feed("data: a\n\nid: 1\ndata: b\n")
    assert parser.next_event() == ServerSentEvent(data="a", id="0")
    assert parser.next_event() is None
    assert parser.last_event_id == "0"

    parser.feed("\n")
    assert parser.next_event() == ServerSentEvent(data="b", id="1")
    assert parser.last_event_id == "1"


@pytest.mark.parametrize(
    ("stream", "limit", "given"),
    [
        ("data: 12345\n\n", 11, ["12345"]),
        ("data: 12345\n\n", 10, None),
        ("data: 1\ndata: 2\n\n", 14, ["1\n2"]),
        ("data: 1\ndata: 2\n\n", 13, None),
        ("data: 1\n\ndata: 2\n\n", 7, ["1", "2"]),
        ("data: \u00e9\n\n", 8, ["\u00e9"]),
        ("data: \u00e9\n\n", 7, None),
        (":12345\n:12345\ndata: 1\n\n", 7, ["1"]),
        (":12345678\ndata: 1\n\n", 7, None),
        ("data: 12345", 10, None),
    ],
)
def test_size_of_an_event_is_bounded_at_every_split(stream: str, limit: int, given: list[str] | None) -> None:
    """The lines of one event, counted in bytes, may be so large together; how they are cut makes no difference."""
    for chunks in splits(stream.encode()):
        if given is not None:
            assert [event.data for event in parsed(chunks, max_event_size=limit)] == given
            continue
        with pytest.raises(SSEError, match=f"exceeded the {limit} byte limit"):
            parsed(chunks, max_event_size=limit)


def test_events_before_one_that_is_too_large() -> None:
    """What came before the event that is too large is given first."""
    parser = EventParser(max_event_size=10)
    parser.feed("data: 1\n\ndata: 2\n\ndata: 1234567890\n\n")

    assert [parser.next_event(), parser.next_event()] == [ServerSentEvent(data="1"), ServerSentEvent(data="2")]
    with pytest.raises(SSEError):
        parser.next_event()


def test_no_bound_on_request() -> None:
    """Without a limit an event may have any size."""
    assert parsed([b"data: ", b"x" * 3_000_000, b"\n\n"], max_event_size=None)[0].data == "x" * 3_000_000


@given(st.text(alphabet="\r\n:adt x\ufeff\0\u00e9", max_size=40), st.lists(st.integers(0, 60)))
def test_cuts_make_no_difference(stream: str, cuts: list[int]) -> None:
    """Any stream gives the same events, however it is cut."""
    data = stream.encode()
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:end] for start, end in pairwise(ends)]

    assert parsed(chunks, dataless=True) == parsed([data], dataless=True)


def test_event_is_a_value() -> None:
    """An event is compared, hashed, copied, pickled and taken apart as a frozen dataclass is."""
    event = ServerSentEvent("tick", "x", "7", 5)

    assert event == copy.copy(event) == pickle.loads(pickle.dumps(event))
    assert hash(event) == hash(dataclasses.replace(event))
    assert dataclasses.astuple(event) == ("tick", "x", "7", 5)
    assert repr(ServerSentEvent()) == "ServerSentEvent(event='message', data='', id='', retry=None)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.data = "y"  # type: ignore[misc]


def test_data_as_json() -> None:
    """The data of an event may be JSON, made of a type on request."""
    assert ServerSentEvent(data='{"a": [1]}').json() == {"a": [1]}
    assert ServerSentEvent(data="[1, 2]").json(type=list[int]) == [1, 2]
    with pytest.raises(ValueError, match="Expecting value"):
        ServerSentEvent(data="x").json()
    with pytest.raises(DecodingError):
        ServerSentEvent(data='["x"]').json(type=list[int])
