"""What changed between two documents, and what of it breaks callers.

A change breaks when a program that was written against the old document fails with the new API, or with a client that
is generated anew: on the wire, or because a name or a type that it uses is another. What is sent may become less
strict, and what is received may become more definite; the other way round breaks.
"""

from __future__ import annotations

from .documents import compare
from .findings import Change

__all__ = ["Change", "compare"]
