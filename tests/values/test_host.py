"""Hosts: which there are, and their one form."""

from __future__ import annotations

import pytest

from borzoi._errors import InvalidURL
from borzoi._values.host import canonical_host, decode_host, encode_host


@pytest.mark.parametrize(
    ("host", "encoded"),
    [
        ("example.org", "example.org"),
        ("EXAMPLE.org.", "example.org."),
        ("localhost", "localhost"),
        ("a..b", "a..b"),
        ("-a_b-.c", "-a_b-.c"),
        ("*.example.org", "*.example.org"),
        ("a!\"$&'()*+,;=`{}~b", "a!\"$&'()*+,;=`{}~b"),
        ("0", "0"),
        ("node.1", "node.1"),
        ("1.example", "1.example"),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
        ("[::1]", "::1"),
        ("[::FFFF:1.2.3.4]", "::FFFF:1.2.3.4"),
        ("[fe80::1%25eth0]", "fe80::1%25eth0"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("faß.de", "xn--fa-hia.de"),
        ("中国。icom.museum", "xn--fiqs8s.icom.museum"),
        ("127。0。0。1", "127.0.0.1"),
        ("\N{KELVIN SIGN}elvin.example", "kelvin.example"),
        ("XN--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),
    ],
)
def test_a_host_has_one_form(host: str, encoded: str) -> None:
    """A valid host becomes lower-case ASCII, and is then the same host again."""
    if host == "0":
        assert encode_host(host, is_name=False) == encoded
        return
    assert encode_host(host, is_name=True) == encoded
    again = f"[{encoded}]" if ":" in encoded else encoded
    assert encode_host(again, is_name=True) == encoded


def test_a_final_sigma_is_a_sigma() -> None:
    """Lower case goes letter by letter, as UTS #46 maps it, not by the word."""
    assert encode_host("ΑΣ.gr", is_name=True) == encode_host("ασ.gr", is_name=True)


@pytest.mark.parametrize("letter", list("\x00\t\n\r #/:<>?@[\\]^|\x7f%"))
def test_no_name_has_what_ends_a_host(letter: str) -> None:
    """A character that ends the host for any program is in none."""
    with pytest.raises(InvalidURL, match="A host cannot contain"):
        encode_host(f"a{letter}b", is_name=True)


def test_only_names_are_free_of_percent_signs() -> None:
    """In a scheme that is not of the network, a host may be percent-encoded."""
    assert encode_host("%2Frun%2Fx.sock", is_name=False) == "%2frun%2fx.sock"
    assert encode_host("12345", is_name=False) == "12345"
    assert encode_host("xn--a", is_name=False) == "xn--a"
    with pytest.raises(InvalidURL):
        encode_host("a b", is_name=False)
    with pytest.raises(InvalidURL):
        encode_host("256.0.0.1", is_name=False)


@pytest.mark.parametrize(
    "host",
    [
        "256.0.0.1", "1.2.3.999", "999.999.999.999", "01.2.3.4", "1.2.3.08", "0177.0.0.1", "127.1", "127.0.1", "0", "1",
        "2130706433", "0x7f.1", "0x7f000001", "0X7F.0.0.1", "0x", "1.2.3.4.", "1.2.3.4.5", "127。1",
    ],
)  # fmt: skip
def test_an_address_is_four_decimal_numbers(host: str) -> None:
    """Every other way to write an address, which some programs resolve and some do not, is refused."""
    with pytest.raises(InvalidURL, match="Invalid IPv4 address"):
        encode_host(host, is_name=True)


@pytest.mark.parametrize(
    "host",
    [
        "[]",
        "[:]",
        "[:::]",
        "[2001]",
        "[1.2.3.4]",
        "[::1]]",
        "[v1.x]",
        "[::g]",
        "[::1%]",
        "[::1%a/b]",
        "[::1%a%b]",
        "[::ü]",
        "[::1%ü]",
    ],
)
def test_brackets_hold_an_ipv6_address(host: str) -> None:
    """Brackets around anything else are refused."""
    with pytest.raises(InvalidURL, match="Invalid IPv6 address"):
        encode_host(host, is_name=True)


@pytest.mark.parametrize(
    "host",
    [
        "xn--a", "xn--", "xn--ascii-", "a.xn--a.b", "xn--pokxncvks", "xn--\N{SNOWMAN}", "xn--a!", "xn--mnchen-3y-",
        "☃.com", "a\u200b.com", "ｇｏ.com", "a／b.com", "e\N{COMBINING ACUTE ACCENT}.com", "ü..com", "ü" * 64 + ".com", "ü_.com",
        "xn--" + "1234567890" * 5 + "123456-fxe",
        "xn--a-wbb", "xn--1ug96u", "xn--a-zhc348v",
    ],
)  # fmt: skip
def test_a_label_of_idna_is_valid(host: str) -> None:
    """A label that is none under IDNA raises InvalidURL, whichever way it is written."""
    with pytest.raises(InvalidURL, match="Invalid IDNA hostname"):
        encode_host(host, is_name=True)


@pytest.mark.parametrize("host", ["ü" * 256, "xn--mnchen-3ya." * 20 + "com"])
def test_a_long_name_is_refused_before_it_is_converted(host: str) -> None:
    """A name that no DNS can hold is refused by its length alone, and shown in short."""
    with pytest.raises(InvalidURL, match=r"\.\.\. is longer than 255 characters") as caught:
        encode_host(host, is_name=True)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("host", "decoded"),
    [
        ("example.org", "example.org"),
        ("xn--fiqs8s.icom.museum", "中国.icom.museum"),
        ("www.xn--mller-kva.de", "www.xn--mller-kva.de"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),
        ("xn--a", "xn--a"),
    ],
)
def test_a_host_is_decoded_for_people(host: str, decoded: str) -> None:
    """A name that begins with an A-label is shown in Unicode, as in httpx; what IDNA 2008 does not allow stays as it is."""
    assert decode_host(host) == decoded


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("example.org", "example.org"),
        ("::1", "::1"),
        ("0:0:0::0001", "::1"),
        ("::FFFF:1.2.3.4", "::ffff:1.2.3.4"),
        ("FE80::1%25eth0", "fe80::1%eth0"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("fe80::1%25", "fe80::1%25"),
    ],
)
def test_equal_addresses_have_one_canonical_form(host: str, canonical: str) -> None:
    """An IPv6 address is compressed, in lower case, and its zone is as a resolver takes it."""
    address = canonical_host(host)
    assert address in (canonical, canonical.replace("1.2.3.4", "102:304"))
    assert canonical_host(address) == address
