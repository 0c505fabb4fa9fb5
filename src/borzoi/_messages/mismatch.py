"""What is said of JSON that does not fit a type: where, what was expected, and of which type the data was instead."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, TypeAlias

Converter: TypeAlias = Callable[[Any], Any]
"""What makes an object from what `json.loads` gives, or raises Mismatch."""

_JSON_NAMES = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "array",
    dict: "object",
}


class Mismatch(Exception):
    """A value does not fit. `path` is where, from the inside out."""

    def __init__(self, expected: str, value: Any) -> None:
        super().__init__()
        self.reason = f"expected {expected}, got {_JSON_NAMES.get(type(value), type(value).__name__)}"
        self.path: list[str] = []

    @classmethod
    def because(cls, reason: str) -> Mismatch:
        """Make one that gives a reason of its own."""
        mismatch = cls("", None)
        mismatch.reason = reason
        return mismatch

    def at(self, place: str) -> Mismatch:
        """Say where the value was found."""
        self.path.append(place)
        return self

    def __str__(self) -> str:
        return f"${''.join(reversed(self.path))}: {self.reason}"


def type_name(tp: Any) -> str:
    """Return how a type is shown."""
    return tp.__name__ if isinstance(tp, type) and not typing.get_args(tp) else str(tp).replace("typing.", "")
