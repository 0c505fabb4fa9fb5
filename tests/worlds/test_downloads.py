"""Progress and saving over real connections, in every world: the table of docs/progress.md, line by line."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import pytest

import borzoi
from borzoi import Progress

from .facade import BlockingResponse
from .peers import RawServer
from .world import World

BODY = bytes(range(256)) * 4096
"""1 MiB."""


class Log(list[Progress]):
    """Remembers the reports."""

    def __call__(self, progress: Progress) -> None:
        self.append(progress)

    @property
    def last(self) -> Progress:
        return self[-1]

    @property
    def ends(self) -> int:
        return sum(progress.is_done for progress in self)


class Peer:
    """The server's end of one connection, as far as these tests need one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")

    def request(self) -> tuple[str, bytes] | None:
        """Receive a request: its first line and its body. None at the end."""
        line = self._file.readline()
        if not line:
            return None
        headers: dict[bytes, bytes] = {}
        while field := self._file.readline().strip():
            name, _, value = field.partition(b":")
            headers[name.lower()] = value.strip()
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            return line.decode().strip(), self._chunks()
        return line.decode().strip(), self._file.read(int(headers.get(b"content-length", b"0")))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._file.readline(), 16):
            body += self._file.read(size)
            self._file.readline()
        self._file.readline()
        return body

    def answer(self, body: bytes = b"", *fields: str, status: str = "200 OK", length: int | None = None) -> None:
        """Send a response."""
        head = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body) if length is None else length}", "", ""]
        self._sock.sendall("\r\n".join(head).encode() + body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def serving(respond: Callable[[Peer, str, bytes], object]) -> RawServer:
    """Return a server that answers each request of each connection by a function."""

    def handler(sock: socket.socket) -> None:
        with Peer(sock) as peer:
            while (request := peer.request()) is not None:
                respond(peer, *request)

    return RawServer(handler)


async def save(response: Any, path: Path) -> Any:
    """Save a response in either world."""
    if isinstance(response, BlockingResponse):
        return response.wrapped.save(path)
    return await response.asave(path)


def test_a_download_of_known_length(world: World) -> None:
    """With a Content-Length the total is known, and the last report says that all of it came."""
    with serving(lambda peer, line, body: peer.answer(BODY)) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client:
                response = await client.get(server.url, on_download=log)
                assert response.content == BODY
            return log

        log = world.run(body)
    assert (log.last.bytes_wire, log.last.bytes_decoded, log.last.total) == (len(BODY), len(BODY), len(BODY))
    assert log.ends == 1
    assert log.last.is_done
    assert [progress.bytes_wire for progress in log] == sorted(progress.bytes_wire for progress in log)
    assert log.last.elapsed > 0


def test_a_download_of_unknown_length(world: World) -> None:
    """A chunked body has no total; the framing of the chunks does not count."""

    def respond(peer: Peer, line: str, body: bytes) -> None:
        peer._sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbor\r\n3\r\nzoi\r\n0\r\n\r\n")

    with serving(respond) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client, client.stream("GET", server.url, on_download=log) as response:
                assert await response.aread() == b"borzoi"
            return log

        log = world.run(body)
    assert (log.last.bytes_wire, log.last.total, log.last.fraction) == (6, None, None)
    assert log.ends == 1


def test_a_compressed_download(world: World) -> None:
    """Bytes on the wire count against the Content-Length, those decoded apart."""
    text = b"borzoi " * 50_000
    data = gzip.compress(text, mtime=0)
    with serving(lambda peer, line, body: peer.answer(data, "Content-Encoding: gzip")) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client:
                assert (await client.get(server.url, on_download=log)).content == text
            return log

        log = world.run(body)
    assert (log.last.bytes_wire, log.last.bytes_decoded, log.last.total) == (len(data), len(text), len(data))
    assert log.last.fraction == 1.0


def test_a_redirected_upload(world: World) -> None:
    """Of the responses the last is reported; an upload that is sent again starts at 0, and is done once."""
    seen: list[tuple[str, int]] = []

    def respond(peer: Peer, line: str, body: bytes) -> None:
        seen.append((line, len(body)))
        if " /here " in line:
            peer.answer(b"moved", "Location: /there", status="307 Temporary Redirect")
        else:
            peer.answer(b"taken")

    with serving(respond) as server:

        async def body() -> tuple[Log, Log]:
            down, up = Log(), Log()
            async with world.client(follow_redirects=True) as client:
                await client.put(f"{server.url}/here", content=BODY, on_download=down, on_upload=up)
            return down, up

        down, up = world.run(body)
    assert seen == [("PUT /here HTTP/1.1", len(BODY)), ("PUT /there HTTP/1.1", len(BODY))]
    assert {progress.url.path for progress in down} == {"/there"}
    assert down.last.bytes_wire == 5
    assert {progress.url.path for progress in up} == {"/here", "/there"}
    assert (up.last.bytes_wire, up.last.total, up.last.is_done, up.ends) == (len(BODY), len(BODY), True, 1)


def test_an_upload_that_a_stale_connection_lost(world: World) -> None:
    """When the server closed the kept connection, the upload starts again at 0 on a new one, and is done once."""
    closed = threading.Event()

    def handler(sock: socket.socket) -> None:
        with Peer(sock) as peer:
            if peer.request() is None:
                return
            peer.answer(b"first")
            if not closed.is_set():
                # The second request comes whole, and the connection closes without an answer to it.
                peer.request()
                closed.set()
            else:
                peer.request()

    with RawServer(handler) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client:
                await client.get(server.url)
                await client.put(server.url, content=BODY, on_upload=log)
            return log

        log = world.run(body)
    assert len(server.connections) == 2
    assert (log.last.bytes_wire, log.last.total, log.ends) == (len(BODY), len(BODY), 1)
    assert any(later.bytes_wire <= earlier.bytes_wire for earlier, later in pairwise(log))


def test_an_upload_of_unknown_length(world: World) -> None:
    """A generator has no total; what it gave has all been sent at the end."""
    received: list[int] = []

    def respond(peer: Peer, line: str, body: bytes) -> None:
        received.append(len(body))
        peer.answer()

    def chunks() -> Any:
        for _ in range(10):
            yield BODY[:50_000]

    async def achunks() -> Any:
        for chunk in chunks():
            yield chunk

    with serving(respond) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client:
                await client.post(server.url, content=achunks() if world.is_async else chunks(), on_upload=log)
            return log

        log = world.run(body)
    assert received == [500_000]
    assert (log.last.bytes_wire, log.last.total, log.last.is_done) == (500_000, None, True)


def test_several_transfers_at_once(world: World) -> None:
    """Each transfer is reported on its own."""
    with serving(lambda peer, line, body: peer.answer(BODY[: int(line.split("/")[1].split(" ")[0])])) as server:

        async def body() -> list[Log]:
            async with world.client() as client:

                async def fetch(size: int) -> Log:
                    log = Log()
                    await client.get(f"{server.url}/{size}", on_download=log)
                    return log

                return await world.gather(*[lambda size=size: fetch(size) for size in (100, 200_000, 700_000)])

        logs = world.run(body)
    assert [(log.last.bytes_wire, log.ends) for log in logs] == [(100, 1), (200_000, 1), (700_000, 1)]
    assert [{progress.name for progress in log} for log in logs] == [{"100"}, {"200000"}, {"700000"}]


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_no_body_at_all(world: World, status: str) -> None:
    """What has no body is one report: 0 of 0 bytes, done. So is the answer to HEAD, whatever its length says."""

    def respond(peer: Peer, line: str, body: bytes) -> None:
        if line.startswith("HEAD"):
            peer.answer(length=1000)
        else:
            peer._sock.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())

    with serving(respond) as server:

        async def body() -> list[Log]:
            logs = [Log(), Log()]
            async with world.client() as client:
                await client.get(server.url, on_download=logs[0])
                await client.head(server.url, on_download=logs[1])
            return logs

        logs = world.run(body)
    for log in logs:
        assert [(progress.bytes_wire, progress.total, progress.is_done) for progress in log] == [(0, 0, True)]


def test_a_download_that_breaks_is_never_done(world: World, tmp_path: Path) -> None:
    """A body cut short raises, without a last report and without a file; what was there stays."""

    def handler(sock: socket.socket) -> None:
        with Peer(sock) as peer:
            peer.request()
            peer.answer(b"x" * 500, length=1000)

    (tmp_path / "dog").write_text("old")
    with RawServer(handler) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client:
                with pytest.raises(borzoi.RemoteProtocolError):
                    async with client.stream("GET", server.url, on_download=log) as response:
                        await save(response, tmp_path / "dog")
            return log

        log = world.run(body)
    assert log.ends == 0
    assert [path.name for path in tmp_path.iterdir()] == ["dog"]
    assert (tmp_path / "dog").read_text() == "old"


@pytest.mark.parametrize("direction", ["on_download", "on_upload"])
def test_a_callback_that_raises_discards_the_connection(world: World, direction: str) -> None:
    """The transfer ends with what the callback raised; its connection is closed, and the client goes on with another."""

    def respond(peer: Peer, line: str, body: bytes) -> None:
        peer.answer(BODY)

    def enough(progress: Progress) -> None:
        raise LookupError("enough")

    with serving(respond) as server:

        async def body() -> None:
            async with world.client() as client:
                with pytest.raises(LookupError, match="enough"):
                    await client.put(server.url, content=BODY, **{direction: enough})
                assert (await client.get(server.url)).content == BODY

        world.run(body)
    assert len(server.connections) == 2


def test_leaving_early_is_never_done(world: World) -> None:
    """A program that closes the response has no last report, and the connection is not used again."""
    with serving(lambda peer, line, body: peer.answer(BODY)) as server:

        async def body() -> Log:
            log = Log()
            async with world.client() as client:
                async with client.stream("GET", server.url, on_download=log) as response:
                    assert await anext(aiter(response.aiter_bytes(100)))
                await client.get(server.url)
            return log

        log = world.run(body)
    assert log
    assert log.ends == 0
    assert len(server.connections) == 2


def test_a_response_is_saved(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A download is saved under the name that its URL gives, with a bar."""
    with serving(lambda peer, line, body: peer.answer(BODY)) as server:

        async def body() -> Any:
            async with (
                world.client() as client,
                client.stream("GET", f"{server.url}/files/dog.bin", progress=True) as response,
            ):
                return await save(response, tmp_path)

        path, size = world.run(body)
    assert (path, size) == (tmp_path / "dog.bin", len(BODY))
    assert path.read_bytes() == BODY
    assert capsys.readouterr().err.startswith("dog.bin: 1.0 MiB in ")


def test_a_cancelled_save_leaves_nothing(
    async_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cancelling in the middle of a download removes the temporary file and ends the bar; the client goes on."""
    begun = threading.Event()

    def handler(sock: socket.socket) -> None:
        with Peer(sock) as peer:
            while peer.request() is not None:
                if begun.is_set():
                    peer.answer(b"again")
                else:
                    peer.answer(b"x" * 500, length=1000)

    class Begun(Log):
        def __call__(self, progress: Progress) -> None:
            super().__call__(progress)
            begun.set()

    log = Begun()
    with RawServer(handler) as server:

        async def body() -> None:
            async with async_world.client() as client:

                async def download() -> None:
                    async with client.stream("GET", server.url, on_download=log, progress="dog") as response:
                        await response.asave(tmp_path / "dog")

                async with async_world.tasks() as tasks:
                    handle = tasks.start(download)
                    await async_world.wait_for(begun)
                    handle.cancel()
                assert handle.cancelled
                assert list(tmp_path.iterdir()) == []
                assert (await client.get(server.url)).content == b"again"

        async_world.run(body)
    assert log.ends == 0
    assert capsys.readouterr().err == "dog: stopped at 500 B of 1000 B\n"
