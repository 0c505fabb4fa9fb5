"""Text of Python: literals, docstrings, and lists in brackets broken as `ruff format` breaks them.

Every string of a document that reaches code goes through `literal`, or through `docstring` or `comment`. What else is
written are names, which are identifiers by construction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

WIDTH = 120

_PLAIN = re.compile(r"[A-Za-z0-9 _./{}:,;+*#-]*")


def literal(value: str | bool | float | None) -> str:
    """Return the source of a value, in printable ASCII but for letters, in the quotes that need fewer escapes."""
    if not isinstance(value, str):
        return repr(value)
    if _PLAIN.fullmatch(value):
        return f'"{value}"'
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join([_escaped(char, quote) for char in value]) + quote


def _escaped(char: str, quote: str) -> str:
    if char in ("\\", quote):
        return "\\" + char
    if char == " " or char.isalnum() or (char.isascii() and char.isprintable()):
        return char
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or _numbered(ord(char))


def _numbered(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def prose(text: str, *, limit: int = 0) -> str:
    """Return a text on one line, cut at the end of a sentence where it is too long."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = " ".join("".join(map(_printable, line)).split())
    if not limit or len(line) <= limit:
        return line
    end = line.rfind(". ", 0, limit)
    return line[: end + 1] if end > 20 else line[: line.rfind(" ", 0, limit) if " " in line[:limit] else limit] + " ..."


def _printable(char: str) -> str:
    return char if char.isprintable() else " "


class Prose(str):
    """A line of a docstring, in which names mean nothing."""

    __slots__ = ()


def docstring(text: str, indent: int, *, limit: int = 0) -> list[str]:
    """Return the lines of a docstring; none for no text."""
    # No quotes that could end it, and no backslash that could escape one; no quote of the text touches its own.
    line = prose(text, limit=limit) if text else ""
    if not line:
        return []
    line = line.replace("\\", "\\\\").replace('"""', "'''")
    pad = " " * indent
    line = (" " if line[0] == '"' else "") + line
    end = " " if line[-1] == '"' else ""
    whole = f'{pad}"""{line}{end}"""'
    if len(whole) <= WIDTH:
        return [Prose(whole)]
    # Narrower than the line, so that what does not fit with its quotes has two lines.
    first, *rest = filled(line, WIDTH - indent - 8)
    if not rest:
        return [Prose(whole)]
    return [Prose(f'{pad}"""{first}'), *[Prose(f"{pad}{each}") for each in rest], Prose(f'{pad}"""')]


def filled(line: str, width: int) -> list[str]:
    """Break a text at its spaces into lines of a width; a longer word has a line of its own."""
    lines: list[str] = []
    start = 0
    while len(line) - start > width:
        end = line.rfind(" ", start + 1, start + width + 1)
        end = end if end > start else line.find(" ", start + width)
        if end < 0:
            break
        lines.append(line[start:end])
        start = end + 1
    return [*lines, line[start:]]


class Group(Struct, frozen=True):
    """A list in brackets, with what stands before and after it."""

    before: str
    items: Sequence[Expression]
    after: str
    is_literal: bool = False
    """A list, a dict or a tuple: broken one to a line. What is called may have its arguments on one line of their
    own.
    """

    @property
    def flat(self) -> str:
        """The text on one line."""
        inner = ", ".join([each if isinstance(each, str) else each.flat for each in self.items])
        if self.is_literal and self.before.endswith("(") and len(self.items) == 1:
            inner += ","
        return self.before + inner + self.after


Expression = str | Group


def lines_of(expression: Expression, indent: int, tail: int = 0) -> list[str]:
    """Lay out an expression; `tail` is the length of what follows it on its last line."""
    pad = " " * indent
    flat = expression if isinstance(expression, str) else expression.flat
    if indent + len(flat) + tail <= WIDTH:
        return [pad + flat]
    if isinstance(expression, str):
        return alternatives(flat, pad)
    if not expression.items:
        return _broken_result(expression, pad)
    inner = [each if isinstance(each, str) else each.flat for each in expression.items]
    hugged = ", ".join(inner)
    # A single parameter of a definition gets a comma; a single argument of a call does not.
    is_single = len(inner) == 1 and expression.before.startswith("def ")
    last = _last_line(expression, pad)
    if not (expression.is_literal or is_single) and indent + 4 + len(hugged) <= WIDTH:
        return [pad + expression.before, f"{pad}    {hugged}", *last]
    result = [pad + expression.before]
    for each in expression.items:
        laid = lines_of(each, indent + 4, 1)
        # What follows a bare star or slash in a signature is a comma, too.
        result += [*laid[:-1], laid[-1] + ","]
    return [*result, *last]


def _last_line(expression: Group, pad: str) -> list[str]:
    """Break what a definition returns where it has no room behind the arguments."""
    line = pad + expression.after
    if len(line) <= WIDTH or not expression.before.startswith("def ") or "[" not in line:
        return [line]
    before, _, rest = line.partition("[")
    inner, _, after = rest.rpartition("]")
    if len(pad) + 4 + len(inner) <= WIDTH:
        return [f"{before}[", f"{pad}    {inner}", f"{pad}]{after}"]
    return [f"{before}[", *[f"{pad}    {each}," for each in _elements(inner)], f"{pad}]{after}"]


def _elements(text: str) -> list[str]:
    """Split what stands in brackets at its own commas."""
    pieces = [""]
    depth = 0
    for part in text.split(", "):
        pieces[-1] += part
        depth += part.count("[") - part.count("]")
        if depth == 0:
            pieces.append("")
        else:
            pieces[-1] += ", "
    return pieces[:-1]


def alternatives(text: str, pad: str) -> list[str]:
    """Break a parameter where its type has alternatives."""
    pieces = [""]
    depth = 0
    for part in text.split(" | "):
        if depth or not pieces[0]:
            pieces[-1] += part if not pieces[-1] else f" | {part}"
        else:
            pieces.append(part)
        depth += part.count("[") - part.count("]")
    first, *rest = pieces
    return [pad + first, *[f"{pad}| {each}" for each in rest]]


def _broken_result(expression: Group, pad: str) -> list[str]:
    """Break a definition without parameters in the brackets of what it returns."""
    before, bracket, inner = (expression.before + expression.after).partition("[")
    if not expression.before.startswith("def ") or not bracket:
        return [pad + expression.flat]
    return [f"{pad}{before}[", f"{pad}    {inner.removesuffix(']:')}", f"{pad}]:"]
