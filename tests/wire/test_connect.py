"""CONNECT: what is asked of an HTTP proxy, and which of its answers open a tunnel."""

from __future__ import annotations

import pytest

from borzoi import ProxyError
from borzoi._errors import LocalProtocolError, RemoteProtocolError
from borzoi._wire.connect import Connect, MustReconnect, merged

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


class Answers:
    """Credentials that answer each challenge."""

    def __init__(self, *, answerable: bool = True) -> None:
        self._answerable = answerable
        self.told: list[bytes] = []
        self.renewed: list[bytes] = []

    def credentials(self, method: str, target: bytes) -> list[tuple[bytes, bytes]]:
        return [(b"Proxy-Authorization", b"to %b" % self.told[-1])] if self.told else []

    def is_answerable(self, fields: list[tuple[bytes, bytes]]) -> bool:
        self.told += [value for name, value in fields if name == b"Proxy-Authenticate"]
        return self._answerable

    def renew(self, fields: list[tuple[bytes, bytes]]) -> None:
        self.renewed += [value for _, value in fields]


ASKS = b"HTTP/1.1 407 No\r\nProxy-Authenticate: A\r\n"


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 3\r\n\r\nno!",
        b"Content-Length: 0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ],
)
def test_a_challenge_is_answered(rest: bytes, size: int) -> None:
    """A 407 that can be answered is, once it is whole, over the connection that stays; a second one is a refusal."""
    connect = Connect(b"host:443", [(b"X-Team", b"a")], answers := Answers())
    assert b"Proxy-Authorization" not in connect.begin()
    sent = [connect.receive((ASKS + rest)[start : start + size]) for start in range(0, len(ASKS + rest), size)]
    assert sent[:-1] == [b""] * (len(sent) - 1)
    assert sent[-1].startswith(b"CONNECT host:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: to A\r\n" in sent[-1]
    assert b"\r\nX-Team: a\r\n" in sent[-1]
    assert not connect.complete
    with pytest.raises(ProxyError, match=r"^407 No$"):
        connect.receive(ASKS + rest)
    assert answers.told == [b"A"]


@pytest.mark.parametrize(
    "rest",
    [
        b"Connection: close\r\nContent-Length: 100\r\n\r\n",
        b"\r\nuntil the end",
        b"Content-Length: 1000000\r\n\r\n" + b"x" * 66000,
        b"Content-Length: 2\r\n\r\nno more",
    ],
)
def test_a_challenge_that_ends_the_connection(rest: bytes) -> None:
    """Where the connection of a 407 does not serve on, the same is begun on another one, with the answer."""
    connect = Connect(b"host:443", [], Answers())
    connect.begin()
    with pytest.raises(MustReconnect, match=r"^407 No$"):
        connect.receive(ASKS + rest)
    assert b"\r\nProxy-Authorization: to A\r\n" in connect.begin()
    assert connect.receive(b"HTTP/1.1 200 OK\r\n\r\n") == b""
    assert connect.complete


def test_a_challenge_without_an_answer() -> None:
    """A 407 that cannot be answered is a refusal, and so is one after the headers had credentials; others are not asked."""
    connect = Connect(b"host:443", [], Answers(answerable=False))
    connect.begin()
    with pytest.raises(ProxyError, match=r"^407 No$"):
        connect.receive(ASKS + b"\r\n")
    connect = Connect(b"host:443", [], answers := Answers())
    connect.begin()
    with pytest.raises(ProxyError, match=r"^403 No$"):
        connect.receive(ASKS.replace(b"407", b"403") + b"\r\n")
    assert answers.told == []


def test_a_challenge_cut_short() -> None:
    """An end in the body of a 407 is a RemoteProtocolError."""
    connect = Connect(b"host:443", [], Answers())
    connect.begin()
    connect.receive(ASKS + b"Content-Length: 3\r\n\r\n")
    with pytest.raises(RemoteProtocolError):
        connect.receive(b"")


def test_an_opened_tunnel_renews_the_credentials() -> None:
    """The fields that come with a tunnel are given to the credentials; those of the program's own win over an answer."""
    connect = Connect(b"host:443", [(b"proxy-authorization", b"mine")], answers := Answers())
    answers.told.append(b"A")
    assert b"to A" not in connect.begin()
    connect.receive(b"HTTP/1.1 200 OK\r\nProxy-Authentication-Info: x\r\n\r\n")
    assert answers.renewed == [b"x"]


def test_merging() -> None:
    """Names are compared without regard to case, and all fields of a winning name stay."""
    assert merged([(b"Host", b"1"), (b"Accept", b"2")], [(b"host", b"3"), (b"Host", b"4")]) == [
        (b"Accept", b"2"),
        (b"host", b"3"),
        (b"Host", b"4"),
    ]
