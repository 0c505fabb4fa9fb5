"""The Link header."""

from __future__ import annotations

import pytest

from borzoi._messages.links import parse_links


@pytest.mark.parametrize(
    ("value", "links"),
    [
        ("", []),
        (" '\" ", []),
        ("<https://a/>", [{"url": "https://a/"}]),
        ('<https://a/?b=c>; rel="next"; type=x', [{"url": "https://a/?b=c", "rel": "next", "type": "x"}]),
        ("<a>; rel=next,  <b>; rel='prev'", [{"url": "a", "rel": "next"}, {"url": "b", "rel": "prev"}]),
        ("<a>; nonsense; rel=next", [{"url": "a"}]),
        ("<a>; x=1; a=b=c; rel=next", [{"url": "a", "x": "1"}]),
        ("<a>;", [{"url": "a"}]),
    ],
)
def test_links(value: str, links: list[dict[str, str]]) -> None:
    """Each link has its target and the parameters up to the first that makes no sense."""
    assert parse_links(value) == links
