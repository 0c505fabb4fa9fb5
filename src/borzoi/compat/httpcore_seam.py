"""`transport._pool`: what it shows, and what follows when a program replaces it or patches httpcore's classes.

A request that nobody interferes with takes no notice: the transport sends over its own pool. `POOL` and `ASYNC_POOL`
are on the transports while the alias is installed. Patching a class has all pools of ours lead through it meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors import RequestError
from .._exchange.pool import Pool

if TYPE_CHECKING:
    from .._client.transports import AsyncHTTPTransport, HTTPTransport
    from .._messages.request import Request
    from .._messages.response import Response


class Diversion:
    """Send the requests of a transport over what a program has put in the place of its pool."""

    def __init__(self, pool: Any, *, blocking: bool) -> None:
        self._blocking = blocking
        self.pool = pool

    async def send(self, request: Request) -> Response:
        """Send a request over the program's pool."""
        from .httpcore_conversion import request_from_ours, response_to_ours

        converted = request_from_ours(request)
        try:
            if self._blocking:
                return response_to_ours(self.pool.handle_request(converted))
            return response_to_ours(await self.pool.handle_async_request(converted))
        except RequestError as error:
            error.request = request
            raise

    def close(self) -> None:
        """Close the program's pool, in blocking code."""
        self.pool.close()

    async def aclose(self) -> None:
        """Close the program's pool, in an event loop."""
        await self.pool.aclose()


def _shown(transport: Any, *, blocking: bool) -> Any:
    """Return what shows the pools of a transport: one object for as long as it lives."""
    found = vars(transport).get("_pool")
    if found is None:
        from .httpcore_pools import kind_for

        dialer = transport._sender._dialer if blocking else transport._dialer
        scheme = None if dialer.proxy is None else dialer.proxy.url.scheme
        found = vars(transport)["_pool"] = kind_for(scheme, blocking=blocking).over(transport)
    return found


def _get_pool(transport: HTTPTransport) -> Any:
    sender = transport._sender
    return sender.pool if isinstance(sender, Diversion) else _shown(transport, blocking=True)


def _set_pool(transport: HTTPTransport, pool: Any) -> None:
    own = vars(transport).get("_pool")
    if own is None and isinstance(getattr(transport, "_sender", None), Pool):
        own = _shown(transport, blocking=True)
    transport._sender = own._engine if own is not None and pool is own else Diversion(pool, blocking=True)


def _get_async_pool(transport: AsyncHTTPTransport) -> Any:
    sender = transport._sender
    return sender.pool if isinstance(sender, Diversion) else _shown(transport, blocking=False)


def _set_async_pool(transport: AsyncHTTPTransport, pool: Any) -> None:
    is_own = vars(transport).get("_pool") is pool
    with transport._lock:
        transport._sender = None if is_own else Diversion(pool, blocking=False)
        transport._latest = None


POOL = property(_get_pool, _set_pool, doc="The pool, as httpcore's; what is assigned sends from then on.")
"""`HTTPTransport._pool`."""

ASYNC_POOL = property(_get_async_pool, _set_async_pool, doc=POOL.__doc__)
"""`AsyncHTTPTransport._pool`."""


async def send_through_patches(pool: Pool, request: Request) -> Response:
    """Send a request the way that httpcore would: through the methods of its classes, some of which are patched."""
    from .httpcore_pools import kind_for

    proxy = pool._dialer.proxy
    kind = kind_for(None if proxy is None else proxy.url.scheme, blocking=pool.blocking)
    return await Diversion(kind.over_engine(pool), blocking=pool.blocking).send(request)


def heed_patches() -> None:
    """Have pools of ours lead through httpcore's classes while a method of those is patched."""
    from .httpcore_pools import SEND
    from .httpcore_watch import is_patched

    way: Any = send_through_patches if is_patched() else SEND
    Pool.send = way  # type: ignore[method-assign]
