"""Target: forms with files. An input says what kind of form it is, so that other bytes take other ways through the code.

Bytes that were only names and contents left a corpus of 3 inputs, as the writer looks at few of them. From these
seeds 50,000 inputs leave one of 792, which takes every way through the writer and the reader but those to a TypeError:
every kind of field and file, boundaries of a program's own, headers of parts (multipart in multipart too), contents
around a piece of 64 KiB, files that cannot seek, stand at their end or are on disk, sent in both worlds and again.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, NamedTuple

from python_multipart.multipart import MultipartParser, parse_options_header

from borzoi import LocalProtocolError, Request, StreamConsumed
from borzoi._messages.files import CHUNK_SIZE
from borzoi._messages.multipart import MultipartStream, boundary_of
from borzoi._run_blocking import run_blocking
from borzoi.testing.forms import parts_of

PARTS, PIECES = b"\xff", b"\xfe"
"""What is between the parts of an input, and between the pieces of a part."""

TYPES = (
    "multipart/form-data; boundary=%s",
    'multipart/form-data; boundary="%s"',
    "Multipart/Form-Data;charset=utf-8; Boundary=%s",
    'multipart/form-data ; boundary="%s"; charset=utf-8',
)
NO_TOKEN = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z:\r\n\0-]")
"""What a name of a header field is without; what a form refuses stays."""
SIZES = (0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE)
MOST = 12
"""Parts of a form."""
LONG = 2
"""How many of them may be longer than they are in the input."""


class Part(NamedTuple):
    """What a part is to be read as."""

    name: str
    content: bytes
    filename: str | None = None
    kind: str | None = None
    headers: Mapping[str, str] = {}


class Pipe(io.RawIOBase):
    """Something to read that has no end to seek, and gives what it likes."""

    def __init__(self, content: bytes, step: int) -> None:
        self._left = io.BytesIO(content)
        self._step = max(step, len(content) // 100)

    def readable(self) -> bool:
        """Say so."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return some of what is left."""
        return self._left.read(min(size, self._step))


def _at_the_end(content: bytes, _: int) -> IO[bytes]:
    file = io.BytesIO()
    file.write(content)
    return file


def _on_disk(content: bytes, _: int) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the form reads it
    file.write(content)
    file.flush()
    return file


FILES: tuple[Callable[[bytes, int], Any], ...] = (
    lambda content, _: content,
    lambda content, _: content.decode("latin-1").encode("ascii", "replace").decode("ascii"),
    lambda content, _: bytearray(content),
    lambda content, _: memoryview(content),
    lambda content, _: io.BytesIO(content),
    lambda content, step: Pipe(content, step + 1),
    _at_the_end,
    _on_disk,
)
"""How a content may be given."""


class Form:
    """A form as a program gives it, and as it is to be read. Raises LocalProtocolError where a name cannot be."""

    def __init__(self, data: bytes) -> None:
        plan, *parts = data.split(PARTS)
        self.choice, rest = plan[:1][0] if plan else 0, plan[1:]
        boundary = re.sub(rb"[^0-9A-Za-z'()+_,./:=?-]", b"", rest)[:70]
        self.boundary = boundary.decode("ascii")
        self.fields: dict[str, Any] = {}
        self.files: list[tuple[str, Any]] = []
        self.open: list[Any] = []
        """What is to be closed."""
        self._expected: list[Part] = []
        self._expected_files: list[Part] = []
        self.is_replayable = True
        self._long = LONG
        for part in parts[:MOST]:
            self._add(part[:1][0] if part else 0, part[1:].split(PIECES))

    @property
    def expected(self) -> list[Part]:
        """The parts, fields before files."""
        return self._expected + self._expected_files

    def _add(self, choice: int, pieces: list[bytes]) -> None:
        name, content, filename, kind, key, value = (*pieces, *[b""] * 5)[:6]
        if choice & 1:
            field = NO_TOKEN.sub(b"", key).decode("ascii")
            rest = _name(filename), _text(kind), {field: _text(value)} if field else {}
            self._add_file(choice >> 1, _name(name), content, rest)
        else:
            self._add_field(choice >> 1, _name(name), content)

    def _add_field(self, choice: int, name: str, content: bytes) -> None:
        if name in self.fields:
            return
        text = _text(content)
        # As in JSON, and None is empty.
        kinds: list[tuple[Any, list[bytes]]] = [
            (content, [content]),
            (text, [text.encode()]),
            (len(content), [b"%d" % len(content)]),
            (True, [b"true"]),
            (None, [b""]),
            ([text, content], [text.encode(), content]),
            ((), []),
            (len(content) / 2, [str(len(content) / 2).encode()]),
        ]
        self.fields[name], contents = kinds[choice % len(kinds)]
        self._expected += [Part(name, one) for one in contents]

    def _add_file(self, choice: int, name: str, content: bytes, rest: tuple[str, str, dict[str, str]]) -> None:
        size = len(content)
        if choice >> 5 and self._long:
            self._long -= 1
            size = SIZES[(choice >> 5) % len(SIZES)]
        content = (content * (size // max(1, len(content)) + 1))[:size] if content else b"x" * size
        given = FILES[(choice >> 2) % len(FILES)](content, len(name))
        if hasattr(given, "close"):
            self.open.append(given)
        self.is_replayable &= not isinstance(given, Pipe)
        content = given.encode() if isinstance(given, str) else content
        filename, kind, headers = rest
        shapes: list[tuple[Any, Part]] = [
            # A file on disk is called by its number.
            (given, Part(name, content, str(getattr(given, "name", "upload")))),
            ((filename, given), Part(name, content, filename)),
            ((filename, given, kind), Part(name, content, filename, kind)),
            ((filename, given, kind or None, headers), Part(name, content, filename, kind or None, headers)),
        ]
        value, part = shapes[choice & 3]
        self.files.append((name, value))
        self._expected_files.append(part)


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def _name(piece: bytes) -> str:
    # The parser takes a backslash before the last quote for its escape, whatever is before the backslash, and of what
    # could be a path of Windows the last part.
    return _text(piece).strip("\\").replace(":\\", ":")


def multipart(data: bytes) -> None:
    """What a form is written as, another parser reads as that form, and ours; it is the same however it is sent."""
    form = Form(data)
    try:
        _try(form)
    finally:
        for file in form.open:
            file.close()


def _try(form: Form) -> None:
    headers = {"Content-Type": TYPES[form.choice % len(TYPES)] % form.boundary} if form.boundary else {}
    try:
        request = Request("POST", "http://a.test/", headers=headers, data=form.fields, files=form.files)
    except LocalProtocolError:
        assert any("\r" in text or "\n" in text or "\0" in text or ":" in text for text in _risks(form))
        return
    if not form.files:
        return
    boundary = boundary_of(request.headers["content-type"].encode())
    assert boundary is not None
    assert not form.boundary or boundary == form.boundary.encode()
    if not any(b"--" + boundary in text for text in _texts(form)):
        _check(form, request, boundary)  # who chooses a boundary sees to it that it is in no part


def _risks(form: Form) -> Iterator[str]:
    for part in form.expected:
        yield part.kind or ""
        for key, value in part.headers.items():
            yield key
            yield value


def _texts(form: Form) -> Iterator[bytes]:
    for part in form.expected:
        yield part.content
        yield b"\r\n".join(text.encode() for text in (part.name, part.filename or "", *_risks(form)))


def _check(form: Form, request: Request, boundary: bytes) -> None:
    stream: Any = request.stream
    assert isinstance(stream, MultipartStream)
    assert stream.is_replayable == form.is_replayable
    length = stream.get_content_length()
    assert request.headers.get("content-length") == (None if length is None else str(length))
    assert (length is None) == ("transfer-encoding" in request.headers)
    written = _sent(stream, form.choice & 4)
    assert length in (None, len(written))
    _check_again(form, stream, written)
    _check_parts(form.expected, read(written, boundary))
    _check_ours(form.expected, written, boundary)


def _sent(stream: MultipartStream, is_async: int) -> bytes:
    if not is_async:
        return b"".join(stream)

    async def whole() -> bytes:
        return b"".join([chunk async for chunk in stream])

    return run_blocking(whole())


def _check_again(form: Form, stream: MultipartStream, written: bytes) -> None:
    if form.is_replayable:
        assert _sent(stream, ~form.choice & 4) == written
        return
    try:
        _sent(stream, ~form.choice & 4)
    except StreamConsumed:
        return
    raise AssertionError("what was used up was sent again")


def _check_parts(expected: list[Part], found: list[tuple[dict[bytes, bytes], bytes]]) -> None:
    assert len(found) == len(expected)
    for part, (headers, content) in zip(expected, found, strict=True):
        assert content == part.content
        _, options = parse_options_header(headers[b"content-disposition"])
        told = {key.decode(): unescaped(value.decode()) for key, value in options.items()}
        wanted = {"name": part.name, "filename": part.filename or None}
        assert told == {key: unescaped(value) for key, value in wanted.items() if value is not None}
        _check_headers(part, headers)


def _check_headers(part: Part, headers: dict[bytes, bytes]) -> None:
    given = {key.lower().encode(): value.encode() for key, value in part.headers.items()}
    given.pop(b"content-disposition", None)
    if part.kind is not None:
        given.setdefault(b"content-type", part.kind.encode())
    for key, value in given.items():
        assert headers[key].strip(b" \t") == value.strip(b" \t")
    assert (b"content-type" in headers) == (b"content-type" in given or bool(part.filename))


def _check_ours(expected: list[Part], written: bytes, boundary: bytes) -> None:
    found = parts_of(written, boundary)
    assert [part.content for part in found] == [part.content for part in expected]
    assert [part.name for part in found] == [unescaped(part.name) for part in expected]
    assert [part.filename for part in found] == [
        unescaped(part.filename) if part.filename else None for part in expected
    ]


def unescaped(text: str) -> str:
    """Return a name without its escapes."""
    # The HTML standard, "multipart/form-data encoding algorithm": quotes and line breaks are written so, and a text
    # that has such a thing in it already is written the same.
    return re.sub("%(0[0-9A-F]|1[0-9A-F]|22)", lambda found: chr(int(found[1], 16)), text)


def read(written: bytes, boundary: bytes) -> list[tuple[dict[bytes, bytes], bytes]]:
    """Return the header fields and the content of each part, as another parser has them."""
    parts: list[tuple[dict[bytes, bytes], bytearray]] = []
    names: list[bytes] = [b"", b""]

    def add(place: int) -> Any:
        def take(data: bytes, start: int, end: int) -> None:
            names[place] += data[start:end]

        return take

    def end() -> None:
        parts[-1][0].setdefault(names[0].lower(), names[1])
        names[:] = [b"", b""]

    callbacks: dict[str, Any] = {
        "on_part_begin": lambda: parts.append(({}, bytearray())),
        "on_part_data": lambda data, start, stop: parts[-1][1].extend(data[start:stop]),
        "on_header_field": add(0),
        "on_header_value": add(1),
        "on_header_end": end,
    }
    parser = MultipartParser(boundary, callbacks)
    parser.write(written)
    parser.finalize()
    return [(headers, bytes(body)) for headers, body in parts]
