"""Rows 1 and 4 to 24: what a server sends, or does not, on one connection of HTTP/1.1.

Each is a script of events, played over a real socket and by the wire seam of `borzoi.testing`: the class and the text of the
error must be the same. Then the same client asks for something else, on a new connection.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import NamedTuple

import pytest

from borzoi import ReadError, ReadTimeout, RemoteProtocolError, Timeout
from borzoi._backends.memory import END, Event, Wait
from borzoi.testing import mock
from borzoi.testing.faults import Fault
from tests.exchange.http_peers import Reader, answer, without_delay
from tests.worlds.peers import RawServer, reset

from .place import Place, error_of, idle_of, require
from .table import fault

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 10\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
RESET = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
SILENCE = Wait(3600)
QUICK = Timeout(20, read=0.1)
TOTAL = Timeout(20, total=0.1)


class Script(NamedTuple):
    """What a server does, and what comes of it."""

    events: list[Event]
    kind: type[Exception]
    text: str
    timeout: Timeout = Timeout(20)
    method: str = "GET"


def broken(data: bytes, text: str, method: str = "GET") -> Script:
    """Return the script of a response that is malformed: the server says so much and waits."""
    return Script([data], RemoteProtocolError, text, method=method)


def cut(data: bytes, text: str, method: str = "GET") -> Script:
    """Return the script of a server that says so much and closes."""
    return Script([data, END] if data else [END], RemoteProtocolError, text, method=method)


def drip(head: bytes, timeout: Timeout, text: str) -> Script:
    """Return the script of a server that sends one byte after the other, and then closes: who still waits has lost."""
    return Script([head, *[b"a", Wait(0.02)] * 200, END], ReadTimeout, text, timeout)


NO_RESPONSE = "without sending a response"
HALF_A_HEAD = "without sending a complete response head"
HALF_OF_CHUNKS = "incomplete chunked read"
NO_STATUS_LINE = "does not begin with a status line"

SCRIPTS: dict[tuple[int, str], Script] = {
    (1, "close before any byte"): cut(b"", NO_RESPONSE),
    (1, "close before any byte, POST"): cut(b"", NO_RESPONSE, "POST"),
    (1, "reset before any byte"): Script([RESET], ReadError, "reset"),
    (4, "close in the status line"): cut(b"HTTP/1.1 20", HALF_A_HEAD),
    (4, "close in the headers"): cut(OK + b"Content-Le", HALF_A_HEAD),
    (4, "close before the empty line"): cut(OK + b"Content-Length: 3\r\n", HALF_A_HEAD),
    (5, "a sized body cut"): cut(SIZED + b"12345", "received 5 bytes, expected 10"),
    (5, "a sized body missing"): cut(SIZED, "received 0 bytes, expected 10"),
    (5, "cut in a chunk size"): cut(CHUNKED + b"5", HALF_OF_CHUNKS),
    (5, "cut in a chunk"): cut(CHUNKED + b"5\r\nab", HALF_OF_CHUNKS),
    (5, "cut between chunks"): cut(CHUNKED + b"2\r\nab\r\n", HALF_OF_CHUNKS),
    (5, "cut in the last chunk"): cut(CHUNKED + b"2\r\nab\r\n0\r\n", HALF_OF_CHUNKS),
    (5, "cut in trailers"): cut(CHUNKED + b"0\r\nA: b\r\n", HALF_OF_CHUNKS),
    (6, "reset in a sized body"): Script([SIZED + b"12345", RESET], ReadError, "reset"),
    (6, "reset in a chunk"): Script([CHUNKED + b"5\r\nab", RESET], ReadError, "reset"),
    (7, "nothing at all"): Script([SILENCE], ReadTimeout, "within 0.1 s", QUICK),
    (7, "half a head"): Script([OK, SILENCE], ReadTimeout, "within 0.1 s", QUICK),
    (7, "half a body"): Script([SIZED + b"a", SILENCE], ReadTimeout, "within 0.1 s", QUICK),
    (8, "a dribbled head, by the read"): drip(OK + b"X: ", QUICK, "within 0.1 s"),
    (8, "a dribbled head, by the total"): drip(OK + b"X: ", TOTAL, "total time-out of 0.1 s"),
    (8, "silence in the head, by the total"): Script([OK, SILENCE], ReadTimeout, "total time-out of 0.1 s", TOTAL),
    (9, "a dribbled body"): drip(OK + b"Content-Length: 1000000\r\n\r\n", TOTAL, "total time-out of 0.1 s"),
    (9, "dribbled chunks"): Script(
        [CHUNKED, *[b"1\r\na\r\n", Wait(0.02)] * 200, END], ReadTimeout, "total time-out of 0.1 s", TOTAL
    ),
    (9, "silence in the body, by the total"): Script([SIZED, SILENCE], ReadTimeout, "total time-out of 0.1 s", TOTAL),
    (10, "endless headers"): broken(OK + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 5000) for n in range(40)), "too many bytes of header fields"),
    (10, "one endless header"): broken(OK + b"X: " + b"a" * 300_000, "too many bytes of header fields"),
    (10, "an endless status line"): Script(
        [b"HTTP/1.1 200 ", *[b"a" * 10_000] * 30], RemoteProtocolError, "The status line is longer than"
    ),
    (11, "6000 small headers"): broken(OK + b"A: b\r\n" * 6000 + b"\r\n", "fields"),
    (12, "a flood of 103"): broken(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 200, "interim"),
    (12, "a flood of 100"): broken(b"HTTP/1.1 100 Continue\r\n\r\n" * 200, "interim"),
    (13, "unsolicited 101"): broken(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "switch"
    ),
    (14, "an endless chunk extension"): broken(CHUNKED + b"1;" + b"a" * 300_000, "chunk"),
    (14, "endless trailers"): broken(CHUNKED + b"0\r\n" + b"A: b\r\n" * 60_000, "too many bytes of header fields"),
    (15, "lengths that differ"): broken(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab", "Content-Length"),
    (16, "lengths that are equal"): broken(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "Content-Length"),
    (17, "length and chunked"): broken(OK + b"Content-Length: 2\r\n" + CHUNKED[17:] + b"0\r\n\r\n", "Transfer-Encoding"),
    (17, "chunked in HTTP/1.0"): broken(b"HTTP/1.0" + CHUNKED[8:] + b"0\r\n\r\n", "Transfer-Encoding"),
    (19, "no CRLF behind a chunk"): broken(CHUNKED + b"2\r\nabXX0\r\n\r\n", "chunk"),
    (19, "bare LF"): broken(CHUNKED + b"2\nab\n0\n\n", "Malformed chunk"),
    (19, "bare LF behind a size"): broken(CHUNKED + b"2\nab\r\n0\r\n\r\n", "Malformed chunk"),
    (19, "bare LF behind a chunk"): broken(CHUNKED + b"2\r\nab\n0\r\n\r\n", "Malformed chunk"),
    (20, "a head with bare LF"): broken(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", "LF alone"),
    (20, "bare LF before an empty line"): broken(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab\r\n\r\n", NO_STATUS_LINE),
    (20, "bare LF between fields"): broken(OK + b"A: b\nContent-Length: 2\r\n\r\nab", "not allowed"),
    (20, "a folded field"): broken(OK + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nab", "folded"),
    (20, "a folded field with a colon"): broken(OK + b"A: b\r\n c: d\r\nContent-Length: 2\r\n\r\nab", "folded"),
    (20, "HTTP/2.0"): broken(b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab", NO_STATUS_LINE),
    (20, "HTTP/2.0, so far"): broken(b"HTTP/2.0", NO_STATUS_LINE),
    (21, "NUL in a value"): broken(OK + b"A: b\x00c\r\nContent-Length: 2\r\n\r\nab", "not allowed"),
    (21, "bare CR in a value"): broken(OK + b"A: b\rc\r\nContent-Length: 2\r\n\r\nab", "not allowed"),
    (21, "bare CR in the reason"): broken(b"HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nab", NO_STATUS_LINE),
    (21, "space before the colon"): broken(OK + b"A : b\r\nContent-Length: 2\r\n\r\nab", "is not a field name"),
    (21, "no colon"): broken(OK + b"Abc\r\nContent-Length: 2\r\n\r\nab", "has no colon"),
    (21, "an empty name"): broken(OK + b": b\r\nContent-Length: 2\r\n\r\nab", "is not a field name"),
    (21, "HTTP/0.9"): broken(b"<html>hello</html>\r\n\r\n", NO_STATUS_LINE),
    (21, "HTTP/0.9, so far"): broken(b"<html>hello", NO_STATUS_LINE),
    **{
        (15, f"length {value.decode()}"): broken(OK + b"Content-Length: " + value + b"\r\n\r\nab", "Content-Length")
        for value in (b"2, 3", b"2, 2", b"+2", b"-2", b"1_0", b"0x2", b"1" + b"0" * 29)
    },
    **{
        (18, f"coding {value.decode()}"): broken(OK + b"Transfer-Encoding: " + value + b"\r\n\r\n0\r\n\r\n", "Transfer-Enc")
        for value in (b"xchunked", b"chunked, identity", b"chunked, chunked", b"gzip, chunked", b"identity", b"")
    },
    **{
        (19, f"chunk size {value.decode()}"): broken(CHUNKED + value + b"\r\nab\r\n0\r\n\r\n", "chunk")
        for value in (b"-2", b"+2", b"0x2", b"40 f", b"2 ", b"", b"f" * 17)
    },
}  # fmt: skip


def playing(events: list[Event]) -> RawServer:
    """Return a server that plays a script where "/fault" is asked for, and answers everything else."""

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        reader = Reader(sock)
        while (asked := reader.request()) is not None:
            if asked.target != b"/fault":
                sock.sendall(answer())
            elif not play(sock, events, server):
                return

    server = RawServer(handler)
    return server


def play(sock: socket.socket, events: list[Event], server: RawServer) -> bool:
    """Do what a script says; return whether the connection goes on."""
    for event in events:
        if isinstance(event, bytes):
            sock.sendall(event)
        elif isinstance(event, Wait):
            server.closing.wait(min(event.seconds, 20))
        elif isinstance(event, OSError):
            reset(sock)
            return False
        elif event is END:
            return False
    return True


async def over_a_socket(place: Place, script: Script) -> tuple[str, str]:
    """Run a script over a real socket; return the URL, and the text of the error."""
    with playing(script.events) as server:
        async with place.client() as client:
            url = f"{server.url}/fault"
            error = await place.fails(
                client, url, script.kind, script.text, method=script.method, timeout=script.timeout
            )
            assert f"127.0.0.1:{server.port}" in str(error)
            place.assert_whole(client, idle=0)
            assert (await client.get(f"{server.url}/next")).text == "ok"
            place.assert_whole(client, idle=1)
            assert len(server.connections) == 2
    return url, str(error)


async def over_the_seam(place: Place, script: Script, url: str, text: str) -> None:
    """Run a script at the wire seam, and compare."""
    with mock() as m:
        m.route(script.method, url).reply(Fault(script.text, lambda head, body: script.events))
        m.get(url.replace("/fault", "/next")).reply(text="ok")
        async with place.client() as client:
            error = await place.fails(
                client, url, script.kind, script.text, method=script.method, timeout=script.timeout
            )
            # Which wait a time-out ends depends on how late the peer is. Here the clock stands still meanwhile: the
            # error comes neither sooner nor later than it is to.
            assert script.kind is ReadTimeout or str(error) == text, (str(error), text)
            assert m.clock.now() == pytest.approx(0.1 if script.kind is ReadTimeout else 0.0, abs=0.005)
            assert (await client.get(url.replace("/fault", "/next"))).text == "ok"


def _enter(row: int, what: str, script: Script) -> None:
    @fault(row, what)
    async def _(place: Place) -> None:
        url, text = await over_a_socket(place, script)
        await over_the_seam(place, script, url, text)


for (_row, _what), _script in SCRIPTS.items():
    _enter(_row, _what, _script)


@fault(5, "what came before the cut stays valid")
async def _(place: Place) -> None:
    with playing([SIZED + b"12345", END]) as server:
        async with place.client() as client:
            async with client.stream("GET", f"{server.url}/fault") as response:
                chunks = response.aiter_bytes()
                assert await anext(chunks) == b"12345"
                error = await error_of(anext(chunks), RemoteProtocolError)
                require(error, RemoteProtocolError, "received 5 bytes, expected 10", f"{server.url}/fault")
                # Before the program closes anything.
                place.assert_whole(client, idle=0)
            place.assert_whole(client, idle=0)


POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"


@fault(22, "another response behind the first")
async def _(place: Place) -> None:
    with playing([answer(b"first") + POISON]) as server:
        async with place.client() as client:
            assert (await client.get(f"{server.url}/fault")).text == "first"
            place.assert_whole(client, idle=0)
            assert (await client.get(f"{server.url}/next")).text == "ok"
            assert len(server.connections) == 2


@fault(24, "a body where none may be")
async def _(place: Place) -> None:
    cases = [
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\nbody"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody"),
        ("HEAD", answer(b"body")),
    ]
    for method, data in cases:
        with playing([data]) as server:
            async with place.client() as client:
                assert (await client.request(method, f"{server.url}/fault")).content == b""
                assert idle_of(client) == 0
                assert (await client.get(f"{server.url}/next")).text == "ok"
                assert len(server.connections) == 2
