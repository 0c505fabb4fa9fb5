"""The connections of httpcore: one that a program makes for itself, and those that a pool of ours has.

Each sends through a stand-in pool. One that stands alone has a pool of its own with room for one connection; one that
belongs to a pool sends through that, and is there to be shown, or because a program has patched its class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .._errors import UnsupportedProtocol
from .._exchange.connection import Connection
from .._run_blocking import run_blocking
from .httpcore_models import Origin, Proxy, Request, Response
from .httpcore_requests import AsyncConnectionInterface, ConnectionInterface, settings_of
from .httpcore_streams import AsyncNetworkBackend, NetworkBackend
from .httpcore_watch import Watched, is_patched, watch

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from .httpcore_models import HeaderTypes
    from .httpcore_streams import SOCKET_OPTION


class ConnectionNotAvailable(Exception):
    """The connection takes no request now. A pool tries another."""


class _Connection:
    """What all of them have in common."""

    _blocking: bool
    _origin: Origin
    _through: Any
    """The stand-in pool that it sends through."""

    _is_alone = False
    _is_used = False
    _shown: Connection | None = None

    def _stand_alone(self, origin: Origin, **settings: Any) -> None:
        from .httpcore_pools import AsyncConnectionPool, ConnectionPool

        kind: Any = ConnectionPool if self._blocking else AsyncConnectionPool
        self._origin = origin
        self._is_alone = True
        self._through = kind(max_connections=1, **settings)

    @classmethod
    def within(cls, pool: Any, origin: Origin, shown: Connection | None = None) -> Self:
        """Return one that belongs to a pool."""
        connection = cls.__new__(cls)
        connection._origin = origin
        connection._through = pool
        connection._shown = shown
        return connection

    async def _handle(self, request: Request) -> Response:
        if not self.can_handle_request(request.url.origin):
            raise RuntimeError(f"Attempted to send request to {request.url.origin} on connection to {self._origin}")
        if self._is_alone and (self._leased() or self.is_closed()):
            raise ConnectionNotAvailable
        self._is_used = True
        below = _below(self)
        response: Response
        if below is None:
            response = await self._through.send(request)
        elif self._blocking:
            response = below.handle_request(request)
        else:
            response = await below.handle_async_request(request)
        return response

    def _open(self) -> list[Connection]:
        return [self._shown] if self._shown is not None else [*self._idle(), *self._leased()]

    def _idle(self) -> list[Connection]:
        if self._shown is not None:
            return [self._shown] if self._shown.idle else []
        return [one for engine in self._through._engines() for one in engine._shelf.idle()] if self._is_alone else []

    def _leased(self) -> list[Connection]:
        return [one for engine in self._through._engines() for one in engine._leased()] if self._is_alone else []

    def can_handle_request(self, origin: Origin) -> bool:
        return origin == self._origin

    def is_available(self) -> bool:
        return self.is_idle()

    def is_idle(self) -> bool:
        return bool(self._idle())

    def has_expired(self) -> bool:
        idle = self._idle()
        return self.is_closed() or bool(idle and not idle[0].stream.is_idle())

    def is_closed(self) -> bool:
        return self._is_used and not self._open()

    def info(self) -> str:
        """Return what is going on, for people."""
        found = self._open()
        if not found:
            return "CONNECTION FAILED" if self._is_used else "CONNECTING"
        version = "HTTP/1.1" if hasattr(found[0], "requests") else "HTTP/2"
        state = "IDLE" if self._idle() else "ACTIVE"
        count = getattr(found[0], "requests", 1)
        return f"{str(self._origin)!r}, {version}, {state}, Request Count: {count}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.info()}]>"

    def _close(self) -> None:
        self._is_used = True
        for engine in self._through._engines() if self._is_alone else ():
            engine.close()
        if self._shown is not None:
            self._shown.close()


class _Blocking(_Connection, ConnectionInterface, metaclass=Watched):
    _blocking = True

    def handle_request(self, request: Request) -> Response:
        """Send a request as it is. Raises ConnectionNotAvailable while another is under way."""
        return run_blocking(self._handle(request))

    def close(self) -> None:
        """Close the connection."""
        self._close()


class _Asynchronous(_Connection, AsyncConnectionInterface, metaclass=Watched):
    _blocking = False

    async def handle_async_request(self, request: Request) -> Response:
        """Send a request as it is. Raises ConnectionNotAvailable while another is under way."""
        return await self._handle(request)

    async def aclose(self) -> None:
        """Close the connection."""
        self._close()
        network = getattr(self._through._transport, "_network", None)
        if network is not None:
            await network.aclose()


class _HTTPConnection(_Connection):
    def __init__(
        self,
        origin: Origin,
        ssl_context: ssl.SSLContext | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        local_address: str | None = None,
        uds: str | None = None,
        network_backend: NetworkBackend | AsyncNetworkBackend | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> None:
        self._stand_alone(**settings_of(locals()))


class HTTPConnection(_HTTPConnection, _Blocking):
    """Connect to an origin when the first request is sent, in blocking code."""


class AsyncHTTPConnection(_HTTPConnection, _Asynchronous):
    """Connect to an origin when the first request is sent, in an event loop."""


class _ProxyConnection(_Connection):
    def __init__(
        self,
        proxy_origin: Origin,
        remote_origin: Origin,
        ssl_context: ssl.SSLContext | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
        proxy_headers: HeaderTypes = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        network_backend: NetworkBackend | AsyncNetworkBackend | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
        proxy_auth: tuple[bytes, bytes] | None = None,
    ) -> None:
        given = settings_of(locals())
        del given["proxy_origin"], given["proxy_ssl_context"], given["proxy_headers"], given["proxy_auth"]
        proxy = Proxy(str(proxy_origin), headers=proxy_headers, ssl_context=proxy_ssl_context)
        proxy.auth = proxy_auth
        self._stand_alone(given.pop("remote_origin"), proxy=proxy, **given)


class TunnelHTTPConnection(_ProxyConnection, _Blocking):
    """Connect to an origin through a proxy's tunnel, in blocking code."""


class AsyncTunnelHTTPConnection(_ProxyConnection, _Asynchronous):
    """Connect to an origin through a proxy's tunnel, in an event loop."""


class ForwardHTTPConnection(_ProxyConnection, _Blocking):
    """Have a proxy forward requests, in blocking code."""


class AsyncForwardHTTPConnection(_ProxyConnection, _Asynchronous):
    """Have a proxy forward requests, in an event loop."""


class Socks5Connection(_ProxyConnection, _Blocking):
    """Connect to an origin through a SOCKS proxy, in blocking code."""


class AsyncSocks5Connection(_ProxyConnection, _Asynchronous):
    """Connect to an origin through a SOCKS proxy, in an event loop."""


class _OneStream:
    """Give out the stream that is there, once. It is secured already, where it has to be."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.get_extra_info = stream.get_extra_info
        self.read = stream.read
        self.write = stream.write
        self._is_given = False

    def _give(self) -> Self:
        if self._is_given:
            raise ConnectionNotAvailable
        self._is_given = True
        return self


class _OneBlockingStream(_OneStream):
    def connect_tcp(self, **_: Any) -> Self:
        return self._give()

    def start_tls(self, **_: Any) -> Self:
        return self

    def close(self) -> None:
        self._stream.close()


class _OneAsyncStream(_OneStream):
    async def connect_tcp(self, **_: Any) -> Self:
        return self._give()

    async def start_tls(self, **_: Any) -> Self:
        return self

    async def aclose(self) -> None:
        await self._stream.aclose()


class _OverStream(_Connection):
    def __init__(self, origin: Origin, stream: Any, keepalive_expiry: float | None = None) -> None:
        backend = _OneBlockingStream(stream) if self._blocking else _OneAsyncStream(stream)
        self._stand_alone(origin, keepalive_expiry=keepalive_expiry, network_backend=backend)


class HTTP11Connection(_OverStream, _Blocking):
    """Speak HTTP/1.1 over a stream that is connected, in blocking code."""


class AsyncHTTP11Connection(_OverStream, _Asynchronous):
    """Speak HTTP/1.1 over a stream that is connected, in an event loop."""


class _NotSpoken(_OverStream):
    def __init__(self, origin: Origin, stream: Any, keepalive_expiry: float | None = None) -> None:
        raise UnsupportedProtocol(f"HTTP/2 is not spoken over a stream that a program brings (to {origin}).")


class HTTP2Connection(_NotSpoken, _Blocking):
    """There for `isinstance`: raises UnsupportedProtocol."""


class AsyncHTTP2Connection(_NotSpoken, _Asynchronous):
    """There for `isinstance`: raises UnsupportedProtocol."""


_BLOCKING: tuple[Any, ...] = (HTTPConnection, TunnelHTTPConnection, ForwardHTTPConnection, Socks5Connection)
_ASYNC: tuple[Any, ...] = (
    AsyncHTTPConnection,
    AsyncTunnelHTTPConnection,
    AsyncForwardHTTPConnection,
    AsyncSocks5Connection,
)
for _kind in (*_BLOCKING, HTTP11Connection):
    watch(_kind, "handle_request")
for _async_kind in (*_ASYNC, AsyncHTTP11Connection):
    watch(_async_kind, "handle_async_request")


def classes(*, blocking: bool) -> tuple[Any, ...]:
    """Return the classes that a request over a pool goes through."""
    return (*_BLOCKING, HTTP11Connection) if blocking else (*_ASYNC, AsyncHTTP11Connection)


def connection_of(pool: Any, origin: Origin) -> Any:
    """Return the connection that httpcore's pool would make for an origin."""
    direct, tunnel, forward, socks = _BLOCKING if pool._blocking else _ASYNC
    if pool._proxy is None:
        kind = direct
    elif pool._proxy.url.scheme.startswith(b"socks"):
        kind = socks
    else:
        kind = forward if origin.scheme == b"http" else tunnel
    return kind.within(pool, origin)


def shown(pool: Any, connection: Connection) -> Any:
    """Return what shows a connection of ours."""
    route = connection.route
    made = connection_of(pool, Origin(route.scheme, route.host, route.port))
    made._shown = connection
    return made


def _below(connection: _Connection) -> Any:
    """Return the connection that the protocol is spoken over, where somebody has patched its class."""
    kind: Any = HTTP11Connection if connection._blocking else AsyncHTTP11Connection
    if connection._is_alone or isinstance(connection, kind) or not is_patched(kind):
        return None
    return kind.within(connection._through, connection._origin)
