"""HTTP/2 over a network that only reads and writes by turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

import borzoi
from borzoi import ReadError, Timeout, WriteError, WriteTimeout
from borzoi._backends.base import Asking, ConnectOptions
from borzoi._backends.memory import END, Event, MemoryBackend, Wait
from borzoi._exchange.half_duplex import duplex_of
from borzoi._exchange.multiplexed_connection import LONGEST_WRITE
from tests.exchange.http2_scripts import assert_settled, http2_client
from tests.wire.http2_scripting import SETTLED, data, frames, headers
from tests.worlds.world import WORLDS, World

ASYNCIO: World = WORLDS["asyncio"]
BLOCKING: World = WORLDS["blocking"]


def answer(sent: bytes) -> Iterable[Event]:
    """Answer each HEADERS frame with what its stream is called."""
    if sent.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        yield SETTLED
        sent = sent[24:]
    for kind, _, stream, _ in frames(sent):
        if kind == 1:
            yield headers(stream) + data(stream, b"%d" % stream, end=True)


def test_requests_over_a_script() -> None:
    """Requests go over a scripted network as over a real one, with prior knowledge."""
    backend = MemoryBackend(lambda host, port: answer)

    async def body() -> None:
        async with http2_client(BLOCKING, http1=False, backend=backend) as client:
            for number in (1, 3, 5):
                response = await client.get("http://example.org/")
                assert (response.http_version, response.text) == ("HTTP/2", str(number))
            assert_settled(client, idle=1)

    BLOCKING.run(body)
    assert len(backend.streams) == 1


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ([], borzoi.ReadTimeout),
        ([SETTLED, Wait(99)], borzoi.ReadTimeout),
        ([SETTLED, END], borzoi.RemoteProtocolError),
        ([borzoi.ReadError("cut")], borzoi.ReadError),
    ],
)
def test_a_script_that_fails(said: list[Event], error: type[Exception]) -> None:
    """Silence, the end and a failure of the stream are errors of the tree."""
    turns = iter([said])
    backend = MemoryBackend(lambda host, port: lambda sent: next(turns, []) if sent else [])

    async def body() -> None:
        async with http2_client(BLOCKING, http1=False, backend=backend) as client:
            with pytest.raises(error) as caught:
                await client.post("http://example.org/")
            assert caught.value.request.method == "POST"  # type: ignore[attr-defined]
            assert_settled(client)

    BLOCKING.run(body)


def test_what_was_read_waits() -> None:
    """What was read and not received yet makes the stream one that is not idle, and nothing more is read before it."""

    async def body() -> None:
        backend = MemoryBackend(lambda host, port: lambda sent: [b"one", b"two"] if sent else [])
        stream = duplex_of(await backend.connect_tcp("example.org", 80, None, ConnectOptions()))
        assert stream.is_idle()
        assert stream.receive_now() is None
        stream.send_now(b"ask")
        for _ in range(2):
            await stream.wait_ready(1.0, writing=True)
        assert not stream.is_idle()
        assert [stream.receive_now(), stream.receive_now()] == [b"one", None]
        await stream.wait_ready(1.0, writing=False)
        assert stream.receive_now() == b"two"

    BLOCKING.run(body)


class Own(Asking):
    """A stream of a program's own network, in an event loop: it notes what it is given, and says what it is told to."""

    def __init__(self, *, answers: bool) -> None:
        self.peer = "own"
        self.on_event: Any = None
        self.written: list[bytes] = []
        self.coming: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.failure: Exception | None = None
        self._answers = answers
        self.coming.put_nowait(SETTLED)

    async def write(self, sent: bytes, timeout: float | None) -> None:
        self.written.append(sent)
        if self.failure is not None:
            raise self.failure
        for kind, _, stream, _ in frames(sent.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")):
            if kind == 1 and self._answers:
                self.coming.put_nowait(headers(stream) + data(stream, b"ok", end=True))

    async def read(self, timeout: float | None) -> bytes:
        try:
            item = await asyncio.wait_for(self.coming.get(), timeout)
        except TimeoutError:
            raise borzoi.ReadTimeout("nothing came") from None
        if isinstance(item, Exception):
            raise item
        return item

    async def start_tls(self, tls: Any, timeout: float | None) -> Any:
        raise NotImplementedError

    def is_idle(self) -> bool:
        return self.coming.empty()

    def close(self) -> None:
        self.failure = self.failure or WriteError("closed")

    abandon = close

    def get_extra_info(self, info: str) -> Any:
        return None

    def requests(self) -> int:
        """Return how many requests it was given."""
        sent = b"".join(self.written).removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        return sum(kind == 1 for kind, *_ in frames(sent))

    async def until_requests(self, count: int) -> None:
        """Wait until it was given so many."""
        while self.requests() < count:
            await asyncio.sleep(0)


class OwnNetwork:
    """Connect to these streams, one after the other, and be the loop's own back end else."""

    def __init__(self, backend: Any, streams: list[Own]) -> None:
        self._backend = backend
        self._streams = iter(streams)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    async def connect_tcp(self, *_: Any) -> Own:
        return next(self._streams)


URL = "http://example.org/"


async def turns() -> None:
    """Let the others run, as often as they need to come to rest."""
    for _ in range(20):
        await asyncio.sleep(0)


def over(streams: list[Own], timeout: Timeout | None = None) -> Any:
    """Return a client over these streams."""
    return http2_client(
        ASYNCIO, http1=False, backend=OwnNetwork(ASYNCIO.backend(), streams), client={"timeout": timeout or Timeout(20)}
    )


@pytest.mark.parametrize("first", ["GET", "POST"])
def test_what_is_queued_was_not_sent(first: str) -> None:
    """RFC 9113, 8.7: where a stream breaks, what had not been given to it is sent again, whatever its method; what had been is not."""

    async def body() -> None:
        broken, sound = Own(answers=False), Own(answers=True)
        async with over([broken, sound]) as client:
            asking = asyncio.create_task(client.request(first, URL))
            await broken.until_requests(1)
            await turns()
            # The first one reads, and while it does nothing is written.
            waiting = asyncio.create_task(client.post(URL))
            await turns()
            assert broken.requests() == 1
            broken.coming.put_nowait(ReadError("cut"))
            assert (await waiting).text == "ok"
            if first == "GET":
                assert (await asking).text == "ok"
            else:
                with pytest.raises(ReadError, match="cut"):
                    await asking
            assert (broken.requests(), sound.requests()) == (1, 2 if first == "GET" else 1)
            assert_settled(client, idle=1)

    ASYNCIO.run(body)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_handed_over_may_have_been_sent(method: str) -> None:
    """Where writing fails, part of what was to be written may be out: it is sent again only if its method allows that."""

    async def body() -> None:
        broken, sound = Own(answers=True), Own(answers=True)
        async with over([broken, sound]) as client:
            await client.get(URL)
            broken.failure = WriteError("cut")
            if method == "GET":
                assert (await client.get(URL)).text == "ok"
            else:
                with pytest.raises(WriteError, match="cut"):
                    await client.post(URL)
            assert (broken.requests(), sound.requests()) == (2, int(method == "GET"))
            assert_settled(client)

    ASYNCIO.run(body)


def test_a_stream_that_takes_nothing() -> None:
    """What cannot be written in the time that the program allows is a WriteTimeout, and is not sent again."""

    async def body() -> None:
        stuck, sound = Own(answers=True), Own(answers=True)
        async with over([stuck, sound], Timeout(20, write=0.01)) as client:
            await client.get(URL)
            stuck.failure = WriteTimeout("took nothing")
            with pytest.raises(WriteTimeout, match="took nothing"):
                await client.get(URL)
            assert (stuck.requests(), sound.requests()) == (2, 0)
            assert_settled(client)

    ASYNCIO.run(body)


def test_a_write_has_all_the_time_that_there_is() -> None:
    """A write is not broken off to look after others: that would break the connection."""
    allowed: list[float | None] = []

    class Slow(Own):
        async def write(self, sent: bytes, timeout: float | None) -> None:
            allowed.append(timeout)
            await super().write(sent, timeout)

    async def body() -> None:
        for timeout in (Timeout(20, write=7), Timeout(None)):
            async with over([Slow(answers=True)], timeout) as client:
                assert (await client.post(URL, content=b"x" * 100_000)).text == "ok"

    ASYNCIO.run(body)
    assert all(seconds is not None and (6 < seconds <= 7 or seconds == LONGEST_WRITE) for seconds in allowed)
    assert {seconds == LONGEST_WRITE for seconds in allowed} == {True, False}


def test_sent_is_what_was_handed_over() -> None:
    """What is queued comes again with the next call, and counts once it was handed over."""

    async def body() -> None:
        stream: Any = Own(answers=False)
        half = duplex_of(stream)
        assert half.send_now(b"one") == 0
        assert half.send_now(b"onetwo") == 0
        assert stream.written == []
        await half.wait_ready(1.0, writing=True)
        assert stream.written == [b"onetwo"]
        assert half.send_now(b"onetwothree") == 6
        assert half.receive_now() is None
        await half.wait_ready(1.0, writing=True)
        assert half.send_now(b"three") == 5
        assert stream.written == [b"onetwo", b"three"]

    ASYNCIO.run(body)
