"""The charset that a Content-Type names, and whether text can be decoded by it."""

from __future__ import annotations

import functools
import re

_PARAMETER = re.compile(r';\s*([^=;\s"]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)')

# Python calls these text encodings, but they are no charsets: they escape, or know no replacement for what is wrong.
_NOT_A_CHARSET = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


@functools.lru_cache(maxsize=256)
def charset_of(content_type: str) -> str | None:
    """Return the charset parameter of a Content-Type in lower case (RFC 9110 8.3.2), or None."""
    for match in _PARAMETER.finditer(content_type):
        name, value = match.groups()
        if name.lower() == "charset":
            if value.startswith('"') and len(value) > 1:
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            return value.strip().lower()
    return None


@functools.lru_cache(maxsize=256)
def is_charset(name: str) -> bool:
    """Tell whether text can be decoded by the codec `name`, whatever the bytes: rot13, hex and zlib are not such."""
    import codecs

    try:
        codec = codecs.lookup(name)
        b"\xff".decode(name, "replace")
    except (LookupError, ValueError, TypeError):
        # LookupError: unknown, or not for text. ValueError: the name has a NUL, or is not ASCII.
        return False
    return codec.name not in _NOT_A_CHARSET
