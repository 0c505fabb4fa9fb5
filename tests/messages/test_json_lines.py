"""JSON values, one on each line, as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from borzoi._errors import DecodingError
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.streams import AsyncByteStream, SyncByteStream

REQUEST = Request("GET", "https://one.example/")


class Body(SyncByteStream, AsyncByteStream):
    """A body in chunks."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


class Dog(NamedTuple):
    """A type to make of a line."""

    name: str


def walk(chunks: list[bytes], *, blocking: bool, into: list[Any] | None = None, **settings: Any) -> list[Any]:
    """Return the values of a body that arrives in these chunks; put them into a list on the way."""
    response = Response(200, stream=Body(chunks), request=REQUEST)
    values: list[Any] = [] if into is None else into

    async def walked() -> None:
        async for value in response.ajson_lines(**settings):
            values.append(value)  # noqa: PERF401 - what comes before an error counts

    if blocking:
        values.extend(response.json_lines(**settings))
    else:
        asyncio.run(walked())
    return values


@pytest.fixture(params=[True, False], ids=["blocking", "asyncio"])
def blocking(request: pytest.FixtureRequest) -> bool:
    """Each way of iterating in turn."""
    return bool(request.param)


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b"", []),
        (b"\n \n\r\n", []),
        (b'{"a": 1}\n[2]\n"x"\n3', [{"a": 1}, [2], "x", 3]),
        (b"1\r\n2\r\n", [1, 2]),
        (b"null\nfalse\n0\n", [None, False, 0]),
        ('"\u2028\x85"\n'.encode(), ["\u2028\x85"]),
        ('\ufeff"\u00e9"\n'.encode(), ["\u00e9"]),
    ],
)
def test_values_at_every_split(body: bytes, values: list[Any], blocking: bool) -> None:
    """Each line is a value, also null; empty lines are none. How the body is cut makes no difference."""
    assert walk([body], blocking=blocking) == values
    for at in range(len(body)):
        assert walk([body[:at], body[at:]], blocking=blocking) == values
    assert walk([body[at : at + 1] for at in range(len(body))], blocking=blocking) == values


def test_values_of_a_type(blocking: bool) -> None:
    """With `type` each value is made and checked as of that type."""
    lines = b'{"name": "Laika"}\n{"name": "Belka"}\n'
    assert walk([lines], blocking=blocking, type=Dog) == [Dog("Laika"), Dog("Belka")]

    values: list[Any] = []
    with pytest.raises(DecodingError) as caught:
        walk([lines + b"[1]\n"], blocking=blocking, into=values, type=Dog)
    assert values == [Dog("Laika"), Dog("Belka")]
    assert caught.value.request is REQUEST


@pytest.mark.parametrize(
    ("line", "error"), [(b"{", ValueError), (b"\xff", ValueError), (b"[" * 100_000 + b"]" * 100_000, DecodingError)]
)
def test_lines_that_are_wrong(line: bytes, error: type[Exception], blocking: bool) -> None:
    """What is not JSON, or nests too deeply, is an error; the values before it are given, and none after."""
    values: list[Any] = []
    with pytest.raises(error):
        walk([b"1\n2\n" + line + b"\n3\n"], blocking=blocking, into=values)
    assert values == [1, 2]


@pytest.mark.parametrize("tail", [b"123456\n", b"123456"])
def test_line_that_is_too_long(tail: bytes, blocking: bool) -> None:
    """A line over the limit is an error that knows its request, wherever the body is cut."""
    body = b"12345\n" + tail
    for at in range(len(body)):
        values: list[Any] = []
        with pytest.raises(DecodingError, match="longer than 5 bytes") as caught:
            walk([body[:at], body[at:]], blocking=blocking, into=values, max_line_size=5)
        assert caught.value.request is REQUEST

    assert walk([body], blocking=blocking, max_line_size=6) == [12345, 123456]
    assert walk([body], blocking=blocking, max_line_size=None) == [12345, 123456]


def test_line_that_never_ends(blocking: bool) -> None:
    """What does not end is given up when it is over the limit, and not gathered for ever."""
    taken: list[int] = []

    class Endless(Body):
        blocking = None
        is_whole = False

        def __iter__(self) -> Iterator[bytes]:
            for number in range(100):
                taken.append(number)
                yield b"1" * 100

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self:
                yield chunk

    response = Response(200, stream=Endless([]), request=REQUEST)

    async def first() -> Any:
        return await anext(response.ajson_lines(max_line_size=250))

    with pytest.raises(DecodingError):
        next(response.json_lines(max_line_size=250)) if blocking else asyncio.run(first())
    assert len(taken) < 6
