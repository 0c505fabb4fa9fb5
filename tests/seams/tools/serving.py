"""A local server, and a client of each world against it. It needs the alias, and nothing that a tool does not bring.

served.run("trio", body)  # async def body(client): in the shape of AsyncClient, whatever the world
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import trio

from borzoi._run_blocking import run_blocking
from tests.worlds.facade import BlockingClient
from tests.worlds.peers import RawServer

WORLDS = ("blocking", "asyncio", "trio")


class Served:
    """The server: `url`, and the heads of the requests that came."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.url = ""

    def answer(self, sock: socket.socket) -> None:
        """Answer each request with a body that names its path."""
        held = b""
        while data := sock.recv(65536):
            held += data
            while b"\r\n\r\n" in held:
                head, _, held = held.partition(b"\r\n\r\n")
                self.heads.append(head)
                body = b"served " + head.split(b" ")[1]
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    @property
    def paths(self) -> list[bytes]:
        """The targets that were asked for."""
        return [head.split(b" ")[1] for head in self.heads]

    def run(self, world: str, body: Callable[[Any], Awaitable[None]], **settings: Any) -> None:
        """Run a body with a client of that world."""
        if world == "blocking":
            with httpx.Client(base_url=self.url, **settings) as client:
                run_blocking(body(BlockingClient(client)))  # type: ignore[arg-type]
            return

        async def with_client() -> None:
            async with httpx.AsyncClient(base_url=self.url, **settings) as client:
                await body(client)

        if world == "asyncio":
            asyncio.run(with_client())
        else:
            trio.run(with_client)


@contextmanager
def serving() -> Iterator[Served]:
    """Serve for the length of a block."""
    served = Served()
    with RawServer(served.answer) as server:
        served.url = server.url
        yield served
