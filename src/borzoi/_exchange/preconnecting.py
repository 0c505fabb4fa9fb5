"""Opening connections ahead of the requests that will need them: through proxies and TLS, within the limits.

Nobody is made to wait and nothing is closed for it: where there is no room, fewer connections are opened. They are
opened one after the other, and each is there for requests as soon as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dial import Route
from .single import Exchange

if TYPE_CHECKING:
    from .._messages.request import Request
    from .pool import ConnectionLane, Pool


async def preconnect(pool: Pool, request: Request, count: int) -> int:
    """Open connections where `request` would go until `count` are idle; return how many were opened.

    Raises ConnectError, ConnectTimeout, UnsupportedProtocol, ProxyError, with `.request` set.
    """
    origin = request.url._origin
    server_name = request.extensions.get("sni_hostname")
    lane = pool._shelf.lane(origin if server_name is None else Route(*origin, server_name))
    if count > 0 and pool._dialer.shares(origin[0]):
        from .multiplexed_preconnecting import SharedPreconnection

        opened = await SharedPreconnection(pool, request).prepare(lane)
        # With HTTP/2 one connection serves all.
        if lane.is_shared:
            return opened
        return opened + await Preconnection(pool, request).prepare(lane, count)
    return await Preconnection(pool, request).prepare(lane, count)


class Preconnection(Exchange):
    """Lease new connections, and give them back unused."""

    async def prepare(self, lane: ConnectionLane, count: int) -> int:
        """Open connections until `count` are idle, or there is no more room; return how many were opened."""
        opened = 0
        try:
            while opened < count and await self._pool.lease_ahead(self, lane, count):
                self._give_back()
                opened += 1
        except BaseException as error:
            self.close_now()
            self.explain(error)
            raise
        return opened

    def _give_back(self) -> None:
        connection = self.connection
        assert connection is not None
        connection.is_ahead = True
        self._pool.release(connection)
        self.connection = None
