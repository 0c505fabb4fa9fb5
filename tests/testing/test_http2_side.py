"""The server's side of HTTP/2 against a client that is not ours: h2 says what is sound."""

from __future__ import annotations

from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from borzoi._backends.memory import END, Wait
from borzoi._wire import http2_frames as frames
from borzoi.testing.http2_events import FINISH, Finish, GoAway, HalfHead, Head, Raw, ResetStream
from borzoi.testing.http2_side import Asked, Http2Side

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "api.test"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]
OK = Head([(b":status", b"200"), (b"x-some", b"thing")])


class Both:
    """A client of h2 and a scripted side, and what went between them."""

    def __init__(self, **settings: Any) -> None:
        self.asked: list[Asked] = []
        self.side = Http2Side(self.asked.append, **settings)
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="ascii"))
        self.client.initiate_connection()
        self.now = 0.0
        self.events: list[Any] = []
        self.ended = False

    def exchange(self) -> list[Any]:
        """Let both say what they have to say, and return the names of the client's events but for settings."""
        new: list[Any] = []
        while data := self.client.data_to_send():
            self.side.receive(data, self.now)
            for said in self.side.speak(self.now):
                if isinstance(said, bytes):
                    new += self.client.receive_data(said)
                else:
                    self.ended = True
        new += [
            event
            for said in self.side.speak(self.now)
            if isinstance(said, bytes)
            for event in self.client.receive_data(said)
        ]
        self.events += new
        return [event for event in new if "Settings" not in type(event).__name__]

    def request(self, headers: Any = GET, **more: Any) -> int:
        """Send a request without a body, and return its stream."""
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, headers, end_stream=True, **more)
        self.exchange()
        return stream


def names(events: list[Any]) -> list[str]:
    """Return what kind the events are."""
    return [type(event).__name__ for event in events]


def test_a_request_and_its_response() -> None:
    """A request arrives with its parts; interim head, head, body and trailers come in their order."""
    both = Both()
    stream = both.request([*GET, ("x-a", "1")])
    [asked] = both.asked
    assert (asked.method, asked.pseudo[":path"], asked.pairs, asked.content) == ("GET", "/", [(b"x-a", b"1")], b"")
    early = Head([(b":status", b"103")], is_interim=True)
    both.side.reply(stream, [early, OK, b"some", b"thing", Finish([(b"x-sum", b"7")])])
    events = both.exchange()
    assert names(events) == [
        "InformationalResponseReceived",
        "ResponseReceived",
        "DataReceived",
        "DataReceived",
        "TrailersReceived",
        "StreamEnded",
    ]
    assert events[1].headers == [(":status", "200"), ("x-some", "thing")]
    assert both.side.due() is None


def test_bytes_arrive_however_they_are_cut() -> None:
    """Requests in single bytes are those that arrive at once, a preface in pieces included."""
    both = Both()
    both.client.send_headers(1, POST, end_stream=False)
    both.client.send_data(1, b"abc", end_stream=True, pad_length=3)
    data = both.client.data_to_send()
    for place in range(len(data)):
        both.side.receive(data[place : place + 1], 0.0)
    assert [asked.content for asked in both.asked] == [b"abc"]


def test_a_large_header_block_comes_in_pieces() -> None:
    """CONTINUATION is taken in, and sent where a block needs it."""
    both = Both()
    both.client.local_settings[h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE] = 1 << 20
    stream = both.request([*GET, ("x-large", "v" * 20_000)])
    assert len(both.asked[0].pairs[0][1]) == 20_000
    both.side.reply(stream, [Head([(b":status", b"200"), (b"x-large", b"w" * 20_000)]), FINISH])
    assert names(both.exchange()) == ["ResponseReceived", "StreamEnded"]


def test_trailers_of_a_request() -> None:
    """Fields after a body are the request's trailers; who waits for leave to send it gets that."""
    both = Both()
    both.client.send_headers(1, [*POST, ("expect", "100-continue")])
    assert names(both.exchange()) == ["InformationalResponseReceived"]
    both.client.send_data(1, b"abc")
    both.client.send_headers(1, [("x-sum", "7")], end_stream=True)
    both.exchange()
    [asked] = both.asked
    assert (asked.content, asked.trailers) == (b"abc", [(b"x-sum", b"7")])


def test_each_stream_has_its_own_time() -> None:
    """A pause holds up its own stream, and what is due comes when it is due."""
    both = Both()
    one, other = both.request(), both.request()
    both.side.reply(one, [Wait(5), OK, FINISH])
    both.side.reply(other, [OK, Wait(1), b"late", FINISH])
    assert [event.stream_id for event in both.exchange()] == [other]
    assert both.side.due() == 1
    both.now = 1
    assert names(both.exchange()) == ["DataReceived", "StreamEnded"]
    assert both.side.due() == 5
    both.now = 6
    assert names(both.exchange()) == ["ResponseReceived", "StreamEnded"]


def test_windows_are_obeyed() -> None:
    """No more is sent than the client's windows admit, and the rest when they open; a setting may open them, too."""
    both = Both()
    stream = both.request()
    both.side.reply(stream, [OK, b"x" * 100_000, Wait(1), b"y", FINISH])
    sizes = [len(event.data) for event in both.exchange() if isinstance(event, h2.events.DataReceived)]
    assert sum(sizes) == 65_535
    assert both.side.due() is None
    both.now = 10
    both.client.increment_flow_control_window(100_000)
    both.exchange()
    both.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 200_000})
    rest = [len(event.data) for event in both.exchange() if isinstance(event, h2.events.DataReceived)]
    assert sum(rest) == 100_000 - 65_535
    # What was held up goes on from the moment at which it could.
    assert both.side.due() == 11


def test_windows_are_opened_for_the_client_or_stay_shut() -> None:
    """What is taken in may be sent again, unless the windows are to stay as they are."""
    for widens, left in ((True, 65_535), (False, 65_535 - 16_000)):
        both = Both(widens=widens)
        both.client.send_headers(1, POST)
        both.client.send_data(1, b"x" * 16_000)
        both.exchange()
        assert both.client.local_flow_control_window(1) == left


def test_a_stream_that_the_client_gives_up() -> None:
    """Nothing more is said on it, and what still comes for it is ignored."""
    both = Both()
    stream = both.request()
    both.client.reset_stream(stream)
    both.exchange()
    both.side.reply(stream, [OK, FINISH])
    assert both.exchange() == []
    both.client.send_headers(3, POST)
    both.exchange()
    late = both.client.data_to_send() + frames.encode_frame(frames.DATA, 0, 1, b"late")
    both.side.receive(late, 0.0)
    assert b"".join(said for said in both.side.speak(0.0) if isinstance(said, bytes))[3] == frames.WINDOW_UPDATE


def test_pings_are_answered() -> None:
    """A PING comes back; an answer to one does not."""
    both = Both()
    both.client.ping(b"12345678")
    assert names(both.exchange()) == ["PingAckReceived"]
    both.side.receive(frames.encode_frame(frames.PING, frames.ACK, 0, bytes(8)), 0.0)
    both.side.receive(frames.encode_frame(frames.PRIORITY, 0, 1, bytes(5)), 0.0)
    assert both.side.speak(0.0) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([ResetStream(frames.REFUSED_STREAM)], ["StreamReset"]),
        ([GoAway(frames.NO_ERROR, processed=False)], ["ConnectionTerminated"]),
        ([OK, ResetStream(frames.CANCEL)], ["ResponseReceived", "StreamReset"]),
        ([OK, FINISH], ["ResponseReceived", "StreamEnded"]),
        ([OK, Wait(0), FINISH], ["ResponseReceived", "DataReceived", "StreamEnded"]),
    ],
    ids=lambda part: "-".join(thing if isinstance(thing, str) else type(thing).__name__ for thing in part),
)
def test_what_ends_a_stream(said: list[Any], expected: list[str]) -> None:
    """Resets, farewells and ends are what they are called."""
    both = Both()
    both.side.reply(both.request(), said)
    assert names(both.exchange()) == expected


def test_the_end_waits_for_the_client() -> None:
    """A connection ends when the client has acknowledged our settings: what it said in between could meet a reset."""
    side = Http2Side(lambda asked: side.reply(asked.number, [END]))
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, GET, end_stream=True)
    side.receive(client.data_to_send(), 0.0)
    [data] = side.speak(0.0)
    assert side.due() is None
    assert isinstance(data, bytes)
    client.receive_data(data)
    side.receive(client.data_to_send(), 3.0)
    assert side.due() == 3.0
    assert side.speak(3.0) == [END]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", frames.PROTOCOL_ERROR),
        (frames.PREFACE + frames.encode_frame(frames.PING, 0, 0, b"short"), frames.FRAME_SIZE_ERROR),
        (frames.PREFACE + frames.encode_frame(frames.CONTINUATION, 0, 1, b""), frames.PROTOCOL_ERROR),
        (
            frames.PREFACE + frames.encode_headers(1, b"\xff\xff\xff\xff\xff\xff", end_stream=True),
            frames.COMPRESSION_ERROR,
        ),
    ],
)
def test_a_client_that_breaks_the_rules(data: bytes, code: int) -> None:
    """It is told so (GOAWAY), and the connection ends."""
    side = Http2Side(lambda asked: None)
    side.receive(data, 0.0)
    assert side.due() == 0.0
    said, end = side.speak(0.0)
    assert isinstance(said, bytes)
    assert end is END
    goaway = said[said.index(bytes((frames.GOAWAY, 0, 0, 0, 0, 0))) + 6 :]
    assert frames.decode_goaway(goaway)[1] == code


def test_what_is_no_frame() -> None:
    """Bytes that are none, and half of a head, go out as they are."""
    both = Both()
    one, other = both.request(), both.request()
    both.side.reply(one, [Raw(b"noise")])
    both.side.reply(other, [HalfHead([(b":status", b"200")])])
    [said] = both.side.speak(0.0)
    assert isinstance(said, bytes)
    assert said.startswith(b"noise")
    assert len(said) < len(b"noise") + frames.HEADER_SIZE
