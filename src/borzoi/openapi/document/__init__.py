"""Reading documents: files and URLs into nodes that know where they stand, in one version of OpenAPI.

    document = open_document("api.yaml")
    document.root["info"]["title"].value

A document is untrusted. What it refers to is read only below the folder of its first file, or from the server it came
from, and size, depth and aliases are bounded. Whatever is wrong is a DocumentError that names file, line and pointer.
"""

from __future__ import annotations

from .diagnostics import Diagnostic, DocumentError
from .node import Document, Node
from .opening import open_document, parsed_document

__all__ = ["Diagnostic", "Document", "DocumentError", "Node", "open_document", "parsed_document"]
