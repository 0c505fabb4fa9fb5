"""Values as plain data, and plain data as the text that stands in URLs, headers and forms."""

from __future__ import annotations

from typing import Any

import msgspec

from ..._values.percent import percent_encode
from .dataclass_models import written
from .libraries import members
from .open_models import OpenStruct

UNRESERVED = r"A-Za-z0-9\-._~"
"""RFC 3986, section 2.3."""

RESERVED = UNRESERVED + r":/?\[\]@!$&'()*+,;="
"""The reserved characters too, but for "#", which would end the URL (RFC 6570, section 3.2.3)."""


def plain(value: Any) -> Any:
    """Return a value as JSON would have it: numbers, strings, lists, dicts. What is not set is left out."""
    if isinstance(value, (str, int, float)) and type(value) in (str, int, float, bool):
        return value
    return msgspec.to_builtins(written(value), enc_hook=encode_hook)


def encode_hook(value: Any) -> Any:
    """Return what a value that msgspec does not know is in JSON; this is its `enc_hook`."""
    if hasattr(value, "__fspath__"):
        return str(value)
    if isinstance(value, OpenStruct):
        return dict(members(value) or ())
    if hasattr(value, "model_dump"):
        # What is in it and pydantic does not know, this hook may.
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True, fallback=encode_hook)
    raise NotImplementedError(f"{type(value).__name__} cannot be sent as JSON")


def text(value: Any) -> str:
    """Return a plain value as text: `true` and `null` as in JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return str(value)


def escaped(value: Any, reserved: bool = False) -> str:
    """Return a plain value, percent-encoded."""
    if not reserved:
        return percent_encode(text(value), UNRESERVED)
    # RFC 6570, section 3.2.3: what is percent-encoded already stays so, and any other "%" becomes "%25".
    pieces = text(value).split("%")
    result = percent_encode(pieces[0], RESERVED)
    for piece in pieces[1:]:
        is_triplet = len(piece) >= 2 and all(char in "0123456789abcdefABCDEF" for char in piece[:2])
        result += ("%" if is_triplet else "%25") + percent_encode(piece, RESERVED)
    return result
