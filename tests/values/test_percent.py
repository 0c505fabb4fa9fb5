"""Percent-encoding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._values.percent import percent_decode, percent_encode


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("abc", "abc"),
        ("a b", "a%20b"),
        ("ü", "%C3%BC"),
        ("😀/", "%F0%9F%98%80%2F"),
        ("%41", "%2541"),
        ("\n", "%0A"),
    ],
)
def test_characters_that_are_not_safe_are_encoded(text: str, encoded: str) -> None:
    """Each character outside of the safe ones becomes the triplets of its UTF-8 bytes, in upper case."""
    assert percent_encode(text, "a-z0-9") == encoded


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("", ""),
        ("a+b", "a+b"),
        ("%41%62", "Ab"),
        ("%c3%BC", "ü"),
        ("ü%C3%BC", "üü"),
        ("%", "%"),
        ("%zz%4", "%zz%4"),
        ("100%25", "100%"),
        ("%ff", "\N{REPLACEMENT CHARACTER}"),
        ("%C3x", "\N{REPLACEMENT CHARACTER}x"),
    ],
)
def test_triplets_are_decoded(text: str, decoded: str) -> None:
    """Triplets become characters; what is no triplet stays, and what is no UTF-8 becomes U+FFFD."""
    assert percent_decode(text) == decoded


def test_half_a_surrogate_pair_decodes_to_something() -> None:
    """Text that UTF-8 cannot hold does not make decoding fail."""
    assert percent_decode("\ud800%41").endswith("A")


@given(st.text())
def test_decoding_undoes_encoding(text: str) -> None:
    """What was encoded with "%" unsafe is decoded to the same text."""
    assert percent_decode(percent_encode(text, "A-Za-z0-9")) == text
