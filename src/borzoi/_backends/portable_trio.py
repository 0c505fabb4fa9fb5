"""trio where no descriptor tells of many sockets, as on Windows: trio's own streams. Slower than the reactor, same contract."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import trio

from .._errors import ReadError, WriteError
from . import resolver
from .base import READ_SIZE, Address, ConnectOptions, TimedOut, TLSOptions, Turn
from .eyeballs import ATTEMPT_DELAY
from .sockets import (
    cause,
    connect_failed,
    connect_timed_out,
    read_timed_out,
    set_options,
    socket_info,
    tls_failed,
    write_timed_out,
)

if TYPE_CHECKING:
    from .base import Stream

_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


def _seconds(timeout: float | None) -> float:
    return float("inf") if timeout is None else timeout


class TrioTurn:
    """A place in the pool's queue, for a task."""

    __slots__ = ("_given", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self._given = trio.Event()

    def give(self, value: object) -> None:
        """Hand over `value` and wake the task."""
        self.value = value
        self._given.set()

    async def wait(self, timeout: float | None) -> None:
        """Return when a value was given. Raises TimedOut."""
        with trio.move_on_after(_seconds(timeout)):
            await self._given.wait()
            return
        raise TimedOut


class PortableTrio:
    """Open streams through trio's own. Satisfies `Backend`."""

    def __init__(self) -> None:
        self._token = weakref.ref(trio.lowlevel.current_trio_token())

    def now(self) -> float:
        """Return the run's own time."""
        return trio.current_time()

    def guard(self) -> AbstractContextManager[Any]:
        """Return a lock that does nothing: one thread runs the tasks."""
        return nullcontext()

    def turn(self) -> Turn:
        """Return a fresh place in a queue."""
        return TrioTurn()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await trio.sleep(seconds)

    async def resolve(self, host: str, port: int, timeout: float | None) -> list[Address]:
        """Look up `host` on a thread of trio's."""
        try:
            with trio.fail_after(_seconds(timeout)):
                found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except trio.TooSlowError:
            raise connect_timed_out(f"{host}:{port}", timeout, "resolve the name to connect") from None
        except (OSError, UnicodeError) as error:
            raise connect_failed(f"{host}:{port}", [cause(error)]) from error
        return resolver.interleave_families([(int(family), address) for family, _, _, _, address in found])

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Let trio resolve and race the addresses."""
        peer = f"{host}:{port}"
        try:
            with trio.fail_after(_seconds(timeout)):
                stream = await trio.open_tcp_stream(
                    host, port, happy_eyeballs_delay=ATTEMPT_DELAY, local_address=options.local_address
                )
        except trio.TooSlowError:
            raise connect_timed_out(peer, timeout) from None
        except OSError as error:
            raise connect_failed(peer, [cause(error)]) from error
        return self._wrap(stream, peer, options)

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket, where the system has them."""
        try:
            with trio.fail_after(_seconds(timeout)):
                stream = await trio.open_unix_socket(path)
        except trio.TooSlowError:
            raise connect_timed_out(path, timeout) from None
        except (OSError, RuntimeError) as error:
            raise connect_failed(path, [cause(error)]) from error
        return self._wrap(stream, path, options)

    def _wrap(self, stream: trio.SocketStream, peer: str, options: ConnectOptions) -> Stream:
        for option in options.socket_options:
            stream.setsockopt(*option[:3])
        return PortableTrioStream(stream, stream.socket, peer)

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the run, unless it has ended."""
        token = self._token()
        if token is None:
            return
        try:
            token.run_sync_soon(callback)
        except trio.RunFinishedError:
            # Nobody waits any more.
            return

    def has_ended(self) -> bool:
        """Return whether the run has ended."""
        return self._token() is None

    def abandon(self) -> None:
        """Leave everything as it is: there is no fork where this back end is used."""

    def adopt(self, stream: Stream) -> bool:
        """Refuse: a stream belongs to its run."""
        return False


class PortableTrioStream:
    """A stream of trio's. Satisfies `Stream`."""

    __slots__ = ("_closed", "_socket", "_stream", "on_event", "peer")

    def __init__(self, stream: Any, sock: Any, peer: str) -> None:
        self._stream = stream
        self._socket = sock
        self._closed = False
        self.on_event: Callable[[], None] | None = None
        self.peer = peer

    async def read(self, timeout: float | None) -> bytes:
        """Return the next bytes, b"" at the end. Raises ReadTimeout, ReadError."""
        try:
            with trio.fail_after(_seconds(timeout)):
                return bytes(await self._stream.receive_some(READ_SIZE))
        except trio.TooSlowError:
            raise read_timed_out(self.peer, timeout) from None
        except _BROKEN as error:
            raise ReadError(f"Reading from {self.peer} failed: {cause(error.__cause__ or error)}") from error

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send all of `data`. Raises WriteTimeout, WriteError."""
        try:
            with trio.fail_after(_seconds(timeout)):
                await self._stream.send_all(data)
        except trio.TooSlowError:
            raise write_timed_out(self.peer, timeout) from None
        except _BROKEN as error:
            raise WriteError(f"Writing to {self.peer} failed: {cause(error.__cause__ or error)}") from error

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Stream:
        """Return this stream secured. Raises ConnectTimeout, ConnectError."""
        secured = trio.SSLStream(self._stream, tls.context, server_hostname=tls.server_hostname, https_compatible=True)
        try:
            with trio.fail_after(_seconds(timeout)):
                await secured.do_handshake()
        except trio.TooSlowError:
            self.close()
            raise connect_timed_out(self.peer, timeout, "finish the TLS handshake") from None
        except (*_BROKEN, ValueError) as error:
            self.close()
            raise tls_failed(self.peer, error.__cause__ if isinstance(error.__cause__, Exception) else error) from error
        except BaseException:
            self.close()
            raise
        return PortableTrioStream(secured, self._socket, self.peer)

    def is_idle(self) -> bool:
        """Return whether the peer neither closed nor sent anything."""
        return not self._closed and not self._socket.is_readable()

    def close(self) -> None:
        """Close the socket below, without a word in TLS: that would have to wait."""
        self._closed = True
        self._socket.close()

    def abandon(self) -> None:
        """Leave everything as it is: there is no fork where this back end is used."""

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        if info == "ssl_object":
            return self._stream if isinstance(self._stream, trio.SSLStream) else None
        if info == "is_readable":
            return not self.is_idle()
        return socket_info(self._socket, info)
