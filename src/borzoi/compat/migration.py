"""The function by which httpx2 puts itself in the place of httpx."""

from __future__ import annotations

from .alias import install


def alias_httpx() -> None:
    """Have `import httpx`, `httpx2`, `httpcore` and `httpcore2` give Borzoi from now on: `borzoi.compat.install()`.

    Raises RuntimeError if one of them was imported already.
    """
    install()
