"""Open files as bodies: how long they are, and their bytes in pieces. Nothing here reads a file as a whole."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

CHUNK_SIZE = 64 * 1024
"""Bytes read from a file at a time."""


def span(file: Any) -> tuple[int, int] | None:
    """Return where a file stands and where it ends, or None when it cannot seek."""
    try:
        position = file.tell()
        file.seek(0, os.SEEK_END)
        end = file.tell()
        file.seek(position)
    except (AttributeError, OSError):
        return None
    return position, end


def size_on_disk(file: Any) -> int | None:
    """Return the size of a regular file that has a descriptor, or None."""
    try:
        status = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return None
    # A pipe or a socket has a size of 0, which says nothing about what will come.
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def refuse_text_mode(file: Any, use: str) -> None:
    """Raise TypeError for a file of text: its length in characters is not its length in bytes."""
    if isinstance(file, io.StringIO):
        raise TypeError(f"{use} require 'io.BytesIO', not 'io.StringIO'.")
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{use} must be opened in binary mode, not text mode.")


def read_chunks(read: Callable[[int], bytes | str]) -> Iterator[bytes]:
    """Yield what `read` gives until it gives nothing."""
    while chunk := read(CHUNK_SIZE):
        yield chunk.encode() if isinstance(chunk, str) else chunk
