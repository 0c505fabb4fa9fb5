"""Reading multipart forms (RFC 7578), as the client writes them, for tests to look into."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r';\s*([\w*]+)=(?:"([^"]*)"|([^;\s]*))')


class Part:
    """Hold one part of a multipart form."""

    def __init__(self, headers: dict[str, str], content: bytes) -> None:
        disposition = headers.get("content-disposition", "")
        names = {found[1]: found[2] or found[3] or "" for found in _PARAMETER.finditer(disposition)}
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


def parts_of(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a body."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    return [_part(piece.removeprefix(b"\r\n")) for piece in pieces[1:] if not piece.startswith(b"--")]


def _part(piece: bytes) -> Part:
    head, _, content = piece.partition(b"\r\n\r\n")
    fields = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
    return Part({name.strip().lower(): value.strip() for name, _, value in fields}, content)
