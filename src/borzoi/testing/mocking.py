"""A mock: routes, a network and a clock, and the requests that belong to it.

While a mock is active it stands in for the pools of all network transports: with a pool of its own for each of them,
with its settings, over scripted servers. Nothing is patched. A request belongs to the mock that its client is bound to,
else to that of its context, else to the only active one; where none of the three decides, it is an error. What comes
from a test that has ended is refused: it belongs to a mock that is over.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from .._client import transports
from .._client.client_base import BaseClient
from .._client.transports import AsyncHTTPTransport, HTTPTransport
from .._exchange import pool
from .._exchange.pool import Pool
from .clock import Clock
from .errors import LateRequest, MockOver, UndecidedMock, UnmatchedRequest, UnmetExpectations
from .guests import Guest
from .network import Host, Network
from .router import Route, Router, Routes
from .wire import wire_backend

if TYPE_CHECKING:
    from .._messages.request import Request
    from .._messages.response import Response
    from .received import Received
    from .sweep import Run
    from .transport import RouterTransport

_current: contextvars.ContextVar[Mock | None] = contextvars.ContextVar("borzoi.testing.mock", default=None)
_active: list[Mock] = []
_bound: weakref.WeakKeyDictionary[Any, Mock] = weakref.WeakKeyDictionary()
_stale: weakref.WeakKeyDictionary[threading.Thread, Mock] = weakref.WeakKeyDictionary()
swept: Run | None = None
"""The run of a fault sweep that mocks belong to from now on."""

late: list[str] = []
"""What was refused after its test, for the report at the end of the run."""


class Mock(Routes):
    """Answer the requests of all clients, or of those that are bound to it, until its block is left.

        with borzoi.testing.mock() as m:
            m.get("https://api.test/users/7").reply(json={"id": 7})
            assert borzoi.get("https://api.test/users/7").json() == {"id": 7}

    Leaving the block raises UnmetExpectations for what did not happen, or should not have. With `leaks=False` clients
    and responses that nobody closed are no part of that.
    """

    def __init__(self, name: str = "this block", *, clock: Clock | None = None, leaks: bool = True) -> None:
        clock = clock or Clock()
        super().__init__(Router(name) if swept is None else swept.router(name, clock))
        self.name = name
        self.clock = clock
        """The time of everything in the mock."""
        self.leaks = leaks
        self._network = Network() if swept is None else swept.network()
        self._guests: dict[tuple[int, int], Guest] = {}
        self._lock = threading.Lock()
        self._is_bound = False
        self._token: contextvars.Token[Mock | None] | None = None
        self._before: weakref.WeakSet[Any] = weakref.WeakSet()
        self._threads: set[threading.Thread] = set()

    # What it answers.

    def host(self, base: str) -> Routes:
        """Return what adds routes below a base URL."""
        return Routes(self.router, base)

    def network(self, host: str) -> Host:
        """Return what says how connections to a host fare."""
        self.router.require_active()
        return self._network.host(host)

    def in_order(self, *routes: Route) -> None:
        """Expect the first calls of some routes in this order."""
        self.router.require_active()
        self.router.orders.append(routes)

    @property
    def calls(self) -> list[Received]:
        """Every request that came, in order."""
        return self.router.calls

    @property
    def unmatched(self) -> list[UnmatchedRequest]:
        """The requests that no route has answered. Clearing the list forgives them."""
        return self.router.unmatched

    # Whose requests.

    def bind(self, *clients: Any) -> None:
        """Answer the requests of these clients, and of no others."""
        self.router.require_active()
        if not clients:
            raise TypeError("bind() needs a client.")
        for client in clients:
            if not isinstance(client, BaseClient):
                raise TypeError(f"bind() takes a Client or an AsyncClient, and no {type(client).__name__}.")
        for client in clients:
            via = [client._transport, *client._mounts.values()]
            found = [transport for transport in via if isinstance(transport, (HTTPTransport, AsyncHTTPTransport))]
            if not found:
                raise TypeError(f"{client!r} sends over a transport of its own, and not over the network.")
            for transport in found:
                _bound[transport] = self
        self._is_bound = True

    def transport(self) -> RouterTransport:
        """Return a transport with these routes: the seam of `MockTransport`, above pool, parser and time-outs."""
        from .transport import RouterTransport

        return RouterTransport(self.router, self.clock)

    @property
    def is_for_all(self) -> bool:
        """Whether it answers clients that are not bound to it."""
        return not self._is_bound

    def guest_of(self, transport: HTTPTransport | AsyncHTTPTransport) -> Guest:
        """Return what sends in the place of a transport's pool."""
        blocking = isinstance(transport, HTTPTransport)
        # A pool belongs to one loop: who waits in it must not be woken from another.
        key = id(transport), 0 if blocking else threading.get_ident()
        with self._lock:
            guest = self._guests.get(key)
            if guest is None or guest.transport() is not transport:
                guest = self._guests[key] = self._new_guest(transport, blocking=blocking)
                transport.guests = (*transport.guests, guest)
        return guest

    def _new_guest(self, transport: Any, *, blocking: bool) -> Guest:
        own = transport._sender if blocking else transport
        http2 = own._dialer.http2
        backend = wire_backend(self.router, self._network, self.clock, blocking=blocking, http2=http2)
        guest: type[Guest] = Guest
        kind = Pool
        if http2:
            from .wire_http2 import ScriptedPool, SharingGuest

            guest, kind = SharingGuest, ScriptedPool
        is_new = (own if blocking else transport) not in self._before
        return guest(transport, kind(backend, own._dialer, own._limits, blocking=blocking), is_new=is_new)

    # Beginning and end.

    def start(self) -> Self:
        """Become active."""
        self.router.require_active()
        if self._token is not None:
            raise RuntimeError(f"The mock of {self.name} is active already.")
        if not isinstance(transports.stand_in, StandIn):
            transports.stand_in = StandIn(transports.stand_in)
        self._before = weakref.WeakSet([*transports._transports, *pool._pools])
        self._threads = set(threading.enumerate())
        self._token = _current.set(self)
        _active.append(self)
        return self

    def finish(self) -> str | None:
        """End: close all connections, refuse what still comes, and return the report, None where all is well."""
        if self not in _active:
            raise MockOver(f"The mock of {self.name} is not active: it has ended already, or was never started.")
        self.router.is_over = True
        _active.remove(self)
        for thread in threading.enumerate():
            if thread not in self._threads:
                _stale[thread] = self
        guests = list(self._guests.values())
        text = self.router.report([text for guest in guests for text in guest.leaks()] if self.leaks else [])
        for guest in guests:
            guest.leave()
        return text

    def forget_context(self) -> None:
        """Have the context of the caller no longer belong to this mock."""
        if _current.get() is self:
            _current.set(None)

    def assert_all_called(self) -> None:
        """Raise AssertionError if a route waits for a call."""
        __tracebackhide__ = True
        unmet = [text for route in self.router.routes if (text := route.unmet())]
        if unmet:
            raise AssertionError("\n".join(unmet))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        text = self.finish()
        outer, _active_now = self._token, list(_active)
        if outer is not None and _current.get() is self:
            previous = None if outer.old_value is contextvars.Token.MISSING else outer.old_value
            _current.set(previous if previous in _active_now else None)
        if text is None:
            return
        if error is None:
            raise UnmetExpectations(text)
        error.add_note(text)


def mock(name: str = "this block", *, clock: Clock | None = None, leaks: bool = True) -> Mock:
    """Return a mock, for a `with` block. `name` is what messages call it."""
    return Mock(name, clock=clock, leaks=leaks)


def mock_of(transport: Any) -> Mock | None:
    """Return the mock that a request over a transport belongs to, None where it goes to the network."""
    bound = _bound.get(transport)
    if bound is not None:
        return bound
    current = _current.get()
    if current is not None:
        return current if current.is_for_all else None
    for_all = [one for one in _active if one.is_for_all]
    if len(for_all) > 1:
        names = " and ".join(one.name for one in for_all)
        raise UndecidedMock(
            f"The mocks of {names} are active, and nothing says whose the request is: bind() the client"
        )
    if for_all:
        return for_all[0]
    return _stale.get(threading.current_thread()) if _stale else None


def unbound_router(transport: Any) -> Router | None:
    """Return the routes of the mock that a request belongs to; None where the client is bound to it, or it is over."""
    owner = None if transport in _bound else mock_of(transport)
    return None if owner is None or owner.router.is_over else owner.router


def refuse(request: Request, name: str) -> NoReturn:
    """Raise LateRequest, and note it for the end of the run."""
    text = f"{request.method} {request.url} came after {name} had ended, and was sent nowhere"
    late.append(text)
    raise LateRequest(text)


class _Refusing:
    """Refuse what comes from a test that has ended."""

    def __init__(self, owner: Mock) -> None:
        self._owner = owner

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Raise LateRequest, and note it for the end of the run."""
        refuse(request, self._owner.name)

    def close(self) -> None:
        """Do nothing."""


def stand_in(transport: HTTPTransport | AsyncHTTPTransport) -> Guest | _Refusing | None:
    """Return what sends in the place of a transport's own pool, None where nothing does."""
    if not _active and not _bound and _current.get() is None and not _stale:
        return None
    owner = mock_of(transport)
    if owner is None or not has_own_pool(transport):
        return None
    return _Refusing(owner) if owner.router.is_over else owner.guest_of(transport)


class StandIn:
    """Ask the mocks, and then what stood there before them, as a cassette around the mock does."""

    def __init__(self, before: Callable[[Any], Any] | None) -> None:
        self._before = before

    def __call__(self, transport: HTTPTransport | AsyncHTTPTransport) -> Any:
        """Return what sends in the place of a transport's own pool, None where nothing does."""
        found = stand_in(transport)
        return self._before(transport) if found is None and self._before is not None else found


def has_own_pool(transport: Any) -> bool:
    """Return whether a transport sends through a pool of ours: others have put something in its place."""
    if isinstance(transport, HTTPTransport):
        return isinstance(transport._sender, Pool)
    return transport._sender is None and transport._network is None and hasattr(transport, "_dialer")
