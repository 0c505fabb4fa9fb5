"""Reading multipart forms (RFC 7578), as the client writes them, for tests to look into."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r';\s*([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_ESCAPE = re.compile(r'\\([\\"])|%(0[0-9A-F]|1[0-9A-F]|22)')


class Part:
    """Hold one part of a multipart form."""

    def __init__(self, headers: dict[str, str], content: bytes) -> None:
        disposition = headers.get("content-disposition", "")
        names = {found[1]: _plain(found[2] or found[3] or "") for found in _PARAMETER.finditer(disposition)}
        self.name = names.get("name", "")
        self.filename = names.get("filename")
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """The content as UTF-8."""
        return self.content.decode("utf-8", "replace")

    @property
    def content_type(self) -> str | None:
        """The Content-Type of the part."""
        return self.headers.get("content-type")

    def __repr__(self) -> str:
        return f"<Part {self.name!r}, {len(self.content)} bytes>"


def _plain(text: str) -> str:
    # HTML, "multipart/form-data encoding algorithm": quotes and line breaks are written as %22, %0D and %0A.
    return _ESCAPE.sub(lambda found: found[1] or chr(int(found[2], 16)), text)


def parts_of(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a body."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    return [_part(piece.removeprefix(b"\r\n")) for piece in pieces[1:] if not piece.startswith(b"--")]


def _part(piece: bytes) -> Part:
    head, _, content = piece.partition(b"\r\n\r\n")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return Part(headers, content)
