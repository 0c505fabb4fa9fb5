"""Hostile bytes: no exception, the same outcome in every cut, in linear time."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from borzoi._wire.http2_settings import Http2Limits
from tests.growth import is_linear
from tests.wire.http2_scripting import (
    SETTLED,
    ask,
    connect,
    data,
    fields,
    frame,
    goaway,
    headers,
    outcome,
    ping,
    reset,
    same_however_cut,
    settings,
    trailers,
    window,
)
from tests.wire.test_http1_fuzz import cut_at

STATUS = fields((b":status", b"200"))

FRAGMENTS = [
    SETTLED,
    settings((3, 1), (4, 10)),
    headers(1),
    headers(1, end=True),
    headers(1, (b"content-length", b"5")),
    headers(1, status=b"103"),
    headers(3, (b"Bad", b"x")),
    headers(3, end=True),
    headers(5),
    frame(1, 4, 1, STATUS + b"\x40\x01a\x01b"),
    frame(1, 4, 3, STATUS + b"\xbe"),
    frame(1, 0, 1, STATUS[:4]),
    frame(9, 4, 1, STATUS[4:]),
    frame(9, 0, 1),
    frame(1, 0x2D, 3, b"\x01" + bytes(5) + STATUS + b"\x00"),
    trailers(1, (b"t", b"v")),
    data(1, b"hello"),
    data(1, b"hello", end=True),
    data(3, b"x"),
    data(3, end=True),
    frame(0, 9, 1, b"\x02hello\x00\x00"),
    reset(1, 7),
    reset(3, 0),
    window(0, 5),
    window(1, 5),
    window(3, 0),
    ping(),
    goaway(1),
    goaway(0, 2, b"no"),
    frame(2, 0, 1, bytes(5)),
    frame(5, 4, 1, bytes(4)),
    frame(200, 0, 0, b"x"),
    frame(6, 0, 0, b"short"),
]

sequences = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=12)), max_size=12)


@given(
    pieces=sequences,
    settled=st.booleans(),
    places=st.lists(st.integers(0, 1000), max_size=6),
    method=st.sampled_from(["GET", "HEAD", "CONNECT"]),
)
@example(pieces=[headers(1), data(1, b"x", end=True)], settled=True, places=[], method="GET")
def test_anything_may_come(pieces: list[bytes], settled: bool, places: list[int], method: str) -> None:
    """Whatever comes, in whatever pieces: nothing is raised, the outcome is the same, and each stream is in one state."""
    received = (SETTLED if settled else b"") + b"".join(pieces)

    whole = outcome([received], [method, "GET"])
    cut = outcome(cut_at(received, places), [method, "GET"])

    assert cut == whole
    for index, stream in enumerate(whole["streams"]):
        is_open = 2 * index + 1 in whole["open"]
        if stream["complete"] and (method, index) == ("CONNECT", 0):
            is_open = False  # unless the other end of the tunnel has ended, too
        assert [stream["complete"], stream["error"] is not None, is_open].count(True) == 1
        assert not stream["unprocessed"] or (stream["error"] is not None and not stream["answered"])
    assert whole["error"] is None or not whole["open"]


@pytest.mark.parametrize("methods", [["GET"], ["GET", "GET", "GET"]])
def test_every_cut_of_a_long_conversation(methods: list[str]) -> None:
    """A conversation with all kinds of frames has the same outcome byte by byte, and cut in two at every place."""
    conversation = b"".join(
        [
            SETTLED,
            headers(1, status=b"103"),
            frame(1, 0, 1, STATUS[:3]) + frame(9, 4, 1, STATUS[3:]),
            ping(),
            data(1, b"hello"),
            window(0, 7) + window(1, 7),
            frame(0, 8, 1, b"\x02world\x00\x00"),
            trailers(1, (b"t", b"v")),
            frame(2, 0, 1, bytes(5)) + frame(99, 9, 9, b"x"),
        ]
    )
    more = headers(5, (b"content-length", b"3")) + reset(3, 7) + data(5, b"abc", end=True) + goaway(5, 0, b"bye")

    found = same_however_cut(conversation + (more if len(methods) == 3 else b""), methods)

    assert found["streams"][0]["body"] == b"helloworld"
    assert all(stream["complete"] or stream["unprocessed"] for stream in found["streams"])


def answered(received: list[bytes]) -> None:
    engine = connect(Http2Limits(calm=10**9))
    ask(engine)
    engine.reset(ask(engine))
    for piece in received:
        engine.receive(piece)
    assert engine.error is None or "header block" in engine.error


ADVERSARIES: dict[str, Callable[[int], list[bytes]]] = {
    "a frame, byte by byte": lambda n: [headers(1), *[data(1, bytes(8_000))[index : index + 1] for index in range(8_009)] * (n // 8_009)],
    "tiny DATA": lambda n: [headers(1) + data(1, b"x") * (n // 10)],
    "empty frames": lambda n: [ping() * (n // 17)],
    "tiny fields": lambda n: [frame(1, 4, 3, (b"\x00\x01a\x00" * 5_000)[: 4 * 4_000]) for _ in range(n // 16_000)],
    "indexed fields": lambda n: [frame(1, 4, 3, b"\x82" * 16_384) for _ in range(n // 16_384)],
    "entries that drive others out": lambda n: [frame(1, 4, 3, b"\x40\x01a\x00" * 4_000) for _ in range(n // 16_000)],
    "Huffman": lambda n: [frame(1, 4, 3, b"\x00\x01a\xff\x81\x7c" + b"\x1c\x64" * 8_000) for _ in range(n // 16_000)],
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIES)
def test_time_is_linear(name: str) -> None:
    """Twice the bytes take twice the time, whatever they are."""

    def receive(size: int) -> Callable[[], object]:
        received = ADVERSARIES[name](size)
        return lambda: answered(received)

    assert is_linear(receive, 64 * 1024)


def test_cutting_at_places() -> None:
    """The cuts are where they are asked for."""
    assert cut_at(b"abc", [1]) == [b"a", b"bc"]
    assert list(itertools.chain(cut_at(b"abc", []))) == [b"abc"]
