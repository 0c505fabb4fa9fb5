"""Open files as bodies."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from borzoi._messages.files import CHUNK_SIZE, read_chunks, refuse_text_mode, size_on_disk, span


class Unseekable:
    """A file that can only be read."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def test_the_span_of_a_file_reaches_from_where_it_stands(tmp_path: Path) -> None:
    """span() tells place and end, and leaves the file where it was."""
    path = tmp_path / "dog"
    path.write_bytes(b"borzoi")
    with path.open("rb") as file:
        file.seek(2)

        assert span(file) == (2, 6)
        assert file.read() == b"rzoi"


def test_what_cannot_seek_has_no_span() -> None:
    """A file without seek, or one that refuses it, has no span."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "wb"):
        assert span(pipe) is None
        assert size_on_disk(pipe) is None
    assert span(Unseekable(b"")) is None
    assert size_on_disk(Unseekable(b"")) is None


def test_the_size_on_disk(tmp_path: Path) -> None:
    """A regular file has a size even where it cannot seek."""
    path = tmp_path / "dog"
    path.write_bytes(b"borzoi")
    with path.open("rb") as file:
        assert size_on_disk(file) == 6


def test_text_is_refused(tmp_path: Path) -> None:
    """A file of text has no length in bytes, so it is refused with the way out."""
    with pytest.raises(TypeError, match=r"Files require 'io.BytesIO', not 'io.StringIO'"):
        refuse_text_mode(io.StringIO(), "Files")
    path = tmp_path / "dog"
    path.touch()
    with path.open() as file, pytest.raises(TypeError, match="Files must be opened in binary mode"):
        refuse_text_mode(file, "Files")
    assert refuse_text_mode(io.BytesIO(), "Files") is None


def test_files_are_read_in_pieces() -> None:
    """No more than 64 KiB are read at a time, and text that a file gives is sent as UTF-8."""
    pieces = list(read_chunks(Unseekable(b"x" * (CHUNK_SIZE + 1)).read))
    text = iter(["é", ""])

    assert [len(piece) for piece in pieces] == [CHUNK_SIZE, 1]
    assert list(read_chunks(lambda size: next(text))) == ["é".encode()]
