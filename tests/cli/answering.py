"""A peer of the command line: it answers each path in one way, and remembers what it was sent."""

from __future__ import annotations

import socket
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.worlds.certificates import server_context
from tests.worlds.peers import RawServer

CHUNKED = "Transfer-Encoding: chunked"

FIXED = {
    "/": ("200 OK", "text/plain", b"Hello, world!"),
    "/json": ("200 OK", "application/json", b'{"Hello": "world!", "caf\xc3\xa9": [1, {}]}'),
    "/no-json": ("200 OK", "application/json", b"{nope"),
    "/deep": ("200 OK", "application/json", b"[" * 2000 + b"]" * 2000),
    "/problem": ("404 Not Found", "application/problem+json; charset=utf-8", b'{"title": "none"}'),
    "/table": ("200 OK", "text/csv", b"a,b\n1,2"),
    "/html": ("200 OK", "text/html; charset=utf-8", "<p class='x'>łąka</p>".encode()),
    "/nothing": ("204 No Content", "", b""),
    "/error": ("500 Internal Server Error", "text/plain", b"Hello, world!"),
    "/untyped": ("200 OK", "", b"abc"),
    "/picture": ("200 OK", "image/png", b"\x89PNG"),
}
"""What does not depend on the request: the status, the media type, the body."""


class Answering(RawServer):
    """Answer requests, and keep them."""

    def __init__(self, *, encrypted: bool = False) -> None:
        self.requests: list[tuple[str, bytes]] = []
        """The head and the body of each request."""
        super().__init__(self._converse, tls=server_context() if encrypted else None)

    @property
    def head(self) -> list[str]:
        """The lines of the last head."""
        return self.requests[-1][0].split("\r\n")

    @property
    def body(self) -> bytes:
        """The last body."""
        return self.requests[-1][1]

    def _converse(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as incoming:
            while head := _head(incoming):
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
                body = incoming.read(int(fields.get("content-length", "0")))
                self.requests.append((head, body))
                sock.sendall(self._answer(urlsplit(head.split(" ")[1]).path, body))

    def _answer(self, path: str, body: bytes) -> bytes:
        if path == "/redirect":
            return _response("301 Moved Permanently", ["location: /"], b"")
        if path == "/echo":
            return _response("200 OK", ["content-type: text/plain"], body)
        if path == "/bytes":
            return _response("200 OK", ["content-type: application/octet-stream"], body)
        status, kind, content = FIXED[path]
        return _response(status, [f"content-type: {kind}"] if kind else [], content)


def _head(incoming: BinaryIO) -> str:
    """Return the head of the next request, nothing at the end of the connection."""
    lines: list[bytes] = []
    while (line := incoming.readline()) not in (b"\r\n", b""):
        lines.append(line)
    return b"".join(lines).decode("latin-1").rstrip("\r\n")


def _response(status: str, fields: list[str], body: bytes) -> bytes:
    if status.startswith("204"):
        return f"HTTP/1.1 {status}\r\nserver: scripted\r\n\r\n".encode()
    head = "\r\n".join([f"HTTP/1.1 {status}", "server: scripted", *fields, CHUNKED])
    chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    return head.encode() + b"\r\n\r\n" + chunk + b"0\r\n\r\n"
