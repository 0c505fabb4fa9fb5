"""One exchange on a cassette: from what was sent and received to plain data without secrets, and back to a response.

    request: {method, url, headers, and one of json, text, form, parts, sha256}
    response: {status, reason, headers, and one of json, text, base64, chunks}

`chunks` are the pieces of a stream, each with the seconds before it. Binary bodies of requests are kept as a digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from .._backends.memory import Wait
from .._messages.multipart import boundary_of
from .._messages.response import Response
from .._values.headers import Headers
from .._values.query import QueryParams
from .cassette_secrets import Redactor
from .forms import parts_of

UNWRITTEN = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "content-encoding", "trailer"}
)
"""What describes how a message travelled."""

FIELDS = ("method", "url", "body")
"""What a request is found by, unless other fields are named."""


class Exchange:
    """What went out and what came back, as it was."""

    __slots__ = ("content", "headers", "method", "pieces", "reason", "response_headers", "status", "url")

    def __init__(self, method: str, url: str, headers: Headers, content: bytes) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.content = content
        self.status = 0
        self.reason = ""
        self.response_headers = Headers()
        self.pieces: list[tuple[float, bytes]] = []
        """The chunks of the body, each with the seconds before it."""

    def body(self) -> bytes:
        """Return the body of the response, decoded."""
        raw = b"".join(piece for _, piece in self.pieces)
        return Response(self.status, headers=self.response_headers, content=raw).content

    @property
    def is_stream(self) -> bool:
        """Whether when the pieces came is worth keeping."""
        kind: str = self.response_headers.get("content-type", "")
        return (
            kind.startswith(("text/event-stream", "application/x-ndjson", "application/jsonl")) or len(self.pieces) > 1
        )


def request_entry(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """Return the request as it is written, and as requests are compared."""
    entry: dict[str, Any] = {"method": exchange.method, "url": redactor.url(exchange.url)}
    entry["headers"] = _fields(exchange.headers, redactor)
    return entry | _request_body(exchange.content, exchange.headers, redactor)


def response_entry(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """Return the response as it is written."""
    entry: dict[str, Any] = {"status": exchange.status, "reason": exchange.reason}
    entry["headers"] = _fields(exchange.response_headers, redactor)
    text = _text(exchange.body())
    is_encoded = "content-encoding" in exchange.response_headers
    if text is None:
        return entry | {"base64": base64.b64encode(exchange.body()).decode("ascii")}
    if _is_json(exchange.response_headers) and (value := _json(text)) is not None:
        return entry | {"json": redactor.json(value[0])}
    if exchange.is_stream and not is_encoded and (chunks := _chunks(exchange.pieces, redactor)):
        return entry | {"chunks": chunks}
    return entry | ({"text": redactor.text(text)} if text else {})


def _chunks(pieces: list[tuple[float, bytes]], redactor: Redactor) -> list[dict[str, Any]] | None:
    """Return the pieces with their times, None where a character or a secret lies across two of them."""
    texts = [_text(piece) for _, piece in pieces]
    if any(text is None for text in texts):
        return None
    written = [
        {"wait": round(wait, 3), "text": redactor.text(text or "")}
        for (wait, _), text in zip(pieces, texts, strict=True)
    ]
    whole = redactor.text("".join(text or "" for text in texts))
    return written if "".join(str(piece["text"]) for piece in written) == whole else None


def _fields(headers: Headers, redactor: Redactor) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in headers.multi_items():
        if name.lower() in UNWRITTEN:
            continue
        written = redactor.header(name, value)
        known = fields.get(name.lower())
        fields[name.lower()] = written if known is None else [*(known if isinstance(known, list) else [known]), written]
    return fields


def _request_body(content: bytes, headers: Headers, redactor: Redactor) -> dict[str, Any]:
    if not content:
        return {}
    kind = headers.get("content-type", "")
    boundary = boundary_of(kind.encode("latin-1"))
    if boundary is not None:
        return {"parts": [_part(part, redactor) for part in parts_of(content, boundary)]}
    text = _text(content)
    if text is None or "content-encoding" in headers:
        return {"sha256": hashlib.sha256(content).hexdigest()}
    if kind.startswith("application/x-www-form-urlencoded"):
        return {"form": [[name, redactor.field(name, value)] for name, value in QueryParams(text).multi_items()]}
    value = _json(text) if _is_json(headers) else None
    return {"text": redactor.text(text)} if value is None else {"json": redactor.json(value[0])}


def _part(part: Any, redactor: Redactor) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": part.name}
    if part.filename is not None:
        entry["filename"] = redactor.text(part.filename)
    text = _text(part.content)
    if text is None:
        return entry | {"sha256": hashlib.sha256(part.content).hexdigest()}
    value = _json(text) if (part.content_type or "").startswith("application/json") else None
    return entry | {"text": redactor.field(part.name, text) if value is None else json.dumps(redactor.json(value[0]))}


def _is_json(headers: Headers) -> bool:
    kind = str(headers.get("content-type", "")).partition(";")[0].strip()
    return kind == "application/json" or kind.endswith("+json")


def _json(text: str) -> list[Any] | None:
    """Return the value in a list, None where the text is no JSON."""
    try:
        return [json.loads(text)]
    except ValueError:
        return None


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def key_of(entry: dict[str, Any], fields: Iterable[str] = FIELDS) -> tuple[str, ...]:
    """Return what tells one request from another."""
    return tuple(_KEYS[field](entry) if field in _KEYS else _header(entry, field) for field in fields)


def checked_fields(fields: Iterable[str]) -> tuple[str, ...]:
    """Return what tells requests apart; a text is one field. Raises ValueError for one that there is not."""
    named = (fields,) if isinstance(fields, str) else tuple(fields)
    for field in named:
        if field not in _KEYS and not field.startswith("header:"):
            raise ValueError(f"A cassette matches {', '.join(_KEYS)} and header:NAME, not {field!r}.")
    return named


def _header(entry: dict[str, Any], field: str) -> str:
    return str(entry["headers"].get(field.partition(":")[2].lower(), ""))


def _url_key(entry: dict[str, Any]) -> str:
    head, _, query = str(entry["url"]).partition("?")
    return f"{head}?{'&'.join(sorted(query.split('&')))}"


_BODIES = ("json", "text", "form", "parts", "sha256")

_KEYS: dict[str, Callable[[dict[str, Any]], str]] = {
    "method": lambda entry: str(entry["method"]),
    "url": _url_key,
    "host": lambda entry: urlsplit(str(entry["url"])).netloc,
    "path": lambda entry: urlsplit(str(entry["url"])).path,
    "body": lambda entry: json.dumps({name: entry[name] for name in _BODIES if name in entry}, sort_keys=True),
}


def response_headers(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the header fields of a response that is replayed."""
    pairs: list[tuple[str, str]] = []
    for name, value in entry.get("headers", {}).items():
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
    return pairs


def response_pieces(entry: dict[str, Any]) -> list[bytes | Wait]:
    """Return the body of a response that is replayed, with its pauses."""
    if "json" in entry:
        return [json.dumps(entry["json"], ensure_ascii=False, separators=(",", ":")).encode()]
    if "base64" in entry:
        return [base64.b64decode(entry["base64"])]
    pieces: list[bytes | Wait] = []
    for chunk in entry.get("chunks", ()):
        pieces += [Wait(chunk.get("wait", 0.0)), chunk["text"].encode()]
    return pieces or ([entry["text"].encode()] if "text" in entry else [])
