"""The engine of the async worlds: our own non-blocking sockets behind one descriptor that the event loop watches.

The loop wakes once for a whole batch of ready sockets; the reactor then marks each stream and wakes its reader or
writer. It never receives for a stream that nobody reads: that is the back-pressure. Waking carries no bytes, but for
those who asked and wait for the answer: it is received for all of the batch first, and what they ask next is sent
together, too. The system's code and ours drive each other out of the processor's caches, and take turns less often so.
What is particular to a loop (waiters, timer, watching the one descriptor) is in `asyncio` and `trio`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from .base import ConnectOptions, TimedOut
from .eyeballs import Race
from .parking import Parking, Waiter
from .poller import WRITE, Poller
from .reactor_stream import SocketStream
from .sockets import open_unix_socket

if TYPE_CHECKING:
    from .base import Stream


GATHERED = 16
"""How many requests are sent in one go at most: more would let the peers wait for work."""


class Watched(Protocol):
    """What the reactor tells about a descriptor's news."""

    def on_flags(self, flags: int) -> None:
        """React to READ, WRITE and HANGUP."""
        ...

    def on_failure(self, error: Exception) -> None:
        """End: reacting failed."""
        ...


class Reactor(Parking):
    """Watch the sockets of one event loop, and open new ones. Satisfies `Backend`."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: dict[int, Watched] = {}
        # Numbers that were closed since the last batch began.
        self._gone: set[int] = set()
        self._poller: Poller | None = None
        # What was asked since the last batch and is to be sent, and whether that was a batch of several.
        self._outbox: list[tuple[SocketStream, bytes]] = []
        self.gathers = False

    # What a loop supplies, besides the waiters and the timer of Parking.

    def attach(self, descriptor: int) -> None:
        """Have the loop call `ready` whenever `descriptor` is readable."""
        raise NotImplementedError

    def detach(self, descriptor: int) -> None:
        """Undo `attach`."""
        raise NotImplementedError

    if TYPE_CHECKING:

        def call_soon(self, callback: Callable[[], object]) -> object:
            """Run `callback` once the tasks that were woken have had their turn."""
            ...

    # What is sent together.

    def post(self, stream: SocketStream, data: bytes) -> None:
        """Send `data` when all who were woken in this turn have asked, or enough of them."""
        outbox = self._outbox
        outbox.append((stream, data))
        if len(outbox) == 1:
            self.call_soon(self.flush)
        elif len(outbox) == GATHERED:
            self.flush()

    def flush(self) -> None:
        """Send what was posted."""
        outbox, self._outbox = self._outbox, []
        for stream, data in outbox:
            try:
                stream.send_posted(data)
            except Exception as error:  # noqa: BLE001 - as in `ready()`
                stream.on_failure(error)

    # Descriptors.

    def watch(self, descriptor: int, watched: Watched) -> None:
        """Tell `watched` of each change of `descriptor`, replacing who was told before."""
        if self._poller is None:
            self._poller = Poller()
            self.attach(self._poller.fileno())
        if descriptor in self._watched:
            # An end that came together with the connection was told to the one before.
            self._poller.retell(descriptor)
        else:
            self._poller.register(descriptor)
        self._watched[descriptor] = watched

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor that is about to be closed; with the last one the poller is closed, too."""
        if self._watched.pop(descriptor, None) is None or self._poller is None:
            return
        self._gone.add(descriptor)
        self._poller.unregister(descriptor)
        if not self._watched:
            poller, self._poller = self._poller, None
            self.detach(poller.fileno())
            poller.close()

    def ready(self) -> None:
        """Tell each watched descriptor what happened to it."""
        if self._poller is None:
            return
        watched, gone = self._watched, self._gone
        gone.clear()
        events = self._poller.poll()
        self.gathers = len(events) > 1
        for descriptor, flags in events:
            # A number that was closed, or closed and reused, in this very batch is not news for anybody.
            if descriptor in gone or (target := watched.get(descriptor)) is None:
                continue
            try:
                target.on_flags(flags)
            except Exception as error:  # noqa: BLE001 - what one stream's owner does wrong must not cost the others their news
                target.on_failure(error)

    def abandon(self) -> None:
        """Forget everything in a fork's child, closing only this process's copies of the descriptors."""
        self._watched.clear()
        self._outbox.clear()
        self.deadlines.clear()
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    # The contract of a back end.

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Resolve, then race the addresses."""
        started = self.now()
        addresses = await self.resolve(host, port, timeout, options.names)
        sock = await Race(self, f"{host}:{port}", addresses, options).run(timeout, started)
        return SocketStream(self, sock, f"{host}:{port}")

    async def connect_unix(self, path: str, timeout: float | None, options: ConnectOptions) -> Stream:
        """Connect to a Unix socket."""
        sock = await open_unix_socket(self, path, timeout, options)
        return SocketStream(self, sock, path)

    def adopt(self, stream: Stream) -> bool:
        """Take over an idle stream of a loop that has ended."""
        if not isinstance(stream, SocketStream):
            return False
        stream.move_to(self)
        return True

    # The contract of a race.

    async def wait_connected(self, sockets: Sequence[socket.socket], timeout: float | None) -> Iterable[socket.socket]:
        """Return those of `sockets` that are connected or failed; none when the time is over."""
        waiter = self.park(timeout)
        arrived: list[socket.socket] = []
        try:
            for sock in sockets:
                self.watch(sock.fileno(), _Connecting(sock, arrived, waiter))
            await waiter
        except TimedOut:
            pass
        finally:
            self.leave(waiter)
        return arrived

    def forget(self, sock: socket.socket) -> None:
        """Stop watching a socket that is about to be closed."""
        self.unwatch(sock.fileno())


class _Connecting:
    """A socket on its way to being connected."""

    __slots__ = ("_arrived", "_sock", "_waiter")

    def __init__(self, sock: socket.socket, arrived: list[socket.socket], waiter: Waiter) -> None:
        self._sock = sock
        self._arrived = arrived
        self._waiter = waiter

    def on_flags(self, flags: int) -> None:
        """Note that the socket is connected or failed."""
        if flags & WRITE and self._sock not in self._arrived:
            self._arrived.append(self._sock)
            if not self._waiter.done():
                self._waiter.set_result(None)

    def on_failure(self, error: Exception) -> None:
        """Have the race find out."""
