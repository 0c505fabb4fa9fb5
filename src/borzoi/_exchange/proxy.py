"""Going through an HTTP proxy: forwarding for http, a tunnel (CONNECT, RFC 9110, 9.3.6) for https.

The proxy's own headers and credentials are added here, on the way to the proxy, and reach nobody else: they are not
part of the request, and a tunnel's are sent before it is open.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._errors import (
    ConnectTimeout,
    NetworkError,
    ProxyError,
    RemoteProtocolError,
    TimeoutException,
    UnsupportedProtocol,
)
from .._values.headers import HeaderBlock
from .._wire.http1 import Http1

if TYPE_CHECKING:
    from .._backends.base import Stream
    from .._policy.proxy import Proxy
    from .._values.url import URL
    from .dial import Route


class Forwarding:
    """Write requests for a proxy that reads them: the whole URL as the target, and the proxy's headers."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs

    def translate(self, url: URL, target: bytes, block: HeaderBlock) -> tuple[bytes, HeaderBlock]:
        """Return the target in absolute form (RFC 9112, 3.2.2) and the headers with the proxy's own added."""
        absolute = b"%b://%b%b" % (url.raw_scheme, url._host_header, target)
        return absolute, HeaderBlock([*block.pairs, *self._pairs]) if self._pairs else block


class ProxyServer:
    """Talk to one proxy."""

    __slots__ = ("_pairs", "_url", "forwarding", "host", "port")

    def __init__(self, proxy: Proxy) -> None:
        self._url = proxy.url
        self._pairs = [*proxy.headers.raw]
        if proxy.raw_auth is not None:
            credentials = base64.b64encode(b"%b:%b" % proxy.raw_auth)
            self._pairs.append((b"Proxy-Authorization", b"Basic " + credentials))
        self.forwarding = Forwarding(self._pairs)
        self.host = proxy.url.host
        self.port = proxy.url._origin[2]

    def check(self) -> None:
        """Raise UnsupportedProtocol for a proxy that is not spoken to yet."""
        if self._url.scheme != "http":
            raise UnsupportedProtocol(f"Proxies of the kind {self._url.scheme}:// are not supported, only http://.")

    async def open_tunnel(self, stream: Stream, route: Route, left: Callable[[], float | None]) -> None:
        """Have the proxy connect `stream` to the origin.

        Raises ProxyError with its answer if it will not, and ConnectTimeout.
        """
        authority = b"%b:%d" % (route.host, route.port)
        engine = Http1()
        engine.start("CONNECT")
        block = HeaderBlock([(b"Host", authority), (b"Accept", b"*/*"), *self._pairs])
        try:
            await stream.write(engine.encode_head("CONNECT", authority, block), left())
            while engine.head is None:
                data = await stream.read(left())
                if data:
                    engine.receive(data)
                else:
                    engine.receive_eof()
        except (RemoteProtocolError, NetworkError) as error:
            raise ProxyError(f"The proxy {self.host}:{self.port} broke the tunnel: {error}") from error
        except TimeoutException as error:
            raise ConnectTimeout(f"The proxy {self.host}:{self.port} did not open the tunnel: {error}") from error

        if not engine.upgraded:
            reason = engine.head.reason.decode("latin-1")
            where = authority.decode("ascii")
            raise ProxyError(f"{engine.head.status} {reason} (the proxy {self.host}:{self.port}, asked for {where})")
        if engine.leftover:
            # Nobody has vouched for these bytes: they must not pass for the origin's (RFC 9110, 9.3.6).
            raise ProxyError(f"The proxy {self.host}:{self.port} sent bytes of its own into the tunnel")
