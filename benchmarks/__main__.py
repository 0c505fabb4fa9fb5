"""Measure Borzoi and its peers, and print ratios.

    python -m benchmarks [--short] [--rounds N] [--only WORDS]

Every row is a kind of work. The clients take turns, round after round, each in a process of its own pinned to one core,
the server pinned to another. A figure is the median, over the rounds, of our CPU time for each request divided by the
peer's in the same round: below 1 we use less. Results go to benchmarks/results.json and benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .server import Server, pinned

HERE = Path(__file__).parent


@dataclass
class Work:
    """One row: a world, a path, how many in flight, and who takes part."""

    title: str
    world: str
    path: str
    in_flight: int
    requests: int
    clients: list[str]
    tls: bool = False
    cpu_us: dict[str, list[float]] = field(default_factory=dict)
    per_second: dict[str, list[float]] = field(default_factory=dict)


LOOP_PEERS = ["borzoi", "aiohttp", "pyreqwest", "wreq", "httpx"]
BLOCKING_PEERS = ["borzoi", "pycurl", "pyreqwest", "wreq", "httpx"]
HTTP2_PEERS = ["borzoi", "pyreqwest", "wreq", "httpx"]


def all_work() -> list[Work]:
    """Return every row."""
    rows = [Work(f"asyncio, {width} in flight", "asyncio", "/small", width, 4000, LOOP_PEERS) for width in (1, 64, 256)]
    rows += [
        Work("uvloop, 64 in flight", "uvloop", "/small", 64, 4000, ["borzoi", "aiohttp", "pyreqwest", "wreq"]),
        Work("trio, 64 in flight", "trio", "/small", 64, 4000, ["borzoi", "httpx"]),
        Work("asyncio, 64 in flight, TLS", "asyncio", "/small", 64, 4000, LOOP_PEERS, tls=True),
        *(
            Work(
                f"asyncio, {width} in flight, HTTP/2 over TLS",
                "asyncio-http2",
                "/small",
                width,
                4000,
                HTTP2_PEERS,
                tls=True,
            )
            for width in (1, 64)
        ),
        Work("asyncio, 64 in flight, 10 KiB", "asyncio", "/10k", 64, 4000, LOOP_PEERS),
        Work("asyncio, 1 in flight, 64 MiB", "asyncio", "/64m", 1, 8, LOOP_PEERS),
        Work("blocking, 1 thread", "blocking", "/small", 1, 4000, BLOCKING_PEERS),
        Work("blocking, 8 threads", "blocking", "/small", 8, 4000, ["borzoi", "pyreqwest", "wreq", "httpx"]),
        Work("blocking, 1 thread, TLS", "blocking", "/small", 1, 4000, BLOCKING_PEERS, tls=True),
    ]
    return rows


SHORT = {"asyncio, 64 in flight", "blocking, 1 thread"}


def measure(work: Work, server: Server, core: int | None, rounds: int) -> None:
    """Let the clients take turns."""
    base = server.tls_url if work.tls else server.url
    if work.world == "asyncio-http2":
        base = server.http2_url
    # httpx is measured with fewer requests: its pool is quadratic, and it is here for information.
    for _ in range(rounds):
        for client in work.clients:
            requests = max(work.in_flight, work.requests // 8) if client == "httpx" else work.requests
            command = [sys.executable, "-m", "benchmarks.worker", client, work.world, base + server.paths[work.path]]
            command += [str(requests), str(work.in_flight)]
            command += [server.ca] if work.tls else []
            done = subprocess.run(
                pinned(command, core), capture_output=True, text=True, timeout=120, cwd=HERE.parent, check=False
            )
            lines = done.stdout.strip().splitlines()
            if not lines:
                reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
                print(f"    {client} failed: {reason[0]}", file=sys.stderr)
                continue
            result = json.loads(lines[-1])
            work.cpu_us.setdefault(client, []).append(result["cpu_us"])
            work.per_second.setdefault(client, []).append(result["per_second"])


def ratios(work: Work) -> dict[str, float]:
    """Return our CPU time over each peer's: the median over the rounds."""
    ours = work.cpu_us.get("borzoi", [])
    return {
        client: statistics.median(mine / theirs for mine, theirs in zip(ours, figures, strict=False))
        for client, figures in work.cpu_us.items()
        if client != "borzoi" and ours
    }


def table(rows: list[Work], server: str, rounds: int) -> str:
    """Return the results as Markdown."""
    names = ["aiohttp", "pyreqwest", "wreq", "pycurl", "httpx"]
    lines = [
        f"Our CPU time for each request over the peer's (below 1: we use less); median of {rounds} rounds in turns.",
        f"Python {platform.python_version()}, {server} on loopback, client and server on a core each.",
        "",
        "| work | us CPU | req/s | " + " | ".join(f"/ {name}" for name in names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for work in rows:
        found = ratios(work)
        own = statistics.median(work.cpu_us.get("borzoi", [float("nan")]))
        speed = statistics.median(work.per_second.get("borzoi", [float("nan")]))
        cells = [f"{found[name]:.2f}" if name in found else "" for name in names]
        lines.append(f"| {work.title} | {own:.1f} | {speed:,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Borzoi and its peers.")
    parser.add_argument("--short", action="store_true", help="two rows, three rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=7, help="how often each client has its turn")
    parser.add_argument("--only", default="", help="only the rows whose title contains this")
    arguments = parser.parse_args()

    rounds = min(arguments.rounds, 3) if arguments.short else arguments.rounds
    rows = [work for work in all_work() if arguments.only in work.title]
    if arguments.short:
        rows = [work for work in rows if work.title in SHORT]

    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    server_core, client_core = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    with Server(server_core) as server:
        for work in rows:
            if work.world == "asyncio-http2" and not server.http2_url:
                print(f"  {work.title}: {server.name} does not speak it", file=sys.stderr)
                continue
            print(f"  {work.title} ...", file=sys.stderr)
            measure(work, server, client_core, rounds)
        text = table(rows, server.name, rounds)
    print(text)
    if any("borzoi" not in work.cpu_us for work in rows if work.world != "asyncio-http2" or server.http2_url):
        raise SystemExit("Borzoi itself failed.")

    if not arguments.short and not arguments.only:
        (HERE / "RESULTS.md").write_text(f"# Results\n\n{text}", encoding="utf-8")
        rounded = json.dumps([asdict(work) for work in rows], indent=1)
        (HERE / "results.json").write_text(rounded + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
