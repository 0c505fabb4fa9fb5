"""Types that generated code names beside those of Python: strings that are validated, files, and what was not given."""

from __future__ import annotations

import os
import re
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

UNSET = msgspec.UNSET
"""What a parameter or a member is that was not given; None is null."""

Unset: TypeAlias = msgspec.UnsetType

# Spaces and controls by their numbers: `\s` takes twice as long to look for. `$` would let a newline follow.
EMAIL = r"^[^@\x00-\x20\x7f-\xa0]+@[^@\x00-\x20\x7f-\xa0]+\Z"
URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]*\Z"

Email = Annotated[str, msgspec.Meta(pattern=EMAIL)]
"""An address of e-mail. Only what no address lacks is looked for: something on both sides of one "@", and no space."""

Uri = Annotated[str, msgspec.Meta(pattern=URI)]
"""A URI (RFC 3986, section 3): a scheme, a colon, and no space."""

NO_EMAIL = f"Expected `str` matching regex {EMAIL!r}"
"""What msgspec says of a string that is no `Email`."""

NO_URI = f"Expected `str` matching regex {URI!r}"
"""What msgspec says of a string that is no `Uri`."""

_EMAIL = re.compile(EMAIL)
_URI = re.compile(URI)


def check_email(value: object, member: str) -> None:
    """Look at a member of a struct that is an address, where it is given. Raises ValueError.

    An `Email` takes half as long again: msgspec has `re` search, asks for that by its name, and nobody reads the match.
    """
    if isinstance(value, str):
        local, _, domain = value.partition("@")
        is_plain = local and domain and "@" not in domain and " " not in value and value.isprintable()
        # What cannot be printed may still be in an address: a space of another script may.
        if not is_plain and _EMAIL.match(value) is None:
            raise ValueError(f"{NO_EMAIL} in `.{member}`")


def check_uri(value: object, member: str) -> None:
    """Look at a member of a struct that is a URI, where it is given, as `check_email` does. Raises ValueError."""
    if isinstance(value, str):
        scheme, _, rest = value.partition(":")
        # Most schemes are letters alone, and most of what follows can be printed.
        is_plain = scheme.isalpha() and scheme.isascii() and " " not in rest and rest.isprintable()
        if not (is_plain and len(scheme) < len(value)) and _URI.match(value) is None:
            raise ValueError(f"{NO_URI} in `.{member}`")


class Upload:
    """Hold a file of a form with the name and the media type that it is sent with."""

    __slots__ = ("content", "content_type", "filename")

    def __init__(
        self, content: bytes | str | IO[bytes], filename: str | None = None, content_type: str | None = None
    ) -> None:
        self.content = content
        self.filename = filename
        self.content_type = content_type


if TYPE_CHECKING:
    File: TypeAlias = bytes | IO[bytes] | os.PathLike[str] | Upload
else:
    # Models say of a member that it is a file; msgspec need not look into what is sent and never decoded.
    File = Any
