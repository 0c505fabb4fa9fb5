"""The public suffix list: which domains anybody may register names under, so that no cookie may be set for them.

In: a host name. Out: whether it is such a suffix. The list is read at the first question, not at import; it is made by
`scripts/update_public_suffix.py`, and is under the Mozilla Public License 2.0 as its first lines say.
"""

from __future__ import annotations

import functools
import re

MAX_NAME = 254
"""Characters of a host name with a final dot, RFC 1035 section 2.3.4. What is longer is not looked at."""

_is_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch


def is_ip_literal(host: str) -> bool:
    """Tell whether a host in lower case is an IP address, or ends like one, and so has no domains above it."""
    _, _, last = host.removesuffix(".").rpartition(".")
    return ":" in host or _is_number(last) is not None


def canonical_domain(text: str) -> str | None:
    """Return a domain in lower case and as ASCII (RFC 6265bis section 5.1.2), or None where it cannot be written so."""
    if len(text) > MAX_NAME:
        return None
    if text.isascii():
        return text.lower()

    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except UnicodeError:
        return None


def is_public_suffix(domain: str) -> bool:
    """Tell whether a domain is a public suffix, such as `com`, `co.uk` or `github.io`.

    Case and one final dot do not matter. A single label is one, known or not (rule `*` of the list).
    """
    name = canonical_domain(domain)
    return name is not None and _is_suffix(name.removesuffix("."))


def registrable_domain(host: str) -> str | None:
    """Return the suffix of a host and the one label before it, or None for a suffix and for an IP address."""
    name = canonical_domain(host)
    if name is None or is_ip_literal(name):
        return None

    labels = name.removesuffix(".").split(".")
    if not all(labels):
        return None
    names = [".".join(labels[start:]) for start in range(len(labels))]
    found = next(place for place, name in enumerate(names) if _is_suffix(name) or _is_exception(name))
    if _is_exception(names[found]):
        return names[found]
    return names[found - 1] if found else None


def _is_exception(name: str) -> bool:
    return f"!{name}" in _rules()


def _is_suffix(name: str) -> bool:
    _, _, parent = name.partition(".")
    rules = _rules()
    if not parent or name in rules:
        return True
    return f"*.{parent}" in rules and not _is_exception(name)


@functools.cache
def _rules() -> frozenset[str]:
    import pkgutil

    data = pkgutil.get_data(__package__ or "", "public_suffix_list.txt") or b""
    return frozenset(line for line in data.decode("ascii").splitlines() if not line.startswith("//"))
