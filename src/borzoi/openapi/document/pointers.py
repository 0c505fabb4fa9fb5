"""JSON pointers (RFC 6901): what one names, what is around it, and those of all objects of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MISSING: Any = object()
"""What a pointer names that leads to nothing."""


def escape(key: str) -> str:
    """Write a key as a part of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def unescape(part: str) -> str:
    """Read a part of a JSON pointer."""
    return part.replace("~1", "/").replace("~0", "~")


def at(value: Any, pointer: str) -> Any:
    """Return what a pointer names in a value; MISSING where there is nothing."""
    for part in pointer.split("/")[1:]:
        key = unescape(part)
        if isinstance(value, dict):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def around(pointer: str) -> Iterator[str]:
    """Yield a place and all that are around it, the nearest first."""
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]
    yield ""


def objects(root: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all objects of a file in its order, with their pointers."""
    stack: list[tuple[Any, str]] = [(root, "")]
    while stack:
        found, pointer = stack.pop()
        if isinstance(found, dict):
            yield pointer, found
            stack += [(child, f"{pointer}/{escape(key)}") for key, child in reversed(found.items())]
        elif isinstance(found, list):
            stack += [(child, f"{pointer}/{index}") for index, child in reversed([*enumerate(found)])]
