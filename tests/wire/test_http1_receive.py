"""What the HTTP/1.1 engine makes of responses: framing, traps, limits. Each case is fed in every cut."""

from __future__ import annotations

import pytest

from borzoi._errors import LocalProtocolError, RemoteProtocolError
from borzoi._wire.http1 import Http1
from borzoi._wire.http1_head import MAX_KNOWN_LINE, MAX_KNOWN_LINES, HeadLimits, HeadParser
from tests.wire.feeding import ask, ask_again, cuts, outcome, same_however_cut

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = OK + b"Content-Length: 5\r\n\r\nhello"
UPGRADE = (b"Upgrade", b"websocket")


# (response, status, body, reusable): whole without an end of file
WHOLE = {
    "sized": (SIZED, 200, b"hello", True),
    "empty": (OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    "zeros before the length": (OK + b"Content-Length: 005\r\n\r\nhello", 200, b"hello", True),
    "odd case": (OK + b"cOnTeNt-lEnGtH: 5\r\n\r\nhello", 200, b"hello", True),
    "white space around a value": (OK + b"Content-Length:\t 5 \t\r\n\r\nhello", 200, b"hello", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "empty reason": (b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "reason past ASCII": (b"HTTP/1.1 404 Pas trouv\xe9\r\nContent-Length: 5\r\n\r\nhello", 404, b"hello", True),
    "unknown status": (b"HTTP/1.1 999 Odd\r\nContent-Length: 5\r\n\r\nhello", 999, b"hello", True),
    "chunks": (CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, b"hello", True),
    "chunk sizes in hexadecimal": (CHUNKED + b"0A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", 200, None, True),
    "chunk sizes of sixteen digits": (CHUNKED + b"0000000000000005\r\nhello\r\n0\r\n\r\n", 200, b"hello", True),
    "several zeros end chunks": (CHUNKED + b"5\r\nhello\r\n000\r\n\r\n", 200, b"hello", True),
    "chunks of CRLF": (CHUNKED + b"2\r\n\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n", 200, b"\r\n\r\n\r\n", True),
    "no chunk": (CHUNKED + b"0\r\n\r\n", 200, b"", True),
    "chunk extensions": (CHUNKED + b'5;a;b=c;d="e\\"; \xe9"\r\nhello\r\n0;end\r\n\r\n', 200, b"hello", True),
    "Chunked in capitals": (OK + b"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", 200, b"", True),
    "close": (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
    "close in a list": (OK + b"Connection: Foo, CLOSE\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
    "close, then keep-alive": (OK + b"Connection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 200, b"", False),
    "keep-alive": (OK + b"Connection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "keep-alive as usual": (OK + b"Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "another option": (OK + b"Connection: x-trace\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
    "1.0 with keep-alive": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "1.0 with another option": (b"HTTP/1.0 200 OK\r\nConnection: x\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "204 that announces a body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, b"", True),
    "204 with a body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, b"", False),
    "204 with chunks": (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 204, b"", False),
    "304 that tells a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", True),
    "304 with a body": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 304, b"", False),
    "200 that mentions an upgrade": (OK + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "names that are nearly framing": (OK + b"Content-Lengtk: 9\r\nTransfer-Encodinf: x\r\nConnectiom: close\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    "bytes after a sized body": (SIZED + b"x", 200, b"hello", False),
    "CRLF after a sized body": (SIZED + b"\r\n", 200, b"hello", False),
    "a second response": (SIZED + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", 200, b"hello", False),
    "half of a second response": (SIZED + b"HTTP/1.1 2", 200, b"hello", False),
    "bytes after an empty body": (OK + b"Content-Length: 0\r\n\r\nH", 200, b"", False),
    "CRLF after chunks": (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n\r\n", 200, b"hello", False),
    "a response after trailers": (CHUNKED + b"0\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, b"", False),
    "rubbish after 204": (b"HTTP/1.1 204 No Content\r\n\r\n\x00\xff", 204, b"", False),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_a_response_that_ends_by_itself(name: str) -> None:
    """It is whole at its last byte, with this body, and the connection may be used again or not."""
    data, status, body, reusable = WHOLE[name]

    found = same_however_cut(data)

    assert found["error"] is None
    assert found["complete"]
    assert found["head"][0] == status  # type: ignore[index]
    assert body is None or found["body"] == body
    assert found["reusable"] is reusable


REFUSED = {
    # the status line
    "HTTP/0.9": b"hello\r\n\r\n",
    "an empty line first": b"\r\n" + SIZED,
    "version 2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "version 0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "version 1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "version without a dot": b"HTTP/1 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "tab": b"HTTP/1.1\t200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 \r\n\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 Low\r\n\r\n",
    "status in words": b"HTTP/1.1 two OK\r\n\r\n",
    "status with a sign": b"HTTP/1.1 +20 OK\r\n\r\n",
    "NUL in the reason": b"HTTP/1.1 200 O\x00K\r\n\r\n",
    "control in the reason": b"HTTP/1.1 200 O\x1bK\r\n\r\n",
    "bare CR in the reason": b"HTTP/1.1 200 O\rK\r\n\r\n",
    # the fields
    "obs-fold": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "obs-fold by tab": OK + b"A: b\r\n\tc\r\nContent-Length: 0\r\n\r\n",
    "space before the first field": OK + b" A: b\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "bare LF after one field": OK + b"A: b\nContent-Length: 0\r\n\r\n",
    "bare LF as the empty line": OK + b"Content-Length: 0\r\n\nx",
    "bare CR in a value": OK + b"A: b\rc\r\n\r\n",
    "NUL in a value": OK + b"A: b\x00c\r\n\r\n",
    "NUL in a name": OK + b"A\x00: b\r\n\r\n",
    "DEL in a value": OK + b"A: b\x7f\r\n\r\n",
    "form feed in a value": OK + b"A: b\x0c\r\n\r\n",
    "space before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "tab before the colon": OK + b"Content-Length\t: 0\r\n\r\n",
    "no colon": OK + b"Content-Length 0\r\n\r\n",
    "an empty name": OK + b": b\r\n\r\n",
    "a name past ASCII": OK + b"\xc3\xa9: b\r\n\r\n",
    # the length
    "equal lengths": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a list of lengths": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "length with plus": OK + b"Content-Length: +5\r\n\r\nhello",
    "length with minus": OK + b"Content-Length: -5\r\n\r\nhello",
    "length with underscore": OK + b"Content-Length: 1_0\r\n\r\n0123456789",
    "length with a space": OK + b"Content-Length: 1 0\r\n\r\n0123456789",
    "length in hexadecimal": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "length of 30 digits": OK + b"Content-Length: 111111111111111111111111111111\r\n\r\nhello",
    "length in other digits": OK + b"Content-Length: \xd9\xa5\r\n\r\nhello",
    "no length": OK + b"Content-Length:\r\n\r\nhello",
    # the transfer coding
    "both framings": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both framings, the other way": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": OK + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice in one": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\nhello",
    "no coding": OK + b"Transfer-Encoding:\r\n\r\nhello",
    "chunked with a parameter": OK + b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "xchunked on 204": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: xchunked\r\n\r\n",
    # the chunks
    "negative chunk": CHUNKED + b"-2\r\nhello\r\n0\r\n\r\n",
    "chunk with plus": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk with 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "chunk with underscore": CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n",
    "space after the size": CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n",
    "space before the size": CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    "two sizes": CHUNKED + b"40 f\r\nhello\r\n0\r\n\r\n",
    "17 digits": CHUNKED + b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "no size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "not a number": CHUNKED + b"g\r\nhello\r\n0\r\n\r\n",
    "bare LF after the size": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "bare CR after the size": CHUNKED + b"5\rhello\r\n0\r\n\r\n",
    "bare LF after the data": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "no CRLF after the data": CHUNKED + b"5\r\nhello0\r\n\r\n",
    "too much data": CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n",
    "an extension without a name": CHUNKED + b"5;\r\nhello\r\n0\r\n\r\n",
    "an extension with an open quote": CHUNKED + b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "NUL in an extension": CHUNKED + b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": CHUNKED + b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    # the trailers
    "a trailer without a colon": CHUNKED + b"0\r\nabc\r\n\r\n",
    "a trailer that is folded": CHUNKED + b"0\r\na: b\r\n c\r\n\r\n",
    "a trailer with bare LF": CHUNKED + b"0\r\na: b\n\r\n",
    "bare LF for the end": CHUNKED + b"0\r\n\n",
    "lengths in a trailer": CHUNKED + b"0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    # interim responses
    "101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "101 without Upgrade": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "an empty line after 100": b"HTTP/1.1 100 Continue\r\n\r\n\r\n" + SIZED,
    "both framings on 103": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + SIZED,
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_response(name: str) -> None:
    """It raises RemoteProtocolError, and the connection is not used again."""
    found = same_however_cut(REFUSED[name])

    assert found["error"] is RemoteProtocolError
    assert not found["complete"]
    assert not found["reusable"]


def test_what_came_before_the_fault_stays_valid() -> None:
    """The pieces of the body before a malformed chunk are there."""
    assert same_however_cut(CHUNKED + b"5\r\nhello\r\n-2\r\n")["body"] == b"hello"


def test_a_failed_engine_stays_failed() -> None:
    """After an error each call raises it again, whatever comes."""
    engine = ask()
    with pytest.raises(RemoteProtocolError, match="does not begin with a status line") as first:
        engine.receive(b"SSH-2.0-OpenSSH_9.9\r\n")

    for data in (SIZED, b""):
        with pytest.raises(RemoteProtocolError) as second:
            engine.receive(data)
        assert str(second.value) == str(first.value)
    with pytest.raises(RemoteProtocolError) as third:
        engine.receive_eof()
    assert str(third.value) == str(first.value)

    assert not engine.complete
    assert not engine.reusable


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"a b: 1", "is not a field name"),
        (b": 1", "is not a field name"),
        (b"a : 1", "is not a field name"),
        (b"ab", "has no colon"),
        (b" folded", "folded over several lines"),
        (b"A: secret\x00", "the value of b'A' has a character"),
        (b"Content-Length: +2", "is not a length"),
        (b"Content-Length: " + b"9" * 20, "is not a length"),
    ],
)
def test_a_malformed_field_is_named_and_its_value_is_not_shown(line: bytes, text: str) -> None:
    """The error of a malformed line says which rule it breaks, and does not repeat a value that may be a secret."""
    engine = ask()
    with pytest.raises(RemoteProtocolError, match=text) as caught:
        engine.receive(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")
    assert "secret" not in str(caught.value)


def test_lines_are_remembered_within_bounds_and_mean_the_same_each_time() -> None:
    """What a connection remembers of earlier heads is bounded, and a known line is read as an unknown one is."""
    parser = HeadParser(HeadLimits())
    for number in range(1000):
        block = b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nConnection: keep-alive\r\nContent-Length: %d\r\nA: b \r\n\r\n"
        head = parser.parse(block % (number, number))
        assert head.pairs[0] == (b"X-Id", b"%d" % number)
        assert head.pairs[3] == (b"A", b"b")
        assert (head.length, head.keeps) == (number, True)
    parser.parse(b"HTTP/1.1 200 OK\r\nLong: " + b"x" * 1000 + b"\r\n\r\n")
    remembered = [*parser._known, *parser._framing]
    assert len(remembered) <= 2 * MAX_KNOWN_LINES
    assert max(map(len, remembered)) <= MAX_KNOWN_LINE


# --- the end of the connection

CUT = {
    "nothing": (b"", "Server disconnected without sending a response."),
    "half a status line": (b"HTTP/1.1 2", "Server disconnected without sending a complete response head."),
    "half a head": (OK + b"A: b\r\n", "Server disconnected without sending a complete response head."),
    "an interim response": (
        b"HTTP/1.1 100 Continue\r\n\r\n",
        "Server disconnected without sending a complete response head.",
    ),
    "half a body": (
        OK + b"Content-Length: 10\r\n\r\nhello",
        "peer closed connection without sending complete message body (received 5 bytes, expected 10)",
    ),
    "no body": (
        OK + b"Content-Length: 10\r\n\r\n",
        "peer closed connection without sending complete message body (received 0 bytes, expected 10)",
    ),
    "half a chunk": (
        CHUNKED + b"5\r\nhe",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
    "between chunks": (
        CHUNKED + b"5\r\nhello\r\n",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
    "before the trailers end": (
        CHUNKED + b"0\r\na: b\r\n",
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
}


@pytest.mark.parametrize("name", CUT)
def test_a_response_cut_short(name: str) -> None:
    """It raises RemoteProtocolError and says what is missing; what was received of the body stays valid."""
    data, message = CUT[name]
    assert same_however_cut(data, eof=True)["error"] is RemoteProtocolError

    engine = ask()
    engine.receive(data)
    with pytest.raises(RemoteProtocolError) as caught:
        engine.receive_eof()

    assert str(caught.value) == message
    assert not engine.reusable


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_a_body_until_the_close(version: bytes) -> None:
    """Without a length the body lasts until the peer closes, and then the response is whole."""
    data = version + b" 200 OK\r\nConnection: keep-alive\r\n\r\nhello\r\nHTTP/1.1 200 OK\r\n\r\n"

    assert not same_however_cut(data)["complete"]

    found = same_however_cut(data, eof=True)
    assert found["complete"]
    assert found["error"] is None
    assert found["body"] == b"hello\r\nHTTP/1.1 200 OK\r\n\r\n"
    assert not found["reusable"]


def test_a_close_after_the_response() -> None:
    """The response stays whole, and the connection is not used again."""
    found = same_however_cut(SIZED, eof=True)

    assert found["error"] is None
    assert found["complete"]
    assert not found["reusable"]


# --- what the request decides


def test_head_has_no_body() -> None:
    """An answer to HEAD ends with its head, whatever that announces, and the next answer is read from its start."""
    for announced in (b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""):
        found = same_however_cut(OK + announced + b"\r\n", "HEAD")
        assert found["complete"]
        assert found["reusable"]
        assert found["body"] == b""

    assert not same_however_cut(SIZED, "HEAD")["reusable"]

    engine = ask("HEAD")
    engine.receive(OK + b"Content-Length: 5\r\n\r\n")
    ask_again(engine)
    engine.receive(SIZED)
    assert engine.chunks == [b"hello"]


def test_interim_responses_come_before_the_final_one() -> None:
    """Each is kept with its fields, and none is the answer."""
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 102 Processing\r\nContent-Length: 3\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SIZED
    )

    found = same_however_cut(data)

    assert [status for status, _ in found["informational"]] == [100, 102, 103]  # type: ignore[attr-defined]
    assert found["informational"][2][1] == [(b"Link", b"</a>")]  # type: ignore[index]
    assert found["body"] == b"hello"
    assert found["reusable"]


def test_interim_responses_are_bounded() -> None:
    """Sixteen may come, in number, and a head's size, in bytes; after them the next exchange has its own."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    engine = ask()
    engine.receive(interim * 16 + SIZED)
    assert len(engine.informational) == 16
    ask_again(engine)
    assert engine.informational == []
    engine.receive(interim * 16)
    with pytest.raises(RemoteProtocolError, match="more than 16 interim responses"):
        engine.receive(interim)

    with pytest.raises(RemoteProtocolError, match="too many bytes of header fields"):
        ask().receive((b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 20_000 + b"\r\n\r\n") * 7)


def test_switching_protocols() -> None:
    """After 101 to a request with Upgrade, the rest of the bytes belongs to the other protocol."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    for fields in (b"\r\n", b"Content-Length: 3\r\n\r\n"):
        found = same_however_cut(head + fields + b"\x81\x05hello\r\n\r\n", "GET", UPGRADE)

        assert found["upgraded"]
        assert found["complete"]
        assert found["head"][0] == 101  # type: ignore[index]
        assert found["leftover"] == b"\x81\x05hello\r\n\r\n"
        assert found["informational"] == []
        assert not found["reusable"]


def test_an_upgrade_that_is_declined() -> None:
    """Another status than 101 is an ordinary answer."""
    found = same_however_cut(SIZED, "GET", UPGRADE)

    assert found["reusable"]
    assert not found["upgraded"]


def test_a_tunnel() -> None:
    """After 2xx to CONNECT the rest of the bytes belongs to the tunnel, and an end of file is its own affair."""
    for head in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 204 Go\r\nContent-Length: 0\r\n\r\n"):
        found = same_however_cut(head + b"\x16\x03\x01", "CONNECT", eof=True)

        assert found["upgraded"]
        assert found["complete"]
        assert found["leftover"] == b"\x16\x03\x01"
        assert found["error"] is None
        assert not found["reusable"]


@pytest.mark.parametrize("field", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
def test_a_tunnel_with_a_body(field: bytes) -> None:
    """A 2xx to CONNECT that announces a body is refused."""
    assert same_however_cut(OK + field, "CONNECT")["error"] is RemoteProtocolError


def test_a_tunnel_that_is_declined() -> None:
    """Another status than 2xx is an ordinary answer, body and all."""
    found = same_however_cut(b"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nhello", "CONNECT")

    assert found["body"] == b"hello"
    assert found["reusable"]
    assert not found["upgraded"]


def test_trailers() -> None:
    """Fields after the last chunk are kept apart from the head, and gone with the next exchange."""
    found = same_however_cut(CHUNKED + b"5\r\nhello\r\n0\r\nDigest: abc \r\nX: \r\n\r\n")
    assert found["trailers"] == [(b"Digest", b"abc"), (b"X", b"")]
    assert found["reusable"]

    engine = ask()
    engine.receive(CHUNKED + b"0\r\nDigest: abc\r\n\r\n")
    ask_again(engine)
    assert engine.trailers == []


def test_the_head_as_received() -> None:
    """Names keep their case and their order, values lose the white space around them, and nothing is joined."""
    found = same_however_cut(
        b"HTTP/1.0 200 Well then\r\nB: 1\r\na:\t2 \r\nb: 3\r\nEmpty:\r\nC: \xff\r\nContent-Length: 0\r\n\r\n"
    )

    assert found["head"] == (
        200,
        b"Well then",
        b"HTTP/1.0",
        [(b"B", b"1"), (b"a", b"2"), (b"b", b"3"), (b"Empty", b""), (b"C", b"\xff"), (b"Content-Length", b"0")],
    )


def test_the_head_shows_itself() -> None:
    """Its repr tells status and reason."""
    engine = ask()
    engine.receive(SIZED)

    assert repr(engine.head) == "<ResponseHead [200 OK]>"


# --- limits

SMALL = HeadLimits(size=200, count=5, status_line=40, informational=2, chunk_line=20)


LIMITS = {
    "a long status line": (b"HTTP/1.1 200 " + b"x" * 27 + b"\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 28 + b"\r\n\r\n"),
    "many fields": (OK + b"a:\r\n" * 5 + b"\r\n", OK + b"a:\r\n" * 6 + b"\r\n"),
    "a large head": (OK + b"a: " + b"x" * 176 + b"\r\n\r\n", OK + b"a: " + b"x" * 177 + b"\r\n\r\n"),
    "a long chunk line": (
        CHUNKED + b"0;a=xxxxxxxxxxxx\r\n\r\n",
        CHUNKED + b"0;a=xxxxxxxxxxxxx\r\n\r\n",
    ),
    "many trailers": (CHUNKED + b"0\r\n" + b"a:\r\n" * 5 + b"\r\n", CHUNKED + b"0\r\n" + b"a:\r\n" * 6 + b"\r\n"),
    "large trailers": (
        CHUNKED + b"0\r\na: " + b"x" * 191 + b"\r\n\r\n",
        CHUNKED + b"0\r\na: " + b"x" * 192 + b"\r\n\r\n",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit(name: str) -> None:
    """What is as large as the limit passes, and one byte or field more is refused."""
    at_limit, beyond = LIMITS[name]

    assert same_however_cut(at_limit, limits=SMALL)["error"] is None
    assert same_however_cut(beyond, limits=SMALL)["error"] is RemoteProtocolError


ENDLESS = {
    "a status line": (b"HTTP/1.1 200 ", b"x", 9 * 1024),
    "one field": (OK + b"A: ", b"x", 129 * 1024),
    "one name": (OK, b"x", 129 * 1024),
    "fields": (OK, b"abcde: fghij\r\n", 129 * 1024),
    "a chunk size": (CHUNKED, b"0", 32),
    "a chunk extension": (CHUNKED + b"5;a=", b"x", 2 * 1024),
    "trailers": (CHUNKED + b"0\r\n", b"abcde: fghij\r\n", 129 * 1024),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("size", [7, 4096])
def test_what_never_ends_is_refused_in_time(name: str, size: int) -> None:
    """No part around a body may go on for ever: it is refused soon after its limit, though it is dribbled."""
    start, unit, limit = ENDLESS[name]
    engine = ask()
    engine.receive(start)
    flood = unit * (limit // len(unit) + 4096)
    pieces = [flood[index : index + size] for index in range(0, len(flood), size)]

    passed = [piece for piece in pieces if outcome(engine, [piece])["error"] is None]

    assert len(passed) < len(pieces)
    assert len(passed) * size <= limit


def test_six_thousand_small_fields() -> None:
    """They fit in the size, and are refused for their number."""
    with pytest.raises(RemoteProtocolError, match="more than 512 header fields"):
        ask().receive(OK + b"a: b\r\n" * 6000 + b"\r\n")


# --- the engine between exchanges


def test_exchange_after_exchange() -> None:
    """One engine reads many responses, of every framing, in turn."""
    engine = Http1()
    for data in [SIZED, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"] * 3:
        ask_again(engine)
        assert not engine.answered
        assert engine.head is None
        assert engine.chunks == []
        assert not engine.complete
        assert outcome(engine, [data])["reusable"]
        assert engine.answered


def test_a_body_in_pieces_leaves_the_next_head_alone() -> None:
    """However a body was cut, the next response is read from its start."""
    for pieces in cuts(SIZED):
        engine = ask()
        assert outcome(engine, pieces)["reusable"]
        assert outcome(ask_again(engine), [OK + b"Content-Length: 3\r\n\r\nfoo"])["body"] == b"foo"


def test_bytes_before_a_request() -> None:
    """What arrives while nothing was asked makes the connection unusable."""
    engine = Http1()
    assert engine.reusable
    engine.receive(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    assert not engine.reusable
    with pytest.raises(LocalProtocolError, match="cannot be used for another request"):
        ask_again(engine)


def test_a_close_before_a_request() -> None:
    """An idle connection that the peer closed is not used."""
    engine = Http1()
    engine.receive_eof()

    assert not engine.reusable
    assert engine.complete


def test_whether_the_server_answered() -> None:
    """One byte of a response is an answer, and so is an interim response."""
    engine = ask()
    engine.receive(b"")
    assert not engine.answered
    engine.receive(b"H")
    assert engine.answered

    engine = ask()
    engine.receive(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert engine.answered


def test_how_much_is_missing() -> None:
    """The engine tells how many bytes of a body of known length are to come."""
    engine = ask()
    assert engine.body_left is None
    engine.receive(OK + b"Content-Length: 5\r\n\r\nhe")
    assert engine.body_left == 3
    engine.receive(b"llo")
    assert engine.body_left == 0

    engine = ask()
    engine.receive(CHUNKED)
    assert engine.body_left is None


def test_a_large_body_is_not_copied() -> None:
    """A piece that is all body is handed on as it came."""
    engine = ask()
    engine.receive(OK + b"Content-Length: 1000000\r\n\r\n")
    piece = bytes(65536)
    engine.receive(piece)

    assert engine.chunks[0] is piece


def test_a_length_without_bounds_costs_nothing() -> None:
    """A Content-Length of 10**15 holds only what arrived."""
    engine = ask()
    engine.receive(OK + b"Content-Length: 1000000000000000\r\n\r\nabc")

    assert engine.chunks == [b"abc"]
    assert engine.body_left == 10**15 - 3


def test_an_early_answer() -> None:
    """A response that is whole before its request leaves the connection unusable until the request is whole, too."""
    engine = ask("POST", (b"Content-Length", b"5"))
    engine.encode_data(b"he")
    engine.receive(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert engine.complete
    assert not engine.reusable

    engine.encode_data(b"llo")
    assert engine.reusable


def test_keep_alive_is_heeded_in_either_version_whichever_came_first() -> None:
    """A line that has no meaning in HTTP/1.1 keeps the one that it has in HTTP/1.0, though it was seen before."""
    parse = HeadParser(HeadLimits()).parse
    for field in (b"Connection: keep-alive, x", b"connection: x, Keep-Alive"):
        newer, older = (b"HTTP/1.%d 200 OK\r\n%b\r\n\r\n" % (minor, field) for minor in (1, 0))
        assert [parse(head).keeps for head in (newer, older, newer, older)] == [True] * 4
        assert parse(older).pairs == parse(newer).pairs
    assert not parse(b"HTTP/1.0 200 OK\r\nConnection: x\r\n\r\n").keeps
    assert not parse(b"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\n\r\n").keeps
