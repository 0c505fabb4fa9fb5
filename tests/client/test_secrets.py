"""D5: planted secrets appear in no repr, no exception and no log; what is pickled still works."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import borzoi
from borzoi import Headers, MockTransport, Proxy, Request, Response
from borzoi._policy.routing import URLPattern
from tests.client.conftest import World

SECRET = "hunter2hunter2"
FULL = f"https://user:{SECRET}@one.example/p?api_key={SECRET}"

SHOWN: list[Callable[[], Any]] = [
    lambda: borzoi.URL(FULL),
    lambda: borzoi.URL(f"https://{SECRET}@one.example"),
    lambda: Request("GET", FULL),
    lambda: Response(200, request=Request("GET", FULL)),
    lambda: Proxy(f"http://user:{SECRET}@one.example"),
    lambda: Proxy(f"http://{SECRET}@one.example"),
    lambda: Proxy("http://one.example", auth=("user", SECRET), headers={"Proxy-Authorization": SECRET, "X-Api-Key": SECRET}),
    lambda: borzoi.BasicAuth("user", SECRET),
    lambda: borzoi.DigestAuth("user", SECRET),
    lambda: borzoi.TLS(cert=("cert", "key", SECRET)),
    lambda: Headers(dict.fromkeys(("Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key"), SECRET)),
    lambda: borzoi.Client(auth=("user", SECRET), proxy=f"http://user:{SECRET}@one.example", base_url=FULL),
    lambda: borzoi.Client(proxy=f"http://user:{SECRET}@one.example")._mounts,
    lambda: URLPattern(f"https://user:{SECRET}@one.example"),
]  # fmt: skip


@pytest.mark.parametrize("make", SHOWN, ids=range(len(SHOWN)))
def test_reprs(make: Callable[[], Any]) -> None:
    """No repr shows a secret."""
    shown = repr(make())
    assert shown
    assert SECRET not in shown


def send(**settings: Any) -> Any:
    """Send a request to a URL with secrets in it."""
    client = borzoi.Client(trust_env=False, timeout=1, **settings)
    return client.get(FULL.replace("one.example", "127.0.0.1:1"))


def redirected(location: str) -> Any:
    """Follow a redirect to a location with secrets in it."""
    transport = MockTransport(lambda request: Response(302, headers={"Location": location}))
    with borzoi.Client(transport=transport, follow_redirects=True, max_redirects=2) as client:
        return client.get("https://two.example/")


def status(code: int, **headers: str) -> Any:
    """Raise the error of a status."""
    return Response(code, headers=headers, request=Request("GET", FULL)).raise_for_status()


RAISING: list[Callable[[], Any]] = [
    send,
    lambda: send(proxy=f"http://user:{SECRET}@127.0.0.1:1"),
    lambda: send(proxy=f"http://{SECRET}@127.0.0.1:1"),
    lambda: redirected(FULL),
    lambda: redirected(f"https://user:{SECRET}@one.example:bad/?api_key={SECRET}"),
    lambda: redirected(f"ftp://user:{SECRET}@one.example/"),
    lambda: status(404),
    lambda: status(302, Location=FULL),
    lambda: status(302, Location=f"https://user:{SECRET}@bad host/?api_key={SECRET}"),
    lambda: borzoi.get(f"ftp://user:{SECRET}@one.example/"),
    lambda: borzoi.URL(f"https://user:{SECRET}@one.example:bad/"),
    lambda: borzoi.URL(f"https://user:{SECRET}@bad host/"),
    lambda: borzoi.URL(f"https://user:{SECRET}/@one.example:bad/"),
    lambda: Proxy(f"ftp://user:{SECRET}@one.example"),
    lambda: borzoi.Client(proxy=f"http://user:{SECRET}@one.example:bad"),
    lambda: borzoi.Client(auth=SECRET),  # type: ignore[arg-type]
    lambda: borzoi.Client(auth=(SECRET, 1)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("act", RAISING, ids=range(len(RAISING)))
def test_exceptions(act: Callable[[], Any]) -> None:
    """No exception shows a secret, nor do those that a traceback shows with it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is
        act()
    lines = [str(caught.value), repr(caught.value)]
    lines += traceback.TracebackException.from_exception(caught.value, lookup_lines=False).format_exception_only()
    chained = caught.value.__cause__
    while chained is not None:
        lines += [str(chained), repr(chained)]
        chained = chained.__cause__
    assert lines[0]
    assert SECRET not in "\n".join(lines)


def test_logs(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing that is logged shows a secret, at any level, whatever happens to the request."""
    caplog.set_level(logging.DEBUG)

    def handler(request: Request) -> Response:
        if "again" in request.url.path:
            return Response(302, headers={"Location": f"https://user:{SECRET}@two.example/?sig={SECRET}"})
        return Response(200, headers={"Set-Cookie": f"a={SECRET}"})

    client = world.client(handler, follow_redirects=True, headers={"Authorization": SECRET}, cookies={"a": SECRET})
    world.run(client.get, FULL)
    world.run(client.get, f"https://user:{SECRET}@one.example/again?{SECRET}#{SECRET}")

    assert len([record for record in caplog.records if record.name == "borzoi"]) == 3
    assert SECRET not in caplog.text


def test_what_holds_credentials_pickles() -> None:
    """A copy by pickle holds what the original holds: URLs, proxies and authentication."""
    assert pickle.loads(pickle.dumps(borzoi.URL(FULL))) == FULL
    proxy = pickle.loads(pickle.dumps(Proxy(f"http://user:{SECRET}@one.example", headers={"X-A": "b"})))
    assert (proxy.url, proxy.auth, proxy.headers["x-a"]) == ("http://one.example", ("user", SECRET), "b")

    for auth in (borzoi.BasicAuth("user", SECRET), borzoi.DigestAuth("user", SECRET)):
        seen: list[str] = []
        copy = pickle.loads(pickle.dumps(challenged(auth)))
        with borzoi.Client(transport=MockTransport(digest(seen)), auth=copy) as client:
            assert client.get("https://one.example/").status_code == 200
        assert seen[-1].startswith(("Basic ", "Digest "))


def digest(seen: list[str]) -> Callable[[Request], Response]:
    """Return a server that challenges requests without credentials."""

    def handler(request: Request) -> Response:
        if "authorization" in request.headers:
            seen.append(request.headers["authorization"])
            return Response(200)
        return Response(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})

    return handler


def challenged(auth: borzoi.Auth) -> borzoi.Auth:
    """Return an authentication that has answered a challenge before."""
    with borzoi.Client(transport=MockTransport(digest([])), auth=auth) as client:
        client.get("https://one.example/")
    return auth
