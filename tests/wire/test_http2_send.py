"""What the engine sends of requests: bodies within the server's windows, ends, trailers."""

from __future__ import annotations

import pytest

from borzoi._errors import LocalProtocolError
from borzoi._wire.http2 import SEND_SIZE, Http2
from borzoi._wire.http2_settings import Http2Limits
from borzoi._wire.http2_stream import Stream
from tests.wire.http2_scripting import (
    CHUNKED,
    ask,
    block,
    connect,
    data,
    error_of,
    frames,
    goaway,
    headers,
    reset,
    sent_by,
    settings,
    upload,
    window,
)

MAX = 2**31 - 1


def sized(engine: Http2, length: int) -> Stream:
    return ask(engine, (b"Content-Length", b"%d" % length), method="POST")


def test_a_request_without_a_body_ends_with_its_head() -> None:
    """HEADERS carries END_STREAM where no body is announced, and an empty one is none."""
    engine = connect()

    assert engine.open("GET", b"/", block()).to_send == 0
    assert engine.open("POST", b"/", block((b"Content-Length", b"0"))).to_send == 0

    assert [flags for flags, _, _ in sent_by(engine, 1)] == [5, 5]


def test_a_body_of_a_known_length() -> None:
    """The last byte carries END_STREAM, and end() adds nothing."""
    engine = connect()
    stream = sized(engine, 5)
    assert stream.to_send == 5

    assert engine.send(stream, b"he") == 2
    assert engine.send(stream, b"") == 0
    assert stream.to_send == 3
    assert engine.send(stream, b"llo") == 3
    engine.end(stream)

    assert stream.to_send == 0
    assert sent_by(engine, 0) == [(0, 1, b"he"), (1, 1, b"llo")]


def test_a_body_of_unknown_length() -> None:
    """end() sends an empty frame with END_STREAM, once."""
    engine = connect()
    stream = upload(engine)
    assert stream.to_send < 0

    assert engine.send(stream, b"hello") == 5
    engine.end(stream)
    engine.end(stream)

    assert sent_by(engine, 0) == [(0, 1, b"hello"), (1, 1, b"")]


def test_trailers() -> None:
    """Trailers take the place of the empty frame, names in lower case."""
    engine = connect()
    stream = upload(engine)

    engine.end(stream, [(b"X-Sum", b"1")])

    ((flags, number, _),) = sent_by(engine, 1)
    assert (flags, number, stream.to_send) == (5, 1, 0)


def test_trailers_need_a_body_without_a_length() -> None:
    """A body of a known length has ended before trailers could come."""
    engine = connect()
    with pytest.raises(LocalProtocolError, match="whose length is not declared"):
        engine.end(ask(engine), [(b"a", b"b")])


@pytest.mark.parametrize(("length", "body", "message"), [(3, b"abcd", "Too much data"), (3, b"ab", "Too little data")])
def test_a_body_has_its_declared_length(length: int, body: bytes, message: str) -> None:
    """More than declared is refused when it is given, less when it ends."""
    engine = connect()
    stream = sized(engine, length)

    def send() -> None:
        engine.send(stream, body)
        engine.end(stream)

    with pytest.raises(LocalProtocolError, match=f"{message} for declared Content-Length"):
        send()


def test_expect_is_noted() -> None:
    """A stream knows whether its request waits for 100 (Continue)."""
    engine = connect()

    assert ask(engine, CHUNKED, (b"Expect", b"100-continue"), method="POST").expects_continue
    assert not upload(engine).expects_continue


def test_long_pieces_are_cut_into_frames() -> None:
    """No frame has more than 16 KiB, and only the last of a body ends it; one call queues a part of a large piece."""
    engine = connect(Http2Limits(), (4, MAX))
    engine.receive(window(0, MAX - 65_535))
    body = bytes(range(256)) * 4096
    stream = sized(engine, len(body))

    taken = engine.send(stream, body)
    assert taken == SEND_SIZE < len(body)
    sent = sent_by(engine, 0)
    while taken < len(body):
        size = engine.send(stream, body[taken:])
        taken += size
        sent += sent_by(engine, 0)

    assert b"".join(payload for _, _, payload in sent) == body
    assert {len(payload) for _, _, payload in sent} == {16_384}
    assert [flags for flags, _, _ in sent] == [0] * (len(sent) - 1) + [1]


def test_no_more_is_sent_than_the_windows_admit() -> None:
    """send() takes what fits; receive() names the stream when there is room again, and not before."""
    engine = connect(Http2Limits(), (4, 10))
    stream = upload(engine)

    assert engine.send(stream, b"0123456789abcdef") == 10
    assert engine.send(stream, b"abcdef") == 0
    assert engine.receive(window(0, 100)) == []
    assert engine.receive(window(1, 4)) == [stream]
    assert engine.receive(window(1, 1)) == []
    assert engine.send(stream, b"abcdef") == 5
    assert engine.send(stream, b"f") == 0
    assert engine.receive(settings((4, 11))) == [stream]
    assert engine.send(stream, b"f") == 1

    assert b"".join(payload for _, _, payload in sent_by(engine, 0)) == b"0123456789abcdef"


def test_streams_share_the_window_of_the_connection() -> None:
    """When it opens, all that wait are named, in the order in which they began to: whoever has shut it is the first."""
    engine = connect(Http2Limits(), (4, 100_000))
    first, second, third, fourth = (upload(engine) for _ in range(4))
    assert engine.send(first, b"x" * 70_000) == 65_535
    for stream in (second, first, third):
        assert engine.send(stream, b"x" * 70_000) == 0
    engine.end(third)
    engine.receive(window(2 * 2 + 1, 1))

    assert engine.receive(window(0, 1000)) == [first, second]
    assert engine.send(second, b"x" * 2000) == 1000
    assert engine.send(fourth, b"x") == 0
    assert engine.receive(window(0, 1)) == [second, fourth]
    assert engine.receive(window(0, 1)) == []


def test_a_stream_that_has_ended_waits_no_more() -> None:
    """A stream that was given up while it waited is not named when the window opens."""
    engine = connect(Http2Limits(), (4, 100_000))
    first, second = upload(engine), upload(engine)
    engine.send(first, b"x" * 65_535)
    assert engine.send(first, b"x") == engine.send(second, b"x") == 0

    engine.reset(first)

    assert engine.receive(window(0, 10)) == [second]


def test_a_setting_does_not_open_the_window_of_the_connection() -> None:
    """Streams that wait for the connection's window are not named when only their own is opened."""
    engine = connect()
    stream = upload(engine)
    assert engine.send(stream, b"x" * 70_000) == 65_535
    assert engine.send(stream, b"x") == 0

    assert engine.receive(settings((4, 100_000)) + window(1, 10)) == []
    assert engine.receive(window(0, 1)) == [stream]


def test_a_window_may_be_less_than_nothing() -> None:
    """A smaller initial window takes from open streams what they may have used already (RFC 9113, 6.9.2)."""
    engine = connect(Http2Limits(), (4, 1000))
    stream = upload(engine)
    assert engine.send(stream, b"x" * 800) == 800

    engine.receive(settings((4, 500)))
    assert stream.window == -300
    assert engine.send(stream, b"x") == 0
    assert engine.receive(window(1, 300)) == []
    assert engine.receive(window(1, 1)) == [stream]
    assert engine.send(stream, b"xy") == 1


def test_ends_need_no_window() -> None:
    """The empty frame that ends a body goes out however shut the windows are."""
    engine = connect(Http2Limits(), (4, 0))
    stream = upload(engine)
    assert engine.send(stream, b"x") == 0

    engine.end(stream)

    assert sent_by(engine, 0) == [(1, 1, b"")]
    assert engine.receive(window(1, 10)) == []


@pytest.mark.parametrize(
    ("response", "code", "ends_all"),
    [
        (window(1, 0), "", False),
        (window(0, 0), "(PROTOCOL_ERROR)", True),
        (window(1, MAX), "", False),
        (window(0, MAX), "(FLOW_CONTROL_ERROR)", True),
        (window(1, MAX - 65_535) + settings((4, 65_536)), "(FLOW_CONTROL_ERROR)", True),
    ],
)
def test_windows_that_cannot_be(response: bytes, code: str, ends_all: bool) -> None:
    """A window opened by nothing or too far ends its stream, or the connection (RFC 9113, 6.9)."""
    error = error_of(response)

    assert error.startswith("The server broke a rule of HTTP/2: ")
    assert error.endswith(f"{code}.")
    engine = connect()
    ask(engine)
    engine.receive(response)
    assert (engine.error is not None) == ends_all


def test_windows_may_be_opened_to_the_last_byte() -> None:
    """The largest window there is, is none too large."""
    assert error_of(window(1, MAX - 65_535) + window(0, MAX - 65_535)) == ""


@pytest.mark.parametrize("end", [reset(1, 8), goaway(0), headers(1, (b"A", b"b"))])
def test_nothing_is_sent_on_a_stream_that_has_ended(end: bytes) -> None:
    """Sending to, or ending, a stream that is closed raises, and queues nothing."""
    engine = connect()
    stream = upload(engine)
    engine.receive(end)
    engine.data_to_send()

    with pytest.raises(LocalProtocolError, match="The stream is closed"):
        engine.send(stream, b"x")
    with pytest.raises(LocalProtocolError, match="The stream is closed"):
        engine.end(stream)
    assert engine.data_to_send() == b""


def test_a_request_may_end_after_its_response() -> None:
    """A response that came early leaves the stream open until the request is sent, too."""
    engine = connect()
    stream = sized(engine, 4)
    engine.receive(headers(1) + data(1, b"early", end=True))
    assert (stream.complete, engine.streams) == (True, {1: stream})

    engine.send(stream, b"late")

    assert engine.streams == {}
    assert engine.take(stream) == [b"early"]


def test_one_turn_is_one_piece() -> None:
    """What all streams queued since the last call comes as one piece, in its order."""
    engine = connect()
    stream = upload(engine)
    engine.send(stream, b"a")
    engine.open("GET", b"/", block())
    engine.end(stream)

    assert [(kind, number) for kind, _, number, _ in frames(engine.data_to_send())] == [(0, 1), (1, 3), (0, 1)]
    assert engine.data_to_send() == b""
