"""TLS sessions kept for resumption: one store for the origins and the proxy of a transport.

Resuming a session verifies no certificate: what was verified when it began has to do. So it is offered only where all
that was settled then is the same: who the peer is and in which role, the name that was sent and verified, the context
(with its authorities and the client's certificate), and how strict that was. A store belongs to one `Dialer`, and with
it to one set of pins. It is bounded, and so is what reading sessions costs.
"""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from .._backends.base import TLSOptions

if TYPE_CHECKING:
    import ssl

    from .._backends.base import Stream

MAX_SESSIONS = 256
"""Sessions that are kept, one for each peer."""

MAX_UNRESUMED = 8
"""Connections in a row that resumed nothing, after which no newer session of their peer is read, where that leaks."""

MAX_READ = 4096
"""Sessions that one store reads where that leaks: 26 MiB, and no more."""

READING_LEAKS = sys.version_info < (3, 12, 8) or (3, 13) <= sys.version_info < (3, 13, 1)
"""Whether CPython leaks 6.5 KiB each time that `SSLObject.session` is read (python/cpython#116810)."""


class Offer(TLSOptions):
    """How a stream is to be secured, and the place of its session in the store."""

    __slots__ = ("place",)

    def __init__(self, context: ssl.SSLContext, name: str, session: ssl.SSLSession | None, place: Hashable) -> None:
        super().__init__(context, name, session)
        self.place = place


class Sessions:
    """Keep the sessions of one transport, from any number of threads and event loops."""

    def __init__(self, *, leaks: bool = READING_LEAKS) -> None:
        self._leaks = leaks
        self._kept: OrderedDict[Hashable, ssl.SSLSession] = OrderedDict()
        self._unresumed: dict[Hashable, int] = {}
        self._read = 0
        # Where the session of a connection belongs was settled before its handshake: a context may change after that.
        self._places: weakref.WeakKeyDictionary[Any, Hashable] = weakref.WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._kept)

    def offer(self, role: str, host: str, port: int, context: ssl.SSLContext, name: str) -> Offer:
        """Return how to secure a stream to a peer, which is "origin" or "proxy" by its role."""
        place = (role, host, port, name, context, *_strictness(context))
        return Offer(context, name, self._kept.get(place), place)

    def began(self, stream: Stream, offer: Offer) -> bool:
        """Take note of what was handshaken as was offered; return whether that resumed a session."""
        tls: Any = stream.get_extra_info("ssl_object")
        if tls is None:
            return False
        self._places[tls] = offer.place
        return bool(getattr(tls, "session_reused", False))

    def remember(self, stream: Stream) -> None:
        """Keep the session of a stream, whose tickets come with or after the first answer (RFC 8446, 4.6.1)."""
        tls: Any = stream.get_extra_info("ssl_object")
        place = None if tls is None else self._places.get(tls)
        if place is None or (self._leaks and not self._is_worth_reading(place, tls)):
            return
        session = getattr(tls, "session", None)
        self._read += 1
        if session is None:
            return
        # At the end of the queue: the latest is the last to go.
        self._kept.pop(place, None)
        self._kept[place] = session
        if self._leaks:
            self._unresumed[place] = self._unresumed.get(place, 0) + 1
        if len(self._kept) > MAX_SESSIONS:
            oldest, _ = self._kept.popitem(last=False)
            self._unresumed.pop(oldest, None)

    def _is_worth_reading(self, place: Hashable, tls: Any) -> bool:
        """Return whether the session of a connection is to be read: a new one is, and few of who resumes none."""
        if place in self._kept and getattr(tls, "session_reused", False):
            self._unresumed.pop(place, None)
            return False
        return self._unresumed.get(place, 0) < MAX_UNRESUMED and self._read < MAX_READ


def _strictness(context: ssl.SSLContext) -> tuple[Any, ...]:
    """Return how a context verifies: the program may change it at any time."""
    return tuple([getattr(context, name, None) for name in ("verify_mode", "check_hostname", "verify_flags")])
