"""The tests of the setters of the Web Platform Tests, through `URL.copy_with`.

A URL of ours does not change: each setter of browsers is the keyword that replaces the same part. A setter of browsers that
does nothing is a refusal; where browsers take the beginning of a value and drop the rest, we raise. What must never be is
that both take a value, and come to two hosts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from borzoi._errors import InvalidURL
from borzoi._values.url import URL

DATA = Path(__file__).parent.parent / "data" / "whatwg-url"


class Case(NamedTuple):
    """A URL, a setter, the value for it, and what the parts are afterwards."""

    url: str
    setter: str
    value: str
    expected: dict[str, str]


def load(name: str) -> list[Case]:
    everything: dict[str, list[dict[str, Any]]] = json.loads((DATA / name).read_text("utf-8"))
    return [
        Case(case["href"], setter, case["new_value"], {k: v for k, v in case["expected"].items() if k != "href"})
        for setter, cases in everything.items()
        if setter != "comment"
        for case in cases
    ]


EVERYTHING = [*load("setters_tests.json"), *load("ada_extra_setters_tests.json")]
CASES = [case for case in EVERYTHING if case.url.startswith(("http:", "https:", "ws:", "wss:", "ftp:"))]
"""Those of URLs that lead into the network. The parts of others are kept as they are written: no request goes there."""


def with_port(url: URL, value: str) -> URL:
    # A port is an int for copy_with(port=), so its text is given with the host.
    host = url.copy_with(port=None).netloc
    return url.copy_with(netloc=host + b":" + value.encode() if value else host)


SETTERS: dict[str, Callable[[URL, str], URL]] = {
    "href": lambda url, value: URL(value),
    "protocol": lambda url, value: url.copy_with(scheme=value.removesuffix(":")),
    "username": lambda url, value: url.copy_with(username=value, password=url.password),
    "password": lambda url, value: url.copy_with(username=url.username, password=value),
    "host": lambda url, value: url.copy_with(netloc=value.encode()),
    "hostname": lambda url, value: url.copy_with(host=value),
    "port": with_port,
    "pathname": lambda url, value: url.copy_with(path=value),
    "search": lambda url, value: url.copy_with(query=value.removeprefix("?").encode() or None),
    "hash": lambda url, value: url.copy_with(fragment=value.removeprefix("#") or None),
}
"""What does here what a setter does in browsers."""


def parts_of(url: URL) -> dict[str, str]:
    """The parts as browsers name and write them."""
    username, _, password = url.userinfo.decode().partition(":")
    host = url._origin[1].decode()
    hostname = f"[{host}]" if ":" in host else host
    port = "" if url.port is None else str(url.port)
    path, _, query = url.raw_path.decode().partition("?")
    fragment = url._parts.fragment
    return {
        "protocol": f"{url.scheme}:",
        "username": username,
        "password": password,
        "host": f"{hostname}:{port}" if port else hostname,
        "hostname": hostname,
        "port": port,
        "pathname": path,
        "search": f"?{query}" if query else "",
        "hash": f"#{fragment}" if fragment else "",
    }


def outcome(case: Case) -> URL | InvalidURL:
    try:
        return SETTERS[case.setter](URL(case.url), case.value)
    except InvalidURL as error:
        return error


def verdict(case: Case) -> str:
    before, found = parts_of(URL(case.url)), outcome(case)
    is_ignored = case.expected.items() <= before.items()
    if isinstance(found, InvalidURL):
        return "both refuse" if is_ignored else "only we refuse"
    if case.expected.items() <= parts_of(found).items():
        return "the same"
    return "only we accept" if is_ignored else "another"


# What browsers do and we do not: a pattern of "verdict setter message", and why. The first that matches counts.
DIFFERENCES = {
    r"^only we refuse \w+ .*non-printable": "Browsers drop tabs and newlines and encode other controls; in a request they are an attack or a bug.",
    r"^only we refuse (host|hostname|port) .*(cannot contain '[/?#\\]+'|Invalid port: '[0-9]+[/?#\\]|'\[test/:aaa\]')": "Browsers take what is before the end of the host; a host with more behind it is a mistake or an attack.",
    r"^only we refuse (host|port) .*Invalid port": "Browsers take the digits before other letters, or keep the port that there was; a port is a number up to 65535.",
    r"^only we refuse protocol .*component 'scheme'": "Browsers take what is before the colon; a scheme is a scheme.",
    r"^only we refuse (host|hostname|href) .*Invalid IPv4": "Browsers read octal, hexadecimal and short addresses; resolvers differ.",
    r"^only we refuse (host|hostname) .*cannot contain '%'": "Browsers decode a host; nothing else in the world does, so it is refused.",
    r"^only we refuse (host|hostname) .*is not an A-label": "Browsers let through some labels that begin with xn-- and decode to nothing.",
    r"^only we refuse (host|search) .*not ASCII": "As in httpx, `netloc` and `query` are bytes, of ASCII; `host` and `params` take any text.",
    r"^only we refuse pathname .*must be empty or begin": "As in httpx, a path beside a host begins with '/'; browsers add it.",
    r"^only we refuse pathname .*component 'path'": "As in httpx, a path has no '?' or '#'; browsers encode them.",
    r"^another host ": "As in httpx, `netloc` is the host and the port: one without a port takes it away, and `host` leaves it.",
    r"^only we accept protocol ": "Browsers do not change between schemes of the network and others; nothing is sent to those anyway.",
    r"^only we accept (host|hostname) ": "No host makes a URL relative, and no request goes to one.",
}  # fmt: skip


def reason(case: Case) -> str | None:
    """Why a case differs; None if it should not."""
    said = f"{verdict(case)} {case.setter} {outcome(case)}"
    return next((why for pattern, why in DIFFERENCES.items() if re.search(pattern, said)), None)


def differences() -> dict[str, int]:
    """The reasons why cases differ, and how many each is of."""
    return dict(Counter(str(reason(case)) for case in CASES if verdict(case) not in ("the same", "both refuse")))


@pytest.mark.parametrize("case", EVERYTHING, ids=lambda case: ascii(f"{case.setter}={case.value}")[:40])
def test_every_case_gives_a_url_or_invalid_url(case: Case) -> None:
    """Whatever is set on whichever URL, nothing but a URL or InvalidURL comes of it, and the URL reads back as itself."""
    found = outcome(case)
    if isinstance(found, URL) and case in CASES:
        assert URL(str(found)) == found


def test_where_both_accept_the_host_is_one() -> None:
    """No part that browsers and we take leads to two hosts; two ports, only where a `netloc` has none."""
    for case in CASES:
        found = outcome(case)
        if isinstance(found, URL) and verdict(case) in ("the same", "another"):
            parts = parts_of(found)
            for name in ("protocol", "hostname"):
                assert case.expected.get(name, parts[name]) == parts[name], case
            assert verdict(case) == "the same" or (case.setter == "host" and parts["port"] == ""), case


def test_what_only_we_accept_is_sent_nowhere() -> None:
    """A part that browsers ignore and we take makes a URL that no request goes to."""
    for case in CASES:
        found = outcome(case)
        if isinstance(found, URL) and verdict(case) == "only we accept":
            assert found.scheme not in ("http", "https", "ws", "wss") or found.is_relative_url, case


def test_what_differs_has_a_reason() -> None:
    """Each difference falls under one of the listed rules, and each rule explains one."""
    assert set(differences()) == set(DIFFERENCES.values())


@pytest.mark.parametrize("port", [0, 1, 80, 8080, 65535])
def test_a_port_is_a_number_or_its_text(port: int) -> None:
    """`port` and the port of `netloc` mean the same."""
    url = URL("http://example.org/")
    assert url.copy_with(port=port) == with_port(url, str(port))


def test_the_counts() -> None:
    """So many cases have each verdict: a change here is a change of behaviour."""
    assert Counter(map(verdict, CASES)) == {
        "the same": 55,
        "both refuse": 36,
        "only we refuse": 62,
        "only we accept": 8,
        "another": 3,
    }
