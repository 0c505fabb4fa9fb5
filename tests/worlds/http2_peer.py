"""An HTTP/2 server on loopback, scripted: h2 keeps the rules, the test says what is answered, or sends frames of its own.

    def script(peer):
        request = peer.request()
        peer.respond(request.stream, body=b"hello")
        peer.send_raw(goaway(1))  # frames by hand: tests/wire/http2_scripting.py

    with http2_server(script) as server: ...           # prior knowledge
    with http2_server(script, tls=True) as server: ...  # TLS, "h2" agreed upon by ALPN

A script is called once for each connection, on a thread of its own; the connection closes when it returns. Whatever the
client does meanwhile is in `peer.events`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .certificates import server_context
from .peers import RawServer

Headers = Sequence[tuple[bytes, bytes]]


class Request:
    """One request as it was received: whole, or its head."""

    def __init__(self, stream: int, headers: Headers) -> None:
        self.stream = stream
        self.headers = [(bytes(name), bytes(value)) for name, value in headers]
        self.body = bytearray()
        self.trailers: Headers = []
        self.ended = False
        self.reset_code: int | None = None

    def get(self, name: bytes) -> bytes | None:
        """Return the first value of a field; pseudo-header fields have their colon."""
        return next((value for found, value in self.headers if found == name), None)


class Http2Peer:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket, settings: dict[int, int]) -> None:
        self._sock = sock
        config = h2.config.H2Configuration(client_side=False, header_encoding=None, validate_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        """The connection of h2, for whatever a script wants of it. What it queues goes out with the next send."""
        self.requests: dict[int, Request] = {}
        self.events: list[Any] = []
        self.holding = False
        """Whether windows stay shut: then the client can send only what they admit at first."""
        self._heads: list[Request] = []
        self._whole: list[Request] = []
        initial: dict[Any, int] = {3: 100, **settings}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=initial)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Send what h2 has queued."""
        self.send_raw(self.h2.data_to_send())

    def send_raw(self, data: bytes) -> None:
        """Send bytes of the test's own, sound or not."""
        if data:
            self._sock.sendall(data)

    def receive(self) -> bool:
        """Take in what the client sends next; return whether it did. Raises what h2 says of a client's fault."""
        data = self._sock.recv(65536)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            self.events.append(event)
            self._take(event)
        self.flush()
        return True

    def _take(self, event: Any) -> None:
        request = self.requests.get(getattr(event, "stream_id", 0))
        if isinstance(event, h2.events.RequestReceived):
            request = self.requests[event.stream_id] = Request(event.stream_id, event.headers)
            self._heads.append(request)
        elif request is None:
            return
        elif isinstance(event, h2.events.DataReceived):
            request.body += event.data
            if not self.holding and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            request.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
        elif isinstance(event, h2.events.StreamReset):
            request.reset_code = int(event.error_code)
        elif isinstance(event, h2.events.StreamEnded):
            request.ended = True
            self._whole.append(request)

    def request(self) -> Request:
        """Return the next request, when it is whole. Raises EOFError where the client closes before."""
        return self._next(self._whole)

    def head(self) -> Request:
        """Return the next request when its head is there; its body goes on growing with `receive()`."""
        return self._next(self._heads)

    def _next(self, queue: list[Request]) -> Request:
        while not queue:
            if not self.receive():
                raise EOFError("the client closed before its request was whole")
        return queue.pop(0)

    def until(self, happened: Callable[[], object]) -> None:
        """Take in what the client sends until something holds. Raises EOFError where it closes before."""
        while not happened():
            if not self.receive():
                raise EOFError("the client closed before")

    def until_closed(self) -> None:
        """Take in what the client sends until it closes."""
        with contextlib.suppress(h2.exceptions.ProtocolError, OSError):
            while self.receive():
                pass

    def respond(
        self,
        stream: int,
        *,
        status: int = 200,
        headers: Headers = (),
        body: bytes | None = b"",
        trailers: Headers = (),
        interim: Sequence[int] = (),
    ) -> None:
        """Answer; with `body=None` only the head is sent, and the stream stays open. The body goes as windows admit."""
        for code in interim:
            self.h2.send_headers(stream, [(b":status", b"%d" % code)])
        self.h2.send_headers(stream, [(b":status", b"%d" % status), *headers], end_stream=body == b"" and not trailers)
        if body:
            self.send_body(stream, body, end=not trailers)
        if trailers:
            self.h2.send_headers(stream, list(trailers), end_stream=True)
        self.flush()

    def send_body(self, stream: int, body: bytes, *, end: bool = False) -> None:
        """Send a piece of a body, waiting for the client's windows."""
        place = 0
        while place < len(body):
            self.until(lambda: self.h2.local_flow_control_window(stream) > 0)
            size = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body) - place)
            self.h2.send_data(stream, body[place : place + size], end_stream=end and place + size == len(body))
            self.flush()
            place += size

    def reset(self, stream: int, code: int) -> None:
        """Reset a stream."""
        self.h2.reset_stream(stream, code)
        self.flush()

    def go_away(self, last: int, code: int = 0, debug: bytes = b"") -> None:
        """Announce the end of the connection by hand, as h2 would take in nothing after its own."""
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big") + debug
        self.send_raw(len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload)


def http2_server(
    script: Callable[[Http2Peer], object],
    *,
    tls: bool = False,
    alpn: tuple[str, ...] = ("h2",),
    settings: dict[int, int] | None = None,
) -> RawServer:
    """Return a server whose every connection is given to the script."""

    def handler(sock: socket.socket) -> None:
        if isinstance(sock, ssl.SSLSocket):
            assert sock.selected_alpn_protocol() == "h2", "the client did not ask for HTTP/2"
        with contextlib.suppress(EOFError):
            script(Http2Peer(sock, dict(settings or {})))

    return RawServer(handler, tls=server_context(alpn=alpn) if tls else None)
