"""Bodies on their way up: in pieces, from files, too long, too short, failing, and answered before their end."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import borzoi
from borzoi import Timeout
from tests.exchange.http_peers import Reader, Recorder, answer, assert_whole, gates, without_delay
from tests.worlds.peers import RawServer, reset
from tests.worlds.world import World


class Pieces:
    """A body in pieces for either kind of client. An exception among them is raised."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _InTime(iter(self))


class _InTime:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class Body(borzoi.SyncByteStream, borzoi.AsyncByteStream):
    """The same as a stream."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = Pieces(*pieces)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._pieces)


def streamed(url: str, *pieces: bytes | Exception, **headers: str) -> borzoi.Request:
    """Return a request with a body in pieces."""
    named = {name.replace("_", "-"): value for name, value in (headers or {"transfer_encoding": "chunked"}).items()}
    named["host"] = borzoi.URL(url).netloc.decode("ascii")
    return borzoi.Request("POST", url, stream=Body(*pieces), headers=named)


def generated() -> Iterator[bytes]:
    """Give a body."""
    yield b"one "
    yield b""
    yield b"two"


async def generated_in_time() -> AsyncIterator[bytes]:
    """Give the same in an event loop."""
    yield b"one "
    yield b""
    yield b"two"


def test_bodies_in_pieces(world: World) -> None:
    """A generator is sent in chunks, or as it is where a length was declared, and the connection is kept."""
    recorder = Recorder(lambda asked: answer(asked.body))

    async def body() -> None:
        async with world.client(timeout=20) as client:
            source = generated_in_time if world.is_async else generated
            assert (await client.post(server.url, content=source())).text == "one two"
            response = await client.post(server.url, content=source(), headers={"Content-Length": "7"})
            assert response.text == "one two"
            assert (
                await client.send(streamed(server.url, b"x" * 200_000, content_length="200000"))
            ).text == "x" * 200_000
            assert (await client.post(server.url, content=b"y" * 3_000_000)).text == "y" * 3_000_000
            assert_whole(client, idle=1)

    with RawServer(recorder) as server:
        world.run(body)
    assert [asked.headers.get(b"transfer-encoding") for asked in recorder.asked] == [b"chunked", None, None, None]
    assert len(recorder.connections) == 1


def test_files(world: World, tmp_path: Path) -> None:
    """A file is sent with its length, alone or in a form."""
    path = tmp_path / "file"
    path.write_bytes(b"z" * 300_000)
    recorder = Recorder(lambda asked: answer(b"%d" % len(asked.body)))

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with path.open("rb") as file:
                if not world.is_async:
                    assert (await client.post(server.url, content=file)).text == "300000"
                file.seek(0)
                response = await client.post(server.url, files={"file": file})
                assert int(response.text) > 300_000
            assert_whole(client, idle=1)

    with RawServer(recorder) as server:
        world.run(body)
    assert all(b"content-length" in asked.headers for asked in recorder.asked)


def test_a_source_that_fails(world: World) -> None:
    """An error of the program's own source comes out as it is, and the connection is closed."""
    cut = threading.Event()

    def handler(sock: socket.socket) -> None:
        while sock.recv(65536):
            pass
        cut.set()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(ZeroDivisionError, match="of the program's"):
                await client.send(streamed(server.url, b"a", ZeroDivisionError("of the program's"), content_length="9"))
            assert_whole(client, idle=0)
            await world.wait_for(cut)

    with RawServer(handler) as server:
        world.run(body)


@pytest.mark.parametrize(("length", "match"), [("3", "Too much data"), ("9", "Too little data")])
def test_a_body_of_another_length(world: World, length: str, match: str) -> None:
    """A body longer or shorter than its Content-Length is a LocalProtocolError, and the connection is closed."""
    cut = threading.Event()

    def handler(sock: socket.socket) -> None:
        while sock.recv(65536):
            pass
        cut.set()

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(borzoi.LocalProtocolError, match=match) as caught:
                await client.send(streamed(server.url, b"ab", b"cd", content_length=length))
            assert caught.value.request.method == "POST"
            assert_whole(client, idle=0)
            await world.wait_for(cut)

    with RawServer(handler) as server:
        world.run(body)


def test_a_body_of_the_other_world(world: World) -> None:
    """A generator of the other world is refused at once."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(RuntimeError, match="Attempted to"):
                await client.post(server.url, content=generated() if world.is_async else generated_in_time())

    with RawServer(Recorder()) as server:
        world.run(body)


@pytest.mark.parametrize("end", ["rst", "close", "stall"])
def test_an_answer_before_the_end_of_the_body(world: World, end: str) -> None:
    """56: where the server answers early and stops reading, its answer is delivered, and the connection closed."""
    with gates(1) as (done,):

        def handler(sock: socket.socket) -> None:
            without_delay(sock)
            Reader(sock).head()
            sock.sendall(answer(b"too large", status=b"413 Content Too Large"))
            if end == "stall":
                server.until(done)
            elif end == "rst":
                reset(sock)

        async def body() -> None:
            timeout = Timeout(20, write=0.2 if end == "stall" else 20)
            async with world.client(timeout=timeout) as client:
                request = streamed(server.url, *[b"x" * 500_000] * 40)
                try:
                    response = await client.send(request)
                except (borzoi.WriteError, borzoi.ReadError):
                    # asyncio's own transport gives up what it has not read when it cannot write.
                    assert world.name == "portable-asyncio"
                else:
                    assert (response.status_code, response.text) == (413, "too large")
                assert_whole(client, idle=0)
            done.set()

        with RawServer(handler, receive_buffer=65536) as server:
            world.run(body)


def test_a_break_without_an_answer(world: World) -> None:
    """Where the server closes without an answer, the error of writing is raised."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises((borzoi.WriteError, borzoi.ReadError), match=f"127.0.0.1:{server.port}"):
                await client.send(streamed(server.url, *[b"x" * 500_000] * 40))
            assert_whole(client, idle=0)

    def handler(sock: socket.socket) -> None:
        Reader(sock).head()
        reset(sock)

    with RawServer(handler, receive_buffer=65536) as server:
        world.run(body)


def test_a_break_after_rubbish(world: World) -> None:
    """What is no answer is not taken for one: the error of writing is raised."""

    async def body() -> None:
        async with world.client(timeout=20) as client:
            with pytest.raises(borzoi.TransportError):
                await client.send(streamed(server.url, *[b"x" * 500_000] * 40))
            assert_whole(client, idle=0)

    def handler(sock: socket.socket) -> None:
        without_delay(sock)
        Reader(sock).head()
        sock.sendall(b"rubbish\r\n\r\n")

    with RawServer(handler, receive_buffer=65536) as server:
        world.run(body)


def test_a_slow_reader_holds_the_server_back(world: World) -> None:
    """Of a body that nobody reads, no more is taken than what the buffers of the system hold."""
    written = [0]
    full = threading.Event()

    def handler(sock: socket.socket) -> None:
        Reader(sock).request()
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n")
        sock.settimeout(0.3)
        piece = b"x" * 65536
        try:
            while True:
                written[0] += sock.send(piece)
        except TimeoutError:
            full.set()
        while written[0] < 40_000_000:
            sock.settimeout(20)
            written[0] += sock.send(piece[: 40_000_000 - written[0]])

    async def body() -> None:
        async with world.client(timeout=20) as client:
            async with client.stream("GET", server.url) as response:
                chunks = response.aiter_raw()
                received = len(await anext(chunks))
                await world.wait_for(full)
                # Both buffers of a loopback connection grow to some megabytes; ours to a quarter of one.
                assert written[0] - received < 12_000_000
                async for chunk in chunks:
                    received += len(chunk)
                assert received == 40_000_000
            assert_whole(client, idle=1)

    with RawServer(handler) as server:
        world.run(body)
