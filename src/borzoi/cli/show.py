"""What the terminal shows of a message: its head, its body, a certificate, an error, with colours where it has them.

A body is shown if its media type names a kind of text, JSON indented. Of any other, its size is shown: bytes that are
no text do a terminal no good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pygments.lexers import get_lexer_for_mimetype  # type: ignore[import-untyped]  # it ships no types
from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # the same
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from .._errors import DecodingError
from .._values.headers import Headers

if TYPE_CHECKING:
    from .._messages.response import Response

THEME = "ansi_dark"
"""The colours that the terminal itself was given."""


MAX_DEPTH = 100
"""JSON that is nested deeper is not indented: 4 kB of brackets would become 16 MB of spaces."""


def show_text(console: Console, text: str, language: str) -> None:
    """Show text in the colours of its language."""
    console.print(Syntax(text, language, theme=THEME, word_wrap=True))


def show_head(console: Console, first_line: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Show the head of a message, and the empty line that ends it."""
    encoding = Headers(headers).encoding
    fields = [f"{name.decode(encoding)}: {value.decode(encoding)}" for name, value in headers]
    show_text(console, "\n".join([first_line, *fields]), "http")
    show_text(console, "", "http")


def show_body(console: Console, response: Response) -> None:
    """Show the body of a response, if there is one."""
    if not response.content:
        return
    language = language_of(response.headers.get("Content-Type", ""))
    if language is None:
        console.print(f"<{len(response.content)} bytes of binary data>")
    else:
        show_text(console, indented(response) if language == "JSON" else response.text, language)


def language_of(content_type: str) -> str | None:
    """Return the name of the language that a media type stands for, None for what is not text."""
    media_type = content_type.partition(";")[0].strip().lower()
    kind = media_type.partition("/")[0]
    # RFC 6839 3: what follows the plus names the format that this one is a case of.
    for candidate in (media_type, f"application/{media_type.rpartition('+')[2]}", f"{kind}/plain"):
        try:
            return str(get_lexer_for_mimetype(candidate).name)
        except ClassNotFound:
            continue
    return None


def indented(response: Response) -> str:
    """Return JSON on lines of its own; what is none, or is nested too deeply, as it came."""
    try:
        value = response.json()
        return response.text if is_deeper(value, MAX_DEPTH) else json.dumps(value, indent=4)
    except (ValueError, RecursionError, DecodingError):
        return response.text


def is_deeper(value: Any, depth: int) -> bool:
    """Say whether a JSON value has lists and objects in one another more than so many times."""
    outer = [value]
    for _ in range(depth):
        outer = [one for one in outer if isinstance(one, (list, dict))]
        outer = [inner for one in outer for inner in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, (list, dict)) for one in outer)


def show_certificate(console: Console, certificate: dict[str, Any]) -> None:
    """Show a certificate as `ssl` decodes it."""
    console.print("* Server certificate:")
    for name, value in certificate.items():
        if isinstance(value, (list, tuple)):
            console.print(f"*   {name}:", markup=False)
            for line in certificate_lines(name, value):
                console.print(f"*     {line}", markup=False)
        else:
            console.print(f"*   {name}: {value!r}", markup=False)


def certificate_lines(name: str, values: Sequence[Any]) -> Iterator[str]:
    """Yield a line for each part of one field of a certificate."""
    for value in values:
        if name in ("subject", "issuer"):
            # A distinguished name is a sequence of sets of pairs.
            yield from (f"{part[0]}: {part[1]!r}" for part in value)
        elif isinstance(value, tuple) and len(value) == 2:
            yield f"{value[0]}: {value[1]!r}"
        else:
            yield repr(value)


def show_error(console: Console, error: BaseException) -> None:
    """Show in one line what went wrong."""
    text = escape(" ".join(str(error).split()))
    console.print(f"[red]{type(error).__name__}[/red]: {text}", soft_wrap=True)
