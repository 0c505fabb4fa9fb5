"""TLS over a scripted stream: time-outs, what is found while idle, and writes that were broken off."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from borzoi import ConnectTimeout, ReadError, WriteError, WriteTimeout
from borzoi._backends.base import TLSOptions
from borzoi._backends.tls_over_stream import TLSOverStream, secure
from borzoi._run_blocking import run_blocking
from tests.worlds.certificates import client_context, server_context


class Below:
    """A stream whose other end is a TLS server without a network. Each read and write takes `pace` seconds."""

    def __init__(self, pace: float = 0.0) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._server = server_context("here.test").wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._secured = False
        self._pace = pace
        self.time = 0.0
        self.allowed: list[float | None] = []
        self.received = b""
        self.ended = self.closed = self.abandoned = False
        self.fails: BaseException | None = None
        self.on_event: Callable[[], None] | None = None
        self.peer = "here.test:443"

    def now(self) -> float:
        """Return the time."""
        return self.time

    def _pass(self, timeout: float | None) -> None:
        self.allowed.append(timeout)
        self.time += self._pace

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Have the server receive."""
        self._pass(timeout)
        if self.fails is not None:
            raise self.fails
        self._incoming.write(data)
        try:
            if not self._secured:
                self._server.do_handshake()
                self._secured = True
            self.received += self._server.read(65536)
        except ssl.SSLWantReadError:
            pass

    async def read(self, timeout: float | None) -> bytes:
        """Return what the server sends."""
        self._pass(timeout)
        data = self.receive_now()
        assert data is not None, "the server has nothing to say"
        return data

    def receive_now(self) -> bytes | None:
        """Return what the server has sent by now."""
        return self._outgoing.read() if self._outgoing.pending else b"" if self.ended else None

    def says(self, data: bytes) -> None:
        """Have the server send, and tell of it."""
        self._server.write(data)
        if self.on_event is not None:
            self.on_event()

    async def start_tls(self, tls: TLSOptions, timeout: float | None) -> Any:
        """Refuse: nobody asks."""
        raise NotImplementedError

    def is_idle(self) -> bool:
        """Return whether nothing has come."""
        return not self._outgoing.pending

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def abandon(self) -> None:
        """Note it."""
        self.abandoned = True

    def get_extra_info(self, info: str) -> Any:
        """Return what was asked for."""
        return info


def secured(below: Below, timeout: float | None = 10.0) -> TLSOverStream:
    """Return TLS over a stream."""
    tls = TLSOptions(client_context(), "here.test")
    return run_blocking(secure(below, tls, timeout, below.now))


def test_the_time_out_is_for_the_whole_handshake() -> None:
    """Each step of a handshake has what is left of the time-out, the last one too."""
    below = Below(pace=1.0)
    secured(below, 10.0)
    assert below.allowed == [10.0, 9.0, 8.0]


def test_no_time_out_is_none() -> None:
    """Without a time-out, no step has one."""
    below = Below()
    secured(below, None)
    assert set(below.allowed) == {None}


def test_a_write_that_times_out_in_the_handshake() -> None:
    """A step that takes too long is a ConnectTimeout that names the peer, and the stream below is closed."""
    below = Below()
    below.fails = WriteTimeout("too long")
    with pytest.raises(ConnectTimeout, match=r"finish the TLS handshake to here\.test:443 within 10 s"):
        secured(below)
    assert below.closed


def test_bytes_found_while_idle_are_read_first() -> None:
    """Session tickets leave a stream idle; bytes of the application do not, and the next read returns them."""
    below = Below()
    stream = secured(below)
    news: list[bool] = []
    assert stream.is_idle()
    below.says(b"un")
    stream.on_event = lambda: news.append(stream.is_idle())
    below.says(b"asked")
    assert news == [False]
    assert not stream.is_idle()
    assert stream.get_extra_info("is_readable") is True
    assert stream.get_extra_info("server_addr") == "server_addr"
    assert run_blocking(stream.read(1)) + run_blocking(stream.read(1)) == b"unasked"
    assert stream.is_idle()


def test_a_stream_that_was_cut_is_not_idle() -> None:
    """An end without a close_notify is no idle stream, and reading it is an error."""
    below = Below()
    stream = secured(below)
    below.ended = True
    assert not stream.is_idle()
    with pytest.raises(ReadError, match=r"Reading from here\.test:443 failed: .*(?i:eof)"):
        run_blocking(stream.read(1))


def test_nothing_follows_a_write_that_was_broken_off() -> None:
    """Where a write was cancelled or timed out, part of a record may be out: no other write goes ahead."""
    below = Below()
    stream = secured(below)
    run_blocking(stream.write(b"one", 1))
    below.fails = WriteTimeout("full")
    with pytest.raises(WriteTimeout):
        run_blocking(stream.write(b"two", 1))
    below.fails = None
    with pytest.raises(WriteError, match="an earlier write was broken off"):
        run_blocking(stream.write(b"three", 1))
    assert below.received == b"one"


def test_writing_after_the_end_of_tls_is_a_write_error() -> None:
    """What OpenSSL refuses to encrypt is a WriteError that names the peer."""
    stream = secured(Below())
    with pytest.raises(ssl.SSLWantReadError):
        stream.get_extra_info("ssl_object").unwrap()
    with pytest.raises(WriteError, match=r"Writing to here\.test:443 failed"):
        run_blocking(stream.write(b"late", 1))


def test_closing_is_for_what_is_below() -> None:
    """close() and abandon() do the same to the stream below."""
    below = Below()
    stream = secured(below)
    stream.abandon()
    assert (below.abandoned, below.closed) == (True, False)
    stream.close()
    assert below.closed
