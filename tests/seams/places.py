"""The places where libraries take hold of a client: each is put in place for a block, notes requests, and lets them pass.

    with place(client, seen):   # client: in the shape of AsyncClient, whatever its world
        ...

`seen` gets one entry for each request that came by.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import borzoi

Place = Callable[[Any, list[str]], AbstractContextManager[None]]


def real(client: Any) -> Any:
    """Return the client itself, where the world has put it in another shape."""
    return getattr(client, "wrapped", client)


def is_blocking(client: Any) -> bool:
    """Say whether it is the client for blocking code."""
    return isinstance(real(client), borzoi.Client)


def noting(client: Any, original: Any, seen: list[str]) -> Any:
    """Return a function that notes a call, and makes it."""

    def blocking(*args: Any, **kwargs: Any) -> Any:
        seen.append("noted")
        return original(*args, **kwargs)

    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        seen.append("noted")
        return await original(*args, **kwargs)

    return blocking if is_blocking(client) else asynchronous


def patching(owner: Any, name: str, client: Any, seen: list[str]) -> Any:
    """Return a patch that notes the calls of a method, on its class or on one object."""
    return mock.patch.object(owner, name, noting(client, getattr(owner, name), seen))


@contextmanager
def transport_class(client: Any, seen: list[str]) -> Iterator[None]:
    """Patch the method of the transport's class, as pytest-httpx, vcrpy and OpenTelemetry do."""
    name = "handle_request" if is_blocking(client) else "handle_async_request"
    with patching(borzoi.HTTPTransport if is_blocking(client) else borzoi.AsyncHTTPTransport, name, client, seen):
        yield


@contextmanager
def transport_method(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace the method of one transport."""
    name = "handle_request" if is_blocking(client) else "handle_async_request"
    with patching(real(client)._transport, name, client, seen):
        yield


@contextmanager
def send_of_class(client: Any, seen: list[str]) -> Iterator[None]:
    """Patch `Client.send`, as sentry, New Relic and elastic-apm do."""
    with patching(type(real(client)), "send", client, seen):
        yield


@contextmanager
def send_of_client(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace `send` of one client."""
    with patching(real(client), "send", client, seen):
        yield


class NotingTransport(borzoi.BaseTransport, borzoi.AsyncBaseTransport):
    """Note requests, and have another transport send them."""

    def __init__(self, inner: Any, seen: list[str]) -> None:
        self._inner = inner
        self._seen = seen

    def handle_request(self, request: borzoi.Request) -> borzoi.Response:
        self._seen.append("noted")
        return self._inner.handle_request(request)  # type: ignore[no-any-return]

    async def handle_async_request(self, request: borzoi.Request) -> borzoi.Response:
        self._seen.append("noted")
        return await self._inner.handle_async_request(request)  # type: ignore[no-any-return]


@contextmanager
def transport_of_client(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace the transport of one client, as OpenTelemetry does."""
    before = real(client)._transport
    with mock.patch.object(real(client), "_transport", NotingTransport(before, seen)):
        yield


@contextmanager
def mounts_of_client(client: Any, seen: list[str]) -> Iterator[None]:
    """Add a mount to one client, as msgraph does."""
    from borzoi._policy.routing import URLPattern

    inner = real(client)._transport
    with mock.patch.dict(real(client)._mounts, {URLPattern("http://"): NotingTransport(inner, seen)}):
        yield


@contextmanager
def replaced_mounts(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace the mounts of one client."""
    from borzoi._policy.routing import URLPattern

    mounts = {URLPattern("all://"): NotingTransport(real(client)._transport, seen)}
    with mock.patch.object(real(client), "_mounts", mounts):
        yield


def _choosing(original: Any, seen: list[str]) -> Any:
    def choose(*args: Any, **kwargs: Any) -> Any:
        seen.append("noted")
        return original(*args, **kwargs)

    return choose


@contextmanager
def choice_of_class(client: Any, seen: list[str]) -> Iterator[None]:
    """Patch `_transport_for_url` on the class, as respx does."""
    kind = type(real(client))
    with mock.patch.object(kind, "_transport_for_url", _choosing(kind._transport_for_url, seen)):
        yield


@contextmanager
def choice_of_client(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace `_transport_for_url` of one client."""
    one = real(client)
    with mock.patch.object(one, "_transport_for_url", _choosing(one._transport_for_url, seen)):
        yield


@contextmanager
def building(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace `build_request` of one client."""
    one = real(client)
    with mock.patch.object(one, "build_request", _choosing(one.build_request, seen)):
        yield


class NotingPool:
    """Note requests, and have another pool send them."""

    def __init__(self, inner: Any, seen: list[str]) -> None:
        self._inner = inner
        self._seen = seen

    def handle_request(self, request: Any) -> Any:
        self._seen.append("noted")
        return self._inner.handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        self._seen.append("noted")
        return await self._inner.handle_async_request(request)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextmanager
def pool(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace the pool of a transport."""
    transport = real(client)._transport
    before = transport._pool
    transport._pool = NotingPool(before, seen)
    yield
    transport._pool = before


class NotingNetwork:
    """Note connections, and have another network make them."""

    def __init__(self, inner: Any, seen: list[str]) -> None:
        self._inner = inner
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
        self._seen.append("noted")
        return self._inner.connect_tcp(*args, **kwargs)


@contextmanager
def network(client: Any, seen: list[str]) -> Iterator[None]:
    """Replace the network of a pool, as prefect does."""
    shown = real(client)._transport._pool
    before = shown._network_backend
    shown._network_backend = NotingNetwork(before, seen)
    yield
    shown._network_backend = before


def httpcore_class(name: str) -> Place:
    """Return a patch of a class of httpcore, as respx and vcrpy make it."""

    @contextmanager
    def place(client: Any, seen: list[str]) -> Iterator[None]:
        library = importlib.import_module("httpcore")
        kind = getattr(library, name if is_blocking(client) else f"Async{name}")
        method = "handle_request" if is_blocking(client) else "handle_async_request"
        with patching(kind, method, client, seen):
            yield

    place.__name__ = name
    return place


PLACES: list[Place] = [
    transport_class,
    transport_method,
    send_of_class,
    send_of_client,
    transport_of_client,
    mounts_of_client,
    replaced_mounts,
    choice_of_class,
    choice_of_client,
    building,
]
"""Places that are there without the alias."""

PLACES_OF_HTTPCORE: list[Place] = [
    pool,
    network,
    httpcore_class("ConnectionPool"),
    httpcore_class("HTTPConnection"),
    httpcore_class("HTTP11Connection"),
]
"""Places that httpcore's stand-in has."""
