"""Connecting, in every world: which address is taken, what is said when none answers, and how names are looked up."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from borzoi._backends.base import ConnectOptions
from borzoi._backends.sockets import open_socket
from borzoi._errors import ConnectError, ConnectTimeout

from .dialing import PLAIN, read_exactly, settle
from .peers import IN_TIME, RawServer, black_hole, echo, refusing_port, saying
from .world import World

Answers = list[str] | BaseException | threading.Event


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answers]:
    """The system's name service: names with their addresses, an error to raise, or an event to hang until."""
    known: dict[str, Answers] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        answer = known.get(host)
        if answer is None:
            return real(host, port, *args, **kwargs)
        if isinstance(answer, threading.Event):
            assert answer.wait(20), "nobody ended the lookup"
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if isinstance(answer, BaseException):
            raise answer
        return [entry for address in answer for entry in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


async def _hello(world: World, host: str, port: int, options: ConnectOptions = PLAIN) -> bytes:
    stream = await world.backend().connect_tcp(host, port, 10, options)
    data = await read_exactly(stream, 5)
    stream.close()
    await world.sleep0()
    return data


def test_a_connection_that_is_on_its_way(world: World) -> None:
    """A socket is told of that is connected by now, one that was refused, and none before its time."""

    async def body() -> None:
        backend: Any = world.backend()
        started = [open_socket((socket.AF_INET, ("127.0.0.1", port)), PLAIN) for port in (server.port, refusing, hole)]
        try:
            for sock, port in zip(started, (server.port, refusing, hole), strict=True):
                assert sock.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
            assert list(await backend.wait_connected(started[:1], 10)) == started[:1]
            assert list(await backend.wait_connected(started[1:2], 10)) == started[1:2]
            assert list(await backend.wait_connected(started[2:], 0.01)) == []
        finally:
            for sock in started:
                backend.forget(sock)
                sock.close()
        await world.sleep0()

    with RawServer(echo) as server, refusing_port() as refusing, black_hole() as hole:
        world.run(body)


def test_a_unix_socket(world: World, tmp_path: object) -> None:
    """A stream over a Unix socket carries bytes both ways."""
    with RawServer(echo, path=f"{tmp_path}/peer") as server:

        async def body() -> bytes:
            stream = await world.backend().connect_unix(f"{tmp_path}/peer", 5, PLAIN)
            await stream.write(b"x" * 50_000, 5)
            data = await read_exactly(stream, 50_000)
            stream.close()
            await world.sleep0()
            return data

        assert world.run(body) == b"x" * 50_000
        assert server.connections


def test_a_unix_socket_that_is_not_there(world: World, tmp_path: object) -> None:
    """A path without a socket is a ConnectError that names it."""

    async def body() -> None:
        with pytest.raises(ConnectError, match=r"Could not connect to .*nowhere: .*No such file"):
            await world.backend().connect_unix(f"{tmp_path}/nowhere", 5, PLAIN)

    world.run(body)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_lookup(world: World, host: str, names: dict[str, Answers]) -> None:
    """An IP literal is connected to without asking for a name."""
    names["localhost"] = LookupError("nobody may ask")
    with RawServer(saying(b"hello"), host=host) as server:
        assert world.run(_hello, world, host, server.port) == b"hello"


def test_a_name_is_looked_up(world: World, names: dict[str, Answers]) -> None:
    """A name is looked up and its address connected to."""
    names["peer.test"] = ["127.0.0.1"]
    with RawServer(saying(b"hello")) as server:
        assert world.run(_hello, world, "peer.test", server.port) == b"hello"


def test_addresses_alternate_between_families(world: World, names: dict[str, Answers]) -> None:
    """The addresses of a name are tried by turns from each family, without doubles (RFC 8305, section 4)."""
    names["peer.test"] = ["::1", "127.0.0.1", "127.0.0.2", "127.0.0.1"]

    async def body() -> list[str]:
        return [address[0] for _, address in await world.backend().resolve("peer.test", 80, 5)]

    assert world.run(body) == ["::1", "127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize("first", ["refused", "black hole"])
def test_the_next_address_is_tried(world: World, names: dict[str, Answers], first: str) -> None:
    """An address that refuses costs nothing, one that does not answer a quarter of a second."""
    names["peer.test"] = ["127.0.0.2", "127.0.0.1"]
    with RawServer(saying(b"hello")) as server:
        peer = refusing_port if first == "refused" else black_hole
        with peer("127.0.0.2", server.port):
            started = time.monotonic()
            assert world.run(_hello, world, "peer.test", server.port) == b"hello"
            took = time.monotonic() - started

    assert took < IN_TIME
    assert first == "refused" or took > 0.24


def test_the_last_address_is_reached(world: World, names: dict[str, Answers]) -> None:
    """One address that does not answer and one that refuses do not keep the third from being taken."""
    names["peer.test"] = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
    with RawServer(saying(b"hello")) as server, black_hole("127.0.0.2", server.port):
        with refusing_port("127.0.0.3", server.port):
            assert world.run(_hello, world, "peer.test", server.port) == b"hello"


def test_every_address_that_failed_is_named(world: World, names: dict[str, Answers]) -> None:
    """When all addresses fail, the error names the peer, and each address with its reason."""
    names["peer.test"] = ["127.0.0.2", "127.0.0.1"]
    with refusing_port("127.0.0.1") as port, refusing_port("127.0.0.2", port):

        async def body() -> None:
            with pytest.raises(ConnectError) as caught:
                await world.backend().connect_tcp("peer.test", port, 5, PLAIN)
            assert str(caught.value) == (
                f"Could not connect to peer.test:{port}: [Errno 111] Connection refused (127.0.0.2); "
                "[Errno 111] Connection refused (127.0.0.1)"
            )

        world.run(body)


def test_a_timeout_names_what_failed_before(world: World, names: dict[str, Answers]) -> None:
    """When one address refuses and another never answers, the ConnectTimeout names the one that refused."""
    names["peer.test"] = ["127.0.0.2", "127.0.0.1"]
    with black_hole("127.0.0.1") as port, refusing_port("127.0.0.2", port):

        async def body() -> None:
            with pytest.raises(ConnectTimeout, match=r"within 0\.05 s \(\[Errno 111\] Connection refused"):
                await world.backend().connect_tcp("peer.test", port, 0.05, PLAIN)

        world.run(body)


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        UnicodeError("label too long"),
        LookupError("lookups are forbidden here"),
    ],
)
def test_a_name_that_is_not_found(world: World, names: dict[str, Answers], error: Exception) -> None:
    """A failed lookup, whatever it raises, is a ConnectError that names the host, the port and the cause."""
    names["peer.test"] = error

    async def body() -> None:
        with pytest.raises(ConnectError) as caught:
            await world.backend().connect_tcp("peer.test", 80, 5, PLAIN)
        assert str(caught.value) == f"Could not connect to peer.test:80: {error}"

    world.run(body)


def test_a_name_without_addresses(world: World, names: dict[str, Answers]) -> None:
    """A lookup that finds nothing is a ConnectError."""
    names["peer.test"] = []

    async def body() -> None:
        with pytest.raises(ConnectError, match=r"peer.test:80: it has no address"):
            await world.backend().connect_tcp("peer.test", 80, 5, PLAIN)

    world.run(body)


def test_hanging_lookups_end_in_time(world: World, names: dict[str, Answers]) -> None:
    """Forty lookups that hang all end in a ConnectTimeout in time, and do not stand in the way of those that come later."""
    over = names["hangs.test"] = threading.Event()
    names["peer.test"] = ["127.0.0.1"]
    try:
        with RawServer(saying(b"hello")) as server:

            async def one() -> None:
                with pytest.raises(
                    ConnectTimeout, match=r"resolve the name to connect to hangs\.test:80 within 0\.05 s"
                ):
                    await world.backend().connect_tcp("hangs.test", 80, 0.05, PLAIN)

            async def body() -> bytes:
                started = time.monotonic()
                await world.gather(*[one] * 40)
                assert time.monotonic() - started < IN_TIME
                over.set()
                return await _hello(world, "peer.test", server.port)

            assert world.run(body) == b"hello"
    finally:
        over.set()


def test_a_cancelled_lookup_is_forgotten(async_world: World, names: dict[str, Answers]) -> None:
    """A lookup whose caller was cancelled answers nobody."""
    over = names["hangs.test"] = threading.Event()

    async def body() -> None:
        async with async_world.move_on_after(0.02) as scope:
            await async_world.backend().resolve("hangs.test", 80, None)
        assert scope.cancelled_caught
        over.set()
        await settle(async_world)

    try:
        async_world.run(body)
    finally:
        over.set()


HANGING = """
import socket, sys, threading
socket.getaddrinfo = lambda *args, **kwargs: threading.Event().wait()
from borzoi._backends.base import ConnectOptions
from borzoi._errors import ConnectTimeout
from tests.worlds.world import WORLDS
world = WORLDS[sys.argv[1]]

async def body():
    try:
        await world.backend().connect_tcp("hangs.test", 80, 0.05, ConnectOptions())
    except ConnectTimeout:
        print("in time")

world.run(body)
"""


def test_a_hanging_lookup_keeps_no_program_from_ending(world: World) -> None:
    """A program whose lookup never ends exits all the same."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING, world.name], capture_output=True, text=True, timeout=20, check=True
    )

    assert (done.stdout, done.stderr) == ("in time\n", "")


def test_a_local_address_and_options(world: World) -> None:
    """The socket is bound to the local address, and has the options, before it connects."""
    options = ConnectOptions(
        "127.0.0.7",
        [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.SOL_SOCKET, socket.SO_RCVBUF, b"\x00\x40\x00\x00")],
    )
    with RawServer(echo) as server:

        async def body() -> tuple[str, int, int]:
            stream = await world.backend().connect_tcp(server.host, server.port, 5, options)
            sock = stream.get_extra_info("socket")
            facts = (
                stream.get_extra_info("client_addr")[0],
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
            )
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            stream.close()
            await world.sleep0()
            return facts

        assert world.run(body) == ("127.0.0.7", 1, 2 * 16384)


def test_a_local_address_that_is_not_ours(world: World) -> None:
    """A local address that this machine does not have is a ConnectError that says so."""
    with RawServer(echo) as server:

        async def body() -> None:
            with pytest.raises(ConnectError, match="Cannot assign requested address"):
                await world.backend().connect_tcp(server.host, server.port, 5, ConnectOptions("192.0.2.1"))

        world.run(body)


def test_an_option_that_the_system_refuses(world: World, tmp_path: object) -> None:
    """A socket option that the system does not know is a ConnectError, over TCP and over a Unix socket."""
    options = ConnectOptions(socket_options=[(socket.SOL_SOCKET, 9999, 1)])
    with RawServer(echo) as server, RawServer(echo, path=f"{tmp_path}/peer"):

        async def body() -> None:
            with pytest.raises(ConnectError, match="Protocol not available"):
                await world.backend().connect_tcp(server.host, server.port, 5, options)
            with pytest.raises(ConnectError, match="Protocol not available"):
                await world.backend().connect_unix(f"{tmp_path}/peer", 5, options)

        world.run(body)
