"""`extensions["trace"]`: the names, the order and the keys of httpcore's events, in every world."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from borzoi import Proxy
from borzoi._backends.base import ConnectOptions
from borzoi._errors import ConnectError, ConnectTimeout, ProxyError
from borzoi._exchange.dial import Dialer, Route
from borzoi._exchange.trace import Step, Trace, trace_of
from tests.exchange.http_peers import Reader
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import RawServer, refusing_port, silent
from tests.worlds.world import World

RECORDED: dict[str, list[tuple[str, list[str]]]] = {
    case: [(name, keys) for name, keys in events]
    for case, events in json.loads(
        (Path(__file__).parents[1] / "data" / "httpcore-trace" / "events.json").read_text(encoding="utf-8")
    ).items()
}

Event = tuple[str, dict[str, Any]]


class Told:
    """A program's trace function: remembers what it was told, and may raise at one of the events."""

    def __init__(self, world: World, *, raise_at: str = "") -> None:
        self.events: list[Event] = []
        self.trace = Trace(self._later if world.is_async else self._now, blocking=not world.is_async)
        self._raise_at = raise_at
        self._world = world

    def _now(self, name: str, info: dict[str, Any]) -> None:
        self.events.append((name, dict(info)))
        if name == self._raise_at:
            raise KeyError(name)

    async def _later(self, name: str, info: dict[str, Any]) -> None:
        await self._world.sleep0()
        self._now(name, info)

    @property
    def keys(self) -> list[tuple[str, list[str]]]:
        """The events as they are recorded."""
        return [(name, list(info)) for name, info in self.events]


def of_dialing(case: str) -> list[tuple[str, list[str]]]:
    """Return what was recorded of opening connections."""
    return [event for event in RECORDED[case] if event[0].startswith(("connection.", "proxy."))]


def route(scheme: bytes, port: int, host: bytes = b"127.0.0.1") -> Route:
    """Return a route."""
    return Route(scheme, host, port)


async def dial(world: World, told: Told, to: Route, **settings: Any) -> None:
    """Open a stream and close it again."""
    dialer = Dialer(context=client_context, **settings)
    stream = await dialer.dial(world.backend(), to, lambda operation: 7.0, told.trace)
    stream.close()
    await world.sleep0()


def tunnel(sock: socket.socket) -> None:
    """Be a proxy, with the origin behind it."""
    Reader(sock).head()
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    inner = server_context("origin.example").wrap_socket(sock, server_side=True)
    with contextlib.closing(inner), contextlib.suppress(OSError):
        silent(inner)


def refuse_tunnel(sock: socket.socket) -> None:
    """Be a proxy that refuses."""
    Reader(sock).head()
    sock.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
    silent(sock)


def no_tls(sock: socket.socket) -> None:
    """Answer a handshake with something else."""
    sock.recv(10)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


Case = Callable[[str], "contextlib.AbstractContextManager[tuple[Route, dict[str, Any]]]"]


def _served(handler: Any, scheme: bytes, tls: ssl.SSLContext | None = None, **settings: Any) -> Case:
    @contextlib.contextmanager
    def case(folder: str) -> Iterator[tuple[Route, dict[str, Any]]]:
        with RawServer(handler, tls=tls) as server:
            yield route(scheme, server.port), settings

    return case


def _by_proxy(handler: Any, scheme: bytes) -> Case:
    @contextlib.contextmanager
    def case(folder: str) -> Iterator[tuple[Route, dict[str, Any]]]:
        with RawServer(handler) as server:
            yield route(scheme, 443, b"origin.example"), {"proxy": Proxy(server.url)}

    return case


@contextlib.contextmanager
def _refused(folder: str) -> Iterator[tuple[Route, dict[str, Any]]]:
    with refusing_port() as port:
        yield route(b"http", port), {"retries": 2}


@contextlib.contextmanager
def _unix(folder: str) -> Iterator[tuple[Route, dict[str, Any]]]:
    with RawServer(silent, path=f"{folder}/peer"):
        yield route(b"http", 80, b"x"), {"unix_path": f"{folder}/peer"}


@contextlib.contextmanager
def _no_unix(folder: str) -> Iterator[tuple[Route, dict[str, Any]]]:
    yield route(b"http", 80, b"x"), {"unix_path": f"{folder}/nowhere"}


CASES: dict[str, Case] = {
    "http": _served(silent, b"http"),
    "https": _served(silent, b"https", server_context()),
    "http by a proxy": _by_proxy(silent, b"http"),
    "https by a proxy": _by_proxy(tunnel, b"https"),
    "a proxy that refuses": _by_proxy(refuse_tunnel, b"https"),
    "refused, with two retries": _refused,
    "a failed handshake, with one retry": _served(no_tls, b"https", retries=1),
    "a Unix socket": _unix,
    "no Unix socket": _no_unix,
}


@pytest.mark.parametrize("case", CASES)
def test_connecting_is_told_as_httpcore_tells_it(world: World, case: str, tmp_path: Path) -> None:
    """Opening a connection has the events that httpcore has, with the same keys in the same order."""

    async def body() -> list[tuple[str, list[str]]]:
        told = Told(world)
        with contextlib.suppress(ConnectError, ProxyError):
            await dial(world, told, to, **settings)
        return told.keys

    with CASES[case](str(tmp_path)) as (to, settings):
        assert world.run(body) == of_dialing(case)


def test_what_the_events_hold(world: World) -> None:
    """The infos hold what was asked for and what came of it: streams that know their peers, the context, the options."""
    options = ConnectOptions("127.0.0.1", [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)])

    async def body() -> list[Event]:
        told = Told(world)
        await dial(world, told, Route(b"https", b"localhost", server.port, "127.0.0.1"), options=options)
        return told.events

    context = server_context()
    with RawServer(silent, tls=context) as server:
        connecting, connected, securing, secured = world.run(body)
    assert connecting[1] == {
        "host": "localhost",
        "port": server.port,
        "local_address": "127.0.0.1",
        "timeout": pytest.approx(7.0, abs=1.0),
        "socket_options": ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),),
    }
    assert hasattr(connected[1]["return_value"], "get_extra_info")
    assert isinstance(securing[1]["ssl_context"], ssl.SSLContext)
    assert securing[1]["server_hostname"] == "127.0.0.1"
    assert 0 < securing[1]["timeout"] <= 7.0
    assert secured[1]["return_value"].get_extra_info("ssl_object") is not None


def test_a_failure_is_told(world: World) -> None:
    """The event of a failed step holds the very exception that is raised; a retry shows what was asked for before it."""

    async def body() -> None:
        told = Told(world)
        with pytest.raises(ConnectError) as caught:
            await dial(world, told, route(b"http", port), retries=1)
        assert told.events[-1] == ("connection.connect_tcp.failed", {"exception": caught.value})
        assert told.events[2] == ("connection.retry.started", told.events[0][1])
        assert told.events[3] == ("connection.retry.complete", {"return_value": None})

    with refusing_port() as port:
        world.run(body)


@pytest.mark.parametrize("event", [name for name, _ in of_dialing("https")])
def test_what_the_function_raises_ends_the_request(world: World, event: str) -> None:
    """An error of the program's function comes out as it is, and no connection stays open."""

    async def body() -> None:
        with pytest.raises(KeyError, match=event):
            await dial(world, Told(world, raise_at=event), route(b"https", server.port))
        await world.sleep0()

    # The watch over descriptors fails the test if one is left.
    with RawServer(silent, tls=server_context()) as server:
        world.run(body)
        server.errors[:] = [error for error in server.errors if not isinstance(error, OSError)]


def test_a_function_of_the_other_kind(world: World) -> None:
    """A plain function in an event loop, and an async one in blocking code, are told as the program's mistake."""

    def plain(name: str, info: dict[str, Any]) -> None: ...

    async def asynchronous(name: str, info: dict[str, Any]) -> None: ...

    async def body() -> None:
        wrong = Trace(plain if world.is_async else asynchronous, blocking=not world.is_async)
        with pytest.raises(TypeError, match="needs an async function" if world.is_async else "this one is async"):
            await wrong.tell("connection.connect_tcp.started", {})

    world.run(body)


def test_without_a_trace_nothing_is_called(world: World) -> None:
    """A request without the extension has no trace, and its steps do nothing."""

    async def body() -> None:
        assert trace_of({}, blocking=True) is None
        async with Step(None, "http11.send_request_headers", {}) as told:
            told.return_value = 1
        with pytest.raises(ConnectTimeout):
            async with Step(None, "http11.send_request_headers", {}):
                raise ConnectTimeout("too slow")

    world.run(body)
    assert trace_of({"trace": print}, blocking=True) is not None


def test_a_step_that_is_abandoned_is_not_told() -> None:
    """A coroutine that is closed in the middle of a step ends quietly: it can await nothing any more."""
    names: list[str] = []

    async def trace(name: str, info: dict[str, Any]) -> None:
        names.append(name)

    class Forever:
        def __await__(self) -> Iterator[None]:
            yield None

    async def body() -> None:
        async with Step(Trace(trace, blocking=False), "http11.receive_response_headers", {}):
            await Forever()

    coroutine = body()
    coroutine.send(None)
    coroutine.close()
    assert names == ["http11.receive_response_headers.started"]
