"""Forms with files: their bytes, their length, and what is refused."""

from __future__ import annotations

import asyncio
import email
import io
import os
import tracemalloc
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._errors import LocalProtocolError, StreamConsumed
from borzoi._messages.files import CHUNK_SIZE
from borzoi._messages.multipart import MultipartStream, boundary_of


def render(data: Any = None, files: Any = None) -> bytes:
    stream = MultipartStream(data or {}, files or {}, boundary=b"B")
    content = b"".join(stream)
    if stream.get_content_length() is not None:
        assert stream.get_content_length() == len(content)
    return content


def parse(stream: MultipartStream) -> list[Message]:
    head = f"Content-Type: {stream.content_type}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + b"".join(stream)).get_payload()
    assert isinstance(parts, list)
    return parts


class Unseekable:
    """A file of unknown length that can be read once."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class Endless(io.RawIOBase):
    """A file of a gigabyte that is nowhere."""

    size = 1 << 30

    def __init__(self) -> None:
        self.position = 0
        self.largest_read = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = offset + (self.size if whence == os.SEEK_END else 0)
        return self.position

    def tell(self) -> int:
        return self.position

    def read(self, size: int = -1) -> bytes:
        self.largest_read = max(self.largest_read, size)
        size = min(size, self.size - self.position)
        self.position += size
        return bytes(size)


def test_fields_and_files() -> None:
    """Fields come first, then files, each as RFC 7578 has it."""
    content = render({"a": "1", "b": [True, None, b"\xff", 2.5]}, {"f": ("dog.txt", b"borzoi")})

    assert content == (
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--B\r\nContent-Disposition: form-data; name="b"\r\n\r\ntrue\r\n'
        b'--B\r\nContent-Disposition: form-data; name="b"\r\n\r\n\r\n'
        b'--B\r\nContent-Disposition: form-data; name="b"\r\n\r\n\xff\r\n'
        b'--B\r\nContent-Disposition: form-data; name="b"\r\n\r\n2.5\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="dog.txt"\r\nContent-Type: text/plain\r\n\r\nborzoi\r\n'
        b"--B--\r\n"
    )


@pytest.mark.parametrize(
    ("file", "head"),
    [
        (b"x", b'; filename="upload"\r\nContent-Type: application/octet-stream'),
        ("x", b'; filename="upload"\r\nContent-Type: application/octet-stream'),
        (bytearray(b"x"), b'; filename="upload"\r\nContent-Type: application/octet-stream'),
        (("a.png", b"x"), b'; filename="a.png"\r\nContent-Type: image/png'),
        ((None, b"x"), b""),
        (("", b"x"), b""),
        (("a.png", b"x", "text/x"), b'; filename="a.png"\r\nContent-Type: text/x'),
        (("a.png", b"x", None), b'; filename="a.png"\r\nContent-Type: image/png'),
        (("a", b"x", "text/x", {"X-A": "1"}), b'; filename="a"\r\nX-A: 1\r\nContent-Type: text/x'),
        (("a", b"x", "text/x", {"content-type": "y/z"}), b'; filename="a"\r\ncontent-type: y/z'),
        (("a", io.BytesIO(b"x"), None, None), b'; filename="a"\r\nContent-Type: application/octet-stream'),
    ],
)
def test_the_forms_of_a_file(file: Any, head: bytes) -> None:
    """A file is its content, or a tuple with name, content, type and headers."""
    assert render(files={"f": file}) == (
        b'--B\r\nContent-Disposition: form-data; name="f"' + head + b"\r\n\r\nx\r\n--B--\r\n"
    )


def test_an_open_file_brings_its_name(tmp_path: Path) -> None:
    """The last part of an open file's path is its name."""
    path = tmp_path / "dog.json"
    path.write_bytes(b"{}")
    with path.open("rb") as file:
        assert b'filename="dog.json"\r\nContent-Type: application/json' in render(files={"f": file})


def test_files_may_share_a_name() -> None:
    """Given as a list, several files have one name."""
    content = render(files=[("f", ("a", b"1")), ("f", ("b", b"2"))])

    assert content.count(b'name="f"') == 2


def test_the_headers_of_files_are_left_alone() -> None:
    """The mapping that the program passed is not written to."""
    headers: dict[str, str] = {}
    render(files={"f": ("a", b"", "text/x", headers)})

    assert headers == {}


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ('a"b', b"a%22b"),
        ("a\\b", b"a\\\\b"),
        ("a\r\nb\0", b"a%0D%0Ab%00"),
        ("é\x1b", b"\xc3\xa9\x1b"),
        ("\u010a", b"\xc4\x8a"),
    ],
)
def test_names_are_escaped_as_in_browsers(name: str, escaped: bytes) -> None:
    """Neither the name of a field nor that of a file can end its quotes or its line."""
    assert b'name="' + escaped + b'"\r\n\r\n' in render({name: "x"})
    assert b'filename="' + escaped + b'"\r\n' in render(files={"f": (name, b"x", "a/b")})


@given(st.dictionaries(st.text(min_size=1), st.text()), st.binary())
def test_no_name_or_value_breaks_the_form(data: dict[str, str], content: bytes) -> None:
    """Whatever names and values are, a form has as many parts as fields, and its length is known."""
    stream = MultipartStream(data, {"f": ("name", content)})

    assert len(parse(stream)) == len(data) + 1
    assert stream.get_content_length() == len(b"".join(stream))


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\n", "a\rb", "a\0"])
def test_headers_of_a_part_cannot_break_out(bad: str) -> None:
    """CR, LF and NUL in a content type, or in a header's name or value, are refused."""
    for file in (("a", b"", bad), ("a", b"", "x/y", {"X": bad}), ("a", b"", "x/y", {bad: "X"})):
        with pytest.raises(LocalProtocolError, match="of the multipart field 'f'"):
            render(files={"f": file})


def test_a_header_name_of_a_part_has_no_colon() -> None:
    """A colon in a name would begin the value."""
    with pytest.raises(LocalProtocolError, match="nor a colon"):
        render(files={"f": ("a", b"", None, {"X: y": "z"})})


def test_boundaries_are_random() -> None:
    """Without a boundary given, each form gets 128 random bits."""
    boundaries = {MultipartStream({}, {}).boundary for _ in range(100)}

    assert len(boundaries) == 100
    assert {len(boundary) for boundary in boundaries} == {32}


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (None, None),
        (b"", None),
        (b"text/plain; boundary=x", None),
        (b"multipart/form-data", None),
        (b"multipart/form-data; charset=utf-8", None),
        (b"multipart/form-data; boundary=x", b"x"),
        (b'multipart/form-data; charset=a; BOUNDARY="x y"', b"x y"),
        (b"multipart/form-data;boundary=a=b", b"a=b"),
        (b"Multipart/Form-Data; Boundary=x", b"x"),
    ],
)
def test_the_boundary_of_a_content_type(content_type: bytes | None, boundary: bytes | None) -> None:
    """A boundary that the program chose is read from its Content-Type."""
    assert boundary_of(content_type) == boundary


def test_headers_describe_the_form() -> None:
    """A length is given when all are known; otherwise the body goes in chunks."""
    known = MultipartStream({}, {"f": b"x"}, b"B")
    unknown = MultipartStream({}, {"f": Unseekable(b"x"), "g": b"y"}, b"B")  # type: ignore[dict-item]

    assert known.get_headers() == {"Content-Length": "118", "Content-Type": "multipart/form-data; boundary=B"}
    assert unknown.get_headers() == {"Transfer-Encoding": "chunked", "Content-Type": "multipart/form-data; boundary=B"}


def test_files_are_sent_from_their_start_each_time() -> None:
    """A form is sent again with its files from their start."""
    file = io.BytesIO(b"borzoi")
    file.seek(3)
    stream = MultipartStream({}, {"f": file})

    assert stream.is_replayable
    assert b"".join(stream) == b"".join(stream)
    assert b"\r\n\r\nborzoi\r\n" in b"".join(stream)


def test_what_cannot_be_wound_back_is_sent_once() -> None:
    """A file that cannot seek is sent once, and the second time is an error."""
    stream = MultipartStream({"a": "b"}, {"f": Unseekable(b"borzoi")})  # type: ignore[dict-item]

    assert not stream.is_replayable
    assert b"borzoi" in b"".join(stream)
    with pytest.raises(StreamConsumed):
        b"".join(stream)


def test_files_are_never_in_memory_as_a_whole() -> None:
    """A file of a gigabyte has a length at once, and is sent in pieces of 64 KiB."""
    file = Endless()
    stream = MultipartStream({}, {"f": file})  # type: ignore[dict-item]
    length = stream.get_content_length()
    tracemalloc.start()
    try:
        sent = sum(len(chunk) for chunk, _ in zip(stream, range(1_000), strict=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert length is not None
    assert length > 1 << 30
    assert sent > 900 * CHUNK_SIZE
    assert file.largest_read == CHUNK_SIZE
    assert peak < 1 << 20


def test_a_form_is_sent_from_a_loop_too() -> None:
    """Both iterations give the same bytes."""
    stream = MultipartStream({"a": "b"}, {"f": io.BytesIO(b"x" * 100_000)})

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in stream])

    assert asyncio.run(collect()) == b"".join(stream)


@pytest.mark.parametrize("value", [object(), {"a": "b"}])
def test_values_of_another_type(value: Any) -> None:
    """A value that is no primitive is named."""
    with pytest.raises(TypeError, match=r"Invalid type for value\. Expected primitive type, got <class"):
        render({"a": value})


def test_names_of_another_type() -> None:
    """A name that is no text is named."""
    with pytest.raises(TypeError, match=r"Invalid type for name\. Expected str, got <class 'int'>: 1"):
        render({1: "x"})
    with pytest.raises(TypeError, match=r"Invalid type for name\. Expected str, got <class 'bytes'>: b'f'"):
        render(files={b"f": b"x"})


def test_files_of_another_type(tmp_path: Path) -> None:
    """A file that is none is refused before anything is sent."""
    with pytest.raises(TypeError, match="Expected bytes, str or an open file, got <class 'int'>"):
        render(files={"f": 5})
    with pytest.raises(TypeError, match=r"'io.BytesIO', not 'io.StringIO'"):
        render(files={"f": io.StringIO("x")})
    with pytest.raises(ValueError, match="Invalid file: 1 items"):
        render(files={"f": ("name",)})
