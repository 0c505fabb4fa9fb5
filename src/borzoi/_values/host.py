"""The host of a URL: what it may be, and the one form in which it is kept.

In goes the host as written, out comes ASCII: a lower-case name, four decimal numbers, or an IPv6 address without its
brackets. Whatever two programs could take for two different hosts raises InvalidURL, so that the pool, the cookies and
the TLS layer always speak of the same one. The `idna` package is imported only for a host that needs it.
"""

from __future__ import annotations

import re

from .._errors import InvalidURL

MAX_NAME_LENGTH = 255
"""Longest name that is worth converting: no longer one is a name in the DNS (RFC 1035 section 2.3.4)."""

MAX_LABEL_LENGTH = 63
"""Longest A-label (RFC 5890 section 2.3.2.1). A longer one could not be encoded again from what it stands for."""

# Each branch begins with another digit, and nothing is repeated: this is in the way of every URL with an address in it.
_OCTET = r"(?:1[0-9]{0,2}|2(?:[0-4][0-9]?|5[0-5]?|[6-9])?|[3-9][0-9]?|0)"
IPV4_ADDRESS = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
"""Pattern of four decimal numbers (RFC 3986 section 3.2.2)."""

# The "forbidden host code points" of the WHATWG URL standard: no name has them, and some program ends the host there.
_FORBIDDEN = r"[\x00-\x20#/:<>?@\[\\\]^|\x7f]"
_FORBIDDEN_IN_NAMES = r"[\x00-\x20#/:<>?@\[\\\]^|\x7f%]"

# What inet_aton() reads as an address: "127.1", "2130706433", "0x7f.1", "0177.0.0.1".
_ALL_NUMBERS = r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?"
_DOTTED_QUAD = r"[0-9]+(?:\.[0-9]+){3}"

# RFC 6874 section 2: ZoneID = 1*( unreserved / pct-encoded ). Encoded octets are of no use in the name of an interface.
_ZONE = r"[A-Za-z0-9._~-]+"

_JOINERS = "[\u200c\u200d]"


def encode_host(host: str, *, is_name: bool) -> str:
    """Return the ASCII form of a host. Raises InvalidURL.

    `is_name` says that the host is one of the network; in other schemes it may be anything, such as a socket's path.
    """
    if host[:1] == "[" and host[-1:] == "]":
        return _check_ipv6(host)
    if host.isascii():
        encoded = host.lower()
    else:
        encoded = _encode_idna(host)

    forbidden = re.search(_FORBIDDEN_IN_NAMES if is_name else _FORBIDDEN, encoded)
    if forbidden is not None:
        raise InvalidURL(f"Invalid host: {host!r}. A host cannot contain {forbidden[0]!r}.")
    if re.fullmatch(_DOTTED_QUAD, encoded) and not re.fullmatch(IPV4_ADDRESS, encoded):
        raise InvalidURL(f"Invalid IPv4 address: {host!r}")
    if is_name:
        _check_name(host, encoded)
    return encoded


def decode_host(host: str) -> str:
    """Return a host for people to read: its A-labels as Unicode, if all of it is valid under IDNA 2008."""
    if not host.startswith("xn--"):
        return host

    import idna

    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


def canonical_host(host: str) -> str:
    """Return the form of an encoded host in which equal addresses are equal, and which a resolver understands."""
    if ":" not in host:
        return host

    import ipaddress

    address, percent, zone = host.partition("%")
    if len(zone) > 2 and zone.startswith("25"):
        zone = zone[2:]  # RFC 6874 section 2: in a URL, the "%" before the zone is written "%25".
    return f"{ipaddress.IPv6Address(address)}{percent}{zone}"


def _check_ipv6(host: str) -> str:
    import ipaddress

    # Only the forms of RFC 3986 section 3.2.2, with the zone of RFC 6874. IPvFuture has no meaning to connect to.
    address, percent, zone = host[1:-1].partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ipaddress.AddressValueError:
        raise InvalidURL(f"Invalid IPv6 address: {host!r}") from None
    if percent and not re.fullmatch(_ZONE, zone):
        raise InvalidURL(f"Invalid IPv6 address: {host!r}. A zone has only letters, digits and '-._~'.")
    return host[1:-1]


def _encode_idna(host: str) -> str:
    if len(host) > MAX_NAME_LENGTH:
        raise InvalidURL(f"Invalid IDNA hostname: {host[:32]!r}... is longer than {MAX_NAME_LENGTH} characters.")

    import idna

    # Letter by letter, as UTS #46 maps them: lower() of the whole would make a final sigma of the last one.
    lowered = "".join([letter.lower() for letter in host])
    try:
        return idna.encode(lowered).decode("ascii")
    except idna.IDNAError:
        raise InvalidURL(f"Invalid IDNA hostname: {host!r}") from None


def _check_name(host: str, encoded: str) -> None:
    if re.fullmatch(_ALL_NUMBERS, encoded) and not re.fullmatch(IPV4_ADDRESS, encoded):
        raise InvalidURL(f"Invalid IPv4 address: {host!r}. Write it as four decimal numbers (RFC 3986 section 3.2.2).")

    if "xn--" not in encoded:
        return
    if len(encoded) > MAX_NAME_LENGTH:
        raise InvalidURL(f"Invalid IDNA hostname: {host[:32]!r}... is longer than {MAX_NAME_LENGTH} characters.")
    for label in encoded.split("."):
        if label.startswith("xn--") and not _is_a_label(label):
            raise InvalidURL(f"Invalid IDNA hostname: {host!r}. {label!r} is not an A-label.")


def _is_a_label(label: str) -> bool:
    if len(label) > MAX_LABEL_LENGTH:
        return False

    import idna

    try:
        idna.ulabel(label)
        return True
    except idna.IDNAError:
        return _is_a_label_of_uts46(label)


def _is_a_label_of_uts46(label: str) -> bool:
    # Registries know names that IDNA 2008 does not allow, emoji above all. They resolve, so they are let through if the
    # label stands for exactly one text, and if UTS #46 section 4.1 calls that text valid.
    import idna

    encoded = label[4:].encode("ascii")
    try:
        text = encoded.decode("punycode")
        if text.isascii() or text.encode("punycode") != encoded:
            return False
        idna.check_initial_combiner(text)
        idna.check_bidi(text)
        return idna.uts46_remap(text, std3_rules=False) == text and not re.search(_JOINERS, text)
    except UnicodeError:  # The base class of IDNAError, too.
        return False
