"""The floor: the same requests over the same back ends, but without HTTP. Nothing is parsed, checked, timed or kept.

What one exchange receives is counted once, and then believed: it is for answers that are always as long.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

from .job import Job

PATIENCE = 5.0
"""Seconds, as our own client waits for bytes unless it is told otherwise."""

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\nUser-Agent: python-borzoi/0.1.0\r\n\r\n"
)


class Floor:
    """Send a request's bytes over an idle stream, and receive as many as an answer has."""

    def __init__(self, job: Job, backend: Any) -> None:
        url = urlsplit(job.url)
        self._job = job
        self._backend = backend
        self._host, self._port = url.hostname, url.port
        self._head = HEAD.format(path=url.path, host=url.netloc).encode()
        self._size = 0
        self._idle: list[Any] = []

    async def call(self) -> None:
        """Send one request, and read its answer."""
        stream = self._idle.pop() if self._idle else await self._connect()
        received = len(await stream.ask(self._head, PATIENCE, PATIENCE))
        while received < self._size:
            received += len(await stream.read(PATIENCE))
        self._idle.append(stream)

    async def learn(self) -> None:
        """Count the bytes of an answer."""
        stream = await self._connect()
        answer = await stream.ask(self._head, PATIENCE, PATIENCE)
        head, _, _ = answer.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length:")
        self._size = len(head) + 4 + int(length.split(b"\r\n", 1)[0])
        stream.close()

    async def _connect(self) -> Any:
        from borzoi._backends.base import ConnectOptions, TLSOptions

        stream = await self._backend.connect_tcp(self._host, self._port, PATIENCE, ConnectOptions())
        if self._job.ca:
            import ssl

            context = ssl.create_default_context(cafile=self._job.ca)
            stream = await stream.start_tls(TLSOptions(context, str(self._host)), PATIENCE)
        return stream

    def close(self) -> None:
        """Close what is idle."""
        for stream in self._idle:
            stream.close()


@asynccontextmanager
async def floor_async(job: Job) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Run on the reactor of asyncio, of uvloop or of trio."""
    floor = Floor(job, _reactor(job.world))
    await floor.learn()
    yield floor.call
    floor.close()


def _reactor(world: str) -> Any:
    if world == "trio":
        import trio

        from borzoi._backends.trio import backend_for as backend_of_run

        return backend_of_run(trio.lowlevel.current_trio_token())

    import asyncio

    from borzoi._backends.asyncio import backend_for

    return backend_for(asyncio.get_running_loop())


@contextmanager
def floor_blocking(job: Job) -> Iterator[Callable[[], None]]:
    """Run on blocking sockets."""
    from borzoi._backends.blocking import BlockingBackend
    from borzoi._run_blocking import run_blocking

    floor = Floor(job, BlockingBackend())
    run_blocking(floor.learn())
    yield lambda: run_blocking(floor.call())
    floor.close()
