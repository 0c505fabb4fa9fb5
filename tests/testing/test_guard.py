"""The network guard: what it refuses, what it lets pass, and what it says.

The guards of these tests refuse loopback; attempts to reach the outside are made in processes of their own, since the guard of
this suite would be the first to refuse them here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

import borzoi
from borzoi.testing.guard import Guard, NetworkBlocked, active_guard
from borzoi.testing.guard_rules import Allowed
from tests.worlds.peers import RawServer, silent

ESCAPES = Path(__file__).with_name("escapes.py")


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A listener on loopback."""
    with RawServer(silent) as server:
        yield server


def _escapes() -> dict[str, list[str]]:
    done = subprocess.run([sys.executable, str(ESCAPES)], capture_output=True, text=True, check=True, timeout=50)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_planted_escape_is_refused_and_noted() -> None:
    """Each way to the outside ends in a refusal, and each is among the hits with what it tried to reach."""
    escapes = _escapes()

    assert len(escapes) >= 30
    assert {name: outcome for name, outcome in escapes.items() if not outcome[0].startswith("refused")} == {}
    assert [name for name, outcome in escapes.items() if len(outcome) < 2] == []


def test_a_hit_tells_what_where_and_on_which_thread(server: RawServer) -> None:
    """A hit names what was tried, the line of the program, and a thread other than the main one."""
    with Guard() as guard:
        with pytest.raises(NetworkBlocked):
            socket.create_connection((server.host, server.port))
        thread = threading.Thread(target=_swallow, args=[server], name="other")
        thread.start()
        thread.join()

    first, second = map(str, guard.hits)
    assert first.startswith(f"connect to 127.0.0.1:{server.port} ({__file__}:")
    assert second.endswith(", on thread other)")
    assert server.connections == []


def _swallow(server: RawServer) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection((server.host, server.port))


def test_the_error_says_what_to_do(server: RawServer) -> None:
    """The text of the error names the target and the marker that allows it."""
    with Guard(), pytest.raises(NetworkBlocked) as caught:
        socket.create_connection((server.host, server.port))

    assert str(caught.value) == (
        f"The network guard does not let this test connect to 127.0.0.1:{server.port}. "
        f'Mock it, or allow it: @pytest.mark.http_allow("127.0.0.1:{server.port}").'
    )


def test_a_client_raises_its_own_error(server: RawServer) -> None:
    """A client of Borzoi tells of the refusal by a ConnectError that has the guard's words, in blocking code and in loops."""

    async def get() -> None:
        async with borzoi.AsyncClient(trust_env=False) as client:
            await client.get(server.url)

    with Guard() as guard, borzoi.Client(trust_env=False) as client:
        with pytest.raises(borzoi.ConnectError, match=r"not permitted|The network guard"):
            client.get(server.url)
        with pytest.raises(borzoi.ConnectError, match=r"not permitted|The network guard"):
            asyncio.run(get())
        with pytest.raises(borzoi.ConnectError, match=r"not permitted|The network guard"):
            trio.run(get)

    assert [hit.what for hit in guard.hits] == ["connect to"] * 3


@pytest.mark.parametrize(
    "allow", ["localhost", "127.0.0.1", "127.0.0.0/8", "{host}:{port}", "[::ffff:127.0.0.1]", "LOCALHOST."]
)
def test_what_is_allowed_passes(allow: str, server: RawServer) -> None:
    """A host, an address, a network, or a host with its port lets that pass, and is no hit."""
    with Guard(allow=[allow.format(host=server.host, port=server.port)]) as guard:
        socket.create_connection((server.host, server.port)).close()

    assert guard.hits == []


@pytest.mark.parametrize("allow", ["127.0.0.1:1", "10.0.0.0/8", "api.test", "::1", "[::1]:80", "*.test"])
def test_what_is_not_allowed_does_not(allow: str, server: RawServer) -> None:
    """Another port, another network, another name allow nothing. (`.test` has no addresses: RFC 6761, section 6.2.)"""
    with Guard(allow=[allow] if not allow.endswith("api.test") else ()) as guard, pytest.raises(NetworkBlocked):
        socket.create_connection((server.host, server.port))

    assert len(guard.hits) == 1


@pytest.mark.parametrize(
    "target", ["http://api.test", "10.0.0.1/8/9", "", "a b", "10.0.0.0/99", "user@host", "host:port"]
)
def test_what_is_no_target_is_refused(target: str) -> None:
    """What is no host, address or network raises ValueError that shows it."""
    with pytest.raises(ValueError, match="The network guard can"):
        Guard(allow=[target])


def test_a_mode_that_there_is_not_is_refused() -> None:
    """The error names the modes."""
    with pytest.raises(ValueError, match="strict, report, off, not 'lax'"):
        Guard("lax")


def test_reporting_lets_pass(server: RawServer) -> None:
    """In the mode "report" the attempt succeeds, and is a hit."""
    with Guard("report") as guard:
        socket.create_connection((server.host, server.port)).close()

    assert [hit.what for hit in guard.hits] == ["connect to"]


def test_the_innermost_guard_decides(server: RawServer) -> None:
    """A guard that is off inside of a strict one lets pass; afterwards the outer one stands again, and then none."""
    with Guard() as outer:
        with Guard("off") as inner:
            socket.create_connection((server.host, server.port)).close()
        assert active_guard() is outer
        with pytest.raises(NetworkBlocked):
            socket.create_connection((server.host, server.port))

    assert active_guard() is None
    assert inner.hits == []
    assert len(outer.hits) == 1


def test_allowing_more_while_it_stands(server: RawServer) -> None:
    """`allow()` opens a guard that stands."""
    with Guard() as guard:
        guard.allow(f"{server.host}:{server.port}")
        socket.create_connection((server.host, server.port)).close()

    assert guard.hits == []


def test_searching_for_a_name_is_a_lookup() -> None:
    """The name of an address is asked of the network, unless it is one of this machine's own."""
    # 0.0.0.0 names no host (RFC 6890): the guard of this suite lets it pass, and that of the test does not.
    with Guard() as guard:
        with pytest.raises(NetworkBlocked, match=r"look up the name of 0\.0\.0\.0\. Mock it"):
            socket.getnameinfo(("0.0.0.0", 80), socket.NI_NUMERICHOST)
        with pytest.raises(NetworkBlocked, match=r"look up the name of 0\.0\.0\.0"):
            socket.gethostbyaddr("0.0.0.0")
        assert socket.gethostbyaddr("127.0.0.1")[2] == ["127.0.0.1"]

    assert len(guard.hits) == 2
    with Guard(allow=["0.0.0.0"]) as guard:
        assert socket.getnameinfo(("0.0.0.0", 80), socket.NI_NUMERICHOST)
    assert guard.hits == []


def test_what_is_no_network_passes(tmp_path: Path) -> None:
    """Unix sockets, pairs of sockets, a running loop, literal addresses, `localhost` as a name, and listening are no escape."""
    path = str(tmp_path / "socket")
    with Guard() as guard:
        with RawServer(silent, path=path), socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
        for one in socket.socketpair():
            one.close()
        asyncio.run(asyncio.wait_for(_turn(), 5))
        assert socket.getaddrinfo("192.0.2.1", 80)
        assert socket.getaddrinfo("localhost", 80)
        assert socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0] == "127.0.0.1"

    assert guard.hits == []


async def _turn() -> None:
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)


def test_a_pair_made_of_a_connection_passes(server: RawServer) -> None:
    """Where the system has no pairs of sockets, the standard library connects one to the other: every loop does so."""
    code = compile("def socketpair(sock, address):\n    sock.connect(address)", socket.__file__, "exec")
    names: dict[str, Callable[..., None]] = {}
    exec(code, names)
    with Guard() as guard, socket.socket() as sock:
        names["socketpair"](sock, (server.host, server.port))

    assert guard.hits == []


def test_uvloop_reaches_what_is_allowed(server: RawServer) -> None:
    """Under uvloop a connection, a lookup and a datagram to what is allowed succeed, and so do they without a guard."""
    with Guard(allow=["localhost"]) as guard:
        assert _uvloop(server) == b"hello"
    assert _uvloop(server) == b"hello"
    assert guard.hits == []


def _uvloop(server: RawServer) -> bytes:
    import uvloop

    async def use() -> bytes:
        loop = asyncio.get_running_loop()
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.close()
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, (server.host, server.port))
        sock.close()
        assert await loop.getaddrinfo("127.0.0.1", 80)
        assert await loop.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
        return await _datagram(loop)

    return uvloop.run(use())


async def _datagram(loop: asyncio.AbstractEventLoop) -> bytes:
    received: asyncio.Future[bytes] = loop.create_future()

    class Receiver(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            received.set_result(data)

    receiver, protocol = await loop.create_datagram_endpoint(Receiver, ("127.0.0.1", 0))
    assert isinstance(protocol, Receiver)
    sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0))
    connected, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=receiver.get_extra_info("sockname")
    )
    sender.sendto(b"hello", receiver.get_extra_info("sockname"))
    data = await received
    for transport in (receiver, sender, connected):
        transport.close()
    return data


def test_uvloop_is_refused_here(server: RawServer) -> None:
    """Under uvloop a connection and a datagram to loopback are refused, and noted."""
    import uvloop

    async def use() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(NetworkBlocked):
            await asyncio.open_connection(server.host, server.port)
        with pytest.raises(NetworkBlocked), socket.socket() as sock:
            await loop.sock_connect(sock, (server.host, server.port))
        with pytest.raises(NetworkBlocked):
            await loop.getaddrinfo("name.invalid", 80)
        sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0))
        with pytest.raises(NetworkBlocked):
            sender.sendto(b"x", (server.host, 9))
        sender.close()
        with pytest.raises(NetworkBlocked):
            await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(server.host, 9))
        with pytest.raises(NetworkBlocked):
            await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("name.invalid", 0))
        with pytest.raises(NetworkBlocked):
            await loop.create_server(asyncio.Protocol, ["127.0.0.1", "name.invalid"], 0)
        (await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)).close()

    with Guard() as guard:
        uvloop.run(use())

    assert [hit.what for hit in guard.hits] == [
        "connect to",
        "connect to",
        "look up",
        "send a datagram to",
        "send a datagram to",
        "look up",
        "look up",
    ]


def _resolve(name: str, _: None) -> list[tuple[object, ...]]:
    if name != "api.test":
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.7", 0))]


@pytest.mark.parametrize("target", ["api.test", "*.test", "API.test.:80"])
def test_the_addresses_of_an_allowed_name_may_be_reached(target: str) -> None:
    """Once a name that is allowed was looked up, its addresses are allowed: they are all that connecting tells."""
    allowed = Allowed([target], _resolve)

    assert not allowed.may_look_up("api.example")
    assert allowed.may_look_up("api.test")
    assert allowed.reaches("api.test", 80)
    assert allowed.reaches("192.0.2.7", 80)
    assert not allowed.reaches("192.0.2.1", 80)


def test_an_address_that_was_known_before() -> None:
    """A program may remember the addresses of an allowed name from before the guard stood; other names help nothing."""
    assert Allowed(["gone.test", "api.test"], _resolve).reaches("192.0.2.7", 80)
    assert not Allowed(["*.test", "gone.test"], _resolve).reaches("192.0.2.7", 80)


def test_a_refusal_can_be_pickled() -> None:
    """A refusal crosses to another process with its text, and the number of "not permitted"."""
    error = pickle.loads(pickle.dumps(NetworkBlocked("no")))

    assert (type(error), str(error), error.errno) == (NetworkBlocked, "no", errno.EPERM)


def test_nothing_is_installed_without_a_guard() -> None:
    """Importing the guard installs no hook, and a guard that is off installs none."""
    script = (
        "import sys; added = []; sys.addaudithook = added.append\n"
        "from borzoi.testing.guard import Guard\n"
        "with Guard('off'): pass\n"
        "assert not added and 'uvloop' not in sys.modules\n"
        "with Guard(): pass\n"
        "with Guard(): pass\n"
        "assert len(added) == 1"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
