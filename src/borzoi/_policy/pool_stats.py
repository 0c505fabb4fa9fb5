"""What `pool_stats()` returns: a picture of connection pools at one moment, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

CloseReason: TypeAlias = Literal["client", "error", "expired", "last", "limit", "server"]
"""Why a connection was closed.

`client`: the client was closed, or its event loop is over. `error`: what went over it failed, was cancelled or not read
to its end. `expired`: it was idle for as long as it may be. `last`: the response or the request said that nothing
follows it, or another protocol had taken over. `limit`: to keep a limit, or to make room for another origin. `server`:
the server closed it, or broke the silence, while it was idle.
"""

REASONS: tuple[CloseReason, ...] = ("client", "error", "expired", "last", "limit", "server")
"""All of them."""


@dataclass(frozen=True, slots=True)
class OriginStats:
    """Count what there is of one origin, or of all."""

    idle: int = 0
    """Connections that rest, ready for the next request."""

    busy: int = 0
    """Connections with a request, a response, or another protocol on them."""

    connecting: int = 0
    """Connections that are being opened."""

    waiting: int = 0
    """Requests that wait for a connection, or for a place on one."""

    @property
    def open(self) -> int:
        """Connections that are open: the idle and the busy ones."""
        return self.idle + self.busy

    def __add__(self, other: OriginStats) -> OriginStats:
        return OriginStats(
            self.idle + other.idle,
            self.busy + other.busy,
            self.connecting + other.connecting,
            self.waiting + other.waiting,
        )


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Hold what connection pools have and what they have done since they were made.

        stats = client.pool_stats()
        print(stats.open, stats.waiting, stats.closed["expired"], stats.origins["https://example.org:443"].idle)

    Pictures of several pools are added with `+`.
    """

    origins: Mapping[str, OriginStats] = field(default_factory=dict[str, OriginStats])
    """What there is now, by origin (`"https://example.org:443"`): those with connections, or requests that wait."""

    opened: int = 0
    """Connections opened."""

    failed: int = 0
    """Connections that could not be opened."""

    reused: int = 0
    """Requests sent over connections that had served before."""

    closed: Mapping[CloseReason, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    """Connections closed, by reason; each reason is there."""

    tls_handshakes: int = 0
    """TLS handshakes done with origins."""

    tls_resumed: int = 0
    """Those of them that resumed an earlier session."""

    dns_lookups: int = 0
    """Names looked up: by the system, or by the program's `resolver=`."""

    dns_cache_hits: int = 0
    """Connections that found the addresses of their name remembered."""

    dns_shared: int = 0
    """Connections that waited for a look-up that was under way already."""

    @property
    def idle(self) -> int:
        """Connections that rest, ready for the next request."""
        return self._sum().idle

    @property
    def busy(self) -> int:
        """Connections with a request, a response, or another protocol on them."""
        return self._sum().busy

    @property
    def open(self) -> int:
        """Connections that are open: the idle and the busy ones."""
        return self._sum().open

    @property
    def connecting(self) -> int:
        """Connections that are being opened."""
        return self._sum().connecting

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection, or for a place on one."""
        return self._sum().waiting

    def _sum(self) -> OriginStats:
        return sum(self.origins.values(), OriginStats())

    def __add__(self, other: PoolStats) -> PoolStats:
        return PoolStats(
            origins=_merged(self.origins, other.origins),
            opened=self.opened + other.opened,
            failed=self.failed + other.failed,
            reused=self.reused + other.reused,
            closed={reason: self.closed.get(reason, 0) + other.closed.get(reason, 0) for reason in REASONS},
            tls_handshakes=self.tls_handshakes + other.tls_handshakes,
            tls_resumed=self.tls_resumed + other.tls_resumed,
            dns_lookups=self.dns_lookups + other.dns_lookups,
            dns_cache_hits=self.dns_cache_hits + other.dns_cache_hits,
            dns_shared=self.dns_shared + other.dns_shared,
        )


def _merged(one: Mapping[str, OriginStats], other: Mapping[str, OriginStats]) -> dict[str, OriginStats]:
    return {name: one.get(name, OriginStats()) + other.get(name, OriginStats()) for name in sorted({*one, *other})}
