"""A server on loopback that gives the answers it was handed, one for each request, and records the requests.

It speaks HTTP/1.1 by the standard library alone. A request that finds no answer left is told so with status 418. No
answer waits for time to pass: one that stalls goes on when the server is closed or the client goes away.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

LONGEST_WAIT = 5
"""Seconds that a request which is expected may take to come."""


class Answer(NamedTuple):
    """A response, and how it goes wrong if it does."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: tuple[bytes | int, ...] | None = None
    """The body in chunks, each sent alone. With them `body` is not used. A number is how many requests must have come
    before the next is sent."""
    stalls: bool = False
    """Nothing comes after the head and what there is of the body; without a body, not even the head."""
    breaks: bool = False
    """The connection is closed where the body goes on; without a body, before the head."""


def answer_json(value: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer with a JSON body. Underscores in the names of headers stand for hyphens."""
    return _typed("application/json", json.dumps(value).encode(), status, headers)


def answer_text(text: str, status: int = 200, **headers: str) -> Answer:
    """Return an answer with a body of plain text."""
    return _typed("text/plain; charset=utf-8", text.encode(), status, headers)


def _typed(content_type: str, body: bytes, status: int, headers: dict[str, str]) -> Answer:
    named = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Answer(status, tuple(named.items()), body)


def answer_events(*events: object, content_type: str = "text/event-stream", **kinds: bool) -> Answer:
    """Return a stream of events, a chunk for each.

    Texts are sent as they are, `(name, value)` with a name, others as JSON data. A number waits, as in `Answer.chunks`.
    """
    return Answer(200, (("Content-Type", content_type),), chunks=tuple(map(_event, events)), **kinds)


def _event(event: object) -> bytes | int:
    if isinstance(event, int):
        return event
    if isinstance(event, str):
        return event.encode()
    if isinstance(event, tuple):
        return f"event: {event[0]}\ndata: {json.dumps(event[1])}\n\n".encode()
    return f"data: {json.dumps(event)}\n\n".encode()


def answer_lines(*values: object) -> Answer:
    """Return a stream of lines of JSON, a chunk for each."""
    lines = tuple(json.dumps(value).encode() + b"\n" for value in values)
    return Answer(200, (("Content-Type", "application/x-ndjson"),), chunks=lines)


STALLED = Answer(stalls=True)
"""The time-out of the client ends this one."""

BROKEN = Answer(breaks=True)
"""The connection is closed before a response begins."""


class Request(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


class Server(ThreadingHTTPServer):
    """Serve the answers that `answer()` lines up, and keep what was asked in `requests`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.host}"
        self.requests: list[Request] = []
        self.released = threading.Event()
        """Set when the server is closed: what stalls goes on."""
        self._came = threading.Condition()
        self._answers: deque[Answer] = deque()
        self._routes: dict[str, deque[Answer]] = {}

    def answer(self, *answers: Answer) -> None:
        """Line up answers for the requests that come."""
        self._answers.extend(answers)

    def route(self, method: str, path: str, *answers: Answer) -> None:
        """Line up answers for one method and path. The last of them is given again and again."""
        self._routes[f"{method} {path}"] = deque(answers)

    def take(self, request: Request) -> Answer:
        """Record a request, and return its answer."""
        with self._came:
            self.requests.append(request)
            self._came.notify_all()
        routed = self._routes.get(f"{request.method} {request.target.partition('?')[0]}")
        if routed:
            return routed.popleft() if len(routed) > 1 else routed[0]
        return self._answers.popleft() if self._answers else answer_text("no answer is left", 418)

    def wait_for_requests(self, number: int) -> None:
        """Wait until so many requests have come, or the server is being closed. Raises TimeoutError."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.requests) >= number or self.released.is_set(), LONGEST_WAIT):
                raise TimeoutError(f"{len(self.requests)} requests have come, not {number}")

    def release(self) -> None:
        """Let go on what stalls or waits."""
        with self._came:
            self.released.set()
            self._came.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away in the middle: their time-outs do."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""

    def answer(self) -> None:
        body = b"".join(self._body())
        answer = self.server.take(Request(self.command, self.path, list(self.headers.items()), body))
        is_silent = not answer.body and answer.chunks is None and (answer.stalls or answer.breaks)
        if not is_silent:
            self._send(answer)
        if answer.stalls:
            self.server.released.wait()
        if answer.stalls or answer.breaks:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _body(self) -> Iterator[bytes]:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            yield self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        is_whole = not (answer.stalls or answer.breaks)
        names = {name.lower() for name, _ in answer.headers}
        if answer.chunks is not None:
            self.send_header("Transfer-Encoding", "chunked")
        elif "content-length" not in names and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body) + (0 if is_whole else 1)))
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(answer.body if answer.chunks is None else answer.chunks, is_whole)

    def _send_body(self, body: bytes | Iterable[bytes | int], is_whole: bool) -> None:
        if isinstance(body, bytes):
            self.wfile.write(body)
            return
        for chunk in body:
            if isinstance(chunk, int):
                self.server.wait_for_requests(chunk)
                continue
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if is_whole:
            self.wfile.write(b"0\r\n\r\n")


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.release()
            server.shutdown()
            thread.join()
