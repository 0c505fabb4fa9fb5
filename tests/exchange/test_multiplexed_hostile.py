"""45 to 48 and D6 for a whole client: whatever a server sends over HTTP/2, its request ends in an error that names the rule.

Each row is a fault of the engine's tables. One that breaks the connection is answered with GOAWAY and the connection is
closed; one that breaks a stream is answered with RST_STREAM, and the connection goes on. Other origins are unharmed.
"""

from __future__ import annotations

import re
import socket
import threading

import pytest

from borzoi import RemoteProtocolError
from tests.exchange.http2_scripts import answering, assert_settled, http2_client
from tests.exchange.http_peers import pool_of
from tests.wire.http2_scripting import (
    SETTLED,
    data,
    fields,
    frame,
    frames,
    goaway,
    headers,
    number,
    ping,
    reset,
    settings,
    trailers,
    window,
)
from tests.worlds.http2_peer import http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import WORLDS, World

PROTOCOL, FLOW, CLOSED, SIZE, COMPRESSION, CALM = 1, 3, 5, 6, 9, 11
LENGTH = b"content-length"
STATUS = fields((b":status", b"200"))

# What the first connection says instead of SETTINGS and an answer.
BEGINNINGS: dict[str, tuple[bytes, str, int]] = {
    "HTTP/1": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it answered in HTTP/1", PROTOCOL),
    "PING first": (ping(), "its first frame has to be SETTINGS, and is PING", PROTOCOL),
    "an acknowledgement first": (settings(ack=True), "its first frame has to be SETTINGS", PROTOCOL),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", "a frame of 5460808 bytes came", SIZE),
    "a setting beyond its range": (settings((2, 1)), "the setting 2 is from 0 to 0 here", PROTOCOL),
    "a window setting beyond its range": (settings((4, 2**31)), "the setting 4 is from 0 to", FLOW),
    "a frame size below its range": (settings((5, 100)), "the setting 5 is from 16384", PROTOCOL),
}

# What is said to a GET on stream 1; then the connection is over.
CONNECTIONS: dict[str, tuple[bytes, str, int]] = {
    "a frame that is too long": (b"\x01\x00\x00" + bytes(6), "a frame of 65536 bytes", SIZE),
    "PING on a stream": (frame(6, 0, 1, bytes(8)), "PING is about the connection, and came on stream 1", PROTOCOL),
    "HEADERS on no stream": (frame(1, 5, 0, STATUS), "HEADERS is about a stream, and came on stream 0", PROTOCOL),
    "a short PING": (frame(6, 0, 0, bytes(7)), "PING has 8 bytes, and one of 7 came", SIZE),
    "SETTINGS of odd length": (frame(4, 0, 0, bytes(5)), "SETTINGS cannot have 5 bytes", SIZE),
    "a short GOAWAY": (frame(7, 0, 0, bytes(7)), "GOAWAY has 8 bytes at least", SIZE),
    "too much padding": (headers(1) + frame(0, 8, 1, b"\x09abc"), "padded with more bytes than it has", PROTOCOL),
    "no room for priority": (frame(1, 0x24, 1, b"abc"), "has no room for its fields", SIZE),
    "HPACK: an index of nothing": (frame(1, 5, 1, b"\xbf"), "refers to what is not there", COMPRESSION),
    "HPACK: index 0": (frame(1, 5, 1, b"\x80"), "refers to index 0", COMPRESSION),
    "HPACK: cut": (frame(1, 5, 1, STATUS + b"\x00\x05ab"), "ends in the middle of a field", COMPRESSION),
    "HPACK: an endless integer": (frame(1, 5, 1, b"\xff" + b"\xff" * 8), "too large", COMPRESSION),
    "HPACK: a table beyond the limit": (frame(1, 5, 1, b"\x3f\xe1\x7f" + STATUS), "resized to", COMPRESSION),
    "HPACK: a late resize": (frame(1, 5, 1, STATUS + b"\x20"), "in the middle of a header block", COMPRESSION),
    "HPACK: bad Huffman": (frame(1, 5, 1, b"\x00\x81\xff\x01a"), "Huffman", COMPRESSION),
    "CONTINUATION of nothing": (frame(9, 4, 1, STATUS), "where no CONTINUATION may come", PROTOCOL),
    "PING within a header block": (frame(1, 0, 1) + ping(), "where CONTINUATION on stream 1 may come", PROTOCOL),
    "CONTINUATION without end": (frame(1, 0, 1) + frame(9, 0, 1) * 70, "in too many pieces", CALM),
    "a header block without end": (frame(1, 0, 1) + frame(9, 0, 1, bytes(16384)) * 9, "too long", CALM),
    "a stream that nobody opened": (headers(99), "HEADERS came on stream 99, which was never opened", PROTOCOL),
    "a stream of the server's": (headers(2), "HEADERS came on stream 2, which was never opened", PROTOCOL),
    "RST_STREAM of nothing": (reset(99, 0), "RST_STREAM came on stream 99, which was never opened", PROTOCOL),
    "WINDOW_UPDATE of nothing": (window(99, 1), "WINDOW_UPDATE came on stream 99, which was never", PROTOCOL),
    "a push": (frame(5, 4, 1, number(2) + b"\x82"), "it pushed a response (PUSH_PROMISE)", PROTOCOL),
    "a window opened by nothing": (window(0, 0), "opened a window by nothing", PROTOCOL),
    "a window opened too far": (window(0, 2**31 - 1), "opened a window too far", FLOW),
    "a stream's window opened too far": (window(1, 1000) + settings((4, 2**31 - 1)), "a stream's window too far", FLOW),
    "SETTINGS flood": (settings() * 1000, "too many frames that bring nothing", CALM),
    "PING flood": (ping() * 9000, "too many frames that bring nothing", CALM),
    "PRIORITY flood": (frame(2, 0, 7, bytes(5)) * 9000, "too many frames that bring nothing", CALM),
    "flood of an unknown kind": (frame(77) * 9000, "too many frames that bring nothing", CALM),
    "GOAWAY flood": (goaway(1) * 1000, "too many frames that bring nothing", CALM),
    "empty DATA flood": (headers(1) + data(1) * 1000, "too many frames that bring nothing", CALM),
    "WINDOW_UPDATE flood": (window(1, 1) * 9000, "too many frames that bring nothing", CALM),
}

# What is said to a GET on stream 1, which harms that stream alone.
STREAMS: dict[str, tuple[bytes, str, int]] = {
    "no :status": (frame(1, 5, 1, fields((b"server", b"x"))), "does not begin with :status", PROTOCOL),
    "no fields at all": (frame(1, 5, 1), "does not begin with :status", PROTOCOL),
    "a status of letters": (headers(1, status=b"two", end=True), "is not three digits", PROTOCOL),
    "a second :status": (headers(1, (b":status", b"200"), end=True), "pseudo-header field", PROTOCOL),
    "a pseudo-header field of requests": (headers(1, (b":path", b"/"), end=True), "pseudo-header field", PROTOCOL),
    "upper case": (headers(1, (b"Upper", b"x"), end=True), "has upper case", PROTOCOL),
    "no field name": (headers(1, (b"a b", b"x"), end=True), "is not a field name", PROTOCOL),
    "CR and LF": (headers(1, (b"a", b"x\r\nb: y"), end=True), "a character that is not allowed", PROTOCOL),
    "a space at its end": (headers(1, (b"a", b"x "), end=True), "not at its ends", PROTOCOL),
    "transfer-encoding": (headers(1, (b"transfer-encoding", b"chunked")), "is about a connection", PROTOCOL),
    "connection": (headers(1, (b"connection", b"close")), "is about a connection", PROTOCOL),
    "no length": (headers(1, (LENGTH, b"+1")), "is not a length", PROTOCOL),
    "two lengths": (headers(1, (LENGTH, b"1"), (LENGTH, b"2")), "more than one Content-Length", PROTOCOL),
    "more than its length": (headers(1, (LENGTH, b"1")) + data(1, b"xx", end=True), "longer than its", PROTOCOL),
    "less than its length": (headers(1, (LENGTH, b"3")) + data(1, b"xx", end=True), "1 bytes shorter", PROTOCOL),
    "nothing of its length": (headers(1, (LENGTH, b"3"), end=True), "3 bytes shorter than its", PROTOCOL),
    "trailers before its length": (headers(1, (LENGTH, b"3")) + trailers(1), "3 bytes shorter than its", PROTOCOL),
    "trailers with upper case": (headers(1) + trailers(1, (b"Sum", b"1")), "has upper case", PROTOCOL),
    "heads in the body": (headers(1) + headers(1), "HEADERS came in the middle of the body", PROTOCOL),
    "DATA before the head": (data(1, b"x"), "DATA came before the head", PROTOCOL),
    "101": (headers(1, status=b"101"), "the interim response 101 ends the exchange", PROTOCOL),
    "an interim response that is the last": (headers(1, status=b"103", end=True), "103 ends the exchange", PROTOCOL),
    "103 flood": (headers(1, status=b"103") * 100, "interim responses (1xx)", CALM),
    "too many fields": (headers(1, *[(b"a", b"b")] * 600, end=True), "more than 512 header fields", PROTOCOL),
    "a bomb of headers": (
        frame(1, 5, 1, STATUS + b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 60),
        "more",
        PROTOCOL,
    ),
    "a stream's window opened by nothing": (window(1, 0), "opened a window by nothing", PROTOCOL),
    "its window opened too far": (window(1, 2**31 - 1), "opened a window too far", FLOW),
}


class Hostile:
    """Say what a row has to the first request of the first connection, answer all others, and keep what was said."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._lock = threading.Lock()
        self.heard: list[tuple[int, int, int, bytes]] = []
        self.connections = 0

    def __call__(self, sock: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            is_first = self.connections == 1
        held = b""
        while True:
            while not (found := _whole(held)):
                try:
                    more = sock.recv(65536)
                except OSError:
                    return
                if not more:
                    return
                held += more
            kind, _, stream, payload = found
            held = held[9 + len(payload) :] if not held.startswith(b"PRI") else held[24 + 9 + len(payload) :]
            if is_first:
                self.heard.append(found)
            if kind == 1 and is_first and stream == 1:
                self._say(sock, self._said)
            elif kind == 1:
                opening = SETTLED if stream == 1 else b""
                self._say(sock, opening + headers(stream) + data(stream, b"sound", end=True))

    def _say(self, sock: socket.socket, said: bytes) -> None:
        try:
            sock.sendall(said)
        except OSError:
            # The client has closed before it had all of it.
            return


def _whole(held: bytes) -> tuple[int, int, int, bytes] | None:
    """Return the first frame, if it is here."""
    start = 24 if held.startswith(b"PRI") else 0
    size = int.from_bytes(held[start : start + 3], "big")
    if len(held) < start + 9 + size:
        return None
    return frames(held[start : start + 9 + size])[0]


NAMES = list(WORLDS)
ROWS = [
    *((name, said, rule, code, False) for name, (said, rule, code) in BEGINNINGS.items()),
    *((name, SETTLED + said, rule, code, False) for name, (said, rule, code) in CONNECTIONS.items()),
    *((name, SETTLED + said, rule, code, True) for name, (said, rule, code) in STREAMS.items()),
]


@pytest.mark.parametrize(
    ("world", "said", "rule", "code", "goes_on"),
    [
        pytest.param(WORLDS[NAMES[place % len(NAMES)]], *row[1:], id=f"{row[0]} [{NAMES[place % len(NAMES)]}]")
        for place, row in enumerate(ROWS)
    ],
)
def test_the_rule_is_named(world: World, said: bytes, rule: str, code: int, goes_on: bool) -> None:
    """The error says what was wrong; the server is told the code; the next request, and another origin, are served."""
    script = Hostile(said)
    with RawServer(script) as hostile, http2_server(answering()) as sound:

        async def body() -> None:
            async with http2_client(world, http1=False, client={"timeout": 10}) as client:
                await client.get(sound.url)
                with pytest.raises(RemoteProtocolError, match=re.escape(rule)) as caught:
                    await client.get(hostile.url)
                assert caught.value.request.url == hostile.url
                assert (await client.get(hostile.url)).text == "sound"
                assert (await client.get(f"{sound.url}/still")).text == "/still"
                assert_settled(client, idle=2)
                assert all(connection.is_usable for connection in pool_of(client)._shelf.idle())

        world.run(body)
        assert len(sound.connections) == 1
    assert script.connections == (1 if goes_on else 2)
    kind = 3 if goes_on else 7
    told = [payload for found, _, _, payload in script.heard if found == kind]
    assert code in [int.from_bytes(payload[:4] if goes_on else payload[4:8], "big") for payload in told]


def test_more_than_a_window_admits(world: World) -> None:
    """A stream that nobody reads, and that sends beyond its window all the same, fails; others on its connection go on."""
    script = Hostile(SETTLED + headers(1) + data(1, bytes(16384)) * 65)
    with RawServer(script) as hostile:

        async def body() -> None:
            async with http2_client(world, http1=False, client={"timeout": 10}) as client:
                async with client.stream("GET", hostile.url) as response:
                    assert (await client.get(hostile.url)).text == "sound"
                    with pytest.raises(RemoteProtocolError, match="more DATA came than the stream's window admits"):
                        await response.aread()
                assert_settled(client, idle=1)

        world.run(body)
    assert script.connections == 1
