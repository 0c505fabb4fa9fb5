"""What programs ask of a client's connection pools: to open connections ahead, and how they are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._config import Timeout, Unset
from .._messages.request import Request
from .._policy.pool_stats import PoolStats
from .._values.url import URL, Origin
from .client_base import ClientState
from .pipeline import start_deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._config import TimeoutTypes
    from .client_base import BaseClient


def stats_of_client(client: BaseClient[Any]) -> PoolStats:
    """Return what the pools of a client's transports have, and have done."""
    stats = PoolStats()
    # A transport may be mounted more than once; those of programs, and those of apps, may have no pools.
    for transport in {id(transport): transport for transport in client._transports()}.values():
        own = getattr(transport, "pool_stats", None)
        stats += PoolStats() if own is None else own()
    return stats


async def preconnect(
    client: BaseClient[Any],
    url: URL | str | Origin,
    n: int,
    timeout: TimeoutTypes | Unset,
    extensions: Mapping[str, Any] | None,
) -> int:
    """Open connections ahead, over the transport that the URL belongs to. Raises `TransportError`."""
    if n < 0:
        raise ValueError(f"Invalid number of connections: {n!r}. Give one that is not negative.")
    if client._state is not ClientState.OPENED:
        client._open()
    timeouts = (client.timeout if isinstance(timeout, Unset) else Timeout(timeout)).as_dict()
    request = Request("HEAD", client._merge_url(_url_of(url)), extensions={"timeout": timeouts, **(extensions or {})})
    if timeouts.get("total") is not None:
        start_deadline(request, timeouts)

    transport = client._transport_for_url(request.url)
    if not hasattr(transport, "preconnect"):
        return 0
    opened: int = transport.preconnect(request, n) if client._face.blocking else await transport.preconnect(request, n)
    return opened


def _url_of(url: URL | str | Origin) -> URL | str:
    return URL(scheme=url.scheme, host=url.host, port=url.port) if isinstance(url, Origin) else url
