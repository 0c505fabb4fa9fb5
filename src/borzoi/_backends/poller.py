"""One descriptor that becomes readable when any of many sockets has news.

Edge-triggered: each change is told once, and the stream remembers it. Level-triggering would spin whenever bytes wait
that nobody reads. The numbers in `poll()` are descriptors and the flags READ, WRITE and HANGUP.
"""

from __future__ import annotations

import select
import sys

READ = 1
WRITE = 2
HANGUP = 4

if sys.platform == "linux":
    _INTEREST = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    _HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    _FLAGS: dict[int, int] = {}

    def _flags(events: int) -> int:
        flags = 0
        if events & (select.EPOLLIN | _HANGUP):
            flags |= READ
        if events & (select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR):
            flags |= WRITE
        if events & _HANGUP:
            flags |= HANGUP
        _FLAGS[events] = flags
        return flags

    class Poller:
        """Watch sockets through epoll."""

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self.fileno = self._epoll.fileno
            self.close = self._epoll.close

        def register(self, descriptor: int) -> None:
            """Watch a descriptor for everything, until it is unregistered."""
            self._epoll.register(descriptor, _INTEREST)

        def retell(self, descriptor: int) -> None:
            """Tell again what holds for a watched descriptor now, for somebody who was not told before."""
            self._epoll.modify(descriptor, _INTEREST)

        def unregister(self, descriptor: int) -> None:
            """Stop watching a descriptor. One that was closed behind our back is forgotten already."""
            try:
                self._epoll.unregister(descriptor)
            except OSError:
                return

        def poll(self) -> list[tuple[int, int]]:
            """Return what happened since the last call, without waiting."""
            known = _FLAGS
            return [
                (descriptor, known[events] if events in known else _flags(events))
                for descriptor, events in self._epoll.poll(0)
            ]

elif sys.platform != "win32":  # pragma: no cover - macOS and the BSDs
    _FILTERS = {select.KQ_FILTER_READ: READ, select.KQ_FILTER_WRITE: WRITE}

    class Poller:
        """Watch sockets through kqueue."""

        def __init__(self) -> None:
            self._kqueue = select.kqueue()
            self.fileno = self._kqueue.fileno
            self.close = self._kqueue.close

        def _change(self, descriptor: int, flags: int) -> None:
            self._kqueue.control([select.kevent(descriptor, kind, flags) for kind in _FILTERS], 0, 0)

        def register(self, descriptor: int) -> None:
            """Watch a descriptor for everything, until it is unregistered."""
            self._change(descriptor, select.KQ_EV_ADD | select.KQ_EV_CLEAR)

        # Adding a filter again evaluates it again.
        retell = register

        def unregister(self, descriptor: int) -> None:
            """Stop watching a descriptor. One that was closed behind our back is forgotten already."""
            try:
                self._change(descriptor, select.KQ_EV_DELETE)
            except OSError:
                return

        def poll(self) -> list[tuple[int, int]]:
            """Return what happened since the last call, without waiting."""
            return [
                (event.ident, _FILTERS[event.filter] | (HANGUP if event.flags & select.KQ_EV_EOF else 0))
                for event in self._kqueue.control(None, 1024, 0)
            ]

else:  # pragma: no cover - Windows

    class Poller:
        """Nothing: this system has no such descriptor."""


AVAILABLE = sys.platform != "win32"
"""Whether this system has such a descriptor."""
