"""`borzoi demo`: Borzoi at its job, against a local API that is started for it.

Records fetched many at a time in each world, a large download with its bar and checksum, an answer streamed token by
token, what pooling is worth, and a typed client made from the API's own document. Every figure is measured in this run.
The exit status is 1 if anything that Borzoi did was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import borzoi

from .demo_clients import CONTENDERS, Contender, Measured, measure
from .demo_openapi import show_generated_client
from .demo_routes import ANSWER
from .demo_server import DemoServer
from .demo_table import Paper

ROUND_TRIP_MS = 50
"""The simulated round trip under which pooling is measured."""

MIB = 1 << 20


class Size:
    """Say how much the demo does."""

    __slots__ = ("download", "pace_ms", "records", "trips")

    def __init__(self, records: int, download: int, pace_ms: int, trips: int) -> None:
        self.records = records
        self.download = download
        self.pace_ms = pace_ms
        self.trips = trips


FULL = Size(records=2000, download=64 * MIB, pace_ms=20, trips=10)
QUICK = Size(records=128, download=2 * MIB, pace_ms=1, trips=2)


class Demo:
    """Run the sections one after the other, and collect what went wrong."""

    def __init__(self, url: str, size: Size, paper: Paper) -> None:
        self.url = url
        self.size = size
        self.paper = paper
        self.measured: list[Measured] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        """Run all sections."""
        self.paper.line(f"borzoi {borzoi.__version__}, against a local API at {self.url}")
        self.fetch_records()
        self.download()
        self.stream_answer()
        self.show_pooling()
        self.wrong += show_generated_client(self.url, self.paper)

    # 1. Records.

    def fetch_records(self) -> None:
        """Fetch the records with all that is installed, and show what each took."""
        self.paper.heading(f"1. {self.size.records:,} records, 78 bytes of JSON each, in each world")
        # It keeps its one connection, so it adds none to those that it counts.
        with borzoi.Client(limits=borzoi.Limits(keepalive_expiry=None), trust_env=False) as probe:
            for contender in CONTENDERS:
                if contender.is_installed():
                    self._measure(contender, probe)
        self.paper.table(
            ("client", "how", "requests", "per second", "CPU us", "opened", "failed"),
            [row(measured) for measured in self.measured],
            words=2,
        )

        missing = sorted({name for contender in CONTENDERS if not contender.is_installed() for name in contender.needs})
        if missing:
            self.paper.line(f"  Not installed, so not measured: {', '.join(missing)}.")
        if len({measured.requests for measured in self.measured}) > 1:
            self.paper.line("  The others fetch half as many, so that the demo is over soon.")
        self.paper.line("  CPU us: microseconds of the processor for each request, of the client's process alone.")
        self.paper.line("  opened: connections, as the server counted them.")
        for measured in self.measured:
            self._judge(measured)

    def _measure(self, contender: Contender, probe: borzoi.Client) -> None:
        try:
            count = self.size.records if contender.library == "borzoi" else self.size.records // 2
            measured = measure(contender, self.url, count, lambda: connections(probe, self.url))
        except Exception as error:  # noqa: BLE001 - the other libraries are to be measured still
            self._fail(contender.library, f"{contender.world}: {type(error).__name__}: {error}")
        else:
            self.measured.append(measured)

    def _judge(self, measured: Measured) -> None:
        failures = measured.failures
        if failures:
            self._fail(measured.library, f"{measured.world}: {len(failures)} records failed, the first: {failures[0]}")

    def _fail(self, library: str, why: str) -> None:
        # What another library does wrong is shown, and is no fault of ours.
        self.paper.line(f"  {library}, {why}")
        if library == "borzoi":
            self.wrong.append(why)

    # 2. A download.

    def download(self) -> None:
        """Download a file with a bar, and check it."""
        self.paper.heading(f"2. A download of {self.size.download // MIB} MiB, saved to a file and checked")
        with (
            tempfile.TemporaryDirectory() as folder,
            borzoi.Client(trust_env=False) as client,
            client.stream("GET", f"{self.url}/download/{self.size.download}", progress="download") as response,
        ):
            began = time.perf_counter()
            path, size = response.raise_for_status().save(Path(folder) / "download.bin")
            took = time.perf_counter() - began
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()

        announced = response.headers["X-Checksum-SHA256"]
        self.paper.line(f"  {size:,} bytes in {took:.2f} s, {size / took / MIB:.0f} MiB/s, to the disk")
        self.paper.line(f"  SHA-256 {found[:16]}..., {'as' if found == announced else 'NOT as'} announced")
        if (found, size) != (announced, self.size.download):
            self.wrong.append("the download is not what was announced")

    # 3. An answer, token by token.

    def stream_answer(self) -> None:
        """Print an answer while it is written, and check it."""
        self.paper.heading("3. An answer as a language model gives it, token by token")
        text, tokens, first, whole = asyncio.run(self._stream_answer())

        self.paper.line(
            f"  {tokens} tokens; the first after {first * 1000:.0f} ms, the last after {whole * 1000:.0f} ms"
        )
        if text != ANSWER or tokens != len(ANSWER.split()):
            self.wrong.append("the streamed answer is not whole")

    async def _stream_answer(self) -> tuple[str, int, float, float]:
        question = {"model": "demo", "stream": True, "delay_ms": self.size.pace_ms}
        timeout = borzoi.Timeout(10, read=60, total=300)
        pieces: list[str] = []
        first = 0.0
        began = time.perf_counter()

        self.paper.write("  ")
        async with (
            borzoi.AsyncClient(timeout=timeout, trust_env=False) as client,
            client.stream("POST", f"{self.url}/v1/chat/completions", json=question) as response,
        ):
            response.raise_for_status()
            async for token in tokens_of(response):
                first = first or time.perf_counter() - began
                pieces.append(token)
                self.paper.write(token)
        self.paper.line()
        return "".join(pieces), len(pieces), first, time.perf_counter() - began

    # 4. What pooling is worth.

    def show_pooling(self) -> None:
        """Compare a fresh connection for each request with one that is kept."""
        self.paper.heading(f"4. Fresh against reused connections, under a simulated round trip of {ROUND_TRIP_MS} ms")
        with DemoServer(latency_ms=ROUND_TRIP_MS) as server:
            fresh, fresh_opened = self._trips(server.url, {"Connection": "close"})
            reused, reused_opened = self._trips(server.url, {})
        self.paper.table(
            ("connections", "requests", "opened", "ms/request"),
            [
                ("fresh for each", str(self.size.trips), str(fresh_opened), f"{fresh * 1000:.1f}"),
                ("one, reused", str(self.size.trips), str(reused_opened), f"{reused * 1000:.1f}"),
            ],
        )
        self.paper.line(f"  Keeping connections made these requests {fresh / reused:.1f} times as fast.")

    def _trips(self, url: str, headers: dict[str, str]) -> tuple[float, int]:
        """Return the seconds that a request took, and the connections opened for them."""
        with (
            borzoi.Client(limits=borzoi.Limits(keepalive_expiry=None), trust_env=False) as probe,
            borzoi.Client(headers=headers, trust_env=False) as client,
        ):
            before = connections(probe, url)
            began = time.perf_counter()
            for number in range(self.size.trips):
                record = client.get(f"{url}/records/{number}").raise_for_status().json()
                if record["id"] != number:
                    self.wrong.append(f"record {number} is another: {record}")
            took = time.perf_counter() - began
            return took / self.size.trips, connections(probe, url) - before


def row(measured: Measured) -> tuple[str, ...]:
    """Return one line of the table."""
    return (
        measured.library,
        measured.world,
        f"{measured.requests:,}",
        f"{measured.per_second:,.0f}",
        f"{measured.cpu_us:.0f}",
        str(measured.connections),
        str(len(measured.failures)),
    )


def connections(probe: borzoi.Client, url: str) -> int:
    """Ask the server how many connections it has accepted so far."""
    count: int = probe.get(f"{url}/connections").raise_for_status().json()["connections"]
    return count


async def tokens_of(response: borzoi.Response) -> AsyncIterator[str]:
    """Yield the tokens of a streamed completion: Server-Sent Events, each line of them `data: {...}`."""
    async for line in response.aiter_lines():
        if not line.startswith("data: ") or line == "data: [DONE]":
            continue
        token = json.loads(line[6:])["choices"][0]["delta"].get("content")
        if token:
            yield token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--quick", action="store_true", help="do less of each, in a few seconds")
    parser.add_argument("--serve", action="store_true", help="keep the local API up until Ctrl-C, and do nothing else")
    parser.add_argument("--port", type=int, default=8000, help="where --serve listens; 0 for a free port (8000)")


def main(options: argparse.Namespace) -> int:
    """Run the demo, and return the exit status."""
    if options.serve:
        from .demo_serve import serve

        return serve(options.port)

    paper = Paper()
    began = time.perf_counter()
    with DemoServer() as server:
        demo = Demo(server.url, QUICK if options.quick else FULL, paper)
        demo.run()

    paper.heading(f"{'Wrong' if demo.wrong else 'All as it should be'}, after {time.perf_counter() - began:.1f} s")
    for wrong in demo.wrong:
        paper.line(f"  {wrong}")
    return 1 if demo.wrong else 0
