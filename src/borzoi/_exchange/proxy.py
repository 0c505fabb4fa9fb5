"""Going through a proxy: forwarding (http, https), a tunnel by CONNECT (http, https), a connection by SOCKS (4, 4a, 5).

What is for the proxy alone, its credentials, headers and TLS settings, is added here, on the way to it, and reaches
nobody else: it is no part of the request, and what opens a tunnel is sent before the tunnel is open. Every refusal, and
every reply that is none, is a ProxyError that names the proxy. The challenges of one proxy (Digest) are kept with it.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .._backends.base import Asking
from .._errors import (
    ConnectTimeout,
    LocalProtocolError,
    NetworkError,
    ProxyError,
    RemoteProtocolError,
    TimeoutException,
)
from .._policy.proxy import ProxyDigest
from .._values.headers import HeaderBlock
from .._wire.connect import Connect, MustReconnect, merged
from .._wire.socks import Socks4, Socks5
from .half_duplex import duplex_of
from .trace import Step, Trace

if TYPE_CHECKING:
    import ssl

    from .._backends.base import Address, Backend, ConnectOptions, Duplex, Stream
    from .._policy.proxy import Proxy
    from .._values.url import URL
    from .dial import Route
    from .sessions import Sessions

Reconnect: TypeAlias = "Callable[[], Awaitable[Stream]]"
"""Connects to the proxy once more."""

Left: TypeAlias = Callable[[], "float | None"]
"""How many seconds are left of the time-out for connecting."""

SOCKS_PORT = 1080
"""The port of a SOCKS proxy whose URL names none (RFC 1928, section 3)."""


class Forwarding:
    """Write requests for a proxy that reads them: the whole URL as the target, and the proxy's headers."""

    __slots__ = ("_latest", "_pairs", "digest")

    def __init__(self, pairs: list[tuple[bytes, bytes]], digest: ProxyDigest | None = None) -> None:
        self._pairs = pairs
        self.digest = digest
        """What answers the proxy's challenges, where the credentials are for Digest."""
        # Requests of one client to one origin share their block. One value: threads see both parts or neither.
        self._latest: tuple[HeaderBlock | None, HeaderBlock] = (None, HeaderBlock([]))

    def translate(self, url: URL, target: bytes, block: HeaderBlock) -> tuple[bytes, HeaderBlock]:
        """Return the target in absolute form (RFC 9112, 3.2.2) and the headers with the proxy's own added.

        Raises LocalProtocolError for a target that would be read as a part of the host.
        """
        if target[:1] != b"/":
            # RFC 9112, 3.2.4: this is how the last proxy is told to ask for "*".
            if target != b"*":
                raise LocalProtocolError(f"Invalid request target {target[:64]!r}: a proxy wants a path from '/' on.")
            target = b""
        absolute = b"%b://%b%b" % (url.raw_scheme, url._host_header, target)
        if not self._pairs:
            return absolute, block
        latest = self._latest
        if latest[0] is not block:
            # What the program says of a field in its request counts, as in httpx.
            latest = self._latest = (block, HeaderBlock(merged(self._pairs, block.pairs)))
        return absolute, latest[1]


class Preceded(Asking):
    """A stream of which the first bytes are here already. Satisfies `Duplex`."""

    def __init__(self, stream: Duplex, arrived: bytes) -> None:
        self._stream = stream
        self._arrived: bytes | None = arrived
        self.on_event: Callable[[], None] | None = None
        stream.on_event = self._on_event
        self.peer = stream.peer
        self.write = stream.write
        self.send_now = stream.send_now
        self.start_tls = stream.start_tls
        self.close = stream.close
        self.abandon = stream.abandon
        self.get_extra_info = stream.get_extra_info

    def _on_event(self) -> None:
        if self.on_event is not None:
            self.on_event()

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        return self._arrived is None and self._stream.is_idle()

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        arrived, self._arrived = self._arrived, None
        return arrived or await self._stream.read(timeout)

    def receive_now(self) -> bytes | None:
        """Return what has arrived. Raises as the stream does."""
        arrived, self._arrived = self._arrived, None
        return arrived or self._stream.receive_now()

    async def wait_ready(self, timeout: float | None, *, writing: bool) -> None:
        """Return when something may have arrived or be taken. Raises TimedOut."""
        if self._arrived is None:
            await self._stream.wait_ready(timeout, writing=writing)


class Handshake(Protocol):
    """What is said to a proxy before a connection through it can be used."""

    @property
    def complete(self) -> bool:
        """Whether the proxy has connected."""
        ...

    @property
    def leftover(self) -> bytes:
        """What it sent after that."""
        ...

    def begin(self) -> bytes:
        """Return what to send first."""
        ...

    def receive(self, data: bytes) -> bytes:
        """Take in what arrived and return what to answer. Raises ProxyError, RemoteProtocolError."""
        ...


class ProxyServer:
    """Talk to one proxy. `context` returns the TLS settings for an https one, by its name, or raises ConnectError."""

    __slots__ = (
        "_auth",
        "_context",
        "_digest",
        "_pairs",
        "_sessions",
        "forwarding",
        "host",
        "kind",
        "name",
        "port",
        "scheme",
    )

    def __init__(self, proxy: Proxy, context: Callable[[str], ssl.SSLContext], sessions: Sessions) -> None:
        self.scheme, host, port = proxy.url._origin
        self.host = host.decode("ascii")
        self.port = port or SOCKS_PORT
        self.name = f"{self.host}:{self.port}"
        self.kind = "socks" if self.scheme.startswith(b"socks") else "proxy"
        """How httpcore calls it in the names of its trace events."""
        self._context = context
        self._sessions = sessions
        self._auth = proxy.raw_auth
        self._pairs = merged(_basic(self._auth), proxy.headers.raw)
        self._digest = None if proxy.digest_auth is None else ProxyDigest(proxy.digest_auth)
        self.forwarding = None if self.kind == "socks" else Forwarding(self._pairs, self._digest)

    async def target(self, backend: Backend, route: Route, left: Left, options: ConnectOptions) -> str:
        """Return what to ask the proxy for: the origin's name, or an address where that is what it takes.

        Raises ConnectError, ConnectTimeout, and the error of a guard.
        """
        is_guarded = options.names is not None and options.names.guard is not None
        if self.scheme != b"socks4" and not is_guarded:
            return route.name
        addresses = await backend.resolve(route.name, route.port, left(), options.names)
        if self.kind != "socks":
            # The proxy looks the name up for itself: what that leads to is checked here, as far as it can be.
            return route.name
        return self._address(addresses, route)

    def _address(self, addresses: list[Address], route: Route) -> str:
        found = [str(address[0]) for _, address in addresses]
        usable = [address for address in found if ":" not in address]
        if not usable and self.scheme.startswith(b"socks4"):
            raise ProxyError(f"SOCKS 4 reaches IPv4 addresses only, and {route.name} has none (the proxy {self.name})")
        return (usable or found)[0]

    async def lead(
        self,
        stream: Stream,
        route: Route,
        target: str,
        left: Left,
        trace: Trace | None,
        reconnect: Reconnect,
        *,
        begins: bool = False,
    ) -> Stream:
        """Return a stream to the proxy as one to the origin, or to the proxy where that forwards requests.

        `begins` is whether the origin may speak first. `stream` is taken over, and closed where this raises ProxyError,
        ConnectError, ConnectTimeout.
        """
        stream = await self._reach(stream, left, trace)
        if self.kind != "socks" and route.scheme == b"http":
            return stream
        try:
            if self.kind != "socks":
                # RFC 9110, 7.2: an authority has no zone, and an IPv6 address in brackets.
                host = target.partition("%")[0]
                authority = f"[{host}]:{route.port}" if ":" in host else f"{host}:{route.port}"
                return await self._open_tunnel(stream, authority, left, trace, reconnect)
            leftover = await self._ask_socks(stream, route, target, left, trace)
            if leftover and not begins:
                raise self._intruded()
        except BaseException:
            stream.close()
            raise
        return Preceded(duplex_of(stream), leftover) if leftover else stream

    async def _open_tunnel(
        self, stream: Stream, authority: str, left: Left, trace: Trace | None, reconnect: Reconnect
    ) -> Stream:
        """Return a stream to the origin: this one, or a new one where the proxy closes it to be asked anew."""
        connect = Connect(authority.encode("ascii"), self._pairs, self._digest)
        try:
            try:
                await self._shake_hands(stream, connect, authority, left)
            except MustReconnect:
                stream.close()
                stream = await self._reach(await reconnect(), left, trace)
                await self._shake_hands(stream, connect, authority, left)
            if connect.leftover:
                raise self._intruded()
        except BaseException:
            stream.close()
            raise
        if self.scheme == b"https":
            # Its tickets have come by now: the proxy has answered.
            self._sessions.remember(stream)
        return stream

    async def _reach(self, stream: Stream, left: Left, trace: Trace | None) -> Stream:
        """Return a connected stream as one to the proxy, which is closed where that fails."""
        if self.scheme != b"https":
            return stream
        try:
            return await self._secure(stream, left, trace)
        except BaseException:
            stream.close()
            raise

    async def _secure(self, stream: Stream, left: Left, trace: Trace | None) -> Stream:
        tls = self._sessions.offer("proxy", self.host, self.port, self._context(self.name), self.host)
        timeout = left()
        info = {"ssl_context": tls.context, "server_hostname": tls.server_hostname, "timeout": timeout}
        secured = stream
        try:
            async with Step(trace, "connection.start_tls", info) as told:
                secured = told.return_value = await stream.start_tls(tls, timeout)
                self._sessions.began(secured, tls)
        except BaseException:
            # Where the program, told of it, raises something, the stream is a new one already.
            secured.close()
            raise
        return secured

    def _intruded(self) -> ProxyError:
        # Nobody has vouched for these bytes, and the origin does not speak first: they must not pass for its response.
        return ProxyError(f"The proxy {self.name} sent bytes of its own into the tunnel")

    async def _ask_socks(self, stream: Stream, route: Route, target: str, left: Left, trace: Trace | None) -> bytes:
        """Have a SOCKS proxy connect, and return what came after its reply."""
        handshake: Handshake
        if self.scheme in (b"socks4", b"socks4a"):
            handshake = Socks4(target, route.port, b"" if self._auth is None else self._auth[0])
        else:
            handshake = Socks5(target, route.port, self._auth)
        event = "socks.setup_socks4_connection" if isinstance(handshake, Socks4) else "socks.setup_socks5_connection"
        async with Step(trace, event, {"stream": stream, "host": target, "port": route.port}) as told:
            await self._shake_hands(stream, handshake, f"{target}:{route.port}", left)
            told.return_value = stream
        return handshake.leftover

    async def _shake_hands(self, stream: Stream, handshake: Handshake, asked: str, left: Left) -> None:
        """Have the proxy connect `stream` to what it is asked for. Raises ProxyError, ConnectTimeout, MustReconnect."""
        try:
            await stream.write(handshake.begin(), left())
            while not handshake.complete:
                answer = handshake.receive(await stream.read(left()))
                if answer:
                    await stream.write(answer, left())
        except MustReconnect:
            raise
        except ProxyError as refusal:
            raise ProxyError(f"{refusal} (the proxy {self.name}, asked for {asked})") from None
        except (RemoteProtocolError, NetworkError) as error:
            raise ProxyError(f"The proxy {self.name} broke the tunnel: {error}") from error
        except TimeoutException as error:
            raise ConnectTimeout(f"The proxy {self.name} did not open the tunnel: {error}") from error


def _basic(auth: tuple[bytes, bytes] | None) -> list[tuple[bytes, bytes]]:
    """Return the field of Basic credentials (RFC 7617), sent without being asked for, as in httpx."""
    if auth is None:
        return []
    return [(b"Proxy-Authorization", b"Basic " + base64.b64encode(b"%b:%b" % auth))]
