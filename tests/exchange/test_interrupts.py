"""63: an interrupt, or a lack of memory or descriptors, at any call in the blocking world leaves the books whole."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h2.exceptions
import pytest

import borzoi
from borzoi import Limits, Timeout
from tests.exchange.http2_scripts import assert_settled
from tests.exchange.http_peers import answer, assert_whole, http
from tests.worlds.certificates import client_context, server_context
from tests.worlds.http2_peer import Http2Peer, http2_server
from tests.worlds.peers import RawServer


class Interrupter:
    """Raise an exception at the n-th call of this thread: before it for "call" and "c_call", after for "c_return"."""

    def __init__(self, error: type[BaseException], number: int) -> None:
        self._error = error
        self._left = number
        self.fired = False

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if self.fired or event not in ("call", "c_call", "c_return"):
            return
        name = frame.f_code.co_filename
        # Nor what only watches: the guard hears of `sys.setprofile`, and would be interrupted outside the block.
        if "borzoi" not in name or "/tests/" in name or "/testing/" in name:
            return
        # A finaliser cannot raise: what comes out of it is only reported. Giving a lock back cannot fail.
        if frame.f_code.co_name == "__del__" or (event == "c_call" and argument.__name__ in ("__exit__", "release")):
            return
        self._left -= 1
        if self._left == 0:
            self.fired = True
            raise self._error("now")


@contextmanager
def interrupted(error: type[BaseException], number: int) -> Iterator[Interrupter]:
    """Interrupt what runs in the block."""
    hook = Interrupter(error, number)
    sys.setprofile(hook)
    try:
        yield hook
    finally:
        sys.setprofile(None)


def small(client: borzoi.Client, url: str) -> None:
    """Get a small response."""
    client.get(url)


def large(client: borzoi.Client, url: str) -> None:
    """Get a large response, piece by piece."""
    with client.stream("GET", f"{url}/large") as response:
        for _ in response.iter_bytes():
            pass


def closed_early(client: borzoi.Client, url: str) -> None:
    """Leave a response half read."""
    with client.stream("GET", f"{url}/large"):
        pass


def upload(client: borzoi.Client, url: str) -> None:
    """Send a body in pieces."""
    client.put(url, content=iter([b"a" * 1000, b"b" * 1000]))


def sweep(
    error: type[BaseException],
    ask: Callable[[borzoi.Client, str], None],
    client: borzoi.Client,
    url: str,
    assert_whole: Callable[[Any], None] = assert_whole,
    step: int = 1,
) -> int:
    """Interrupt a request at its first call, its second, and so on until it ends before the interrupt comes."""
    for number in itertools.count(1, step):
        with warnings.catch_warnings():
            # A socket in nobody's hands yet is closed by its finaliser, which says so.
            warnings.simplefilter("ignore", ResourceWarning)
            # Nor is a coroutine awaited whose runner was interrupted before it began.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            try:
                with interrupted(error, number) as hook:
                    ask(client, url)
            except error:
                pass
            except borzoi.TransportError:
                # The interrupt hit what closes a connection: the error is another, and its cause is told.
                assert hook.fired
            gc.collect(1)
            assert_whole(client)
        assert client.get(url).text == "ok"
        assert_whole(client)
        if not hook.fired:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()
            return number
    raise AssertionError


LARGE = answer(b"x" * 200_000)


@pytest.mark.parametrize(
    ("error", "ask"),
    [(KeyboardInterrupt, ask) for ask in (small, large, closed_early, upload)] + [(MemoryError, small)],
)
@pytest.mark.parametrize("kept", [0, 1])
def test_an_interrupt_at_any_call(error: type[BaseException], ask: Callable[..., None], kept: int) -> None:
    """Interrupted at its n-th call, for every n, a request on a new or a used connection leaves the pool whole."""
    limits = Limits(max_connections=1, max_keepalive_connections=kept)
    with (
        RawServer(http(lambda asked: LARGE if asked.target == b"/large" else answer())) as server,
        borzoi.Client(limits=limits, timeout=Timeout(20, pool=0.5)) as client,
    ):
        client.get(server.url)
        assert sweep(error, ask, client, server.url) > 20


def test_an_interrupt_at_any_call_of_tls() -> None:
    """The same over TLS."""
    limits = Limits(max_connections=1, max_keepalive_connections=0)
    settings: dict[str, Any] = {"limits": limits, "timeout": Timeout(20, pool=0.5), "verify": client_context()}
    with (
        RawServer(http(lambda asked: answer()), tls=server_context()) as server,
        borzoi.Client(**settings) as client,
    ):
        client.get(server.url)
        assert sweep(KeyboardInterrupt, small, client, server.url) > 20


def answer_in_frames(peer: Http2Peer) -> None:
    """Answer each request over HTTP/2. A client that is interrupted within a frame says what makes no sense."""
    with contextlib.suppress(h2.exceptions.ProtocolError):
        while True:
            request = peer.request()
            if request.reset_code is None:
                is_large = request.get(b":path") == b"/large"
                peer.respond(request.stream, body=b"x" * 100_000 if is_large else b"ok")


@pytest.mark.parametrize(
    ("error", "ask"),
    [(KeyboardInterrupt, ask) for ask in (small, large, closed_early, upload)] + [(MemoryError, small)],
)
@pytest.mark.parametrize(("kept", "step"), [(0, 1), (1, 1)] if os.environ.get("TORTURE") else [(0, 31), (1, 7)])
def test_an_interrupt_at_any_call_of_http2(
    error: type[BaseException], ask: Callable[..., None], kept: int, step: int
) -> None:
    """The same over HTTP/2, whose connections many share: none is left that nobody carries, or that is half read.

    A connection takes a thousand calls to begin: all of them are interrupted where `TORTURE` asks for that.
    """
    limits = Limits(max_connections=1, max_keepalive_connections=kept)
    with (
        http2_server(answer_in_frames) as server,
        borzoi.Client(http1=False, http2=True, limits=limits, timeout=Timeout(20, pool=0.5)) as client,
    ):
        client.get(server.url)
        assert sweep(error, ask, client, server.url, assert_settled, step) > 20


def test_no_descriptors_left() -> None:
    """Where the system has no descriptor to give, a request is a ConnectError, and the next one succeeds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with RawServer(http(lambda _: answer())) as server, borzoi.Client() as client:
        client.get(server.url)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(borzoi.ConnectError, match=f"127.0.0.2:{server.port}.*Too many open files"):
                client.get(f"http://127.0.0.2:{server.port}/")
            assert client.get(server.url).text == "ok"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert_whole(client, idle=1)
