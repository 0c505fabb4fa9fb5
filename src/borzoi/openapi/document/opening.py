"""Opening a document: it is read, and what it must have is looked for at once."""

from __future__ import annotations

from pathlib import Path

from .node import Document
from .sources import Sources

SUPPORTED = "This reads OpenAPI 3.0, 3.1 and 3.2, and Swagger 2.0."


def open_document(place: str | Path, *, root: str | Path | None = None, allow_remote: bool = False) -> Document:
    """Open the document in a file or at a URL.

    `root` is the folder that it may refer to: that of the file by default. Raises DocumentError.
    """
    sources = Sources(str(place), root=None if root is None else Path(root), allow_remote=allow_remote)
    return _checked(Document(sources))


def parsed_document(content: bytes, *, name: str = "openapi.json") -> Document:
    """Open a document that is at hand, say, that of an application. It may refer to nothing but itself and its
    folder.
    """
    sources = Sources(name)
    sources.remember(content)
    return _checked(Document(sources))


def _checked(document: Document) -> Document:
    root = document.root
    if not isinstance(root.value, dict):
        raise root.wrong(f"This is no OpenAPI document: it is {'empty' if root.value is None else 'not an object'}.")
    version = root.value.get("openapi")
    if not isinstance(version, (str, int, float)):
        raise root.wrong(f'This is no OpenAPI document: it has neither "openapi" nor "swagger". {SUPPORTED}')
    if not str(version).startswith(("3.0", "3.1", "3.2")):
        raise root.child("openapi").wrong(f"Version {str(version)[:20]!r} is not supported. {SUPPORTED}")
    for key, kind in (("info", dict), ("paths", dict), ("webhooks", dict), ("components", dict), ("servers", list)):
        if key in root.value and not isinstance(root.value[key], kind):
            expected = "an object" if kind is dict else "an array"
            raise root.child(key).wrong(f'"{key}" must be {expected}.')
    return document
