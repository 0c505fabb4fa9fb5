"""The wire seam: scripted servers behind the memory back end, under the real pool, parser, time-outs and decoders.

A `ServerSide` is one connection as the server has it. It reads the requests that are written to it, asks the router and
answers with scripts. It obliges as a proxy, too: CONNECT opens a tunnel to a scripted origin, and a request in absolute
form is answered as if it had come there. It speaks HTTP/1.1; `wire_http2` has what is beside it for HTTP/2.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .._backends.base import TLSOptions
from .._backends.memory import Accept, Event, Hang, Later, MemoryBackend, MemoryStream, Wait
from .._backends.sockets import write_timed_out
from .clock import Clock, WorldClock
from .intake import Incoming, Intake
from .received import Received
from .router import Router, found_reply
from .script import RaggedEnd, Reply

if TYPE_CHECKING:
    from .._backends.base import ConnectOptions, Stream
    from .faults import NetworkFault
    from .network import Network

WRONG_VERSION = b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
"""What a server of HTTP/1.1 alone says to a client that begins with HTTP/2."""

_LEAVE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ServerSide:
    """The server's side of one connection."""

    def __init__(self, router: Router, network: Network, host: str, port: int) -> None:
        self.router = router
        self._network = network
        self._intake = Intake()
        self.scheme = "http"
        self._go_to(host, port)
        self.latest: Received | None = None
        """The request that came last."""

    def _go_to(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        known = self._network.find(host, port)
        self.fault: NetworkFault | None = None if known is None else known.next_fault()
        self.delay = 0.0 if known is None else known.delay
        self.speaks_http2 = known is None or known.speaks_http2

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"{self._host}:{self._port}"

    @property
    def takes(self) -> int | None:
        """How many bytes of the client's are taken in; None for all."""
        return None if self.fault is None else self.fault.takes

    def secured(self, tls: TLSOptions) -> Exception | Hang | None:
        """Return what becomes of the handshake."""
        self.scheme = "https"
        fault = self.fault
        if fault is None or fault.on_handshake is None:
            return None
        return fault.on_handshake(self.authority, tls)

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
            refused = self.fault is not None and self.fault.tunnel != 200
            return self._refusal() if refused else self._tunnel(incoming.target)
        self.latest = received = self._received(incoming)
        try:
            found = self.router.dispatch(received)
            events = self.script(found, received) if isinstance(found, Reply) else self._later(found, received)
        except Exception as error:  # noqa: BLE001 - what is wrong with the test is told to who reads the answer
            return [error]
        return [Wait(self.delay), *events] if self.delay else events

    def _later(self, find: Any, received: Received) -> list[Event]:
        async def ask() -> list[Event]:
            return self.script(await found_reply(find), received)

        return [Later(ask)]

    def script(self, reply: Reply, received: Received) -> list[Event]:
        """Return the events of a reply."""
        events = reply.script(received.method)
        if reply.fault is None or self.scheme == "http":
            return events
        return [over_tls(event) for event in events]

    def _refusal(self) -> list[Event]:
        assert self.fault is not None
        return Reply(self.fault.tunnel, headers={"Connection": "close"}).script("GET")

    def _tunnel(self, target: str) -> list[Event]:
        host, _, port = target.rpartition(":")
        self._go_to(host, int(port))
        return [_TUNNEL]

    def _received(self, incoming: Incoming) -> Received:
        scheme, target, host = self.scheme, incoming.target, ""
        if not target.startswith("/") and "://" in target:
            # RFC 9112, 3.2.2: to a proxy the target is the whole URL, and it is worth more than Host.
            scheme, _, rest = target.partition("://")
            host, slash, path = rest.partition("/")
            target = slash + path
        host = host or _host_of(incoming) or self.authority
        received = Received(incoming.method, scheme, host, target, incoming.pairs, incoming.content)
        if incoming.trailers:
            received.trailers = incoming.trailers
        return received


def _host_of(incoming: Incoming) -> str:
    for name, value in incoming.pairs:
        if len(name) == 4 and name.lower() == b"host":
            return value.decode("latin-1")
    return ""


def over_tls(event: Event) -> Event:
    """Return what becomes of an event over TLS: there an end without close_notify is an error."""
    if not isinstance(event, RaggedEnd):
        return event
    from .certificates import ragged_eof

    return ragged_eof()


def _peer(router: Router, network: Network, host: str, port: int) -> Accept | Exception | Hang:
    side = ServerSide(router, network, host, port)
    fault = side.fault
    if fault is not None and fault.on_connect is not None:
        return fault.on_connect(f"{host}:{port}")
    return Accept(side.answer, side.secured, side.delay)


class StallingStream(MemoryStream):
    """A connection whose server takes in so many bytes, and no more."""

    __slots__ = ("_takes",)

    def __init__(self, before: MemoryStream, takes: int) -> None:
        super().__init__(before._backend, before._answer, before.peer, before._secured)
        self._takes = takes

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Give the server what it takes. Raises WriteTimeout if that is not all."""
        room = max(0, self._takes - len(self.sent))
        if len(data) <= room:
            return await super().write(data, timeout)
        await super().write(data[:room], timeout)
        clock = self._backend.clock
        await clock.wait(None if timeout is None else clock.now() + timeout)
        raise write_timed_out(self.peer, timeout)


class ScriptedBackend(MemoryBackend):
    """Connect to scripted servers."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None, options: ConnectOptions) -> Stream:
        """Ask the peer for a connection."""
        stream: Any = await super().connect_tcp(host, port, timeout, options)
        fault: NetworkFault | None = stream._answer.__self__.fault
        if fault is None:
            return cast("Stream", stream)
        if not fault.widens:
            raise TypeError(f"{fault!r} is a fault of HTTP/2, which the client does not offer")
        takes = fault.takes
        if takes is not None:
            stream = self.streams[-1] = StallingStream(stream, takes)
        return cast("Stream", stream)


def wire_backend(
    router: Router, network: Network, clock: Clock, *, blocking: bool, http2: bool = False
) -> MemoryBackend:
    """Return a back end whose every peer is a scripted server, one of HTTP/2 as well if the client may offer it."""
    kind: type[MemoryBackend] = ScriptedBackend
    time = WorldClock(clock, is_async=not blocking)
    if http2:
        from .wire_http2 import NegotiatingBackend

        kind = NegotiatingBackend
    peer = partial(_peer, router, network)
    return kind(peer, time, threading.Lock) if blocking else kind(peer, time)
