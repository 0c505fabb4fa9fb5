"""The rules of RFC 9113, section 8, for the heads of responses and of requests: each has its case."""

from __future__ import annotations

import hpack
import pytest

from borzoi._errors import LocalProtocolError
from borzoi._values.headers import HeaderBlock
from borzoi._wire.http1_head import HeadLimits
from borzoi._wire.http2_settings import Http2Limits
from tests.wire.http2_scripting import (
    CHUNKED,
    HOST,
    SETTLED,
    Field,
    ask,
    block,
    connect,
    data,
    error_of,
    fields,
    frame,
    frames,
    headers,
    outcome,
    same_however_cut,
    sent_by,
    settings,
    trailers,
    upload,
)

STATUS = (b":status", b"200")


def head_of(*pairs: Field, end: bool = True) -> bytes:
    return frame(1, 4 | end, 1, fields(*pairs))


# --- responses that are sound


def test_a_response() -> None:
    """Status, fields, body and trailers are told as they came, names in lower case."""
    response = (
        headers(1, (b"server", b"x"), (b"content-length", b"5"))
        + data(1, b"he")
        + data(1, b"llo")
        + trailers(1, (b"t", b"v"))
    )

    found = same_however_cut(SETTLED + response, ["GET"])["streams"][0]

    assert found["head"] == (200, [(b"server", b"x"), (b"content-length", b"5")], b"HTTP/2", True)
    assert (found["body"], found["trailers"], found["complete"], found["error"]) == (
        b"hello",
        [(b"t", b"v")],
        True,
        None,
    )


@pytest.mark.parametrize("field", [(b"set-cookie", b"a=b"), (b"content-encoding", b"gzip")])
def test_fields_that_the_client_acts_upon_are_noted(field: Field) -> None:
    """A head with Set-Cookie or Content-Encoding is not plain, in the first response and in those that share its block."""
    found = outcome([SETTLED + headers(1, field, end=True) + headers(3, field, end=True)])

    assert [stream["head"][3] for stream in found["streams"]] == [False, False]


def test_interim_responses_come_first() -> None:
    """Interim heads are told beside the final one, and END_STREAM counts on the final one."""
    hint = (b"link", b"</a>; rel=preload")
    response = headers(1, status=b"100") + headers(1, hint, status=b"103") + headers(1, end=True)

    found = same_however_cut(SETTLED + response, ["GET"])["streams"][0]

    assert found["informational"] == [(100, []), (103, [hint])]
    assert (found["head"][0], found["complete"]) == (200, True)


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_statuses_without_content(status: bytes) -> None:
    """204 and 304 have no body, whatever length they tell (RFC 9110, 6.4.1)."""
    length = (b"content-length", b"10")

    assert error_of(headers(1, length, status=status, end=True)) == ""
    assert error_of(headers(1, length, status=status) + data(1, end=True)) == ""
    assert "longer than its Content-Length" in error_of(headers(1, length, status=status) + data(1, b"x", end=True))


def test_the_answer_to_head_has_no_content() -> None:
    """The answer to HEAD tells a length and has no body."""
    length = (b"content-length", b"10")

    assert error_of(headers(1, length, end=True), "HEAD") == ""
    assert "longer than its Content-Length" in error_of(headers(1, length) + data(1, b"x", end=True), "HEAD")


def test_blocks_that_are_kept_mean_the_same_only_while_the_table_does() -> None:
    """A block is read anew after the dynamic table has changed."""
    oracle = hpack.Encoder()
    engine = connect()
    for number in range(6):
        stream = ask(engine)
        status = [(":status", "200"), ("x-a", "1")]
        if number % 3 == 2:
            status.append(("x-new", str(number)))
        engine.receive(frame(1, 5, stream.id, oracle.encode(status)))
        assert stream.head is not None
        assert [(b":status", b"200"), *stream.head.pairs] == [(name.encode(), value.encode()) for name, value in status]


def test_a_block_that_changes_the_table_is_read_each_time() -> None:
    """The same block twice puts its field into the table twice: it is not answered from memory."""
    engine = connect()
    streams = [ask(engine) for _ in range(3)]
    adding = fields((b":status", b"200")) + b"\x40\x01a\x01b"

    engine.receive(
        frame(1, 5, 1, adding) + frame(1, 5, 3, adding) + frame(1, 5, 5, fields((b":status", b"200")) + b"\xbf")
    )

    assert [stream.head and stream.head.pairs for stream in streams] == [[(b"a", b"b")]] * 3


def test_trailers_that_repeat() -> None:
    """Trailers are the same each time they come, from whatever they are remembered."""
    response = headers(1) + trailers(1, (b"t", b"v")) + headers(3) + trailers(3, (b"t", b"v"))

    found = outcome([SETTLED + response])

    assert [stream["trailers"] for stream in found["streams"]] == [[(b"t", b"v")]] * 2


# --- responses that are malformed (RFC 9113, 8.1.1): each ends its stream, and no other


@pytest.mark.parametrize(
    ("head", "message"),
    [
        # 8.3: pseudo-header fields.
        (head_of(), "does not begin with :status"),
        (head_of((b"server", b"x")), "does not begin with :status"),
        (head_of((b"server", b"x"), STATUS), "does not begin with :status"),
        (head_of(STATUS, STATUS), "pseudo-header field b':status' does not belong"),
        (head_of(STATUS, (b"a", b"b"), STATUS), "pseudo-header field b':status' does not belong"),
        (head_of((b":method", b"GET"), STATUS), "does not begin with :status"),
        (head_of(STATUS, (b":path", b"/")), "pseudo-header field b':path' does not belong"),
        (head_of(STATUS, (b":new", b"/")), "pseudo-header field b':new' does not belong"),
        (head_of((b":status", b"20")), "is not three digits"),
        (head_of((b":status", b"2000")), "is not three digits"),
        (head_of((b":status", b"099")), "is not three digits"),
        (head_of((b":status", b"+20")), "is not three digits"),
        (head_of((b":status", b"")), "is not three digits"),
        (head_of((b":status", b"200 OK")), "is not three digits"),
        # 8.2.1: names.
        (head_of(STATUS, (b"Server", b"x")), "the field name b'Server' has upper case"),
        (head_of(STATUS, (b"", b"x")), "b'' is not a field name"),
        (head_of(STATUS, (b"a b", b"x")), "b'a b' is not a field name"),
        (head_of(STATUS, (b"a:b", b"x")), "b'a:b' is not a field name"),
        (head_of(STATUS, (b"a\x00", b"x")), "is not a field name"),
        (head_of(STATUS, (b"a\r\nb", b"x")), "is not a field name"),
        (head_of(STATUS, (b"\xc3\xa9", b"x")), "is not a field name"),
        (head_of(STATUS, (b"a\x7f", b"x")), "is not a field name"),
        # 8.2.1: values.
        (head_of(STATUS, (b"a", b"x\ry")), "the value of b'a' has a character that is not allowed"),
        (head_of(STATUS, (b"a", b"x\ny")), "the value of b'a' has a character that is not allowed"),
        (head_of(STATUS, (b"a", b"x\x00y")), "the value of b'a' has a character that is not allowed"),
        (head_of(STATUS, (b"a", b"x\x7f")), "the value of b'a' has a character that is not allowed"),
        (head_of(STATUS, (b"a", b" x")), "not at its ends"),
        (head_of(STATUS, (b"a", b"x\t")), "not at its ends"),
        # 8.2.2: fields about a connection.
        (head_of(STATUS, (b"connection", b"close")), "is about a connection"),
        (head_of(STATUS, (b"proxy-connection", b"close")), "is about a connection"),
        (head_of(STATUS, (b"keep-alive", b"timeout=5")), "is about a connection"),
        (head_of(STATUS, (b"transfer-encoding", b"chunked")), "is about a connection"),
        (head_of(STATUS, (b"upgrade", b"h2c")), "is about a connection"),
        (head_of(STATUS, (b"te", b"gzip")), "is about a connection"),
        # 8.1.1, and RFC 9110, 8.6: lengths.
        (head_of(STATUS, (b"content-length", b"+1")), "is not a length"),
        (head_of(STATUS, (b"content-length", b"1, 1")), "is not a length"),
        (head_of(STATUS, (b"content-length", b"")), "is not a length"),
        (head_of(STATUS, (b"content-length", b"1_0")), "is not a length"),
        (head_of(STATUS, (b"content-length", b"1" * 20)), "is not a length"),
        (head_of(STATUS, (b"content-length", b"0"), (b"content-length", b"0")), "more than one Content-Length"),
        (head_of(STATUS, (b"content-length", b"0"), (b"content-length", b"1")), "more than one Content-Length"),
        (head_of(STATUS, (b"content-length", b"1")), "1 bytes shorter than its Content-Length"),
        (headers(1, (b"content-length", b"3")) + data(1, b"ab", end=True), "1 bytes shorter than its Content-Length"),
        (headers(1, (b"content-length", b"3")) + data(1, b"abcd"), "longer than its Content-Length"),
        (
            headers(1, (b"content-length", b"3")) + data(1, b"ab") + trailers(1),
            "1 bytes shorter than its Content-Length",
        ),
        # 8.1: the order of frames.
        (data(1, b"x"), "DATA came before the head"),
        (data(1, end=True), "DATA came before the head"),
        (headers(1) + headers(1), "HEADERS came in the middle of the body"),
        (headers(1) + trailers(1, STATUS), "pseudo-header field b':status' does not belong"),
        (headers(1) + trailers(1, (b"A", b"b")), "has upper case"),
        (headers(1) + trailers(1, (b"connection", b"b")), "is about a connection"),
        (headers(1, status=b"100", end=True), "the interim response 100 ends the exchange"),
        (headers(1, status=b"100") + data(1, b"x"), "DATA came before the head"),
        # 8.6.
        (headers(1, status=b"101"), "the interim response 101 ends the exchange"),
    ],
)
def test_a_malformed_response_is_a_fault_of_its_stream(head: bytes, message: str) -> None:
    """It ends in an error that names the fault and in RST_STREAM; the other stream is answered as if nothing were."""
    assert message in error_of(head)

    found = outcome([SETTLED + head + headers(3, end=True)])

    assert found["error"] is None
    assert found["streams"][0]["error"].startswith("The server broke a rule of HTTP/2: ")
    assert found["streams"][1]["complete"]
    resets = [(stream, payload) for kind, _, stream, payload in frames(found["sent"]) if kind == 3]
    assert resets == [(1, b"\x00\x00\x00\x01")]


def test_te_may_say_trailers() -> None:
    """The one value that TE may have passes."""
    assert error_of(head_of(STATUS, (b"te", b"Trailers"))) == ""


def test_no_value_is_shown() -> None:
    """The error for a value names the field, and not its value, which may be a secret."""
    error = error_of(head_of(STATUS, (b"set-cookie", b"session=hunter2\x00")))

    assert "set-cookie" in error
    assert "hunter2" not in error


def test_too_many_interim_responses() -> None:
    """The interim responses of a stream have a limit."""
    limits = Http2Limits(heads=HeadLimits(informational=2))
    response = headers(1, status=b"103") * 3

    found = same_however_cut(SETTLED + response, ["GET"], limits)["streams"][0]

    assert "more than 2 interim responses" in found["error"]
    assert len(found["informational"]) == 2


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (headers(1, (b"a", b"x" * 120), (b"b", b"y" * 60), end=True), "header fields of more than 250 bytes"),
        (headers(1, *[(b"a", b"")] * 4, end=True), "more than 4 header fields"),
        (headers(1) + trailers(1, *[(b"a", b"")] * 5), "more than 4 header fields"),
    ],
)
def test_a_head_over_the_limits(head: bytes, message: str) -> None:
    """A header list over its limit costs its response, and the connection goes on."""
    limits = Http2Limits(heads=HeadLimits(size=250, count=4))

    found = outcome([SETTLED + head + headers(3, end=True)], limits=limits)

    assert message in found["streams"][0]["error"]
    assert found["streams"][1]["complete"]
    assert found["error"] is None


def test_the_limit_is_told() -> None:
    """Our SETTINGS refuse push, and name the window of a stream and the largest header list."""
    limits = Http2Limits(heads=HeadLimits(size=1000), stream_window=70_000, connection_window=65_535)
    engine = connect(limits)
    assert engine.error is None

    assert outcome([], limits=limits)["error"] is None
    sent = Http2Limits.encode(limits)
    assert frames(sent) == [(4, 0, 0, bytes.fromhex("0002 00000000 0004 00011170 0006 000003e8"))]


def test_a_block_that_cannot_be_read_ends_the_connection() -> None:
    """After a fault in HPACK nothing can be read any more (RFC 9113, 4.3)."""
    found = same_however_cut(SETTLED + frame(1, 5, 1, b"\x80") + headers(3, end=True))

    assert found["error"] == "The server broke a rule of HTTP/2: a header block refers to index 0 (COMPRESSION_ERROR)."
    assert [stream["error"] for stream in found["streams"]] == [found["error"]] * 2


# --- requests


def request_of(*pairs: Field, method: str = "GET", target: bytes = b"/", scheme: bytes = b"https") -> list[Field]:
    """Return the fields of a request as the server reads them."""
    engine = connect()
    engine.open(method, target, HeaderBlock(list(pairs)), scheme)
    (_, _, payload), *_ = sent_by(engine, 1)
    return [(bytes(name), bytes(value)) for name, value in hpack.Decoder().decode(payload, raw=True)]


def test_a_request() -> None:
    """Pseudo-header fields come first, the authority is the Host, and names are in lower case."""
    assert request_of((b"User-Agent", b"x"), HOST, (b"X-A", b"B"), target=b"/a?b", scheme=b"http") == [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", b"/a?b"),
        (b":authority", b"example.org"),
        (b"user-agent", b"x"),
        (b"x-a", b"B"),
    ]


def test_fields_about_the_connection_are_not_sent() -> None:
    """What belongs to a connection of HTTP/1, and what Connection names, stays behind (RFC 9113, 8.2.2)."""
    found = request_of(
        HOST,
        (b"Connection", b"keep-alive, X-Hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"5"),
        (b"Proxy-Connection", b"close"),
        CHUNKED,
        (b"Upgrade", b"h2c"),
        (b"HTTP2-Settings", b"AAAA"),
        (b"TE", b"gzip"),
        (b"TE", b"trailers"),
        (b"X-Kept", b"1"),
        method="POST",
    )

    assert found[4:] == [(b"te", b"trailers"), (b"x-kept", b"1")]


def test_the_asterisk() -> None:
    """OPTIONS may ask about the server itself (RFC 9113, 8.3.1)."""
    assert (b":path", b"*") in request_of(HOST, method="OPTIONS", target=b"*")


def test_connect() -> None:
    """CONNECT has a method and an authority, and neither scheme nor path (RFC 9113, 8.5)."""
    assert request_of(HOST, (b"Proxy-Authorization", b"Basic eA=="), method="CONNECT", target=b"example.org:443") == [
        (b":method", b"CONNECT"),
        (b":authority", b"example.org:443"),
        (b"proxy-authorization", b"Basic eA=="),
    ]


@pytest.mark.parametrize(
    ("method", "target", "pairs", "message"),
    [
        ("G T", b"/", [HOST], "Invalid method"),
        ("GET\r\n", b"/", [HOST], "Invalid method"),
        ("", b"/", [HOST], "Invalid method"),
        ("GET", b"", [HOST], "Invalid request target"),
        ("GET", b"/a b", [HOST], "Invalid request target"),
        ("GET", b"/\r\nX: y", [HOST], "Invalid request target"),
        ("GET", b"*", [HOST], "HTTP/2 wants a path"),
        ("GET", b"https://example.org/", [HOST], "HTTP/2 wants a path"),
        ("CONNECT", b"a b", [HOST], "Invalid request target"),
        ("GET", b"/", [], "exactly one Host"),
        ("GET", b"/", [HOST, HOST], "exactly one Host"),
        ("GET", b"/", [HOST, (b"a", b"b\r\nc: d")], "Illegal header value"),
        ("GET", b"/", [HOST, (b"a", b"b\x00")], "Illegal header value"),
        ("GET", b"/", [HOST, (b"a", b" b")], "Illegal header value"),
        ("GET", b"/", [HOST, (b":path", b"/")], "Illegal header name"),
        ("GET", b"/", [HOST, (b"a b", b"c")], "Illegal header name"),
        ("GET", b"/", [HOST, (b"Content-Length", b"x")], "Invalid Content-Length"),
        ("GET", b"/", [HOST, (b"Content-Length", b"1"), CHUNKED], "this one has both"),
        ("CONNECT", b"a:1", [HOST, (b"Content-Length", b"1")], "A CONNECT request has no body"),
        ("TRACE", b"/", [HOST, (b"Content-Length", b"1")], "A TRACE request has no body"),
    ],
)
def test_a_malformed_request_is_refused(method: str, target: bytes, pairs: list[Field], message: str) -> None:
    """It raises before anything is sent, and leaves nothing behind: the next request is read as it should be."""
    engine = connect()
    decoder = hpack.Decoder()

    with pytest.raises(LocalProtocolError, match=message):
        engine.open(method, target, HeaderBlock(pairs))

    assert engine.data_to_send() == b""
    assert engine.streams == {}
    for expected in (1, 3):
        engine.open("GET", b"/", block((b"accept", b"*/*")))
        ((_, stream, payload),) = sent_by(engine, 1)
        assert stream == expected
        assert len(decoder.decode(payload)) == 5


def test_a_request_larger_than_the_server_takes() -> None:
    """The server's limit of a header list is kept, before anything is sent."""
    engine = connect(Http2Limits(), (6, 300))
    assert ask(engine, (b"a", b"b" * 60)).id == 1

    with pytest.raises(LocalProtocolError, match="larger than the 300 bytes that the server accepts"):
        ask(engine, (b"a", b"b" * 120))
    with pytest.raises(LocalProtocolError, match="larger than the 300 bytes"):
        ask(engine, target=b"/" * 200)


def test_a_large_request_is_continued() -> None:
    """Headers of more than 16 KiB go out in several frames."""
    engine = connect()
    engine.open("GET", b"/", block((b"a", b"\x80" * 40_000)))

    assert [(kind, flags) for kind, flags, _, _ in frames(engine.data_to_send())] == [(1, 1), (9, 0), (9, 4)]


@pytest.mark.parametrize(
    "pairs",
    [
        [(b"content-length", b"5")],
        [(b"Transfer-Encoding", b"chunked")],
        [(b"Host", b"a")],
        [(b"TE", b"gzip")],
    ],
)
def test_trailers_that_frame_or_route_are_refused(pairs: list[Field]) -> None:
    """Trailers have no part in framing and routing (RFC 9110, 6.5.1)."""
    engine = connect()
    stream = upload(engine)

    with pytest.raises(LocalProtocolError, match="Trailers have no fields"):
        engine.end(stream, pairs)
    with pytest.raises(LocalProtocolError, match="Illegal header value"):
        engine.end(stream, [(b"a", b"\n")])


def test_blocks_of_requests_are_kept_only_while_the_table_is_the_same() -> None:
    """Requests with many different headers, over and over, through a table that is resized: each is read as it was sent."""
    engine = connect()
    decoder = hpack.Decoder()
    blocks = [block((b"User-Agent", b"x"), (b"X-Tenant", b"%d" % (number % 7))) for number in range(150)]
    for round_, size in enumerate((4096, 200, 0, 4096)):
        engine.receive(settings((1, size)))
        engine.data_to_send()
        for number, sent in enumerate(blocks + blocks[:40]):
            stream = engine.open("GET", b"/%d/%d" % (round_, number), sent)
            ((_, _, payload),) = sent_by(engine, 1)
            found = [(bytes(name), bytes(value)) for name, value in decoder.decode(payload, raw=True)]
            assert found[2:] == [
                (b":path", b"/%d/%d" % (round_, number)),
                (b":authority", b"example.org"),
                *[(name.lower(), value) for name, value in sent.pairs[1:]],
            ]
            engine.receive(headers(stream.id, end=True))


def test_a_block_that_is_sent_again_costs_its_indices() -> None:
    """From the third time on, headers are as many bytes as they have fields, and still mean what they say."""
    engine = connect()
    decoder = hpack.Decoder()
    sent = [block((b"User-Agent", b"x"), (b"X-Tenant", b"%d" % number)) for number in range(3)]
    sizes = []
    for number in range(15):
        stream = engine.open("GET", b"/", sent[number % 3])
        ((_, _, payload),) = sent_by(engine, 1)
        engine.receive(headers(stream.id, end=True))
        sizes.append(len(payload))
        assert decoder.decode(payload, raw=True)[-1] == (b"x-tenant", b"%d" % (number % 3))

    assert sizes[6:] == [6] * 9

    other = block((b"X-Other", b"1"))
    sizes = []
    for _ in range(4):
        engine.open("GET", b"/", other)
        ((_, _, payload),) = sent_by(engine, 1)
        sizes.append(len(payload))
    assert sizes[2:] == [5, 5]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "QUERY", "X" * 20])
def test_any_method(method: str) -> None:
    """Methods that the static table does not have are sent as they are."""
    assert request_of(HOST, method=method)[0] == (b":method", method.encode())


def test_methods_are_not_remembered_without_end() -> None:
    """However many methods, paths and headers a program invents, each request is right."""
    engine = connect()
    decoder = hpack.Decoder()
    for number in range(200):
        stream = engine.open(f"M{number}", b"/%d" % number, block((b"x", b"%d" % number)))
        ((_, _, payload),) = sent_by(engine, 1)
        assert decoder.decode(payload, raw=True)[0] == (b":method", b"M%d" % number)
        engine.receive(headers(stream.id, (b"n", b"%d" % number), end=True))
        assert stream.head is not None
        assert stream.head.pairs == [(b"n", b"%d" % number)]


def test_a_block_that_adds_the_same_each_time() -> None:
    """A head that refers to nothing dynamic is known by its bytes, and still puts its fields into the table each time."""
    engine = connect()
    oracle = hpack.Decoder()
    adding = fields(STATUS) + b"\x40\x03x-a\x03one" + b"\x5f\x04text"
    other = fields(STATUS) + b"\x40\x03x-b\x03two"
    # Both of the fields that came last, and the one before them.
    referring = b"\x88\xbe\xbf\xc0"

    for head in (adding, adding, other, adding, referring, adding, adding, referring, other, referring, other, adding):
        stream = ask(engine)
        engine.receive(frame(1, 5, stream.id, head))
        assert stream.head is not None
        expected = [(bytes(name), bytes(value)) for name, value in oracle.decode(head, raw=True)]
        assert [STATUS, *stream.head.pairs] == expected


def test_a_request_is_written_anew_where_what_holds_for_it_has_changed() -> None:
    """What is sent again and again is kept, until the table or the limit of the server changes."""
    engine = connect()
    oracle = hpack.Decoder()
    same = block((b"x-id", b"7"))
    sent: list[bytes] = []

    def ask_again() -> list[Field]:
        engine.open("GET", b"/a", same)
        (_, _, payload) = next(found for found in sent_by(engine, 1))
        sent.append(payload)
        return [(bytes(name), bytes(value)) for name, value in oracle.decode(payload, raw=True)]

    expected = ask_again()
    for _ in range(4):
        assert ask_again() == expected
    assert len(set(sent[2:])) == 1
    engine.receive(settings((1, 0)))
    assert ask_again() == expected
    assert sent[-1] != sent[-2]
    engine.receive(settings((6, 10)))
    with pytest.raises(LocalProtocolError, match="larger than the 10 bytes"):
        engine.open("GET", b"/a", same)
