"""A text that a regular expression matches: the shortest that its parts make, longer where it has to be."""

from __future__ import annotations

import re
from typing import Any

_SAMPLES = "a0A-_ ./:@,x"
_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}


def matching(pattern: str, least: int = 0, most: int | None = None) -> str:
    """Return a text for a pattern; it is wrong for patterns that look around or refer back."""
    try:
        parsed: Any = re._parser.parse(pattern)  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError):
        return "a" * least
    text = ""
    # Repetitions take more until the text is long enough, and no more than it may have.
    for more in (0, 1, least, least * 2):
        text = _sequence(parsed, more)
        if len(text) >= least:
            break
    if len(text) < least:
        text = text.ljust(least, text[-1:] or "a")
    return text if most is None or len(text) <= most else text[:most]


def _sequence(parts: Any, more: int) -> str:
    return "".join(_made(operator, argument, more) for operator, argument in parts)


def _made(operator: Any, argument: Any, more: int) -> str:
    name = str(operator)
    if name == "LITERAL":
        return chr(argument)
    if name == "NOT_LITERAL":
        return "a" if argument != ord("a") else "b"
    if name == "ANY":
        return "a"
    if name == "IN":
        return _one_of(argument)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, inner = argument
        return _sequence(inner, more) * min(max(int(low), more), int(high))
    if name == "SUBPATTERN":
        return _sequence(argument[-1], more)
    if name == "ATOMIC_GROUP":
        return _sequence(argument, more)
    if name == "BRANCH":
        return _sequence(argument[1][0], more)
    return ""


def _one_of(alternatives: Any) -> str:
    if str(alternatives[0][0]) == "NEGATE":
        excluded = list(alternatives[1:])
        return next((char for char in _SAMPLES if not any(_holds(each, char) for each in excluded)), "a")
    operator, argument = alternatives[0]
    if str(operator) == "LITERAL":
        return chr(argument)
    if str(operator) == "RANGE":
        return chr(argument[0])
    return _CATEGORIES.get(str(argument), "a")


def _holds(alternative: Any, char: str) -> bool:
    operator, argument = alternative
    if str(operator) == "LITERAL":
        return ord(char) == int(argument)
    if str(operator) == "RANGE":
        return bool(argument[0] <= ord(char) <= argument[1])
    classes = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}
    return re.match(classes.get(str(argument), r"\b\B"), char) is not None
