"""httpcore's scripted network: each connection gives the same bytes, and takes all that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors import ReadError
from .httpcore_streams import AsyncNetworkBackend, AsyncNetworkStream, NetworkBackend, NetworkStream, SocketOptions

if TYPE_CHECKING:
    import ssl


class MockSSLObject:
    """Tell which protocol TLS has agreed upon."""

    def __init__(self, http2: bool) -> None:
        self._http2 = http2

    def selected_alpn_protocol(self) -> str:
        """Return its name in ALPN."""
        return "h2" if self._http2 else "http/1.1"


class _Script:
    def __init__(self, buffer: list[bytes], http2: bool = False) -> None:
        self._buffer = buffer
        self._http2 = http2
        self._closed = False

    def _next(self) -> bytes:
        if self._closed:
            raise ReadError("Connection closed")
        return self._buffer.pop(0) if self._buffer else b""

    def get_extra_info(self, info: str) -> Any:
        """Return what stands for an SSL object, and nothing else."""
        return MockSSLObject(http2=self._http2) if info == "ssl_object" else None

    def __repr__(self) -> str:
        return f"<httpcore.{type(self).__name__}>"


class MockStream(_Script, NetworkStream):
    """Give the bytes of a list, one after the other, in blocking code."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._next()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take it, and do nothing."""

    def close(self) -> None:
        self._closed = True

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        return self


class AsyncMockStream(_Script, AsyncNetworkStream):
    """Give the bytes of a list, one after the other, in an event loop."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._next()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take it, and do nothing."""

    async def aclose(self) -> None:
        self._closed = True

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        return self


class MockBackend(NetworkBackend):
    """Open connections that give the bytes of a list, in blocking code."""

    def __init__(self, buffer: list[bytes], http2: bool = False) -> None:
        self._buffer = buffer
        self._http2 = http2

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> NetworkStream:
        return MockStream(list(self._buffer), self._http2)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> NetworkStream:
        return MockStream(list(self._buffer), self._http2)

    def sleep(self, seconds: float) -> None:
        """Wait for nothing."""


class AsyncMockBackend(AsyncNetworkBackend):
    """Open connections that give the bytes of a list, in an event loop."""

    def __init__(self, buffer: list[bytes], http2: bool = False) -> None:
        self._buffer = buffer
        self._http2 = http2

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> AsyncNetworkStream:
        return AsyncMockStream(list(self._buffer), self._http2)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> AsyncNetworkStream:
        return AsyncMockStream(list(self._buffer), self._http2)

    async def sleep(self, seconds: float) -> None:
        """Wait for nothing."""
