"""Making sockets, and saying what went wrong with them: what the worlds with sockets of their own share."""

from __future__ import annotations

import errno
import math
import os
import select
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from .._errors import ConnectError, ConnectTimeout, NetworkError, ReadTimeout, WriteTimeout
from .base import TLS_WRITE_SIZE

if TYPE_CHECKING:
    import ssl

    from .base import Address, ConnectOptions, TLSOptions


BACKLOG_PAUSE = 0.01
"""Seconds between two attempts to connect to a Unix socket whose backlog is full."""


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


class Clock(Protocol):
    """What opening a Unix socket needs of its world."""

    def now(self) -> float:
        """Return the time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


async def open_unix_socket(clock: Clock, path: str, timeout: float | None, options: ConnectOptions) -> socket.socket:
    """Return a non-blocking Unix socket that is connected to `path`. Raises ConnectError, ConnectTimeout."""
    until = None if timeout is None else clock.now() + timeout
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        set_options(sock, options)
        while not _connected(sock, path):
            # The backlog is full: no event tells when that changes.
            if until is not None and clock.now() >= until:
                raise connect_timed_out(path, timeout)
            await clock.sleep(BACKLOG_PAUSE)
    except OSError as error:
        sock.close()
        raise connect_failed(path, [cause(error)]) from error
    except BaseException:
        sock.close()
        raise
    return sock


def _connected(sock: socket.socket, path: str) -> bool:
    try:
        sock.connect(path)
    except BlockingIOError:
        return False
    return True


def set_options(sock: socket.socket, options: ConnectOptions) -> None:
    """Apply the `socket_options` of the program."""
    for option in options.socket_options:
        # The three shapes are setsockopt's own.
        sock.setsockopt(*cast("tuple[int, int, int]", option))


def is_time_out(error: Exception) -> bool:
    """Return whether a socket's own time-out is over: an ETIMEDOUT of the network is another thing.

    Python tells it by a TimeoutError without a number, the system by EAGAIN.
    """
    return (isinstance(error, TimeoutError) and error.errno is None) or isinstance(error, BlockingIOError)


def cause(error: BaseException) -> str:
    """Return what happened in words, never an empty string."""
    return str(error) or type(error).__name__


class Receiving:
    """A stream that can look at what has come without taking it."""

    __slots__ = ("_receive",)

    _receive: Callable[[int], bytes]

    def _put_back(self, outcome: bytes | Exception) -> None:
        """Have the next receive return or raise this, and the one after it ask the socket again."""
        ask = self._receive

        def receive(_: int) -> bytes:
            self._receive = ask
            if isinstance(outcome, bytes):
                return outcome
            raise outcome

        self._receive = receive


def send_pieces(send: Callable[[memoryview], int], data: bytes, full: tuple[type[Exception], ...]) -> int:
    """Send `data` in TLS records until `send` raises one of `full`; return how many were taken. Raises OSError."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[send(rest[:TLS_WRITE_SIZE]) :]
    except full:
        pass
    return len(data) - len(rest)


def socket_info(sock: socket.socket, info: str) -> Any:
    """Answer `Stream.get_extra_info` for a socket."""
    match info:
        case "socket":
            return sock
        case "ssl_object":
            return sock if hasattr(sock, "selected_alpn_protocol") else None
        case "client_addr":
            return _address(sock.getsockname)
        case "server_addr":
            return _address(sock.getpeername)
        case _:
            return None


def _address(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except OSError:
        # The connection is broken or closed.
        return None


def writable(sockets: Sequence[socket.socket], timeout: float | None) -> list[socket.socket]:
    """Wait in the system until some of `sockets` are connected or failed, and return them."""
    if hasattr(select, "poll"):
        # Not select.select: it cannot name a descriptor above 1023.
        poll = select.poll()
        for sock in sockets:
            poll.register(sock, select.POLLOUT)
        ready = {descriptor for descriptor, _ in poll.poll(None if timeout is None else math.ceil(timeout * 1000))}
        return [sock for sock in sockets if sock.fileno() in ready]

    _, connected, failed = select.select([], sockets, sockets, timeout)  # pragma: no cover - Windows
    return [*connected, *failed]  # pragma: no cover - Windows


def close_descriptor(sock: socket.socket) -> None:
    """Close this process's descriptor without a word to the peer: no shutdown, no TLS alert."""
    descriptor = sock.detach()
    if descriptor != -1:
        os.close(descriptor)


def connect_failed(peer: str, reasons: list[str]) -> ConnectError:
    """Return the error for a peer whose addresses all failed."""
    return ConnectError(f"Could not connect to {peer}: {'; '.join(reasons) or 'it has no address'}")


def connect_timed_out(
    peer: str, timeout: float | None, what: str = "connect", reasons: Sequence[str] = ()
) -> ConnectTimeout:
    """Return the error for a connection that was not made in time, with what failed before that."""
    before = f" ({'; '.join(reasons)})" if reasons else ""
    return ConnectTimeout(f"Could not {what} to {peer} within {seconds(timeout)}{before}")


def read_timed_out(peer: str, timeout: float | None) -> ReadTimeout:
    """Return the error for bytes that did not come in time."""
    return ReadTimeout(f"No bytes from {peer} within {seconds(timeout)}")


def write_timed_out(peer: str, timeout: float | None) -> WriteTimeout:
    """Return the error for bytes that were not taken in time."""
    return WriteTimeout(f"{peer} took no bytes within {seconds(timeout)}")


def seconds(timeout: float | None) -> str:
    """Return a time-out in words: as it was set, and not what was left of it."""
    whole: float | None = getattr(timeout, "whole", timeout)
    return f"{0.0 if whole is None else whole:.3g} s"


def wrap_in_tls(sock: socket.socket, tls: TLSOptions) -> ssl.SSLSocket:
    """Return `sock` with TLS on it, before the handshake; on failure it is closed. Raises OSError, ValueError."""
    try:
        return tls.context.wrap_socket(
            sock,
            server_hostname=tls.server_hostname,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            session=tls.session,
        )
    except (OSError, ValueError) as error:
        sock.close()
        _close_half_wrapped(error)
        raise


def _close_half_wrapped(error: Exception) -> None:
    # Where the peer has reset the connection, CPython takes the descriptor and then fails without closing it.
    trace = error.__traceback__
    while trace is not None:
        taker = trace.tb_frame.f_locals.get("self")
        if isinstance(taker, socket.socket):
            taker.close()
        trace = trace.tb_next


def tls_failed(peer: str, error: Exception) -> ConnectError:
    """Return the error for a refused or broken TLS handshake."""
    import ssl

    gone = isinstance(error, OSError) and error.errno == errno.ENOTCONN
    # Before CPython 3.11.4 this is no SSLEOFError, and has no more than OpenSSL's own name.
    gone = gone or getattr(error, "reason", None) == "UNEXPECTED_EOF_WHILE_READING"
    if gone or isinstance(error, (ssl.SSLEOFError, ConnectionError, NetworkError)):
        return ConnectError(f"TLS handshake with {peer} failed: the peer closed the connection ({cause(error)})")
    failed = ConnectError(f"TLS handshake with {peer} failed: {cause(error)}")
    if advice := _ADVICE.get(getattr(error, "verify_code", 0) or getattr(error, "reason", None)):
        failed.add_note(advice)
    return failed


_UNTRUSTED = (
    "Nobody whom the client trusts vouches for the certificate: verify= takes the path of the authority's certificate, "
    'or "system" for those of the operating system. A server that leaves out its intermediate certificates looks alike.'
)
_NO_TLS = "The server speaks no TLS on this port, as one for http:// URLs does not."

_ADVICE: dict[Any, str] = {
    # X509_V_ERR_*, of OpenSSL's x509_vfy.h
    10: "The certificate is over: whoever runs the server renews it. A clock that is wrong looks alike.",
    9: "The certificate is not valid yet: is the clock of this machine right?",
    18: _UNTRUSTED,
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    62: "The name in the URL is none of those in the certificate: is it the right host, and the right address of it?",
    64: "The address in the URL is none of those in the certificate, which mostly is for a name: use that in the URL.",
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
}
"""What may be done about a handshake that failed. It is a note, so that the message stays OpenSSL's."""
