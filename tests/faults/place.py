"""Where a fault happens: a world, a protocol, peers that speak it, and what must hold once it is over.

An `Answer` is written in either protocol; a script of events is bytes of HTTP/1.1, which the wire seam of `borzoi.testing`
plays as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple

import h2.exceptions
import trio

import borzoi
from tests.exchange.conftest import descriptors
from tests.exchange.http2_scripts import assert_settled
from tests.exchange.http_peers import Asked, assert_whole, http, network_client, pool_of
from tests.worlds.http2_peer import Http2Peer, Request, http2_server
from tests.worlds.peers import RawServer
from tests.worlds.world import World

Pairs = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """A response, in whichever protocol."""

    status: int = 200
    headers: Pairs = ()
    body: bytes = b"ok"

    def as_http1(self) -> bytes:
        """Write it for HTTP/1.1."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head = f"HTTP/1.1 {self.status} Phrase\r\nContent-Length: {len(self.body)}\r\n{fields}\r\n"
        return head.encode("latin-1") + self.body


class Got(NamedTuple):
    """A request, in whichever protocol. Names are in lower case."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def get(self, name: str) -> str | None:
        """Return a field, None where there is none."""
        return next((value for found, value in self.headers if found == name), None)

    def names(self) -> set[str]:
        """Return the names of all fields."""
        return {name for name, _ in self.headers}


Respond = Callable[[Got], Answer]


class Speech:
    """A protocol: how a server speaks it, and which client asks for it."""

    name = "HTTP/1.1"
    settings: dict[str, Any] = {}

    def server(self, respond: Respond, **settings: Any) -> RawServer:
        """Return a server that answers each request."""

        def answer(asked: Asked) -> bytes:
            pairs = [(name.decode(), value.decode("latin-1")) for name, value in asked.pairs]
            return respond(Got(asked.method.decode(), asked.target.decode(), pairs, asked.body)).as_http1()

        return RawServer(http(answer), **settings)

    def assert_whole(self, client: Any, idle: int | None = None) -> None:
        """Fail unless nothing is leased and nobody waits."""
        assert_whole(client, idle)


class Http2Speech(Speech):
    """HTTP/2 by prior knowledge."""

    name = "HTTP/2"
    settings = {"http2": True, "http1": False}

    def server(self, respond: Respond, **settings: Any) -> RawServer:
        """Return a server that answers each request."""

        def script(peer: Http2Peer) -> None:
            while True:
                request = peer.request()
                answer = respond(_got(request))
                fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
                with contextlib.suppress(h2.exceptions.ProtocolError):
                    peer.respond(request.stream, status=answer.status, headers=fields, body=answer.body)

        return http2_server(script, **settings)

    def assert_whole(self, client: Any, idle: int | None = None) -> None:
        """Fail unless nothing is leased, nobody waits, and no connection carries anything."""
        assert_settled(client, idle)


def _got(request: Request) -> Got:
    fields = {name.decode(): value.decode("latin-1") for name, value in request.headers if name.startswith(b":")}
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in request.headers if not name.startswith(b":")]
    return Got(fields[":method"], fields[":path"], pairs, request.body)


HTTP1 = Speech()
HTTP2 = Http2Speech()


class Place:
    """A world, and a protocol in it."""

    def __init__(self, world: World, speech: Speech) -> None:
        self.world = world
        self.speech = speech

    def client(self, **settings: Any) -> Any:
        """Return a client that speaks the protocol, in the shape of AsyncClient."""
        if "proxy" in settings or "backend" in settings:
            # Its own transport, so that it is the pool of the proxy that is looked at.
            network = {
                name: settings.pop(name) for name in ("proxy", "verify", "backend", "limits") if name in settings
            }
            speech = {} if "proxy" in network else self.speech.settings
            return network_client(self.world, client={"timeout": 20, **settings}, **speech, **network)
        return self.world.client(**{"timeout": 20, "trust_env": False, **self.speech.settings, **settings})

    def server(self, respond: Respond, **settings: Any) -> RawServer:
        """Return a server that speaks it."""
        return self.speech.server(respond, **settings)

    def assert_whole(self, client: Any, idle: int | None = None) -> None:
        """Fail unless the pool is whole, with so many connections idle."""
        self.speech.assert_whole(client, idle)

    async def fails(
        self,
        client: Any,
        url: str,
        kind: type[Exception],
        text: str = "",
        *,
        method: str = "GET",
        at: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Check that a request fails, and how; return the error. `at` is the URL that its request has, if another."""
        try:
            response = await client.request(method, url, **arguments)
        except borzoi.HTTPError as error:
            require(error, kind, text, at or url)
            return error
        raise AssertionError(f"a response of {response.status_code} where {kind.__name__} must be")


OWN = (borzoi.HTTPError, borzoi.InvalidURL, OSError)
"""What may stand in the chain of an error: our own, and those of the system."""

CODECS = ("zlib", "brotli", "compression.zstd", "backports.zstd", "_zstd")
"""Whose errors may be the cause of a DecodingError."""


def require(error: Exception, kind: type[Exception], text: str, url: str) -> None:
    """Fail unless an error is of this very class, says so, has its request, and hides nothing foreign behind it."""
    assert type(error) is kind, f"{error!r} where {kind.__name__} must be"
    assert text in str(error), f"{error!r} does not say {text!r}"
    assert str(error).strip()
    assert str(error.request.url) == url  # type: ignore[attr-defined]
    for behind in chain(error):
        of_codec = kind is borzoi.DecodingError and type(behind).__module__.startswith(CODECS)
        assert of_codec or isinstance(behind, OWN), f"{behind!r} is behind {error!r}"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield what a traceback of the error would show before it."""
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if behind is not None:
        yield behind
        yield from chain(behind)


# What is left behind.


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """Fail where a descriptor or a thread is left."""
    sockets, threads = descriptors(), set(threading.enumerate())
    yield
    if descriptors() - sockets or set(threading.enumerate()) - threads:
        gc.collect()
    left = sorted(descriptors() - sockets)
    left += sorted(thread.name for thread in set(threading.enumerate()) - threads if not _stays(thread))
    assert not left, f"left behind: {left}"


def _stays(thread: threading.Thread) -> bool:
    # Lookups cannot be interrupted: their few threads stay, and end with the process. Trio keeps its threads for a while.
    return thread.daemon and ("resol" in thread.name.lower() or thread.name.startswith("Trio thread"))


def living(world: World) -> int:
    """Return how many tasks the loop has."""
    if world.name == "asyncio":
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living if world.name == "trio" else 0


def run(world: World, body: Callable[[Place], Any], speech: Speech) -> None:
    """Run a body in a world, and look at what it left behind."""

    async def watched() -> None:
        before = living(world)
        await body(Place(world, speech))
        for _ in range(6):
            await world.sleep0()
        assert living(world) <= before, "a task was left behind"

    with nothing_left():
        world.run(watched)


def idle_of(client: Any) -> int:
    """Return how many connections of a client are idle."""
    return len(pool_of(client)._shelf.idle())


def context_of(server: RawServer) -> ssl.SSLContext | None:
    """Return the TLS context of a server, None where it has none."""
    return server._tls


async def error_of(doing: Awaitable[Any], *kinds: type[Exception]) -> Any:
    """Return the error that something ends in, which is of one of these classes."""
    try:
        result = await doing
    except kinds as error:
        return error
    raise AssertionError(f"{result!r} where one of {kinds} must be")
