"""HTTP/2 over a network that only reads and writes by turns."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

import borzoi
from borzoi._backends.base import ConnectOptions
from borzoi._backends.memory import END, Event, MemoryBackend, Wait
from borzoi._exchange.half_duplex import duplex_of
from tests.exchange.http2_scripts import assert_settled, http2_client
from tests.wire.http2_scripting import SETTLED, data, frames, headers
from tests.worlds.world import WORLDS, World

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
