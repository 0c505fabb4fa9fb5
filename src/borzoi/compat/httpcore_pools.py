"""The pools of httpcore, over ours: `ConnectionPool`, `HTTPProxy`, `SOCKSProxy` and their asynchronous kin.

A program makes one, or finds one as `transport._pool`. Either way a request is converted and takes our own way, unless
a subclass makes its own connections, or somebody has patched those: then it goes through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .._client.transports import AsyncHTTPTransport, HTTPTransport, the_worlds
from .._errors import UnsupportedProtocol
from .._exchange.connection import Connection
from .._exchange.pool import Pool
from .._run_blocking import run_blocking
from . import httpcore_connections as kinds
from .httpcore_assembly import Assembly
from .httpcore_conversion import request_to_ours, response_from_ours
from .httpcore_models import URL, ByteOrStr, HeaderTypes, Origin, Proxy, Request, Response, enforce_bytes, enforce_url
from .httpcore_network import Network
from .httpcore_requests import AsyncRequestInterface, ConnectionState, RequestInterface, settings_of
from .httpcore_settings import PoolSettings, proxy_to_ours, retire
from .httpcore_streams import AutoBackend, SyncBackend
from .httpcore_watch import Watched, is_patched, watch

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from .._backends.base import Backend
    from .httpcore_streams import SOCKET_OPTION

SEND = Pool.send
"""How a pool of ours sends, even while its class is made to send otherwise."""

SCHEMES = ("http", "https", "ws", "wss")


class _Pool(PoolSettings):
    """What the pools of both worlds have in common."""

    _blocking: bool
    _transport: Any = None
    _engine: Pool | None = None
    """The one pool of ours behind it, if there is one."""

    def __init__(
        self,
        ssl_context: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
        max_connections: int | None = 10,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        local_address: str | None = None,
        uds: str | None = None,
        network_backend: Any = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> None:
        from .._config import Limits

        limits = Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_keepalive_connections,
            keepalive_expiry=keepalive_expiry,
        )
        kind: Any = HTTPTransport if self._blocking else AsyncHTTPTransport
        self._transport = kind(
            verify=True if ssl_context is None else ssl_context,
            trust_env=False,
            http1=http1,
            http2=http2,
            limits=limits,
            proxy=None if proxy is None else proxy_to_ours(proxy.url, proxy.headers, proxy.auth, proxy.ssl_context),
            uds=uds,
            local_address=local_address,
            retries=retries,
            socket_options=socket_options,
        )
        self._show_transport(self._transport)
        self._http1, self._http2 = http1, http2
        if network_backend is not None:
            self._network_backend = network_backend

    def _show_transport(self, transport: Any) -> None:
        """Be the pool of a transport of ours."""
        raise NotImplementedError

    @classmethod
    def over(cls, transport: Any) -> Self:
        """Return what shows the pools of a transport."""
        shown = cls.__new__(cls)
        shown._transport = transport
        shown._show_transport(transport)
        return shown

    @classmethod
    def over_engine(cls, engine: Pool) -> Self:
        """Return what shows one pool of ours."""
        shown = cls.__new__(cls)
        shown._engine = engine
        shown._read_settings(engine._dialer, engine._limits, None)
        return shown

    # Sending.

    def _engine_here(self) -> Pool:
        """Return the pool of ours that a request takes here."""
        raise NotImplementedError

    async def handle(self, request: Request) -> Response:
        """Send a request over what there is: our connections, or those of the program."""
        scheme = request.url.scheme.decode("ascii", "replace")
        if not scheme:
            raise UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
        if scheme not in SCHEMES:
            raise UnsupportedProtocol(f"Request URL has an unsupported protocol '{scheme}://'.")

        if self._makes_connections():
            return await self._assembly().handle(request)
        if is_patched(*kinds.classes(blocking=self._blocking)):
            connection: Any = self.create_connection(request.url.origin)
            if self._blocking:
                answer: Response = connection.handle_request(request)
                return answer
            return await connection.handle_async_request(request)  # type: ignore[no-any-return]
        return await self.send(request)

    async def send(self, request: Request) -> Response:
        """Send a request over our own connections."""
        return response_from_ours(await SEND(self._engine_here(), request_to_ours(request)))

    def create_connection(self, origin: Origin) -> Any:
        """Return a connection for an origin. A subclass may return its own."""
        return kinds.connection_of(self, origin)

    def _makes_connections(self) -> bool:
        """Say whether a program makes the connections."""
        return type(self).create_connection is not _Pool.create_connection

    def _assembly(self) -> Assembly:
        if "_assembled" not in vars(self):
            self._assembled = Assembly(self, self._engine_here()._backend, blocking=self._blocking)
        return self._assembled

    # What is going on.

    def _engines(self) -> list[Pool]:
        raise NotImplementedError

    @property
    def connections(self) -> list[ConnectionState]:
        """The connections that are open, or being opened by a program's class."""
        if "_assembled" in vars(self):
            return list(self._assembled.connections)
        return [kinds.shown(self, one) for engine in self._engines() for one in _open_in(engine)]

    _connections = connections

    @property
    def _requests(self) -> list[Any]:
        waiting = [turn for engine in self._engines() for turn in engine._shelf.waiters]
        return [*waiting, *(one for engine in self._engines() for one in engine._leased())]

    def __repr__(self) -> str:
        states = [connection.is_idle() for connection in self.connections]
        queued = sum(len(engine._shelf.waiters) for engine in self._engines())
        requests = f"Requests: {states.count(False)} active, {queued} queued"
        shown = f"Connections: {states.count(False)} active, {states.count(True)} idle"
        return f"<{type(self).__name__} [{requests} | {shown}]>"


def _open_in(engine: Pool) -> list[Connection]:
    return [*engine._shelf.idle(), *engine._leased()]


class ConnectionPool(_Pool, RequestInterface, metaclass=Watched):
    """Send requests over pooled connections, in blocking code."""

    _blocking = True
    _world: Backend

    def _show_transport(self, transport: HTTPTransport) -> None:
        engine = transport._sender
        assert isinstance(engine, Pool)
        self._engine = engine
        self._world = engine._backend
        backend = SyncBackend()
        backend._world = self._world
        self._read_settings(engine._dialer, engine._limits, backend)

    def _engine_here(self) -> Pool:
        assert self._engine is not None
        return self._engine

    def _engines(self) -> list[Pool]:
        return [self._engine_here()]

    def _renew(self) -> None:
        if self._transport is None:
            return
        old = self._engine_here()
        backend = Network(self._network_backend, blocking=True).over(self._world)
        self._engine = Pool(backend, self._dialer, self._limits(), blocking=True)
        self._engine.now = old.now
        if self._transport._sender is old:
            self._transport._sender = self._engine
        retire(old)

    def handle_request(self, request: Request) -> Response:
        """Send a request as it is, and return its response, with the body unread."""
        return run_blocking(self.handle(request))

    def close(self) -> None:
        """Close all connections."""
        self._engine_here().close()
        if "_assembled" in vars(self):
            run_blocking(self._assembled.aclose())


class AsyncConnectionPool(_Pool, AsyncRequestInterface, metaclass=Watched):
    """Send requests over pooled connections, in an event loop."""

    _blocking = False

    def _show_transport(self, transport: AsyncHTTPTransport) -> None:
        backend = AutoBackend()
        backend._world = transport._backend
        self._read_settings(transport._dialer, transport._limits, backend)

    def _engine_here(self) -> Pool:
        if self._engine is not None:
            return self._engine
        transport: AsyncHTTPTransport = self._transport
        worlds = the_worlds()
        loop = worlds.current_loop()
        with transport._lock:
            return transport._entry_of(worlds, loop)[1]

    def _engines(self) -> list[Pool]:
        return [entry[1] for entry in self._transport._pools] if self._engine is None else [self._engine]

    def _renew(self) -> None:
        transport: AsyncHTTPTransport | None = self._transport
        if transport is None:
            return
        with transport._lock:
            old, transport._pools = transport._pools, []
            transport._latest = None
            transport._limits = self._limits()
            transport._network = Network(self._network_backend, blocking=False)
        for _, engine in old:
            retire(engine)

    async def handle_async_request(self, request: Request) -> Response:
        """Send a request as it is, and return its response, with the body unread."""
        return await self.handle(request)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.close()
        else:
            self._transport._close_pools()
            if self._transport._network is not None:
                await self._transport._network.aclose()
        if "_assembled" in vars(self):
            await self._assembled.aclose()


class _HTTPProxy(_Pool):
    """What the HTTP proxies of both worlds have in common."""

    _proxy_url: URL
    _proxy_headers: list[tuple[bytes, bytes]]

    def __init__(
        self,
        proxy_url: URL | ByteOrStr,
        proxy_auth: tuple[ByteOrStr, ByteOrStr] | None = None,
        proxy_headers: HeaderTypes = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy_ssl_context: ssl.SSLContext | None = None,
        max_connections: int | None = 10,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        local_address: str | None = None,
        uds: str | None = None,
        network_backend: Any = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> None:
        given = settings_of(locals())
        proxy = Proxy(proxy_url, proxy_auth, proxy_headers, proxy_ssl_context)
        if proxy.url.scheme == b"http" and proxy_ssl_context is not None:
            raise RuntimeError("The `proxy_ssl_context` argument is not allowed for the http scheme")
        for name in ("proxy_url", "proxy_auth", "proxy_headers", "proxy_ssl_context"):
            del given[name]
        super().__init__(proxy=proxy, **given)

    def _show_proxy(self) -> None:
        assert self._proxy is not None
        self._proxy_url = self._proxy.url
        self._proxy_headers = self._proxy.headers
        self._proxy_ssl_context = self._proxy.ssl_context


class HTTPProxy(_HTTPProxy, ConnectionPool):
    """Send requests by an HTTP proxy, in blocking code."""


class AsyncHTTPProxy(_HTTPProxy, AsyncConnectionPool):
    """Send requests by an HTTP proxy, in an event loop."""


class _SOCKSProxy(_Pool):
    """What the SOCKS proxies of both worlds have in common."""

    _proxy_url: URL
    _proxy_auth: tuple[bytes, bytes] | None

    def __init__(
        self,
        proxy_url: URL | ByteOrStr,
        proxy_auth: tuple[ByteOrStr, ByteOrStr] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int | None = 10,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = None,
        http1: bool = True,
        http2: bool = False,
        retries: int = 0,
        network_backend: Any = None,
    ) -> None:
        given = settings_of(locals())
        proxy = Proxy(enforce_url(given.pop("proxy_url"), name="proxy_url"))
        auth = given.pop("proxy_auth")
        if auth is not None:
            proxy.auth = enforce_bytes(auth[0], name="proxy_auth"), enforce_bytes(auth[1], name="proxy_auth")
        super().__init__(proxy=proxy, **given)

    def _show_proxy(self) -> None:
        assert self._proxy is not None
        self._proxy_url = self._proxy.url
        self._proxy_auth = self._proxy.auth


class SOCKSProxy(_SOCKSProxy, ConnectionPool):
    """Send requests by a SOCKS proxy, in blocking code."""


class AsyncSOCKSProxy(_SOCKSProxy, AsyncConnectionPool):
    """Send requests by a SOCKS proxy, in an event loop."""


for _kind in (ConnectionPool, HTTPProxy, SOCKSProxy):
    watch(_kind, "handle_request", "create_connection")
for _async_kind in (AsyncConnectionPool, AsyncHTTPProxy, AsyncSOCKSProxy):
    watch(_async_kind, "handle_async_request", "create_connection")


def kind_for(scheme: str | None, *, blocking: bool) -> Any:
    """Return the class of a pool that goes through a proxy of that scheme, or through none."""
    if scheme is None:
        return ConnectionPool if blocking else AsyncConnectionPool
    if scheme.startswith("socks"):
        return SOCKSProxy if blocking else AsyncSOCKSProxy
    return HTTPProxy if blocking else AsyncHTTPProxy
