"""Proxies of every kind, scripted: each connects to one origin on loopback, whatever it is asked for, and remembers what it was told.

    with RawServer(handler, tls=...) as origin, proxying("socks5", origin) as proxy:
        ...  # proxy.url, proxy.told, proxy.server

An http or https proxy answers requests for http:// itself, with their target.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from .certificates import server_context
from .peers import LIMIT, RawServer, receive_exactly, say_goodbye

KINDS = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class Told:
    """What a proxy was asked for, and the credentials and fields that came with it."""

    def __init__(
        self, host: bytes, port: int, credentials: Any = None, fields: dict[bytes, bytes] | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.credentials = credentials
        self.fields = fields or {}


class ScriptedProxy:
    """A proxy of one kind. It takes any credentials, and wants them where the client offers some."""

    def __init__(self, kind: str, origin: RawServer) -> None:
        self._kind = kind
        self._origin = origin
        self.told: list[Told] = []
        self.answering: Callable[[], object] = lambda: None
        """Called before a forwarded request is answered."""
        self.server = RawServer(self, tls=server_context() if kind == "https" else None)

    @property
    def url(self) -> str:
        """The URL to give as `proxy=`."""
        return f"{self._kind}://{self.server.host}:{self.server.port}"

    def __call__(self, sock: socket.socket) -> None:
        serve = {"http": self._http, "https": self._http, "socks4": self._socks4, "socks4a": self._socks4}
        with contextlib.suppress(EOFError):
            if not serve.get(self._kind, self._socks5)(sock):
                return
            with socket.create_connection((self._origin.host, self._origin.port), LIMIT) as origin:
                relay(sock, origin)

    def _http(self, sock: socket.socket) -> bool:
        """Answer requests until one asks for a tunnel, and open it."""
        while (head := _head(sock)) is not None:
            line, *lines = head.split(b"\r\n")
            method, target, _ = line.split(b" ")
            fields = {name.lower(): value.strip() for name, _, value in (entry.partition(b":") for entry in lines)}
            body = receive_exactly(sock, int(fields.get(b"content-length", b"0")))
            authority = target if method == b"CONNECT" else target.split(b"/")[2]
            host, _, port = authority.rpartition(b":")
            self.told.append(Told(host.strip(b"[]"), int(port), fields.get(b"proxy-authorization"), fields))
            if method == b"CONNECT":
                sock.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 scripted\r\n\r\n")
                return True
            self.answering()
            text = target + b" " + body
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
        return False

    def _socks4(self, sock: socket.socket) -> bool:
        request = receive_exactly(sock, 8)
        assert request[:2] == b"\x04\x01"
        user = _until_nul(sock)
        address = request[4:]
        host = _until_nul(sock) if address[:3] == b"\0\0\0" else socket.inet_ntoa(address).encode()
        self.told.append(Told(host, int.from_bytes(request[2:4], "big"), (user, b"")))
        sock.sendall(b"\0\x5a" + b"\0" * 6)
        return True

    def _socks5(self, sock: socket.socket) -> bool:
        version, count = receive_exactly(sock, 2)
        assert version == 5
        methods = receive_exactly(sock, count)
        sock.sendall(b"\x05" + methods[:1])
        credentials = None
        if methods[0] == 2:
            assert receive_exactly(sock, 1) == b"\x01"
            credentials = (_counted(sock), _counted(sock))
            sock.sendall(b"\x01\0")
        version, command, _, kind = receive_exactly(sock, 4)
        assert (version, command) == (5, 1)
        if kind == 3:
            host = _counted(sock)
        else:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, receive_exactly(sock, 4 if kind == 1 else 16)).encode()
        self.told.append(Told(host, int.from_bytes(receive_exactly(sock, 2), "big"), credentials))
        sock.sendall(b"\x05\0\0\x03\x0eproxy.internal\0\0")
        return True


@contextlib.contextmanager
def proxying(kind: str, origin: RawServer) -> Iterator[ScriptedProxy]:
    """Give a running proxy in front of an origin."""
    proxy = ScriptedProxy(kind, origin)
    with proxy.server:
        yield proxy


def relay(client: socket.socket, origin: socket.socket) -> None:
    """Carry bytes both ways until one side ends; then end the other, in TLS with a close_notify."""
    poll = select.poll()
    poll.register(client, select.POLLIN)
    poll.register(origin, select.POLLIN)
    while True:
        pending = isinstance(client, ssl.SSLSocket) and client.pending() > 0
        ready = {descriptor for descriptor, _ in poll.poll(0 if pending else LIMIT * 1000)}
        if pending or client.fileno() in ready:
            data = client.recv(65536)
            if not data:
                return
            origin.sendall(data)
        if origin.fileno() in ready:
            data = origin.recv(65536)
            if not data:
                break
            client.sendall(data)
        if not ready and not pending:
            return
    if isinstance(client, ssl.SSLSocket):
        say_goodbye(client)


def _head(sock: socket.socket) -> bytes | None:
    """Receive a head byte by byte: what follows it is not ours."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            return None
        head += byte
    return head[:-4]


def _until_nul(sock: socket.socket) -> bytes:
    text = b""
    while (byte := receive_exactly(sock, 1)) != b"\0":
        text += byte
    return text


def _counted(sock: socket.socket) -> bytes:
    return receive_exactly(sock, receive_exactly(sock, 1)[0])
