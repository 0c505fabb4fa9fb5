"""One function for each client of event loops: make it as its authors recommend, and return how it sends one request.

Each has one client for all requests, a pool that is large enough, its defaults for everything else, an error for a
status that is one, and the body read to its end: whole, or chunk by chunk where the job says so. What the defaults do
is listed in docs/performance.md.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from .floor import floor_async
from .job import POOL, Job

Call = Callable[[], Awaitable[Any]]


def tls_context(job: Job) -> ssl.SSLContext | bool:
    """Return a context that trusts the server; True where there is none to trust."""
    return ssl.create_default_context(cafile=job.ca) if job.ca else True


def authority(path: str) -> bytes:
    """Return a certificate as a file has it."""
    return Path(path).read_bytes()


def require_http2(job: Job, version: object) -> None:
    """End this process where another protocol is spoken than the one that is to be measured."""
    found = str(version) in ("20", "HTTP/2", "HTTP/2.0", "Version.HTTP_2")
    if found != job.http2:
        raise SystemExit(f"{version} is spoken")


@asynccontextmanager
async def httpx_async(name: str, job: Job) -> AsyncIterator[Call]:
    """Borzoi, httpx and httpx2, whose names are the same."""
    library: Any = importlib.import_module(name)
    limits = library.Limits(max_connections=POOL, max_keepalive_connections=POOL)
    body = job.body()
    async with library.AsyncClient(limits=limits, verify=tls_context(job), http2=job.http2) as client:

        async def get() -> None:
            (await client.get(job.url)).raise_for_status()

        async def post() -> None:
            (await client.post(job.url, content=body)).raise_for_status()

        async def stream() -> None:
            async with client.stream("GET", job.url) as response:
                response.raise_for_status()
                async for _ in response.aiter_bytes():
                    pass

        if job.ca:
            async with client.stream("GET", job.url) as response:
                require_http2(job, response.http_version)
                await response.aread()
        yield stream if job.streamed else post if body else get


@asynccontextmanager
async def aiohttp_async(job: Job) -> AsyncIterator[Call]:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=POOL, ssl=tls_context(job))
    body = job.body()
    async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:

        async def get() -> None:
            async with session.get(job.url) as response:
                await response.read()

        async def post() -> None:
            async with session.post(job.url, data=body) as response:
                await response.read()

        async def stream() -> None:
            async with session.get(job.url) as response:
                async for _ in response.content.iter_any():
                    pass

        yield stream if job.streamed else post if body else get


@asynccontextmanager
async def pyreqwest_async(job: Job) -> AsyncIterator[Call]:
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder().http2(job.http2).error_for_status(True)
    if job.ca:
        builder = builder.add_root_certificate_pem(authority(job.ca))
    body = job.body()
    async with builder.build() as client:

        async def get() -> None:
            response = await client.get(job.url).build().send()
            await response.bytes()

        async def post() -> None:
            response = await client.post(job.url).body_bytes(body).build().send()
            await response.bytes()

        async def stream() -> None:
            async with client.get(job.url).build_streamed() as response:
                while await response.body_reader.read_chunk():
                    pass

        if job.ca:
            require_http2(job, (await client.get(job.url).build().send()).version)
        yield stream if job.streamed else post if body else get


@asynccontextmanager
async def wreq_async(job: Job) -> AsyncIterator[Call]:
    import wreq

    client = wreq.Client(tls_verify=Path(job.ca) if job.ca else True)
    body = job.body()

    async def get() -> None:
        response = await client.get(job.url)
        response.raise_for_status()
        await response.bytes()

    async def post() -> None:
        response = await client.post(job.url, body=body)
        response.raise_for_status()
        await response.bytes()

    async def stream() -> None:
        response = await client.get(job.url)
        response.raise_for_status()
        async with response.stream() as chunks:
            async for _ in chunks:
                pass

    if job.ca:
        require_http2(job, (await client.get(job.url)).version)
    yield stream if job.streamed else post if body else get


@asynccontextmanager
async def niquests_async(job: Job) -> AsyncIterator[Call]:
    import niquests

    body = job.body()
    async with niquests.AsyncSession(pool_connections=POOL, pool_maxsize=POOL) as session:
        session.verify = job.ca or True

        async def get() -> None:
            (await session.get(job.url)).raise_for_status()

        async def post() -> None:
            (await session.post(job.url, data=body)).raise_for_status()

        async def stream() -> None:
            response = await session.get(job.url, stream=True)
            response.raise_for_status()
            async for _ in await response.iter_content(-1):
                pass

        if job.ca:
            require_http2(job, (await session.get(job.url)).http_version)
        yield stream if job.streamed else post if body else get


CLIENTS: dict[str, Callable[[Job], AbstractAsyncContextManager[Call]]] = {
    "borzoi": partial(httpx_async, "borzoi"),
    "before": partial(httpx_async, "borzoi"),
    "floor": floor_async,
    "aiohttp": aiohttp_async,
    "pyreqwest": pyreqwest_async,
    "wreq": wreq_async,
    "niquests": niquests_async,
    "httpx": partial(httpx_async, "httpx"),
    "httpx2": partial(httpx_async, "httpx2"),
}
"""`before` is another checkout of ours."""
