"""The document of a code-first API: an application that makes one is asked for it."""

from __future__ import annotations

import sys
from importlib import import_module

from .document import Document, DocumentError, parsed_document


def document_of(place: str) -> Document:
    """Return the document of an application, as `module:name`: what its `openapi()` returns, as FastAPI's has."""
    module, colon, name = place.partition(":")
    if not colon:
        raise DocumentError(f"--app {place!r}: write it as MODULE:NAME.")
    if "" not in sys.path:
        # The program is installed; the application is where its user stands.
        sys.path.insert(0, "")
    try:
        app = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DocumentError(f"--app {place!r}: {error}.") from None
    make = getattr(app, "openapi", None)
    if not callable(make):
        raise DocumentError(f"--app {place!r}: it has no method openapi() that makes a document.")
    import msgspec

    return parsed_document(msgspec.json.encode(make()), name=f"{name}.json")
