"""Waiting for 100 (Continue) before the body of a request (RFC 9110, 10.1.1).

The head goes out alone. The body follows when the server asks for it, or when it has said nothing for a while: servers
that know nothing of this are waited for no longer. A final response instead, such as 401, 413 or 417, is the answer:
then no body is sent, and the connection is of no further use, since its server may still wait for one. (The client
sends the request again after a 417, without waiting.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._errors import ReadTimeout

if TYPE_CHECKING:
    from .._backends.base import Stream
    from .._wire.http1 import Http1

PATIENCE = 1.0
"""Seconds to wait for a server's word, as curl does."""


async def is_wanted(stream: Stream, engine: Http1, read_timeout: float | None, now: Callable[[], float]) -> bool:
    """Return whether the body is to be sent, the head being out. Raises ReadError, RemoteProtocolError."""
    until = now() + (PATIENCE if read_timeout is None else min(PATIENCE, read_timeout))
    while not any(head.status == 100 for head in engine.informational):
        left = until - now()
        if left <= 0:
            return True
        try:
            data = await stream.read(left)
        except ReadTimeout:
            return True
        if data:
            engine.receive(data)
        else:
            engine.receive_eof()
        if engine.head is not None:
            return False
    return True
