"""The demo API: a small, fast HTTP/1.1 server on loopback, for `borzoi demo`, the examples and the benchmarks.

`python -m borzoi.cli.demo_server [--port N] [--tls CERT KEY] [--latency-ms N]` prints its URL in one line and
serves until the pipe on its standard input closes, or a signal comes. `DemoServer` runs that as a subprocess.

`--latency-ms 50` simulates a round trip of 50 ms: the first bytes of a connection count as arrived one round trip after
it was accepted (the TCP handshake), and each reply begins one round trip after its request. So a request costs 100 ms
on a fresh connection and 50 ms on a reused one. The round trip of a TLS handshake is not simulated.

Requests that come faster than they are answered wait in the socket, and a reader that is slow slows its reply down.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import ssl
import stat
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeAlias, cast

import httptools

from .demo_routes import Pairs, Reply, prebuilt, refusal, respond

MAX_HEAD = 64 * 1024
"""Bytes of a request's head; more, give or take one read, is a 431."""

MAX_REQUEST = 64 * 1024 * 1024
"""Bytes of a whole request as received; more is a 413."""

PIECES_PER_TURN = 16
"""Pieces of a body that are written before other connections have their turn."""

LINGER = 2.0
"""Seconds that a refused client has to read why, before the connection is closed (RFC 9112 9.6)."""

Respond: TypeAlias = Callable[[str, bytes, Pairs, bytes, Mapping[str, int]], Reply]


class Demo:
    """Hold what all connections of one server share."""

    def __init__(self, latency: float = 0.0, respond: Respond = respond, max_request: int = MAX_REQUEST) -> None:
        self.latency = latency
        self.respond = respond
        self.max_request = max_request
        self.stats = {"connections": 0, "requests": 0}
        self.buffer = memoryview(bytearray(64 * 1024))
        self.transports: set[asyncio.Transport] = set()

    def abort(self) -> None:
        """Drop all connections."""
        for transport in self.transports:
            transport.abort()


class Request:
    """Hold one request that arrived whole, or in its place the `refusal` of one that never will."""

    __slots__ = ("body", "headers", "http11", "keep_alive", "method", "refusal", "target")

    def __init__(self, method: str = "", target: bytes = b"", refusal: Reply | None = None) -> None:
        self.method = method
        self.target = target
        self.headers: Pairs = []
        self.body = b""
        self.http11 = True
        self.keep_alive = refusal is None
        self.refusal = refusal


class Connection(asyncio.BufferedProtocol):
    """Serve one connection: requests in the order in which they came, one at a time.

    bytes -> parser -> on_message_complete -> _waiting -> _begin -> [delay] -> _send -> [pieces] -> _finish
                                   |             ^                                                     |
                                   |             +--------------- the next of those waiting -----------+
                                   +-> a record, asked for on an idle connection, is answered at once
    """

    _transport: asyncio.Transport
    _parser: httptools.HttpRequestParser

    def __init__(self, demo: Demo, loop: asyncio.AbstractEventLoop) -> None:
        self._demo = demo
        self._loop = loop
        self._waiting: deque[Request] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._pieces: Iterator[bytes] | None = None
        self._current: Request | None = None
        self._pace = 0.0
        self._chunked = False
        self._deaf = False
        self._stalled = False
        self._arrived_at = 0.0
        self._received = 0
        self._in_head = True
        self._target = b""
        self._headers: Pairs = []
        self._body: list[bytes] = []
        self._keep_alive = True
        self._http11 = True

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)
        self._demo.transports.add(self._transport)
        self._demo.stats["connections"] += 1
        if self._demo.latency:
            self._arrived_at = self._loop.time() + self._demo.latency

    def connection_lost(self, exc: Exception | None) -> None:  # asyncio's signature
        self._demo.transports.discard(self._transport)
        self._deaf = True
        self._pieces = None
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:  # asyncio's signature
        return self._demo.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._deaf:
            return
        self._received += nbytes
        try:
            self._parser.feed_data(self._demo.buffer[:nbytes])
        except httptools.HttpParserUpgrade:
            pass  # RFC 9110 7.8: a server may ignore Upgrade. The connection closes after the reply.
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._refuse(400, f"The request is malformed: {error.__cause__ or error.__context__ or error}.")
            return

        if self._in_head and self._received > MAX_HEAD:
            self._refuse(431, f"The head of the request is longer than {MAX_HEAD} bytes.")
        elif self._received > self._demo.max_request:
            self._refuse(413, f"The request is longer than {self._demo.max_request} bytes.")
        elif self._waiting:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        # Who does not read its replies is not asked for more requests either.
        self._stalled = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._stalled = False
        if self._pieces is not None and self._timer is None:
            # Not from in here: asyncio's transport breaks when it is closed while it calls resume_writing().
            self._later(0.0, self._send_pieces)
        elif not self._waiting:
            self._transport.resume_reading()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._headers = []
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # Trailers are read and dropped, as RFC 9110 6.5.1 allows.
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._http11 = self._parser.get_http_version() == "1.1"
        self._keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()

        names = [name for name, _ in self._headers]
        # RFC 9112 3.2: 400 to a request of HTTP/1.1 without Host, and to any with several.
        if names.count(b"host") != 1 and (self._http11 or b"host" in names):
            raise ValueError("it needs one Host field")
        # RFC 9110 10.1.1: not to a client of HTTP/1.0. Not between the bytes of an earlier reply either.
        if b"expect" in names and self._http11 and self._current is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        target, self._target = self._target, b""
        self._received = 0
        self._in_head = True
        self._demo.stats["requests"] += 1
        method = self._parser.get_method()

        if method == b"GET" and self._keep_alive and self._current is None and not self._demo.latency:
            ready = prebuilt(target) if len(target) < 64 else None
            if ready is not None:
                self._transport.write(ready)
                return

        request = Request(method.decode("ascii"), target)
        request.headers = self._headers
        request.body = b"".join(self._body)
        request.http11 = self._http11
        request.keep_alive = self._keep_alive
        self._deaf = not self._keep_alive
        self._waiting.append(request)
        self._serve_waiting()

    # From a request to its reply.

    def _refuse(self, status: int, why: str) -> None:
        self._deaf = True
        self._waiting.append(Request(refusal=refusal(status, why)))
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and self._current is None:
            self._begin(self._waiting.popleft())
        if not self._waiting and not self._stalled:
            self._transport.resume_reading()

    def _begin(self, request: Request) -> None:
        self._current = request
        latency = self._demo.latency
        reply = request.refusal or self._reply_to(request)
        delay = reply.delay + latency + max(0.0, self._arrived_at - self._loop.time()) if latency else reply.delay
        if delay:
            self._later(delay, lambda: self._send(reply))
        else:
            self._send(reply)

    def _reply_to(self, request: Request) -> Reply:
        try:
            return self._demo.respond(request.method, request.target, request.headers, request.body, self._demo.stats)
        except Exception as error:  # noqa: BLE001  # whatever a route does wrong is a 500
            return refusal(500, f"The demo server failed: {type(error).__name__}: {error}")

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        def act() -> None:
            self._timer = None
            action()
            self._serve_waiting()

        self._timer = self._loop.call_later(delay, act)

    def _send(self, reply: Reply) -> None:
        request = self._current
        assert request is not None
        if reply.silent:
            self._transport.abort()
            return

        self._chunked = reply.length is None and request.http11
        request.keep_alive = request.keep_alive and not reply.cut and (reply.length is not None or self._chunked)
        head = reply.head(keep_alive=request.keep_alive, chunked=self._chunked)
        wanted = reply.has_body and request.method != "HEAD"

        if isinstance(reply.body, bytes):
            self._transport.write(head + reply.body if wanted else head)
            self._finish()
            return

        self._transport.write(head)
        if wanted:
            self._pieces = reply.body
            self._pace = reply.pace
            self._send_pieces()
        else:
            self._finish()

    def _send_pieces(self) -> None:
        assert self._pieces is not None
        for _ in range(PIECES_PER_TURN):
            if self._stalled:
                return  # resume_writing() goes on
            piece = next(self._pieces, None)
            if piece is None:
                self._end_pieces()
                return
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)
            if self._pace:
                break
        self._later(self._pace, self._send_pieces)

    def _end_pieces(self) -> None:
        self._pieces = None
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")
        self._finish()

    def _finish(self) -> None:
        request, self._current = self._current, None
        assert request is not None
        if request.keep_alive:
            return

        self._deaf = True
        self._waiting.clear()
        if request.refusal is not None and self._transport.can_write_eof():
            # RFC 9112 9.6: closing with bytes unread would reset the connection and take the reply with it.
            self._transport.write_eof()
            self._timer = self._loop.call_later(LINGER, self._transport.close)
        else:
            self._transport.close()


async def listen(demo: Demo, port: int = 0, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen on loopback; `server.sockets[0].getsockname()[1]` is the port."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(demo, loop), "127.0.0.1", port, ssl=tls, backlog=2048)


async def serve(options: argparse.Namespace, out: IO[str], stop: asyncio.Event) -> None:
    """Listen, say where, and stay until told to stop."""
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
        tls.set_alpn_protocols(["http/1.1"])

    demo = Demo(options.latency_ms / 1000)
    server = await listen(demo, options.port, tls)
    port = server.sockets[0].getsockname()[1]
    print(f"{'https' if tls else 'http'}://127.0.0.1:{port}", file=out, flush=True)
    await stop.wait()
    server.close()
    demo.abort()


def watch_pipe(descriptor: int, closed: Callable[[], None]) -> bool:
    """Call `closed` from another thread when the other end of a pipe or socket closes; return False for other files."""
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False

    def watch() -> None:
        while os.read(descriptor, 4096):
            pass
        closed()

    # A thread, since not every event loop can watch a pipe; it sleeps in the kernel.
    threading.Thread(target=watch, name="borzoi-demo-stdin", daemon=True).start()
    return True


async def _serve_while_stdin_is_open(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def closed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)

    watch_pipe(sys.stdin.fileno(), closed)
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt instead
            loop.add_signal_handler(number, stop.set)
    await serve(options, sys.stdout, stop)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m borzoi.cli.demo_server", description="Serve the demo API.")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; a free one unless given")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="serve HTTPS with these PEM files")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="simulate a round trip of so many milliseconds")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Serve until the pipe on standard input closes or a signal comes."""
    options = parse(arguments)
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve_while_stdin_is_open(options))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class DemoServer:
    """Run the demo API as a subprocess, so that it does not share the interpreter lock with who measures it.

    It ends with `close()`, with the `with` block, and by itself when this process dies.

        with DemoServer() as server:
            borzoi.get(f"{server.url}/records/17")
    """

    url: str
    """Where it listens, without a slash at the end."""

    pid: int
    """The process, for who wants to pin it to a core."""

    def __init__(self, *, port: int = 0, tls: tuple[str, str] | None = None, latency_ms: float = 0.0) -> None:
        command = [sys.executable, "-m", "borzoi.cli.demo_server", "--port", str(port), "--latency-ms", str(latency_ms)]
        command += ["--tls", *tls] if tls else []
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}

        # A session of its own: Ctrl-C reaches this process alone, whose end closes the pipe.
        self._process = subprocess.Popen(  # noqa: S603  # our own module, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, start_new_session=True
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.close()
            raise RuntimeError(f"The demo server did not start: exit status {self._process.returncode}.")

    def close(self, patience: float = 5.0) -> None:
        """Stop the server; kill it if it has not ended after `patience` seconds. Calling it again does nothing."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


if __name__ == "__main__":
    sys.exit(main())
