"""Opening a connection ahead of requests where it may turn out to be one of HTTP/2, which they will share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .multiplexed import MultiplexedExchange
from .multiplexed_pool import _is_usable

if TYPE_CHECKING:
    from .._messages.request import Request
    from .connection import Connection
    from .multiplexed_pool import SharingPool
    from .pool import ConnectionLane, Pool


class SharedPreconnection(MultiplexedExchange):
    """Take a place on a shared connection, and give it back unused."""

    def __init__(self, pool: Pool, request: Request) -> None:
        super().__init__(cast("SharingPool", pool), request)

    async def prepare(self, lane: ConnectionLane) -> int:
        """Have a connection there, if there is room; return how many were opened for it: one, or none."""
        known = set(lane.open)
        if not lane.is_shared or any(map(_is_usable, lane.shared)):
            return 0
        # Who waits for another that opens one needs no room.
        if lane.opener is None and not self._pool._shelf.may_prepare(lane, 1):
            return 0
        try:
            await self._pool.lease(self, lane, used=True)
        except BaseException as error:
            self.close_now()
            self.explain(error)
            raise
        found: Connection | None = self.shared or self.connection
        if self.shared is not None:
            self._give_back(self.shared)
        elif self.connection is not None:
            self.connection.is_ahead = self.connection.requests == 0
            self._pool.release(self.connection)
            self.connection = None
        return int(found not in known)
