"""A connection of the pool: a stream, the engine that speaks over it, and whose it is.

It does not know what a request is: that is `single`. It tells the pool when something happens to it while it is idle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._backends.base import Stream, TLSOptions
from .._errors import RemoteProtocolError
from .._run_blocking import run_blocking
from .._wire.http1 import Http1

if TYPE_CHECKING:
    import ssl

    from .._backends.base import Backend
    from .dial import Route
    from .pool import ConnectionLane, Pool
    from .proxy import Forwarding
    from .single import Guardian


class Connection:
    """One HTTP/1.1 connection."""

    is_shared = False
    """Whether it carries many exchanges at once, which take places on it, and never the whole."""

    __slots__ = (
        "_pool",
        "engine",
        "forwarding",
        "idle",
        "is_ahead",
        "lane",
        "network_stream",
        "requests",
        "route",
        "stream",
    )

    def __init__(
        self, pool: Pool, lane: ConnectionLane, route: Route, stream: Stream, forwarding: Forwarding | None
    ) -> None:
        self._pool = pool
        self.lane = lane
        self.network_stream = NetworkStream(self) if pool.blocking else AsyncNetworkStream(self)
        """The connection as `response.extensions["network_stream"]` shows it."""
        self.route = route
        self.stream = stream
        self.engine = Http1()
        self.forwarding = forwarding
        """How requests are written for the proxy at the other end, where there is one that reads them."""
        self.idle = False
        """Whether it rests in the pool."""
        self.is_ahead = False
        """Whether it was opened before a request asked for it: like one that has served it may have been closed."""
        self.requests = 0
        """How many requests were sent over it."""
        stream.on_event = self._on_event

    def _on_event(self) -> None:
        # The peer closed an idle connection, or sent what nobody asked for: it is of no more use.
        if self.idle and not self.stream.is_idle():
            self._pool.drop_idle(self)

    @property
    def backend(self) -> Backend:
        """The back end of its pool."""
        return self._pool._backend

    def upgraded(self, guardian: Guardian) -> Upgraded:
        """Return the bytes after an upgrade. Nobody but the program keeps them, and with them the guardian."""
        return type(self.network_stream)(self, guardian)

    def is_fit(self) -> bool:
        """Return whether it can be used: asked of one that was idle."""
        return self.stream.is_idle()

    def end(self) -> None:
        """Close the stream."""
        self.stream.close()

    def close(self) -> None:
        """Close it, and leave the pool."""
        self._pool.discard(self)

    def change_pool(self, pool: Pool, lane: ConnectionLane) -> None:
        """Belong to another pool, whose event loop has taken over the stream."""
        self._pool = pool
        self.lane = lane


class Upgraded:
    """The bytes of a connection after it was upgraded to another protocol, and facts about it before."""

    __slots__ = ("_connection", "_guardian", "_left")

    def __init__(self, connection: Connection, guardian: Guardian | None = None) -> None:
        self._connection = connection
        self._guardian = guardian
        self._left: bytes | None = None

    @property
    def stream(self) -> Stream:
        """The stream below."""
        return self._connection.stream

    @property
    def backend(self) -> Backend:
        """The back end of the stream."""
        return self._connection.backend

    @property
    def has_leftover(self) -> bool:
        """Whether bytes are here that came together with those before them."""
        return bool(self._connection.engine.leftover if self._left is None else self._left)

    def get_extra_info(self, info: str) -> Any:
        """Return `ssl_object`, `client_addr`, `server_addr`, `socket` or `is_readable`; None for anything else."""
        return self._connection.stream.get_extra_info(info)

    async def receive(self, max_bytes: int, timeout: float | None) -> bytes:
        """Return at most `max_bytes`, b"" at the end, in the form of all worlds. Raises ReadTimeout, ReadError."""
        if self._left is None:
            # What came together with the end of the response is the beginning of the other protocol.
            self._left = self._connection.engine.leftover
        data = self._left or await self._connection.stream.read(timeout)
        self._left = data[max_bytes:]
        return data[:max_bytes]

    async def secure(self, context: ssl.SSLContext, server_hostname: str | None, timeout: float | None) -> None:
        """Put TLS on the connection, in the form of all worlds.

        Raises ConnectTimeout, ConnectError, and RemoteProtocolError where the peer has sent bytes before.
        """
        connection = self._connection
        if self.has_leftover:
            # Nobody has vouched for them: they must not pass for what comes secured.
            raise RemoteProtocolError("The peer sent bytes before the TLS handshake.")
        tls = TLSOptions(context, server_hostname or connection.route.host.decode("ascii").strip("[]"))
        connection.stream = await connection.stream.start_tls(tls, timeout)

    def close_now(self) -> None:
        """Close the connection."""
        self._connection.close()
        if self._guardian is not None:
            self._guardian.dismiss()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.route.host.decode('ascii')}:{self._connection.route.port}>"


class NetworkStream(Upgraded):
    """Show a connection to blocking code: facts about it and, after an upgrade, its bytes."""

    __slots__ = ()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return at most `max_bytes`, b"" at the end. Raises ReadTimeout, ReadError."""
        return run_blocking(self.receive(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send `buffer`. Raises WriteTimeout, WriteError."""
        run_blocking(self._connection.stream.write(buffer, timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """Return the stream secured. Raises ConnectTimeout, ConnectError, RemoteProtocolError."""
        run_blocking(self.secure(ssl_context, server_hostname, timeout))
        return self

    def close(self) -> None:
        """Close the connection."""
        self.close_now()


class AsyncNetworkStream(Upgraded):
    """Show a connection to code in an event loop: facts about it and, after an upgrade, its bytes."""

    __slots__ = ()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return at most `max_bytes`, b"" at the end. Raises ReadTimeout, ReadError."""
        return await self.receive(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send `buffer`. Raises WriteTimeout, WriteError."""
        await self._connection.stream.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        """Return the stream secured. Raises ConnectTimeout, ConnectError, RemoteProtocolError."""
        await self.secure(ssl_context, server_hostname, timeout)
        return self

    async def aclose(self) -> None:
        """Close the connection."""
        self.close_now()
