"""M2, M3 and M6: the same meaning however bytes are cut, what comes behind a response, and digits that are digits."""

from __future__ import annotations

from typing import Any

import pytest

import borzoi
from borzoi import HTTPTransport, RemoteProtocolError
from borzoi._backends.memory import MemoryBackend
from borzoi._values.headers import HeaderBlock
from borzoi._wire.http1 import Http1
from tests.faults.framing import SCRIPTS

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
