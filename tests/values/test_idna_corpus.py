"""The tests of UTS #46 (IdnaTestV2) and of the Web Platform Tests (toascii), through the host of a URL.

Browsers map a name before they encode it, and let through what IDNA 2008 does not know. We are strict, so we refuse names
that they accept; each has a reason in REFUSED. What must never be is a name that leads to two hosts: one for them, one for
us, or one that only we accept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import idna
import pytest

from borzoi._errors import InvalidURL
from borzoi._values.url import URL

DATA = Path(__file__).parent.parent / "data" / "whatwg-url"


class Case(NamedTuple):
    """A name, and the A-labels that it stands for; None if it stands for nothing."""

    name: str
    encoded: str | None


def load(*names: str) -> list[Case]:
    found = [case for name in names for case in json.loads((DATA / name).read_text("utf-8"))]
    return [Case(case["input"], case["output"]) for case in found if isinstance(case, dict)]


UTS46 = load("IdnaTestV2.json", "IdnaTestV2-removed.json")
TOASCII = load("toascii.json")
CASES = [*UTS46, *TOASCII]


# Why a name that browsers accept is none here. The first that is true of it counts.


def lowered(name: str) -> str:
    return "".join(letter.lower() for letter in name)


def is_mapped(name: str) -> bool:
    try:
        return idna.uts46_remap(name, std3_rules=False) != lowered(name)
    except idna.IDNAError:
        return False


def refusal(name: str) -> str:
    """What the package idna says of a name, or of its first A-label that it does not take."""
    try:
        idna.encode(lowered(name))
        for label in lowered(name).split("."):
            idna.ulabel(label)
    except idna.IDNAError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def says(pattern: str) -> Callable[[str], bool]:
    return lambda name: re.search(pattern, refusal(name)) is not None


REFUSED: dict[str, Callable[[str], bool]] = {
    "A name of no letters is no host.": lambda name: not name.strip("."),
    "Browsers map letters first (full width, not composed, ignorable); as in httpx, IDNA 2008 is strict.": is_mapped,
    "Joiners stand where RFC 5892, appendix A, allows them, and nowhere else.": says("^InvalidCodepointContext"),
    "Symbols, emoji and old letters are not in IDNA 2008 (RFC 5892).": says("^InvalidCodepoint:"),
    "Browsers skip the check of directions (RFC 5893) in the corpus.": says("^IDNABidiError"),
    "No name in the DNS has a longer label, or is longer.": says("too long"),
    "Labels neither begin nor end with a hyphen, nor have two in the third place (RFC 5891, 4.2.3.1).": says("hyphens?"),
    "A name that is not ASCII has no empty label.": says("Empty Label"),
    "A label does not begin with a combining mark (RFC 5891, 4.2.3.2).": says("combining"),
    "Browsers let through some labels that begin with xn-- and decode to nothing, or to what encodes otherwise.": says("A-label|Normalization"),
}  # fmt: skip
"""Sentences, and which names each is about."""


@cache
def reason(name: str) -> str | None:
    return next((why for why, applies in REFUSED.items() if applies(name)), None)


@cache
def host_of(name: str) -> str | None:
    try:
        return URL(f"http://{name}/").raw_host.decode("ascii")
    except InvalidURL:
        return None


def verdict(case: Case) -> str:
    host = host_of(case.name)
    if host is None:
        return "both refuse" if case.encoded is None else "only we refuse"
    if case.encoded is None:
        return "only we accept"
    return "both accept" if host == case.encoded else "another host"


def differences(cases: list[Case]) -> dict[str, int]:
    """The reasons why some of the cases differ, and how many each is of."""
    return dict(Counter(str(reason(case.name)) for case in cases if verdict(case) == "only we refuse"))


@pytest.mark.parametrize("cases", [UTS46, TOASCII], ids=["IdnaTestV2", "toascii"])
def test_no_name_leads_to_another_host(cases: list[Case]) -> None:
    """A name has the A-labels that it has for browsers, or none; and no name is accepted that they refuse."""
    wrong = [case for case in cases if verdict(case) in ("another host", "only we accept")]
    assert not wrong


@pytest.mark.parametrize("cases", [UTS46, TOASCII], ids=["IdnaTestV2", "toascii"])
def test_what_is_accepted_stays_what_it_is(cases: list[Case]) -> None:
    """The host of a URL is the same when its URL is read again, in A-labels or as people read it."""
    for name, _ in cases:
        host = host_of(name)
        if host is not None:
            url = URL(f"http://{name}/")
            assert host_of(host) == host_of(url.host) == host, name
            assert url._host_header == host.encode("ascii") == url._origin[1], name


@pytest.mark.parametrize("cases", [UTS46, TOASCII], ids=["IdnaTestV2", "toascii"])
def test_what_only_we_refuse_has_a_reason(cases: list[Case]) -> None:
    """Each name that browsers accept and we do not falls under one of the listed rules."""
    for case in cases:
        assert verdict(case) != "only we refuse" or reason(case.name), case


def test_every_reason_is_needed() -> None:
    """No rule is listed that explains nothing."""
    assert set(differences(CASES)) == set(REFUSED)


def test_the_counts() -> None:
    """So many cases have each verdict: a change here is a change of behaviour."""
    assert Counter(map(verdict, UTS46)) == {"both accept": 453, "both refuse": 1137, "only we refuse": 1101}
    assert Counter(map(verdict, TOASCII)) == {"both accept": 30, "both refuse": 19, "only we refuse": 38}
