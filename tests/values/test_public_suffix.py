"""The public suffix list against its own checks, and the names that are no domains."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import pytest

from borzoi._values import public_suffix
from borzoi._values.public_suffix import canonical_domain, is_ip_literal, is_public_suffix, registrable_domain

DATA = Path(__file__).parent.parent / "data/psl/tests.txt"
CHECKS = [
    line.split() for line in DATA.read_text("utf-8").splitlines() if line.strip() and not line.strip().startswith("//")
]


@pytest.mark.parametrize(("host", "expected"), CHECKS)
def test_list_checks(host: str, expected: str) -> None:
    """The registrable domain is the one that the list's own checks give, whichever way it is written."""
    wanted = None if expected == "null" else canonical_domain(expected)
    assert registrable_domain("" if host == "null" else host) == wanted


def test_checks_are_there() -> None:
    """The checks were read, all of them."""
    assert len(CHECKS) > 70


@pytest.mark.parametrize(
    "domain",
    [
        "com",
        "COM",
        "com.",
        "co.uk",
        "Co.Uk.",
        "github.io",
        "公司.cn",
        "xn--55qx5d.cn",
        "x.ck",
        "localhost",
        "unheard-of",
    ],
)
def test_suffixes(domain: str) -> None:
    """A suffix is one in any case, with a final dot, in Unicode and in ASCII; an unknown label alone is one too."""
    assert is_public_suffix(domain)


@pytest.mark.parametrize(
    "domain", ["example.com", "www.ck", "city.kobe.jp", "example.unheard-of", "a.github.io", "127.0.0.1"]
)
def test_not_suffixes(domain: str) -> None:
    """Registered names, the list's exceptions, and names below unknown ones are no suffixes."""
    assert not is_public_suffix(domain)


@pytest.mark.parametrize("text", ["\u0300.com", "é" * 400, "a" * 300, "a..é", "a b.é"])
def test_no_domain(text: str) -> None:
    """What cannot be written as ASCII, or is longer than any name, is no domain."""
    assert canonical_domain(text) is None
    assert not is_public_suffix(text)
    assert registrable_domain(text) is None


@pytest.mark.parametrize(
    ("host", "literal"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("1.2.3", True),
        ("0x7f.1.", True),
        ("a.1", True),
        ("1.a", False),
        ("a", False),
    ],
)
def test_ip_literals(host: str, literal: bool) -> None:
    """An address, and whatever ends in a number as only addresses do, has no domains above it."""
    assert is_ip_literal(host) is literal
    assert not literal or registrable_domain(host) is None


@pytest.mark.parametrize("host", ["", ".", "a..com", ".example.com", "127.0.0.1"])
def test_not_registrable(host: str) -> None:
    """A name with an empty label, and an address, have no registrable domain."""
    assert registrable_domain(host) is None


def test_read_at_first_question() -> None:
    """Importing the package's cookies reads neither the list nor what only the list needs."""
    code = (
        "import sys; from borzoi._values import cookies, public_suffix; "
        "assert public_suffix._rules.cache_info().currsize == 0; "
        "print(sorted({'ssl', 'http.cookiejar', 'datetime', 'idna', 'pkgutil', 'time'} & sys.modules.keys() - {'time'}))"
    )
    done = run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


def test_list_is_whole() -> None:
    """The packaged list has its thousands of rules, and keeps the notice of its licence."""
    packaged = Path(public_suffix.__file__).parent
    assert len(public_suffix._rules()) > 9000
    assert "Mozilla Public" in (packaged / "public_suffix_list.txt").read_text("ascii")[:200]
    assert "Mozilla Public License Version 2.0" in (packaged / "public_suffix_list.LICENSE").read_text("ascii")[:100]
