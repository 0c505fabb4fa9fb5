"""One connection of a scripted server: scripts played over a real socket, in real time.

Bytes are sent, pauses are waited for, a reset is a reset (RST), and the end closes. Over TLS the end says goodbye first
(close_notify), unless that is the fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from .._backends.memory import END, End, Event, Later, Wait
from .._wire.http2_frames import PREFACE
from .certificates import ALERT
from .http2_answers import Http2Answers
from .script import RaggedEnd, Reply
from .wire import WRONG_VERSION, ServerSide

if TYPE_CHECKING:
    from .network import Network
    from .received import Received
    from .server import Server

LINGER = 0.05
"""Seconds that a closed connection waits for what the client still sends: closing on unread bytes would be a reset."""

READ_SIZE = 65536

SHORTEST = 0.001
"""Seconds of the shortest wait for bytes: none at all would mean something else to a socket."""


class SocketSide(ServerSide):
    """The server's side of a connection over a socket."""

    def script(self, reply: Reply, received: Received) -> list[Event]:
        """Return the events of a reply. How a connection ends is the socket's matter."""
        return reply.script(received.method)


class Talk:
    """Serve one connection."""

    def __init__(self, server: Server, sock: socket.socket, network: Network) -> None:
        self.sock = sock
        self._closing = server.closing
        self._http2 = server.speaks_http2
        self._side = SocketSide(server.router, network, server.host, server.port)
        self._taken = 0

    def secure(self, certificate: str) -> socket.socket:
        """Put TLS on the connection, and return it. Raises OSError."""
        from .server_tls import context_of

        fault = self._side.fault
        if fault is not None and fault.kind.startswith("tls_"):
            self._end_handshake(fault.kind)
        if fault is not None and fault.kind == "tls":
            certificate = fault.text.split("'")[1]
        context = context_of(certificate, http2=self._http2)
        self.sock = context.wrap_socket(self.sock, server_side=True, suppress_ragged_eofs=False)
        self._side.scheme = "https"
        return self.sock

    def _end_handshake(self, how: str) -> NoReturn:
        """Do what is no handshake. Raises OSError."""
        if how == "tls_hang":
            self._wait_for_end()
        self.sock.recv(READ_SIZE)
        if how == "tls_alert":
            self.sock.sendall(ALERT)
        self._close(ragged=True)
        raise ConnectionAbortedError("there is no handshake")

    def run(self) -> None:
        """Converse until one of the two has enough. Raises OSError."""
        data = self._receive()
        while data and data != PREFACE and PREFACE.startswith(data):
            data += self._receive() or PREFACE[-1:]
        if data.startswith(PREFACE):
            if self._http2:
                self._converse_http2(data)
            else:
                self._play([WRONG_VERSION, END])
            return
        while data:
            if not self._play(self._side.answer(data)):
                return
            data = self._receive()

    def _receive(self) -> bytes:
        takes = self._side.takes
        size = READ_SIZE if takes is None else min(READ_SIZE, takes - self._taken)
        if size <= 0:
            self._wait_for_end()
        data = self.sock.recv(size)
        self._taken += len(data)
        return data

    def _wait_for_end(self) -> NoReturn:
        """Take in nothing more until the server closes. Raises OSError then."""
        self._closing.wait()
        raise ConnectionAbortedError("the server is closing")

    def _converse_http2(self, data: bytes) -> None:
        answers = SocketAnswers(self._side)
        engine = answers.engine
        while True:
            if data:
                engine.receive(data, time.monotonic())
            for number in list(answers.found):
                asyncio.run(answers.ask(number, time.monotonic))
            self.sock.settimeout(None)
            if not self._play(engine.speak(time.monotonic())):
                return
            due = engine.due()
            if due is not None:
                self.sock.settimeout(min(max(SHORTEST, due - time.monotonic()), threading.TIMEOUT_MAX / 2))
            try:
                data = self._receive()
            except TimeoutError:
                data = b""
            else:
                if not data:
                    return

    def _play(self, events: Iterable[Event]) -> bool:
        """Do what a script says; return whether the connection goes on."""
        for event in events:
            if isinstance(event, bytes):
                self.sock.sendall(event)
            elif isinstance(event, Wait):
                self._closing.wait(min(event.seconds, threading.TIMEOUT_MAX))
            elif isinstance(event, Later):
                return self._play(asyncio.run(event.ask()))
            elif isinstance(event, End):
                self._close(ragged=isinstance(event, RaggedEnd))
                return False
            elif isinstance(event, OSError):
                _reset(self.sock)
                return False
            else:
                self.sock.sendall(_explanation(event).script("GET")[0])  # type: ignore[arg-type]
                return False
        return True

    def _close(self, *, ragged: bool) -> None:
        """Close after what was sent, and take in what still comes, which would make a reset of the end."""
        with contextlib.suppress(OSError):
            if isinstance(self.sock, ssl.SSLSocket) and not ragged:
                self.sock.setblocking(False)
                with contextlib.suppress(ssl.SSLWantReadError):
                    self.sock.unwrap()
            # Not the methods of SSLSocket, which speak TLS.
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            socket.socket.settimeout(self.sock, LINGER)
            while socket.socket.recv(self.sock, READ_SIZE):
                pass


class SocketAnswers(Http2Answers):
    """Ask the routes for each request. What is wrong with the test is told to the client."""

    def refuse(self, number: int, error: Exception) -> None:
        """Tell the client, which cannot be given the error, why there is no answer."""
        self.say(number, _explanation(error))


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _explanation(error: Any) -> Reply:
    return Reply(500, reason="Unmatched request", text=str(error), headers={"Connection": "close"})
