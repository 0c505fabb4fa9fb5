"""Making sockets, and saying what went wrong with them: what the worlds with sockets of their own share."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from .._errors import ConnectError, ConnectTimeout, ReadTimeout, WriteTimeout

if TYPE_CHECKING:
    from .base import Address, ConnectOptions


def open_socket(address: Address, options: ConnectOptions) -> socket.socket:
    """Return a non-blocking TCP socket for `address`, not yet connected. Raises OSError."""
    family, _ = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        set_options(sock, options)
        if options.local_address is not None:
            sock.bind((options.local_address, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def set_options(sock: socket.socket, options: ConnectOptions) -> None:
    """Apply the `socket_options` of the program."""
    for option in options.socket_options:
        sock.setsockopt(*option)


def cause(error: BaseException) -> str:
    """Return what happened in words, never an empty string."""
    return str(error) or type(error).__name__


def socket_info(sock: socket.socket, info: str) -> Any:
    """Answer `Stream.get_extra_info` for a socket."""
    match info:
        case "socket":
            return sock
        case "ssl_object":
            return sock if hasattr(sock, "selected_alpn_protocol") else None
        case "client_addr":
            return sock.getsockname()
        case "server_addr":
            return sock.getpeername()
        case _:
            return None


def close_descriptor(sock: socket.socket) -> None:
    """Close this process's descriptor without a word to the peer: no shutdown, no TLS alert."""
    descriptor = sock.detach()
    if descriptor != -1:
        os.close(descriptor)


def connect_failed(peer: str, reasons: list[str]) -> ConnectError:
    """Return the error for a peer whose addresses all failed."""
    return ConnectError(f"Could not connect to {peer}: {'; '.join(reasons) or 'it has no address'}")


def connect_timed_out(peer: str, timeout: float | None, what: str = "connect") -> ConnectTimeout:
    """Return the error for a connection that was not made in time."""
    return ConnectTimeout(f"Could not {what} to {peer} within {seconds(timeout)}")


def read_timed_out(peer: str, timeout: float | None) -> ReadTimeout:
    """Return the error for bytes that did not come in time."""
    return ReadTimeout(f"No bytes from {peer} within {seconds(timeout)}")


def write_timed_out(peer: str, timeout: float | None) -> WriteTimeout:
    """Return the error for bytes that were not taken in time."""
    return WriteTimeout(f"{peer} took no bytes within {seconds(timeout)}")


def seconds(timeout: float | None) -> str:
    """Return a time-out in words."""
    return f"{0.0 if timeout is None else timeout:.3g} s"


def tls_failed(peer: str, error: Exception) -> ConnectError:
    """Return the error for a refused or broken TLS handshake."""
    import ssl

    if isinstance(error, (ssl.SSLEOFError, ConnectionResetError)):
        return ConnectError(f"TLS handshake with {peer} failed: the peer closed the connection ({cause(error)})")
    return ConnectError(f"TLS handshake with {peer} failed: {cause(error)}")
