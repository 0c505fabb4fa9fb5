"""The pool in front of a proxy that forwards requests and asks for Digest authentication (RFC 7616, 3.8).

A request goes as it is until the proxy has answered one with a challenge (407). That one is sent again with the
answer, if its body can be; those after it carry theirs at once. A 407 that cannot be answered, or is the answer to an
answer, is the response. Tunnels are none of this: their challenges are answered where they are opened.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from .._errors import ProxyError, RequestError
from .._messages.streams import Body
from .._values.headers import HeaderBlock
from .._wire.connect import MAX_REFUSAL, merged
from .._wire.http1 import Http1
from .dial import Route
from .multiplexed_pool import SharingPool

if TYPE_CHECKING:
    from .._backends.base import Stream
    from .._messages.request import Request
    from .._messages.response import Response
    from .._policy.proxy import ProxyDigest
    from .connection import Connection
    from .pool import ConnectionLane


class ForwardedHttp1(Http1):
    """Add to each head the answer to the proxy's challenge: it is for this method and this target."""

    __slots__ = ("_digest", "_has_body")

    def __init__(self, digest: ProxyDigest) -> None:
        super().__init__()
        self._digest = digest
        self._has_body = False

    def encode_head(self, method: str, target: bytes, block: HeaderBlock) -> bytes:
        """Begin an exchange: return the head of its request. Raises LocalProtocolError as `Http1` does."""
        answer = self._digest.credentials(method, target)
        head = super().encode_head(method, target, HeaderBlock(merged(answer, block.pairs)) if answer else block)
        self._has_body = self.to_send != 0
        return head

    def _settle(self) -> None:
        super()._settle()
        # Who challenges before it has the whole body may take in no more of it: squid says "keep-alive", and hangs.
        if self._has_body and self.head is not None and self.head.status == 407:
            self.reusable = False


class ChallengedPool(SharingPool):
    """Keep the connections of one world, and answer the challenges of the proxy that they lead to."""

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Return what sends a request, and returns its response, with the body unread."""
        forwarding = self._dialer.forwarding(Route(*request.url._origin))
        # Credentials that the program gives itself are what the proxy is told.
        if forwarding is None or forwarding.digest is None or "proxy-authorization" in request.headers:
            return super().send(request)
        return self._send_answering(request, forwarding.digest)

    async def _send_answering(self, request: Request, digest: ProxyDigest) -> Response:
        response = await super().send(request)
        fields = response.headers.raw
        if response.status_code != 407:
            digest.renew(fields)
            return response
        if not _is_answerable(digest, fields) or not request.is_replayable:
            return response
        assert isinstance(response.stream, Body)
        await _take_away(response.stream)
        return await super().send(request)

    def _connection_of(self, lane: ConnectionLane, route: Route, stream: Stream) -> Connection:
        connection = super()._connection_of(lane, route, stream)
        if connection.forwarding is not None and connection.forwarding.digest is not None:
            connection.engine = ForwardedHttp1(connection.forwarding.digest)
        return connection


def _is_answerable(digest: ProxyDigest, fields: list[tuple[bytes, bytes]]) -> bool:
    try:
        return digest.is_answerable(fields)
    except ProxyError:
        # A challenge that makes no sense is the program's to see: it has the response.
        return False


async def _take_away(body: Body) -> None:
    """Receive a body that nobody wants, so that its connection serves again, or close it where that takes too much."""
    left = MAX_REFUSAL
    try:
        while left > 0 and (chunk := await body.next_chunk()) is not None:
            left -= len(chunk)
    except RequestError:
        # What became of it is of no concern: the answer goes over another connection.
        pass
    finally:
        body.close_now()
