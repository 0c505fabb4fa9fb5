"""URLs as they are shown in reprs, in the texts of exceptions, and in logs."""

from __future__ import annotations

import pytest

from borzoi._values.redaction import in_log, in_message, in_repr
from borzoi._values.url import URL

CASES = [
    # URL, in a repr, in a message, in a log
    ("https://h.example/a?b=c#d", "https://h.example/a?b=c#d", "https://h.example/a?b=c#d", "https://h.example/a?b=[secure]"),
    ("https://u:S@h.example/", "https://u:[secure]@h.example/", "https://h.example/", "https://h.example/"),
    ("https://S@h.example/", "https://[secure]@h.example/", "https://h.example/", "https://h.example/"),
    ("https://S:@h.example/", "https://[secure]@h.example/", "https://h.example/", "https://h.example/"),
    ("http://[::1]:81/?token=S", "http://[::1]:81/?token=[secure]", "http://[::1]:81/?token=[secure]", "http://[::1]:81/?token=[secure]"),
    ("https://h/?token=", "https://h/?token=", "https://h/?token=", "https://h/?token="),
    ("https://h/?S", "https://h/?S", "https://h/?S", "https://h/?[secure]"),
    ("https://h/?", "https://h/?", "https://h/?", "https://h/?"),
    ("https://h/#access_token=S&x=1", "https://h/#access_token=[secure]&x=1", "https://h/#access_token=[secure]&x=1", "https://h/"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "shown", "named", "logged"), CASES)
def test_three_ways_to_show_a_url(url: str, shown: str, named: str, logged: str) -> None:
    """A repr keeps a user's name, a message no userinfo, a log no values and no fragment."""
    parts = URL(url)._parts
    assert in_repr(parts).unsplit() == shown
    assert repr(URL(url)) == f"URL({shown!r})"
    assert in_message(url) == named
    assert in_log(parts).unsplit() == logged


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "accessToken", "AccessToken", "api_key", "api-key", "apikey", "API%5FKEY", "X-Amz-Signature", "X-Amz-Credential", "sig", "client_secret", "code", "PASSWORD", "sessionid", "private%20key"],
)  # fmt: skip
def test_telling_names(name: str) -> None:
    """Parameters whose names, or words of them, tell of a secret are hidden in reprs."""
    assert in_message(f"https://h/?a=1&{name}=S&b=2") == f"https://h/?a=1&{name}=[secure]&b=2"


@pytest.mark.parametrize("name", ["q", "keyword", "monkey", "page_size", "author", "tokenize", "encoding", ""])
def test_other_names(name: str) -> None:
    """Other parameters stay as they are."""
    assert in_message(f"https://h/?{name}=S") == f"https://h/?{name}=S"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("/relative?q=1", "/relative?q=1"),
        ("/relative?token=S", "/relative?token=[secure]"),
        ("https://H.example:443", "https://H.example:443"),
        ("https://u:S@h .example/p?token=S#S", "https://h .example/p"),
        ("//u:S@h:bad/", "//h:bad/"),
    ],
)
def test_what_was_meant_to_be_a_url(text: str, named: str) -> None:
    """A Location stays as it was written where nothing is hidden; what is no URL loses its userinfo and query."""
    assert in_message(text) == named
