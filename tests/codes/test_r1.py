"""R1: no secret follows a redirect to another origin, or comes back with a later hop."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from borzoi import BasicAuth, Request, Response
from borzoi.testing import mock
from tests.client.conftest import World
from tests.exchange.http_peers import Asked, answer, http, network_client
from tests.worlds.peers import RawServer
from tests.worlds.proxies import proxying
from tests.worlds.world import WORLDS

HOME = "https://one.example"
STATUSES = (301, 302, 303, 307, 308)
ELSEWHERE = {
    "scheme": "http://one.example",
    "host": "https://two.example",
    "subdomain": "https://sub.one.example",
    "parent": "https://example",
    "port": "https://one.example:8443",
    "trailing dot": "https://one.example.",
    "scheme and port": "http://one.example:443",
    "another and its port": "https://two.example:8443",
    "an address": "https://127.0.0.1",
    "look-alike": "https://one.example.evil.example",
    "userinfo": "https://one.example@two.example",
}
SAME = {"host case": "https://ONE.example", "default port": "https://one.example:443", "relative": ""}
METHODS = ("GET", "POST")
SECRET = "hunter2"

GIVEN: dict[str, dict[str, Any]] = {
    "headers": {
        "headers": [
            ("Authorization", f"Bearer {SECRET}"),
            ("Proxy-Authorization", f"Basic {SECRET}"),
            ("Proxy-Authorization", f"Digest {SECRET}"),
            ("authorization", f"Basic {SECRET}"),
            ("Cookie", f"a={SECRET}"),
            ("X-Api-Key", SECRET),
            ("X-Api-Key", f"{SECRET}again"),
        ],
        "extensions": {"sensitive_headers": ["x-api-key"]},
    },
    "auth": {"auth": ("user", SECRET)},
    "function": {"auth": lambda request: _signed(request)},
}
OF_CLIENT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "auth": {"auth": BasicAuth(SECRET, SECRET)},
    "cookies": {"cookies": {"session": SECRET}},
    "headers": {"headers": {"Authorization": f"Bearer {SECRET}"}},
}


def _signed(request: Request) -> Request:
    request.headers["Authorization"] = f"Signature {SECRET}"
    return request


class Chain:
    """Redirect from home to elsewhere, and from there home again."""

    def __init__(self, status: int, elsewhere: str) -> None:
        self._locations = [f"{elsewhere}/second", f"{HOME}/third", None]
        self._status = status
        self.seen: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        location = self._locations[len(self.seen) - 1]
        return Response(200) if location is None else Response(self._status, headers={"Location": location})


def shown(request: Request) -> str:
    """Return all that a peer would see of a request but its body."""
    return f"{request.url!s} {request.headers.raw!r}"


@pytest.mark.parametrize("name", ["blocking", "asyncio"])
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_secret_goes_elsewhere_or_comes_back(elsewhere: str, name: str) -> None:
    """Whatever the secret, the status and the method: the second and the third request have none of it."""
    world = World(name)
    cells = 0
    for status, method, given, of_client in itertools.product(STATUSES, METHODS, GIVEN, OF_CLIENT):
        chain = Chain(status, ELSEWHERE[elsewhere])
        client = world.client(chain, follow_redirects=True, **OF_CLIENT[of_client])
        world.run(client.request, method, f"{HOME}/first", **GIVEN[given])
        first, second, third = chain.seen
        assert SECRET in shown(first) or "Basic" in shown(first)
        for request in (second, third):
            assert SECRET not in shown(request), (status, method, given, of_client)
            assert not {"authorization", "proxy-authorization", "cookie", "x-api-key"} & {*request.headers}
        cells += 1
    assert cells == 120


@pytest.mark.parametrize("same", SAME)
def test_secrets_stay_within_an_origin(same: str, world: World) -> None:
    """To the origin that they were meant for, secrets are sent again, however it is written."""
    for status in STATUSES:
        chain = Chain(status, SAME[same])
        client = world.client(chain, follow_redirects=True, cookies={"session": SECRET})
        world.run(client.get, f"{HOME}/first", headers={"Authorization": SECRET})
        for request in chain.seen:
            assert (request.headers["authorization"], request.headers["cookie"]) == (SECRET, f"session={SECRET}")


def test_what_was_meant_for_one_origin_stays_there(world: World) -> None:
    """The name for TLS and the target that a program gave are for its own request: no hop has them, nor one that comes back."""
    given = {"sni_hostname": "inside.example", "target": b"/inside"}
    for status in STATUSES:
        chain = Chain(status, "https://two.example")
        client = world.client(chain, follow_redirects=True)
        world.run(client.get, f"{HOME}/first", extensions=given)
        assert [sorted({*given} & {*request.extensions}) for request in chain.seen] == [[*given], [], []]


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
def test_a_test_sees_what_a_server_would(name: str, given: str) -> None:
    """Behind the mocks of `borzoi.testing` the same holds, so that a program's tests show what its requests give away."""
    world = WORLDS[name]

    async def body() -> None:
        with mock() as m:
            m.get(f"{HOME}/first").reply(302, headers={"Location": "https://two.example/second"})
            second = m.get("https://two.example/second").reply(307, headers={"Location": f"{HOME}/third"})
            third = m.get(f"{HOME}/third").reply(200)
            async with world.client(follow_redirects=True, cookies={"jar": SECRET}) as client:
                await client.get(f"{HOME}/first", **GIVEN[given])
            for call in (second.calls[0], third.calls[0]):
                assert SECRET not in shown(call.request)
                assert not {"authorization", "proxy-authorization", "cookie", "x-api-key"} & {*call.request.headers}

    world.run(body)


@pytest.mark.parametrize("by", ["direct", "http", "https", "socks5", "socks4a"])
@pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
def test_on_the_wire_by_every_way(by: str, name: str) -> None:
    """Directly, forwarded, or through a tunnel: the second origin is sent no secret of the first, nor of the proxy."""
    heads: list[bytes] = []

    def respond(asked: Asked) -> bytes:
        heads.append(asked.head)
        location = b"Location: http://two.test/second"
        return answer(b"", location, status=b"302 Found") if asked.target.endswith(b"/first") else answer()

    world = WORLDS[name]

    async def body(**settings: Any) -> None:
        arguments = {"client": {"follow_redirects": True, "timeout": 20, "cookies": {"jar": SECRET}}, **settings}
        async with network_client(world, **arguments) as client:
            await client.get("http://one.test/first", headers={"Authorization": SECRET})

    with RawServer(http(respond)) as origin:
        if by == "direct":
            world.run(_partial(body, resolver=lambda host, port: [("127.0.0.1", origin.port)]))
        else:
            _by_proxy(by, origin, respond, lambda **settings: world.run(_partial(body, **settings)))
    assert len(heads) == 2
    assert SECRET.encode() in heads[0]
    assert SECRET.encode() not in heads[1]
    assert b"uthorization" not in heads[1]


def _by_proxy(by: str, origin: RawServer, respond: Any, run: Any) -> None:
    from borzoi import Proxy
    from tests.worlds.certificates import client_context, server_context

    if by in ("http", "https"):
        # Requests for http:// are forwarded, with the credentials of the proxy, which an origin never sees.
        told: list[bytes] = []

        def forwarded(asked: Asked) -> bytes:
            told.append(asked.head)
            asked.head = b"\r\n".join(
                line for line in asked.head.split(b"\r\n") if not line.startswith(b"Proxy-Authorization")
            )
            return bytes(respond(asked))

        with RawServer(http(forwarded), tls=server_context() if by == "https" else None) as proxy:
            trust = {"ssl_context": client_context()} if by == "https" else {}
            run(proxy=Proxy(f"{by}://me:pass5@127.0.0.1:{proxy.port}", **trust))
        assert all(b"Proxy-Authorization" in head for head in told)
    else:
        with proxying(by, origin) as proxy:
            run(proxy=Proxy(proxy.url, auth=("me", "" if by == "socks4a" else "pass5")))


def _partial(body: Any, **settings: Any) -> Any:
    async def run() -> None:
        await body(**settings)

    return run
