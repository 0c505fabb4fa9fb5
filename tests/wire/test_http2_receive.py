"""What the engine makes of a server's frames: settings, windows, ends of streams and of the connection."""

from __future__ import annotations

import pytest

from borzoi._errors import LocalProtocolError, RemoteProtocolError
from borzoi._wire.http2 import Http2
from borzoi._wire.http2_settings import Http2Limits
from tests.wire.http2_scripting import (
    SETTLED,
    ask,
    block,
    connect,
    data,
    error_of,
    fields,
    frame,
    frames,
    goaway,
    headers,
    number,
    outcome,
    ping,
    reset,
    same_however_cut,
    sent_by,
    settings,
    trailers,
    upload,
    window,
)

BROKE = "The server broke a rule of HTTP/2: "
STATUS = (b":status", b"200")


# --- the beginning of a connection


def test_the_preface() -> None:
    """A connection begins with the preface, our SETTINGS and a larger window, before any answer (RFC 9113, 3.4)."""
    engine = Http2()
    sent = engine.data_to_send()

    assert sent.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert [(kind, stream) for kind, _, stream, _ in frames(sent[24:])] == [(4, 0), (8, 0)]
    assert engine.data_to_send() == b""


def test_settings_are_acknowledged() -> None:
    """The server's SETTINGS are acknowledged each time, our own when they are acknowledged need no answer."""
    found = same_however_cut(settings((3, 7)) + settings(ack=True) + settings())

    assert found["settled"]
    assert [(kind, flags) for kind, flags, _, _ in frames(found["sent"])] == [(4, 1), (4, 1)]


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it answered in HTTP/1 (PROTOCOL_ERROR)"),
        (ping(), "its first frame has to be SETTINGS, and is PING"),
        (headers(1, end=True), "its first frame has to be SETTINGS, and is HEADERS"),
        (settings(ack=True), "its first frame has to be SETTINGS, and is SETTINGS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "a frame of 5460808 bytes came, where 16384 are the most (FRAME_SIZE_ERROR)"),
        (frame(77), "its first frame has to be SETTINGS, and is a frame of the unknown kind 77"),
    ],
)
def test_the_server_begins_with_settings(first: bytes, message: str) -> None:
    """Whatever else comes first ends the connection, and says what it was."""
    found = same_however_cut(first, ["GET"])

    assert message in found["error"]
    assert found["streams"][0]["error"] == found["error"]


def test_requests_may_go_before_the_settings_come() -> None:
    """A hundred streams may be opened before the server has said how many it takes; then its word counts."""
    engine = Http2()
    assert (engine.room, engine.settled) == (100, False)

    engine.receive(settings((3, 2)))
    assert (engine.room, engine.settled) == (2, True)
    streams = [ask(engine), ask(engine)]
    assert engine.room == 0
    with pytest.raises(LocalProtocolError, match="No more streams can be opened"):
        ask(engine)

    engine.receive(headers(streams[0].id, end=True))
    assert engine.room == 1
    engine.receive(settings((3, 0)))
    assert engine.room == 0
    engine.receive(settings((4, 70_000)))
    assert engine.room == 0


def test_a_server_without_a_limit() -> None:
    """Where the server names no limit of streams we have one of our own."""
    assert connect().room == 1000


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ((2, 1), "PROTOCOL_ERROR"),
        ((2, 2), "PROTOCOL_ERROR"),
        ((4, 2**31), "FLOW_CONTROL_ERROR"),
        ((5, 16383), "PROTOCOL_ERROR"),
        ((5, 2**24), "PROTOCOL_ERROR"),
    ],
)
def test_a_setting_out_of_its_range(setting: tuple[int, int], code: str) -> None:
    """It ends the connection with the code that RFC 9113, 6.5.2, names."""
    error = error_of(settings(setting))

    assert error.startswith(f"{BROKE}the setting {setting[0]} is from ")
    assert error.endswith(f"({code}).")


def test_settings_that_pass() -> None:
    """Values within their ranges, and settings that nobody knows, end nothing."""
    assert error_of(settings((2, 0), (4, 0), (4, 2**31 - 1), (5, 16384), (5, 2**24 - 1), (8, 1), (0xFFFF, 9))) == ""


# --- the order of frames


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (frame(9, 4, 1, fields(STATUS)), "CONTINUATION came on stream 1, where no CONTINUATION may come"),
        (frame(1, 0, 1, b"") + headers(1), "HEADERS came on stream 1, where CONTINUATION on stream 1 may come"),
        (frame(1, 0, 1, b"") + ping(), "PING came on stream 0, where CONTINUATION on stream 1 may come"),
        (frame(1, 0, 1, b"") + frame(99), "unknown kind 99 came on stream 0, where CONTINUATION on stream 1"),
        (frame(1, 0, 1, b"") + frame(9, 4, 3, b""), "CONTINUATION came on stream 3, where CONTINUATION on stream 1"),
        (headers(3), "HEADERS came on stream 3, which was never opened"),
        (headers(2), "HEADERS came on stream 2, which was never opened"),
        (data(5, b"x"), "DATA came on stream 5, which was never opened"),
        (window(3, 1), "WINDOW_UPDATE came on stream 3, which was never opened"),
        (reset(3, 0), "RST_STREAM came on stream 3, which was never opened"),
        (headers(1, end=True) + data(1, b"x"), ""),
        (frame(5, 4, 1, number(2) + fields((b":method", b"GET"))), "it pushed a response (PUSH_PROMISE)"),
        (frame(0, 0, 1, b"x" * 16385), "a frame of 16385 bytes came"),
    ],
)
def test_frames_that_may_not_come(response: bytes, message: str) -> None:
    """A frame where none of its kind may come ends the connection (RFC 9113, 5.1, 6.10, 8.4)."""
    found = outcome([SETTLED + response], ["GET"])

    assert message in found["streams"][0]["error"] if message else found["error"]
    assert found["error"] is not None


def test_frames_after_the_end_of_a_stream() -> None:
    """DATA or HEADERS on a stream that has ended end the connection (RFC 9113, 5.1), and not its response."""
    for late in (data(1, b"x"), headers(1), trailers(1)):
        found = same_however_cut(SETTLED + headers(1, end=True) + late)
        assert "came on stream 1 after its end (STREAM_CLOSED)" in found["error"]
        assert found["streams"][0]["complete"]
        assert found["streams"][1]["error"] == found["error"]


@pytest.mark.parametrize("late", [data(1, b"x"), headers(1), trailers(1)])
def test_frames_after_the_end_of_a_response(late: bytes) -> None:
    """While the request is still being sent, the fault is the stream's: its response is whole, the upload stops."""
    engine = connect()
    stream = upload(engine)

    engine.receive(headers(1, end=True))
    assert (stream.complete, engine.streams) == (True, {1: stream})
    engine.receive(late)

    assert (stream.complete, stream.error, engine.error, engine.streams) == (True, None, None, {})
    assert sent_by(engine, 3) == [(0, 1, number(5))]


def test_a_reserved_bit_is_ignored() -> None:
    """The bit before a stream's number means nothing (RFC 9113, 4.1)."""
    response = headers(1)[:5] + b"\x80" + headers(1)[6:] + data(1, b"x", end=True)

    assert error_of(response) == ""


def test_headers_in_pieces_with_padding_and_priority() -> None:
    """A head that is padded, prioritised and continued, and DATA that is padded, are read as if they were plain."""
    whole = fields(STATUS, (b"a", b"b"))
    response = frame(1, 0x28, 1, b"\x03" + b"\x80\x00\x00\x03\x10" + whole[:9] + b"pad")
    response += frame(9, 0, 1, whole[9:12]) + frame(9, 0, 1) + frame(9, 4, 1, whole[12:])
    response += frame(0, 8, 1, b"\x04bodypad!") + frame(0, 9, 1, b"\x00!")

    found = same_however_cut(SETTLED + response, ["GET"])["streams"][0]

    assert (found["head"][0], found["head"][1], found["body"], found["complete"]) == (
        200,
        [(b"a", b"b")],
        b"body!",
        True,
    )


def test_what_is_ignored() -> None:
    """PRIORITY, kinds that nobody knows, and answers to pings that were not sent change nothing."""
    ignored = (
        frame(2, 0, 1, b"\x00\x00\x00\x00\x10")
        + frame(2, 0, 99, b"\x00\x00\x00\x01\x10")
        + frame(0xA, 3, 1, b"x")
        + ping(ack=True)
    )

    found = same_however_cut(SETTLED + ignored + headers(1, end=True) + ignored, ["GET"])

    assert (found["streams"][0]["complete"], found["error"]) == (True, None)
    assert sorted(kind for kind, _, _, _ in frames(found["sent"])) == [4]


# --- news


def test_streams_with_news_are_named_once() -> None:
    """receive() returns each stream to which something happened, once, and no other."""
    engine = connect()
    first, second, third = ask(engine), ask(engine), ask(engine)

    assert engine.receive(headers(3) + headers(1) + data(3, b"x") + data(3, b"y", end=True)) == [second, first]
    assert engine.receive(data(1, b"z")[:-1]) == []
    assert engine.receive(b"z" + reset(5, 8)) == [first, third]
    assert engine.receive(ping()) == []
    assert repr(first) == "<Stream 1 [200] open>"
    assert repr(second) == "<Stream 3 [200] complete>"
    assert repr(third) == "<Stream 5 [-] The server reset the stream (RST_STREAM, CANCEL).>"


def test_small_pieces_are_joined() -> None:
    """Pieces of a few bytes are kept as one; large ones stay as they came."""
    engine = connect()
    stream = ask(engine)
    large = b"x" * 5000

    engine.receive(headers(1) + data(1, b"12345678") * 100 + data(1, large) + data(1, large) + data(1, b"12345678"))

    assert [len(chunk) for chunk in stream.chunks] == [800, 5000, 5000, 8]


# --- ends


def test_a_reset_stream() -> None:
    """RST_STREAM ends a stream with its code; the connection goes on."""
    found = same_however_cut(SETTLED + headers(1) + reset(1, 2) + headers(3, end=True))

    assert found["streams"][0]["error"] == "The server reset the stream (RST_STREAM, INTERNAL_ERROR)."
    assert (found["streams"][0]["reset_code"], found["streams"][0]["unprocessed"]) == (2, False)
    assert (found["streams"][1]["complete"], found["error"], found["open"]) == (True, None, [])


def test_a_refused_stream_was_not_processed() -> None:
    """REFUSED_STREAM says that the request may be sent again, unless something of its response had come (8.7)."""
    refused = same_however_cut(SETTLED + reset(1, 7))["streams"][0]
    after = same_however_cut(SETTLED + headers(1) + reset(1, 7))["streams"][0]

    assert (refused["unprocessed"], refused["answered"]) == (True, False)
    assert (after["unprocessed"], after["answered"]) == (False, True)


def test_a_stream_may_be_reset_after_its_response() -> None:
    """A whole response stands when the server stops the upload after it (RFC 9113, 8.1)."""
    engine = connect()
    stream = upload(engine)

    assert engine.receive(headers(1, end=True) + reset(1, 0)) == [stream]

    assert (stream.complete, stream.error, stream.reset_code) == (True, None, 0)
    assert engine.streams == {}
    with pytest.raises(LocalProtocolError, match="The stream is closed"):
        engine.send(stream, b"more")


def test_late_resets_and_windows_are_let_pass() -> None:
    """RST_STREAM and WINDOW_UPDATE on streams that have ended mean nothing any more."""
    assert error_of(headers(1, end=True) + reset(1, 0) + window(1, 10)) == ""


def test_goaway_lets_earlier_streams_finish() -> None:
    """Streams up to the last one named go on; later ones were not processed, and no more are opened (6.8)."""
    found = same_however_cut(SETTLED + goaway(1, 11, b"slow \xff") + headers(1, end=True))

    assert found["goaway"] == (1, 11, b"slow \xff")
    assert (found["streams"][0]["complete"], found["streams"][0]["error"]) == (True, None)
    assert found["streams"][1]["unprocessed"]
    assert (
        found["streams"][1]["error"]
        == "The server did not act upon the request (GOAWAY, ENHANCE_YOUR_CALM: slow \\xff)."
    )
    assert found["error"] is None


def test_no_stream_is_opened_after_goaway() -> None:
    """After GOAWAY there is no room, whatever SETTINGS say, and what another one names can only be less."""
    engine = connect()
    streams = [ask(engine) for _ in range(3)]

    assert engine.receive(goaway(2**31 - 1)) == []
    assert engine.room == 0
    assert engine.receive(settings((3, 100))) == []
    assert engine.room == 0
    with pytest.raises(LocalProtocolError, match="No more streams"):
        ask(engine)
    assert engine.receive(goaway(3)) == [streams[2]]
    assert engine.receive(goaway(2**31 - 1)) == []
    assert engine.goaway is not None
    assert (engine.goaway.last_stream, str(engine.goaway)) == (3, "GOAWAY, NO_ERROR")


def test_a_stream_that_was_being_answered_is_not_called_unprocessed() -> None:
    """A GOAWAY that denies a request which it has begun to answer is not believed."""
    found = same_however_cut(SETTLED + headers(1) + goaway(0), ["GET"])["streams"][0]

    assert (found["unprocessed"], found["error"]) == (
        False,
        "The server did not act upon the request (GOAWAY, NO_ERROR).",
    )


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (b"", "Server disconnected without sending a response."),
        (headers(1), "peer closed connection without sending complete message body (no END_STREAM)"),
        (
            headers(1, (b"content-length", b"9")) + data(1, b"abc"),
            "peer closed connection without sending complete message body (received 3 bytes, expected 9)",
        ),
        (goaway(1, 2, b"bye"), "Server disconnected without sending a response. (GOAWAY, INTERNAL_ERROR: bye)"),
    ],
)
def test_the_end_of_the_connection(before: bytes, message: str) -> None:
    """A response that is not whole when the server closes has failed, and says how far it had come."""
    engine = connect()
    stream = ask(engine)
    engine.receive(before)

    assert engine.receive_eof() == [stream]
    assert stream.error == message
    with pytest.raises(RemoteProtocolError) as caught:
        stream.check()
    assert str(caught.value) == message
    assert (engine.room, engine.error) == (0, "The server closed the connection.")
    assert engine.receive_eof() == []
    assert engine.receive(headers(1)) == []


def test_the_end_of_an_idle_connection() -> None:
    """Nothing fails when the server closes a connection that nobody uses, and nothing is opened on it."""
    engine = connect()
    stream = ask(engine)
    engine.receive(headers(1, end=True))

    assert engine.receive_eof() == []
    stream.check()
    assert (stream.complete, engine.room) == (True, 0)


def test_a_fault_ends_everything_but_what_is_whole() -> None:
    """Of one read, the responses before the fault are whole; the others have its error, and GOAWAY goes out."""
    found = same_however_cut(SETTLED + headers(1, end=True) + ping(b"short") + headers(3, end=True), ["GET", "GET"])

    assert (found["streams"][0]["complete"], found["streams"][0]["error"]) == (True, None)
    assert found["error"] == f"{BROKE}PING has 8 bytes, and one of 5 came (FRAME_SIZE_ERROR)."
    assert (found["streams"][1]["complete"], found["streams"][1]["error"]) == (False, found["error"])
    assert frames(found["sent"])[-1] == (7, 0, 0, number(0) + number(6) + b"PING has 8 bytes, and one of 5 came")
    assert found["named"] == {1, 3}


# --- pings


def test_pings_are_answered() -> None:
    """PING is sent back with its eight bytes."""
    found = same_however_cut(SETTLED + ping(b"abcdefgh"))

    assert frames(found["sent"])[-1] == (6, 1, 0, b"abcdefgh")


def test_a_probe() -> None:
    """A ping of ours is open until the server sends the same bytes back."""
    engine = connect()
    assert not engine.pinged

    engine.ping(b"01234567")
    assert sent_by(engine, 6) == [(0, 0, b"01234567")]
    engine.receive(ping(b"76543210", ack=True) + ping(b"01234567"))
    assert engine.pinged
    engine.receive(ping(b"01234567", ack=True))

    assert not engine.pinged


# --- tunnels


def test_a_tunnel() -> None:
    """After 2xx to CONNECT, DATA carries the tunnel's bytes both ways until either side ends it (RFC 9113, 8.5)."""
    engine = connect()
    stream = ask(engine, method="CONNECT", target=b"example.org:443")
    assert stream.to_send < 0

    engine.receive(headers(1, (b"content-length", b"0")) + data(1, b"hello"))
    assert (stream.is_tunnel, stream.complete, engine.take(stream)) == (True, False, [b"hello"])
    assert engine.send(stream, b"hi") == 2
    engine.end(stream)
    engine.receive(data(1, b"bye", end=True))

    assert (stream.complete, engine.take(stream), engine.streams) == (True, [b"bye"], {})


def test_a_tunnel_has_no_trailers() -> None:
    """HEADERS in a tunnel is a fault of its stream (RFC 9113, 8.5)."""
    engine = connect()
    stream = ask(engine, method="CONNECT", target=b"example.org:443")

    engine.receive(headers(1) + trailers(1))

    assert stream.error == f"{BROKE}HEADERS came in the middle of the body."


def test_a_tunnel_that_is_refused() -> None:
    """Another answer to CONNECT is a response like any other."""
    assert error_of(headers(1, (b"content-length", b"2"), status=b"407") + data(1, b"no", end=True), "CONNECT") == ""


# --- windows


def test_more_than_a_stream_may_send() -> None:
    """DATA beyond the window of its stream, padding included, is a fault of the stream (RFC 9113, 6.9.1)."""
    for full in (data(1, b"x" * 16_384), frame(0, 8, 1, b"\xff" + b"x" * 16_128 + bytes(255))):
        engine = connect(Http2Limits(stream_window=65_535))
        stream, other = ask(engine), ask(engine)

        engine.receive(headers(1) + full * 4)

        assert stream.error == f"{BROKE}more DATA came than the stream's window admits."
        assert sent_by(engine, 3) == [(0, 1, number(3))]
        assert (other.error, engine.error) == (None, None)


def test_more_than_the_connection_may_send() -> None:
    """DATA beyond the window of the connection is a fault of the connection; so it is where nobody has to take it."""
    limits = Http2Limits(connection_window=65_535, untaken=0)
    full = data(1, b"x" * 16_384)
    for response in (headers(1) + full * 4, headers(1) + full * 3 + frame(0, 8, 1, b"\xff" + bytes(16_383))):
        engine = connect(limits)
        stream = ask(engine)

        engine.receive(response)

        assert engine.error == f"{BROKE}more DATA came than the connection's window admits (FLOW_CONTROL_ERROR)."
        assert stream.error == engine.error


@pytest.mark.parametrize("opening", [b"", b"0", b"ended"])
def test_what_is_refused_is_let_through_again(opening: bytes) -> None:
    """DATA that its stream has no use for opens the connection's window again by as much as it has shut it."""
    engine = connect(Http2Limits(connection_window=65_535))
    opened = 0
    for _ in range(20):
        stream = upload(engine)
        before = {b"": b"", b"0": headers(stream.id, (b"content-length", b"0")), b"ended": headers(stream.id, end=True)}
        engine.receive(before[opening] + data(stream.id, b"x" * 16_000))
        assert stream.id not in engine.streams
        opened += sum(int.from_bytes(payload, "big") for _, number_, payload in sent_by(engine, 8) if number_ == 0)
        engine.reset(stream)

    assert engine.error is None
    assert 20 * 16_000 - opened < 65_535 // 2


def test_what_is_taken_is_let_through_again() -> None:
    """A stream's window opens when half of it was taken, and not before."""
    engine = connect(Http2Limits(stream_window=100_000, max_stream_window=100_000))
    stream = ask(engine)
    engine.receive(headers(1) + data(1, b"x" * 16_000) * 6)
    assert sent_by(engine, 8) == []

    assert sum(map(len, engine.take(stream))) == 96_000
    assert sent_by(engine, 8) == [(0, 1, number(96_000))]
    assert engine.take(stream) == []

    engine.receive(data(1, b"x" * 16_000) * 3)
    engine.take(stream)
    assert sent_by(engine, 8) == []
    engine.receive(data(1, b"x" * 2_000))
    engine.take(stream)
    assert sent_by(engine, 8) == [(0, 1, number(50_000))]


def test_a_window_grows_for_who_reads_as_fast_as_it_comes() -> None:
    """What is taken in small parts doubles the window, up to its limit; what waits in large ones does not."""
    fast = connect(Http2Limits(stream_window=100_000, max_stream_window=300_000))
    stream = ask(fast)
    fast.receive(headers(1))
    updates = []
    for _ in range(60):
        fast.receive(data(1, b"x" * 10_000))
        fast.take(stream)
        updates += [int.from_bytes(payload, "big") for _, number, payload in sent_by(fast, 8) if number == 1]

    assert updates == [150_000, 200_000, 150_000, 150_000, 150_000]

    slow = connect(Http2Limits(stream_window=100_000))
    waiting = ask(slow)
    slow.receive(headers(1))
    for _ in range(5):
        slow.receive(data(1, b"x" * 10_000) * 6)
        slow.take(waiting)
        assert sent_by(slow, 8) == [(0, 1, number(60_000))]


def test_no_window_is_opened_for_what_will_not_come() -> None:
    """A stream whose rest fits into its window, or that has ended, gets no more of it."""
    engine = connect(Http2Limits(stream_window=100_000))
    known, ended = ask(engine), ask(engine)
    engine.receive(headers(1, (b"content-length", b"150000")) + data(1, b"x" * 16_000) * 5)
    engine.take(known)
    assert sent_by(engine, 8) == [(0, 1, number(80_000))]
    engine.receive(data(1, b"x" * 16_000) * 4)
    engine.receive(headers(3) + data(3, b"x" * 16_000) * 4 + data(3, end=True))

    assert len(engine.take(known)) == 4
    assert len(engine.take(ended)) == 4
    assert sent_by(engine, 8) == []


def test_a_stream_that_nobody_reads_stops_no_other() -> None:
    """One stream fills its window and waits; the connection's window opens all the same, and others go on."""
    engine = connect(Http2Limits(stream_window=65_535, connection_window=100_000))
    stuck, moving = ask(engine), ask(engine)
    engine.receive(headers(1) + data(1, b"x" * 16_000) * 4 + headers(3))

    for _ in range(50):
        engine.receive(data(3, b"y" * 16_000))
        assert engine.take(moving) == [b"y" * 16_000]

    assert engine.error is None
    assert sum(map(len, stuck.chunks)) == 64_000
    assert {stream for _, stream, _ in sent_by(engine, 8)} == {0, 3}


def test_all_that_waits_has_a_limit() -> None:
    """Past the limit of what waits to be taken the connection's window stays shut, until some of it was taken."""
    engine = connect(Http2Limits(connection_window=100_000, untaken=120_000))
    stream = ask(engine)
    engine.receive(headers(1))
    for _ in range(12):
        engine.receive(data(1, b"x" * 16_000))
    assert sent_by(engine, 8) == [(0, 0, number(64_000))] * 2

    assert sum(map(len, engine.take(stream))) == 192_000
    assert sent_by(engine, 8) == [(0, 0, number(64_000))]


def test_padding_is_let_through_at_once() -> None:
    """Padding uses up windows as content does, and needs nobody to take it (RFC 9113, 6.9.1)."""
    engine = connect(Http2Limits(stream_window=65_535, max_stream_window=65_535, connection_window=65_535))
    stream = ask(engine)
    engine.receive(headers(1))
    for _ in range(300):
        engine.receive(frame(0, 8, 1, b"\xff" + b"x" * 545 + bytes(255)))
        assert len(engine.take(stream)[0]) == 545

    assert (stream.error, engine.error) == (None, None)


# --- what we give up


def test_a_stream_that_is_reset() -> None:
    """reset() sends RST_STREAM once, drops what has come, and frees the stream's place."""
    engine = connect(Http2Limits(), (3, 1))
    stream = ask(engine)
    engine.receive(headers(1) + data(1, b"x" * 100))

    engine.reset(stream)
    engine.reset(stream)

    assert sent_by(engine, 3) == [(0, 1, number(8))]
    assert (stream.chunks, stream.error, engine.room) == ([], "The stream was reset by the client.", 1)


def test_what_a_reset_drops_makes_room_for_others() -> None:
    """The connection's window, shut by what waited on a stream, opens when the stream is given up."""
    engine = connect(Http2Limits(connection_window=100_000, untaken=16_000))
    stream = ask(engine)
    engine.receive(headers(1) + data(1, b"x" * 16_000) * 5)
    assert sent_by(engine, 8) == []

    engine.reset(stream)

    assert sent_by(engine, 8) == [(0, 0, number(80_000))]


def test_resetting_what_is_whole_sends_nothing() -> None:
    """A stream that has ended is only emptied."""
    engine = connect()
    stream = ask(engine)
    engine.receive(headers(1) + data(1, b"x", end=True))

    engine.reset(stream)

    assert (engine.data_to_send(), stream.chunks, stream.complete, stream.error) == (b"", [], True, None)


def test_an_upload_may_be_stopped_after_the_response() -> None:
    """A response that came whole before the request was sent stays whole when the request is given up."""
    engine = connect()
    stream = upload(engine)
    engine.receive(headers(1) + data(1, b"no", end=True))
    taken = engine.take(stream)

    engine.reset(stream, 0)

    assert (taken, stream.complete, stream.error) == ([b"no"], True, None)
    assert sent_by(engine, 3) == [(0, 1, number(0))]


def test_late_frames_of_a_reset_stream_are_dropped() -> None:
    """What was under way is taken in for its effect on HPACK and the windows, and nothing else."""
    engine = connect(Http2Limits(connection_window=65_535))
    stream, other = ask(engine), ask(engine)
    engine.reset(stream)
    engine.data_to_send()
    indexed = b"\x40\x01a\x01b"

    assert (
        engine.receive(frame(1, 4, 1, fields(STATUS) + indexed) + data(1, b"x" * 16_000) * 6 + frame(1, 5, 1, indexed))
        == []
    )
    assert engine.receive(frame(1, 5, 3, fields(STATUS) + b"\xbe\xbf")) == [other]

    assert other.head is not None
    assert other.head.pairs == [(b"a", b"b"), (b"a", b"b")]
    assert sum(int.from_bytes(payload, "big") for _, _, payload in sent_by(engine, 8)) > 60_000
    assert (stream.head, stream.chunks) == (None, [])


@pytest.mark.parametrize("opening", [b"", headers(1), headers(1, end=True)])
def test_headers_that_are_refused_are_read_all_the_same(opening: bytes) -> None:
    """A header block that its stream has no use for still puts its fields into the table, where others find them."""
    engine = connect()
    upload(engine)
    other = ask(engine)
    wrong = fields(STATUS, (b"Bad", b"x")) + b"\x40\x01a\x01b"

    engine.receive(opening + frame(1, 4, 1, wrong) + frame(1, 5, 3, fields(STATUS) + b"\xbe"))

    assert sent_by(engine, 3) != []
    assert other.head is not None
    assert other.head.pairs == [(b"a", b"b")]


def test_late_headers_over_the_limit_are_dropped_too() -> None:
    """A header list that is too large costs nothing where its stream was given up; one that is malformed ends all."""
    engine = connect()
    engine.reset(ask(engine))

    engine.receive(frame(1, 5, 1, b"\x82" * 600))
    assert engine.error is None
    engine.receive(frame(1, 5, 1, b"\x80"))
    assert engine.error is not None


def test_streams_given_up_long_ago_are_not_forgotten() -> None:
    """However many streams were given up, late frames of theirs are no fault."""
    engine = connect()
    for _ in range(2500):
        engine.reset(ask(engine))

    for number_ in (1, 2001, 4999):
        engine.receive(headers(number_) + data(number_, b"x"))

    assert engine.error is None


def test_a_head_in_the_middle_of_which_its_stream_is_given_up() -> None:
    """The rest of a header block is read although nobody waits for it any more."""
    engine = connect()
    stream, other = ask(engine), ask(engine)
    whole = fields(STATUS) + b"\x40\x01a\x01b"
    engine.receive(frame(1, 1, 1, whole[:5]))
    engine.reset(stream)
    engine.receive(frame(9, 4, 1, whole[5:]) + frame(1, 5, 3, fields(STATUS) + b"\xbe"))

    assert (stream.head, engine.error) == (None, None)
    assert other.head is not None
    assert other.head.pairs == [(b"a", b"b")]


def test_closing() -> None:
    """close() says GOAWAY, ends what is open, and nothing can be opened or received any more."""
    engine = connect()
    stream = ask(engine)

    engine.close()
    engine.close()

    assert sent_by(engine, 7) == [(0, 0, bytes(8))]
    assert (stream.error, engine.error, engine.room) == (engine.error, "The connection was closed by the client.", 0)
    assert engine.receive(headers(1)) == []
    assert engine.receive_eof() == [stream]
    with pytest.raises(LocalProtocolError):
        engine.open("GET", b"/", block())


def test_numbers_of_streams_come_to_an_end() -> None:
    """The last number is used, and then no more streams are opened, whatever SETTINGS say (RFC 9113, 5.1.1)."""
    engine = connect(first_stream=2**31 - 3)
    assert ask(engine).id == 2**31 - 3
    last = ask(engine)

    assert (last.id, engine.room) == (2**31 - 1, 0)
    engine.receive(settings((3, 1000)) + headers(last.id, end=True))
    assert (last.complete, engine.room) == (True, 0)
    with pytest.raises(LocalProtocolError, match="No more streams"):
        ask(engine)


@pytest.mark.parametrize("wrong", [{"stream_window": 65_534}, {"connection_window": 1}, {"max_stream_window": 2**31}])
def test_limits_that_cannot_be_held(wrong: dict[str, int]) -> None:
    """Windows smaller than those that hold before SETTINGS arrive, or larger than numbers go, are refused."""
    with pytest.raises(ValueError, match="bytes"):
        Http2Limits(**wrong)  # type: ignore[arg-type]


def test_what_was_not_asked_yet_is_not_answered() -> None:
    """5.1: a response to a request that is written, and not sent, breaks the connection: it belongs to nobody."""
    engine = connect()
    first, second = ask(engine), engine.open("GET", b"/", block())

    engine.receive(headers(first.id, end=True) + headers(second.id, end=True))

    assert first.complete
    assert not second.complete
    assert "HEADERS came on stream 3, which was never opened" in str(engine.error)
