"""A picture of pools at one moment: what their books show, and what was counted where something slow happened.

It may be taken from any thread: what it reads of a pool of another event loop is copied in one step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from .._policy.pool_stats import CloseReason, OriginStats, PoolStats
from .connection import Connection
from .dial import Route
from .tally import Tally, later_requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .dial import Dialer
    from .pool import ConnectionLane, Pool


def stats_of(pools: Iterable[Pool], dialer: Dialer, ended: Iterable[Tally] = ()) -> PoolStats:
    """Return what pools that share a dialer have and have done; `ended` are the counts of those that are no more."""
    stats = PoolStats()
    for pool in pools:
        with pool.guard:
            stats += _picture(pool)
    for tally in ended:
        stats += _counted(tally)
    lookups, remembered, shared = dialer.lookups()
    return stats + PoolStats(
        tls_handshakes=dialer.secured,
        tls_resumed=dialer.resumed,
        dns_lookups=lookups,
        dns_cache_hits=remembered,
        dns_shared=shared,
    )


def _picture(pool: Pool) -> PoolStats:
    shelf = pool._shelf
    waiting = Counter(id(lane) for lane in list(shelf.waiters.values()))
    stats = _counted(pool.tally)
    for lane in shelf.lanes():
        holders = list(lane.open)
        connections = [holder for holder in holders if isinstance(holder, Connection)]
        queued = waiting[id(lane)] + len(lane.joiners)
        if not holders and not queued:
            continue
        idle = sum(connection.idle for connection in connections)
        counts = OriginStats(idle, len(connections) - idle, len(holders) - len(connections), queued)
        stats += PoolStats({_name(lane): counts}, reused=sum(map(later_requests, connections)))
    return stats


def _counted(tally: Tally) -> PoolStats:
    closed = cast("Mapping[CloseReason, int]", tally.closed)
    return PoolStats(opened=tally.opened, failed=tally.failed, reused=tally.reused, closed=closed)


def _name(lane: ConnectionLane) -> str:
    route = Route(*lane.origin)
    return f"{route.scheme.decode()}://{route.host.decode()}:{route.port}"
