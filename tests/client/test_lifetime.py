"""The states of a client, and the transports that it opens, chooses and closes."""

from __future__ import annotations

from typing import Any

import pytest

from borzoi._client.transports import AsyncHTTPTransport, HTTPTransport
from borzoi._config import Limits
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._policy.proxy import Proxy
from borzoi._policy.routing import URLPattern
from borzoi._values.url import URL
from tests.client.conftest import World
from tests.client.messages import Answering

ANYWHERE = "https://one.example/"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_block_opens_and_closes_all_transports(world: World) -> None:
    """Entering the client enters its transports, leaving it leaves them."""
    main, mounted = Answering(), Answering()
    client = world.client(transport=main, mounts={"http://": mounted, "all://none": None})
    response = world.inside(client, "GET", ANYWHERE)

    assert response.status_code == 200
    assert main.events == mounted.events == ["enter", "exit"]
    assert client.is_closed


def test_close_closes_all_transports_once(world: World) -> None:
    """Closing the client closes its transports; doing it again does nothing."""
    main, mounted = Answering(), Answering()
    client = world.client(transport=main, mounts={"http://": mounted})
    world.close(client)
    world.close(client)

    assert main.events == mounted.events == ["close"]


def test_close_goes_on_after_an_error(world: World) -> None:
    """A transport that fails to close does not keep the others open."""

    class Stuck(Answering):
        def close(self) -> None:
            raise OSError("stuck")

        async def aclose(self) -> None:
            raise OSError("stuck")

    mounted = Answering()
    with pytest.raises(OSError, match="stuck"):
        world.close(world.client(transport=Stuck(), mounts={"http://": mounted}))
    assert mounted.events == ["close"]


def test_closed_client_sends_nothing(world: World) -> None:
    """A closed client refuses requests, and cannot be opened again."""
    client = world.client(transport=Answering())
    assert not client.is_closed
    world.close(client)

    with pytest.raises(RuntimeError, match="Cannot send a request, as the client has been closed"):
        world.run(client.get, ANYWHERE)
    with pytest.raises(RuntimeError, match="Cannot reopen a client instance"):
        world.enter(client)


@pytest.mark.parametrize("how", ["entered", "used"])
def test_client_is_entered_once(world: World, how: str) -> None:
    """A client that was entered, or has sent a request, cannot be entered any more."""
    client = world.client(transport=Answering())
    world.enter(client) if how == "entered" else world.run(client.get, ANYWHERE)

    with pytest.raises(RuntimeError, match="Cannot open a client instance more than once"):
        world.enter(client)


def test_client_that_is_not_entered_works(world: World) -> None:
    """A client works without its block."""
    client = world.client(transport=Answering())

    assert world.run(client.get, ANYWHERE).status_code == 200
    assert world.run(client.get, ANYWHERE).status_code == 200


def test_network_transport_gets_the_settings(world: World) -> None:
    """Without a transport of the program's the client makes one for the network, and one for each proxy."""
    client = world.client(proxy="http://proxy.example:3128", limits=Limits(max_connections=3), verify=False)
    expected = AsyncHTTPTransport if world.is_async else HTTPTransport

    assert type(client._transport) is expected
    assert type(client._transport_for_url(URL(ANYWHERE))) is expected
    assert client._transport_for_url(URL(ANYWHERE)) is not client._transport
    world.close(client)


def test_clock_goes_to_the_transport(world: World) -> None:
    """A clock of the program's is that of the transport too."""

    class Clock:
        def now(self) -> float:
            return 0.0

    class Recording(type(world.client(transport=Answering()))):  # type: ignore[misc]
        def _transport_type(self) -> Any:
            return lambda **arguments: Answering(Response(200, extensions=arguments))

    clock = Clock()
    assert world.run(Recording(clock=clock).get, ANYWHERE).extensions["clock"] is clock
    assert "clock" not in world.run(Recording().get, ANYWHERE).extensions


def test_environment_names_proxies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the environment are used unless trust_env forbids it, or the program gives a transport."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("NO_PROXY", "two.example")

    client = world.client()
    assert client.trust_env
    assert client._transport_for_url(URL(ANYWHERE)) is not client._transport
    assert client._transport_for_url(URL("https://two.example")) is client._transport
    assert world.client(trust_env=False)._mounts == {}
    assert world.client(transport=Answering())._mounts == {}


@pytest.mark.parametrize(
    ("url", "chosen"),
    [
        ("https://one.example/", "one"),
        ("http://one.example/", "http"),
        ("http://127.0.0.1/", "default"),
        ("https://two.example/", "default"),
    ],
)
def test_mounts_choose_the_transport(world: World, url: str, chosen: str) -> None:
    """The most specific mount that matches sends the request; None stands for the client's own."""
    transports = {name: Answering() for name in ("default", "http", "one")}
    mounts = {"http://": transports["http"], "https://one.example": transports["one"], "all://127.0.0.1": None}
    world.run(world.client(transport=transports["default"], mounts=mounts).get, url)

    assert [name for name, transport in transports.items() if transport.requests] == [chosen]


def test_mounts_win_over_proxies(world: World) -> None:
    """A mount takes the place of the proxy for the same pattern."""
    mounted = Answering()
    client = world.client(proxy=Proxy("http://proxy.example"), mounts={"all://": mounted})

    assert world.run(client.get, ANYWHERE).status_code == 200
    assert len(mounted.requests) == 1


def test_subclass_makes_its_own_transports(world: World) -> None:
    """A subclass may override how the transports for the network and for proxies are made, with httpx's arguments."""
    base = type(world.client(transport=Answering()))

    class Own(base):  # type: ignore[misc, valid-type]
        def _init_transport(self, *, verify: Any, cert: Any, trust_env: bool, transport: Any, **rest: Any) -> Any:
            assert set(rest) == {"http1", "http2", "limits"}
            return transport or Answering(Response(201))

        def _init_proxy_transport(self, proxy: Any, **arguments: Any) -> Any:
            return Answering(Response(202))

    assert world.run(Own().get, ANYWHERE).status_code == 201
    assert world.run(Own(proxy="http://proxy.example").get, ANYWHERE).status_code == 202


def test_transports_can_be_replaced(world: World) -> None:
    """Tools replace the transport, the mounts, or the choice between them, on the instance."""
    client = world.client(transport=Answering(Response(500)))

    client._transport = Answering(Response(201))
    assert world.run(client.get, ANYWHERE).status_code == 201
    client._mounts = {URLPattern("all://"): Answering(Response(202))}
    assert world.run(client.get, ANYWHERE).status_code == 202
    client._transport_for_url = lambda url: Answering(Response(203))
    assert world.run(client.get, ANYWHERE).status_code == 203


@pytest.mark.parametrize("name", ["request", "send", "build_request", "_transport_for_url", "_merge_url"])
@pytest.mark.parametrize("where", ["instance", "class", "subclass"])
def test_methods_can_be_replaced(world: World, monkeypatch: pytest.MonkeyPatch, name: str, where: str) -> None:
    """Each public method goes through the ones below it, wherever a tool has put its own."""
    client = world.client(transport=Answering())
    base = type(client)
    original = getattr(base, name)
    calls: list[str] = []

    def replaced(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        return original(*args, **kwargs)

    if where == "class":
        monkeypatch.setattr(base, name, replaced)
    elif where == "instance":
        monkeypatch.setattr(client, name, lambda *args, **kwargs: replaced(client, *args, **kwargs))
    else:
        client = type("Sub", (base,), {name: replaced})(transport=Answering())
    world.run(client.get, ANYWHERE)

    assert calls == [name]


def test_transport_methods_can_be_replaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The method that sends is looked up on the transport for each request."""
    client = world.client(transport=Answering())
    seen: list[Request] = []

    def blocking(self: Answering, request: Request) -> Response:
        seen.append(request)
        return Response(204)

    async def asynchronous(self: Answering, request: Request) -> Response:
        return blocking(self, request)

    monkeypatch.setattr(Answering, "handle_request", blocking)
    monkeypatch.setattr(Answering, "handle_async_request", asynchronous)

    assert world.run(client.get, ANYWHERE).status_code == 204
    assert len(seen) == 1
