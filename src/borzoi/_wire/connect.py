"""The client's side of CONNECT (RFC 9110, 9.3.6) on a connection to an HTTP proxy, without I/O.

It has the shape of the handshakes in `socks`: `begin()`, then `receive()` until `complete`. A refusal is a ProxyError
that begins with the status, any other answer that opens no tunnel a RemoteProtocolError.
"""

from __future__ import annotations

from .._errors import ProxyError
from .._values.headers import HeaderBlock
from .http1 import Http1
from .http1_head import Pairs


class Connect:
    """Ask an HTTP proxy for a tunnel to `authority`, a host and a port, with header fields that are for the proxy."""

    def __init__(self, authority: bytes, fields: Pairs) -> None:
        self._authority = authority
        self._fields = fields
        self._engine = Http1()

    def begin(self) -> bytes:
        """Return what to send. Raises LocalProtocolError for fields that cannot be sent."""
        block = HeaderBlock(merged([(b"Host", self._authority), (b"Accept", b"*/*")], self._fields))
        return self._engine.encode_head("CONNECT", self._authority, block)

    def receive(self, data: bytes) -> bytes:
        """Take in what arrived, b"" for the end; nothing is to be answered. Raises ProxyError, RemoteProtocolError."""
        engine = self._engine
        if data:
            engine.receive(data)
        else:
            engine.receive_eof()
        if engine.head is not None and not engine.upgraded:
            raise ProxyError(f"{engine.head.status} {engine.head.reason.decode('latin-1')}")
        return b""

    @property
    def complete(self) -> bool:
        """Whether the tunnel is open."""
        return self._engine.upgraded

    @property
    def leftover(self) -> bytes:
        """What arrived after the head of the response."""
        return self._engine.leftover


def merged(fields: Pairs, winning: Pairs) -> Pairs:
    """Return both, without those of `fields` whose names the other has."""
    names = {name.lower() for name, _ in winning}
    return [*(field for field in fields if field[0].lower() not in names), *winning]
