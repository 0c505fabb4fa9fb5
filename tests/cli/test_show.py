"""What the terminal shows: colours where it has them, text as it is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from borzoi import Response
from borzoi.cli.show import MAX_DEPTH, indented, language_of, show_error, show_text


@pytest.mark.parametrize(
    ("media_type", "language"),
    [
        ("application/json", "JSON"),
        ("Application/JSON ; charset=utf-8", "JSON"),
        ("application/problem+json", "JSON"),
        ("application/hal+xml", "XML"),
        ("text/html", "HTML"),
        ("text/plain", "Text only"),
        ("text/event-stream", "Text only"),
        ("image/svg+xml", "XML"),
        ("application/octet-stream", None),
        ("application/x+y", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_languages(media_type: str, language: str | None) -> None:
    """A media type names a language: itself, by its suffix (RFC 6839), or as some kind of text."""
    assert language_of(media_type) == language


def test_colours_are_for_terminals() -> None:
    """Text has colours on a terminal, and none anywhere else."""
    for is_terminal in (True, False):
        paper = io.StringIO()
        console = Console(file=paper, force_terminal=is_terminal, color_system="standard" if is_terminal else None)
        show_text(console, '{"a": 1}', "JSON")
        assert ("\x1b[" in paper.getvalue()) is is_terminal


def test_an_error_is_one_line() -> None:
    """An error is one line, however long, and brackets in it are no markup."""
    paper = io.StringIO()
    show_error(Console(file=paper, width=20), ValueError("[red]that\n  is wrong, all of it, from the start"))

    assert paper.getvalue() == "ValueError: [red]that is wrong, all of it, from the start\n"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_is_indented_to_some_depth(opening: str, closing: str) -> None:
    """What is nested deeper is shown as it came: indented, it would be as many times longer as it is deep."""
    for depth, is_indented in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False), (2000, False)):
        text = opening * depth + ("" if opening == "[" else "1") + closing * depth
        assert ("\n" in indented(Response(200, content=text.encode()))) is is_indented
