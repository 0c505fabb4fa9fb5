"""When a stream of events is asked for again, and how long to wait before: the WHATWG's HTML standard, 9.2.3."""

from __future__ import annotations

from .._errors import NetworkError, ProxyError, RemoteProtocolError, SSEError, TimeoutException

PASSING_ERRORS = (NetworkError, ProxyError, RemoteProtocolError, TimeoutException)
"""Errors that may be over the next time."""

PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
"""Statuses that may be over the next time. Browsers give up on them, but servers that restart behind a proxy do not."""

USUAL_PAUSE = 3.0
"""Seconds to wait where the stream names none: 9.2.2 has "probably in the region of a few seconds"."""

LONGEST_PAUSE = 300.0
"""Seconds to wait at most, whatever the stream names."""


def is_passing(error: Exception, status_code: int) -> bool:
    """Tell whether what failed may work the next time; `status_code` is that of the latest response."""
    if isinstance(error, SSEError):
        return status_code in PASSING_STATUSES
    return isinstance(error, PASSING_ERRORS)


def pause_before(reconnection_time: int | None, failures: int) -> float:
    """Return the seconds to wait. They double with each connection in a row that brought nothing, as 9.2.3 allows."""
    pause = USUAL_PAUSE if reconnection_time is None else reconnection_time / 1000
    for _ in range(failures):
        if pause >= LONGEST_PAUSE:
            break
        pause *= 2
    return min(pause, LONGEST_PAUSE)
