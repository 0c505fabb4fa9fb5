"""Our engine and h2's, given the same bytes: as clients of one server, as client and server of each other, and by hostile bytes."""

from __future__ import annotations

from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from hypothesis import given
from hypothesis import strategies as st

from borzoi._wire.http2 import Http2
from borzoi._wire.http2_settings import Http2Limits
from borzoi._wire.http2_stream import Stream
from tests.wire.http2_scripting import CHUNKED, Field, block, seen
from tests.wire.test_http1_fuzz import cut_at
from tests.wire.test_http2_fuzz import FRAGMENTS

names = st.sampled_from(["server", "etag", "x-a", "set-cookie", "content-type", "content-encoding"])
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
header_lists = st.lists(st.tuples(names, values), max_size=5)
bodies = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"x" * 5_000, b"y" * 16_384])), max_size=4)


def h2_server() -> Any:
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    server.initiate_connection()
    return server


def h2_client(streams: int) -> Any:
    """Return a client of h2 that has asked for as many responses."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
    client.initiate_connection()
    client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**24})
    client.increment_flow_control_window(2**24)
    for _ in range(streams):
        head = [(":method", "GET"), (":scheme", "https"), (":authority", "example.org"), (":path", "/")]
        client.send_headers(client.get_next_available_stream_id(), head, end_stream=True)
    client.data_to_send()
    return client


def fields_of(headers: Any) -> list[Field]:
    return [(bytes(name), bytes(value)) for name, value in headers]


class Told:
    """Gather what h2 tells of each stream, in the form in which ours is seen."""

    def __init__(self) -> None:
        self.streams: dict[int, dict[str, Any]] = {}

    def of(self, number: int) -> dict[str, Any]:
        empty = {"informational": [], "head": None, "body": b"", "trailers": [], "complete": False, "reset_code": None}
        return self.streams.setdefault(number, empty)

    def take(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, h2.events.InformationalResponseReceived):
                self.of(event.stream_id)["informational"].append(fields_of(event.headers))
            elif isinstance(event, (h2.events.ResponseReceived, h2.events.RequestReceived)):
                self.of(event.stream_id)["head"] = fields_of(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.of(event.stream_id)["body"] += event.data
            elif isinstance(event, h2.events.TrailersReceived):
                self.of(event.stream_id)["trailers"] = fields_of(event.headers)
            elif isinstance(event, h2.events.StreamEnded):
                self.of(event.stream_id)["complete"] = True
            elif isinstance(event, h2.events.StreamReset) and event.remote_reset:
                self.of(event.stream_id)["reset_code"] = int(event.error_code)


def ours(stream: Stream) -> dict[str, Any]:
    """Return what we tell of a stream, in the form in which h2 does."""
    found = seen(stream)
    keep = {name: found[name] for name in ("body", "trailers", "complete", "reset_code")}
    heads = [with_status(head.status, head.pairs) for head in stream.informational]
    return {**keep, "informational": heads, "head": stream.head and with_status(stream.head.status, stream.head.pairs)}


def with_status(status: int, pairs: list[Field]) -> list[Field]:
    return [(b":status", b"%d" % status), *pairs]


# --- one server, two clients

answers = st.fixed_dictionaries(
    {
        "interim": st.lists(header_lists, max_size=2),
        "status": st.sampled_from(["200", "204", "404", "500"]),
        "headers": header_lists,
        "body": bodies,
        "padding": st.sampled_from([None, 0, 7, 255]),
        "trailers": st.one_of(st.none(), header_lists),
        "reset": st.sampled_from([None, None, None, 0, 2, 7, 8]),
    }
)


def steps_of(server: Any, number: int, answer: dict[str, Any]) -> Any:
    """Yield after each step of an answer, so that several can be interleaved."""
    for fields in answer["interim"]:
        server.send_headers(number, [(":status", "103"), *fields])
        yield
    server.send_headers(number, [(":status", answer["status"]), *answer["headers"]])
    yield
    for piece in answer["body"] if answer["status"] != "204" else []:
        server.send_data(number, piece, pad_length=None if len(piece) > 16_000 else answer["padding"])
        yield
    if answer["reset"] is not None:
        server.reset_stream(number, answer["reset"])
    elif answer["trailers"]:
        server.send_headers(number, answer["trailers"], end_stream=True)
    else:
        server.end_stream(number)


def converse(server: Any, numbers: list[int], script: list[dict[str, Any]], order: list[int], data: Any) -> bytes:
    """Let the server give the answers, a step of one after a step of another, with control frames between them."""
    running = [steps_of(server, number, answer) for number, answer in zip(numbers, script, strict=True)]
    for turn, pick in enumerate(order + [0] * 100):
        if not running:
            break
        if turn % 5 == 4:
            data(server, turn)
        chosen = pick % len(running)
        try:
            next(running[chosen])
        except StopIteration:
            del running[chosen]
    sent: bytes = server.data_to_send()
    return sent


def control(server: Any, turn: int) -> None:
    """Send frames that are about the connection."""
    server.ping(b"%08d" % turn)
    if turn % 2:
        server.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 70_000 + turn})
        server.increment_flow_control_window(1000 + turn)


@given(
    script=st.lists(answers, min_size=1, max_size=4),
    order=st.lists(st.integers(0, 3), max_size=20),
    places=st.lists(st.integers(0, 100_000), max_size=5),
)
def test_two_clients_understand_a_server_alike(
    script: list[dict[str, Any]], order: list[int], places: list[int]
) -> None:
    """Whatever h2 answers to several requests at once, we tell of each stream what h2's client tells."""
    engine, server, client, told = Http2(), h2_server(), h2_client(len(script)), Told()
    streams = [engine.open("GET", b"/", block()) for _ in script]
    server.receive_data(engine.data_to_send())

    received = converse(server, [stream.id for stream in streams], script, order, control)
    for piece in cut_at(received, places):
        engine.receive(piece)
    told.take(client.receive_data(received))

    assert engine.error is None
    for stream in streams:
        assert ours(stream) == told.of(stream.id)
        assert stream.complete != (stream.error is not None)
    assert engine.streams == {}


# --- our client, their server

requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
        "target": st.sampled_from([b"/", b"/a/b?c=d", b"/" + b"x" * 300]),
        "headers": header_lists,
        "body": bodies,
        "sized": st.booleans(),
        "trailers": st.one_of(st.none(), st.lists(st.tuples(st.just("x-sum"), values), min_size=1, max_size=2)),
    }
)


class Sender:
    """Send one request as the windows admit."""

    def __init__(self, engine: Http2, request: dict[str, Any]) -> None:
        self.engine = engine
        self.body = b"".join(request["body"])
        self.trailers = None if request["sized"] else request["trailers"]
        length = (b"Content-Length", b"%d" % len(self.body))
        self.fields = [(name.encode(), value.encode()) for name, value in request["headers"]]
        sent = block(length if request["sized"] else CHUNKED, *self.fields)
        self.stream = engine.open(request["method"], request["target"], sent)
        self.expected = [
            (b":method", request["method"].encode()),
            (b":scheme", b"https"),
            (b":path", request["target"]),
            (b":authority", b"example.org"),
            *([(b"content-length", length[1])] if request["sized"] else []),
            *self.fields,
        ]
        self.left = self.body

    def go_on(self) -> None:
        """Send what can be sent now."""
        while self.left and (size := self.engine.send(self.stream, self.left)):
            self.left = self.left[size:]
        if not self.left and self.stream.to_send:
            self.engine.end(
                self.stream, self.trailers and [(name.encode(), value.encode()) for name, value in self.trailers]
            )


@given(script=st.lists(requests, min_size=1, max_size=4), window=st.sampled_from([0, 1, 1000, 65_535]))
def test_a_server_understands_what_we_send(script: list[dict[str, Any]], window: int) -> None:
    """Requests with bodies and trailers, several at once through small windows: h2's server reads each as it was meant."""
    engine, server, told = Http2(), h2_server(), Told()
    server.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
    server.receive_data(engine.data_to_send())
    engine.receive(server.data_to_send())
    senders = [Sender(engine, request) for request in script]
    waiting = senders
    for _ in range(1000):
        for sender in waiting:
            sender.go_on()
        sent = engine.data_to_send()
        if not sent:
            break
        events = server.receive_data(sent)
        told.take(events)
        for event in events:
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                server.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if window < 65_535:
            open_wider(server, senders)
        named = engine.receive(server.data_to_send())
        waiting = [sender for sender in senders if sender.stream in named]

    for sender in senders:
        found = told.of(sender.stream.id)
        assert (found["head"], found["body"], found["complete"]) == (sender.expected, sender.body, True)
        assert found["trailers"] == [(name.encode(), value.encode()) for name, value in sender.trailers or []]
    assert engine.error is None


def open_wider(server: Any, senders: list[Sender]) -> None:
    for sender in senders:
        if sender.left:
            server.increment_flow_control_window(10_000, sender.stream.id)


# --- hostile bytes


@given(pieces=st.lists(st.sampled_from(FRAGMENTS), max_size=10))
def test_nothing_passes_that_h2_refuses(pieces: list[bytes]) -> None:
    """A response that is whole for us is whole and the same for h2, which had not refused the bytes up to there."""
    engine, client, told = Http2(Http2Limits(stream_window=2**24, max_stream_window=2**24)), h2_client(2), Told()
    streams = [engine.open("GET", b"/", block()) for _ in range(2)]
    engine.data_to_send()
    refused = False
    for piece in [FRAGMENTS[0], *pieces]:
        # After GOAWAY h2 takes in nothing, where RFC 9113, 6.8, has streams finish.
        if engine.error is not None or engine.goaway is not None:
            break
        engine.receive(piece)
        try:
            told.take(client.receive_data(piece))
        except h2.exceptions.ProtocolError:
            refused = True
            break

    for stream in streams:
        if stream.complete:
            assert ours(stream) == told.of(stream.id)
    if refused:
        assert engine.error is not None or any(stream.error for stream in streams)
