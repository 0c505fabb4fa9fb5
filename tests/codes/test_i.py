"""I1 to I3: nothing that a program passes on breaks out of its place, and what must not be guessed is random."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import DigestAuth, HTTPError, HTTPTransport, InvalidURL, Proxy, Request
from borzoi._backends.memory import MemoryBackend
from borzoi._wire.http1 import Http1
from borzoi._wire.http2 import Http2

EVERY = [chr(number) for number in range(256)] + [
    chr(0x10A),
    chr(0x10D),
    chr(0x20A),
    "\u2028",
    "\u560a",
    "\u560d",
    "\ud800",
    # A line, a request and the end of a value: NUL stands for the colon while a block of fields is checked.
    "\r\nX-B: c",
    "\r\nX-B\0c",
    "\n X-B: c",
    "\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n",
    '"; x="',
    '\\"; x="',
    "; b=c",
    ", b",
]
REFUSALS = (HTTPError, InvalidURL, ValueError, TypeError)
"""What may be raised where a string is not sent: errors of the tree, and ValueError (so UnicodeError) before there is a request."""


class Wire:
    """A server that takes anything, and remembers every byte."""

    def __init__(self) -> None:
        self.received = b""
        self.refused = False

    def __call__(self, data: bytes) -> list[bytes]:
        self.received += data
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"] if data else []


def sent(act: Callable[[borzoi.Client], object], wire: Wire | None = None, **settings: Any) -> bytes:
    """Return the bytes that something sent, over a wire that may be given."""
    wire = Wire() if wire is None else wire
    transport = HTTPTransport(backend=MemoryBackend(lambda host, port: wire), **settings)
    with borzoi.Client(transport=transport, trust_env=False) as client:
        client.headers.clear()
        act(client)
    return wire.received


URL = "http://one.example"

INPUTS: dict[str, Callable[[borzoi.Client, str], object]] = {
    "method": lambda client, s: client.request(f"GE{s}T", URL),
    "scheme": lambda client, s: client.get(f"h{s}tp://one.example"),
    "host": lambda client, s: client.get(f"http://o{s}ne.example/"),
    "userinfo": lambda client, s: client.get(f"http://us{s}er:pa{s}ss@one.example/"),
    "port": lambda client, s: client.get(f"http://one.example:8{s}0/"),
    "path": lambda client, s: client.get(f"{URL}/a{s}b"),
    "query": lambda client, s: client.get(f"{URL}/?a{s}b"),
    "params": lambda client, s: client.get(URL, params={f"a{s}b": f"c{s}d"}),
    "fragment": lambda client, s: client.get(f"{URL}/#a{s}b"),
    "target": lambda client, s: client.get(URL, extensions={"target": f"/a{s}b".encode("utf-8", "surrogatepass")}),
    "header name": lambda client, s: client.get(URL, headers={f"X{s}A": "b"}),
    "header value": lambda client, s: client.get(URL, headers={"X-A": f"b{s}c"}),
    "host header": lambda client, s: client.get(URL, headers={"Host": f"b{s}c"}),
    "cookie name": lambda client, s: client.get(URL, headers={"Cookie": str(borzoi.Cookies({f"a{s}b": "c"}) and f"a{s}b=c")}),
    "cookie value": lambda client, s: client.send(Request("GET", URL, cookies={"a": f"b{s}c"})),
    "basic": lambda client, s: client.get(URL, auth=(f"us{s}er", f"pa{s}ss")),
    "multipart name": lambda client, s: client.post(URL, files={f"a{s}b": b"x"}),
    "multipart filename": lambda client, s: client.post(URL, files={"a": (f"a{s}b", b"x")}),
    "multipart type": lambda client, s: client.post(URL, files={"a": ("a", b"x", f"a/b{s}c")}),
    "multipart header": lambda client, s: client.post(URL, files={"a": ("a", b"x", "a/b", {f"X{s}B": f"c{s}d"})}),
    "multipart boundary": lambda client, s: client.post(
        URL, files={"a": b"x"}, headers={"Content-Type": f"multipart/form-data; boundary=a{s}b"}
    ),
    "form": lambda client, s: client.post(URL, data={f"a{s}b": f"c{s}d"}),
    "last event id": lambda client, s: client.get(URL, headers={"Last-Event-ID": f"a{s}b"}),
}  # fmt: skip

DISPOSITION = re.compile(rb'Content-Disposition: form-data; name="[^"\r\n\0]*"(?:; filename="[^"\r\n\0]*")?')
"""The first line of a part, in which nothing ends the quotes before their end."""

HEAD = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\x00]*\r\n)+\r\n"
)
"""A head with every line break where it belongs. Other control characters stand in values as they were given, as with h11."""


class TestI1:
    """Every string, with every byte in it."""

    @pytest.mark.parametrize("name", INPUTS)
    def test_nothing_breaks_out(self, name: str) -> None:
        """It is refused before a byte is sent, or sent as one sound request with one line for each field."""
        plain = sent(lambda client: INPUTS[name](client, "0" if name == "port" else "t" if name == "scheme" else "x"))
        head, _, body = plain.partition(b"\r\n\r\n")
        for letter in EVERY:
            wire = Wire()
            try:
                sent(lambda client, letter=letter: INPUTS[name](client, letter), wire)
            except REFUSALS:
                wire.refused = True
            if wire.refused:
                assert wire.received == b"", letter
                continue
            found = HEAD.match(wire.received)
            assert found is not None, (letter, wire.received[:200])
            assert found[0].count(b"\r\n") <= plain[: len(head) + 4].count(b"\r\n") + (letter == "@"), (
                letter,
                found[0],
            )
            assert (b"\r\n" in body) == (b"\r\n" in wire.received[found.end() :])
            if name.startswith("multipart") and name != "multipart boundary":
                part = wire.received[found.end() :].split(b"\r\n\r\n")[0]
                assert part.count(b"\r\n") == body.split(b"\r\n\r\n")[0].count(b"\r\n"), letter
                assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", part), letter
                assert DISPOSITION.fullmatch(part.split(b"\r\n")[1]), letter
            if name == "cookie value":
                assert b";" not in wire.received, letter

    def test_a_challenge_is_not_echoed_into_other_fields(self) -> None:
        """What a server put into its challenge stays within the quotes of the answer."""
        for letter in [*EVERY[:256], '"; x="', "\\", '\\"']:
            auth = DigestAuth("user", "s3cret")
            request = Request("GET", URL)
            flow = auth.auth_flow(request)
            next(flow)
            realm = letter.replace("\\", "\\\\").replace('"', '\\"')
            fields = [(b"WWW-Authenticate", f'Digest realm="a{realm}b", nonce="n", qop="auth"'.encode())]
            try:
                again = flow.send(borzoi.Response(401, headers=fields, request=request))
            except (HTTPError, StopIteration):
                continue
            try:
                block = Http1().encode_head("GET", b"/", again.headers.block)
            except HTTPError:
                continue
            assert HEAD.match(block) is not None, letter
            echo = re.search(r'realm="((?:[^"\\]|\\.)*)", nonce="n", uri="/", ', again.headers["authorization"])
            assert echo is not None, letter
            assert re.sub(r"\\(.)", r"\1", echo[1]) == f"a{letter}b"
            assert block.count(b"\r\n") == Http1().encode_head("GET", b"/", request.headers.block).count(b"\r\n")

    @pytest.mark.parametrize("field", ["header", "auth"])
    def test_proxies_are_asked_in_one_line_for_each_field(self, field: str) -> None:
        """What goes into CONNECT is refused, or sent whole."""
        for letter in EVERY:
            wire = Wire()
            try:
                text = f"a{letter}b"
                of_header: dict[str, Any] = {"headers": {"X-A": text}}
                proxy = Proxy("http://proxy.example", **(of_header if field == "header" else {"auth": (text, text)}))
                transport = HTTPTransport(backend=MemoryBackend(lambda host, port, wire=wire: wire), proxy=proxy)
                with borzoi.Client(transport=transport) as client:
                    client.get("https://one.example/")
            except REFUSALS:
                pass
            assert wire.received == b"" or HEAD.match(wire.received) is not None, letter

    @pytest.mark.parametrize(
        "target", [b"@two.example/", b":99/", b".two.example/", b"two.example", b"?a", b"http://two.example/", b"%40b/"]
    )
    def test_a_target_is_no_part_of_a_host(self, target: bytes) -> None:
        """Behind the name of an origin, where a proxy is told of it, a target cannot make another name of it."""
        wire = Wire()
        with pytest.raises(borzoi.LocalProtocolError, match="Invalid request target"):
            sent(lambda client: client.get(URL, extensions={"target": target}), wire, proxy="http://proxy.example")
        assert wire.received == b""

    @pytest.mark.parametrize(
        ("target", "line"),
        [
            (b"*", b"OPTIONS http://one.example "),
            (b"/a", b"OPTIONS http://one.example/a "),
            (b"//a", b"OPTIONS http://one.example//a "),
        ],
    )
    def test_other_targets_are_told_to_a_proxy(self, target: bytes, line: bytes) -> None:
        """What begins with a slash follows the name, and "*" is nothing there (RFC 9112, 3.2.4)."""
        act = lambda client: client.options(URL, extensions={"target": target})  # noqa: E731
        assert sent(act, proxy="http://proxy.example").startswith(line)

    def test_the_same_over_http2(self) -> None:
        """No engine takes a field that could be two, whatever it is made of."""
        from borzoi._values.headers import HeaderBlock

        for byte in range(256):
            letter = bytes([byte])
            pairs = [(b"X" + letter, b"b"), (b"x-a", b"b" + letter + b"c"), (b"Host", b"a" + letter)]
            for pair in pairs:
                host = [] if pair[0] == b"Host" else [(b"Host", b"one.example")]
                block = HeaderBlock([*host, pair])
                for engine, open_ in ((Http1(), "encode_head"), (Http2(), "open")):
                    try:
                        getattr(engine, open_)("GET", b"/", block)
                    except (HTTPError, ValueError):
                        continue
                    assert byte not in (0, 10, 13), (pair, open_)


FRAMINGS: list[dict[str, Any]] = [
    {"headers": [("Host", "a"), ("Host", "b")]},
    {"headers": {"Content-Length": "3", "Transfer-Encoding": "chunked"}, "content": b"abc"},
    {"headers": {"Content-Length": "2"}, "content": b"abc"},
    {"headers": {"Content-Length": "4"}, "content": b"abc"},
    {"headers": {"Content-Length": "+3"}, "content": b"abc"},
    {"headers": {"Content-Length": "3, 3"}, "content": b"abc"},
    {"headers": [("Content-Length", "3"), ("Content-Length", "3")], "content": b"abc"},
    {"headers": {"Transfer-Encoding": "gzip, chunked"}, "content": b"abc"},
    {"headers": {"Transfer-Encoding": "identity"}, "content": b"abc"},
    {"headers": {"Transfer-Encoding": "chunked, chunked"}, "content": b"abc"},
    {"method": "CONNECT", "content": b"abc"},
    {"method": "TRACE", "content": b"abc"},
]


class TestI2:
    """The framing of requests."""

    @pytest.mark.parametrize("number", range(len(FRAMINGS)))
    def test_what_two_servers_could_read_differently_is_not_sent(self, number: int) -> None:
        """It is a LocalProtocolError, and whatever had to be sent before was no whole request."""
        arguments = dict(FRAMINGS[number])
        method = arguments.pop("method", "POST")
        wire = Wire()
        transport = HTTPTransport(backend=MemoryBackend(lambda host, port: wire))
        with borzoi.Client(transport=transport) as client:
            with pytest.raises(borzoi.LocalProtocolError):
                client.request(method, URL, **arguments)
        assert wire.received.count(b"abc") == 0 or number == 3

    @pytest.mark.parametrize("content", [b"", b"abc", b"x" * 200_000, "gen"])
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
    def test_bytes_are_those_that_were_announced(self, method: str, content: Any) -> None:
        """One Host, one framing, and a body of that length."""
        body = iter([b"ab", b"", b"c"]) if content == "gen" else content
        wire = sent(lambda client: client.request(method, URL, content=body))
        head, _, rest = wire.partition(b"\r\n\r\n")
        names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
        assert names.count(b"host") == 1
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
        if content == "gen":
            assert rest == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        else:
            assert rest == content
            assert f"content-length: {len(content)}".encode() in head.lower() or not content


class TestI3:
    """What must not be guessed."""

    def test_boundaries_keys_and_masks_are_random(self) -> None:
        """No two of a thousand are equal, and every bit of them is as often set as not."""
        from borzoi._wire.websocket import WebSocket
        from borzoi._wire.websocket_handshake import opening_fields

        boundaries = {Request("POST", URL, files={"a": b"x"}).headers["content-type"] for _ in range(1000)}
        keys = {opening_fields(None)["sec-websocket-key"] for _ in range(1000)}
        engine = WebSocket(1 << 20)
        masks = [bytes(engine.send_bytes(b"\0" * 4))[2:6] for _ in range(1000)]
        assert (len(boundaries), len(keys)) == (1000, 1000)
        assert len(set(masks)) > 998
        drawn = {"boundaries": [bytes.fromhex(text.partition("boundary=")[2]) for text in boundaries]}
        drawn |= {"keys": [base64.b64decode(key) for key in keys], "masks": masks}
        for name, values in drawn.items():
            assert {len(value) for value in values} == {4 if name == "masks" else 16}
            for bit in range(8 * len(values[0])):
                ones = sum(int.from_bytes(value, "big") >> bit & 1 for value in values)
                # Six times the deviation of a thousand tosses: once in a billion.
                assert 400 < ones < 600, (name, bit)
