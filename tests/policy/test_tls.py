"""Pins: what they are written as, what of a certificate they are held against, and what a refusal says."""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64encode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from borzoi import TLS
from borzoi._policy.tls import Pins, public_key_of
from tests.worlds.certificates import certificate


def der(name: str = "pinned.example") -> bytes:
    """Return a certificate."""
    return ssl.PEM_cert_to_DER_cert(certificate(name).cert_chain_pems[0].bytes().decode("ascii"))


def key_pin(octets: bytes) -> str:
    """Return the pin of a certificate's key, found by another library."""
    key = x509.load_der_x509_certificate(octets).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256/" + b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def fingerprint(octets: bytes) -> str:
    """Return the fingerprint of a certificate as it is usually shown."""
    return hashlib.sha256(octets).digest().hex(":").upper()


def test_the_public_key_of_a_certificate() -> None:
    """The key is found where another library finds it, in certificates with and without a version (RFC 5280 4.1)."""
    octets = der()
    key = x509.load_der_x509_certificate(octets).public_key()
    assert public_key_of(octets) == key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    parts = b"\x02\x01\x01" + b"\x30\x00" * 4 + b"\x30\x03key" + b"\x30\x00"
    body = b"\x30" + bytes([len(parts)]) + parts
    assert public_key_of(b"\x30" + bytes([len(body)]) + body) == b"\x30\x03key"


@pytest.mark.parametrize("size", [0, 1, 2, 5, 40, 200])
def test_a_certificate_cut_short(size: int) -> None:
    """What is cut short is no certificate."""
    with pytest.raises(ValueError, match="not a certificate"):
        public_key_of(der()[:size])


@pytest.mark.parametrize(
    "pins",
    [
        key_pin(der()),
        key_pin(der()).replace("/", "//", 1),
        fingerprint(der()),
        fingerprint(der()).replace(":", "").lower(),
        [key_pin(der("other.example")), key_pin(der())],
        {"pinned.example": key_pin(der())},
        {"PINNED.example.": [fingerprint(der())], "other.example": "00" * 32},
    ],
    ids=["key", "as curl", "fingerprint", "digits", "one of two", "of the host", "of hosts"],
)
def test_pins_that_fit(pins: Any) -> None:
    """A key or a fingerprint, in the usual spellings, for all hosts or for one; one of several is enough."""
    assert Pins(pins).refusal("pinned.example", der()) is None


@pytest.mark.parametrize(
    "pins",
    [key_pin(der("other.example")), "00" * 32, {"pinned.example": ["00" * 32]}, {"pinned.example": []}],
    ids=["key", "fingerprint", "of the host", "none"],
)
def test_pins_that_do_not_fit(pins: Any) -> None:
    """Another certificate is refused, and the refusal says what its key is; a host with no pins at all fits none."""
    assert Pins(pins).refusal("Pinned.Example", der()) == (
        f"its certificate is none of those pinned (its key is {key_pin(der())})"
    )


def test_no_certificate() -> None:
    """A peer that shows no certificate fits no pin."""
    assert "showed no certificate" in str(Pins("00" * 32).refusal("pinned.example", None))


def test_hosts_without_pins() -> None:
    """Where the pins are those of named hosts, the others are not pinned."""
    assert Pins({"pinned.example": "00" * 32}).refusal("free.example", der()) is None
    assert Pins(()).refusal("free.example", None) is None
    assert not Pins(())
    assert Pins({"a": "00" * 32})


@pytest.mark.parametrize(
    ("pinned", "name"),
    [
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "b\u00fccher.example"),
        ("PINNED.example.", "pinned.example"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::1", "0:0:0:0:0:0:0:1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_host_is_pinned_however_it_is_written(pinned: str, name: str) -> None:
    """V6: names are compared as ASCII without a final dot, addresses as addresses."""
    assert Pins({pinned: "00" * 32}).refusal(name, der()) is not None


@pytest.mark.parametrize(
    "host",
    ["", "https://a.example", "a.example:443", "*.a.example", "*", "a.example/", "[::1]:443", "1.2.3", "a b", "xn--a"],
)
def test_pins_that_would_hold_nobody_back(host: str) -> None:
    """V6: what is no host matches none, so it is refused when the setting is made, and not passed over."""
    with pytest.raises(ValueError, match="Invalid host"):
        TLS(pins={host: "00" * 32})


@pytest.mark.parametrize("pin", ["", "sha256/short=", "sha1/" + "A" * 43 + "=", "00" * 31, "00" * 33, "zz" * 32])
def test_what_is_no_pin(pin: str) -> None:
    """What is neither a key's hash nor a fingerprint is refused when the setting is made."""
    with pytest.raises(ValueError, match="Invalid pin"):
        TLS(pins=[pin])


def test_settings() -> None:
    """The value holds what it is given, and does not show the certificate."""
    settings = TLS("system", ("cert", "key", "secret"), pins=["00" * 32])
    assert (settings.verify, settings.cert) == ("system", ("cert", "key", "secret"))
    assert repr(settings) == "TLS(verify='system', cert='[secure]', pins=1)"
    assert repr(TLS(pins={"a.example": "00" * 32})) == "TLS(verify=True, pins=['a.example'])"
    assert repr(TLS()) == "TLS(verify=True)"
    with pytest.raises(TypeError, match="cannot hold another"):
        TLS(TLS())
