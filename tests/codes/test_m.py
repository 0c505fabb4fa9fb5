"""M2 to M6: the same meaning however bytes are cut, what comes before and behind a response, and digits that are digits."""

from __future__ import annotations

from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, RemoteProtocolError
from borzoi._backends.memory import MemoryBackend
from borzoi._policy.pooling import keep_alive_seconds
from borzoi._values.headers import HeaderBlock
from borzoi._wire.http1 import Http1
from borzoi._wire.http1_head import DEFAULT_HEAD_LIMITS
from borzoi._wire.http2_frames import Fault
from borzoi._wire.http2_head import HeadReader
from tests.faults.framing import SCRIPTS
from tests.wire.http2_scripting import fields

NUMBERS = ["+5", "-5", "5_0", "0x5", "5.0", "5e1", " 5 5", "٥", "５", "²", "5;", "", "1" * 25]
ASKING = HeaderBlock([(b"Host", b"one.example")])


def outcome(pieces: list[bytes]) -> tuple[object, ...]:
    """Return all that an engine makes of a response; of an error only that there is one, since it shows what has come."""
    engine = Http1()
    engine.encode_head("GET", b"/", ASKING)
    body: list[bytes] = []
    try:
        for piece in pieces:
            engine.receive(piece)
            body += engine.chunks
            engine.chunks = []
        engine.receive_eof()
        error = ""
    except RemoteProtocolError as failure:
        error = str(failure)
        body += engine.chunks
    head = engine.head
    return bool(error), head and (head.status, head.pairs), b"".join(body), engine.complete, engine.reusable


class TestM2:
    """However bytes are cut."""

    @pytest.mark.parametrize("name", [key for key in SCRIPTS if key[0] not in (6, 7, 8, 9, 10, 11, 12, 14)], ids=str)
    def test_the_outcome_is_the_same(self, name: tuple[int, str]) -> None:
        """Whole, byte by byte and at every place where it can be cut in two: the same response, or the same error."""
        data = b"".join(event for event in SCRIPTS[name].events if isinstance(event, bytes))
        whole = outcome([data])
        assert outcome([data[n : n + 1] for n in range(len(data))]) == whole
        for place in range(1, len(data)):
            assert outcome([data[:place], data[place:]]) == whole, place


BEHIND: dict[str, tuple[str, bytes]] = {
    "a length": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "a length of 0": ("POST", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "chunks": ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "trailers": ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n"),
    "204": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "204 in chunks": ("GET", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "304": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
    "HEAD": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
    "interim": ("GET", b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
}
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"


class TestM3:
    """Bytes that nobody asked for."""

    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    @pytest.mark.parametrize("poison", [POISON, POISON[:20], b"\r\n", b"x"], ids=["response", "half", "CRLF", "byte"])
    @pytest.mark.parametrize("behind", BEHIND)
    def test_behind_every_kind_of_end(self, behind: str, poison: bytes, *, streamed: bool) -> None:
        """Together with the response or after it, they are no part of the next one, which has a connection of its own."""
        method, response = BEHIND[behind]
        for first in ([response + poison], [response, poison], [response[:-1], response[-1:] + poison]):
            answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"], first]

            def peer(host: str, port: int, answers: list[list[bytes]] = answers) -> Any:
                events = answers.pop()
                return lambda data: events if data else []

            with borzoi.Client(transport=HTTPTransport(backend=MemoryBackend(peer))) as client:
                if streamed:
                    with client.stream(method, "http://one.example/first") as opened:
                        opened.read()
                else:
                    client.request(method, "http://one.example/first")
                assert client.get("http://one.example/second").text == "next"
            assert not answers


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: %b\r\n\r\n"
FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class TestM4:
    """Interim responses."""

    @pytest.mark.parametrize("cut", [1 << 20, 1000, 97])
    def test_their_bytes_count_together(self, cut: int) -> None:
        """Few of them, each within the bounds of a head, are too many where they exceed those together."""
        for size, is_sound in ((1000, True), (20_000, False)):
            data = INTERIM % (b"x" * size) * 10 + FINAL
            pieces = [data[place : place + cut] for place in range(0, len(data), cut)]
            is_error, head, _, complete, _ = outcome(pieces)
            assert is_error is not is_sound
            assert bool(head) is bool(complete) is is_sound

    def test_the_next_response_has_as_many(self) -> None:
        """What one response has used up is not missing to the next on its connection."""
        engine = Http1()
        for _ in range(5):
            engine.encode_head("GET", b"/", ASKING)
            engine.receive(INTERIM % (b"x" * 7000) * 16 + FINAL)
            assert (engine.complete, len(engine.informational)) == (True, 16)

    @pytest.mark.parametrize(
        "data",
        [
            INTERIM % b"x" * 17 + FINAL,
            b"HTTP/1.1 100 Continue\r\n\r\n" * 17 + FINAL,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            INTERIM % b"x" + b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + FINAL,
            b"HTTP/1.1 100 Continue\r\nTransfer-Encoding: gzip\r\n\r\n" + FINAL,
            b"HTTP/1.1 100 Continue\r\nContent-Length: x\r\n\r\n" + FINAL,
        ],
    )
    def test_what_nobody_asked_for(self, data: bytes) -> None:
        """Too many of them, other protocols, and framings of what has no body are errors, and end the connection."""
        is_error, head, body, _, reusable = outcome([data])
        assert (is_error, head, body, reusable) == (True, None, b"", False)


class TestM6:
    """Digits are ASCII, and nothing else is."""

    @pytest.mark.parametrize("number", NUMBERS)
    def test_in_a_length(self, number: str) -> None:
        """Content-Length and the size of a chunk are digits alone."""
        text = number.encode()
        for data in (
            b"HTTP/1.1 200 OK\r\nContent-Length: " + text + b"\r\n\r\nabcde",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + text + b"\r\nabcde\r\n0\r\n\r\n",
        ):
            if number == "5;" and b"chunked" in data:
                continue  # a chunk extension without a name: its size is sound
            assert outcome([data])[0], data

    @pytest.mark.parametrize("status", ["+200", "2_0", "٢٠٠", "20", "2000", "0x1", "-20", "099"])
    def test_in_a_status(self, status: str) -> None:
        """A status is three of them, the first not 0."""
        assert outcome([b"HTTP/1.1 " + status.encode() + b" OK\r\nContent-Length: 0\r\n\r\n"])[0]

    @pytest.mark.parametrize("port", ["+80", "8_0", "٨٠", "８０", "0x50", "-1", "65536", "8 0", "1e2"])
    def test_in_a_port(self, port: str) -> None:
        """A port is digits, up to 65535."""
        with pytest.raises(borzoi.InvalidURL):
            borzoi.URL(f"http://one.example:{port}/")

    @pytest.mark.parametrize("age", ["+5", "5_0", "٥", "５", "0x5", "5.0", "1e5", "--5", ""])
    def test_in_a_cookie(self, age: str) -> None:
        """Max-Age that is no number is passed over: the cookie lasts as long as the session."""
        response = borzoi.Response(
            200,
            headers=[(b"Set-Cookie", f"a=b; Max-Age={age}".encode())],
            request=borzoi.Request("GET", "https://one.example/"),
        )
        cookies = borzoi.Cookies()
        cookies.extract_cookies(response)
        [cookie] = cookies.jar
        assert cookie.expires is None

    @pytest.mark.parametrize("status", ["+200", "0200", "2 0", "\u0662\u0660\u0660", "20", "2000", "099", "-20", ""])
    def test_in_a_status_of_http2(self, status: str) -> None:
        """The same holds for :status."""
        assert _over_http2((b":status", status.encode()))
        assert not _over_http2((b":status", b"200"))

    @pytest.mark.parametrize("number", [text for text in NUMBERS if text != "5;"])
    def test_in_a_length_of_http2(self, number: str) -> None:
        """And for Content-Length."""
        assert _over_http2((b":status", b"200"), (b"content-length", number.encode()))

    @pytest.mark.parametrize("seconds", ["+5", "-5", "0x5", "\u0665", "\uff15", "\u00b2", "nan", "5_0", "5.5"])
    def test_in_the_time_that_a_connection_is_kept(self, seconds: str) -> None:
        """A time that is no number is none."""
        assert keep_alive_seconds([(b"Keep-Alive", f"timeout={seconds}".encode())]) is None
        assert keep_alive_seconds([(b"Keep-Alive", b"timeout=5")]) == 4


def _over_http2(*pairs: tuple[bytes, bytes]) -> bool:
    """Return whether a head in HTTP/2 is refused."""
    try:
        HeadReader(DEFAULT_HEAD_LIMITS).read(fields(*pairs), 1)
    except Fault:
        return True
    return False
