"""The client's side of CONNECT (RFC 9110, 9.3.6) on a connection to an HTTP proxy, without I/O.

It has the shape of the handshakes in `socks`: `begin()`, then `receive()` until `complete`. A refusal is a ProxyError
that begins with the status, any other answer that opens no tunnel a RemoteProtocolError. A 407 that can be answered is
answered once: over the connection it came by, or over a new one where the proxy closes that (`MustReconnect`).
"""

from __future__ import annotations

from typing import Protocol

from .._errors import ProxyError
from .._values.headers import HeaderBlock
from .http1 import Http1
from .http1_head import UNTIL_CLOSE, Pairs, ResponseHead

MAX_REFUSAL = 65536
"""Bytes of the body of a 407 that are received to go on over the same connection."""


class MustReconnect(ProxyError):
    """The proxy asks for credentials, which there are, and does not go on over this connection."""


class Credentials(Protocol):
    """What answers the challenges of a proxy."""

    def credentials(self, method: str, target: bytes) -> Pairs:
        """Return the fields that go with one request."""
        ...

    def is_answerable(self, fields: Pairs) -> bool:
        """Take in the fields of a 407, and return whether they ask for what can be answered."""
        ...

    def renew(self, fields: Pairs) -> None:
        """Take in the fields of another response."""


class Connect:
    """Ask an HTTP proxy for a tunnel to `authority`, a host and a port, with header fields that are for the proxy."""

    def __init__(self, authority: bytes, fields: Pairs, auth: Credentials | None = None) -> None:
        self._authority = authority
        self._fields = fields
        self._auth = auth
        self._may_answer = auth is not None
        self._engine = Http1()
        self._challenge: ResponseHead | None = None
        """The head of the 407 that is to be answered."""

    def begin(self) -> bytes:
        """Return what to send on a new connection. Raises LocalProtocolError for fields that cannot be sent."""
        self._engine = Http1()
        self._challenge = None
        answer = [] if self._auth is None else self._auth.credentials("CONNECT", self._authority)
        fields = merged(answer, self._fields)
        block = HeaderBlock(merged([(b"Host", self._authority), (b"Accept", b"*/*")], fields))
        return self._engine.encode_head("CONNECT", self._authority, block)

    def receive(self, data: bytes) -> bytes:
        """Take in what arrived, b"" for the end, and return what to answer.

        Raises ProxyError, RemoteProtocolError, and MustReconnect: then the same is to be begun on a new connection.
        """
        engine = self._engine
        if data:
            engine.receive(data)
        else:
            engine.receive_eof()
        head = engine.head
        if head is None or head is self._challenge:
            return self._go_on()
        if not engine.upgraded:
            return self._take_refusal(head)
        if self._auth is not None:
            self._auth.renew(head.pairs)
        return b""

    def _take_refusal(self, head: ResponseHead) -> bytes:
        auth = self._auth if self._may_answer and head.status == 407 else None
        # RFC 7616, 3.5: who refuses the answer, too, does not want these credentials.
        self._may_answer = False
        if auth is None or not auth.is_answerable(head.pairs):
            raise ProxyError(_status(head))
        self._challenge = head
        return self._go_on()

    def _go_on(self) -> bytes:
        """Answer the challenge once the response that it came with is over. Raises MustReconnect."""
        engine, challenge = self._engine, self._challenge
        if challenge is None:
            return b""
        ends = challenge.keeps and challenge.length != UNTIL_CLOSE
        if ends and not engine.complete and sum(map(len, engine.chunks)) <= MAX_REFUSAL:
            return b""
        if not engine.reusable:
            raise MustReconnect(_status(challenge))
        return self.begin()

    @property
    def complete(self) -> bool:
        """Whether the tunnel is open."""
        return self._engine.upgraded

    @property
    def leftover(self) -> bytes:
        """What arrived after the head of the response."""
        return self._engine.leftover


def _status(head: ResponseHead) -> str:
    return f"{head.status} {head.reason.decode('ascii', 'ignore')}"


def merged(fields: Pairs, winning: Pairs) -> Pairs:
    """Return both, without those of `fields` whose names the other has."""
    names = {name.lower() for name, _ in winning}
    return [*(field for field in fields if field[0].lower() not in names), *winning]
