"""The report at the end of a mock: everything that is not as it was to be, in one text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .router import Router


def report(router: Router, leaks: list[str]) -> str | None:
    """Return the report, None where all is well."""
    unmet = [text for route in router.routes if (text := route.unmet())]
    sections = [
        (
            "requests that no route answers",
            [str(error).removeprefix("No route answers ") for error in router.unmatched],
        ),
        ("calls that did not come", unmet),
        ("calls in the wrong order", router.out_of_order()),
        ("left open", leaks),
    ]
    lines = [line for title, texts in sections if texts for line in _section(title, texts)]
    return "\n".join([f"The mock of {router.name} has ended:", *lines]) if lines else None


def _section(title: str, texts: list[str]) -> list[str]:
    indented = [text.replace("\n", "\n    ") for text in texts]
    return [f"  {title}:", *[f"    {text}" for text in indented]]
