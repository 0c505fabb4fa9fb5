"""The server's side of HTTP/1.1: bytes in, whole requests out. It does no I/O.

What it reads was written by the client that is tested, so it accepts what RFC 9112 has clients send, and says plainly
when it is given anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._wire.http1_chunked import ChunkedDecoder
from .._wire.http1_head import HeadLimits

if TYPE_CHECKING:
    from .._values.headers import Pairs


class Incoming:
    """One request: its line and header fields, and the body when it is whole."""

    __slots__ = ("_chunked", "_left", "_pieces", "content", "expects", "method", "pairs", "target", "trailers")

    def __init__(self, head: bytes) -> None:
        line, *fields = head.split(b"\r\n")
        try:
            self.method, self.target, _ = line.decode("latin-1").split(" ")
        except ValueError:
            raise AssertionError(f"The client sent no HTTP/1.1 request: {line[:80]!r}") from None
        self.pairs: Pairs = []
        self.content = b""
        self.expects = False
        self.trailers: Pairs = []
        self._left = 0
        self._chunked: ChunkedDecoder | None = None
        self._pieces: list[bytes] = []
        for field in fields:
            name, _, value = field.partition(b":")
            value = value.strip()
            self.pairs.append((name, value))
            # hot path: two lengths tell that most fields are none of the three.
            if len(name) in (6, 14, 17):
                self._note(name.lower(), value)

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self._left = int(value)
        elif name == b"transfer-encoding":
            self._chunked = ChunkedDecoder(HeadLimits())
        elif name == b"expect":
            self.expects = value.lower() == b"100-continue"

    def receive(self, data: bytes) -> bytes | None:
        """Take in some of the body. None means that more is to come; bytes are those after the end."""
        if self._chunked is not None:
            rest = self._chunked.receive(data, self._pieces)
            self.trailers = self._chunked.trailers
        else:
            self._pieces.append(data[: self._left])
            rest = None if len(data) < self._left else data[self._left :]
            self._left -= len(data)
        if rest is not None:
            self.content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        return rest


class Intake:
    """Read the requests of one connection."""

    def __init__(self) -> None:
        self._held = b""
        self._incoming: Incoming | None = None
        self.awaits_leave = False
        """Whether a head has come whose body is only sent when "100 Continue" was said (RFC 9110, 10.1.1)."""

    def receive(self, data: bytes) -> list[Incoming]:
        """Return the requests that have become whole."""
        self.awaits_leave = False
        done: list[Incoming] = []
        rest: bytes | None = self._held + data if self._held else data
        self._held = b""
        while rest:
            if self._incoming is None:
                end = rest.find(b"\r\n\r\n")
                if end < 0:
                    self._held = rest
                    break
                self._incoming = Incoming(rest[:end])
                rest = rest[end + 4 :]
            rest = self._incoming.receive(rest)
            if rest is None:
                self.awaits_leave = self._incoming.expects
                self._incoming.expects = False
                break
            done.append(self._incoming)
            self._incoming = None
        return done
