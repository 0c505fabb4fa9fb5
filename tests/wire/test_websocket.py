"""The WebSocket engine by itself: what it sends, what it makes of what it receives, where it draws its lines."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from borzoi import LocalProtocolError
from borzoi._wire.permessage_deflate import Deflate, Terms
from borzoi._wire.websocket import FRAMES, WebSocket
from borzoi._wire.websocket_frames import BINARY, TEXT, CloseConnection, Ping, Pong, Violation
from tests.wire.websocket_frames import MAX_SIZE, client, close, events, frame, splits, unmasked

MIDDLE = "x" * 300
LONG = "ß" * 32768

SOUND: dict[str, tuple[bytes, list[Any]]] = {
    "RFC 6455, 5.7: a text": (bytes.fromhex("810548656c6c6f"), ["Hello"]),
    "5.7: a text in two fragments": (bytes.fromhex("010348656c80026c6f"), ["Hello"]),
    "5.7: a ping": (bytes.fromhex("890548656c6c6f"), [Ping(b"Hello")]),
    "5.7: 256 bytes": (bytes.fromhex("827e0100") + bytes(256), [bytes(256)]),
    "5.7: 64 KiB": (bytes.fromhex("827f0000000000010000") + bytes(65536), [bytes(65536)]),
    "an empty text": (frame(0x81), [""]),
    "empty bytes": (frame(0x82), [b""]),
    "several": (frame(0x81, b"a") + frame(0x82, b"b") + frame(0x81, b"c"), ["a", b"b", "c"]),
    "text of 126 bytes": (frame(0x81, b"y" * 126), ["y" * 126]),
    "text of 300 bytes": (frame(0x81, MIDDLE.encode()), [MIDDLE]),
    "a pong": (frame(0x8A, b"p"), [Pong(b"p")]),
    "a ping between fragments": (frame(0x01, b"a") + frame(0x89, b"?") + frame(0x80, b"b"), [Ping(b"?"), "ab"]),
    "many fragments": (frame(0x02, b"0") + frame(0x00, b"1") * 5 + frame(0x80, b"2"), [b"0111112"]),
    "empty fragments": (frame(0x01) + frame(0x00) + frame(0x80), [""]),
    "empty fragments around text": (frame(0x01) + frame(0x00, b"x") + frame(0x00) + frame(0x80), ["x"]),
    "a character cut by fragments": (frame(0x01, b"\xf0\x9f") + frame(0x80, b"\x90\xba"), ["\U0001f43a"]),
    "NUL and the highest character": (frame(0x81, b"\0\xf4\x8f\xbf\xbf"), ["\0\U0010ffff"]),
    "close": (close(1000, b"bye"), [CloseConnection(1000, "bye")]),
    "close without a code": (frame(0x88), [CloseConnection(1005, "")]),
    "close of a program": (close(4999), [CloseConnection(4999, "")]),
    "close with the longest reason": (close(1001, b"r" * 123), [CloseConnection(1001, "r" * 123)]),
    "what comes after close": (close(1000) + b"\xff" * 20, [CloseConnection(1000, "")]),
}

HOSTILE: dict[str, tuple[bytes, int]] = {
    "RSV1 that nobody agreed upon": (frame(0xC1, b"a"), 1002),
    "RSV2": (frame(0xA1, b"a"), 1002),
    "RSV3": (frame(0x91, b"a"), 1002),
    "RSV1 on a ping": (frame(0xC9), 1002),
    "an unknown data opcode": (frame(0x83, b"a"), 1002),
    "an unknown control opcode": (frame(0x8B), 1002),
    "a masked frame": (frame(0x81, b"a", mask=b"abcd"), 1002),
    "a masked ping": (frame(0x89, b"a", mask=b"abcd"), 1002),
    "a fragmented ping": (frame(0x09), 1002),
    "a long ping": (frame(0x89, bytes(126)), 1002),
    "a long close": (frame(0x88, bytes(126)), 1002),
    "nothing to continue": (frame(0x80, b"a"), 1002),
    "nothing to continue, not the last": (frame(0x00, b"a"), 1002),
    "a message within a message": (frame(0x01, b"a") + frame(0x81, b"b"), 1002),
    "a fragment of another message": (frame(0x02, b"a") + frame(0x01, b"b"), 1002),
    "a length with its first bit set": (b"\x82\x7f" + b"\xff" * 8, 1002),
    "a short length in two bytes": (b"\x82\x7e\x00\x05hello", 1002),
    "no length in two bytes": (b"\x82\x7e\x00\x00", 1002),
    "a short text length in two bytes": (b"\x81\x7e\x00\x05hello", 1002),
    "a short length in eight bytes": (b"\x82\x7f" + (65535).to_bytes(8, "big"), 1002),
    "a huge declared frame": (b"\x82\x7f" + (1 << 62).to_bytes(8, "big"), 1009),
    "a byte too many": (frame(0x82, bytes(MAX_SIZE + 1)), 1009),
    "a byte too many in fragments": (frame(0x02, bytes(MAX_SIZE)) + frame(0x80, b"x"), 1009),
    "bytes that are no text": (frame(0x81, b"\xff\xfe"), 1007),
    "300 bytes that are no text": (frame(0x81, b"\xff" * 300), 1007),
    "a surrogate": (frame(0x81, b"\xed\xa0\x80"), 1007),
    "an overlong form": (frame(0x81, b"\xc0\xaf"), 1007),
    "half a character": (frame(0x81, b"caf\xc3"), 1007),
    "half a character at the end of fragments": (frame(0x01, b"caf\xc3") + frame(0x80), 1007),
    "a wrong byte in the first fragment": (frame(0x01, b"\xff"), 1007),
    "close with half a code": (frame(0x88, b"\x03"), 1002),
    "close with 999": (close(999), 1002),
    "close with 1004": (close(1004), 1002),
    "close with 1005": (close(1005), 1002),
    "close with 1006": (close(1006), 1002),
    "close with 1015": (close(1015), 1002),
    "close with 2999": (close(2999), 1002),
    "close with 5000": (close(5000), 1002),
    "close with a reason that is no text": (close(1000, b"\xff"), 1007),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_understood(name: str) -> None:
    """Sound frames give the same messages and events however they are cut."""
    data, expected = SOUND[name]
    cuts = splits(data) if len(data) < 1000 else [(data,), (data[:1], data[1:5000], data[5000:])]

    for pieces in cuts:
        assert events(client(), *pieces) == expected


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_sound_fails_with_its_code(name: str) -> None:
    """A violation raises with its code wherever the bytes are cut, and the close frame with that code is to be sent."""
    data, code = HOSTILE[name]
    cuts = splits(data) if len(data) < 1000 else [(data,), (data[:1], data[1:5000], data[5000:])]

    for pieces in cuts:
        engine = client()
        found = events(engine, *pieces)
        assert found[-1][0] == code, found
        assert engine.closed is not None
        assert (engine.closed.code, engine.closed.reason) == found[-1]
        [(first, payload)] = unmasked(b"".join(engine.replies))
        assert first == 0x88
        assert int.from_bytes(payload[:2], "big") == code
        with pytest.raises(LocalProtocolError, match="closed"):
            engine.send_text("x")


def test_a_failed_engine_stays_failed() -> None:
    """Each look at a failed engine raises an error of its own, whatever else arrives, and one close frame is enough."""
    engine = client()
    first = events(engine, frame(0x83))
    again = events(engine, frame(0x81, b"fine"))

    assert first == again
    assert len(engine.replies) == 1
    with pytest.raises(Violation) as one:
        engine.next_event()
    with pytest.raises(Violation) as other:
        engine.next_event()
    assert one.value is not other.value


def test_a_fault_after_our_close_is_not_answered() -> None:
    """After its own close frame an engine sends nothing, not even when the peer breaks the protocol."""
    engine = client()
    engine.close(1000)

    assert events(engine, frame(0x83))[0][0] == 1002
    assert engine.replies == []


@pytest.mark.parametrize(
    "mask_of", [lambda engine: engine.send_text("aaaa"), lambda engine: engine.send_bytes(bytes(300))]
)
def test_masks_differ(mask_of: Callable[[WebSocket], bytes]) -> None:
    """Each frame has another mask, and over many frames each bit is set about half of the time."""
    engine = client()
    at = 2 if len(mask_of(client())) < 200 else 4
    masks = [mask_of(engine)[at : at + 4] for _ in range(4000)]

    assert len(set(masks)) > 3990
    for bit in range(32):
        ones = sum(int.from_bytes(mask, "big") >> bit & 1 for mask in masks)
        assert 1700 < ones < 2300


@pytest.mark.parametrize("text", ["", "Hello", "ß" * 62, "x" * 125, "x" * 126, MIDDLE, LONG, "z" * 70000])
def test_text_is_sent_masked(text: str) -> None:
    """A text goes out as one masked frame, whose length is written in as few bytes as it fits in."""
    data = client().send_text(text)

    assert unmasked(data) == [(0x81, text.encode())]
    size = len(text.encode())
    assert len(data) == size + (6 if size < 126 else 8 if size < 65536 else 14)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 4095, 4096, 4097, 65535, 65536])
def test_bytes_are_sent_masked(size: int) -> None:
    """Bytes go out as one masked frame, also where masking goes column by column."""
    data = bytes(range(256)) * (size // 256 + 1)

    assert unmasked(client().send_bytes(data[:size])) == [(0x82, data[:size])]


def test_a_message_in_parts() -> None:
    """Parts of a message go out as its fragments, and nothing but a control frame comes in between."""
    engine = client()
    sent = engine.send_message(TEXT, b"a", final=False)
    with pytest.raises(LocalProtocolError, match="text is under way"):
        engine.send_bytes(b"x")
    sent += engine.send_ping(b"?") + engine.send_message(TEXT, b"b", final=False) + engine.send_message(TEXT, b"c")

    assert unmasked(sent) == [(0x01, b"a"), (0x89, b"?"), (0x00, b"b"), (0x80, b"c")]
    assert unmasked(engine.send_bytes(b"x")) == [(0x82, b"x")]


def test_control_frames_are_short() -> None:
    """A ping or pong of more than 125 bytes is the program's error."""
    engine = client()

    assert unmasked(engine.send_pong(bytes(125))) == [(0x8A, bytes(125))]
    for send in (engine.send_ping, engine.send_pong):
        with pytest.raises(LocalProtocolError, match="at most 125 bytes"):
            send(bytes(126))


def test_lone_surrogates_are_refused() -> None:
    """Text that UTF-8 cannot say is the program's error."""
    with pytest.raises(LocalProtocolError, match="UTF-8"):
        client().send_text("\ud800")


def test_closing_first() -> None:
    """After our close nothing can be sent, what the peer still says is heard, and its answer is the end."""
    engine = client()
    assert unmasked(engine.close(1001, "later")) == [(0x88, b"\x03\xe9later")]
    for send in (engine.send_text, engine.send_bytes, engine.send_ping, engine.close):
        with pytest.raises(LocalProtocolError, match="closed"):
            send("x" if send == engine.send_text else 1000 if send == engine.close else b"x")  # type: ignore[operator]

    assert events(engine, frame(0x81, b"last") + close(1001)) == ["last", CloseConnection(1001, "")]
    assert engine.replies == []


def test_closing_second() -> None:
    """The peer's close is answered with its own code, once."""
    engine = client()

    assert events(engine, close(4000, b"why")) == [CloseConnection(4000, "why")]
    assert unmasked(b"".join(engine.replies)) == [(0x88, b"\x0f\xa0")]
    assert engine.closing
    assert engine.is_idle


def test_a_close_without_a_code_is_answered_without_one() -> None:
    """An empty close frame is answered by an empty one."""
    engine = client()
    events(engine, frame(0x88))

    assert unmasked(b"".join(engine.replies)) == [(0x88, b"")]


def test_a_flood_of_fragments_ends() -> None:
    """A message of more frames than its size can explain is refused, and costs next to no memory until then."""
    engine = client()
    tracemalloc.start()
    found = events(engine, frame(0x01), *[frame(0x00) * 1000] * 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == [(1009, f"Message too big: it has more than {FRAMES + MAX_SIZE // 256} frames")]
    assert peak < 1 << 20


def test_control_frames_do_not_count_as_frames_of_a_message() -> None:
    """Pings between the fragments of a message count for nothing."""
    flood = events(client(), frame(0x01, b"a") + frame(0x89) * 20000 + frame(0x80, b"b"))

    assert flood[-1] == "ab"
    assert len(flood) == 20001


@pytest.mark.parametrize("first", [0x81, 0x82])
def test_a_message_that_dribbles_costs_its_size(first: int) -> None:
    """A message that comes byte by byte takes as much memory as it is long, and not a multiple."""
    size = 1 << 16
    engine = client(size)
    payload = b"x" * size
    engine.receive(frame(first, payload)[:10])
    message = None
    # What is imported for the first message of a process is no part of the measure.
    assert len(events(client(), frame(first, b"another"))) == 1
    tracemalloc.start()
    for place in range(size):
        assert message is None
        engine.receive(payload[place : place + 1])
        message = engine.next_event()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert message == (payload.decode() if first == 0x81 else payload)
    # Text may be held as four bytes a character while it is put together.
    assert peak < 6 * size


def test_the_greatest_size_is_allowed() -> None:
    """A message of exactly the greatest size comes through, in one frame or in many."""
    whole = bytes(MAX_SIZE)

    assert events(client(), frame(0x82, whole)) == [whole]
    assert events(client(), frame(0x02, whole[1:]) + frame(0x80, b"\0")) == [whole]
    assert events(client(0), frame(0x81)) == [""]
    assert events(client(4), frame(0x81, b"12345"))[0][0] == 1009


def test_the_server_s_side() -> None:
    """The server's side takes masked frames alone, sends unmasked ones, and talks to the client's."""
    server, ours = WebSocket(MAX_SIZE, server=True), client()
    sent = ours.send_text("hi") + ours.send_ping(b"?") + ours.send_bytes(bytes(70000 % 65536)) + ours.close(1000)

    assert events(server, *(sent[place : place + 3] for place in range(0, len(sent), 3))) == [
        "hi", Ping(b"?"), bytes(70000 % 65536), CloseConnection(1000, ""),
    ]  # fmt: skip
    assert events(ours, b"".join(server.replies)) == [CloseConnection(1000, "")]
    assert events(WebSocket(MAX_SIZE, server=True), frame(0x81, b"bare"))[0][0] == 1002
    assert WebSocket(MAX_SIZE, server=True).send_text("hi") == b"\x81\x02hi"


def test_compressed_messages_between_the_two_sides() -> None:
    """Compressed messages, whole and in parts, come through, and later ones are shorter thanks to the context."""
    ours = client(deflate=Deflate(Terms()))
    server = WebSocket(MAX_SIZE, Deflate(Terms(), server=True), server=True)
    text = "borzoi, borzoi, borzoi: a sight hound of great grace and speed"

    first, again = ours.send_text(text), ours.send_text(text)
    parts = ours.send_message(BINARY, text.encode(), final=False) + ours.send_message(BINARY, b"!")
    short = ours.send_text("short")

    assert first[0] == 0xC1
    assert len(again) < len(first) < len(text) + 6
    assert (parts[0], short[0]) == (0x42, 0x81)
    assert events(server, first + again + parts + short) == [text, text, text.encode() + b"!", "short"]
    for pieces in splits(server.send_text(text)):
        assert events(client(deflate=Deflate(Terms())), *pieces) == [text]


def test_a_compressed_message_in_fragments() -> None:
    """RFC 7692, 7.2.3.1: a compressed message may be cut anywhere, and only its first frame says that it is compressed."""
    data = bytes.fromhex("f248cdc9c90700")
    for place in range(1, len(data)):
        engine = client(deflate=Deflate(Terms()))
        assert events(engine, frame(0x41, data[:place]) + frame(0x89) + frame(0x80, data[place:])) == [Ping(), "Hello"]

    engine = client(deflate=Deflate(Terms()))
    assert events(engine, frame(0x41, data[:3]) + frame(0xC0, data[3:]))[0][0] == 1002


def test_a_bomb_is_defused() -> None:
    """A compressed message is inflated no further than a message may be long, in one frame or in many."""
    bomb = Deflate(Terms(), server=True).compress(bytes(1 << 26))
    assert bomb is not None
    assert len(bomb) < 70_000
    tracemalloc.start()
    found = events(client(1 << 20, Deflate(Terms())), frame(0xC2, bomb))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == [(1009, "Message too big")]
    assert peak < (1 << 20) * 4

    pieces = [bomb[place : place + 1000] for place in range(0, len(bomb), 1000)]
    data = frame(0x42, pieces[0]) + b"".join(frame(0x00, piece) for piece in pieces[1:])
    assert events(client(1 << 20, Deflate(Terms())), data) == [(1009, "Message too big")]


def test_a_compressed_frame_may_be_longer_than_its_message() -> None:
    """What does not compress may be sent a little longer than it is; much longer is refused before it has come."""
    stored = b"\x00\xff\xff\x00\x00" + bytes(65535) + b"\x00"

    assert events(client(65535, Deflate(Terms())), frame(0xC2, stored)) == [bytes(65535)]
    assert events(client(1000, Deflate(Terms())), frame(0xC2, size=66000))[0] == (1009, "Message too big")


def test_a_window_that_is_too_small_to_compress_for() -> None:
    """Where the server allows a window of 8 bits alone, messages go out as they are."""
    engine = client(deflate=Deflate(Terms(client_max_window_bits=8)))

    assert unmasked(engine.send_text("x" * 100)) == [(0x81, b"x" * 100)]


def test_compressed_data_that_is_none() -> None:
    """Data that does not inflate, and text that is no text once inflated, are invalid data."""
    assert events(client(deflate=Deflate(Terms())), frame(0xC1, b"\xff\xff\xff"))[0][0] == 1007
    notext = Deflate(Terms(), server=True).compress(b"\xff" * 100)
    assert notext is not None
    assert events(client(deflate=Deflate(Terms())), frame(0xC1, notext))[0][0] == 1007
