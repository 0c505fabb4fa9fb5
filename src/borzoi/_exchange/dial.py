"""Opening a connection to an origin: socket, TLS, and another try where the program allows it.

In: a route (where to, and under which name) and a time-out. Out: a stream that is ready for the first request. The
time-out of one try bounds everything up to there: the lookup, the connection, a proxy's tunnel and the handshake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .._backends.base import Backend, ConnectOptions, Remaining, Stream
from .._errors import BlockedAddress, ConnectError, ConnectTimeout, UnsupportedProtocol
from .proxy import Forwarding, ProxyServer
from .sessions import Sessions
from .trace import Step, Trace

if TYPE_CHECKING:
    import ssl

    from .._policy.proxy import Proxy
    from .._policy.tls import Pins
    from .sessions import Offer

Patience: TypeAlias = Callable[[str], "float | None"]
"""How many seconds an operation may take from now on: "connect", or the "total" of what is left."""

RETRY_FACTOR = 0.5
"""Seconds before the second retry; each later one waits twice as long. The first does not wait."""


class Route(NamedTuple):
    """Where a request goes. Connections are shared by requests of equal routes, and by no others."""

    scheme: bytes
    host: bytes
    port: int
    server_name: str | None = None
    """The name for TLS, where it is not the host (`extensions["sni_hostname"]`)."""

    @property
    def name(self) -> str:
        """The host as text, without the brackets of an IPv6 address."""
        return self.host.decode("ascii").strip("[]")


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
        proxy_context: Callable[[], ssl.SSLContext] | None = None,
        pins: Pins | None = None,
        websocket_context: Callable[[], ssl.SSLContext] | None = None,
        http1: bool = True,
        http2: bool = False,
    ) -> None:
        self._context = context
        # WebSockets are opened over HTTP/1.1: for them nothing else is offered.
        self._websocket_context = websocket_context
        self.http1 = http1
        """Whether HTTP/1.1 may be spoken."""
        self.http2 = http2
        """Whether HTTP/2 may be spoken: then the context has to offer it."""
        self._options = options or ConnectOptions()
        self._unix_path = unix_path
        if not isinstance(retries, int):
            raise TypeError(f"Invalid retries={retries!r}. Give a whole number.")
        self._retries = retries
        self.proxy = proxy
        """The proxy that all goes through, if any."""
        self.sessions = Sessions()
        """TLS sessions with origins, and with the proxy."""
        self._via = None
        if proxy is not None:
            self._via = ProxyServer(proxy, partial(_usable, proxy_context or context), self.sessions)
        # The program itself has named the proxy: no guard keeps its address away.
        self._options_of_proxy = self._options if proxy is None else self._options.unguarded()
        self._pins = pins
        self.secured = 0
        """TLS handshakes done."""
        self.resumed = 0
        """Those of them that resumed an earlier session."""

    async def dial(self, backend: Backend, route: Route, patience: Patience, trace: Trace | None = None) -> Stream:
        """Return a connected stream. Raises ConnectError, ConnectTimeout, UnsupportedProtocol."""
        if not route.scheme:
            error = UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
            error.add_note("A URL is as in 'https://example.org/path'; a relative one needs the base_url= of a client.")
            raise error
        if route.scheme not in (b"http", b"https", b"ws", b"wss"):
            scheme = route.scheme.decode("ascii")
            raise UnsupportedProtocol(f"Request URL has an unsupported protocol '{scheme}://'.")

        failures = 0
        while True:
            try:
                return await self._dial_once(backend, route, patience("connect"), trace)
            except BlockedAddress:
                raise
            except (ConnectError, ConnectTimeout):
                self._forget(route)
                pause = RETRY_FACTOR * 2 ** (failures - 1) if failures else 0.0
                left = patience("total")
                if failures >= self._retries or (left is not None and left <= pause):
                    raise
            async with Step(trace, "connection.retry", {} if trace is None else trace.latest):
                if pause:
                    await backend.sleep(pause)
            failures += 1

    async def _dial_once(self, backend: Backend, route: Route, timeout: float | None, trace: Trace | None) -> Stream:
        started = backend.now()

        def left() -> float | None:
            return None if timeout is None else Remaining(timeout - (backend.now() - started), timeout)

        via = self._via
        if via is None:
            # The whole time, not what is left of it: the error tells how long was waited.
            stream = await self._connect(backend, route, timeout, trace)
        else:
            target = await via.target(backend, route, left, self._options)
            stream = await self._to_proxy(backend, route, left(), trace)
            # RFC 9113, 3.4: the server's preface may come before the client's.
            begins = route.scheme == b"http" and self.shares(b"http")
            stream = await via.lead(
                stream, route, target, left, trace, lambda: self._to_proxy(backend, route, left(), trace), begins=begins
            )
        if route.scheme in (b"http", b"ws"):
            return stream

        try:
            return await self._secure(stream, route, left(), trace)
        except BaseException:
            stream.close()
            raise

    async def _to_proxy(self, backend: Backend, route: Route, timeout: float | None, trace: Trace | None) -> Stream:
        """Return a stream to the proxy. An error says that it is about the proxy, and what that was to be asked for."""
        try:
            return await self._connect(backend, route, timeout, trace)
        except (ConnectError, ConnectTimeout) as error:
            error.args = (f"{error} (the proxy, to be asked for {route.name}:{route.port})",)
            raise

    async def _connect(self, backend: Backend, route: Route, timeout: float | None, trace: Trace | None) -> Stream:
        """Return a stream to the socket, the proxy or the origin."""
        names = self._options.names
        is_guarded = names is not None and names.guard is not None
        if self._unix_path is not None:
            if is_guarded:
                raise BlockedAddress(
                    f"{self._unix_path} is a Unix socket, and the guard lets no such connection through"
                )
            return await self._connect_unix(backend, self._unix_path, timeout, trace)

        host, port, options, kind = route.name, route.port, self._options, "connection"
        if self._via is not None:
            kind = "socks" if self._via.kind == "socks" else kind
            host, port, options = self._via.host, self._via.port, self._options_of_proxy

        if trace is None:
            return await backend.connect_tcp(host, port, timeout, options)
        options = trace.watch(options)
        info = {
            "host": host,
            "port": port,
            "local_address": options.local_address,
            "timeout": timeout,
            "socket_options": options.socket_options or None,
        }
        return await _opened(
            Step(trace, f"{kind}.connect_tcp", info), lambda: backend.connect_tcp(host, port, timeout, options)
        )

    async def _connect_unix(self, backend: Backend, path: str, timeout: float | None, trace: Trace | None) -> Stream:
        info = {"path": path, "timeout": timeout, "socket_options": self._options.socket_options or None}
        return await _opened(
            Step(trace, "connection.connect_unix_socket", info),
            lambda: backend.connect_unix(path, timeout, self._options),
        )

    async def _secure(self, stream: Stream, route: Route, timeout: float | None, trace: Trace | None) -> Stream:
        """Return the stream with TLS to the origin on it."""
        context = self._context
        if route.scheme == b"wss" and self._websocket_context is not None:
            context = self._websocket_context
        name = route.server_name or route.name
        usable = _usable(context, f"{route.name}:{route.port}")
        offer = self.sessions.offer("origin", route.name, route.port, usable, name)
        if trace is None:
            return await self._start_tls(stream, route, offer, timeout)

        info = {"ssl_context": offer.context, "server_hostname": offer.server_hostname, "timeout": timeout}
        kind = "connection" if self._via is None else self._via.kind
        return await _opened(
            Step(trace, f"{kind}.start_tls", info), lambda: self._start_tls(stream, route, offer, timeout)
        )

    async def _start_tls(self, stream: Stream, route: Route, offer: Offer, timeout: float | None) -> Stream:
        """Return the stream secured, its handshake counted, and its certificate held against the program's pins."""
        secured = await stream.start_tls(offer, timeout)
        try:
            self.secured += 1
            self.resumed += self.sessions.began(secured, offer)
            if self._pins is not None:
                self._require_pinned(self._pins, secured, route, offer.server_hostname)
        except BaseException:
            secured.close()
            raise
        return secured

    def _require_pinned(self, pins: Pins, stream: Stream, route: Route, name: str) -> None:
        """Raise ConnectError where a resumed or new session shows another certificate than is pinned."""
        tls: Any = stream.get_extra_info("ssl_object")
        refusal = pins.refusal(name, None if tls is None else tls.getpeercert(True))
        if refusal is not None:
            raise ConnectError(f"TLS handshake with {route.name}:{route.port} failed: {refusal}")

    def _forget(self, route: Route) -> None:
        """Have the name looked up anew next time: what it was found to be did not serve."""
        if self._options_of_proxy.names is not None:
            host, port = (route.name, route.port) if self._via is None else (self._via.host, self._via.port)
            self._options_of_proxy.names.forget(host, port)

    def lookups(self) -> tuple[int, int, int]:
        """Return how many names were asked for, how many were remembered, and how many were asked for already."""
        # With a guard the proxy's own name is found by names of its own.
        names = {self._options.names, self._options_of_proxy.names}
        counts = [one.counts() for one in names if one is not None]
        return sum(one[0] for one in counts), sum(one[1] for one in counts), sum(one[2] for one in counts)

    def forwarding(self, route: Route) -> Forwarding | None:
        """Return how requests are written for a proxy that forwards them, or tunnels them; None where there is none."""
        if self._via is None:
            return None
        if route.scheme == b"http" and self._via.forwarding is not None:
            return self._via.forwarding

        from .tunnelling import TUNNELLING

        return TUNNELLING

    def shares(self, scheme: bytes) -> bool:
        """Return whether a connection for a scheme may turn out to be one of HTTP/2."""
        if scheme == b"https":
            return self.http2
        # RFC 9113, 3.3: over plain TCP it has to be known that the server speaks it. Proxies are spoken to in HTTP/1.1.
        return scheme == b"http" and not self.http1 and (self._via is None or self._via.forwarding is None)

    def speaks_http2(self, route: Route, stream: Stream) -> bool:
        """Return whether HTTP/2 is to be spoken over a stream: agreed on in TLS (RFC 7301), or known before."""
        if not self.shares(route.scheme):
            return False
        tls: Any = stream.get_extra_info("ssl_object")
        return not self.http1 or (tls is not None and tls.selected_alpn_protocol() == "h2")

    def remember_session(self, route: Route, stream: Stream) -> None:
        """Keep the TLS session of a stream to an origin that has answered."""
        self.sessions.remember(stream)


def _usable(context: Callable[[], ssl.SSLContext], peer: str) -> ssl.SSLContext:
    try:
        return context()
    except (OSError, ValueError) as error:
        # A file of certificates that holds none, for example: it is read when it is first needed.
        raise ConnectError(f"No TLS with {peer}, the settings do not work: {error}") from error


async def _opened(step: Step, opening: Callable[[], Awaitable[Stream]]) -> Stream:
    """Open a stream in a step of its own. It is closed where the program, told of it, raises something."""
    stream: Stream | None = None
    try:
        async with step as told:
            stream = told.return_value = await opening()
    except BaseException:
        if stream is not None:
            stream.close()
        raise
    assert stream is not None
    return stream
