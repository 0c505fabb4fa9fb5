"""Bodies of requests: JSON, forms, multipart with the encoding of each part, files and text."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from .dataclass_models import written
from .encoding import encode_hook, plain, text
from .libraries import members
from .parameters import Parameter, form_pair, in_query
from .values import Upload


class Part:
    """Say how one member of a form is written."""

    __slots__ = ("content_types", "explode", "reserved", "style")

    def __init__(
        self, content_type: str = "", *, style: str = "", explode: bool | None = None, reserved: bool = False
    ) -> None:
        # OpenAPI 3.1.1, Encoding Object: it may be a list, with ranges.
        self.content_types = [each.strip() for each in content_type.split(",")] if content_type else []
        self.style = style
        self.explode = explode
        self.reserved = reserved

    @property
    def is_json(self) -> bool:
        """Whether a member is JSON, whatever it is."""
        return len(self.content_types) == 1 and "json" in self.content_types[0]

    def content_type(self, usual: str, filename: str = "") -> str:
        """Return the media type of a part: of several that of the file's name, or the first one that is no range."""
        if not self.content_types:
            return usual
        if len(self.content_types) == 1 and "*" not in self.content_types[0]:
            return self.content_types[0]
        guessed = _guessed(filename) or usual
        if any(fnmatchcase(guessed, each) for each in self.content_types):
            return guessed
        return next((each for each in self.content_types if "*" not in each), usual)


class Body:
    """Say how the body of a request is written."""

    __slots__ = ("fields", "media_type", "parts", "write")

    def __init__(
        self, media_type: str, parts: Mapping[str, Part] | None = None, fields: Callable[[], Any] | None = None
    ) -> None:
        self.media_type = media_type
        self.fields = fields
        self.parts = parts or {}
        name = media_type.partition(";")[0].strip().lower()
        if name in ("*/*", "application/*"):
            self.write = _any
        elif "json" in name:
            self.write = _json
        elif name == "application/x-www-form-urlencoded":
            self.write = _form
        elif name == "multipart/form-data":
            self.write = _multipart
        elif name.startswith("multipart/"):
            self.write = _mixed
        else:
            self.write = _raw

    def made_of(self, fields: Callable[[], Any]) -> Body:
        """Return the same for a body that can be given by its members: `fields` returns what is made of them."""
        return Body(self.media_type, self.parts, fields)


def _json(body: Body, value: Any) -> dict[str, Any]:
    media_type = body.media_type if "*" not in body.media_type else "application/json"
    if "json-lines" in media_type or media_type.endswith(("jsonl", "ndjson")):
        return _sent(msgspec.json.Encoder(enc_hook=encode_hook).encode_lines(written(value)), media_type)
    return _sent(msgspec.json.encode(written(value), enc_hook=encode_hook), media_type)


def _any(body: Body, value: Any) -> dict[str, Any]:
    """Write what may be of any media type: a file as it is, and all else as JSON."""
    is_file = isinstance(value, (bytes, bytearray, os.PathLike, Upload)) or hasattr(value, "read")
    return _raw(body, value) if is_file else _json(body, value)


def _sent(content: Any, media_type: str) -> dict[str, Any]:
    return {"content": content, "headers": {"Content-Type": media_type}}


def _form(body: Body, value: Any) -> dict[str, Any]:
    pieces: list[str] = []
    for name, member in _members(value):
        part = body.parts.get(name, _PLAIN)
        if part.style or part.explode is not None or part.reserved:
            # OpenAPI 3.1.1, Encoding Object: as a query parameter is written.
            how = Parameter("query", name, style=part.style, explode=part.explode, reserved=part.reserved)
            pieces += [piece.replace("%20", "+") for piece in in_query(how, member)]
        elif isinstance(data := plain(member), list) and not part.is_json:
            pieces += [form_pair(name, each) for each in data]
        else:
            pieces.append(form_pair(name, data))
    return _sent("&".join(pieces).encode(), body.media_type)


_PLAIN = Part()


def _members(value: Any) -> list[tuple[str, Any]]:
    found = members(value)
    return list(plain(value).items()) if found is None else found


def _multipart(body: Body, value: Any) -> dict[str, Any]:
    files: list[tuple[str, Any]] = []
    for name, member in _members(value):
        part = body.parts.get(name, _PLAIN)
        # OpenAPI 3.1.1, "Encoding multipart Media Types": each item of an array is a part of its own.
        files += [(name, _part(part, each)) for each in (member if isinstance(member, (list, tuple)) else [member])]
    return {"files": files}


def _mixed(body: Body, value: Any) -> dict[str, Any]:
    """Write parts that follow each other; those of an object have its names (OpenAPI 3.2, "Encoding By Name")."""
    from secrets import token_hex

    pieces: list[bytes] = []
    boundary = token_hex(16)
    listed = isinstance(value, (list, tuple))
    members = [(str(index), each) for index, each in enumerate(value)] if listed else _members(value)
    for name, member in members:
        filename, content, content_type = _part(body.parts.get(name) or body.parts.get("*", _PLAIN), member)
        head = f"--{boundary}\r\nContent-Type: {content_type}\r\n"
        if not listed:
            file = "" if filename is None else f'; filename="{_quoted(filename)}"'
            head += f'Content-Disposition: form-data; name="{_quoted(name)}"{file}\r\n'
        read = content.read() if hasattr(content, "read") else content
        pieces += [head.encode(), b"\r\n", read.encode() if isinstance(read, str) else read, b"\r\n"]
    # RFC 2046, section 5.1.1.
    pieces.append(f"--{boundary}--\r\n".encode())
    return _sent(b"".join(pieces), f"{body.media_type}; boundary={boundary}")


def _quoted(text: str) -> str:
    # WHATWG HTML, multipart/form-data encoding: the characters that would end the name.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _part(part: Part, value: Any) -> tuple[str | None, Any, str]:
    if isinstance(value, Upload):
        name = value.filename or "upload"
        return name, value.content, value.content_type or part.content_type(_OCTETS, name)
    if isinstance(value, os.PathLike):
        name = os.path.basename(os.fspath(value))
        with open(value, "rb") as file:
            return name, file.read(), part.content_type(_OCTETS, name)
    if isinstance(value, (bytes, bytearray)) or hasattr(value, "read"):
        name = os.path.basename(str(getattr(value, "name", "upload")))
        return name, value, part.content_type(_OCTETS, name)
    data = plain(value)
    if isinstance(data, (dict, list)) or part.is_json:
        return None, msgspec.json.encode(data), part.content_type("application/json")
    return None, text(data).encode(), part.content_type("text/plain")


def _guessed(filename: str) -> str:
    from mimetypes import guess_type

    return guess_type(filename)[0] or "" if filename else ""


_OCTETS = "application/octet-stream"


def _raw(body: Body, value: Any) -> dict[str, Any]:
    media_type = body.media_type if "*" not in body.media_type else _OCTETS
    if isinstance(value, Upload):
        return _sent(value.content, value.content_type or media_type)
    if isinstance(value, os.PathLike):
        with open(value, "rb") as file:
            return _sent(file.read(), media_type)
    return _sent(value if isinstance(value, (bytes, str)) or hasattr(value, "read") else text(plain(value)), media_type)


JSON = Body("application/json")
"""The body that most operations have."""
