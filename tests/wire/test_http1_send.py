"""What the HTTP/1.1 engine writes: heads and bodies, and what it refuses to write."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from borzoi._errors import LocalProtocolError
from borzoi._values.headers import HeaderBlock
from borzoi._wire.http1 import Http1
from tests.wire.feeding import HOST, ask, ask_again

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def encode(method: str = "GET", target: bytes = b"/", *fields: tuple[bytes, bytes]) -> bytes:
    engine = Http1()
    return engine.encode_head(method, target, HeaderBlock([HOST, *fields]))


def test_a_head() -> None:
    """It is the request line, the fields as given, and an empty line."""
    assert encode("GET", b"/a?b=c", (b"accept", b"*/*")) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: example.org\r\naccept: */*\r\n\r\n"
    )


@pytest.mark.parametrize("method", ["GET", "get", "PROPFIND", "M-SEARCH", "!#$%&'*+-.^_`|~9"])
def test_a_method(method: str) -> None:
    """Any token is a method, its case kept."""
    assert encode(method).startswith(method.encode() + b" / HTTP/1.1\r\n")


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "GET\n", "GET ", "G\x00T", "GÉT", "GET/", "G:T", "G\u010dT"])
def test_what_is_not_a_method(method: str) -> None:
    """Anything else is refused by name."""
    with pytest.raises(LocalProtocolError, match="Invalid method"):
        encode(method)


@pytest.mark.parametrize("target", [b"/", b"*", b"example.org:443", b"http://a/b?c", b"/!~%20"])
def test_a_target(target: bytes) -> None:
    """Visible ASCII characters make a target."""
    assert encode("OPTIONS", target).startswith(b"OPTIONS " + target + b" HTTP/1.1\r\n")


@pytest.mark.parametrize("byte", [*range(0x21), *range(0x7F, 0x100)])
def test_what_is_not_a_target(byte: int) -> None:
    """White space, controls and bytes past ASCII are refused, wherever they stand."""
    for target in (b"/a%cb", b"%c", b"/%c"):
        with pytest.raises(LocalProtocolError, match="Invalid request target"):
            encode("GET", target % byte)


def test_no_target() -> None:
    """An empty target is refused."""
    with pytest.raises(LocalProtocolError, match="Invalid request target"):
        encode("GET", b"")


@pytest.mark.parametrize(
    "field", [(b"A\r\nB", b"c"), (b"A", b"b\r\nC: d"), (b"A", b"b\x00"), (b"", b"b"), (b"A ", b"b")]
)
def test_a_malformed_field(field: tuple[bytes, bytes]) -> None:
    """A field that would break the head is refused."""
    with pytest.raises(LocalProtocolError):
        encode("GET", b"/", field)


def test_exactly_one_host() -> None:
    """No Host, and more than one, are refused."""
    refused: list[list[tuple[bytes, bytes]]] = [[(b"A", b"b")], [HOST, (b"host", b"evil.example")], [HOST, HOST]]
    for pairs in refused:
        engine = Http1()
        with pytest.raises(LocalProtocolError, match="exactly one Host header"):
            engine.encode_head("GET", b"/", HeaderBlock(pairs))


AMBIGUOUS = {
    "both framings": [(b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")],
    "two lengths": [(b"Content-Length", b"5"), (b"content-length", b"6")],
    "equal lengths": [(b"Content-Length", b"5"), (b"content-length", b"5")],
    "two codings": [(b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")],
    "another coding": [(b"Transfer-Encoding", b"gzip, chunked")],
    "no coding": [(b"Transfer-Encoding", b"")],
    **{
        f"length {value!r}": [(b"Content-Length", value)]
        for value in (b"", b"+5", b"-5", b"1_0", b"5, 5", b"0x5", b"5.0", "\u0665".encode(), b"1" * 30)
    },
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_framing(name: str) -> None:
    """Fields that leave the length of the body in doubt are refused."""
    with pytest.raises(LocalProtocolError):
        encode("POST", b"/", *AMBIGUOUS[name])


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
@pytest.mark.parametrize("field", [(b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")])
def test_requests_that_have_no_body(method: str, field: tuple[bytes, bytes]) -> None:
    """CONNECT and TRACE that announce a body are refused."""
    with pytest.raises(LocalProtocolError, match=f"A {method} request has no body"):
        encode(method, b"a:1", field)


def test_a_sized_body() -> None:
    """Its pieces go out as they are."""
    engine = ask("POST", (b"Content-Length", b"5"))

    assert [engine.encode_data(piece) for piece in (b"he", b"", b"llo")] == [b"he", b"", b"llo"]
    assert engine.encode_end() == b""


def test_a_chunked_body() -> None:
    """Each piece is a chunk, none is empty but the last."""
    engine = ask("POST", (b"Transfer-Encoding", b"Chunked"))

    assert engine.encode_data(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert engine.encode_data(b"") == b""
    assert engine.encode_end() == b"0\r\n\r\n"
    assert engine.encode_end() == b""


def test_no_body() -> None:
    """Without framing fields nothing may follow the head."""
    engine = ask("POST")

    assert engine.encode_end() == b""
    with pytest.raises(LocalProtocolError, match="Too much data for declared Content-Length"):
        engine.encode_data(b"x")


def test_more_than_declared() -> None:
    """A body longer than its Content-Length is refused before the excess is written."""
    engine = ask("POST", (b"Content-Length", b"5"))
    engine.encode_data(b"hell")

    with pytest.raises(LocalProtocolError, match="Too much data for declared Content-Length"):
        engine.encode_data(b"o!")


def test_less_than_declared() -> None:
    """A body shorter than its Content-Length is refused at its end, and the connection is not used again."""
    engine = ask("POST", (b"Content-Length", b"5"))
    engine.encode_data(b"hell")

    with pytest.raises(LocalProtocolError, match="Too little data for declared Content-Length"):
        engine.encode_end()

    engine.receive(EMPTY)
    assert not engine.reusable


def test_the_order_of_calls() -> None:
    """An exchange follows the one before; nothing is sent of a body that was not announced."""
    engine = Http1()
    with pytest.raises(LocalProtocolError, match="Too much data"):
        engine.encode_data(b"x")
    assert engine.encode_end() == b""

    block = HeaderBlock([HOST])
    engine.encode_head("GET", b"/", block)
    with pytest.raises(LocalProtocolError, match="cannot be used for another request"):
        engine.encode_head("GET", b"/", block)


def test_a_refused_request_changes_nothing() -> None:
    """A head that is refused begins no exchange: another may follow."""
    engine = Http1()
    with pytest.raises(LocalProtocolError):
        engine.encode_head("GET", b"/ ", HeaderBlock([HOST]))
    assert engine.reusable

    ask_again(engine)
    engine.receive(EMPTY)
    assert engine.reusable


@pytest.mark.parametrize(
    ("value", "reusable"), [(b"close", False), (b"Foo, Close", False), (b"keep-alive", True), (b"foo", True)]
)
def test_what_the_request_says_about_the_connection(value: bytes, reusable: bool) -> None:
    """A request with Connection: close is the last one."""
    engine = ask("GET", (b"Connection", value))
    engine.receive(EMPTY)

    assert engine.reusable is reusable


def test_what_a_block_says_is_read_for_each_block() -> None:
    """Two requests with different fields on one connection are framed each by its own."""
    engine = ask("GET")
    engine.receive(EMPTY)
    engine.encode_head("POST", b"/", HeaderBlock([HOST, (b"Content-Length", b"1"), (b"Expect", b"100-Continue")]))
    assert engine.expects_continue
    assert engine.encode_data(b"x") == b"x"
    engine.receive(b"HTTP/1.1 100 Continue\r\n\r\n" + EMPTY)

    block = HeaderBlock([HOST])
    for _ in range(2):
        engine.encode_head("GET", b"/", block)
        assert not engine.expects_continue
        engine.receive(EMPTY)
        assert engine.reusable


def test_no_request_expects_nothing() -> None:
    """Before a head is encoded nothing waits for 100 (Continue)."""
    assert not Http1().expects_continue


class Server:
    """Collect what a server's parser understands of a request."""

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.pairs: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.whole = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.whole += 1


names = st.from_regex(rb"X-[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", fullmatch=True)
values = st.from_regex(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?", fullmatch=True)
targets = st.from_regex(rb"/[!-\"$-~]{0,30}", fullmatch=True)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"]),
    target=targets,
    fields=st.lists(st.tuples(names, values), max_size=6),
    pieces=st.lists(st.binary(max_size=40), max_size=5),
    chunked=st.booleans(),
)
def test_a_server_reads_what_was_written(
    method: str, target: bytes, fields: list[tuple[bytes, bytes]], pieces: list[bytes], chunked: bool
) -> None:
    """A parser of requests finds the same method, target, fields and body, and one message."""
    body = b"".join(pieces)
    framing = (b"Transfer-Encoding", b"chunked") if chunked else (b"Content-Length", b"%d" % len(body))
    block = HeaderBlock([HOST, *fields, framing])
    engine = Http1()
    wire = engine.encode_head(method, target, block)
    wire += b"".join([engine.encode_data(piece) for piece in pieces]) + engine.encode_end()

    server = Server()
    server.parser.feed_data(wire)

    assert server.parser.get_method() == method.encode()
    assert server.url == target
    assert server.pairs == [HOST, *fields, framing]
    assert server.body == body
    assert server.whole == 1
