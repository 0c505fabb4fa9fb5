"""Percent-encoding (RFC 3986 section 2.1) of text, as UTF-8."""

from __future__ import annotations

import re

_TRIPLETS = rb"(?:%[0-9A-Fa-f]{2})+"


def percent_encode(text: str, safe: str) -> str:
    """Replace each character by the triplets of its bytes, but for the `safe` ones: the inside of a class of `re`."""
    return re.sub(f"[^{safe}]+", _escape, text)


def percent_decode(text: str) -> str:
    """Replace each triplet by its byte. Bytes that are not UTF-8 become U+FFFD; a stray "%" stays."""
    if "%" not in text:
        return text
    return re.sub(_TRIPLETS, _unescape, text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def _escape(match: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in match[0].encode()])


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[0].replace(b"%", b"").decode("ascii"))
