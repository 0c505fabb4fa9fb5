"""Which proxy a request goes through, by mounts and by the environment, on real sockets: who was asked, and with which secrets."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import borzoi
from tests.exchange.http_peers import Recorder, answer
from tests.worlds.certificates import authority, client_context, server_context
from tests.worlds.peers import RawServer
from tests.worlds.proxies import ScriptedProxy
from tests.worlds.world import WORLDS, World

VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    return WORLDS[request.param]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES), "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)


class Places(NamedTuple):
    """Two proxies in front of an origin behind TLS, and an origin that is reached without them."""

    first: ScriptedProxy
    second: ScriptedProxy
    direct: Recorder
    port: int

    def url(self, which: str) -> str:
        """Return the URL of a proxy, with credentials of its own."""
        return getattr(self, which).url.replace("://", f"://{which}:of%20{which}@")  # type: ignore[no-any-return]

    def went(self) -> dict[str, list[tuple[bytes, int]]]:
        """Return what each proxy was asked for, and how often the origin was asked without one."""
        return {
            "first": [(told.host, told.port) for told in self.first.told],
            "second": [(told.host, told.port) for told in self.second.told],
            "direct": [(asked.target, self.port) for asked in self.direct.asked],
        }


@pytest.fixture
def places() -> Iterator[Places]:
    """Two proxies, and an origin without one."""
    direct = Recorder()
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(RawServer(Recorder(), tls=server_context("origin.example", "localhost")))
        server = stack.enter_context(RawServer(direct))
        proxies = [ScriptedProxy("http", origin) for _ in range(2)]
        for proxy in proxies:
            stack.enter_context(proxy.server)
        yield Places(*proxies, direct, server.port)


def credentials(name: str) -> bytes:
    """Return the field that a proxy is told."""
    return b"Basic " + base64.b64encode(f"{name}:of {name}".encode())


def assert_no_secret_went_astray(places: Places) -> None:
    """Fail unless each proxy was told its own credentials, and the origin none."""
    for name, proxy in (("first", places.first), ("second", places.second)):
        assert {told.credentials for told in proxy.told} <= {credentials(name)}
    for asked in places.direct.asked:
        assert b"proxy-authorization" not in asked.headers


def client_of(world: World, **settings: Any) -> Any:
    """Return a client that looks at the environment."""
    return world.client(verify=client_context(), timeout=20, **settings)


def transport(world: World, url: str) -> Any:
    """Return a transport through a proxy."""
    kind = borzoi.AsyncHTTPTransport if world.is_async else borzoi.HTTPTransport
    return kind(proxy=url, verify=client_context())


def test_each_scheme_of_the_environment(world: World, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY and HTTPS_PROXY are for the origins' schemes, NO_PROXY for what goes without, each with its own secrets."""
    monkeypatch.setenv("HTTP_PROXY", places.url("first"))
    monkeypatch.setenv("https_proxy", places.url("second"))
    monkeypatch.setenv("NO_PROXY", "nothing.example, 127.0.0.0/8")

    async def body() -> None:
        async with client_of(world) as client:
            assert (await client.get("http://origin.example:81/a")).status_code == 200
            assert (await client.get("https://origin.example/b")).text == "/b"
            assert (await client.get(f"http://127.0.0.1:{places.port}/c")).text == "/c"

    world.run(body)
    assert places.went() == {
        "first": [(b"origin.example", 81)],
        "second": [(b"origin.example", 443)],
        "direct": [(b"/c", places.port)],
    }
    assert_no_secret_went_astray(places)


@pytest.mark.parametrize(
    ("excluded", "is_direct"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:{port}", True),
        ("127.0.0.1:1", False),
        ("127.0.0.0/8", True),
        ("128.0.0.0/8", False),
        ("*", True),
        ("http://127.0.0.1", True),
        ("https://127.0.0.1", False),
        ("a.example  127.0.0.1", True),
        ("localhost", False),
        ("27.0.0.1", False),
    ],
)
def test_no_proxy(places: Places, monkeypatch: pytest.MonkeyPatch, excluded: str, is_direct: bool) -> None:
    """What NO_PROXY names is asked without the proxy that ALL_PROXY names, and nothing else is."""
    monkeypatch.setenv("ALL_PROXY", places.url("first"))
    monkeypatch.setenv("no_proxy", excluded.format(port=places.port))
    with borzoi.Client(timeout=20) as client:
        assert client.get(f"http://127.0.0.1:{places.port}/c").status_code == 200
    assert places.went()["direct"] == ([(b"/c", places.port)] if is_direct else [])
    assert places.went()["first"] == ([] if is_direct else [(b"127.0.0.1", places.port)])
    assert_no_secret_went_astray(places)


def test_the_environment_is_left_alone(world: World, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """`trust_env=False`, a `transport=` and a CGI program's HTTP_PROXY keep the environment's proxies out."""
    monkeypatch.setenv("HTTP_PROXY", places.url("first"))
    url = f"http://127.0.0.1:{places.port}/c"
    kind = borzoi.AsyncHTTPTransport if world.is_async else borzoi.HTTPTransport

    async def body() -> None:
        for settings in ({"trust_env": False}, {"transport": kind()}):
            async with world.client(timeout=20, **settings) as client:
                assert (await client.get(url)).text == "/c"
        # "httpoxy": this HTTP_PROXY may be a header of whoever calls the program.
        monkeypatch.setenv("REQUEST_METHOD", "GET")
        async with client_of(world) as client:
            assert (await client.get(url)).text == "/c"

    world.run(body)
    assert places.went() == {"first": [], "second": [], "direct": [(b"/c", places.port)] * 3}


def test_mounts_go_before_the_environment(world: World, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount for a pattern of the environment replaces its proxy; a more specific pattern decides, wherever it is from."""
    monkeypatch.setenv("ALL_PROXY", places.url("first"))

    async def body() -> None:
        mounts = {"all://origin.example": transport(world, places.url("second")), "all://127.0.0.1": None}
        async with client_of(world, mounts=mounts) as client:
            for host in ("origin.example:81", "other.example:82", f"127.0.0.1:{places.port}"):
                assert (await client.get(f"http://{host}/")).status_code == 200
        async with client_of(world, mounts={"all://": transport(world, places.url("second"))}) as client:
            assert (await client.get("http://third.example:83/")).status_code == 200

    world.run(body)
    assert places.went() == {
        "first": [(b"other.example", 82)],
        "second": [(b"origin.example", 81), (b"third.example", 83)],
        "direct": [(b"/", places.port)],
    }
    assert_no_secret_went_astray(places)


def test_the_most_specific_mount_decides(world: World, places: Places) -> None:
    """A pattern with a port goes before one with a host, that before one with a scheme; None is no proxy."""

    async def body() -> None:
        mounts = {
            "http://": transport(world, places.url("first")),
            "all://*.example": transport(world, places.url("second")),
            "all://special.example": transport(world, places.url("first")),
            f"all://*:{places.port}": None,
        }
        async with world.client(mounts=mounts, trust_env=False, timeout=20) as client:
            for url in ("http://plain:83/", "http://a.example:84/", "http://special.example:85/"):
                assert (await client.get(url)).status_code == 200
            assert (await client.get(f"http://127.0.0.1:{places.port}/c")).text == "/c"

    world.run(body)
    assert places.went() == {
        "first": [(b"plain", 83), (b"special.example", 85)],
        "second": [(b"a.example", 84)],
        "direct": [(b"/c", places.port)],
    }
    assert_no_secret_went_astray(places)


def test_a_redirect_around_a_proxy_of_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect from a host behind a proxy to one of NO_PROXY is followed without the proxy, and without its secrets."""
    direct = Recorder()

    async def body() -> None:
        async with client_of(world, follow_redirects=True) as client:
            response = await client.get("http://origin.example/")
            assert (response.text, len(response.history)) == ("/end", 1)

    with RawServer(direct) as elsewhere:
        there = b"Location: http://127.0.0.1:%d/end" % elsewhere.port
        redirecting = Recorder(lambda asked: answer(b"", there, status=b"302 Found"))
        with RawServer(redirecting) as server:
            monkeypatch.setenv("HTTP_PROXY", server.url.replace("://", "://user:pass5@"))
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            world.run(body)
    assert [asked.target for asked in redirecting.asked] == [b"http://origin.example/"]
    assert b"proxy-authorization" in redirecting.asked[0].headers
    (asked,) = direct.asked
    assert b"proxy-authorization" not in asked.headers
    assert b"pass5" not in asked.head


def test_a_certificate_of_the_environment(world: World, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The origin behind a proxy of the environment is verified by SSL_CERT_FILE, unless the environment is left alone."""

    async def body() -> None:
        kind = borzoi.AsyncClient if world.is_async else world.client
        async with kind(timeout=20) as client:
            assert (await client.get("https://origin.example/here")).text == "/here"
        async with kind(timeout=20, trust_env=False, proxy=places.url("second")) as client:
            with pytest.raises(borzoi.ConnectError, match=r"(?i)certificate.verify"):
                await client.get("https://origin.example/here")

    with authority().cert_pem.tempfile() as bundle:
        monkeypatch.setenv("SSL_CERT_FILE", bundle)
        monkeypatch.setenv("HTTPS_PROXY", places.url("first"))
        world.run(body)
    assert len(places.first.told) == len(places.second.told) == 1
