"""Status codes: names, numbers, phrases and classes."""

from __future__ import annotations

import pytest

from borzoi._values.status import codes

CLASSES = ["informational", "success", "redirect", "client_error", "server_error"]


@pytest.mark.parametrize(
    ("name", "number", "phrase"),
    [
        ("CONTINUE", 100, "Continue"),
        ("EARLY_HINTS", 103, "Early Hints"),
        ("OK", 200, "OK"),
        ("IM_USED", 226, "IM Used"),
        ("PERMANENT_REDIRECT", 308, "Permanent Redirect"),
        ("NOT_FOUND", 404, "Not Found"),
        ("REQUEST_ENTITY_TOO_LARGE", 413, "Request Entity Too Large"),
        ("IM_A_TEAPOT", 418, "I'm a teapot"),
        ("UNAVAILABLE_FOR_LEGAL_REASONS", 451, "Unavailable For Legal Reasons"),
        ("NETWORK_AUTHENTICATION_REQUIRED", 511, "Network Authentication Required"),
    ],
)
def test_a_code_has_name_number_and_phrase(name: str, number: int, phrase: str) -> None:
    """A member equals its number, prints as it, and knows its phrase."""
    code = codes[name]
    assert code == number
    assert str(code) == str(number)
    assert code.phrase == phrase
    assert codes(number) is code
    assert codes.get_reason_phrase(number) == phrase


def test_lower_case_names_are_plain_numbers() -> None:
    """Each name in lower case is the number itself, not a member."""
    for name, code in codes.__members__.items():
        number = getattr(codes, name.lower())
        assert type(number) is int
        assert number == code


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("CONTENT_TOO_LARGE", "REQUEST_ENTITY_TOO_LARGE"),
        ("URI_TOO_LONG", "REQUEST_URI_TOO_LONG"),
        ("RANGE_NOT_SATISFIABLE", "REQUESTED_RANGE_NOT_SATISFIABLE"),
        ("UNPROCESSABLE_CONTENT", "UNPROCESSABLE_ENTITY"),
    ],
)
def test_the_names_of_rfc_9110_are_the_same_members(new: str, old: str) -> None:
    """A code that RFC 9110 renamed answers to both names, in both cases."""
    assert codes[new] is codes[old]
    assert getattr(codes, new.lower()) == getattr(codes, old.lower())


def test_all_codes_are_listed_once() -> None:
    """Aliases add no members: there are 62 codes."""
    assert len(codes) == len({int(code) for code in codes}) == 62


@pytest.mark.parametrize("number", [0, 99, 299, 418418, 600])
def test_a_code_without_a_name_has_an_empty_phrase(number: int) -> None:
    """A number that no RFC names has the phrase ""."""
    assert codes.get_reason_phrase(number) == ""


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (99, None),
        (100, "informational"),
        (199, "informational"),
        (200, "success"),
        (299, "success"),
        (300, "redirect"),
        (399, "redirect"),
        (400, "client_error"),
        (499, "client_error"),
        (500, "server_error"),
        (599, "server_error"),
        (600, None),
    ],
)
def test_a_code_is_in_one_class(number: int, expected: str | None) -> None:
    """A number belongs to the class of its first digit, known or not, and 4xx and 5xx are errors."""
    found = [name for name in CLASSES if getattr(codes, f"is_{name}")(number)]
    assert found == ([] if expected is None else [expected])
    assert codes.is_error(number) == (expected in ("client_error", "server_error"))
