"""The network transports: their arguments, what they import, and how they are closed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
import trio

import borzoi
from borzoi import AsyncHTTPTransport, HTTPTransport, Request
from borzoi._backends.memory import MemoryBackend
from tests.client.conftest import World

ANSWER = b"HTTP/1.1 299 Fine\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello"


def answering() -> MemoryBackend:
    """Return a network where everything is answered."""
    return MemoryBackend(lambda host, port: lambda data: [ANSWER] if data else [])


def check(response: borzoi.Response, content: bytes) -> None:
    """Check that a response is what was answered."""
    assert content == b"hello"
    assert response.status_code == 299
    assert response.headers.get_list("x-a") == ["1", "2"]
    assert response.extensions["http_version"] == b"HTTP/1.1"
    assert response.extensions["reason_phrase"] == b"Fine"
    assert response.extensions["network_stream"].get_extra_info("is_readable") is False


def test_blocking() -> None:
    """The blocking transport sends a request and hands out the response unread."""
    with HTTPTransport(backend=answering()) as transport:
        response = transport.handle_request(Request("GET", "http://host/"))
        assert not response.is_closed
        check(response, response.read())


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)])
def test_asynchronous(run: Any) -> None:
    """The async transport does the same in any event loop."""
    backend = answering()

    async def body() -> None:
        async with AsyncHTTPTransport(backend=backend) as transport:
            for _ in range(2):
                response = await transport.handle_async_request(Request("GET", "http://host/"))
                check(response, await response.aread())
        assert [stream.closed for stream in backend.streams] == [True]

    run(body())


@pytest.mark.parametrize("transport", [HTTPTransport, AsyncHTTPTransport])
def test_without_any_protocol(transport: Any) -> None:
    """Without HTTP/1.1 there is nothing to speak."""
    with pytest.raises(ValueError, match="http1=False"):
        transport(http1=False)


@pytest.mark.parametrize("transport", [HTTPTransport, AsyncHTTPTransport])
def test_wrong_settings_are_told_at_once(transport: Any) -> None:
    """A proxy of an unknown kind, a path of certificates that is not there, limits that are none raise at once."""
    with pytest.raises(TypeError, match=r"Invalid limits: 5\. Give Limits"):
        transport(limits=5)
    with pytest.raises(TypeError, match=r"Invalid retries='2'\. Give a whole number"):
        transport(retries="2")
    with pytest.raises(TypeError, match=r"Invalid verify=5\. Give True, False"):
        transport(verify=5)
    with pytest.raises(ValueError, match="Unknown scheme for proxy"):
        transport(proxy="ftp://host")
    with pytest.raises(FileNotFoundError, match="/not/there"):
        transport(verify="/not/there")
    with pytest.raises(FileNotFoundError, match="/not/there"):
        transport(cert="/not/there")
    transport(http2=True, socket_options=[], proxy=borzoi.Proxy("http://host"))


def test_the_clock_of_the_program() -> None:
    """`clock=` tells the time for what expires."""

    class Clock:
        time = 0.0

        def now(self) -> float:
            return self.time

    clock, backend = Clock(), answering()
    with HTTPTransport(backend=backend, clock=clock) as transport:
        for _ in range(2):
            transport.handle_request(Request("GET", "http://host/")).read()
        assert len(backend.streams) == 1
        clock.time = 6
        transport.handle_request(Request("GET", "http://host/")).read()
        assert len(backend.streams) == 2


def test_closing_closes_what_is_idle_and_what_is_in_use() -> None:
    """Closing a transport closes every connection; it may be used again."""
    backend = answering()
    transport = HTTPTransport(backend=backend)
    one = transport.handle_request(Request("GET", "http://one/"))
    one.read()
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"
    backend._peer = lambda host, port: lambda data: [large] if data else []
    two = transport.handle_request(Request("GET", "http://two/"))
    transport.close()
    assert [stream.closed for stream in backend.streams] == [True, True]
    two.close()
    transport.close()
    backend._peer = lambda host, port: lambda data: [ANSWER] if data else []
    check(transport.handle_request(Request("GET", "http://one/")), b"hello")
    transport.close()


PROGRAM = """
import sys, threading
import borzoi
from borzoi._backends.memory import MemoryBackend
answer = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"
backend = MemoryBackend(lambda host, port: lambda data: [answer] if data else [])
client = borzoi.Client(trust_env=False, transport=borzoi.HTTPTransport(backend=backend))
assert client.get("http://host/").text == "ok"
borzoi.Client()
borzoi.AsyncClient()
print([name for name in ("ssl", "asyncio", "trio", "certifi", "truststore") if name in sys.modules])
"""


def test_what_is_not_used_is_not_imported() -> None:
    """A program that speaks http alone imports neither TLS nor an event loop."""
    outcome = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    assert outcome.stdout.strip() == "[]"


def test_a_handler_that_returns_no_response(world: World) -> None:
    """What a function returned instead of a response is told."""

    async def answer(request: Request) -> Any:
        return "later"

    handlers: dict[Any, str] = {lambda request: None: "None"} | ({answer: "'later'"} if world.is_async else {})
    for handler, shown in handlers.items():
        with pytest.raises(TypeError, match=f"The handler returned {shown}, and not a Response"):
            world.run(world.client(handler).get, "http://host/")
