"""TLS settings as a value, and the certificates that a program pins.

A pin names what a peer's certificate must be, beyond being valid: the SHA-256 of its public key, or of all of it. The
key outlives renewals of the certificate. Nothing here does any TLS: the dialer hands in the certificate as it was
received (DER), and gets back why it is refused.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from .._errors import InvalidURL
from .._values.host import canonical_host, encode_host

if TYPE_CHECKING:
    PinTypes: TypeAlias = str | Iterable[str] | Mapping[str, str | Iterable[str]]

_OF_KEY = re.compile(r"sha256//?([A-Za-z0-9+/]{43}=)")
_OF_CERTIFICATE = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")


class TLS:
    """Hold what `verify=` and `cert=` hold, and the pins of peers. It is given as `verify=`.

    A pin is "sha256/" and the SHA-256 of the public key in base64, as curl writes it too, or the SHA-256 fingerprint of
    the certificate in hexadecimal digits. `pins` are for every host, or a mapping of hosts to theirs. One that fits is
    enough, and a connection to a host without any is refused with ConnectError before a byte of a request is sent.

        client = borzoi.Client(verify=borzoi.TLS(pins={"api.example.org": ["sha256/AAAA...=", "sha256/BBBB...="]}))
    """

    __slots__ = ("cert", "pins", "verify")

    def __init__(self, verify: Any = True, cert: Any = None, *, pins: PinTypes = ()) -> None:
        if isinstance(verify, TLS):
            raise TypeError("Invalid verify: a TLS cannot hold another.")
        self.verify = verify
        """True, False, "system", a path, or a context."""
        self.cert = cert
        """The client's certificate."""
        self.pins = Pins(pins)
        """What the certificates of peers must be."""

    def __repr__(self) -> str:
        cert = "" if self.cert is None else ", cert='[secure]'"
        pins = f", pins={self.pins!r}" if self.pins else ""
        return f"TLS(verify={self.verify!r}{cert}{pins})"


class Pins:
    """Hold the pins of each host."""

    __slots__ = ("_everywhere", "_of_host")

    def __init__(self, pins: PinTypes) -> None:
        self._everywhere: frozenset[bytes] = frozenset()
        self._of_host: dict[str, frozenset[bytes]] = {}
        if isinstance(pins, Mapping):
            self._of_host = {_host_with_pins(host): _parse(of_host) for host, of_host in pins.items()}
        else:
            self._everywhere = _parse(pins)

    def __bool__(self) -> bool:
        return bool(self._everywhere or self._of_host)

    def __repr__(self) -> str:
        return repr(sorted(self._of_host) or len(self._everywhere))

    def refusal(self, host: str, certificate: bytes | None) -> str | None:
        """Return why a certificate (DER) of a host is not accepted, or None where it is."""
        wanted = self._of_host.get(_canonical(host), self._everywhere or None) if self else None
        if wanted is None:
            return None
        if not certificate:
            return "it showed no certificate, and its certificate is pinned"

        key = _sha256(public_key_of(certificate))
        if key in wanted or _sha256(certificate) in wanted:
            return None
        return f"its certificate is none of those pinned (its key is sha256/{b64encode(key).decode('ascii')})"


def _parse(pins: str | Iterable[str]) -> frozenset[bytes]:
    return frozenset(map(_digest, [pins] if isinstance(pins, str) else pins))


def _host_with_pins(host: str) -> str:
    """Return a host as it will be compared. Raises ValueError for what no host is: its pins would hold nobody back."""
    try:
        if host and "*" not in host:
            return _canonical(host)
    except InvalidURL:
        pass
    raise ValueError(f"Invalid host {host!r} in pins. Give a name or an address alone: no URL, no port, no wildcard.")


def _canonical(host: str) -> str:
    """Return the one form of a host in which it is looked for. Raises InvalidURL."""
    name = host.rstrip(".") or host
    return canonical_host(encode_host(f"[{name}]" if ":" in name and name[0] != "[" else name, is_name=True))


def _digest(pin: str) -> bytes:
    of_key = _OF_KEY.fullmatch(pin)
    if of_key is not None:
        return b64decode(of_key[1])
    if _OF_CERTIFICATE.fullmatch(pin):
        return bytes.fromhex(pin.replace(":", ""))
    raise ValueError(
        f'Invalid pin {pin!r}. Give "sha256/" and the hash of the public key in base64, '
        "or the SHA-256 fingerprint of the certificate in 64 hexadecimal digits."
    )


def _sha256(octets: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(octets).digest()


def public_key_of(certificate: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate, both as DER. Raises ValueError for what is none.

    RFC 5280 4.1: Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer,
    validity, subject, subjectPublicKeyInfo, ... }, ... }, where the version may be left out.
    """
    start, _ = _contents(certificate, 0)
    position, _ = _contents(certificate, start)
    if certificate[position : position + 1] == b"\xa0":
        position = _contents(certificate, position)[1]
    for _ in range(5):
        position = _contents(certificate, position)[1]
    return certificate[position : _contents(certificate, position)[1]]


def _contents(der: bytes, position: int) -> tuple[int, int]:
    """Return where the contents of an element begin and end: X.690 8.1.3, lengths in one or in several octets."""
    length, start = int.from_bytes(der[position + 1 : position + 2], "big"), position + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der):
        raise ValueError("not a certificate: it is cut short")
    return start, start + length
