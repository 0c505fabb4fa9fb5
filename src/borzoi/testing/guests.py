"""A pool over scripted servers, in the place of a transport's own, and what it leaves behind."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from .wire import ServerSide

if TYPE_CHECKING:
    from .._exchange.connection import Connection
    from .._exchange.pool import Pool
    from .._messages.request import Request
    from .._messages.response import Response
    from .received import Received


class _Orphans(deque["Connection"]):
    """The connections of responses that were forgotten, with a note of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Received | None] = []

    def append(self, connection: Connection) -> None:
        """Take in a connection. Called by finalisers."""
        self.requests.append(_latest(connection))
        super().append(connection)


def _latest(connection: Connection) -> Received | None:
    side: Any = getattr(getattr(connection.stream, "_answer", None), "__self__", None)
    return side.latest if isinstance(side, ServerSide) else None


class Guest:
    """Send the requests of one transport through a pool of the mock's."""

    def __init__(self, transport: Any, pool: Pool, *, is_new: bool) -> None:
        self.transport = weakref.ref(transport)
        self.is_new = is_new
        """Whether the transport was made while the mock was active."""
        self.is_closed = False
        self.kind = "AsyncClient" if not pool.blocking else "Client"
        self._pool = pool
        self._orphans = pool.orphans = _Orphans()
        self._under_way: dict[int, Request] = {}
        self.first: Request | None = None
        """The request that it was made for."""

    async def send(self, request: Request) -> Response:
        """Send a request through the pool."""
        if self.first is None:
            self.first = request
        self._under_way[id(request)] = request
        try:
            return await self._pool.send(request)
        finally:
            del self._under_way[id(request)]

    async def sleep(self, seconds: float) -> None:
        """Let time pass on the clock of the mock."""
        await self._pool._backend.sleep(seconds)

    def close(self) -> None:
        """Close all connections."""
        self.is_closed = True
        self._pool.close()

    def leave(self) -> None:
        """Close all connections, and belong to the transport no more, which may outlive many mocks."""
        self.close()
        transport = self.transport()
        if transport is not None:
            transport.guests = tuple(guest for guest in transport.guests if guest is not self)

    def leaks(self) -> list[str]:
        """Return what was left open."""
        found = [f"{request.method} {request.url} was still under way" for request in self._under_way.values()]
        waiting = {(request.method, str(request.url)) for request in self._under_way.values()}
        held = [_latest(connection) for connection in self._pool._leased()]
        held = [one for one in held if one is not None and (one.method, str(one.url)) not in waiting]
        found += [f"the response to {one} was never closed" for one in [*held, *self._orphans.requests]]
        if self.is_new and not self.is_closed and self.first is not None:
            found.append(f"the {self.kind} that sent {self.first.method} {self.first.url} was never closed")
        return found
