"""Real peers on loopback, scripted: each is a listener, and a plain function that is given one connected socket.

    with RawServer(lambda sock: sock.sendall(b"hello")) as server:
        ...  # server.host, server.port, server.connections

Every connection has a daemon thread of its own. Leaving the block closes everything and raises what a handler raised, unless
that was an OSError: clients come and go. Nothing sleeps: a handler that has to wait calls `server.until(event)`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

LIMIT = 20.0
"""Seconds after which a peer gives up waiting."""

IN_TIME = 10.0
"""Seconds within which what is to take some milliseconds has ended, even where others use the machine as well."""

Handler = Callable[[socket.socket], object]


class RawServer:
    """A listener on an ephemeral port (or a Unix socket at `path`) whose `handler` is given each connection."""

    def __init__(
        self,
        handler: Handler,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        path: str | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self._handler = handler
        self._tls = tls
        self._path = path
        self.host = host
        self.port = 0
        self.connections: list[socket.socket] = []
        self.errors: list[BaseException] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._listener = self._listen(receive_buffer)

    def _listen(self, receive_buffer: int | None) -> socket.socket:
        if self._path is not None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self._path)
        else:
            listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, 0))
            self.port = listener.getsockname()[1]
        if receive_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.listen(1024)
        return listener

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
        if kind is None:
            for failure in self.errors:
                if not isinstance(failure, OSError):
                    raise failure

    def close(self) -> None:
        """Close the listener and every connection, and wait for the threads."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self.connections):
            with contextlib.suppress(OSError):
                # Not the method of SSLSocket, which would take the TLS object from under its thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive(), "a peer's thread did not end"
        for sock in self.connections:
            sock.close()

    def wait_for_connections(self, count: int) -> None:
        """Return when so many connections were accepted."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.connections) >= count, LIMIT), "too few connections"

    def until(self, event: threading.Event) -> None:
        """Wait, in a handler, until the event or the end of the server. Raises OSError at the end."""
        for _ in range(int(LIMIT * 20)):
            if event.wait(0.05):
                return
            if self.closing.is_set():
                raise ConnectionAbortedError("the server is closing")

    def _spawn(self, target: Callable[..., object], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="peer", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(LIMIT)
            self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(
                    sock, server_side=True, suppress_ragged_eofs=False, do_handshake_on_connect=False
                )
            with self._changed:
                self.connections.append(sock)
                self._changed.notify_all()
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            if not self.closing.is_set():
                self._handler(sock)
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits
            self.errors.append(error)
        finally:
            sock.close()


# What handlers do.


def silent(sock: socket.socket) -> None:
    """Say nothing, until the client closes."""
    while sock.recv(65536):
        pass


def echo(sock: socket.socket) -> None:
    """Send everything back."""
    while data := sock.recv(65536):
        sock.sendall(data)


def saying(data: bytes) -> Handler:
    """Return a handler that sends `data`, then says nothing until the client closes."""

    def handler(sock: socket.socket) -> None:
        sock.sendall(data)
        silent(sock)

    return handler


def closing_after(data: bytes) -> Handler:
    """Return a handler that sends `data` and closes; over TLS without a close_notify."""

    def handler(sock: socket.socket) -> None:
        if data:
            sock.sendall(data)

    return handler


def reset(sock: socket.socket) -> None:
    """Close with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """Receive so many bytes. Raises EOFError if the client closes before."""
    parts: list[bytes] = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            raise EOFError(f"{size} bytes are missing")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def say_goodbye(sock: socket.socket) -> None:
    """Send TLS's close_notify without waiting for the other's."""
    assert isinstance(sock, ssl.SSLSocket)
    sock.setblocking(False)
    with contextlib.suppress(ssl.SSLWantReadError):
        sock.unwrap()


# Peers that are no servers.


@contextlib.contextmanager
def refusing_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Give a port that nobody listens on, kept from others meanwhile."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, port))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Give a port whose listener never accepts and whose backlog is full: a connection is neither made nor refused."""
    with contextlib.ExitStack() as stack:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = stack.enter_context(socket.socket(family))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        _fill(stack, family, listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def unix_black_hole(path: str) -> Iterator[socket.socket]:
    """Give a listener on a Unix socket that never accepts and whose backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(0)
        _fill(stack, socket.AF_UNIX, path)
        yield listener


def _fill(stack: contextlib.ExitStack, family: int, address: Any) -> None:
    for _ in range(4):
        filler = stack.enter_context(socket.socket(family))
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(address)
