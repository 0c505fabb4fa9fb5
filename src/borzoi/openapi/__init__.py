"""Typed clients from OpenAPI documents.

`borzoi openapi generate SPEC` is the command, `generate()` the same for programs. The work has three stages, which
know only the one before: document, plan, render. `runtime` is what generated packages import, and knows none of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .comparing import Change, compare
    from .document import Diagnostic, DocumentError
    from .generating import Generated, generate
    from .plan import Package, Selection

__all__ = ["Change", "compare", "Diagnostic", "DocumentError", "generate", "Generated", "Package", "Selection"]

_HOMES = {
    "Change": ".comparing",
    "compare": ".comparing",
    "Diagnostic": ".document",
    "DocumentError": ".document",
    "generate": ".generating",
    "Generated": ".generating",
    "Package": ".plan",
    "Selection": ".plan",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value
