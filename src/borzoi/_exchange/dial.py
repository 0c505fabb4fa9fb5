"""Opening a connection to an origin: socket, TLS, and another try where the program allows it.

In: a route (where to, and under which name) and a time-out. Out: a stream that is ready for the first request. The
time-out of one try bounds everything up to there: the lookup, the connection, a proxy's tunnel and the handshake.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .._backends.base import Backend, ConnectOptions, Stream, TLSOptions
from .._errors import ConnectError, ConnectTimeout, UnsupportedProtocol
from .proxy import Forwarding, ProxyServer

if TYPE_CHECKING:
    import ssl

    from .._policy.proxy import Proxy

Patience: TypeAlias = Callable[[str], "float | None"]
"""How many seconds an operation may take from now on: "connect", or the "total" of what is left."""

MAX_SESSIONS = 256
"""TLS sessions kept for resumption, one for each route."""

RETRY_FACTOR = 0.5
"""Seconds before the second retry; each later one waits twice as long. The first does not wait."""


class Route(NamedTuple):
    """Where a request goes. Connections are shared by requests of equal routes, and by no others."""

    scheme: bytes
    host: bytes
    port: int
    server_name: str | None = None
    """The name for TLS, where it is not the host (`extensions["sni_hostname"]`)."""


class Dialer:
    """Open streams with one set of options."""

    def __init__(
        self,
        *,
        context: Callable[[], ssl.SSLContext],
        options: ConnectOptions | None = None,
        unix_path: str | None = None,
        retries: int = 0,
        proxy: Proxy | None = None,
    ) -> None:
        self._context = context
        self._options = options or ConnectOptions()
        self._unix_path = unix_path
        self._retries = retries
        self._via = None if proxy is None else ProxyServer(proxy)
        self._sessions: OrderedDict[Route, ssl.SSLSession] = OrderedDict()

    async def dial(self, backend: Backend, route: Route, patience: Patience) -> Stream:
        """Return a connected stream. Raises ConnectError, ConnectTimeout, UnsupportedProtocol."""
        if not route.scheme:
            raise UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
        if route.scheme not in (b"http", b"https"):
            scheme = route.scheme.decode("ascii")
            raise UnsupportedProtocol(f"Request URL has an unsupported protocol '{scheme}://'.")

        failures = 0
        while True:
            try:
                return await self._dial_once(backend, route, patience("connect"))
            except (ConnectError, ConnectTimeout):
                pause = RETRY_FACTOR * 2 ** (failures - 1) if failures else 0.0
                left = patience("total")
                if failures >= self._retries or (left is not None and left <= pause):
                    raise
            if pause:
                await backend.sleep(pause)
            failures += 1

    async def _dial_once(self, backend: Backend, route: Route, timeout: float | None) -> Stream:
        started = backend.now()
        host = route.host.decode("ascii").strip("[]")

        def left() -> float | None:
            return None if timeout is None else max(0.0, timeout - (backend.now() - started))

        if self._unix_path is not None:
            stream = await backend.connect_unix(self._unix_path, timeout, self._options)
        elif self._via is not None:
            self._via.check()
            stream = await backend.connect_tcp(self._via.host, self._via.port, timeout, self._options)
        else:
            stream = await backend.connect_tcp(host, route.port, timeout, self._options)
        if route.scheme == b"http":
            return stream

        try:
            if self._via is not None:
                await self._via.open_tunnel(stream, route, left)
            tls = TLSOptions(self._context(), route.server_name or host, self._sessions.get(route))
            return await stream.start_tls(tls, left())
        except BaseException:
            stream.close()
            raise

    def forwarding(self, route: Route) -> Forwarding | None:
        """Return how requests are written for a proxy that forwards them; None where no proxy reads them."""
        return self._via.forwarding if self._via is not None and route.scheme == b"http" else None

    def remember_session(self, route: Route, stream: Stream) -> None:
        """Keep the TLS session of a stream, whose tickets come with or after the first response (RFC 8446, 4.6.1)."""
        tls: Any = stream.get_extra_info("ssl_object")
        session = getattr(tls, "session", None)
        if session is None:
            return
        self._sessions[route] = session
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
