"""`on_download=`, `on_upload=` and `progress=` of every call, in blocking code, asyncio and trio."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import borzoi
from borzoi import ByteStream, Client, Progress, Request, Response
from borzoi._client.transfers import Watch
from tests.client.conftest import World

URL = "https://example.org/big.bin"


class Log(list[Progress]):
    """Remembers the reports."""

    def __call__(self, progress: Progress) -> None:
        self.append(progress)

    @property
    def last(self) -> Progress:
        return self[-1]

    @property
    def done(self) -> list[bool]:
        return [progress.is_done for progress in self]


class Clock:
    """A clock that moves a second whenever somebody looks."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 1.0
        return self.time


def streamed(request: Request) -> Response:
    """Answer with a body in chunks, after taking the request's."""
    request.read()
    return Response(200, headers={"Content-Length": "6"}, stream=Pieces(b"bor", b"zoi"))


class Pieces(borzoi.SyncByteStream, borzoi.AsyncByteStream):
    """A body in pieces for both kinds of client."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    async def __aiter__(self) -> Any:
        for piece in self._pieces:
            yield piece


METHODS = ["get", "options", "head", "delete", "post", "put", "patch", "query"]
WITH_BODY = ["post", "put", "patch", "query"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_reports_downloads(world: World, method: str) -> None:
    """Each verb takes on_download and reports the bytes of the response, the end once."""
    log = Log()
    world.run(getattr(world.client(streamed, clock=Clock()), method), URL, on_download=log)

    expected = 0 if method == "head" else 6
    assert log.done.count(True) == 1
    assert log.done[-1]
    assert (log.last.direction, log.last.bytes_wire, log.last.bytes_decoded, log.last.total) == (
        "download",
        6,
        6,
        expected,
    )
    assert log.last.name == "big.bin"


@pytest.mark.parametrize("method", WITH_BODY)
def test_every_method_with_a_body_reports_uploads(world: World, method: str) -> None:
    """Each verb that has a body takes on_upload and reports its bytes, the end once."""
    log = Log()
    client = world.client(streamed, clock=Clock())
    world.run(getattr(client, method), URL, content=b"x" * 200_000, on_upload=log)

    assert log.done == [False] * (len(log) - 1) + [True]
    assert (log.last.direction, log.last.bytes_wire, log.last.total) == ("upload", 200_000, 200_000)


def test_request_and_send_take_both(world: World) -> None:
    """request() and send() take both callbacks."""
    client = world.client(streamed, clock=Clock())
    for call in (
        lambda **more: world.run(client.request, "POST", URL, content=b"dog", **more),
        lambda **more: world.run(client.send, client.build_request("POST", URL, content=b"dog"), **more),
    ):
        down, up = Log(), Log()
        call(on_download=down, on_upload=up)
        assert (down.last.bytes_wire, up.last.bytes_wire) == (6, 3)
        assert (down.done.count(True), up.done.count(True)) == (1, 1)


def test_streams_report_while_they_are_read(world: World) -> None:
    """A streamed response reports as its chunks are read, and not before."""
    log = Log()
    client = world.client(streamed, clock=Clock())
    _, body = world.stream(client, "GET", URL, on_download=log)

    assert body == b"borzoi"
    assert [(progress.bytes_wire, progress.is_done) for progress in log] == [(3, False), (6, False), (6, True)]


def test_top_level_functions_take_them() -> None:
    """Each function of the package takes what the client's method of that name takes."""
    for name in [*METHODS, "request", "stream"]:
        expected = {"on_download", "progress"} | ({"on_upload"} if name in (*WITH_BODY, "request", "stream") else set())
        for function in (getattr(borzoi, name), getattr(Client, name), getattr(borzoi.AsyncClient, name)):
            assert {"on_download", "on_upload", "progress"} & set(inspect.signature(function).parameters) == expected


def test_async_callbacks_are_awaited() -> None:
    """An AsyncClient awaits a callback that is async."""
    for name in ("asyncio", "trio"):
        world, log = World(name), Log()

        async def report(progress: Progress, log: Log = log) -> None:
            log(progress)

        world.run(world.client(streamed).post, URL, content=b"dog", on_download=report, on_upload=report)
        assert log.done.count(True) == 2


def test_a_client_refuses_async_callbacks() -> None:
    """A Client says that it needs a plain function, and leaves no coroutine behind."""

    async def report(progress: Progress) -> None: ...

    with Client(transport=borzoi.MockTransport(streamed)) as client:
        with pytest.raises(TypeError, match="Client needs a plain function"):
            client.get(URL, on_download=report)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_download": 1}, "Invalid on_download: 1"),
        ({"on_upload": "x"}, "Invalid on_upload: 'x'"),
        ({"progress": 3}, "Invalid progress: 3"),
        ({"progress": None}, "Invalid progress: None"),
    ],
)
def test_bad_options_raise_at_once(world: World, options: dict[str, Any], message: str) -> None:
    """What is no callback and no label is refused before anything is sent."""
    with pytest.raises(TypeError, match=message):
        world.run(world.client(lambda request: 1 / 0).request, "GET", URL, **options)


@pytest.mark.parametrize("direction", ["on_download", "on_upload"])
def test_a_callback_that_raises_ends_the_transfer(world: World, direction: str) -> None:
    """What a callback raises comes out of the call, and the response is closed."""
    seen: list[Response] = []

    def handler(request: Request) -> Response:
        response = streamed(request)
        seen.append(response)
        return response

    def report(progress: Progress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        world.run(world.client(handler).post, URL, content=iter_of(world, b"dog"), **{direction: report})
    assert all(response.is_closed for response in seen)


def iter_of(world: World, *chunks: bytes) -> Any:
    """Return a body that is streamed, in the shape that the world's client takes."""
    if not world.is_async:
        return iter(chunks)

    async def body() -> Any:
        for chunk in chunks:
            yield chunk

    return body()


def test_a_generator_has_no_total(world: World) -> None:
    """A body of unknown length is reported without total."""
    log = Log()
    world.run(world.client(streamed).post, URL, content=iter_of(world, b"bor", b"zoi"), on_upload=log)

    assert (log.last.bytes_wire, log.last.total, log.last.is_done) == (6, None, True)


def test_no_body_is_one_report(world: World) -> None:
    """A request without a body, and a response without one, are reported once, as done."""
    down, up = Log(), Log()
    world.run(world.client(lambda request: Response(204)).request, "GET", URL, on_download=down, on_upload=up)

    for log in (down, up):
        assert [(progress.bytes_wire, progress.total, progress.is_done) for progress in log] == [(0, 0, True)]


def test_a_body_that_came_whole_is_reported(world: World) -> None:
    """What a transport answers from memory is reported as if it came in one piece."""
    log = Log()
    world.run(world.client(lambda request: Response(200, text="borzoi")).get, URL, on_download=log)

    assert [(progress.bytes_wire, progress.bytes_decoded, progress.is_done) for progress in log] == [
        (6, 6, False),
        (6, 6, True),
    ]


def test_redirects_are_followed_without_reports(world: World) -> None:
    """Of several responses the last is reported; the body that is sent again counts from 0, and is done once."""
    down, up = Log(), Log()

    def handler(request: Request) -> Response:
        list(request.stream)  # type: ignore[call-overload]
        if request.url.path == "/big.bin":
            return Response(307, headers={"Location": "/there"}, content=b"moved")
        return Response(200, headers={"Content-Length": "6"}, stream=Pieces(b"borzoi"))

    client = world.client(handler, clock=Clock(), follow_redirects=True)
    response = world.run(client.post, URL, content=b"x" * 70_000, on_download=down, on_upload=up)

    assert [progress.url.path for progress in down] == ["/there"] * 2
    assert [(progress.bytes_wire, progress.url.path, progress.is_done) for progress in up] == [
        (65536, "/big.bin", False),
        (70000, "/big.bin", False),
        (65536, "/there", False),
        (70000, "/there", False),
        (70000, "/there", True),
    ]
    assert "borzoi.upload" in response.request.extensions
    assert type(response.request.stream) is ByteStream


def test_a_request_is_as_it_was(world: World) -> None:
    """After the call, the request has its own body and extensions, and sending it again reports nothing."""
    log = Log()
    client = world.client(lambda request: Response(200))
    request = client.build_request("POST", URL, content=b"dog")
    stream = request.stream
    world.run(client.send, request, on_upload=log)
    reports = len(log)

    assert request.stream is stream
    assert "borzoi.upload" not in request.extensions
    world.run(client.send, request)
    assert len(log) == reports


def test_a_redirect_left_alone_reports_no_more(world: World) -> None:
    """`next_request` belongs to another call: sending it reports nothing to the callbacks of the first."""
    log = Log()
    client = world.client(lambda request: Response(307, headers={"Location": "/there"}))
    response = world.run(client.post, URL, content=b"dog", on_upload=log)
    reports = len(log)

    world.run(client.send, response.next_request)
    assert len(log) == reports


def test_an_upload_cut_short_is_not_done(world: World) -> None:
    """A server that answers before it has the whole body leaves an upload without a last report."""
    log = Log()

    def handler(request: Request) -> Response:
        next(iter(request.stream))  # type: ignore[call-overload]
        return Response(413)

    client = world.client(handler, clock=Clock())
    assert world.run(client.post, URL, content=b"x" * 200_000, on_upload=log).status_code == 413
    assert True not in log.done


def test_a_stream_of_the_other_world_is_refused_as_ever(world: World) -> None:
    """Watching a body changes nothing about which bodies can be sent."""
    other = World("blocking" if world.is_async else "trio")

    with pytest.raises(RuntimeError, match=r"Attempted to send an? (sync|async) request"):
        world.run(world.client(streamed).post, URL, content=iter_of(other, b"x"), on_upload=Log())


# What a program put in the place of ours.


def test_replaced_methods_get_what_httpx_would_give_them() -> None:
    """A request() or send() of the program's is called with httpx's arguments, unless others were given."""

    class Strict(Client):
        def request(  # type: ignore[override]
            self,
            method: str,
            url: Any,
            *,
            content: Any = None,
            data: Any = None,
            files: Any = None,
            json: Any = None,
            params: Any = None,
            headers: Any = None,
            cookies: Any = None,
            auth: Any = None,
            follow_redirects: Any = None,
            timeout: Any = None,
            extensions: Any = None,
        ) -> Response:
            return super().request(method, url, content=content)

        def send(  # type: ignore[override]
            self, request: Request, *, stream: bool = False, auth: Any = None, follow_redirects: Any = None
        ) -> Response:
            return super().send(request, stream=stream, auth=None, follow_redirects=False)

    with Strict(transport=borzoi.MockTransport(streamed)) as client:
        for method in METHODS:
            assert getattr(client, method)(URL).status_code == 200
        with client.stream("GET", URL) as response:
            assert response.read() == b"borzoi"
        with pytest.raises(TypeError, match="on_download"):
            client.get(URL, on_download=print)


# Bars.


def test_progress_shows_a_download(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """progress=True shows the download under its name."""
    world.run(world.client(streamed).get, URL, progress=True)

    assert capsys.readouterr().err.startswith("big.bin: 6 B in ")


def test_progress_takes_a_label(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """progress="..." shows the download under that name, beside callbacks."""
    log = Log()
    world.stream(world.client(streamed), "GET", URL, progress="a dog", on_download=log)

    assert capsys.readouterr().err.startswith("a dog: 6 B in ")
    assert log.last.is_done


def test_small_uploads_get_no_bar(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A body that goes out in one piece has no bar; a larger or streamed one has."""
    client = world.client(lambda request: (request.read(), Response(204))[1])
    world.run(client.post, URL, content=b"x" * 65536, progress=True)
    assert capsys.readouterr().err == ""

    world.run(client.post, URL, content=b"x" * 65537, progress=True)
    world.run(client.post, URL, content=iter_of(world, b"dog"), progress=True)
    assert [line.partition(" in ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "upload big.bin: 64.0 KiB",
        "upload big.bin: 3 B",
    ]


def test_bars_end_with_errors(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A request that fails, and a body that fails, leave a line and no bar."""

    def refuse(request: Request) -> Response:
        raise borzoi.ConnectError("no")

    class Broken(Pieces):
        def __iter__(self) -> Iterator[bytes]:
            yield b"bor"
            raise borzoi.ReadError("lost")

        async def __aiter__(self) -> Any:
            yield b"bor"
            raise borzoi.ReadError("lost")

    with pytest.raises(borzoi.ConnectError):
        world.run(world.client(refuse).post, URL, content=b"x" * 70_000, progress="up")
    with pytest.raises(borzoi.ReadError):
        world.run(world.client(lambda request: Response(200, stream=Broken())).get, URL, progress="down")
    assert capsys.readouterr().err.splitlines() == ["up: stopped at 0 B of 68.4 KiB", "down: stopped at 3 B"]


def test_closing_early_ends_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that leaves the block early sees where the transfer stopped; no report says that it is done."""
    log = Log()
    with Client(transport=borzoi.MockTransport(streamed)) as client:
        with client.stream("GET", URL, progress=True, on_download=log) as response:
            next(response.iter_bytes())

    assert capsys.readouterr().err == "big.bin: stopped at 3 B of 6 B\n"
    assert True not in log.done


def test_labels_and_bars_are_told_apart() -> None:
    """progress="" is a label, an empty one."""
    assert Watch(None, None, "").with_bars
    assert not Watch(None, None, False).with_bars
    assert Watch(None, None, True).label is None
