"""Floods: a server that sends frames which bring nothing meets an error, within bounds of work and memory (D6)."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from borzoi._wire.http2 import Http2
from borzoi._wire.http2_settings import DEFAULT_LIMITS, Http2Limits
from tests.growth import allowed, processor_time
from tests.wire.http2_scripting import (
    ask,
    connect,
    data,
    fields,
    frame,
    goaway,
    headers,
    ping,
    reset,
    settings,
    upload,
    window,
)

MIB = 1024 * 1024
CALM = "too many frames that bring nothing (ENHANCE_YOUR_CALM)"
BLOCK = "a header block is too long, or in too many pieces (ENHANCE_YOUR_CALM)"
STATUS = fields((b":status", b"200"))


def many(piece: bytes) -> bytes:
    """Return the piece over and over, as one read brings it."""
    return piece * max(1, 65536 // len(piece))


# Each with what comes before it, what is repeated for ever, and what is said of it. Stream 1 is open, stream 3 was reset
# by us, stream 5 was answered.
FLOODS: dict[str, tuple[bytes, bytes, str]] = {
    "SETTINGS": (b"", settings(), CALM),
    "SETTINGS with values": (b"", settings(*[(4, 100), (4, 0)] * 100), CALM),
    "SETTINGS that resize the table": (b"", settings((1, 0), (1, 4096)), CALM),
    "acknowledgements": (b"", settings(ack=True), CALM),
    "PING": (b"", ping(), CALM),
    "answers to PING": (b"", ping(ack=True), CALM),
    "PRIORITY": (b"", frame(2, 0, 7, bytes(5)), CALM),
    "unknown frames": (b"", frame(0xBE, 0, 0), CALM),
    "large unknown frames": (b"", frame(0xBE, 0, 1, bytes(16_384)), CALM),
    "GOAWAY": (b"", goaway(2**31 - 1, 0, bytes(1000)), CALM),
    "WINDOW_UPDATE of the connection": (b"", window(0, 1), CALM),
    "WINDOW_UPDATE of a stream": (b"", window(1, 1), CALM),
    "WINDOW_UPDATE of a stream that has ended": (b"", window(5, 1), CALM),
    "WINDOW_UPDATE of nothing": (b"", window(5, 0), "opened a window by nothing"),
    "WINDOW_UPDATE of nothing for the connection": (b"", window(0, 0), "opened a window by nothing"),
    "RST_STREAM": (b"", reset(5, 0), CALM),
    "empty DATA": (headers(1), data(1), CALM),
    "DATA of padding": (headers(1), frame(0, 8, 1, b"\xff" + bytes(255)), CALM),
    "tiny DATA": (headers(1), data(1, b"x"), CALM),
    "late DATA": (b"", data(3, b"x"), CALM),
    "late DATA in full frames": (b"", data(3, bytes(16_384)), CALM),
    "late HEADERS": (b"", headers(3), CALM),
    "late HEADERS that are a bomb": (b"", frame(1, 4, 3, b"\xbe" * 16_384), CALM),
    "103": (b"", headers(1, status=b"103"), CALM),
    "HEADERS again and again": (headers(1), headers(1), CALM),
    "empty CONTINUATION": (frame(1, 0, 1), frame(9, 0, 1), BLOCK),
    "tiny CONTINUATION": (frame(1, 0, 1, STATUS), frame(9, 0, 1, b"\x88"), BLOCK),
    "long CONTINUATION": (frame(1, 0, 1, STATUS), frame(9, 0, 1, b"\x88" * 16_384), BLOCK),
    "a literal without end": (frame(1, 0, 1, b"\x00\x7f\xff\xff\xff\x7f"), frame(9, 0, 1, bytes(16_384)), BLOCK),
}


def ready(calm: int = DEFAULT_LIMITS.calm) -> Http2:
    engine = connect(Http2Limits(calm=calm))
    upload(engine)
    engine.reset(ask(engine))
    answered = ask(engine)
    engine.receive(headers(answered.id, end=True) + frame(1, 4, 1, b"\x08\x03103\x40\x01a\x7f\xa1\x1e" + b"b" * 4000))
    engine.data_to_send()
    return engine


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_in_an_error(name: str) -> None:
    """The connection ends and says why; with a third of the usual budget that takes less than 2 MiB of memory."""
    before, repeated, message = FLOODS[name]
    engine = ready(DEFAULT_LIMITS.calm // 3)
    engine.receive(before)
    assert engine.error is None
    read = many(repeated)

    tracemalloc.start()
    try:
        while engine.error is None:
            engine.receive(read)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert message in (engine.error or "")
    assert peak < 2 * MIB
    assert len(engine.data_to_send()) < MIB


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_costs_little(name: str) -> None:
    """The usual budget is used up within a second and 128 MiB, and a MiB of answers to it."""
    before, repeated, _ = FLOODS[name]
    read = many(repeated)

    def flood() -> None:
        engine = ready()
        engine.receive(before)
        received = 0
        while engine.error is None:
            engine.receive(read)
            received += len(read)
        assert received < 128 * MIB
        assert len(engine.data_to_send()) < MIB

    # The best of some: others may be using this machine.
    assert any(processor_time(flood) < allowed(1) for _ in range(5))


def test_many_streams_make_no_flood_dearer() -> None:
    """With a thousand uploads that wait, SETTINGS and WINDOW_UPDATE that move all of them stay within the same bounds."""
    for repeated in (settings((4, 1), (4, 0)), window(0, 1), settings((4, 1)) + settings((4, 0))):
        engine = connect(Http2Limits(), (4, 0))
        for _ in range(1000):
            engine.send(upload(engine), b"x")

        began = time.process_time()
        while engine.error is None:
            engine.receive(many(repeated))

        assert CALM in engine.error
        assert time.process_time() - began < allowed(1)


def test_a_window_full_of_tiny_pieces_takes_no_more_than_its_bytes() -> None:
    """A whole window in pieces of eight bytes is held in little more memory than the window."""
    engine = connect(Http2Limits(stream_window=MIB // 4))
    ask(engine)
    engine.receive(headers(1))
    read = many(data(1, b"12345678"))
    tracemalloc.start()
    try:
        for _ in range(MIB // 4 * 17 // 8 // len(read)):
            engine.receive(read)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert engine.error is None
    assert peak < MIB


def test_what_is_useful_is_no_flood() -> None:
    """Ten thousand small answers, pieces that are taken as they come, and pings now and then use up no budget."""
    engine = connect(Http2Limits(calm=2000))
    for _ in range(10_000):
        stream = ask(engine)
        engine.receive(ping() + headers(stream.id) + data(stream.id, b"x") + data(stream.id, b"y", end=True))
        assert engine.take(stream) == [b"xy"]

    events = ask(engine)
    engine.receive(headers(events.id))
    for _ in range(10_000):
        engine.receive(data(events.id, b":\n\n") + ping())
        assert engine.take(events) == [b":\n\n"]

    body = upload(engine)
    for _ in range(10_000):
        assert engine.send(body, b"12345678") == 8
        engine.receive(window(0, 8) + window(body.id, 8) + ping())

    assert engine.error is None


def test_what_a_cancelled_download_still_brings_is_no_flood() -> None:
    """All that a server may send before it hears of a reset passes, however often that happens."""
    engine = connect(Http2Limits(stream_window=16 * MIB))
    for _ in range(5):
        stream = ask(engine)
        engine.receive(headers(stream.id))
        engine.reset(stream)
        for _ in range(4 * 1024):
            engine.receive(data(stream.id, b"x" * 4096))

    assert engine.error is None
