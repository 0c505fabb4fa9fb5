"""The transports that go over the network: a pool in the blocking world, and one pool for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .._backends.base import ConnectOptions
from .._config import DEFAULT_LIMITS, Limits
from .._exchange.dial import Dialer
from .._exchange.pool import Pool
from .._messages.response import Response
from .._policy.proxy import Proxy
from .._policy.tls import TLS
from .._run_blocking import run_blocking
from .resolving import names_for
from .tls import lazy_context
from .transport_base import AsyncBaseTransport, BaseTransport
from .worlds import Worlds, blocking_backend

if TYPE_CHECKING:
    from .._backends.base import Backend
    from .._exchange.tally import Tally
    from .._messages.request import Request
    from .._policy.pool_stats import PoolStats
    from .._policy.proxy import ProxyTypes
    from .resolving import ResolverTypes
    from .settings import Clock
    from .tls import CertTypes, VerifyTypes


def _dialer(
    verify: VerifyTypes,
    cert: CertTypes | None,
    trust_env: bool,
    http1: bool,
    http2: bool,
    proxy: ProxyTypes | None,
    uds: str | None,
    options: ConnectOptions,
    retries: int,
) -> Dialer:
    if not http1 and not http2:
        raise ValueError("http1=False leaves no protocol to speak: http2=True gives one.")
    if proxy is not None and not isinstance(proxy, Proxy):
        proxy = Proxy(proxy)
    return Dialer(
        context=lazy_context(verify, cert, trust_env, http2),
        options=options,
        unix_path=uds,
        retries=retries,
        proxy=proxy,
        proxy_context=None if proxy is None else lazy_context(proxy.ssl_context or True, None, trust_env),
        pins=verify.pins if isinstance(verify, TLS) and verify.pins else None,
        websocket_context=lazy_context(verify, cert, trust_env) if http2 else None,
        http1=http1,
        http2=http2,
    )


def _checked(limits: Limits) -> Limits:
    if not isinstance(limits, Limits):
        raise TypeError(f"Invalid limits: {limits!r}. Give Limits(max_connections=...).")
    return limits


def _pool(backend: Backend, dialer: Dialer, limits: Limits, *, blocking: bool, clock: Clock | None) -> Pool:
    kind = Pool
    if dialer.http2:
        from .._exchange.multiplexed_pool import SharingPool

        kind = SharingPool
    if dialer.proxy is not None and dialer.proxy.digest_auth is not None:
        from .._exchange.challenged_pool import ChallengedPool

        kind = ChallengedPool
    return kind(backend, dialer, limits, blocking=blocking, clock=clock)


class Sender(Protocol):
    """What a transport sends its requests with: a pool, or what a program has put in its place (`borzoi.compat`)."""

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Send a request, and return its response, with the body unread."""
        ...

    def close(self) -> None:
        """Close all connections."""


class AsyncSender(Protocol):
    """What is in the place of the pools in an event loop."""

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Send a request, and return its response, with the body unread."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""


class Network(Protocol):
    """What connects in the place of the back ends of all loops."""

    def over(self, world: Backend) -> Backend:
        """Return the back end for one loop, given the one that it would have."""
        ...

    async def aclose(self) -> None:
        """Wait until what was closed is."""


stand_in: Callable[[HTTPTransport | AsyncHTTPTransport], Sender | None] | None = None
"""Finds what sends in the place of a transport's own pool. It is there once `borzoi.testing` has been in use."""


class HTTPTransport(BaseTransport):
    """Send requests over the network, in blocking code, from any number of threads.

    `uds` is the path of a Unix socket to connect to instead; `local_address` the address to connect from; `retries` how
    often connecting is tried again. `resolver` finds the addresses of names, or guards them. `backend` and `clock`
    replace the network and the time.
    """

    guests: Sequence[Sender] = ()
    """What has sent in the place of the pool. It is closed with it."""

    def __init__(
        self,
        verify: VerifyTypes = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        proxy: ProxyTypes | None = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int = 0,
        socket_options: Iterable[Any] | None = None,
        *,
        resolver: ResolverTypes | None = None,
        backend: Backend | None = None,
        clock: Clock | None = None,
    ) -> None:
        names = names_for(resolver, blocking=True, clock=clock)
        options = ConnectOptions(local_address, tuple(socket_options or ()), names)
        self._dialer = _dialer(verify, cert, trust_env, http1, http2, proxy, uds, options, retries)
        backend = backend or blocking_backend()
        self._sender: Sender = _pool(backend, self._dialer, _checked(limits), blocking=True, clock=clock)

    def handle_request(self, request: Request) -> Response:
        """Send one request and return its response, with the body unread. Raises `RequestError`."""
        sender = self._sender if stand_in is None else stand_in(self) or self._sender
        return run_blocking(sender.send(request))

    def preconnect(self, request: Request, n: int = 1) -> int:
        """Open connections where a request would go until `n` are idle; return how many were opened.

        Raises `TransportError` as sending would. Where something stands in for the network, nothing is opened.
        """
        sender = self._sender if stand_in is None else stand_in(self) or self._sender
        if not isinstance(sender, Pool):
            return 0
        from .._exchange.preconnecting import preconnect

        return run_blocking(preconnect(sender, request, n))

    def pool_stats(self) -> PoolStats:
        """Return what the pool has, and has done."""
        from .._exchange.pool_stats import stats_of

        return stats_of([self._sender] if isinstance(self._sender, Pool) else [], self._dialer)

    def close(self) -> None:
        """Close all connections."""
        for sender in (self._sender, *self.guests):
            sender.close()


class AsyncHTTPTransport(AsyncBaseTransport):
    """Send requests over the network, in asyncio or trio, from any number of event loops.

    Each loop has a pool of its own, and limits of its own. The idle connections of a loop that was closed are taken
    over by the loop that sends next. The arguments are those of `HTTPTransport`.
    """

    # Set where a program has replaced all pools, or what they connect with (`borzoi.compat`). A request does not look
    # at them: `_latest` is None while there is a sender.
    _sender: AsyncSender | None = None
    guests: Sequence[Sender] = ()
    _network: Network | None = None

    # For subclasses that bring a pool of their own, and do not call `__init__`.
    _lock = threading.Lock()

    # The pool that was used last, to find it without the list. One value: threads see both parts or neither. It has no
    # value in the class, since a request finds an instance's own faster so.
    _latest: tuple[weakref.ref[Any], Pool] | None

    def __init__(
        self,
        verify: VerifyTypes = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        proxy: ProxyTypes | None = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int = 0,
        socket_options: Iterable[Any] | None = None,
        *,
        resolver: ResolverTypes | None = None,
        backend: Backend | None = None,
        clock: Clock | None = None,
    ) -> None:
        names = names_for(resolver, blocking=False, clock=clock)
        options = ConnectOptions(local_address, tuple(socket_options or ()), names)
        self._dialer = _dialer(verify, cert, trust_env, http1, http2, proxy, uds, options, retries)
        self._limits = _checked(limits)
        self._clock = clock
        self._backend = backend
        self._lock = threading.Lock()
        self._pools: list[tuple[weakref.ref[Any], Pool]] = []
        # What the pools have counted that were closed with the transport.
        self._ended: list[Tally] = []
        self._latest = None
        _transports.add(self)

    async def handle_async_request(self, request: Request) -> Response:
        """Send one request and return its response, with the body unread. Raises `RequestError`."""
        worlds = _worlds or the_worlds()
        loop = worlds.current_loop()
        if stand_in is not None and (sender := stand_in(self)) is not None:
            return await sender.send(request)
        try:
            latest = self._latest
        except AttributeError:
            latest = None
        pool = latest[1] if latest is not None and latest[0]() is loop else self._pool_of(worlds, loop)
        return await pool.send(request)

    async def preconnect(self, request: Request, n: int = 1) -> int:
        """Open connections where a request would go until `n` are idle; return how many were opened.

        Raises `TransportError` as sending would. Where something stands in for the network, nothing is opened.
        """
        worlds = the_worlds()
        loop = worlds.current_loop()
        if stand_in is not None and stand_in(self) is not None:
            return 0
        sender = self._pool_of(worlds, loop)
        if not isinstance(sender, Pool):
            return 0
        from .._exchange.preconnecting import preconnect

        return await preconnect(sender, request, n)

    def pool_stats(self) -> PoolStats:
        """Return what the pools of all event loops have, and have done. It may be called from any thread."""
        from .._exchange.pool_stats import stats_of

        with self._lock:
            pools = [pool for _, pool in self._pools]
        return stats_of(pools, self._dialer, self._ended)

    def _pool_of(self, worlds: Worlds, loop: Any) -> Pool | AsyncSender:
        with self._lock:
            if self._sender is not None:
                return self._sender
            self._latest = entry = self._entry_of(worlds, loop)
            return entry[1]

    def _entry_of(self, worlds: Worlds, loop: Any) -> tuple[weakref.ref[Any], Pool]:
        """Return the pool of a loop; a new one takes over what the pools of closed loops left behind."""
        for entry in self._pools:
            if entry[0]() is loop:
                return entry

        backend = self._backend or worlds.backend_of(loop)
        if self._network is not None:
            backend = self._network.over(backend)
        pool = _pool(backend, self._dialer, self._limits, blocking=False, clock=self._clock)
        ended = [entry for entry in self._pools if entry[1].has_ended()]
        for entry in ended:
            self._pools.remove(entry)
            pool.adopt(entry[1])

        entry = (weakref.ref(loop), pool)
        self._pools.append(entry)
        return entry

    async def aclose(self) -> None:
        """Close all connections. Those of another loop that still runs are closed by that loop, soon."""
        for sender in self.guests:
            sender.close()
        if self._sender is not None:
            await self._sender.aclose()
            return
        self._close_pools()
        if self._network is not None:
            await self._network.aclose()

    def _close_pools(self) -> None:
        with self._lock:
            pools, self._pools = self._pools, []
            self._ended += [pool.tally for _, pool in pools]
            self._latest = None
        here = _worlds.current_loop() if pools and _worlds is not None else None
        for loop, pool in pools:
            if loop() is here or pool.has_ended():
                pool.close()
            else:
                pool.close_from_thread()

    def start_anew(self) -> None:
        """Replace the lock in a fork's child: a thread may hold it that the child does not have."""
        self._lock = threading.Lock()


_worlds: Worlds | None = None


def the_worlds() -> Worlds:
    """Return what finds the event loop of a task: made for the first request in one, and not by `import borzoi`."""
    global _worlds
    if _worlds is None:
        _worlds = Worlds()
    return _worlds


_transports: weakref.WeakSet[AsyncHTTPTransport] = weakref.WeakSet()


def _start_anew() -> None:
    for transport in list(_transports):
        transport.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
