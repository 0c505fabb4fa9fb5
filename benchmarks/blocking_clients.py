"""One function for each client of blocking code: make it as its authors recommend, and return how it sends one request.

As in `async_clients`. Where there are threads, they share one client; pycurl, whose handles belong to one thread, has
one for each.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from .async_clients import authority, require_http2, tls_context
from .floor import floor_blocking
from .job import POOL, Job

Call = Callable[[], Any]


@contextmanager
def httpx_blocking(name: str, job: Job) -> Iterator[Call]:
    """Borzoi, httpx and httpx2, whose names are the same."""
    library: Any = importlib.import_module(name)
    limits = library.Limits(max_connections=POOL, max_keepalive_connections=POOL)
    body = job.body()
    with library.Client(limits=limits, verify=tls_context(job), http2=job.http2) as client:

        def stream() -> None:
            with client.stream("GET", job.url) as response:
                response.raise_for_status()
                for _ in response.iter_bytes():
                    pass

        if job.ca:
            with client.stream("GET", job.url) as response:
                require_http2(job, response.http_version)
                response.read()
        if job.streamed:
            yield stream
        elif body:
            yield lambda: client.post(job.url, content=body).raise_for_status()
        else:
            yield lambda: client.get(job.url).raise_for_status()


@contextmanager
def pycurl_blocking(job: Job) -> Iterator[Call]:
    import pycurl

    body = job.body()
    own = threading.local()

    def handle() -> Any:
        made = own.handle = pycurl.Curl()
        made.setopt(pycurl.URL, job.url)
        made.setopt(pycurl.FAILONERROR, True)
        made.setopt(pycurl.NOSIGNAL, True)
        if job.ca:
            made.setopt(pycurl.CAINFO, job.ca)
            version = pycurl.CURL_HTTP_VERSION_2TLS if job.http2 else pycurl.CURL_HTTP_VERSION_1_1
            made.setopt(pycurl.HTTP_VERSION, version)
        if body:
            made.setopt(pycurl.POSTFIELDS, body)
        if job.streamed:
            made.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        return made

    def call() -> None:
        curl = getattr(own, "handle", None) or handle()
        if not job.streamed:
            received = BytesIO()
            curl.setopt(pycurl.WRITEDATA, received)
        curl.perform()

    yield call


@contextmanager
def pyreqwest_blocking(job: Job) -> Iterator[Call]:
    from pyreqwest.client import SyncClientBuilder

    builder = SyncClientBuilder().http2(job.http2).error_for_status(True)
    if job.ca:
        builder = builder.add_root_certificate_pem(authority(job.ca))
    body = job.body()
    with builder.build() as client:

        def stream() -> None:
            with client.get(job.url).build_streamed() as response:
                while response.body_reader.read_chunk():
                    pass

        if job.ca:
            require_http2(job, client.get(job.url).build().send().version)
        if job.streamed:
            yield stream
        elif body:
            yield lambda: client.post(job.url).body_bytes(body).build().send().bytes()
        else:
            yield lambda: client.get(job.url).build().send().bytes()


@contextmanager
def wreq_blocking(job: Job) -> Iterator[Call]:
    from wreq import blocking

    client = blocking.Client(tls_verify=Path(job.ca) if job.ca else True)
    body = job.body()

    def whole() -> None:
        response = client.post(job.url, body=body) if body else client.get(job.url)
        response.raise_for_status()
        response.bytes()

    def stream() -> None:
        response = client.get(job.url)
        response.raise_for_status()
        with response.stream() as chunks:
            for _ in chunks:
                pass

    if job.ca:
        require_http2(job, client.get(job.url).version)
    yield stream if job.streamed else whole


@contextmanager
def requests_blocking(name: str, job: Job) -> Iterator[Call]:
    """requests and niquests, whose names are the same."""
    library: Any = importlib.import_module(name)
    body = job.body()
    with library.Session() as session:
        session.verify = job.ca or True
        for scheme in ("http://", "https://"):
            session.mount(scheme, library.adapters.HTTPAdapter(pool_connections=POOL, pool_maxsize=POOL))

        def stream() -> None:
            with session.get(job.url, stream=True) as response:
                response.raise_for_status()
                for _ in response.iter_content(65536):
                    pass

        if job.streamed:
            yield stream
        elif body:
            yield lambda: session.post(job.url, data=body).raise_for_status()
        else:
            yield lambda: session.get(job.url).raise_for_status()


@contextmanager
def urllib3_blocking(job: Job) -> Iterator[Call]:
    import urllib3

    body = job.body()
    with urllib3.PoolManager(maxsize=POOL, ca_certs=job.ca) as manager:

        def whole() -> None:
            response = manager.request("POST", job.url, body=body) if body else manager.request("GET", job.url)
            if response.status >= 400:
                raise RuntimeError(response.status)

        def stream() -> None:
            response = manager.request("GET", job.url, preload_content=False)
            for _ in response.stream(65536):
                pass
            response.release_conn()

        yield stream if job.streamed else whole


CLIENTS: dict[str, Callable[[Job], AbstractContextManager[Call]]] = {
    "borzoi": partial(httpx_blocking, "borzoi"),
    "before": partial(httpx_blocking, "borzoi"),
    "floor": floor_blocking,
    "pycurl": pycurl_blocking,
    "pyreqwest": pyreqwest_blocking,
    "wreq": wreq_blocking,
    "urllib3": urllib3_blocking,
    "requests": partial(requests_blocking, "requests"),
    "niquests": partial(requests_blocking, "niquests"),
    "httpx": partial(httpx_blocking, "httpx"),
    "httpx2": partial(httpx_blocking, "httpx2"),
}
"""`before` is another checkout of ours."""
