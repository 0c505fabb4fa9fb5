"""The name of the file that a response is: chosen by the server, made harmless.

RFC 6266 says where the name is found. What comes out is one part of a path, valid on every system: no separator, no
control or direction character, no leading dot, no name of a device, at most 255 bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from .response import Response

MAX_BYTES = 255
"""The longest name that common file systems take, in UTF-8."""

FALLBACK = "download"
"""The name of what has none."""

MAX_FIELD = 4096
"""Characters of a Content-Disposition that are looked at."""

_PARAMETER = re.compile(
    r""";\s*(?P<name>[\w!#$&+.^`|~-]+\*?)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^;\s]*))"""
)
_EXTENDED = re.compile(r"(?P<charset>[\w-]+)'[^']*'(?P<value>.*)", re.ASCII)

# NTFS has meanings for them, and shells have others.
_RESERVED = re.compile(r'[<>:"|?*]')

# Controls, and the marks that reverse the direction of writing: "gpj.exe" would be shown as "exe.jpg".
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])\s*(?:\..*)?", re.IGNORECASE
)


def filename_of(response: Response) -> str:
    """Return the name for the body of a response: from its Content-Disposition, else from its URL."""
    named = disposition_filename(response.headers.get("content-disposition", ""))
    if named is None and response._request is not None:
        # Decoded after splitting: an escaped separator is part of the name, and made harmless below.
        last = response.url.raw_path.partition(b"?")[0].rpartition(b"/")[2]
        named = unquote_to_bytes(last).decode("utf-8", "replace")
    return harmless(named or "")


def disposition_filename(value: str) -> str | None:
    """Return the name that a Content-Disposition gives, or None."""
    found: dict[str, str] = {}
    for parameter in _PARAMETER.finditer(value[:MAX_FIELD]):
        quoted = parameter["quoted"]
        text = parameter["token"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found.setdefault(parameter["name"].lower(), text)

    # RFC 6266 4.3: where both are there, and the extended form can be read, it counts.
    extended = _EXTENDED.fullmatch(found.get("filename*", ""))
    if extended is not None:
        try:
            return unquote_to_bytes(extended["value"]).decode(extended["charset"])
        except (LookupError, UnicodeDecodeError):
            pass
    return found.get("filename")


def harmless(name: str) -> str:
    """Return a name that is one part of a path on every system, and hides nothing."""
    name = re.split(r"[/\\]", name)[-1]
    name = _RESERVED.sub("_", _INVISIBLE.sub("", name))
    # Windows drops dots and spaces at the end, so what looks new may be an old file.
    name = name.strip().lstrip(".").strip(". ")
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    return shortened(name) or FALLBACK


def shortened(name: str) -> str:
    """Return a name of at most 255 bytes, its extension kept where it is one."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 16:
        stem, dot, extension = name, "", ""
    room = MAX_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + dot + extension
