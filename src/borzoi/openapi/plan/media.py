"""Media types: which of several is used, and how its body is read."""

from __future__ import annotations

STREAMS = {
    "text/event-stream": "sse",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "application/x-jsonlines": "lines",
    "application/json-lines": "lines",
    "application/json-seq": "sequence",
}


def bare(media_type: str) -> str:
    """Return a media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def kind_of_media(media_type: str) -> str:
    """Return how a body is read: json, text, bytes, form, multipart, or a stream: sse, lines, sequence."""
    name = bare(media_type)
    if name in STREAMS:
        return STREAMS[name]
    if name in ("application/json", "*/*", "application/*", "text/json") or name.endswith("+json"):
        return "json"
    if name == "application/x-www-form-urlencoded":
        return "form"
    if name.startswith("multipart/"):
        return "multipart"
    if name.startswith("text/") or name in ("application/xml", "application/yaml") or name.endswith(("+xml", "+yaml")):
        return "text"
    return "bytes"


_ORDER = ("json", "text", "lines", "sequence", "sse", "bytes", "form", "multipart")


def preferred(media_types: list[str]) -> str:
    """Return the media type that a reply is asked for in: JSON if there is any."""
    return min(media_types, key=lambda each: (_ORDER.index(kind_of_media(each)), "*" in each, media_types.index(each)))
