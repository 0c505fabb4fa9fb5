"""The scripted HTTP/2 server, and our engine over real sockets: plain and TLS, each way that the exchange will need."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import h2.events
import pytest

from borzoi._values.headers import HeaderBlock
from borzoi._wire.http2 import Http2
from borzoi._wire.http2_settings import Http2Limits
from borzoi._wire.http2_stream import Stream

from .certificates import client_context
from .http2_peer import Http2Peer, http2_server
from .peers import RawServer

LIMITS = Http2Limits(stream_window=65_535)

Connect = Callable[[RawServer], "Client"]


class Client:
    """Our engine on a blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.engine = Http2(LIMITS)

    def ask(self, method: str = "GET", *fields: tuple[bytes, bytes]) -> Stream:
        """Open a stream."""
        stream = self.engine.open(method, b"/", HeaderBlock([(b"Host", b"localhost"), *fields]))
        self.flush()
        return stream

    def flush(self) -> None:
        """Send what is queued."""
        self.sock.sendall(self.engine.data_to_send())

    def receive(self) -> bool:
        """Take in the next bytes; return whether there were any."""
        received = self.sock.recv(65536)
        if received:
            self.engine.receive(received)
            self.flush()
        else:
            self.engine.receive_eof()
        return bool(received)

    def body(self, stream: Stream) -> bytes:
        """Receive a response to its end; return its body."""
        body = b""
        while True:
            body += b"".join(self.engine.take(stream))
            self.flush()
            if stream.complete or stream.error is not None:
                return body
            self.receive()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest) -> bool:
    """Whether the connection is secured."""
    return bool(request.param)


@pytest.fixture
def connect(tls: bool) -> Iterator[Connect]:
    """Connect clients to servers, and close them in the end."""
    opened: list[socket.socket] = []

    def to(server: RawServer) -> Client:
        sock: Any = socket.create_connection((server.host, server.port), timeout=10)
        if tls:
            sock = client_context(alpn=("h2",)).wrap_socket(sock, server_hostname="localhost")
            assert sock.selected_alpn_protocol() == "h2"
        opened.append(sock)
        return Client(sock)

    yield to
    for sock in opened:
        sock.close()


def test_a_request_and_its_answer(connect: Connect, tls: bool) -> None:
    """A script sees a request whole, and its answer arrives with interim heads, body and trailers."""

    def script(peer: Http2Peer) -> None:
        request = peer.request()
        assert request.get(b":method") == b"POST"
        assert (request.body, request.ended) == (b"ping", True)
        peer.respond(
            request.stream, status=201, headers=[(b"a", b"b")], body=b"pong", trailers=[(b"t", b"v")], interim=[103]
        )
        peer.until_closed()

    with http2_server(script, tls=tls) as server:
        client = connect(server)
        stream = client.ask("POST", (b"Content-Length", b"4"))
        client.engine.send(stream, b"ping")
        client.flush()

        assert client.body(stream) == b"pong"
        assert stream.head is not None
        assert (stream.head.status, stream.head.pairs, stream.trailers) == (201, [(b"a", b"b")], [(b"t", b"v")])
        assert [head.status for head in stream.informational] == [103]
        client.sock.close()


def test_a_megabyte_each_way(connect: Connect, tls: bool) -> None:
    """Bodies larger than the windows go both ways, each side waiting for the other."""
    large = bytes(range(256)) * 4096

    def script(peer: Http2Peer) -> None:
        request = peer.head()
        peer.until(lambda: request.ended)
        peer.respond(request.stream, body=request.body)
        peer.until_closed()

    with http2_server(script, tls=tls) as server:
        client = connect(server)
        stream = client.ask("POST", (b"Content-Length", b"%d" % len(large)))
        left = large
        while left:
            size = client.engine.send(stream, left)
            client.flush()
            left = left[size:]
            if not size:
                client.receive()

        assert client.body(stream) == large
        client.sock.close()


def test_streams_are_answered_in_any_order(connect: Connect, tls: bool) -> None:
    """Answers in the opposite order, a reset and a refusal reach the streams that they are for."""

    def script(peer: Http2Peer) -> None:
        requests = [peer.request() for _ in range(4)]
        for request in reversed(requests[:2]):
            peer.respond(request.stream, body=b"%d" % request.stream)
        peer.reset(requests[2].stream, 7)
        peer.go_away(requests[2].stream, 0, b"done")
        peer.until_closed()

    with http2_server(script, tls=tls, settings={3: 10}) as server:
        client = connect(server)
        streams = [client.ask() for _ in range(4)]

        assert [client.body(stream) for stream in streams] == [b"1", b"3", b"", b""]
        assert [stream.unprocessed for stream in streams] == [False, False, True, True]
        assert client.engine.room == 0
        client.sock.close()


def test_what_is_given_up_is_seen(connect: Connect, tls: bool) -> None:
    """A script sees that a stream was reset, and may keep windows shut or send bytes that no server would."""

    def script(peer: Http2Peer) -> None:
        peer.holding = True
        request = peer.head()
        peer.respond(request.stream, body=None)
        peer.until(lambda: request.reset_code == 8)
        assert any(isinstance(event, h2.events.StreamReset) for event in peer.events)
        peer.send_raw(b"\x00\x00\x05\x06\x00\x00\x00\x00\x00short")
        peer.until_closed()

    with http2_server(script, tls=tls) as server:
        client = connect(server)
        first = client.ask("POST", (b"Content-Length", b"100000"))
        assert client.engine.send(first, b"x" * 100_000) == 65_535
        client.flush()
        while first.head is None:
            client.receive()
        second = client.ask()
        client.engine.reset(first)
        client.flush()

        assert client.body(second) == b""
        assert "PING has 8 bytes" in (second.error or "")
        client.sock.close()


def test_a_client_that_leaves_ends_the_script(connect: Connect, tls: bool) -> None:
    """A script that waits for a request, or for more of it, ends quietly when the client closes."""

    def script(peer: Http2Peer) -> None:
        peer.head()
        peer.until(lambda: False)

    with http2_server(script, tls=tls) as server:
        connect(server).sock.close()
        client = connect(server)
        client.ask("POST", (b"Transfer-Encoding", b"chunked"))
        client.sock.close()
        server.wait_for_connections(2)

    assert [error for error in server.errors if not isinstance(error, OSError)] == []
