"""Taking the time of each step of a request, for `extensions={"timings": True}`.

The steps are those that a trace is told of, so a request that does not ask for this takes no time but its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._backends.base import ConnectOptions
from .._messages.timings import Timings
from .trace import Trace

# What has happened when a step has ended: where there are several, the last one counts.
_ENDS = {
    "connect_tcp.complete": "connected",
    "connect_unix_socket.complete": "connected",
    "start_tls.complete": "secured",
    "send_request_body.complete": "sent",
}
# What has happened, at the latest, when a step begins or has ended: where there are several, the first one counts.
_BEGINNINGS = {
    "connect_tcp.started": "queued",
    "connect_unix_socket.started": "queued",
    "send_request_headers.started": "queued",
    "receive_response_headers.complete": "first_byte",
}


class TimingTrace(Trace):
    """Take down when things happen, and tell the program's own trace of them, where it has one."""

    __slots__ = ("_inner", "_now", "_started", "timings")

    def __init__(self, inner: Trace | None, now: Callable[[], float], *, blocking: bool) -> None:
        super().__init__(_nothing, blocking=blocking)
        self._inner = inner
        self._now = now
        self._started = now()
        self.timings = Timings()

    def take(self, step: str) -> None:
        """Take down that a step was done just now."""
        setattr(self.timings, step, self._now() - self._started)

    def take_first(self, step: str) -> None:
        """Take it down unless it was done before."""
        if getattr(self.timings, step) is None:
            self.take(step)

    async def tell(self, event: str, info: dict[str, Any]) -> None:
        """Take down what has happened, and tell the program's trace."""
        name = event.partition(".")[2]
        if name in _ENDS:
            self.take(_ENDS[name])
        elif name in _BEGINNINGS:
            self.take_first(_BEGINNINGS[name])
        if self._inner is not None:
            await self._inner.tell(event, info)

    def watch(self, options: ConnectOptions) -> ConnectOptions:
        """Return the options with names that say when they are found."""
        if options.names is None:
            return options
        names = options.names.watched(lambda: self.take("resolved"))
        return ConnectOptions(options.local_address, options.socket_options, names)


def _nothing(event: str, info: dict[str, Any]) -> None:
    """Stand in the place of a program's function."""
