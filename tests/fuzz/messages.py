"""Targets: event streams, content codings, forms with files, OpenAPI documents."""

from __future__ import annotations

import ast
import re
import tempfile
from pathlib import Path
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header

from borzoi import DecodingError, LocalProtocolError, SSEError
from borzoi._messages.chunking import TextDecoder
from borzoi._messages.decoders import PIECE, decoder_for
from borzoi._messages.multipart import MultipartStream
from borzoi._messages.sse import EventParser
from tests.fuzz.wire import in_two_ways

MOST = 4 * 1024 * 1024
"""Bytes of decoded content that are looked at."""

CODINGS = (
    "gzip",
    "deflate",
    "br",
    "zstd",
    "gzip, br",
    "zstd, gzip",
    "deflate, deflate",
    "br, x, gzip",
    "identity",
    "x",
)
BOUNDARY = b"borzoi-boundary"


def sse(data: bytes) -> None:
    """A stream gives the same events however it is cut; one that is too large is an SSEError."""
    choice, whole, cut = in_two_ways(data)
    found, again = (_events(pieces, choice) for pieces in (whole, cut))
    # Where an event is too large is told when it is noticed, which a cut puts off.
    assert found == again or None in (found[-1:] + again[-1:])


def _events(pieces: list[bytes], choice: int) -> list[Any]:
    parser, decoder = EventParser(max_event_size=64 if choice & 1 else None, dataless=bool(choice & 2)), TextDecoder()
    found: list[Any] = []
    try:
        for piece in pieces:
            for text in decoder.feed(piece):
                parser.feed(text)
                found += iter(parser.next_event, None)
    except SSEError:
        return [*found, None]
    return found


def decoders(data: bytes) -> None:
    """A body is decoded in pieces that are bounded, or is a DecodingError, and says the same however it is cut."""
    choice, whole, cut = in_two_ways(data)
    names = CODINGS[choice % len(CODINGS)]
    found, again = _decoded(names, whole), _decoded(names, cut)
    assert found == again or None in (found, again)
    # An empty last block that is malformed is an error to libzstd, or the end where it comes by itself.
    assert (found is None) == (again is None) or "zstd" in names


def _decoded(names: str, pieces: list[bytes]) -> bytes | None:
    decoder, found = decoder_for(names.split(",")), bytearray()
    try:
        for data in pieces:
            decoder.feed(data)
            while (piece := decoder.next(PIECE)) is not None and len(found) < MOST:
                assert len(piece) <= max(2 * PIECE, len(data))
                found += piece
            if len(found) >= MOST:
                return b"much"
        decoder.finish()
    except DecodingError:
        return None
    return bytes(found)


def multipart(data: bytes) -> None:
    """What a form is written as, another parser reads as that form; or LocalProtocolError says why it is not written."""
    if BOUNDARY in data:
        return  # a boundary is drawn by chance
    fields = [part.decode("utf-8", "replace") for part in data.split(b"\xff")]
    # The parser takes a backslash before the last quote for its escape, whatever is before the backslash, and of what
    # could be a path of Windows the last part.
    name, filename, kind, extra = (field.strip("\\").replace(":\\", ":") for field in (*fields, "", "", "", "")[:4])
    content = data.split(b"\xfe")[-1]
    try:
        stream = MultipartStream({name: content}, [(extra, (filename, content, kind or None))], boundary=BOUNDARY)
        written = b"".join(stream)
    except LocalProtocolError:
        return
    assert stream.get_content_length() == len(written)
    (first, value), (second, file) = _parts(written)
    assert (value, file) == (content, content)
    assert _named(first) == {"name": _unescaped(name)}
    assert _named(second) == {"name": _unescaped(extra)} | ({"filename": _unescaped(filename)} if filename else {})


def _named(headers: dict[bytes, bytes]) -> dict[str, str]:
    _, options = parse_options_header(headers[b"content-disposition"])
    return {key.decode(): _unescaped(value.decode()) for key, value in options.items()}


def _unescaped(text: str) -> str:
    # The HTML standard, "multipart/form-data encoding algorithm": quotes and line breaks are written so, and a text
    # that has such a thing in it already is written the same.
    return re.sub("%(0[0-9A-F]|1[0-9A-F]|22)", lambda found: chr(int(found[1], 16)), text)


def _parts(written: bytes) -> list[tuple[dict[bytes, bytes], bytes]]:
    parts: list[tuple[dict[bytes, bytes], bytearray]] = []
    names: list[bytes] = [b"", b""]

    def add(place: int) -> Any:
        def take(data: bytes, start: int, end: int) -> None:
            names[place] += data[start:end]

        return take

    def end() -> None:
        parts[-1][0][names[0].lower()] = names[1]
        names[:] = [b"", b""]

    callbacks: dict[str, Any] = {
        "on_part_begin": lambda: parts.append(({}, bytearray())),
        "on_part_data": lambda data, start, stop: parts[-1][1].extend(data[start:stop]),
        "on_header_field": add(0),
        "on_header_value": add(1),
        "on_header_end": end,
    }
    parser = MultipartParser(BOUNDARY, callbacks)
    parser.write(written)
    parser.finalize()
    return [(headers, bytes(body)) for headers, body in parts]


NOWHERE = Path(tempfile.gettempdir()) / "borzoi-fuzz-nowhere"
"""The folder of documents, which is not there: they can refer to nothing, and nothing is written."""


def openapi(data: bytes) -> None:
    """A document becomes a package whose modules are Python, or is a DocumentError."""
    from borzoi.openapi import DocumentError, generate
    from borzoi.openapi.document import parsed_document

    name = "api.yaml" if data[:1] == b"y" else "api.json"
    try:
        document = parsed_document(data[1:], name=str(NOWHERE / name))
        made = generate(document, output=NOWHERE / "made", check=True)
    except DocumentError:
        return
    for name, text in made.files.items():
        if name.endswith(".py"):
            ast.parse(text)
