"""The demo API: its routes, its HTTP/1.1, its pace by a clock moved by hand, and its life as a subprocess."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import heapq
import io
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from borzoi.cli import demo_server
from borzoi.cli.demo_routes import BLOCK, RECORDS, Reply, checksum
from borzoi.cli.demo_server import Connection, Demo, DemoServer, listen, main, watch_pipe


class HandMovedLoop:
    """The part of an event loop that a connection uses: timers, which run when `pass_time` comes by."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, int, Timer]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        timer = Timer(action)
        heapq.heappush(self.timers, (self.now + delay, len(self.timers), timer))
        return timer

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end + 1e-9:
            self.now, _, timer = heapq.heappop(self.timers)
            if not timer.cancelled:
                timer.action()
        self.now = end


class Timer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Wire:
    """A transport that keeps what is written, and stalls its connection at `capacity` bytes."""

    def __init__(self, demo: Demo | None = None, capacity: int | None = None, can_write_eof: bool = True) -> None:
        self.loop = HandMovedLoop()
        self.demo = demo or Demo()
        self.capacity = capacity
        self.written = bytearray()
        self.reading = True
        self.open = True
        self.aborted = False
        self.eof_written = False
        self._can_write_eof = can_write_eof
        self.connection = Connection(self.demo, self.loop)  # type: ignore[arg-type]
        self.connection.connection_made(self)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        self.written += data
        if self.capacity is not None and len(self.written) >= self.capacity:
            self.connection.pause_writing()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def can_write_eof(self) -> bool:
        return self._can_write_eof

    def write_eof(self) -> None:
        self.eof_written = True

    def close(self) -> None:
        self.open = False

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def receive(self, data: bytes) -> None:
        """Hand bytes to the connection in reads of the size of its buffer."""
        while data:
            buffer = self.connection.get_buffer(-1)
            piece, data = data[: len(buffer)], data[len(buffer) :]
            buffer[: len(piece)] = piece
            self.connection.buffer_updated(len(piece))

    def take(self) -> bytes:
        taken = bytes(self.written)
        self.written.clear()
        return taken


def get(target: str, *fields: str, method: str = "GET", body: bytes = b"", version: str = "1.1") -> bytes:
    """Write a request."""
    lines = [f"{method} {target} HTTP/{version}", "Host: demo", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Answer:
    """One response, read from the start of some bytes; `rest` is what follows it."""

    def __init__(self, data: bytes, method: str = "GET") -> None:
        head, _, rest = data.partition(b"\r\n\r\n")
        status_line, *fields = head.decode().split("\r\n")
        self.status = int(status_line.split()[1])
        self.fields = [tuple(field.split(": ", 1)) for field in fields]
        self.headers = {name.lower(): value for name, value in self.fields}
        self.body = b""
        if method == "HEAD" or self.status in (204, 304):
            self.rest = rest
        elif "content-length" in self.headers:
            length = int(self.headers["content-length"])
            self.body, self.rest = rest[:length], rest[length:]
        elif self.headers.get("transfer-encoding") == "chunked":
            while (size := int(rest.partition(b"\r\n")[0], 16)) > 0:
                rest = rest.partition(b"\r\n")[2]
                self.body, rest = self.body + rest[:size], rest[size + 2 :]
            self.rest = rest.removeprefix(b"0\r\n\r\n")
        else:
            self.body, self.rest = rest, b""

    def json(self) -> Any:
        return json.loads(self.body)


def ask(request: bytes, demo: Demo | None = None) -> Answer:
    """Send a request over a new connection and return the answer, time passing as it must."""
    wire = Wire(demo)
    wire.receive(request)
    wire.loop.pass_time(3600)
    answer = Answer(wire.take(), request.split(b" ")[0].decode())
    assert answer.rest == b""
    return answer


# Routes.


def test_a_record_is_small_json() -> None:
    """A record is JSON of about 78 bytes, the same each time."""
    answer = ask(get("/records/1234"))

    assert answer.json()["id"] == 1234
    assert 70 <= len(answer.body) <= 90
    assert answer.headers["content-type"] == "application/json"
    assert ask(get("/records/1234")).body == answer.body


def test_a_prepared_record_is_the_record_of_the_route() -> None:
    """The response prepared as bytes is the one that the route gives."""
    prepared = Wire()
    prepared.receive(get("/records/77"))
    by_route = Wire()
    by_route.receive(get("/records/77?way=slow"))

    assert prepared.take() == by_route.take()


@pytest.mark.parametrize("number", ["100000", "-1", "x", "1_0", "%D9%A3", "9" * 30])
def test_a_record_that_does_not_exist_is_refused(number: str) -> None:
    """A number that is none, or out of range, is a 400 that says so."""
    answer = ask(get(f"/records/{number}"))

    assert answer.status == 400
    assert "must be a number from 0" in answer.json()["error"]


def test_a_page_holds_fifty_records_and_the_next_page() -> None:
    """Pages are of 50 records; the last one has no next."""
    first, last = ask(get("/records")).json(), ask(get(f"/records?page={RECORDS // 50}")).json()

    assert [record["id"] for record in first["records"]] == list(range(50))
    assert first["next"] == 2
    assert last["records"][-1]["id"] == RECORDS - 1
    assert last["next"] is None
    assert ask(get("/records?page=0")).status == 400


def test_echo_gives_body_and_type_back() -> None:
    """The echo has the bytes and the content type of the request."""
    answer = ask(get("/echo", "Content-Type: text/x-demo", method="POST", body=b"\x00hello"))

    assert (answer.body, answer.headers["content-type"]) == (b"\x00hello", "text/x-demo")
    assert ask(get("/echo", method="POST")).headers["content-type"] == "application/octet-stream"


def test_echo_takes_a_chunked_body_with_extensions_and_trailers() -> None:
    """A chunked body is put together, whatever its chunks, their extensions and its trailers."""
    body = b"5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nChecksum: 1\r\n\r\n"

    answer = ask(get("/echo", "Transfer-Encoding: chunked", method="POST") + body)

    assert answer.body == b"hello!"


@pytest.mark.parametrize("size", [0, 1, len(BLOCK), 3 * len(BLOCK) + 5])
def test_a_download_matches_its_checksum(size: int) -> None:
    """A download has the size asked for, and the SHA-256 that its head announces."""
    answer = ask(get(f"/download/{size}"))

    assert len(answer.body) == size
    assert answer.headers["content-length"] == str(size)
    assert answer.headers["x-checksum-sha256"] == hashlib.sha256(answer.body).hexdigest() == checksum(size)


def test_a_download_is_not_compressible() -> None:
    """The bytes of a block look random, so that no coding makes them fewer."""
    assert len(zlib.compress(BLOCK)) > len(BLOCK)


@pytest.mark.parametrize("target", ["/download/100000", "/records", "/drip", "/status/404", "/records/5"])
def test_head_gives_the_head_of_get(target: str) -> None:
    """The answer to HEAD is the head of the answer to GET, and nothing after it."""
    assert ask(get(target, method="HEAD")).fields == ask(get(target)).fields


def test_drip_gives_pieces_without_a_length() -> None:
    """A drip is chunked: its length is nowhere announced."""
    answer = ask(get("/drip?pieces=3&size=5&delay_ms=1000"))

    assert answer.body == BLOCK[:5] * 3
    assert "content-length" not in answer.headers


def chat(**options: Any) -> bytes:
    return get("/v1/chat/completions", method="POST", body=json.dumps(options).encode())


def events(body: bytes) -> list[str]:
    return [event.removeprefix("data: ") for event in body.decode().split("\n\n") if event]


def test_a_chat_streams_tokens_as_events() -> None:
    """A streamed answer is `data:` events: a role, tokens, a reason to stop, and [DONE]; joined, they are the whole answer."""
    answer = ask(chat(stream=True, model="m"))
    whole = ask(chat(model="m")).json()

    *chunks, done = events(answer.body)
    deltas = [json.loads(chunk)["choices"][0] for chunk in chunks]
    assert done == "[DONE]"
    assert answer.headers["content-type"] == "text/event-stream"
    assert deltas[0]["delta"]["role"] == "assistant"
    assert deltas[-1] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert "".join(choice["delta"].get("content", "") for choice in deltas) == whole["choices"][0]["message"]["content"]
    assert whole["model"] == json.loads(chunks[0])["model"] == "m"


@pytest.mark.parametrize("body", [b"{", b"[1]", b"[" * 100_000, b'{"stream": true, "delay_ms": "soon"}', b"\xff"])
def test_a_chat_refuses_what_is_no_object(body: bytes) -> None:
    """A body that is no JSON object, or a delay that is no number, is a 400."""
    assert ask(get("/v1/chat/completions", method="POST", body=body)).status == 400


def test_a_status_is_given_as_asked() -> None:
    """A status comes back empty, and those that forbid content announce none."""
    assert [ask(get(f"/status/{code}")).status for code in (200, 204, 304, 404, 599)] == [200, 204, 304, 404, 599]
    assert "content-length" not in ask(get("/status/204")).headers
    assert ask(get("/status/199")).status == 400


def test_redirects_count_down() -> None:
    """A redirect leads to one fewer, and the last one answers."""
    assert ask(get("/redirect/2")).headers["location"] == "/redirect/1"
    assert ask(get("/redirect/0")).json() == {"redirected": True}


def test_cookies_are_set_and_shown() -> None:
    """A cookie is set for each pair of the query, escaped so that it can forge no field; the request's are shown."""
    answer = ask(get("/cookies/set?a=b&c=%0d%0aX:%201"))

    assert [value for name, value in answer.fields if name == "Set-Cookie"] == [
        "a=b; Path=/",
        "c=%0D%0AX%3A%201; Path=/",
    ]
    assert answer.headers["location"] == "/cookies"
    assert ask(get("/cookies", "Cookie: a=b; c=d=e")).json() == {"cookies": {"a": "b", "c": "d=e"}}
    assert ask(get("/cookies")).json() == {"cookies": {}}
    assert ask(get("/cookies/set?a%3B=b")).status == 400


def test_basic_authentication_is_checked() -> None:
    """Only the name and password of the path are let in; the refusal says how to ask."""
    assert (
        ask(get("/basic-auth/user/pass%20word", "Authorization: Basic dXNlcjpwYXNzIHdvcmQ=")).json()["user"] == "user"
    )
    for field in ("Authorization: Basic dXNlcjpub3Bl", "Authorization: Bearer dXNlcjpwYXNz", "X: y"):
        refused = ask(get("/basic-auth/user/pass", field))
        assert (refused.status, refused.headers["www-authenticate"][:5]) == (401, "Basic")


def test_compressed_routes_hold_the_first_page() -> None:
    """`/gzip` and `/deflate` give the first page of records in their coding."""
    page = ask(get("/records?page=1")).json()

    assert json.loads(gzip.decompress(ask(get("/gzip")).body)) == page
    assert json.loads(zlib.decompress(ask(get("/deflate")).body)) == page
    assert ask(get("/deflate")).headers["content-encoding"] == "deflate"


def test_headers_are_shown() -> None:
    """The fields of the request come back under lower-case names, those of one name joined."""
    assert ask(get("/headers", "X-A: 1", "x-a: 2")).json() == {"headers": {"host": "demo", "x-a": "1, 2"}}


def test_connections_and_requests_are_counted() -> None:
    """The counts include the connection and the request that ask for them."""
    demo = Demo()
    wire = Wire(demo)
    wire.receive(get("/records/1") + get("/records/2"))
    wire.take()

    assert ask(get("/connections"), demo).json() == {"connections": 2, "requests": 3}


@pytest.mark.parametrize("target", ["/", "/nothing", "/records/1/2", "/cookies/eat", "*"])
def test_an_unknown_path_is_a_404(target: str) -> None:
    """What is nowhere is a 404, and the connection stays open."""
    answer = ask(get(target, method="OPTIONS" if target == "*" else "GET"))

    assert (answer.status, answer.headers["connection"]) == (404, "keep-alive")


def test_a_wrong_method_is_a_405_that_names_the_right_ones() -> None:
    """The methods that a path takes are in Allow."""
    assert ask(get("/echo")).headers["allow"] == "POST"
    assert ask(get("/records/1", method="DELETE")).headers["allow"] == "GET, HEAD"


def test_the_absolute_form_is_taken() -> None:
    """A target in absolute form, as a proxy would get it, names the same thing; a broken one is a 400."""
    assert ask(get("http://demo/records?page=2")).json()["page"] == 2
    assert ask(get("http://[demo/records")).status == 400


# HTTP/1.1.


def test_requests_in_a_row_are_answered_in_order() -> None:
    """Pipelined requests are answered one after the other, slow ones and prepared ones alike."""
    wire = Wire()
    wire.receive(get("/records/1") + get("/delay/100") + get("/records/2") + get("/drip?pieces=2") + get("/status/204"))

    first = Answer(wire.take())
    assert (first.json()["id"], first.rest, wire.reading) == (1, b"", False)
    wire.loop.pass_time(1)
    second = Answer(wire.take())
    third = Answer(second.rest)
    fourth = Answer(third.rest)
    assert second.json() == {"delay_ms": 100}
    assert third.json()["id"] == 2
    assert fourth.body == BLOCK[:1] * 2
    assert (Answer(fourth.rest).status, wire.reading, wire.open) == (204, True, True)


def test_thousands_of_pipelined_requests_are_answered_without_recursion() -> None:
    """However many requests wait for a slow one, they are answered by a loop."""
    wire = Wire()
    wire.receive(get("/delay/5") + get("/status/204") * 3000)
    wire.loop.pass_time(1)

    assert wire.take().count(b"HTTP/1.1 204") == 3000


@pytest.mark.parametrize("step", [1, 7])
def test_a_request_may_come_in_any_pieces(step: int) -> None:
    """A request that dribbles in is the same request."""
    wire = Wire()
    data = get("/echo", method="POST", body=b"slowly") + get("/records/9")
    for start in range(0, len(data), step):
        wire.receive(data[start : start + step])

    echo = Answer(wire.take())
    assert echo.body == b"slowly"
    assert Answer(echo.rest).json()["id"] == 9


@pytest.mark.parametrize("target", ["/records/1", "/drip", "/gzip"])
def test_connection_close_is_obeyed(target: str) -> None:
    """A client that asks to close gets its answer, says who closes, and then the end; what it sends later is not read."""
    wire = Wire()
    wire.receive(get(target, "Connection: close") + get("/records/2"))
    wire.loop.pass_time(1)
    wire.receive(get("/records/3"))

    answer = Answer(wire.take())
    assert (answer.status, answer.headers["connection"], answer.rest, wire.open) == (200, "close", b"", False)


def test_http_1_0_gets_no_chunks_and_no_100() -> None:
    """A client of HTTP/1.0 gets a body that ends with the connection, without Transfer-Encoding, and no interim response."""
    answer = ask(b"GET /drip?pieces=3 HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")

    assert (answer.status, answer.body) == (200, BLOCK[:1] * 3)
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"


def test_http_1_0_may_keep_the_connection() -> None:
    """A client of HTTP/1.0 that asks for keep-alive may go on after an answer of known length."""
    wire = Wire()
    wire.receive(get("/records/1", "Connection: keep-alive", version="1.0") * 2)

    assert Answer(Answer(wire.take()).rest).status == 200


def test_expect_is_answered_before_the_body() -> None:
    """100 Continue is sent when the head is there, and the answer after the body."""
    wire = Wire()
    request = get("/echo", "Expect: 100-continue", method="POST", body=b"body")
    wire.receive(request[:-4])
    assert wire.take() == b"HTTP/1.1 100 Continue\r\n\r\n"

    wire.receive(b"body")
    assert Answer(wire.take()).body == b"body"


def test_expect_is_left_unanswered_inside_an_earlier_reply() -> None:
    """No interim response breaks into a reply that is on its way."""
    wire = Wire()
    wire.receive(get("/drip") + get("/echo", "Expect: 100-continue", method="POST", body=b"body"))
    wire.loop.pass_time(1)

    drip = Answer(wire.take())
    assert Answer(drip.rest).body == b"body"


def test_upgrade_is_ignored() -> None:
    """A request that offers another protocol is answered in this one, and the connection closes."""
    wire = Wire()
    wire.receive(get("/records/1", "Connection: Upgrade", "Upgrade: websocket") + b"\x81\x00")

    answer = Answer(wire.take())
    assert (answer.json()["id"], answer.headers["connection"], wire.open) == (1, "close", False)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_malformed_request_is_a_400_and_the_end(data: bytes) -> None:
    """What is no request is a 400; the connection stays open for reading until the client has seen it, then closes."""
    wire = Wire()
    wire.receive(data)

    answer = Answer(wire.take())
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert "malformed" in answer.json()["error"]
    wire.receive(get("/records/1"))
    assert (wire.take(), wire.eof_written, wire.open, wire.reading) == (b"", True, True, True)
    wire.loop.pass_time(demo_server.LINGER)
    assert not wire.open


def test_a_refusal_closes_at_once_where_one_side_cannot_close_alone() -> None:
    """Over TLS there is no half-closed connection: the transport flushes and closes."""
    wire = Wire(can_write_eof=False)
    wire.receive(b"nonsense\r\n\r\n")

    assert (Answer(wire.take()).status, wire.open) == (400, False)


def test_a_malformed_request_waits_for_the_replies_before_it() -> None:
    """The 400 comes after the answers that are owed."""
    wire = Wire()
    wire.receive(get("/delay/10") + b"nonsense\r\n\r\n")
    wire.loop.pass_time(0.01)

    first = Answer(wire.take())
    assert (first.status, Answer(first.rest).status) == (200, 400)


def test_a_long_head_is_refused() -> None:
    """A head without end is a 431 before it fills the memory."""
    wire = Wire()
    wire.receive(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (3 * demo_server.MAX_HEAD))

    assert (Answer(wire.take()).status, wire.eof_written) == (431, True)


def test_a_long_body_is_refused() -> None:
    """A body over the limit is a 413, whether its length was announced or not."""
    for fields, body in (
        (["Content-Length: 400000"], b"a" * 400_000),
        (["Transfer-Encoding: chunked"], b"1\r\na\r\n" * 60_000),
    ):
        wire = Wire(Demo(max_request=200_000))
        wire.receive(get("/echo", *fields, method="POST") + body)

        assert (Answer(wire.take()).status, wire.eof_written) == (413, True)


def test_bodies_up_to_the_limit_are_taken() -> None:
    """The limit is on each request, not on the connection."""
    wire = Wire(Demo(max_request=200_000))
    wire.receive(get("/echo", method="POST", body=b"a" * 150_000) * 3)

    assert wire.take().count(b"HTTP/1.1 200") == 3


def test_a_route_that_fails_is_a_500() -> None:
    """An error in a route is a 500 that names it, and the connection goes on."""

    def fail(*_: object) -> Reply:
        raise LookupError("lost")

    answer = ask(get("/"), Demo(respond=fail))

    assert (answer.status, answer.headers["connection"]) == (500, "keep-alive")
    assert "LookupError: lost" in answer.json()["error"]


def test_close_gives_no_byte() -> None:
    """`/close` ends the connection before any answer."""
    wire = Wire()
    wire.receive(get("/close"))

    assert (wire.take(), wire.aborted) == (b"", True)


def test_half_gives_half() -> None:
    """`/half` announces more than it gives, and closes."""
    wire = Wire()
    wire.receive(get("/half"))

    head, _, body = wire.take().partition(b"\r\n\r\n")
    assert b"Content-Length: 1000" in head
    assert (len(body), wire.open) == (500, False)


# Pace and back-pressure.


def test_tokens_come_at_their_pace() -> None:
    """The head and the first token come at once, and each other token after its delay."""
    wire = Wire()
    wire.receive(chat(stream=True, delay_ms=20))
    assert wire.take().count(b"data: ") == 1

    wire.loop.pass_time(0.019)
    assert wire.take() == b""
    wire.loop.pass_time(0.001)
    assert wire.take().count(b"data: ") == 1
    wire.loop.pass_time(0.1)
    assert wire.take().count(b"data: ") == 5


def test_tokens_without_delay_come_in_no_time() -> None:
    """With a delay of 0, in the body or in the query, the whole answer is written without time passing."""
    for request in (
        chat(stream=True, delay_ms=0),
        get("/v1/chat/completions?delay_ms=0", method="POST", body=b'{"stream": true}'),
    ):
        wire = Wire()
        wire.receive(request)
        wire.loop.pass_time(0)
        assert wire.take().endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_a_delay_is_kept() -> None:
    """`/delay/250` answers after 250 ms, not before."""
    wire = Wire()
    wire.receive(get("/delay/250"))
    wire.loop.pass_time(0.249)
    assert wire.take() == b""
    wire.loop.pass_time(0.001)
    assert Answer(wire.take()).json() == {"delay_ms": 250}


def test_latency_costs_two_round_trips_on_a_fresh_connection_and_one_on_a_reused_one() -> None:
    """The first reply comes two round trips after the connection was accepted, the next one a round trip after its request."""
    wire = Wire(Demo(latency=0.05))
    wire.receive(get("/records/1"))
    wire.loop.pass_time(0.099)
    assert wire.take() == b""
    wire.loop.pass_time(0.001)
    assert Answer(wire.take()).status == 200

    wire.receive(get("/records/2"))
    wire.loop.pass_time(0.049)
    assert wire.take() == b""
    wire.loop.pass_time(0.001)
    assert Answer(wire.take()).status == 200


def test_latency_of_the_handshake_passes_while_the_client_is_silent() -> None:
    """A request that comes late on a fresh connection waits one round trip: the handshake is over by then."""
    wire = Wire(Demo(latency=0.05))
    wire.loop.pass_time(1)
    wire.receive(get("/records/1"))
    wire.loop.pass_time(0.05)

    assert Answer(wire.take()).status == 200


def test_a_reader_that_stalls_stops_the_download() -> None:
    """Nothing is written while the transport is full, and all of it comes once the reader goes on."""
    size = 50 * len(BLOCK)
    wire = Wire(capacity=3 * len(BLOCK))
    wire.receive(get(f"/download/{size}"))
    wire.loop.pass_time(1)
    stalled = len(wire.written)

    received = b""
    while piece := wire.take():
        received += piece
        wire.connection.resume_writing()
        wire.loop.pass_time(1)
    answer = Answer(received)
    assert stalled < 5 * len(BLOCK)
    assert hashlib.sha256(answer.body).hexdigest() == answer.headers["x-checksum-sha256"]
    assert wire.reading


def test_a_stall_between_two_pieces_waits_for_both_the_reader_and_the_pace() -> None:
    """When the reader goes on before the next piece is due, the piece still comes at its time."""
    wire = Wire()
    wire.receive(get("/drip?pieces=2&delay_ms=100"))
    wire.take()
    wire.connection.pause_writing()
    wire.connection.resume_writing()
    assert wire.take() == b""

    wire.connection.pause_writing()
    wire.loop.pass_time(0.1)
    assert wire.take() == b""
    wire.connection.resume_writing()
    wire.loop.pass_time(0)
    assert wire.take().startswith(b"1\r\n")


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    """While replies pile up, no further requests are taken."""
    wire = Wire(capacity=1)
    wire.receive(get("/records/1"))
    assert not wire.reading

    wire.take()
    wire.connection.resume_writing()
    assert wire.reading


def test_other_connections_have_their_turn_during_a_download() -> None:
    """A download gives way after some pieces, even to a reader that takes everything."""
    wire = Wire()
    wire.receive(get(f"/download/{100 * len(BLOCK)}"))

    assert len(wire.take()) < 20 * len(BLOCK)


def test_a_lost_connection_stops_its_timers() -> None:
    """When the client has gone, nothing more is written and no timer stays armed."""
    for target in ("/drip", "/delay/100"):
        wire = Wire()
        wire.receive(get(target) + get("/records/1"))
        wire.take()
        wire.connection.connection_lost(None)
        wire.loop.pass_time(10)
        assert wire.take() == b""

    Wire().connection.connection_lost(None)


# Real sockets.


def test_it_serves_over_a_socket(nothing_leaks: None) -> None:
    """Over a real socket a download of several megabytes is whole, and a refused upload can read why."""

    async def run() -> tuple[bytes, bytes]:
        demo = Demo(max_request=1_000_000)
        server = await listen(demo)
        port = server.sockets[0].getsockname()[1]
        answers: list[bytes] = []
        for request in (
            get("/download/5000000", "Connection: close"),
            get("/echo", "Content-Length: 3000000", method="POST") + b"a" * 3_000_000,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answers.append(await reader.read(-1))
            writer.close()
        server.close()
        demo.abort()
        await server.wait_closed()
        return answers[0], answers[1]

    download, refused = asyncio.run(run())

    answer = Answer(download)
    assert hashlib.sha256(answer.body).hexdigest() == answer.headers["x-checksum-sha256"]
    assert Answer(refused).status == 413


def fetch(url: str, request: bytes, context: ssl.SSLContext | None = None) -> Answer:
    """Send a request to a server of another process."""
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        stream = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        with stream:
            stream.sendall(request)
            received = b""
            while piece := stream.recv(65536):
                received += piece
    return Answer(received)


def test_a_subprocess_serves_until_it_is_closed(nothing_leaks: None) -> None:
    """`DemoServer` is ready when it has a URL, serves, and is gone after `close()`, which may be called twice."""
    with DemoServer() as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        assert fetch(server.url, get("/records/3", "Connection: close")).json()["id"] == 3
    server.close()

    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_subprocess_serves_https(tmp_path: Path) -> None:
    """With a certificate and its key the URL is https, and ALPN offers http/1.1."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    context = ssl.create_default_context()
    authority.configure_trust(context)

    with DemoServer(tls=(str(chain), str(key))) as server:
        assert server.url.startswith("https://127.0.0.1:")
        answer = fetch(server.url, get("/download/300000", "Connection: close"), context)

    assert hashlib.sha256(answer.body).hexdigest() == answer.headers["x-checksum-sha256"]


def test_a_subprocess_that_cannot_start_says_so(nothing_leaks: None) -> None:
    """A port that is taken is a RuntimeError with the exit status, and leaves nothing behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(RuntimeError, match="did not start: exit status"):
            DemoServer(port=taken.getsockname()[1])


def test_a_subprocess_that_hangs_is_killed() -> None:
    """A server that does not react to the end of its input is killed in the end."""
    server = DemoServer()
    os.kill(server.pid, signal.SIGSTOP)
    server.close(patience=0.01)

    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def answers(port: int) -> bool:
    try:
        # The delay gives a server that is about to end the time to do so.
        return fetch(f"http://127.0.0.1:{port}", get("/delay/5", "Connection: close")).status == 200
    except (ConnectionError, IndexError):
        return False


def test_no_orphan_outlives_its_parent() -> None:
    """When the process that made it dies without a word, the server ends (or this test never does)."""
    script = "import os; from borzoi.cli.demo_server import DemoServer; print(DemoServer().url, flush=True); os.kill(os.getpid(), 9)"
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    port = int(parent.stdout.strip().rpartition(":")[2])

    assert parent.returncode == -signal.SIGKILL
    while answers(port):
        assert parent.stderr == ""


# The command.


class Stdin:
    """A pipe as the standard input of the command, whose other end the test holds."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def fileno(self) -> int:
        return self.reading

    def end(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stdin]:
    pipe = Stdin()
    monkeypatch.setattr(sys, "stdin", pipe)
    yield pipe
    pipe.end()
    for thread in threading.enumerate():
        if thread.name == "borzoi-demo-stdin":
            thread.join(20)
    os.close(pipe.reading)


def test_the_command_prints_its_url_and_ends_with_its_input(stdin: Stdin, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says where it listens in one line, and ends with status 0 when its input does."""
    stdin.end()

    assert main(["--latency-ms", "1"]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_with_a_signal(stdin: Stdin, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """A signal to end, once it serves, ends it with status 0 and without a traceback; its connections are dropped."""

    class SignalAndConnect(io.StringIO):
        def flush(self) -> None:
            self.client = socket.create_connection(("127.0.0.1", int(self.getvalue().rpartition(":")[2])))
            signal.raise_signal(number)

    out = SignalAndConnect()
    monkeypatch.setattr(sys, "stdout", out)

    assert main([]) == 0
    with out.client:
        pass


def test_the_command_runs_on_asyncio_where_there_is_no_uvloop(
    stdin: Stdin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """uvloop makes it faster, and nothing depends on it."""
    stdin.end()
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert main([]) == 0
    assert capsys.readouterr().out.startswith("http://")


def test_only_pipes_and_sockets_are_watched(tmp_path: Path) -> None:
    """The end of a pipe is told, on another thread, after all bytes before it; a file at its end, or /dev/null, is no end."""
    file = tmp_path / "empty"
    file.touch()
    for path in (file, Path(os.devnull)):
        with path.open() as stream:
            assert not watch_pipe(stream.fileno(), pytest.fail)

    closed = threading.Event()
    ours, theirs = socket.socketpair()
    with ours:
        assert watch_pipe(ours.fileno(), closed.set)
        theirs.sendall(b"ignored")
        theirs.close()
        assert closed.wait(20)


def test_options_are_read() -> None:
    """The options have the defaults that the text of the command promises."""
    assert vars(demo_server.parse([])) == {"port": 0, "tls": None, "latency_ms": 0.0}
    assert vars(demo_server.parse(["--port", "1", "--tls", "c", "k", "--latency-ms", "2.5"])) == {
        "port": 1,
        "tls": ["c", "k"],
        "latency_ms": 2.5,
    }
