"""Cassettes of others: vcrpy's, in YAML or JSON, and HAR files, as browsers export them.

What they hold goes through the same redaction as what is recorded, so requests are found by their redacted form.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from .._values.headers import Headers
from .cassette_entries import Exchange, request_entry, response_entry
from .cassette_secrets import Redactor


def from_vcr(data: dict[str, Any], redactor: Redactor) -> list[dict[str, Any]]:
    """Return the exchanges of a cassette of vcrpy."""
    return [_entry(_vcr_exchange(one), redactor) for one in data["interactions"]]


def from_har(data: dict[str, Any], redactor: Redactor) -> list[dict[str, Any]]:
    """Return the exchanges of a HAR file."""
    return [_entry(_har_exchange(one), redactor) for one in data["log"].get("entries", [])]


def _entry(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    return {"request": request_entry(exchange, redactor), "response": response_entry(exchange, redactor)}


def _vcr_exchange(one: dict[str, Any]) -> Exchange:
    asked, answered = one["request"], one["response"]
    exchange = Exchange(asked["method"], asked["uri"], _vcr_headers(asked), _vcr_body(asked.get("body")))
    # vcrpy's own stubs of httpx wrote `status_code` and `content` for some years.
    status = answered.get("status") or {"code": answered.get("status_code", 200)}
    exchange.status, exchange.reason = int(status["code"]), status.get("message") or ""
    exchange.response_headers = _vcr_headers(answered)
    content = _vcr_body(answered.get("body", answered.get("content")))
    _keep(
        exchange,
        content,
        is_coded=content[:2] == b"\x1f\x8b" or "gzip" not in exchange.response_headers.get("content-encoding", ""),
    )
    return exchange


def _keep(exchange: Exchange, content: bytes, *, is_coded: bool) -> None:
    if not is_coded:
        del exchange.response_headers["content-encoding"]
    exchange.pieces = [(0.0, content)]


def _vcr_headers(message: dict[str, Any]) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, values in (message.get("headers") or {}).items():
        pairs += [(name, str(value)) for value in (values if isinstance(values, list) else [values])]
    return Headers(pairs)


def _vcr_body(body: Any) -> bytes:
    if isinstance(body, dict):
        if "base64_string" in body:
            return base64.b64decode(body["base64_string"])
        body = body.get("string")
    return body if isinstance(body, bytes) else str(body or "").encode()


def _har_exchange(one: dict[str, Any]) -> Exchange:
    asked, answered = one["request"], one["response"]
    posted = asked.get("postData") or {}
    headers = _har_headers(asked.get("headers", []))
    content = str(posted.get("text") or "").encode()
    if not content and posted.get("params"):
        from .._values.query import QueryParams

        content = str(QueryParams([(pair["name"], pair.get("value", "")) for pair in posted["params"]])).encode()
    exchange = Exchange(asked["method"], asked["url"], headers, content)
    exchange.status, exchange.reason = int(answered["status"]), answered.get("statusText") or ""
    exchange.response_headers = _har_headers(answered.get("headers", []))
    body = answered.get("content") or {}
    text = body.get("text") or ""
    # The content is decoded in HAR 1.2, whatever the header says.
    exchange.response_headers.pop("content-encoding", None)
    exchange.pieces = [(0.0, base64.b64decode(text) if body.get("encoding") == "base64" else text.encode())]
    return exchange


def _har_headers(headers: Iterable[dict[str, str]]) -> Headers:
    # Browsers export the pseudo-fields of HTTP/2 among the others.
    return Headers([(field["name"], field["value"]) for field in headers if not field["name"].startswith(":")])
