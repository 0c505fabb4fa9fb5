"""When a request is sent again, and after how long: decided here, done by the client.

What failed before it was sent is repeated, whatever the method; what a server answered with 408, 429, 500, 502, 503 or
504, or not at all, only where the method is idempotent (RFC 9110, section 9.2.2). `Retry-After` is obeyed up to a
minute.
"""

from __future__ import annotations

import random
from typing import Any

from ... import ConnectError, ConnectTimeout, PoolTimeout, Response, TransportError

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LONGEST = 60.0
"""Seconds that a server may ask to wait; where it asks for more, its answer is the result."""


class Retries:
    """Count the attempts of one request."""

    def __init__(self, count: int, request: dict[str, Any]) -> None:
        self._left = count if _is_repeatable(request) else 0
        self._made = 0
        self._is_idempotent = request["method"] in IDEMPOTENT

    def pause_after(self, outcome: Response | TransportError) -> float | None:
        """Return how many seconds to wait before the next attempt; None where there is none."""
        if self._left <= 0 or not self._is_passing(outcome):
            return None
        asked = _asked_pause(outcome) if isinstance(outcome, Response) else None
        if asked is not None and asked > LONGEST:
            return None
        self._left -= 1
        self._made += 1
        if asked is not None:
            return asked
        # Half of the pause is random, so that clients which failed together do not come back together.
        return min(8.0, 0.25 * 2.0**self._made) * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret

    def _is_passing(self, outcome: Response | TransportError) -> bool:
        if isinstance(outcome, Response):
            return self._is_idempotent and outcome.status_code in STATUSES
        return self._is_idempotent or isinstance(outcome, (ConnectError, ConnectTimeout, PoolTimeout))


def _is_repeatable(request: dict[str, Any]) -> bool:
    """Tell whether a body can be sent a second time: a file that was read cannot."""
    values = [request.get("content"), *[part[1] for _, part in request.get("files", ())]]
    return all(value is None or isinstance(value, (bytes, bytearray, str)) for value in values)


def _asked_pause(response: Response) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, section 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    if not text:
        return None
    from email.utils import parsedate_to_datetime

    try:
        pause = parsedate_to_datetime(text) - parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):  # no date, or one with a zone and one without
        return None
    return max(0.0, pause.total_seconds())


async def sleep(seconds: float) -> None:
    """Wait, under asyncio or trio."""
    from ..._client.worlds import Worlds

    worlds = Worlds()
    await worlds.backend_of(worlds.current_loop()).sleep(seconds)
