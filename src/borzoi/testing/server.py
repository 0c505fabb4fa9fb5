"""The socket seam: the same routes and faults behind a real server on loopback, for any client and for proof.

A thread accepts, and each connection has one, which plays the scripts of its replies: bytes are sent, pauses are waited
for in real time, a reset is a reset (RST), the end closes. HTTP/1.1, over TCP or TLS, with certificates of trustme's.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterable
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._backends.memory import END, Event, Later, Wait
from .errors import UnmetExpectations
from .network import Network
from .report import report
from .router import Router, Routes
from .wire import ServerSide

if TYPE_CHECKING:
    from .received import Received

LINGER = 0.05
"""Seconds that a closed connection waits for what the client still sends: closing on unread bytes would be a reset."""

JOIN = 5.0
"""Seconds that the end of the server waits for its threads."""

CERTIFICATES = ("valid", "expired", "wrong_host", "untrusted")


class Server(Routes):
    """Answer on loopback from routes, until the block is left, which raises UnmetExpectations as a mock does.

        with Server() as server:
            server.get("/users/7").reply(json={"id": 7})
            assert urllib.request.urlopen(server.url + "/users/7").status == 200

    `tls` is True, or what is wrong with the certificate: "expired", "wrong_host", "untrusted".
    """

    def __init__(self, name: str = "this server", *, tls: bool | str = False) -> None:
        super().__init__(Router(name))
        kind = "valid" if tls is True else tls
        if kind and kind not in CERTIFICATES:
            raise ValueError(f"A certificate is {', '.join(map(repr, CERTIFICATES))}, not {tls!r}.")
        self._context = _server_context(str(kind)) if kind else None
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.host = "127.0.0.1"
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if self._context else 'http'}://{self.host}:{self.port}"
        """The address, without a slash at its end."""

    @property
    def calls(self) -> list[Received]:
        """Every request that came, in order."""
        return self.router.calls

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return len(self._connections)

    def trust(self) -> ssl.SSLContext:
        """Return a context for a client that trusts the server's authority: `verify=server.trust()`."""
        context = ssl.create_default_context()
        _authority(trusted=True).configure_trust(context)
        return context

    # Beginning and end.

    def start(self) -> Self:
        """Begin to accept."""
        self._spawn(self._accept)
        return self

    def finish(self) -> str | None:
        """Close everything, wait for the threads, and return the report, None where all is well."""
        self.router.is_over = True
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(JOIN)
        return report(self.router, [])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        text = self.finish()
        if text is not None and error is None:
            raise UnmetExpectations(text)
        if text is not None and error is not None:
            error.add_note(text)

    # Each connection.

    def _spawn(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="borzoi-testing-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(sock)
            self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
                self._connections.append(sock)
            self._converse(sock)
        except OSError:
            pass  # clients come and go
        finally:
            sock.close()

    def _converse(self, sock: socket.socket) -> None:
        side = ServerSide(self.router, Network(), self.host, self.port)
        if self._context is not None:
            side._scheme = "https"
        while data := sock.recv(65536):
            if not self._play(sock, side.answer(data)):
                return

    def _play(self, sock: socket.socket, events: Iterable[Event]) -> bool:
        """Do what a script says; return whether the connection goes on."""
        for event in events:
            if isinstance(event, bytes):
                sock.sendall(event)
            elif isinstance(event, Wait):
                self._closing.wait(min(event.seconds, threading.TIMEOUT_MAX))
            elif isinstance(event, Later):
                return self._play(sock, asyncio.run(event.ask()))
            elif event is END:
                _close(sock)
                return False
            elif isinstance(event, OSError):
                _reset(sock)
                return False
            else:
                sock.sendall(_explanation(event))
                return False
        return True


def _close(sock: socket.socket) -> None:
    """Close after what was sent, and take in what still comes, which would make a reset of the end."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_WR)
        sock.settimeout(LINGER)
        while sock.recv(65536):
            pass


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _explanation(error: Any) -> bytes:
    """Tell a client, which cannot be given the error, why there is no answer."""
    text = str(error).encode()
    head = b"HTTP/1.1 500 Unmatched request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(text), text)


@cache
def _authority(*, trusted: bool) -> Any:
    """Return the authority that clients are told to trust, or another."""
    try:
        trustme: Any = importlib.import_module("trustme")
    except ImportError:
        raise ImportError("A server with TLS needs trustme: pip install 'borzoi[testing]'") from None
    name = "the authority of borzoi.testing" if trusted else "an authority that nobody trusts"
    return trustme.CA(organization_name=name)


@cache
def _server_context(kind: str) -> ssl.SSLContext:
    import datetime as dt

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) if kind == "expired" else None
    names = ["wrong.invalid"] if kind == "wrong_host" else ["127.0.0.1", "localhost", "::1"]
    authority = _authority(trusted=kind != "untrusted")
    authority.issue_cert(*names, not_before=past, not_after=past).configure_cert(context)
    return context
