"""Types that generated code names beside those of Python: strings that are validated, files, and what was not given."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

UNSET = msgspec.UNSET
"""What a parameter or a member is that was not given; None is null."""

Unset: TypeAlias = msgspec.UnsetType

# Spaces and controls by their numbers: `\s` takes twice as long to look for.
EMAIL = r"^[^@\x00-\x20\x7f-\xa0]+@[^@\x00-\x20\x7f-\xa0]+$"
URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]*$"

Email = Annotated[str, msgspec.Meta(pattern=EMAIL)]
"""An address of e-mail. Only what no address lacks is looked for: something on both sides of one "@", and no space."""

Uri = Annotated[str, msgspec.Meta(pattern=URI)]
"""A URI (RFC 3986, section 3): a scheme, a colon, and no space."""


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
