"""The wire seam: scripted servers behind the memory back end, under the real pool, parser, time-outs and decoders.

A `ServerSide` is one connection as the server has it. It reads the requests that are written to it, asks the router and
answers with scripts. It obliges as a proxy, too: CONNECT opens a tunnel to a scripted origin, and a request in absolute
form is answered as if it had come there. It speaks HTTP/1.1; a server for HTTP/2 has its place beside it, chosen by
what a handshake agrees on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from .._backends.base import TLSOptions
from .._backends.memory import Accept, Event, Hang, Later, MemoryBackend, Wait
from .clock import Clock, WorldClock
from .intake import Incoming, Intake
from .received import Received
from .router import Router, found_reply
from .script import Reply

if TYPE_CHECKING:
    from .faults import NetworkFault
    from .network import Network

_LEAVE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ServerSide:
    """The server's side of one connection."""

    def __init__(self, router: Router, network: Network, host: str, port: int) -> None:
        self._router = router
        self._network = network
        self._intake = Intake()
        self._scheme = "http"
        self._go_to(host, port)
        self.latest: Received | None = None
        """The request that came last."""

    def _go_to(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        known = self._network.find(host, port)
        self.fault: NetworkFault | None = None if known is None else known.next_fault()
        self.delay = 0.0 if known is None else known.delay

    def secured(self, tls: TLSOptions) -> Exception | Hang | None:
        """Return what becomes of the handshake."""
        self._scheme = "https"
        fault = self.fault
        if fault is None or fault.on_handshake is None:
            return None
        return fault.on_handshake(f"{self._host}:{self._port}", tls)

    def answer(self, data: bytes) -> Iterable[Event]:
        """Return the events that follow what the client has written."""
        if not data:
            return ()
        events: list[Event] = []
        for incoming in self._intake.receive(data):
            events += self._reply_to(incoming)
        if self._intake.awaits_leave:
            events.append(_LEAVE)
        return events

    def _reply_to(self, incoming: Incoming) -> list[Event]:
        if incoming.method == "CONNECT":
            return self._tunnel(incoming.target)
        self.latest = received = self._received(incoming)
        try:
            found = self._router.dispatch(received)
            events = found.script(received.method) if isinstance(found, Reply) else self._later(found, received)
        except Exception as error:  # noqa: BLE001 - what is wrong with the test is told to who reads the answer
            return [error]
        return [Wait(self.delay), *events] if self.delay else events

    def _later(self, find: Any, received: Received) -> list[Event]:
        async def ask() -> list[Event]:
            return (await found_reply(find)).script(received.method)

        return [Later(ask)]

    def _tunnel(self, target: str) -> list[Event]:
        host, _, port = target.rpartition(":")
        self._go_to(host, int(port))
        return [_TUNNEL]

    def _received(self, incoming: Incoming) -> Received:
        scheme, target, host = self._scheme, incoming.target, ""
        if not target.startswith("/") and "://" in target:
            # RFC 9112, 3.2.2: to a proxy the target is the whole URL, and it is worth more than Host.
            scheme, _, rest = target.partition("://")
            host, slash, path = rest.partition("/")
            target = slash + path
        host = host or _host_of(incoming) or f"{self._host}:{self._port}"
        return Received(incoming.method, scheme, host, target, incoming.pairs, incoming.content)


def _host_of(incoming: Incoming) -> str:
    for name, value in incoming.pairs:
        if len(name) == 4 and name.lower() == b"host":
            return value.decode("latin-1")
    return ""


def _peer(router: Router, network: Network, host: str, port: int) -> Accept | Exception | Hang:
    side = ServerSide(router, network, host, port)
    fault = side.fault
    if fault is not None and fault.on_connect is not None:
        return fault.on_connect(f"{host}:{port}")
    return Accept(side.answer, side.secured, side.delay)


def wire_backend(router: Router, network: Network, clock: Clock, *, blocking: bool) -> MemoryBackend:
    """Return a back end whose every peer is a scripted server."""
    peer = partial(_peer, router, network)
    if blocking:
        return MemoryBackend(peer, WorldClock(clock, is_async=False), threading.Lock)
    return MemoryBackend(peer, WorldClock(clock, is_async=True))
