"""Settings as plain values: Timeout, Limits, Proxy. They do nothing but hold and check."""

from __future__ import annotations

from typing import Any, TypeAlias


class Unset:
    """The type of `UNSET`: an argument that was not given, where None means something else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
"""An argument that was not given."""

TimeoutTypes: TypeAlias = "float | tuple[float | None, float | None, float | None, float | None] | Timeout | None"


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"Invalid time-out: {name}={value!r}. Give seconds as a number, or None for no limit.")
    if not value >= 0:
        raise ValueError(f"Invalid time-out: {name}={value!r}. Give seconds that are not negative.")
    return value


class Timeout:
    """Hold the time-outs of a request, in seconds; None means no limit.

    `connect`, `read`, `write` and `pool` each bound one operation: a connection, the next bytes in, the next bytes out,
    a free connection. `total` bounds the whole: redirects, authentication and reading the body included.

        Timeout(5.0)                          # 5 s for each of the four
        Timeout(5.0, read=60, total=120)      # an answer that takes its time, but not more than two minutes
    """

    __slots__ = ("connect", "pool", "read", "total", "write")

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None
    total: float | None

    def __init__(
        self,
        timeout: TimeoutTypes | Unset = UNSET,
        *,
        connect: float | Unset | None = UNSET,
        read: float | Unset | None = UNSET,
        write: float | Unset | None = UNSET,
        pool: float | Unset | None = UNSET,
        total: float | Unset | None = UNSET,
    ) -> None:
        given = {"connect": connect, "read": read, "write": write, "pool": pool}

        if isinstance(timeout, Timeout):
            defaults = (timeout.connect, timeout.read, timeout.write, timeout.pool)
            if not all(isinstance(value, Unset) for value in given.values()):
                raise ValueError("Give either a Timeout, or connect=, read=, write= and pool=, not both.")
            self.total = timeout.total
        elif isinstance(timeout, tuple):
            if len(timeout) not in (2, 3, 4):
                raise ValueError(f"Invalid time-out {timeout!r}: a tuple has (connect, read, write, pool).")
            padded = (*timeout, None, None)[:4]
            defaults = (padded[0], padded[1], padded[2], padded[3])
            self.total = None
        elif isinstance(timeout, Unset):
            if any(isinstance(value, Unset) for value in given.values()):
                raise ValueError("Timeout must either include a default, or set all four parameters explicitly.")
            defaults = (None, None, None, None)
            self.total = None
        else:
            default = _seconds("timeout", timeout)
            defaults = (default, default, default, default)
            self.total = None

        for (name, value), default in zip(given.items(), defaults, strict=True):
            setattr(self, name, _seconds(name, default if isinstance(value, Unset) else value))
        if not isinstance(total, Unset):
            self.total = _seconds("total", total)

    def as_dict(self) -> dict[str, float | None]:
        """Return the form that goes into `request.extensions["timeout"]`."""
        timeouts = {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.pool}
        if self.total is not None:
            timeouts["total"] = self.total
        return timeouts

    def _key(self) -> tuple[float | None, ...]:
        return (self.connect, self.read, self.write, self.pool, self.total)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeout) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        total = "" if self.total is None else f", total={self.total}"
        if len({self.connect, self.read, self.write, self.pool}) == 1:
            return f"Timeout(timeout={self.connect}{total})"
        return f"Timeout(connect={self.connect}, read={self.read}, write={self.write}, pool={self.pool}{total})"


class Limits:
    """Hold the limits of a connection pool; None means no limit.

    `max_connections` open at once, `max_keepalive_connections` kept idle, each idle for `keepalive_expiry` seconds.
    `max_connections_per_host` are open at once to one origin: scheme, host and port.

    An HTTP/2 connection over which nothing came for `http2_ping_after` seconds is asked for a sign of life (PING) while
    responses are waited for, and given up where none comes for `http2_ping_timeout` seconds more. None never asks.
    """

    __slots__ = (
        "http2_ping_after",
        "http2_ping_timeout",
        "keepalive_expiry",
        "max_connections",
        "max_connections_per_host",
        "max_keepalive_connections",
    )

    def __init__(
        self,
        *,
        max_connections: int | None = None,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = 5.0,
        max_connections_per_host: int | None = None,
        http2_ping_after: float | None = 30.0,
        http2_ping_timeout: float = 15.0,
    ) -> None:
        rule = "Give a number that is not negative, or None."
        for name, value in (
            ("max_connections", max_connections),
            ("max_keepalive_connections", max_keepalive_connections),
            ("keepalive_expiry", keepalive_expiry),
            ("max_connections_per_host", max_connections_per_host),
            ("http2_ping_after", http2_ping_after),
            ("http2_ping_timeout", http2_ping_timeout),
        ):
            try:
                if value is not None and not value >= 0:
                    raise ValueError(f"Invalid limit: {name}={value!r}. {rule}")
            except TypeError:
                raise TypeError(f"Invalid limit: {name}={value!r}. {rule}") from None
        if max_connections == 0:
            raise ValueError("Invalid limit: max_connections=0. A pool without connections can send nothing.")
        if max_connections_per_host == 0:
            raise ValueError("Invalid limit: max_connections_per_host=0. Nothing can be sent then.")
        self.max_connections = max_connections
        self.max_connections_per_host = max_connections_per_host
        self.max_keepalive_connections = max_keepalive_connections
        self.keepalive_expiry = keepalive_expiry
        self.http2_ping_after = http2_ping_after
        self.http2_ping_timeout = http2_ping_timeout

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limits) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[float | None, ...]:
        return (
            self.max_connections,
            self.max_keepalive_connections,
            self.keepalive_expiry,
            self.max_connections_per_host,
            self.http2_ping_after,
            self.http2_ping_timeout,
        )

    def __repr__(self) -> str:
        per_host = self.max_connections_per_host
        pings = (self.http2_ping_after, self.http2_ping_timeout)
        return (
            f"Limits(max_connections={self.max_connections}, "
            f"max_keepalive_connections={self.max_keepalive_connections}, keepalive_expiry={self.keepalive_expiry}"
            f"{'' if per_host is None else f', max_connections_per_host={per_host}'}"
            f"{'' if pings == (30.0, 15.0) else f', http2_ping_after={pings[0]}, http2_ping_timeout={pings[1]}'})"
        )


class Deadline:
    """Hold the moment at which a whole request must be over.

    It is made from the `total` of a `Timeout` when the request is first sent, and shared by all that the request leads
    to. The moment is fixed at first use, on the clock of the world that does the work.
    """

    __slots__ = ("_at", "total")

    def __init__(self, total: float) -> None:
        self.total = total
        self._at: float | None = None

    def at(self, now: float) -> float:
        """Return the moment on the clock that `now` was read from."""
        if self._at is None:
            self._at = now + self.total
        return self._at


DEFAULT_TIMEOUT = Timeout(5.0)
"""Five seconds for each operation, as in httpx."""

DEFAULT_LIMITS = Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)
"""100 connections, 20 of them kept idle for five seconds, as in httpx."""

DEFAULT_MAX_REDIRECTS = 20
"""Redirects followed before TooManyRedirects."""

DEFAULT_MAX_EVENT_SIZE = 1024 * 1024
"""Bytes of one server-sent event."""

DEFAULT_MAX_LINE_SIZE = 16 * 1024 * 1024
"""Bytes of one line of JSON."""
