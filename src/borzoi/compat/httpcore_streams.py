"""The network as httpcore has it: what programs subclass, and our own back ends and streams in that shape.

`SyncBackend`, `AutoBackend`, `AnyIOBackend` and `TrioBackend` open connections the way Borzoi does. A program may put
its own in front of one, which checks or counts, and hands on.
"""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from .._backends.base import ConnectOptions, TLSOptions
from .._client.worlds import Worlds, blocking_backend
from .._exchange import connection as exchange_connection
from .._run_blocking import run_blocking

if TYPE_CHECKING:
    import ssl

    from .._backends.base import Backend, Stream

SOCKET_OPTION: TypeAlias = "tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]"

SocketOptions: TypeAlias = "Iterable[SOCKET_OPTION] | None"

T = TypeVar("T")


class NetworkStream(ABC):  # noqa: B024 - programs may leave out what they do not need
    """Carry bytes to and from one peer, in blocking code."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return at most `max_bytes`, b"" at the end."""
        raise NotImplementedError

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""
        raise NotImplementedError

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """Return the stream secured."""
        raise NotImplementedError

    def get_extra_info(self, info: str) -> Any:
        """Return `ssl_object`, `client_addr`, `server_addr`, `socket` or `is_readable`; None where there is none."""
        return None


class AsyncNetworkStream(ABC):  # noqa: B024 - as above
    """Carry bytes to and from one peer, in an event loop."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return at most `max_bytes`, b"" at the end."""
        raise NotImplementedError

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connection."""
        raise NotImplementedError

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        """Return the stream secured."""
        raise NotImplementedError

    def get_extra_info(self, info: str) -> Any:
        """Return `ssl_object`, `client_addr`, `server_addr`, `socket` or `is_readable`; None where there is none."""
        return None


# What `response.extensions["network_stream"]` shows is one of them.
NetworkStream.register(exchange_connection.NetworkStream)
AsyncNetworkStream.register(exchange_connection.AsyncNetworkStream)


class NetworkBackend:
    """Open connections, in blocking code."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> NetworkStream:
        """Connect to a host."""
        raise NotImplementedError

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> NetworkStream:
        """Connect to a Unix socket."""
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        """Wait before connecting is tried again."""
        time.sleep(seconds)


class AsyncNetworkBackend:
    """Open connections, in an event loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> AsyncNetworkStream:
        """Connect to a host."""
        raise NotImplementedError

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> AsyncNetworkStream:
        """Connect to a Unix socket."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Wait before connecting is tried again."""
        raise NotImplementedError


def _options(local_address: str | None, socket_options: SocketOptions) -> ConnectOptions:
    return ConnectOptions(local_address, tuple(socket_options or ()))


def _tls(ssl_context: ssl.SSLContext, server_hostname: str | None) -> TLSOptions:
    # A context that checks no names takes None for one.
    return TLSOptions(ssl_context, cast("str", server_hostname))


class _Shown:
    """A stream of ours, to be read in pieces of any size."""

    __slots__ = ("_left", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._left = b""

    async def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        data = self._left or await self._stream.read(timeout)
        self._left = data[max_bytes:]
        return data[:max_bytes]

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        return self._stream.get_extra_info(info)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._stream!r}>"


def native(stream: object) -> Stream | None:
    """Return our stream where the object does nothing but show it, otherwise None."""
    return stream._stream if type(stream) in (SyncStream, AsyncStream) and not stream._left else None  # type: ignore[attr-defined]


class SyncStream(_Shown, NetworkStream):
    """Show a blocking stream of ours."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return run_blocking(self._read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        run_blocking(self._stream.write(buffer, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        return SyncStream(run_blocking(self._stream.start_tls(_tls(ssl_context, server_hostname), timeout)))


class AsyncStream(_Shown, AsyncNetworkStream):
    """Show a stream of ours that belongs to an event loop."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        self._stream.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        return AsyncStream(await self._stream.start_tls(_tls(ssl_context, server_hostname), timeout))


class SyncBackend(NetworkBackend):
    """Open sockets that block."""

    _world: Backend | None = None
    """The back end that a transport was given, where it was given one."""

    def _run(self, opening: Coroutine[Any, Any, Stream]) -> NetworkStream:
        return SyncStream(run_blocking(opening))

    def _backend(self) -> Backend:
        return self._world or blocking_backend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> NetworkStream:
        return self._run(self._backend().connect_tcp(host, port, timeout, _options(local_address, socket_options)))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> NetworkStream:
        return self._run(self._backend().connect_unix(path, timeout, _options(None, socket_options)))

    def sleep(self, seconds: float) -> None:
        run_blocking(self._backend().sleep(seconds))


class AutoBackend(AsyncNetworkBackend):
    """Open sockets in the event loop that runs, be it asyncio's or trio's."""

    _world: Backend | None = None
    """The back end that a transport was given, where it was given one."""

    def _backend(self) -> Backend:
        if self._world is not None:
            return self._world
        worlds = Worlds()
        return worlds.backend_of(worlds.current_loop())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> AsyncNetworkStream:
        options = _options(local_address, socket_options)
        return AsyncStream(await self._backend().connect_tcp(host, port, timeout, options))

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> AsyncNetworkStream:
        return AsyncStream(await self._backend().connect_unix(path, timeout, _options(None, socket_options)))

    async def sleep(self, seconds: float) -> None:
        await self._backend().sleep(seconds)


class AnyIOBackend(AutoBackend):
    """The same: anyio has no part in it."""


class TrioBackend(AutoBackend):
    """The same."""
