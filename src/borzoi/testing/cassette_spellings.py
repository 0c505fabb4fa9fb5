"""The ways in which what was hidden may be written, and where they stand in a text.

They are looked up by how they begin, so that a text takes as long with a thousand of them as with one.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote

SHORTEST = 6
"""Shorter values are hidden where they stand, and not looked for elsewhere: they would be found in any text."""


def forms_of(secret: str) -> set[str]:
    """Return the ways in which a secret may be written."""
    data = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        secret.encode("unicode_escape").decode("ascii"),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        data.hex(),
    }


class Spellings:
    """All ways of writing some secrets."""

    def __init__(self) -> None:
        self._by_beginning: dict[str, list[str]] = {}

    def add(self, secret: str) -> None:
        """Take in a secret of SHORTEST characters or more."""
        for form in forms_of(secret):
            known = self._by_beginning.setdefault(form[:SHORTEST], [])
            if form not in known:
                known.append(form)
                known.sort(key=len, reverse=True)

    def are_in(self, text: str) -> bool:
        """Return whether any of them is in a text."""
        return next(self._found(text), None) is not None

    def without(self, text: str, instead: str) -> str:
        """Return a text with something else in the place of each."""
        parts, end = [], 0
        for start, size in self._found(text):
            parts += [text[end:start], instead]
            end = start + size
        return "".join((*parts, text[end:]))

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the longest of each place begins, and its length; they do not overlap."""
        beginnings, start = self._by_beginning, 0
        while start <= len(text) - SHORTEST:
            forms = beginnings.get(text[start : start + SHORTEST], ())
            size = next((len(form) for form in forms if text.startswith(form, start)), 0)
            if size:
                yield start, size
            start += size or 1
