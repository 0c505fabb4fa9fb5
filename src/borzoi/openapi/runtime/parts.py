"""Replies of several parts: multipart/mixed and its kin (RFC 2046, section 5.1)."""

from __future__ import annotations

from typing import Any, TypeVar

from ... import DecodingError, Headers, Response
from .libraries import decoder

T = TypeVar("T")


class ReceivedPart:
    """Hold one part of a reply."""

    __slots__ = ("content", "headers")

    def __init__(self, headers: Headers, content: bytes) -> None:
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """The content as text, in the charset that it names, or in UTF-8."""
        charset = _parameters(self.headers.get("content-type", "text/plain")).get_content_charset("utf-8")
        return self.content.decode(charset, "replace")

    def json(self, type: type[T]) -> T:
        """Return the content as an object of a type. Raises msgspec.ValidationError."""
        found: T = decoder(type)(self.content)
        return found


def parts_of(response: Response) -> list[ReceivedPart]:
    """Return the parts of a reply. Raises DecodingError where it has no boundary, or none at its end."""
    boundary: Any = _parameters(response.headers.get("content-type", "")).get_boundary()
    if not boundary:
        raise DecodingError("The reply has parts and names no boundary.", request=response.request)
    # A delimiter is a line; the one before the first part may begin the body.
    _, *pieces = (b"\r\n" + response.content).split(f"\r\n--{boundary}".encode())
    parts: list[ReceivedPart] = []
    for piece in pieces:
        if piece.startswith(b"--"):
            return parts
        _, _, part = piece.partition(b"\r\n")
        head, _, content = (b"\r\n" + part).partition(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.split(b"\r\n") if line]
        parts.append(ReceivedPart(Headers([(name.strip(), value.strip()) for name, _, value in lines]), content))
    raise DecodingError("The reply ends before its last part does.", request=response.request)


def _parameters(content_type: str) -> Any:
    """Return what knows the parameters of a media type; it costs as much as all else to import."""
    from email.message import Message

    message = Message()
    message["content-type"] = content_type
    return message
