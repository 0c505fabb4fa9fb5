"""The line on which a part of a text begins: looked for when something is wrong there, and not before."""

from __future__ import annotations

import re
from typing import Any

from .pointers import unescape


def line_of(content: bytes, pointer: str) -> int | None:
    """Return the line on which what a JSON pointer names begins, or as much of it as there is."""
    steps = [unescape(part) for part in pointer.split("/")[1:]]
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        # Tabs and halves of characters are fine in JSON alone, and most of it is passed over at once.
        try:
            return _line_in_json(content.decode("utf-8-sig"), steps)
        except (ValueError, RecursionError):
            pass
    return _line_in_yaml(content, steps)


_BLANK = re.compile(r"[ \t\r\n]*")


def _line_in_json(text: str, steps: list[str]) -> int:
    place = _after_blanks(text, 0)
    line_at = place
    for step in steps:
        found = _member(text, place, step) if text[place] == "{" else _element(text, place, step)
        if found is None:
            break
        line_at, place = found
    return text.count("\n", 0, line_at) + 1


def _member(text: str, place: int, key: str) -> tuple[int, int] | None:
    """Return where the name of a member begins, and its value, in the object that begins at a place."""
    found: tuple[int, int] | None = None
    at = _after_blanks(text, place + 1)
    while text[at] == '"':
        name, end = _value(text, at)
        value = _after_blanks(text, _after_blanks(text, end) + 1)
        # Of several the last one counts.
        found = (at, value) if name == key else found
        at = _after_blanks(text, _value(text, value)[1])
        at = _after_blanks(text, at + 1) if text[at] == "," else at
    if text[at] != "}":
        raise ValueError("an object ends")
    return found


def _element(text: str, place: int, index: str) -> tuple[int, int] | None:
    if text[place] != "[" or not index.isdecimal():
        return None
    at = _after_blanks(text, place + 1)
    for _ in range(int(index)):
        at = _after_blanks(text, _value(text, at)[1])
        if text[at] != ",":
            return None
        at = _after_blanks(text, at + 1)
    return at, at


def _value(text: str, place: int) -> tuple[Any, int]:
    from json import JSONDecoder

    return JSONDecoder().raw_decode(text, place)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    end = place if found is None else found.end()
    if end >= len(text):
        raise ValueError("the text ends")
    return end


def _line_in_yaml(content: bytes, steps: list[str]) -> int | None:
    import yaml

    try:
        node = yaml.compose(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    line: int = node.start_mark.line + 1 if node is not None else 1
    for step in steps:
        found = _child(node, step)
        if found is None:
            return line
        line, node = found
    return line


def _child(node: Any, key: str) -> tuple[int, Any] | None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
        item = node.value[int(key)]
        return item.start_mark.line + 1, item
    return None
