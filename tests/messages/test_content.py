"""Bodies encoded: the headers that describe them, and their streams."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from borzoi._errors import StreamConsumed
from borzoi._messages.content import encode_request, encode_response
from borzoi._messages.streams import AsyncByteStream, ByteStream, SyncByteStream


def body(stream: Any) -> bytes:
    return b"".join(stream)


async def abody(stream: Any) -> bytes:
    return b"".join([chunk async for chunk in stream])


def generator() -> Iterator[bytes]:
    yield b"bor"
    yield b"zoi"


async def async_generator() -> AsyncIterator[bytes]:
    yield b"bor"
    yield b"zoi"


class AsyncFile:
    """An async file, with a position that does not go back."""

    def __init__(self) -> None:
        self._file = io.BytesIO(b"borzoi")

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("a file is read in pieces, not in lines")

    async def aread(self, size: int) -> bytes:
        return self._file.read(size)


class AsyncPair:
    """An iterable that starts anew each time."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return async_generator()


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("arguments", "content_type", "content"),
    [
        ({"content": b"borzoi"}, None, b"borzoi"),
        ({"content": bytearray(b"borzoi")}, None, b"borzoi"),
        ({"content": memoryview(b"borzoi")}, None, b"borzoi"),
        ({"content": "é"}, None, b"\xc3\xa9"),
        ({"data": {"a": "b c", "é": "ü&"}}, FORM, b"a=b+c&%C3%A9=%C3%BC%26"),
        (
            {"data": {"a": [1, True], "b": (None, 2.5), "c": False, "d": b"\xff"}},
            FORM,
            b"a=1&a=true&b=&b=2.5&c=false&d=%FF",
        ),
        ({"json": {"a": [1, None], "é": "\u2028"}}, "application/json", '{"a":[1,null],"é":"\u2028"}'.encode()),
        ({"json": 0}, "application/json", b"0"),
        ({"json": {}}, "application/json", b"{}"),
        ({"content": b"x", "json": 1, "data": {"a": "b"}}, None, b"x"),
        ({"data": {"a": "b"}, "json": 1}, FORM, b"a=b"),
        ({"data": {}, "json": 1}, "application/json", b"1"),
    ],
)
def test_a_request_body_in_memory(arguments: dict[str, Any], content_type: str | None, content: bytes) -> None:
    """What is in memory has a length, and a type if it was given as more than bytes."""
    headers, stream = encode_request(**arguments)

    assert headers == {"Content-Length": str(len(content))} | ({"Content-Type": content_type} if content_type else {})
    assert isinstance(stream, ByteStream)
    assert body(stream) == asyncio.run(abody(stream)) == content


@pytest.mark.parametrize(
    "arguments", [{}, {"content": b""}, {"content": ""}, {"data": {}}, {"json": None}, {"files": {}}]
)
def test_no_request_body(arguments: dict[str, Any]) -> None:
    """Nothing is described by nothing."""
    headers, stream = encode_request(**arguments)

    assert headers == {}
    assert body(stream) == b""


@pytest.mark.parametrize(
    ("arguments", "content_type", "content"),
    [
        ({"content": b"borzoi"}, None, b"borzoi"),
        ({"text": "é"}, "text/plain; charset=utf-8", b"\xc3\xa9"),
        ({"text": ""}, "text/plain; charset=utf-8", b""),
        ({"html": "<p>"}, "text/html; charset=utf-8", b"<p>"),
        ({"json": [1]}, "application/json", b"[1]"),
    ],
)
def test_a_response_body(arguments: dict[str, Any], content_type: str | None, content: bytes) -> None:
    """The body of a response may be given as text and as a page, too."""
    headers, stream = encode_response(**arguments)

    assert headers == {"Content-Length": str(len(content))} | ({"Content-Type": content_type} if content_type else {})
    assert body(stream) == content


def test_no_response_body() -> None:
    """A response without any body describes nothing."""
    headers, stream = encode_response()

    assert headers == {}
    assert body(stream) == b""


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_nan(value: float) -> None:
    """What JSON cannot say is refused, not sent as something that no parser takes."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_request(json=value)


@pytest.mark.parametrize("content", [5, {"a": "b"}, object()])
def test_content_of_another_type(content: Any) -> None:
    """What is no content is named by its type."""
    with pytest.raises(TypeError, match=f"Unexpected type for 'content', <class '{type(content).__name__}'>"):
        encode_request(content=content)


def test_text_files_are_refused() -> None:
    """A file of text is refused before anything of it is sent."""
    with pytest.raises(TypeError, match="StringIO"):
        encode_request(content=io.StringIO("text"))  # type: ignore[arg-type]


def test_data_that_is_no_form_is_deprecated() -> None:
    """data=<bytes> is taken as content, with a warning."""
    with pytest.warns(DeprecationWarning, match="Use 'content="):
        headers, stream = encode_request(data=b"raw")  # type: ignore[arg-type]

    assert headers == {"Content-Length": "3"}
    assert body(stream) == b"raw"


def test_a_generator_is_sent_once() -> None:
    """A generator goes in chunks, in blocking code only, and cannot be sent again."""
    headers, stream = encode_request(content=generator())

    assert headers == {"Transfer-Encoding": "chunked"}
    assert isinstance(stream, SyncByteStream)
    assert not isinstance(stream, AsyncByteStream)
    assert not stream.is_replayable  # type: ignore[attr-defined]
    assert body(stream) == b"borzoi"
    with pytest.raises(StreamConsumed):
        body(stream)


def test_an_iterator_is_sent_once() -> None:
    """Any iterator is as spent as a generator."""
    stream = encode_request(content=iter([b"a"]))[1]

    assert body(stream) == b"a"
    with pytest.raises(StreamConsumed):
        body(stream)


def test_an_iterable_is_sent_again() -> None:
    """What can start anew can be sent anew."""
    headers, stream = encode_request(content=[b"bor", b"zoi"])

    assert headers == {"Transfer-Encoding": "chunked"}
    assert stream.is_replayable  # type: ignore[union-attr]
    assert body(stream) == body(stream) == b"borzoi"


def test_a_file_is_sent_from_where_it_stands(tmp_path: Path) -> None:
    """A file has a length, and is wound back to where it stood to be sent again."""
    path = tmp_path / "dog"
    path.write_bytes(b"a borzoi")
    with path.open("rb") as file:
        file.seek(2)
        headers, stream = encode_request(content=file)

        assert headers == {"Content-Length": "6"}
        assert stream.is_replayable  # type: ignore[union-attr]
        assert body(stream) == body(stream) == b"borzoi"


def test_a_pipe_has_no_length() -> None:
    """What comes through a pipe goes in chunks, once."""
    reader, writer = os.pipe()
    os.write(writer, b"borzoi")
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        headers, stream = encode_request(content=pipe)

        assert headers == {"Transfer-Encoding": "chunked"}
        assert body(stream) == b"borzoi"
        with pytest.raises(StreamConsumed):
            body(stream)


def test_a_file_behind_its_end() -> None:
    """A file that stands behind its end has nothing to send."""
    file = io.BytesIO(b"x")
    file.seek(5)

    assert encode_request(content=file)[0] == {"Content-Length": "0"}


@pytest.mark.parametrize("content", [async_generator(), AsyncFile()])
def test_async_content_is_sent_once(content: Any) -> None:
    """An async generator or file goes in chunks, in an event loop only, and cannot be sent again."""
    headers, stream = encode_request(content=content)

    assert headers == {"Transfer-Encoding": "chunked"}
    assert isinstance(stream, AsyncByteStream)
    assert not isinstance(stream, SyncByteStream)
    assert not stream.is_replayable  # type: ignore[attr-defined]
    assert asyncio.run(abody(stream)) == b"borzoi"
    with pytest.raises(StreamConsumed):
        asyncio.run(abody(stream))


def test_an_async_iterable_is_sent_again() -> None:
    """What can start anew can be sent anew."""
    stream = encode_request(content=AsyncPair())[1]

    assert stream.is_replayable  # type: ignore[union-attr]
    assert asyncio.run(abody(stream)) == asyncio.run(abody(stream)) == b"borzoi"


def test_reads_of_an_async_file_can_be_walked_on() -> None:
    """The walk over an async file is an iterator of its own."""
    chunks = aiter(encode_request(content=AsyncFile())[1])  # type: ignore[arg-type]

    assert aiter(chunks) is chunks
