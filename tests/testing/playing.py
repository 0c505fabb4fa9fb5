"""Playing a script over a real socket: what the parity suite holds the wire seam against.

`played(events)` is a handler for `RawServer`: it reads one request, plays the events, and sets `done` when it has. A wait
ends when the server does: whoever waits for it has a time-out that is over by then.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable

from borzoi._backends.memory import END, Event, Wait
from tests.worlds.peers import RawServer, reset, silent


def played(events: Iterable[Event], server: list[RawServer]) -> Callable[[socket.socket], None]:
    """Return a handler that plays a script to each connection."""

    def handler(sock: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        for event in events:
            if isinstance(event, bytes):
                sock.sendall(event)
            elif isinstance(event, Wait):
                server[0].until(threading.Event())
            elif isinstance(event, OSError):
                reset(sock)
                return
            elif event is END:
                return
        silent(sock)

    return handler
