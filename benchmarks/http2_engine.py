"""Measure our HTTP/2 engine beside h2 and jh2, without a network, and print ratios.

    python -m benchmarks.http2_engine [--rounds N]

Each engine opens streams in batches and is given what a server answered, recorded once from h2: a body of 78 bytes,
five header fields. The engines take turns; a figure is the median, over the rounds, of CPU time for each exchange, and
of ours divided by theirs in the same round. jh2 is measured where it is installed (the group `bench`).
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection

from borzoi._values.headers import HeaderBlock
from borzoi._wire.http2 import Http2
from borzoi._wire.http2_frames import DATA, END_STREAM, encode_frame, encode_headers

EXCHANGES = 1024
BODY = b'{"id": 12345, "name": "borzoi", "tags": ["fast", "sleek"], "ok": true, "n": 9}'
UPLOAD = b"x" * 1024

FIELDS = [
    (b"Host", b"api.example.org"),
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
    (b"Connection", b"keep-alive"),
    (b"User-Agent", b"python-borzoi/0.1.0"),
]

Recorded = tuple[bytes, list[bytes]]


class Work:
    """One row: how many streams at once, and what makes one exchange differ from the next."""

    def __init__(
        self,
        title: str,
        batch: int,
        *,
        unique: bool = False,
        new_path: bool = False,
        body: bool = False,
        adds: bool = False,
    ) -> None:
        self.title = title
        self.batch = batch
        self.unique = unique
        self.adds = adds
        self.new_path = new_path
        self.method = "POST" if body else "GET"
        self.upload = UPLOAD if body else b""

    def path(self, number: int) -> bytes:
        """Return the path of an exchange."""
        return b"/items/%d" % (number if self.new_path else 1)

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of a request as HTTP/1 writes them."""
        return [*FIELDS, (b"Content-Length", b"%d" % len(self.upload))] if self.upload else FIELDS

    def answer(self, number: int) -> list[tuple[str, str]]:
        """Return the head of a response."""
        head = [
            (":status", "200"),
            ("server", "nginx"),
            ("date", "Mon, 22 Nov 2026 22:48:03 GMT"),
            ("content-type", "application/json"),
            ("content-length", str(len(BODY))),
            ("vary", "accept-encoding"),
        ]
        return [*head, ("x-request-id", f"{number * 7919:032x}")] if self.unique else head


WORKS = [
    Work("64 at once", 64),
    Work("1 at once", 1),
    Work("64 at once, a new path each", 64, new_path=True),
    Work("64 at once, a new field in each answer", 64, unique=True),
    Work("64 at once, 1 KiB uploaded", 64, body=True),
    Work("64 at once, answers as nginx writes them", 64, adds=True),
]


def record(work: Work) -> Recorded:
    """Let h2 answer requests; return its preface, and its answers batch by batch."""
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    server.update_settings({3: 1000, 4: 2**24})
    server.initiate_connection()
    server.increment_flow_control_window(2**30)
    client = Http2()
    server.receive_data(client.data_to_send())
    preface = server.data_to_send()
    client.receive(preface)
    starts = range(0, EXCHANGES, work.batch)
    return preface, [_answer(work, server, client, range(first, first + work.batch)) for first in starts]


def _answer(work: Work, server: Any, client: Http2, numbers: range) -> bytes:
    block = HeaderBlock(work.fields())
    for number in numbers:
        stream = client.open(work.method, work.path(number), block)
        client.send(stream, work.upload)
        server.receive_data(client.data_to_send())
        server.send_headers(stream.id, work.answer(number))
        server.send_data(stream.id, BODY, end_stream=True)
    answers: bytes = server.data_to_send()
    if work.adds:
        answers = b"".join([_answer_of_nginx(work, stream) for stream in client.streams])
    for stream in client.receive(answers):
        if not stream.complete or client.take(stream) != [BODY]:
            raise RuntimeError(f"{stream!r} was not answered")
    return answers


def _answer_of_nginx(work: Work, stream: int) -> bytes:
    """Return an answer whose fields go into the table each time, and are never referred to (RFC 7541, 6.2.1)."""
    names = {"server": 54, "date": 33, "content-type": 31, "content-length": 28, "vary": 59}
    block = b"\x88" + b"".join(
        [bytes((0x40 | names[name], len(value))) + value.encode() for name, value in work.answer(0)[1:]]
    )
    return encode_headers(stream, block, end_stream=False) + encode_frame(DATA, END_STREAM, stream, BODY)


def run_ours(work: Work, recorded: Recorded) -> float:
    """Return the CPU time of all exchanges over our engine."""
    preface, batches = recorded
    client = Http2()
    client.receive(preface)
    client.data_to_send()
    block = HeaderBlock(work.fields())
    number = done = 0
    began = time.process_time()
    for answers in batches:
        for _ in range(work.batch):
            stream = client.open(work.method, work.path(number), block)
            if work.upload:
                client.send(stream, work.upload)
            number += 1
        client.data_to_send()
        for stream in client.receive(answers):
            client.take(stream)
            done += stream.complete
    elapsed = time.process_time() - began
    if done != EXCHANGES:
        raise RuntimeError(f"{done} of {EXCHANGES} exchanges were whole")
    return elapsed


def run_theirs(package: str) -> Callable[[Work, Recorded], float]:
    """Return the same for h2 or a package with its interface."""
    connection, config, events = (
        importlib.import_module(f"{package}.{name}") for name in ("connection", "config", "events")
    )

    def run(work: Work, recorded: Recorded) -> float:
        preface, batches = recorded
        client = connection.H2Connection(config.H2Configuration(client_side=True))
        client.initiate_connection()
        client.increment_flow_control_window(2**24)
        client.receive_data(preface)
        client.data_to_send()
        fields = [(name.lower(), value) for name, value in work.fields()[1:] if name != b"Connection"]
        number = done = 0
        began = time.process_time()
        for answers in batches:
            for _ in range(work.batch):
                _ask(client, work, number, fields)
                number += 1
            client.data_to_send()
            for event in client.receive_data(answers):
                if isinstance(event, events.DataReceived):
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                done += isinstance(event, events.StreamEnded)
        elapsed = time.process_time() - began
        if done != EXCHANGES:
            raise RuntimeError(f"{done} of {EXCHANGES} exchanges were whole")
        return elapsed

    return run


def _ask(client: Any, work: Work, number: int, fields: list[tuple[bytes, bytes]]) -> None:
    stream = client.get_next_available_stream_id()
    pseudo = [
        (b":method", work.method.encode()),
        (b":scheme", b"https"),
        (b":authority", b"api.example.org"),
        (b":path", work.path(number)),
    ]
    client.send_headers(stream, pseudo + fields, end_stream=not work.upload)
    if work.upload:
        client.send_data(stream, work.upload, end_stream=True)


def engines() -> dict[str, Callable[[Work, Recorded], float]]:
    """Return the engines that are installed, ours first."""
    found = {"borzoi": run_ours, "h2": run_theirs("h2")}
    try:
        found["jh2"] = run_theirs("jh2")
    except ImportError:
        print("jh2 is not installed: pip install jh2")
    return found


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http2_engine", description="Measure HTTP/2 engines.")
    parser.add_argument("--rounds", type=int, default=7, help="how often each engine has its turn")
    rounds = parser.parse_args().rounds

    found = engines()
    peers = [name for name in found if name != "borzoi"]
    print(f"| CPU for each exchange | us | {' | '.join(f'{name} us | ratio' for name in peers)} |")
    print(f"|---|---|{'---|---|' * len(peers)}")
    for work in WORKS:
        recorded = record(work)
        times: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(rounds):
            for name, run in found.items():
                times[name].append(run(work, recorded))
        cells = [f"{statistics.median(times['borzoi']) / EXCHANGES * 1e6:.1f}"]
        for name in peers:
            ratio = statistics.median(ours / theirs for ours, theirs in zip(times["borzoi"], times[name], strict=True))
            cells += [f"{statistics.median(times[name]) / EXCHANGES * 1e6:.0f}", f"{ratio:.3f}"]
        print(f"| {work.title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
