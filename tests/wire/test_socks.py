"""The handshakes with SOCKS proxies: what is sent, and what is made of each reply, however it is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from borzoi import ProxyError
from borzoi._errors import RemoteProtocolError
from borzoi._wire.socks import Socks4, Socks5, packed

GRANTED_4 = b"\0\x5a\x1f\x90\x7f\0\0\x01"
BOUND = {
    "IPv4": b"\x01\x7f\0\0\x01\x1f\x90",
    "IPv6": b"\x04" + bytes(16) + b"\x1f\x90",
    "a name": b"\x03\x05proxy\x1f\x90",
    "an empty name": b"\x03\0\x1f\x90",
    "a long name": b"\x03\xff" + b"x" * 255 + b"\x1f\x90",
}


def converse(handshake: Any, replies: list[bytes], *, size: int = 1 << 16) -> list[bytes]:
    """Give each reply in pieces of `size`, once the one before was answered; return what the client sent."""
    sent = [handshake.begin()]
    for reply in replies:
        answer = b""
        for start in range(0, len(reply), size):
            answer += handshake.receive(reply[start : start + size])
        if answer:
            sent.append(answer)
    return sent


@pytest.mark.parametrize(
    ("host", "octets"),
    [
        ("127.0.0.1", b"\x7f\0\0\x01"),
        ("::1", bytes(15) + b"\x01"),
        ("fe80::1%eth0", b"\xfe\x80" + bytes(13) + b"\x01"),
        ("host", None),
        ("host1", None),
        ("1.2.3", None),
    ],
)
def test_addresses_as_octets(host: str, octets: bytes | None) -> None:
    """An IP address is 4 or 16 octets, its zone left out; anything else is a name."""
    assert packed(host) == octets


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_socks4(size: int) -> None:
    """SOCKS 4 is one request with the address and the user, and one reply."""
    handshake = Socks4("10.1.2.3", 443, b"me")
    assert converse(handshake, [GRANTED_4], size=size) == [b"\x04\x01\x01\xbb\x0a\x01\x02\x03me\0"]
    assert handshake.complete
    assert handshake.leftover == b""


def test_socks4a() -> None:
    """SOCKS 4a has an address that is none, and the name at the end."""
    assert Socks4("example.org", 80).begin() == b"\x04\x01\0\x50\0\0\0\x01\0example.org\0"


def test_socks4_has_no_ipv6() -> None:
    """An IPv6 address is refused before anything is sent."""
    with pytest.raises(ProxyError, match="reaches no IPv6 addresses, and ::1 is one"):
        Socks4("::1", 80).begin()


@pytest.mark.parametrize(
    ("code", "text"), [(91, "rejected"), (92, "identd"), (93, "another user"), (7, "Unknown reply")]
)
def test_refusals_of_socks4(code: int, text: str) -> None:
    """A refusal is told in the words of its code."""
    with pytest.raises(ProxyError, match=rf"Proxy Server could not connect: .*{text}.*SOCKS reply {code}"):
        converse(Socks4("host", 80), [bytes((0, code)) + bytes(6)])


@pytest.mark.parametrize("bound", BOUND)
@pytest.mark.parametrize("size", [1, 2, 5, 300])
def test_socks5(bound: str, size: int) -> None:
    """Without credentials: the method, the request, and a reply with an address of any type that the RFC knows."""
    handshake = Socks5("example.org", 443)
    sent = converse(handshake, [b"\x05\0", b"\x05\0\0" + BOUND[bound]], size=size)
    assert sent == [b"\x05\x01\0", b"\x05\x01\0\x03\x0bexample.org\x01\xbb"]
    assert handshake.complete
    assert handshake.leftover == b""


def test_socks5_with_credentials() -> None:
    """RFC 1929: user name and password with their lengths, and a status; no other method is offered."""
    handshake = Socks5("::1", 80, (b"user", b""))
    sent = converse(handshake, [b"\x05\x02", b"\x01\0", b"\x05\0\0" + BOUND["IPv4"] + b"more"])
    assert sent == [b"\x05\x01\x02", b"\x01\x04user\0", b"\x05\x01\0\x04" + bytes(15) + b"\x01\0\x50"]
    assert handshake.complete
    assert handshake.leftover == b"more"


def test_an_ipv4_target_of_socks5() -> None:
    """An IPv4 address is sent as 4 octets."""
    assert converse(Socks5("127.0.0.1", 80), [b"\x05\0"])[1] == b"\x05\x01\0\x01\x7f\0\0\x01\0\x50"


def test_a_name_that_does_not_fit() -> None:
    """A name of more than 255 octets is refused before anything is sent."""
    with pytest.raises(ProxyError, match="at most 255 octets"):
        Socks5("a" * 256, 80).begin()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "General SOCKS server failure"),
        (2, "Connection not allowed by ruleset"),
        (3, "Network unreachable"),
        (4, "Host unreachable"),
        (5, "Connection refused"),
        (6, "TTL expired"),
        (7, "Command not supported"),
        (8, "Address type not supported"),
        (9, "Unknown reply"),
    ],
)
def test_refusals_of_socks5(code: int, text: str) -> None:
    """A refusal is told in the words of its code, as soon as that is there."""
    with pytest.raises(ProxyError, match=rf"^Proxy Server could not connect: {text}\. SOCKS reply {code}$"):
        converse(Socks5("host", 80), [b"\x05\0", bytes((5, code))])


@pytest.mark.parametrize(("method", "name"), [(255, "NO ACCEPTABLE METHODS"), (2, "USERNAME/PASSWORD"), (9, "UNKNOWN")])
def test_methods_that_were_not_offered(method: int, name: str) -> None:
    """A method that was not offered is a ProxyError that names both, in httpcore's words."""
    with pytest.raises(ProxyError, match=f"^Requested NO AUTHENTICATION REQUIRED from proxy server, but got {name}"):
        converse(Socks5("host", 80), [bytes((5, method))])


BROKEN: dict[str, tuple[list[bytes], str]] = {
    "another protocol": ([b"HTTP/1.1 400"], "does not speak SOCKS"),
    "another version in the reply": ([b"\x05\0", b"\x04"], "does not speak SOCKS"),
    "an unknown address type": ([b"\x05\0", b"\x05\0\0\x02\0"], "unknown type 2"),
    "a reply without a request": ([b"\x05\0\x05\0\0" + BOUND["IPv4"]], "did not have yet"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_replies_that_are_none(case: str) -> None:
    """What breaks the protocol is a RemoteProtocolError that says what was wrong."""
    replies, match = BROKEN[case]
    with pytest.raises(RemoteProtocolError, match=match):
        converse(Socks5("host", 80), replies)


@pytest.mark.parametrize("replies", [[], [b"\x05"], [b"\x05\0"], [b"\x05\0", b"\x05\0\0\x03\xff"]])
def test_an_end_too_early(replies: list[bytes]) -> None:
    """An end before the last byte of a reply is a RemoteProtocolError."""
    handshake = Socks5("host", 80)
    converse(handshake, replies)
    assert not handshake.complete
    with pytest.raises(RemoteProtocolError, match="closed in the middle"):
        handshake.receive(b"")


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.booleans(), st.booleans())
@example([b"\x05\x02", b"\x01\0", b"\x05\0\0\x03\x01"], True, True)
def test_no_bytes_do_anything_else(pieces: list[bytes], four: bool, auth: bool) -> None:
    """Whatever a proxy sends, the handshake goes on, is complete, or ends in an error of the tree; little is kept of it."""
    handshake = Socks4("host", 80) if four else Socks5("host", 80, (b"user", b"pass") if auth else None)
    handshake.begin()
    for piece in pieces:
        if handshake.complete:
            break
        try:
            handshake.receive(piece)
        except (ProxyError, RemoteProtocolError):
            break
        assert handshake.complete or len(handshake.leftover) < 262
