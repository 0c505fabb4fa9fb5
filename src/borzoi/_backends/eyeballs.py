"""Happy Eyeballs, version 2 (RFC 8305): connect to several addresses, a little apart, and keep the first that answers.

Written once for every world with sockets of its own. The world supplies its clock and one operation, "wait until one of
these sockets is connected or failed"; there are no tasks and no threads.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from .base import Address, ConnectOptions
from .sockets import cause, connect_failed, connect_timed_out, open_socket

ATTEMPT_DELAY = 0.25
"""Seconds between the starts of two attempts (RFC 8305, section 5)."""

_IN_PROGRESS = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, getattr(errno, "WSAEWOULDBLOCK", errno.EAGAIN)}


class World(Protocol):
    """What a race needs from its world."""

    def now(self) -> float:
        """Return the time on the world's clock."""
        ...

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return those of `sockets` that are connected or failed; none when the time is over."""
        ...

    def forget(self, sock: socket.socket) -> None:
        """Stop watching a socket that is about to be closed."""
        ...


class Race:
    """One run for one host: the attempts under way, and why the others failed."""

    def __init__(self, world: World, peer: str, addresses: Iterable[Address], options: ConnectOptions) -> None:
        self._world = world
        # asyncio tells a task that was cancelled at its next step, whatever that is; trio where it waits.
        self._looks_first = not getattr(world, "always_waits", False)
        self._peer = peer
        self._options = options
        self._queue = deque(addresses)
        self._running: dict[socket.socket, Address] = {}
        self._reasons: list[str] = []

    async def run(self, timeout: float | None, started: float) -> socket.socket:
        """Return the first socket to be connected; time runs from `started`. Raises ConnectError, ConnectTimeout."""
        until = None if timeout is None else started + timeout
        winner: socket.socket | None = None
        try:
            while winner is None and (self._queue or self._running):
                failed = len(self._reasons)
                winner = self._start_next() if self._queue else None
                # RFC 8305, 5: the delay is for an attempt that may yet succeed. After one that failed at once, where
                # there is no route for example, the next begins.
                goes_on = bool(self._queue) and len(self._reasons) > failed
                if winner is None and self._running and not goes_on:
                    winner = await self._wait(until, timeout)
        finally:
            for sock in self._running:
                if sock is not winner:
                    self._world.forget(sock)
                    sock.close()

        if winner is None:
            raise connect_failed(self._peer, self._reasons)
        return winner

    def _start_next(self) -> socket.socket | None:
        """Start one attempt; return its socket if it is connected at once."""
        address = self._queue.popleft()
        try:
            sock = open_socket(address, self._options)
        except OSError as error:
            self._failed(address, error)
            return None

        self._running[sock] = address
        try:
            code = sock.connect_ex(address[1])
        except OSError as error:
            # An unusable address is told by an exception, not by a code.
            code = error.errno or errno.EINVAL
        if code == 0 or (self._looks_first and code in _IN_PROGRESS and _is_connected(sock)):
            return sock
        if code not in _IN_PROGRESS:
            self._lost(sock, OSError(code, os.strerror(code)))
        return None

    async def _wait(self, until: float | None, timeout: float | None) -> socket.socket | None:
        """Wait for news, for the next attempt's turn, or for the end."""
        remaining = None if until is None else until - self._world.now()
        if remaining is not None and remaining <= 0:
            raise connect_timed_out(self._peer, timeout, reasons=self._reasons)

        patience = remaining
        if self._queue:
            patience = ATTEMPT_DELAY if remaining is None else min(ATTEMPT_DELAY, remaining)

        for sock in await self._world.wait_connected(list(self._running), patience):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return sock
            self._lost(sock, OSError(code, os.strerror(code)))
        return None

    def _lost(self, sock: socket.socket, error: OSError) -> None:
        self._failed(self._running.pop(sock), error)
        self._world.forget(sock)
        sock.close()

    def _failed(self, address: Address, error: OSError) -> None:
        self._reasons.append(f"{cause(error)} ({address[1][0]})")


def _is_connected(sock: socket.socket) -> bool:
    """Look whether a connection that is said to be under way is there: one to this very machine is.

    Asking once spares it the poller, and a turn of the event loop.
    """
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
