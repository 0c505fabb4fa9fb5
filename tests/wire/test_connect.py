"""CONNECT: what is asked of an HTTP proxy, and which of its answers open a tunnel."""

from __future__ import annotations

import pytest

from borzoi import ProxyError
from borzoi._errors import LocalProtocolError, RemoteProtocolError
from borzoi._wire.connect import Connect, merged

FIELDS = [(b"X-Team", b"a"), (b"Proxy-Authorization", b"Basic eDp5")]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_tunnel_opens(size: int) -> None:
    """Any 2xx opens the tunnel with the end of its head, interim responses before it or not."""
    connect = Connect(b"host:443", FIELDS)
    assert connect.begin() == (
        b"CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\nAccept: */*\r\nX-Team: a\r\n"
        b"Proxy-Authorization: Basic eDp5\r\n\r\n"
    )
    answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 299 Go\r\nVia: 1.1 x\r\n\r\n"
    for start in range(0, len(answer), size):
        assert not connect.complete
        assert connect.receive(answer[start : start + size]) == b""
    assert connect.complete
    assert connect.leftover == b""


def test_what_follows_the_head() -> None:
    """Bytes that come with the head are left over."""
    connect = Connect(b"host:443", [])
    connect.begin()
    connect.receive(b"HTTP/1.1 200 OK\r\n\r\n\x16\x03")
    assert (connect.complete, connect.leftover) == (True, b"\x16\x03")


@pytest.mark.parametrize("status", ["302 Found", "407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_refusal(status: str) -> None:
    """Any other status is a ProxyError that begins with it, as httpcore's does."""
    connect = Connect(b"host:443", [])
    connect.begin()
    with pytest.raises(ProxyError, match=f"^{status}$"):
        connect.receive(f"HTTP/1.1 {status}\r\nContent-Length: 1000\r\n\r\n".encode())
    assert not connect.complete


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"\x05\0", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"])
def test_no_answer(answer: bytes) -> None:
    """An end too early, another protocol, or a body announced with the tunnel is a RemoteProtocolError."""
    connect = Connect(b"host:443", [])
    connect.begin()
    with pytest.raises(RemoteProtocolError):
        _all(connect, [answer, b""])


def _all(connect: Connect, pieces: list[bytes]) -> None:
    for data in pieces:
        connect.receive(data)


@pytest.mark.parametrize("field", [(b"X", b"a\r\nb: c"), (b"X", b"\0"), (b"X y", b"z"), (b"Content-Length", b"3")])
def test_fields_that_cannot_be_sent(field: tuple[bytes, bytes]) -> None:
    """A field with a line break, NUL or no name, or that announces a body, is a LocalProtocolError."""
    with pytest.raises(LocalProtocolError):
        Connect(b"host:443", [field]).begin()


def test_merging() -> None:
    """Names are compared without regard to case, and all fields of a winning name stay."""
    assert merged([(b"Host", b"1"), (b"Accept", b"2")], [(b"host", b"3"), (b"Host", b"4")]) == [
        (b"Accept", b"2"),
        (b"host", b"3"),
        (b"Host", b"4"),
    ]
