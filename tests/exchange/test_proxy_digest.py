"""54, R7: proxies that ask for Digest authentication (RFC 7616), in front of tunnels and of forwarded requests, in every world."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import pytest

import borzoi
from borzoi import DigestAuth, Limits, Proxy, Timeout
from borzoi._backends.memory import MemoryBackend
from borzoi._exchange.challenged_pool import ChallengedPool
from borzoi._exchange.dial import Dialer
from borzoi._exchange.pool import Pool
from borzoi._run_blocking import run_blocking
from tests.exchange.cancelling import Patience
from tests.exchange.http_peers import (
    Asked,
    Reader,
    Recorder,
    answer,
    assert_whole,
    echo_target,
    http,
    network_client,
    without_delay,
)
from tests.exchange.test_cancellation import get, sweep
from tests.worlds.certificates import client_context, server_context
from tests.worlds.peers import LIMIT, RawServer, silent
from tests.worlds.proxies import relay
from tests.worlds.world import World

PARAMETER = re.compile(r'([a-z]+)=(?:"([^"]*)"|([^ ,]+))')


def hashed(*parts: str) -> str:
    """Return the SHA-256 of some parts with colons between them."""
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


class DigestProxy:
    """A proxy that asks for Digest credentials, checks them, and then opens tunnels or answers requests itself.

    `keeps` is whether a connection goes on after a challenge, `refusal` the body that comes with one. Each nonce serves
    `uses` times; `announces` has each good answer name the next nonce. `challenging` is called ahead of a challenge.
    """

    def __init__(
        self,
        origin: RawServer | None = None,
        *,
        keeps: bool = True,
        refusal: bytes = b"who are you?",
        uses: int = 1000,
        announces: bool = False,
        tls: bool = False,
        challenging: Callable[[], None] = lambda: None,
    ) -> None:
        self._origin = origin
        self._keeps = keeps
        self._refusal = refusal
        self._uses = uses
        self._announces = announces
        self._challenging = challenging
        self._lock = threading.Lock()
        self._counts = {"nonce0": 0}
        self._used: set[tuple[str, str]] = set()
        self.connections: list[list[Asked]] = []
        self.server = RawServer(self, tls=server_context() if tls else None)

    def __call__(self, sock: socket.socket) -> None:
        without_delay(sock)
        reader = Reader(sock)
        asked_here: list[Asked] = []
        self.connections.append(asked_here)
        while (asked := reader.request()) is not None:
            asked_here.append(asked)
            with self._lock:
                is_known, info = self._check(asked)
            if not is_known:
                self._challenging()
                sock.sendall(self._challenge(asked))
                if not self._keeps:
                    return
            elif asked.method == b"CONNECT":
                sock.sendall(b"HTTP/1.1 200 OK\r\n" + b"".join(line + b"\r\n" for line in info) + b"\r\n")
                assert self._origin is not None
                with socket.create_connection((self._origin.host, self._origin.port), LIMIT) as origin:
                    relay(sock, origin)
                return
            else:
                sock.sendall(answer(asked.target + b" " + asked.body, *info))

    def _check(self, asked: Asked) -> tuple[bool, list[bytes]]:
        scheme, _, rest = asked.headers.get(b"proxy-authorization", b"").decode().partition(" ")
        given = {name: quoted or plain for name, quoted, plain in PARAMETER.findall(rest)}
        latest = f"nonce{len(self._counts) - 1}"
        if scheme != "Digest" or given["nonce"] != latest:
            return False, []
        self._counts[latest] += 1
        if self._counts[latest] > self._uses:
            self._counts[f"nonce{len(self._counts)}"] = 0
            return False, []
        assert given["uri"] == asked.target.decode(), "the answer is for another target"
        # One that was cancelled on its way is left out.
        assert (latest, given["nc"]) not in self._used, "a count is used twice"
        self._used.add((latest, given["nc"]))
        secret = hashed("user", "the proxy", "pass5")
        proof = hashed(
            secret, latest, given["nc"], given["cnonce"], "auth", hashed(asked.method.decode(), given["uri"])
        )
        if given["response"] != proof:
            return False, []
        if not self._announces:
            return True, []
        following = f"nonce{len(self._counts)}"
        self._counts[following] = 0
        return True, [b'Proxy-Authentication-Info: nextnonce="%b"' % following.encode()]

    def _challenge(self, asked: Asked) -> bytes:
        stale = b", stale=true" if b"proxy-authorization" in asked.headers else b""
        nonce = f"nonce{len(self._counts) - 1}".encode()
        fields = [
            b'Proxy-Authenticate: Basic realm="the proxy"',
            b'Proxy-Authenticate: Digest realm="the proxy", nonce="%b", algorithm=SHA-256, qop="auth"%b'
            % (nonce, stale),
        ]
        if not self._keeps:
            fields.append(b"Connection: close")
        return answer(self._refusal, *fields, status=b"407 Proxy Authentication Required")

    @property
    def asked(self) -> list[Asked]:
        """All requests."""
        return [asked for connection in self.connections for asked in connection]


def via(server: RawServer, password: str = "pass5") -> Proxy:
    """Return the proxy as a client is given it."""
    is_tls = server.url.startswith("https")
    return Proxy(server.url, auth=DigestAuth("user", password), ssl_context=client_context() if is_tls else None)


class Origin(NamedTuple):
    """An origin behind TLS: what it was asked, and where it is."""

    recorder: Recorder
    server: RawServer


@pytest.fixture
def origin() -> Iterator[Origin]:
    """An origin behind TLS."""
    recorder = Recorder()
    with RawServer(recorder, tls=server_context("origin.example", "other.example")) as server:
        yield Origin(recorder, server)


def tunnelling_client(world: World, proxy: Proxy, **more: Any) -> Any:
    """Return a client whose requests to https:// go through the proxy."""
    return network_client(world, proxy=proxy, verify=client_context(), **{"client": {"timeout": 20}, **more})


CLOSING: dict[str, dict[str, Any]] = {
    "keeps": {},
    "keeps, without a body": {"refusal": b""},
    "closes": {"keeps": False},
    "keeps, after a long body": {"refusal": b"x" * 200_000},
    "TLS, keeps": {"tls": True},
    "TLS, closes": {"tls": True, "keeps": False},
}


@pytest.mark.parametrize("case", CLOSING)
def test_a_tunnel_behind_a_challenge(world: World, origin: Origin, case: str) -> None:
    """The challenge is answered over the connection it came by where the proxy keeps that, and else over a new one."""
    proxy = DigestProxy(origin.server, **CLOSING[case])

    async def body() -> None:
        async with tunnelling_client(world, via(proxy.server)) as client:
            assert (await client.get("https://origin.example/here")).text == "/here"
            assert_whole(client, idle=1)
            assert (await client.post("https://other.example/there", content=b"x")).text == "/there"
            assert_whole(client, idle=2)

    with proxy.server:
        world.run(body)
    targets = [[asked.target for asked in connection] for connection in proxy.connections]
    first, second = b"origin.example:443", b"other.example:443"
    stays = CLOSING[case].get("keeps", True) and len(CLOSING[case].get("refusal", b"")) < 100_000
    # The second tunnel is asked for with the answer at once.
    assert targets == ([[first, first], [second]] if stays else [[first], [first], [second]])
    assert len(origin.recorder.asked) == 2
    for asked in origin.recorder.asked:
        assert b"proxy-authorization" not in asked.headers


def test_a_wrong_password_for_a_tunnel(world: World) -> None:
    """An answer that is refused is a ProxyError that names the proxy, without a secret, and is not given again."""
    proxy = DigestProxy()

    async def body() -> None:
        async with tunnelling_client(world, via(proxy.server, "not-it")) as client:
            with pytest.raises(borzoi.ProxyError, match=r"^407 Proxy Authentication Required") as caught:
                await client.get("https://origin.example/")
            assert f"127.0.0.1:{proxy.server.port}, asked for origin.example:443" in str(caught.value)
            assert "not-it" not in str(caught.value)
            assert_whole(client, idle=0)

    with proxy.server:
        world.run(body)
    assert len(proxy.asked) == 2


def test_a_nonce_that_has_served(world: World, origin: Origin) -> None:
    """A proxy that wants a fresh nonce gets an answer for that one; one that names the next has it used at once."""

    async def body(proxy: DigestProxy, tunnels: int) -> None:
        limits = Limits(max_keepalive_connections=0)
        async with tunnelling_client(world, via(proxy.server), limits=limits) as client:
            for _ in range(tunnels):
                assert (await client.get("https://origin.example/here")).text == "/here"

    for proxy, asked in ((DigestProxy(origin.server, uses=2), 6), (DigestProxy(origin.server, announces=True), 4)):
        with proxy.server:
            world.run(body, proxy, 3 if proxy._announces else 4)
        assert len(proxy.asked) == asked


REFUSALS: dict[str, tuple[bytes, str]] = {
    "Basic only": (b'Proxy-Authenticate: Basic realm="x"', "^407 Proxy Authentication Required"),
    "no challenge": (b"X: y", "^407 Proxy Authentication Required"),
    "no nonce": (b'Proxy-Authenticate: Digest realm="x"', "^407 .*: Malformed Digest Proxy-Authenticate header"),
    "unknown algorithm": (
        b'Proxy-Authenticate: Digest realm="x", nonce="y", algorithm=ROT13',
        "^407 .*: Unsupported digest auth algorithm 'ROT13'",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_challenge_that_cannot_be_answered(world: World, case: str) -> None:
    """A challenge that there is no answer to is a ProxyError that says so and names the proxy, over one connection."""
    field, match = REFUSALS[case]

    def refuses(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(answer(b"no", field, status=b"407 Proxy Authentication Required"))
        silent(sock)

    async def body() -> None:
        async with tunnelling_client(world, via(server)) as client:
            with pytest.raises(borzoi.ProxyError, match=match) as caught:
                await client.get("https://origin.example/")
            assert f"127.0.0.1:{server.port}" in str(caught.value)
            assert_whole(client, idle=0)

    with RawServer(refuses) as server:
        world.run(body)
        assert len(server.connections) == 1


CHALLENGE = b'Proxy-Authenticate: Digest realm="x", nonce="y", qop="auth"\r\n'


HALF = b"HTTP/1.1 407 No\r\nContent-Length: 10\r\n" + CHALLENGE + b"\r\nhalf"


def test_a_challenge_that_is_cut_short(world: World) -> None:
    """A body of a challenge that is cut short is a ProxyError that names the proxy."""

    def breaks(sock: socket.socket) -> None:
        Reader(sock).head()
        sock.sendall(HALF)

    async def body() -> None:
        async with tunnelling_client(world, via(server)) as client:
            with pytest.raises(borzoi.ProxyError, match=f"The proxy 127.0.0.1:{server.port} broke the tunnel"):
                await client.get("https://origin.example/")
            assert_whole(client, idle=0)

    with RawServer(breaks) as server:
        world.run(body)


def test_a_challenge_that_stalls() -> None:
    """In memory: a body of a challenge that does not end is a ConnectTimeout that names the proxy, in time."""
    backend = MemoryBackend(lambda host, port: lambda data: [HALF] if data else [])
    proxy = Proxy("http://proxy:3128", auth=DigestAuth("user", "pass5"))
    transport = borzoi.HTTPTransport(backend=backend, proxy=proxy)
    with borzoi.Client(transport=transport, timeout=Timeout(10, connect=3)) as client:
        with pytest.raises(borzoi.ConnectTimeout, match=r"The proxy proxy:3128 did not open the tunnel"):
            client.get("https://origin.example/")
    assert backend.now() == 3
    assert backend.streams[0].closed


def test_a_challenge_that_ends_with_its_connection(world: World, origin: Origin) -> None:
    """A challenge whose body is as long as its connection is answered over a new one, without waiting for that end."""
    good = DigestProxy(origin.server)
    first: list[Asked] = []

    def serve(sock: socket.socket) -> None:
        if first:
            good(sock)
            return
        asked = Reader(sock).head()
        assert asked is not None
        first.append(asked)
        challenge = good._challenge(asked).replace(b"Content-Length: 12\r\n", b"")
        sock.sendall(challenge)
        silent(sock)

    async def body() -> None:
        async with tunnelling_client(world, via(server)) as client:
            assert (await client.get("https://origin.example/here")).text == "/here"

    with good.server, RawServer(serve) as server:
        world.run(body)
        assert len(server.connections) == 2
    assert len(good.asked) == 1


@pytest.mark.parametrize("keeps", [True, False], ids=["keeps", "closes"])
def test_a_challenged_tunnel_cancelled_wherever_it_waits(async_world: World, keeps: bool) -> None:
    """Cancelled at any point of the way through a challenge, a request leaves nothing behind, and the next succeeds."""
    world = async_world
    patience = Patience()

    def respond(asked: Asked) -> bytes:
        patience.hold()
        return echo_target(asked)

    async def ask(client: Any, url: str) -> Any:
        return await patience.asked(get(client, url))

    async def body() -> int:
        limits = Limits(max_connections=1, max_keepalive_connections=0)
        async with tunnelling_client(world, via(proxy.server), limits=limits) as client:
            return await sweep(world, client, "https://origin.example/", ask)

    with RawServer(http(respond), tls=server_context("origin.example")) as origin:
        proxy = DigestProxy(origin, keeps=keeps, uses=1, challenging=patience.hold)
        with proxy.server:
            # How many of the proxy's answers are there before they are waited for is chance.
            assert world.run(body) >= 2


# Forwarded requests.


class PoolTransport(borzoi.BaseTransport):
    """Send through a pool."""

    def __init__(self, pool: Pool) -> None:
        self._sender = pool

    def handle_request(self, request: borzoi.Request) -> borzoi.Response:
        return run_blocking(self._sender.send(request))

    def close(self) -> None:
        self._sender.close()


class AsyncPoolTransport(borzoi.AsyncBaseTransport):
    """Send through a pool."""

    def __init__(self, pool: Pool) -> None:
        self._sender = pool

    async def handle_async_request(self, request: borzoi.Request) -> borzoi.Response:
        return await self._sender.send(request)

    async def aclose(self) -> None:
        self._sender.close()


def forwarding_client(world: World, proxy: Proxy) -> Any:
    """Return a client whose requests to http:// go to the proxy. Called inside of a run."""
    dialer = Dialer(context=client_context, proxy=proxy, proxy_context=client_context)
    pool = ChallengedPool(world.backend(), dialer, Limits(), blocking=not world.is_async)
    transport: Any = AsyncPoolTransport(pool) if world.is_async else PoolTransport(pool)
    return world.client(transport=transport, timeout=20)


@pytest.mark.parametrize("case", CLOSING)
def test_forwarding_behind_a_challenge(world: World, case: str) -> None:
    """A request that is challenged is sent again with the answer for its method and URL; later ones carry it at once."""
    proxy = DigestProxy(**CLOSING[case])

    async def body() -> None:
        async with forwarding_client(world, via(proxy.server)) as client:
            response = await client.get("http://origin.example:81/a?b=c")
            assert (response.status_code, response.text) == (200, "http://origin.example:81/a?b=c ")
            assert "proxy-authorization" not in response.request.headers
            response = await client.post("http://origin.example:81/d", content=b"body")
            assert response.text == "http://origin.example:81/d body"
            assert_whole(client, idle=1)

    with proxy.server:
        world.run(body)
    assert [asked.method for asked in proxy.asked] == [b"GET", b"GET", b"POST"]
    stays = CLOSING[case].get("keeps", True) and len(CLOSING[case].get("refusal", b"")) < 100_000
    assert len(proxy.connections) == (1 if stays else 2)


def test_a_body_behind_a_challenge(world: World) -> None:
    """A request with a body is sent again over another connection: the proxy may not have taken the body from the first."""
    proxy = DigestProxy()

    async def body() -> None:
        async with forwarding_client(world, via(proxy.server)) as client:
            response = await client.post("http://origin.example/a", content=b"body" * 50_000)
            assert response.text == "http://origin.example/a " + "body" * 50_000
            assert_whole(client, idle=1)

    with proxy.server:
        world.run(body)
    assert [len(connection) for connection in proxy.connections] == [1, 1]


def test_a_wrong_password_for_forwarding(world: World) -> None:
    """An answer that is refused makes the proxy's 407 the response, and its connection serves on."""
    proxy = DigestProxy()

    async def body() -> None:
        async with forwarding_client(world, via(proxy.server, "not-it")) as client:
            response = await client.get("http://origin.example/")
            assert (response.status_code, response.text) == (407, "who are you?")
            assert_whole(client, idle=1)

    with proxy.server:
        world.run(body)
    assert len(proxy.asked) == 2
    assert len(proxy.connections) == 1


def test_what_is_not_sent_again(world: World) -> None:
    """A body that is gone, or credentials of the program's own, make the proxy's 407 the response, after one request."""
    proxy = DigestProxy()

    async def body() -> None:
        async with forwarding_client(world, via(proxy.server)) as client:
            once = pieces if world.is_async else lambda: iter([b"once"])
            assert (await client.post("http://origin.example/", content=once())).status_code == 407
            # The challenge is known by now.
            assert (await client.post("http://origin.example/", content=once())).status_code == 200
            own = {"Proxy-Authorization": "Basic b3duOm93bg=="}
            assert (await client.get("http://origin.example/", headers=own)).status_code == 407
            assert_whole(client, idle=1)

    with proxy.server:
        world.run(body)
    assert len(proxy.asked) == 3


async def pieces() -> AsyncIterator[bytes]:
    """Give a body that can be sent once."""
    yield b"once"


@pytest.mark.parametrize("case", [*REFUSALS, "auth-int"])
def test_a_challenge_to_forwarding_that_cannot_be_answered(world: World, case: str) -> None:
    """A challenge that there is no answer to is the response, whatever is wrong with it."""
    covering = b'Proxy-Authenticate: Digest realm="x", nonce="y", qop="auth-int"'
    field = covering if case == "auth-int" else REFUSALS[case][0]
    recorder = Recorder(lambda asked: answer(b"no", field, status=b"407 Proxy Authentication Required"))

    async def body() -> None:
        async with forwarding_client(world, via(server)) as client:
            response = await client.get("http://origin.example/")
            assert (response.status_code, response.text) == (407, "no")
            assert_whole(client, idle=1)

    with RawServer(recorder) as server:
        world.run(body)
    assert all(b"proxy-authorization" not in asked.headers for asked in recorder.asked)


def test_a_challenge_to_forwarding_that_is_cut_short(world: World) -> None:
    """What becomes of the body of a challenge is of no concern: the answer goes over another connection."""
    proxy = DigestProxy()
    cut: list[Asked] = []

    def serve(sock: socket.socket) -> None:
        if cut:
            proxy(sock)
            return
        asked = Reader(sock).request()
        assert asked is not None
        cut.append(asked)
        sock.sendall(proxy._challenge(asked)[:-5])

    async def body() -> None:
        async with forwarding_client(world, via(server)) as client:
            assert (await client.get("http://origin.example/x")).text == "http://origin.example/x "

    with proxy.server, RawServer(serve) as server:
        world.run(body)
    assert len(proxy.asked) == 1


def test_tunnels_and_forwarding_share_what_the_proxy_asked_for(world: World, origin: Origin) -> None:
    """A challenge that was met on the way to one origin is answered at once on the way to all others."""
    proxy = DigestProxy(origin.server, announces=True)

    async def body() -> None:
        async with forwarding_client(world, via(proxy.server)) as client:
            for number in range(2):
                assert (await client.get("https://origin.example/here")).text == "/here"
                assert (await client.get(f"http://origin.example/{number}")).status_code == 200

    with proxy.server:
        world.run(body)
    assert [asked.method for asked in proxy.asked] == [b"CONNECT", b"CONNECT", b"GET", b"GET"]
    assert [b"proxy-authorization" in asked.headers for asked in proxy.asked] == [False, True, True, True]
