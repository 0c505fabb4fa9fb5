"""The demo: its sections against the real local API, what it says when something is wrong, and how it is shown."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, Self

import pytest

import borzoi
from borzoi.cli import demo, demo_clients, demo_serve
from borzoi.cli.demo import QUICK, Demo, Size
from borzoi.cli.demo_clients import CONTENDERS, Contender, Measured, defect, measure, on_threads
from borzoi.cli.demo_routes import ANSWER, Reply, respond
from borzoi.cli.demo_server import DemoServer
from borzoi.cli.demo_table import Paper, plain_table

SMALL = Size(records=70, download=200_000, pace_ms=0, trips=2)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a demo API."""
    with DemoServer() as server:
        yield server.url


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def small(url: str) -> tuple[Demo, io.StringIO]:
    """Return a small demo, and what it writes to."""
    out = io.StringIO()
    return Demo(url, SMALL, Paper(out)), out


def options(*, quick: bool = True, serve: bool = False, port: int = 0) -> argparse.Namespace:
    return argparse.Namespace(quick=quick, serve=serve, port=port)


def test_the_demo_runs_and_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    """The quick demo runs all sections, finds nothing wrong, and returns 0; without a terminal its output is plain text."""
    assert demo.main(options()) == 0

    output = capsys.readouterr()
    assert re.findall(r"^\d\. .*", output.out, re.MULTILINE) == [
        "1. 128 records, 78 bytes of JSON each, in each world",
        "2. A download of 2 MiB, saved to a file and checked",
        "3. An answer as a language model gives it, token by token",
        "4. Fresh against reused connections, under a simulated round trip of 50 ms",
        "5. A typed client, made from the API's own document",
    ]
    assert "3 operations, 4 models" in output.out
    assert "errors.RecordBadRequest, 400" in output.out
    rows = re.findall(r"^  borzoi +(\w+), (.+?)  +(\d+)  +([\d,]+)  +(\d+)  +(\d+)  +(\d+)$", output.out, re.MULTILINE)
    assert [(world, how, requests, failed) for world, how, requests, *_, failed in rows] == [
        ("asyncio", "64 tasks", "128", "0"),
        ("trio", "64 tasks", "128", "0"),
        ("blocking", "1 thread", "128", "0"),
        ("blocking", "64 threads", "128", "0"),
    ]
    assert [opened for *_, opened, _ in rows][:3] == ["64", "64", "1"]
    assert ANSWER in output.out
    assert "41 tokens" in output.out
    assert re.search(r"fresh for each +2 +2 +1\d\d\.\d\n +one, reused +2 +1 ", output.out)
    assert "All as it should be" in output.out
    assert "\x1b" not in output.out
    assert output.err.startswith("download: 2.0 MiB in ")


def test_on_a_terminal_it_is_drawn() -> None:
    """On a terminal the demo is drawn with rich: its tables, and the bar of the download."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "borzoi", "demo", "--quick"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        output = b""
        while chunk := _read(ours):
            output += chunk
    os.close(ours)

    assert process.returncode == 0, output
    text = output.decode()
    assert "\x1b[1m1. 128 records" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert "All as it should be" in text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other side of the terminal was closed
        return b""


# What is wrong is seen.


def answering(monkeypatch: pytest.MonkeyPatch, change: Callable[[str, Reply], Reply]) -> AbstractContextManager[str]:
    """Return the URL of a demo API, on a thread, whose replies are changed."""
    import threading

    from borzoi.cli.demo_server import Demo as Server
    from borzoi.cli.demo_server import listen

    def changed(method: str, target: bytes, *rest: Any) -> Reply:
        return change(target.decode(), respond(method, target, *rest))

    @contextmanager
    def running() -> Iterator[str]:
        ready = threading.Event()
        loop = asyncio.new_event_loop()
        found: list[Any] = []

        async def serve() -> None:
            server = Server(respond=changed)
            # The pre-built records would go past our replies: a server with a latency has none.
            server.latency = 1e-9
            found.extend([await listen(server), server])
            ready.set()

        def run() -> None:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(serve())
            loop.run_forever()

        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(10)
        try:
            yield f"http://127.0.0.1:{found[0].sockets[0].getsockname()[1]}"
        finally:

            async def stop() -> None:
                found[0].close()
                found[1].abort()
                await asyncio.sleep(0)

            asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    return running()


def test_a_wrong_record_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is another one, or none, fails its client, and the demo."""

    def change(target: str, reply: Reply) -> Reply:
        if target == "/records/5":
            return Reply(200, b'{"id": 6}')
        return Reply(500) if target == "/records/7" else reply

    with answering(monkeypatch, change) as url:
        running, out = small(url)
        running.fetch_records()

    assert all(len(measured.failures) == 2 for measured in running.measured)
    assert len(running.wrong) == 4
    assert "2 records failed, the first: record 5 is another: {'id': 6}" in out.getvalue()


def test_a_wrong_download_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that does not fit its checksum is wrong."""

    def change(target: str, reply: Reply) -> Reply:
        return Reply(200, b"x" * SMALL.download, ("X-Checksum-SHA256", "0" * 64))

    with answering(monkeypatch, change) as url:
        running, out = small(url)
        running.download()

    assert running.wrong == ["the download is not what was announced"]
    assert "NOT as announced" in out.getvalue()


def test_a_missing_token_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without one of its tokens is wrong."""

    def change(target: str, reply: Reply) -> Reply:
        assert not isinstance(reply.body, bytes)
        pieces = [piece for piece in reply.body if b"bark" not in piece]
        return Reply(200, b"".join(pieces))

    with answering(monkeypatch, change) as url:
        running, out = small(url)
        running.stream_answer()

    assert running.wrong == ["the streamed answer is not whole"]
    assert "40 tokens" in out.getvalue()


def test_a_wrong_record_among_the_trips_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests that are timed are looked at, too."""

    def change(target: str, reply: Reply) -> Reply:
        return reply if target == "/connections" else Reply(200, b'{"id": 0}')

    with answering(monkeypatch, change) as url:
        running, _ = small(url)
        running._trips(url, {})

    assert running.wrong == ["record 1 is another: {'id': 0}"]


def test_what_was_wrong_is_the_exit_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """When something was wrong, it is said last, and the status is 1."""

    def nothing(self: Demo) -> None:
        self.wrong.append("the moon")

    monkeypatch.setattr(Demo, "run", nothing)
    assert demo.main(options(quick=False)) == 1
    assert re.search(r"Wrong, after .* s\n  the moon\n$", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (None, "record 3 was not fetched"),
        (ValueError("no"), "record 3: ValueError: no"),
        (b"<html>", "record 3 is not JSON"),
        (b"[]", "record 3 is another: []"),
        (b'{"id": 3, "name": "Record number 00004"}', "record 3 is another: {'id': 3, 'name': 'Record number 00004'}"),
        (b'{"id": 3, "name": "Record number 00003"}', None),
    ],
)
def test_defects(outcome: Any, why: str | None) -> None:
    """What came for a record is right, or it is said what is wrong with it."""
    assert defect(3, outcome) == why


# The libraries beside it.


def peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put stand-ins with the interfaces of httpx and aiohttp in their places."""

    class Session:
        def __init__(self, *, connector: int, raise_for_status: bool) -> None:
            self._client = borzoi.AsyncClient(limits=borzoi.Limits(max_connections=connector), trust_env=False)

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *exception: object) -> None:
            await self._client.aclose()

        @asynccontextmanager
        async def get(self, url: str) -> Any:
            response = await self._client.get(url)
            response.read = response.aread  # type: ignore[assignment]
            yield response

    aiohttp = types.ModuleType("aiohttp")
    aiohttp.ClientSession = Session  # type: ignore[attr-defined]
    aiohttp.TCPConnector = lambda limit: limit  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "httpx", borzoi)
    monkeypatch.setitem(sys.modules, "aiohttp", aiohttp)


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: f"{contender.library}, {contender.world}")
def test_every_contender_fetches_records(contender: Contender, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library fetches all records in its world; the figures are of these requests."""
    peers(monkeypatch)
    count = iter([3, 3 + 17])
    measured = measure(contender, url, 70, lambda: next(count))

    assert measured.failures == []
    assert (measured.requests, measured.connections) == (70, 17)
    assert measured.per_second > 0
    assert measured.cpu_us > 0


def test_errors_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that fails is a failure of its record, in threads as in tasks."""
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        for contender in CONTENDERS[:4]:
            outcomes = contender.run(url, range(2), 2)
            assert [type(outcomes[number]) for number in range(2)] == [borzoi.ConnectError] * 2


def test_what_is_not_installed_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that are missing are not measured, and named."""
    alone = Contender("borzoi", "blocking, 1 thread", 1, CONTENDERS[2].run)
    missing = Contender("nowhere", "asyncio", 1, CONTENDERS[2].run, "no_such_library")
    monkeypatch.setattr(demo, "CONTENDERS", (alone, missing))

    running, out = small(url)
    running.fetch_records()
    assert [measured.library for measured in running.measured] == ["borzoi"]
    assert "Not installed, so not measured: no_such_library." in out.getvalue()


def test_another_library_that_fails_is_no_fault_of_ours(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another library breaks, that is shown; when ours does, it is wrong as well. All others are measured."""

    def broken(url: str, numbers: range, in_flight: int) -> Any:
        raise RuntimeError("no such thing")

    good = Contender("borzoi", "good", 1, CONTENDERS[2].run)
    contenders = (Contender("httpx", "bad", 1, broken), Contender("borzoi", "bad", 1, broken), good)
    monkeypatch.setattr(demo, "CONTENDERS", contenders)

    running, out = small(url)
    running.fetch_records()
    assert running.wrong == ["bad: RuntimeError: no such thing"]
    assert "httpx, bad: RuntimeError: no such thing" in out.getvalue()
    assert [measured.world for measured in running.measured] == ["good"]


def test_other_libraries_fetch_half_as_many(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are slower, and the demo is to be over in half a minute: the table says how many each fetched."""
    peers(monkeypatch)
    monkeypatch.setattr(demo, "CONTENDERS", [CONTENDERS[2], CONTENDERS[5]])
    monkeypatch.setattr(Contender, "is_installed", lambda self: True)

    running, out = small(url)
    running.fetch_records()
    assert [measured.requests for measured in running.measured] == [SMALL.records, SMALL.records // 2]
    assert "The others fetch half as many" in out.getvalue()
    assert "Not installed" not in out.getvalue()


# Tables.


def test_plain_tables_are_aligned() -> None:
    """Words go left, figures right, and no line ends in spaces."""
    table = plain_table(("name", "count"), [("a", "1"), ("longer", "12345678")], 1)

    assert table == ("  name       count\n  ------  --------\n  a              1\n  longer  12345678\n")


def test_pretty_tables_are_richs() -> None:
    """On a terminal tables and headings are drawn with rich, and what looks like markup is text."""
    out = Terminal()
    paper = Paper(out)
    paper.heading("Head [/red]")
    paper.table(("name", "count"), [("[bold]a", "1")])

    assert "Head [/red]" in out.getvalue()
    assert "[bold]a" in out.getvalue()
    assert "\u2500" in out.getvalue()


def test_without_rich_a_terminal_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rich is missing, a terminal gets what a file gets."""
    monkeypatch.setitem(sys.modules, "rich", None)
    out = Terminal()
    Paper(out).heading("Head")

    assert out.getvalue() == "\nHead\n"


def test_figures_are_rounded() -> None:
    """A row has the figures as they are read: thousands apart, microseconds whole."""
    measured = Measured("borzoi", "asyncio")
    measured.requests, measured.wall, measured.cpu, measured.connections = 2000, 0.25, 0.1, 64

    assert demo.row(measured) == ("borzoi", "asyncio", "2,000", "8,000", "50", "64", "0")
    assert (QUICK.records, on_threads, demo_clients.CONTENDERS) == (128, demo_clients.on_threads, CONTENDERS)


# --serve.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_stays_up_until_it_is_told(number: int) -> None:
    """`borzoi demo --serve` prints its address and routes, answers, and ends well with Ctrl-C."""
    command = [sys.executable, "-u", "-m", "borzoi", "demo", "--serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        lines = [url]
        while "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
        assert borzoi.get(f"{url}/records/17", trust_env=False).json()["id"] == 17
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)

    assert (process.returncode, rest, errors) == (0, "", "")
    assert any(re.match(r"  GET +/records/\{number\} +Give one record", line) for line in lines)
    assert any(re.match(r"  POST +/v1/chat/completions ", line) for line in lines)


@pytest.mark.parametrize("port", [None, 99999])
def test_a_port_that_cannot_be_had(port: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken, or is none, is said, and the status is 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if port is None else port
        assert demo.main(options(serve=True, port=port)) == 1

    assert capsys.readouterr().err.startswith(f"Cannot listen on port {port}: ")


def test_serve_in_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where signals cannot be handled in the loop, Ctrl-C raises and ends it as well."""

    def refuse(self: Any, number: int, *_: Any) -> None:
        if number == signal.SIGTERM:
            raise NotImplementedError
        self.call_soon(interrupt)

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", refuse)
    assert demo_serve.serve(0) == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_serve_ends_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A signal closes the listener and its connections, and the status is 0."""
    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", lambda self, _, stop: self.call_soon(stop))

    assert demo_serve.serve(0) == 0
    assert "/records/{number}" in capsys.readouterr().out
