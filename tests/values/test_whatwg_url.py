"""The URL tests of the Web Platform Tests, as far as an HTTP client meets them.

Browsers repair much that we refuse. What counts is that a URL which both accept names one host for both.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from borzoi._errors import InvalidURL
from borzoi._values.url import URL

DATA = Path(__file__).parent.parent / "data" / "whatwg-url"


def is_http(text: str | None) -> bool:
    return text is not None and text.lower().lstrip("\0\t\n\r ").startswith(("http:", "https:"))


def load(name: str) -> list[dict[str, Any]]:
    cases = json.loads((DATA / name).read_text("utf-8"))
    return [case for case in cases if isinstance(case, dict)]


EVERYTHING = [*load("urltestdata.json"), *load("ada_extra_urltestdata.json")]


def applies(case: dict[str, Any]) -> bool:
    """Whether a case is of a URL or a reference that leads to http or https, or that should lead nowhere."""
    base = case.get("base")
    if case.get("failure"):
        return is_http(base) or (base is None and is_http(case["input"]))
    return (base is None or is_http(base)) and is_http(case["href"])


CASES = [case for case in EVERYTHING if applies(case)]


# What browsers accept and we refuse: a pattern of our message, and why.
REFUSED = {
    r"non-printable ASCII": "Browsers drop tabs and newlines and encode other controls; in a request they are an attack or a bug.",
    r"a '\\' before the path": "Browsers read a backslash as a slash, other programs do not: the host would depend on who reads.",
    r"path starting with '[/\\]{2,4}'": "The same for a backslash where a host may begin.",
    r"no host after '//'": "RFC 9110 section 4.2.1 has http URLs without a host refused; browsers skip the extra slashes.",
    r"path starting with ':'": "As in httpx; a first segment with a colon is malformed by RFC 3986 section 4.2.",
    r"four decimal numbers|Invalid IPv4 address: '0+(177)?\.": "Browsers read octal, hexadecimal and short addresses; resolvers differ.",
    r"cannot contain '%'": "Browsers decode a host; nothing else in the world does, so it is refused.",
    r"IDNA hostname: '(GOO|Ｇ|０)": "Browsers map compatibility letters first (UTS #46); as in httpx, IDNA 2008 is strict.",
    r"is not an A-label": "Browsers let through some labels that begin with xn-- and decode to nothing.",
}

# What we accept and browsers refuse.
ACCEPTED = {
    r"^http://([a-z0-9]+\.)*\.?(foo\.[0-9.x]*|0\.\.0x300)[0-9a-fx.]*/?$": "No program reads it as an address: it is a name that ends in a number.",
    r"^http://\[::%31\]$": "An IPv6 address may have a zone (RFC 6874).",
}


def outcome(case: dict[str, Any]) -> URL | InvalidURL:
    base, text = case.get("base"), case["input"]
    try:
        return URL(text) if base is None else URL(base).join(text)
    except InvalidURL as error:
        return error


def hostname(url: URL) -> str:
    host = url._origin[1].decode("ascii")
    return f"[{host}]" if ":" in host else host


def verdict(case: dict[str, Any]) -> str:
    found = outcome(case)
    if isinstance(found, InvalidURL) or not found.is_absolute_url:
        return "both refuse" if case.get("failure") else "only we refuse"
    return "only we accept" if case.get("failure") else "both accept"


@pytest.mark.parametrize("case", EVERYTHING, ids=lambda case: ascii(case["input"])[:40])
def test_every_case_gives_a_url_or_invalid_url(case: dict[str, Any]) -> None:
    """Whatever the scheme and the base, nothing but a URL or InvalidURL comes of a text."""
    texts = [case["input"], case.get("base") or "", case.get("href") or ""]
    for text in texts:
        try:
            url = URL(text)
        except InvalidURL:
            continue
        assert URL(str(url)) == url
        assert isinstance(url.host + url.path + url.username + url.password + url.fragment, str)


def test_where_both_accept_the_host_is_one() -> None:
    """No URL that browsers and we accept leads to two hosts, ports or schemes."""
    for case in CASES:
        if verdict(case) != "both accept":
            continue
        url = outcome(case)
        assert isinstance(url, URL)
        port = "" if url.port is None else str(url.port)
        assert (f"{url.scheme}:", hostname(url), port) == (case["protocol"], case["hostname"], case["port"]), case[
            "input"
        ]


def test_what_only_we_refuse_has_a_reason() -> None:
    """Each URL that browsers accept and we do not falls under one of the listed rules."""
    used = set()
    for case in CASES:
        if verdict(case) != "only we refuse":
            continue
        found = outcome(case)
        if isinstance(found, URL):
            # "http:host" and "http:/host": a path on the base's host where the schemes are one, and else no host at all.
            assert re.match(r"https?:/?[^/]", case["input"]), case["input"]
            assert found.raw_host == b""
            continue
        reasons = [pattern for pattern in REFUSED if re.search(pattern, str(found))]
        assert reasons, (case["input"], str(found))
        used.update(reasons)
    assert used == set(REFUSED)


def test_what_only_we_accept_has_a_reason() -> None:
    """Each URL that we accept and browsers do not falls under one of the listed rules."""
    used = set()
    for case in CASES:
        if verdict(case) == "only we accept":
            reasons = [pattern for pattern in ACCEPTED if re.search(pattern, case["input"].lower())]
            assert reasons, case["input"]
            used.update(reasons)
    assert used == set(ACCEPTED)


def test_the_counts() -> None:
    """So many cases apply, and so many of them have each verdict: a change here is a change of behaviour."""
    assert Counter(map(verdict, CASES)) == {
        "both accept": 173,
        "both refuse": 187,
        "only we refuse": 75,
        "only we accept": 13,
    }
