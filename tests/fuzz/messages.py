"""Targets: event streams, content codings, OpenAPI documents."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path
from typing import Any

from borzoi import DecodingError, SSEError
from borzoi._messages.chunking import TextDecoder
from borzoi._messages.decoders import PIECE, decoder_for
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
