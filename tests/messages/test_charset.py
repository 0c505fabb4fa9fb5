"""Charsets: what a Content-Type names, and what can decode text."""

from __future__ import annotations

import pytest

from borzoi._messages.charset import charset_of, is_charset


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/html", None),
        ("text/html; charset=UTF-8", "utf-8"),
        ("text/html;CHARSET=latin-1", "latin-1"),
        ('text/html; charset="utf-8"', "utf-8"),
        ('text/html; charset="a\\"b"', 'a"b'),
        ("text/html; charset=", ""),
        ("text/html; charset = utf-8 ; q=1", "utf-8"),
        ('text/html; title="x; charset=a"; charset=b', "b"),
        ("text/html; charset=a; charset=b", "a"),
        ("text/html; xcharset=a", None),
        ('text/html; charset="', '"'),
        ("", None),
    ],
)
def test_the_charset_of_a_content_type(content_type: str, charset: str | None) -> None:
    """The first charset parameter counts, in lower case and without its quotes."""
    assert charset_of(content_type) == charset


def test_hostile_content_types_are_read_in_linear_time() -> None:
    """A parameter list that never ends is given up on at once."""
    assert charset_of("text/html" + ';a="' * 100_000) is None
    assert charset_of("text/html;" + " " * 1_000_000) is None


@pytest.mark.parametrize("name", ["utf-8", "UTF-8", "latin-1", "shift_jis", "utf-16", "utf-7", "cp1252"])
def test_charsets(name: str) -> None:
    """What decodes text is a charset."""
    assert is_charset(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "nonsense", "rot13", "hex", "zlib", "base64", "idna", "punycode", "undefined", "unicode_escape"),
        *("raw_unicode_escape", "utf-8\0", "\udcff", "..", "é"),
    ],
)
def test_what_is_no_charset(name: str) -> None:
    """Unknown codecs, codecs of bytes, and those that know no replacement are not charsets."""
    assert not is_charset(name)
