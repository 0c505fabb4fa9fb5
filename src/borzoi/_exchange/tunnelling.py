"""What does not go through a tunnel: credentials for a proxy that a program has set on its request.

RFC 9110, 11.7.2: Proxy-Authorization is for the next proxy. One that forwards requests reads it and takes it away;
through a tunnel it would reach the origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import LocalProtocolError
from .._wire.http2 import Http2
from .proxy import Forwarding

if TYPE_CHECKING:
    from .._values.headers import HeaderBlock
    from .._values.url import URL
    from .._wire.http2_stream import Stream


class Tunnelling(Forwarding):
    """Let requests through a tunnel as they are."""

    __slots__ = ()

    def translate(self, url: URL, target: bytes, block: HeaderBlock) -> tuple[bytes, HeaderBlock]:
        """Return the target and the headers unchanged. Raises LocalProtocolError for credentials of a proxy."""
        require_none_of_proxy(block)
        return target, block


class TunnelledHttp2(Http2):
    """HTTP/2 through a tunnel."""

    def open(self, method: str, target: bytes, block: HeaderBlock, scheme: bytes = b"https") -> Stream:
        """Send the head of a request, as `Http2` does. Raises LocalProtocolError for credentials of a proxy, too."""
        require_none_of_proxy(block)
        return super().open(method, target, block, scheme)


TUNNELLING = Tunnelling([])


def require_none_of_proxy(block: HeaderBlock) -> None:
    """Raise LocalProtocolError where a request through a tunnel has credentials for its proxy."""
    if block.find(b"proxy-authorization") is not None:
        raise LocalProtocolError(
            "The request has a Proxy-Authorization, which would go through the proxy's tunnel to the origin. "
            "Give the proxy its credentials: Proxy(url, auth=...)"
        )
