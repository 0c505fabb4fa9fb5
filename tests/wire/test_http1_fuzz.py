"""Hostile bytes: one kind of error, the same in every cut, in linear time and bounded memory."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from borzoi._errors import RemoteProtocolError
from tests.growth import is_linear
from tests.wire.feeding import ask, ask_again, outcome

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

FRAGMENTS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n",
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Upgrade: x\r\n",
    b"A: b\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b":",
    b"hello",
    b"5\r\nhello\r\n",
    b"5;a=b\r\nhello\r\n",
    b"0\r\n",
    b"0\r\n\r\n",
    b"\x00",
    b"\xff",
]

pieces_of_responses = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=8)), max_size=12)


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(
    pieces=pieces_of_responses,
    places=st.lists(st.integers(0, 1000), max_size=6),
    method=st.sampled_from(["GET", "HEAD", "CONNECT"]),
    upgrade=st.booleans(),
)
@example(pieces=[b"HTTP/1.1 200 OK\r\n", b"\r\n", b"hello"], places=[], method="GET", upgrade=False)
def test_anything_may_come(pieces: list[bytes], places: list[int], method: str, upgrade: bool) -> None:
    """Whatever comes, in whatever pieces: the outcome is the same, and an error is a RemoteProtocolError."""
    fields = [(b"Upgrade", b"x")] if upgrade else []
    data = b"".join(pieces)

    whole = outcome(ask(method, *fields), [data], eof=True)
    cut = outcome(ask(method, *fields), cut_at(data, places), eof=True)

    assert cut == whole
    assert whole["error"] in (None, RemoteProtocolError)


@given(first=pieces_of_responses, second=pieces_of_responses)
def test_one_exchange_does_not_change_the_next(first: list[bytes], second: list[bytes]) -> None:
    """After any exchange that leaves the connection usable, the next is read as on a new connection."""
    engine = ask()
    if not outcome(engine, first)["reusable"]:
        return

    assert outcome(ask_again(engine), second) == outcome(ask(), second)


ADVERSARIES: dict[str, Callable[[int], list[bytes]]] = {
    "one field, byte by byte": lambda n: [b"HTTP/1.1 200 OK\r\nA: ", *([b"x"] * n)],
    "one name, byte by byte": lambda n: [b"HTTP/1.1 200 OK\r\n", *([b"x"] * n)],
    "empty fields": lambda n: [b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * (n // 4) + b"\r\n"],
    "CR upon CR": lambda n: [b"HTTP/1.1 200 OK\r\n" + b"\r" * n],
    "quotes in an extension": lambda n: [CHUNKED, *([b'5;a="' + b'\\"' * 400 + b'"\r\nhello\r\n'] * (n // 800))],
    "an extension, byte by byte": lambda n: [CHUNKED, *([b"1;abcdefgh\r\nx\r\n"[i : i + 1] for i in range(15)] * (n // 15))],
    "small chunks": lambda n: [CHUNKED + b"1\r\nx\r\n" * (n // 6)],
    "trailers, byte by byte": lambda n: [CHUNKED + b"0\r\n", *([b"x"] * n)],
    "trailer fields": lambda n: [CHUNKED + b"0\r\n" + b"a:\r\n" * (n // 4) + b"\r\n"],
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIES)
def test_time_is_linear(name: str) -> None:
    """Twice the bytes take twice the time, whatever they are."""

    def receive(size: int) -> Callable[[], object]:
        pieces = ADVERSARIES[name](size)
        return lambda: outcome(ask(), pieces)

    assert is_linear(receive, 16 * 1024)


@pytest.mark.parametrize("unit", [b"a:\r\n", b"x", b"a: b\r\n"])
@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", CHUNKED + b"0\r\n"])
def test_memory_is_bounded(unit: bytes, start: bytes) -> None:
    """However much comes of a head or of trailers, less than twice their limit of 128 KiB is held at any time."""
    pieces = [start, *([unit * (1024 // len(unit))] * 300)]
    engine = ask()
    tracemalloc.start()
    try:
        found = outcome(engine, pieces)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found["error"] is RemoteProtocolError
    assert peak < 2 * 128 * 1024
