"""One function for each client and world: make it, and return how it sends one request.

Each is set up as its authors recommend for many requests to one origin: one client, its pool, the body read whole.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]

POOL = 2000
"""Connections that a client may open: more than are ever in flight."""


def _contents(path: str) -> bytes:
    return Path(path).read_bytes()


def _require_http2(version: object) -> None:
    if str(version) not in ("HTTP/2", "HTTP/2.0", "Version.HTTP_2"):
        raise SystemExit(f"{version} is spoken, and not HTTP/2")


@asynccontextmanager
async def borzoi_async(url: str, ca: str | None, *, http2: bool = False) -> AsyncIterator[AsyncCall]:
    import borzoi

    limits = borzoi.Limits(max_connections=POOL, max_keepalive_connections=POOL)
    async with borzoi.AsyncClient(limits=limits, verify=ca or True, http2=http2) as client:
        if http2:
            _require_http2((await client.get(url)).http_version)

        async def call() -> None:
            (await client.get(url)).raise_for_status()

        yield call


@asynccontextmanager
async def httpx_async(url: str, ca: str | None, *, http2: bool = False) -> AsyncIterator[AsyncCall]:
    import ssl

    import httpx

    limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
    verify = ssl.create_default_context(cafile=ca) if ca else True
    async with httpx.AsyncClient(limits=limits, verify=verify, http2=http2) as client:
        if http2:
            _require_http2((await client.get(url)).http_version)

        async def call() -> None:
            (await client.get(url)).raise_for_status()

        yield call


@asynccontextmanager
async def aiohttp_async(url: str, ca: str | None) -> AsyncIterator[AsyncCall]:
    import ssl

    import aiohttp

    context = ssl.create_default_context(cafile=ca) if ca else True
    connector = aiohttp.TCPConnector(limit=POOL, ssl=context)
    async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:

        async def call() -> None:
            async with session.get(url) as response:
                await response.read()

        yield call


@asynccontextmanager
async def pyreqwest_async(url: str, ca: str | None, *, http2: bool = False) -> AsyncIterator[AsyncCall]:
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder().http2(http2).error_for_status(True)
    if ca:
        builder = builder.add_root_certificate_pem(_contents(ca))
    async with builder.build() as client:
        if http2:
            _require_http2((await client.get(url).build().send()).version)

        async def call() -> None:
            response = await client.get(url).build().send()
            await response.bytes()

        yield call


@asynccontextmanager
async def wreq_async(url: str, ca: str | None, *, http2: bool = False) -> AsyncIterator[AsyncCall]:
    import wreq

    client = wreq.Client(tls_verify=Path(ca) if ca else True)
    if http2:
        _require_http2((await client.get(url)).version)

    async def call() -> None:
        response = await client.get(url)
        response.raise_for_status()
        await response.bytes()

    yield call


@contextmanager
def borzoi_blocking(url: str, ca: str | None) -> Iterator[Call]:
    import borzoi

    with borzoi.Client(verify=ca or True) as client:
        yield lambda: client.get(url).raise_for_status()


@contextmanager
def httpx_blocking(url: str, ca: str | None) -> Iterator[Call]:
    import ssl

    import httpx

    with httpx.Client(verify=ssl.create_default_context(cafile=ca) if ca else True) as client:
        yield lambda: client.get(url).raise_for_status()


@contextmanager
def pycurl_blocking(url: str, ca: str | None) -> Iterator[Call]:
    import pycurl

    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.FAILONERROR, True)
    if ca:
        handle.setopt(pycurl.CAINFO, ca)

    def call() -> None:
        body = io.BytesIO()
        handle.setopt(pycurl.WRITEDATA, body)
        handle.perform()

    yield call
    handle.close()


@contextmanager
def pyreqwest_blocking(url: str, ca: str | None) -> Iterator[Call]:
    from pyreqwest.client import SyncClientBuilder

    builder = SyncClientBuilder().error_for_status(True)
    if ca:
        builder = builder.add_root_certificate_pem(_contents(ca))
    with builder.build() as client:
        yield lambda: client.get(url).build().send().bytes()


@contextmanager
def wreq_blocking(url: str, ca: str | None) -> Iterator[Call]:
    from wreq import blocking

    client = blocking.Client(tls_verify=Path(ca) if ca else True)

    def call() -> None:
        response = client.get(url)
        response.raise_for_status()
        response.bytes()

    yield call


ASYNC: dict[str, Callable[[str, str | None], Any]] = {
    "borzoi": borzoi_async,
    "httpx": httpx_async,
    "aiohttp": aiohttp_async,
    "pyreqwest": pyreqwest_async,
    "wreq": wreq_async,
}
"""Clients for event loops."""

HTTP2: dict[str, Callable[[str, str | None], Any]] = {
    name: partial(client, http2=True)
    for name, client in (
        ("borzoi", borzoi_async),
        ("httpx", httpx_async),
        ("pyreqwest", pyreqwest_async),
        ("wreq", wreq_async),
    )
}
"""Those of them that speak HTTP/2, and have to."""

BLOCKING: dict[str, Callable[[str, str | None], Any]] = {
    "borzoi": borzoi_blocking,
    "httpx": httpx_blocking,
    "pycurl": pycurl_blocking,
    "pyreqwest": pyreqwest_blocking,
    "wreq": wreq_blocking,
}
"""Clients for blocking code."""

Spread = Callable[[list[AsyncCall]], Awaitable[None]]


async def spread_asyncio(workers: list[AsyncCall]) -> None:
    """Run workers as tasks of asyncio."""
    await asyncio.gather(*[worker() for worker in workers])


async def spread_trio(workers: list[AsyncCall]) -> None:
    """Run workers as tasks of trio."""
    import trio

    async with trio.open_nursery() as nursery:
        for worker in workers:
            nursery.start_soon(worker)
