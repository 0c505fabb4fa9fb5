"""What the servers have: small files that differ, and two big ones."""

from __future__ import annotations

import random
from pathlib import Path

COUNT = 200
"""Small files, named by their numbers."""

BIG = 4 << 20
"""Bytes of the file `big`."""

MEBIBYTE = random.Random(1).randbytes(1 << 20)
"""The content of the file `mib`."""


def small(number: int) -> str:
    """Return the content of a small file."""
    return f"this is file {number}\n"


def write_files(directory: Path) -> None:
    """Write the files, to be read by servers that have given up root's rights."""
    contents = {str(number): small(number).encode() for number in range(COUNT)}
    for name, content in {**contents, "mib": MEBIBYTE, "big": b"x" * BIG}.items():
        path = directory / name
        path.write_bytes(content)
        path.chmod(0o644)
